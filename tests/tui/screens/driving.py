"""Running the app without a terminal: every tick is the test's own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any, cast

from textual.drivers.headless_driver import HeadlessDriver
from textual.errors import NoWidget
from textual.events import Key, Resize
from textual.geometry import Size
from textual.keys import _character_to_key
from textual.pilot import Pilot

from routilux import Flow
from tests.tui.building import CannedSession
from tests.tui.screens.screen_text import drawn_size
from tests.waiting import SECONDS
from tui.app import MonitorApp
from tui.screens.dashboard import DashboardScreen
from tui.session.events import Event
from tui.session.local import LocalSession
from tui.session.messages import Snapshot
from tui.session.source import Source
from tui.widgets.pane import Pane

Dimensions = tuple[int, int]


class Driver:
    """The app of a test and its pilot, with words for what tests do to it."""

    def __init__(self, app: MonitorApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def dashboard(self) -> DashboardScreen:
        """The dashboard, which must be on the stack."""
        found = [s for s in self.app.screen_stack if isinstance(s, DashboardScreen)]
        assert found, f"no dashboard among {self.app.screen_stack}"
        return found[0]

    def pane(self, number: int) -> Pane:
        """A pane by number."""
        return next(pane for pane in self.dashboard.panes if pane.number == number)

    @property
    def focused(self) -> int:
        """The number of the pane that has the focus."""
        pane = self.dashboard.pane
        return pane.number if pane is not None else 0

    @property
    def visible(self) -> list[int]:
        """The numbers of the panes that are on the screen."""
        return [pane.number for pane in self.dashboard.panes if _is_shown(pane)]

    def text(self, number: int) -> str:
        """A pane's content as last painted."""
        return "\n".join(strip.text.rstrip() for strip in self.pane(number)._strips)

    def title(self, number: int) -> str:
        """A pane's title."""
        return str(self.pane(number).border_title)

    async def settle(self) -> None:
        """Wait until every message is dealt with, however many follow from one.

        Pilot's own waiting sleeps until the process idles: slow, and wrong while a flow is busy.
        """
        for turn in range(4):
            if self.app._exit:
                return
            done = asyncio.Event()
            self.app.call_later(done.set)
            await asyncio.wait_for(done.wait(), SECONDS)
            await self.pilot._wait_for_screen(SECONDS)
            self.app.screen._on_timer_update()  # lays out and paints what has changed
            if turn and self._is_quiet():
                return

    def _is_quiet(self) -> bool:
        """Whether no widget has a message, a callback or anything to paint left."""
        screen = self.app.screen
        if screen._callbacks or screen._dirty_widgets or screen._layout_required:
            return False
        screens = self.app.screen_stack  # those behind have to come to know their size too
        pumps = (self.app, *(w for each in screens for w in each.walk_children(with_self=True)))
        return not any(pump.message_queue_size or pump._next_callbacks for pump in pumps)

    async def tick(self, times: int = 1) -> None:
        """Look at the engine and let the screen settle."""
        for _ in range(times):
            await self.app.tick()
        await self.settle()

    async def press(self, *keys: str) -> None:
        """Press keys and let the screen settle after each."""
        driver = self.app._driver
        assert driver is not None
        for key in keys:
            event = Key(key, key if len(key) == 1 else None)
            event.set_sender(self.app)
            driver.send_message(event)
            await asyncio.sleep(0)
            await self.settle()

    async def type(self, text: str) -> None:
        """Type a text."""
        driver = self.app._driver
        assert driver is not None
        for char in text:
            event = Key(_character_to_key(char), char)
            event.set_sender(self.app)
            driver.send_message(event)
            await asyncio.sleep(0)
        await self.settle()

    async def resize(self, width: int, height: int) -> None:
        """Give the screen another size."""
        size = Size(width, height)
        driver = cast("HeadlessDriver", self.app._driver)
        driver._size = size
        self.app.post_message(Resize(size, size))
        deadline = monotonic() + SECONDS
        while drawn_size(self.app) != size:  # the app takes it up when it has a moment
            assert monotonic() < deadline, f"still {drawn_size(self.app)}, not {size}"
            await asyncio.sleep(0.001)
            await self.settle()
        await self.settle()

    async def until(self, condition: Callable[[], object], what: str = "") -> None:
        """Tick until something holds."""
        deadline = monotonic() + SECONDS
        while not condition():
            assert monotonic() < deadline, f"not within {SECONDS} s: {what or condition}"
            await self.tick()
            await asyncio.sleep(0.001)


def _is_shown(pane: Pane) -> bool:
    try:
        return pane.screen.find_widget(pane).region.area > 0
    except NoWidget:
        return False


Script = Callable[[Driver], Awaitable[Any]]


def drive(
    script: Script,
    source: Source | None,
    *,
    size: Dimensions = (120, 40),
    toasts: bool = False,
    **options: Any,
) -> None:
    """Run the app on a source, and the script against it; ``toasts`` draws notifications."""

    async def run() -> None:
        app = MonitorApp(source, ticking=False, own_cpu=lambda: 0, **options)
        async with app.run_test(size=size, notifications=toasts) as pilot:
            driver = Driver(app, pilot)
            await driver.settle()
            try:
                await script(driver)
            finally:
                if app.session is not None:
                    await app.session.close(1.0)

    asyncio.run(run())


def drive_flow(
    script: Script, build: Callable[[], Flow], *, size: Dimensions = (120, 40), **options: Any
) -> None:
    """Run the app on a real flow in this process; the script starts when the flow is idle."""

    async def ready(driver: Driver) -> None:
        monitor = driver.app.monitor
        await driver.until(lambda: monitor.phase == "ENDED", "the flow has done its work")
        await driver.tick(5)  # one of them brings the histograms
        await script(driver)

    drive(ready, LocalSession(build), size=size, **options)


def drive_canned(
    script: Script, *items: Snapshot | Event, size: Dimensions = (120, 40), **options: Any
) -> None:
    """Run the app on canned snapshots; the last is shown when the script starts.

    Those before go into the model only: drawing a hundred frames that nobody looks at took most
    of the time of a test.
    """

    async def ready(driver: Driver) -> None:
        session = cast("CannedSession", driver.app.session)
        for _ in range(sum(isinstance(item, Snapshot) for item in items) - 1):
            await driver.app.look()
        await driver.tick()
        assert not session._items
        await script(driver)

    drive(ready, CannedSession(*items), size=size, **options)
