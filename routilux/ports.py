"""Ports: events go out of a routine, slots take data in, connections join the two.

How a handler is called is decided once, when the slot is defined, never per message.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any

from .errors import RoutiluxError

if TYPE_CHECKING:
    from .routine import Routine

Data = dict[str, Any]
Handler = Callable[..., Any]
Deliver = Callable[[Data], None]
Merge = Callable[[Data, Data], Data]

#: Numbers of events and connections, unique in the process: records name them by these.
_numbers = count(1)

_COROUTINE = 0x80 | 0x200  # code flags of coroutines and of asynchronous generators

_wiring = threading.RLock()  # held while connections are made, ended, or frozen for emitting


class Slot:
    """A routine's input. Data that arrives is merged into `data` and handed to the handler.

    Args:
        name: unique among the routine's slots.
        routine: the owner; None for a slot that stands alone.
        handler: called with each message; a slot without one just accumulates.
        merge_strategy: ``"override"`` keeps the last message, ``"append"`` a list per key with
            one entry per message, a callable ``(old, new) -> dict`` what it returns. Anything
            else counts as override.

    A handler gets, by its signature: all keys as keywords if it takes ``**kwargs``; the whole dict
    if its only parameter is called ``data``; the value of that name (else the whole dict) if it
    has one other parameter; the matching keywords (else the whole dict) if it has several. With
    ``append`` a handler that takes nothing but ``**kwargs`` gets the accumulated lists, any other
    the values of this message.
    """

    __slots__ = ("_data", "_entry", "_lock", "deliver", "handler", "merge_strategy", "name",
                 "routine")  # fmt: skip

    def __init__(
        self,
        name: str = "",
        routine: Routine | None = None,
        handler: Handler | None = None,
        merge_strategy: str | Merge = "override",
    ) -> None:
        self.name = name
        self.routine = routine
        self.handler = handler
        self.merge_strategy = merge_strategy
        self._data: Data = {}
        self._lock = threading.RLock()
        self._entry: Connection | None = None
        self.deliver: Deliver = _delivery(self)

    @property
    def data(self) -> Data:
        """A consistent copy of what has accumulated; lists are copied too. Any thread."""
        with self._lock:
            return {k: list(v) if type(v) is list else v for k, v in self._data.items()}

    @property
    def entry(self) -> Connection:
        """The connection over which ``execute()`` reaches this slot: one without a source."""
        if self._entry is None:
            with self._lock:
                if self._entry is None:
                    self._entry = Connection(None, self, link=False)
        return self._entry

    def __repr__(self) -> str:
        owner = self.routine._id if self.routine else None
        return f"<Slot {owner}.{self.name} merge={self.merge_strategy!r}>"


class Event:
    """A routine's output: what is emitted here goes to every connected slot, in connection order.

    ``output_params`` document the data; nothing checks them.
    """

    __slots__ = ("_edges", "connections", "name", "number", "output_params", "routine")

    def __init__(
        self, name: str = "", routine: Routine | None = None, output_params: Sequence[str] = ()
    ) -> None:
        self.name = name
        self.routine = routine
        self.output_params = list(output_params or ())
        self.number = next(_numbers)
        self.connections: list[Connection] = []
        self._edges: tuple[Connection, ...] | None = ()

    @property
    def edges(self) -> tuple[Connection, ...]:
        """The connections, frozen: growing a tuple one by one would take quadratic time."""
        edges = self._edges
        if edges is None:
            with _wiring:
                edges = self._edges = tuple(self.connections)
        return edges

    @property
    def connected_slots(self) -> list[Slot]:
        """The slots that get what is emitted here."""
        return [connection.target_slot for connection in self.connections]

    def __repr__(self) -> str:
        owner = self.routine._id if self.routine else None
        return f"<Event {owner}.{self.name} to {len(self.connections)} slots>"


class Connection:
    """An edge of the flow: data emitted on an event is delivered to a slot.

    Args:
        source_event: None for the edge over which ``execute()`` enters.
        target_slot: where the data goes.
        param_mapping: ``{source name: target name}``, a real renaming: the old key does not also
            arrive. Keys it does not name pass unless they collide with a target name.
        link: whether the event delivers over it from now on.
    """

    __slots__ = ("deliver", "number", "param_mapping", "source_event", "target_slot")

    def __init__(
        self,
        source_event: Event | None,
        target_slot: Slot,
        param_mapping: Mapping[str, str] | None = None,
        *,
        link: bool = True,
    ) -> None:
        self.source_event = source_event
        self.target_slot = target_slot
        self.param_mapping = dict(param_mapping or {})
        self.number = next(_numbers)
        self.deliver: Deliver = target_slot.deliver
        if self.param_mapping:
            self.deliver = _renamed(self.param_mapping, target_slot.deliver)
        if link and source_event is not None:
            with _wiring:
                source_event.connections.append(self)
                source_event._edges = None

    def disconnect(self) -> None:
        """Deliver nothing over this connection any more. Repeatable."""
        event = self.source_event
        with _wiring:
            if event is not None and self in event.connections:
                event.connections.remove(self)
                event._edges = None

    def __repr__(self) -> str:
        return f"<Connection {self.source_event!r} -> {self.target_slot!r}>"


def _renamed(mapping: Mapping[str, str], deliver: Deliver) -> Deliver:
    targets = set(mapping.values())

    def rename(data: Data) -> None:
        renamed = {k: v for k, v in data.items() if k not in mapping and k not in targets}
        renamed.update((mapping[k], data[k]) for k in mapping if k in data)
        deliver(renamed)

    return rename


def _delivery(slot: Slot) -> Deliver:
    _refuse_coroutine(slot)
    call, takes_lists = _caller(slot.handler)
    if slot.merge_strategy == "append":
        return _appending(slot, call, takes_lists)
    if callable(slot.merge_strategy):
        return _merging(slot, call, slot.merge_strategy)

    handler = slot.handler
    if handler is not None and _takes(handler)[1]:  # the common handler, one call less

        def override_keywords(data: Data) -> None:
            slot._data = data
            handler(**data)

        return override_keywords

    def override(data: Data) -> None:
        slot._data = data
        call(data)

    return override


def _refuse_coroutine(slot: Slot) -> None:
    """An ``async def`` handler would return a coroutine that nobody runs: say so, not succeed."""
    code = getattr(slot.handler, "__code__", None)
    if code is not None and code.co_flags & _COROUTINE:
        owner = type(slot.routine).__name__ if slot.routine else "?"
        raise RoutiluxError(
            f"slot {slot.name!r} of {owner}: the handler {code.co_name}() is `async def`, which "
            "flows do not run yet; make it a plain function (it may call asyncio.run)"
        )


def _appending(slot: Slot, call: Deliver, takes_lists: bool) -> Deliver:
    def append(data: Data) -> None:
        with slot._lock:
            _append(slot._data, data)
            if takes_lists:
                data = slot.data
        call(data)

    return append


def _append(lists: Data, data: Data) -> None:
    """Add one message: every key's list grows by one, so that index i is message i throughout."""
    length = max((len(v) if isinstance(v, list) else 1 for v in lists.values()), default=0)
    for key, value in lists.items():
        if not isinstance(value, list):
            lists[key] = [value]
    for key in data:
        if key not in lists:
            lists[key] = [None] * length
    for key, values in lists.items():
        values.append(data.get(key))


def _merging(slot: Slot, call: Deliver, merge: Merge) -> Deliver:
    def merge_and_call(data: Data) -> None:
        # `merge` is the user's: two of one slot never overlap, and as it may change what it is
        # given or return it, it gets a copy of what other slots get too, and the handler another.
        with slot._lock:
            merged = merge(slot._data, dict(data))
            if not isinstance(merged, dict):
                owner = slot.routine._id if slot.routine else "?"
                raise RoutiluxError(
                    f"slot {owner}.{slot.name}: the merge function {merge!r} must return a dict "
                    f"(old, new) -> merged, but returned {type(merged).__name__}"
                )
            slot._data = merged
            merged = dict(merged)
        call(merged)

    return merge_and_call


def _caller(handler: Handler | None) -> tuple[Deliver, bool]:
    """How to call the handler with one message, and whether it wants accumulated lists instead."""
    if handler is None:
        return (lambda _data: None), False
    names, takes_any = _takes(handler)
    if takes_any:
        return (lambda data: handler(**data)), not names
    if names is None:
        return (lambda data: handler(dict(data))), False
    if not names:
        return (lambda _data: handler()), False
    if len(names) == 1:
        return _single(handler, names[0]), False
    return _several(handler, names), False


def _single(handler: Handler, name: str) -> Deliver:
    if name == "data":
        return lambda data: handler(**{name: dict(data)})
    return lambda data: handler(**{name: data[name] if name in data else dict(data)})


def _several(handler: Handler, names: tuple[str, ...]) -> Deliver:
    def call(data: Data) -> None:
        matching = {name: data[name] for name in names if name in data}
        if matching:
            handler(**matching)
        else:
            handler(dict(data))

    return call


def _takes(handler: Handler) -> tuple[tuple[str, ...] | None, bool]:
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
