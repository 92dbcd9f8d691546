"""The fields of the rows of the other panes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any, TypeVar

from tui.model.monitor import Monitor
from tui.model.output import Line
from tui.model.rows import LaneRow, RoutineRow, State, StatRow

from .table import Field, Table
from .units import Unit

Row = TypeVar("Row")


def _table(
    name: str, texts: Mapping[str, Any], amounts: Mapping[str, Any], /, **aliases: str
) -> Table[Any]:
    """A table of fields without keys: a pane has hundreds of rows, no hundred thousands."""
    every: dict[str, tuple[Field[Any], ...]] = {}
    for key, get in texts.items():
        every[key] = (Field(_reader(get)),)
    bare = tuple(places[0] for places in every.values())
    for key, (get, unit) in amounts.items():
        every[key] = (Field(_reader(get), unit),)
    return Table(name, every, bare, aliases=aliases)


def _reader(get: str | Callable[[Any], Any]) -> Callable[[Any], Any]:
    return attrgetter(get) if isinstance(get, str) else get


def routines_table(monitor: Monitor) -> Table[RoutineRow]:
    """What a filter may say of routines."""
    flows = monitor.run.flows

    def flow(row: RoutineRow) -> str:
        return flows[row.key[0]].id if row.key[0] in flows else ""

    number, time = Unit.NUMBER, Unit.TIME
    table = _table(
        "routines",
        {"routine": "name", "class": "cls", "flow": flow},
        {
            "running": ("running", number),
            "in": ("in_rate", number),
            "out": ("out_rate", number),
            "queue": ("queue", number),
            "later": ("later", number),
            "wait": ("wait99", time),
            "run": ("run99", time),
            "wait50": ("wait50", time),
            "run50": ("run50", time),
            "errors": ("errors", number),
            "dropped": ("dropped", number),
            "done": ("done", number),
            "pool": ("pool", Unit.SHARE),
        },
        status="state", q="queue", err="errors", drop="dropped", wait99="wait", run99="run",
        name="routine",
    )  # fmt: skip
    states = {state.value: state.value for state in State}
    state: Field[RoutineRow] = Field(lambda row: row.state.value, words=states)
    return _with(table, "state", state)


def lanes_table(monitor: Monitor) -> Table[LaneRow]:
    """What a filter may say of threads."""

    def routine(row: LaneRow) -> str | None:
        return monitor.run.routine_name(row.routine) if row.routine else None

    def state(row: LaneRow) -> str:
        return "running" if row.routine is not None else "idle"

    table = _table(
        "workers",
        {"worker": "label", "routine": routine},
        {
            "busy": ("busy", Unit.SHARE),
            "run": (lambda row: row.running_ns if row.routine else None, Unit.TIME),
            "coroutines": ("coroutines", Unit.NUMBER),
        },
        status="state", thread="worker",
    )  # fmt: skip
    return _with(table, "state", Field(state, words={"running": "running", "idle": "idle"}))


def stats_table() -> Table[StatRow]:
    """What a filter may say of statistics."""
    return _table(
        "stats",
        {"routine": "routine", "stat": "name"},
        {"value": ("value", Unit.ANY), "rate": ("rate", Unit.NUMBER)},
        name="stat",
    )


def output_table() -> Table[Line]:
    """What a filter may say of printed lines."""
    table = _table(
        "output lines",
        {"text": "text"},
        {"generation": (lambda line: abs(line.generation), Unit.NUMBER)},
        gen="generation",
    )

    def stream(line: Line) -> str:
        return "rule" if line.generation < 0 else "err" if line.is_error else "out"

    words = {"out": "out", "err": "err", "stdout": "out", "stderr": "err", "rule": "rule"}
    return _with(table, "stream", Field(stream, words=words))


def _with(table: Table[Row], name: str, field: Field[Row]) -> Table[Row]:
    """One more field, in which words are looked for too."""
    fields = {**table.fields, name: (field,)}
    return Table(table.name, fields, (*table.bare, field), table.roots, table.aliases)
