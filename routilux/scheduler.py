"""The scheduler: which jobs are open, when a job or the flow is done, what a failure stops.

Lock order: `Scheduler.lock` is the flow's one lock; inside of it only the clock's is taken. It
decides only: no handler, no I/O, no delivery to a subscriber happens while it is held.

Completion is exact. A delivery puts its token into the job before it becomes visible in a queue
and takes it out after its handler, so while a handler may still emit, the job holds a token. Who
takes the last one calls `finish`, which looks again under the lock.
"""

from __future__ import annotations

import logging
import time
import weakref
from collections import deque
from collections.abc import Callable
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

from . import commit, gate, mailbox, waiting, watching
from .activation import NOT_TIMED, Activation, current
from .bus import EventBus
from .errors import RoutiluxError, SlotFullError
from .history import LATER, LIMIT, WIDTH, ExecutionRecord, Log, owner_of
from .job import (
    CANCELLED,
    COUNTED,
    ENDED,
    PAUSED,
    STOPPED,
    TIMED,
    TRACED,
    WATCHED,
    Extra,
    JobState,
    JobStatus,
    SlotActivationTask,
)
from .records import Kind, Note, Status
from .workers import Runner

if TYPE_CHECKING:
    from .flow import Flow
    from .ports import Connection, Event
    from .routine import Routine
    from .runtime import Runtime

logger = logging.getLogger("routilux")

#: Entries of logs that are kept of jobs that have ended: of at least the last job.
LOG_ENTRIES = LIMIT * WIDTH
#: The handlers of one job in so many seconds are timed for the tracker, while jobs come fast.
TIMED_EVERY = 0.01

# Looked up once: reading a member of an enum class costs as much as a deque append and pop.
_RUNNING, _COMPLETED, _FAILED = JobStatus.RUNNING, JobStatus.COMPLETED, JobStatus.FAILED


class Scheduler:
    """The one state machine of a flow.

    Attributes:
        lock: the flow's lock.
        jobs: the open jobs by number. The ambient job is among them while it has deliveries.
        completed: how many jobs ended so; likewise ``failed`` and ``cancelled``.
        dropped: deliveries that did not run.
    """

    def __init__(self, flow: Flow, runtime: Runtime, bus: EventBus) -> None:
        self.runtime = runtime
        self.bus = bus
        self.lock = runtime.rlock()
        self.jobs: dict[int, JobState] = {}
        self.completed = self.failed = self.cancelled = 0
        self.dropped = 0
        self._timed = 0.0  # when a job was timed last
        self._logs: deque[Log] = deque()  # of ended jobs, for what routines emitted lately
        self._logged = 0  # entries in them
        self.ambient: JobState | None = None
        self._waiters = 0
        self._changed = runtime.condition(self.lock)
        self._flow = weakref.ref(flow)
        follow = weakref.WeakMethod(self._follow_level)
        bus.on_level = lambda: (method := follow()) and method()

    def forget_threads(self) -> None:
        """In the child of a fork: nobody waits, and the jobs that were open are not open here."""
        self.lock = self.runtime.rlock()
        self._changed = self.runtime.condition(self.lock)
        self._waiters = 0
        self.failed += sum(job is not self.ambient for job in self.jobs.copy().values())
        self.jobs = {}
        self.ambient = None

    # jobs -------------------------------------------------------------------------------------

    def start(self, job: JobState, entry: Connection, data: dict[str, Any]) -> None:
        """Open a job and hand its entry delivery to the backend."""
        job.status = _RUNNING
        job.entry, job.params = entry.target_slot, data
        if job.began - self._timed > TIMED_EVERY:
            self._timed = job.began
            job.flags |= TIMED
        # In first: who finds the job here, and pauses, resumes or cancels it, must not end it.
        job.tokens.append(entry)
        self.jobs[job.number] = job  # before looking: who subscribes now finds it there
        if self.bus.level:
            with self.lock:
                job.flags = job.flags & ~WATCHED | watching.of_new(self.bus, job)
            if job.flags & TRACED:
                self._publish_job(Kind.JOB_STARTED, job, entry.number)
        # Its own context: what the caller has set is inherited, what handlers set stays inside.
        context = copy_context()
        if entry.target_slot.mailbox is None:
            if job.flags & ~(TIMED | WATCHED):
                context.run(_submit_as, job.root, (entry,), data)
                commit.give_back(job)
            else:
                context.run(current.set, job.root)
                queued = index = 0
                if job.flags & WATCHED:
                    queued, index = self._count_entry(job, entry, data)
                delivery = (entry, data, context, job.root, queued, index)
                job.backend.queue((delivery,), Runner.SETTLE)
            return
        try:
            context.run(gate.submit_limited, job.root, (entry,), data, Runner.SETTLE)
        except BaseException as error:
            self.stop(job, error)
            if not isinstance(error, SlotFullError):
                raise
        finally:
            commit.give_back(job)

    def _count_entry(
        self, job: JobState, entry: Connection, data: dict[str, Any]
    ) -> tuple[int, int]:
        """Count a job's first delivery: when it was queued, and its index."""
        self.bus.lane().send(entry)
        if job.flags & COUNTED:
            return NOT_TIMED, 0
        index = next(job.root.children)
        self.preview(job.root.child_id(index), data)
        return self.runtime.now_ns() or 1, index

    def fail_to_start(self, job: JobState, routine: Routine, error: BaseException) -> None:
        """End a job that has nothing to run."""
        if self.bus.level:
            self._publish_job(Kind.JOB_STARTED, job)
            self.bus.lane().note(job.root.id, Note.ERROR, str(error))
            self._publish_job(Kind.JOB_ENDED, job, status=Status.FAILED)
        with self.lock:
            job.error, job.status = error, _FAILED
            job.flags |= ENDED | STOPPED
            job.ended = time.time()
            self.failed += 1
            said = str(error)
            data = {"slot": "", "error": said, "error_type": type(error).__name__}
            job.note(ExecutionRecord(routine._id, "error", data))
            job.extra.current_routine_id = routine._id
        routine._remember_error("", said)
        logger.error("routilux: %s", error)

    def stop(self, job: JobState, error: BaseException | None, flags: int = STOPPED) -> None:
        """Let a job run no more deliveries, for this reason or an earlier one."""
        with self.lock:
            if job.error is None:
                job.error = error
            if job is self.ambient:  # that one is everybody's: it never stops
                return
            job.flags |= flags
            parked = job.backlog if job.flags & PAUSED else None
            job.flags &= ~PAUSED
        mailbox.let_go(job)
        commit.drop_waiting(job)
        while parked:
            for delivery in gate.take_from_backlog(job, 1):
                commit.discard(delivery)

    def stop_open_jobs(self) -> None:
        """Drop what is queued of every open job; handlers that run now end by themselves."""
        with self.lock:
            jobs = list(self.jobs.copy().values())
        for job in jobs:
            self.stop(job, None)

    def count_dropped(self, job: JobState, edge: Connection) -> None:
        """Count a delivery that a job does not run."""
        with self.lock:
            job.dropped += 1
            self.dropped += 1
            # One that is tried again has run: only another try is dropped, and it has failed.
            job.count_outcome(owner_of(edge), "given_up" if edge.retries else "dropped")

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
            if job.flags & PAUSED:
                return  # it ends when it is resumed
            job.flags |= ENDED
            if job.tokens:  # a late emit came between: it sees ENDED only after its token
                job.flags &= ~ENDED
                return
            del self.jobs[job.number]
            if job.flags == ENDED:  # the common end, one call less
                self.completed += 1
                job.status = _COMPLETED
            else:
                self._end(job)
            if job.log:
                self._keep_log(job.log)
            job.ended = time.time()  # last: from here on `job.done`
            extra = job._extra
            if self._waiters:
                self._changed.notify_all()
        if extra is not None:
            self._call_back(job, extra)

    def _end(self, job: JobState) -> None:
        flags = job.flags
        if flags & TRACED or (flags & COUNTED and flags & STOPPED):
            self._publish_job(Kind.JOB_ENDED, job, status=_status(flags))
        if flags & CANCELLED:
            self.cancelled += 1
        elif flags & STOPPED:
            self.failed += 1
            job.status = _FAILED
        else:
            self.completed += 1
            job.status = _COMPLETED

    def _keep_log(self, log: Log) -> None:
        self._logs.append(log)
        self._logged += len(log)
        while self._logged > LOG_ENTRIES and len(self._logs) > 1:
            self._logged -= len(self._logs.popleft())

    def logs(self) -> list[Log]:
        """The logs of the open jobs and of those that ended last."""
        with self.lock:
            open_ones = [job.log for job in self.jobs.copy().values() if job.log]
            idle = self.ambient is not None and self.ambient.number not in self.jobs
            outside = [self.ambient.log] if idle and self.ambient and self.ambient.log else []
            return [*self._logs, *open_ones, *outside]

    def _call_back(self, job: JobState, extra: Extra) -> None:
        while extra.callbacks:
            try:
                function = extra.callbacks.pop(0)
            except IndexError:  # another thread has taken it
                return
            try:
                function(job)
            except Exception:  # who watches a job never breaks it
                logger.exception("routilux: a callback at the end of %r raised", job)

    def call_at_end(self, job: JobState, function: Callable[[JobState], object]) -> None:
        """See `JobState.on_end`."""
        with self.lock:
            extra = job.extra
            extra.callbacks.append(function)
            done = job.done
        if done:
            self._call_back(job, extra)

    def run_within(
        self, job: JobState, function: Callable[..., Any], args: Any, kwargs: Any
    ) -> Any:
        """See `JobState.run`."""
        with self.lock:
            if job.flags & ENDED:
                raise RoutiluxError(f"{job!r} has ended already; execute a new one")
            job.tokens.append(None)
        try:
            return copy_context().run(_call_as, job.root, function, args, kwargs)
        finally:
            commit.give_back(job)

    def publish_job(self, kind: Kind, job: JobState) -> None:
        """Publish that a job was paused, resumed or cancelled, if somebody watches."""
        if job.flags & WATCHED:
            self._publish_job(kind, job)

    def _publish_job(self, kind: Kind, job: JobState, subject: int = 0, status: int = 0) -> None:
        if self.bus.tracing:
            now, root = self.runtime.now_ns(), job.root.id
            self.bus.lane().publish(
                kind, now, job.number, activation=root, cause=root, subject=subject, status=status
            )

    # emits that take the long way -----------------------------------------------------------------

    def emit(self, event: Event, data: dict[str, Any], cause: Activation | None) -> None:
        """Emit for a flagged job, or from a thread that is none of the flow's (no cause here)."""
        if cause is not None and cause.job.flow._scheduler is self and not cause.job.flags & ENDED:
            self._emit(event, data, cause)
            return
        job = self._open_ambient()
        if job.log is not None:
            job.log.extend((event, data, time.time()))
            job.fold()
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
        if edges and event.short:
            _submit_as(cause, edges, data)
        elif edges:
            gate.submit_limited(cause, edges, data, Runner.HERE)
        elif cause.job.flags & WATCHED:
            self._count_emit(event, data, cause)

    def _count_emit(self, event: Event, data: dict[str, Any], cause: Activation) -> None:
        lane = self.bus.lane()
        lane.emitted[event.number] = lane.emitted.get(event.number, 0) + 1
        if self.bus.tracing and cause.job.flags & TRACED:
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
            # Seldom enough that its cost can be measured where it arises.
            begin, lane = time.thread_time_ns(), self.bus.lane()
            self.bus.previews -= 1
            self.note_payload(activation, data)
            lane.preview_ns += time.thread_time_ns() - begin

    def note_payload(self, activation: int, data: dict[str, Any]) -> None:
        """Keep a short text of a payload."""
        from .preview import preview, tree

        lane = self.bus.lane()
        lane.note(activation, Note.PAYLOAD, preview(data))
        if self.bus.trees:
            lane.note(activation, Note.TREE, tree(data))

    @staticmethod
    def pending_tasks(job: JobState) -> list[SlotActivationTask]:
        """See `JobState.pending_tasks`."""
        from .control import pending_tasks

        return pending_tasks(job)

    def call_later(
        self, entry: Connection, delay: float, function: Callable[..., Any], args: Any
    ) -> tuple[JobState, int]:
        """See `Routine.call_later`."""
        cause = current.get(None)
        with self.lock:  # else the job might end before it has the token
            if cause is None or cause.job.flow is not self._flow() or cause.job.flags & ENDED:
                cause = self._open_ambient().root
            else:
                cause.job.tokens.append(None)
            job = cause.job
            job.count_outcome(owner_of(entry), LATER)
        try:
            delivery = gate.delivery(entry, {"function": function, "args": args}, cause)
            return job, commit.wait_for_time(delivery, delay)
        except RuntimeError:  # no thread for the clock
            commit.give_back(job)
            raise

    def cancel_call(self, job: JobState, key: int) -> bool:
        """See `Timer.cancel`."""
        delivery = commit.withdraw(job, key)
        if delivery is None:
            return False
        with self.lock:
            job.count_outcome(owner_of(delivery[0]), LATER, -1)
        commit.give_back(job)
        return True

    def _open_ambient(self) -> JobState:
        """The job of emits from foreign threads, held open by one token that the caller returns."""
        flow = self._flow()
        assert flow is not None  # its routine is emitting
        with self.lock:
            job = self.ambient
            if job is None:
                job = self.ambient = flow._new_job()
            job.backend = flow._backend()
            job.flags = job.flags & ~WATCHED | watching.of_ambient(self.bus)
            job.tokens.append(None)
            job.status = JobStatus.RUNNING
            self.jobs[job.number] = job
        return job

    def _release(self, job: JobState) -> None:
        commit.give_back(job)

    def follow(self, job: JobState) -> None:
        """Let a job that was not started here be watched like the others."""
        with self.lock:
            job.flags = job.flags & ~WATCHED | watching.of_new(self.bus, job)

    def _follow_level(self) -> None:
        with self.lock:  # who comes last reads the last level
            for job in self.jobs.copy().values():
                job.flags = job.flags & ~WATCHED | watching.after_change(self.bus, job)
            if self.ambient is not None:
                self.ambient.flags = self.ambient.flags & ~WATCHED | watching.of_ambient(self.bus)

    # waiting ----------------------------------------------------------------------------------

    def wait_until_idle(self, timeout: float | None) -> bool:
        """Wait until no job is open. False exactly when the time was over first."""
        return waiting.wait_until_idle(self, timeout)

    def wait_for_job(self, job: JobState, timeout: float | None) -> bool:
        """Wait until one job has ended."""
        return waiting.wait_for_job(self, job, timeout)

    def await_turn(self, ready: Callable[[], bool]) -> None:
        """Wait, inside the engine, for what a job's end or `wake_waiters` may bring about."""
        self.wait(ready, None)

    def wake_waiters(self) -> None:
        """Let all who wait look again."""
        with self.lock:
            self._changed.notify_all()

    @staticmethod
    def is_over(deadline: float | None) -> bool:
        """Whether a time of `time.monotonic` has come."""
        return deadline is not None and time.monotonic() >= deadline

    def wait(self, ready: Callable[[], bool], deadline: float | None) -> bool:
        """Wait until something is so; False when a time of `time.monotonic` came first."""
        with self.lock:
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                return bool(ready())
            self._waiters += 1
            try:
                return self._changed.wait_for(ready, left)
            finally:
                self._waiters -= 1


def _status(flags: int) -> Status:
    if flags & CANCELLED:
        return Status.CANCELLED
    return Status.FAILED if flags & STOPPED else Status.OK


def _call_as(cause: Activation, function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    current.set(cause)
    return function(*args, **kwargs)


def _submit_as(cause: Activation, edges: tuple[Connection, ...], data: dict[str, Any]) -> None:
    current.set(cause)
    cause.job.backend.submit(edges, data, cause)


def _adopted(cause: Activation, job: JobState) -> Activation:
    """The same activation as a cause within another job."""
    adopted = Activation(cause.id, job)
    adopted.children = cause.children
    return adopted
