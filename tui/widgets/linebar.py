"""A line of text at the bottom of a screen, with what is wrong with it or how to go on below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Static

from tui.paint.canvas import Run, clean, fit, measure

from .bars import Bar


class LineInput(Input):
    """The line itself. Its keys go to the bar."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "tell('leave')", "Leave", show=False),
        Binding("up", "tell('earlier')", "An earlier one", show=False),
        Binding("down", "tell('later')", "A later one", show=False),
        Binding("tab", "tell('complete')", "Complete the word", show=False),
        Binding("ctrl+f", "tell('pick')", "Choose a saved one", show=False),
    ]

    async def _on_key(self, event: events.Key) -> None:
        """Its bindings at once: those of Textual come after letters that were typed behind them."""
        bound = self._bindings.key_to_bindings.get(event.key)
        if bound and not event.is_printable:
            event.stop()
            event.prevent_default()
            await self.run_action(bound[0].action)
        else:
            await super()._on_key(event)

    def action_tell(self, what: str) -> None:
        """Tell the bar; at once, for Enter may have been pressed right behind it."""
        bar = next(node for node in self.ancestors if isinstance(node, LineBar))
        bar.told(what)


class LineBar(Vertical):
    """Opens below the panes. Subclasses say what the line is for.

    Attributes:
        used: what was written here before, the newest first.
        is_open: whether it is being written.
    """

    DEFAULT_CSS = """
    LineBar { height: 2; display: none; background: $role-panel; }
    LineBar Horizontal { height: 1; }
    LineBar Static { width: auto; color: $role-focus; text-style: bold; }
    LineBar Input, LineBar Input:focus {
        height: 1; width: 1fr; border: none; padding: 0; background: $role-panel; color: $role-text;
    }
    """
    hint: ClassVar[str]

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self.used: Sequence[str] = ()
        self.is_open = False
        self._prompt = ""
        self._label = Static("", markup=False)
        self._input = LineInput(compact=True)  # what stands there is selected: typing replaces it
        self._hint = Bar(f"{id}-hint")
        self._recalled = -1  # which of the used ones stands there; -1: what was typed
        self._typed = ""
        self._refused: tuple[str, str, int] | None = None  # a line, what is wrong with it, where

    # for subclasses -----------------------------------------------------------------------------

    def check(self, text: str) -> tuple[str, int] | None:
        """What is wrong with a line, and its column; None: nothing."""
        return None

    def advice(self, text: str) -> str:
        """What stands below a line with which nothing is wrong."""
        return self.hint

    def candidates(self, before: str) -> tuple[int, list[str]]:
        """Where the word begins that ends at the cursor, and what it may become."""
        return len(before), []

    def enter(self, text: str) -> None:
        """Enter was pressed on a line with which nothing is wrong."""
        raise NotImplementedError  # pragma: no cover - abstract

    def leave(self) -> None:
        """Esc was pressed."""
        raise NotImplementedError  # pragma: no cover - abstract

    def pick(self) -> None:
        """Ctrl+f was pressed."""

    # opening ------------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """A label and the text; the hint below."""
        yield Horizontal(self._label, self._input)
        yield self._hint

    def begin(self, prompt: str, text: str, used: Sequence[str]) -> None:
        """Begin to write; the next key is the first letter."""
        self.used, self._recalled, self._typed = used, -1, text
        self._refused = None
        self._prompt, self.is_open = prompt, True
        self._label.update(prompt)
        self._put(text)
        self.display = True
        self.screen.set_focus(self._input)  # at once
        self._tell()

    def refuse(self, message: str, column: int) -> None:
        """What stands there was entered and is wrong: said until it is changed."""
        self._refused = (self._input.value, message, column)
        self.call_after_refresh(self._tell)  # a line that has just opened has no width yet

    def end(self) -> None:
        """Go away."""
        self.is_open = self.display = False

    @property
    def text(self) -> str:
        """What stands there."""
        return self._input.value

    def insert(self, text: str) -> None:
        """Put a text in place of the word that ends at the cursor."""
        before = self._input.value[: self._input.cursor_position]
        start, _ = self.candidates(before)
        after = self._input.value[len(before) :]
        self._input.value = before[:start] + text + after
        self._input.cursor_position = start + len(text)
        self.screen.set_focus(self._input)

    def _put(self, text: str) -> None:
        self._input.value = text
        self._input.cursor_position = len(text)

    # what is typed ------------------------------------------------------------------------------

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say at once what is wrong."""
        event.stop()
        if self.is_open:
            self._tell()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Use it, if it can be used."""
        event.stop()
        text = event.value.strip()  # more may have been typed since
        if self.is_open and self.check(text) is None:
            self.enter(text)

    def told(self, what: str) -> None:
        """One of the keys of the line."""
        match what:
            case "leave":
                self.leave()
            case "earlier":
                self._recall(1)
            case "later":
                self._recall(-1)
            case "pick":
                self.pick()
            case _:
                self._complete()

    def _recall(self, step: int) -> None:
        """Go through what was used before; what was being typed is the last of it."""
        if self._recalled < 0:
            self._typed = self._input.value
        self._recalled = max(-1, min(self._recalled + step, len(self.used) - 1))
        self._put(self._typed if self._recalled < 0 else self.used[self._recalled])

    def _complete(self) -> None:
        """As much of a name as all that begin so have in common; the names below."""
        before = self._input.value[: self._input.cursor_position]
        start, names = self.candidates(before)
        if not names:
            return
        common, begun = names[0], before[start:]
        while not all(name.casefold().startswith(common.casefold()) for name in names):
            common = common[:-1]
        if len(common) > len(begun):
            self.insert(common)
        if len(names) > 1:  # after the change has been told of
            self.call_after_refresh(self._show, ", ".join(names))

    # the line below -----------------------------------------------------------------------------

    def _tell(self) -> None:
        text = self._input.value
        error = self.check(text)
        if self._refused is not None and self._refused[0] == text:
            error = self._refused[1:]
        if error is None:
            self._show(self.advice(text))
        else:
            self._point(*error)

    def _show(self, text: str) -> None:
        room = max(0, self.app.size.width - 2)
        text = clean(text)
        self._hint.set_lines([[(f" {fit(text, min(measure(text), room))}", ("muted",))]])

    def _point(self, message: str, at: int) -> None:
        """A mark below the column, the message on the side that has more room for it."""
        width, message = self.app.size.width, clean(message)
        text = self._input.value[:at]
        column = cell_len(self._prompt) + cell_len(text) - int(self._input.scroll_offset.x)
        column = max(0, min(column, width - 1))
        after, before = max(0, width - column - 2), max(0, column - 1)
        size = measure(message)
        runs: list[Run]
        if size <= after or after >= before:
            message = fit(message, min(size, after))
            runs = [(" " * column + "^ ", ("bad",)), (message, ("bad",))]
        else:
            message = fit(message, min(size, before))
            runs = [(" " * (before - measure(message)) + message, ("bad",)), (" ^", ("bad",))]
        self._hint.set_lines([runs])
