"""Errors by kind and place, the traceback of the newest, and the tries that will be repeated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType
from textual.containers import Container, Horizontal
from textual.widget import Widget

from tui.keys import ERRORS, Action
from tui.widgets.failures import FailuresBox, TracebackBox
from tui.widgets.jobs import LaterBox

from .live import LiveScreen


class ErrorsScreen(LiveScreen):
    """Enter opens the routine that failed."""

    KEYS: ClassVar[Sequence[Action]] = ERRORS
    BINDINGS: ClassVar[list[BindingType]] = LiveScreen.bindings_of(ERRORS)
    jobs_wanted = 1  # for the tries that wait

    def body(self) -> Widget:
        """The groups above; below, the traceback and what waits."""
        return Container(
            FailuresBox(),
            Horizontal(TracebackBox(), LaterBox(), classes="row", id="why"),
            id="errors",
        )

    def prepare(self) -> None:
        """The traceback is of the chosen group."""
        failures = self.query_one(FailuresBox)
        groups = self.monitor.run.failures.groups()
        self.query_one(TracebackBox).group = failures.chosen or next(iter(groups), None)

    def moved(self) -> None:
        """Another group has another traceback, seen from its beginning."""
        if isinstance(self.box, FailuresBox):
            self.query_one(TracebackBox).top = 0
        super().moved()

    def action_open(self) -> None:
        """The routine that failed."""
        group = self.query_one(FailuresBox).chosen
        if group is not None and group.key[0] in self.monitor.run.flows:
            self.monitor_app.open_routine(group.key)
        else:
            self.say("There is no routine to open.")
