"""Pause, resume and cancel: handshakes between a caller and the threads that run a job."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable
from copy import deepcopy
from datetime import datetime
from typing import TYPE_CHECKING, Any

from . import commit, gate
from .activation import Delivery
from .copies import copied
from .errors import InvalidValueError, UnknownNameError, seconds
from .history import LATER, ExecutionRecord
from .interrupts import settle
from .job import (
    CANCELLED,
    ENDED,
    PAUSED,
    STOPPED,
    JobState,
    JobStatus,
    SlotActivationTask,
)  # fmt: skip
from .mailbox import mailboxes
from .ports import Connection
from .records import Kind
from .routine import slot_of

if TYPE_CHECKING:
    from .flow import Flow

#: How long `pause` waits, in seconds, for handlers of the job that run already.
PAUSE_SECONDS = 1.0
LOOK = 0.005  # seconds between two looks
#: Looks, a millisecond apart, that have to agree on what runs while a paused job is listed.
SAME_LOOKS = 5


def pause(flow: Flow, job: JobState, reason: str, checkpoint: Any, timeout: float) -> bool:
    """See `Flow.pause`."""
    _check_owner(flow, job)
    scheduler = flow._scheduler
    deadline = time.monotonic() + (seconds(timeout, "timeout") or 0.0)
    with scheduler.lock:
        if job is scheduler.ambient:
            raise InvalidValueError(
                f"flow {flow.flow_id!r}: what is emitted outside of any job cannot be paused"
            )
        if job.status == JobStatus.CANCELLED or job.flags & CANCELLED:
            raise InvalidValueError(f"{job!r} was cancelled and cannot be paused")
        point = {
            "timestamp": datetime.now().isoformat(),
            "reason": reason,
            "checkpoint": checkpoint,
            "current_routine_id": job.current_routine_id,
        }
        job.pause_points.append(point)
        job.status = JobStatus.PAUSED
        job.extra.updated = time.time()
        if job.flow is None or job.flags & ENDED:
            return True  # nothing of it runs; the status is kept for who saves it
        if job.backlog is None:
            job.backlog = deque()
        job.flags |= PAUSED
    scheduler.publish_job(Kind.JOB_PAUSED, job)
    scheduler.wake_waiters()  # a sequential `execute` comes back once nothing of the job runs
    # A thread says what it runs before it looks at the flags. So once no thread runs a delivery of
    # the job, or only those that had begun, none can begin.
    if job.backend.in_loop():  # waiting would stop the other coroutines
        return not running(job)
    # A thread that looked at the job before it was flagged leaves it without a word: so look now
    # and then, beside being told.
    while not scheduler.wait(lambda: not running(job), min(deadline, time.monotonic() + LOOK)):
        if scheduler.is_over(deadline):
            return False
    return True


def running(job: JobState) -> list[Delivery]:
    """Deliveries of the job that others run now, or are about to: threads and coroutines."""
    here = threading.current_thread()
    threads = [delivery for thread, delivery in _in_threads(job) if thread is not here]
    return threads + [d for _, d in job.flow._loop.deliveries() if d[3].job is job]


def _in_threads(job: JobState) -> list[tuple[threading.Thread, Delivery]]:
    """Threads that run the job, but for those that wait for one of its coroutines."""
    loop = job.flow._loop
    running = job.backend.running()
    return [(t, d) for t, d in running if d[3].job is job and not loop.has(d)]


def resume(flow: Flow, job: JobState) -> JobState:
    """See `Flow.resume`."""
    _check_owner(flow, job)
    current = job.current_routine_id
    if current is not None and current not in flow.routines:
        raise UnknownNameError("routine", current, f"flow {flow.flow_id!r}", flow.routines)
    _refuse_cancelled(job)
    if job.flow is None:
        if job.status == JobStatus.RUNNING and not job.extra.parked:
            raise InvalidValueError(
                f"{job!r} was saved while it ran, so what it had still to do is not known; pause "
                "a job before it is saved"
            )
        _adopt(flow, job, [(*_edge(flow, task), task) for task in job.extra.parked])
        return _settled(job)
    _restore(flow, job, job.extra.explicit)
    if job.flags & ENDED:
        _end_again(job)
    elif job.flags & PAUSED:
        _go_on(job)
    return _settled(job)


def _refuse_cancelled(job: JobState) -> None:
    if job.status == JobStatus.CANCELLED or job.flags & CANCELLED:
        raise InvalidValueError(f"{job!r} was cancelled and cannot be resumed")


def _settled(job: JobState) -> JobState:
    settle(job)
    return job


def _end_again(job: JobState) -> None:
    """A job that had ended was marked as paused; there is nothing left to run."""
    with job.flow._scheduler.lock:
        _refuse_cancelled(job)
        failed = job.flags & STOPPED
        job.status = JobStatus.FAILED if failed else JobStatus.COMPLETED


def _go_on(job: JobState) -> None:
    scheduler = job.flow._scheduler
    with scheduler.lock:
        _refuse_cancelled(job)
        job.flags &= ~PAUSED
        job.status = JobStatus.RUNNING
        job.extra.updated = time.time()
        job.tokens.append(None)  # until all is queued
    scheduler.publish_job(Kind.JOB_RESUMED, job)
    scheduler.wake_waiters()  # who waits for a nested job runs it
    gate.unpark(job)
    commit.give_back(job)


def cancel(flow: Flow, job: JobState, reason: str) -> None:
    """See `Flow.cancel`."""
    _check_owner(flow, job)
    scheduler = flow._scheduler
    with scheduler.lock:
        if job is scheduler.ambient:
            raise InvalidValueError(
                f"flow {flow.flow_id!r}: what is emitted outside of any job cannot be cancelled"
            )
        if job.status == JobStatus.CANCELLED:
            return
        now = datetime.now()
        job.update_routine_state(
            "_cancellation", {"reason": reason, "cancelled_at": now.isoformat()}
        )
        job.status = JobStatus.CANCELLED
        job.note(
            ExecutionRecord(job.current_routine_id or "", "cancelled", {"reason": reason}, now)
        )
        if job.flow is None or job.flags & ENDED:
            return  # nothing of it runs; the status is kept for who reads or saves it
        job.tokens.append(None)  # until all is dropped
    scheduler.publish_job(Kind.JOB_CANCELLED, job)
    scheduler.stop(job, None, STOPPED | CANCELLED)
    _drop_queued(job)
    flow._loop.cancel(job)
    commit.give_back(job)


def _drop_queued(job: JobState) -> None:
    """Drop what has not begun, without waiting for a worker to come to it."""
    commit.drop_backlog(job)  # first, since it moves on into the others
    for box in mailboxes(job.flow):
        for delivery in box.withdraw(job):
            commit.drop(delivery)
    with job.flow._scheduler.lock:
        queued = job.backend.sweep(job)
    for delivery in queued:
        commit.drop(delivery)


def _check_owner(flow: Flow, job: JobState) -> None:
    if not isinstance(job, JobState):
        kind = type(job).__name__
        raise InvalidValueError(f"flow {flow.flow_id!r}: a JobState is needed here, not a {kind}")
    if job.flow_id != flow.flow_id or job.flow not in (None, flow):
        raise InvalidValueError(
            f"job {job.job_id} belongs to flow {job.flow_id!r}, not to flow {flow.flow_id!r}"
        )


# what a paused job has still to do --------------------------------------------------------------


def pending_tasks(job: JobState) -> list[SlotActivationTask]:
    """What a paused job has not begun, in order: what is queued, then what waits for its time."""
    if not job.flags & PAUSED:
        return []
    now = job.flow._runtime.now_ns()
    with job.flow._scheduler.lock:
        waiting = list(job.extra.waiting.values())
    found = [_task(delivery, 0.0) for delivery in _queued(job)]
    found += [_task(d, max(0.0, (alarm.due_ns - now) / 1e9)) for alarm, d in waiting]
    return found


def _queued(job: JobState) -> list[Delivery]:
    """Deliveries in the backlog, the shared queue and the mailboxes.

    A thread may have one in its hand, on its way from the queue to the backlog. The tokens tell:
    each delivery has one, and so has each handler that runs. But what a thread says that it runs
    may just have ended, so with that alone it has to stay so for a while.
    """
    deadline = time.monotonic() + PAUSE_SECONDS
    same, before = 0, None
    while True:
        tokens = len(job.tokens)
        queued = [d for d in job.backend.queued() if d[3].job is job and d[2] is not None]
        boxed = [d for box in mailboxes(job.flow) for d in box.waiting() if d[3].job is job]
        backlog = copied(job.backlog) if job.backlog is not None else []
        found = _unique([*queued, *boxed, *backlog])
        certain = len(found) + len(job.extra.waiting) + _mine(job)
        others = running(job)
        now = (tokens, [id(d) for d in found], [id(d) for d in others])
        same = same + 1 if now == before and certain + len(others) >= tokens else 0
        before = now
        if certain >= tokens or same >= SAME_LOOKS or time.monotonic() > deadline:
            return found
        job.flow._scheduler.wait(lambda: False, time.monotonic() + 0.001)


def _mine(job: JobState) -> int:
    """1 if the caller is a handler of the job, else 0."""
    here, loop = threading.current_thread(), job.flow._loop
    mine = any(thread is here for thread, _ in _in_threads(job))
    others = sum(delivery[3].job is job for _, delivery in loop.deliveries())
    return int(mine or loop.running(job) > others)


def _unique(deliveries: list[Delivery]) -> list[Delivery]:
    return list({id(delivery): delivery for delivery in deliveries}.values())


def _task(delivery: Delivery, delay: float) -> SlotActivationTask:
    edge, data, _, _, _, _ = delivery
    slot = edge.target_slot
    routine = slot.routine._id if slot.routine else ""
    if slot.name == LATER:
        method = getattr(data["function"], "__name__", repr(data["function"]))
        return SlotActivationTask(routine, "", {"args": data["args"]}, 0, delay, method)
    return SlotActivationTask(routine, slot.name, edge.renamed(data), edge.retries, delay)


def _adopt(
    flow: Flow, job: JobState, tasks: list[tuple[Connection, dict[str, Any], SlotActivationTask]]
) -> None:
    """Take a loaded job into a flow and queue what it has still to do."""
    _restore(flow, job, job.extra.states)
    scheduler = flow._scheduler
    with scheduler.lock:
        _refuse_cancelled(job)
        job.flow, job.backend = flow, flow._backend()
        job.root.id = flow._next_ident()
        job.flags = PAUSED
        job.backlog = deque()
        job.ended = 0.0
        job.extra.parked = []
        job.extra.adopted.update(task.routine_id for _, _, task in tasks)
        job.extra.settled = False
        job.extra.current_routine_id = None if tasks else job.extra.current_routine_id
        if job.entry is not None and job.entry.routine is not None:  # a stand-in of the loader's
            entry = flow.routines.get(job.entry.routine._id)
            job.entry = (entry.get_slot(job.entry.name) if entry else None) or job.entry
        if job.error is not None and not tasks:
            job.flags |= STOPPED  # it had failed, and does not become better by a resume
        job.tokens.append(None)
        scheduler.jobs[job.number] = job
        flow._remember(job)
    scheduler.follow(job)
    for edge, data, task in tasks:
        delivery = gate.delivery(edge, data, job.root)
        job.tokens.append(None)
        if task.delay > 0:
            commit.wait_for_time(delivery, task.delay)
        else:
            job.backlog.append(delivery)
    _go_on(job)
    commit.give_back(job)


def _edge(flow: Flow, task: SlotActivationTask) -> tuple[Connection, dict[str, Any]]:
    routine = flow._routine(task.routine_id)
    if task.method:
        function = getattr(routine, task.method, None)
        if function is None:
            known = [name for name in dir(routine) if not name.startswith("__")]
            raise UnknownNameError("method", task.method, routine._where(), known)
        args = tuple(task.data.get("args", ()))
        return routine._later.entry, {"function": function, "args": args}
    entry = slot_of(routine, task.slot_name).entry
    return (entry.again(task.retries) if task.retries else entry), dict(task.data)


def _restore(flow: Flow, job: JobState, routine_ids: Iterable[str]) -> None:
    """Give routines the statistics and the accumulated data that stand in the job."""
    for routine_id in list(routine_ids):
        routine, state = flow.routines.get(routine_id), job.extra.states.get(routine_id)
        if routine is None or not isinstance(state, dict):
            continue
        stats = state.get("stats")
        if isinstance(stats, dict):
            with routine._state_lock:
                routine._stats.update(stats)
        for name, data in (state.get("slots") or {}).items():
            slot = routine.get_slot(name)
            if slot is not None:
                with slot._lock:
                    slot._data = deepcopy(data)
        state.pop("slots", None)
