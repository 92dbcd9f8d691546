"""Filters on the dashboard: written, chosen among those that are saved, gone through."""

from __future__ import annotations

from tui.query.nodes import QueryError
from tui.widgets.events import EventsPane
from tui.widgets.filterbar import FilterBar, Narrowed
from tui.widgets.filtered import FilteredPane
from tui.widgets.pane import Pane

from .linked import Linked

#: What n and N go to where no filter says it.
_ERRORS = "kind=activation and status in (failed, retried)"


class Narrowing(Linked):
    """A screen with rows that a filter narrows."""

    def show(self) -> None:
        """Show the model as it is now."""
        raise NotImplementedError  # pragma: no cover - abstract

    @property
    def filtered_pane(self) -> Narrowed:
        """What a filter would be of."""
        raise NotImplementedError  # pragma: no cover - abstract

    def action_filter(self) -> None:
        """Write a filter for the pane with the focus; for the events where that has no rows."""
        pane = self.filtered_pane
        used = self.monitor_app.filters.used(pane.filter_name)
        self.query_one(FilterBar).open(pane, used)

    def on_filter_bar_applied(self, event: FilterBar.Applied) -> None:
        """Use it, and remember it for the next time."""
        self.monitor_app.use_filter(event.pane, event.text)

    def on_filter_bar_closed(self, event: FilterBar.Closed) -> None:
        """Back to the pane."""
        event.pane.focus()
        self.call_after_refresh(self.show)

    def on_filter_bar_picking(self) -> None:
        """Choose a saved filter, as a part of the one that is being written."""
        bar = self.query_one(FilterBar)
        self.monitor_app.commands.pick(lambda name: bar.insert(f"@{name}") if name else None)


class Filtering(Narrowing):
    """The part of the dashboard that filters its panes, and goes from match to match."""

    # for the dashboard --------------------------------------------------------------------------

    @property
    def pane(self) -> Pane | None:
        """See `DashboardScreen`."""
        raise NotImplementedError  # pragma: no cover - abstract

    def take_choice(self) -> None:
        """See `Looking`."""
        raise NotImplementedError  # pragma: no cover - abstract

    def action_pane(self, number: int) -> None:
        """See `DashboardScreen`."""
        raise NotImplementedError  # pragma: no cover - abstract

    # --------------------------------------------------------------------------------------------

    @property
    def filtered_pane(self) -> FilteredPane:
        """That pane if it has rows to filter, else that of the events."""
        pane = self.pane
        return pane if isinstance(pane, FilteredPane) else self.query_one(EventsPane)

    def show_events(self, wanted: str) -> None:
        """Show the events that a filter keeps."""
        pane = self.query_one(EventsPane)
        self.monitor_app.use_filter(pane, wanted)
        self.action_pane(pane.number)

    def find(self, text: str) -> None:
        """Let n and N go to the events that a filter keeps, and go to the newest of them."""
        pane = self.query_one(EventsPane)
        pane.sought = text
        self.action_pane(pane.number)
        self.action_match(-1)

    def action_match(self, direction: int) -> None:
        """The next event that the last filter matches; without one the next error."""
        pane = self.query_one(EventsPane)
        wanted = pane.sought if pane.sought != pane.filter else ""
        try:
            found = pane.seek(direction, wanted or _ERRORS)
        except QueryError as error:
            self.say(f"Not looked for {wanted}: {error.message}", wrong=True)
            return
        if not found:
            where = "after" if direction > 0 else "before"
            self.say(f"No {f'match of {wanted}' if wanted else 'error'} {where} this.")
        self.take_choice()
        self.show()
