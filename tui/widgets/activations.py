"""The activations of one routine, its statistics, and the stack of one that runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tui.model.detail import ActivationRow, OwnStat, activations, own_stats
from tui.model.monitor import Monitor
from tui.model.rows import Key, State
from tui.model.table import Table
from tui.paint.bars import sparkline
from tui.paint.canvas import Row, Run, clean, fit, measure, tail
from tui.paint.numbers import duration_ns, rate
from tui.session.messages import Answer, AskStack
from tui.themes import glyph

from .box import Box, TableBox
from .choice import Choice, of_edge, of_routine, of_stat
from .pane import LazyRows
from .stats import value_text

_SECOND = 1_000_000_000
#: Changed within so many nanoseconds is just now.
_JUST = 50_000_000
_TREND = 16
_FIXED = 55  # cells of an activation before its cause
_LEAST = 9  # with a blank, of what it was about
_ROLES = {"failed": "bad", "retried": "news", "cancelled": "warn", "running": "good"}
_SIGNS = {"failed": State.FAILED, "retried": State.RETRY, "running": State.RUNNING}


class _Columns(NamedTuple):
    """How wide each column of the statistics is; 0: it is left out."""

    name: int
    value: int
    growth: int
    trend: int
    writer: int

    @classmethod
    def of(cls, stats: Sequence[OwnStat], width: int) -> _Columns:
        """The name comes first, then who wrote it, then growth and trend."""
        name = min(24, max(measure(stat.name) for stat in stats))
        value = max(measure(value_text(stat.value)) for stat in stats)
        writer = max(measure(stat.writer) for stat in stats)
        left = width - name - value - 6
        growth = 9 if left >= writer + 9 else 0
        trend = _TREND if left - growth >= writer + 10 + _TREND else 0
        return cls(max(6, min(name, width - value - 6)), value, growth, trend,
                   max(0, left - growth - (trend + 2 if trend else 0)))  # fmt: skip


def _by(stat: OwnStat) -> str:
    """Who changed it last, and how long ago."""
    if not stat.writer or stat.since_ns is None:
        return stat.writer
    return (
        f"{stat.writer}, {duration_ns(stat.since_ns)} ago"
        if stat.since_ns > _JUST
        else (f"{stat.writer}, just now")
    )


class OwnStatsBox(TableBox):
    """The statistics of the routine: value, growth, and which activation wrote it when."""

    label = "Stats"
    ident = "own-stats"
    heading = 0

    def __init__(self) -> None:
        super().__init__()
        self.key: Key | None = None

    def title(self, monitor: Monitor) -> str:
        """How to read the marks."""
        return "^ just changed"

    def rows(self, monitor: Monitor, width: int, height: int) -> Sequence[Row]:
        """A row per statistic."""
        stats = own_stats(monitor.run, self.key) if self.key is not None else []
        if not stats:
            return (self.hint("no statistics"),)
        self.keep([stat.name for stat in stats])
        columns = _Columns.of(stats, width)
        return [self._row(stat, line, columns) for line, stat in enumerate(stats)]

    def _row(self, stat: OwnStat, line: int, columns: _Columns) -> Row:
        value = value_text(stat.value)
        by = _by(stat)
        if measure(by) > columns.writer:
            by = stat.writer
        growth = f"+{rate(stat.rate)}/s" if stat.rate else ""
        picture = sparkline(stat.values, columns.trend, ascii=self.ascii) if columns.trend else ""
        return (
            self.marker(line),
            (f"{fit(stat.name, columns.name)} ", ("text",)),
            (" " * (columns.value - measure(value)) + value, ("strong",)),
            (f" {growth:>8}" if columns.growth else "", ("good",)),
            (" ^ " if stat.changed else "   ", ("accent",)),
            (f"{picture}  " if picture else "", ("line",)),
            (fit(by, columns.writer), ("muted",)),
        )

    def link(self, monitor: Monitor) -> Choice:
        """The chosen statistic, or at least the routine."""
        run, chosen = monitor.run, self.chosen
        if chosen is None or self.key is None:
            return of_routine(run, self.key)
        return of_stat(run, self.key, f"{run.routine_name(self.key)}.{chosen}")

    @property
    def chosen(self) -> str | None:
        """The statistic under the cursor."""
        found = self.ident_at_cursor
        return found if isinstance(found, str) else None

    def table(self, monitor: Monitor) -> Table | None:
        """The statistics with their last writers."""
        if self.key is None:
            return None
        header = ("statistic", "value", "per second", "ns since change", "last writer")
        stats = own_stats(monitor.run, self.key)
        rows = [(s.name, s.value, s.rate, s.since_ns, s.writer) for s in stats]
        return Table(f"{monitor.run.routine_name(self.key)}-stats", header, rows)


class ActivationsBox(TableBox):
    """What runs now, then the newest that have ended."""

    label = "Activations"
    ident = "activations"

    def __init__(self) -> None:
        super().__init__()
        self.key: Key | None = None
        self._shown: list[ActivationRow] = []

    def title(self, monitor: Monitor) -> str:
        """How many are known, and the way to the stack."""
        now = sum(row.state == "running" for row in self._shown)
        return f"{now} now, {len(self._shown) - now} ended  K stack"

    def rows(self, monitor: Monitor, width: int, height: int) -> Sequence[Row]:
        """A row per activation."""
        self._shown = activations(monitor, self.key) if self.key is not None else []
        self.keep([_ident(row) for row in self._shown])
        if not self._shown:
            return (self.hint("none has been seen"),)
        # A few letters of what it was about say nothing: then the cause has the room.
        left, longest = width - _FIXED, max(5, *(measure(row.cause) for row in self._shown))
        told = left >= 12 + _LEAST
        cause = min(longest, 30, left - _LEAST) if told else max(5, left - 1)
        head = f"  {'ID':<8}{'WORKER':<8}{'START':>9} {'WAIT':>6} {'RUN':>6}  {'STATE':<12}"
        what = "WHAT" if told else ""
        heading: Row = ((f"{head}{fit('CAUSE', cause)} {what}", ("muted",)),)
        origin, shown = monitor.run.origin, self._shown

        def paint(line: int) -> Row:
            return self._row(shown[line - 1], line, origin, cause) if line else heading

        return LazyRows(range(len(shown) + 1), paint)

    def _row(self, row: ActivationRow, line: int, origin: int, cause: int) -> Row:
        role = _ROLES.get(row.state, "text")
        ident = f"#{row.number}" if row.number is not None else ""
        state = _SIGNS.get(row.state)
        sign = glyph(state, ascii=self.ascii) if state is not None else " "
        return (
            self.marker(line),
            (f"{fit(ident, 7)} {fit(row.worker.partition(' ')[0], 7)} ", ("muted",)),
            (f"{(row.begun - origin) / _SECOND:9.3f} ", ("text",)),
            (f"{duration_ns(row.wait):>6} {duration_ns(row.took):>6}  ", ("text",)),
            (f"{sign} {row.state:<9} ", (role,)),
            (f"{fit(row.cause, cause)} ", ("muted",)),
            (clean(row.text), (role,) if row.state != "ok" else ("text",)),
        )

    def link(self, monitor: Monitor) -> Choice:
        """The chosen activation: the connection over which it came."""
        row = next((r for r in self._shown if _ident(r) == self.ident_at_cursor), None)
        return of_edge(monitor.run, row.edge) if row is not None else Choice()

    @property
    def chosen(self) -> ActivationRow | None:
        """The activation under the cursor."""
        return next((r for r in self._shown if _ident(r) == self.ident_at_cursor), None)

    @property
    def running(self) -> ActivationRow | None:
        """What runs and is chosen, else what has run longest."""
        now = [row for row in self._shown if row.state == "running"]
        chosen = [row for row in now if _ident(row) == self.ident_at_cursor]
        return next(iter(chosen or now), None)

    def table(self, monitor: Monitor) -> Table | None:
        """All that are known, times in nanoseconds."""
        if self.key is None:
            return None
        header = ("id", "worker", "start_ns", "wait_ns", "run_ns", "state", "cause", "what")
        origin = monitor.run.origin
        rows = [
            (r.number, r.worker, r.begun - origin, r.wait, r.took, r.state, r.cause, r.text)
            for r in activations(monitor, self.key)
        ]
        return Table(f"{monitor.run.routine_name(self.key)}-activations", header, rows)


def _ident(row: ActivationRow) -> object:
    """What is not traced is told from others by the thread that runs it."""
    return row.activation or (row.lane, row.edge, row.number)


class StackBox(Box):
    """The Python stack of one activation, the outermost frame first; asked for at each look."""

    label = "Stack"
    ident = "stack"

    def __init__(self) -> None:
        super().__init__()
        self.asks: AskStack | None = None
        self.said = ""
        self.answer: Answer | None = None

    def open(self, asks: AskStack | None, said: str = "") -> None:
        """Be about what this asks for; None: about none, because of what is ``said``."""
        self.asks, self.said, self.answer = asks, said, None
        self.top = 0
        self.redraw()

    def take(self, answer: Answer | None) -> None:
        """What the engine said. A stack that was there stays, for it says where it was last."""
        if answer is None:
            self.said = "the engine process does not answer"
        elif answer.refused:
            self.said = answer.text
            if answer.text.startswith("it has ended"):
                self.asks = None  # there is nothing more to ask
        else:
            self.said, self.answer = "", answer
        self.redraw()

    def title(self, monitor: Monitor) -> str:
        """Where it runs, and since when."""
        answer = self.answer
        if answer is None:
            return ""
        since = duration_ns(max(0, monitor.run.now - answer.began_ns))
        for_ = f"for {since}" if answer.began_ns else "not traced: what runs there now"
        return f"{clean(answer.thread)}  {'' if self.said else for_}"

    def rows(self, monitor: Monitor, width: int, height: int) -> Sequence[Row]:
        """A line that says how things are, then two lines for each frame."""
        frames = self.answer.stack if self.answer is not None else ()
        lines: list[Row] = []
        if self.said:
            lines.append(((f" {clean(self.said)}", ("warn",)),))
        if not frames and not self.said:
            lines.append(((" asking ...", ("muted",)),))
        elif frames:
            said = "this is where it was last" if self.said else "innermost frame last"
            lines.append(((f" {said}", ("muted",)),))
        for frame in frames:
            lines.extend(_frame(frame.file, frame.line, frame.function, frame.text, width))
        return lines

    def link(self, monitor: Monitor) -> Choice:
        """The innermost frame whose file is known."""
        frames = self.answer.stack if self.answer is not None else ()
        frame = next((f for f in reversed(frames) if f.file), None)
        found = of_edge(monitor.run, self.asks.edge) if self.asks is not None else Choice()
        if frame is None:
            return found
        return found._replace(file=frame.file, line=frame.line, cls="", handler="")

    def table(self, monitor: Monitor) -> Table | None:
        """The frames."""
        if self.answer is None:
            return None
        rows = [(f.file, f.line, f.function, f.text) for f in self.answer.stack]
        return Table("stack", ("file", "line", "function", "source"), rows)


def _frame(file: str, line: int, function: str, text: str, width: int) -> Iterable[Row]:
    where = f"{tail(file.rpartition('/')[2], 30)}:{line}" if file else ""
    head: Run = (f" {fit(function, max(8, width - measure(where) - 3))} ", ("strong",))
    yield (head, (where, ("accent",)))
    if text:
        yield ((f"   {clean(text)}", ("text",)),)
