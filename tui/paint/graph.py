"""The topology as text: boxes, lines and arrowheads on the cells of a layout."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Literal, TypeAlias

from tui.paint.canvas import Canvas, Row, Run, Tag, fit
from tui.paint.layout import Box, Edge, Layout, Wire

Weight: TypeAlias = Literal["idle", "busy", "hot"]
Label: TypeAlias = Callable[[int], Sequence[Sequence[Run]]]

UP, DOWN, LEFT, RIGHT = 1, 2, 4, 8

# Glyph by the arms that a cell has.
_CORNERS = (DOWN | RIGHT, DOWN | LEFT, UP | RIGHT, UP | LEFT)
_ARMS = (LEFT | RIGHT, UP | DOWN, *_CORNERS)
_LINES: dict[Weight, dict[int, str]] = {
    "idle": dict(zip(_ARMS, "─│┌┐└┘", strict=True)),
    "busy": dict(zip(_ARMS, "═║╔╗╚╝", strict=True)),
    "hot": dict(zip(_ARMS, "━┃┏┓┗┛", strict=True)),
}
_ASCII_LINES: dict[Weight, dict[int, str]] = {
    "idle": dict(zip(_ARMS, "-|++++", strict=True)),
    "busy": dict(zip(_ARMS, "=|++++", strict=True)),
    "hot": dict(zip(_ARMS, "##++++", strict=True)),
}
# Corners, horizontal and vertical of a box, or both ends of a one-row node; plain and selected.
_BOX = ("╭╮╰╯─│", "┏┓┗┛━┃")
_ASCII_BOX = ("++++-|", "****=*")
_ROW = (("▌", "▐"), ("█", "█"))
_ASCII_ROW = (("[", "]"), ("*", "*"))


def paint(
    layout: Layout,
    label: Label,
    edge_weight: Callable[[int], Weight] = lambda key: "idle",
    selected: int | None = None,
    ascii: bool = False,
) -> tuple[Row, ...]:
    """The picture as `layout.height` rows of `layout.width` cells.

    Tags: ``("border", key, 1 if selected else 0)``, ``("node", key)`` for the blank inside of a
    box, ``("edge", key)`` for a line and its arrowhead, ``("loop", key)`` for the mark ``↺`` on
    the source of an edge that is not drawn, and those that `label` gives. The frame of the
    selected node also differs in shape.

    Args:
        label: the lines of a node as runs; what exceeds the room in its box is cut.
        edge_weight: how a line is drawn: ``─`` idle, ``═`` busy, ``━`` hot.
    """
    canvas = Canvas(layout.width, layout.height)
    lines = _ASCII_LINES if ascii else _LINES
    glyphs = [(wire, lines[edge_weight(wire.edge.key)]) for wire in layout.wires]
    # Order matters: a vertical line is never interrupted, corners and heads share no cell.
    for wire, glyph in glyphs:
        _horizontals(canvas, wire, glyph)
    for wire, glyph in glyphs:
        _verticals(canvas, wire, glyph)
        canvas.put(*wire.points[-1], ">" if ascii else "▶", ("edge", wire.edge.key))
    looping = {edge.source: edge.key for edge in layout.loops}
    boxed = layout.style == "box"
    for key, box in layout.boxes.items():
        frame = _box if boxed else _row
        frame(canvas, key, box, key == selected, ascii)
        if key in looping:
            # On a frame the mark stands on the lower border, on a row in place of the right one.
            x = box.x + box.width - (3 if boxed else 1)
            canvas.put(x, box.y + box.height - 1, "@" if ascii else "↺", ("loop", looping[key]))
        _write(canvas, box, label(key), boxed)
    return canvas.rows()


def loop_row(edge: Edge, name: Callable[[int], str], *, cells: int, ascii: bool = False) -> Row:
    """One line of text for an edge that has no line: ``retry ↺ fetcher``, ``("loop", key)``."""
    text = f"{name(edge.source)} {'@' if ascii else '↺'} {name(edge.target)}"
    return ((fit(text, cells), ("loop", edge.key)),)


def _horizontals(canvas: Canvas, wire: Wire, glyph: dict[int, str]) -> None:
    tag: Tag = ("edge", wire.edge.key)
    for (x0, y0), (x1, y1) in pairwise(wire.points):
        if y0 == y1:
            start, end = min(x0, x1), max(x0, x1)
            canvas.line(start, y0, glyph[LEFT | RIGHT] * (end - start + 1), tag)


def _verticals(canvas: Canvas, wire: Wire, glyph: dict[int, str]) -> None:
    tag: Tag = ("edge", wire.edge.key)
    for (x, y0), (x1, y1) in pairwise(wire.points):
        if x == x1 and y0 != y1:
            leave, arrive = (DOWN, UP) if y1 > y0 else (UP, DOWN)
            for y in range(min(y0, y1) + 1, max(y0, y1)):
                canvas.put(x, y, glyph[UP | DOWN], tag)
            canvas.put(x, y0, glyph[LEFT | leave], tag)
            canvas.put(x, y1, glyph[arrive | RIGHT], tag)


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
