"""Where something can be written beside the lines of a graph picture, so that nothing is hidden."""

from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from tui.paint.layout import Layout

_Run: TypeAlias = tuple[int, int, int]
"""Row, first and last column of a horizontal part of a line."""


class Flag(NamedTuple):
    """Room above a line: its first cell, how many there are, and the edges that share the line."""

    x: int
    y: int
    width: int
    edges: tuple[int, ...]


def flags(layout: Layout, width: int) -> tuple[Flag, ...]:
    """Room of `width` cells above one horizontal part of each line that has any.

    The cells hold no box, no line and no other flag, and one cell is left free on either side. The
    part nearest to the arrowhead that has room is taken, so that a flag stands before its target.
    """
    taken = _taken(layout)
    found = []
    for run, edges in _runs(layout).items():
        y, first, last = run
        # From the right, beside the arrowhead: what is written stands above the line alone.
        for x in range(last - width, first - 1, -1):
            cells = {(x + at, y - 1) for at in range(-1, width + 1)}
            if y and not cells & taken:
                found.append(Flag(x, y - 1, width, edges))
                taken |= cells
                break
    return tuple(_one_each(found))


def _one_each(found: Iterable[Flag]) -> Iterable[Flag]:
    """The first flag of each set of edges: the runs come from the arrowhead backwards."""
    seen: set[tuple[int, ...]] = set()
    for flag in found:
        if flag.edges not in seen:
            seen.add(flag.edges)
            yield flag


def _runs(layout: Layout) -> dict[_Run, tuple[int, ...]]:
    """The horizontal parts of the lines, the last of each line first, with their edges."""
    runs: dict[_Run, list[int]] = {}
    for wire in layout.wires:
        parts = [(y0, x0, x1) for (x0, y0), (x1, y1) in pairwise(wire.points) if y0 == y1]
        for part in parts if wire.back else parts[::-1]:
            runs.setdefault(part, []).append(wire.edge.key)
    return {run: tuple(edges) for run, edges in runs.items()}


def _taken(layout: Layout) -> set[tuple[int, int]]:
    cells: Counter[tuple[int, int]] = Counter()
    for box in layout.boxes.values():
        cells.update(
            (x, y)
            for x in range(box.x, box.x + box.width)
            for y in range(box.y, box.y + box.height)
        )
    for wire in layout.wires:
        for (x0, y0), (x1, y1) in pairwise(wire.points):
            cells.update(
                (x, y) for x in range(x0, x1 + 1) for y in range(min(y0, y1), max(y0, y1) + 1)
            )
    return set(cells)
