"""All keys, from the key map."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.keys import MAP, Action
from tui.model.rows import State
from tui.themes import glyph

_SIGNS = (
    "Routines: # handlers at work now, Q deliveries that wait",
    "LATER tries to repeat and timers, DROP messages that will never run",
    "WAIT and RUN: times of the last 10 s; 50 and 99 are percentiles",
    "Lanes: capital letter = busy half of the cell or more, dot = idle",
    "Timeline: x failed, | the moment shown, o queued, > began",
    "loop 12co: coroutines under way; drn: empties a slot that is full",
    "Times: n nano-, u micro-, m milliseconds, s seconds",
    "kept: share of event records that got here; counts are exact",
    "traced 1/8: one job in 8 is traced, and all are counted",
    "cost: CPU that watching takes, as a share of one core;",
    "300n/ev: what the flow pays of that for one event",
)


class HelpScreen(ModalScreen[None]):
    """The key map by group, and what the signs on screen mean."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q", "dismiss", "Close"),
        Binding("j", "scroll(1)", "Down"),
        Binding("k", "scroll(-1)", "Up"),
    ]

    def __init__(self, actions: Sequence[Action] = MAP, *, ascii: bool = False) -> None:
        super().__init__()
        self._actions = actions
        self._ascii = ascii

    def compose(self) -> ComposeResult:
        """One scrolling page."""
        with VerticalScroll(id="help"):
            yield Static(help_text(self._actions, ascii=self._ascii), markup=False)

    def on_mount(self) -> None:
        """Name the box."""
        box = self.query_one("#help")
        box.border_title = "Keys"
        box.border_subtitle = "j k scroll  Esc close"
        box.focus()

    def action_scroll(self, lines: int) -> None:
        """One line."""
        self.query_one("#help").scroll_relative(y=lines, animate=False)


def help_text(actions: Sequence[Action] = MAP, *, ascii: bool = False) -> Text:
    """The key map of a screen as text."""
    text = Text()
    order = list(dict.fromkeys(action.group for action in actions))
    actions = sorted(actions, key=lambda action: order.index(action.group))
    for group, members in groupby(actions, key=lambda action: action.group):
        text.append(f"{group}\n", style="bold")
        for action in members:
            text.append(f"  {_keys(action, ascii):<16}")
            text.append(f"{action.help}\n")
        text.append("\n")
    text.append("Reading the screen\n", style="bold")
    states = [f"{glyph(state, ascii=ascii)} {state.value:<7}" for state in State]
    for name, some in (("State:", states[:5]), ("", states[5:])):
        text.append(f"  {name:<6} {'  '.join(some)}".rstrip() + "\n")
    for line in _SIGNS:
        text.append(f"  {line}\n")
    return text


def _keys(action: Action, ascii: bool) -> str:
    keys = action.keys.split(",")
    each = [Action("", key, "", "", "").shown for key in keys]
    if ascii:
        each = [name if name.isascii() else key for key, name in zip(keys, each, strict=True)]
    return " ".join(dict.fromkeys(each))
