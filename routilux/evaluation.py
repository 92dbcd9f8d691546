"""What an expression may do with values: every function here checks before it does.

The types are compared exactly, so that no operator, method or iterator of a user's class is ever
reached from text, except comparison, hash and truth of the values themselves. Whatever makes or
walks something pays for it from the budget of the evaluation, before it does.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .errors import _suggestion

MAX_BITS = 4_096  # of an integer
MAX_WORK = 10_000_000  # units per evaluation: about one byte made or one item looked at

_MAX_DIGITS = 1_300  # of text that becomes a number: above what MAX_BITS can hold
_MAX_ROUNDING = 300  # digits; more would make integers of that many digits
_SLOT = 8  # units per place in a list
_SHORT = 50  # keys, and characters of a key, among which the nearest is looked for

_NUMBERS = (int, float, bool)
_SEQUENCES = (str, list, tuple)
_SIZED = (*_SEQUENCES, dict, set, frozenset)
SCALARS = (*_NUMBERS, str, type(None))


class Run:
    """One evaluation: the values of the names, and what it may still spend."""

    __slots__ = ("left", "values")

    def __init__(self, values: Mapping[str, object]) -> None:
        self.values = values
        self.left = MAX_WORK

    def spend(self, units: int) -> None:
        """Pay, or raise ValueError when the budget is over."""
        self.left -= units
        if self.left < 0:
            raise ValueError(f"takes too much work (more than {MAX_WORK} units)")


# checks -------------------------------------------------------------------------------------------


def _name(value: Any) -> str:
    return type(value).__name__


def _number(value: Any) -> Any:
    if type(value) not in _NUMBERS:
        raise TypeError(f"needs a number, not {_name(value)}")
    return fits(value)


def fits(value: Any) -> Any:
    """The number, unless it is an integer that is too large or no real number."""
    if type(value) not in _NUMBERS:
        raise TypeError(f"the result would be of type {_name(value)}")
    if type(value) is int and value.bit_length() > MAX_BITS:
        raise ValueError(f"a number of more than {MAX_BITS} bits")
    return value


def _all_of(run: Run, value: Any) -> Any:
    """The value, if it is something to walk, after paying for the walk."""
    if type(value) not in _SIZED:
        raise TypeError(f"needs a list, tuple, dict, set or text, not {_name(value)}")
    run.spend(len(value))
    return value


def _units(value: Any) -> int:
    """What it costs to look through a value once. Text is searched many characters at a time."""
    if type(value) is str:
        return len(value) >> 5
    return len(value) if type(value) in _SIZED else 1


# access -------------------------------------------------------------------------------------------


def item(owner: Any, key: Any) -> Any:
    """``owner[key]`` of exactly a dict, list, tuple or str."""
    kind = type(owner)
    if kind is dict:
        if key not in owner:
            raise ValueError(f"the dict has no key {_missing(owner, key)}")
    elif kind not in _SEQUENCES:
        raise TypeError(f"[…] reads a dict, list, tuple or text, not {_name(owner)}")
    elif type(key) is not int:
        raise TypeError(f"the index must be an int, not {_name(key)}")
    return owner[key]


def _missing(owner: dict[Any, Any], key: Any) -> str:
    if type(key) not in SCALARS:
        return f"of that {_name(key)}"
    if type(key) is not str or len(key) > _SHORT or len(owner) > _SHORT:
        return repr(key)[:_SHORT]  # comparing with everything there is would take long
    known = tuple(each for each in owner if type(each) is str and len(each) <= _SHORT)
    return f"{key!r}{_suggestion(key, known)}"


# operators ----------------------------------------------------------------------------------------


def _add(run: Run, a: Any, b: Any) -> Any:
    kind = type(a)
    if kind in _SEQUENCES and type(b) is kind:
        run.spend((len(a) + len(b)) * (1 if kind is str else _SLOT))
        return a + b
    return fits(_number(a) + _number(b))


def _multiply(run: Run, a: Any, b: Any) -> Any:
    if type(b) in _SEQUENCES:
        a, b = b, a
    if type(a) in _SEQUENCES and type(b) in {int, bool}:
        run.spend(len(a) * max(0, b) * (1 if type(a) is str else _SLOT))
        return a * b
    return fits(_number(a) * _number(b))


def _power(run: Run, a: Any, b: Any) -> Any:
    a, b = _number(a), _number(b)
    whole = type(a) is not float and type(b) is not float
    if whole and b > 0 and a.bit_length() * b > 2 * MAX_BITS:
        raise ValueError(f"a number of more than {MAX_BITS} bits")
    return fits(a**b)


def _shift_left(run: Run, a: Any, b: Any) -> Any:
    if not 0 <= _number(b) <= MAX_BITS:
        raise ValueError(f"the shift must be from 0 to {MAX_BITS}")
    return fits(_number(a) << b)


def _modulo(run: Run, a: Any, b: Any) -> Any:
    if type(a) is str:
        raise TypeError("% does not format text here")
    return fits(_number(a) % _number(b))


def _arithmetic(operation: Callable[[Any, Any], Any]) -> Callable[[Run, Any, Any], Any]:
    return lambda run, a, b: fits(operation(_number(a), _number(b)))


def _comparison(operation: Callable[[Any, Any], Any]) -> Callable[[Run, Any, Any], Any]:
    def compare(run: Run, a: Any, b: Any) -> Any:
        run.spend(_units(a))
        return operation(a, b)

    return compare


def contains(run: Run, needle: Any, container: Any) -> bool:
    """``needle in container`` of exactly a builtin container."""
    if type(container) not in _SIZED:
        raise TypeError(f"`in` needs a list, tuple, dict, set or text, not {_name(container)}")
    run.spend(_units(container))
    return needle in container


BINARY: dict[str, Callable[[Run, Any, Any], Any]] = {
    "Add": _add,
    "Sub": _arithmetic(operator.sub),
    "Mult": _multiply,
    "Div": _arithmetic(operator.truediv),
    "FloorDiv": _arithmetic(operator.floordiv),
    "Mod": _modulo,
    "Pow": _power,
    "LShift": _shift_left,
    "RShift": _arithmetic(operator.rshift),
    "BitAnd": _arithmetic(operator.and_),
    "BitOr": _arithmetic(operator.or_),
    "BitXor": _arithmetic(operator.xor),
}

COMPARE: dict[str, Callable[[Run, Any, Any], Any]] = {
    "Eq": _comparison(operator.eq),
    "NotEq": _comparison(operator.ne),
    "Lt": _comparison(operator.lt),
    "LtE": _comparison(operator.le),
    "Gt": _comparison(operator.gt),
    "GtE": _comparison(operator.ge),
    "Is": lambda run, a, b: a is b,
    "IsNot": lambda run, a, b: a is not b,
    "In": contains,
    "NotIn": lambda run, a, b: not contains(run, a, b),
}


def _invert(value: Any) -> int:
    if type(value) is not int:
        raise TypeError(f"~ needs an int, not {_name(value)}")
    return ~value


UNARY: dict[str, Callable[[Any], Any]] = {
    "UAdd": lambda value: fits(+_number(value)),
    "USub": lambda value: fits(-_number(value)),
    "Invert": lambda value: _invert(_number(value)),
    "Not": operator.not_,
}


# functions ----------------------------------------------------------------------------------------


def _len(run: Run, value: Any) -> int:
    if type(value) not in _SIZED:
        raise TypeError(f"len() needs a list, tuple, dict, set or text, not {_name(value)}")
    return len(value)


def _extreme(function: Callable[[Iterable[Any]], Any]) -> Callable[..., Any]:
    return lambda run, *values: function(_all_of(run, values[0] if len(values) == 1 else values))


def _round(run: Run, value: Any, digits: Any = None) -> Any:
    if digits is not None and (
        type(digits) is not int or not -_MAX_ROUNDING <= digits <= _MAX_ROUNDING
    ):
        raise ValueError(f"round() needs a number of digits up to {_MAX_ROUNDING}")
    return fits(round(_number(value), digits))


def _to_number(kind: type) -> Callable[[Run, Any], Any]:
    def convert(run: Run, value: Any) -> Any:
        if type(value) is not str:
            value = _number(value)
        elif len(value) > _MAX_DIGITS:
            raise ValueError(f"{kind.__name__}() needs text of up to {_MAX_DIGITS} characters")
        return fits(kind(value))

    return convert


def _str(run: Run, value: Any) -> str:
    if type(value) not in SCALARS:
        raise TypeError(f"str() needs a number, text or None, not {_name(value)}")
    return str(value if type(value) not in _NUMBERS else fits(value))


def _sum(run: Run, values: Any) -> Any:
    # Number by number: sum() of lists would copy them again and again.
    return fits(sum(_number(value) for value in _all_of(run, values)))


def _sorted(run: Run, values: Any) -> list[Any]:
    size = len(_all_of(run, values))
    run.spend(size * (_SLOT + size.bit_length()))
    return sorted(values)


#: Name, what it calls, and how many arguments it takes.
FUNCTIONS: dict[str, tuple[Callable[..., Any], int, int]] = {
    "abs": (lambda run, value: abs(_number(value)), 1, 1),
    "all": (lambda run, values: all(_all_of(run, values)), 1, 1),
    "any": (lambda run, values: any(_all_of(run, values)), 1, 1),
    "bool": (lambda run, value: bool(value), 1, 1),
    "float": (_to_number(float), 1, 1),
    "int": (_to_number(int), 1, 1),
    "isinstance": (lambda run, value, kinds: isinstance(value, kinds), 2, 2),
    "len": (_len, 1, 1),
    "max": (_extreme(max), 1, 20),
    "min": (_extreme(min), 1, 20),
    "round": (_round, 1, 2),
    "sorted": (_sorted, 1, 1),
    "str": (_str, 1, 1),
    "sum": (_sum, 1, 1),
}

#: Name, the type it is a method of, what it calls, units per item of it, and how many arguments.
METHODS: dict[str, tuple[type[Any], Callable[..., Any], int, int, int]] = {
    "get": (dict, dict.get, 0, 1, 2),
    "items": (dict, lambda value: list(value.items()), 10 * _SLOT, 0, 0),
    "keys": (dict, list, _SLOT, 0, 0),
    "values": (dict, lambda value: list(value.values()), _SLOT, 0, 0),
    "endswith": (str, str.endswith, 0, 1, 1),
    "lower": (str, str.lower, 1, 0, 0),
    "split": (str, str.split, 4 * _SLOT, 0, 2),
    "startswith": (str, str.startswith, 0, 1, 1),
    "strip": (str, str.strip, 1, 0, 1),
    "upper": (str, str.upper, 1, 0, 0),
}
