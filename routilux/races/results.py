"""What an exploration tells while it goes on, and what it has found."""

from __future__ import annotations

from typing import NamedTuple

from .report import Report
from .schedule import Schedule


class Outcome(NamedTuple):
    """One of the end states that were seen.

    Attributes:
        state: statistics by routine, as texts.
        runs: how often.
        failure: what was wrong then, in one line; None: nothing.
    """

    state: dict[str, dict[str, str]]
    runs: int
    failure: str | None


class Progress(NamedTuple):
    """How far an exploration is.

    Attributes:
        runs: so far.
        per_second: runs.
        outcomes: distinct end states so far.
        strategy: that is on.
        estimate: how many runs that strategy would take to the end, roughly; None: not known.
        branches: the object at which most choices were made; empty: none yet.
    """

    runs: int
    per_second: float
    outcomes: int
    strategy: str
    estimate: int | None
    branches: str


class Exploration(NamedTuple):
    """What an exploration has found.

    Attributes:
        outcome: ``"failed"``, ``"exhausted"`` (every schedule was run, or one that stands for it)
            or ``"incomplete"``: no failure was seen, and ``reason`` says why that proves nothing.
        kind: of the failure: ``"invariant"``, ``"exception"``, ``"deadlock"``, or
            ``"nondeterministic"`` (two end states, and no check that says which is right).
        schedules: runs until the failure, or all.
        preemptions: of the failing schedule, made as simple as possible; None: no failure.
        proved_bound: of a failure: no schedule with fewer preemptions fails so, as was proved. Else
            the number of preemptions up to which every schedule was run; None: not even 0.
        schedule: the failing one; None: no failure.
        other: of ``"nondeterministic"``: a schedule that ends in the other state.
        report: what happened, to be read.
        outcomes: distinct end states, the most frequent first.
        reason: why it is incomplete.
        message: what is wrong, in one line.
        uncontrolled: threads that took part and could not be controlled.
        strategy: what found the failure, or was on at the end.
        granularity: where steps began then: ``"api"`` or ``"line"``.
        minimising: runs that making it simple took.
        seconds: of real time.
    """

    outcome: str
    kind: str | None
    schedules: int
    preemptions: int | None
    proved_bound: int | None
    schedule: Schedule | None
    other: Schedule | None
    report: Report
    outcomes: tuple[Outcome, ...]
    reason: str
    message: str
    uncontrolled: tuple[str, ...]
    strategy: str
    granularity: str
    minimising: int
    seconds: float

    @property
    def failed(self) -> bool:
        """Whether a schedule failed."""
        return self.outcome == "failed"

    def __repr__(self) -> str:
        what = f" {self.kind}: {self.message}" if self.kind else f" {self.reason}"
        return f"<Exploration {self.outcome} after {self.schedules} schedules{what.rstrip()}>"
