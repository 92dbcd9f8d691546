"""Bars of a waterfall: what a stretch of time was spent on, in cells on a common scale."""

from __future__ import annotations

from collections.abc import Iterable

from tui.paint.canvas import BLANK, Row, Tag, merge

#: What a part of the time looks like: its glyph, the same in ASCII, its tag.
PARTS: dict[str, tuple[str, str, Tag]] = {
    "queue": ("░", "-", ("part_queue",)),
    "run": ("█", "#", ("part_run",)),
    "retry": ("~", "~", ("part_retry",)),
    "timer": ("·", ".", ("part_timer",)),
    "other": ("?", "?", ("part_other",)),
}


def bar(
    stretches: Iterable[tuple[str, int, int]],
    begin: int,
    end: int,
    cells: int,
    *,
    ascii: bool = False,
) -> Row:
    """One row of a waterfall, exactly `cells` wide.

    Args:
        stretches: what the time was spent on, from when to when, in order. However short, each
            that took any time shows in a cell; where several share one, the last is seen.
        begin: the left border.
        end: the right border.
    """
    drawn: list[tuple[str, Tag]] = [(" ", BLANK)] * cells
    whole = max(1, end - begin)
    for part, since, until in stretches:
        if not cells or until <= since or until <= begin or since >= end:
            continue
        first = max(0, (since - begin) * cells // whole)
        last = min(cells, -(-(until - begin) * cells // whole))
        glyph, plain, tag = PARTS[part]
        for cell in range(min(first, cells - 1), max(last, first + 1)):
            drawn[cell] = (plain if ascii else glyph, tag)
    return merge(drawn)
