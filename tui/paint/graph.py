"""The topology as text: boxes, lines and arrowheads on the cells of a layout."""

from collections.abc import Callable, Container, Sequence
from itertools import pairwise
from typing import Literal, NamedTuple, TypeAlias

from tui.paint.canvas import Canvas, Row, Run, Tag, fit
from tui.paint.layout import Box, Edge, Layout, Point, Wire

Weight: TypeAlias = Literal["idle", "busy", "hot"]
Label: TypeAlias = Callable[[int], Sequence[Sequence[Run]]]

UP, DOWN, LEFT, RIGHT = 1, 2, 4, 8

# Glyph by the arms that a cell has.
_CORNERS = (DOWN | RIGHT, DOWN | LEFT, UP | RIGHT, UP | LEFT)
_BRANCHES = (14, 13, 11, 7, 15)  # three arms, the missing one being UP, DOWN, LEFT, RIGHT; all
_ARMS = (LEFT | RIGHT, UP | DOWN, *_CORNERS, *_BRANCHES)
_WEIGHTS: tuple[Weight, ...] = ("idle", "busy", "hot")
_LINES = [dict(zip(_ARMS, glyphs, strict=True)) for glyphs in
          ("─│┌┐└┘┬┴├┤┼", "═║╔╗╚╝╦╩╠╣╬", "━┃┏┓┗┛┳┻┣┫╋")]  # fmt: skip
_ASCII_LINES = [dict(zip(_ARMS, glyphs, strict=True)) for glyphs in
                ("-|+++++++++", "=|+++++++++", "##+++++++++")]  # fmt: skip
# Corners, horizontal and vertical of a box, or both ends of a one-row node; plain and selected.
_BOX = ("╭╮╰╯─│", "┏┓┗┛━┃")
_ASCII_BOX = ("++++-|", "****=*")
_ROW = (("▌", "▐"), ("█", "█"))
_ASCII_ROW = (("[", "]"), ("*", "*"))


class Window(NamedTuple):
    """The part of a picture to paint; cells of it that lie outside of the picture are blank."""

    x: int
    y: int
    width: int
    height: int

    def sees(self, x: int, y: int, width: int, height: int) -> bool:
        """Whether any of these cells is in it."""
        return (
            x < self.x + self.width
            and y < self.y + self.height
            and x + width > self.x
            and y + height > self.y
        )


def paint(
    layout: Layout,
    label: Label,
    edge_weight: Callable[[int], Weight] = lambda key: "idle",
    selected: int | None = None,
    ascii: bool = False,
    *,
    lit: Container[int] = (),
    below: Callable[[int], Sequence[Run]] = lambda key: (),
    window: Window | None = None,
) -> Canvas:
    """The picture, `layout.height` rows of `layout.width` cells, or the window's part of it.

    Tags: ``("border", key, 1 if selected else 0)``, ``("node", key)`` for the blank inside of a
    box, ``("edge", key)`` for a line and its arrowhead, ``("loop", key)`` for the mark ``↺`` on
    the source of an edge that is not drawn, and those that `label` gives. The frame of the
    selected node also differs in shape.

    Args:
        label: the lines of a node as runs; what exceeds the room in its box is cut.
        edge_weight: how a line is drawn: ``─`` idle, ``═`` busy, ``━`` hot. What several edges
            share is drawn as the busiest.
        lit: edges whose tag stands on the cells that they share with others.
        below: what is written on the lower border of a box.
    """
    view = window or Window(0, 0, layout.width, layout.height)
    canvas = Canvas(view.width, view.height, view.x, view.y)
    weights = [_WEIGHTS.index(edge_weight(wire.edge.key)) for wire in layout.wires]
    wires = [
        (wire, weight)
        for wire, weight in zip(layout.wires, weights, strict=True)
        if view.sees(*_extent(wire.points))
    ]
    wires.sort(key=lambda each: (each[0].edge.key in lit, each[1]))  # what counts comes on top
    _wires(canvas, wires, _ASCII_LINES if ascii else _LINES, ascii)
    looping = {edge.source: edge.key for edge in layout.loops}
    boxed = layout.style == "box"
    for key, box in layout.boxes.items():
        if not view.sees(*box[:4]):
            continue
        frame = _box if boxed else _row
        frame(canvas, key, box, key == selected, ascii)
        if boxed:
            canvas.write(box.x + 2, box.y + box.height - 1, below(key), box.width - 5)
        if key in looping:
            # On a frame the mark stands on the lower border, on a row in place of the right one.
            x = box.x + box.width - (3 if boxed else 1)
            canvas.put(x, box.y + box.height - 1, "@" if ascii else "↺", ("loop", looping[key]))
        _write(canvas, box, label(key), boxed)
    return canvas


def loop_row(edge: Edge, name: Callable[[int], str], *, cells: int, ascii: bool = False) -> Row:
    """One line of text for an edge that has no line: ``retry ↺ fetcher``, ``("loop", key)``."""
    text = f"{name(edge.source)} {'@' if ascii else '↺'} {name(edge.target)}"
    return ((fit(text, cells), ("loop", edge.key)),)


def _extent(points: Sequence[Point]) -> tuple[int, int, int, int]:
    """The cells around a line: column, row, width, height."""
    across = [x for x, _ in points]
    down = [y for _, y in points]
    x, y = min(across), min(down)
    return x, y, max(across) + 1 - x, max(down) + 1 - y


def _wires(
    canvas: Canvas, wires: Sequence[tuple[Wire, int]], glyphs: list[dict[int, str]], ascii: bool
) -> None:
    """Order matters: a vertical line is never interrupted, corners and heads share no cell."""
    bends: dict[Point, tuple[int, int, int]] = {}  # arms, weight and edge of each vertical cell
    for wire, weight in wires:
        tag: Tag = ("edge", wire.edge.key)
        glyph = glyphs[weight][LEFT | RIGHT]
        for (x0, y0), (x1, y1) in pairwise(wire.points):
            if y0 == y1:
                canvas.line(x0, y0, glyph * (x1 - x0 + 1), tag)
        _bends(wire, weight, bends)
    for (x, y), (arms, weight, key) in bends.items():
        canvas.put(x, y, glyphs[weight][arms], ("edge", key))
    for wire, _ in wires:
        end = wire.points[0 if wire.back else -1]
        head = "<>" if ascii else "◀▶"
        canvas.put(*end, head[not wire.back], ("edge", wire.edge.key))


def _bends(wire: Wire, weight: int, bends: dict[Point, tuple[int, int, int]]) -> None:
    """Add the cells where a line runs up or down, bends or branches."""
    key = wire.edge.key

    def add(point: Point, arms: int) -> None:
        known, heaviest, _ = bends.get(point, (0, 0, 0))
        bends[point] = known | arms, max(heaviest, weight), key

    # The points of a line come as its start, then in pairs: into a vertical stretch and out of it.
    for (x, y0), (_, y1) in zip(wire.points[1:-1:2], wire.points[2:-1:2], strict=True):
        if y0 == y1:
            add((x, y0), LEFT | RIGHT)
            continue
        leave, arrive = (DOWN, UP) if y1 > y0 else (UP, DOWN)
        for y in range(min(y0, y1) + 1, max(y0, y1)):
            add((x, y), UP | DOWN)
        add((x, y0), LEFT | leave)
        add((x, y1), arrive | RIGHT)


def _box(canvas: Canvas, key: int, box: Box, selected: bool, ascii: bool) -> None:
    tag: Tag = ("border", key, int(selected))
    shape = (_ASCII_BOX if ascii else _BOX)[selected]
    inner = box.width - 2
    bottom = box.y + box.height - 1
    canvas.line(box.x, box.y, shape[0] + shape[4] * inner + shape[1], tag)
    for y in range(box.y + 1, bottom):
        canvas.put(box.x, y, shape[5], tag)
        canvas.line(box.x + 1, y, " " * inner, ("node", key))
        canvas.put(box.x + box.width - 1, y, shape[5], tag)
    canvas.line(box.x, bottom, shape[2] + shape[4] * inner + shape[3], tag)


def _row(canvas: Canvas, key: int, box: Box, selected: bool, ascii: bool) -> None:
    tag: Tag = ("border", key, int(selected))
    left, right = (_ASCII_ROW if ascii else _ROW)[selected]
    for y in range(box.y, box.y + box.height):
        canvas.put(box.x, y, left, tag)
        canvas.line(box.x + 1, y, " " * (box.width - 2), ("node", key))
        canvas.put(box.x + box.width - 1, y, right, tag)


def _write(canvas: Canvas, box: Box, lines: Sequence[Sequence[Run]], boxed: bool) -> None:
    """Write the label: in the middle of a box, at the top of a row node, whose start it marks."""
    margin, first, last = 1, box.y, box.y + box.height
    if boxed:
        margin, first, last = 2, first + 1, last - 1
        first += (last - first - max(box.lines, 1)) // 2
    for y, runs in zip(range(first, last), lines, strict=False):
        canvas.write(box.x + margin, y, runs, box.width - 2 * margin)
