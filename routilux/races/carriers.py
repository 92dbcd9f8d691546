"""Carriers: the OS threads on which tasks run, one at a time. They are used again by later runs."""

from __future__ import annotations

import _thread
import ctypes
import threading
from collections.abc import Callable
from itertools import count

from .tasks import Abort, Task

_numbers = count(1)


class Carrier:
    """A thread that runs one task after the other, and sleeps at its gate between two steps."""

    def __init__(self, serve: Callable[[Carrier, Task], None]) -> None:
        self.gate = _thread.allocate_lock()
        self.gate.acquire()
        self.task: Task | None = None
        self._serve = serve
        name = f"routilux-explore-{next(_numbers)}"
        self.thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread; it waits at its gate."""
        self.thread.start()

    @property
    def ident(self) -> int:
        """Of the thread."""
        return self.thread.ident or 0

    def _run(self) -> None:
        while True:
            self.gate.acquire()
            task = self.task
            if task is None:
                return
            self._serve(self, task)

    def close(self) -> None:
        """End the thread, which is idle."""
        self.task = None
        self.gate.release()

    def interrupt(self) -> None:
        """Raise `Abort` in the thread, which runs code that takes no step any more."""
        kind = ctypes.py_object(Abort)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self.ident), kind)
