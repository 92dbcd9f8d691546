"""Locks of controlled tasks: what `threading` builds on them works unchanged.

Acquiring is a step, giving back is none: whatever could come between it and the step before could
as well come before that step. A thread that is no task may use them too; then it waits by looking.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from .controller import TIME, Busy, Controller
from .locks import Primitive
from .ops import ACQUIRE, READ, RELEASE, TIMED, TRY, WAIT, Obj
from .tasks import Task

_sleep, _monotonic = time.sleep, time.monotonic  # the real ones
_LOOK_SECONDS = 0.001


class Lock(Primitive):
    """In the place of `threading.Lock`."""

    def __init__(self, controller: Controller, obj: Obj) -> None:
        self._controller = controller
        self.obj = obj
        self.owner: Task | None = None
        self._taken = False
        self._run = controller.runs

    def _is_over(self) -> bool:
        """Whether its run is: who still uses it then only puts things in order."""
        return self._controller.aborting or self._run != self._controller.runs

    def open_to(self, task: Task) -> bool:
        """See `tasks.Blocker`."""
        return not self._taken

    def holder(self) -> Task | None:
        """See `tasks.Blocker`."""
        return self.owner

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """As of `threading.Lock`."""
        _check(blocking, timeout)
        controller = self._controller
        task = controller.me()
        if task is None:
            return self._acquire_outside(blocking, timeout)
        if controller.is_busy():
            if self._taken:
                raise Busy
        elif not self._ask(controller, blocking, timeout):
            return False
        self._take(task)
        return True

    def _ask(self, controller: Controller, blocking: bool, timeout: float) -> bool:
        """Take the step. Whether the lock is now to be had."""
        if controller.aborting and not self._taken:
            return True  # while things are put in order, perhaps in a finalizer
        if blocking:
            due = None if timeout < 0 else controller.due_in(timeout)
            if due is None:
                return controller.step(self._mode(), self.obj, self)
            in_time = controller.step(TIMED, self.obj, self, due)
            controller.touch(READ, TIME)  # it made a difference whether its time was over
            return in_time
        controller.step(TRY, self.obj)
        return not self._taken

    def _mode(self) -> str:
        return ACQUIRE

    def _take(self, task: Task) -> None:
        self._taken = True
        self.owner = task
        task.held.append(self.obj)

    def _acquire_outside(self, blocking: bool, timeout: float) -> bool:
        self._controller.foreign.add(threading.current_thread().name)
        deadline = None if timeout < 0 else _monotonic() + timeout
        while self._taken and not self._is_over():
            if not blocking or (deadline is not None and _monotonic() > deadline):
                return False
            _sleep(_LOOK_SECONDS)
        self._taken = True
        return True

    def release(self) -> None:
        """As of `threading.Lock`."""
        if not self._taken:
            if self._is_over():
                return
            raise RuntimeError("release unlocked lock")
        self._taken = False
        owner, self.owner = self.owner, None
        if owner is not None and self.obj in owner.held:
            owner.held.remove(self.obj)
        self._controller.touch(RELEASE, self.obj)

    def locked(self) -> bool:
        """As of `threading.Lock`: a step, since somebody may take it or give it back."""
        controller = self._controller
        if controller.hears():
            controller.step(TRY, self.obj)
        return self._taken

    def _is_owned(self) -> bool:
        return self._taken and self.owner is self._controller.me()

    def _at_fork_reinit(self) -> None:
        self._taken, self.owner = False, None

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *error: object) -> None:
        self.release()

    def __repr__(self) -> str:
        state = f"held by {self.owner.what}" if self.owner else "held" if self._taken else "free"
        return f"<lock {self.obj} {state}>"


class RLock(Lock):
    """In the place of `threading.RLock`."""

    def __init__(self, controller: Controller, obj: Obj) -> None:
        super().__init__(controller, obj)
        self._depth = 0

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """As of `threading.RLock`."""
        if self._is_owned():
            self._depth += 1
            return True
        if not super().acquire(blocking, timeout):
            return False
        self._depth = 1
        return True

    def release(self) -> None:
        """As of `threading.RLock`."""
        if not self._is_owned():
            if self._is_over():
                return
            raise RuntimeError("cannot release un-acquired lock")
        self._depth -= 1
        if not self._depth:
            super().release()

    def locked(self) -> bool:
        """Whether anybody holds it."""
        return self._taken

    def _release_save(self) -> int:
        depth, self._depth = self._depth, 1
        self.release()
        return depth

    def _acquire_restore(self, depth: int) -> None:
        self.acquire()
        self._depth = depth

    __enter__ = acquire


class Waiter(Lock):
    """What a `threading.Condition` makes for each thread that waits. Nobody else knows it before it
    is taken, so taking it is no step; the second acquire is the wait.
    """

    def _ask(self, controller: Controller, blocking: bool, timeout: float) -> bool:
        if not self._taken:
            return True
        return super()._ask(controller, blocking, timeout)

    def _mode(self) -> str:
        return WAIT

    def _take(self, task: Task) -> None:
        self._taken = True

    def holder(self) -> Task | None:
        """Who will notify is not known."""
        return None


class EngineLock(RLock):
    """A lock of the engine, which may be held while code of the user runs. To take it when it is
    free is no step: what the engine does in between belongs to the step before.

    Args:
        ordered: whether it matters who comes first.
    """

    def __init__(self, controller: Controller, obj: Obj, ordered: bool) -> None:
        super().__init__(controller, obj)
        self._ordered = ordered

    def _ask(self, controller: Controller, blocking: bool, timeout: float) -> bool:
        if not self._taken:
            if self._ordered:
                controller.touch(ACQUIRE, self.obj)
            return True
        return super()._ask(controller, blocking, timeout)

    def _take(self, task: Task) -> None:
        self._taken = True
        self.owner = task

    def release(self) -> None:
        """As of `threading.RLock`."""
        if self._ordered or self._depth > 1:
            super().release()
            return
        self._depth = 0
        self._taken, self.owner = False, None


class Condition:
    """The engine's condition on a real lock, under which no step is taken. Who waits for something
    to be so is not woken before it is.
    """

    def __init__(self, controller: Controller, lock: Any, obj: Obj) -> None:
        self._controller = controller
        self._lock = lock
        self._obj = obj

    def wait_for(self, ready: Callable[[], Any], timeout: float | None = None) -> bool:
        """As of `threading.Condition`."""
        if ready():
            return True
        controller = self._controller
        saved = self._lock._release_save()
        try:
            if controller.me() is None:
                self._wait_outside(ready, timeout)
            else:
                due = None if timeout is None else controller.due_in(timeout)
                controller.step(WAIT, self._obj, _Ready(ready), due)
        finally:
            self._lock._acquire_restore(saved)
        return bool(ready())

    def _wait_outside(self, ready: Callable[[], Any], timeout: float | None) -> None:
        self._controller.foreign.add(threading.current_thread().name)
        deadline = None if timeout is None else _monotonic() + timeout
        while not ready() and (deadline is None or _monotonic() < deadline):
            _sleep(_LOOK_SECONDS)

    def notify(self, n: int = 1) -> None:
        """Nothing to do: the scheduler asks for each waiter."""

    def notify_all(self) -> None:
        """Nothing to do: the scheduler asks for each waiter."""


class _Ready:
    def __init__(self, ready: Callable[[], Any]) -> None:
        self._ready = ready

    def open_to(self, task: Task) -> bool:
        return bool(self._ready())

    def holder(self) -> Task | None:
        return None


def _check(blocking: bool, timeout: float) -> None:
    if not blocking and timeout != -1:
        raise ValueError("can't specify a timeout for a non-blocking call")
    if timeout < 0 and timeout != -1:
        raise ValueError("timeout value must be a non-negative number")
