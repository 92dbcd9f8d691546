"""What the newest records say of each routine, statistic and job, found without a search.

The log keeps records in order of time. Who asks for the last twenty activations of one routine, or
for the last writer of a statistic, would have to walk through all of it, ten times a second. So
each record is filed once, when it comes; that costs about 0.3 us.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from routilux.records import Kind, Status
from tui.session.messages import EdgeInfo, RecordTuple

from . import log
from .rows import Key

#: Activations kept of each routine.
KEPT = 200
#: Jobs kept: the oldest go.
JOBS = 500
#: Plain numbers, since comparing with members of an enum costs more than all the rest.
_ACTIVATION, _STAT = int(Kind.ACTIVATION), int(Kind.STAT)


class Write(NamedTuple):
    """The last change of a statistic: when, by which activation, of which job, on which lane.

    ``activation`` is 0 for what was set outside of handlers.
    """

    time: int
    activation: int
    job: int
    worker: int


class SeenJob:
    """What the records told of one job; some may have been lost."""

    __slots__ = ("began", "done", "ended", "entry", "failed", "number", "retried", "status")

    def __init__(self, number: int) -> None:
        self.number = number
        self.began = self.ended = self.entry = 0
        self.done = self.failed = self.retried = 0
        self.status = "running"


class Recent:
    """Files records under the routine, the statistic and the job that they tell of."""

    def __init__(self) -> None:
        self._activations: dict[Key, deque[RecordTuple]] = {}
        self._names: dict[int, tuple[int, str, str]] = {}  # of statistics: flow, routine id, key
        self._unnamed: dict[int, Write] = {}
        self._writes: dict[tuple[int, str, str], Write] = {}
        self.jobs: OrderedDict[int, SeenJob] = OrderedDict()

    def name_stats(self, names: Sequence[tuple[int, int, str, str]]) -> None:
        """Which statistics the numbers in records mean."""
        for number, flow, routine, key in names:
            self._names[number] = (flow, routine, key)
            if number in self._unnamed:
                self._writes[flow, routine, key] = self._unnamed.pop(number)

    def take(
        self, records: Sequence[RecordTuple], edges: Mapping[int, tuple[int, EdgeInfo]]
    ) -> None:
        """File the records that a snapshot brought."""
        for record in records:
            kind = record[log.KIND]
            if kind == _ACTIVATION:
                self._take_activation(record, edges)
            elif kind == _STAT:
                self._take_stat(record)
            elif kind in _JOB_KINDS:
                self._take_job(record)
        while len(self.jobs) > JOBS:
            self.jobs.popitem(last=False)

    def _take_activation(
        self, record: RecordTuple, edges: Mapping[int, tuple[int, EdgeInfo]]
    ) -> None:
        found = edges.get(record[log.SUBJECT])
        if found is not None:
            key = (found[0], found[1].target)
            kept = self._activations.get(key)
            if kept is None:
                kept = self._activations[key] = deque(maxlen=KEPT)
            kept.append(record)
        job = self.jobs.get(record[log.JOB])
        if job is None:
            job = self.jobs[record[log.JOB]] = SeenJob(record[log.JOB])
        job.done += 1
        status = record[log.STATUS]
        if status:
            job.failed += status == Status.FAILED
            job.retried += status == Status.RETRIED

    def _take_stat(self, record: RecordTuple) -> None:
        write = Write(record[log.TIME], record[log.CAUSE], record[log.JOB], record[log.WORKER])
        name = self._names.get(record[log.SUBJECT])
        if name is None:  # its name comes with the same snapshot or the next
            self._unnamed[record[log.SUBJECT]] = write
        else:
            self._writes[name] = write

    def _take_job(self, record: RecordTuple) -> None:
        number, kind = record[log.JOB], record[log.KIND]
        job = self.jobs.get(number)
        if job is None:
            job = self.jobs[number] = SeenJob(number)
        if kind == Kind.JOB_STARTED:
            job.began, job.entry = record[log.TIME], record[log.SUBJECT]
        elif kind == Kind.JOB_ENDED:
            job.ended = record[log.TIME]
            job.status = _ENDS.get(record[log.STATUS], "completed")
        else:
            job.status = _JOB_KINDS[kind]

    # reading ------------------------------------------------------------------------------------

    def activations(self, key: Key) -> list[RecordTuple]:
        """The newest activations of a routine that have ended, the newest first."""
        return list(reversed(self._activations.get(key, ())))

    def write(self, flow: int, routine: str, stat: str) -> Write | None:
        """The last change of a statistic, if a record told of it."""
        return self._writes.get((flow, routine, stat))


_JOB_KINDS: dict[int, str] = {
    Kind.JOB_STARTED: "running",
    Kind.JOB_ENDED: "",
    Kind.JOB_PAUSED: "paused",
    Kind.JOB_RESUMED: "running",
    Kind.JOB_CANCELLED: "cancelled",
}
_ENDS: dict[int, str] = {
    Status.OK: "completed",
    Status.FAILED: "failed",
    Status.CANCELLED: "cancelled",
}
