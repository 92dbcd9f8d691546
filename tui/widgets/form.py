"""Lines of a form: a name, what is typed, and below it what is to be said about that."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input, Static

from tui.paint.canvas import clean, fit


class FormInput(Input):
    """A line of text of a form."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "recall(1)", "What was there before", show=False),
        Binding("down", "recall(-1)", "What was there after that", show=False),
    ]

    class Recall(Message):
        """Something earlier is wanted, or something later."""

        def __init__(self, field: FormInput, step: int) -> None:
            super().__init__()
            self.field, self.step = field, step

    def action_recall(self, step: int) -> None:
        """Tell the form."""
        self.post_message(self.Recall(self, step))


class FormLine(Vertical):
    """One field.

    Attributes:
        key: the name of the field.
    """

    DEFAULT_CSS = """
    FormLine { height: auto; }
    FormLine Horizontal { height: 1; }
    FormLine .name { width: auto; color: $role-focus; }
    FormLine .note { height: auto; display: none; }
    FormLine .note.bad { color: $role-bad; text-style: bold; }
    FormLine .note.warn { color: $role-warn; }
    FormLine FormInput, FormLine FormInput:focus {
        height: 1; width: 1fr; border: none; padding: 0;
        background: $role-ground; color: $role-text;
    }
    """

    def __init__(self, key: str, label: str, width: int, text: str, placeholder: str) -> None:
        super().__init__()
        self.key = key
        self._label, self._width = label, width
        self._head = Static("", markup=False, classes="name")
        self._note = Static("", markup=False, classes="note")
        self.input = FormInput(text, placeholder=placeholder, compact=True, select_on_focus=False)

    def compose(self) -> ComposeResult:
        """The name and the text; the note below."""
        yield Horizontal(self._head, self.input)
        yield self._note

    def on_mount(self) -> None:
        """Not chosen yet."""
        self._mark(chosen=False)

    def on_descendant_focus(self) -> None:
        """The field that is written in is told without colour too."""
        self._mark(chosen=True)

    def on_descendant_blur(self) -> None:
        """Another one is."""
        self._mark(chosen=False)

    def _mark(self, *, chosen: bool) -> None:
        self._head.update(f"{'>' if chosen else ' '} {fit(self._label, self._width)} ")

    def say(self, text: str, role: str = "warn") -> None:
        """Say something about what stands there; nothing takes it away."""
        self._note.update(" " * (self._width + 3) + clean(text) if text else "")
        self._note.display = bool(text)
        self._note.set_class(role == "bad", "bad")
        self._note.set_class(role == "warn", "warn")

    @property
    def text(self) -> str:
        """What is typed."""
        return self.input.value

    def fill(self, text: str) -> None:
        """Put a text there."""
        self.input.value = text
        self.input.cursor_position = len(text)
