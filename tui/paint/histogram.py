"""A latency histogram as a picture: the logarithm of the time across, that of the count upwards."""

import math
from collections.abc import Mapping, Sequence

from routilux.histogram import bin_of, bounds
from tui.paint.canvas import Row, Tag
from tui.paint.numbers import duration_ns

_BLOCKS = " ▁▂▃▄▅▆▇█"
_ASCII = " ..::==##"
LABEL: Tag = ("axis",)

Bins = Mapping[int, int]


def spread(histograms: Sequence[Bins], width: int) -> tuple[int, int]:
    """First and last bin of a scale of at least ``width`` bins that all histograms fit on."""
    used = [index for bins in histograms for index, count in bins.items() if count]
    if not used:
        return 0, max(0, width - 1)
    first, last = min(used), max(used)
    missing = max(0, width - (last - first + 1))
    first = max(0, first - missing // 2)
    return first, max(last, first + width - 1)


def columns(bins: Bins, first: int, last: int, width: int) -> list[int]:
    """The counts of the bins ``first`` to ``last`` as ``width`` sums."""
    size = last - first + 1
    sums = [0] * width
    for index, count in bins.items():
        if first <= index <= last:
            sums[(index - first) * width // size] += count
    return sums


def bars(sums: Sequence[int], height: int, tag: Tag, *, ascii: bool = False) -> tuple[Row, ...]:
    """``height`` rows; what happened once can be seen beside what happened a million times."""
    glyphs = _ASCII if ascii else _BLOCKS
    most = math.log1p(max(sums, default=0)) or 1.0
    levels = [
        max(1, round(math.log1p(total) / most * height * 8)) if total else 0 for total in sums
    ]
    return tuple(
        (("".join(glyphs[min(8, max(0, level - below * 8))] for level in levels), tag),)
        for below in reversed(range(height))
    )


def scale(first: int, last: int, width: int) -> Row:
    """The times below: powers of ten where they are, or the ends where there is none."""
    size = last - first + 1
    marks: list[tuple[int, str]] = []
    for power in range(14):
        index = bin_of(10**power)
        if first <= index <= last:
            marks.append(((index - first) * width // size, _power(power)))
    if len(marks) < 2:
        high = duration_ns(bounds(last)[1])
        marks = [(0, duration_ns(bounds(first)[0])), (width - len(high), high)]
    cells = [" "] * width
    free = 0
    for x, text in marks:
        if x >= free and x + len(text) <= width:
            cells[x : x + len(text)] = text
            free = x + len(text) + 1
    return (("".join(cells), LABEL),)


def _power(power: int) -> str:
    """A power of ten nanoseconds in its own unit: ``1m``, ``100u``, ``10s``."""
    unit = min(power // 3, 3)
    return f"{10 ** (power - 3 * unit)}{'nums'[unit]}"
