"""The line in which a filter is written."""

from __future__ import annotations

from typing import ClassVar

from textual.message import Message

from tui.keys import PANES
from tui.query.completing import names_for

from .filtered import FilteredPane
from .linebar import LineBar


class FilterBar(LineBar):
    """Opens below the panes for one of them.

    Attributes:
        pane: whose filter is written; None while the bar is closed.
    """

    hint: ClassVar[str] = (
        "Enter applies  Esc clears  Up earlier ones  Tab completes  @ or ^f saved ones"
    )

    class Applied(Message):
        """A filter is to be used; an empty one none."""

        def __init__(self, pane: FilteredPane, text: str) -> None:
            super().__init__()
            self.pane, self.text = pane, text

    class Closed(Message):
        """The bar has gone."""

        def __init__(self, pane: FilteredPane) -> None:
            super().__init__()
            self.pane = pane

    class Picking(Message):
        """A saved filter is to be chosen."""

    def __init__(self, id: str) -> None:
        super().__init__(id)
        self.pane: FilteredPane | None = None

    def open(self, pane: FilteredPane, used: list[str]) -> None:
        """Begin to write the filter of a pane."""
        self.pane = pane
        self.begin(f" {PANES[pane.number]} / ", pane.filter, used)

    def close(self) -> None:
        """Go away."""
        pane, self.pane = self.pane, None
        self.end()
        if pane is not None:
            self.post_message(self.Closed(pane))

    def check(self, text: str) -> tuple[str, int] | None:
        """What is wrong with a filter."""
        error = self.pane.check(text) if self.pane is not None else None
        return (error.message, error.column) if error is not None else None

    def candidates(self, before: str) -> tuple[int, list[str]]:
        """The fields of the pane, and saved filters."""
        return names_for(before, self.pane.names() if self.pane is not None else [])

    def enter(self, text: str) -> None:
        """Use it."""
        if self.pane is not None:
            self.post_message(self.Applied(self.pane, text))
        self.close()

    def leave(self) -> None:
        """No filter at all."""
        self.enter("")

    def pick(self) -> None:
        """Choose a saved filter."""
        self.post_message(self.Picking())
