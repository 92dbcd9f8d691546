"""The line in which a command is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.message import Message
from textual.widget import Widget

from tui.commands import COMMANDS, Names, complete
from tui.keys import Action
from tui.query.nodes import QueryError

from .linebar import LineBar


class CommandBar(LineBar):
    """Opens below the panes of any screen.

    Attributes:
        focused: what had the focus before, and will have it again.
    """

    hint: ClassVar[str] = "Enter does it  Esc leaves  Up earlier ones  Tab completes"

    class Entered(Message):
        """A command was given."""

        def __init__(self, bar: CommandBar, text: str) -> None:
            super().__init__()
            self.bar, self.text = bar, text

    def __init__(self, id: str = "command") -> None:
        super().__init__(id)
        self.focused: Widget | None = None
        self._actions: Sequence[Action] = ()
        self._known: Names = lambda _kind, _before: ()
        self._check_filter: Callable[[str], QueryError | None] = lambda _text: None

    def open(
        self,
        text: str,
        used: Sequence[str],
        actions: Sequence[Action],
        known: Names,
        check_filter: Callable[[str], QueryError | None],
    ) -> None:
        """Begin to write.

        Args:
            text: what stands there already.
            used: commands that were given before, the newest first.
            actions: those of this screen.
            known: gives the names of things.
            check_filter: says what is wrong with a filter.
        """
        self._actions, self._known, self._check_filter = actions, known, check_filter
        if not self.is_open:
            self.focused = self.screen.focused
        self.begin(" :", text, used)

    def close(self) -> None:
        """Go away, and give the focus back."""
        self.end()
        focused, self.focused = self.focused, None
        if focused is not None and focused.is_attached:
            self.screen.set_focus(focused)

    def check(self, text: str) -> tuple[str, int] | None:
        """What is wrong with a filter in it; the rest is told when it is entered."""
        name, _, rest = text.partition(" ")
        if name.casefold() not in ("filter", "find") or not rest.strip():
            return None
        error = self._check_filter(rest)
        return (error.message, len(name) + 1 + error.column) if error is not None else None

    def advice(self, text: str) -> str:
        """What the command does; while its name is written, how it may go on."""
        name, blank, _ = text.lstrip().partition(" ")
        found = next((c for c in COMMANDS if c.name == name.casefold()), None)
        if found is not None:
            return f"{found.shown}  {found.help}"
        if blank or not name:
            return self.hint
        return "  ".join(self.candidates(text)[1]) or self.hint

    def candidates(self, before: str) -> tuple[int, list[str]]:
        """Commands and their arguments."""
        return complete(before, self._actions, self._known)

    def enter(self, text: str) -> None:
        """Do it."""
        if text:
            self.post_message(self.Entered(self, text))
        else:
            self.close()

    def leave(self) -> None:
        """Do nothing."""
        self.close()
