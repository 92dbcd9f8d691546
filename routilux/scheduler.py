"""The scheduler: which jobs are open, when a job or the flow is done, what a failure stops.

Lock order: `Scheduler.lock` is the flow's one lock and the innermost of all. It decides only: no
handler, no I/O, no delivery to a subscriber happens while it is held.

Completion is exact. A delivery puts its token into the job before it becomes visible in a queue
and takes it out after its handler, so while a handler may still emit, the job holds a token. Who
takes the last one calls `finish`, which looks again under the lock.
"""

from __future__ import annotations

import logging
import sys
import time
import weakref
from collections.abc import Callable
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

from . import report
from .activation import Activation, current
from .bus import EventBus
from .errors import SelfDeadlockError
from .job import ENDED, STOPPED, TRACED, JobState, JobStatus
from .records import Kind, Note, Status

if TYPE_CHECKING:
    from .flow import Flow
    from .ports import Connection, Event
    from .runtime import Runtime

logger = logging.getLogger("routilux")

# Looked up once: reading a member of an enum class costs as much as a deque append and pop.
_RUNNING, _COMPLETED, _FAILED = JobStatus.RUNNING, JobStatus.COMPLETED, JobStatus.FAILED


class Scheduler:
    """The one state machine of a flow.

    Attributes:
        lock: the flow's lock.
        jobs: the open jobs by number. The ambient job is among them while it has deliveries.
        ended: how many jobs ended completed, failed.
    """

    def __init__(self, flow: Flow, runtime: Runtime, bus: EventBus) -> None:
        self.runtime = runtime
        self.bus = bus
        self.lock = runtime.rlock()
        self.jobs: dict[int, JobState] = {}
        self.completed = 0
        self.failed = 0
        self.ambient: JobState | None = None
        self._waiters = 0
        self._changed = runtime.condition(self.lock)
        self._flow = weakref.ref(flow)
        follow = weakref.WeakMethod(self._follow_level)
        bus.on_level = lambda: (method := follow()) and method()

    # jobs -------------------------------------------------------------------------------------

    def start(self, job: JobState, entry: Connection, data: dict[str, Any]) -> None:
        """Open a job and hand its entry delivery to the backend."""
        job.status = _RUNNING
        self.jobs[job.number] = job  # before looking: who subscribes now finds it there
        if self.bus.level:
            with self.lock:
                job.flags |= TRACED if self.bus.level else 0
            self._publish_job(Kind.JOB_STARTED, job, entry.number)
        # Its own context: what the caller has set is inherited, what handlers set stays inside.
        copy_context().run(_submit_as, job.root, (entry,), data)

    def fail_to_start(self, job: JobState, error: BaseException) -> None:
        """End a job that has nothing to run."""
        if self.bus.level:
            self._publish_job(Kind.JOB_STARTED, job)
            self.bus.lane().note(job.root.id, Note.ERROR, str(error))
            self._publish_job(Kind.JOB_ENDED, job, status=Status.FAILED)
        with self.lock:
            job.error, job.status = error, _FAILED
            job.flags |= ENDED | STOPPED
            self.failed += 1
        logger.error("routilux: %s", error)

    def fail(self, job: JobState, error: BaseException, edge: Connection, activation: int) -> None:
        """A handler raised: stop its job, keep the first error, say where it was."""
        self.stop(job, error)
        slot = edge.target_slot
        routine = slot.routine._id if slot.routine else "?"
        where = f"flow {job.flow.flow_id!r}, routine {routine!r}, slot {slot.name!r}"
        try:
            report.trim(error)
            error.add_note(f"raised in {where}, job {job.number}")
            if job.flags & TRACED:
                self.bus.lane().note(activation, Note.ERROR, report.text(error))
            logger.error("routilux: a handler failed in %s", where, exc_info=error)
        except Exception as strange:  # noqa: BLE001 - of the exception's class, or of a log handler
            kind = type(strange).__name__
            sys.stderr.write(f"routilux: {where} failed, and reporting it raised {kind}\n")

    def stop(self, job: JobState, error: BaseException) -> None:
        """Let a job run no more deliveries, for this reason or an earlier one."""
        with self.lock:
            if job is not self.ambient:  # that one is everybody's: it never stops
                job.flags |= STOPPED
            if job.error is None:
                job.error = error

    def count_dropped(self, job: JobState, count: int) -> None:
        """Count deliveries that a job does not run."""
        with self.lock:
            job.dropped += count

    def finish(self, job: JobState) -> None:
        """Called by whoever took the last token out: end the job unless one came back."""
        with self.lock:
            if job.tokens or self.jobs.get(job.number) is not job:
                return
            if job is self.ambient:
                del self.jobs[job.number]
                job.status = JobStatus.PENDING
                self._changed.notify_all()
                return
            job.flags |= ENDED
            if job.tokens:  # a late emit came between: it sees ENDED only after its token
                job.flags &= ~ENDED
                return
            del self.jobs[job.number]
            failed = job.flags & STOPPED
            if job.flags & TRACED:
                self._publish_job(
                    Kind.JOB_ENDED, job, status=Status.FAILED if failed else Status.OK
                )
            self.failed += bool(failed)
            self.completed += not failed
            job.status = _FAILED if failed else _COMPLETED
            if self._waiters:
                self._changed.notify_all()

    def _publish_job(self, kind: Kind, job: JobState, subject: int = 0, status: int = 0) -> None:
        if self.bus.tracing:
            now, root = self.runtime.now_ns(), job.root.id
            self.bus.lane().publish(
                kind, now, job.number, activation=root, cause=root, subject=subject, status=status
            )

    def stop_open_jobs(self) -> None:
        """Drop what is queued of every open job; handlers that run now end by themselves."""
        with self.lock:
            for job in self.jobs.values():
                job.flags |= STOPPED

    # emits that take the long way -----------------------------------------------------------------

    def emit(self, event: Event, data: dict[str, Any], cause: Activation | None) -> None:
        """Emit for a flagged job, or from a thread that is none of the flow's (no cause here)."""
        if cause is not None and cause.job.flow._scheduler is self and not cause.job.flags & ENDED:
            self._emit(event, data, cause)
            return
        job = self._open_ambient()
        try:
            root = job.root if cause is None else _adopted(cause, job)
            copy_context().run(self._emit, event, data, root)
        finally:
            self._release(job)

    def emit_late(
        self, edges: tuple[Connection, ...], data: dict[str, Any], cause: Activation
    ) -> None:
        """Deliver what an activation emitted after its job had ended."""
        job = self._open_ambient()
        try:
            copy_context().run(_submit_as, _adopted(cause, job), edges, data)
        finally:
            self._release(job)

    def _emit(self, event: Event, data: dict[str, Any], cause: Activation) -> None:
        edges = event.edges
        if edges:
            _submit_as(cause, edges, data)
        elif cause.job.flags & TRACED:
            self._count_emit(event, data, cause)

    def _count_emit(self, event: Event, data: dict[str, Any], cause: Activation) -> None:
        lane = self.bus.lane()
        lane.emitted[event.number] = lane.emitted.get(event.number, 0) + 1
        if self.bus.tracing:
            ident = cause.child_id(next(cause.children))
            now = self.runtime.now_ns()
            lane.publish(
                Kind.EMIT,
                now,
                cause.job.number,
                activation=ident,
                cause=cause.id,
                subject=event.number,
            )
            self.preview(ident, data)

    def preview(self, activation: int, data: dict[str, Any]) -> None:
        """Keep a short text of a payload, as long as somebody wants some."""
        if self.bus.previews > 0:
            from .preview import preview

            self.bus.previews -= 1
            self.bus.lane().note(activation, Note.PAYLOAD, preview(data))

    def _open_ambient(self) -> JobState:
        """The job of emits from foreign threads, held open by one token that the caller returns."""
        flow = self._flow()
        assert flow is not None  # its routine is emitting
        with self.lock:
            job = self.ambient
            if job is None:
                job = self.ambient = flow._new_job()
            job.backend = flow._backend()
            if self.bus.level:
                job.flags |= TRACED
            job.tokens.append(None)
            job.status = JobStatus.RUNNING
            self.jobs[job.number] = job
        return job

    def _release(self, job: JobState) -> None:
        job.tokens.pop()
        if not job.tokens:
            self.finish(job)

    def _follow_level(self) -> None:
        with self.lock:  # who comes last reads the last level
            level = self.bus.level
            jobs = [*self.jobs.values(), *([self.ambient] if self.ambient else [])]
            for job in jobs:
                job.flags = job.flags | TRACED if level else job.flags & ~TRACED

    # waiting ----------------------------------------------------------------------------------

    def wait_until_idle(self, timeout: float | None) -> bool:
        """Wait until no job is open. False exactly when the time was over first."""
        self._refuse_in_handler("wait_for_completion")
        return self._wait(lambda: not self.jobs, timeout)

    def wait_for_job(self, job: JobState, timeout: float | None) -> bool:
        """Wait until one job has ended."""
        if job.done:
            return True
        self._refuse_in_handler("JobState.wait")
        return self._wait(lambda: job.done, timeout)

    def await_turn(self, ready: Callable[[], bool]) -> None:
        """Wait, inside the engine, for what a job's end or `wake_waiters` may bring about."""
        self._wait(ready, None)

    def wake_waiters(self) -> None:
        """Let all who wait look again."""
        with self.lock:
            self._changed.notify_all()

    def _refuse_in_handler(self, what: str) -> None:
        here = current.get(None)
        if here is not None and here.job.flow._scheduler is self and not here.job.done:
            raise SelfDeadlockError(
                f"{what} was called in a handler of flow {here.job.flow.flow_id!r}, which would "
                "wait for itself for ever; emit an event instead, or wait in another thread"
            )

    def _wait(self, ready: Callable[[], bool], timeout: float | None) -> bool:
        deadline = None if timeout is None else time.monotonic() + timeout
        with self.lock:
            while not ready():
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    return False
                self._waiters += 1
                try:
                    self._changed.wait(left)
                finally:
                    self._waiters -= 1
        return True


def _submit_as(cause: Activation, edges: tuple[Connection, ...], data: dict[str, Any]) -> None:
    current.set(cause)
    cause.job.backend.submit(edges, data, cause)


def _adopted(cause: Activation, job: JobState) -> Activation:
    """The same activation as a cause within another job."""
    adopted = Activation(cause.id, job)
    adopted.children = cause.children
    return adopted
