"""Routine: the unit of work. Subclass it, define ports in ``__init__``, emit from handlers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from time import monotonic, time
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from uuid import uuid4

from .activation import current
from .calling import Handler
from .errors import DuplicateNameError, InvalidValueError, RoutiluxError, UnknownNameError
from .history import LATER, WIDTH, Emitted, Log, emitted
from .job import CANCELLED, JobState
from .policy import ErrorHandler, ErrorStrategy
from .ports import Event, Merge, Slot
from .remarks import forget_stats, remember_stat, watched

if TYPE_CHECKING:
    from .flow import Flow
    from .limits import Limit

#: Emits, errors and operations that a routine keeps in its statistics.
KEPT = 1000


class ExecutionContext(NamedTuple):
    """Where a handler runs."""

    flow: Flow
    job_state: JobState
    routine_id: str


class Timer:
    """A call that `Routine.call_later` has set."""

    __slots__ = ("_job", "_key")

    def __init__(self, job: JobState, key: int) -> None:
        self._job = job
        self._key = key

    def cancel(self) -> bool:
        """Take it back. True if it had not begun and now never will. Any thread."""
        return self._job.flow._scheduler.cancel_call(self._job, self._key)


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
        self._error_handler: ErrorHandler | None = None
        self._serializable: list[str] = []
        self._emitted: Log = []  # without a flow; what jobs emit stands in their logs
        self._emitted_since = 0.0
        self._later_slot: Slot | None = None
        self._stats: dict[str, Any] = {}
        # Reentrant, since a value's own __add__ or a finalizer may come back here.
        self._state_lock = threading.RLock()

    # ports ------------------------------------------------------------------------------------

    def define_slot(
        self,
        name: str,
        handler: Handler | None = None,
        merge_strategy: str | Merge = "override",
        *,
        max_queue: int | None = None,
        overflow: str = "block",
        max_concurrency: int | None = None,
        limit: Limit | None = None,
        block_timeout: float | None = None,
    ) -> Slot:
        """Add an input; see `Slot` for how the handler is called and how data merges.

        Args:
            name: unique among the routine's slots.
            handler: what is called with each message; None just accumulates.
            merge_strategy: see `Slot`.
            max_queue: how many messages may wait here; None: any number.
            overflow: what happens to one more: ``"block"`` lets the emitter wait,
                ``"drop_oldest"`` and ``"drop_newest"`` drop one and count it, ``"error"`` raises
                `SlotFullError` in the emitter.
            max_concurrency: how many calls of the handler may run at once; 1 makes the routine
                an actor. None: any number.
            limit: shared with other slots, in place of ``max_concurrency``.
            block_timeout: seconds that an emitter waits at most (10 by default); then its message
                goes in over the limit and is counted, since it may hold what the handler needs.

        Raises:
            DuplicateNameError: the routine has a slot of that name.
            InvalidValueError: the handler cannot be called with a message, or a limit is wrong.
        """
        if name in self._slots:
            raise DuplicateNameError(f"{self._where()} defines slot {name!r} twice")
        slot = Slot(name, self, handler, merge_strategy)
        if max_queue is not None or max_concurrency is not None or limit is not None:
            from .limits import Limit
            from .mailbox import BLOCK_SECONDS, Mailbox

            if limit is None and max_concurrency is not None:
                limit = Limit(max_concurrency, f"{type(self).__name__}.{name}")
            wait = BLOCK_SECONDS if block_timeout is None else block_timeout
            slot.mailbox = Mailbox(slot, max_queue, overflow, limit, wait)
        self._slots[name] = slot
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

    def emit(
        self,
        event_name: str,
        /,
        flow: Flow | None = None,
        job: JobState | None = None,
        **data: Any,
    ) -> None:
        """Send data to every slot connected to an event. Any thread; never blocks on a handler.

        In a handler the deliveries belong to the handler's job. In a thread that is none of the
        flow's they belong to ``job``, or else to the flow's ambient job; a sequential flow then
        runs them here unless another thread is running it. Without any flow the slots are called
        directly.

        Args:
            event_name: one of the routine's events.
            flow: the flow to run in; by default the one that the routine was added to.
            job: the job to belong to; anything else of that name is data.
            data: handed to each slot; not copied, so do not change what it holds afterwards.

        Raises:
            UnknownNameError: the routine has no such event.
            SlotFullError: a connected slot is full, and its ``overflow`` is ``"error"``.
        """
        event = self._events.get(event_name)
        if event is None:
            raise UnknownNameError("event", event_name, self._where(), self._events)
        cause = current.get(None)
        if cause is None or flow is not None or job is not None or cause.job.flow is not self._flow:
            self._emit(event, flow, data, job)
            return
        here = cause.job
        log = here.log
        if log is not None:
            log.extend((event, data, time()))
            if len(log) >= here.fold_at:
                here.fold()
        edges = event.short
        if edges:
            here.backend.submit(edges, data, cause)
        else:
            here.flow._scheduler.emit(event, data, cause)

    def _emit(
        self, event: Event, flow: Any, data: dict[str, Any], job: JobState | None = None
    ) -> None:
        """Emit the long way: from a thread that is none of the flow's, or to another flow."""
        if job is not None:
            if isinstance(job, JobState):
                job.run(self.emit, event.name, flow, **data)
                return
            data["job"] = job
        if flow is not None and not hasattr(flow, "_scheduler"):
            data["flow"], flow = flow, None
        flow = flow if flow is not None else self._flow
        if flow is None:
            with self._state_lock:
                self._emitted.extend((event, data, time()))
                del self._emitted[: -KEPT * WIDTH]
            for connection in event.edges:
                connection.activate(data)
            return
        cause = current.get(None)
        if cause is not None and cause.job.flow is flow and cause.job.log is not None:
            cause.job.log.extend((event, data, time()))
        flow._scheduler.emit(event, data, cause)

    def call_later(self, seconds: float, function: Callable[..., Any], /, *args: Any) -> Timer:
        """Call a method of this routine later, as a part of the job that runs now.

        The job stays open until then, and no worker is held. Outside of a handler the call belongs
        to the flow's ambient job. Any thread.

        Args:
            seconds: by the flow's clock.
            function: a bound method of this routine, if the job is to be saved while it waits.
            args: what it is called with.

        Raises:
            RoutiluxError: the routine is in no flow.
        """
        from .errors import seconds as checked

        delay = checked(seconds, "seconds") or 0.0
        flow = self._flow
        if flow is None:
            raise RoutiluxError(f"{self._where()} is in no flow, so nothing can call it later")
        return Timer(*flow._scheduler.call_later(self._later.entry, delay, function, args))

    @property
    def _later(self) -> Slot:
        if self._later_slot is None:
            with self._state_lock:
                if self._later_slot is None:
                    self._later_slot = Slot(LATER, self, _call)
        return self._later_slot

    def now(self) -> float:
        """Seconds of the flow's clock; without a flow, of the real one."""
        return self._flow._runtime.now_ns() / 1e9 if self._flow is not None else monotonic()

    # where it runs ----------------------------------------------------------------------------

    def get_execution_context(self) -> ExecutionContext | None:
        """The flow, the job and this routine's id in a handler; None outside of one."""
        cause = current.get(None)
        if cause is None or cause.job.flow is None:
            return None
        return ExecutionContext(cause.job.flow, cause.job, self._id)

    @property
    def cancelled(self) -> bool:
        """Whether the job of the handler that asks was cancelled, so that it had better return."""
        cause = current.get(None)
        return cause is not None and bool(cause.job.flags & CANCELLED)

    # errors -----------------------------------------------------------------------------------

    def set_error_handler(self, handler: ErrorHandler | None) -> None:
        """What to do when one of the handlers here raises. Comes before the flow's; None: that."""
        if handler is not None and not isinstance(handler, ErrorHandler):
            raise InvalidValueError(
                f"{self._where()}: an error handler is an ErrorHandler, not "
                f"{type(handler).__name__}; write ErrorHandler('continue')"
            )
        self._error_handler = handler

    def get_error_handler(self) -> ErrorHandler | None:
        """The routine's own error handler, or None."""
        return self._error_handler

    def set_as_optional(self, strategy: ErrorStrategy | str = ErrorStrategy.CONTINUE) -> None:
        """Let jobs go on without this routine: an error, or the last retry, never fails them."""
        self._error_handler = ErrorHandler(strategy, is_optional=True)

    def set_as_critical(
        self, max_retries: int = 3, retry_delay: float = 1.0, retry_backoff: float = 2.0
    ) -> None:
        """Try again what fails here, and fail the job if that does not help."""
        self._error_handler = ErrorHandler(
            ErrorStrategy.RETRY, max_retries, retry_delay, retry_backoff, is_critical=True
        )

    def _remember_error(self, slot: str, text: str) -> None:
        with self._state_lock:
            errors = self._stats.setdefault("errors", [])
            if not isinstance(errors, list):
                return  # a statistic of the user's own
            errors.append({"slot": slot, "error": text})
            if len(errors) > KEPT:
                del errors[: len(errors) - KEPT]

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
        flow = watched(self._flow)
        with self._state_lock:
            self._stats[key] = value
            if flow is not None:
                remember_stat(flow, self._id, key, value)

    def get_stat(self, key: str, default: Any = None) -> Any:
        """One statistic. Any thread."""
        return self._stats.get(key, default)

    def increment_stat(self, key: str, amount: Any = 1) -> Any:
        """Add to a statistic in one step that no other thread can split; a new one starts at 0.

        Returns:
            The new value.
        """
        flow = watched(self._flow)
        with self._state_lock:
            value = self._stats[key] = self._stats.get(key, 0) + amount
            if flow is not None:
                remember_stat(flow, self._id, key, value)
        return value

    def stats(self) -> dict[str, Any]:
        """A copy of the statistics. Any thread.

        Beside the routine's own: ``emitted_events``, its latest emits as ``{event, data,
        timestamp}`` (of the flow's open and latest jobs), and ``errors``, the latest ``{slot,
        error}``; at most `KEPT` of each.
        """
        flow = self._flow
        logs = flow._scheduler.logs() if flow is not None else []
        return self._stats_with([e for log in logs for e in emitted(log) if e[0].routine is self])

    def _stats_with(self, emits: list[Emitted]) -> dict[str, Any]:
        """The statistics, given what this routine emitted in jobs."""
        found = self._own_stats()
        emits = [*emitted(self._emitted), *(e for e in emits if e[2] > self._emitted_since)]
        if emits:
            found["emitted_events"] = [
                {"event": e.name, "data": d, "timestamp": datetime.fromtimestamp(t).isoformat()}
                for e, d, t in sorted(emits, key=itemgetter(2))[-KEPT:]
            ]
        return found

    def _own_stats(self) -> dict[str, Any]:
        with self._state_lock:
            return {k: list(v) if type(v) is list else v for k, v in self._stats.items()}

    def reset_stats(self, keys: Iterable[str] | None = None) -> None:
        """Forget statistics: those named, or all but ``emitted_events``."""
        flow = watched(self._flow)
        with self._state_lock:
            chosen = self._stats if keys is None else {keys} if isinstance(keys, str) else set(keys)
            gone = [name for name in chosen if name in self._stats]
            for name in gone:
                del self._stats[name]
            if keys is not None and "emitted_events" in chosen:
                self._emitted = []
                self._emitted_since = time()
            if flow is not None:
                forget_stats(flow, self._id, gone)

    def _track_operation(self, name: str, success: bool = True, **meta: Any) -> None:
        """Count an operation as ``total_``, and as ``successful_`` or ``failed_``; ``meta`` goes
        into ``<name>_history``.
        """
        with self._state_lock:
            self.increment_stat(f"total_{name}")
            self.increment_stat(f"{'successful' if success else 'failed'}_{name}")
            if meta:
                history = self._stats.setdefault(f"{name}_history", [])
                history.append(meta | {"success": success})
                if len(history) > KEPT:
                    del history[: len(history) - KEPT]

    @staticmethod
    def _extract_input_data(data: Any = None, /, **kwargs: Any) -> Any:
        """The message of a handler that takes anything: ``data`` if given, else the one value,
        else all of it.
        """
        named = kwargs.pop("data", None)
        if data is not None or named is not None:
            return data if data is not None else named
        if len(kwargs) == 1:
            return next(iter(kwargs.values()))
        return kwargs

    # serialization ----------------------------------------------------------------------------

    def add_serializable_fields(self, fields: Iterable[str]) -> None:
        """Name attributes to keep, beside configuration and statistics. Plain data only."""
        for name in fields:
            if not isinstance(name, str):
                raise InvalidValueError(f"{self._where()}: field names are texts, not {name!r}")
            if name not in self._serializable:
                self._serializable.append(name)

    def serialize(self) -> dict[str, Any]:
        """Configuration, statistics, error handler, ports and named fields as plain data.

        Raises:
            SerializationError: something is no plain data; the message says what and where.
        """
        from .serialize import routine_to_data

        return routine_to_data(self)

    def deserialize(self, data: dict[str, Any]) -> None:
        """Take over what `serialize` gave; all of it or nothing.

        Raises:
            DamagedDataError: it is not such data.
        """
        from .serialize import routine_from_data

        routine_from_data(self, data)

    def __call__(self, **kwargs: Any) -> None:
        """Count that the routine was called. Kept for older code; handlers do the work."""
        self.set_stat("called", True)
        self.increment_stat("call_count")

    def forget_threads(self) -> None:
        """In the child of a fork: whoever held the lock did not come along."""
        self._state_lock = threading.RLock()

    def _where(self) -> str:
        name = type(self).__name__
        flow = self._flow
        return f"routine {self._id!r} ({name}) of flow {flow.flow_id!r}" if flow else name

    def __repr__(self) -> str:
        # Names only: a value's own repr may raise, or be 100 MB long.
        return f"<{type(self).__name__} {self._id} stats: {', '.join(map(str, self._stats))}>"


def _call(function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    return function(*args)


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


_Class = TypeVar("_Class", bound=type)


def register_serializable(kind: _Class) -> _Class:
    """Kept for older code: any class of routines can be saved, so this changes nothing."""
    return kind
