"""The fields of records, for the events pane."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from operator import itemgetter
from typing import Any

from routilux.records import Drop, Kind, Line, Status
from tui.model import log
from tui.model.monitor import Monitor
from tui.model.run import Run
from tui.session.messages import RecordTuple

from .table import Field, Table
from .units import Unit

_Event = Field[RecordTuple]
_ABOUT: Callable[[RecordTuple], Hashable] = itemgetter(log.GENERATION, log.KIND, log.SUBJECT)
_OUTCOME: Callable[[RecordTuple], Hashable] = itemgetter(
    log.GENERATION, log.KIND, log.SUBJECT, log.STATUS
)
_THREAD: Callable[[RecordTuple], Hashable] = itemgetter(log.GENERATION, log.WORKER)
_JOB: Callable[[RecordTuple], Hashable] = itemgetter(log.GENERATION, log.JOB)
_DROP: Callable[[RecordTuple], Hashable] = itemgetter(log.KIND, log.VALUE)
_ENDING: Callable[[RecordTuple], Hashable] = itemgetter(log.KIND, log.STATUS)
_KINDS: dict[int, str] = {kind: kind.name.lower() for kind in Kind} | {log.RULE: "generation"}
_STATUSES: dict[int, str] = {status: status.name.lower() for status in Status}
_STREAMS: dict[int, str] = {line: line.name.lower() for line in Line}
_REASONS: dict[int, str] = {why: why.name.lower() for why in Drop}
_HAVE_STATUS = frozenset({Kind.ACTIVATION, Kind.JOB_ENDED, Kind.STAT})
#: Kinds whose subject is an edge.
_ON_EDGES = frozenset({Kind.ACTIVATION, Kind.WAITING, Kind.DROPPED, Kind.JOB_STARTED})


def _words(*shown: str, **more: str) -> dict[str, str]:
    return {word: word for word in shown} | more


def events_table(monitor: Monitor) -> Table[RecordTuple]:
    """What a filter may say of records. Names are looked up when they are needed."""
    names = _Names(monitor)
    status = _Event(_status, key=_ENDING, words=_words(
        *_STATUSES.values(), error="failed", again="retried", reset="forgotten"))  # fmt: skip
    text = _Event(monitor.log.text)
    worker = _Event(names.worker, key=_THREAD)
    every: dict[str, tuple[_Event, ...]] = {
        "routine": (_Event(names.routine, key=_ABOUT), _Event(names.shown_routine, key=_ABOUT)),
        "source": (_Event(names.source, key=_ABOUT),),
        "event": (_Event(names.event, key=_ABOUT),),
        "slot": (_Event(names.slot, key=_ABOUT),),
        "edge": (_Event(names.edge, key=_ABOUT),),
        "flow": (_Event(names.flow, key=_ABOUT),),
        "kind": (_Event(_kind, key=itemgetter(log.KIND), words=_words(*_KINDS.values())),),
        "status": (status,),
        "worker": (worker,),
        "wait": (_Event(_wait, Unit.TIME),),
        "run": (_Event(_run, Unit.TIME),),
        "total": (_Event(_total, Unit.TIME),),
        "time": (_Event(names.time, Unit.MOMENT),),
        "job": (_Event(itemgetter(log.JOB), Unit.NUMBER),),
        "generation": (_Event(itemgetter(log.GENERATION), Unit.NUMBER),),
        "seq": (_Event(itemgetter(log.SEQUENCE), Unit.NUMBER),),
        "origin": (_Event(names.origin, key=_JOB, words=_words("program", "hand")),),
        "reason": (_Event(_reason, key=_DROP, words=_words(*_REASONS.values())),),
        "stat": (_Event(names.stat, key=_ABOUT),),
        "value": (_Event(names.value, Unit.ANY),),
        "stream": (_Event(_stream, key=_ABOUT, words=_words(*_STREAMS.values())),),
        "text": (text,),
    }
    return Table(
        "events",
        every,
        bare=(_Event(names.all_words, key=_OUTCOME), worker, text),
        roots={"payload": names.payload},
        aliases={"state": "status", "gen": "generation", "sequence": "seq", "data": "payload",
                 "thread": "worker"},
    )  # fmt: skip


def _wait(record: RecordTuple) -> int | None:
    return record[log.STARTED] - record[log.QUEUED] if record[log.KIND] == 1 else None


def _run(record: RecordTuple) -> int | None:
    return record[log.TIME] - record[log.STARTED] if record[log.KIND] == 1 else None


def _total(record: RecordTuple) -> int | None:
    return record[log.TIME] - record[log.QUEUED] if record[log.KIND] == 1 else None


def _kind(kind: int) -> str:
    return _KINDS.get(kind, "")


def _status(key: tuple[int, int]) -> str | None:
    return _STATUSES.get(key[1]) if key[0] in _HAVE_STATUS else None


def _stream(key: tuple[int, int, int]) -> str | None:
    return _STREAMS.get(key[2]) if key[1] == Kind.LINE else None


def _reason(key: tuple[int, float]) -> str | None:
    return _REASONS.get(int(key[1])) if key[0] == Kind.DROPPED else None


def _stat(run: Run, number: int) -> tuple[str, str]:
    """Routine and key of a statistic. There may be dots in both."""
    flow, name = run.stat_info(number)
    known = run.flows.get(flow)
    owners = [r.id for r in known.routines if name.startswith(f"{r.id}.")] if known else []
    owner = max(owners, key=len, default=name.partition(".")[0])
    return owner, name[len(owner) + 1 :]


class _Names:
    """From the numbers in a record to names. Keys are generation, kind and subject."""

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor

    def routine(self, key: tuple[int, int, int]) -> str | None:
        """Whose handler it is about; of an emission, who emitted."""
        run, kind, subject = self._at(key)
        if kind == Kind.STAT:
            return _stat(run, subject)[0]
        flow, number = self._routine(run, kind, subject)
        known = run.flows.get(flow)
        return known.routines[number].id if known is not None and number >= 0 else None

    def shown_routine(self, key: tuple[int, int, int]) -> str | None:
        """The same with the name of its flow, where several make that needed."""
        run, kind, subject = self._at(key)
        place = self._routine(run, kind, subject)
        return run.routine_name(place) if place[1] >= 0 else None

    def source(self, key: tuple[int, int, int]) -> str | None:
        """Who emitted."""
        run, kind, subject = self._at(key)
        if kind == Kind.EMIT:
            return self.routine(key)
        found = run.edge_info(subject) if kind in _ON_EDGES else None
        known = run.flows.get(found[0]) if found is not None else None
        if found is None or known is None or found[1].source < 0:
            return None
        return known.routines[found[1].source].id

    def event(self, key: tuple[int, int, int]) -> str | None:
        """The event's own name."""
        run, kind, subject = self._at(key)
        if kind == Kind.EMIT:
            return run.event_info(subject)[2]
        found = run.edge_info(subject) if kind in _ON_EDGES else None
        return found[1].event if found is not None else None

    def slot(self, key: tuple[int, int, int]) -> str | None:
        """The slot's own name."""
        run, kind, subject = self._at(key)
        found = run.edge_info(subject) if kind in _ON_EDGES else None
        return found[1].slot if found is not None else None

    def edge(self, key: tuple[int, int, int]) -> str | None:
        """The connection, as the pane writes it."""
        run, kind, subject = self._at(key)
        return run.edge_name(subject) if kind in _ON_EDGES else None

    def flow(self, key: tuple[int, int, int]) -> str | None:
        """The id of the flow."""
        run, kind, subject = self._at(key)
        place = run.stat_info(subject) if kind == Kind.STAT else self._routine(run, kind, subject)
        known = run.flows.get(place[0])
        return known.id if known is not None else None

    def stat(self, key: tuple[int, int, int]) -> str | None:
        """The statistic, without its routine."""
        run, kind, subject = self._at(key)
        return _stat(run, subject)[1] if kind == Kind.STAT else None

    def worker(self, key: tuple[int, int]) -> str:
        """The thread, as the pane writes it."""
        return self._monitor.run_of(key[0]).lane_label(key[1])

    def time(self, record: RecordTuple) -> int:
        """Since the generation began."""
        return record[log.TIME] - self._monitor.run_of(record[log.GENERATION]).origin

    def origin(self, key: tuple[int, int]) -> str | None:
        """Who has begun its job: the program, or somebody by hand."""
        if not key[1]:
            return None
        return "hand" if key[1] in self._monitor.run_of(key[0]).synthetic else "program"

    def value(self, record: RecordTuple) -> Any:
        """What a statistic was set to."""
        if record[log.KIND] != Kind.STAT or record[log.STATUS] == Status.FORGOTTEN:
            return None
        if record[log.STATUS] == Status.NO_NUMBER:
            return self._monitor.log.text(record)
        return record[log.VALUE]

    def payload(self, record: RecordTuple, steps: tuple[str, ...]) -> Any:
        """What stands at a path of what was emitted."""
        return self._monitor.log.payload(record, steps)

    def all_words(self, key: tuple[int, int, int, int]) -> str:
        """What a word may be found in, beside thread and text."""
        about = key[:3]
        words = [self.edge(about), _kind(key[1]), _status((key[1], key[3]))]
        if key[1] == Kind.EMIT:
            words.append(f"{self.shown_routine(about)}.{self.event(about)}")
        if key[1] == Kind.STAT:
            words.append(self._monitor.run_of(key[0]).stat_name(key[2]))
        if key[1] in _HAVE_STATUS and key[3] == Status.FAILED:
            words.append("error")
        return "\n".join(word for word in words if word)  # no word is found across two

    def _at(self, key: tuple[int, int, int]) -> tuple[Run, int, int]:
        return self._monitor.run_of(key[0]), key[1], key[2]

    @staticmethod
    def _routine(run: Run, kind: int, subject: int) -> tuple[int, int]:
        if kind in _ON_EDGES:
            found = run.edge_info(subject)
            return (found[0], found[1].target) if found is not None else (0, -1)
        return run.event_info(subject)[:2] if kind == Kind.EMIT else (0, -1)
