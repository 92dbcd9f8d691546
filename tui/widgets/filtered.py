"""Panes whose rows a filter can narrow. One language, one bar; each pane has its own filter."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tui.keys import PANES
from tui.model.monitor import Monitor
from tui.model.table import Cell
from tui.model.table import Table as Exported
from tui.paint.canvas import Row, fit, measure
from tui.query.compiling import compiled, patience
from tui.query.nodes import QueryError
from tui.query.table import Field, Table

from .pane import Pane


class FilteredPane(Pane):
    """A pane with a filter.

    Attributes:
        filter: the filter in use; empty: every row is shown.
        saved: filters that may be named in one.
    """

    def __init__(self) -> None:
        super().__init__()
        self.filter = ""
        self.saved: Mapping[str, str] = {}
        self._test: Callable[[Any], bool] | None = None
        self._compiled_for: object = None
        self._kept = self._total = 0

    # for subclasses ---------------------------------------------------------------------------

    def table(self, monitor: Monitor) -> Table[Any]:
        """What a filter may say of the rows."""
        raise NotImplementedError  # pragma: no cover - abstract

    def everything(self, monitor: Monitor) -> Sequence[Any]:
        """All rows that there are."""
        raise NotImplementedError  # pragma: no cover - abstract

    def filtered(self, monitor: Monitor, rows: Iterable[Any]) -> list[Any]:
        """The rows that are to be shown."""
        test, rows = self.test(monitor), list(rows)
        kept = rows if test is None else [row for row in rows if test(row)]
        self._kept, self._total = len(kept), len(rows)
        return kept

    def exporter(self, monitor: Monitor) -> Callable[[], Exported]:
        """Makes a table of the rows that the filter keeps, with every field that one may name.

        What it gives is to be called in a thread: of many rows it takes seconds.
        """
        table, rows = self.table(monitor), self.everything(monitor)
        test = self._compile(self.filter, monitor)  # one of its own: it remembers answers

        def export() -> Exported:
            readers = [_reader(places[0]) for places in table.fields.values()]
            kept = (row for row in rows if test is None or test(row))
            cells = [tuple([read(row) for read in readers]) for row in kept]
            return Exported(table.name.replace(" ", "-"), tuple(table.fields), cells)

        return export

    def test(self, monitor: Monitor) -> Callable[[Any], bool] | None:
        """The filter as a function, compiled anew when names have changed; None: no filter."""
        names = (monitor.run.generation, monitor.run.wiring)
        if self.filter and names != self._compiled_for:
            self._test = self._compile(self.filter, monitor)
            self._compiled_for = names
        return self._test

    def _compile(self, text: str, monitor: Monitor) -> Callable[[Any], bool] | None:
        return compiled(text, replace(self.table(monitor), saved=self.saved))

    def show(self, monitor: Monitor) -> None:
        """As every pane; a filter that takes too long is taken away, which is said."""
        patience.renew()
        try:
            super().show(monitor)
        except QueryError as error:  # too slow, or a saved filter that it names has changed
            self.filter, self._test = "", None
            said = f"The filter was taken away: {error.message}"
            self.app.notify(said, severity="warning", markup=False)
            super().show(monitor)

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
            self._compile(text, self._monitor or Monitor())
        except QueryError as error:
            return error
        return None

    def names(self) -> list[str]:
        """The fields that a filter may name."""
        return replace(self.table(self._monitor or Monitor()), saved=self.saved).names

    def narrow(self, text: str) -> None:
        """Use a filter that `check` has found right; an empty one shows everything again."""
        self.filter = text.strip()
        self._test = self._compiled_for = None
        self.top = 0
        self.redraw()


def _reader(field: Field[Any]) -> Callable[[Any], Cell]:
    """Reads a field as a plain value; what depends on a key is worked out once for each."""
    get, key = field.get, field.key
    if key is None:
        return lambda row: _cell(get(row))
    known: dict[Any, Cell] = {}

    def read(row: Any) -> Cell:
        about = key(row)
        if about not in known:
            known[about] = _cell(get(about))
        return known[about]

    return read


def _cell(value: Any) -> Cell:
    return value if value is None or isinstance(value, str | int | float) else str(value)
