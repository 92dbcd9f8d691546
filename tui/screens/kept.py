"""The screens beside the dashboard, each made once and kept: making one costs up to 100 ms."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from textual.screen import Screen

from .dead import DeadScreen
from .detail import DetailScreen
from .errors import ErrorsScreen
from .findings import FindingsScreen
from .jobs import JobsScreen
from .linked import Linked
from .live import LiveScreen
from .values import ValuesScreen
from .waits import WaitsScreen

if TYPE_CHECKING:
    from tui.app import MonitorApp

KINDS: dict[str, type[LiveScreen]] = {
    "routine": DetailScreen,
    "values": ValuesScreen,
    "jobs": JobsScreen,
    "errors": ErrorsScreen,
    "findings": FindingsScreen,
    "dead": DeadScreen,
    "waits": WaitsScreen,
}


class KeptScreens:
    """Brings a screen to the front. One never stands twice on the stack, so Esc finds an end."""

    def __init__(self, app: MonitorApp) -> None:
        self._app = app
        self._made: dict[str, LiveScreen] = {}

    def show(self, name: str) -> LiveScreen:
        """Bring a screen to the front, in place of a sibling; a routine stays below others."""
        app, screen = self._app, self._get(name)
        if screen in app.screen_stack:
            while app.screen is not screen:
                app.pop_screen()
            return screen
        routine = self._made.get("routine")
        siblings = isinstance(app.screen, LiveScreen) and routine not in (app.screen, screen)
        app.switch_screen(screen) if siblings else app.push_screen(screen)
        return screen

    def all(self, stack: Iterable[Screen[Any]]) -> list[Linked]:
        """Every screen that was made, on the stack or not."""
        screens = dict.fromkeys([*stack, *self._made.values()])
        return [screen for screen in screens if isinstance(screen, Linked)]

    def warm(self) -> bool:
        """Make one that was not made yet, unseen; False if there is none left."""
        for name in KINDS:
            if name not in self._made:
                # What `push_screen` does first. There is no public way to do only that.
                self._app._get_screen(self._get(name))
                return True
        return False

    def _get(self, name: str) -> LiveScreen:
        screen = self._made.get(name)
        if screen is None:
            screen = self._made[name] = KINDS[name](self._app.monitor)
            self._app.install_screen(screen, name)
        return screen
