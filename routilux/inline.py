"""The sequential backend: handlers run one at a time in the thread that executes the job."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextvars import copy_context
from threading import get_ident
from types import CoroutineType
from typing import TYPE_CHECKING, Any

from .commit import discard, into_mailbox
from .gate import WINDOW, admit, queue_watched, resolve
from .interrupts import end_struck
from .job import PAUSED, WATCHED
from .standing import For, waiting_for
from .workers import Backend, Runner, Seat, drain, thread_of

#: Seconds within which who has taken the baton says so.
_UNSAID = 0.05

if TYPE_CHECKING:
    from .activation import Activation, Delivery
    from .job import JobState
    from .loop import EventLoop
    from .ports import Connection
    from .runtime import Runtime


class Inline(Backend):
    """Runs deliveries one at a time, first in first out, in the thread that executes the job.

    A baton says which thread runs the queue. A chain of emits does not grow the stack, since an
    emit in a handler only queues. Nothing strands: who queues and fails to get the baton counts on
    its holder, who looks at the queue again after giving it back. A thread that waits for its turn
    also comes back when others have run its job.
    """

    parallel = False

    def __init__(self, runtime: Runtime, name: str, loop: EventLoop) -> None:
        super().__init__(runtime, name, loop)
        self._baton = runtime.lock()
        self._holder = 0  # thread that has the baton
        self._seat = Seat()  # of the holder
        self._claims: list[JobState] = []  # what the threads that wait for their turn execute

    def submit(
        self, edges: tuple[Connection, ...], data: dict[str, Any], cause: Activation
    ) -> None:
        """Queue; a thread that is none of the flow's runs the queue unless another one does."""
        job = cause.job
        tokens = job.tokens
        tokens.extend(edges)
        flags = job.flags
        if len(tokens) > WINDOW or flags & ~WATCHED:
            self._ready.extend(admit(self, edges, data, cause))
        elif flags:
            queue_watched(self._ready, edges, data, cause)
        else:
            for edge in edges:
                self._ready.append((edge, data, copy_context(), cause, 0, 0))
        if self._holder != get_ident() and edges[0].source_event is not None:
            self._run_leftovers()  # entries wait for `settle`, which knows when to stop

    def queue(self, deliveries: Sequence[Delivery], runner: Runner = Runner.OTHERS) -> None:
        """Queue deliveries whose tokens are in already. Any thread."""
        self._ready.extend(deliveries)
        if self._holder == get_ident() or runner is Runner.SETTLE or not deliveries:
            return
        if runner is Runner.HERE:
            self._run_leftovers()
        elif self._claims:
            self._wake_claimants()
        elif not self._baton.locked():
            self._runtime.start_thread(self._run_leftovers, f"{self._name}-late")

    def settle(self, job: JobState) -> None:
        """Run the queue until the job has ended, or is paused. In a handler: leave it queued."""
        if self._holder == get_ident() or get_ident() in self._guests or self.in_loop():
            return
        while not job.done and not self._rests(job):
            if self._baton.acquire(blocking=False):
                self._run_queue(job)
            if not job.done:
                self._await_turn(job)
        if self._ready:
            self._run_leftovers()

    def _rests(self, job: JobState) -> bool:
        """Whether a job is paused and none of its handlers runs any more."""
        if not job.flags & PAUSED or self._loop.running(job):
            return False
        return all(delivery[3].job is not job for _, delivery in self.running())

    def run_here(self) -> None:
        """Run what is queued in the calling thread, unless another one does."""
        self._run_leftovers()

    def help(self, job: JobState, ready: Callable[[], bool], deadline: float | None) -> None:
        """Run the queue in the handler that waits, which has stopped the queue by waiting."""
        scheduler = job.flow._scheduler
        if self._holder != get_ident():
            scheduler.wait(ready, deadline)
            return
        outer = self._seat.current
        self._claims.append(job)  # who queues something wakes us
        try:
            while not ready() and not scheduler.is_over(deadline):
                if self._ready:
                    self._run_next()
                else:
                    scheduler.wait(lambda: ready() or bool(self._ready), deadline)
        finally:
            self._claims.remove(job)
            self._seat.current = outer

    def run_coroutine(
        self, delivery: Delivery, coroutine: CoroutineType[Any, Any, Any], start: int | None
    ) -> None:
        """Run it on the event loop and wait: one handler at a time."""
        run = self._loop.start(delivery, coroutine, start)
        try:
            run.ended.wait()
        except KeyboardInterrupt as interrupt:
            job = delivery[3].job
            job.flow._scheduler.stop(job, interrupt)
            self._loop.cancel(job)
            raise
        if isinstance(run.error, KeyboardInterrupt):
            raise run.error

    def runs_here(self) -> bool:
        """Whether the calling thread runs the queue."""
        return self._holder == get_ident()

    def running(self) -> list[tuple[threading.Thread, Delivery]]:
        """The thread that runs a handler now, and what it runs."""
        current = self._seat.current
        mine = [(thread_of(self._seat.ident), current)] if current is not None else []
        return mine + list(self._guests.values())

    def _seat_here(self) -> Seat | None:
        return self._seat if self._holder == get_ident() else None

    def _seats(self) -> list[Seat]:
        return [self._seat]

    def close(self) -> None:
        """Nothing to end: there is no thread."""

    def join(self, timeout: float | None) -> list[threading.Thread]:
        """Nothing to wait for."""
        return []

    def _await_turn(self, job: JobState) -> None:
        """Wait until another thread has ended the job, or there is something to run for us."""
        self._claims.append(job)
        try:
            with waiting_for(For.TURN, job.flow, None, job=job):
                job.flow._scheduler.await_turn(
                    lambda: (
                        job.done
                        or bool(self._ready and not self._baton.locked())
                        or self._rests(job)
                    )
                )
        except KeyboardInterrupt as interrupt:
            self._claims.remove(job)
            if job.retries_waiting:
                job.flow._scheduler.stop(job, interrupt)
            self._abandon(interrupt)
            raise
        self._claims.remove(job)

    def _run_leftovers(self) -> None:
        while self._ready and not self._claims and self._baton.acquire(blocking=False):
            self._run_queue(None)
        self._wake_claimants()

    def _run_queue(self, job: JobState | None) -> None:
        self._holder = self._seat.ident = get_ident()
        interrupt: KeyboardInterrupt | None = None
        struck: Delivery | None = None
        try:
            drain(self._ready, self._seat, None, job)
        except KeyboardInterrupt as error:
            interrupt, struck = error, self._seat.current
            raise
        finally:
            self._seat.current = None
            self._holder = 0
            self._pass_on()
            if interrupt is not None:
                self._abandon(interrupt)
                if struck is not None and struck[3].job not in self._claims:
                    end_struck(struck[3].job, interrupt, inside=True)

    def let_go(self, interrupt: KeyboardInterrupt) -> None:
        """Free the baton if this thread has it, also if it could not say so yet; drop the queue."""
        if self._holder == get_ident():
            self._seat.current = None
            self._holder = 0
            self._baton.release()
        elif not self._holder and (self._baton.acquire(timeout=_UNSAID) or not self._holder):
            self._baton.release()
        self._abandon(interrupt)

    def _run_next(self) -> None:
        drain(deque((self._ready.popleft(),)), self._seat)

    def _pass_on(self) -> None:
        self._baton.release()
        if self._claims:
            self._wake_claimants()

    def _wake_claimants(self) -> None:
        if self._ready:
            # All of them wait on the one lock of this flow, but for handlers that wait for a job
            # of another flow.
            for scheduler in {job.flow._scheduler for job in list(self._claims)}:
                scheduler.wake_waiters()

    def _abandon(self, interrupt: KeyboardInterrupt) -> None:
        """After Ctrl+C nobody may come to run what is queued, so drop it and fail its jobs, except
        for what other threads execute. Who has the baton now will run it instead.
        """
        while self._ready and self._baton.acquire(blocking=False):
            for _ in range(len(self._ready)):
                delivery = resolve(self._ready.popleft())
                if delivery is None:
                    continue
                job = delivery[3].job
                if job in self._claims:
                    self._ready.extend(into_mailbox(delivery))
                else:
                    job.flow._scheduler.stop(job, interrupt)
                    discard(delivery)
            self._pass_on()
            if self._claims:
                return
