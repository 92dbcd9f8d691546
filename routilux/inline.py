"""The sequential backend: handlers run one at a time in the thread that executes the job."""

from __future__ import annotations

import threading
from collections import deque
from contextvars import copy_context
from threading import get_ident
from typing import TYPE_CHECKING, Any

from .job import ENDED
from .tracing import admit
from .workers import discard, run

if TYPE_CHECKING:
    from .activation import Activation, Delivery
    from .job import JobState
    from .ports import Connection
    from .runtime import Runtime


class Inline:
    """Runs deliveries one at a time, first in first out, in the thread that executes the job.

    A baton says which thread runs the queue. A chain of emits does not grow the stack, since an
    emit in a handler only queues. Nothing strands: who queues and fails to get the baton counts on
    its holder, who looks at the queue again after giving it back. A thread that waits for its turn
    also comes back when others have run its job.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._ready: deque[Delivery] = deque()
        self._baton = runtime.lock()
        self._holder = 0  # thread that has the baton
        self._claims: list[JobState] = []  # what the threads that wait for their turn execute

    def submit(
        self, edges: tuple[Connection, ...], data: dict[str, Any], cause: Activation
    ) -> None:
        """Queue; a thread that is none of the flow's runs the queue unless another one does."""
        job = cause.job
        job.tokens.extend(edges)
        if job.flags:
            self._ready.extend(admit(edges, data, cause))
        else:
            for edge in edges:
                self._ready.append((edge, data, copy_context(), cause, 0, 0))
        if self._holder != get_ident() and edges[0].source_event is not None:
            self._run_leftovers()  # entries wait for `settle`, which knows when to stop

    def settle(self, job: JobState) -> None:
        """Run the queue until the job has ended. In a handler of the flow: leave it queued."""
        if self._holder == get_ident():
            return
        while not job.done:
            if self._baton.acquire(blocking=False):
                self._run_queue(job)
            if not job.done:
                self._await_turn(job)
        if self._ready:
            self._run_leftovers()

    def waiting(self) -> int:
        """How many deliveries are queued."""
        return len(self._ready)

    def close(self) -> None:
        """Nothing to end: there is no thread."""

    def join(self, timeout: float | None) -> list[threading.Thread]:
        """Nothing to wait for."""
        return []

    def _await_turn(self, job: JobState) -> None:
        """Wait until another thread has ended the job, or there is something to run for us."""
        self._claims.append(job)
        try:
            job.flow._scheduler.await_turn(
                lambda: job.done or bool(self._ready and not self._baton.locked())
            )
        except KeyboardInterrupt as interrupt:
            self._claims.remove(job)
            self._abandon(interrupt)
            raise
        self._claims.remove(job)

    def _run_leftovers(self) -> None:
        while self._ready and not self._claims and self._baton.acquire(blocking=False):
            self._run_queue(None)
        self._wake_claimants()

    def _run_queue(self, job: JobState | None) -> None:
        ready = self._ready
        self._holder = get_ident()
        interrupt: KeyboardInterrupt | None = None
        try:
            if job is None:
                while ready:
                    run(ready.popleft())
            else:
                while ready and not job.flags & ENDED:
                    run(ready.popleft())
        except KeyboardInterrupt as error:
            interrupt = error
            raise
        finally:
            self._holder = 0
            self._pass_on()
            if interrupt is not None:
                self._abandon(interrupt)

    def _pass_on(self) -> None:
        self._baton.release()
        if self._claims:
            self._wake_claimants()

    def _wake_claimants(self) -> None:
        if self._ready:
            for job in self._claims[:1]:  # all of them wait on the one lock of the flow
                job.flow._scheduler.wake_waiters()

    def _abandon(self, interrupt: KeyboardInterrupt) -> None:
        """After Ctrl+C nobody may come to run what is queued, so drop it and fail its jobs, except
        for what other threads execute. Who has the baton now will run it instead.
        """
        while self._ready and self._baton.acquire(blocking=False):
            for _ in range(len(self._ready)):
                delivery = self._ready.popleft()
                job = delivery[3].job
                if job in self._claims:
                    self._ready.append(delivery)
                else:
                    job.flow._scheduler.stop(job, interrupt)
                    discard(delivery)
            self._pass_on()
            if self._claims:
                return
