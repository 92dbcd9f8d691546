"""Reading saved data: every value is checked before it is used, and what is wrong is named."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, TypeVar

from .errors import DamagedDataError, SerializationError
from .plain import plain

#: The version of what we write. Raise it when an older version could not read it any more.
SCHEMA = 1

_T = TypeVar("_T")
_NAMES = {str: "a text", int: "a whole number", bool: "true or false", dict: "an object",
          list: "a list", float: "a number", type(None): "null"}  # fmt: skip


class Reader:
    """A loaded object whose values are taken by name and kind.

    Args:
        data: plain data; anything but a dict is refused.
        where: what is loaded, for messages.
        path: where in it the data stands.

    Raises:
        DamagedDataError: by every method, when a value is missing or of the wrong kind.
    """

    def __init__(self, data: Any, where: str, path: str = "") -> None:
        self._where = where
        self._path = path
        if type(data) is not dict:
            raise self.damaged(f"{path or 'it'} must be an object, not {_kind(data)}")
        self.data: dict[str, Any] = data

    def take(self, key: str, kind: type[_T]) -> _T:
        """The value of a key, which must be of exactly that kind."""
        value = self._value(key)
        if type(value) is not kind:
            raise self._wrong(key, _NAMES[kind])
        return value

    def maybe(self, key: str, kind: type[_T]) -> _T | None:
        """The value of a key, which may also be null."""
        return None if self._value(key) is None else self.take(key, kind)

    def count(self, key: str, minimum: int = 0) -> int:
        """A whole number that is not too small."""
        value = self.take(key, int)
        if value < minimum:
            raise self._wrong(key, f"at least {minimum}")
        return value

    def seconds(self, key: str, longest: float) -> float:
        """A number from 0 to ``longest``."""
        value = self._value(key)
        if type(value) not in (int, float) or not 0 <= value <= longest:
            raise self._wrong(key, f"a number of seconds from 0 to {longest:.0f}")
        return float(value)

    def time(self, key: str) -> datetime:
        """A time in ISO format, as local time."""
        try:
            found = datetime.fromisoformat(self.take(key, str))
            return datetime.fromtimestamp(found.timestamp())
        except (ValueError, OverflowError, OSError) as error:
            if isinstance(error, DamagedDataError):
                raise
            raise self._wrong(key, "a time in ISO format") from None

    def reader(self, key: str) -> Reader:
        """An object within this one."""
        return Reader(self.take(key, dict), self._where, self.at(key))

    def readers(self, key: str) -> Iterator[Reader]:
        """The objects of a list."""
        for index, item in enumerate(self.take(key, list)):
            yield Reader(item, self._where, f"{self.at(key)}[{index}]")

    def named(self, key: str) -> Iterator[tuple[str, Reader]]:
        """The objects of an object, with their names."""
        inner = self.reader(key)
        for name in inner.data:
            yield name, inner.reader(name)

    def at(self, key: str) -> str:
        """Where the value of a key stands."""
        return f"{self._path}[{key!r}]" if self._path else key

    def damaged(self, said: str) -> DamagedDataError:
        """An error for the caller to raise: says that something is wrong here."""
        return DamagedDataError(f"{self._where} is damaged: {said}")

    def _value(self, key: str) -> Any:
        if key not in self.data:
            raise self.damaged(f"{self.at(key)} is missing")
        return self.data[key]

    def _wrong(self, key: str, wanted: str) -> DamagedDataError:
        return self.damaged(f"{self.at(key)} must be {wanted}, not {_kind(self.data[key])}")


def opened(data: Any, kind: str, where: str) -> Reader:
    """A reader of saved data of that kind, which is copied first.

    Raises:
        DamagedDataError: it is no such data, or of a newer version.
    """
    try:
        reader = Reader(plain(data, where, "data"), where)
    except SerializationError as error:
        raise DamagedDataError(f"{error} (it is no data that routilux has saved)") from None
    found = reader.data.get("kind")
    if found != kind:
        said = f"of kind {found!r}" if isinstance(found, str) else "nothing that routilux has saved"
        raise DamagedDataError(f"{where} is {said}; {kind!r} was expected")
    schema = reader.count("schema", 1)
    if schema > SCHEMA:
        raise DamagedDataError(
            f"{where} was saved by a newer version (schema {schema}, this version reads {SCHEMA}); "
            "upgrade routilux"
        )
    return reader


def _kind(value: Any) -> str:
    if type(value) in (int, float, str) and len(repr(value)) <= 40:
        return repr(value)
    return _NAMES.get(type(value), f"of type {type(value).__name__}")
