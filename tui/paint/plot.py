"""A chart of one or two lines that need not be of the same kind: each has an axis of its own."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tui.paint.canvas import Row, Run
from tui.paint.chart import Series, braille, ceiling
from tui.paint.numbers import NOTHING

#: Cells of an axis, its bar included.
AXIS = 9
_LABEL = AXIS - 2
#: Nearer to nought, or further away, arithmetic on floats comes to an end.
_LEAST, _MOST = 1e-290, 1e300


class Scale(NamedTuple):
    """The values at the lower and the upper edge."""

    bottom: float
    top: float


def scale_of(values: Series) -> Scale:
    """From nought up, unless values are below it, or so close together that it would hide them."""
    known = [value for value in map(_tame, values) if value is not None]
    if not known:
        return Scale(0.0, 1.0)
    low, high = min(known), max(known)
    if low >= 0 and (low < 0.9 * high or low == high):
        return Scale(0.0, ceiling([[high]]))
    step = ceiling([[(high - low) or abs(high) or 1.0]]) / 4
    bottom, top = math.floor(low / step) * step, math.ceil(high / step) * step
    return Scale(bottom, top if top > bottom else bottom + step)


def plot(
    lines: Mapping[int, Series],
    width: int,
    height: int,
    *,
    marks: Sequence[str] = ("a", "b"),
    ascii: bool = False,
) -> tuple[Row, ...]:
    """Rows of at most ``width`` cells: the axis of the first line left, of the second right.

    All lines are over the same stretch of time. The line of number i and its axis are tagged
    ``("series", i)``; its mark stands beside its axis and where it is now, so that no colour is
    needed to tell the lines apart.
    """
    room = width - AXIS * min(2, len(lines))
    if room < 2 or height < 1 or not lines:
        return ()
    numbers = list(lines)
    scales = [scale_of(line) for line in lines.values()]
    shares = [_shares(line, s) for line, s in zip(lines.values(), scales, strict=True)]
    picture = braille(shares, room, height, top=1.0, ascii=ascii)
    ends = [_end(share, height) for share in shares]
    rows: list[Row] = []
    for y, row in enumerate(picture):
        mark = f"{_label(scales[0], marks[numbers[0]], y, height):>{_LABEL}} {_bar(ascii)}"
        cells = [(mark, ("series", numbers[0])), *(_own(run, numbers) for run in row)]
        here = [n for n, end in zip(numbers, ends, strict=True) if end == y]
        cells = [*_cut(cells, len(here)), *((marks[n], ("series", n)) for n in here)]
        if len(lines) > 1:
            mark = f"{_bar(ascii)} {_label(scales[1], marks[numbers[1]], y, height):<{_LABEL}}"
            cells.append((mark, ("series", numbers[1])))
        rows.append(tuple(cells))
    return tuple(rows)


def _end(share: Series, height: int) -> int | None:
    """The row of the newest value."""
    known = [value for value in share if value is not None]
    if not known:
        return None
    return height - 1 - min(height - 1, max(0, int(known[-1] * height)))


def _cut(cells: list[Run], count: int) -> list[Run]:
    """Without the last cells of the last run or runs; a picture's glyphs are one cell each."""
    while count and cells:
        text, tag = cells[-1]
        kept = text[: max(0, len(text) - count)]
        count -= len(text) - len(kept)
        cells = [*cells[:-1], (kept, tag)] if kept else cells[:-1]
    return cells


def _own(run: Run, numbers: Sequence[int]) -> Run:
    """With the number of the line in place of its position."""
    text, tag = run
    return (text, ("series", numbers[int(tag[1])])) if tag[0] == "series" else run


def _shares(line: Series, scale: Scale) -> list[float | None]:
    span = scale.top - scale.bottom
    return [
        (value - scale.bottom) / span if value is not None else None for value in map(_tame, line)
    ]


def _tame(value: float | None) -> float | None:
    """A value that can be divided and added; None if it is no number that has a place."""
    if value is None or not math.isfinite(value):
        return None
    if abs(value) < _LEAST:
        return 0.0
    return min(max(value, -_MOST), _MOST)


def _label(scale: Scale, mark: str, y: int, height: int) -> str:
    """Values at the top, the bottom, and in the middle if there is room; below the top the mark."""
    if y == 1 and height > 3:
        return mark
    if y == 0:
        return number(scale.top)
    if y == height - 1:
        return number(scale.bottom)
    if height >= 5 and height % 2 and y == height // 2:
        return number((scale.top + scale.bottom) / 2)
    return ""


def _bar(ascii: bool) -> str:
    return "|" if ascii else "│"


_UNITS = ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k"))


def number(value: float | None) -> str:
    """A value of any size and sign in at most seven cells."""
    if value is None or not math.isfinite(value):
        return NOTHING
    size = abs(value)
    for unit, letter in _UNITS:
        if size >= unit:
            divisor = 1e3 if letter == "k" else unit
            text = f"{value / divisor:.4g}{letter}"
            return text if len(text) <= _LABEL else f"{value:.0e}"
    texts = (f"{value:.{digits}g}" for digits in (4, 3, 2))
    return next((text for text in texts if len(text) <= _LABEL), f"{value:.0e}")
