"""A failing schedule made simple: fewer preemptions, then a proof that fewer do not fail.

First parts of the schedule are glued together as long as it fails in the same way. Then all
schedules with fewer preemptions are run, as far as the budget goes; that also finds the minimum if
gluing did not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from .bounded import DepthFirst, Shared
from .order import Ordered, order_of, preemptions_of
from .run import Result, Runner
from .strategies import Few, Strategy

#: Runs that gluing may take.
GLUE_RUNS = 200
#: Runs in search of one preemption less, by chance.
THIN_RUNS = 60
#: Runs that the lower bounds may take, all together.
BOUND_RUNS = 3_000


class Minimised(NamedTuple):
    """What is left of a schedule.

    Attributes:
        result: of its run.
        preemptions: how many it has.
        proved: no schedule with fewer than so many preemptions fails in this way.
        runs: how many it took.
    """

    result: Result
    preemptions: int
    proved: int
    runs: int


def minimise(
    run: Callable[[Strategy], Result],
    runner: Runner,
    failing: Result,
    fails: Callable[[Result], bool],
    is_late: Callable[[], bool],
) -> Minimised:
    """Make a failing schedule simple.

    Args:
        run: runs under a strategy.
        runner: what it runs in.
        failing: a run that fails.
        fails: whether a run fails in the same way.
        is_late: whether to come to an end.
    """
    best, runs = _glue(run, failing, fails, is_late)
    best, took = _thin(run, best, fails, is_late)
    runs += took
    proved = 0
    left = BOUND_RUNS
    shared = Shared()
    shared.learn(best.steps)
    while proved < preemptions_of(best.steps):
        strategy = DepthFirst(proved, shared)
        found, ended, took = _search(run, runner, strategy, fails, left, is_late)
        runs, left = runs + took, left - took
        if found is not None:
            best = found
            break
        if not ended or left <= 0:
            break
        proved += strategy.complete  # else more is shared than was known: once more
    least = preemptions_of(best.steps)
    return Minimised(best, least, min(proved, least), runs)


def _thin(
    run: Callable[[Strategy], Result],
    best: Result,
    fails: Callable[[Result], bool],
    is_late: Callable[[], bool],
) -> tuple[Result, int]:
    """Try by chance whether fewer preemptions do, one less at a time."""
    runs = 0
    while preemptions_of(best.steps):
        strategy = Few(runs, preemptions_of(best.steps) - 1, len(best.steps))
        for number in range(THIN_RUNS):
            if is_late():
                return best, runs
            strategy.begin(number)
            result = run(strategy)
            runs += 1
            if fails(result) and preemptions_of(result.steps) < preemptions_of(best.steps):
                best = result
                break
        else:
            break
    return best, runs


def _search(
    run: Callable[[Strategy], Result],
    runner: Runner,
    strategy: DepthFirst,
    fails: Callable[[Result], bool],
    most: int,
    is_late: Callable[[], bool],
) -> tuple[Result | None, bool, int]:
    for number in range(most):
        if is_late():
            return None, False, number
        strategy.begin(number)
        result = run(strategy)
        if fails(result):
            return result, False, number + 1
        if not strategy.learn(result.steps, runner.controller.left):
            return None, True, number + 1
    return None, False, most


Segment = tuple[int, int]  # who, and for how many steps


def segments_of(order: list[int]) -> list[Segment]:
    """The order, run-length encoded."""
    found: list[Segment] = []
    for ident in order:
        if found and found[-1][0] == ident:
            found[-1] = (ident, found[-1][1] + 1)
        else:
            found.append((ident, 1))
    return found


def _glue(
    run: Callable[[Strategy], Result],
    failing: Result,
    fails: Callable[[Result], bool],
    is_late: Callable[[], bool],
) -> tuple[Result, int]:
    best = failing
    cost = _cost(best)
    runs = 0
    better = True
    while better and cost[0]:
        better = False
        for order in _glued(segments_of(order_of(best.steps))):
            if runs >= GLUE_RUNS or is_late():
                return best, runs
            strategy = Ordered(order)
            strategy.begin(runs)
            result = run(strategy)
            runs += 1
            if fails(result) and _cost(result) < cost:
                best, cost, better = result, _cost(result), True
                break
    return best, runs


def _cost(result: Result) -> tuple[int, int]:
    return preemptions_of(result.steps), len(segments_of(order_of(result.steps)))


def _glued(segments: list[Segment]) -> list[list[int]]:
    """The orders in which one segment is moved to the one before or after of the same task."""
    found = []
    for at, (who, _) in enumerate(segments):
        after = next((i for i in range(at + 1, len(segments)) if segments[i][0] == who), None)
        if after is None:
            continue
        earlier = [*segments[: at + 1], segments[after], *segments[at + 1 : after]]
        later = [*segments[:at], *segments[at + 1 : after], segments[at]]
        found.append(earlier + segments[after + 1 :])
        found.append(later + segments[after:])
    return [[who for who, count in order for _ in range(count)] for order in found]
