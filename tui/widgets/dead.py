"""The table of dead letters: messages that were dropped, with why, and what they carried."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tui.model import log
from tui.model.dead import reason
from tui.model.monitor import Monitor
from tui.model.table import Table
from tui.paint.canvas import Row, clean, fit, measure
from tui.paint.numbers import count
from tui.query.compiling import compiled, patience
from tui.query.nodes import QueryError
from tui.query.records import events_table
from tui.query.table import Table as Fields
from tui.session.messages import RecordTuple

from .box import TableBox
from .choice import Choice, of_record
from .pane import LazyRows

_SECOND = 1_000_000_000
_REASON = 13
_LOOKED_AT = 100  # names by which a column gets its width


def _where(monitor: Monitor, record: RecordTuple) -> str:
    return monitor.run_of(record[log.GENERATION]).edge_name(record[log.SUBJECT])


class DeadBox(TableBox):
    """The newest first. A filter of the events' language narrows it.

    Attributes:
        filter: the filter in use; empty: all are shown.
        saved: filters that may be named in one.
    """

    label = "Dead letters"
    ident = "dead"

    def __init__(self) -> None:
        super().__init__()
        self.filter = ""
        self.saved: Mapping[str, str] = {}
        self._test: Callable[[RecordTuple], bool] | None = None
        self._compiled_for: object = None
        self._shown: list[RecordTuple] = []

    def title(self, monitor: Monitor) -> str:
        """How many are known of all that were dropped; and of those, how many the filter keeps."""
        known = len(monitor.dead.newest())
        dropped = monitor.run.standing.dropped
        kept = f"{len(self._shown):,} of {known:,}  /{clean(self.filter)}  " if self.filter else ""
        return f"{kept}{known:,} known  {count(dropped)} dropped in this generation"

    def show(self, monitor: Monitor) -> None:
        """As every box; a filter that takes too long is taken away, which is said."""
        patience.renew()
        try:
            super().show(monitor)
        except QueryError as error:  # too slow, or a saved filter that it names has changed
            self.filter, self._test = "", None
            said = f"The filter was taken away: {error.message}"
            self.app.notify(said, severity="warning", markup=False)
            super().show(monitor)

    def link(self, monitor: Monitor) -> Choice:
        """The message: the handler that it was for, and what is like it."""
        return of_record(monitor, self.chosen) if self.chosen is not None else Choice()

    def rows(self, monitor: Monitor, width: int, height: int) -> Sequence[Row]:
        """A row per message."""
        self._shown = shown = self._narrowed(monitor)
        self.keep([(record[log.GENERATION], record[log.SEQUENCE]) for record in shown])
        if not shown:
            why = "none matches the filter: / changes it" if self.filter else "nothing was dropped"
            return (self.hint(why),)
        names = [_where(monitor, record) for record in shown[:_LOOKED_AT]]
        where = max(5, min(max(map(measure, names)), (width - 20 - _REASON) * 6 // 10))
        head = f"  {'WHEN':>9} {'GEN':<4}{'WHY':<{_REASON}} {fit('WHERE', where)} WHAT"

        def paint(line: int) -> Row:
            if not line:
                return ((head, ("muted",)),)
            return self._row(monitor, shown[line - 1], line, where)

        return LazyRows(range(len(shown) + 1), paint)

    def _narrowed(self, monitor: Monitor) -> list[RecordTuple]:
        names = (monitor.run.generation, monitor.run.wiring)
        if self.filter and names != self._compiled_for:
            self._test, self._compiled_for = compiled(self.filter, self._fields(monitor)), names
        records = monitor.dead.newest()
        return records if self._test is None else [r for r in records if self._test(r)]

    def _fields(self, monitor: Monitor) -> Fields[Any]:
        return replace(events_table(monitor), saved=self.saved)

    def _row(self, monitor: Monitor, record: RecordTuple, line: int, where: int) -> Row:
        run = monitor.run_of(record[log.GENERATION])
        name = _where(monitor, record)
        if measure(name) > where:
            name = run.edge_short(record[log.SUBJECT])
        hand = "+" if record[log.JOB] in run.synthetic else " "
        text = monitor.log.text(record)
        return (
            self.marker(line),
            (f"{(record[log.TIME] - run.origin) / _SECOND:9.3f}{hand}", ("text",)),
            (f"{'g' + str(record[log.GENERATION]):<4}", ("muted",)),
            (f"{reason(record):<{_REASON}} ", ("warn",)),
            (f"{fit(name, where)} ", ("text",)),
            (clean(text) or "not kept", ("text",) if text else ("muted",)),
        )

    @property
    def chosen(self) -> RecordTuple | None:
        """The message under the cursor."""
        for record in self._shown:
            if (record[log.GENERATION], record[log.SEQUENCE]) == self.ident_at_cursor:
                return record
        return None

    # for the filter bar -----------------------------------------------------------------------

    @property
    def filter_name(self) -> str:
        """What the filter line calls it."""
        return self.label

    def check(self, text: str) -> QueryError | None:
        """What is wrong with a filter; None if it can be used."""
        try:
            compiled(text, self._fields(self._monitor or Monitor()))
        except QueryError as error:
            return error
        return None

    def names(self) -> list[str]:
        """The fields that a filter may name."""
        return self._fields(self._monitor or Monitor()).names

    def narrow(self, text: str) -> None:
        """Use a filter that `check` has found right; an empty one shows all again."""
        self.filter = text.strip()
        self._test = self._compiled_for = None
        self.top = 0
        self.redraw()

    def table(self, monitor: Monitor) -> Table | None:
        """Those that are shown, times in nanoseconds since their generation began."""
        header = ("time_ns", "generation", "reason", "where", "job", "origin", "payload")
        rows = []
        for record in self._narrowed(monitor):
            run = monitor.run_of(record[log.GENERATION])
            rows.append(
                (
                    record[log.TIME] - run.origin,
                    record[log.GENERATION],
                    reason(record),
                    run.edge_name(record[log.SUBJECT]),
                    record[log.JOB],
                    "hand" if record[log.JOB] in run.synthetic else "",
                    monitor.log.text(record),
                )
            )
        return Table("dead-letters", header, rows)
