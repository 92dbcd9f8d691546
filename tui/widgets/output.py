"""Pane 7: what the user's code prints, line by line, bounded."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from functools import partial
from itertools import islice
from typing import ClassVar

from tui.model.monitor import Monitor
from tui.model.output import Line
from tui.paint.canvas import Row, clean
from tui.query.rows import output_table
from tui.query.table import Table

from .filtered import FilteredPane
from .pane import LazyRows


class OutputPane(FilteredPane):
    """Standard output and, marked with ``!``, standard error.

    Attributes:
        following: whether the newest line stays in sight.
    """

    number = 7
    has_cursor: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__()
        self.following = True
        self._gone = 0  # lines pushed out when last shown
        # Of the lines that were looked at, `_seen` in all, those that the filter keeps.
        self._matching: deque[tuple[int, Line]] = deque()
        self._seen = 0

    def table(self, monitor: Monitor) -> Table[Line]:
        """What a filter may say of lines."""
        return output_table()

    def everything(self, monitor: Monitor) -> Sequence[Line]:
        """Every line that is kept."""
        return [*monitor.output.lines, *monitor.output.unfinished(monitor.run.generation)]

    def rows(self, monitor: Monitor, width: int, height: int) -> Sequence[Row]:
        """A row per line, made when it is asked for."""
        unfinished = monitor.output.unfinished(monitor.run.generation)
        gone, self._gone = self._gone, monitor.output.total - len(monitor.output.lines)
        lines, fewer = [*monitor.output.lines, *unfinished], self._gone - gone
        self._kept = self._total = len(lines)
        if self.filter:
            lines, fewer = self._narrowed(monitor, unfinished)
        if not lines:
            return self.nothing("nothing printed yet")
        if self.following:
            self.top = max(0, len(lines) - height)
        else:
            self.top -= fewer  # what is being read stays where it is
        return LazyRows(lines, partial(_row, ascii=self.ascii))

    def parts(self, monitor: Monitor) -> Sequence[str]:
        """How many lines, and the newest."""
        lines = monitor.output.lines
        return (self.title(monitor), lines[-1].text if lines else "")

    def _narrowed(self, monitor: Monitor, unfinished: list[Line]) -> tuple[list[Line], int]:
        """The lines that the filter keeps, and how many of those that it kept are gone.

        Only what is new is looked at: a flood of lines is no reason to read all again.
        """
        output, test = monitor.output, self.test(monitor)
        if test is None:
            return [*output.lines, *unfinished], 0
        new = min(output.total - self._seen, len(output.lines))
        fresh = list(islice(reversed(output.lines), new))[::-1]
        self._matching.extend(
            (number, line) for number, line in enumerate(fresh, output.total - new) if test(line)
        )
        self._seen = output.total
        before = len(self._matching)
        while self._matching and self._matching[0][0] < self._gone:
            self._matching.popleft()
        fewer = before - len(self._matching)
        lines = [line for _, line in self._matching] + [line for line in unfinished if test(line)]
        self._kept = len(lines)
        return lines, fewer

    def narrow(self, text: str) -> None:
        """Another filter: every line is looked at again."""
        self._matching.clear()
        self._seen = 0
        super().narrow(text)

    def title(self, monitor: Monitor) -> str:
        """How many lines, and how many of them are gone from here."""
        output = monitor.output
        gone = output.total - len(output.lines)
        text = self.filter_title().rstrip() or f"{output.total:,} lines"
        text += f", {gone:,} older gone" if gone > 0 else ""
        return text if self.following else f"{text}  f follow"

    def move(self, lines: int) -> None:
        """Scrolling up leaves the newest line; reaching the end follows it again."""
        self.following = False
        super().move(lines)
        self.following = self.top >= len(self._rows) - self.content_size.height
        self.redraw()

    def follow(self) -> None:
        """Show the newest line, and go on doing so."""
        self.following = True
        self.redraw()


def _row(line: Line, ascii: bool) -> Row:
    if line.generation < 0:  # a rule of the monitor's own
        edge = "--" if ascii else "──"
        return ((f" {edge} {clean(line.text)} {edge}", ("accent",)),)
    if line.is_error:
        return (("!", ("bad",)), (clean(line.text), ("warn",)))
    return ((" ", ("text",)), (clean(line.text), ("text",)))
