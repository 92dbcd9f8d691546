"""Executing a flow from a coroutine, without blocking its event loop."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable, Mapping
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

from .activation import current
from .interrupts import settle

if TYPE_CHECKING:
    from .flow import Flow
    from .job import JobState

#: In a sequential flow the nested jobs of one job run one after another: a lock for each such job.
_one_at_a_time: weakref.WeakKeyDictionary[JobState, asyncio.Lock] = weakref.WeakKeyDictionary()


async def execute(
    flow: Flow,
    entry_routine_id: str,
    entry_params: Mapping[str, Any] | None,
    execution_strategy: str | None,
    *,
    entry_slot: str,
) -> JobState:
    """See `Flow.aexecute`."""
    work = _Work(
        flow, lambda: flow._start(entry_routine_id, entry_params, execution_strategy, entry_slot)
    )
    cause = current.get(None)
    try:
        if cause is None or cause.job.flow is not flow or cause.job.done:
            return await work.outside()
        return await work.inside(cause.job)
    except asyncio.CancelledError:
        work.cancel()
        raise


class _Work:
    """A job that a task awaits."""

    def __init__(self, flow: Flow, start: Callable[[], JobState]) -> None:
        self._flow = flow
        self._start = start
        self._job: JobState | None = None
        self._gone = False  # nobody awaits it any more

    def cancel(self) -> None:
        """Cancel the job, also if it is about to begin."""
        self._gone = True
        if self._job is not None:
            self._flow.cancel(self._job, "the task that awaited the job was cancelled")

    async def outside(self) -> JobState:
        """Start the job in a thread, which may have to wait for room in its entry slot, and which
        runs it if it is sequential.
        """
        job: JobState = await _in_thread(self._flow, self._begin_and_settle)
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        job.on_end(lambda _: _tell(loop, done, None, None))
        await done
        return job

    async def inside(self, parent: JobState) -> JobState:
        """Run the job in a thread that waits for it like a handler, so that it needs no worker."""
        job = self._begin()
        if job.backend.parallel:
            await _in_thread(self._flow, job.wait)
            return job
        async with _one_at_a_time.setdefault(parent, asyncio.Lock()):
            await _in_thread(self._flow, job.wait)
        return job

    def _begin(self) -> JobState:
        job = self._job = self._start()
        if self._gone:
            self.cancel()
        return job

    def _begin_and_settle(self) -> JobState:
        job = self._begin()
        settle(job)
        return job


async def _in_thread(flow: Flow, function: Callable[[], Any]) -> Any:
    """Call a function in a daemon thread of its own, within the context of the caller.

    Unlike ``asyncio.to_thread`` this never waits for one of a few threads, all of which may wait
    for this one, and keeps no interpreter from leaving.
    """
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    context = copy_context()

    def work() -> None:
        try:
            result = context.run(function)
        except BaseException as error:  # noqa: BLE001 - the caller raises it
            _tell(loop, future, None, error)
        else:
            _tell(loop, future, result, None)

    flow._runtime.start_thread(work, f"routilux-{flow.flow_id}-await")
    return await future


def _tell(
    loop: asyncio.AbstractEventLoop,
    future: asyncio.Future[Any],
    result: Any,
    error: BaseException | None,
) -> None:
    try:
        loop.call_soon_threadsafe(_set, future, result, error)
    except RuntimeError:
        pass  # its loop is closed: nobody awaits it any more


def _set(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if future.done():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)
