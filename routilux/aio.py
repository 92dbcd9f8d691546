"""Executing a flow from a coroutine, without blocking its event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .activation import current

if TYPE_CHECKING:
    from .flow import Flow
    from .job import JobState


async def execute(
    flow: Flow,
    entry_routine_id: str,
    entry_params: Mapping[str, Any] | None,
    execution_strategy: str | None,
    *,
    entry_slot: str,
) -> JobState:
    """See `Flow.aexecute`."""
    cause = current.get(None)
    inside = cause is not None and cause.job.flow is flow
    if inside or (execution_strategy or flow.execution_strategy) == "concurrent":
        job = flow.execute(
            entry_routine_id, entry_params, execution_strategy, entry_slot=entry_slot
        )
        return await _ended(flow, job, helping=inside)
    # The thread gets the context of the caller, so that the job inherits what the caller has set.
    return await asyncio.to_thread(
        flow.execute, entry_routine_id, entry_params, execution_strategy, entry_slot=entry_slot
    )


async def _ended(flow: Flow, job: JobState, *, helping: bool) -> JobState:
    try:
        if helping:  # the thread runs the job, so that it does not need a worker
            await asyncio.to_thread(job.wait)
        else:
            loop = asyncio.get_running_loop()
            done = loop.create_future()
            job.on_end(lambda _: loop.call_soon_threadsafe(_set, done))
            await done
    except asyncio.CancelledError:
        flow.cancel(job, "the task that awaited the job was cancelled")
        raise
    return job


def _set(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
