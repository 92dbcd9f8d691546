"""A graph picture made so small that all of it can be seen: two dots to a cell."""

from collections.abc import Collection, Container, Mapping, Sequence
from typing import NamedTuple, TypeVar

from tui.paint.canvas import BLANK, Row, Run, Tag, merge
from tui.paint.layout import Box
from tui.paint.ranks import Pair, components, loops, rank

SEEN: Tag = ("seen",)
"""What is on the screen in full size."""
UNSEEN: Tag = ("unseen",)

_Key = TypeVar("_Key")

# Empty, upper dot, lower dot, both.
_GLYPHS = " ▀▄█"
_ASCII = " '.:"


class Map(NamedTuple):
    """The rows of a map, and which of its columns and rows are on the screen."""

    rows: tuple[Row, ...]
    across: range
    down: range


def outline(nodes: int, edges: Sequence[Pair]) -> dict[int, Box]:
    """About where the nodes of a graph would stand: in their layers, in the order given.

    A box per node, by its place. Made in a fraction of the time that a layout takes.
    """
    closing = loops(nodes, edges)
    open_ = [edge for number, edge in enumerate(edges) if number not in closing]
    layer = [0] * nodes
    boxes: dict[int, Box] = {}
    top = 0
    for part in components(nodes, open_):
        place = {node: number for number, node in enumerate(part)}
        inside = [(place[a], place[b]) for a, b in open_ if a in place]
        for node, depth in zip(part, rank(len(part), inside), strict=True):
            layer[node] = depth
        sizes = {depth: sum(layer[n] == depth for n in part) for depth in {layer[n] for n in part}}
        height, used = max(sizes.values()), dict.fromkeys(sizes, 0)
        for node in part:
            depth = layer[node]
            y = top + (height - sizes[depth]) // 2 + used[depth]
            boxes[node] = Box(4 * depth, 2 * y, 3, 1)
            used[depth] += 1
        top += height
    return boxes


def minimap(
    boxes: Mapping[_Key, Box],
    seen: Container[_Key],
    *,
    columns: int,
    rows: int,
    ascii: bool = False,
) -> Map:
    """At most `rows` rows of at most `columns` cells, of about the shape of the picture.

    A dot stands for whatever nodes lie there, tagged ``("seen",)`` if one of them is on the screen
    and else ``("unseen",)``. What is on the screen is also told by its columns and rows.

    Args:
        boxes: of all nodes; at least one.
        seen: the keys of the nodes that are on the screen.
    """
    width = max(box.x + box.width for box in boxes.values())
    height = max(box.y + box.height for box in boxes.values())
    across, down = min(columns, width), min(2 * rows, height)
    dots: dict[tuple[int, int], bool] = {}
    for key, box in boxes.items():
        for x in _scaled(box.x, box.width, across, width):
            for y in _scaled(box.y, box.height, down, height):
                dots[x, y] = dots.get((x, y), False) or key in seen
    shown = [dot for dot, is_seen in dots.items() if is_seen]
    glyphs = _ASCII if ascii else _GLYPHS
    drawn = (merge(_cell(dots, x, y, glyphs) for x in range(across)) for y in range(-(-down // 2)))
    return Map(tuple(drawn), _span([x for x, _ in shown]), _span([y // 2 for _, y in shown]))


def _scaled(start: int, size: int, dots: int, cells: int) -> range:
    return range(start * dots // cells, (start + size - 1) * dots // cells + 1)


def _span(values: Collection[int]) -> range:
    return range(min(values), max(values) + 1) if values else range(0)


def _cell(dots: Mapping[tuple[int, int], bool], x: int, y: int, glyphs: str) -> Run:
    upper, lower = dots.get((x, 2 * y)), dots.get((x, 2 * y + 1))
    which = (upper is not None) + 2 * (lower is not None)
    return glyphs[which], (SEEN if upper or lower else UNSEEN) if which else BLANK
