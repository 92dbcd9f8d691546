"""Who runs handlers: what every backend offers, and the pool of daemon threads (concurrent).

The pool is one shared deque and an own list of parked workers. Guarantees, each of them tested:
    * A worker parks by putting itself on the list and *then* looking at the queue again, so no
      wake-up is lost.
    * At most about one wake-up is in flight; a woken worker that leaves more behind wakes the
      next. The emitting worker takes its own next item without a thread switch. (From Python 3.13
      on, a SimpleQueue or ThreadPoolExecutor hands every item to a sleeping thread: a chain then
      costs 20 to 180 times as much.)
    * Workers never wait for space and never poll.
Workers refer to the backend and the bus, never to the flow: a flow that is dropped without
``shutdown()`` is collected, and its finalizer closes the backend.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from contextvars import copy_context
from itertools import count
from typing import TYPE_CHECKING, Any, Protocol

from .tracing import admit, drop, run_gated

if TYPE_CHECKING:
    from .activation import Activation, Delivery
    from .job import JobState
    from .ports import Connection
    from .runtime import Runtime

#: A parked worker ends after so many seconds without work; the next delivery starts a new one.
IDLE_SECONDS = 30.0


class Backend(Protocol):
    """What runs the deliveries of a job."""

    def submit(
        self, edges: tuple[Connection, ...], data: dict[str, Any], cause: Activation
    ) -> None:
        """Queue one delivery per edge, in order. Any thread; returns before handlers of a pool."""
        ...

    def settle(self, job: JobState) -> None:
        """Come back when ``execute()`` may return: sequential jobs have ended by then."""
        ...

    def waiting(self) -> int:
        """How many deliveries are queued."""
        ...

    def close(self) -> None:
        """Run what is queued, then end. Returns at once."""
        ...

    def join(self, timeout: float | None) -> list[threading.Thread]:
        """Wait for the threads to end after `close`; those that did not in time."""
        ...


def run(delivery: Delivery) -> None:
    """Run one delivery and return its token. Raises KeyboardInterrupt only, and that last."""
    edge, data, context, cause, queued, _ = delivery
    job = cause.job
    interrupt: KeyboardInterrupt | None = None
    if job.flags or queued:
        interrupt = run_gated(delivery)
    else:
        try:
            context.run(edge.deliver, data)
        except BaseException as error:  # noqa: BLE001 - whatever a handler raises fails its job
            job.flow._scheduler.fail(job, error, edge, cause.id)
            if isinstance(error, KeyboardInterrupt):
                interrupt = error
    tokens = job.tokens
    tokens.pop()
    if not tokens:
        job.flow._scheduler.finish(job)
    if interrupt is not None:
        raise interrupt


def discard(delivery: Delivery) -> None:
    """Do not run a delivery: count it as dropped and return its token."""
    job = delivery[3].job
    scheduler = job.flow._scheduler
    drop(delivery, scheduler)
    job.tokens.pop()
    if not job.tokens:
        scheduler.finish(job)


class Threads:
    """Runs deliveries on up to ``max_workers`` daemon threads, started when they are needed."""

    def __init__(self, runtime: Runtime, name: str, max_workers: int) -> None:
        self._runtime = runtime
        self._name = name
        self._ready: deque[Delivery] = deque()
        self._parked: list[_Worker] = []
        self._waking = False
        self._closing = False
        # Guards the two below. Reentrant, since a finalizer that emits may come in anywhere.
        self._lock = runtime.rlock()
        self._room = max_workers  # threads that may still be started
        self._threads: list[threading.Thread] = []  # all that may be alive
        self._numbers = count(1)

    def submit(
        self, edges: tuple[Connection, ...], data: dict[str, Any], cause: Activation
    ) -> None:
        """Queue one delivery per edge and see to it that a worker comes."""
        job = cause.job
        job.tokens.extend(edges)
        if job.flags:
            self._ready.extend(admit(edges, data, cause))
        else:
            for edge in edges:
                self._ready.append((edge, data, copy_context(), cause, 0, 0))
        if (self._parked or self._room) and not self._waking:
            self._wake()

    def settle(self, job: JobState) -> None:
        """A concurrent ``execute()`` returns at once."""

    def waiting(self) -> int:
        """How many deliveries are queued."""
        return len(self._ready)

    def close(self) -> None:
        """Let the workers end when the queue is empty."""
        self._closing = True
        while self._parked:
            try:
                worker = self._parked.pop()
            except IndexError:
                break
            worker.permit.release()

    def join(self, timeout: float | None) -> list[threading.Thread]:
        """Wait for the threads to end after `close`; those that did not in time."""
        deadline = None if timeout is None else time.monotonic() + timeout
        with self._lock:
            threads = [t for t in self._threads if t is not threading.current_thread()]
        for thread in threads:
            thread.join(None if deadline is None else max(0.0, deadline - time.monotonic()))
        return [thread for thread in threads if thread.is_alive()]

    def _wake(self) -> None:
        """Let one more worker look at the queue. Who sets ``_waking`` clears it, or has woken a
        worker, which clears it first thing; after clearing, look again (see `_Worker.park`).
        """
        while True:
            self._waking = True
            try:
                worker = self._parked.pop()
            except IndexError:
                if self._start_worker():
                    return
                self._waking = False
                if not (self._ready and (self._parked or self._room)):
                    return
            else:
                worker.permit.release()
                return

    def _start_worker(self) -> bool:
        with self._lock:
            if not self._room:
                return False
            worker = _Worker(self, self._runtime)
            name = f"{self._name}-{next(self._numbers)}"
            try:
                thread = self._runtime.start_thread(worker.run, name)
            except RuntimeError:  # no more threads to be had; the next delivery tries again
                self._waking = False
                if not any(thread.is_alive() for thread in self._threads):
                    raise
                return True  # those that there are will come to it
            self._room -= 1
            self._threads = [t for t in self._threads if t.is_alive()]
            self._threads.append(thread)
        return True

    def _retire(self) -> None:
        with self._lock:
            self._room += 1
        if self._ready and not self._waking:
            self._wake()  # a delivery came while we left, and counted on nobody


class _Worker:
    """One thread of the pool."""

    __slots__ = ("_pool", "permit")

    def __init__(self, pool: Threads, runtime: Runtime) -> None:
        self._pool = pool
        self.permit = runtime.lock()
        self.permit.acquire()

    def run(self) -> None:
        pool = self._pool
        ready, parked = pool._ready, pool._parked
        pool._waking = False
        while True:
            try:
                delivery = ready.popleft()
            except IndexError:
                if self._park():
                    continue
                break
            if ready and (parked or pool._room) and not pool._waking:
                pool._wake()
            try:
                run(delivery)
            except KeyboardInterrupt:
                pass  # raised by the handler itself; its job has failed with it
            del delivery  # a parked worker must not keep a flow alive
        pool._retire()

    def _park(self) -> bool:
        """Wait for work. False when it is time to end."""
        pool = self._pool
        pool._parked.append(self)
        if pool._ready or pool._closing:
            return self._unpark()
        if self.permit.acquire(timeout=IDLE_SECONDS):
            pool._waking = False
            return bool(pool._ready) or not pool._closing
        self._unpark()
        return bool(pool._ready)

    def _unpark(self) -> bool:
        """Take back the parking; if somebody popped us already, take the permit they give."""
        pool = self._pool
        try:
            pool._parked.remove(self)
        except ValueError:
            self.permit.acquire()
            pool._waking = False
        return bool(pool._ready) or not pool._closing
