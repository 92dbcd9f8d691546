"""What has happened since the last look, as sentences: each thing once, and never a flood.

A source is given the monitor after each look and returns sentences without their full stops. One
that could tell more than somebody can listen to counts what it leaves out, and tells the sum with
the next summary. Another source is another entry of `SOURCES`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from itertools import islice

from routilux.records import Kind, Status
from tui.model import log
from tui.model.failures import Group
from tui.model.monitor import Banner, Monitor, Phase
from tui.model.rows import Key, State
from tui.paint.canvas import clean
from tui.session.messages import RecordTuple

from .words import STATES, phase, spoken, times

#: Sentences of one kind between two summaries; more are counted.
MOST = 3
#: Lines of output told in one look; more are counted.
MOST_LINES = 20
#: Looks for which something must be so before it is told: what flickers is no news.
STEADY = 5
#: A handler that runs longer is told of, once.
LONG_NS = 5_000_000_000


class Source:
    """One kind of news."""

    def look(self, monitor: Monitor) -> list[str]:
        """What is new since the last look."""
        raise NotImplementedError  # pragma: no cover - abstract

    def sum(self, monitor: Monitor) -> list[str]:
        """What was left out since the last summary."""
        return []


class Phases(Source):
    """The flow as a whole: running, idle, ended; loading; what a banner says on the screen."""

    def __init__(self) -> None:
        self._told = Phase.LOADING
        self._now, self._for = Phase.LOADING, 0
        self._banner: Banner | None = None
        self._status = ""

    def look(self, monitor: Monitor) -> list[str]:
        """Phase, banner and status line."""
        found = []
        if monitor.status != self._status:
            self._status = monitor.status
            found += [monitor.status] if monitor.status else []
        if monitor.banner is not self._banner:
            self._banner = monitor.banner
            found += _banner(monitor.banner) if monitor.banner is not None else []
        now = monitor.phase
        self._for = self._for + 1 if now is self._now else 1
        self._now = now
        final = now in (Phase.ENDED, Phase.FAILED, Phase.DIED)
        if now is not self._told and (self._for >= STEADY or final):
            self._told = now
            found.append(f"{phase(monitor)}, generation {monitor.run.generation}")
        return found


def _banner(banner: Banner) -> list[str]:
    """Its lines, with ``g2`` said in full."""
    title = _GENERATION.sub(r"generation \1", banner.title).replace(" -> ", " to ")
    title = title.replace("the traceback is in Output (7)", "its traceback follows")
    return [clean(title), *(clean(line.strip()) for line in banner.lines if line.strip())]


_GENERATION = re.compile(r"\bg(\d+)\b")


class Jobs(Source):
    """Jobs that start, end, are paused, resumed or cancelled."""

    def __init__(self) -> None:
        self._seen = 0  # position in the log
        self._told: Counter[str] = Counter()
        self._left: Counter[str] = Counter()

    def look(self, monitor: Monitor) -> list[str]:
        """From the records of jobs that are new in the log."""
        view = monitor.log.view
        first = max(self._seen, view.first)
        records = islice(view.since(first), view.end - first)
        self._seen = view.end
        found = []
        for record in records:
            kind = record[log.KIND]
            if kind in _JOBS:
                word = _ENDED[record[log.STATUS]] if kind == _JOB_ENDED else _JOBS[kind]
                if self._told[word] < MOST:
                    found.append(f"job {record[log.JOB]} {word}{_where(monitor, record)}")
                    self._told[word] += 1
                else:
                    self._left[word] += 1
        return found

    def sum(self, monitor: Monitor) -> list[str]:
        """Those above the limit."""
        left, self._left = self._left, Counter()
        self._told.clear()
        return [f"{times(number, 'more job')} {word}" for word, number in left.items()]


_JOB_ENDED = int(Kind.JOB_ENDED)
_JOBS = {
    int(Kind.JOB_STARTED): "started",
    int(Kind.JOB_PAUSED): "paused",
    int(Kind.JOB_RESUMED): "resumed",
    _JOB_ENDED: "ended",
}
_ENDED = {
    int(Status.OK): "completed",
    int(Status.FAILED): "failed",
    int(Status.CANCELLED): "cancelled",
}


def _where(monitor: Monitor, record: RecordTuple) -> str:
    if record[log.KIND] != Kind.JOB_STARTED or record[log.SUBJECT] <= 0:
        return ""
    return f" at {clean(monitor.run.edge_short(record[log.SUBJECT]).rpartition('>')[2])}"


class Failures(Source):
    """Handlers that fail: a group in full when it is new, then how often it came again."""

    def __init__(self) -> None:
        self._generation = 0
        self._told: dict[object, tuple[int, int]] = {}
        self._unseen = 0

    def look(self, monitor: Monitor) -> list[str]:
        """Groups that were not there before."""
        run = monitor.run
        if run.generation != self._generation:
            self._generation, self._told, self._unseen = run.generation, {}, 0
        found: list[str] = []
        for group in run.failures.groups():
            ident = _ident(group)
            if ident not in self._told and len(found) < MOST:
                self._told[ident] = group.count, group.retried
                found.append(f"{_failed(monitor, group)}{_event(group)}")
        return found

    def sum(self, monitor: Monitor) -> list[str]:
        """How often it came again."""
        found: list[str] = []
        for group in monitor.run.failures.groups():
            count, retried = self._told.get(_ident(group), (group.count, group.retried))
            more = group.count - count + group.retried - retried
            if more and len(found) < MOST:
                self._told[_ident(group)] = group.count, group.retried
                found.append(f"{_failed(monitor, group)}, {times(more, 'more time')}")
        unseen = max(0, monitor.run.errors - monitor.run.failures.seen)
        if unseen > self._unseen:
            found.append(f"{times(unseen - self._unseen, 'more failure')} whose records were lost")
        self._unseen = unseen
        return found


def _ident(group: Group) -> object:
    return group.place.kind, group.place.file, group.place.line, group.key


def _failed(monitor: Monitor, group: Group) -> str:
    place = group.place
    where = f", at {place.file.rpartition('/')[2]}:{place.line}" if place.file else ""
    again = "" if group.count else " and will be tried again"
    what = f"{place.kind}: {place.message}" if place.message else place.kind
    return clean(f"{monitor.run.routine_name(group.key)} failed{again}: {what}{where}")


def _event(group: Group) -> str:
    return f", event {group.newest[log.SEQUENCE]}" if group.newest is not None else ""


class Routines(Source):
    """Routines that call for attention: full, paused, to be tried again; and when that is over."""

    def __init__(self) -> None:
        self._states: dict[Key, tuple[State, int]] = {}
        self._told: dict[Key, State] = {}
        self._said = 0

    def look(self, monitor: Monitor) -> list[str]:
        """States that have lasted."""
        found = []
        for row in monitor.run.routines():
            state, looks = self._states.get(row.key, (row.state, 0))
            looks = looks + 1 if state is row.state else 1
            self._states[row.key] = row.state, looks
            told = self._told.get(row.key)
            if looks < STEADY or row.state is told or self._said >= MOST:
                continue
            if row.state in _TOLD:
                found.append(f"{clean(row.name)} {STATES[row.state]}, {row.queue:,} wait for it")
                self._told[row.key] = row.state
            elif told is not None:
                found.append(f"{clean(row.name)} is {row.state.value} again")
                del self._told[row.key]
        self._said += len(found)
        return found

    def sum(self, monitor: Monitor) -> list[str]:
        """Counting begins anew."""
        self._said = 0
        return []


_TOLD = frozenset({State.FULL, State.PAUSED, State.RETRY})


class LongRuns(Source):
    """Handlers that do not come to an end, once each."""

    def __init__(self) -> None:
        self._told: dict[str, int] = {}

    def look(self, monitor: Monitor) -> list[str]:
        """Those that have got long."""
        now, found = monitor.run.now, []
        for row in monitor.run.lanes():
            if row.routine is None or row.coroutines is not None:
                continue
            began = now - row.running_ns
            if row.running_ns >= LONG_NS and self._told.get(row.label) != began:
                self._told[row.label] = began
                name = clean(monitor.run.routine_name(row.routine))
                found.append(f"{clean(row.label)} has run {name} for {spoken(row.running_ns)}")
        return found


class Printed(Source):
    """What the user's code prints, each line as it is."""

    def __init__(self) -> None:
        self._seen = 0

    def look(self, monitor: Monitor) -> list[str]:
        """Lines that are new."""
        output = monitor.output
        new, self._seen = output.total - self._seen, output.total
        lines = list(islice(reversed(output.lines), min(new, MOST_LINES)))[::-1]
        left = new - len(lines)
        found = [f"{times(left, 'line')} of output left out"] if left else []
        return found + [_printed(line.text, line.is_error, line.generation) for line in lines]


def _printed(text: str, is_error: bool, generation: int) -> str:
    if generation < 0:
        return clean(text)
    return f"{'error output' if is_error else 'output'}: {clean(text)}"


#: Every kind of news, in the order in which it is told.
SOURCES: tuple[type[Source], ...] = (Phases, Printed, Jobs, Failures, Routines, LongRuns)


class News:
    """All sources together."""

    def __init__(self) -> None:
        self._sources = [source() for source in SOURCES]

    def look(self, monitor: Monitor) -> Iterable[str]:
        """What is new since the last look."""
        for source in self._sources:
            yield from source.look(monitor)

    def sum(self, monitor: Monitor) -> Iterable[str]:
        """What was left out since this was asked last."""
        for source in self._sources:
            yield from source.sum(monitor)
