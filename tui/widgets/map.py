"""The small map of the whole graph, drawn over a corner of the part that is in sight."""

from __future__ import annotations

from tui.paint.canvas import Canvas, Row, Tag, measure
from tui.paint.graph import Window
from tui.paint.layout import Layout
from tui.paint.minimap import Map, minimap

from .plan import Plan

#: Cells of the map, at most, without its frame.
MAP = (24, 6)


def draw_map(
    canvas: Canvas, plan: Plan, drawn: Layout, window: Window, chosen: int | None, *, ascii: bool
) -> None:
    """Draw it in the corner where it hides least, and never the chosen node."""
    in_sight = {
        plan.graph.nodes[place].members[0]
        for place, box in drawn.boxes.items()
        if window.sees(*box[:4])
    }
    small = minimap(plan.whole, in_sight, columns=MAP[0], rows=MAP[1], ascii=ascii)
    width = sum(measure(text) for text, _ in small.rows[0]) + 2
    height = len(small.rows) + 2
    corners = [
        Window(x, y, width, height)
        for y in (window.y + window.height - height, window.y)
        for x in (window.x + window.width - width, window.x)
    ]

    def hides(corner: Window) -> tuple[bool, int]:
        boxes = [place for place, box in drawn.boxes.items() if corner.sees(*box[:4])]
        return chosen in boxes, len(boxes)

    x, y, *_ = min(corners, key=hides)
    for at, row in enumerate(_framed(small, width, ascii), y):
        canvas.write(x, at, row, width)


def _framed(small: Map, width: int, ascii: bool) -> list[Row]:
    """A frame whose lower and right side are thick where the map shows what is in sight."""
    corners, thin, thick = ("++++", "-|", "=#") if ascii else ("┌┐└┘", "─│", "━┃")
    tag: Tag = ("frame",)
    name = " map "[: width - 2]
    top = f"{corners[0]}{name}{thin[0] * (width - 2 - len(name))}{corners[1]}"
    below = "".join((thin, thick)[x in small.across][0] for x in range(width - 2))
    inside = [
        ((thin[1], tag), *row, ((thin, thick)[y in small.down][1], tag))
        for y, row in enumerate(small.rows)
    ]
    return [((top, tag),), *inside, ((f"{corners[2]}{below}{corners[3]}", tag),)]
