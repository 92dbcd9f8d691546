"""Plain data: what JSON holds, copied out of whatever it was given, or refused with its place.

Nothing of a payload's own code is called: no ``__repr__``, ``__iter__`` or ``__eq__``.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite
from types import NoneType
from typing import Any

from .errors import SerializationError

#: How deep data may be nested; deeper, parsers of JSON begin to give up.
LEVELS = 100
#: Integers of more bits are refused: Python does not read that many digits again.
INT_BITS = 12_000
#: The key of what stands in a history for a value that is no plain data.
MARKER = "__unserializable__"

_KEY_CHARS = 60
_HINTS = {
    "set": "make it a list",
    "frozenset": "make it a list",
    "bytes": "make it a text, such as value.hex()",
    "bytearray": "make it a text, such as value.hex()",
    "datetime": "make it a text with value.isoformat()",
    "date": "make it a text with value.isoformat()",
    "Decimal": "make it a text with str(value)",
    "function": "keep its name instead, and look it up in the handler",
    "method": "keep its name instead, and look it up in the handler",
}
_HINT = "keep what it is made from instead, and make it in __init__ or in the handler"


def plain(value: Any, where: str, path: str) -> Any:
    """A deep copy as plain data: tuples become lists, subclasses of plain types the plain type.

    Args:
        value: what is to be saved.
        where: the flow, routine or job, for messages.
        path: what the value is called there, such as ``config``.

    Raises:
        SerializationError: some of it is no plain data; the message says what, where, and what to
            do.
    """
    try:
        return _Copy(where, path).of(value)
    except RecursionError:  # we were called with little of the stack left
        raise SerializationError(f"{where}: {path} is nested too deep to be saved here") from None


def plain_or_marked(value: Any) -> Any:
    """A deep copy as plain data; what cannot be that becomes ``{"__unserializable__": type}``."""
    try:
        return _Marked("", "").of(value)
    except RecursionError:
        return {MARKER: type(value).__name__}


class _Copy:
    def __init__(self, where: str, path: str) -> None:
        self._where = where
        self._path = path
        self._keys: list[str | int] = []
        self._open: set[int] = set()  # the containers that we are in

    def of(self, value: Any) -> Any:
        kind = type(value)  # isinstance() would believe what an object says of itself
        if kind is str or kind is bool or kind is NoneType:
            return value
        if issubclass(kind, str):
            return str.__str__(value)
        if issubclass(kind, int):
            return self._int(int.__int__(value))
        if issubclass(kind, float):
            return self._float(float.__float__(value))
        if issubclass(kind, dict):
            return self._nested(value, dict.copy(value))  # one step, whoever changes it now
        if issubclass(kind, list):
            return self._nested(value, list.copy(value))
        if issubclass(kind, tuple):
            return self._nested(value, list(tuple.__iter__(value)))
        hint = _HINTS.get(kind.__name__, _HINT)
        return self._refuse(value, f"is of type {kind.__name__}, which is no plain data; {hint}")

    def _int(self, value: int) -> Any:
        if value.bit_length() > INT_BITS:
            return self._refuse(value, "has too many digits for JSON; make it a text, hex(value)")
        return value

    def _float(self, value: float) -> Any:
        if not isfinite(value):
            return self._refuse(value, f"is {value}, which JSON cannot hold; use None or a text")
        return value

    def _nested(self, original: Any, copied: dict[Any, Any] | list[Any]) -> Any:
        if id(original) in self._open:
            return self._refuse(original, "contains itself; keep ids or names instead")
        if len(self._keys) >= LEVELS:
            return self._refuse(original, f"is nested more than {LEVELS} levels deep; flatten it")
        self._open.add(id(original))
        try:
            if isinstance(copied, dict):
                return self._dict(copied)
            return [self._item(index, item) for index, item in enumerate(copied)]
        finally:
            self._open.discard(id(original))

    def _dict(self, items: dict[Any, Any]) -> Any:
        found = {}
        for key, item in items.items():
            kind = type(key)
            if not issubclass(kind, str):
                said = f"has a key of type {kind.__name__}, but JSON has text keys only; use those"
                return self._refuse(items, said)
            name = str.__str__(key)
            found[name] = self._item(name, item)
        return found

    def _item(self, key: str | int, item: Any) -> Any:
        self._keys.append(key)
        copied = self.of(item)
        self._keys.pop()
        return copied

    def _refuse(self, value: Any, said: str) -> Any:
        path = self._path + "".join(_steps(self._keys))
        raise SerializationError(f"{self._where}: {path} {said}")


class _Marked(_Copy):
    def _refuse(self, value: Any, said: str) -> Any:
        return {MARKER: type(value).__name__}


def _steps(keys: list[str | int]) -> Iterator[str]:
    for key in keys:
        short = key if isinstance(key, int) or len(key) <= _KEY_CHARS else key[:_KEY_CHARS] + "…"
        yield f"[{short!r}]"
