"""Pane 6: the statistics of every routine, with how fast they grow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from tui.model.monitor import Monitor
from tui.model.rows import StatRow
from tui.paint.canvas import Row, clean, fit, measure
from tui.paint.numbers import count, rate
from tui.query.rows import stats_table
from tui.query.table import Table

from .choice import Choice, of_stat
from .filtered import FilteredPane

_LONGEST = 16  # cells of a value that is a text
_LEAST_NAME = 18  # with less room for names the growth is left out


class StatsPane(FilteredPane):
    """``routine.name  value  +rate/s``; ``^`` marks what changed within the last second."""

    number = 6
    has_cursor: ClassVar[bool] = True

    def table(self, monitor: Monitor) -> Table[StatRow]:
        """What a filter may say of statistics."""
        return stats_table()

    def everything(self, monitor: Monitor) -> Sequence[StatRow]:
        """Every statistic."""
        return monitor.run.stats()

    def rows(self, monitor: Monitor, width: int, height: int) -> Sequence[Row]:
        """A row per statistic."""
        rows = self.filtered(monitor, monitor.run.stats())
        if not rows:
            return self.nothing("no stats yet")
        shown = [_texts(row) for row in rows]
        widths = tuple(max(map(measure, column)) for column in zip(*shown, strict=True))
        longest = max(measure(f"{row.routine}.{row.name}") for row in rows)
        if width - sum(widths) - 6 < min(longest, _LEAST_NAME):
            shown = [(value, "") for value, _ in shown]
            widths = (widths[0], 0)
        return [_row(row, texts, widths, width) for row, texts in zip(rows, shown, strict=True)]

    def parts(self, monitor: Monitor) -> Sequence[str]:
        """How many there are, and the one that grows most."""
        found = self.filtered(monitor, monitor.run.stats())
        grows = [row for row in found if row.rate]
        if not grows:
            return (self.title(monitor) or "none yet",)
        most = max(grows, key=lambda row: row.rate or 0.0)
        return (self.title(monitor), f"{most.routine}.{most.name} {' '.join(_texts(most))}")

    def chosen(self, monitor: Monitor) -> StatRow | None:
        """The statistic under the cursor."""
        test = self.test(monitor)
        rows = [row for row in monitor.run.stats() if test is None or test(row)]
        return rows[self.cursor] if self.cursor < len(rows) else None

    def link(self, monitor: Monitor) -> Choice:
        """The chosen statistic."""
        row = self.chosen(monitor)
        if row is None:
            return Choice()
        return of_stat(monitor.run, row.key, f"{row.routine}.{row.name}")

    def title(self, monitor: Monitor) -> str:
        """How many there are."""
        return self.filter_title() or (str(self._total) if self._total else "")


def value_text(value: int | float | str) -> str:
    """The value of a statistic in a few cells."""
    if isinstance(value, str):
        return fit(clean(value), min(measure(value), _LONGEST))
    if isinstance(value, int):
        return f"{value:,}" if abs(value) < 10_000_000 else count(value)
    return f"{value:.6g}"


def _texts(row: StatRow) -> tuple[str, str]:
    return value_text(row.value), f"+{rate(row.rate)}/s" if row.rate else ""


def _row(row: StatRow, texts: tuple[str, str], widths: tuple[int, ...], width: int) -> Row:
    """The name gets what the numbers leave; in a tight pane the routine's part is cut first."""
    (value, growth), (values, growths) = texts, widths
    room = max(8, width - values - growths - 6)
    name = f"{row.routine}.{row.name}"
    if measure(name) > room:
        name = f"{fit(row.routine, max(2, room - measure(row.name) - 1))}.{row.name}"
    return (
        (f" {fit(name, room)} ", ("text",)),
        (" " * (values - measure(value)) + value, ("strong",)),
        (f" {growth:>{growths}}", ("good",)),
        (" ^" if row.changed else "  ", ("accent",)),
    )
