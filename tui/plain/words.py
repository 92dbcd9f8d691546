"""Numbers and states in words, as a screen reader says them: no abbreviation stands alone."""

from __future__ import annotations

from collections.abc import Sequence

from tui.model import log
from tui.model.monitor import Monitor, Phase
from tui.model.rows import RoutineRow, State
from tui.paint.canvas import clean
from tui.session.messages import RecordTuple
from tui.widgets.telling import told

_UNITS = ((1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "us"), (1, "ns"))
_PHASES = {
    Phase.LOADING: "is loading",
    Phase.RUN: "is running",
    Phase.HELD: "stands still: all open jobs are paused",
    Phase.IDLE: "is idle: no job is open",
    Phase.ENDED: "has ended",
    Phase.FAILED: "was stopped by an exception",
    Phase.DIED: "is gone: the engine process has ended",
    Phase.STUCK: "does not answer",
}
#: What a state of a routine means, for those that call for attention.
STATES = {
    State.FULL: "is full: a slot of it takes no more",
    State.PAUSED: "is paused",
    State.RETRY: "will be tried again",
    State.FAILED: "has failed",
}


def spoken(ns: int | None) -> str:
    """A time in nanoseconds: ``71 ms``, ``1.63 s``; ``not timed`` for None."""
    if ns is None:
        return "not timed"
    for unit, name in _UNITS:
        if abs(ns) >= unit:
            amount = ns / unit
            return f"{amount:.3g} {name}" if abs(amount) < 999.5 else f"{amount:,.0f} {name}"
    return "0 ms"


def times(number: int, thing: str, things: str = "") -> str:
    """``1 job``, ``2 jobs``, ``no jobs``."""
    if number == 1:
        return f"1 {thing}"
    return f"{number:,} {things or thing + 's'}" if number else f"no {things or thing + 's'}"


def percent(share: float) -> str:
    """A share of 1 as ``12 percent``; it never rounds something to nothing or all."""
    value = share * 100
    if 0 < value < 1:
        return "under 1 percent"
    return f"{value:.1f} percent" if 99 < value < 100 else f"{value:.0f} percent"


def rate(value: float) -> str:
    """Per second: ``1,640``, ``2.5``."""
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}".removesuffix(".0")


def phase(monitor: Monitor) -> str:
    """What the flow does: ``orders.py is running``."""
    name = clean(monitor.label)
    return f"{name} {_PHASES[monitor.phase]}"


def state(row: RoutineRow) -> str:
    """A routine's state with its number: ``2 running``."""
    return f"{row.running} running" if row.state is State.RUNNING else row.state.value


def listed(parts: Sequence[str]) -> str:
    """``a, b and c``."""
    return " and ".join(filter(None, (", ".join(parts[:-1]), *parts[-1:])))


def event(monitor: Monitor, record: RecordTuple) -> str:
    """A record as a sentence without its end."""
    run = monitor.run_of(record[log.GENERATION])
    at = (record[log.TIME] - run.origin) / 1e9
    if record[log.KIND] == log.RULE:
        return f"generation {record[log.GENERATION]} begins"
    what = clean(told(monitor, record))
    worker = run.lane_label(record[log.WORKER], record[log.TIME])
    said = f"event {record[log.SEQUENCE]} at {at:.3f} s on {clean(worker)}: {what}"
    if log.is_activation(record):
        said += _outcome(record)
    text = monitor.log.text(record)
    return f"{said}, {clean(text)}" if text and log.is_activation(record) else said


def _outcome(record: RecordTuple) -> str:
    word = _STATUS.get(int(record[log.STATUS]), "")
    if not record[log.STARTED]:
        return f"{word}, not timed"
    waited = spoken(int(record[log.STARTED] - record[log.QUEUED]))
    ran = spoken(int(record[log.TIME] - record[log.STARTED]))
    return f", waited {waited}, ran {ran}{word}"


_STATUS = {1: ", failed", 2: ", cancelled", 3: ", failed and will be tried again"}
