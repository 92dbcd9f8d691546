"""Panes whose rows a filter can narrow. One language, one bar; each pane has its own filter."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from tui.keys import PANES
from tui.model.monitor import Monitor
from tui.paint.canvas import Row, fit, measure
from tui.query.compiling import compiled
from tui.query.nodes import QueryError
from tui.query.table import Table

from .pane import Pane


class FilteredPane(Pane):
    """A pane with a filter.

    Attributes:
        filter: the filter in use; empty: every row is shown.
    """

    def __init__(self) -> None:
        super().__init__()
        self.filter = ""
        self._test: Callable[[Any], bool] | None = None
        self._compiled_for: object = None
        self._kept = self._total = 0

    # for subclasses ---------------------------------------------------------------------------

    def table(self, monitor: Monitor) -> Table[Any]:
        """What a filter may say of the rows."""
        raise NotImplementedError  # pragma: no cover - abstract

    def filtered(self, monitor: Monitor, rows: Iterable[Any]) -> list[Any]:
        """The rows that are to be shown."""
        test, rows = self.test(monitor), list(rows)
        kept = rows if test is None else [row for row in rows if test(row)]
        self._kept, self._total = len(kept), len(rows)
        return kept

    def test(self, monitor: Monitor) -> Callable[[Any], bool] | None:
        """The filter as a function, compiled anew when names have changed; None: no filter."""
        names = (monitor.run.generation, monitor.run.wiring)
        if self.filter and names != self._compiled_for:
            self._test = compiled(self.filter, self.table(monitor))
            self._compiled_for = names
        return self._test

    def filter_title(self) -> str:
        """How much the filter keeps, and the filter; empty if there is none."""
        if not self.filter:
            return ""
        text = " ".join(self.filter.split())  # two blanks divide the parts of a title
        room = max(8, self.content_size.width // 3)
        return f"{self._kept:,} of {self._total:,}  /{fit(text, min(measure(text), room))}  "

    def nothing(self, what: str) -> tuple[Row, ...]:
        """The only row when there is nothing to show: because of the filter, or at all."""
        if self.filter and self._total:
            return (((f" none of {self._total:,} matches the filter: / changes it", ("muted",)),),)
        return (((f" {what}", ("muted",)),),)

    @property
    def filter_name(self) -> str:
        """What the line of the filter calls the pane."""
        return PANES[self.number]

    # for the filter bar -----------------------------------------------------------------------

    def check(self, text: str) -> QueryError | None:
        """What is wrong with a filter; None if it can be used."""
        try:
            compiled(text, self.table(self._monitor or Monitor()))
        except QueryError as error:
            return error
        return None

    def names(self) -> list[str]:
        """The fields that a filter may name."""
        return self.table(self._monitor or Monitor()).names

    def narrow(self, text: str) -> None:
        """Use a filter that `check` has found right; an empty one shows everything again."""
        self.filter = text.strip()
        self._test = self._compiled_for = None
        self.top = 0
        self.redraw()
