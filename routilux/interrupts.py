"""Ctrl+C that struck between two steps of the engine: the books of the job are put in order.

In a handler an interrupt is an error like any other. Between a token and its delivery, or between
a delivery and its end, it leaves a token that nothing will ever return, and a job that never ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import commit
from .job import ENDED

if TYPE_CHECKING:
    from .job import JobState


def settle(job: JobState) -> None:
    """Come back when ``execute()`` may return."""
    inside = job.backend.runs_here()
    try:
        job.backend.settle(job)
    except KeyboardInterrupt as interrupt:
        end_struck(job, interrupt, inside)
        raise


def end_struck(job: JobState, interrupt: KeyboardInterrupt, inside: bool) -> None:
    """Fail a job whose thread was interrupted; end it, unless something of it is still under way.

    In the interrupted thread.

    Args:
        job: what it executes.
        interrupt: what was raised.
        inside: whether it does so in a handler of the flow, which the interrupt ends next.
    """
    if not inside:
        job.backend.let_go(interrupt)
    if job.done:
        return
    scheduler = job.flow._scheduler
    scheduler.stop(job, interrupt)
    if _under_way(job):
        return  # who has it returns its token
    _drop_backlog(job)
    job.tokens.clear()
    with scheduler.lock:  # it may have been struck on its last step
        if not job.done:
            job.flags &= ~ENDED
            scheduler.jobs[job.number] = job
    scheduler.finish(job)


def _under_way(job: JobState) -> bool:
    """Whether a queue, a thread, the event loop or a slot holds a delivery of the job."""
    backend = job.backend
    queued = [*backend.queued(), *backend.in_hand().values()]
    for routine in list(job.flow.routines.values()):
        for slot in list(routine._slots.values()):
            if slot.mailbox is not None:
                queued += slot.mailbox.waiting()
    return bool(job.flow._loop.running(job)) or any(delivery[3].job is job for delivery in queued)


def _drop_backlog(job: JobState) -> None:
    """Count what still waits in the job as dropped. Its tokens go with all the others."""
    while job.backlog:
        commit.count_dropped(job.backlog.popleft())
