"""What is chosen in a pane, for all that can be done with it: copy, edit, show its events."""

from __future__ import annotations

from typing import NamedTuple

from routilux.records import Kind, Status
from tui.model import log
from tui.model.failures import place_of
from tui.model.monitor import Monitor
from tui.model.names import short_thread
from tui.model.rows import Key
from tui.model.run import Run
from tui.query.nodes import Compare, Node, Op, Value, Word, all_of
from tui.session.messages import RecordTuple, WaitInfo


class Choice(NamedTuple):
    """Attributes:
    text: what is copied.
    filter: the events of it, in the language of filters; empty: it has none.
    file: where its source is; empty: that is not known.
    line: in it, from 1; where ``handler`` is known too, that of the class.
    cls: the class whose ``handler`` is meant; both empty: just the line.
    """

    text: str = ""
    filter: str = ""
    file: str = ""
    line: int = 0
    cls: str = ""
    handler: str = ""


_ABOUT_EDGES = (Kind.ACTIVATION, Kind.WAITING, Kind.DROPPED)
_THREADS = (Kind.WORKER_UP, Kind.WORKER_DOWN)
_WRONG = (Status.FAILED, Status.RETRIED)


def of_routine(run: Run, key: Key | None) -> Choice:
    """A routine: its class, and what its handlers do."""
    flow = run.flows.get(key[0]) if key is not None else None
    if flow is None or key is None or not 0 <= key[1] < len(flow.routines):
        return Choice()
    info = flow.routines[key[1]]
    return Choice("", _text("routine", run.routine_name(key)), info.file, info.line)


def of_edge(run: Run, number: int) -> Choice:
    """A connection: the handler at its end, and what comes over it."""
    found = run.edge_info(number)
    if found is None:
        return Choice()
    flow, edge = found
    choice = of_routine(run, (flow, edge.target))
    if not choice.file:
        return choice
    info = run.flows[flow].routines[edge.target]
    handler = next((slot.handler for slot in info.slots if slot.name == edge.slot), "")
    wanted = _text("edge", run.edge_name(number))
    return choice._replace(filter=wanted, cls=info.cls, handler=handler)


def of_record(monitor: Monitor, record: RecordTuple) -> Choice:
    """A record: where it went wrong, or the handler that it is about; and what is like it."""
    run, kind, subject = (
        monitor.run_of(record[log.GENERATION]),
        record[log.KIND],
        record[log.SUBJECT],
    )
    if kind in _ABOUT_EDGES:
        choice = of_edge(run, subject)
        wrong = kind == Kind.ACTIVATION and record[log.STATUS] in _WRONG
        place = place_of(monitor.log.error(record)) if wrong and monitor.log.error(record) else None
        if place is not None and place.file:
            return choice._replace(file=place.file, line=place.line, cls="", handler="")
        return choice
    if kind == Kind.EMIT:
        flow, routine, event = run.event_info(subject)
        choice = of_routine(run, (flow, routine))
        return choice._replace(filter=f"{choice.filter} and {_text('event', event)}")
    if kind == Kind.STAT:
        return of_stat(run, None, run.stat_name(subject))
    if kind in _THREADS:
        return Choice(filter=_text("worker", run.lane_label(record[log.WORKER], record[log.TIME])))
    if kind == log.RULE:
        return Choice(filter=_text("generation", str(record[log.GENERATION])))
    return of_job(record[log.JOB])


def of_job(number: int) -> Choice:
    """A job: all that happens in it."""
    return Choice(filter=_text("job", str(number)))


def of_worker(label: str) -> Choice:
    """A thread: what runs on it."""
    return Choice(filter=_text("worker", label.rpartition("/")[2]))


def of_wait(wait: WaitInfo) -> Choice:
    """A thread that waits: where it does, and what has run on it."""
    worker = _text("worker", short_thread(wait.thread))
    return Choice(filter=worker, file=wait.file, line=wait.line)


def of_stat(run: Run, key: Key | None, name: str) -> Choice:
    """A statistic by its whole name: the routine that keeps it, and each time that it was set."""
    wanted = all_of([Compare("kind", Op.EQUAL, Value("stat")), Word(name)])
    return of_routine(run, key)._replace(filter=_written(wanted))


def of_failures(run: Run, key: Key, file: str, line: int) -> Choice:
    """Failures in one place."""
    choice = of_routine(run, key)
    wanted = " and ".join(filter(None, (choice.filter, "status in (failed, retried)")))
    return Choice("", wanted, file or choice.file, line if file else choice.line)


def _text(name: str, value: str) -> str:
    """A comparison to the letter: in a name an asterisk is an asterisk."""
    return _written(Compare(name, Op.EQUAL, Value(value, "*" in value)))


def _written(node: Node) -> str:
    return " ".join(str(node).split("\n"))
