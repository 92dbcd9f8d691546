"""Subclasses of routines, flows and schedulers that tell the observer what happens.

They are swapped in by ``thing.__class__ = ...`` while a debugger is attached, so nothing is tested
and nothing costs while none is. They keep name, module and layout of the class that they stand for.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ..activation import current
from ..flow import Flow
from ..job import JobState
from ..ports import Connection, Event, Slot
from ..routine import Routine
from ..scheduler import Scheduler
from .locks import PRIMITIVES
from .ops import ALL, ATTR, CONFIG, EMIT, ESCAPE, KEPT_IN, READ, STAT, UPDATE, WRITE, Obj
from .proxies import Split, Walk
from .session import session
from .sites import Use, use_at

if TYPE_CHECKING:
    from .observer import Observer

#: Attributes of the engine's own, which are no state of the user's.
ENGINE = frozenset(Routine().__dict__) | {"__dict__", "__class__"}
#: Values that never change, or that have hooks of their own.
_QUIET = (
    Slot, Event, Connection, Flow, Routine, JobState, type, types.FunctionType, types.MethodType,
    types.ModuleType, types.BuiltinFunctionType,
)  # fmt: skip
_PLAIN = frozenset((int, float, str, bytes, bool, complex, type(None), tuple, frozenset, range))
_get = object.__getattribute__
_KEPT = "_routilux_watched"


class _Watched(Routine):
    """What is put before a routine's own class."""

    def get_stat(self, key: str, default: Any = None) -> Any:
        return _told(self, READ, STAT, key, super().get_stat, (key, default))

    def set_stat(self, key: str, value: Any) -> None:
        _told(self, WRITE, STAT, key, super().set_stat, (key, value), value)

    def increment_stat(self, key: str, amount: Any = 1) -> Any:
        call = super().increment_stat
        return _told(self, UPDATE, STAT, key, call, (key, amount))

    def stats(self) -> Any:
        return _told(self, READ, STAT, ALL, super().stats, ())

    def reset_stats(self, keys: Iterable[str] | None = None) -> None:
        call = super().reset_stats
        _told(self, WRITE, STAT, ALL, call, (keys,), keys)

    def get_config(self, key: str, default: Any = None) -> Any:
        call = super().get_config
        return _told(self, READ, CONFIG, key, call, (key, default))

    def set_config(self, **values: Any) -> None:
        obj = next(iter(values)) if len(values) == 1 else ALL
        set_all = super().set_config
        _told(self, WRITE, CONFIG, obj, lambda: set_all(**values), (), values)

    def config(self) -> Any:
        return _told(self, READ, CONFIG, ALL, super().config, ())

    def emit(self, event_name: str, /, flow: Any = None, job: Any = None, **data: Any) -> None:
        observer = session.watching()
        emit = super().emit
        if observer is None:
            emit(event_name, flow, job, **data)
            return
        routine: Any = self
        event = routine._events.get(event_name)
        children = _children(event) if flow is None and job is None and event is not None else ()
        observer.emitting((EMIT, session.name(routine), event_name), children)
        try:
            emit(event_name, flow, job, **data)
        finally:
            observer.emitted()

    def now(self) -> float:
        observer = session.watching()
        if observer is not None:
            observer.timing(READ)
        return super().now()

    def call_later(self, seconds: float, function: Any, /, *args: Any) -> Any:
        observer = session.watching()
        if observer is not None:
            observer.timing(UPDATE)
        return super().call_later(seconds, function, *args)

    @property
    def cancelled(self) -> bool:
        observer, cause = session.watching(), current.get(None)
        if observer is not None and cause is not None:
            observer.job(READ, cause.job)
        return bool(super().cancelled)

    def __getattribute__(self, name: str) -> Any:
        if name in ENGINE:
            if name in KEPT_IN:
                return _kept(self, name)
            return _get(self, name)
        observer = session.observer
        if observer is None or name not in _get(self, "__dict__") or not observer.watches():
            return _get(self, name)
        value = _get(self, name)
        if isinstance(value, (_QUIET, PRIMITIVES)) or _holds_primitives(value):
            return value
        obj = (ATTR, session.name(self), name)
        if type(value) in _PLAIN:
            return _tell(observer, READ, obj, _get, (self, name))
        return _container(observer, obj, self, name, sys._getframe(1))

    def __setattr__(self, name: str, value: Any) -> None:
        observer = session.watching()
        if observer is None or name in ENGINE or isinstance(value, _QUIET):
            object.__setattr__(self, name, value)
            return
        obj = (ATTR, session.name(self), name)
        _tell(observer, WRITE, obj, object.__setattr__, (self, name, value), value)

    def __delattr__(self, name: str) -> None:
        observer = session.watching()
        if observer is None or name in ENGINE:
            object.__delattr__(self, name)
            return
        obj = (ATTR, session.name(self), name)
        _tell(observer, WRITE, obj, object.__delattr__, (self, name))


def _holds_primitives(value: Any) -> bool:
    """Whether it is a list or dict of locks and such, which nobody changes."""
    if type(value) is dict:
        value = list(value.values())
    return type(value) in (list, tuple) and bool(value) and isinstance(value[0], PRIMITIVES)


def _told(
    routine: Any, mode: str, kind: str, key: Any, call: Any, args: tuple[Any, ...], *written: Any
) -> Any:
    observer = session.watching()
    if observer is None:
        return call(*args)
    return _tell(observer, mode, (kind, session.name(routine), key), call, args, *written)


def _tell(
    observer: Observer, mode: str, obj: Obj, call: Any, args: tuple[Any, ...], *written: Any
) -> Any:
    observer.access(mode, obj)
    value = None
    try:
        value = call(*args)
    finally:
        observer.accessed(written[0] if written else value)
    return value


def _container(
    observer: Observer, obj: Obj, routine: Any, name: str, frame: types.FrameType
) -> Any:
    """Load something that can change from within; see `sites`."""
    use = use_at(frame.f_code, frame.f_lasti)
    if use in (Use.SPLIT, Use.ITERATE):
        stand_in = Split if use is Use.SPLIT else Walk
        return stand_in(_get(routine, name), obj, observer)
    mode = {Use.READ: READ, Use.WRITE: UPDATE}.get(use, ESCAPE)
    return _tell(observer, mode, obj, _get, (routine, name))


def _kept(routine: Any, name: str) -> Any:
    """The dict of statistics or configuration: the user's code may use it directly."""
    observer = session.observer
    frame = sys._getframe(2)
    if observer is None or frame.f_globals.get("__name__", "").startswith("routilux."):
        return _get(routine, name)
    if not observer.watches():
        return _get(routine, name)
    obj = (KEPT_IN[name], session.name(routine), ALL)
    return _container(observer, obj, routine, name, frame)


def _children(event: Event) -> tuple[int, ...]:
    """The ids that an emit of the activation that runs here will give to its deliveries."""
    cause = current.get(None)
    if cause is None:
        return ()
    first = int(repr(cause.children)[6:-1])  # a look at a count that takes nothing from it
    return tuple(cause.child_id(first + i) for i in range(len(event.edges)))


class _WatchedFlow(Flow):
    """What is put before a flow's own class."""

    def add_routine(self, routine: Routine, routine_id: str | None = None) -> str:
        found: str = super().add_routine(routine, routine_id)
        if session.observer is not None:
            watch_routine(routine)
        return found

    def execute(self, *args: Any, **kwargs: Any) -> JobState:
        observer = session.watching()
        execute = super().execute
        if observer is None:
            return execute(*args, **kwargs)
        job: JobState | None = None
        observer.executing(self)
        try:
            job = execute(*args, **kwargs)
        finally:
            observer.executed(job)
        return job

    def pause(self, job_state: JobState, *args: Any, **kwargs: Any) -> bool:
        _job_changes(job_state)
        return bool(super().pause(job_state, *args, **kwargs))

    def resume(self, job_state: JobState) -> JobState:
        _job_changes(job_state)
        return super().resume(job_state)

    def cancel(self, job_state: JobState, reason: str = "") -> None:
        _job_changes(job_state)
        super().cancel(job_state, reason)


class _WatchedScheduler(Scheduler):
    """Tells of what stops a job, and of who waits."""

    def stop(self, job: JobState, error: BaseException | None, flags: int = 1) -> None:
        if error is not None:
            _job_changes(job)
        super().stop(job, error, flags)

    def wait_until_idle(self, timeout: float | None) -> bool:
        return self._told_wait(None, super().wait_until_idle, timeout)

    def wait_for_job(self, job: JobState, timeout: float | None) -> bool:
        return self._told_wait(job, lambda t: Scheduler.wait_for_job(self, job, t), timeout)

    def _told_wait(self, job: JobState | None, wait: Any, timeout: float | None) -> bool:
        observer, flow = session.watching(), self._flow()
        if observer is None or flow is None:
            return bool(wait(timeout))
        done = False
        observer.waiting(flow, job)
        try:
            done = wait(timeout)
        finally:
            observer.waited(flow, job, done)
        return bool(done)


def _job_changes(job: JobState) -> None:
    observer = session.watching()
    if observer is not None and isinstance(job, JobState):
        observer.job(WRITE, job)


def watched_class(kind: type, mixin: type) -> type:
    """The class that stands for another while somebody looks on. It is kept on that class, so that
    one which a function makes anew for each run goes with it.
    """
    found: type | None = kind.__dict__.get(_KEPT)
    if found is None:
        names = {"__module__": kind.__module__, "__qualname__": kind.__qualname__}
        found = type(kind)(kind.__name__, (mixin, kind), names)
        setattr(kind, _KEPT, found)
    return found


def watch_routine(routine: Routine) -> None:
    """Let a routine tell what happens to it. Repeatable."""
    if not isinstance(routine, _Watched):
        routine.__class__ = watched_class(type(routine), _Watched)


def watch_flow(flow: Flow) -> None:
    """Let a flow and its scheduler tell. Repeatable; routines follow with `watch_routines`."""
    if not isinstance(flow, _WatchedFlow):
        flow.__class__ = watched_class(type(flow), _WatchedFlow)
        flow._scheduler.__class__ = _WatchedScheduler


def watch_routines(flow: Flow) -> None:
    """Let all routines of a flow tell."""
    for routine in flow.routines.values():
        watch_routine(routine)


def plain_again(flow: Flow) -> None:
    """Take back what was swapped in."""
    for thing in (flow, *flow.routines.values()):
        if isinstance(thing, _Watched | _WatchedFlow):
            thing.__class__ = type(thing).__bases__[1]
    flow._scheduler.__class__ = Scheduler
