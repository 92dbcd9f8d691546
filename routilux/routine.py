"""Routine: the unit of work. Subclass it, define ports in ``__init__``, emit from handlers."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

from .activation import current
from .errors import DuplicateNameError, UnknownNameError
from .ports import Event, Handler, Merge, Slot

if TYPE_CHECKING:
    from .flow import Flow


class Routine:
    """A unit of work with input slots, output events, configuration and statistics.

    A subclass takes no constructor arguments (what varies goes to `set_config`), calls
    ``super().__init__()`` and defines its slots and events there. Handlers of one routine run
    concurrently in a concurrent flow: state other than config and stats needs a lock of its own.
    """

    def __init__(self) -> None:
        self._id = uuid4().hex
        self._flow: Flow | None = None
        self._slots: dict[str, Slot] = {}
        self._events: dict[str, Event] = {}
        self._config: dict[str, Any] = {}
        self._stats: dict[str, Any] = {}
        # Reentrant, since a value's own __add__ or a finalizer may come back here.
        self._state_lock = threading.RLock()

    # ports ------------------------------------------------------------------------------------

    def define_slot(
        self, name: str, handler: Handler | None = None, merge_strategy: str | Merge = "override"
    ) -> Slot:
        """Add an input; see `Slot` for how the handler is called and how data merges.

        Raises:
            DuplicateNameError: the routine has a slot of that name.
        """
        if name in self._slots:
            raise DuplicateNameError(f"{self._where()} defines slot {name!r} twice")
        slot = self._slots[name] = Slot(name, self, handler, merge_strategy)
        return slot

    def define_event(self, name: str, output_params: Sequence[str] | None = None) -> Event:
        """Add an output. ``output_params`` name the data for readers; nothing checks them.

        Raises:
            DuplicateNameError: the routine has an event of that name.
        """
        if name in self._events:
            raise DuplicateNameError(f"{self._where()} defines event {name!r} twice")
        event = self._events[name] = Event(name, self, output_params or ())
        return event

    def get_slot(self, name: str) -> Slot | None:
        """The slot of that name, or None."""
        return self._slots.get(name)

    def get_event(self, name: str) -> Event | None:
        """The event of that name, or None."""
        return self._events.get(name)

    def emit(self, event_name: str, /, flow: Flow | None = None, **data: Any) -> None:
        """Send data to every slot connected to an event. Any thread; never blocks on a handler.

        In a handler the deliveries belong to the handler's job. In a thread that is none of the
        flow's they belong to the flow's ambient job; a sequential flow then runs them here unless
        another thread is running it. Without any flow the slots are called directly.

        Args:
            event_name: one of the routine's events.
            flow: the flow to run in; by default the one that the routine was added to.
            data: handed to each slot; not copied, so do not change what it holds afterwards.

        Raises:
            UnknownNameError: the routine has no such event.
        """
        event = self._events.get(event_name)
        if event is None:
            raise UnknownNameError("event", event_name, self._where(), self._events)
        if flow is None:
            flow = self._flow
            if flow is None:
                for connection in event.edges:
                    connection.deliver(data)
                return
        cause = current.get(None)
        if cause is not None:
            job, edges = cause.job, event._edges or event.edges
            if job.flow is flow:
                if edges:
                    job.backend.submit(edges, data, cause)
                    return
                if not job.flags:
                    return
        flow._scheduler.emit(event, data, cause)

    # configuration and statistics -------------------------------------------------------------

    def set_config(self, **values: Any) -> None:
        """Set configuration values. Config and stats are what serialization keeps. Any thread."""
        with self._state_lock:
            self._config.update(values)

    def get_config(self, key: str, default: Any = None) -> Any:
        """One configuration value. Any thread."""
        return self._config.get(key, default)

    def config(self) -> dict[str, Any]:
        """A copy of the configuration. Any thread."""
        with self._state_lock:
            return dict(self._config)

    def set_stat(self, key: str, value: Any) -> None:
        """Set a statistic. Reading one and setting it back is a race: see `increment_stat`."""
        with self._state_lock:
            self._stats[key] = value

    def get_stat(self, key: str, default: Any = None) -> Any:
        """One statistic. Any thread."""
        return self._stats.get(key, default)

    def increment_stat(self, key: str, amount: Any = 1) -> Any:
        """Add to a statistic in one step that no other thread can split; a new one starts at 0.

        Returns:
            The new value.
        """
        with self._state_lock:
            value = self._stats[key] = self._stats.get(key, 0) + amount
        return value

    def stats(self) -> dict[str, Any]:
        """A copy of the statistics. Any thread."""
        with self._state_lock:
            return dict(self._stats)

    def _where(self) -> str:
        name = type(self).__name__
        flow = self._flow
        return f"routine {self._id!r} ({name}) of flow {flow.flow_id!r}" if flow else name

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._id} stats={self._stats}>"


_Port = TypeVar("_Port", Event, Slot)


def event_of(routine: Routine, name: str) -> Event:
    """The routine's event, or an `UnknownNameError` that suggests the nearest one."""
    return _port(routine, "event", name, routine._events)


def slot_of(routine: Routine, name: str) -> Slot:
    """The routine's slot, or an `UnknownNameError` that suggests the nearest one."""
    return _port(routine, "slot", name, routine._slots)


def _port(routine: Routine, kind: str, name: str, ports: Mapping[str, _Port]) -> _Port:
    if name not in ports:
        raise UnknownNameError(kind, name, routine._where(), ports)
    return ports[name]
