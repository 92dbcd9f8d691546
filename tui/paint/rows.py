"""Rows of a graph picture: where each item and each of its ports stands within its layer."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from tui.paint.order import positions
from tui.paint.ranks import Layered, Link

SWEEPS = 4
ROUNDS = 8
# So many rows of vertical line are worth one bend less.
_BEND = 4
# A bend in the middle of a long line is uglier than one beside a node.
_DUMMY_WEIGHT = 4


@dataclass(slots=True)
class Ports:
    """The row of each link's two ends, counted from the top of the items that it joins."""

    links: list[Link]
    """Sorted from top to bottom at their left ends."""
    leave: list[int]
    arrive: list[int]


def ports(graph: Layered, heights: Sequence[int], *, boxed: bool) -> list[Ports]:
    """One port row per line on each side of a node, in the order of the other ends.

    Args:
        heights: text rows per node; a dummy has none.
        boxed: the text has a border above and the ports are centred beside it; otherwise both
            start at the top, where a name then marks the beginning of a node.
    """
    place = positions(graph)
    found = []
    for gap in graph.links:
        down = sorted(gap, key=lambda link: (place[link[0]], place[link[1]], link[2]))
        leave, arrive = (_offsets(gap, side, place, graph, heights, boxed) for side in (0, 1))
        found.append(
            Ports(
                down,
                [leave[left, line] for left, _, line in down],
                [arrive[right, line] for _, right, line in down],
            )
        )
    return found


def _offsets(
    links: Sequence[Link],
    side: int,
    place: Sequence[int],
    graph: Layered,
    heights: Sequence[int],
    boxed: bool,
) -> dict[tuple[int, int], int]:
    """The port rows on one side of the links: by item and line."""
    others: dict[int, dict[int, list[int]]] = {}
    for link in links:
        others.setdefault(link[side], {}).setdefault(link[2], []).append(place[link[1 - side]])
    offsets = {}
    for item, lines in others.items():
        centred = boxed and item < graph.nodes
        first = 1 + (heights[item] - len(lines)) // 2 if centred else 0
        order = sorted(lines, key=lambda line: (sum(lines[line]) / len(lines[line]), line))
        for row, line in enumerate(order, first):
            offsets[item, line] = row
    return offsets


def rows(graph: Layered, gaps: Sequence[Ports], sizes: Sequence[int]) -> list[int]:
    """The top row of each item, such that no two of a layer overlap and most lines are straight.

    Each sweep moves every item to the median of the rows its lines on one side ask for, the sweep
    with the straightest lines is kept, and single layers then move while that helps.

    Args:
        sizes: the rows that each item occupies.
    """
    left, right = _wishes(graph, gaps)
    tops = _stacked(graph, sizes)
    best, least = tops, _bends(range(graph.items), right, tops)
    for sweep in range(SWEEPS):
        tops = list(tops)
        layers, wishes = (graph.layers[-2::-1], right) if sweep % 2 else (graph.layers[1:], left)
        for layer in layers:
            _settle(layer, wishes, tops, sizes)
        cost = _bends(range(graph.items), right, tops)
        if cost < least:
            best, least = tops, cost
    _refine(graph.layers, (left, right), best, sizes)
    lowest = min(best, default=0)
    return [top - lowest for top in best]


# For each item: (other item, row of the port there minus row of the port here, weight).
_Wish: TypeAlias = tuple[int, int, int]
_Wishes: TypeAlias = list[list[_Wish]]


def _wishes(graph: Layered, gaps: Sequence[Ports]) -> tuple[_Wishes, _Wishes]:
    """What each item's lines on the left, and on the right, ask for."""
    left: _Wishes = [[] for _ in range(graph.items)]
    right: _Wishes = [[] for _ in range(graph.items)]
    for gap in gaps:
        for link, leave, arrive in zip(gap.links, gap.leave, gap.arrive, strict=True):
            source, target, _ = link
            inner = source >= graph.nodes and target >= graph.nodes
            weight = _DUMMY_WEIGHT if inner else 1
            left[target].append((source, leave - arrive, weight))
            right[source].append((target, arrive - leave, weight))
    return left, right


def _refine(
    layers: Sequence[list[int]],
    sides: tuple[_Wishes, _Wishes],
    tops: list[int],
    sizes: Sequence[int],
) -> None:
    """Settle one layer at a time, by both sides or either, and keep what makes lines straighter."""
    left, right = sides
    both = [one + other for one, other in zip(left, right, strict=True)]
    for turn in range(ROUNDS):
        improved = False
        for layer in layers if turn % 2 else layers[::-1]:
            least = _bends(layer, both, tops)
            for wishes in (both, left, right):
                before = [tops[item] for item in layer]
                _settle(layer, wishes, tops, sizes)
                cost = _bends(layer, both, tops)
                if cost < least:
                    least, improved = cost, True
                    continue
                for item, top in zip(layer, before, strict=True):
                    tops[item] = top
        if not improved:
            return


def _bends(items: Iterable[int], wishes: _Wishes, tops: Sequence[int]) -> int:
    """How far the lines of some items are from straight."""
    cost = 0
    for item in items:
        for other, shift, _ in wishes[item]:
            drop = abs(tops[other] + shift - tops[item])
            cost += drop + _BEND if drop else 0
    return cost


def _stacked(graph: Layered, sizes: Sequence[int]) -> list[int]:
    tops = [0] * graph.items
    for layer in graph.layers:
        row = 0
        for item in layer:
            tops[item] = row
            row += sizes[item]
    return tops


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
