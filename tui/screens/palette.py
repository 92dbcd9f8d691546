"""The command palette of Textual, on a screen of any size and with a hand that is fast."""

from __future__ import annotations

from textual.command import CommandPalette


class Palette(CommandPalette):
    """Ignores keys that page through a list which has not been drawn yet: Textual raises."""

    def _action_command_list(self, action: str) -> None:
        try:
            super()._action_command_list(action)
        except (KeyError, IndexError):
            pass
