"""The Textual app: joins a session, the model and the screens. It ticks; nothing is pushed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen

from tui.filters import CALLS, Filters
from tui.keys import EVERYWHERE, MAP
from tui.model.calling import NotSentError, again, form_of, target_for
from tui.model.monitor import Monitor
from tui.model.rows import Key
from tui.options import MAX_HZ, MIN_HZ
from tui.paint.canvas import clean
from tui.screens.call import CallScreen
from tui.screens.dashboard import DashboardScreen
from tui.screens.detail import DetailScreen
from tui.screens.help import HelpScreen
from tui.screens.kept import KeptScreens
from tui.screens.live import LiveScreen, keys_of
from tui.screens.picker import PickerScreen
from tui.screens.values import ValuesScreen
from tui.session.messages import Answer, Pull, Question, RecordTuple
from tui.session.session import Session
from tui.session.source import Source
from tui.targets import Folder, Target
from tui.themes import DARK, THEMES

#: A tick asks for histograms every so many ticks: percentiles need no ten looks a second.
_HISTOGRAM_EVERY = 5
#: Seconds that a tick waits for the engine's answer.
_PATIENCE = 0.5
#: Ticks after which a screen is made before it is asked for; the first data come first.
_WARM_AT = range(10, 36, 5)
#: Seconds that somebody waits who has asked for something else than a look.
_LONG_PATIENCE = 2.0


class MonitorApp(App[None]):
    """The terminal monitor.

    Args:
        session: what to watch, perhaps already loading; None shows the picker for ``folder``.
        folder: where the picker looks.
        hz: looks per second.
        reload: whether saving a file loads it, for sessions that the picker starts.
        ascii: use no glyph outside ASCII.
        ticking: False leaves `tick` to the caller, for tests.
        opens: makes the session for what the picker chose, not yet started.
        own_cpu: CPU time of this process in nanoseconds, for the cost in the header.
        filters: those used before; None: there are none, and none is kept.
        calls: the same of messages that were sent by hand, by their slot.
    """

    CSS_PATH = "app.tcss"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        # Only ctrl+q comes before what is typed: a plain q belongs into the palette's search.
        Binding(key, a.id, a.help, show=False, priority=key == "ctrl+q")
        for a in MAP
        if a.id in EVERYWHERE
        for key in a.keys.split(",")
    ]

    def __init__(
        self,
        session: Source | None = None,
        *,
        folder: Folder | None = None,
        hz: int = 10,
        reload: bool = True,
        theme: str | None = None,
        ascii: bool = False,
        ticking: bool = True,
        opens: Callable[[Target], Source] | None = None,
        own_cpu: Callable[[], int] = time.process_time_ns,
        filters: Filters | None = None,
        calls: Filters | None = None,
    ) -> None:
        super().__init__()
        self.session = session
        self.monitor = Monitor(session.target.label if session else "")
        self.options_ascii = ascii
        self.hz = hz
        self._folder = folder
        self._reload = reload
        self._opens = opens or self._open_session
        self._own_cpu = own_cpu
        self.filters = filters or Filters()
        self.calls = calls or Filters(what="calls", kept=CALLS)
        self._ticking = ticking
        self._wanted_theme = theme
        self._ticks = 0
        self._screens = KeptScreens(self)
        self._ticker: asyncio.Task[None] | None = None
        self._leaving = False

    # life ---------------------------------------------------------------------------------------

    async def on_mount(self) -> None:
        """Show what was asked for."""
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = self._wanted_theme or DARK.name
        self.set_class(self.options_ascii, "-ascii")
        self.theme_changed_signal.subscribe(self, self._restyle)
        self._install_signals()
        self._tell_of_filters()
        if self.session is not None:
            await self._watch(self.session)
        elif self._folder is not None:
            await self.push_screen(PickerScreen(self._folder))

    def open_target(self, target: Target) -> None:
        """Start a session for what the picker chose; the first choice counts."""
        if self.session is not None:
            return  # Enter was pressed again before the screen changed
        self.session = self._opens(target)
        self.run_worker(self._watch(self.session), name="open")

    def _open_session(self, target: Target) -> Source:
        session = Session(target, reload=self._reload)
        session.prepare()
        return session

    async def _watch(self, session: Source) -> None:
        self.monitor.label = session.target.label
        session.on_event = self.monitor.handle
        dashboard = DashboardScreen(self.monitor)
        await session.start()
        await self.switch_screen(dashboard) if self._folder else await self.push_screen(dashboard)
        if self._ticking:
            self._ticker = asyncio.create_task(self._tick_for_ever(), name="tick")

    async def _tick_for_ever(self) -> None:
        loop = asyncio.get_running_loop()
        while not self._leaving:
            begin = loop.time()
            if not self._terminal_is_behind():
                await self.tick()
            if self._ticks in _WARM_AT:
                self._screens.warm()
            await asyncio.sleep(max(0.005, 1 / self.hz - (loop.time() - begin)))

    async def tick(self) -> None:
        """One look at the engine, shown in all panes at once."""
        session = self.session
        if session is None:
            return
        histograms = self._ticks % _HISTOGRAM_EVERY == 0
        self._ticks += 1
        screen = self.screen
        asks = isinstance(screen, LiveScreen) and (histograms or not self.monitor.run.jobs.listed)
        jobs = screen.jobs_wanted if isinstance(screen, LiveScreen) and asks else 0
        pull = Pull(histograms=histograms, trees=True, jobs=jobs)
        snapshot = await session.pull(pull, _PATIENCE)
        self.monitor.answering = session.answering or not session.alive
        if snapshot is not None:
            self.monitor.apply(snapshot, self._own_cpu())
        self.show()

    def show(self) -> None:
        """Show the model as it is."""
        screen = self.screen
        if isinstance(screen, DashboardScreen | LiveScreen):
            screen.show()

    def _terminal_is_behind(self) -> bool:
        """Whether the last frame is still on its way out: then another would only delay keys."""
        thread = getattr(self._driver, "_writer_thread", None)
        queue = getattr(thread, "_queue", None)
        return queue is not None and queue.qsize() > 0

    async def action_quit(self) -> None:
        """Stop the flow and leave; handlers that are stuck are not waited for."""
        if self._leaving:
            return
        self._leaving = True
        if self._ticker is not None:
            self._ticker.cancel()
        if self.session is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.session.close(drain=0.03), 0.06)
            self.session.kill_all()
        self.exit()

    def _install_signals(self) -> None:
        if not self._ticking:
            return  # a test: the process is not ours
        loop = asyncio.get_running_loop()
        with contextlib.suppress(NotImplementedError, ValueError, AttributeError):
            loop.add_signal_handler(signal.SIGHUP, self._hang_up)
            loop.add_signal_handler(signal.SIGTERM, lambda: self.call_later(self.action_quit))

    def _hang_up(self) -> None:
        """The terminal is gone: there is nothing to restore and nobody to tell."""
        if self.session is not None:
            self.session.kill_all()
        os._exit(129)

    # what screens ask for -----------------------------------------------------------------------

    def go_to(self, name: str) -> LiveScreen:
        """Show a screen by name."""
        return self._screens.show(name)

    def open_routine(self, key: Key) -> None:
        """Show the screen of a routine."""
        screen = self.go_to("routine")
        if isinstance(screen, DetailScreen):
            screen.open(key)

    def open_value(self, name: str) -> None:
        """Show the statistics with this one in the chart."""
        screen = self.go_to("values")
        if isinstance(screen, ValuesScreen):
            screen.open(name)

    async def ask(self, request: Question) -> Answer | None:
        """What came of a request; None if no answer came in time."""
        return await self.session.ask(request, _LONG_PATIENCE) if self.session else None

    def open_call(self, key: Key | None = None) -> None:
        """A form for a message to a routine; None: to where jobs begin."""
        target = target_for(self.monitor.run, key)
        if target is None:
            self.say("There is no slot to send anything to yet.")
        else:
            self.push_screen(CallScreen(self, form_of(self.monitor.run, target)))

    def open_again(self, record: RecordTuple | None) -> None:
        """The form of a past message."""
        if record is None:
            self.say("No event is chosen to be sent again.")
            return
        try:
            form = again(self.monitor, record)
        except NotSentError as error:
            self.say(f"Not to be sent again: {error}")
        else:
            self.push_screen(CallScreen(self, form))

    def say(self, text: str) -> None:
        """A line about what cannot be done."""
        self.notify(clean(text), severity="warning", markup=False, timeout=5)

    def execute(self) -> None:
        """Run the entry routines once more."""
        if self.session is not None and self.session.alive:
            self.session.execute()
        else:
            self.notify("The engine process has ended: r starts it again.", severity="warning")

    def reload(self) -> None:
        """Load the target anew."""
        if self.session is not None:
            self.session.reload()

    def toggle_auto_reload(self) -> None:
        """Reload on save: on or off."""
        if self.session is not None:
            self.session.auto_reload = not self.session.auto_reload
            self.show()

    def kill_engine(self) -> None:
        """Kill the engine process."""
        if self.session is not None:
            self.session.kill()

    def change_hz(self, by: int) -> None:
        """Look more or less often."""
        self.hz = max(MIN_HZ, min(MAX_HZ, self.hz + by))
        self.notify(f"{self.hz} looks a second", timeout=2)

    def remember_filter(self, pane: str, text: str) -> None:
        """A filter was applied: keep it for this project."""
        self.filters.add(pane, text)
        self._tell_of_filters()

    def remember_call(self, slot: str, text: str) -> None:
        """A message is sent by hand: keep it for this project."""
        self.calls.add(slot, text)
        self._tell_of_filters()

    def _tell_of_filters(self) -> None:
        """What is wrong with the files of filters and calls, once."""
        for kept in (self.filters, self.calls):
            trouble, kept.trouble = kept.trouble, ""
            if trouble:
                self.notify(trouble, severity="warning", markup=False)

    # general ------------------------------------------------------------------------------------

    def action_show_help(self) -> None:
        """Show all keys."""
        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(keys_of(self.screen), ascii=self.options_ascii))

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """The palette: the part of the key map that means something here, and the themes."""
        for action in keys_of(screen):
            node = self if action.id in EVERYWHERE else screen
            if hasattr(node, f"action_{action.id.partition('(')[0]}"):
                title = f"{action.help.rstrip('.')}  ({action.shown})"  # brackets would be markup
                yield SystemCommand(title, action.group, self._runner(action.id))
        yield SystemCommand("Change the theme", "View", self.action_change_theme)

    def _runner(self, action: str) -> Callable[[], Any]:
        async def run() -> None:
            await self.run_action(action, self if action in EVERYWHERE else self.screen)

        return run

    def _restyle(self, _theme: object) -> None:
        for screen in self.screen_stack:
            if isinstance(screen, DashboardScreen | LiveScreen):
                screen.restyle()
