"""Statistics: the list, any two of them in a chart, and the times of the routine that keeps one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.binding import BindingType
from textual.containers import Container, Horizontal, Vertical
from textual.widget import Widget

from tui.keys import VALUES, Action
from tui.model.monitor import Monitor
from tui.widgets.values import ChartBox, HistogramBox, ValuesBox, stat_name

from .live import LiveScreen


class ValuesScreen(LiveScreen):
    """What is in the chart is the monitor's: it is there again when the screen is."""

    KEYS: ClassVar[Sequence[Action]] = VALUES
    BINDINGS: ClassVar[list[BindingType]] = LiveScreen.bindings_of(VALUES)

    def __init__(self, monitor: Monitor) -> None:
        super().__init__(monitor)
        self._wanted = ""

    def open(self, name: str) -> None:
        """Put this statistic in the chart if it is a number, and the cursor on it."""
        self._wanted = name
        charted = self.monitor.charted
        row = next((row for row in self.monitor.run.stats() if stat_name(row) == name), None)
        if row is not None and not isinstance(row.value, str) and name not in charted.names:
            charted.toggle(name)
        if self.is_mounted:
            self.show()

    def body(self) -> Widget:
        """The list at the left, what is drawn of it at the right."""
        chart = self.monitor.charted
        return Container(
            Horizontal(
                ValuesBox(chart),
                Vertical(ChartBox(chart), HistogramBox(), id="drawn", classes="row"),
                classes="row",
            ),
            id="values",
        )

    def prepare(self) -> None:
        """The histogram is of the routine whose statistic is chosen."""
        values = self.query_one(ValuesBox)
        chosen = values.chosen
        rows = self.monitor.run.stats()
        if chosen is None and rows:
            chosen = rows[0]
        if chosen is not None:
            self.query_one(HistogramBox).key = chosen.key

    def show(self) -> None:
        """As everywhere; the first time the cursor goes to the statistic that was asked for."""
        super().show()
        values = self.query_one(ValuesBox) if self.is_mounted else None
        if self._wanted and values is not None and values.chosen is not None:
            wanted, self._wanted = self._wanted, ""
            values.choose(wanted)
            super().show()

    def chart(self, names: Iterable[str]) -> None:
        """Let just these statistics be in the chart.

        Raises:
            UnknownStatError: one of them is not known, or there are too many.
        """
        known = [stat_name(row) for row in self.monitor.run.stats()]
        self.monitor.charted.choose(names, known)
        self.show()

    def action_open(self) -> None:
        """Into the chart with the chosen statistic, or out of it."""
        chosen = self.query_one(ValuesBox).chosen
        if chosen is None:
            self.say("There is no statistic to chart.")
            return
        name = stat_name(chosen)
        if isinstance(chosen.value, str) and name not in self.monitor.charted.names:
            self.say(f"{name} is no number.", wrong=True)
        else:
            self.monitor.charted.toggle(name)
            self.show()

    def action_as_rate(self) -> None:
        """Chart how fast the statistics grow, or what they are."""
        chart = self.query_one(ChartBox)
        chart.as_rate = not chart.as_rate
        self.show()

    def action_window(self) -> None:
        """The next window of the histograms."""
        self.query_one(HistogramBox).next_window()
