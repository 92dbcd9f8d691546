"""Amounts as people write them: ``10ms``, ``1.5s``, ``20k``, ``50%``."""

from __future__ import annotations

import re
from enum import Enum

from .nodes import QueryError, Value

_AMOUNT = re.compile(r"([+-]?(?:\d[\d_]*\.?\d*|\.\d+))(?:e([+-]?\d{1,2}))?([^\d]*)")
_TIMES = {"ns": 1, "us": 1e3, "µs": 1e3, "μs": 1e3, "ms": 1e6, "s": 1e9, "min": 6e10, "h": 3.6e12}
_SCALES = {"": 1, "k": 1e3, "M": 1e6, "G": 1e9}
#: What a screen with little room writes for a time, and what it means.
_SHORT = {"n": "ns", "u": "us", "m": "ms or min"}


class Unit(Enum):
    """What an amount is of."""

    TEXT = "a text"
    ANY = "a value"  # a number or a text, as it comes
    NUMBER = "a number"
    TIME = "a time"  # nanoseconds inside
    MOMENT = "a time since the start"  # ... for which seconds are meant if nothing is said
    SHARE = "a share"  # of 1 inside, percent outside


def amount(value: Value, unit: Unit, name: str) -> float:
    """The number that is meant.

    Raises:
        QueryError: it is none, or of another unit.
    """
    found = _AMOUNT.fullmatch(value.text)
    if found is None:
        raise QueryError(f"{name} is {unit.value}: {_EXAMPLE[unit]}", value.column)
    digits, power, suffix = found[1], found[2], found[3]
    number = float(digits.replace("_", "")) * 10.0 ** int(power or 0)
    if unit is Unit.SHARE:
        if suffix not in ("%", ""):
            raise QueryError(f"{name} is a share: {_EXAMPLE[unit]}", value.column)
        return number / 100
    scales = _SCALES if unit is Unit.NUMBER else _TIMES
    if suffix in scales:
        return number * scales[suffix]
    if suffix == "" and (number == 0 or unit is Unit.MOMENT):
        return number * 1e9
    column = value.column + (len(value.text) - len(suffix) if not value.quoted else 0)
    raise QueryError(_wrong(suffix, unit, name), column)


def is_number(text: str) -> float | None:
    """The number that a text is, if it is one."""
    try:
        return float(text)
    except ValueError:
        return None


def _wrong(suffix: str, unit: Unit, name: str) -> str:
    if unit is Unit.NUMBER:
        return f"{name} is a number without a unit, but for k, M and G"
    if suffix == "":
        return f"{name} needs a unit: ns, us, ms, s, min or h"
    if suffix in _SHORT:
        return f"{suffix} is no unit here: {_SHORT[suffix]}"
    return f"{suffix} is no unit of time: ns, us, ms, s, min or h"


_EXAMPLE = {
    Unit.TEXT: "any",
    Unit.ANY: "any",
    Unit.NUMBER: "such as 20 or 1.5k",
    Unit.TIME: "such as 10ms or 1.5s",
    Unit.MOMENT: "such as 42.5s",
    Unit.SHARE: "such as 50%",
}
