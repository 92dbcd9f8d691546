"""What a job has done: its bounded history, and what follows from it for each routine.

The way of a message only appends ``(event, data, time)`` to a list. Everything else here is worked
out when somebody asks: the records, which routines ran, and how often.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .job import JobState
    from .ports import Event, Slot

#: Records a job keeps unless its flow says otherwise.
LIMIT = 10_000

_FAILURES = frozenset({"error", "error_continued", "skipped"})

#: An emit, as its job logs it: event, data, seconds since the epoch.
Emitted = tuple["Event", dict[str, Any], float]


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

    def add(self, record: ExecutionRecord, limit: int) -> None:
        """Keep a record, and of too many the newest."""
        self.records.append((record.timestamp.timestamp(), record))
        self.outcomes[record.routine_id, record.event_name] += 1
        if record.event_name in _FAILURES:
            self.failures[record.routine_id] = record
        if len(self.records) > 2 * limit:
            excess = len(self.records) - limit
            self.forgotten += excess
            del self.records[:excess]

    def fold(self, log: list[Emitted], limit: int) -> None:
        """Forget all but the newest of a log that others go on appending to."""
        excess = len(log) - limit
        if excess > 0:
            self.emitted.update(event for event, _, _ in log[:excess])
            self.forgotten += excess
            del log[:excess]


def records(job: JobState, limit: int) -> list[ExecutionRecord]:
    """The history in order of time, at most the newest ``limit`` emits and as many notes."""
    emitted = [
        (time, ExecutionRecord(_owner(event), event.name, data, datetime.fromtimestamp(time)))
        for event, data, time in list(job.log or ())[-limit:]
    ] if limit else []  # fmt: skip
    noted = list(job.notes.records)[-limit:] if job.notes and limit else []
    merged = sorted([*emitted, *noted], key=lambda item: item[0])
    found = [record for _, record in merged]
    entry = job.entry
    if entry is not None and job.began:
        began = datetime.fromtimestamp(job.began)
        found.insert(0, ExecutionRecord(_id(entry), "start", job.params, began))
        if job.status == "completed" and job.ended:
            ended = datetime.fromtimestamp(job.ended)
            found.append(ExecutionRecord(_id(entry), "completed", {}, ended))
    return found


def emits(job: JobState) -> Iterator[tuple[Event, int]]:
    """Each event that the job has emitted, and how often, also what was forgotten since."""
    counts: Counter[Event] = Counter(job.notes.emitted if job.notes else ())
    counts.update(event for event, _, _ in list(job.log or ()))
    yield from counts.items()


def deliveries(job: JobState) -> dict[str, int]:
    """How many messages the job has sent to each routine."""
    counts: Counter[str] = Counter()
    if job.entry is not None:
        counts[_id(job.entry)] += 1
    for event, times in emits(job):
        for edge in event.edges:
            counts[_slot_owner(edge.target_slot)] += times
    return counts


def outcomes(job: JobState, routine_id: str, names: Iterable[str]) -> int:
    """How many records of those names a routine has in the job."""
    notes = job.notes
    return sum(notes.outcomes[routine_id, name] for name in names) if notes else 0


def _owner(event: Event) -> str:
    return event.routine._id if event.routine else ""


def _slot_owner(slot: Slot) -> str:
    return slot.routine._id if slot.routine else ""


def _id(slot: Slot) -> str:
    return _slot_owner(slot)
