"""Slots with limits: how much may wait for them, and how many of their handlers may run at once.

What waits for such a slot stands in its mailbox, and for each of it a ticket in the shared queue;
who draws a ticket runs the oldest of the mailbox. So the oldest can be dropped, and a slot that has
no permit to run costs no thread.

A full slot with ``overflow="block"`` makes its emitter wait. That cannot deadlock, because:
    * While a slot makes somebody wait it has a thread of its own, its drainer, which runs nothing
      but its handlers. So all workers may wait, and the slot is emptied all the same.
    * A wait that only its own end could end (handlers of full slots that wait for each other in a
      circle) is found when it begins: that message goes in over the limit and is counted.
    * Should a handler of the slot need something that the emitter holds, a lock of the user's, no
      thread can help. So every wait has a deadline, after which the message goes in over the limit,
      is counted, and a warning says so.
Lock order: the mailbox's lock, then the flow's. No handler runs under it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from . import commit, gate
from .activation import NO_EDGE, Delivery
from .errors import InvalidValueError, SlotFullError, at_least, seconds
from .job import NOBODY
from .limits import Limit

if TYPE_CHECKING:
    from .ports import Slot
    from .workers import Backend

logger = logging.getLogger("routilux")

OVERFLOWS = ("block", "drop_oldest", "drop_newest", "error")
#: How long an emitter waits for room, in seconds, before its message goes in over the limit.
BLOCK_SECONDS = 10.0

_serving: dict[int, list[Mailbox]] = {}  # what the threads run now, by thread, the innermost last


class Mailbox:
    """What waits for one slot.

    Args:
        slot: the slot.
        max_queue: how many may wait; None: any number.
        overflow: what happens to one more; one of `OVERFLOWS`.
        limit: how many handlers may run at once; None: any number.
        block_timeout: seconds that ``"block"`` waits at most.

    Attributes:
        dropped: messages that were dropped because it was full.
        overflowed: messages that went in over the limit, so that nothing deadlocks.
        blocked: emitters that wait for room now.
    """

    def __init__(
        self,
        slot: Slot,
        max_queue: int | None,
        overflow: str = "block",
        limit: Limit | None = None,
        block_timeout: float = BLOCK_SECONDS,
    ) -> None:
        if overflow not in OVERFLOWS:
            names = ", ".join(repr(each) for each in OVERFLOWS)
            raise InvalidValueError(f"{slot.where()}: unknown overflow {overflow!r}: use {names}")
        self.slot = slot
        what = f"max_queue of {slot.where()}"
        self.max_queue = None if max_queue is None else at_least(max_queue, 1, what)
        self.overflow = overflow
        self.limit = limit
        self.block_timeout = seconds(block_timeout, "block_timeout") or 0.0
        self.dropped = 0
        self.overflowed = 0
        self.blocked = 0
        self._waiting: deque[Delivery] = deque()
        self._reserved = 0  # places of messages that are about to come
        self._changed = threading.Condition(threading.RLock())
        self._drainer: threading.Thread | None = None
        self._running: list[Mailbox | None] = []  # per handler that runs, for whom it waits
        self._warned = False

    def __len__(self) -> int:
        return len(self._waiting)

    def waiting(self) -> list[Delivery]:
        """What waits, the oldest first."""
        with self._changed:
            return list(self._waiting)

    # room -------------------------------------------------------------------------------------

    def reserve(self, backend: Backend) -> bool:
        """Ask for a place. False: the message is to be dropped.

        Raises:
            SlotFullError: with ``overflow="error"``, when there is none.
        """
        with self._changed:
            if self._has_room():
                self._reserved += 1
                return True
            if self.overflow == "error":
                routine = self.slot.routine
                where = routine._id if routine else "?"
                raise SlotFullError(where, self.slot.name, self.max_queue or 0)
            if self.overflow == "drop_newest":
                self.dropped += 1
                return False
        if self.overflow == "block":
            self._wait_for_room(backend)
        else:
            self._drop_oldest()
        return True

    def cancel(self) -> None:
        """The message will not come after all."""
        with self._changed:
            self._reserved = max(0, self._reserved - 1)
            self._changed.notify_all()

    def _has_room(self) -> bool:
        return self.max_queue is None or len(self._waiting) + self._reserved < self.max_queue

    def _drop_oldest(self) -> None:
        with self._changed:
            oldest = self._waiting.popleft() if self._waiting else None
            self._reserved += 1
            self.dropped += 1
        if oldest is not None:  # outside of the lock, for its job may end with it
            commit.discard(oldest)

    def _wait_for_room(self, backend: Backend) -> None:
        stack = _serving.get(threading.get_ident())
        me = stack[-1] if stack else None
        with self._changed:
            self.blocked += 1
        if me is not None:
            me._note_wait(None, self)
        try:
            why = self._wait(backend)
        finally:
            if me is not None:
                me._note_wait(self, None)
            with self._changed:
                self.blocked -= 1
                self._reserved += 1
                self._changed.notify_all()
        if why:
            self._let_in_over_the_limit(why)

    def _wait(self, backend: Backend) -> str:
        """Wait for room. Why the message goes in over the limit, or nothing."""
        if backend.in_loop():
            return "a coroutine emitted it, and the event loop must not wait"
        if self._is_stuck(set()):
            return "its handlers wait for room themselves, in a circle"
        self._start_drainer(backend)
        deadline = time.monotonic() + self.block_timeout
        with self._changed:
            while not self._is_free(backend):
                left = deadline - time.monotonic()
                if left <= 0:
                    return f"there was no room for {self.block_timeout:g} s"
                self._changed.wait(left)
        return ""

    def _is_free(self, backend: Backend) -> bool:
        """Whether an emitter that waits may go on."""
        # One handler at a time in a sequence; those that wait for room themselves do not count.
        return self._has_room() and (backend.parallel or None not in self._running)

    def _let_in_over_the_limit(self, why: str) -> None:
        with self._changed:
            self.overflowed += 1
            first, self._warned = not self._warned, True
        if first:
            logger.warning(
                "routilux: %s is full (max_queue=%s), and a message went in over the limit, since "
                "%s; Slot.mailbox.overflowed counts them", self.slot.where(), self.max_queue, why,
            )  # fmt: skip

    # who waits for whom -----------------------------------------------------------------------

    def _note_wait(self, was: Mailbox | None, now: Mailbox | None) -> None:
        """One of this slot's handlers waits for room in another slot, or no longer."""
        with self._changed:
            if was in self._running:
                self._running[self._running.index(was)] = now

    def _is_stuck(self, seen: set[int]) -> bool:
        """Whether no handler of this slot can end or begin before one of those seen has room."""
        if id(self) in seen:
            return True
        seen.add(id(self))
        with self._changed:
            running = list(self._running)
            drainer = self._drainer
        if not running:
            return False
        busy = drainer is not None and bool(_serving.get(drainer.ident or 0))
        full = self.limit is not None and self.limit.taken >= self.limit.permits
        if not busy and not full:
            return False  # its drainer can begin one
        return all(other is not None and other._is_stuck(seen) for other in running)

    # in and out -------------------------------------------------------------------------------

    def put(self, delivery: Delivery, reserved: bool) -> None:
        """Let a delivery wait here, in its reserved place or over the limit."""
        with self._changed:
            self._waiting.append(delivery)
            if reserved:
                self._reserved = max(0, self._reserved - 1)

    def take(self) -> Delivery | None:
        """The oldest delivery, or None."""
        with self._changed:
            delivery = self._waiting.popleft() if self._waiting else None
            self._changed.notify_all()
        return delivery

    def ticket(self, backend: Backend) -> Delivery:
        """What stands in the shared queue for one delivery of this mailbox."""
        data = {"mailbox": self, "backend": backend}
        return (NO_EDGE, data, None, NOBODY, 1, 0)  # type: ignore[return-value]

    def serve(self, ticket: Delivery) -> KeyboardInterrupt | None:
        """Run the oldest delivery, or let the ticket wait for a permit."""
        backend: Backend = ticket[1]["backend"]
        if self.limit is not None and not self.limit.acquire(lambda: backend.queue([ticket])):
            return None
        delivery = self.take()
        if delivery is None:
            self._release()
            return None
        return self._run(delivery, backend)

    def _run(self, delivery: Delivery, backend: Backend) -> KeyboardInterrupt | None:
        ident = threading.get_ident()
        stack = _serving.setdefault(ident, [])
        stack.append(self)
        with self._changed:
            self._running.append(None)
        backend.arrive(delivery)
        try:
            return gate.run_gated(delivery)
        finally:
            stack.pop()
            if not stack:
                _serving.pop(ident, None)
            backend.leave()
            if not backend.when_ended(delivery, self._left):
                self._left()

    def _left(self) -> None:
        """A handler has ended, or its coroutine has."""
        with self._changed:
            if None in self._running:
                self._running.remove(None)
            self._changed.notify_all()
        self._release()

    def _release(self) -> None:
        if self.limit is not None:
            self.limit.release()

    # the drainer ------------------------------------------------------------------------------

    def _start_drainer(self, backend: Backend) -> None:
        with self._changed:
            if self._drainer is not None:
                return
            self._drainer = threading.Thread(
                target=self._drain,
                args=(backend,),
                name=f"routilux-drain-{self.slot.routine._id if self.slot.routine else '?'}"
                f".{self.slot.name}",
                daemon=True,
            )
        self._drainer.start()

    def _drain(self, backend: Backend) -> None:
        """Run this slot's handlers as long as somebody waits for room."""
        while True:
            with self._changed:
                if not self.blocked:
                    self._drainer = None
                    return
            permit = self.limit is None or self.limit.acquire(None)
            delivery = self.take() if permit else None
            if delivery is not None:
                self._run(delivery, backend)
                continue
            if permit:
                self._release()
            with self._changed:
                if self.blocked:  # no permit: whoever holds one says when it is free
                    self._changed.wait(0.05)
