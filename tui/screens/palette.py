"""The command palette of Textual, on a screen of any size and with a hand that is fast."""

from __future__ import annotations

import contextlib
from typing import Any

from textual import work
from textual.command import CommandPalette
from textual.css.query import NoMatches


class Palette(CommandPalette):
    """Takes keys that come before its list is there or drawn, or after it has gone.

    Textual raises then, and that ends the program.
    """

    def _action_command_list(self, action: str) -> None:
        with contextlib.suppress(KeyError, IndexError, NoMatches):
            super()._action_command_list(action)

    @work(exclusive=True, group=CommandPalette._GATHER_COMMANDS_GROUP)
    async def _gather_commands(self, search_value: str) -> None:
        gather: Any = CommandPalette._gather_commands
        with contextlib.suppress(NoMatches):  # closed meanwhile
            await gather.__wrapped__(self, search_value)
