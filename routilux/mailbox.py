"""Slots with limits: how much may wait for them, and how many of their handlers may run at once.

What waits for such a slot stands in its mailbox, and for each of it a ticket in the shared queue or
in the line for a permit; who draws a ticket runs the oldest of the mailbox. So the oldest can be
dropped (its ticket then stands for the newest), and a slot that has no permit costs no thread.

A full slot with ``overflow="block"`` makes its emitter wait. That cannot deadlock, because:
    * While a slot makes somebody wait it has a thread of its own, its drainer, which runs nothing
      but its handlers. So all workers may wait, and the slot is emptied all the same. It may take
      a permit that somebody was called for who has no thread to come with.
    * Who waits holds no place in any slot: an emit to several queues what it has places for first.
    * In a sequence who waits outside of handlers needs no drainer: the queue goes on without it.
    * A wait that only its own end could end (handlers of full slots that wait for each other in a
      circle) is found when it begins: that message goes in over the limit and is counted.
    * Should a handler of the slot need something that the emitter holds, a lock of the user's, no
      thread can help. So every wait has a deadline, after which the message goes in over the limit,
      is counted, and a warning says so.
    * The end of its job ends the wait.
Handlers that wait for a nested job which needs a permit that they hold themselves lend it theirs.
Lock order: the mailbox's lock, then the flow's; a limit's lock is inside of none and holds none. No
handler runs under them.
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
from .job import NOBODY, STOPPED, JobState
from .limits import Limit
from .standing import For, waiting_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from .flow import Flow
    from .ports import Slot
    from .workers import Backend

logger = logging.getLogger("routilux")

OVERFLOWS = ("block", "drop_oldest", "drop_newest", "error")
#: How long an emitter waits for room, in seconds, before its message goes in over the limit.
BLOCK_SECONDS = 10.0
#: A drainer that has nothing to do looks again after so many seconds, if nobody tells it to.
DRAINER_SECONDS = 1.0

_serving: dict[int, list[Turn]] = {}  # what the threads run now, by thread, the innermost last
_blocked: list[tuple[JobState, Mailbox]] = []  # whose emitters wait for room, and where


class Turn:
    """A handler of a slot with limits, from when it begins until it, or its coroutine, has ended.

    Attributes:
        mailbox: of its slot.
        job: that it belongs to.
        waits_for: where it waits for room; None: it goes on.
    """

    __slots__ = ("job", "mailbox", "waits_for")

    def __init__(self, mailbox: Mailbox, job: JobState) -> None:
        self.mailbox = mailbox
        self.job = job
        self.waits_for: Mailbox | None = None


def mailboxes(flow: Flow) -> list[Mailbox]:
    """The mailboxes of a flow's slots."""
    routines = list(flow.routines.values())
    slots = [slot for routine in routines for slot in list(routine._slots.values())]
    return [slot.mailbox for slot in slots if slot.mailbox is not None]


def let_go(job: JobState) -> None:
    """A job was stopped: its emitters need not wait for room any more."""
    for each, mailbox in _blocked:
        if each is job:
            mailbox._look()


def forget_threads() -> None:
    """In the child of a fork: no thread waits or runs anything."""
    _serving.clear()
    _blocked.clear()


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
        self._warned = False
        self.forget_threads()

    def forget_threads(self) -> None:
        """In the child of a fork: nobody waits, and nothing waits that will ever run."""
        self.blocked = 0
        self._waiting.clear()
        self._tickets = 0  # that stand in a queue, or wait for a permit
        self._reserved = 0  # places of messages that are about to come
        self._changed = threading.Condition(threading.RLock())
        self._drainer: threading.Thread | None = None
        self._drained_for = 0  # emitters that only the drainer can help
        self._turns: list[Turn] = []

    def __len__(self) -> int:
        return len(self._waiting)

    def __bool__(self) -> bool:
        return True  # an empty one is one all the same

    def waiting(self) -> list[Delivery]:
        """What waits, the oldest first."""
        with self._changed:
            return list(self._waiting)

    # room -------------------------------------------------------------------------------------

    def reserve(self) -> bool | None:
        """Ask for a place. False: the message is to be dropped; None: `wait_for_room`.

        Raises:
            SlotFullError: with ``overflow="error"``, when there is none.
        """
        if self.overflow == "drop_oldest":
            return True  # `put` makes room
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
        return None

    def cancel(self) -> None:
        """The message will not come after all."""
        with self._changed:
            self._reserved = max(0, self._reserved - 1)
            self._changed.notify_all()

    def _has_room(self) -> bool:
        return self.max_queue is None or len(self._waiting) + self._reserved < self.max_queue

    def wait_for_room(self, backend: Backend, job: JobState) -> None:
        """Take a place as soon as there is one, or one over the limit. The caller holds none."""
        turn = _turn_here()
        inside = backend.runs_here() or (turn is not None and turn.job.backend is backend)
        lent = backend.parallel or inside
        waiter = (job, self)
        _blocked.append(waiter)
        with self._changed:
            self.blocked += 1
            self._drained_for += lent
        if turn is not None:
            turn.waits_for = self  # before it looks who waits for whom
        why, waits = "", True
        try:
            why = self._why_not_to_wait(backend, lent)
            with self._changed:  # until all is put down: the drainer must not begin another now
                if not why:
                    with waiting_for(For.ROOM, job.flow, self.block_timeout, job=job, mailbox=self):
                        why = self._wait(backend, job)
                waits = False
                self._go_on(turn, lent, 1)
        finally:
            if waits:  # Ctrl+C, wherever it came
                self._go_on(turn, lent, 0)
            _blocked.remove(waiter)
        if why:
            self._let_in_over_the_limit(why)

    def _go_on(self, turn: Turn | None, lent: bool, places: int) -> None:
        with self._changed:
            if turn is not None:
                turn.waits_for = None
            self.blocked -= 1
            self._drained_for -= lent
            self._reserved += places
            self._changed.notify_all()

    def _why_not_to_wait(self, backend: Backend, lent: bool) -> str:
        """Why a message is to go in over the limit at once, or nothing."""
        if backend.in_loop():
            return "a coroutine emitted it, and the event loop must not wait"
        if self._is_stuck(set()):
            return "its handlers wait for room themselves, in a circle"
        if lent:
            return self._start_drainer(backend)
        backend.run_here()  # a sequence that nobody runs; else its runner makes room
        return ""

    def _wait(self, backend: Backend, job: JobState) -> str:
        """Wait for room. Why the message goes in over the limit, or nothing."""
        deadline = time.monotonic() + self.block_timeout
        while not self._is_free(backend) and not job.flags & STOPPED:
            left = deadline - time.monotonic()
            if left <= 0:
                return f"there was no room for {self.block_timeout:g} s"
            self._changed.wait(left)
        return ""

    def _is_free(self, backend: Backend) -> bool:
        """Whether an emitter that waits may go on."""
        # One handler at a time in a sequence; those that wait for room themselves do not count.
        return self._has_room() and (
            backend.parallel or all(turn.waits_for is not None for turn in self._turns)
        )

    def _let_in_over_the_limit(self, why: str) -> None:
        with self._changed:
            self.overflowed += 1
            first, self._warned = not self._warned, True
        if first:
            logger.warning(
                "routilux: %s is full (max_queue=%s), and a message went in over the limit, since "
                "%s; Slot.mailbox.overflowed counts them", self.slot.where(), self.max_queue, why,
            )  # fmt: skip

    def _is_stuck(self, seen: set[int]) -> bool:
        """Whether no handler of this slot can end or begin before one of those seen has room."""
        if id(self) in seen:
            return True
        seen.add(id(self))
        holders = self.limit.holders() if self.limit is not None else None
        if holders is None:
            with self._changed:
                holders, drainer = list(self._turns), self._drainer
            if drainer is None or not _serving.get(drainer.ident or 0):
                return False  # its drainer can begin one
        return bool(holders) and all(
            turn.waits_for is not None and turn.waits_for._is_stuck(seen) for turn in holders
        )

    # in and out -------------------------------------------------------------------------------

    def put(self, delivery: Delivery, reserved: bool) -> list[Delivery]:
        """Let a delivery wait here, in its reserved place or, one that comes back, over the limit.

        Returns:
            The ticket to queue, unless there are as many as there are deliveries.
        """
        oldest: Delivery | None = None
        tickets: list[Delivery] = []
        with self._changed:
            if self.overflow == "drop_oldest":
                if reserved and not self._has_room():
                    oldest = self._waiting.popleft()
                    self.dropped += 1
            elif reserved:
                self._reserved = max(0, self._reserved - 1)
            if not reserved and not self._has_room():
                self.overflowed += 1
            self._waiting.append(delivery)
            if self._drainer is not None:
                self._changed.notify_all()
            if self._tickets < len(self._waiting):
                self._tickets += 1
                tickets.append(_ticket(self, delivery[3].job.backend))
        if oldest is not None:  # outside of the lock, for its job may end with it
            commit.discard(oldest)
        return tickets

    def take(self) -> Delivery | None:
        """The oldest delivery, or None."""
        with self._changed:
            delivery = self._waiting.popleft() if self._waiting else None
            self._changed.notify_all()
        return delivery

    def withdraw(self, job: JobState) -> list[Delivery]:
        """Take out what waits of a job. Its tickets stay, and whoever draws one finds nothing."""
        with self._changed:
            found = [delivery for delivery in self._waiting if delivery[3].job is job]
            if found:
                others = [delivery for delivery in self._waiting if delivery[3].job is not job]
                self._waiting = deque(others)
                self._changed.notify_all()
        return found

    def serve(self, ticket: Delivery) -> KeyboardInterrupt | None:
        """Run the oldest delivery, or let the ticket wait for a permit."""
        backend: Backend = ticket[1]["backend"]
        called = ticket[1]["called"]
        if self.limit is not None and not self.limit.acquire(
            lambda: backend.queue([_ticket(self, backend, called=True)]), called
        ):
            return None
        delivery = self._take_by_ticket()
        if delivery is None:
            self._release()
            return None
        return self._run(delivery)

    def draw(self, ticket: Delivery) -> Delivery | None:
        """What a ticket stands for, which is not to be run; None if that was taken already."""
        if self.limit is not None and ticket[1]["called"]:
            self.limit.decline()
        return self._take_by_ticket()

    def enter_again(self, job: JobState, is_waited_for: Callable[[JobState], bool]) -> bool:
        """Run a delivery of a job over the limit, if all who hold a permit wait for that job."""
        holders = self.limit.holders() if self.limit is not None else None
        if not holders or not all(is_waited_for(turn.job) for turn in holders):
            return False
        with self._changed:
            index = next((i for i, d in enumerate(self._waiting) if d[3].job is job), None)
            if index is None:
                return False
            found = self._waiting[index]
            del self._waiting[index]
            self._changed.notify_all()
        assert self.limit is not None
        self.limit.enter_again()
        interrupt = self._run(found)
        if interrupt is not None:
            raise interrupt
        return True

    def _take_by_ticket(self) -> Delivery | None:
        with self._changed:
            self._tickets -= 1
            return self.take()

    def _run(self, delivery: Delivery) -> KeyboardInterrupt | None:
        ident = threading.get_ident()
        turn = Turn(self, delivery[3].job)
        backend = turn.job.backend
        stack = _serving.setdefault(ident, [])
        stack.append(turn)
        with self._changed:
            self._turns.append(turn)
        if self.limit is not None:
            self.limit.begin(turn)
        outer = backend.arrived()
        backend.arrive(delivery)
        try:
            return gate.run_gated(delivery)
        finally:
            stack.pop()
            if not stack:
                _serving.pop(ident, None)
            if outer is not None:
                backend.arrive(outer)
            else:
                backend.leave_guest()
            if not backend.when_ended(delivery, lambda: self._left(turn)):
                self._left(turn)

    def _left(self, turn: Turn) -> None:
        """A handler has ended, or its coroutine has."""
        with self._changed:
            self._turns.remove(turn)
            self._changed.notify_all()
        if self.limit is not None:
            self.limit.end(turn)

    def _release(self) -> None:
        if self.limit is not None:
            self.limit.release()

    def _look(self) -> None:
        with self._changed:
            self._changed.notify_all()

    # the drainer ------------------------------------------------------------------------------

    def _start_drainer(self, backend: Backend) -> str:
        """Let a thread run this slot's handlers. Why there is none, or nothing."""
        with self._changed:
            if self._drainer is not None:
                return ""
            owner = self.slot.routine._id if self.slot.routine else "?"
            name = f"routilux-drain-{owner}.{self.slot.name}"
            try:
                self._drainer = backend.start_thread(self._drain, name)
            except RuntimeError as error:
                return f"its thread could not be started ({error})"
        return ""

    def _drain(self) -> None:
        """Run this slot's handlers as long as somebody waits for room."""
        while True:
            with self._changed:
                if not self._drained_for:
                    self._drainer = None
                    return
            # Who was called for the permit may have no thread to come with: all may wait for us.
            permit = self.limit is None or self.limit.acquire_now(self._look)
            delivery = self.take() if permit else None
            if delivery is not None:
                self._run(delivery)
                continue
            if permit:
                self._release()
            with self._changed:
                if self._drained_for and not self._can_drain():
                    self._changed.wait(DRAINER_SECONDS)

    def _can_drain(self) -> bool:
        return bool(self._waiting) and (self.limit is None or self.limit.holders() is None)


def _turn_here() -> Turn | None:
    stack = _serving.get(threading.get_ident())
    return stack[-1] if stack else None


def _ticket(mailbox: Mailbox, backend: Backend, called: bool = False) -> Delivery:
    """What stands in a shared queue for one delivery of a mailbox."""
    data = {"mailbox": mailbox, "backend": backend, "called": called}
    return (NO_EDGE, data, None, NOBODY, 1, 0)  # type: ignore[return-value]
