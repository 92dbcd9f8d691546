"""Braille charts: two by four dots per cell, one colour per cell."""

import math
from collections.abc import Callable, Sequence

from tui.paint.canvas import BLANK, Row, Tag, merge
from tui.paint.numbers import WIDTH, rate

Series = Sequence[float | None]

AXIS: Tag = ("axis",)
AXIS_WIDTH = WIDTH + 2

# The bit of each dot in the braille block, by column (left, right) and row from the top.
_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
# Dot rows from the top of a cell to the character that sits at about that height.
_STEPS = (1, 1.5, 2, 3, 4, 5, 6, 8)
_HEIGHTS = ("'", "-", "-", ".")


def braille(
    series: Sequence[Series],
    width: int,
    height: int,
    *,
    top: float | None = None,
    ascii: bool = False,
    area: bool = False,
) -> tuple[Row, ...]:
    """`height` rows of exactly `width` cells that show all series over the same stretch of time.

    A series is spread over the whole width, oldest left: give each the same number of points, with
    None or NaN where there is no value (the line has a gap there). The scale starts at zero. The
    cells of series number i are tagged ``("series", i)``; where lines meet, the later one wins.

    Args:
        top: the value at the upper edge; `ceiling(series)` when None. Values above are cut.
        ascii: draw with ``' - . |``, one point per cell column.
        area: fill the space below the lines.
    """
    if width <= 0 or height <= 0:
        return ()
    scale = top if top is not None else ceiling(series)
    across, bottom = (width, height * 4 - 1) if ascii else (width * 2, height * 4 - 1)
    masks = [bytearray(width) for _ in range(height)]
    owners: list[list[int]] = [[-1] * width for _ in range(height)]
    for number, values in enumerate(series):
        for x, high, low in _columns(values, across, bottom, scale):
            end = bottom if area else low
            cell, dots = (x, _DOTS[0]) if ascii else (x // 2, _DOTS[x % 2])
            for y in range(high, end + 1):
                masks[y // 4][cell] |= dots[y % 4]
                owners[y // 4][cell] = number
    glyph = _ascii_glyph if ascii else _braille_glyph
    return tuple(
        merge(
            (glyph(mask), ("series", owner) if mask else BLANK)
            for mask, owner in zip(mask_row, owner_row, strict=True)
        )
        for mask_row, owner_row in zip(masks, owners, strict=True)
    )


def ceiling(series: Sequence[Series]) -> float:
    """A round value (`_STEPS` times a power of ten) at or above the highest of all series.

    Round steps keep the scale still while the highest value wanders.
    """
    known = (value for values in series for value in values if value is not None)
    highest = max(filter(math.isfinite, known), default=0.0)
    if highest <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(highest))
    return next((step * power for step in _STEPS if step * power >= highest), 10 * power)


def axis(
    top: float,
    height: int,
    *,
    text: Callable[[float], str] = rate,
    ascii: bool = False,
) -> tuple[Row, ...]:
    """The labels left of a chart of `height` rows: `AXIS_WIDTH` cells each, tagged ``("axis",)``.

    The first row names `top`, the last one zero, and the middle one half if there is room.
    """
    marks = {0: top, height - 1: 0.0} if height > 1 else {0: top}
    if height >= 5 and height % 2:
        marks[height // 2] = top / 2
    bar = "|" if ascii else "│"
    return tuple(
        ((f"{_short(text(marks[row])) if row in marks else '':>{WIDTH}} {bar}", AXIS),)
        for row in range(height)
    )


def _short(label: str) -> str:
    """12.0k says no more than 12k on a scale of round values."""
    return label.replace(".0", "") if label[-1:].isalpha() else label


def _columns(values: Series, across: int, bottom: int, top: float) -> list[tuple[int, int, int]]:
    """(dot column, highest dot row, lowest dot row) of the line through `values`."""
    stretch = (across - 1) / (len(values) - 1) if len(values) > 1 else 0.0
    columns: list[tuple[int, int, int]] = []
    last: tuple[int, int] | None = None
    for index, value in enumerate(values):
        if value is None or not math.isfinite(value):
            last = None
            continue
        share = min(max(value / top, 0.0), 1.0) if top > 0 else 0.0
        x, y = round(index * stretch), bottom - round(share * bottom)
        if last is None:
            columns.append((x, y, y))
        else:
            _join(columns, last, (x, y))
        last = x, y
    return columns


def _join(
    columns: list[tuple[int, int, int]], start: tuple[int, int], end: tuple[int, int]
) -> None:
    """Append the dots from `start` (already drawn) to `end`, without holes."""
    (x0, y0), (x1, y1) = start, end
    previous = y0
    for x in range(x0 + 1, x1):
        y = y0 + round((y1 - y0) * (x - x0) / (x1 - x0))
        columns.append(_stroke(x, previous, y))
        previous = y
    columns.append(_stroke(x1, previous, y1))


def _stroke(x: int, previous: int, y: int) -> tuple[int, int, int]:
    if y > previous:
        return x, previous + 1, y
    if y < previous:
        return x, y, previous - 1
    return x, y, y


def _braille_glyph(mask: int) -> str:
    return chr(0x2800 + mask) if mask else " "


def _ascii_glyph(mask: int) -> str:
    rows = [row for row in range(4) if mask & _DOTS[0][row]]
    if not rows:
        return " "
    return _HEIGHTS[(rows[0] + rows[-1]) // 2] if len(rows) < 3 else "|"
