"""The saved filters of the project, to choose one of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tui.paint.canvas import clean, fit, measure


class SavedScreen(ModalScreen[str | None]):
    """A list; gives back the name of the chosen one, None if none was."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "leave", "Close"),
        Binding("j", "cursor(1)", "Down"),
        Binding("k", "cursor(-1)", "Up"),
    ]

    def __init__(self, saved: Mapping[str, str]) -> None:
        super().__init__()
        self._saved = dict(sorted(saved.items()))

    def compose(self) -> ComposeResult:
        """The names, each with what it stands for."""
        name = max(map(measure, self._saved), default=0) + 1
        options = (
            Option(Text(f"{fit(f'@{key}', name)}  {clean(text)}", no_wrap=True), id=key)
            for key, text in self._saved.items()
        )
        yield OptionList(*options, id="saved", compact=True)

    def on_mount(self) -> None:
        """Name the box."""
        box = self.query_one(OptionList)
        box.border_title = "Saved filters"
        box.border_subtitle = "j k move  Enter use  Esc close"
        box.focus()
        box.action_first()

    def action_cursor(self, lines: int) -> None:
        """Another one."""
        box = self.query_one(OptionList)
        box.action_cursor_down() if lines > 0 else box.action_cursor_up()

    def action_leave(self) -> None:
        """None of them."""
        self.dismiss(None)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """This one."""
        self.dismiss(event.option.id)
