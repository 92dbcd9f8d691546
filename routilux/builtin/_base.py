"""What the ready routines share: how they read a message, a setting, a function, a condition."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from math import isfinite
from types import MethodType
from typing import Any

from ..errors import InvalidValueError
from ..expression import ExpressionError, compile_expression
from ..routine import Routine

Function = Callable[[Any], Any]

#: What an expression in a configuration may name.
NAMES = ("data", "config", "stats")


class Builtin(Routine):
    """A routine that is configured instead of written. Wrong settings raise when first used.

    What a subclass guards by a lock, it guards by ``_lock``, which it makes.
    """

    def forget_threads(self) -> None:
        """In the child of a fork: whoever held the lock did not come along."""
        super().forget_threads()
        if hasattr(self, "_lock"):
            self._lock = threading.RLock()

    def _received(self, message: Mapping[str, Any]) -> Any:
        """What a message is about; a ``data`` of None is None, not a message without data."""
        if "data" in message:
            return message["data"]
        return self._extract_input_data(**message)

    def _tracked(self, operation: str, function: Callable[..., Any], *args: Any) -> Any:
        """What the function returns, counted as a success or a failure."""
        try:
            result = function(*args)
        except Exception:
            self._track_operation(operation, success=False)
            raise
        self._track_operation(operation)
        return result

    # settings ---------------------------------------------------------------------------------

    def _wrong(self, what: str) -> InvalidValueError:
        return InvalidValueError(f"{self._where()}: {what}")

    def _refusal(self, key: str, value: object, allowed: str) -> InvalidValueError:
        return self._wrong(f"config {key!r} must be {allowed}, not {value!r}")

    def _read_whole(self, key: str, least: int, most: int | None = None) -> int:
        value = self.get_config(key)
        if type(value) is not int or value < least or (most is not None and value > most):
            limit = f"{least} or more" if most is None else f"from {least} to {most}"
            raise self._refusal(key, value, f"a whole number, {limit}")
        return value

    def _read_number(self, key: str, above: float | None = None, least: float = 0.0) -> float:
        value = self.get_config(key)
        wrong = type(value) not in {int, float} or not isfinite(value) or value < least
        if wrong or (above is not None and value <= above):
            limit = f"{least:g} or more" if above is None else f"more than {above:g}"
            raise self._refusal(key, value, f"a number, {limit}")
        return float(value)

    def _read_seconds(self, key: str) -> float:
        return self._read_number(key, above=0.0)

    def _read_seconds_or_none(self, key: str) -> float | None:
        return None if self.get_config(key) is None else self._read_seconds(key)

    def _read_flag(self, key: str) -> bool:
        value = self.get_config(key)
        if type(value) is not bool:
            raise self._refusal(key, value, "True or False")
        return value

    def _read_text(self, key: str) -> str:
        value = self.get_config(key)
        if not isinstance(value, str):
            raise self._refusal(key, value, "text")
        return value

    def _read_choice(self, key: str, *choices: str) -> str:
        value = self.get_config(key)
        if value not in choices:
            raise self._refusal(key, value, f"one of {', '.join(map(repr, choices))}")
        return str(value)

    def _read_names(self, key: str) -> list[str]:
        value = self.get_config(key)
        if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
            raise self._refusal(key, value, "a list of names")
        return list(value)

    # functions --------------------------------------------------------------------------------

    def _function(self, key: str, value: Any) -> Function:
        """A function of the data, from a function or the text of an expression.

        A function that has parameters ``config`` or ``stats`` behind its first gets those too.
        """
        if isinstance(value, str):
            return self._expression(key, value)
        if not callable(value):
            raise self._refusal(key, value, "a function or the text of an expression")
        function: Function = value
        wanted = _wanted(function)
        if not wanted:
            return function
        return lambda data: function(data, **self._sources(wanted))

    def _expression(self, key: str, text: str) -> Function:
        try:
            expression = compile_expression(text, NAMES)
        except ExpressionError as error:
            raise self._wrong(f"config {key!r}: {error}") from error
        return lambda data: expression({"data": data, **self._sources(expression.used)})

    def _sources(self, names: Collection[str]) -> dict[str, Any]:
        """The configuration and the statistics (without the log of emits), if they are wanted."""
        sources = {}
        with self._state_lock:
            if "config" in names:
                sources["config"] = dict(self._config)
            if "stats" in names:
                sources["stats"] = dict(self._stats)
        return sources

    def _condition(self, key: str, value: Any) -> Function:
        """A test of the data: as `_function`, or a dict of what its fields must be or meet."""
        if not isinstance(value, Mapping):
            return self._function(key, value)
        return lambda data: isinstance(data, Mapping) and _meets(data, value)


def _meets(data: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    for field, want in wanted.items():
        if field not in data:
            return False
        if not (want(data[field]) if callable(want) else data[field] == want):
            return False
    return True


def _wanted(function: Callable[..., Any]) -> list[str]:
    """Which of config and stats a plain function asks for. Other callables get the data only."""
    bound = isinstance(function, MethodType)
    code = getattr(function, "__code__", None)  # a method passes on its function's
    if code is None:
        return []
    first = max(1 + bound, code.co_posonlyargcount)
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return [name for name in names[first:] if name in {"config", "stats"}]
