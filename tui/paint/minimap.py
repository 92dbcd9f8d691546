"""A graph picture made so small that all of it can be seen: two dots to a cell."""

from collections.abc import Container, Mapping

from tui.paint.canvas import BLANK, Row, Tag, merge
from tui.paint.layout import Box

SEEN: Tag = ("seen",)
"""What is on the screen in full size."""
UNSEEN: Tag = ("unseen",)

# Empty, upper dot, lower dot, both; last what fills the part that is on the screen.
_GLYPHS = " ▀▄█░"
_ASCII = " '.:-"


def minimap(
    boxes: Mapping[int, Box],
    seen: Container[int],
    *,
    columns: int,
    rows: int,
    ascii: bool = False,
) -> tuple[Row, ...]:
    """At most `rows` rows of at most `columns` cells, of the same shape as the picture.

    A dot stands for whatever nodes lie there, tagged ``("seen",)`` if one of them is on the screen
    and else ``("unseen",)``; the empty part of the rectangle around those on the screen is filled.

    Args:
        boxes: of all nodes; at least one.
        seen: the keys of the nodes that are on the screen.
    """
    width = max(box.x + box.width for box in boxes.values())
    height = max(box.y + box.height for box in boxes.values())
    across = min(columns, width)
    down = min(2 * rows, height)
    dots: dict[tuple[int, int], bool] = {}
    for key, box in boxes.items():
        for x in range(box.x * across // width, (box.x + box.width - 1) * across // width + 1):
            for y in range(box.y * down // height, (box.y + box.height - 1) * down // height + 1):
                dots[x, y] = dots.get((x, y), False) or key in seen
    shown = [dot for dot, is_seen in dots.items() if is_seen]
    view = (
        range(min(x for x, _ in shown), max(x for x, _ in shown) + 1) if shown else range(0),
        range(min(y for _, y in shown) // 2, max(y for _, y in shown) // 2 + 1)
        if shown
        else range(0),
    )
    glyphs = _ASCII if ascii else _GLYPHS
    return tuple(
        merge(_cell(dots, x, y, view, glyphs) for x in range(across)) for y in range(-(-down // 2))
    )


def _cell(
    dots: Mapping[tuple[int, int], bool], x: int, y: int, view: tuple[range, range], glyphs: str
) -> tuple[str, Tag]:
    upper, lower = dots.get((x, 2 * y)), dots.get((x, 2 * y + 1))
    which = (upper is not None) + 2 * (lower is not None)
    if which:
        return glyphs[which], SEEN if upper or lower else UNSEEN
    return (glyphs[4], SEEN) if x in view[0] and y in view[1] else (" ", BLANK)
