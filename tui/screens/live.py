"""The base of screens beside the dashboard: live boxes, moving between them, and going back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widget import Widget

from tui.export import csv
from tui.export.fresh import ExportError
from tui.keys import EVERYWHERE, FIRST, LIVE, MAP, Action
from tui.model.monitor import Monitor
from tui.widgets.bars import BannerBar, Bar, Header, KeysBar
from tui.widgets.box import Box
from tui.widgets.choice import Choice
from tui.widgets.commandbar import CommandBar

from .linked import Linked

#: Below this many columns or lines there is room for one box only.
SMALLEST = (60, 20)


def keys_of(screen: Screen[Any]) -> Sequence[Action]:
    """The part of the key map that means something on a screen, as the user has it."""
    return screen.keys if isinstance(screen, Linked) else MAP


class LiveScreen(Linked):
    """Boxes that show the model at each tick. Subclasses compose them and add actions.

    Attributes:
        KEYS: its part of the key map.
        jobs_wanted: of how many jobs the engine is asked for while this screen is in front.
    """

    KEYS: ClassVar[Sequence[Action]] = LIVE
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-normal"), (160, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-short"), (34, "-tall")]  # noqa: RUF012
    jobs_wanted = 0

    @staticmethod
    def bindings_of(actions: Iterable[Action]) -> list[BindingType]:
        """The bindings of a screen with these actions; those of the app are the app's."""
        return [
            Binding(a.keys, a.id, a.help, show=False, id=a.binding, priority=a.id in FIRST)
            for a in actions
            if a.id not in EVERYWHERE
        ]

    def __init__(self, monitor: Monitor) -> None:
        super().__init__(classes="live")
        self.monitor = monitor
        self._last: Box | None = None

    def compose(self) -> ComposeResult:
        """Header, banner, the boxes, keys."""
        yield Header(id="header")
        yield BannerBar(id="banner")
        yield self.body()
        yield CommandBar()
        yield KeysBar(id="keys")

    def body(self) -> Widget:
        """What stands between header and keys."""
        raise NotImplementedError  # pragma: no cover - abstract

    def on_mount(self) -> None:
        """Start in the first box, with everything in the first frame."""
        for bar in (self.query_one(Header), self.query_one(BannerBar), self.query_one(KeysBar)):
            bar.ascii = self.monitor_app.options_ascii
        for box in self.boxes:
            box.ascii = self.monitor_app.options_ascii
        self.boxes[0].focus()
        self.call_after_refresh(self.show)

    def draw_ascii(self, on: bool) -> None:
        """Draw with ASCII characters only, or with all."""
        for part in (*self.query(Bar), *self.boxes):
            part.ascii = on
        self.restyle()
        self.show()

    @property
    def actions(self) -> Sequence[Action]:
        """Its part of the key map."""
        return self.KEYS

    @property
    def choice(self) -> Choice:
        """What is chosen in the box with the focus."""
        box = self.box or self._last
        return box.choice(self.monitor) if box is not None else Choice()

    @property
    def boxes(self) -> list[Box]:
        """The boxes from top left to bottom right."""
        return list(self.query(Box))

    @property
    def box(self) -> Box | None:
        """The box that has the focus."""
        return self.focused if isinstance(self.focused, Box) else None

    def show(self) -> None:
        """Show the model as it is now."""
        if not self.is_mounted or not self.is_current:
            return
        with self.app.batch_update():
            session = self.monitor_app.session
            on = session is None or session.auto_reload
            self.query_one(Header).show(self.monitor, auto_reload=on)
            self.query_one(BannerBar).show(self.monitor.banner)
            self.query_one(KeysBar).show(self.keys)
            self.prepare()
            for box in self.boxes:
                box.show(self.monitor)

    def prepare(self) -> None:
        """Give the boxes what they need beside the model; called before they show it."""

    def on_resize(self, event: events.Resize) -> None:
        """Choose how many boxes there is room for."""
        self.set_class(event.size.width < SMALLEST[0] or event.size.height < SMALLEST[1], "tiny")
        self._mark()
        self.call_after_refresh(self._refocus)
        self.call_after_refresh(self.show)

    def on_screen_resume(self) -> None:
        """Shown again: what came meanwhile is in the first frame already."""
        self.show()
        if not self.size:  # the first time: there is no layout yet to show it in
            self.call_after_refresh(self.show)

    def on_descendant_focus(self) -> None:
        """On a tiny screen the box with the focus is the one to see."""
        self._mark()

    def _mark(self) -> None:
        self._last = self.box or self._last
        for box in self.boxes:
            box.set_class(box is self._last, "chosen")
        for row in self.query(".row"):
            row.set_class(self._last is not None and self._last in row.query(Box), "chosen")

    def _refocus(self) -> None:
        """A box that had no room for a moment has lost the focus."""
        if self.focused is None and self._last is not None:
            self._last.focus()

    def restyle(self) -> None:
        """The theme has changed."""
        for box in self.boxes:
            box.restyle()
        for bar in (self.query_one(Header), self.query_one(BannerBar), self.query_one(KeysBar)):
            bar.refresh()

    # moving -------------------------------------------------------------------------------------

    def action_next_pane(self) -> None:
        """The next box that can be seen."""
        self._step(1)

    def action_previous_pane(self) -> None:
        """The one before."""
        self._step(-1)

    def _step(self, direction: int) -> None:
        boxes = self.stops()
        if boxes == [self.box]:
            self.say("There is no other pane here.")
        elif boxes:
            here = boxes.index(self.box) if self.box in boxes else -direction
            boxes[(here + direction) % len(boxes)].focus()
            self.call_after_refresh(self.show)

    def stops(self) -> list[Box]:
        """The boxes that there is a way to: on a tiny screen also to those that do not show."""
        tiny = self.has_class("tiny")
        return [box for box in self.boxes if tiny or (box.display and box.size.width)]

    def action_back(self) -> None:
        """Dismiss the banner if there is one, else leave."""
        if self.monitor.banner is not None:
            self.monitor.dismiss()
            self.show()
        else:
            self.app.pop_screen()

    def action_cursor(self, lines: int) -> None:
        """Move by a line."""
        if self.box is not None:
            self.box.move(lines)
            self.moved()

    def action_page(self, direction: int) -> None:
        """Move by half a page."""
        if self.box is not None:
            self.box.page(direction)
            self.moved()

    def action_pan(self, direction: int) -> None:
        """Scroll sideways."""
        if self.box is not None:
            self.box.pan(direction)

    def action_edge(self, direction: int) -> None:
        """To the first or last line."""
        if self.box is not None:
            self.box.go_to_edge(direction)
            self.moved()

    def moved(self) -> None:
        """The cursor stands elsewhere: other boxes may depend on it."""
        self.show()

    # screens ------------------------------------------------------------------------------------

    def action_jobs(self) -> None:
        """The jobs, in place of this screen."""
        self._go_to("jobs")

    def action_errors(self) -> None:
        """The errors, in place of this screen."""
        self._go_to("errors")

    def action_values(self) -> None:
        """The statistics, in place of this screen."""
        self._go_to("values")

    def action_dead(self) -> None:
        """The dead letters, in place of this screen."""
        self._go_to("dead")

    def action_waits(self) -> None:
        """Who waits for whom, in place of this screen."""
        self._go_to("waits")

    def _go_to(self, name: str) -> None:
        if self.monitor_app.go_to(name) is self:
            self.say("You are there already: Esc goes back.")

    def action_findings(self) -> None:
        """The findings, in place of this screen."""
        self._go_to("findings")

    # general ------------------------------------------------------------------------------------

    def action_export(self) -> None:
        """Write what the box with the focus shows, all of it, to a file in the current folder."""
        box = self.box or self._last
        table = box.table(self.monitor) if box is not None else None
        if table is None:
            self.say("There is no table in this pane to write.", wrong=True)
            return
        try:
            path = csv.write(table, Path.cwd())
        except (ExportError, OSError) as error:
            self.say(f"Not written: {error}", wrong=True)
        else:
            self.say(f"{len(table.rows)} rows in {path}")

    def action_call(self) -> None:
        """Send a message to where jobs begin, or to another slot."""
        self.monitor_app.open_call()

    def action_reload(self) -> None:
        """Load the target anew."""
        self.monitor_app.reload()

    def action_faster(self) -> None:
        """Look more often."""
        self.monitor_app.change_hz(5)

    def action_slower(self) -> None:
        """Look less often."""
        self.monitor_app.change_hz(-5)
