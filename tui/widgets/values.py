"""The boxes of the screen of statistics: the list, the chart, the histogram of a routine."""

from __future__ import annotations

from collections.abc import Sequence

from tui.model.detail import WINDOWS, LatencyRow, bin_rows, latency
from tui.model.history import SECOND
from tui.model.monitor import Monitor
from tui.model.rows import Key, StatRow
from tui.model.run import Run as ModelRun
from tui.model.stats import Charted, Ident
from tui.model.table import Table
from tui.paint.canvas import Row, fit, measure
from tui.paint.numbers import count, duration_ns, rate
from tui.paint.plot import AXIS, number, plot

from .box import Box, TableBox
from .choice import Choice, of_stat
from .detail import shapes
from .stats import value_text

#: Marks of the lines in a chart: which is which is told without colour.
MARKS = ("a", "b")


def stat_name(row: StatRow) -> str:
    """The name by which a statistic is charted."""
    return f"{row.routine}.{row.name}"


def charted(run: ModelRun, chart: Charted) -> list[tuple[str, Ident | None]]:
    """The statistics in the chart, with where they are in this generation."""
    known = {stat_name(row): (row.key, row.name) for row in run.stats()}
    return [(name, known.get(name)) for name in chart.names]


class ValuesBox(TableBox):
    """Every statistic; those in the chart have its mark."""

    label = "Statistics"
    ident = "values-list"

    def __init__(self, chart: Charted) -> None:
        super().__init__()
        self._chart = chart
        self._shown: list[StatRow] = []

    def title(self, monitor: Monitor) -> str:
        """How many there are."""
        return f"{len(self._shown)}  Enter chart" if self._shown else ""

    def rows(self, monitor: Monitor, width: int, height: int) -> Sequence[Row]:
        """A row per statistic."""
        self._shown = monitor.run.stats()
        self.keep([stat_name(row) for row in self._shown])
        if not self._shown:
            return (self.hint("no statistics yet: routines keep them by set_stat"),)
        values = max(5, *(measure(value_text(row.value)) for row in self._shown))
        growth = 8 if width - values >= 34 else 0
        name = max(8, width - values - growth - 8)
        head = f"    {fit('STATISTIC', name)} {'VALUE':>{values}}{'GROWTH':>{growth}}"
        lines: list[Row] = [((head if growth else head[: 5 + name + values], ("muted",)),)]
        for line, row in enumerate(self._shown, 1):
            lines.append(self._row(row, line, name, values, growth))
        return lines

    def _row(self, row: StatRow, line: int, name: int, values: int, growth: int) -> Row:
        full, value = stat_name(row), value_text(row.value)
        charted = full in self._chart.names
        mark = MARKS[self._chart.names.index(full)] if charted else " "
        tag = ("series", self._chart.names.index(full)) if charted else ("muted",)
        grown = f"+{rate(row.rate)}/s" if row.rate else ""
        return (
            self.marker(line),
            (f"{mark} ", tag),
            (f"{fit(full, name)} ", ("text",)),
            (" " * (values - measure(value)) + value, ("strong",)),
            (f"{grown:>{growth}}" if growth else "", ("good",)),
            (" ^" if row.changed else "  ", ("accent",)),
        )

    def link(self, monitor: Monitor) -> Choice:
        """The chosen statistic."""
        row = self.chosen
        return of_stat(monitor.run, row.key, stat_name(row)) if row is not None else Choice()

    @property
    def chosen(self) -> StatRow | None:
        """The statistic under the cursor."""
        return next((r for r in self._shown if stat_name(r) == self.ident_at_cursor), None)

    def choose(self, name: str) -> None:
        """Let the cursor stand on this one."""
        names = [stat_name(row) for row in self._shown]
        if name in names:
            self.move(names.index(name) + 1 - self.cursor)

    def table(self, monitor: Monitor) -> Table | None:
        """All of them."""
        header = ("routine", "statistic", "value", "per second")
        rows = [(row.routine, row.name, row.value, row.rate) for row in monitor.run.stats()]
        return Table("statistics", header, rows)


class ChartBox(Box):
    """The statistics in the chart over the last two minutes, each with an axis of its own."""

    label = "Chart"
    ident = "chart"

    def __init__(self, chart: Charted) -> None:
        super().__init__()
        self._chart = chart
        self.as_rate = False

    def title(self, monitor: Monitor) -> str:
        """What is drawn."""
        return "growth per second  v values" if self.as_rate else "values  v growth"

    def _series(self, run: ModelRun) -> list[tuple[str, list[float | None]]]:
        history = run.stat_history
        read = history.rates if self.as_rate else history.values
        return [
            (name, read(ident) if ident is not None else [None] * len(history.times))
            for name, ident in charted(run, self._chart)
        ]

    def rows(self, monitor: Monitor, width: int, height: int) -> Sequence[Row]:
        """The chart, a legend below it, and the time."""
        series = self._series(monitor.run)
        if not series:
            hints = ("Enter charts the chosen statistic,", "a second one on its own axis;")
            return tuple(((f"  {hint}", ("muted",)),) for hint in (*hints, "v shows growth"))
        legend = [self._legend(n, name, values, width) for n, (name, values) in enumerate(series)]
        times = list(monitor.run.stat_history.times)
        room = height - len(legend) - 1
        if room < 2:
            return legend
        lines = {n: values for n, (_, values) in enumerate(series) if _some(values)}
        picture = plot(lines, width, room, marks=MARKS, ascii=self.ascii)
        return [*picture, self._time(times, width, max(1, len(lines))), *legend]

    def _legend(self, place: int, name: str, values: Sequence[float | None], width: int) -> Row:
        known = _some(values)
        unit = "/s" if self.as_rate else ""
        last = number(values[-1] if values else None)
        span = f" {last}{unit}"
        if known:
            span += f"   least {number(min(known))}  most {number(max(known))}"
        else:
            span = " no number" if values else " nothing yet"
        room = max(8, width - measure(span) - 4)
        title = fit(name, min(measure(name), room))
        return ((f" {MARKS[place]} ", ("series", place)), (title, ("strong",)), (span, ("text",)))

    def _time(self, times: Sequence[int], width: int, axes: int) -> Row:
        seconds = (times[-1] - times[0]) / SECOND if len(times) > 1 else 0.0
        room = width - AXIS * axes
        since = f"-{seconds:.0f} s"
        between = max(1, room - len(since) - 3)
        return ((" " * AXIS, ("muted",)), (f"{since}{' ' * between}now", ("axis",)))

    def table(self, monitor: Monitor) -> Table | None:
        """The points of the lines, by seconds since the code began to run."""
        run = monitor.run
        series = self._series(run)
        if not series:
            return None
        unit = " per second" if self.as_rate else ""
        header = ("seconds", *(f"{name}{unit}" for name, _ in series))
        seconds = [round((time - run.origin) / SECOND, 3) for time in run.stat_history.times]
        rows = list(zip(seconds, *(values for _, values in series), strict=True))
        return Table("chart", header, rows)


def _some(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None]


class HistogramBox(Box):
    """How long the routine of the chosen statistic waits and runs, as histograms."""

    label = "Run and wait times"
    ident = "histogram"

    def __init__(self) -> None:
        super().__init__()
        self.key: Key | None = None
        self.window = 0

    def next_window(self) -> None:
        """Look at the next window."""
        self.window = (self.window + 1) % len(WINDOWS)
        self.redraw()

    def title(self, monitor: Monitor) -> str:
        """Whose they are, and when."""
        name = monitor.run.routine_name(self.key) if self.key is not None else ""
        return f"{name}  W: {WINDOWS[self.window]}"

    def _times(self, run: ModelRun) -> list[LatencyRow]:
        gauge = run._routines.get(self.key) if self.key is not None else None
        rows = latency(gauge) if gauge is not None else ()
        return [row for row in rows if row.window == WINDOWS[self.window]]

    def rows(self, monitor: Monitor, width: int, height: int) -> Sequence[Row]:
        """The two pictures over one scale, with the percentiles."""
        rows = self._times(monitor.run)
        if not rows:
            return (((" no routine is chosen", ("muted",)),),)
        if not any(row.samples for row in rows):
            said = f" no call was timed within {WINDOWS[self.window]}: W looks further back"
            return (((said.replace(" within all: W looks further back", " yet"), ("muted",)),),)
        lines: list[Row] = []
        for place, row in enumerate(rows):
            times = [duration_ns(row.times[share]) for share in (0, 2, 4)]
            text = f"p50 {times[0]:<5} p99 {times[1]:<5} max {times[2]:<5}"
            calls = f"  {count(row.samples)} timed" if width >= 50 else ""
            lines.append(((f" {row.what:<5}", ("series", place)), (text + calls, ("text",))))
        return shapes(rows, width, height - len(lines), ascii=self.ascii) + lines

    def table(self, monitor: Monitor) -> Table | None:
        """The bins: from, to (ns), calls that ran so long, calls that waited so long."""
        rows = self._times(monitor.run)
        if not rows or self.key is None:
            return None
        header = ("from_ns", "to_ns", *(row.what for row in rows))
        cells = bin_rows([row.bins for row in rows])
        return Table(f"{monitor.run.routine_name(self.key)}-histogram", header, cells)
