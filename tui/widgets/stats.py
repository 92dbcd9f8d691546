"""Pane 6: the statistics of every routine, with how fast they grow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from tui.model.monitor import Monitor
from tui.model.rows import StatRow
from tui.paint.canvas import Row, Run, clean, fit
from tui.paint.numbers import count, rate

from .pane import Pane


class StatsPane(Pane):
    """``routine.name  value  +rate/s``; ``^`` marks what changed within the last second."""

    number = 6
    has_cursor: ClassVar[bool] = True

    def rows(self, monitor: Monitor, width: int, height: int) -> Sequence[Row]:
        """A row per statistic."""
        rows = monitor.run.stats()
        if not rows:
            return (((" no routine has set a stat yet", ("muted",)),),)
        return [_row(row, width) for row in rows]

    def title(self, monitor: Monitor) -> str:
        """How many there are."""
        total = len(monitor.run.stats())
        return str(total) if total else ""


def _row(row: StatRow, width: int) -> Row:
    value = _value(row.value)
    growth = f"+{rate(row.rate)}/s" if row.rate else ""
    room = max(8, width - 22)
    parts: list[Run] = [
        (" ", ("text",)),
        (fit(f"{row.routine}.{row.name}", room - 2), ("text",)),
        (f" {value:>9}" if len(value) <= 9 else f" {fit(value, 9)}", ("strong",)),
        (f" {growth:>8}", ("good",)),
        (" ^" if row.changed else "  ", ("accent",)),
    ]
    return tuple(parts)


def _value(value: float | str) -> str:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, int):
        return f"{value:,}" if abs(value) < 10_000_000 else count(value)
    return f"{value:.6g}"
