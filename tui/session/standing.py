"""Where a flow stands at one moment: its jobs, and what waits in it for what. Reads, never waits.

Most of what is looked through here is empty in most flows: a flow whose slots have no limits and
whose jobs are neither paused nor retried is told by a few lengths.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Sequence

from routilux import Flow
from routilux.activation import NO_EDGE, Delivery
from routilux.copies import copied
from routilux.job import NESTED, PAUSED, JobState
from routilux.mailbox import Mailbox
from routilux.workers import Backend

from .messages import BoxState, FlowState
from .topology import is_timer


def flow_state(flow: Flow) -> FlowState:
    """A flow's jobs and what waits in it. Any thread."""
    scheduler = flow._scheduler
    with scheduler.lock:
        jobs = list(scheduler.jobs.values())
    boxes = _mailboxes(flow)
    paused = [job for job in jobs if job.flags & PAUSED]
    delayed = [delivery for job in jobs for delivery in _delayed(job)]
    timers = sum(is_timer(delivery[0]) for delivery in delayed)
    parked = [d for job in paused if job.backlog for d in copied(job.backlog)]
    return FlowState(
        number=flow.number,
        waiting=_waiting(flow, jobs, [box for _, box in boxes]),
        open_jobs=len(jobs),
        completed=scheduler.completed,
        failed=scheduler.failed,
        paused=len(paused),
        cancelled=scheduler.cancelled,
        retries=len(delayed) - timers,
        timers=timers,
        dropped=scheduler.dropped,
        held=_held(delayed, parked),
        boxes=tuple(_box(number, box) for number, box in boxes),
    )


def _mailboxes(flow: Flow) -> list[tuple[int, Mailbox]]:
    """The slots with limits, by the number of their routine."""
    return [
        (number, slot.mailbox)
        for number, routine in enumerate(list(flow.routines.values()))
        for slot in list(routine._slots.values())
        if slot.mailbox is not None
    ]


def _box(number: int, box: Mailbox) -> BoxState:
    room, name = box.max_queue or 0, box.slot.name
    return BoxState(number, name, len(box), room, box.blocked, box.dropped, box.overflowed)


def _delayed(job: JobState) -> Iterable[Delivery]:
    if job._extra is None or not job._extra.waiting:
        return ()
    return [delivery for _, delivery in list(job._extra.waiting.values())]


def _held(
    delayed: Sequence[Delivery], parked: Sequence[Delivery]
) -> tuple[tuple[int, int, int], ...]:
    if not delayed and not parked:
        return ()
    later = Counter(delivery[0].number for delivery in delayed)
    still = Counter(delivery[0].number for delivery in parked)
    return tuple((edge, later[edge], still[edge]) for edge in sorted({*later, *still}))


def _waiting(flow: Flow, jobs: Sequence[JobState], boxes: Sequence[Mailbox]) -> int:
    """What has not begun. A ticket is no delivery: it stands for one in a mailbox or a job."""
    backends: set[Backend] = {flow._inline, *(job.backend for job in jobs)}
    if flow._threads is not None:
        backends.add(flow._threads)
    tickets = bool(boxes) or any(job.flags & NESTED for job in jobs)
    ready = sum(_ready(backend) if tickets else backend.waiting() for backend in backends)
    backlogs = sum(len(job.backlog) for job in jobs if job.backlog)
    return ready + backlogs + sum(map(len, boxes))


def _ready(backend: Backend) -> int:
    return sum(delivery[0] is not NO_EDGE for delivery in backend.queued())


# the event loop ---------------------------------------------------------------------------------


def loop_thread(flow: Flow) -> threading.Thread | None:
    """The thread that runs the flow's coroutine handlers; None as long as there were none."""
    return flow._loop._thread


def under_way(flow: Flow) -> tuple[int, tuple[int, int, int] | None]:
    """How many coroutines the event loop has under way, and the one that began first: its edge,
    when it began (ns), and its activation.
    """
    begun = [
        (run.start, run.delivery[0].number, run.delivery[3].child_id(run.delivery[5]))
        for run in flow._loop._all()
        if run.start is not None
    ]
    if not begun:
        return 0, None
    since, edge, activation = min(begun)
    return len(begun), (edge, since, activation)
