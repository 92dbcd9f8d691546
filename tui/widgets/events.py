"""Pane 3: the event log. Follows the newest, or stands still while recording goes on."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from routilux.records import Kind, Status
from tui.model import log
from tui.model.monitor import Monitor
from tui.model.run import Run as ModelRun
from tui.paint.canvas import Row, Run, clean, fit, measure
from tui.paint.numbers import count, duration_ns, percent, rate
from tui.session.messages import RecordTuple

from .pane import LazyRows, Pane

_SECOND = 1_000_000_000


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
        if not view:
            return (((" no events yet", ("muted",)),),)
        return LazyRows(view, partial(event_row, monitor, width=width, ascii=self.ascii))

    def title(self, monitor: Monitor) -> str:
        """The rate, what was kept of it, and whether the view stands still."""
        events = monitor.log
        if events.paused:
            return f"PAUSED +{events.missed:,} new"
        return f"{rate(monitor.run.rate.per_second)}/s  kept {percent(monitor.kept)}"

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
    worker: Run = (f"{fit(run.lane_label(record[log.WORKER]), 4)} ", ("muted",))
    narrow = width < 70
    room = max(12, min(46, width - (30 if narrow else 37)))
    match record[log.KIND]:
        case Kind.ACTIVATION:
            name = _edge(run, record[log.SUBJECT], room)
            wait = record[log.STARTED] - record[log.QUEUED]
            took = record[log.TIME] - record[log.STARTED]
            failed = record[log.STATUS] == Status.FAILED
            mark: Run = ("x " if failed else "  ", ("bad",))
            middle: list[Run] = [
                (fit(name, room), ("bad",) if failed else ("text",)),
                (" ", ("text",)),
                mark,
                (f"{duration_ns(wait):>5} {duration_ns(took):>5} ", ("muted",)),
            ]
        case Kind.EMIT:
            name = f"{run.event_name(record[log.SUBJECT])}>-"
            middle = [(fit(name, room), ("muted",)), (f"   {'no slot':<11} ", ("muted",))]
        case Kind.JOB_STARTED:
            middle = [(fit(f"job {record[log.JOB]} started", room + 15), ("accent",))]
        case Kind.JOB_ENDED:
            failed = record[log.STATUS] == Status.FAILED
            word = f"job {record[log.JOB]} {'failed' if failed else 'completed'}"
            tag = ("bad",) if failed else ("good",)
            middle = [(fit(word, room + 15), tag)]
        case _:
            name = _edge(run, record[log.SUBJECT], room)
            middle = [(fit(name, room), ("warn",)), (f"   {'dropped':<11} ", ("warn",))]
    ident: Run = ("" if narrow else f"#{count(record[log.SEQUENCE]):<5} ", ("muted",))
    return (when, worker, *middle, ident, (clean(monitor.log.text(record)), ("text",)))


def _edge(run: ModelRun, number: int, room: int) -> str:
    """With its ports if they fit: who sent it to whom tells more than half a name."""
    name = run.edge_name(number)
    return name if measure(name) <= room else run.edge_short(number)
