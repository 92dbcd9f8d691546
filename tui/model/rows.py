"""What panes show, as plain rows. Values only: no widths, no colours."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

Key = tuple[int, int]
"""Flow number and routine number."""


class State(StrEnum):
    """What a routine does. The word is shown with the glyph of the theme."""

    FULL = "full"  # a slot of it takes no more: who emits to it waits, or messages are dropped
    RUNNING = "running"
    PAUSED = "paused"  # all that waits for it is of paused jobs
    RETRY = "retry"  # a failed try waits to be repeated
    QUEUED = "queued"
    TIMER = "timer"  # has asked to be called later
    FAILED = "failed"
    IDLE = "idle"
    UNUSED = "unused"


class Standing(NamedTuple):
    """Jobs, and what waits and was dropped: `tui.session.messages.FlowState` over all flows."""

    open_jobs: int
    completed: int
    failed: int
    cancelled: int
    paused: int
    waiting: int
    retries: int
    timers: int
    dropped: int


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
    later: int  # deliveries that wait for their time: tries to repeat, timers
    trend: list[float]
    saturated: bool = False  # cannot keep up: a slot is full, or the queue grows
    pool: float = 0.0  # share of the threads' time over the last five seconds


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
    """One thread that runs handlers: cells are (routine or None, busy share), oldest first.

    ``coroutines`` is None but for an event loop: how many it has under way. ``routine`` is then
    that of the one that began first.
    """

    label: str
    cells: list[tuple[Key | None, float]]
    busy: float
    routine: Key | None
    running_ns: int
    coroutines: int | None = None


class StatRow(NamedTuple):
    """One statistic of a routine. ``rate`` is None for what is no number."""

    key: Key
    routine: str
    name: str
    value: int | float | str
    rate: float | None
    changed: bool
