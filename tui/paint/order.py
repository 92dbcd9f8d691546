"""The order of the items within each layer: as few crossings as a few sweeps can find."""

from bisect import bisect_right, insort

from tui.paint.ranks import Layered, Link

SWEEPS = 12
SWAPS = 6


def arrange(graph: Layered) -> None:
    """Reorder the layers in place so that few links cross; the same graph gives the same order.

    Barycentre sweeps in turn rightwards and leftwards, of which the best is kept, followed by
    swaps of neighbours while that helps.
    """
    size = graph.items
    left, right = graph.left(size), graph.right(size)
    best = [list(layer) for layer in graph.layers]
    fewest = crossings(graph)
    for sweep in range(SWEEPS):
        if not fewest:
            break
        if sweep % 2:
            _sweep(graph.layers[::-1], right, positions(graph))
        else:
            _sweep(graph.layers, left, positions(graph))
        found = crossings(graph)
        if found < fewest:
            fewest, best = found, [list(layer) for layer in graph.layers]
    for layer, order in zip(graph.layers, best, strict=True):
        layer[:] = order
    if fewest:
        _swap(graph, left, right)


def positions(graph: Layered) -> list[int]:
    """The place of each item within its layer."""
    place = [0] * graph.items
    for layer in graph.layers:
        for index, item in enumerate(layer):
            place[item] = index
    return place


def crossings(graph: Layered) -> int:
    """How many pairs of links cross in the present order."""
    place = positions(graph)
    return sum(_crossings(gap, place) for gap in graph.links)


def _crossings(links: list[Link], place: list[int]) -> int:
    ends: list[int] = []
    total = 0
    for _, end in sorted((place[source], place[target]) for source, target, _ in links):
        total += len(ends) - bisect_right(ends, end)
        insort(ends, end)
    return total


def _sweep(layers: list[list[int]], neighbours: list[list[int]], place: list[int]) -> None:
    """Sort each layer after the first by the mean place of its neighbours in the one before."""
    for layer in layers[1:]:
        wish = {
            item: sum(place[other] for other in others) / len(others) if others else place[item]
            for item in layer
            for others in (neighbours[item],)
        }
        layer.sort(key=wish.__getitem__)
        for index, item in enumerate(layer):
            place[item] = index


def _swap(graph: Layered, left: list[list[int]], right: list[list[int]]) -> None:
    """Exchange neighbours within a layer as long as each exchange removes a crossing."""
    place = positions(graph)
    for _ in range(SWAPS):
        improved = False
        for layer in graph.layers:
            for index in range(len(layer) - 1):
                upper, lower = layer[index], layer[index + 1]
                gain = _gain(left[upper], left[lower], place)
                gain += _gain(right[upper], right[lower], place)
                if gain > 0:
                    layer[index], layer[index + 1] = lower, upper
                    place[lower], place[upper] = index, index + 1
                    improved = True
        if not improved:
            return


def _gain(upper: list[int], lower: list[int], place: list[int]) -> int:
    """How many crossings an exchange removes, given the neighbours of both on one side."""
    gain = 0
    for one in upper:
        at = place[one]
        for other in lower:
            gain += (at > place[other]) - (at < place[other])
    return gain
