"""What the child of a fork needs, so that a flow that came along can be used there.

Only the thread that forked lives on in the child. Whoever held a lock, ran a handler or waited is
gone. So every lock is made anew, what was queued is forgotten, and the jobs that were open fail
there with a `JobLostError`. The parent notices nothing.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from . import clock, limits, lines, mailbox, ports, standing, waiting
from .bus import hub
from .errors import JobLostError
from .job import ENDED, PAUSED, STOPPED, JobStatus

if TYPE_CHECKING:
    from .flow import Flow
    from .job import JobState
    from .routine import Routine


def _forget_threads() -> None:
    """In the child, before anything else runs there."""
    clock.live.forget_threads()
    ports.forget_wiring_lock()
    waiting.forget_threads()
    standing.forget_threads()
    mailbox.forget_threads()
    limits.worker_budget.forget_threads()
    for limit in limits.limits():
        limit.forget_threads()
    hub.forget_threads()
    lines.forget_threads()
    for flow in hub.flows():
        _forget_in(flow)


def _forget_in(flow: Flow) -> None:
    scheduler = flow._scheduler
    lost = list(scheduler.jobs.values())
    flow.bus.forget_threads()
    scheduler.forget_threads()
    flow._runtime.clock.forget_threads()
    for routine in list(flow.routines.values()):
        _forget_in_routine(routine)
    for job in lost:
        _fail(job)
    # New ones: a handler that forked ends in what the old ones have become.
    flow._loop.forget_threads()
    flow._inline.forget_threads()
    flow._inline = flow._runtime.inline(f"routilux-{flow.flow_id}", flow._loop)
    if flow._threads is not None:
        flow._threads.forget_threads()
    flow._threads = None
    if flow._finalizer is not None:
        flow._finalizer.detach()
        flow._finalizer = None


def _forget_in_routine(routine: Routine) -> None:
    routine.forget_threads()
    slots = [*routine._slots.values(), *([routine._later_slot] if routine._later_slot else [])]
    for slot in slots:
        slot.forget_threads()
        if slot.mailbox is not None:
            slot.mailbox.forget_threads()


def _fail(job: JobState) -> None:
    """End a job without a call to anybody: its tokens stay, since a handler may have forked."""
    job.error = JobLostError(
        f"{job!r} was open when the process forked; its threads are in the parent, which goes on "
        "with it: execute it anew here if it is wanted here too"
    )
    job.status = JobStatus.FAILED
    job.flags = (job.flags | STOPPED | ENDED) & ~PAUSED
    job.ended = time.time()
    if job.backlog is not None:
        job.backlog.clear()
    if job._extra is not None:
        job._extra.waiting.clear()
        job._extra.waits_for.clear()
        job._extra.callbacks.clear()
        job._extra.helpers = 0


if hasattr(os, "register_at_fork"):  # there is none on Windows
    os.register_at_fork(after_in_child=_forget_threads)
