"""How long a routine took in earlier generations of its code, to compare it with how long it takes.

A percentile is told only where at least `BEYOND` calls took longer than it: of fewer it would say
more about chance than about the code.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from routilux.histogram import Bins, percentile

from .names import made_up
from .rows import Key
from .run import Run

#: Earlier generations kept of each routine.
KEPT = 8
BEYOND = 10
#: The percentiles compared, and what they are called.
SHARES = ((0.5, "p50"), (0.9, "p90"), (0.99, "p99"), (0.999, "p99.9"))
#: Within so much two values are the same: the bins of a histogram are 1.6 % wide.
SAME = 0.035


class Measured(NamedTuple):
    """The histograms of one routine in one generation."""

    generation: int
    run: Bins
    wait: Bins


class Compared(NamedTuple):
    """One generation in the table: ``what`` is run or wait, ``times`` as in `SHARES` (None: too few
    calls), ``changes`` against the generation before as a share (None: one of both is not known).
    """

    what: str
    generation: int
    calls: int
    times: tuple[int | None, ...]
    changes: tuple[float | None, ...]


class Generations:
    """Keeps what a generation measured when the next one comes."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], deque[Measured]] = {}

    def keep(self, run: Run) -> None:
        """A generation has ended."""
        for key, gauge in run._routines.items():
            flow = run.flows.get(key[0])
            if flow is None or not gauge.run.total:
                continue
            name = flow.id, flow.routines[key[1]].id
            measured = Measured(run.generation, gauge.run.total, gauge.wait.total)
            self._kept.setdefault(name, deque(maxlen=KEPT)).append(measured)
        self._forget(run.generation - KEPT)

    def _forget(self, generation: int) -> None:
        """What is so old, of routines that have gone and of flows with another id each time."""
        old = [name for name, kept in self._kept.items() if kept[-1].generation <= generation]
        for name in old:
            del self._kept[name]

    def of(self, run: Run, key: Key) -> list[Measured]:
        """The routine now, then in earlier generations, the newest first."""
        flow, gauge = run.flows.get(key[0]), run._routines.get(key)
        if flow is None or gauge is None:
            return []
        now = Measured(run.generation, gauge.run.total, gauge.wait.total)
        return [now, *reversed(self._find(flow.id, flow.routines[key[1]].id))]

    def _find(self, flow: str, routine: str) -> deque[Measured]:
        """Of the same flow; one without a name has another id each time."""
        found = self._kept.get((flow, routine))
        if found is not None:
            return found
        same = [kept for (f, name), kept in self._kept.items() if name == routine and made_up(f)]
        if not same or not made_up(flow):
            return deque()
        # One of each generation, under another id each time.
        every = sorted((each for kept in same for each in kept), key=lambda m: m.generation)
        return deque(every, maxlen=KEPT)


def compared(measured: list[Measured]) -> list[Compared]:
    """Run times of every generation, then wait times, each with the change since the one before."""
    rows = []
    for what in ("run", "wait"):
        for number, now in enumerate(measured):
            bins: Bins = getattr(now, what)
            times = _times(bins)
            before = measured[number + 1] if number + 1 < len(measured) else None
            older = _times(getattr(before, what)) if before is not None else (None,) * len(SHARES)
            changes = tuple(_change(a, b) for a, b in zip(times, older, strict=True))
            rows.append(Compared(what, now.generation, sum(bins.values()), times, changes))
    return rows


def needed(share: float) -> int:
    """The calls that a percentile needs."""
    return round(BEYOND / (1 - share))


def _times(bins: Bins) -> tuple[int | None, ...]:
    calls = sum(bins.values())
    return tuple(percentile(bins, share) if calls >= needed(share) else None for share, _ in SHARES)


def _change(now: int | None, before: int | None) -> float | None:
    if now is None or before is None:
        return None
    return (now - before) / before if before else 0.0 if not now else None
