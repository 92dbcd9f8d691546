"""One-row pictures of numbers: sparkline, utilisation meter, histogram and heat row."""

import math
from collections.abc import Iterable, Sequence
from typing import TypeVar

T = TypeVar("T")

BLOCKS = "▁▂▃▄▅▆▇█"
ASCII_LEVELS = ".:-=+*#%"
_EIGHTHS = " ▏▎▍▌▋▊▉"


def sparkline(
    values: Sequence[float | None], width: int, top: float | None = None, ascii: bool = False
) -> str:
    """The trend of `values`, oldest left, in exactly `width` cells.

    A cell shows the highest of the values that share it; fewer values than cells stand at the
    right. Zero is the lowest level, anything above zero at least one more, a gap (None or NaN) is
    blank.

    Args:
        top: the value of a full block; the highest of `values` when None.
    """
    peaks = [_peak(part) for part in _buckets(values, width)]
    ceiling = top if top is not None else max((peak for peak in peaks if peak), default=0.0)
    levels = ASCII_LEVELS if ascii else BLOCKS
    text = "".join(" " if peak is None else levels[_level(peak, ceiling)] for peak in peaks)
    return text.rjust(width)


def meter(share: float, width: int, ascii: bool = False) -> str:
    """A utilisation bar ``[###.]`` of `width` cells for a share of 0..1.

    Anything above zero shows, and only a share of 1 fills the bar.
    """
    inner = max(width - 2, 0)
    if width < 3:
        return "[]"[:width].ljust(width)
    share = 0.0 if math.isnan(share) else min(max(share, 0.0), 1.0)
    steps = inner if ascii else inner * 8
    filled = _between(share * steps, steps)
    if ascii:
        return "[" + ("#" * filled).ljust(inner, ".") + "]"
    whole, rest = divmod(filled, 8)
    bar = "█" * whole + (_EIGHTHS[rest] if rest else "")
    return "[" + bar.ljust(inner, "·") + "]"


def histogram(bins: Sequence[float], width: int, ascii: bool = False) -> str:
    """A histogram in `width` cells; empty bins are blank and a single hit is still visible.

    Bins that share a cell add up. Heights follow the logarithm of the count, because the tail is
    what a latency histogram is looked at for.
    """
    sums = [math.fsum(part) for part in _buckets(bins, width)]
    peak = math.log1p(max(sums, default=0.0))
    levels = ASCII_LEVELS if ascii else BLOCKS
    cells = (
        levels[min(int(math.log1p(total) / peak * len(levels)), len(levels) - 1)]
        if total > 0
        else " "
        for total in sums
    )
    return "".join(cells).ljust(width)


def heat(depths: Sequence[float | None], width: int, ascii: bool = False) -> str:
    """Queue depth over time, oldest left: empty ``.``, then one step for 1, 10 and 100 upwards."""
    steps = ".:=#" if ascii else "·░▒█"
    cells = []
    for part in _buckets(depths, width):
        peak = _peak(part)
        if peak is None:
            cells.append(" ")
        else:
            cells.append(steps[(peak >= 1) + (peak >= 10) + (peak >= 100)])
    return "".join(cells).rjust(width)


def _buckets(values: Sequence[T], width: int) -> list[Sequence[T]]:
    """`values` cut into at most `width` consecutive parts of nearly equal length."""
    size = min(len(values), max(width, 0))
    return [
        values[index * len(values) // size : (index + 1) * len(values) // size]
        for index in range(size)
    ]


def _peak(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None and not math.isnan(value)]
    return max(known, default=None)


def _level(value: float, ceiling: float) -> int:
    if value <= 0 or ceiling <= 0:
        return 0
    return 7 if value >= ceiling else math.ceil(value / ceiling * 7)


def _between(amount: float, full: int) -> int:
    """Rounded, but 0 and `full` are reserved for exactly nothing and everything."""
    if amount <= 0:
        return 0
    if amount >= full:
        return full
    return min(max(round(amount), 1), full - 1) if full > 1 else 1
