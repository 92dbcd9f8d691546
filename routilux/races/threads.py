"""Threads and sleep of controlled tasks: `threading.Thread` whose threads are tasks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent import futures
from typing import Any

from ..routine import Timer
from .controller import TIME, Controller
from .ops import RELEASE, SLEEP, TRY, UPDATE, WAIT
from .tasks import Task

_start, _join, _is_alive = (
    threading.Thread.start, threading.Thread.join, threading.Thread.is_alive
)  # fmt: skip
_is_set = threading.Event.is_set
_cancel = Timer.cancel
_submit = futures.ThreadPoolExecutor.submit
_TASK = "_routilux_task"
_COUNTED = ("Thread-", "ThreadPoolExecutor-")


class Ended:
    """What `Thread.join` waits for."""

    def __init__(self, task: Task) -> None:
        self._task = task

    def open_to(self, task: Task) -> bool:
        """See `tasks.Blocker`."""
        return self._task.ended

    def holder(self) -> Task | None:
        """See `tasks.Blocker`."""
        return self._task


def start_task(
    controller: Controller, thread: threading.Thread, body: Callable[[], None], idle: bool
) -> Task:
    """Let a thread that was not started be a task."""
    parent = controller.me()
    made = 0
    if parent is not None:
        parent.made += 1
        made = parent.made
    maker = controller.activation_id()

    def run() -> None:
        ident = threading.get_ident()
        shown = threading._active.get(ident)  # type: ignore[attr-defined]
        thread._ident = ident  # type: ignore[attr-defined]
        threading._active[ident] = thread  # type: ignore[attr-defined]
        try:
            body()
        finally:
            threading._active[ident] = shown  # type: ignore[attr-defined]
            controller.touch(RELEASE, ("thread", task.id))

    name = thread.name
    if name.startswith(_COUNTED):  # it counts the threads of the process, and not of the run
        name = f"{made} of {parent.what}" if parent is not None else str(made)
    task = controller.spawn(hash((maker, -1, made)), f"thread {name}", run, parent)
    task.idle = idle
    task.thread = thread
    thread.__dict__[_TASK] = task
    return task


class Replaced:
    """What stands for functions of the standard library while a controller is attached."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller

    def names(self) -> list[tuple[Any, str, Any]]:
        """What to replace, see `Patches`."""
        thread, event = threading.Thread, threading.Event
        return [
            (thread, "start", self._thread_start()),
            (thread, "join", self._thread_join()),
            (thread, "is_alive", self._thread_is_alive()),
            (event, "is_set", self._event_is_set()),
            (Timer, "cancel", self._timer_cancel()),
            (futures.ThreadPoolExecutor, "submit", self._submit()),
            (time, "sleep", self._sleep()),
            *((time, name, self._time(name, 1e9)) for name in ("monotonic", "perf_counter")),
            *((time, name, self._time(name, 1)) for name in ("monotonic_ns", "perf_counter_ns")),
            (time, "time", self._wall(1e9)),
            (time, "time_ns", self._wall(1)),
        ]

    def _thread_start(self) -> Callable[..., None]:
        controller = self._controller

        def start(thread: threading.Thread) -> None:
            if not controller.hears():
                _start(thread)
                return
            if _TASK in thread.__dict__:
                raise RuntimeError("threads can only be started once")
            thread._started._flag = True  # type: ignore[attr-defined]
            task = start_task(controller, thread, thread.run, _is_pool_worker(thread))
            task.hasty = isinstance(thread, threading.Timer)

        return start

    def _thread_join(self) -> Callable[..., None]:
        controller = self._controller

        def join(thread: threading.Thread, timeout: float | None = None) -> None:
            task = thread.__dict__.get(_TASK)
            if task is None or not controller.hears():
                if task is None:
                    _join(thread, timeout)
                return
            due = None if timeout is None else controller.due_in(max(0.0, timeout))
            controller.step(WAIT, ("thread", task.id), Ended(task), due)

        return join

    def _thread_is_alive(self) -> Callable[..., bool]:
        controller = self._controller

        def is_alive(thread: threading.Thread) -> bool:
            task = thread.__dict__.get(_TASK)
            if task is None:
                return _is_alive(thread)
            if controller.hears():
                controller.step(TRY, ("thread", task.id))
            return not task.ended

        return is_alive

    def _event_is_set(self) -> Callable[..., bool]:
        controller = self._controller

        def is_set(event: Any) -> bool:
            obj = getattr(event._cond._lock, "obj", None)
            if obj is not None and controller.hears():
                controller.step(TRY, obj)
            return _is_set(event)

        return is_set

    def _submit(self) -> Callable[..., Any]:
        controller = self._controller

        def submit(pool: Any, /, *args: Any, **kwargs: Any) -> Any:
            if controller.hears():
                if not pool._threads:
                    pool._threads = _InOrder()  # a set would be walked in another order each time
                real = [t for t in pool._threads if _TASK not in t.__dict__]
                controller.foreign.update(thread.name for thread in real)
            return _submit(pool, *args, **kwargs)

        return submit

    def _timer_cancel(self) -> Callable[..., bool]:
        controller = self._controller

        def cancel(timer: Timer) -> bool:
            if controller.hears():
                controller.step(UPDATE, TIME)
            return _cancel(timer)

        return cancel

    def _sleep(self) -> Callable[[float], None]:
        controller, real = self._controller, time.sleep

        def sleep(seconds: float) -> None:
            if not controller.hears():
                real(seconds)
                return
            if seconds < 0:
                raise ValueError("sleep length must be non-negative")
            controller.step(SLEEP, TIME, None, controller.due_in(seconds), eager=True)
            controller.let_others_time_out()

        return sleep

    def _time(self, name: str, unit: float) -> Callable[[], Any]:
        controller, real = self._controller, getattr(time, name)

        def now() -> Any:
            if not controller.hears():
                return real()
            ns = controller.look_at_time()
            return ns if unit == 1 else ns / unit

        return now

    def _wall(self, unit: float) -> Callable[[], Any]:
        controller, real = self._controller, time.time_ns if unit == 1 else time.time
        began = 1_700_000_000_000_000_000

        def now() -> Any:
            if not controller.hears():
                return real()
            ns = began + controller.look_at_time()
            return ns if unit == 1 else ns / unit

        return now


class _InOrder(dict[Any, None]):
    """In the place of a set."""

    def add(self, item: Any) -> None:
        self[item] = None


def _is_pool_worker(thread: threading.Thread) -> bool:
    """Whether it belongs to a `concurrent.futures` pool, and may wait for work for ever."""
    target = getattr(thread, "_target", None)
    return getattr(target, "__module__", "") == "concurrent.futures.thread"


def forget_threads(tasks: list[Task]) -> None:
    """A run is over: nobody is to wait at the interpreter's end for threads that were tasks."""
    import concurrent.futures.thread as pools

    for task in tasks:
        if task.thread is not None:
            pools._threads_queues.pop(task.thread, None)  # type: ignore[attr-defined]
