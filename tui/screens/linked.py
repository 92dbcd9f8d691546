"""What every screen can do with what is chosen on it, and with a command."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from textual.screen import Screen
from textual.widgets import Input

from tui import links
from tui.editor import EditorError
from tui.keys import Action
from tui.paint.canvas import clean
from tui.remapping import applied
from tui.widgets.choice import Choice
from tui.widgets.commandbar import CommandBar

if TYPE_CHECKING:
    from tui.app import MonitorApp


class Linked(Screen[None]):
    """A screen on which something is chosen."""

    @property
    def monitor_app(self) -> MonitorApp:
        """The app, by its own type."""
        return cast("MonitorApp", self.app)

    @property
    def keys(self) -> Sequence[Action]:
        """Its part of the key map, as the user has it."""
        return applied(self.actions, self.monitor_app.settings.keys)

    # for subclasses -----------------------------------------------------------------------------

    @property
    def actions(self) -> Sequence[Action]:
        """Its part of the key map."""
        raise NotImplementedError  # pragma: no cover - abstract

    @property
    def choice(self) -> Choice:
        """What is chosen."""
        raise NotImplementedError  # pragma: no cover - abstract

    def draw_ascii(self, on: bool) -> None:
        """Draw with ASCII characters only, or with all."""

    @property
    def source(self) -> Choice:
        """What the editor is to open, where that is something else."""
        return self.choice

    # --------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What is typed into a line of text is text."""
        return not isinstance(self.focused, Input) and super().check_action(action, parameters)

    def say(self, text: str, *, wrong: bool = False) -> None:
        """One line that goes away by itself."""
        self.app.notify(
            clean(text), severity="warning" if wrong else "information", markup=False, timeout=5
        )

    def action_command(self) -> None:
        """Write a command."""
        self.write_command("")

    def write_command(self, text: str) -> None:
        """Write a command that begins so."""
        commands = self.monitor_app.commands
        self.query_one(CommandBar).open(
            text, self.monitor_app.filters.commands, self.keys, commands.known, commands.wrong
        )

    def action_edit(self) -> None:
        """Open the source of what is chosen."""
        self.run_worker(self._edit(self.source), name="edit")

    async def _edit(self, choice: Choice) -> None:
        try:
            await links.edit(self.monitor_app, choice)
        except EditorError as error:
            self.say(f"Not opened: {error}.", wrong=True)

    def action_copy(self) -> None:
        """Copy what is chosen."""
        text = self.choice.text
        if text.strip():
            self.say(links.copy(self.monitor_app, text, links.copy_file()))
        else:
            self.say("There is nothing to copy here.", wrong=True)

    def action_events_of(self) -> None:
        """Show the events of what is chosen, on the dashboard."""
        wanted = self.choice.filter
        if wanted:
            self.monitor_app.show_events(wanted)
        else:
            self.say("Nothing that has events is chosen here.", wrong=True)

    def action_restart(self) -> None:
        """Stop what runs, and begin anew."""
        self.monitor_app.restart()
