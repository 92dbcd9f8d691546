"""How jobs and routines perform: counts that are exact, times of the latest handler calls.

Counts are worked out from a job's history, so counting costs a message nothing. Times are taken of
the first handler calls of a job, or of all while it is traced; while jobs come fast, only of one
job in 10 ms. A slot keeps the latest.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from . import history
from .histogram import Bins, bin_of, percentile
from .job import JobState

if TYPE_CHECKING:
    from .flow import Flow
    from .routine import Routine

_FAILED = ("error", "error_continued", "skipped", "given_up")
_FIGURES = ("avg_execution_time", "min_execution_time", "max_execution_time", "p50", "p90")
_STATES = {"error": "failed", "error_continued": "error_continued", "skipped": "skipped"}


class ExecutionTracker:
    """The performance of one job, or of what is recorded here by hand.

    Args:
        flow_id: of the flow.

    Attributes:
        routine_executions: by routine, what was recorded by hand.
        event_flow: every emit that was delivered: source, event, target, data.
        performance_metrics: for the user's own figures.
    """

    def __init__(self, flow_id: str = "") -> None:
        self.flow_id = flow_id
        self.routine_executions: dict[str, list[dict[str, Any]]] = {}
        self.performance_metrics: dict[str, Any] = {}
        self._events: list[dict[str, Any]] = []
        self._job: JobState | None = None
        self._lock = threading.RLock()  # of what is recorded by hand

    @classmethod
    def of(cls, job: JobState) -> ExecutionTracker:
        """The tracker of a job; the same for each call."""
        extra = job.extra
        if extra.tracker is None:
            tracker = cls(job.flow_id)
            tracker._job = job
            extra.tracker = tracker
        found: ExecutionTracker = extra.tracker
        return found

    # by hand ----------------------------------------------------------------------------------

    def record_routine_start(self, routine_id: str, params: dict[str, Any] | None = None) -> None:
        """Record that a routine began."""
        entry = {
            "routine_id": routine_id,
            "start_time": datetime.now().isoformat(),
            "params": dict(params or {}),
            "status": "running",
            "began": time.perf_counter(),
        }
        with self._lock:
            self._bounded(self.routine_executions.setdefault(routine_id, []), entry)

    def record_routine_end(
        self,
        routine_id: str,
        status: str = "completed",
        result: Any = None,
        error: str | None = None,
    ) -> None:
        """Record that a routine ended; ignored when no start was recorded."""
        with self._lock:
            entries = reversed(self.routine_executions.get(routine_id, []))
            entry = next((e for e in entries if e["status"] == "running"), None)
            if entry is not None:
                entry["end_time"] = datetime.now().isoformat()
                entry["execution_time"] = time.perf_counter() - entry["began"]
                entry.update(status=status, result=result, error=error)

    def record_event(
        self,
        source: str,
        event: str,
        target: str | None = None,
        data: dict[str, Any] | None = None,
    ) -> None:
        """Record that an event went from one routine to another."""
        entry = {
            "source_routine_id": source,
            "event_name": event,
            "target_routine_id": target,
            "data": dict(data or {}),
            "timestamp": datetime.now().isoformat(),
        }
        with self._lock:
            self._bounded(self._events, entry)

    @staticmethod
    def _bounded(entries: list[dict[str, Any]], entry: dict[str, Any]) -> None:
        entries.append(entry)
        if len(entries) > history.LIMIT:
            del entries[0]

    # figures ----------------------------------------------------------------------------------

    @property
    def event_flow(self) -> list[dict[str, Any]]:
        """The deliveries of the job's latest emits, and what was recorded by hand."""
        job = self._job
        if job is None:
            return self._events
        found = []
        for event, data, at in history.emitted(job.log)[-job.limit :]:
            for edge in event.edges:
                target = edge.target_slot.routine
                found.append({
                    "source_routine_id": event.routine._id if event.routine else "",
                    "event_name": event.name,
                    "target_routine_id": target._id if target else "",
                    "data": data,
                    "timestamp": datetime.fromtimestamp(at).isoformat(),
                })  # fmt: skip
        return found + self._events

    def get_routine_performance(self, routine_id: str) -> dict[str, Any] | None:
        """How a routine performs in the job; None if it has not run.

        Returns:
            ``total_executions``, ``completed``, ``failed``, ``success_rate`` (0..1), which are
            exact once the job has ended: before, what is queued counts as completed. A flow that
            keeps no history knows of the entry routine only. And ``avg_``, ``min_`` and
            ``max_execution_time``, ``p50`` and ``p90`` in seconds, of the ``timed_executions``
            latest calls that were timed, of whatever job.
        """
        recorded = self.routine_executions.get(routine_id)
        times = _times(self._job.flow, routine_id) if self._job is not None else []
        if recorded:
            total = len(recorded)
            failed = sum(e["status"] not in ("completed", "running") for e in recorded)
            completed = sum(e["status"] == "completed" for e in recorded)
            times = [round(e["execution_time"] * 1e9) for e in recorded if "execution_time" in e]
        elif self._job is None:
            return None
        else:
            total, failed = _counts(self._job, routine_id)
            if not total:
                return None
            completed = max(0, total - failed)
        return {
            "total_executions": total,
            "completed": completed,
            "failed": failed,
            "success_rate": completed / total,
            **_figures(times),
        }

    def get_routine_histogram(self, routine_id: str) -> Bins:
        """The times of a routine's latest timed calls, in nanoseconds; see `histogram`."""
        bins: Bins = {}
        for value in _times(self._job.flow, routine_id) if self._job is not None else []:
            index = bin_of(value)
            bins[index] = bins.get(index, 0) + 1
        return bins

    def get_flow_performance(self) -> dict[str, Any]:
        """``total_routines`` that ran, ``total_events`` delivered, ``total_execution_time`` of the
        job and ``avg_routine_time``, in seconds.
        """
        routines = set(self.routine_executions)
        events = len(self._events)
        total = sum(
            e.get("execution_time", 0.0) for es in self.routine_executions.values() for e in es
        )
        count = sum(map(len, self.routine_executions.values()))
        job = self._job
        if job is not None:
            ran = _deliveries(job)
            routines |= set(ran)
            events += sum(times * len(event.edges) for event, times in history.emits(job))
            total += (job.ended or time.time()) - job.began
            count += sum(ran.values())
        return {
            "total_routines": len(routines),
            "total_events": events,
            "total_execution_time": total,
            "avg_routine_time": total / count if count else 0.0,
        }


def _figures(times: list[int]) -> dict[str, Any]:
    if not times:
        zero = dict.fromkeys(
            ("avg_execution_time", "min_execution_time", "max_execution_time"), 0.0
        )
        return {**zero, "p50": 0.0, "p90": 0.0, "timed_executions": 0}
    bins: Bins = {}
    for value in times:
        bins[bin_of(value)] = bins.get(bin_of(value), 0) + 1
    return {
        "avg_execution_time": sum(times) / len(times) / 1e9,
        "min_execution_time": min(times) / 1e9,
        "max_execution_time": max(times) / 1e9,
        "p50": (percentile(bins, 0.5) or 0) / 1e9,
        "p90": (percentile(bins, 0.9) or 0) / 1e9,
        "timed_executions": len(times),
    }


def _times(flow: Flow, routine_id: str) -> list[int]:
    routine = flow.routines.get(routine_id)
    if routine is None:
        return []
    slots = list(routine._slots.values())
    return [value for slot in slots for value in list(slot.run_ns or ())]


def _deliveries(job: JobState) -> dict[str, int]:
    """How often each routine ran in the job: what it was sent, less what was dropped."""
    found = {}
    for routine_id, sent in history.deliveries(job).items():
        ran = sent - history.outcomes(job, routine_id, ("dropped", "refused"))
        if ran > 0:
            found[routine_id] = ran
    return found


def _counts(job: JobState, routine_id: str) -> tuple[int, int]:
    with job.flow._scheduler.lock:
        total = _deliveries(job).get(routine_id, 0)
        return total, history.outcomes(job, routine_id, _FAILED)


def routine_states(job: JobState) -> dict[str, dict[str, Any]]:
    """What became of each routine that ran. Any thread; not under the flow's lock, since it asks
    the routines for their statistics.
    """
    flow, entry = job.flow, job.entry
    with flow._scheduler.lock:
        failed = job.notes.failures if job.notes else {}
        ran = [*_deliveries(job), *failed]
        states = {routine_id: _state(job, routine_id) for routine_id in ran}
        logs = flow._scheduler.logs()
    emits: defaultdict[Routine | None, list[history.Emitted]] = defaultdict(list)
    for log in logs:
        for each in history.emitted(log):
            emits[each[0].routine].append(each)
    for routine_id, state in states.items():
        routine = flow.routines.get(routine_id)
        if routine is not None:
            state["stats"] = routine._stats_with(emits[routine])
        if entry is not None and routine is entry.routine:
            state.update(_span(job))
    return states


def _state(job: JobState, routine_id: str) -> dict[str, Any]:
    state: dict[str, Any] = {"status": "completed" if job.done else "running"}
    failure = job.notes.failures.get(routine_id) if job.notes else None
    if failure is not None:
        state["status"] = _STATES[failure.event_name]
        state["error"] = failure.data.get("error", "")
        state["error_time"] = failure.timestamp.isoformat()
    elif history.outcomes(job, routine_id, ("given_up",)):
        state["status"] = "failed"
        state["error"] = "it failed, and its job was stopped before the next try"
    retries = history.outcomes(job, routine_id, ("retry",))
    if retries:
        state["retry_count"] = retries
    return state


def _span(job: JobState) -> dict[str, Any]:
    span: dict[str, Any] = {"start_time": datetime.fromtimestamp(job.began).isoformat()}
    if job.ended:
        span["end_time"] = datetime.fromtimestamp(job.ended).isoformat()
        span["execution_time"] = job.ended - job.began
    return span
