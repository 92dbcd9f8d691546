"""Rows of a graph picture: where each item and each of its ports stands within its layer."""

from collections.abc import Sequence
from dataclasses import dataclass

from tui.paint.order import positions
from tui.paint.ranks import Layered, Link

SWEEPS = 8
# A bend in the middle of a long line is uglier than one beside a node.
_DUMMY_WEIGHT = 4


@dataclass(slots=True)
class Ports:
    """The row of each link's two ends, counted from the top of the items that it joins."""

    links: list[Link]
    """Sorted from top to bottom at their left ends."""
    leave: list[int]
    arrive: list[int]


def ports(graph: Layered, heights: Sequence[int], inset: int) -> list[Ports]:
    """One port row per link on each side of a node, in the order of the other ends.

    Args:
        heights: text rows per node.
        inset: rows of border above the text; a dummy has neither text nor border.
    """
    place = positions(graph)
    found = []
    for gap in graph.links:
        down = sorted(gap, key=lambda link: (place[link[0]], place[link[1]], link[2]))
        up = sorted(gap, key=lambda link: (place[link[1]], place[link[0]], link[2]))
        leave = _offsets(down, 0, graph.nodes, heights, inset)
        arrive = _offsets(up, 1, graph.nodes, heights, inset)
        found.append(Ports(down, [leave[link] for link in down], [arrive[link] for link in down]))
    return found


def _offsets(
    links: Sequence[Link], side: int, nodes: int, heights: Sequence[int], inset: int
) -> dict[Link, int]:
    """Port rows of links that are sorted by their items on `side`: centred on the text rows."""
    counts: dict[int, int] = {}
    for link in links:
        counts[link[side]] = counts.get(link[side], 0) + 1
    offsets: dict[Link, int] = {}
    used: dict[int, int] = {}
    for link in links:
        item = link[side]
        index = used.get(item, 0)
        used[item] = index + 1
        first = inset + (heights[item] - counts[item]) // 2 if item < nodes else 0
        offsets[link] = first + index
    return offsets


def rows(graph: Layered, gaps: Sequence[Ports], sizes: Sequence[int]) -> list[int]:
    """The top row of each item, such that no two of a layer overlap and most lines are straight.

    Each sweep moves every item to the median of the rows its lines ask for and pools those that
    would then violate the order; the sweep with the straightest lines is kept.

    Args:
        sizes: the rows that each item occupies.
    """
    left, right = _wishes(graph, gaps)
    tops = _stacked(graph, sizes)
    best, least = tops, _bends(gaps, tops)
    for sweep in range(SWEEPS):
        tops = list(tops)
        if sweep % 2:
            for layer in graph.layers[-2::-1]:
                _settle(layer, right, tops, sizes)
        else:
            for layer in graph.layers[1:]:
                _settle(layer, left, tops, sizes)
        cost = _bends(gaps, tops)
        if cost < least:
            best, least = tops, cost
    lowest = min(best, default=0)
    return [top - lowest for top in best]


# For each item: (other item, row of the port there minus row of the port here, weight).
_Wish = tuple[int, int, int]


def _wishes(graph: Layered, gaps: Sequence[Ports]) -> tuple[list[list[_Wish]], list[list[_Wish]]]:
    left: list[list[_Wish]] = [[] for _ in range(graph.items)]
    right: list[list[_Wish]] = [[] for _ in range(graph.items)]
    for gap in gaps:
        for (source, target, _), leave, arrive in zip(
            gap.links, gap.leave, gap.arrive, strict=True
        ):
            inner = source >= graph.nodes and target >= graph.nodes
            weight = _DUMMY_WEIGHT if inner else 1
            left[target].append((source, leave - arrive, weight))
            right[source].append((target, arrive - leave, weight))
    return left, right


def _stacked(graph: Layered, sizes: Sequence[int]) -> list[int]:
    tops = [0] * graph.items
    for layer in graph.layers:
        row = 0
        for item in layer:
            tops[item] = row
            row += sizes[item]
    return tops


def _bends(gaps: Sequence[Ports], tops: Sequence[int]) -> int:
    cost = 0
    for gap in gaps:
        for (source, target, _), leave, arrive in zip(
            gap.links, gap.leave, gap.arrive, strict=True
        ):
            drop = abs(tops[source] + leave - tops[target] - arrive)
            cost += drop + 2 if drop else 0
    return cost


def _settle(
    layer: Sequence[int], wishes: Sequence[list[_Wish]], tops: list[int], sizes: Sequence[int]
) -> None:
    """Move the items of one layer as near as their order allows to where their lines want them.

    Pool adjacent violators: with the heights above subtracted, rows must not decrease; a pool
    takes the weighted median of all wishes in it, which leaves as many lines straight as can be.
    """
    pools: list[tuple[int, int, list[tuple[int, int]]]] = []  # row, items, wishes
    above = 0
    for item in layer:
        wanted = [(tops[other] + shift - above, weight) for other, shift, weight in wishes[item]]
        if not wanted:
            wanted = [(tops[item] - above, 0)]
        count, row = 1, _median(wanted)
        while pools and pools[-1][0] > row:
            _, more, earlier = pools.pop()
            count += more
            wanted = earlier + wanted
            row = _median(wanted)
        pools.append((row, count, wanted))
        above += sizes[item]
    items = iter(layer)
    above = 0
    for row, count, _ in pools:
        for _ in range(count):
            item = next(items)
            tops[item] = row + above
            above += sizes[item]


def _median(wishes: list[tuple[int, int]]) -> int:
    """The weighted lower median; wishes without weight count only among themselves."""
    if len(wishes) == 1:
        return wishes[0][0]
    half = sum(weight for _, weight in wishes) / 2
    reached = 0
    for row, weight in sorted(wishes):
        reached += weight
        if reached >= half and (weight or not half):
            return row
    return wishes[-1][0]
