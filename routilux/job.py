"""JobState: what became of one ``execute()``, and the handle to wait for it, pause or cancel it."""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Callable, Iterable
from datetime import datetime
from enum import IntEnum, StrEnum
from itertools import count
from time import time
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import uuid4

from .activation import Activation, Delivery
from .errors import RoutiluxError
from .history import LIMIT, WIDTH, ExecutionRecord, Log, Notes, forgotten, owner_of, records

if TYPE_CHECKING:
    from .clock import Alarm
    from .flow import Flow
    from .ports import Connection, Slot
    from .scheduler import Scheduler
    from .workers import Backend

#: Bits of `JobState.flags`. While all are clear a delivery takes the short way: one test gates
#: everything rare.
STOPPED = 1  # a handler failed, or the job was cancelled: queued deliveries are dropped and counted
TRACED = 2  # somebody watches: deliveries are counted; ids, times and records are made
ENDED = 4  # the last activation is over; a late emit goes to the ambient job instead
PAUSED = 8  # no activation starts; what is queued waits in the backlog
CANCELLED = 16  # together with STOPPED: the status is final already
NESTED = 32  # begun by a handler, which may wait for it: its deliveries wait in the backlog
TIMED = 64  # the first handler calls of the job are timed for the tracker
COUNTED = 128  # somebody watches, but not this job: its deliveries are counted, no more
WATCHED = TRACED | COUNTED  # never both

_numbers = count(1)


class JobStatus(StrEnum):
    """Where a job stands. Compares equal to its plain string."""

    PENDING = "pending"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


# Looked up once: reading a member of an enum class costs as much as a deque append and pop.
_PENDING = JobStatus.PENDING
_FINAL = (JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED)


class TaskPriority(IntEnum):
    """Stored with a pending task; deliveries run in the order in which they were queued."""

    LOW = 0
    NORMAL = 1
    HIGH = 2


class SlotActivationTask(NamedTuple):
    """A delivery that has not started, as plain data: what a paused job still has to do.

    Attributes:
        routine_id: where it goes.
        slot_name: one of the routine's slots; empty when a method of the routine is called later.
        data: what the slot gets, renamed already if the connection renames.
        retries: how often it was tried before.
        delay: seconds to wait before it may start, counted from the resume.
        method: name of the method, for `Routine.call_later`.
        priority: stored only.
    """

    routine_id: str
    slot_name: str
    data: dict[str, Any]
    retries: int = 0
    delay: float = 0.0
    method: str = ""
    priority: TaskPriority = TaskPriority.NORMAL


class Extra:
    """What only few jobs need.

    Attributes:
        waiting: deliveries that wait for their time, with the alarm that will bring them.
        callbacks: called with the job when it has ended, in the thread that ended it.
        parked: tasks that a loaded job will run when it is resumed.
        adopted: deliveries to each routine that a loaded job has brought along.
        waits_for: jobs that handlers of this one wait for.
        synthetic: see `JobState.synthetic`.
    """

    def __init__(self) -> None:
        self.waiting: dict[int, tuple[Alarm, Delivery]] = {}
        self.callbacks: list[Callable[[JobState], object]] = []
        self.parked: list[SlotActivationTask] = []
        self.waits_for: list[JobState] = []
        self.states: dict[str, dict[str, Any]] = {}
        self.explicit: set[str] = set()
        self.adopted: Counter[str] = Counter()
        self.settled = False
        self.pause_points: list[dict[str, Any]] = []
        self.current_routine_id: str | None = None
        self.updated: float = 0.0
        self.helpers = 0
        self.synthetic = False
        self.timed = 0
        self.tracker: Any = None


class JobState:
    """One job: its status, its error, its history, and how to wait for it.

    Made by `Flow.execute`; one that is made by hand or loaded belongs to no flow until
    `Flow.resume`. Every method may be called from any thread.

    Args:
        flow_id: of the flow that it belongs to.

    Attributes:
        number: counts the jobs of this process; records name the job by it.
        status: `JobStatus`; ``completed`` is never seen before the last activation ended.
        error: the exception that failed the job, with a note that says where; else None.
        dropped: deliveries that were queued and never ran: the job was stopped, or a slot full.
        tokens: one entry per delivery that is queued, running or waiting. A list, since
            `list.extend` and `list.pop` are single steps at half the price of a lock.
        backlog: deliveries of this job that wait apart from the shared queue; None as long as
            there never were any.
        backend: what runs the deliveries.
        root: the activation that stands for the ``execute()`` call.
        entry: the slot where it began.
        limit: how many records of its history it keeps.
        log: the latest emits; None when the flow keeps no history.
        began: seconds since the epoch.
        ended: seconds since the epoch; 0 while the job is open.
    """

    __slots__ = ("__weakref__", "_extra", "_flow_id", "_id", "backend", "backlog", "began",
                 "dropped", "ended", "entry", "error", "flags", "flow", "fold_at", "limit", "log",
                 "notes", "number", "params", "root", "status", "tokens")  # fmt: skip

    flow: Flow
    backend: Backend

    def __init__(self, flow_id: str = "", ident: int = 0, limit: int = LIMIT) -> None:
        self.number = next(_numbers)
        self._flow_id = flow_id
        self.flow = None  # type: ignore[assignment] # who has none is told so, see `_attached`
        self.status = _PENDING
        self.error: BaseException | None = None
        self.dropped = 0
        self.flags = 0
        self.tokens: list[object] = []
        self.backlog: deque[Delivery] | None = None
        self.root = Activation(ident, self)
        self.entry: Slot | None = None
        self.params: dict[str, Any] = {}
        self.limit = limit
        self.fold_at = 2 * WIDTH * limit
        self.log: Log | None = [] if limit else None
        self.notes: Notes | None = None
        self.began = time()
        self.ended = 0.0
        self._id: str | None = None
        self._extra: Extra | None = None

    # who it is --------------------------------------------------------------------------------

    @property
    def flow_id(self) -> str:
        """The flow that the job belongs to."""
        return self.flow.flow_id if self.flow is not None else self._flow_id

    @property
    def job_id(self) -> str:
        """A UUID that names the job outside this process. Made on demand: it costs five jobs."""
        if self._id is None:
            made = str(uuid4())
            if self.flow is None:
                self._id = made
            else:
                with self.flow._scheduler.lock:
                    self._id = self._id or made
        return self._id

    @job_id.setter
    def job_id(self, value: str) -> None:
        self._id = value

    @property
    def done(self) -> bool:
        """Whether the job has ended and nothing of it runs any more."""
        if self.flow is None:
            return self.status in _FINAL
        return self.ended > 0.0  # set last, when status and error are final

    @property
    def extra(self) -> Extra:
        """What only few jobs need; made when first asked for."""
        if self._extra is None:
            if self.flow is None:
                self._extra = Extra()
            else:
                with self.flow._scheduler.lock:
                    self._extra = self._extra or Extra()
        return self._extra

    @property
    def synthetic(self) -> bool:
        """Whether somebody has sent it by hand, as from a monitor, or a handler of such a job has
        begun it. The program itself never has.
        """
        return self._extra is not None and self._extra.synthetic

    def mark_synthetic(self) -> None:
        """Note that it was sent by hand. Before it begins; for monitors."""
        self.extra.synthetic = True
        self.flow.bus.synthetic.append(self.number)

    @property
    def retries_waiting(self) -> int:
        """How many deliveries wait for their time: a retry's delay, or `Routine.call_later`."""
        return len(self._extra.waiting) if self._extra else 0

    # waiting ----------------------------------------------------------------------------------

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until this job has ended. In a handler it runs what the job has to do meanwhile.

        Args:
            timeout: seconds; None waits without limit.

        Returns:
            True when it has ended, False when the time was over first.

        Raises:
            SelfDeadlockError: called in a handler that the job itself waits for.
        """
        return self._attached().wait_for_job(self, timeout)

    @staticmethod
    def wait_for_completion(flow: Flow, job: JobState, timeout: float | None = None) -> bool:
        """Wait for a job of a flow; see `wait`."""
        if job.flow is not flow:
            raise RoutiluxError(f"{job!r} is not a job of flow {flow.flow_id!r}")
        return job.wait(timeout)

    def on_end(self, function: Callable[[JobState], object]) -> None:
        """Call a function with the job once it has ended, in the thread that ends it, or now."""
        self._attached().call_at_end(self, function)

    def run(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Call a function as a part of this job: what it emits belongs to the job.

        For threads that a handler has started itself. While it runs the job stays open.
        """
        return self._attached().run_within(self, function, args, kwargs)

    def _attached(self) -> Scheduler:
        if self.flow is None:
            raise RoutiluxError(
                f"job {self.job_id} belongs to no flow here; hand it to Flow.resume() first"
            )
        return self.flow._scheduler

    # history ----------------------------------------------------------------------------------

    @property
    def execution_history(self) -> list[ExecutionRecord]:
        """The history in order of time: start, emits, errors, completed.

        Between the first and the last record stand the newest `limit` ones; `forgotten` counts the
        others. The list is made on each access; use `record_execution` to add to it.
        """
        self.fold()
        if self.flow is None:
            return records(self, self.limit)
        with self.flow._scheduler.lock:
            return records(self, self.limit)

    @property
    def forgotten(self) -> int:
        """How many records the bound of the history has cost."""
        if self.flow is None:
            return forgotten(self)
        with self.flow._scheduler.lock:
            return forgotten(self)

    def get_execution_history(self, routine_id: str | None = None) -> list[ExecutionRecord]:
        """The history, of one routine or of all."""
        found = self.execution_history
        return [r for r in found if r.routine_id == routine_id] if routine_id else found

    def record_execution(
        self, routine_id: str, event_name: str, data: dict[str, Any] | None = None
    ) -> None:
        """Add a record to the history."""
        self.note(ExecutionRecord(routine_id, event_name, dict(data or {})))

    def note(self, record: ExecutionRecord) -> None:
        """Add a record that is no emit, of this moment."""
        if self.flow is None:
            self._note(record)
        else:
            with self.flow._scheduler.lock:
                self._note(record)

    def _note(self, record: ExecutionRecord) -> None:
        now = time()
        record.timestamp = datetime.fromtimestamp(now)
        self.notes = self.notes or Notes()
        self.notes.add(record, self.limit, now)
        self.extra.updated = now

    def count_outcome(self, routine_id: str, name: str, times: int = 1) -> None:
        """Count something that became of a delivery. Under the flow's lock."""
        self.notes = self.notes or Notes()
        self.notes.outcomes[routine_id, name] += times

    def count_refused(self, edges: Iterable[Connection]) -> None:
        """Count an emit that was logged, but that none of its slots has got. Any thread."""
        with self.flow._scheduler.lock:
            for edge in edges:
                self.count_outcome(owner_of(edge), "refused")

    def fold(self) -> None:
        """Let the log forget all but its newest ``limit`` emits."""
        log = self.log
        if log is None or len(log) <= self.limit * WIDTH or self.flow is None:
            return
        with self.flow._scheduler.lock:
            self.notes = self.notes or Notes()
            self.notes.fold(log, self.limit)

    # states of routines -----------------------------------------------------------------------

    @property
    def routine_states(self) -> dict[str, dict[str, Any]]:
        """What became of each routine that ran, by id: ``status``, ``stats``, ``error``, ..."""
        extra = self.extra
        if self.flow is not None and not extra.settled:
            from .tracker import routine_states

            settled = self.done
            found = routine_states(self)
            with self.flow._scheduler.lock:
                for routine_id, state in found.items():
                    if routine_id not in extra.explicit:
                        extra.states[routine_id] = state
                extra.settled = settled
        return extra.states

    def get_routine_states(self) -> dict[str, dict[str, Any]]:
        """A copy of `routine_states`."""
        return dict(self.routine_states)

    def get_routine_state(self, routine_id: str) -> dict[str, Any] | None:
        """What became of one routine; None if it has not run."""
        return self.routine_states.get(routine_id)

    def update_routine_state(self, routine_id: str, state: dict[str, Any]) -> None:
        """Replace the state of a routine; the engine then leaves it alone."""
        states, extra = self.routine_states, self.extra
        extra.explicit.add(routine_id)
        states[routine_id] = state
        extra.updated = time()

    # the rest ---------------------------------------------------------------------------------

    @property
    def current_routine_id(self) -> str | None:
        """The routine that emitted last, or where the job began."""
        extra = self._extra
        if extra is not None and extra.current_routine_id is not None:
            return extra.current_routine_id
        routine = self.log[-WIDTH].routine if self.log else self.entry and self.entry.routine
        return routine._id if routine else None

    @current_routine_id.setter
    def current_routine_id(self, routine_id: str | None) -> None:
        self.extra.current_routine_id = routine_id

    @property
    def pause_points(self) -> list[dict[str, Any]]:
        """Where the job was paused: ``timestamp``, ``reason``, ``checkpoint``, and the routine."""
        return self.extra.pause_points

    @property
    def pending_tasks(self) -> list[SlotActivationTask]:
        """What a paused job still has to do. Empty for a job that is not paused."""
        if self.flow is None:
            return self.extra.parked
        return self._attached().pending_tasks(self)

    @property
    def created_at(self) -> datetime:
        """When the job began, local time."""
        return datetime.fromtimestamp(self.began)

    @property
    def updated_at(self) -> datetime:
        """When something of the job was changed last, local time."""
        log = self.log
        latest = [self.began, self.ended, self._extra.updated if self._extra else 0.0]
        return datetime.fromtimestamp(max(*latest, log[-1] if log else 0.0))

    def serialize(self) -> dict[str, Any]:
        """The whole job as plain data that JSON can hold, with ISO times.

        Raises:
            SerializationError: some of it is no plain data; the message says what and where.
        """
        from .serialize import job_to_data

        return job_to_data(self)

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> JobState:
        """A job from what `serialize` gave. It belongs to no flow until `Flow.resume`.

        Raises:
            DamagedDataError: it is not such data, or of a newer version.
        """
        from .serialize import job_from_data

        return job_from_data(data)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the job to a JSON file, all or nothing. Makes the folders.

        Raises:
            SerializationError: some of it is no plain data.
        """
        from .serialize import save_job

        save_job(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> JobState:
        """Read a job from a file that `save` has written.

        Raises:
            FileNotFoundError: no such file.
            DamagedDataError: (a ValueError) the file is damaged, of another kind, or newer.
        """
        from .serialize import load_job

        return load_job(path)

    def __repr__(self) -> str:
        error = f" error={type(self.error).__name__}" if self.error else ""
        return (
            f"<JobState {self.number} of {self.flow_id!r} {self.status}"
            f" open={len(self.tokens)} dropped={self.dropped}{error}>"
        )


#: Caused what belongs to no job: the tickets of a mailbox.
NOBODY = Activation(0, JobState())
NOBODY.job.flags = STOPPED
