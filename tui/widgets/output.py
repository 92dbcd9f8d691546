"""Pane 7: what the user's code prints, line by line, bounded."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from tui.model.monitor import Monitor
from tui.model.output import Line
from tui.paint.canvas import Row, clean

from .pane import LazyRows, Pane


class OutputPane(Pane):
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

    def rows(self, monitor: Monitor, width: int, height: int) -> Sequence[Row]:
        """A row per line, made when it is asked for."""
        lines = [*monitor.output.lines, *monitor.output.unfinished(monitor.run.generation)]
        if not lines:
            return (((" nothing printed yet", ("muted",)),),)
        gone, self._gone = self._gone, monitor.output.total - len(monitor.output.lines)
        if self.following:
            self.top = max(0, len(lines) - height)
        else:
            self.top -= self._gone - gone  # what is being read stays where it is
        return LazyRows(lines, partial(_row, ascii=self.ascii))

    def title(self, monitor: Monitor) -> str:
        """How many lines, and how many of them are gone from here."""
        output = monitor.output
        gone = output.total - len(output.lines)
        text = f"{output.total:,} lines" + (f", {gone:,} older gone" if gone > 0 else "")
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
