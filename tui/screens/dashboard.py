"""The dashboard: six panes and the output, alive, on one screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal, Vertical
from textual.widgets import Input

from tui.keys import EVERYWHERE, FIRST, MAP, PANES, Action
from tui.model.monitor import Monitor
from tui.model.rows import Key
from tui.screens.payload import PayloadScreen
from tui.session.messages import Failure
from tui.widgets.bars import BannerBar, Bar, Header, KeysBar
from tui.widgets.causes import CausesPane
from tui.widgets.choice import Choice
from tui.widgets.commandbar import CommandBar
from tui.widgets.events import EventsPane
from tui.widgets.figures import FiguresPane
from tui.widgets.filterbar import FilterBar
from tui.widgets.filtered import FilteredPane
from tui.widgets.findings import FindingsPane
from tui.widgets.output import OutputPane
from tui.widgets.pane import Pane
from tui.widgets.routines import RoutinesPane
from tui.widgets.stats import StatsPane
from tui.widgets.throughput import ThroughputPane
from tui.widgets.timeline import TimelinePane
from tui.widgets.topology import TopologyPane
from tui.widgets.values import stat_name
from tui.widgets.workers import WorkersPane

from .filtering import Filtering
from .findings import go_to_evidence
from .looking import BELOW, Looking

#: Below this many columns or lines there is a list of figures in place of the panes.
SMALLEST = (60, 16)
#: Below this many lines the panes of the bottom row are one line each.
LOW = 24


class DashboardScreen(Looking, Filtering):
    """Everything about the running flow at a glance. Reads the model, asks the app to act."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            a.keys,
            a.id,
            a.help,
            show=False,
            id=a.binding,
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
        self._before_tiny: Pane | None = None  # which had the focus while there was room
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
                ThroughputPane(),
                StatsPane(),
                Vertical(OutputPane(), FindingsPane(), id="beside", classes="row"),
                id="bottom",
                classes="row",
            )
            yield FiguresPane()
        yield FilterBar(id="filter")
        yield CommandBar()
        yield KeysBar(id="keys")

    def on_mount(self) -> None:
        """Start in the table of routines."""
        for bar in (self.query_one(Header), self.query_one(BannerBar), self.query_one(KeysBar)):
            bar.ascii = self.monitor_app.options_ascii
        for pane in self.panes:
            pane.ascii = self.monitor_app.options_ascii
        filters = self.monitor_app.filters
        for filtered in self.query(FilteredPane):
            filtered.saved = filters.saved
        self.query_one(RoutinesPane).take_arrangement(filters.columns.get(PANES[1], ()))
        self.connect_panes()
        self.query_one(RoutinesPane).focus()

    @property
    def actions(self) -> Sequence[Action]:
        """Its part of the key map."""
        return MAP

    @property
    def choice(self) -> Choice:
        """What is chosen in the pane with the focus."""
        pane = self.pane
        return pane.choice(self.monitor) if pane is not None else Choice()

    @property
    def source(self) -> Choice:
        """A banner is about what must be put right first."""
        banner = self.monitor.banner
        if banner is not None and banner.is_error and banner.file:
            return Choice(file=banner.file, line=banner.line)
        return self.choice

    @property
    def panes(self) -> list[Pane]:
        """All panes by number."""
        return sorted(self.query(Pane), key=lambda pane: pane.number)

    @property
    def pane(self) -> Pane | None:
        """The pane that has the focus, or would have it but for a line that is being written."""
        focused = self.focused
        if isinstance(focused, Input):
            filtered = self.query_one(FilterBar).pane
            focused = filtered if isinstance(filtered, Pane) else self.query_one(CommandBar).focused
        return focused if isinstance(focused, Pane) else None

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
            routines = self.query_one(RoutinesPane)
            routines.show(shown)  # first: the topology marks what is chosen there
            self._share_choice(self.query_one(TopologyPane))
            for pane in self.panes:
                if pane is not routines:
                    pane.show(shown)

    def _share_choice(self, topology: TopologyPane) -> None:
        """What is chosen in pane 1 is chosen in pane 2; the other way round it tells by itself."""
        routines = self.query_one(RoutinesPane)
        topology.lit = routines.has_focus or topology.has_focus
        if routines.has_focus or topology.selected is None:
            topology.select(routines.chosen)

    def on_resize(self, event: events.Resize) -> None:
        """Choose how many panes there is room for."""
        width, height = event.size
        self._make_tiny(width < SMALLEST[0] or height < SMALLEST[1])
        self.query_one(KeysBar).show(self.keys)
        self._mark_visible()
        self.call_after_refresh(self.show)

    def _make_tiny(self, tiny: bool) -> None:
        """Change to the list of figures, or back to where the focus was."""
        if tiny == self.has_class("tiny"):
            return
        pane, self._before_tiny = self._before_tiny, self.pane if tiny else None
        self.set_class(tiny, "tiny")
        if not tiny and self._zoomed is not None and self._zoomed is not pane:
            self._zoom(None)
        if self.query_one(FilterBar).display:
            return  # what is being typed goes on
        if not tiny:
            (self._zoomed or pane or self.query_one(RoutinesPane)).focus()
        elif self._zoomed is None:
            self.query_one(FiguresPane).focus()

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
        """Go to a pane; one that finds no room beside the others takes the bottom row."""
        pane = next(pane for pane in self.panes if pane.number == number)
        if number in PANES and not pane.size.width:
            self.close_all()
        self.open_below(number)
        if self._zoomed is not pane and (self._zoomed is not None or self.has_class("tiny")):
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
        if not numbers:
            return  # a terminal of a few cells
        if now not in numbers:
            now = numbers[0]
        self.action_pane(numbers[(numbers.index(now) + direction) % len(numbers)])

    def action_zoom(self) -> None:
        """The pane with the focus takes the screen, or gives it back."""
        pane = self.pane
        if isinstance(pane, FiguresPane):
            pane = self._before_tiny or self.query_one(RoutinesPane)
        self._zoom(None if self._zoomed is not None else pane)
        if pane is not None and self._zoomed is pane:
            pane.focus()

    def action_open(self) -> None:
        """Open what the cursor is on; a pane with nothing to open takes the screen."""
        pane = self.pane
        if self.open_chosen():
            pass
        elif isinstance(pane, EventsPane) and pane.stop_at_cursor():
            self.app.push_screen(PayloadScreen(pane, self.monitor))
        elif isinstance(pane, TopologyPane) and pane.chosen is not None:
            if not pane.unfold():
                self.monitor_app.open_routine(pane.chosen.members[0])
        elif isinstance(pane, RoutinesPane) and pane.chosen is not None:
            self.monitor_app.open_routine(pane.chosen)
        elif isinstance(pane, StatsPane) and (stat := pane.chosen(self.monitor)) is not None:
            self.monitor_app.open_value(stat_name(stat))
        elif isinstance(pane, FindingsPane) and pane.chosen is not None:
            go_to_evidence(self.monitor_app, pane.chosen)
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

    def action_findings(self) -> None:
        """The findings."""
        self.monitor_app.go_to("findings")

    def action_dead(self) -> None:
        """The messages that were dropped."""
        self.monitor_app.go_to("dead")

    def action_waits(self) -> None:
        """Who waits for whom."""
        self.monitor_app.go_to("waits")

    def action_back(self) -> None:
        """Undo the last of zoom, causes, timeline, banner, past, pause, filter, bottom row."""
        events_pane, bar = self.query_one(EventsPane), self.query_one(FilterBar)
        if bar.display:
            bar.close()  # somebody has clicked elsewhere while it was open
        elif self._zoomed is not None:
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
            self.open_below(0)
            if self.pane is not None and self.pane.number in BELOW:
                self.query_one(RoutinesPane).focus()
        self.show()

    def _zoom(self, pane: Pane | None) -> None:
        self._zoomed = pane
        self.set_class(pane is not None, "zoom")
        if pane is None and self.has_class("tiny"):
            self.query_one(FiguresPane).focus()
        self._mark_visible()
        self.call_after_refresh(self.show)

    def _mark_visible(self) -> None:
        chosen = self._zoomed or self.pane
        wide = self.has_class("-wide")
        folded = self.size.height < LOW and self._zoomed is None
        folded = folded and (wide or not any(map(self.has_class, BELOW.values())))
        bottom = self.query_one("#bottom")
        bottom.set_class(folded, "line")
        for pane in self.panes:
            pane.set_class(folded and pane.parent is bottom, "line")
            pane.set_class(pane is chosen, "chosen")
        if chosen is not None:
            for row in self.query(".row"):
                row.set_class(chosen in row.query(Pane), "chosen")

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

    def action_column(self, direction: int) -> None:
        """Move the column that the routines are sorted by."""
        if self.query_one(RoutinesPane).move_column(direction):
            self._keep_arrangement()
        else:
            self.say("s chooses a column of figures to sort by first; then it can be moved.")

    def _keep_arrangement(self) -> None:
        pane = self.query_one(RoutinesPane)
        self.monitor_app.filters.arrange(PANES[pane.number], pane.arrangement)

    def draw_ascii(self, on: bool) -> None:
        """Draw with ASCII characters only, or with all."""
        for part in (*self.query(Bar), *self.panes):
            part.ascii = on
        self.restyle()
        self.show()

    def show_evidence(self, goal: str, routine: Key | None) -> None:
        """Show the pane of that name, or the timeline; of the events those of a routine only."""
        if goal == "timeline":
            self.action_timeline()
            return
        if goal == "events" and routine is not None:
            self.narrow_events(f'routine="{self.monitor.run.routine_name(routine)}"')
        self.action_pane(next((n for n, label in PANES.items() if label.lower() == goal), 3))

    def on_filter_bar_closed(self, event: FilterBar.Closed) -> None:
        """On a tiny screen only the pane with the focus is seen."""
        pane = event.pane
        if self.has_class("tiny") and isinstance(pane, Pane) and self._zoomed is not pane:
            self._zoom(pane)

    def action_fold(self) -> None:
        """Make equal routines one node; elsewhere equal neighbours among the events one line."""
        pane = self.pane
        where = pane if isinstance(pane, TopologyPane) else self.query_one(EventsPane)
        where.toggle_fold()

    def action_bundles(self) -> None:
        """Draw lines of the topology that leave or enter together as one with branches."""
        pane = self.query_one(TopologyPane)
        if not pane.toggle_bundles():
            lines = "bundled" if pane.wish.bundles else "one for each connection"
            self.say(f"Lines are {lines}, once there is room to draw some.")

    def action_near(self) -> None:
        """Draw only what is near the chosen routine: one, two, three steps, everything."""
        self.query_one(TopologyPane).next_focus()

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
        self._keep_arrangement()

    def action_reverse(self) -> None:
        """Turn the order of the routines round."""
        self.query_one(RoutinesPane).reverse_sort()
        self._keep_arrangement()

    def action_faster(self) -> None:
        """Look more often."""
        if not self.zoom_time(1):
            self.monitor_app.change_hz(5)

    def action_slower(self) -> None:
        """Look less often."""
        if not self.zoom_time(-1):
            self.monitor_app.change_hz(-5)

    def narrow_events(self, text: str) -> None:
        """Show only some events, for now: the filter is not kept for later runs."""
        self.query_one(EventsPane).narrow(text)

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
