"""One record in a few words, wherever one is named."""

from __future__ import annotations

from routilux.records import Kind, Line, Status
from tui.model import log
from tui.model.monitor import Monitor
from tui.model.run import Run
from tui.model.synthetic import WORDS, is_synthetic
from tui.paint.canvas import clean, measure
from tui.session.messages import RecordTuple

_LINES: dict[int, str] = {Line.OUT: "printed", Line.ERR: "to stderr", Line.LOG: "logged"}
_JOBS: dict[int, str] = {
    Kind.JOB_STARTED: "started",
    Kind.JOB_ENDED: "ended",
    Kind.JOB_PAUSED: "paused",
    Kind.JOB_RESUMED: "resumed",
    Kind.JOB_CANCELLED: "cancelled",
}
_ROLES: dict[int, str] = {Status.FAILED: "bad", Status.RETRIED: "news"}


def told(monitor: Monitor, record: RecordTuple, room: int = 1_000) -> str:
    """What a record tells, without its times."""
    run, subject = monitor.run, record[log.SUBJECT]
    match record[log.KIND]:
        case Kind.EMIT:
            return f"{run.event_name(subject)}>-"
        case Kind.STAT:
            return _stat(monitor, record)
        case Kind.LINE:
            return f"{_LINES.get(subject, 'line')}: {clean(monitor.log.text(record))}"
        case Kind.WORKER_UP | Kind.WORKER_DOWN:
            return "thread began" if record[log.KIND] == Kind.WORKER_UP else "thread ended"
        case Kind.ACTIVATION:
            return edge_told(run, subject, room)
        case Kind.WAITING:
            word = "timer set" if run.is_timer(subject) else "retry waits"
            return f"{edge_told(run, subject, room - len(word) - 1)} {word}"
        case Kind.DROPPED:
            return f"{edge_told(run, subject, room - 8)} dropped"
        case kind:
            hand = f" {WORDS}" if is_synthetic(monitor, record) else ""
            return f"job {record[log.JOB]} {_JOBS.get(kind, '?')}{hand}"


def edge_told(run: Run, number: int, room: int) -> str:
    """With its ports if they fit: who sent it to whom tells more than half a name."""
    name = run.edge_name(number)
    return name if measure(name) <= room else run.edge_short(number)


def role_of(record: RecordTuple) -> str:
    """The role in which a record stands out, if it does."""
    if record[log.KIND] == Kind.ACTIVATION:
        return _ROLES.get(record[log.STATUS], "text")
    return "warn" if record[log.KIND] == Kind.DROPPED else "muted"


def _stat(monitor: Monitor, record: RecordTuple) -> str:
    name, value = monitor.run.stat_name(record[log.SUBJECT]), record[log.VALUE]
    if record[log.STATUS] == Status.FORGOTTEN:
        return f"{name} reset"
    if record[log.STATUS] == Status.NO_NUMBER:
        return f"{name} = {clean(monitor.log.text(record))}"
    return f"{name} = {value:,.6g}" if isinstance(value, float) else f"{name} = {value:,}"
