"""The line in which a filter is written."""

from __future__ import annotations

from typing import ClassVar, Protocol

from textual.message import Message

from tui.query.completing import names_for
from tui.query.nodes import QueryError

from .linebar import LineBar


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

        def __init__(self, pane: Narrowed, text: str) -> None:
            super().__init__()
            self.pane, self.text = pane, text

    class Closed(Message):
        """The bar has gone."""

        def __init__(self, pane: Narrowed) -> None:
            super().__init__()
            self.pane = pane

    class Picking(Message):
        """A saved filter is to be chosen."""

    def __init__(self, id: str) -> None:
        super().__init__(id)
        self.pane: Narrowed | None = None

    def open(self, pane: Narrowed, used: list[str]) -> None:
        """Begin to write the filter of a pane."""
        self.pane = pane
        self.begin(f" {pane.filter_name} / ", pane.filter, used)

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
