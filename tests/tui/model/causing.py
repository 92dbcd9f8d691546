"""Made-up jobs whose causes and times are known: an engine on paper, with the truth beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from routilux.records import Kind, Status
from tui.session.messages import RecordTuple

ENTRY, PLAIN, TIMER = 1, 2, 3  # edges
ROOT = 77


@dataclass
class Node:
    """One activation: what it truly was, and where the time before it went."""

    ident: int
    cause: int
    edge: int
    queued: int
    records: list[RecordTuple] = field(default_factory=list)
    parts: dict[str, int] = field(default_factory=dict)  # up to its own first try's queue time
    path: list[int] = field(default_factory=list)  # ids from the root's down to this one

    @property
    def last(self) -> RecordTuple:
        """The record of its last try."""
        return self.records[-1]


@dataclass
class Paper:
    """A job as it truly went."""

    generation: int = 1
    job: int = 1
    start: int = 1_000
    records: list[RecordTuple] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    work: dict[int, tuple[int, int, int]] = field(default_factory=dict)
    root: int = ROOT

    def __post_init__(self) -> None:
        self.next = self.root
        self.add(Kind.JOB_STARTED, self.start, self.root, self.root, subject=ENTRY)

    # what `tui.model.causality.Wiring` asks
    def is_timer(self, number: int) -> bool:
        return number == TIMER

    def is_entry(self, number: int) -> bool:
        return number == ENTRY

    def at_work(self) -> Mapping[int, tuple[int, int, int]]:
        return self.work

    def add(
        self,
        kind: Kind,
        time: int,
        ident: int,
        cause: int,
        *,
        worker: int = 1,
        subject: int = PLAIN,
        queued: int = 0,
        started: int = 0,
        status: Status = Status.OK,
        value: int = 0,
    ) -> RecordTuple:
        """Publish one record."""
        record = (
            *(len(self.records) + 1, time, int(kind), self.generation, self.job, ident, cause),
            *(worker, subject, queued, started, int(status), value),
        )
        self.records.append(record)
        return record

    def ident(self) -> int:
        """The next id; spread out, and negative ones too, as hashes are."""
        self.next += 1
        return hash((self.next, self.job)) | 1

    def run(
        self,
        parent: Node | None,
        tries: list[tuple[int, int]],
        *,
        after: int = 0,
        set_after: int = 0,
        wait_before_retry: int = 0,
        worker: int = 1,
    ) -> Node:
        """An activation with its tries as (wait, run), emitted ``after`` ns of the last try of its
        parent's run; over a timer that was set then if ``set_after`` says how long it takes.
        """
        ident = self.ident()
        node = self._arrive(parent, ident, after, set_after)
        ready = node.queued
        for number, (wait, took) in enumerate(tries):
            if number:
                ready += wait_before_retry
            started, ended = ready + wait, ready + wait + took
            status = Status.RETRIED if number < len(tries) - 1 else Status.OK
            record = self.add(
                Kind.ACTIVATION,
                ended,
                ident,
                node.cause,
                worker=worker,
                subject=node.edge,
                queued=ready,
                started=started,
                status=status,
            )
            if status is Status.RETRIED:
                self.add(Kind.WAITING, ended, ident, node.cause, subject=node.edge)
            node.records.append(record)
            ready = ended
        self.nodes.append(node)
        return node

    def _arrive(self, parent: Node | None, ident: int, after: int, set_after: int) -> Node:
        if parent is None:
            return Node(ident, self.root, ENTRY, self.start, path=[self.root])
        emitted = parent.last[10] + min(after, parent.last[1] - parent.last[10])
        parts = dict(parent.parts)
        for number, record in enumerate(parent.records):
            if number:
                _spend(parts, "retry", record[9] - parent.records[number - 1][1])
            _spend(parts, "queue", record[10] - record[9])
            last = record is parent.last
            _spend(parts, "run", (emitted if last else record[1]) - record[10])
        edge = TIMER if set_after else PLAIN
        if set_after:
            self.add(Kind.WAITING, emitted, ident, parent.ident, subject=TIMER)
            _spend(parts, "timer", set_after)
        path = [*parent.path, parent.ident]
        return Node(ident, parent.ident, edge, emitted + set_after, parts=parts, path=path)

    def sorted(self) -> list[RecordTuple]:
        """The records as they arrive: in order of time, numbered."""
        ordered = sorted(self.records, key=lambda record: record[1])
        return [(n, *record[1:]) for n, record in enumerate(ordered, 1)]


def _spend(parts: dict[str, int], part: str, ns: int) -> None:
    parts[part] = parts.get(part, 0) + ns


def truth(node: Node) -> dict[str, int]:
    """Where the time up to the end of a node's last try went."""
    parts = dict(node.parts)
    for number, record in enumerate(node.records):
        if number:
            _spend(parts, "retry", record[9] - node.records[number - 1][1])
        _spend(parts, "queue", record[10] - record[9])
        _spend(parts, "run", record[1] - record[10])
    return {part: ns for part, ns in parts.items() if ns}


def arrived(records: list[RecordTuple], node: Node) -> RecordTuple:
    """The record of a node's last try, with the number that it arrived with."""
    return next(r for r in records if r[1:] == node.last[1:])
