"""The Textual app: joins a session, the model and the screens. It ticks; nothing is pushed."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.command import CommandPalette
from textual.driver import Driver
from textual.screen import Screen

from tui.commanding import Commands
from tui.config import Settings
from tui.escape import quick_escape
from tui.export import fresh
from tui.filters import Filters
from tui.findings.registry import Thresholds
from tui.findings.watch import Watch
from tui.keys import EVERYWHERE, MAP, Action
from tui.model.cost import Prices
from tui.model.monitor import Monitor, Phase
from tui.model.rows import Key
from tui.mutes import Mutes
from tui.options import MAX_HZ, MIN_HZ
from tui.pace import Pace
from tui.paint.canvas import clean
from tui.screens import call, picture
from tui.screens.dashboard import DashboardScreen
from tui.screens.detail import DetailScreen
from tui.screens.help import HelpScreen
from tui.screens.kept import KeptScreens
from tui.screens.live import LiveScreen, keys_of
from tui.screens.palette import FindCommand, FindTheme
from tui.screens.payload import PayloadScreen
from tui.screens.picker import PickerScreen
from tui.screens.values import ValuesScreen
from tui.session import prices
from tui.session.events import Event
from tui.session.messages import Answer, Pull, Question, RecordTuple
from tui.session.session import Session
from tui.session.source import Source
from tui.targets import Folder, Target
from tui.themes import (
    DARK,
    MONO,
    THEMES,
    find_theme,
    no_color,
    role_variables,
    theme_names,
    without_colour,
)
from tui.widgets.commandbar import CommandBar
from tui.widgets.filterbar import Narrowed
from tui.widgets.scrollbar import use_signs

#: A tick asks for histograms every so many ticks: percentiles need no ten looks a second.
_HISTOGRAM_EVERY = 5
#: The tick after which prices are measured, see `tui.session.prices`.
_PRICES_AT = 8
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
        slow: fewer, when frames are large: the terminal is behind a slow link.
        reload: whether saving a file loads it, for sessions that the picker starts.
        theme: its name, with or without the prefix of ours. None: dark, or without colours where
            the environment asks for that.
        ascii: use no glyph outside ASCII.
        ticking: False leaves `tick` to the caller, for tests.
        opens: makes the session for what the picker chose, not yet started.
        own_cpu: CPU time of this process in nanoseconds, for the cost in the header.
        filters: those used before; None: there are none, and none is kept.
        settings: what the configuration says of keys, editor and the number of events kept.
        mutes: findings that are muted; None: none is, and none is kept.
        lints: thresholds by lint and name: see `tui.findings.registry.Thresholds`.

    Raises:
        ValueError: there is no theme of that name.
        UsageError: a threshold that there is not.
    """

    CSS_PATH = "app.tcss"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        # Only ctrl+q comes before what is typed: a plain q belongs into the palette's search.
        Binding(key, a.id, a.help, show=False, priority=key == "ctrl+q", id=a.binding)
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
        slow: bool = False,
        reload: bool = True,
        theme: str | None = None,
        ascii: bool = False,
        ticking: bool = True,
        opens: Callable[[Target], Source] | None = None,
        own_cpu: Callable[[], int] = time.process_time_ns,
        filters: Filters | None = None,
        settings: Settings | None = None,
        mutes: Mutes | None = None,
        lints: Mapping[str, Mapping[str, object]] = MappingProxyType({}),
    ) -> None:
        plain = theme is None and without_colour(os.environ)
        with no_color(plain):
            super().__init__(ansi_color=True if plain else None)
        # Textual keeps 64 parsed sources, one for each kind of widget; with more of them each new
        # kind would have all parsed again, while somebody waits for its screen.
        self.stylesheet._parse_cache = LRUCache(1_024)
        self.animation_level = "none"  # nothing on the screen moves but what has changed
        use_signs(ascii or plain)
        for each in THEMES:
            self.register_theme(each)
        known = self.available_themes
        self._first_theme = find_theme(theme or (MONO if plain else DARK).name, known)
        self.session = session
        self.settings = settings or Settings()
        self.monitor = Monitor(session.target.label if session else "", self.settings.ring)
        self.commands = Commands(self)
        self.set_keymap({_binding(a): keys for a, keys in self.settings.keys.items()})
        self.options_ascii = ascii
        self._pace = Pace(hz, slow=slow)
        self._woken = asyncio.Event()
        self._folder = folder
        self._reload = reload
        self._opens = opens or self._open_session
        self._own_cpu = own_cpu
        self.filters = filters or Filters()
        self.mutes = mutes or Mutes()
        self.monitor.findings.muted = self.mutes.reasons
        self._lints = Watch(Thresholds.from_mapping(lints))
        self._ticking = ticking
        self._ticks = 0
        self._screens = KeptScreens(self)
        self._ticker: asyncio.Task[None] | None = None
        self._leaving = False

    # life ---------------------------------------------------------------------------------------

    def get_driver_class(self) -> type[Driver]:
        """Textual's own for the terminal, with an Esc that is not waited for."""
        return quick_escape(super().get_driver_class())

    async def on_mount(self) -> None:
        """Show what was asked for."""
        self.theme = self._first_theme
        self.set_class(self.options_ascii, "-ascii")
        self.theme_changed_signal.subscribe(self, self._restyle)
        self._install_signals()
        self.tell_of_filters()
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
        session.on_event = self._take_event
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
                self._pace.wrote(getattr(self._driver, "written", 0))
                await self.look()
                monitor = self.monitor
                idle = monitor.phase not in (Phase.RUN, Phase.LOADING, Phase.STUCK)
                if self._pace.look(monitor.news, idle=idle):
                    self.show()
            if self._ticks in _WARM_AT:
                self._screens.warm()
            if self._ticks == _PRICES_AT:
                self._measure_prices()
            await self._sleep(max(0.005, self._pace.interval - (loop.time() - begin)))

    async def _sleep(self, seconds: float) -> None:
        """Until the next look. At rest what the session tells, or a key that runs code, wakes."""
        self._woken.clear()
        if not self._pace.resting:
            await asyncio.sleep(seconds)
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), seconds)

    def _wake(self) -> None:
        self._pace.wake()
        self._woken.set()

    def _take_event(self, event: Event) -> None:
        self.monitor.handle(event)
        self._wake()

    @property
    def hz(self) -> int:
        """Looks a second while something happens."""
        return self._pace.hz

    def look_at(self, hz: int) -> None:
        """Look so many times a second from now on."""
        self._pace.hz = hz

    async def tick(self) -> None:
        """One look at the engine, shown in all panes at once."""
        await self.look()
        self.show()

    async def look(self) -> None:
        """Bring the model up to now."""
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
            self._lints.look(self.monitor)

    def _measure_prices(self) -> None:
        """What being watched costs a flow for each activation, for the cost in the header."""

        def measure() -> None:
            self.monitor.cost.prices = Prices(*prices.measure())

        threading.Thread(target=measure, name="prices", daemon=True).start()

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

    def to_dashboard(self) -> DashboardScreen:
        """Bring the dashboard to the front, as by going back."""
        while not isinstance(self.screen, DashboardScreen):
            self.pop_screen()
        return self.screen

    def show_events(self, wanted: str) -> None:
        """Show the events that a filter keeps."""
        self.to_dashboard().show_events(wanted)

    async def ask(self, request: Question) -> Answer | None:
        """What came of a request; None if no answer came in time."""
        return await self.session.ask(request, _LONG_PATIENCE) if self.session else None

    def open_call(self, key: Key | None = None) -> None:
        """A form for a message to a routine; None: to where jobs begin."""
        call.open_call(self, key)

    def open_again(self, record: RecordTuple | None) -> None:
        """The form of a past message."""
        call.open_again(self, record)

    def say(self, text: str) -> None:
        """A line about what cannot be done."""
        self.notify(clean(text), severity="warning", markup=False, timeout=5)

    def execute(self) -> None:
        """Run the entry routines once more."""
        if self.session is not None and self.session.alive:
            self.session.execute()
            self._wake()
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

    def restart(self) -> None:
        """Stop what runs at once and begin anew, with nothing kept of it."""
        if self.session is not None:
            self.monitor.forget_at_start = True
            self.session.restart()

    def kill_engine(self) -> None:
        """Kill the engine process."""
        if self.session is not None:
            self.session.kill()

    def change_hz(self, by: int) -> None:
        """Look more or less often."""
        self._pace.hz = max(MIN_HZ, min(MAX_HZ, self.hz + by))
        self.notify(f"{self.hz} looks a second", timeout=2)

    def remember_filter(self, pane: str, text: str) -> None:
        """A filter was applied: keep it for this project."""
        self.filters.add(pane, text)
        self.tell_of_filters()

    def use_filter(self, pane: Narrowed, text: str) -> None:
        """Filter a pane, and remember that."""
        pane.narrow(text)
        if text:
            self.remember_filter(pane.filter_name, text)

    def remember_call(self, slot: str, text: str) -> None:
        """A message is sent by hand: keep it for this project."""
        self.filters.add_call(slot, text)
        self.tell_of_filters()

    def tell_of_filters(self) -> None:
        """What is wrong with the files of filters and mutes, once."""
        for kept in (self.filters, self.mutes):
            trouble, kept.trouble = kept.trouble, ""
            if trouble:
                self.notify(trouble, severity="warning", markup=False)

    # looks --------------------------------------------------------------------------------------

    def get_css_variables(self) -> dict[str, str]:
        """Those of the theme, and its colours by role, see `tui.schemes`."""
        variables = super().get_css_variables()
        variables.update(role_variables(self.current_theme, variables))
        return variables

    def themes(self) -> list[str]:
        """The names that `use_theme` takes, ours first."""
        return theme_names(self.available_themes)

    def use_theme(self, name: str) -> None:
        """Change to a theme. Raises ValueError if there is none of that name."""
        self.theme = find_theme(name, self.available_themes)

    def action_change_theme(self) -> None:
        """Choose another theme from a list."""
        self.push_screen(FindTheme())

    def action_picture(self) -> None:
        """Write the screen in front into the current folder."""
        files = {".svg": picture.svg(self), ".txt": picture.text(self)}
        try:
            drawn, written = fresh.write(Path.cwd(), "screen", files)
        except fresh.ExportError as error:
            self.notify(f"Not written: {error}", severity="warning", markup=False)
        else:
            names = f"{drawn.name} and {written.name}"
            self.notify(f"{names} in {drawn.parent}", title="Written", markup=False)

    # general ------------------------------------------------------------------------------------

    def action_command_palette(self) -> None:
        """Find a command by name."""
        if not isinstance(self.screen, CommandPalette):
            self.push_screen(FindCommand())

    def action_show_help(self) -> None:
        """Show all keys and commands."""
        self.show_help("")

    def show_help(self, wanted: str) -> None:
        """Show the keys and commands in which a text is found."""
        if not isinstance(self.screen, HelpScreen):
            actions = keys_of(self.screen)
            self.push_screen(HelpScreen(actions, wanted, ascii=self.options_ascii))

    async def on_command_bar_entered(self, event: CommandBar.Entered) -> None:
        """A command was given."""
        await self.commands.enter(event.bar, event.text)

    def draw_ascii(self, on: bool) -> None:
        """Draw with ASCII characters only, or with all."""
        self.options_ascii = on
        self.set_class(on, "-ascii")
        for screen in self._screens.all(self.screen_stack):
            screen.draw_ascii(on)

    def set_editor(self, command: str) -> None:
        """Use another editor for the rest of this run."""
        self.settings = dataclasses.replace(self.settings, editor=command)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """The palette: the actions and commands that mean something here, and the themes."""
        return self.commands.palette(screen)

    def _restyle(self, _theme: object) -> None:
        for screen in self.screen_stack:
            if isinstance(screen, DashboardScreen | LiveScreen | PayloadScreen | PickerScreen):
                screen.restyle()


def _binding(ident: str) -> str:
    """Textual's id of the bindings of an action."""
    return Action(ident, "", "", "", "").binding
