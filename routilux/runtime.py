"""The seam between the engine and the world: locks, time, threads, and who runs handlers.

One object per flow. The engine takes every primitive from it, so that a recording or a controlled
runtime (which chooses what runs next) can stand in its place, and the engine itself can be
explored like any flow. Other hooks exist only on classes that a debugger swaps in: off is free.
Routines and slots take their locks from ``threading`` when they are made, which a debugger
patches before it loads the user's code.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from . import clock
from .inline import Inline
from .workers import Backend, Threads


class Runtime:
    """The live runtime: real locks, real time, real threads."""

    now_ns: clock.NowNs = staticmethod(clock.now_ns)

    def lock(self) -> threading.Lock:
        """A mutual-exclusion lock."""
        return threading.Lock()

    def rlock(self) -> threading.RLock:
        """A reentrant lock."""
        return threading.RLock()

    def condition(self, lock: threading.RLock) -> threading.Condition:
        """A condition on a lock of this runtime."""
        return threading.Condition(lock)

    def start_thread(self, target: Callable[[], None], name: str) -> threading.Thread:
        """Start a daemon thread: a stuck handler never keeps the interpreter from leaving."""
        thread = threading.Thread(target=target, name=name, daemon=True)
        thread.start()
        return thread

    def inline(self) -> Backend:
        """The backend of sequential jobs."""
        return Inline(self)

    def threads(self, name: str, max_workers: int) -> Backend:
        """A backend of concurrent jobs."""
        return Threads(self, name, max_workers)
