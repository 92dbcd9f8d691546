"""One routine: who it is, how long it takes, what it keeps, who calls it, and what it does now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widget import Widget

from tui.keys import DETAIL, Action
from tui.model import log
from tui.model.detail import Detail, detail, find
from tui.model.monitor import Monitor
from tui.model.rows import Key
from tui.session.messages import AskLines, AskStack
from tui.widgets.activations import ActivationsBox, OwnStatsBox, StackBox
from tui.widgets.box import Box
from tui.widgets.detail import IdentityBox, LatencyBox, ListBox, NeighboursBox
from tui.widgets.hot import HotBox

from .live import LiveScreen

#: Boxes that are there while the screen has a class.
_OPENED: dict[str, type[Box]] = {"stack": StackBox, "lines": HotBox}


class DetailScreen(LiveScreen):
    """Kept by flow and name, so that a reload shows the same routine of the new generation."""

    KEYS: ClassVar[Sequence[Action]] = DETAIL
    BINDINGS: ClassVar[list[BindingType]] = LiveScreen.bindings_of(DETAIL)

    def __init__(self, monitor: Monitor) -> None:
        super().__init__(monitor)
        self._flow = self._routine = ""
        self._asking = self._asking_lines = False

    def open(self, key: Key) -> None:
        """Be about this routine, as if never used before."""
        self._choose(key)
        if self.is_mounted:
            for name in _OPENED:
                self.set_class(False, name)
            self.query_one(StackBox).open(None)
            self.boxes[0].focus()
            self.show()

    def body(self) -> Widget:
        """Three rows; the stack comes beside or in place of the activations. On wide screens the
        list of routines stays at the left.
        """
        rows = Vertical(
            Horizontal(IdentityBox(), LatencyBox(), id="who", classes="row"),
            Horizontal(OwnStatsBox(), NeighboursBox(), id="keeps", classes="row"),
            Horizontal(ActivationsBox(), HotBox(), StackBox(), id="does", classes="row"),
            id="of-routine",
        )
        return Horizontal(ListBox(), rows, id="detail")

    @property
    def boxes(self) -> list[Box]:
        """Begin with who it is: the list of routines is but a way to others."""
        return [*(box for box in super().boxes if not isinstance(box, ListBox)),
                *self.query(ListBox)]  # fmt: skip

    def stops(self) -> list[Box]:
        """Not to a stack that is not open."""
        shut = [kind for name, kind in _OPENED.items() if not self.has_class(name)]
        return [box for box in super().stops() if type(box) not in shut]

    def _choose(self, key: Key) -> None:
        flow = self.monitor.run.flows.get(key[0])
        if flow is not None:
            self._flow, self._routine = flow.id, flow.routines[key[1]].id

    @property
    def key(self) -> Key | None:
        """The routine in the generation that runs; None if it is not there."""
        return find(self.monitor.run, self._flow, self._routine)

    def prepare(self) -> None:
        """Look the routine up once for all boxes, and ask for its stack if that is wanted."""
        key = self.key
        found: Detail | None = detail(self.monitor.run, key) if key is not None else None
        identity = self.query_one(IdentityBox)
        identity.detail, identity.missing = found, self._routine
        self.query_one(LatencyBox).detail = self.query_one(NeighboursBox).detail = found
        earlier = self.monitor.generations.of(self.monitor.run, key) if key is not None else []
        self.query_one(LatencyBox).generations = earlier
        self.query_one(ListBox).key = key
        self.query_one(OwnStatsBox).key = self.query_one(ActivationsBox).key = key
        self._ask()
        self._ask_lines(key)

    # the stack ----------------------------------------------------------------------------------

    def _ask(self) -> None:
        """Ask for the stack, one question at a time."""
        asks = self.query_one(StackBox).asks
        if self.has_class("stack") and asks is not None and not self._asking:
            self._asking = True
            self.run_worker(self._wait_for_stack(asks), name="stack")

    async def _wait_for_stack(self, asks: AskStack) -> None:
        try:
            answer = await self.monitor_app.ask(asks)
        finally:
            self._asking = False
        stack = self.query_one(StackBox)
        if stack.asks is asks:
            stack.take(answer)

    def action_stack(self) -> None:
        """The stack of the chosen activation, or of what has run longest; again: away with it."""
        stack = self.query_one(StackBox)
        if self.has_class("stack"):
            self._close_stack()
            return
        row = self.query_one(ActivationsBox).running
        self.set_class(True, "stack")
        if row is None:
            stack.open(None, "nothing of this routine runs now")
        else:
            stack.open(AskStack(row.activation, row.lane, row.edge))
        stack.focus()
        self.call_after_refresh(self.show)

    def _close_stack(self) -> None:
        self.set_class(False, "stack")
        self.query_one(StackBox).open(None)
        if self.box is None or isinstance(self.box, StackBox):
            self.query_one(ActivationsBox).focus()
        self.call_after_refresh(self.show)

    # lines --------------------------------------------------------------------------------------

    def action_profile(self) -> None:
        """Sample the lines of the routine's handlers; again: no longer."""
        if self.has_class("lines"):
            self._close_lines()
            return
        self.set_class(True, "lines")
        self.query_one(HotBox).focus()
        self.call_after_refresh(self.show)

    def _close_lines(self) -> None:
        """The engine is told at once; it would stop by itself too."""
        box = self.query_one(HotBox)
        if box.key is not None:
            off = AskLines(box.key[0], box.routine, off=True)
            self.run_worker(self.monitor_app.ask(off), name="lines off")
        self.set_class(False, "lines")
        box.open(None, "", 0)
        if self.box is None or isinstance(self.box, HotBox):
            self.query_one(ActivationsBox).focus()
        self.call_after_refresh(self.show)

    def _ask_lines(self, key: Key | None) -> None:
        """Ask for what was found, one question at a time; after a reload of the new code."""
        if not self.has_class("lines"):
            return
        box = self.query_one(HotBox)
        box.open(key, self._routine, self.monitor.run.generation)
        asks = box.asks()
        if asks is not None and not self._asking_lines:
            self._asking_lines = True
            self.run_worker(self._wait_for_lines(asks), name="lines")

    async def _wait_for_lines(self, asks: AskLines) -> None:
        box = self.query_one(HotBox)
        generation = box.generation
        try:
            answer = await self.monitor_app.ask(asks)
        finally:
            self._asking_lines = False
        if (box.key, box.generation) == ((asks.flow, box.key[1] if box.key else 0), generation):
            box.take(answer)

    def action_again(self) -> None:
        """Send the message of the chosen activation again."""
        key, row = self.key, self.query_one(ActivationsBox).chosen
        records = self.monitor.run.recent.activations(key) if key is not None else []
        number = row.number if row is not None else None
        record = next((r for r in records if r[log.SEQUENCE] == number), None)
        if row is not None and record is None:
            self.say("It still runs: what it was sent is known when it has ended.", wrong=True)
        else:
            self.monitor_app.open_again(record)

    def action_call(self) -> None:
        """Send a message to this routine."""
        self.monitor_app.open_call(self.key)

    def action_back(self) -> None:
        """The lines and the stack first, then as everywhere."""
        if self.has_class("lines"):
            self._close_lines()
        elif self.has_class("stack"):
            self._close_stack()
        else:
            super().action_back()

    # elsewhere ----------------------------------------------------------------------------------

    def action_step(self, direction: int) -> None:
        """The next routine, in order of addition."""
        keys = [row.key for row in self.monitor.run.routines()]
        key = self.key
        if keys:
            here = keys.index(key) if key in keys else -direction
            self._go(keys[(here + direction) % len(keys)])

    def _go(self, key: Key) -> None:
        self._choose(key)
        self._close_stack() if self.has_class("stack") else self.show()

    def action_open(self) -> None:
        """The neighbour under the cursor, or the chart of the statistic."""
        if isinstance(self.box, NeighboursBox | ListBox):
            if self.box.chosen is not None:
                self._go(self.box.chosen)
        elif isinstance(self.box, OwnStatsBox) and self.box.chosen is not None and self.key:
            name = f"{self.monitor.run.routine_name(self.key)}.{self.box.chosen}"
            self.monitor_app.open_value(name)
        else:
            self.say("Nothing is chosen to open: Tab goes to statistics and neighbours.")

    def action_window(self) -> None:
        """The next window of the histograms."""
        self.query_one(LatencyBox).next_window()
