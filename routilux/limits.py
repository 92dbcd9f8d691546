"""Limits that hold for the whole process: how many worker threads, and how many at one thing."""

from __future__ import annotations

import threading
import weakref
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from .errors import at_least

if TYPE_CHECKING:
    from .mailbox import Turn


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
            self._taken = max(0, self._taken - 1)  # a worker that forked was not counted again

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
        self.forget_threads()
        _limits.add(self)

    @property
    def taken(self) -> int:
        """How many handlers run under it now."""
        return self._taken

    @property
    def waiting(self) -> int:
        """How many deliveries wait for a permit."""
        return len(self._waiting)

    def acquire(self, retry: Callable[[], object] | None, called: bool = False) -> bool:
        """Take a permit if there is one; else line up: ``retry`` is called when there is one.

        Args:
            retry: what calls this again, with ``called``; None: do not line up.
            called: this is such a call. Until it comes its permit is kept from those who ask
                later, so that nobody starves.
        """
        with self._lock:
            self._called -= called
            if self._taken + (0 if called else self._called) < self.permits:
                self._taken += 1
                return True
            if retry is not None and called:
                self._waiting.appendleft(retry)
            elif retry is not None:
                self._waiting.append(retry)
            return False

    def acquire_now(self, watcher: Callable[[], object]) -> bool:
        """Take a permit, also one that somebody was called for, who may have no thread to come
        with. Else ``watcher`` is called once, when one has been given back.
        """
        with self._lock:
            if self._taken < self.permits:
                self._taken += 1
                return True
            self._watchers.append(watcher)
            return False

    def enter_again(self) -> None:
        """Go over the limit: all who hold a permit wait for what is about to run."""
        with self._lock:
            self._taken += 1

    def decline(self) -> None:
        """Who was called does not come."""
        if self.acquire(None, called=True):
            self.release()

    def release(self) -> None:
        """Give a permit back, and call the next who waits."""
        with self._lock:
            self._taken -= 1
            told = self._watchers.copy()
            self._watchers.clear()
            if self._waiting and self._taken + self._called < self.permits:
                self._called += 1
                told.insert(0, self._waiting.popleft())
        for each in told:  # outside of the lock, since they take those of others
            each()

    def begin(self, turn: Turn) -> None:
        """A handler that has a permit begins."""
        with self._lock:
            self._turns.append(turn)

    def end(self, turn: Turn) -> None:
        """It has ended, and gives its permit back."""
        with self._lock:
            self._turns.remove(turn)
        self.release()

    def holders(self) -> list[Turn] | None:
        """The handlers that hold all the permits; None if they do not: one more may begin."""
        with self._lock:
            return list(self._turns) if len(self._turns) >= self.permits else None

    def forget_threads(self) -> None:
        """In the child of a fork: whoever held a permit did not come along."""
        self._lock = threading.RLock()
        self._taken = 0
        self._called = 0  # those that were called and have not come yet
        self._waiting: deque[Callable[[], object]] = deque()
        self._watchers: list[Callable[[], object]] = []
        self._turns: list[Turn] = []

    def __repr__(self) -> str:
        return f"<Limit {self.name!r} {self._taken} of {self.permits}, {self.waiting} waiting>"


_limits: weakref.WeakSet[Limit] = weakref.WeakSet()


def limits() -> list[Limit]:
    """The limits of this process."""
    return list(_limits)
