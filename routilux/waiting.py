"""Waiting for jobs: outside of handlers, and inside, where who waits keeps the job going."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from . import gate
from .activation import current
from .errors import SelfDeadlockError, seconds
from .job import NESTED, PAUSED, JobState

if TYPE_CHECKING:
    from .scheduler import Scheduler


def wait_until_idle(scheduler: Scheduler, timeout: float | None) -> bool:
    """Wait until no job is open. False exactly when the time was over first."""
    deadline = deadline_of(timeout)
    here = current.get(None)
    if here is not None and here.job.flow._scheduler is scheduler and not here.job.done:
        raise SelfDeadlockError(
            f"wait_for_completion was called in a handler of flow {here.job.flow.flow_id!r}, "
            "which would wait for itself for ever; wait for a job that the handler has "
            "executed, emit an event instead, or wait in another thread"
        )
    return scheduler.wait(lambda: not scheduler.jobs, deadline)


def wait_for_job(scheduler: Scheduler, job: JobState, timeout: float | None) -> bool:
    """Wait until one job has ended."""
    deadline = deadline_of(timeout)
    if job.done:
        return True
    here = current.get(None)
    if here is None or here.job.flow is not job.flow or here.job.done:
        return scheduler.wait(lambda: job.done, deadline)
    if job.backend.in_loop():
        raise SelfDeadlockError(
            f"JobState.wait was called in a coroutine handler of flow {job.flow_id!r} and would "
            "stop its event loop; write `await flow.aexecute(...)`"
        )
    waiter = here.job
    with scheduler.lock:
        _refuse_circle(job, waiter)
        waiter.extra.waits_for.append(job)
    try:
        if job.flags & NESTED:
            _help_nested(scheduler, job, deadline)
        else:
            job.backend.help(job, lambda: job.done, deadline)
    finally:
        with scheduler.lock:
            waiter.extra.waits_for.remove(job)
    return job.done


def _help_nested(scheduler: Scheduler, job: JobState, deadline: float | None) -> None:
    """Run a job in the handler that waits for it, so that no pool is too small for that."""
    backend, extra = job.backend, job.extra
    here = backend.arrived()
    with scheduler.lock:
        extra.helpers += 1
    try:
        while not job.done and not scheduler.is_over(deadline):
            taken = [] if job.flags & PAUSED else gate.take_from_backlog(job, 1)
            for delivery in taken:
                backend.arrive(delivery)
                gate.run_from_backlog(delivery)
            if not taken:
                scheduler.wait(lambda: job.done or _may_help(job), deadline)
    finally:
        with scheduler.lock:
            extra.helpers -= 1
        if here is not None:
            backend.arrive(here)
        else:
            backend.leave_guest()


def _may_help(job: JobState) -> bool:
    return bool(job.backlog) and not job.flags & PAUSED


def _refuse_circle(job: JobState, waiter: JobState) -> None:
    """Refuse to wait for a job that, in the end, waits for the waiter."""
    seen: set[int] = set()
    todo = [job]
    while todo:
        each = todo.pop()
        if each is waiter:
            raise SelfDeadlockError(
                f"JobState.wait was called in a handler of {waiter!r}, and {job!r} cannot end "
                "before that job does; they would wait for each other for ever"
            )
        if each.number not in seen:
            seen.add(each.number)
            todo.extend(each._extra.waits_for if each._extra else ())


def deadline_of(timeout: float | None) -> float | None:
    """A time of `time.monotonic`, or None.

    Raises:
        InvalidValueError: the timeout is negative or no number.
    """
    checked = seconds(timeout, "timeout")
    return None if checked is None else time.monotonic() + checked
