"""The command palette, and the same for themes: Textual's, but still, and in ASCII if wanted."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import CommandInput, CommandPalette, SearchIcon
from textual.theme import ThemeProvider

if TYPE_CHECKING:
    from tui.app import MonitorApp


class FindCommand(CommandPalette):
    """Find a command by name; everything in it has a key too."""

    def __init__(self) -> None:
        # The id is the one by which Textual knows that it is open.
        super().__init__(placeholder="Find a command", id="--command-palette")

    def on_mount(self) -> None:
        """Nothing blinks, and the magnifying glass is no ASCII and two cells wide."""
        _still(self)


class FindTheme(CommandPalette):
    """Find a theme by name."""

    def __init__(self) -> None:
        super().__init__(providers=[_Themes], placeholder="Find a theme")

    def on_mount(self) -> None:
        """As in the other."""
        _still(self)


class _Themes(ThemeProvider):
    """The names that ``--theme`` takes."""

    @property
    def commands(self) -> list[tuple[str, Callable[[], None]]]:
        """Each with what choosing it does."""
        app = cast("MonitorApp", self.app)
        return [(name, partial(app.use_theme, name)) for name in app.themes()]


def _still(screen: CommandPalette) -> None:
    screen.query_one(SearchIcon).icon = ">"
    screen.query_one(CommandInput).cursor_blink = False
