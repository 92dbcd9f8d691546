"""Limits that hold for the whole process: how many worker threads, and how many at one thing."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from .errors import at_least


class WorkerBudget:
    """How many worker threads all flows together may have."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._most: int | None = None
        self._taken = 0

    @property
    def taken(self) -> int:
        """The worker threads that there are."""
        return self._taken

    def limit(self, most: int | None) -> None:
        """See `limit_workers`."""
        with self._lock:
            self._most = None if most is None else at_least(most, 1, "the number of workers")

    def take(self, needed: bool) -> bool:
        """Ask for one more thread. Who needs it, since it has none at all, gets it always: so a
        flow makes progress whatever the others do.
        """
        with self._lock:
            if self._most is not None and self._taken >= self._most and not needed:
                return False
            self._taken += 1
            return True

    def give_back(self) -> None:
        """A thread has ended."""
        with self._lock:
            self._taken -= 1

    def forget_threads(self) -> None:
        """In the child of a fork: no thread came along."""
        self._lock = threading.RLock()
        self._taken = 0


worker_budget = WorkerBudget()  #: of this process


def limit_workers(most: int | None) -> None:
    """Let all concurrent flows of this process together have at most so many worker threads.

    A flow that has none gets one all the same, so it always makes progress; threads that are there
    already end when they are idle. None, the default, sets no limit beside each flow's own
    ``max_workers``.

    Raises:
        InvalidValueError: not a whole number of at least 1.
    """
    worker_budget.limit(most)


class Limit:
    """At most so many handlers at a time, of all slots that share it, in whatever flows.

    Pass it to `Routine.define_slot`. Who does not get a permit waits without a thread, and is
    served in the order in which it asked.

    Args:
        permits: how many at a time.
        name: for messages.
    """

    def __init__(self, permits: int, name: str = "") -> None:
        self.permits = at_least(permits, 1, "a limit")
        self.name = name
        self._lock = threading.RLock()
        self._taken = 0
        self._waiting: deque[Callable[[], object]] = deque()

    @property
    def taken(self) -> int:
        """How many handlers run under it now."""
        return self._taken

    @property
    def waiting(self) -> int:
        """How many deliveries wait for a permit."""
        return len(self._waiting)

    def acquire(self, retry: Callable[[], object] | None) -> bool:
        """Take a permit if there is one; else keep ``retry`` to be called when there may be."""
        with self._lock:
            if self._taken < self.permits:
                self._taken += 1
                return True
            if retry is not None:
                self._waiting.append(retry)
            return False

    def release(self) -> None:
        """Give a permit back, and let the next who waits ask again."""
        with self._lock:
            self._taken -= 1
            retry = self._waiting.popleft() if self._waiting else None
        if retry is not None:
            retry()

    def forget_threads(self) -> None:
        """In the child of a fork: whoever held a permit did not come along."""
        self._lock = threading.RLock()
        self._taken = 0
        self._waiting.clear()

    def __repr__(self) -> str:
        return f"<Limit {self.name!r} {self._taken} of {self.permits}, {self.waiting} waiting>"
