"""Pane 3: the event log. Follows the newest, or stands still while recording goes on."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from functools import partial
from operator import itemgetter
from typing import ClassVar

from routilux.records import Kind, Line, Status
from tui.model import log
from tui.model.monitor import Monitor
from tui.model.rows import State
from tui.model.run import Run as ModelRun
from tui.paint.canvas import Row, Run, clean, fit, measure
from tui.paint.numbers import count, duration_ns, percent, rate
from tui.session.messages import RecordTuple
from tui.themes import glyph

from .pane import LazyRows, Pane

_SECOND = 1_000_000_000
#: Records come in order of time, but for a few that stand so near.
_AROUND = 2_000
#: From so many cells on there is room for a text beside all the columns.
_WIDE = 110


class EventsPane(Pane):
    """The ring of records on a line widget of our own. It follows the newest unless paused."""

    number = 3
    has_cursor: ClassVar[bool] = True

    def rows(self, monitor: Monitor, width: int, height: int) -> Sequence[Row]:
        """A row per record, made when it is asked for."""
        view = monitor.log.view
        if not monitor.log.paused:
            self.cursor = max(0, len(view) - 1)
            self.top = max(0, len(view) - height)
        else:  # the chosen one stays in sight when there is less room
            self.top = max(min(self.top, self.cursor), self.cursor - height + 1)
        if not view:
            return (((" no events yet", ("muted",)),),)
        return LazyRows(view, partial(event_row, monitor, width=width, ascii=self.ascii))

    def title(self, monitor: Monitor) -> str:
        """The rate, what was kept of it, and whether the view stands still."""
        events = monitor.log
        if events.paused:
            return f"PAUSED +{events.missed:,} new"
        every = monitor.run.every
        traced = f"  1 in {every} jobs traced" if every > 1 else ""
        return f"{rate(monitor.run.rate.per_second)}/s  kept {percent(monitor.kept)}{traced}"

    @property
    def shows_cursor(self) -> bool:
        """Also while it stands still: other panes are about that record then."""
        return self.has_focus or (self._monitor is not None and self._monitor.log.paused)

    @property
    def chosen(self) -> RecordTuple | None:
        """The record under the cursor; while it follows, the newest."""
        view = self._monitor.log.view if self._monitor is not None else ()
        return view[self.cursor] if 0 <= self.cursor < len(view) else None

    def go_to(self, time: int, sequence: int = 0) -> None:
        """Stand still at a record, or at the last one that is not after a time."""
        if self._monitor is None:
            return
        if not self._monitor.log.paused:
            self._monitor.log.pause()
        view = self._monitor.log.view
        place = max(0, bisect_right(view, time, key=itemgetter(log.TIME)) - 1)
        if sequence:
            around = range(max(0, place - _AROUND), min(len(view), place + _AROUND))
            place = next((n for n in around if view[n][log.SEQUENCE] == sequence), place)
        self.cursor = place
        height = self.content_size.height
        if not self.top <= place < self.top + height:
            self.top = max(0, place - height // 2)
        self.redraw()

    def toggle_pause(self) -> None:
        """Freeze the view, or come back to the newest."""
        if self._monitor is None:
            return
        if self._monitor.log.paused:
            self._monitor.log.resume()
        else:
            self._monitor.log.pause()
        self.redraw()

    def follow(self) -> None:
        """Show the newest, and go on doing so."""
        if self._monitor is not None:
            self._monitor.log.resume()
        self.redraw()

    def move(self, lines: int) -> None:
        """Any move up leaves the newest, which freezes the view: rows must not slip away."""
        if self._monitor is not None and not self._monitor.log.paused and lines < 0:
            self._monitor.log.pause()
        super().move(lines)

    def go_to_edge(self, direction: int) -> None:
        """The last row means following again."""
        if direction > 0:
            self.follow()
        else:
            super().go_to_edge(direction)


def event_row(monitor: Monitor, record: RecordTuple, width: int, *, ascii: bool = False) -> Row:
    """One record as a line: when, who, what, how long, and what it carried."""
    run = monitor.run_of(record[log.GENERATION])
    seconds = (record[log.TIME] - run.origin) / _SECOND
    when: Run = (f" {seconds:9.3f} ", ("muted",))
    if record[log.KIND] == log.RULE:
        dash = "-" if ascii else "─"
        text = f"{dash * 2} generation {record[log.GENERATION]} ".ljust(max(0, width - 11), dash)
        return ((" " * 11, ("muted",)), (text, ("accent",)))
    label = run.lane_label(record[log.WORKER]).partition(" ")[0]
    worker: Run = (f"{fit(label, 4)} ", ("muted",))
    narrow = width < 70
    room = max(12, min(46, width - (30 if narrow else 37)))
    text = clean(monitor.log.text(record))
    if width < _WIDE and record[log.KIND] in (Kind.STAT, Kind.LINE):  # the text is all of it
        what = _beside(run, record)
        return (when, worker, (f"{clean(what)} ", ("muted",)), (text, ("text",)))
    middle = _what(run, record, room, narrow=narrow, ascii=ascii)
    ident: Run = ("" if narrow else f"#{count(record[log.SEQUENCE]):<5} ", ("muted",))
    if record[log.KIND] == Kind.ACTIVATION and record[log.STATUS] == Status.RETRIED:
        text = f"again: {text}"
    return (when, worker, *middle, ident, (text, ("text",)))


def _what(
    run: ModelRun, record: RecordTuple, room: int, *, narrow: bool, ascii: bool
) -> Sequence[Run]:
    """What happened, as wide as a name of ``room`` cells and two times."""
    match record[log.KIND]:
        case Kind.ACTIVATION:
            return _activation(run, record, room, narrow=narrow, ascii=ascii)
        case Kind.EMIT:
            name = f"{run.event_name(record[log.SUBJECT])}>-"
            return _worded(name, "no slot", room, "muted")
        case Kind.WAITING:
            timer = run.is_timer(record[log.SUBJECT])
            word = "timer set" if timer else "retry waits"
            return _worded(_edge(run, record[log.SUBJECT], room), word, room, "muted")
        case Kind.STAT | Kind.LINE:
            return _worded(_beside(run, record), "", room, "muted")
        case Kind.WORKER_UP | Kind.WORKER_DOWN:
            word = "began" if record[log.KIND] == Kind.WORKER_UP else "ended"
            return _worded(f"thread {word}", "", room, "muted")
        case Kind.DROPPED:
            return _worded(_edge(run, record[log.SUBJECT], room), "dropped", room, "warn")
        case _:
            word, role = _job(record)
            return [(fit(f"job {record[log.JOB]} {word}", room + 15), (role,))]


def _activation(
    run: ModelRun, record: RecordTuple, room: int, *, narrow: bool, ascii: bool
) -> Sequence[Run]:
    wait = duration_ns(record[log.STARTED] - record[log.QUEUED])
    took = duration_ns(record[log.TIME] - record[log.STARTED])
    mark, role = _MARKS.get(record[log.STATUS], ("", "text"))
    if record[log.STATUS] == Status.RETRIED:
        mark = glyph(State.RETRY, ascii=ascii)
        wait = "again" if narrow else wait  # there is no room to say why, but to say that
    return [
        (fit(_edge(run, record[log.SUBJECT], room), room), (role,)),
        (f" {mark:<2}", (role,)),
        (f"{wait:>5} {took:>5} ", ("muted",)),
    ]


def _worded(name: str, word: str, room: int, role: str) -> Sequence[Run]:
    return [(fit(name, room), (role,)), (f"   {word:<11} ", (role,))]


def _beside(run: ModelRun, record: RecordTuple) -> str:
    """What a handler did beside emitting; a line, or what is no number, is the record's text."""
    if record[log.KIND] == Kind.LINE:
        return _LINES.get(record[log.SUBJECT], "line")
    name, value = run.stat_name(record[log.SUBJECT]), record[log.VALUE]
    if record[log.STATUS] == Status.FORGOTTEN:
        return f"{name} reset"
    if record[log.STATUS] == Status.NO_NUMBER:
        return f"{name} ="
    return f"{name} = {value:,.6g}" if isinstance(value, float) else f"{name} = {value:,}"


def _job(record: RecordTuple) -> tuple[str, str]:
    """What became of a job, as a word, and the role of its line."""
    if record[log.KIND] == Kind.JOB_ENDED:
        return _ENDS.get(record[log.STATUS], ("ended", "text"))
    return _JOBS.get(record[log.KIND], ("?", "text"))


_MARKS: dict[int, tuple[str, str]] = {Status.FAILED: ("x", "bad"), Status.RETRIED: ("", "warn")}
_ENDS: dict[int, tuple[str, str]] = {
    Status.OK: ("completed", "good"),
    Status.FAILED: ("failed", "bad"),
    Status.CANCELLED: ("ended, cancelled", "warn"),
}
_LINES: dict[int, str] = {Line.OUT: "printed", Line.ERR: "wrote to stderr", Line.LOG: "logged"}
_JOBS: dict[int, tuple[str, str]] = {
    Kind.JOB_STARTED: ("started", "accent"),
    Kind.JOB_PAUSED: ("paused", "accent"),
    Kind.JOB_RESUMED: ("resumed", "accent"),
    Kind.JOB_CANCELLED: ("cancelled", "warn"),
}


def _edge(run: ModelRun, number: int, room: int) -> str:
    """With its ports if they fit: who sent it to whom tells more than half a name."""
    name = run.edge_name(number)
    return name if measure(name) <= room else run.edge_short(number)
