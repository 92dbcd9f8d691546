"""The command palette, and the same for themes: Textual's, but still, and in ASCII if wanted, on a
screen of any size and with a hand that is fast.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from textual import work
from textual.command import CommandInput, CommandPalette, SearchIcon
from textual.css.query import NoMatches
from textual.theme import ThemeProvider

if TYPE_CHECKING:
    from tui.app import MonitorApp


class _Hasty(CommandPalette):
    """Takes keys that come before its list is there or drawn, or after it has gone.

    Textual raises then, and that ends the program.
    """

    def on_mount(self) -> None:
        """Nothing blinks, and the magnifying glass is no ASCII and two cells wide."""
        self.query_one(SearchIcon).icon = ">"
        self.query_one(CommandInput).cursor_blink = False

    def _action_command_list(self, action: str) -> None:
        with contextlib.suppress(KeyError, IndexError, NoMatches):
            super()._action_command_list(action)

    @work(exclusive=True, group=CommandPalette._GATHER_COMMANDS_GROUP)
    async def _gather_commands(self, search_value: str) -> None:
        gather: Any = CommandPalette._gather_commands
        with contextlib.suppress(NoMatches):  # closed meanwhile
            await gather.__wrapped__(self, search_value)


class FindCommand(_Hasty):
    """Find a command by name; everything in it has a key too."""

    def __init__(self) -> None:
        # The id is the one by which Textual knows that it is open.
        super().__init__(placeholder="Find a command", id="--command-palette")


class FindTheme(_Hasty):
    """Find a theme by name."""

    def __init__(self) -> None:
        super().__init__(providers=[_Themes], placeholder="Find a theme")


class _Themes(ThemeProvider):
    """The names that ``--theme`` takes."""

    @property
    def commands(self) -> list[tuple[str, Callable[[], None]]]:
        """Each with what choosing it does."""
        app = cast("MonitorApp", self.app)
        return [(name, partial(app.use_theme, name)) for name in app.themes()]
