"""Who runs handlers: the calling thread (sequential) or a pool of daemon threads (concurrent).

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
from threading import get_ident
from typing import TYPE_CHECKING, Any, Protocol

from .tracing import admit, run_gated

if TYPE_CHECKING:
    from .activation import Activation, Delivery
    from .bus import EventBus
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
    """Run one delivery and settle its token. Raises KeyboardInterrupt only, after settling."""
    edge, data, context, cause, _, _ = delivery
    job = cause.job
    interrupt: KeyboardInterrupt | None = None
    if job.flags:
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


class Inline:
    """Runs deliveries one at a time, first in first out, in the thread that executes the job.

    A baton says which thread runs the queue. A chain of emits does not grow the stack, since an
    emit in a handler only queues.
    """

    def __init__(self, runtime: Runtime, bus: EventBus) -> None:
        self._ready: deque[Delivery] = deque()
        self._baton = runtime.lock()
        self._holder = 0  # thread that has the baton
        self._queueing: list[None] = []  # one entry per thread that waits for the baton

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
        if self._holder != get_ident():
            self._run_leftovers()

    def settle(self, job: JobState) -> None:
        """Run the queue until the job has ended. In a handler of the flow: leave it queued."""
        if self._holder == get_ident():
            return
        while not job.done:
            self._queueing.append(None)
            self._baton.acquire()
            self._queueing.pop()
            self._run_queue(job)
            if not job.done:  # what is open is in another thread's hands
                job.flow._scheduler.await_end(job)
        self._run_leftovers()

    def waiting(self) -> int:
        """How many deliveries are queued."""
        return len(self._ready)

    def close(self) -> None:
        """Nothing to end: there is no thread."""

    def join(self, timeout: float | None) -> list[threading.Thread]:
        """Nothing to wait for."""
        return []

    def _run_leftovers(self) -> None:
        # Who failed to get the baton counts on the holder, so look again after each release;
        # threads that wait for the baton will run the queue themselves.
        while self._ready and not self._queueing and self._baton.acquire(blocking=False):
            self._run_queue(None)

    def _run_queue(self, job: JobState | None) -> None:
        ready = self._ready
        self._holder = get_ident()
        try:
            while ready and not (job is not None and job.done):
                run(ready.popleft())
        except KeyboardInterrupt:
            self._drop_stopped()
            raise
        finally:
            self._holder = 0
            self._baton.release()

    def _drop_stopped(self) -> None:
        """After Ctrl+C: settle what the interrupted job has queued, keep what others have."""
        for _ in range(len(self._ready)):
            delivery = self._ready.popleft()
            if delivery[3].job.flags:
                run(delivery)
            else:
                self._ready.append(delivery)


class Threads:
    """Runs deliveries on up to ``max_workers`` daemon threads, started when they are needed."""

    def __init__(self, runtime: Runtime, bus: EventBus, name: str, max_workers: int) -> None:
        self._runtime = runtime
        self._bus = bus
        self._name = name
        self._max_workers = max_workers
        self._ready: deque[Delivery] = deque()
        self._parked: list[_Worker] = []
        self._waking = False
        self._closing = False
        self._lock = runtime.lock()  # guards the two below
        self._room = max_workers  # threads that may still be started
        self._threads: dict[_Worker, threading.Thread] = {}
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
            threads = [t for t in self._threads.values() if t is not threading.current_thread()]
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
                if not (self._ready and self._parked):
                    return
            else:
                worker.permit.release()
                return

    def _start_worker(self) -> bool:
        with self._lock:
            if not self._room:
                return False
            self._room -= 1
            worker = _Worker(self, self._runtime)
            name = f"{self._name}-{next(self._numbers)}"
            self._threads[worker] = self._runtime.start_thread(worker.run, name)
        return True

    def _retire(self, worker: _Worker) -> None:
        with self._lock:
            self._room += 1
            self._threads.pop(worker, None)
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
        pool._retire(self)

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
