"""Looking back on the dashboard: causes of an event, the timeline, and the one time cursor."""

from __future__ import annotations

from typing import Any

from tui.model import log
from tui.model.monitor import Monitor
from tui.session.messages import RecordTuple
from tui.widgets.causes import CausesPane
from tui.widgets.events import EventsPane
from tui.widgets.pane import Pane
from tui.widgets.routines import RoutinesPane
from tui.widgets.timeline import TimelinePane
from tui.widgets.topology import TopologyPane
from tui.widgets.workers import WorkersPane

from .linked import Linked

#: Panes that take the bottom row on screens with no room for them, and the class that says so.
BELOW = {7: "output", 8: "found"}


class Looking(Linked):
    """The part of the dashboard that opens, closes and connects these panes.

    While one is open the screen has the class ``causes`` or ``time``; causes may stand over the
    timeline.
    """

    monitor: Monitor
    _zoomed: Pane | None

    def show(self) -> None:
        """See `DashboardScreen`."""
        raise NotImplementedError  # pragma: no cover - abstract

    def _zoom(self, pane: Pane | None) -> None:
        raise NotImplementedError  # pragma: no cover - abstract

    def connect_panes(self) -> None:
        """What is chosen in one pane is chosen in the others."""
        self.query_one(CausesPane).choose = self._choose
        self.query_one(TimelinePane).scrub = self.scrub
        self.query_one(TopologyPane).choose = self.query_one(RoutinesPane).choose

    # opening and closing --------------------------------------------------------------------------

    @property
    def looking(self) -> bool:
        """Whether causes or the timeline are open."""
        return self.has_class("causes") or self.has_class("time")

    def _open(self, name: str, pane: Pane) -> None:
        if self._zoomed is not None:
            self._zoom(None)
        self.open_below(0)
        self.set_class(True, name)
        pane.focus()
        self.call_after_refresh(self.show)

    def open_below(self, number: int) -> None:
        """Give the bottom row to a pane, or back to those that are always there."""
        for each, name in BELOW.items():
            self.set_class(each == number, name)

    def close_one(self) -> bool:
        """Close what was opened last. False: nothing is open."""
        if self.has_class("causes"):
            self.set_class(False, "causes")
            pane: type[Pane] = TimelinePane if self.has_class("time") else EventsPane
        elif self.has_class("time"):
            self.set_class(False, "time")
            pane = WorkersPane
        else:
            return False
        self.query_one(pane).focus()
        self.call_after_refresh(self.show)
        return True

    def close_all(self) -> None:
        """Close causes and timeline."""
        self.set_class(False, "causes")
        self.set_class(False, "time")

    def open_chosen(self) -> bool:
        """Go to the chosen event in the list of events. False: nothing is chosen here."""
        pane = self.focused
        if not isinstance(pane, CausesPane | TimelinePane):
            return False
        record = pane.chosen if isinstance(pane, CausesPane) else self.monitor.cursor.selected
        if record is None:
            return False
        self.close_all()
        self._choose(record)
        self.query_one(EventsPane).focus()
        self.call_after_refresh(self.show)
        return True

    def chosen_record(self) -> RecordTuple | None:
        """The record that the pane with the focus is about; the list of events stands still."""
        pane, events = self.focused, self.query_one(EventsPane)
        if isinstance(pane, CausesPane):
            return pane.chosen
        if isinstance(pane, TimelinePane):
            return self.monitor.cursor.selected
        return events.record if events.stop_at_cursor() else None

    # causes ---------------------------------------------------------------------------------------

    def action_why(self) -> None:
        """The causes of the chosen event."""
        self._explain("chain")

    def action_effects(self) -> None:
        """What came of it."""
        self._explain("effects")

    def action_waterfall(self) -> None:
        """Its causes as they lie in time; pressed again, its whole job."""
        self._explain("waterfall")

    def _explain(self, mode: str) -> None:
        causes, pane = self.query_one(CausesPane), self.query_one(EventsPane)
        focused = self.focused
        record = causes.chosen if focused is causes else pane.record
        if focused is not causes and isinstance(focused, TimelinePane):
            record = self.monitor.cursor.selected or record
        if record is None or record[log.KIND] == log.RULE:
            self.app.notify("No event is chosen: 3 goes to the events.", timeout=3)
            return
        if focused is causes and causes.mode == mode == "waterfall" and causes.record is not None:
            record = causes.record
        self._choose(record)  # stands still: what is looked at must not slip away
        causes.explain(self.monitor, record, mode)
        self._open("causes", causes)

    # time -----------------------------------------------------------------------------------------

    def action_timeline(self) -> None:
        """Open the timeline at what is looked at, or close it."""
        if self.has_class("time") and not self.has_class("causes"):
            self.close_one()
            return
        cursor, record = self.monitor.cursor, self.query_one(EventsPane).record
        if self.monitor.log.paused and record is not None and record[log.KIND] != log.RULE:
            cursor.selected = record
            self._move_to(record[log.TIME])
        self.set_class(False, "causes")
        timeline = self.query_one(TimelinePane)
        timeline.open(self.monitor)
        self._open("time", timeline)

    def action_fit(self) -> None:
        """The timeline shows all, or the chosen event."""
        if self.has_class("time"):
            self.query_one(TimelinePane).fit(self.monitor)
        else:
            self.say("There is no timeline to fit: t opens it.")

    def zoom_time(self, direction: int) -> bool:
        """Zoom the timeline, if that is what is seen."""
        if not self.has_class("time") or self.has_class("causes"):
            return False
        self.query_one(TimelinePane).zoom(self.monitor, direction)
        return True

    def action_moment(self, direction: int) -> None:
        """Look at the moment of the event before, or of the next."""
        pane = self.query_one(EventsPane)
        if not self.monitor.log.paused:
            pane.go_to_time(self.monitor.run.now)
        pane.move(direction)
        record = pane.record
        if record is not None and record[log.KIND] != log.RULE:
            self.monitor.cursor.selected = record
            self._move_to(record[log.TIME])
            self.show()

    def scrub(self, time: int) -> None:
        """Look at a moment; at now if it has not come yet."""
        pane = self.query_one(EventsPane)
        if time >= self.monitor.run.now:
            self.look_at_now()
            pane.follow()
        else:
            self._move_to(time)
            pane.go_to_time(self.monitor.cursor.time or time)
            self.monitor.cursor.selected = pane.record
        self.show()

    def _move_to(self, time: int) -> None:
        """Set the cursor, within what the records and the history of figures reach back to."""
        monitor = self.monitor
        first = monitor.past.first or monitor.run.now
        view = monitor.log.view
        if view:
            first = min(first, view[0][log.TIME])
        monitor.cursor.move_to(time, max(first, monitor.run.origin), monitor.run.now)

    def look_at_now(self) -> None:
        """Leave the past."""
        self.monitor.cursor.release()
        self.monitor.cursor.selected = None
        self.query_one(TimelinePane).follow()

    # choosing -------------------------------------------------------------------------------------

    def _choose(self, record: RecordTuple) -> None:
        """Choose a record in the events, and in time if the past is looked at."""
        self.query_one(EventsPane).go_to_time(record[log.TIME], record[log.SEQUENCE])
        self._take(record)

    def take_choice(self) -> None:
        """What was moved to among the events is chosen everywhere."""
        pane: Any = self.focused
        if isinstance(pane, EventsPane) and self.monitor.log.paused and pane.record is not None:
            self._take(pane.record)

    def _take(self, record: RecordTuple) -> None:
        self.monitor.cursor.selected = record
        if self.monitor.cursor.in_past and record[log.KIND] != log.RULE:
            self._move_to(record[log.TIME])
