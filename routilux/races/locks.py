"""Real locks that tell the observer who takes them and who gives them back."""

from __future__ import annotations

import _thread
import queue
import threading
from typing import Any

from .ops import Obj
from .session import session


class Primitive:
    """Of which the reading is nothing that others could disturb: it has hooks of its own."""


class WatchedLock(Primitive):
    """A real lock, told of. What `threading` builds on locks works on it unchanged."""

    def __init__(self, real: Any, obj: Obj) -> None:
        self._real = real
        self.obj = obj
        self._owner = 0

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """As of `threading.Lock`."""
        observer = session.watching()
        if observer is None:
            got = self._real.acquire(blocking, timeout)
        else:
            observer.acquiring(self.obj, blocking)
            got = False
            try:
                got = self._real.acquire(blocking, timeout)
            finally:
                observer.acquired(self.obj, got)
        if got:
            self._owner = _thread.get_ident()
        return bool(got)

    def release(self) -> None:
        """As of `threading.Lock`."""
        observer = session.watching()
        if observer is not None:
            observer.releasing(self.obj)
        self._owner = 0
        self._real.release()

    def locked(self) -> bool:
        """As of `threading.Lock`."""
        return bool(self._real.locked())

    def _is_owned(self) -> bool:
        return self._owner == _thread.get_ident()

    def _at_fork_reinit(self) -> None:
        self._real._at_fork_reinit()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *error: object) -> None:
        self.release()

    def __repr__(self) -> str:
        return f"<watched {self._real!r}>"


class WatchedRLock(WatchedLock):
    """A real reentrant lock: only the outermost acquire and release are told of."""

    def __init__(self, real: Any, obj: Obj) -> None:
        super().__init__(real, obj)
        self._depth = 0

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """As of `threading.RLock`."""
        if self._is_owned():
            self._depth += 1
            return bool(self._real.acquire())
        got = super().acquire(blocking, timeout)
        self._depth += got
        return got

    def release(self) -> None:
        """As of `threading.RLock`."""
        if self._is_owned() and self._depth > 1:
            self._depth -= 1
            self._real.release()
            return
        self._depth = 0
        super().release()

    def locked(self) -> bool:
        """Whether anybody holds it."""
        return bool(self._depth)

    def _release_save(self) -> Any:
        depth, self._depth = self._depth, 0
        observer = session.watching()
        if observer is not None:
            observer.releasing(self.obj)
        self._owner = 0
        return depth, self._real._release_save()

    def _acquire_restore(self, saved: Any) -> None:
        depth, inner = saved
        observer = session.watching()
        if observer is not None:
            observer.acquiring(self.obj, True)
        self._real._acquire_restore(inner)
        self._owner, self._depth = _thread.get_ident(), depth
        if observer is not None:
            observer.acquired(self.obj, True)


#: Things of which the reading is nothing that others could disturb: they have hooks of their own.
PRIMITIVES: tuple[type, ...] = (
    Primitive, _thread.LockType, _thread.RLock, threading.Condition, threading.Event,
    threading.Semaphore, threading.Barrier, threading.Thread, threading.local, queue.Queue,
    queue.SimpleQueue, queue._PySimpleQueue,  # type: ignore[attr-defined]
)  # fmt: skip
