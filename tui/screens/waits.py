"""Who waits for whom, as a list that is always complete for the engine's own waits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType
from textual.containers import Container
from textual.widget import Widget

from tui.keys import WAITS, Action
from tui.widgets.waits import WaitBox, WaitsBox

from .live import LiveScreen


class WaitsScreen(LiveScreen):
    """The list, and below it the chosen wait in words."""

    KEYS: ClassVar[Sequence[Action]] = WAITS
    BINDINGS: ClassVar[list[BindingType]] = LiveScreen.bindings_of(WAITS)

    def body(self) -> Widget:
        """The list above."""
        return Container(WaitsBox(), WaitBox(), id="waits")

    def prepare(self) -> None:
        """The words are about the chosen one."""
        box = self.query_one(WaitsBox)
        self.query_one(WaitBox).wait = box.chosen or next(iter(self.monitor.run.waits), None)
