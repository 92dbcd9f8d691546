"""The event loop of a flow: runs its coroutine handlers in one thread.

Workers hand coroutines over through a deque with one wake-up in flight, and the loop makes the
tasks itself: a quarter of the price of ``run_coroutine_threadsafe``. `asyncio` is imported, and the
thread started, with the first coroutine.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from types import CoroutineType
from typing import TYPE_CHECKING, Any

from . import commit, gate
from .activation import Delivery
from .job import CANCELLED, PAUSED, STOPPED, JobState

if TYPE_CHECKING:
    import asyncio

    from .runtime import Runtime

    Coroutine = CoroutineType[Any, Any, Any]


class _Run:
    """One coroutine handler, from the hand-over to its end."""

    __slots__ = ("after", "coroutine", "delivery", "ended", "error", "start", "task")

    def __init__(self, delivery: Delivery, coroutine: Coroutine, start: int | None) -> None:
        self.delivery = delivery
        self.coroutine = coroutine
        self.start = start
        self.ended = threading.Event()
        self.error: BaseException | None = None
        self.after: Callable[[], object] | None = None
        self.task: asyncio.Task[Any] | None = None


async def _guard(run: _Run) -> None:
    try:
        await run.coroutine
    except (KeyboardInterrupt, SystemExit) as error:  # asyncio would let them end the loop
        run.error = error


class EventLoop:
    """Runs coroutines on a daemon thread of its own, started when it is needed."""

    def __init__(self, runtime: Runtime, name: str) -> None:
        self._runtime = runtime
        self._name = name
        self._lock = runtime.rlock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._arrived: deque[_Run] = deque()
        self._waking = False
        self._closing = False
        self._runs: set[_Run] = set()

    def start(self, delivery: Delivery, coroutine: Coroutine, start: int | None) -> threading.Event:
        """Run a coroutine to its end and close its activation. Any thread.

        Returns:
            An event that is set once the activation is closed.
        """
        run = _Run(delivery, coroutine, start)
        with self._lock:
            loop = self._loop or self._start_thread()
            self._closing = False
            self._runs.add(run)
        self._arrived.append(run)
        if not self._waking:
            self._waking = True
            loop.call_soon_threadsafe(self._begin)
        return run.ended

    def running(self, job: JobState) -> int:
        """How many coroutines of a job have not ended."""
        return sum(run.delivery[3].job is job for run in list(self._runs))

    def when_ended(self, delivery: Delivery, function: Callable[[], object]) -> bool:
        """Call a function when the coroutine of a delivery has ended. False: none is running."""
        with self._lock:
            for run in self._runs:
                if run.delivery[2] is delivery[2]:  # each delivery has a context of its own
                    run.after = function
                    return True
        return False

    def is_mine(self) -> bool:
        """Whether the calling thread is the loop's."""
        return threading.current_thread() is self._thread

    def cancel(self, job: JobState) -> None:
        """Cancel the coroutines of a job. Any thread."""
        with self._lock:
            loop = self._loop
        if loop is not None and any(run.delivery[3].job is job for run in list(self._runs)):
            loop.call_soon_threadsafe(self._cancel, job)

    def close(self) -> None:
        """End the thread once all coroutines have ended. Returns at once."""
        with self._lock:
            loop, self._closing = self._loop, True
            if loop is not None and not self._runs:
                self._loop = None
                loop.call_soon_threadsafe(loop.stop)

    def join(self, timeout: float | None) -> list[threading.Thread]:
        """Wait for the thread to end after `close`; it, if it did not in time."""
        thread = self._thread
        if thread is None or self.is_mine():
            return []
        thread.join(timeout)
        return [thread] if thread.is_alive() else []

    def _start_thread(self) -> asyncio.AbstractEventLoop:
        import asyncio

        loop = self._loop = asyncio.new_event_loop()

        def serve() -> None:
            asyncio.set_event_loop(loop)
            try:
                loop.run_forever()
            finally:
                loop.run_until_complete(loop.shutdown_asyncgens())
                loop.close()

        self._waking = False
        self._thread = self._runtime.start_thread(serve, self._name)
        return loop

    # in the loop's thread -------------------------------------------------------------------------

    def _begin(self) -> None:
        self._waking = False  # before looking, so that nothing is left behind
        while self._arrived:
            run = self._arrived.popleft()
            edge, data, context, cause, queued, index = run.delivery
            job = cause.job
            if job.flags & STOPPED:
                run.coroutine.close()
                commit.discard(run.delivery)
                self._end(run)
            elif job.flags & PAUSED:
                run.coroutine.close()
                self._end(run)
                again = edge.again(edge.retries)  # it is merged, but has not begun
                gate.park(job, [(again, data, context.copy(), cause, queued, index)])
            else:
                assert self._loop is not None  # it does not close while there are runs
                run.task = self._loop.create_task(_guard(run), context=context)
                run.task.add_done_callback(lambda _, run=run: self._close(run))  # type: ignore[misc]

    def _close(self, run: _Run) -> None:
        task = run.task
        assert task is not None
        job = run.delivery[3].job
        if task.cancelled():
            import asyncio

            error: BaseException | None = asyncio.CancelledError("the coroutine was cancelled")
            if job.flags & CANCELLED:
                error = None
        else:
            error = run.error or task.exception()
        commit.close(run.delivery, error, run.start)
        self._end(run)

    def _end(self, run: _Run) -> None:
        with self._lock:
            self._runs.discard(run)
            if self._closing:
                self.close()
        if run.after is not None:
            run.after()
        run.ended.set()

    def _cancel(self, job: JobState) -> None:
        for run in list(self._runs):
            if run.delivery[3].job is job and run.task is not None:
                run.task.cancel()
