"""What a job has done: its bounded history, and what follows from it for each routine.

The way of a message only extends a list by ``event, data, time``: flat, since a tuple for each
would give the garbage collector as many objects to walk. Everything else here is worked out when
somebody asks: the records, which routines ran, and how often.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from operator import itemgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .job import JobState
    from .ports import Connection, Event, Slot

#: What the count of the calls that a routine has set for later goes by.
LATER = "(later)"
#: Records a job keeps unless its flow says otherwise.
LIMIT = 10_000

_FAILURES = frozenset({"error", "error_continued", "skipped"})

#: An emit: event, data, seconds since the epoch.
Emitted = tuple["Event", dict[str, Any], float]
#: Emits one after the other, three entries each; extended by a tuple of three, in one step.
Log = list[Any]
WIDTH = 3  #: entries of a log for one emit


def emitted(log: Log | None) -> list[Emitted]:
    """The emits of a log that others may go on extending."""
    flat = list(log or ())
    return list(zip(flat[0::WIDTH], flat[1::WIDTH], flat[2::WIDTH], strict=True))


class ExecutionRecord:
    """One entry of a job's history.

    Attributes:
        routine_id: where it happened.
        event_name: the event that was emitted, or ``start``, ``completed``, ``error``,
            ``error_continued``, ``skipped``, ``retry``, ``cancelled``.
        data: what was emitted; for errors ``error``, ``error_type`` and ``slot``.
        timestamp: local time.
    """

    __slots__ = ("data", "event_name", "routine_id", "timestamp")

    def __init__(
        self,
        routine_id: str,
        event_name: str,
        data: dict[str, Any] | None = None,
        timestamp: datetime | None = None,
    ) -> None:
        self.routine_id = routine_id
        self.event_name = event_name
        self.data = data if data is not None else {}
        self.timestamp = timestamp or datetime.now()

    def serialize(self) -> dict[str, Any]:
        """Plain data, with the time in ISO format."""
        return {
            "routine_id": self.routine_id,
            "event_name": self.event_name,
            "data": self.data,
            "timestamp": self.timestamp.isoformat(),
        }

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> ExecutionRecord:
        """What `serialize` gave."""
        time = datetime.fromisoformat(data["timestamp"])
        return cls(data["routine_id"], data["event_name"], data["data"], time)

    def __repr__(self) -> str:
        return f"<ExecutionRecord {self.timestamp:%H:%M:%S.%f} {self.routine_id}.{self.event_name}>"


class Notes:
    """The records of a job that are no emits, and what was forgotten of its log.

    Attributes:
        records: bounded like the log; added under the flow's lock.
        forgotten: how many records the bounds have cost.
        emitted: emits that were forgotten, by event.
        outcomes: how many records there were, by routine and name; also ``dropped``.
        failures: the last record of an error that no retry followed, by routine.
    """

    def __init__(self) -> None:
        self.records: list[tuple[float, ExecutionRecord]] = []
        self.forgotten = 0
        self.emitted: Counter[Event] = Counter()
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self.failures: dict[str, ExecutionRecord] = {}

    def add(self, record: ExecutionRecord, limit: int, at: float | None = None) -> None:
        """Keep a record, and of too many the newest. ``at``: its time, if known more exactly."""
        self.records.append((record.timestamp.timestamp() if at is None else at, record))
        self.outcomes[record.routine_id, record.event_name] += 1
        if record.event_name in _FAILURES:
            self.failures[record.routine_id] = record
        if len(self.records) > 2 * limit:
            excess = len(self.records) - limit
            self.forgotten += excess
            del self.records[:excess]

    def fold(self, log: Log, limit: int) -> None:
        """Forget all but the newest of a log that others go on extending."""
        excess = len(log) // WIDTH - limit
        if excess > 0:
            self.emitted.update(log[: excess * WIDTH : WIDTH])
            self.forgotten += excess
            del log[: excess * WIDTH]


def records(job: JobState, limit: int) -> list[ExecutionRecord]:
    """The history in order of time: the start, the ``limit`` newest records, the completion."""
    made = [
        (time, ExecutionRecord(_owner(event), event.name, dict(data), datetime.fromtimestamp(time)))
        for event, data, time in emitted(job.log)
    ]
    noted = job.notes.records if job.notes else []
    merged = sorted([*made, *noted], key=itemgetter(0))
    found = [record for _, record in merged[max(0, len(merged) - limit) :]]
    entry = job.entry
    if entry is not None and job.began:
        began = datetime.fromtimestamp(job.began)
        found.insert(0, ExecutionRecord(_slot_owner(entry), "start", dict(job.params), began))
        if job.status == "completed" and job.ended:
            ended = datetime.fromtimestamp(job.ended)
            found.append(ExecutionRecord(_slot_owner(entry), "completed", {}, ended))
    return found


def forgotten(job: JobState) -> int:
    """How many records `records` leaves out."""
    notes = job.notes
    held = len(job.log or ()) // WIDTH + (len(notes.records) if notes else 0)
    return (notes.forgotten if notes else 0) + max(0, held - job.limit)


def emits(job: JobState) -> Iterator[tuple[Event, int]]:
    """Each event that the job has emitted, and how often, also what was forgotten since."""
    counts: Counter[Event] = Counter(job.notes.emitted if job.notes else ())
    counts.update(list(job.log or ())[::WIDTH])
    yield from counts.items()


def deliveries(job: JobState) -> dict[str, int]:
    """How many messages the job has sent to each routine, and how many calls it has set there."""
    counts: Counter[str] = Counter()
    if job.entry is not None:
        counts[_slot_owner(job.entry)] += 1
    if job._extra is not None:
        counts.update(job._extra.adopted)
    for event, times in emits(job):
        for edge in event.edges:
            counts[_slot_owner(edge.target_slot)] += times
    for (routine_id, name), times in job.notes.outcomes.items() if job.notes else ():
        if name == LATER:
            counts[routine_id] += times
    return counts


def outcomes(job: JobState, routine_id: str, names: Iterable[str]) -> int:
    """How many records of those names a routine has in the job."""
    notes = job.notes
    return sum(notes.outcomes[routine_id, name] for name in names) if notes else 0


def owner_of(edge: Connection) -> str:
    """Id of the routine that an edge leads to."""
    return _slot_owner(edge.target_slot)


def _owner(event: Event) -> str:
    return event.routine._id if event.routine else ""


def _slot_owner(slot: Slot) -> str:
    return slot.routine._id if slot.routine else ""
