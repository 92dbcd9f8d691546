"""The event loop of a flow: runs its coroutine handlers in one thread.

Workers hand coroutines over through a deque with one wake-up in flight, and the loop makes the
tasks itself: a quarter of the price of ``run_coroutine_threadsafe``. `asyncio` is imported, and the
thread started, with the first coroutine.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from types import CoroutineType
from typing import TYPE_CHECKING, Any

from . import commit, gate
from .activation import Delivery
from .job import CANCELLED, PAUSED, STOPPED, JobState
from .records import Status

if TYPE_CHECKING:
    import asyncio

    from .runtime import Runtime

    Coroutine = CoroutineType[Any, Any, Any]

#: Tasks that handlers have left behind are cancelled with the loop, and get so many seconds.
LEFT_SECONDS = 1.0


class Run:
    """One coroutine handler, from the hand-over to its end.

    Attributes:
        ended: set once its activation is closed.
        error: the KeyboardInterrupt or SystemExit that it has raised.
        begun: whether its first step was made.
    """

    __slots__ = ("after", "begun", "coroutine", "delivery", "ended", "error", "start", "task")

    def __init__(self, delivery: Delivery, coroutine: Coroutine, start: int | None) -> None:
        self.delivery = delivery
        self.coroutine = coroutine
        self.start = start
        self.ended = threading.Event()
        self.error: BaseException | None = None
        self.begun = False
        self.after: Callable[[], object] | None = None
        self.task: asyncio.Task[Any] | None = None

    @property
    def job(self) -> JobState:
        """The job that it belongs to."""
        return self.delivery[3].job


async def _guard(run: Run) -> None:
    if run.job.flags & (STOPPED | PAUSED):  # since it was handed over
        return
    run.begun = True
    try:
        await run.coroutine
    except (KeyboardInterrupt, SystemExit) as error:  # asyncio would let them end the loop
        run.error = error


class EventLoop:
    """Runs coroutines on a daemon thread of its own, started when it is needed."""

    def __init__(self, runtime: Runtime, name: str) -> None:
        self._runtime = runtime
        self._name = name
        self.forget_threads()

    def forget_threads(self) -> None:
        """In the child of a fork: the loop's thread did not come along."""
        self._lock = self._runtime.rlock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._arrived: deque[Run] = deque()  # of the loop that there is
        self._waking = False
        self._closing = False
        self._closed = 0.0  # when, by `time.time`
        self._decided = threading.Event()  # a loop that was closed ends now, or is used again
        self._runs: dict[int, Run] = {}  # by the delivery's context: each has its own

    def start(self, delivery: Delivery, coroutine: Coroutine, start: int | None) -> Run:
        """Run a coroutine to its end and close its activation. Any thread."""
        run = Run(delivery, coroutine, start)
        try:
            with self._lock:  # so the loop cannot end before it has been woken
                # A job that began after `close` opens the loop again; chains from before do not.
                if self._closing and run.job.began > self._closed:
                    self._closing = False
                    self._decided.set()
                loop = self._loop or self._start_thread()
                self._runs[id(delivery[2])] = run
                self._arrived.append(run)
                if not self._waking:
                    self._waking = True
                    loop.call_soon_threadsafe(self._begin, self._arrived)
        except RuntimeError as error:  # no thread to be had
            coroutine.close()
            if delivery[4]:
                run.job.flow._scheduler.bus.lane().begin(delivery[0].number, -1)
            commit.close(delivery, error, start)
            run.ended.set()
        return run

    def running(self, job: JobState) -> int:
        """How many coroutines of a job have not ended."""
        return sum(run.job is job for run in self._all())

    def has(self, delivery: Delivery) -> bool:
        """Whether the coroutine of a delivery is running."""
        return id(delivery[2]) in self._runs

    def deliveries(self) -> list[tuple[threading.Thread, Delivery]]:
        """What the loop's thread runs, but for the coroutine that asks."""
        thread = self._thread
        if thread is None:
            return []
        mine = self._task_here()
        return [(thread, run.delivery) for run in self._all() if mine is None or run.task != mine]

    def when_ended(self, delivery: Delivery, function: Callable[[], object]) -> bool:
        """Call a function when the coroutine of a delivery has ended. False: none is running."""
        with self._lock:
            run = self._runs.get(id(delivery[2]))
            if run is not None:
                run.after = function
        return run is not None

    def is_mine(self) -> bool:
        """Whether the calling thread is the loop's."""
        return threading.current_thread() is self._thread

    def cancel(self, job: JobState) -> None:
        """Cancel the coroutines of a job. Any thread."""
        with self._lock:  # as long as it has coroutines the loop does not end
            if self._loop is not None and self.running(job):
                self._loop.call_soon_threadsafe(self._cancel, job)

    def close(self) -> None:
        """End the thread once all coroutines have ended. Returns at once."""
        with self._lock:
            self._closing, self._closed = True, time.time()
            self._decided = threading.Event()
            self._end_if_idle()

    def join(self, timeout: float | None) -> list[threading.Thread]:
        """Wait for the thread to end after `close`, unless a new job uses it; it, if it did not in
        time.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        with self._lock:
            thread, ended = self._thread, self._loop is None
        if thread is None or self.is_mine():
            return []
        if not ended:
            in_time = self._decided.wait(timeout)
            if not self._closing:
                return []
            if not in_time:
                return [thread]
        thread.join(None if deadline is None else max(0.0, deadline - time.monotonic()))
        return [thread] if thread.is_alive() else []

    def _end_if_idle(self) -> None:
        loop = self._loop
        if loop is not None and self._closing and not self._runs:
            self._loop = None
            self._decided.set()
            loop.call_soon_threadsafe(loop.stop)

    def _all(self) -> list[Run]:
        with self._lock:
            return list(self._runs.values())

    def _task_here(self) -> asyncio.Task[Any] | None:
        if not self.is_mine():
            return None
        import asyncio

        return asyncio.current_task()

    def _start_thread(self) -> asyncio.AbstractEventLoop:
        loop = self._new_loop()
        try:
            thread = self._runtime.start_thread(lambda: _serve(loop), self._name)
        except RuntimeError:
            loop.close()
            raise
        self._loop, self._thread = loop, thread
        self._arrived, self._waking = deque(), False
        # A flow that is dropped without shutdown leaves no thread behind.
        weakref.finalize(self, _stop, loop).atexit = False
        return loop

    @staticmethod
    def _new_loop() -> asyncio.AbstractEventLoop:
        import asyncio

        return asyncio.new_event_loop()

    # in the loop's thread -------------------------------------------------------------------------

    def _begin(self, arrived: deque[Run]) -> None:
        import asyncio

        with self._lock:
            self._waking = False  # before looking, so that nothing is left behind
        loop = asyncio.get_running_loop()
        while arrived:
            run = arrived.popleft()
            run.task = loop.create_task(_guard(run), context=run.delivery[2])
            run.task.add_done_callback(lambda _, run=run: self._close(run))  # type: ignore[misc]

    def _close(self, run: Run) -> None:
        run.coroutine.close()  # or it would complain that it was never awaited, if it never began
        if run.begun:
            error = self._error(run)
            assert run.task is not None
            ended = run.error is None and error is None and run.task.cancelled()
            status = Status.CANCELLED if ended else Status.OK
            if run.delivery[4]:
                run.job.flow._scheduler.bus.lane().begin(run.delivery[0].number, -1)
            commit.close(run.delivery, error, run.start, status=status)
        else:
            self._put_off(run)
        self._end(run)

    def _put_off(self, run: Run) -> None:
        """Its job was paused or stopped before its first step."""
        edge, data, context, cause, queued, index = run.delivery
        job = run.job
        if queued:  # it was counted as started
            job.flow._scheduler.bus.lane().begin(edge.number, -1)
        if job.flags & STOPPED:
            commit.discard(run.delivery)
        else:
            again = edge.again(edge.retries)  # what is merged already is not again
            gate.park(job, [(again, data, context.copy(), cause, queued, index)])

    def _error(self, run: Run) -> BaseException | None:
        assert run.task is not None
        if not run.task.cancelled():
            return run.error or run.task.exception()
        if run.job.flags & CANCELLED:
            return None
        import asyncio

        return asyncio.CancelledError("the coroutine was cancelled")

    def _end(self, run: Run) -> None:
        with self._lock:
            self._runs.pop(id(run.delivery[2]), None)
            self._end_if_idle()
        if run.after is not None:
            run.after()
        run.ended.set()
        if run.job.flags & PAUSED:  # who has paused it waits for this
            run.job.flow._scheduler.wake_waiters()

    def _cancel(self, job: JobState) -> None:
        for run in self._all():
            if run.job is job and run.task is not None:
                run.task.cancel()


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    import asyncio

    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        left = asyncio.all_tasks(loop)  # that handlers have begun and not awaited
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.wait(left, timeout=LEFT_SECONDS))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


def _stop(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.call_soon_threadsafe(loop.stop)
    except RuntimeError:
        pass  # it has ended
