"""All keys and commands, from their tables; what is typed is searched in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from tui.commands import COMMANDS
from tui.keys import MAP, Action, written
from tui.model.rows import State
from tui.themes import glyph

_SIGNS = (
    "Routines: # handlers at work now, Q deliveries that wait",
    "LATER tries to repeat and timers, DROP messages that will never run",
    "WAIT and RUN: times of the last 10 s; 50 and 99 are percentiles",
    "Lanes: capital letter = busy half of the cell or more, dot = idle",
    "Topology: arrows walk, x3 three alike, +3 beyond: left out by F",
    "! before a name: back-pressure starts there",
    "Timeline: x failed, | the moment shown, o queued, > began",
    "loop 12co: coroutines under way; drn: empties a slot that is full",
    "Times: n nano-, u micro-, m milliseconds, s seconds",
    "kept: share of event records that got here; counts are exact",
    "traced 1/8: one job in 8 is traced, and all are counted",
    "cost: CPU that watching takes, as a share of one core;",
    "300n/ev: what the flow pays of that for one event",
)
_COMMANDS = "Commands"
_ACTIONS = "Every action above is a command too: :pause, :pane 3, :next-pane"
_KEYS = 16  # cells of the column of keys
_USAGE = 24  # ... and of that of commands


class _Search(Input):
    """Typing searches; the other keys are the page's."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "screen.leave", "Clear, then close", show=False, priority=True),
        Binding("question_mark", "screen.close", "Close", show=False, priority=True),
        Binding("up", "screen.scroll(-1)", "Up", show=False),
        Binding("down", "screen.scroll(1)", "Down", show=False),
        Binding("pageup", "screen.page(-1)", "Page up", show=False),
        Binding("pagedown", "screen.page(1)", "Page down", show=False),
    ]


class HelpScreen(ModalScreen[None]):
    """The key map by group, the commands, and what the signs on screen mean.

    Args:
        actions: those of the screen in front.
        wanted: what is searched for at first.
        ascii: use no glyph outside ASCII.
    """

    def __init__(
        self, actions: Sequence[Action] = MAP, wanted: str = "", *, ascii: bool = False
    ) -> None:
        super().__init__()
        self._actions = actions
        self._ascii = ascii
        self._wanted = wanted
        self._text = Static("", markup=False)

    def compose(self) -> ComposeResult:
        """A line to search with over one scrolling page."""
        with Vertical(id="help"):
            yield _Search(self._wanted, placeholder="type to search", compact=True)
            with VerticalScroll(can_focus=False):
                yield self._text

    def on_mount(self) -> None:
        """Name the box."""
        box = self.query_one("#help")
        box.border_title = "Keys and commands"
        arrows = "up down" if self._ascii else "↑ ↓"
        box.border_subtitle = f"{arrows} scroll  Esc close"
        self.query_one(Input).focus()
        self._show(self._wanted)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Search."""
        self._show(event.value)

    def _show(self, wanted: str) -> None:
        self._text.update(help_text(self._actions, wanted, ascii=self._ascii))
        self.query_one(VerticalScroll).scroll_home(animate=False)

    def action_leave(self) -> None:
        """What is searched for goes first."""
        search = self.query_one(Input)
        if search.value:
            search.value = ""
        else:
            self.dismiss(None)

    def action_close(self) -> None:
        """Close, whatever is searched for."""
        self.dismiss(None)

    def action_scroll(self, lines: int) -> None:
        """One line."""
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)

    def action_page(self, direction: int) -> None:
        """A page."""
        box = self.query_one(VerticalScroll)
        box.scroll_relative(y=direction * max(1, box.size.height - 1), animate=False)


def help_text(actions: Sequence[Action] = MAP, wanted: str = "", *, ascii: bool = False) -> Text:
    """Keys, commands and signs as text; with ``wanted`` the lines in which all its words stand."""
    text = Text()
    for group, lines in _sections(actions, ascii):
        words = wanted.casefold().split()
        found = [
            line for line, more in lines
            if all(word in f"{group} {line} {more}".casefold() for word in words)
        ]  # fmt: skip
        if found:
            text.append(f"{group}\n", style="bold")
            text.append("".join(f"  {line}".rstrip() + "\n" for line in found) + "\n")
    if not text:
        text.append(f"  Nothing here is about {wanted!r}: Esc shows all.\n")
    text.rstrip()
    text.append("\n")
    return text


def _sections(
    actions: Sequence[Action], ascii: bool
) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Headings with their lines, and what else each line is found by."""
    order = list(dict.fromkeys(action.group for action in actions))
    by_group = sorted(actions, key=lambda action: order.index(action.group))
    for group, members in groupby(by_group, key=lambda action: action.group):
        yield group, [(f"{_keys(a, ascii):<{_KEYS}}{a.help}", a.command) for a in members]
    commands = [(f"{c.shown:<{_USAGE}}{c.help}", "") for c in COMMANDS]
    yield _COMMANDS, [*commands, (_ACTIONS, "")]
    states = [f"{glyph(state, ascii=ascii)} {state.value:<7}" for state in State]
    halves = [(name, "  ".join(some)) for name, some in (("State:", states[:5]), ("", states[5:]))]
    signs = [(f"{name:<6} {some}", "state") for name, some in halves]
    yield "Reading the screen", [*signs, *((line, "") for line in _SIGNS)]


def _keys(action: Action, ascii: bool) -> str:
    keys = action.keys.split(",")
    each = [written(key) for key in keys]
    if ascii:
        each = [name if name.isascii() else key for key, name in zip(keys, each, strict=True)]
    return " ".join(dict.fromkeys(each))
