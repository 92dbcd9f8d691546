"""Dead letters: what was dropped and why; any of it can be sent again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.widget import Widget

from tui.keys import DEAD, Action
from tui.model import log
from tui.model.detail import find
from tui.widgets.dead import DeadBox
from tui.widgets.filterbar import FilterBar

from .filtering import Narrowing
from .live import LiveScreen


class DeadScreen(LiveScreen, Narrowing):
    """One table; `A` opens the form of the chosen message."""

    KEYS: ClassVar[Sequence[Action]] = DEAD
    BINDINGS: ClassVar[list[BindingType]] = LiveScreen.bindings_of(DEAD)

    def compose(self) -> ComposeResult:
        """A line for the filter above that of the keys."""
        *others, keys = super().compose()
        yield from others
        yield FilterBar(id="filter")
        yield keys

    def body(self) -> Widget:
        """The table alone."""
        return Container(DeadBox(), id="dead")

    def on_mount(self) -> None:
        """Filters that are saved may be named here too."""
        self.query_one(DeadBox).saved = self.monitor_app.filters.saved
        super().on_mount()

    @property
    def filtered_pane(self) -> DeadBox:
        """The table."""
        return self.query_one(DeadBox)

    def action_back(self) -> None:
        """The filter first, then as everywhere."""
        box = self.query_one(DeadBox)
        if box.filter and self.monitor.banner is None:
            box.narrow("")
        else:
            super().action_back()

    def action_again(self) -> None:
        """Send the chosen message again."""
        self.monitor_app.open_again(self.query_one(DeadBox).chosen)

    def action_open(self) -> None:
        """The routine that it was for, as it is now."""
        record = self.query_one(DeadBox).chosen
        if record is None:
            self.say("No message is chosen.")
            return
        then = self.monitor.run_of(record[log.GENERATION])
        found = then.edge_info(record[log.SUBJECT])
        flow = then.flows.get(found[0]) if found is not None else None
        name = flow.routines[found[1].target].id if flow is not None and found is not None else ""
        key = find(self.monitor.run, flow.id, name) if flow is not None else None
        if key is None:
            self.say(f"There is no routine {name} in g{self.monitor.run.generation}.", wrong=True)
        else:
            self.monitor_app.open_routine(key)
