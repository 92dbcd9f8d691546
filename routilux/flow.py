"""Flow: routines wired together, and the jobs that run through them."""

from __future__ import annotations

import warnings
import weakref
from collections import deque
from collections.abc import Mapping
from itertools import count
from typing import Any
from uuid import uuid4

from . import checks, control, fork  # noqa: F401 - `fork` only has to be there
from .activation import current
from .bus import EventBus, hub
from .clock import Clock
from .copies import copied
from .errors import DuplicateNameError, InvalidValueError, UnknownNameError, at_least
from .graph import ENTRY_SLOT, entries
from .history import LIMIT
from .interrupts import end_struck
from .job import NESTED, JobState, SlotActivationTask, TaskPriority
from .policy import ErrorHandler
from .ports import Connection
from .report import describe_stuck
from .routine import Routine, event_of, slot_of
from .runtime import Runtime, of_new_flow
from .scheduler import Scheduler
from .tracker import ExecutionTracker
from .waiting import deadline_of, left_of
from .workers import Backend

__all__ = ["Flow", "SlotActivationTask", "TaskPriority"]

SEQUENTIAL = "sequential"
CONCURRENT = "concurrent"
_STRATEGIES = (SEQUENTIAL, CONCURRENT)
_DEFAULT_WORKERS = 5

#: Jobs that `Flow.get_all_executions` looks at, the latest ones.
JOBS_KNOWN = 10_000

_flow_numbers = count(1)


class Flow:
    """A graph of routines and the engine that runs jobs through it.

    Args:
        flow_id: names the flow; a UUID when left out.
        execution_strategy: ``"sequential"`` runs handlers one at a time in the thread that calls
            `execute`; ``"concurrent"`` runs them on worker threads.
        max_workers: how many threads a concurrent flow may use. A sequential flow has one.
        clock: where retry delays, timers and records take the time from; a test gives a
            `ManualClock`.
        history: how many records each job keeps of what it has done; 0 keeps none, which makes an
            emit cheaper.
        runtime: where locks, time and threads come from; for debuggers.

    Attributes:
        routines: the routines by id, in the order in which they were added.
        connections: all connections, in order.
        error_handler: what to do when a handler raises whose routine has no error handler of its
            own; None: its job fails.
        bus: what happens here, for subscribers.
    """

    def __init__(
        self,
        flow_id: str | None = None,
        execution_strategy: str = SEQUENTIAL,
        max_workers: int = _DEFAULT_WORKERS,
        *,
        clock: Clock | None = None,
        history: int = LIMIT,
        runtime: Runtime | None = None,
    ) -> None:
        self.flow_id = flow_id if flow_id is not None else str(uuid4())
        self.number = next(_flow_numbers)
        self.routines: dict[str, Routine] = {}
        self.connections: list[Connection] = []
        self.bus = EventBus()
        self.execution_strategy = execution_strategy
        self.max_workers = _workers(execution_strategy, max_workers)
        self.error_handler: ErrorHandler | None = None
        self.history = at_least(history, 0, "history")
        self._runtime = runtime or of_new_flow(clock)
        self._runtime.bus = weakref.ref(self.bus)
        self._scheduler = Scheduler(self, self._runtime, self.bus)
        self._loop = self._runtime.loop(f"routilux-{self.flow_id}-loop")
        self._inline = self._runtime.inline(f"routilux-{self.flow_id}", self._loop)
        self._latest: JobState | None = None
        self._jobs: deque[weakref.ref[JobState]] = deque(maxlen=JOBS_KNOWN)
        self._threads: Backend | None = None
        self._finalizer: weakref.finalize[..., Flow] | None = None  # ends the threads
        # Jobs are children of the thread that executes them: of "main" here, or of an activation.
        self._main = count(1)
        hub.announce(self)

    # wiring -----------------------------------------------------------------------------------

    def add_routine(self, routine: Routine, routine_id: str | None = None) -> str:
        """Add a routine and give it its id in this flow (by default its own hex id).

        Raises:
            DuplicateNameError: the id is taken, or the routine is in a flow already.
            InvalidValueError: it is no routine, or ``super().__init__()`` was not called.
        """
        checks.routine(self.flow_id, routine)
        routine_id = routine_id if routine_id is not None else routine._id
        checks.routine_id(self.flow_id, routine_id)
        if routine_id in self.routines:
            raise DuplicateNameError(
                f"flow {self.flow_id!r} has a routine {routine_id!r} already "
                f"({type(self.routines[routine_id]).__name__}); give the new one another id"
            )
        if routine._flow is not None:
            raise DuplicateNameError(
                f"{routine._where()} cannot be added to flow {self.flow_id!r} too; "
                "make a second instance"
            )
        routine._id = routine_id
        routine._flow = self
        self.routines[routine_id] = routine
        return routine_id

    def connect(
        self,
        source_routine_id: str,
        source_event: str,
        target_routine_id: str,
        target_slot: str,
        param_mapping: Mapping[str, str] | None = None,
    ) -> Connection:
        """Deliver what one routine emits to a slot of another (or of the same).

        Args:
            source_routine_id: the routine that emits.
            source_event: one of its events.
            target_routine_id: the routine that receives.
            target_slot: one of its slots.
            param_mapping: ``{emitted name: name the slot gets}``.

        Raises:
            UnknownNameError: whichever part does not exist, with the nearest name that does.
        """
        event = event_of(self._routine(source_routine_id), source_event)
        slot = slot_of(self._routine(target_routine_id), target_slot)
        connection = Connection(event, slot, param_mapping)
        self.connections.append(connection)
        return connection

    def entry_routines(self) -> list[str]:
        """Ids of the routines where the flow begins: a ``trigger`` slot that nothing feeds."""
        return entries(self.routines, self.connections)

    def set_execution_strategy(self, strategy: str, max_workers: int | None = None) -> None:
        """Choose how jobs run from the next `execute` on.

        Raises:
            ValueError: the strategy is neither ``"sequential"`` nor ``"concurrent"``.
        """
        wanted = _DEFAULT_WORKERS if max_workers is None else max_workers
        workers = _workers(_known(strategy), wanted)
        with self._scheduler.lock:
            self.execution_strategy, self.max_workers = strategy, workers
            self._close_threads()

    def set_error_handler(self, handler: ErrorHandler | None) -> None:
        """What to do when a handler raises whose routine has no error handler of its own."""
        if handler is not None and not isinstance(handler, ErrorHandler):
            raise InvalidValueError(
                f"flow {self.flow_id!r}: an error handler is an ErrorHandler, not "
                f"{type(handler).__name__}; write ErrorHandler('continue')"
            )
        self.error_handler = handler

    # running ----------------------------------------------------------------------------------

    def execute(
        self,
        entry_routine_id: str,
        entry_params: Mapping[str, Any] | None = None,
        execution_strategy: str | None = None,
        *,
        entry_slot: str = ENTRY_SLOT,
    ) -> JobState:
        """Start a job at one routine. Any thread; in a handler it starts a job of its own.

        A sequential flow has run the job when this returns (in a handler: queued it). A concurrent
        flow returns at once: see `wait_for_completion`.

        Args:
            entry_routine_id: where the job begins.
            entry_params: what its entry slot gets, as keywords.
            execution_strategy: for this job only, instead of the flow's.
            entry_slot: the slot to enter by.

        Returns:
            The job. What handlers raise ends up in its ``error``; a routine without that slot
            gives a job that has failed and says so.

        Raises:
            UnknownNameError: no routine of that id.
            ValueError: an unknown strategy.
        """
        inside = self._inline.runs_here()
        job: JobState | None = None
        try:
            job = self._start(entry_routine_id, entry_params, execution_strategy, entry_slot)
            job.backend.settle(job)
        except KeyboardInterrupt as interrupt:
            if job is not None:
                end_struck(job, interrupt, inside)
            raise
        return job

    async def aexecute(
        self,
        entry_routine_id: str,
        entry_params: Mapping[str, Any] | None = None,
        execution_strategy: str | None = None,
        *,
        entry_slot: str = ENTRY_SLOT,
    ) -> JobState:
        """Like `execute`, and wait for the job to end without blocking the caller's event loop.

        Also in a coroutine handler. When the awaiting task is cancelled, so is the job.
        """
        from .aio import execute

        return await execute(
            self, entry_routine_id, entry_params, execution_strategy, entry_slot=entry_slot
        )

    # jobs -------------------------------------------------------------------------------------

    @property
    def execution_tracker(self) -> ExecutionTracker | None:
        """How the latest job performs; None before the first `execute`."""
        return ExecutionTracker.of(self._latest) if self._latest is not None else None

    def get_execution(self, job_id: str) -> JobState | None:
        """The job of that id, if it is open or somebody still holds it; else None."""
        jobs = reversed(self.get_all_executions())  # one that was loaded comes after its original
        return next((job for job in jobs if job.job_id == job_id), None)

    def get_all_executions(self) -> list[JobState]:
        """The jobs that are open, and those ended ones that somebody still holds, in order."""
        known = {job.number: job for ref in copied(self._jobs) if (job := ref()) is not None}
        with self._scheduler.lock:
            ambient = self._scheduler.ambient
            known.update(self._scheduler.jobs.copy())
        return [job for _, job in sorted(known.items()) if job is not ambient]

    def pause(
        self,
        job_state: JobState,
        reason: str = "",
        checkpoint: Any = None,
        *,
        timeout: float = control.PAUSE_SECONDS,
    ) -> bool:
        """Let no activation of a job start any more. Other jobs go on. Any thread.

        What the job has queued, and what its running handlers still emit, is kept: see
        `JobState.pending_tasks`. A job that has ended only gets the status and the checkpoint.

        Args:
            job_state: a job of this flow.
            reason: goes to `JobState.pause_points`.
            checkpoint: likewise; plain data if the job is to be saved.
            timeout: seconds to wait for handlers of the job that run already.

        Returns:
            True when nothing of the job runs (but the calling handler), False when a handler
            that had begun before was still running after the time.

        Raises:
            ValueError: a job of another flow, or a cancelled one.
        """
        return control.pause(self, job_state, reason, checkpoint, timeout)

    def resume(self, job_state: JobState) -> JobState:
        """Let a paused job go on, or one that was loaded: it then runs exactly what was left.

        Routines get back the statistics that stand in the job's `JobState.routine_states`. A
        sequential flow has run the rest when this returns.

        Raises:
            ValueError: a job of another flow, a cancelled one, or one with routines that this flow
                does not have; nothing was changed.
        """
        return control.resume(self, job_state)

    def cancel(self, job_state: JobState, reason: str = "") -> None:
        """End a job: what it has queued is dropped and counted, coroutines are cancelled.

        Handlers that run are not interrupted; they see `Routine.cancelled`. The status is
        ``cancelled`` at once and stays so. A job that has ended only gets the status and the
        reason, under ``routine_states["_cancellation"]``. Any thread.

        Raises:
            ValueError: a job of another flow.
        """
        control.cancel(self, job_state, reason)

    def serialize(self, include_execution_state: bool = False) -> dict[str, Any]:
        """The flow's structure as plain data: routines with config and stats, connections.

        Args:
            include_execution_state: add the jobs that are paused, under ``jobs``.

        Raises:
            TypeError: a routine's class needs constructor arguments, or something is no plain
                data; the message says what and where.
        """
        from .serialize import flow_to_data

        return flow_to_data(self, include_execution_state)

    def deserialize(self, data: dict[str, Any]) -> None:
        """Become the flow that `serialize` described; all of it or nothing.

        Raises:
            ValueError: the data is damaged or of a newer version, or a class is missing.
        """
        from .serialize import flow_from_data

        flow_from_data(self, data)

    # waiting ----------------------------------------------------------------------------------

    def wait_for_completion(self, timeout: float | None = None) -> bool:
        """Wait until nothing of this flow is queued or running. Any number of threads may wait.

        Args:
            timeout: seconds; None waits without limit.

        Returns:
            True when all is done, False exactly when the time was over first.

        Raises:
            SelfDeadlockError: called in a handler of this flow.
        """
        return self._scheduler.wait_until_idle(timeout)

    def shutdown(self, wait: bool = True, timeout: float | None = None) -> bool:
        """End the worker threads, after what is queued and running, chains included.

        Repeatable. A flow that is used afterwards starts workers again.

        Args:
            wait: come back when they have ended; False lets them finish in the background.
            timeout: seconds to wait at most. Threads stuck in a handler are named in a warning
                and left behind; as daemons they do not keep the interpreter.

        Returns:
            True when all has ended (or ``wait`` is False), False when the time was over first.

        Raises:
            SelfDeadlockError: ``wait`` in a handler of this flow.
        """
        deadline = deadline_of(timeout)
        idle = self._scheduler.wait_until_idle(timeout) if wait else True
        threads = self._close_threads()
        self._loop.close()
        if not wait:
            return idle
        stuck = threads.join(left_of(deadline)) if threads is not None else []
        stuck += self._loop.join(left_of(deadline))
        running = [*(threads.running() if threads else ()), *self._loop.deliveries()]
        busy = {thread for thread, _ in running}
        stuck = [thread for thread in stuck if thread in busy]
        if not idle and not stuck:
            warnings.warn(
                f"flow {self.flow_id!r} was shut down with {len(self._scheduler.jobs)} jobs still "
                f"open after {timeout} s, and no handler running: resume or cancel what is paused",
                RuntimeWarning,
                stacklevel=2,
            )
        if stuck:
            warnings.warn(
                f"flow {self.flow_id!r} was shut down with {len(stuck)} threads still in a "
                f"handler after {timeout} s: {describe_stuck(stuck, running)}",
                RuntimeWarning,
                stacklevel=2,
            )
        return idle and not stuck

    # for the other modules of the engine ------------------------------------------------------

    def _routine(self, routine_id: str) -> Routine:
        checks.routine_id(self.flow_id, routine_id)
        routine = self.routines.get(routine_id)
        if routine is None:
            where = f"flow {self.flow_id!r}"
            raise UnknownNameError("routine", routine_id, where, self.routines)
        return routine

    def _start(
        self,
        entry_routine_id: str,
        entry_params: Mapping[str, Any] | None,
        execution_strategy: str | None,
        entry_slot: str,
        synthetic: bool = False,
    ) -> JobState:
        if hub.gate is not None:
            hub.gate()
        routine = self._routine(entry_routine_id)
        params = checks.params(self.flow_id, entry_params) if entry_params else {}
        job = self._new_job(execution_strategy, synthetic)
        slot = routine._slots.get(entry_slot)
        if slot is None:
            error = UnknownNameError("slot", entry_slot, routine._where(), routine._slots)
            self._scheduler.fail_to_start(job, routine, error)
        else:
            try:
                self._scheduler.start(job, slot.entry, params)
            except KeyboardInterrupt as interrupt:
                end_struck(job, interrupt, self._inline.runs_here())
                raise
        return job

    def _remember(self, job: JobState) -> None:
        self._latest = job
        self._jobs.append(weakref.ref(job))

    def _new_job(self, strategy: str | None = None, synthetic: bool = False) -> JobState:
        parent = current.get(None)
        if parent is None:
            job = JobState("", hash((self.number, next(self._main))), self.history)
        else:
            job = JobState("", self._next_ident(), self.history)
            if parent.job.flow is self and not parent.job.done:
                job.flags = NESTED
                job.backlog = deque()
        job.flow, job.backend = self, self._backend(strategy)
        self._remember(job)
        if synthetic or (parent is not None and parent.job.synthetic):
            job.mark_synthetic()
        return job

    def _next_ident(self) -> int:
        parent = current.get(None)
        if parent is not None and parent.job.flow is self:
            return parent.child_id(next(parent.children))
        return hash((self.number, next(self._main)))

    def _backend(self, strategy: str | None = None) -> Backend:
        wanted = strategy or self.execution_strategy
        if wanted == SEQUENTIAL:
            return self._inline
        if wanted != CONCURRENT:
            _known(wanted)
        threads = self._threads
        if threads is None:
            with self._scheduler.lock:
                threads = self._threads or self._start_threads()
        return threads

    def _start_threads(self) -> Backend:
        name = f"routilux-{self.flow_id}"
        sequential = self.execution_strategy == SEQUENTIAL  # one job asked for threads
        workers = _DEFAULT_WORKERS if sequential else self.max_workers
        threads = self._threads = self._runtime.threads(name, workers, self._loop)
        # A flow that is dropped without shutdown leaves no thread behind.
        self._finalizer = weakref.finalize(self, threads.close)
        self._finalizer.atexit = False
        return threads

    def _close_threads(self) -> Backend | None:
        with self._scheduler.lock:
            threads, self._threads = self._threads, None
            finalizer, self._finalizer = self._finalizer, None
        if finalizer is not None:
            finalizer()
        return threads

    def __repr__(self) -> str:
        return (
            f"<Flow {self.flow_id!r} {self.execution_strategy} routines={len(self.routines)} "
            f"connections={len(self.connections)} open jobs={len(self._scheduler.jobs)}>"
        )


def _known(strategy: str) -> str:
    if strategy not in _STRATEGIES:
        raise ValueError(
            f"unknown execution strategy {strategy!r}: use 'sequential' or 'concurrent'"
        )
    return strategy


def _workers(strategy: str, max_workers: int) -> int:
    at_least(max_workers, 1, "max_workers")
    return max_workers if strategy == CONCURRENT else 1
