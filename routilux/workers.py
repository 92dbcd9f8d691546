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
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from contextvars import copy_context
from enum import Enum
from itertools import count
from threading import get_ident
from types import CoroutineType
from typing import TYPE_CHECKING, Any

from . import commit
from .activation import NO_EDGE, NOT_TIMED
from .commit import is_coroutine, move_on
from .copies import copied
from .gate import WINDOW, admit, queue_watched, run_gated, run_traced
from .job import COUNTED, ENDED, TRACED, WATCHED
from .lanes import FOLD, Lane
from .limits import worker_budget

if TYPE_CHECKING:
    from .activation import Activation, Delivery
    from .job import JobState
    from .loop import EventLoop
    from .ports import Connection
    from .runtime import Runtime


class Runner(Enum):
    """Who is to run what is queued in a sequential flow."""

    OTHERS = 1  #: whoever runs the queue, or a thread made for it
    HERE = 2  #: the calling thread, unless another one runs the queue
    SETTLE = 3  #: the calling thread, by `Backend.settle`


#: A parked worker ends after so many seconds without work; the next delivery starts a new one.
IDLE_SECONDS = 30.0


#: A queue of more deliveries is not looked through when a job is cancelled: a fifth of a
#: millisecond under the flow's lock.
SWEPT = 4096


class Backend(ABC):
    """What runs the deliveries of a job: the seam behind which threads are one possibility.

    Attributes:
        parallel: whether handlers may overlap.
    """

    parallel = True

    def __init__(self, runtime: Runtime, name: str, loop: EventLoop) -> None:
        self._runtime = runtime
        self._name = name
        self._loop = loop
        self._ready: deque[Delivery] = deque()
        #: What was dropped while it stood in the queue, by id; guarded by the flow's lock.
        self.swept: dict[int, Delivery] = {}
        #: What threads run that are not the backend's own, such as a handler that waits for a job.
        self._guests: dict[int, tuple[threading.Thread, Delivery]] = {}

    @abstractmethod
    def submit(
        self, edges: tuple[Connection, ...], data: dict[str, Any], cause: Activation
    ) -> None:
        """Queue one delivery per edge, in order. Any thread; returns before handlers of a pool."""

    @abstractmethod
    def queue(self, deliveries: Sequence[Delivery], runner: Runner = Runner.OTHERS) -> None:
        """Queue deliveries whose tokens are in already. Any thread."""

    @abstractmethod
    def settle(self, job: JobState) -> None:
        """Come back when ``execute()`` may return: sequential jobs have ended by then."""

    def let_go(self, interrupt: KeyboardInterrupt) -> None:  # noqa: B027 - threads have nothing
        """The calling thread was interrupted: what it was to run, nobody may come to run."""

    @abstractmethod
    def help(self, job: JobState, ready: Callable[[], bool], deadline: float | None) -> None:
        """Let a handler wait: keep the job going meanwhile. Returns when ready or out of time."""

    @abstractmethod
    def run_coroutine(
        self, delivery: Delivery, coroutine: CoroutineType[Any, Any, Any], start: int | None
    ) -> None:
        """Run a coroutine handler to its end on the event loop."""

    @abstractmethod
    def runs_here(self) -> bool:
        """Whether the calling thread is one that runs handlers of this backend."""

    @abstractmethod
    def running(self) -> list[tuple[threading.Thread, Delivery]]:
        """The threads that run a handler now, or are about to, and what they run."""

    def in_hand(self) -> dict[int, Delivery]:
        """What runs now, by the ident of its thread. For who only looks: it takes no lock."""
        seats = [(seat.ident, seat.current) for seat in self._seats()]
        found = {ident: current for ident, current in seats if current is not None}
        return found | {ident: guest[1] for ident, guest in self._guests.copy().items()}

    def _seats(self) -> list[Seat]:
        """Where the backend's own threads sit."""
        return []

    @abstractmethod
    def close(self) -> None:
        """Run what is queued, then end. Returns at once."""

    @abstractmethod
    def join(self, timeout: float | None) -> list[threading.Thread]:
        """Wait for the threads to end after `close`; those that did not in time."""

    def arrive(self, delivery: Delivery) -> None:
        """The calling thread is about to run a delivery, and says so before it looks at flags."""
        self._guests[get_ident()] = (threading.current_thread(), delivery)

    def leave(self, job: JobState | None = None) -> None:
        """The calling thread has ended what it ran (of a job), the innermost if that is nested."""
        guest = self._guests.get(get_ident())
        if guest is not None and job in (None, guest[1][3].job):
            self._guests.pop(get_ident(), None)
        elif guest is None:
            seat = self._seat_here()
            current = seat.current if seat is not None else None
            if seat is not None and current is not None and job in (None, current[3].job):
                seat.current = None

    def _seat_here(self) -> Seat | None:
        """Where the calling thread sits, if it is one of the backend's own."""
        return None

    def leave_guest(self) -> None:
        """Take back `arrive`; what the thread runs as a worker goes on."""
        self._guests.pop(get_ident(), None)

    def arrived(self) -> Delivery | None:
        """What the calling thread said that it runs, see `arrive`."""
        guest = self._guests.get(get_ident())
        return guest[1] if guest else None

    def run_here(self) -> None:  # noqa: B027 - where threads do it there is nothing to do
        """Run what is queued in the calling thread, if it is for callers to do and nobody does."""

    def start_thread(self, target: Callable[[], None], name: str) -> threading.Thread:
        """Start a daemon thread."""
        return self._runtime.start_thread(target, name)

    def forget_threads(self) -> None:
        """In the child of a fork, where a new backend takes over: run nothing more."""
        self._ready.clear()
        self.swept.clear()
        self._guests.clear()

    def in_loop(self) -> bool:
        """Whether the calling thread is the event loop's."""
        return self._loop.is_mine()

    def when_ended(self, delivery: Delivery, function: Callable[[], object]) -> bool:
        """Call a function when the coroutine of a delivery has ended. False: none is running."""
        return self._loop.when_ended(delivery, function)

    def sweep(self, job: JobState) -> list[Delivery]:
        """The queued deliveries of a cancelled job, which are the caller's to drop: workers may be
        stuck and not come to them. They stay in the queue, and whoever comes passes over them.

        The flow's lock is held. A worker that was quicker took its delivery before we look; one
        that comes later finds it in `swept`, for which it needs the lock. A long queue is not
        looked through, or many cancels would take the square of their number.
        """
        if len(self._ready) > SWEPT:
            return []
        found = [d for d in self.queued() if d[3].job is job and d[2] is not None]
        self.swept.update((id(delivery), delivery) for delivery in found)
        return found

    def waiting(self) -> int:
        """How many deliveries are queued."""
        return max(0, len(self._ready) - len(self.swept))

    def queued(self) -> list[Delivery]:
        """The deliveries that are queued, as of now."""
        swept = self.swept
        found = copied(self._ready)
        return [each for each in found if id(each) not in swept] if swept else found


class Seat:
    """Where a thread sits that runs a queue, and says what it runs."""

    __slots__ = ("current", "ident")

    def __init__(self) -> None:
        self.current: Delivery | None = None
        self.ident = 0  # of the thread


def thread_of(ident: int) -> threading.Thread:
    """The thread of that ident; a thread costs more to look up than its ident."""
    for thread in threading.enumerate():
        if thread.ident == ident:
            return thread
    return threading.main_thread()


def drain(  # noqa: C901, PLR0912 - the hot loop: what is taken out of it costs a call a message
    ready: deque[Delivery], seat: Seat, pool: Threads | None = None, job: JobState | None = None
) -> None:
    """Run what is queued until nothing is, or ``job`` has ended. The hot loop of every backend.

    Raises KeyboardInterrupt of a handler, once its activation is closed, and nothing else.
    """
    lane: Lane | None = None  # of this thread, once something is to be counted
    while job is None or not job.flags & ENDED:
        try:
            # Said before the job's flags are looked at: see `control.pause`.
            delivery = seat.current = ready.popleft()
        except IndexError:
            return
        if pool is not None and ready and not pool._waking and (pool._parked or pool._room > 0):
            pool._wake()
        edge, data, context, cause, queued, _ = delivery
        its_job = cause.job
        flags = its_job.flags
        if (flags or queued) and (flags != COUNTED or queued != NOT_TIMED):
            run = run_gated if edge is NO_EDGE or flags != TRACED else run_traced
            interrupt = run(delivery)
            if interrupt is not None:
                raise interrupt
            continue
        try:
            result = context.run(edge.deliver, data)
        except BaseException as error:  # noqa: BLE001 - whatever a handler raises fails its job
            interrupt = commit.close(delivery, error)
            if interrupt is not None:
                raise interrupt from None
            continue
        if queued:
            lane = lane or its_job.flow._scheduler.bus.lane()
        if result is not None and is_coroutine(result):
            if queued and lane is not None:
                lane.begin(edge.number)
            its_job.backend.run_coroutine(delivery, result, None)
            continue
        if queued and lane is not None:
            lane.ended.append(edge)
        # `commit.give_back`, inlined: this is per message.
        tokens = its_job.tokens
        tokens.pop()
        if its_job.backlog is not None:
            move_on(its_job)
        if not tokens:
            its_job.flow._scheduler.finish(its_job)
        if lane is not None and len(lane.ended) >= FOLD:
            lane.fold()


class Threads(Backend):
    """Runs deliveries on up to ``max_workers`` daemon threads, started when they are needed."""

    def __init__(self, runtime: Runtime, name: str, max_workers: int, loop: EventLoop) -> None:
        super().__init__(runtime, name, loop)
        self._parked: list[_Worker] = []
        self._waking = False
        self._closing = False
        # Guards the two below. Reentrant, since a finalizer that emits may come in anywhere.
        self._lock = runtime.rlock()
        self._room = max_workers  # threads that may still be started
        self._lent = 0  # workers that wait in a handler, for what others are to do
        self._threads: list[threading.Thread] = []  # all that may be alive
        self._workers: dict[int, _Worker] = {}  # by thread
        self._numbers = count(1)

    def submit(
        self, edges: tuple[Connection, ...], data: dict[str, Any], cause: Activation
    ) -> None:
        """Queue one delivery per edge and see to it that a worker comes."""
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
        if (self._parked or self._room > 0) and not self._waking:
            self._wake()

    def queue(self, deliveries: Sequence[Delivery], runner: Runner = Runner.OTHERS) -> None:
        """Queue deliveries whose tokens are in already. Any thread; never runs them in it."""
        self._ready.extend(deliveries)
        if (self._parked or self._room > 0) and not self._waking:
            self._wake()

    def settle(self, job: JobState) -> None:
        """A concurrent ``execute()`` returns at once."""

    def help(self, job: JobState, ready: Callable[[], bool], deadline: float | None) -> None:
        """Lend the pool a thread while one of its workers waits."""
        if get_ident() not in self._workers and get_ident() not in self._guests:
            job.flow._scheduler.wait(ready, deadline)
            return
        with self._lock:
            self._room += 1
            self._lent += 1
        try:
            if self._ready and not self._waking:
                self._wake()
            job.flow._scheduler.wait(ready, deadline)
        finally:
            with self._lock:
                self._lent -= 1
                self._room -= 1  # below zero until a worker parks, which then ends

    def run_coroutine(
        self, delivery: Delivery, coroutine: CoroutineType[Any, Any, Any], start: int | None
    ) -> None:
        """Hand it over; this worker goes on."""
        self._loop.start(delivery, coroutine, start)

    def runs_here(self) -> bool:
        """Whether the calling thread is one of the workers."""
        return get_ident() in self._workers

    def running(self) -> list[tuple[threading.Thread, Delivery]]:
        """The workers that run a handler now, or are about to, and what they run."""
        with self._lock:
            workers = list(self._workers.values())
        found = [(thread_of(worker.ident), worker.current) for worker in workers]
        mine = [(thread, current) for thread, current in found if current is not None]
        return mine + list(self._guests.values())

    def _seat_here(self) -> Seat | None:
        return self._workers.get(get_ident())

    def _seats(self) -> list[Seat]:
        return list(self._workers.copy().values())

    def close(self) -> None:
        """Let the workers end when the queue is empty."""
        self._closing = True
        while self._parked:
            try:
                worker = self._parked.pop()
            except IndexError:
                break
            worker.permit.release()

    def forget_threads(self) -> None:
        """In the child of a fork, where a new backend takes over: run nothing more."""
        super().forget_threads()
        self._lock = self._runtime.rlock()
        self._closing = True
        self._parked.clear()

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
                if not (self._ready and (self._parked or self._room > 0)):
                    return
            else:
                worker.permit.release()
                return

    def _start_worker(self) -> bool:
        with self._lock:
            if self._room <= 0:
                return False
            worker = _Worker(self, self._runtime)
            name = f"{self._name}-{next(self._numbers)}"
            alive = sum(thread.is_alive() for thread in self._threads) > self._lent
            if not worker_budget.take(needed=not alive):
                self._waking = False
                return True  # those that there are will come to it
            try:
                thread = self._runtime.start_thread(worker.run, name)
            except RuntimeError:  # no more threads to be had; the next delivery tries again
                worker_budget.give_back()
                self._waking = False
                if not alive:
                    raise
                return True
            self._room -= 1
            self._threads = [t for t in self._threads if t.is_alive()]
            self._threads.append(thread)
        return True

    def _retire(self) -> None:
        with self._lock:
            self._room += 1
            self._workers.pop(get_ident(), None)
        worker_budget.give_back()
        if self._ready and not self._waking:
            self._wake()  # a delivery came while we left, and counted on nobody


class _Worker(Seat):
    """One thread of the pool."""

    __slots__ = ("_pool", "permit")

    def __init__(self, pool: Threads, runtime: Runtime) -> None:
        super().__init__()
        self._pool = pool
        self.permit = runtime.lock()
        self.permit.acquire()

    def run(self) -> None:
        pool = self._pool
        self.ident = get_ident()
        with pool._lock:
            pool._workers[get_ident()] = self
        pool._waking = False
        while True:
            try:
                drain(pool._ready, self, pool)
            except KeyboardInterrupt:
                continue  # raised by the handler itself; its job has failed with it
            if not self._park():
                break
        pool._retire()

    def _park(self) -> bool:
        """Wait for work. False when it is time to end."""
        pool = self._pool
        self.current = None  # a parked worker must not keep a flow alive
        if pool._room < 0:  # a worker that was lent is back: one too many
            return False
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
