"""Numbers for people: every pane formats through here, and nothing is wider than five cells."""

import math
from collections.abc import Sequence

NOTHING = "-"
WIDTH = 5

_METRIC = ("", "k", "M", "G", "T", "P", "E")
_BINARY = ("B", "K", "M", "G", "T", "P", "E")
# (one unit in ns, letter, decimals below ten); minutes are left out because m means milli.
_TIMES = (
    (1, "n", 0),
    (1_000, "u", 1),
    (1_000_000, "m", 1),
    (1_000_000_000, "s", 2),
    (3_600_000_000_000, "h", 1),
    (86_400_000_000_000, "d", 1),
)


def rate(value: float | None) -> str:
    """A rate per second: ``12``, ``0.1``, ``340``, ``12.3k``, ``5.6M``."""
    return _scaled(value, 1000, _METRIC, fraction=True)


def count(value: int | None) -> str:
    """A count: exact up to five digits, then ``123k``, ``1.2M``."""
    if value is not None and -9_999 <= value <= 99_999:
        return str(value)
    return _scaled(value, 1000, _METRIC, fraction=False)


def bytes_(value: float | None) -> str:
    """A size in powers of 1024: ``188B``, ``1.2K``, ``38.0M``."""
    return _scaled(value, 1024, _BINARY, fraction=False)


def duration_ns(value: int | None) -> str:
    """A duration in nanoseconds: ``312n``, ``4.1u``, ``71.0m``, ``1.20s``, ``2.8h``."""
    if value is None or not math.isfinite(value):
        return NOTHING
    sign, size = ("-", -value) if value < 0 else ("", value)
    for index, (unit, letter, decimals) in enumerate(_TIMES):
        # Ten thousand seconds would not fit, a thousand of anything below has a better unit.
        limit = 10_000 if letter == "s" else 1_000
        amount = size / unit
        text = _shortest(sign, amount, letter, decimals if amount < 10 else min(decimals, 1))
        if text is not None and (float(text[len(sign) : -1]) < limit):
            return text
        if index == len(_TIMES) - 1:
            return text or _over(sign, letter)
    return NOTHING


def percent(share: float | None) -> str:
    """A share of 1 as ``91%``, ``1.9%``, ``<0.1%``; only a full 1 or more reads ``100%``.

    Rounding never hides a loss: 0.9999 is ``99.9%``.
    """
    if share is None or not math.isfinite(share):
        return NOTHING
    value = share * 100
    if value < 0:
        return _negative(value)
    if 0 < value < 0.1:
        return "<0.1%"
    if 99 < value < 100:
        return f"{math.floor(value * 10) / 10:.1f}%"
    # 9.96 would round to 10.0, which is what 10 says in fewer cells.
    if value < 9.95 and value != int(value):
        return f"{value:.1f}%"
    return f"{value:.0f}%" if value < 9999.5 else ">999%"


def _negative(value: float) -> str:
    if value > -0.1:
        return "-0.0%"
    if value > -9.95 and value != int(value):
        return f"{value:.1f}%"
    return f"{value:.0f}%" if value > -999.5 else "<-99%"


def _scaled(value: float | None, base: int, units: Sequence[str], *, fraction: bool) -> str:
    if value is None or not math.isfinite(value):
        return NOTHING
    sign, size = ("-", -value) if value < 0 else ("", value)
    if fraction and 0 < size < 0.05:
        return "-0.0" if sign else "<0.1"
    for index, unit in enumerate(units):
        whole = size == int(size)
        decimals = (int(fraction and not whole and size < 9.95)) if index == 0 else 1
        text = _shortest(sign, size, unit, decimals)
        number = text[len(sign) : len(text) - len(unit)] if text else ""
        if text and float(number) < base:
            return text
        if index < len(units) - 1:
            size /= base
    return _over(sign, units[-1])


def _shortest(sign: str, size: float, unit: str, decimals: int) -> str | None:
    """The most precise text that fits, or None when even whole numbers are too wide."""
    for places in range(decimals, -1, -1):
        text = f"{sign}{size:.{places}f}{unit}"
        if len(text) <= WIDTH:
            return text
    return None


def _over(sign: str, unit: str) -> str:
    return f">999{unit}" if not sign else f"<-99{unit}"
