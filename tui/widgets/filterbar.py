"""The line in which a filter is written, with what is wrong with it below."""

from __future__ import annotations

from typing import ClassVar, Protocol

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input, Static

from tui.paint.canvas import Run, clean, fit, measure
from tui.query.nodes import QueryError

from .bars import Bar

_HINT = "Enter applies  Esc clears  Up earlier ones  Tab completes a field"
_ENDS = "()!&|, \t"  # what stands before the beginning of a name


class Narrowed(Protocol):
    """What has rows that a filter narrows.

    Attributes:
        filter: the filter in use.
    """

    filter: str

    @property
    def filter_name(self) -> str:
        """What the line calls it."""

    def check(self, text: str) -> QueryError | None:
        """What is wrong with a filter; None if it can be used."""

    def names(self) -> list[str]:
        """The fields that a filter may name."""

    def narrow(self, text: str) -> None:
        """Use a filter; an empty one shows everything again."""

    def focus(self) -> object:
        """Take the keys back."""


class FilterInput(Input):
    """A line of text of the bar."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Clear the filter", show=False),
        Binding("up", "recall(1)", "An earlier filter", show=False),
        Binding("down", "recall(-1)", "A later filter", show=False),
        Binding("tab", "complete", "Complete the field", show=False),
    ]

    class Left(Message):
        """Esc was pressed."""

    class Recall(Message):
        """An earlier filter is wanted, or a later one."""

        def __init__(self, step: int) -> None:
            super().__init__()
            self.step = step

    class Complete(Message):
        """The rest of a field's name is wanted."""

    def action_leave(self) -> None:
        """Tell the bar."""
        self.post_message(self.Left())

    def action_recall(self, step: int) -> None:
        """Tell the bar."""
        self.post_message(self.Recall(step))

    def action_complete(self) -> None:
        """Tell the bar."""
        self.post_message(self.Complete())


class FilterBar(Vertical):
    """Opens below the panes for one of them.

    Attributes:
        pane: whose filter is written; None while the bar is closed.
        used: filters of that pane that were used before, the newest first.
    """

    DEFAULT_CSS = """
    FilterBar { height: 2; display: none; background: $panel; }
    FilterBar Horizontal { height: 1; }
    FilterBar Static { width: auto; color: $primary; text-style: bold; }
    FilterBar Input, FilterBar Input:focus {
        height: 1; width: 1fr; border: none; padding: 0; background: $panel; color: $foreground;
    }
    """

    class Applied(Message):
        """A filter is to be used; an empty one none."""

        def __init__(self, pane: Narrowed, text: str) -> None:
            super().__init__()
            self.pane, self.text = pane, text

    class Closed(Message):
        """The bar has gone."""

        def __init__(self, pane: Narrowed) -> None:
            super().__init__()
            self.pane = pane

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self.pane: Narrowed | None = None
        self.used: list[str] = []
        self._label = Static("", markup=False)
        self._input = FilterInput(compact=True)  # what stands there is selected: typing replaces it
        self._hint = Bar("filter-hint")
        self._recalled = -1  # which of the used ones stands there; -1: what was typed
        self._typed = ""

    def compose(self) -> ComposeResult:
        """A label and the text; the hint below."""
        yield Horizontal(self._label, self._input)
        yield self._hint

    def open(self, pane: Narrowed, used: list[str]) -> None:
        """Begin to write the filter of a pane."""
        self.pane, self.used = pane, used
        self._recalled, self._typed = -1, pane.filter
        self._label.update(f" {pane.filter_name} / ")
        self._input.value = pane.filter
        self._input.cursor_position = len(pane.filter)
        self.display = True
        self.screen.set_focus(self._input)  # at once: the next key is the first letter
        self._tell()

    def close(self) -> None:
        """Go away."""
        pane, self.pane = self.pane, None
        self.display = False
        if pane is not None:
            self.post_message(self.Closed(pane))

    # what is typed ----------------------------------------------------------------------------

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say at once what is wrong."""
        event.stop()
        self._tell()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Use it, if it can be used."""
        event.stop()
        pane, text = self.pane, self._input.value.strip()
        if pane is None or pane.check(text) is not None:
            return
        self.post_message(self.Applied(pane, text))
        self.close()

    def on_filter_input_left(self, event: FilterInput.Left) -> None:
        """No filter at all."""
        event.stop()
        if self.pane is not None:
            self.post_message(self.Applied(self.pane, ""))
        self.close()

    def on_filter_input_recall(self, event: FilterInput.Recall) -> None:
        """Go through what was used before; what was being typed is the last of it."""
        event.stop()
        if self._recalled < 0:
            self._typed = self._input.value
        self._recalled = max(-1, min(self._recalled + event.step, len(self.used) - 1))
        text = self._typed if self._recalled < 0 else self.used[self._recalled]
        self._input.value = text
        self._input.cursor_position = len(text)

    def on_filter_input_complete(self, event: FilterInput.Complete) -> None:
        """As much of a name as all that begin so have in common."""
        event.stop()
        before = self._input.value[: self._input.cursor_position]
        start = max((before.rfind(end) for end in _ENDS), default=-1) + 1
        begun = before[start:].casefold()
        names = [n for n in self._names() if n.startswith(begun)] if begun else []
        if names:
            common = names[0]
            while not all(name.startswith(common) for name in names):
                common = common[:-1]
            self._input.insert_text_at_cursor(common[len(begun) :])
            self._show(", ".join(names) if len(names) > 1 else _HINT, ("muted",))

    # the line below -----------------------------------------------------------------------------

    def _names(self) -> list[str]:
        return self.pane.names() if self.pane is not None else []

    def _tell(self) -> None:
        if self.pane is None:
            return
        error = self.pane.check(self._input.value)
        if error is None:
            self._show(_HINT, ("muted",))
        else:
            self._point(error)

    def _show(self, text: str, tag: tuple[str]) -> None:
        self._hint.set_lines([[(f" {clean(text)}", tag)]])

    def _point(self, error: QueryError) -> None:
        """A mark below the column, the message on the side that has more room for it."""
        width = self.app.size.width
        label = cell_len(f" {self.pane.filter_name} / ") if self.pane is not None else 0
        text = self._input.value[: error.column]
        column = label + cell_len(text) - int(self._input.scroll_offset.x)
        column = max(0, min(column, width - 1))
        after, before = max(0, width - column - 2), max(0, column - 1)
        size = measure(error.message)
        runs: list[Run]
        if size <= after or after >= before:
            message = fit(error.message, min(size, after))
            runs = [(" " * column + "^ ", ("bad",)), (message, ("bad",))]
        else:
            message = fit(error.message, min(size, before))
            runs = [(" " * (before - measure(message)) + message, ("bad",)), (" ^", ("bad",))]
        self._hint.set_lines([runs])
