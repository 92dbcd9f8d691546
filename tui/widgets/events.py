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
from tui.model.stream import Entry, Stream
from tui.model.synthetic import SIGN, WORDS, is_synthetic
from tui.paint.canvas import Row, Run, clean, fit, measure
from tui.paint.numbers import count, duration_ns, percent, rate
from tui.query.compiling import patience
from tui.query.records import events_table
from tui.query.table import Table
from tui.session.messages import RecordTuple
from tui.themes import glyph

from .choice import Choice, of_record
from .filtered import FilteredPane
from .pane import LazyRows

_SECOND = 1_000_000_000
#: Records come in order of time, but for a few that stand so near.
_AROUND = 2_000
#: From so many cells on there is room for a text beside all the columns.
_WIDE = 110


class EventsPane(FilteredPane):
    """The ring of records on a line widget of our own. It follows the newest unless paused.

    Attributes:
        sought: the last filter, which can be gone through when it is not in use any more.
    """

    number = 3
    has_cursor: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self._stream = Stream()
        self.sought = ""
        self._narrowed_by = ""
        self._marks: set[int] = set()  # positions: they mean the same record for ever

    def table(self, monitor: Monitor) -> Table[RecordTuple]:
        """What a filter may say of records."""
        return events_table(monitor)

    def everything(self, monitor: Monitor) -> Sequence[RecordTuple]:
        """Every record that is kept."""
        return monitor.log.view.copy()  # which stays as it is

    def rows(self, monitor: Monitor, width: int, height: int) -> Sequence[Row]:
        """A row per record, or per run of equal ones, made when it is asked for."""
        view, stream = monitor.log.view, self._stream
        test = self.test(monitor)
        if self.filter != self._narrowed_by:
            self._narrowed_by = self.filter
            stream.narrow(test)
        else:
            stream.retest(test)
        stream.update(view)
        self._kept, self._total = stream.kept, len(view)
        if not monitor.log.paused:
            self.cursor = max(0, len(stream) - 1)
            self.top = max(0, len(stream) - height)
        else:  # the chosen one stays in sight when there is less room
            self.top = max(min(self.top, self.cursor), self.cursor - height + 1)
        if not stream:
            return self.nothing("no events yet")
        return LazyRows(stream, partial(self._row, monitor, width))

    def _row(self, monitor: Monitor, width: int, entry: Entry) -> Row:
        row = event_row(monitor, entry, width, ascii=self.ascii)
        if entry.position not in self._marks:
            return row
        (when, _), *others = row
        return (("*", ("accent",)), (when[1:], ("accent",)), *others)

    def title(self, monitor: Monitor) -> str:
        """What the filter keeps, the rate, and whether the view stands still."""
        events = monitor.log
        shown = self.filter_title() + ("folded  " if self._stream.folds else "")
        if events.paused:
            return f"PAUSED +{events.missed:,} new  {shown}"
        every = monitor.run.every
        traced = f"  1 in {every} jobs traced" if every > 1 else ""
        pace = rate(monitor.run.rate.per_second)
        return f"{shown}{pace}/s  kept {percent(monitor.kept)}{traced}"

    # standing still -----------------------------------------------------------------------------

    @property
    def marks_cursor(self) -> bool:
        """Told without colour too, as in the tables; of an empty list there is none."""
        return self.record is not None

    @property
    def shows_cursor(self) -> bool:
        """Also while it stands still: other panes are about that record then."""
        return self.has_focus or (self._monitor is not None and self._monitor.log.paused)

    @property
    def record(self) -> RecordTuple | None:
        """The record under the cursor; while the newest is followed, that."""
        entry = self.chosen
        return entry.record if entry is not None else None

    def go_to_time(self, time: int, sequence: int = 0) -> None:
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
        self._stream.update(view)  # nothing has painted it, if another pane stands over this one
        self.cursor = max(0, self._stream.find(view.first + place))
        height = self.content_size.height
        if not self.top <= self.cursor < self.top + height:
            self.top = max(0, self.cursor - height // 2)
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
        if lines < 0:
            self._stop()
        super().move(lines)

    def go_to_edge(self, direction: int) -> None:
        """The last row means following again."""
        if direction > 0:
            self.follow()
        else:
            super().go_to_edge(direction)

    def _stop(self) -> None:
        """Freeze the view as it was last seen: more may have come since, and pushed rows up."""
        if self._monitor is None or self._monitor.log.paused:
            return
        entry = self.chosen
        self._monitor.log.pause()
        self.redraw()
        if entry is not None:
            self.go_to(entry.position)

    # what is chosen -----------------------------------------------------------------------------

    @property
    def chosen(self) -> Entry | None:
        """The line under the cursor; while the newest is followed, that."""
        last = len(self._stream) - 1
        following = self._monitor is None or not self._monitor.log.paused
        index = last if following else min(self.cursor, last)
        return self._stream[index] if index >= 0 else None

    def link(self, monitor: Monitor) -> Choice:
        """The chosen record; what is copied is its line as wide as it is, and its traceback."""
        entry = self.chosen
        if entry is None:
            return Choice()
        row = event_row(monitor, entry, _WIDE + 90, ascii=self.ascii)
        lines = ["".join(text for text, _ in row).strip(), monitor.log.error(entry.record)]
        return of_record(monitor, entry.record)._replace(text="\n".join(filter(None, lines)))

    def seek(self, direction: int, wanted: str) -> bool:
        """Go to the next line whose record a filter keeps; False: there is none.

        Raises:
            QueryError: it is no filter, or takes too long.
        """
        if self.chosen is None or self._monitor is None:
            return False
        patience.renew()
        test = self._compile(wanted, self._monitor)
        if test is None:
            return False
        self._stop()
        at = self.cursor + direction
        while 0 <= at < len(self._stream):
            if test(self._stream[at].record):
                self.move(at - self.cursor)
                return True
            at += direction
        return False

    def go_to_number(self, number: int) -> bool:
        """Go to the record of a number; False if it is not shown."""
        if self._monitor is None:
            return False
        view = self._monitor.log.view
        place = next((n for n in range(len(view)) if view[n][log.SEQUENCE] == number), None)
        if place is None or not self._stream.holds(view.first + place):
            return False
        self._stop()
        self.go_to(view.first + place)
        return True

    def stop_at_cursor(self) -> bool:
        """Freeze the view, so that what is chosen stays; False if that is no record."""
        entry = self.chosen
        if entry is None or entry.record[log.KIND] == log.RULE:
            return False
        self._stop()
        return True

    def go_to(self, position: int) -> None:
        """Put the cursor on the line of a record, or the last one before it."""
        self.move(self._stream.find(position) - self.cursor)

    def narrow(self, text: str) -> None:
        """Another filter; what is chosen stays so if it is still there."""
        entry = self.chosen
        self.sought = text.strip() or self.sought
        super().narrow(text)
        self._keep(entry)

    def toggle_fold(self) -> None:
        """Make equal neighbours one line, or show each."""
        entry = self.chosen
        self._stream.fold(not self._stream.folds)
        self.redraw()
        self._keep(entry)

    def _keep(self, entry: Entry | None) -> None:
        if entry is not None and self._monitor is not None and self._monitor.log.paused:
            self.go_to(entry.position)

    def toggle_mark(self) -> None:
        """Mark the chosen record, or take the mark away."""
        entry = self.chosen
        if entry is not None and self.stop_at_cursor():
            self._marks ^= {entry.position}
            self.redraw()

    def go_to_mark(self) -> bool:
        """Go to the next older mark, from the oldest to the newest; False if none is shown."""
        if self._monitor is not None:
            first = self._monitor.log.view.first
            self._marks = {mark for mark in self._marks if mark >= first}
        entry = self.chosen
        marks = sorted(mark for mark in self._marks if self._stream.holds(mark))
        if not marks or entry is None:
            return False
        self._stop()
        older = [mark for mark in marks if mark < entry.position - entry.times + 1]
        self.go_to(older[-1] if older else marks[-1])
        return True


def event_row(monitor: Monitor, entry: Entry, width: int, *, ascii: bool = False) -> Row:
    """A line of the list: when, who, what, how long, and what it carried."""
    record = entry.record
    run = monitor.run_of(record[log.GENERATION])
    seconds = (record[log.TIME] - run.origin) / _SECOND
    by_hand = is_synthetic(monitor, record)
    sign = SIGN if by_hand else " "
    when: Run = (f" {seconds:9.3f}{sign}", ("accent" if by_hand else "muted",))
    if record[log.KIND] == log.RULE:
        dash = "-" if ascii else "─"
        text = f"{dash * 2} generation {record[log.GENERATION]} ".ljust(max(0, width - 11), dash)
        return ((" " * 11, ("muted",)), (text, ("accent",)))
    label = run.lane_label(record[log.WORKER], record[log.TIME]).partition(" ")[0]
    worker: Run = (f"{fit(label, 4)} ", ("muted",))
    narrow = width < 70
    room = max(12, min(46, width - (30 if narrow else 37)))
    text = clean(monitor.log.text(record))
    if by_hand:
        text = f"{WORDS}  {text}"
    times = f" x{count(entry.times)}" if entry.times > 1 else ""
    if width < _WIDE and record[log.KIND] in (Kind.STAT, Kind.LINE):  # the text is all of it
        what = _beside(run, record)
        return (when, worker, (f"{clean(what)}{times} ", ("muted",)), (text, ("text",)))
    (name, tag), *others = _what(run, entry, room - len(times), narrow=narrow, ascii=ascii)
    ident: Run = ("" if narrow else f"#{count(record[log.SEQUENCE]):<5} ", ("muted",))
    if record[log.KIND] == Kind.ACTIVATION and record[log.STATUS] == Status.RETRIED:
        text = f"again: {text}"
    if times:
        text = f"in {duration_ns(record[log.TIME] - entry.since)}  {text}"
    return (when, worker, (name, tag), (times, ("accent",)), *others, ident, (text, ("text",)))


def _what(run: ModelRun, entry: Entry, room: int, *, narrow: bool, ascii: bool) -> Sequence[Run]:
    """What happened, as wide as a name of ``room`` cells and two times."""
    record = entry.record
    match record[log.KIND]:
        case Kind.ACTIVATION:
            return _activation(run, entry, room, narrow=narrow, ascii=ascii)
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
    run: ModelRun, entry: Entry, room: int, *, narrow: bool, ascii: bool
) -> Sequence[Run]:
    record = entry.record
    if entry.times > 1:  # the longest of all that are folded
        wait, took = duration_ns(entry.wait), duration_ns(entry.run)
    elif record[log.STARTED]:
        wait = duration_ns(record[log.STARTED] - record[log.QUEUED])
        took = duration_ns(record[log.TIME] - record[log.STARTED])
    else:  # of a job that is not traced only failures are told, without times
        wait = took = "-"
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


_MARKS: dict[int, tuple[str, str]] = {Status.FAILED: ("x", "bad"), Status.RETRIED: ("", "news")}
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
