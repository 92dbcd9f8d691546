"""Waiting for jobs: outside of handlers, and inside, where who waits keeps the job going."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from . import gate
from .activation import current
from .errors import SelfDeadlockError, seconds
from .job import NESTED, PAUSED, JobState
from .mailbox import Mailbox, mailboxes
from .standing import For, waiting_for

if TYPE_CHECKING:
    from .scheduler import Scheduler

#: Held while a handler notes which job it waits for. Outside of the flows' locks.
_waits = threading.RLock()


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
    with waiting_for(For.FLOW, scheduler._flow(), timeout):
        return scheduler.wait(lambda: not scheduler.jobs, deadline)


def wait_for_job(scheduler: Scheduler, job: JobState, timeout: float | None) -> bool:
    """Wait until one job has ended."""
    deadline = deadline_of(timeout)
    if job.done:
        return True
    here = current.get(None)
    if here is None or here.job.done:
        with waiting_for(For.JOB, job.flow, timeout, job=job):
            return scheduler.wait(lambda: job.done, deadline)
    if job.backend.in_loop():
        raise SelfDeadlockError(
            f"JobState.wait was called in a coroutine handler of flow {job.flow_id!r} and would "
            "stop its event loop; write `await flow.aexecute(...)`"
        )
    waiter = here.job
    with _waits:
        if _waits_for(job, waiter):
            raise SelfDeadlockError(
                f"JobState.wait was called in a handler of {waiter!r}, and {job!r} cannot end "
                "before that job does; they would wait for each other for ever"
            )
        waiter.extra.waits_for.append(job)
    try:
        with waiting_for(For.JOB, job.flow, timeout, job=job, helps=True):
            _keep_going(scheduler, waiter, job, deadline)
    finally:
        with _waits:
            waiter.extra.waits_for.remove(job)
    return job.done


def _keep_going(
    scheduler: Scheduler, waiter: JobState, job: JobState, deadline: float | None
) -> None:
    """Wait for a job in a handler, whose thread the job may need."""
    if job.flags & NESTED:
        _help_nested(scheduler, job, deadline)
    elif job.backend.runs_here() or not waiter.backend.runs_here():
        job.backend.help(job, lambda: job.done, deadline)
    else:  # a job of another flow, which may need the handler's flow
        waiter.backend.help(job, lambda: job.done, deadline)


def _help_nested(scheduler: Scheduler, job: JobState, deadline: float | None) -> None:
    """Run a job in the handler that waits for it, so that no pool is too small for that."""
    backend, extra = job.backend, job.extra
    here = backend.arrived()
    boxes = mailboxes(job.flow)
    with scheduler.lock:
        extra.helpers += 1
    try:
        while not job.done and not scheduler.is_over(deadline):
            taken = [] if job.flags & PAUSED else gate.take_from_backlog(job, 1)
            for delivery in taken:
                backend.arrive(delivery)
                gate.run_from_backlog(delivery)
            if taken or any(box.enter_again(job, lambda j: _waits_for(j, job)) for box in boxes):
                continue
            if _is_boxed(job, boxes):  # it goes by the shared queue, which needs a thread
                backend.help(job, lambda: job.done or _may_help(job), deadline)
            else:
                scheduler.wait(
                    lambda: job.done or _may_help(job) or _is_boxed(job, boxes), deadline
                )
    finally:
        with scheduler.lock:
            extra.helpers -= 1
        if here is not None:
            backend.arrive(here)
        else:
            backend.leave_guest()


def _may_help(job: JobState) -> bool:
    return bool(job.backlog) and not job.flags & PAUSED


def _is_boxed(job: JobState, boxes: list[Mailbox]) -> bool:
    return any(delivery[3].job is job for box in boxes for delivery in box.waiting())


def _waits_for(job: JobState, other: JobState) -> bool:
    """Whether a job is another one, or waits for it in the end."""
    seen: set[int] = set()
    todo = [job]
    while todo:
        each = todo.pop()
        if each is other:
            return True
        if each.number not in seen:
            seen.add(each.number)
            todo.extend(list(each._extra.waits_for) if each._extra else ())
    return False


def forget_threads() -> None:
    """In the child of a fork: whoever held the lock did not come along."""
    global _waits  # noqa: PLW0603 - the one lock of all flows
    _waits = threading.RLock()


def deadline_of(timeout: float | None) -> float | None:
    """A time of `time.monotonic`, or None.

    Raises:
        InvalidValueError: the timeout is negative or no number.
    """
    checked = seconds(timeout, "timeout")
    return None if checked is None else time.monotonic() + checked


def left_of(deadline: float | None) -> float | None:
    """Seconds until a time of `time.monotonic`, none of them negative; None: for ever."""
    return None if deadline is None else max(0.0, deadline - time.monotonic())
