"""Running a search to its end, and what it has seen."""

from __future__ import annotations

from typing import Any, NamedTuple

from routilux.races.quiet import muted
from routilux.races.run import Program, Runner
from routilux.races.strategies import Strategy
from tests.races.programs import Program as Drawn


class Found(NamedTuple):
    """What a search has seen.

    Attributes:
        outcomes: distinct ends: failure, statistics, what handlers have read.
        runs: how many it took.
        ended: nothing was left to run.
        inexact: what the relation of dependence does not know.
    """

    outcomes: frozenset[Any]
    runs: int
    ended: bool
    inexact: frozenset[str]


def search(drawn: Drawn, strategy: Strategy, most: int) -> Found:
    """Run a search over a drawn program."""
    runner = Runner(Program(drawn.build, drawn.drive, None))
    strategy.controller = runner.controller
    outcomes: set[Any] = set()
    inexact: set[str] = set()
    with runner.attached(), muted(runner.controller):
        for number in range(most):
            strategy.begin(number)
            result = runner.run(strategy.pick)
            inexact |= result.inexact
            assert result.verdict is None or result.verdict.kind == "redundant", result.verdict
            if result.verdict is None:
                failure = result.failure and (result.failure.kind, str(result.failure.error))
                outcomes.add((failure, result.outcome, drawn.seen()))
            if not strategy.learn(result.steps, runner.controller.left):
                return Found(frozenset(outcomes), number + 1, True, frozenset(inexact))
    return Found(frozenset(outcomes), most, False, frozenset(inexact))
