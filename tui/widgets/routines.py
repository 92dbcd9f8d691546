"""Pane 1: every routine, live. Columns that do not fit give way, the least telling first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, NamedTuple

from tui.model.monitor import Monitor
from tui.model.names import natural_key
from tui.model.rows import Key, RoutineRow, State
from tui.paint.bars import sparkline
from tui.paint.canvas import Row, Run, fit, measure
from tui.paint.numbers import count, duration_ns, percent, rate
from tui.query.rows import routines_table
from tui.query.table import Table
from tui.themes import glyph

from .choice import Choice, of_routine
from .filtered import FilteredPane


class Column(NamedTuple):
    """A column: its heading and width, how a row shows in it and what it sorts by.

    One that is ``rare`` is there once a row has something to say in it.
    """

    head: str
    width: int
    text: Callable[[RoutineRow], Run]
    sort: Callable[[RoutineRow], Any]
    rank: int  # the higher, the sooner it gives way
    rare: bool = False


def _plain(text: str) -> Run:
    return text, ("text",)


def _ns(value: int | None) -> Run:
    return duration_ns(value), ("text",) if value is not None else ("muted",)


def _signal(text: str, value: float, role: str) -> Run:
    return text, (role,) if value else ("muted",)


def _rate(value: float) -> Run:
    return _signal(rate(value), value, "text")


def _order(value: int | None) -> float:
    return -1 if value is None else value


_TREND = 12
_STATES = list(State)
COLUMNS: tuple[Column, ...] = (
    Column("#", 3, lambda r: _signal(count(r.running), r.running, "good"), lambda r: r.running, 1),
    Column("IN/s", 5, lambda r: _rate(r.in_rate), lambda r: r.in_rate, 2),
    Column("OUT/s", 5, lambda r: _rate(r.out_rate), lambda r: r.out_rate, 6),
    Column("Q", 5, lambda r: _signal(count(r.queue), r.queue, "warn"), lambda r: r.queue, 1),
    Column(
        "LATER", 5, lambda r: _signal(count(r.later), r.later, "warn"), lambda r: r.later, 5, True
    ),
    Column("WAIT50", 6, lambda r: _ns(r.wait50), lambda r: _order(r.wait50), 8),
    Column("WAIT99", 6, lambda r: _ns(r.wait99), lambda r: _order(r.wait99), 3),
    Column("RUN50", 5, lambda r: _ns(r.run50), lambda r: _order(r.run50), 7),
    Column("RUN99", 5, lambda r: _ns(r.run99), lambda r: _order(r.run99), 4),
    Column("ERR", 4, lambda r: _signal(count(r.errors), r.errors, "bad"), lambda r: r.errors, 2),
    Column(
        "DROP",
        5,
        lambda r: _signal(count(r.dropped), r.dropped, "warn"),
        lambda r: r.dropped,
        2,
        True,
    ),
    Column("POOL", 5, lambda r: _signal(percent(r.pool), r.pool, "text"), lambda r: r.pool, 8),
    Column("DONE", 5, lambda r: _plain(count(r.done)), lambda r: r.done, 9),
    Column("TREND 60s", _TREND, lambda r: _plain(""), lambda r: sum(r.trend), 10),
)
#: What stands in words, left of the figures, and cannot be moved; sorted by all the same.
WORDS: tuple[Column, ...] = (
    Column("ROUTINE", 0, lambda r: _plain(r.name), lambda r: natural_key(r.name), 0),
    Column("STATE", 0, lambda r: _plain(r.state), lambda r: _STATES.index(r.state), 0),
)
_LEAST_NAME, _NAME = 10, 16
_SECOND = 1_000_000_000
#: So long after a move of the cursor the order stays as it is.
_HELD = 3 * _SECOND
_STATE = 2  # glyph and a blank
_WORD = 8  # "running "
_ROOMY = 100  # from so many cells on there are words


class RoutinesPane(FilteredPane):
    """The table of routines, with a cursor that stays on its routine whatever the order."""

    number = 1
    has_cursor: ClassVar[bool] = True
    heading: ClassVar[int] = 1

    def __init__(self) -> None:
        super().__init__()
        self.cursor = 1  # the heading is no row to choose
        self._columns = COLUMNS  # as the user has arranged them
        self._told = COLUMNS  # those that have something to say
        self._sort: Column | None = None  # None: order of addition
        self._moved_at: int | None = None  # when a row was being chosen last
        self._descending = True
        self._order: list[Key] = []
        self._sorted_at = 0

    def table(self, monitor: Monitor) -> Table[RoutineRow]:
        """What a filter may say of routines."""
        return routines_table(monitor)

    def everything(self, monitor: Monitor) -> Sequence[RoutineRow]:
        """Every routine."""
        return monitor.run.routines()

    def rows(self, monitor: Monitor, width: int, height: int) -> Sequence[Row]:
        """The heading, then a row per routine."""
        found = {row.key: row for row in self.filtered(monitor, monitor.run.routines())}
        self._arrange(found, monitor.run.now)
        if not found:
            return self.nothing(_hint(monitor))
        self._told = _telling(self._columns, list(found.values()))
        columns = _fitting(self._told, width, max(measure(row.name) for row in found.values()))
        used = sum(column.width + 1 for column in columns)
        worded = width - used - _STATE - 2 >= _NAME + _WORD
        name = width - used - _STATE - 2 - (_WORD if worded else 0)
        lines = [self._head(columns, name, worded)]
        lines.extend(
            self._line(found[key], index, columns, name, worded)
            for index, key in enumerate(self._order, 1)
        )
        return lines

    def title(self, monitor: Monitor) -> str:
        """The sort order and how many there are."""
        total = len(self._order)
        arrow = " v" if self._descending else " ^"
        held = " (held)" if self._choosing(monitor.run.now) else ""
        order = f"{self._sort.head}{arrow}{held}" if self._sort is not None else "as added"
        shown = self.filter_title() or f"{total}  "
        return f"{shown}s sort: {order}" if total or self.filter else ""

    def next_sort(self) -> None:
        """Sort by the next column, after the last as added again."""
        stops = [None, *self._told, *WORDS]
        here = stops.index(self._sort) if self._sort in stops else -1
        self._sort = stops[(here + 1) % len(stops)]
        self._descending = self._sort not in WORDS
        self._sort_at_once()

    def reverse_sort(self) -> None:
        """Turn the order round."""
        self._descending = not self._descending
        self._sort_at_once()

    def _sort_at_once(self) -> None:
        self._sorted_at, self._moved_at = 0, None
        self.redraw()

    def move_column(self, direction: int) -> bool:
        """Move the column that is sorted by over its neighbour; False: there is none to move."""
        if self._sort is None or self._sort in WORDS:
            return False
        columns, at = list(self._columns), self._columns.index(self._sort)
        there = at + direction
        while 0 <= there < len(columns) and columns[there] not in self._told:
            there += direction
        if 0 <= there < len(columns):
            columns.insert(there, columns.pop(at))
            self._columns = tuple(columns)
        self.redraw()
        return True

    @property
    def arrangement(self) -> list[str]:
        """What it is sorted by, which way, and the order of the columns, to be kept."""
        way = "down" if self._descending else "up"
        return [self._sort.head if self._sort else "", way, *(c.head for c in self._columns)]

    def take_arrangement(self, words: Sequence[str]) -> None:
        """Be as an `arrangement` says; columns that it does not know stand where they always do."""
        sort, way, *heads = words if len(words) > 1 else ("", "down")
        known = {column.head: column for column in (*COLUMNS, *WORDS)}
        places = [known[head] for head in dict.fromkeys(heads) if head in known]
        wanted = [column for column in places if column not in WORDS]
        for place, column in enumerate(COLUMNS):
            if column not in wanted:
                wanted.insert(place, column)
        self._columns = tuple(wanted)
        self._sort, self._descending = known.get(sort), way != "up"

    @property
    def chosen(self) -> Key | None:
        """The routine under the cursor."""
        index = self.cursor - 1
        return self._order[index] if 0 <= index < len(self._order) else None

    def choose(self, key: Key) -> None:
        """Put the cursor on a routine, unless a filter hides it."""
        if key in self._order:
            self.move(self._order.index(key) + 1 - self.cursor)

    def link(self, monitor: Monitor) -> Choice:
        """The chosen routine."""
        return of_routine(monitor.run, self.chosen)

    def _arrange(self, found: dict[Key, RoutineRow], now: int) -> None:
        """Sort at most once a second, and not while a row is being chosen; the cursor stays on its
        routine.
        """
        self.cursor = max(1, self.cursor)
        chosen = self.chosen
        due = now - self._sorted_at >= _SECOND and not self._choosing(now)
        if self._sort is None:
            self._order = list(found)
        elif due or set(self._order) != set(found):
            sort, self._sorted_at = self._sort.sort, now
            self._order = sorted(found, key=lambda k: sort(found[k]), reverse=self._descending)
        if chosen in found:
            self.cursor = self._order.index(chosen) + 1

    def _choosing(self, now: int) -> bool:
        """Whether a row is being chosen, so that none may move away under the cursor."""
        return self._moved_at is not None and 0 <= now - self._moved_at < _HELD

    def move(self, lines: int) -> None:
        """The heading is no row to choose."""
        if lines and self._monitor is not None:
            self._moved_at = self._monitor.run.now
        super().move(max(lines, 1 - self.cursor))

    def _head(self, columns: Sequence[Column], name: int, worded: bool) -> Row:
        state = fit("STATE", _STATE + _WORD) if worded else fit("S", _STATE)
        parts: list[Run] = [(f"  {fit('ROUTINE', name)}{state}", ("muted",))]
        for column in columns:
            tag = ("accent",) if column is self._sort else ("muted",)
            parts.append((f" {column.head:>{column.width}}", tag))
        return tuple(parts)

    def _line(
        self, row: RoutineRow, index: int, columns: Sequence[Column], name: int, worded: bool
    ) -> Row:
        state = glyph(row.state, ascii=self.ascii) + " "
        if worded:
            state += f"{row.state.value:<{_WORD}}"
        marker = "> " if index == self.cursor and self.has_focus else "  "
        parts: list[Run] = [
            (marker, ("accent",)),
            (fit(row.name, name), ("strong",)),
            (state, ("state", row.state.value)),
        ]
        for column in columns:
            text, tag = column.text(row)
            if column.width == _TREND:
                text, tag = sparkline(row.trend, _TREND, ascii=self.ascii), ("line",)
            parts.append((f" {text:>{column.width}}", tag))
        return tuple(parts)


def _telling(columns: Sequence[Column], rows: Sequence[RoutineRow]) -> tuple[Column, ...]:
    """The columns without the rare ones that are nought in every row."""
    return tuple(c for c in columns if not c.rare or any(c.sort(row) for row in rows))


def _fitting(columns: Sequence[Column], width: int, name: int) -> list[Column]:
    """The columns that fit beside a name of at least ten cells, the least telling left out."""
    name = min(max(name, _LEAST_NAME), _NAME)
    if width >= _ROOMY:  # words for the states come before the last columns
        name = _NAME + _WORD
    left = width - _STATE - 2 - name
    kept: set[str] = set()
    for column in sorted(columns, key=lambda c: c.rank):
        if column.width + 1 <= left:
            kept.add(column.head)
            left -= column.width + 1
    return [column for column in columns if column.head in kept]


def _hint(monitor: Monitor) -> str:
    return " loading ..." if monitor.phase == "LOADING" else " no flow yet"
