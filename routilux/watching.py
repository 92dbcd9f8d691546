"""Which jobs are watched, and how closely: traced, counted, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .activation import current
from .job import COUNTED, TRACED, JobState

if TYPE_CHECKING:
    from .bus import EventBus


def of_new(bus: EventBus, job: JobState) -> int:
    """The flag of a job that begins. What a watched job begins is watched as closely as it is, so
    that a chain through several jobs and flows is whole or not there.
    """
    if not bus.level:
        return 0
    if not bus.tracing:
        return COUNTED
    if bus.every == 1 or job.synthetic:  # who has sent it wants to see it
        return TRACED
    parent = current.get(None)
    if parent is not None and parent.job.flags & TRACED:
        return TRACED
    if parent is not None and parent.job.flags & COUNTED and parent.job.flow.bus.every > 1:
        return COUNTED
    return TRACED if bus.is_sampled(job.number) else COUNTED


def of_ambient(bus: EventBus) -> int:
    """The flag of the job to which emits from outside belong: one job cannot be sampled."""
    if not bus.level:
        return 0
    return TRACED if bus.tracing and bus.every == 1 else COUNTED


def after_change(bus: EventBus, job: JobState) -> int:
    """The flag of an open job when somebody watches, or no longer, or takes another sample."""
    if not bus.level:
        return 0
    sampled = bus.tracing and (job.synthetic or bus.is_sampled(job.number))
    return TRACED if sampled else COUNTED
