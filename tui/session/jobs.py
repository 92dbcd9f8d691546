"""The jobs of a flow as plain data, and what a user does to one: pause, resume, cancel."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from itertools import islice

from routilux import Flow, history
from routilux.clock import now_ns
from routilux.copies import newest
from routilux.job import PAUSED, JobState, JobStatus
from routilux.report import message

from .messages import Answer, Control, JobInfo, LaterInfo
from .topology import is_timer

#: Emits looked through for one listing. Counting 60,000 takes about 4 ms.
_BUDGET = 60_000
#: Seconds that a pause waits for handlers that run already; they may go on after it.
_PAUSE = 0.05
#: Deliveries that wait for their time, told of at most.
_MOST_LATER = 200
_ERRORS = ("error", "error_continued", "skipped", "given_up")
_ENDED = (JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED)


def job_infos(flows: Sequence[Flow], most: int) -> tuple[JobInfo, ...]:
    """The newest jobs of some flows, open ones before those that have ended. Any thread."""
    found = [job for flow in flows for job in _jobs(flow, most)]
    found.sort(key=lambda job: (not job.done, job.number))
    budget, infos = _BUDGET, []
    for job in reversed(found[max(0, len(found) - most) :]):
        budget -= len(job.log or ()) // history.WIDTH
        infos.append(_info(job, counted=budget >= 0))
    return tuple(sorted(infos, key=lambda info: info.number))


def _jobs(flow: Flow, most: int) -> Iterable[JobState]:
    with flow._scheduler.lock:
        jobs = flow._scheduler.jobs.copy()
    held = (ref() for ref in newest(flow._jobs, most))
    ended = {job.number: job for job in held if job is not None}
    return [*islice(reversed(jobs.values()), most), *(ended[n] for n in ended if n not in jobs)]


def _info(job: JobState, *, counted: bool) -> JobInfo:
    entry, ended, notes = job.entry, job.ended, job.notes
    left = len(job.tokens)
    outcomes = notes.outcomes.copy() if notes else {}
    return JobInfo(
        number=job.number,
        flow=job.flow.number,
        status=str(job.status),
        entry=entry.entry.number if entry is not None else -1,
        age_ns=int(((ended or time.time()) - job.began) * 1e9),
        ended=job.done,
        sent=_sent(job) if counted else -1,
        left=left,
        later=job.retries_waiting,
        dropped=job.dropped,
        errors=sum(n for (_, name), n in outcomes.items() if name in _ERRORS),
        retried=sum(n for (_, name), n in outcomes.items() if name == "retry"),
        error=f"{type(job.error).__name__}: {message(job.error)}" if job.error else "",
    )


def _sent(job: JobState) -> int:
    if job.log is None:
        return -1
    with job.flow._scheduler.lock:  # else it may fold the log meanwhile
        return sum(history.deliveries(job).values())


def later(flows: Sequence[Flow]) -> tuple[LaterInfo, ...]:
    """What waits for its time, the first due first. Any thread."""
    found: list[LaterInfo] = []
    now = now_ns()
    for flow in flows:
        with flow._scheduler.lock:
            jobs = list(flow._scheduler.jobs.copy().values())
        for job in jobs:
            waiting = job._extra.waiting.copy().values() if job._extra else ()
            for alarm, (edge, _, _, cause, _, index) in waiting:
                tries = 0 if is_timer(edge) else edge.retries + 1
                ident = cause.child_id(index)
                due = alarm.due_ns - now
                found.append(LaterInfo(flow.number, job.number, edge.number, ident, due, tries))
    found.sort(key=lambda each: each.due_ns)
    return tuple(found[:_MOST_LATER])


# what a user does to a job ----------------------------------------------------------------------


def control(flows: Sequence[Flow], request: Control) -> Answer:
    """Do it, in the calling thread: a sequential flow runs the rest of a resumed job in it."""
    job = _find(flows, request.job)
    if job is None:
        return _refused(request, f"job {request.job} has ended, and nobody holds it any more")
    objection = _objection(job, request.action)
    if objection:
        return _refused(request, f"job {request.job} {objection}")
    try:
        return Answer(request.ticket, f"job {request.job} {_do(job, request.action)}")
    except Exception as error:  # noqa: BLE001 - the engine's refusal, or a callback of the user's
        return _refused(request, f"job {request.job}: {message(error)}")


def _refused(request: Control, why: str) -> Answer:
    return Answer(request.ticket, f"cannot {request.action}: {why}", refused=True)


def _find(flows: Sequence[Flow], number: int) -> JobState | None:
    for flow in flows:
        with flow._scheduler.lock:
            job = flow._scheduler.jobs.get(number)
        if job is not None:
            return job
    jobs = (job for flow in flows for job in flow.get_all_executions())
    return next((job for job in jobs if job.number == number), None)


def _objection(job: JobState, action: str) -> str:
    """Why not; empty if nothing speaks against it."""
    if action not in ("pause", "resume", "cancel"):
        return f"knows no {action!r}"
    if job.done or job.status in _ENDED:
        return f"is {job.status} already"
    paused = bool(job.flags & PAUSED)
    if action == "pause" and paused:
        return "is paused already"
    return "is not paused" if action == "resume" and not paused else ""


def _do(job: JobState, action: str) -> str:
    if action == "pause":
        still = job.flow.pause(job, "by the monitor", timeout=_PAUSE)
        return "is paused" if still else "is paused; handlers of it that run already go on"
    if action == "resume":
        job.flow.resume(job)
        return "goes on"
    job.flow.cancel(job, "by the monitor")
    return "is cancelled; handlers of it that run already go on to their end"
