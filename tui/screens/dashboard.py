"""The dashboard: six panes and the output, alive, on one screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal
from textual.screen import Screen
from textual.widgets import Input

from tui.keys import EVERYWHERE, FIRST, MAP, PANES
from tui.model.monitor import Monitor
from tui.screens.payload import PayloadScreen
from tui.session.messages import Failure
from tui.widgets.bars import BannerBar, Header, KeysBar
from tui.widgets.causes import CausesPane
from tui.widgets.events import EventsPane
from tui.widgets.filterbar import FilterBar
from tui.widgets.filtered import FilteredPane
from tui.widgets.output import OutputPane
from tui.widgets.pane import Pane
from tui.widgets.routines import RoutinesPane
from tui.widgets.stats import StatsPane
from tui.widgets.throughput import ThroughputPane
from tui.widgets.timeline import TimelinePane
from tui.widgets.topology import TopologyPane
from tui.widgets.values import stat_name
from tui.widgets.workers import WorkersPane

from .looking import Looking

if TYPE_CHECKING:
    from tui.app import MonitorApp

#: Below this many columns and lines there is room for one pane only.
SMALLEST = (60, 16)


class DashboardScreen(Looking, Screen[None]):
    """Everything about the running flow at a glance. Reads the model, asks the app to act."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            a.keys,
            a.id,
            a.help,
            show=False,
            id=a.id.replace("(", "-").strip(")"),
            priority=a.id in FIRST,
        )
        for a in MAP
        if a.id not in EVERYWHERE
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-normal"), (160, "-wide")]  # noqa: RUF012

    def __init__(self, monitor: Monitor) -> None:
        super().__init__(id="dashboard")
        self.monitor = monitor
        self._zoomed: Pane | None = None
        self._failure: Failure | None = None

    def compose(self) -> ComposeResult:
        """Header, banner, three rows of panes, keys."""
        yield Header(id="header")
        yield BannerBar(id="banner")
        with Container(id="main"):
            yield Horizontal(RoutinesPane(), TopologyPane(), id="top", classes="row")
            yield Horizontal(EventsPane(), CausesPane(), WorkersPane(), id="middle", classes="row")
            yield Horizontal(TimelinePane(), id="time", classes="row")
            yield Horizontal(
                ThroughputPane(), StatsPane(), OutputPane(), id="bottom", classes="row"
            )
        yield FilterBar(id="filter")
        yield KeysBar(id="keys")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What is typed into a line of text is text."""
        return not isinstance(self.focused, Input) and super().check_action(action, parameters)

    def on_mount(self) -> None:
        """Start in the table of routines."""
        for bar in (self.query_one(Header), self.query_one(BannerBar), self.query_one(KeysBar)):
            bar.ascii = self.monitor_app.options_ascii
        for pane in self.panes:
            pane.ascii = self.monitor_app.options_ascii
        self.connect_panes()
        self.query_one(RoutinesPane).focus()

    @property
    def monitor_app(self) -> MonitorApp:
        """The app, by its own type."""
        return cast("MonitorApp", self.app)

    @property
    def panes(self) -> list[Pane]:
        """All panes by number."""
        return sorted(self.query(Pane), key=lambda pane: pane.number)

    @property
    def pane(self) -> Pane | None:
        """The pane that has the focus, or whose filter is being written."""
        focused = self.focused
        if isinstance(focused, Pane):
            return focused
        filtered = self.query_one(FilterBar).pane
        return filtered if isinstance(filtered, Pane) else None

    def show(self) -> None:
        """Show the model as it is now: one call a tick, for all panes at once."""
        if not self.is_mounted or not self.is_current:
            return
        monitor = self.monitor
        with self.app.batch_update():
            session = self.monitor_app.session
            shown = monitor.shown  # at the time cursor; all else is as it is now
            self.query_one(Header).show(shown, auto_reload=session is None or session.auto_reload)
            self.query_one(BannerBar).show(monitor.banner)
            failure = monitor.script.failure
            if failure is not self._failure and failure is not None and not monitor.run.flows:
                self.set_class(True, "output")  # the traceback is all there is to see
            self._failure = failure
            topology, routines = self.query_one(TopologyPane), self.query_one(RoutinesPane)
            topology.selected = routines.chosen if routines.has_focus else None
            for pane in self.panes:
                pane.show(shown)

    def on_resize(self, event: events.Resize) -> None:
        """Choose how many panes there is room for."""
        width, height = event.size
        self.set_class(width < SMALLEST[0] or height < SMALLEST[1], "tiny")
        self.query_one(KeysBar).show()
        self._mark_visible()

    def on_descendant_focus(self) -> None:
        """On a tiny screen the pane with the focus is the one to see."""
        self._mark_visible()

    def restyle(self) -> None:
        """The theme has changed."""
        for pane in self.panes:
            pane.restyle()
        for bar in (self.query_one(Header), self.query_one(BannerBar), self.query_one(KeysBar)):
            bar.refresh()

    # panes --------------------------------------------------------------------------------------

    def action_pane(self, number: int) -> None:
        """Go to a pane; Output takes the bottom row on screens with no room for it."""
        pane = next(pane for pane in self.panes if pane.number == number)
        if number in PANES and not pane.size.width:
            self.close_all()
        self.set_class(number == OutputPane.number, "output")
        if self._zoomed is not None and self._zoomed is not pane:
            self._zoom(pane)
        if pane.focusable:
            self.set_focus(pane)
        else:
            pane.focus()  # once it is displayed
        self.call_after_refresh(self.show)

    def action_next_pane(self) -> None:
        """The next pane by number that can be seen."""
        self._step(1)

    def action_previous_pane(self) -> None:
        """The one before."""
        self._step(-1)

    def _step(self, direction: int) -> None:
        tiny = self.has_class("tiny") or self._zoomed is not None
        one = PANES if tiny and not self.looking else ()
        numbers = [p.number for p in self.panes if p.number in one or p.size.width]
        now = self.pane.number if self.pane is not None else 1
        if now not in numbers:
            now = numbers[0]
        self.action_pane(numbers[(numbers.index(now) + direction) % len(numbers)])

    def action_zoom(self) -> None:
        """The pane with the focus takes the screen, or gives it back."""
        self._zoom(None if self._zoomed is not None else self.pane)

    def action_open(self) -> None:
        """Open what the cursor is on; a pane with nothing to open takes the screen."""
        pane = self.pane
        if self.open_chosen():
            pass
        elif isinstance(pane, EventsPane) and pane.stop_at_cursor():
            self.app.push_screen(PayloadScreen(pane, self.monitor))
        elif isinstance(pane, RoutinesPane) and pane.chosen is not None:
            self.monitor_app.open_routine(pane.chosen)
        elif isinstance(pane, StatsPane) and (stat := pane.chosen(self.monitor)) is not None:
            self.monitor_app.open_value(stat_name(stat))
        else:
            self.action_zoom()

    def action_jobs(self) -> None:
        """The jobs."""
        self.monitor_app.go_to("jobs")

    def action_errors(self) -> None:
        """The errors."""
        self.monitor_app.go_to("errors")

    def action_values(self) -> None:
        """The statistics."""
        self.monitor_app.go_to("values")

    def action_dead(self) -> None:
        """The messages that were dropped."""
        self.monitor_app.go_to("dead")

    def action_waits(self) -> None:
        """Who waits for whom."""
        self.monitor_app.go_to("waits")

    def action_back(self) -> None:
        """Undo the last of zoom, causes, timeline, banner, past, pause, filter, output."""
        events_pane = self.query_one(EventsPane)
        if self._zoomed is not None:
            self._zoom(None)
        elif self.close_one():
            pass
        elif self.monitor.banner is not None:
            self.monitor.dismiss()
        elif self.monitor.cursor.in_past or self.monitor.log.paused:
            self.look_at_now()
            events_pane.follow()
        elif isinstance(self.pane, FilteredPane) and self.pane.filter:
            self.pane.narrow("")
        else:
            self.set_class(False, "output")
            if self.pane is not None and self.pane.number == OutputPane.number:
                self.query_one(RoutinesPane).focus()
        self.show()

    def _zoom(self, pane: Pane | None) -> None:
        self._zoomed = pane
        self.set_class(pane is not None, "zoom")
        self._mark_visible()
        self.call_after_refresh(self.show)

    def _mark_visible(self) -> None:
        chosen = self._zoomed or self.pane
        for pane in self.panes:
            pane.set_class(pane is chosen, "chosen")
            if pane is chosen and pane.parent is not None:
                for row in self.query(".row"):
                    row.set_class(row is pane.parent, "chosen")

    # moving -------------------------------------------------------------------------------------

    def action_cursor(self, lines: int) -> None:
        """Move by a line."""
        if self.pane is not None:
            self.pane.move(lines)
            self.take_choice()
            self.show()

    def action_page(self, direction: int) -> None:
        """Move by half a page."""
        if self.pane is not None:
            self.pane.page(direction)

    def action_pan(self, direction: int) -> None:
        """Scroll sideways."""
        if self.pane is not None:
            self.pane.pan(direction)

    def action_edge(self, direction: int) -> None:
        """To the first or last line."""
        if self.pane is not None:
            self.pane.go_to_edge(direction)

    # view ---------------------------------------------------------------------------------------

    def action_pause(self) -> None:
        """Stop the view of events, or let it go on. Recording is not affected."""
        self.query_one(EventsPane).toggle_pause()
        if not self.monitor.log.paused:
            self.look_at_now()
            self.show()

    def action_follow(self) -> None:
        """Follow the newest in the pane with the focus, else in Events."""
        pane = self.pane if isinstance(self.pane, OutputPane) else self.query_one(EventsPane)
        self.look_at_now()
        pane.follow()
        self.show()

    def action_filter(self) -> None:
        """Write a filter for the pane with the focus; for the events where that has no rows."""
        pane = self.pane
        if not isinstance(pane, FilteredPane):
            pane = self.query_one(EventsPane)
        self.query_one(FilterBar).open(pane, self.monitor_app.filters.used(pane.filter_name))

    def on_filter_bar_applied(self, event: FilterBar.Applied) -> None:
        """Use it, and remember it for the next time."""
        event.pane.narrow(event.text)
        if event.text:
            self.monitor_app.remember_filter(event.pane.filter_name, event.text)

    def on_filter_bar_closed(self, event: FilterBar.Closed) -> None:
        """Back to the pane."""
        event.pane.focus()
        self.call_after_refresh(self.show)

    def action_fold(self) -> None:
        """Make equal neighbours among the events one line, or each its own."""
        self.query_one(EventsPane).toggle_fold()

    def action_mark(self) -> None:
        """Mark the chosen event."""
        self.query_one(EventsPane).toggle_mark()

    def action_next_mark(self) -> None:
        """Go to the mark before the cursor."""
        if not self.query_one(EventsPane).go_to_mark():
            self.app.notify("No event that is shown is marked: m marks one.", timeout=3)

    def action_sort(self) -> None:
        """Sort the routines by the next column."""
        self.query_one(RoutinesPane).next_sort()

    def action_reverse(self) -> None:
        """Turn the order of the routines round."""
        self.query_one(RoutinesPane).reverse_sort()

    def action_faster(self) -> None:
        """Look more often."""
        if not self.zoom_time(1):
            self.monitor_app.change_hz(5)

    def action_slower(self) -> None:
        """Look less often."""
        if not self.zoom_time(-1):
            self.monitor_app.change_hz(-5)

    # engine -------------------------------------------------------------------------------------

    def action_execute(self) -> None:
        """Run the entry routines once more."""
        self.monitor_app.execute()

    def action_call(self) -> None:
        """Send a message to the chosen routine; from other panes to where jobs begin."""
        pane = self.pane
        self.monitor_app.open_call(pane.chosen if isinstance(pane, RoutinesPane) else None)

    def action_again(self) -> None:
        """Send the chosen event again; the list stands still meanwhile."""
        self.monitor_app.open_again(self.chosen_record())

    def action_reload(self) -> None:
        """Load the target anew."""
        self.monitor_app.reload()

    def action_auto_reload(self) -> None:
        """Switch reload on save."""
        self.monitor_app.toggle_auto_reload()

    def action_kill(self) -> None:
        """Kill the engine process."""
        self.monitor_app.kill_engine()
