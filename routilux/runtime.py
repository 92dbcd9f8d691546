"""The seam between the engine and the world: locks, time, threads, and who runs handlers.

One object per flow. The engine takes every primitive from it, so that a recording or a controlled
runtime (which chooses what runs next) can stand in its place, and the engine itself can be
explored like any flow. Other hooks exist only on classes that a debugger swaps in: off is free.
Routines and slots take their locks from ``threading`` when they are made, which a debugger
patches before it loads the user's code.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable

from . import clock
from .bus import EventBus
from .inline import Inline
from .loop import EventLoop
from .records import Kind
from .workers import Backend, Threads

#: Makes the runtime of a flow that names none, while a debugger is attached; else None.
made_by: Callable[[clock.Clock | None], Runtime] | None = None


def of_new_flow(time: clock.Clock | None) -> Runtime:
    """The runtime of a flow that names none."""
    return Runtime(time) if made_by is None else made_by(time)


class Runtime:
    """The live runtime: real locks, real threads, and the time of a clock.

    Args:
        time: the clock; the real one by default.

    Attributes:
        bus: where the flow's threads say that they come and go; the flow sets it. Weak: a lane
            knows its thread, which may know the flow, and workers must not keep that alive.
    """

    def __init__(self, time: clock.Clock | None = None) -> None:
        self.clock = time or clock.live
        self.now_ns: clock.NowNs = self.clock.now_ns
        self.bus: weakref.ref[EventBus] | None = None

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
        thread = threading.Thread(target=self._work, args=(target,), name=name, daemon=True)
        thread.start()
        return thread

    def _work(self, target: Callable[[], None]) -> None:
        """What such a thread does. Whoever watches sees it come and go."""
        self._tell(Kind.WORKER_UP)
        try:
            target()
        finally:
            self._tell(Kind.WORKER_DOWN)

    def _tell(self, kind: Kind) -> None:
        bus = self.bus() if self.bus is not None else None
        if bus is not None and bus.tracing:
            bus.lane().publish(kind, self.now_ns(), 0, activation=0, cause=0, subject=0)

    def loop(self, name: str) -> EventLoop:
        """What runs coroutine handlers."""
        return EventLoop(self, name)

    def inline(self, name: str, loop: EventLoop) -> Backend:
        """The backend of sequential jobs."""
        return Inline(self, name, loop)

    def threads(self, name: str, max_workers: int, loop: EventLoop) -> Backend:
        """A backend of concurrent jobs."""
        return Threads(self, name, max_workers, loop)
