"""Ports: events go out of a routine, slots take data in, connections join the two."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from itertools import count
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from .calling import Call, Data, Handler, caller, signature_text, takes_keywords
from .errors import InvalidValueError, RoutiluxError

if TYPE_CHECKING:
    from .mailbox import Mailbox
    from .routine import Routine

Merge = Callable[[Data, Data], Data]

#: Numbers of events and connections, unique in the process: records name them by these.
_numbers = count(1)

#: The slot whose merge function has failed in this context, so that a retry merges again.
_unmerged: ContextVar[Slot | None] = ContextVar("routilux_unmerged", default=None)

#: What connections have that rename nothing: an own dict would take most of their memory.
_NO_MAPPING: Mapping[str, str] = MappingProxyType({})

_wiring = threading.RLock()  # held while connections are made, ended, or frozen for emitting


def take_unmerged() -> Slot | None:
    """The slot whose merge function has failed in this context; forgotten herewith."""
    slot = _unmerged.get()
    if slot is not None:
        _unmerged.set(None)
    return slot


def forget_wiring_lock() -> None:
    """In the child of a fork: whoever held the lock did not come along."""
    global _wiring  # noqa: PLW0603 - the one lock of all wiring
    _wiring = threading.RLock()


class Slot:
    """A routine's input. Data that arrives is merged into `data` and handed to the handler.

    Args:
        name: unique among the routine's slots.
        routine: the owner; None for a slot that stands alone.
        handler: called with each message; a slot without one just accumulates. A coroutine
            function runs on the flow's event loop.
        merge_strategy: ``"override"`` keeps the last message, ``"append"`` a list per key with
            one entry per message, a callable ``(old, new) -> dict`` what it returns. Anything
            else counts as override.

    A handler gets, by its signature: all keys as keywords if it takes ``**kwargs``; the whole dict
    if its only parameter is called ``data``; the value of that name (else the whole dict) if it
    has one other parameter; the matching keywords (else the whole dict) if it has several. With
    ``append`` a handler that takes nothing but ``**kwargs`` gets the accumulated lists, any other
    the values of this message.

    Attributes:
        mailbox: holds back what waits for the slot, when it has limits (see
            `Routine.define_slot`); else None.
        connections: those that deliver here.
        call: calls the handler with one message, without merging it.
        deliver: merges a message and calls the handler; returns what that returns.
        takes_lists: whether the handler takes nothing but ``**kwargs``.
        run_ns: how long its latest timed handler calls took, in nanoseconds; None: none was timed.
    """

    __slots__ = ("_entry", "_held", "_lock", "_own", "call", "connections", "deliver", "handler",
                 "mailbox", "merge_strategy", "name", "routine", "run_ns",
                 "takes_lists")  # fmt: skip

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
        self.mailbox: Mailbox | None = None
        self.run_ns: deque[int] | None = None
        self._held: Data = {}  # what has accumulated, or the last message, which others hold too
        self._own = self._held
        self._lock = threading.RLock()
        self._entry: Connection | None = None
        self.connections: list[Connection] = []
        self.call, self.takes_lists = caller(handler, self.where())
        self.deliver = _delivery(self)

    @property
    def data(self) -> Data:
        """A consistent copy of what has accumulated; lists are copied too. Any thread."""
        with self._lock:
            return {k: list(v) if type(v) is list else v for k, v in self._held.items()}

    @property
    def _data(self) -> Data:
        """What `data` copies, to be changed or replaced (``slot._data = {}``)."""
        with self._lock:
            accumulates = self.merge_strategy == "append" or callable(self.merge_strategy)
            if self._held is not self._own and not accumulates:
                self._own = self._held = dict(self._held)
            return self._held

    @_data.setter
    def _data(self, data: Data) -> None:
        with self._lock:
            self._own = self._held = data

    @property
    def entry(self) -> Connection:
        """The connection over which ``execute()`` reaches this slot: one without a source."""
        if self._entry is None:
            with self._lock:
                if self._entry is None:
                    self._entry = Connection(None, self, link=False)
        return self._entry

    @property
    def connected_events(self) -> list[Event]:
        """The events that deliver here, each once, in the order of their connections."""
        with _wiring:
            return list(dict.fromkeys(c.source_event for c in self.connections if c.source_event))

    def connect(self, event: Event) -> None:
        """Let an event deliver here. Repeatable: connects once."""
        event.connect(self)

    def disconnect(self, event: Event) -> None:
        """Let the event deliver nothing here any more. Repeatable."""
        event.disconnect(self)

    def receive(self, data: Data) -> None:
        """Merge and handle data now, in this thread, outside of any job.

        Never raises: an error of the handler is logged and put into the routine's statistics.
        """
        try:
            _close(self.deliver(dict(data)), self)
        except Exception as error:  # noqa: BLE001 - whatever a handler raises
            from . import report

            report.swallowed(self, error)

    def call_handler(self, data: Data, propagate_exceptions: bool = False) -> None:
        """Call the handler with a message, without merging it.

        Args:
            data: the message.
            propagate_exceptions: raise what the handler raises, instead of logging it.
        """
        try:
            _close(self.call(dict(data)), self)
        except Exception as error:
            if propagate_exceptions:
                raise
            from . import report

            report.swallowed(self, error)

    def redeliver(self, data: Data) -> Any:
        """Call the handler again with a message that has been merged already."""
        accumulated = callable(self.merge_strategy) or (
            self.takes_lists and self.merge_strategy == "append"
        )
        return self.call(self.data if accumulated else data)

    def forget_threads(self) -> None:
        """In the child of a fork: whoever held the lock did not come along."""
        self._lock = threading.RLock()

    def where(self) -> str:
        """Names the slot in messages."""
        routine = self.routine
        return f"slot {self.name!r} of {routine._where() if routine else 'no routine'}"

    def __repr__(self) -> str:
        owner = self.routine._id if self.routine else None
        return f"<Slot {owner}.{self.name} merge={self.merge_strategy!r}>"


class Event:
    """A routine's output: what is emitted here goes to every connected slot, in connection order.

    ``output_params`` document the data; nothing checks them.

    Attributes:
        short: the connections, as long as none of their slots has limits; else empty.
    """

    __slots__ = ("_edges", "connections", "name", "number", "output_params", "routine", "short")

    def __init__(
        self, name: str = "", routine: Routine | None = None, output_params: Sequence[str] = ()
    ) -> None:
        self.name = name
        self.routine = routine
        self.output_params = list(output_params or ())
        self.number = next(_numbers)
        self.connections: list[Connection] = []
        self._edges: tuple[Connection, ...] | None = ()
        self.short: tuple[Connection, ...] = ()

    @property
    def edges(self) -> tuple[Connection, ...]:
        """The connections, frozen: growing a tuple one by one would take quadratic time."""
        edges = self._edges
        if edges is None:
            with _wiring:
                edges = self._edges = tuple(self.connections)
                limited = any(edge.target_slot.mailbox is not None for edge in edges)
                self.short = () if limited else edges
        return edges

    @property
    def connected_slots(self) -> list[Slot]:
        """The slots that get what is emitted here."""
        return [connection.target_slot for connection in self.connections]

    def connect(self, slot: Slot) -> None:
        """Deliver to a slot. Repeatable: connects once."""
        with _wiring:
            if all(c.target_slot is not slot for c in self.connections):
                Connection(self, slot)

    def disconnect(self, slot: Slot) -> None:
        """Deliver nothing to the slot any more. Repeatable."""
        with _wiring:
            for connection in [c for c in self.connections if c.target_slot is slot]:
                connection.disconnect()

    def emit(self, flow: Any = None, **data: Any) -> None:
        """Emit, like `Routine.emit`; an event of no routine calls its slots directly."""
        if self.routine is not None:
            self.routine._emit(self, flow, data)
        else:
            for connection in self.edges:
                connection.activate(data)

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

    Attributes:
        deliver: renames, merges and calls the handler; returns what that returns.
        retries: how often this delivery was tried before.
    """

    __slots__ = ("deliver", "number", "param_mapping", "retries", "source_event", "target_slot")

    def __init__(
        self,
        source_event: Event | None = None,
        target_slot: Slot | None = None,
        param_mapping: Mapping[str, str] | None = None,
        *,
        link: bool = True,
    ) -> None:
        if target_slot is None:
            raise InvalidValueError("a connection needs a target slot")
        self.source_event = source_event
        self.target_slot = target_slot
        self.param_mapping = dict(param_mapping) if param_mapping else _NO_MAPPING
        self.number = next(_numbers)
        self.retries = 0
        self.deliver: Call = target_slot.deliver
        if self.param_mapping:
            self.deliver = _renamed(self.param_mapping, target_slot.deliver)
        if link and source_event is not None:
            with _wiring:
                source_event.connections.append(self)
                source_event._edges, source_event.short = None, ()
                target_slot.connections.append(self)

    def activate(self, data: Data) -> None:
        """Deliver now, in this thread, outside of any job; see `Slot.receive`."""
        self.target_slot.receive(self.renamed(data))

    def renamed(self, data: Data) -> Data:
        """What the slot gets of data that is emitted."""
        return _rename(self.param_mapping, data) if self.param_mapping else dict(data)

    def disconnect(self) -> None:
        """Deliver nothing over this connection any more. Repeatable."""
        event = self.source_event
        with _wiring:
            if event is not None and self in event.connections:
                event.connections.remove(self)
                event._edges, event.short = None, ()
                self.target_slot.connections.remove(self)
                flow = event.routine._flow if event.routine is not None else None
                if flow is not None and self in flow.connections:
                    flow.connections.remove(self)

    def again(self, retries: int | None = None, merged: bool = True) -> Connection:
        """The same edge for one more try of a delivery: what is merged already is not again."""
        edge = Connection(self.source_event, self.target_slot, self.param_mapping, link=False)
        edge.number = self.number
        edge.retries = self.retries + 1 if retries is None else retries
        if merged:
            mapping, redeliver = self.param_mapping, self.target_slot.redeliver
            edge.deliver = _renamed(mapping, redeliver) if mapping else redeliver
        return edge

    def __repr__(self) -> str:
        return f"<Connection {self.source_event!r} -> {self.target_slot!r}>"


def _rename(mapping: Mapping[str, str], data: Data) -> Data:
    targets = set(mapping.values())
    renamed = {k: v for k, v in data.items() if k not in mapping and k not in targets}
    renamed.update((mapping[k], data[k]) for k in mapping if k in data)
    return renamed


def _renamed(mapping: Mapping[str, str], deliver: Call) -> Call:
    return lambda data: deliver(_rename(mapping, data))


def _delivery(slot: Slot) -> Call:
    if slot.merge_strategy == "append":
        return _appending(slot)
    if callable(slot.merge_strategy):
        return _merging(slot, slot.merge_strategy)

    handler, call = slot.handler, slot.call
    if handler is not None and takes_keywords(handler):  # the common handler, one call less

        def override_keywords(data: Data) -> Any:
            slot._held = data
            return handler(**data)

        return override_keywords

    def override(data: Data) -> Any:
        slot._held = data
        return call(data)

    return override


def _appending(slot: Slot) -> Call:
    call, takes_lists = slot.call, slot.takes_lists

    def append(data: Data) -> Any:
        with slot._lock:
            _append(slot._held, data)
            if takes_lists:
                data = slot.data
        return call(data)

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


def _merging(slot: Slot, merge: Merge) -> Call:
    call = slot.call

    def merge_and_call(data: Data) -> Any:
        # `merge` is the user's: two of one slot never overlap, and as it may change what it is
        # given or return it, it gets a copy of what other slots get too, and the handler another.
        with slot._lock:
            try:
                merged = merge(slot._held, dict(data))
                _check_merged(slot, merge, merged)
            except BaseException:
                _unmerged.set(slot)
                raise
            slot._held = merged
            merged = dict(merged)
        return call(merged)

    return merge_and_call


def _check_merged(slot: Slot, merge: Merge, merged: object) -> None:
    if not isinstance(merged, dict):
        raise RoutiluxError(
            f"{slot.where()}: the merge function {merge!r} must return a dict "
            f"(old, new) -> merged, but returned {type(merged).__name__}"
        )


def _close(result: object, slot: Slot) -> None:
    """Outside of a flow nothing runs coroutines."""
    import inspect

    if inspect.iscoroutine(result):
        result.close()
        raise RoutiluxError(
            f"{slot.where()}: the handler {signature_text(slot.handler)} is a coroutine function; "
            "it runs in a flow only"
        )
