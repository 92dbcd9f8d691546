"""The facts of a flow that stand in its source and in its wiring; made anew when that changes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from types import FunctionType, MethodType
from typing import Any

import routilux
from routilux import Flow, Routine
from routilux.calling import takes
from routilux.ports import Slot
from tui.session.factual import FlowFacts, PortFacts, RoutineFacts, WaitCall

from .allow import Owner, allowed
from .code import Class, Source, source_of

_ENGINE = os.path.dirname(os.path.abspath(routilux.__file__)) + os.sep
_BUILTIN = os.path.join(_ENGINE, "builtin") + os.sep
#: Files read for one flow, and names told of one routine, at most.
_FILES, _NAMES = 64, 20
#: The flag of a coroutine function; to import `inspect` for it takes 10 ms.
_COROUTINE = 0x80
_PLAIN = (bool, int, float, str, bytes, list, dict, tuple, set, type(None))
#: What every routine has.
_OWN = frozenset(vars(Routine()))


def facts_of(flow: Flow, built_in: Iterable[str] = ()) -> FlowFacts:
    """The facts of a flow. Any thread; runs no code of the user's.

    Args:
        flow: the flow.
        built_in: files that may have built it, beside the main script.
    """
    routines = list(flow.routines.items())
    owners = [Owner(n, str(i), r, _classes(type(r))) for n, (i, r) in enumerate(routines)]
    sources: dict[str, bool] = {}
    for path in (*built_in, _main()):
        if path:
            sources[os.path.abspath(path)] = True
    for owner in owners:
        for source, _ in owner.classes:
            if not source.path.startswith(_ENGINE) and len(sources) < _FILES:
                sources.setdefault(source.path, False)
    return FlowFacts(
        flow.number,
        tuple(_routine(owner) for owner in owners),
        tuple(allowed(flow, owners, sources)),
        tuple(_renamed(flow)),
    )


def _main() -> str:
    file = getattr(sys.modules.get("__main__"), "__file__", None)
    return file if isinstance(file, str) else ""


def _classes(cls: type) -> tuple[tuple[Source, Class], ...]:
    """The classes that a routine's class is made of, as far as there is source; its own first."""
    found = []
    for each in cls.__mro__:
        file, line = place_of(each)
        if each is Routine or not file or file.startswith("<"):
            continue
        source = source_of(file)
        kind = source.class_of(each.__qualname__, line)
        if kind is not None:
            found.append((source, kind))
    return tuple(found)


def place_of(cls: type) -> tuple[str, int]:
    """File and line of the first function of a class; empty if it has none."""
    codes = [getattr(each, "__code__", None) for each in vars(cls).values()]
    found = [(code.co_firstlineno, code.co_filename) for code in codes if code is not None]
    line, file = min(found, default=(0, ""))
    return (os.path.abspath(file) if file and not file.startswith("<") else file), line


def _routine(owner: Owner) -> RoutineFacts:
    routine, cls = owner.routine, type(owner.routine)
    file, line = place_of(cls)
    if owner.classes:
        file, line = owner.classes[0][0].path, owner.classes[0][1].line
    required, optional = _constructor(cls)
    return RoutineFacts(
        owner.number,
        file,
        line,
        required,
        optional,
        _loose(owner),
        tuple(
            _port(owner, "define_slot", slot.name, _needs(slot), _is_coroutine(slot))
            for slot in list(routine._slots.values())
        ),
        tuple(
            _port(owner, "define_event", event.name, tuple(map(str, event.output_params)))
            for event in list(routine._events.values())
        ),
        tuple(_waits(owner)),
    )


def _waits(owner: Owner) -> Iterator[WaitCall]:
    """Calls that wait, in handlers and in what those call of the same class."""
    handlers = {getattr(slot.handler, "__name__", "") for slot in owner.routine._slots.values()}
    for source, kind in owner.classes:
        if not source.path.startswith(_ENGINE):
            reached = kind.reached_from(handlers)
            for what, line, method in kind.waits:
                if method in reached:
                    yield what, source.path, line, method


def _port(
    owner: Owner, call: str, name: str, params: tuple[str, ...], coroutine: bool = False
) -> PortFacts:
    for source, kind in owner.classes:
        for each in kind.ports:
            if each.name == call and each.args[:1] == (name,):
                return PortFacts(name, source.path, each.first, params, coroutine)
    return PortFacts(name, "", 0, params, coroutine)


def _is_coroutine(slot: Slot) -> bool:
    code = getattr(slot.handler, "__code__", None)
    return code is not None and bool(code.co_flags & _COROUTINE)


def _constructor(cls: type) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The arguments that a constructor must have, and those that it may have."""
    init: Any = cls.__init__  # type: ignore[misc] # only looked at
    if not isinstance(init, FunctionType) or init.__code__.co_filename.startswith(_ENGINE):
        return (), ()
    required = _required(init)
    code = init.__code__
    names = code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]
    return required[:_NAMES], tuple(n for n in names if n not in required)[:_NAMES]


def _required(function: FunctionType, skip: int = 1) -> tuple[str, ...]:
    """Names of the parameters that have no default, without the first so many."""
    code = function.__code__
    positional = code.co_varnames[: code.co_argcount]
    plain = positional[: len(positional) - len(function.__defaults__ or ())][skip:]
    only = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    return (*plain, *(n for n in only if n not in (function.__kwdefaults__ or {})))


def _needs(slot: Slot) -> tuple[str, ...]:
    """What a message must bring by name: else the call of the handler fails.

    A handler of one parameter gets the whole message where nothing has that name.
    """
    handler: Callable[..., Any] | None = slot.handler
    function = handler.__func__ if isinstance(handler, MethodType) else handler
    if not isinstance(function, FunctionType) or hasattr(function, "__wrapped__"):
        return ()
    names, takes_any = takes(function)
    bound = int(isinstance(handler, MethodType))
    if names is None or (len(names) - bound < 2 and not takes_any):
        return ()
    return _required(function, bound)[:_NAMES]


def _loose(owner: Owner) -> tuple[str, ...]:
    """Plain attributes that nobody in the classes sets: they were put there from outside."""
    routine = owner.routine
    bases = [c for c in type(routine).__mro__ if c not in (Routine, object)]
    if len(owner.classes) < len(bases) or any(kind.sets is None for _, kind in owner.classes):
        return ()
    known = set(_OWN).union(*(kind.sets or () for _, kind in owner.classes), routine._serializable)
    held: dict[str, Any] = object.__getattribute__(routine, "__dict__")
    loose = [k for k, v in list(held.items()) if k not in known and type(v) in _PLAIN]
    return tuple(loose[:_NAMES])


def _renamed(flow: Flow) -> Iterator[tuple[int, str, str]]:
    for connection in list(flow.connections):
        for sent, arrives in list(connection.param_mapping.items()):
            yield connection.number, str(sent), str(arrives)
