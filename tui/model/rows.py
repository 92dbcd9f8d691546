"""What panes show, as plain rows. Values only: no widths, no colours."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

Key = tuple[int, int]
"""Flow number and routine number."""


class State(StrEnum):
    """What a routine does. The word is shown with the glyph of the theme."""

    RUNNING = "running"
    QUEUED = "queued"
    FAILED = "failed"
    IDLE = "idle"
    UNUSED = "unused"


class RoutineRow(NamedTuple):
    """One routine, live."""

    key: Key
    name: str
    cls: str
    state: State
    running: int
    in_rate: float
    out_rate: float
    queue: int
    wait50: int | None
    wait99: int | None
    run50: int | None
    run99: int | None
    done: int
    errors: int
    dropped: int
    trend: list[float]


class EdgeRow(NamedTuple):
    """One connection, live."""

    number: int
    flow: int
    source: Key | None
    target: Key
    label: str
    rate: float
    queue: int
    total: int


class LaneRow(NamedTuple):
    """One thread that runs handlers: cells are (routine or None, busy share), oldest first."""

    label: str
    cells: list[tuple[Key | None, float]]
    busy: float
    routine: Key | None
    running_ns: int


class StatRow(NamedTuple):
    """One statistic of a routine. ``rate`` is None for what is no number."""

    key: Key
    routine: str
    name: str
    value: int | float | str
    rate: float | None
    changed: bool
