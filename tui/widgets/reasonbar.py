"""One line in which the reason for muting a finding is written."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input, Static

from tui.paint.canvas import fit, measure

from .bars import Bar

_HINT = "Enter mutes it in this project, from now on  Esc leaves it as it is"


class ReasonInput(Input):
    """The text."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Do not mute", show=False)]

    class Left(Message):
        """Esc was pressed."""

    def action_leave(self) -> None:
        """Tell the bar."""
        self.post_message(self.Left())


class ReasonBar(Vertical):
    """Opens below the boxes for one finding.

    Attributes:
        key: of the finding; empty while the bar is closed.
    """

    DEFAULT_CSS = """
    ReasonBar { height: 2; dock: bottom; display: none; background: $role-panel; }
    ReasonBar Horizontal { height: 1; }
    ReasonBar Static { width: auto; color: $role-focus; text-style: bold; }
    ReasonBar Input, ReasonBar Input:focus {
        height: 1; width: 1fr; border: none; padding: 0; background: $role-panel; color: $role-text;
    }
    """

    class Given(Message):
        """A reason was given."""

        def __init__(self, key: str, reason: str) -> None:
            super().__init__()
            self.key, self.reason = key, reason

    class Closed(Message):
        """The bar has gone."""

    def __init__(self) -> None:
        super().__init__(id="reason")
        self.key = ""
        self._label = Static("", markup=False)
        self._input = ReasonInput(compact=True)
        self._hint = Bar("reason-hint")

    def compose(self) -> ComposeResult:
        """A label and the text; the hint below."""
        yield Horizontal(self._label, self._input)
        yield self._hint

    def open(self, key: str, name: str) -> None:
        """Ask for the reason to mute a finding."""
        self.key = key
        room = max(8, self.app.size.width // 3)
        self._label.update(f" why mute {fit(name, min(measure(name), room))}? ")
        self._input.value = ""
        self.display = True
        self._hint.set_lines([[(f" {_HINT}", ("muted",))]])
        self.screen.set_focus(self._input)

    def close(self) -> None:
        """Go away."""
        self.key = ""
        self.display = False
        self.post_message(self.Closed())

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Mute it; a reason is needed."""
        event.stop()
        reason = self._input.value.strip()
        if not reason:
            said = "a reason is needed: who reads the list later will ask for it"
            self._hint.set_lines([[(f" {said}", ("bad",))]])
            return
        if self.key:
            self.post_message(self.Given(self.key, reason))
        self.close()

    def on_reason_input_left(self, event: ReasonInput.Left) -> None:
        """Leave it as it is."""
        event.stop()
        self.close()
