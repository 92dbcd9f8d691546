"""Pane 4: a swim lane for each thread that runs handlers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from tui.model.monitor import Monitor
from tui.model.rows import Key, LaneRow
from tui.paint.canvas import Row, Run, fit, measure
from tui.paint.lanes import lane
from tui.paint.numbers import count, duration_ns, percent
from tui.query.rows import lanes_table
from tui.query.table import Table
from tui.themes import hues_of

from .choice import Choice, of_routine, of_worker
from .filtered import FilteredPane

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class WorkersPane(FilteredPane):
    """Which routine each worker ran, cell by cell, and how busy it was over five seconds.

    A capital letter: at least half of the cell's time; a small one: less; a dot: idle. An event
    loop has, in place of how busy it was, the number of coroutines under way.
    """

    number = 4
    has_cursor: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self._shown: list[LaneRow] = []

    def table(self, monitor: Monitor) -> Table[LaneRow]:
        """What a filter may say of threads."""
        return lanes_table(monitor)

    def rows(self, monitor: Monitor, width: int, height: int) -> Sequence[Row]:
        """A lane per thread, then which letter is which routine."""
        self._shown = lanes = self.filtered(monitor, monitor.run.lanes())
        self.cursor = min(self.cursor, max(0, len(lanes) - 1))  # what is below names letters
        if not lanes:
            return self.nothing("no handler has run yet")
        routines = monitor.run.routines()
        numbers = {row.key: number for number, row in enumerate(routines)}
        self.hues = hues_of([row.name for row in routines])
        label = min(max(measure(row.label) for row in lanes), 12)
        tail = 7 if width < 50 else 24
        lines: list[Row] = [
            self._lane(monitor, row, numbers, (label, width - label - tail - 2, tail))
            for row in lanes
        ]
        if len(lines) + 1 <= height:
            lines.extend(_legend(monitor, lanes, numbers, width, height - len(lines)))
        return lines

    def everything(self, monitor: Monitor) -> Sequence[LaneRow]:
        """Every thread."""
        return monitor.run.lanes()

    def move(self, lines: int) -> None:
        """What stands below the lanes is not to be chosen."""
        super().move(max(-self.cursor, min(lines, len(self._shown) - 1 - self.cursor)))

    def link(self, monitor: Monitor) -> Choice:
        """The chosen thread, and the routine that it runs."""
        if self.cursor >= len(self._shown):
            return Choice()
        row = self._shown[self.cursor]
        return of_routine(monitor.run, row.routine)._replace(filter=of_worker(row.label).filter)

    def title(self, monitor: Monitor) -> str:
        """How many are at work, and what waits for them."""
        lanes = monitor.run.lanes()
        threads = [row for row in lanes if row.coroutines is None]
        busy = sum(row.routine is not None for row in threads)
        coroutines = sum(row.coroutines or 0 for row in lanes)
        under_way = f"  {count(coroutines)} coroutines" if len(threads) < len(lanes) else ""
        waiting = f"  ready-q {monitor.run.waiting}"
        shown = self.filter_title()
        return f"{shown}{busy}/{len(threads)} busy{under_way}{waiting}" if lanes else ""

    def _lane(
        self,
        monitor: Monitor,
        row: LaneRow,
        numbers: dict[Key, int],
        widths: tuple[int, int, int],
    ) -> Row:
        label, cells, tail = widths
        shown = row.cells[-cells:] if cells > 0 else []
        numbered = [(numbers.get(key) if key else None, share) for key, share in shown]
        parts: list[Run] = [(f"{fit(row.label, label)} ", ("strong",))]
        parts.append((" " * (cells - len(shown)), ("muted",)))
        parts.extend(lane(numbered, lambda n: _LETTERS[n % 26], ascii=self.ascii))
        if row.coroutines is None:
            share, at_work = percent(row.busy), row.busy > 0.01
        else:  # they overlap, so a share of time would say nothing
            share, at_work = f"{count(row.coroutines)}co", row.coroutines > 0
        parts.append((f" {share:>5}", ("good",) if at_work else ("muted",)))
        if tail > 7:
            what = monitor.run.routine_name(row.routine) if row.routine else "idle"
            since = duration_ns(row.running_ns) if row.routine else ""
            tag = ("text",) if row.routine else ("muted",)
            parts.append((f" {fit(what, tail - 13)} {since:>5}", tag))
        return tuple(parts)


def _legend(
    monitor: Monitor, lanes: Sequence[LaneRow], numbers: dict[Key, int], width: int, lines: int
) -> list[Row]:
    """The letters in use, as far as there is room."""
    used = {key for row in lanes for key, _ in row.cells[-width:] if key in numbers}
    rows: list[list[Run]] = [[]]
    room = width
    for key in sorted((k for k in used if k is not None), key=lambda k: numbers[k]):
        text = f"{_LETTERS[numbers[key] % 26]} {monitor.run.routine_name(key)}"
        text = fit(text, min(measure(text), width - 2)) + "  "
        if measure(text) > room:
            if len(rows) == lines:
                break
            rows.append([])
            room = width
        rows[-1].append((text, ("routine", numbers[key])))
        room -= measure(text)
    return [tuple(row) for row in rows if row]
