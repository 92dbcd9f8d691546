"""How a handler is called: read from its signature once, when a slot is defined, never per message.

The caller that is made here takes one message as a dict and returns what the handler returns, which
matters for coroutine functions only.
"""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType, MethodType
from typing import Any

from .errors import InvalidValueError

Data = dict[str, Any]
Handler = Callable[..., Any]
Call = Callable[[Data], Any]

_GENERATOR, _ASYNC_GENERATOR = 0x20, 0x200  # code flags


def caller(handler: Handler | None, where: str) -> tuple[Call, bool]:
    """How to call the handler with one message, and whether it wants accumulated lists instead.

    Raises:
        InvalidValueError: no message can ever be handed to it.
    """
    if handler is None:
        return (lambda _data: None), False
    _check(handler, where)
    names, takes_any = takes(handler)
    if takes_any:
        return (lambda data: handler(**data)), not names
    if names is None:
        return (lambda data: handler(dict(data))), False
    if not names:
        return (lambda _data: handler()), False
    if len(names) == 1:
        return _single(handler, names[0]), False
    return _several(handler, names), False


def takes_keywords(handler: Handler) -> bool:
    """Whether the handler takes any keyword, so that it may be called without a caller."""
    return takes(handler)[1]


def signature_text(handler: Handler | None) -> str:
    """The handler's name and parameters, for messages."""
    import inspect

    name = getattr(handler, "__name__", type(handler).__name__)
    try:
        return f"{name}{inspect.signature(handler)}"  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return f"{name}(?)"


def _check(handler: Handler, where: str) -> None:
    if not callable(handler):
        raise InvalidValueError(
            f"{where}: the handler must be callable, not {type(handler).__name__}; "
            "pass the method itself, without calling it"
        )
    code = getattr(handler, "__code__", None)
    if code is not None and code.co_flags & _ASYNC_GENERATOR:
        raise InvalidValueError(
            f"{where}: the handler {code.co_name}() is an asynchronous generator, whose values "
            "nobody would take; make it a coroutine function that emits them"
        )
    if code is not None and code.co_flags & _GENERATOR:
        raise InvalidValueError(
            f"{where}: the handler {code.co_name}() is a generator function, which would never "
            "run; make it a plain function that emits what it yields now"
        )
    if code is not None and code.co_posonlyargcount - isinstance(handler, MethodType) > 1:
        raise InvalidValueError(
            f"{where}: the handler {signature_text(handler)} has several positional-only "
            "parameters, but a message arrives as keywords; remove the '/'"
        )


def _single(handler: Handler, name: str) -> Call:
    if name == "data":
        return lambda data: handler(**{name: dict(data)})
    return lambda data: handler(**{name: data[name] if name in data else dict(data)})


def _several(handler: Handler, names: tuple[str, ...]) -> Call:
    def call(data: Data) -> Any:
        matching = {name: data[name] for name in names if name in data}
        return handler(**matching) if matching else handler(dict(data))

    return call


def takes(handler: Handler) -> tuple[tuple[str, ...] | None, bool]:
    """The handler's parameter names (None: positional only, or not known), and if it has **kw."""
    function = handler.__func__ if isinstance(handler, MethodType) else handler
    if isinstance(function, FunctionType) and not hasattr(function, "__wrapped__"):
        code = function.__code__
        named = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        if isinstance(handler, MethodType) and code.co_argcount:
            named = named[1:]  # else *args takes the self
        has_args, has_kwargs = bool(code.co_flags & 0x04), bool(code.co_flags & 0x08)
        if code.co_posonlyargcount <= int(isinstance(handler, MethodType)):
            return (None if has_args and not named else named), has_kwargs
    return _takes_by_inspection(handler)


def _takes_by_inspection(handler: Handler) -> tuple[tuple[str, ...] | None, bool]:
    import inspect  # costs 10 ms to import: only for callables that are not plain functions

    try:
        parameters = inspect.signature(handler).parameters.values()
    except (TypeError, ValueError):
        return None, False
    by_name = {inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY}
    names = tuple(p.name for p in parameters if p.kind in by_name)
    if any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters):
        return names, True
    return (names or (() if not parameters else None)), False
