"""JobState: what became of one ``execute()``."""

from __future__ import annotations

from enum import StrEnum
from itertools import count
from typing import TYPE_CHECKING

from .activation import Activation

if TYPE_CHECKING:
    from .flow import Flow
    from .workers import Backend

#: Bits of `JobState.flags`. While all are clear a delivery takes the short way: one test gates
#: everything rare.
STOPPED = 1  # a handler failed: queued deliveries are dropped and counted
TRACED = 2  # somebody watches: ids, times and records are made
ENDED = 4  # the last activation is over; a late emit goes to the ambient job instead

_numbers = count(1)


class JobStatus(StrEnum):
    """Where a job stands. Compares equal to its plain string."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"


# Looked up once: reading a member of an enum class costs as much as a deque append and pop.
_PENDING, _COMPLETED, _FAILED = JobStatus.PENDING, JobStatus.COMPLETED, JobStatus.FAILED


class JobState:
    """One job: its status, its error, and how to wait for it.

    Attributes:
        number: counts the jobs of this process; records name the job by it.
        status: `JobStatus`; ``completed`` is never seen before the last activation ended.
        error: the exception that failed the job, with a note that says where; else None.
        dropped: deliveries that were queued when the job stopped and so never ran.
        tokens: one entry per delivery that is queued or running. A list, since `list.extend` and
            `list.pop` are single steps at half the price of a lock.
        backend: what runs the deliveries.
        root: the activation that stands for the ``execute()`` call.
    """

    __slots__ = ("__weakref__", "_id", "backend", "dropped", "error", "flags", "flow", "number",
                 "root", "status", "tokens")  # fmt: skip

    def __init__(self, flow: Flow, backend: Backend, ident: int) -> None:
        self.number = next(_numbers)
        self.flow = flow
        self.backend = backend
        self.status = _PENDING
        self.error: BaseException | None = None
        self.dropped = 0
        self.flags = 0
        self.tokens: list[object] = []
        self.root = Activation(ident, self)
        self._id: str | None = None

    @property
    def job_id(self) -> str:
        """A UUID that names the job outside this process. Made on demand: it costs five jobs."""
        if self._id is None:
            from uuid import uuid4

            with self.flow._scheduler.lock:
                if self._id is None:
                    self._id = str(uuid4())
        return self._id

    @property
    def done(self) -> bool:
        """Whether the job has ended, well or badly."""
        status = self.status
        return status is _COMPLETED or status is _FAILED

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until this job has ended.

        Args:
            timeout: seconds; None waits without limit.

        Returns:
            True when it has ended, False when the time was over first.

        Raises:
            SelfDeadlockError: called in a handler of the flow while the job is open.
        """
        return self.flow._scheduler.wait_for_job(self, timeout)

    def __repr__(self) -> str:
        error = f" error={self.error!r}" if self.error else ""
        return (
            f"<JobState {self.number} of {self.flow.flow_id!r} {self.status.value}"
            f" open={len(self.tokens)} dropped={self.dropped}{error}>"
        )
