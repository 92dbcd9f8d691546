"""A pane of another screen than the dashboard: it has a name in place of a number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from tui.model.monitor import Monitor
from tui.model.table import Table
from tui.paint.canvas import Row

from .pane import Pane


class Box(Pane):
    """A pane with a name, and with a table for who wants to have it as a file.

    Attributes:
        label: its name.
        ident: its id in style sheets, after ``box-``.
    """

    label: ClassVar[str]
    ident: ClassVar[str]

    def __init__(self) -> None:
        super().__init__(f"box-{self.ident}")

    @property
    def heading_text(self) -> str:
        """Its name."""
        return self.label

    def table(self, monitor: Monitor) -> Table | None:
        """Everything that it shows as plain values; None where that is no table."""
        return None


class TableBox(Box):
    """A box with a cursor and a heading that stays; the cursor stays on its row.

    Subclasses say which thing stands on which line by giving its ident with the rows.
    """

    has_cursor: ClassVar[bool] = True
    heading: ClassVar[int] = 1

    def __init__(self) -> None:
        super().__init__()
        self.cursor = 1  # the heading is no row to choose
        self._idents: list[object] = []
        self._held = False  # whether the cursor was ever moved

    def keep(self, idents: Sequence[object]) -> None:
        """These are on the lines now: let the cursor follow the one that it stood on.

        To be called by `rows`. As long as it was not moved it stays on the first line, so that
        who has chosen nothing sees what is newest.
        """
        chosen = self.ident_at_cursor
        self._idents = list(idents)
        if self._held and chosen in self._idents:
            self.cursor = self._idents.index(chosen) + 1
        self.cursor = max(1, min(self.cursor, len(self._idents)))

    @property
    def ident_at_cursor(self) -> object | None:
        """What the line of the cursor is about."""
        index = self.cursor - 1
        return self._idents[index] if 0 <= index < len(self._idents) else None

    def move(self, lines: int) -> None:
        """The heading is no row to choose. A move by nothing, as on a resize, chooses nothing."""
        self._held = self._held or bool(lines)
        super().move(max(lines, 1 - self.cursor))

    def marker(self, line: int) -> tuple[str, tuple[str]]:
        """What stands before a line: the cursor is told without colour too."""
        return ("> " if line == self.cursor and self.has_focus else "  ", ("accent",))

    @staticmethod
    def hint(text: str) -> Row:
        """A line that says why there is nothing."""
        return ((f"  {text}", ("muted",)),)
