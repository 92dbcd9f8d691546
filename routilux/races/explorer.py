"""Exploring a flow: schedule after schedule, until one fails, none is left, or the budget ends."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ..errors import at_least
from ..errors import seconds as checked_seconds
from .bounded import DepthFirst
from .dpor import Dpor
from .hidden import hides_state
from .lines import Lines
from .minimise import Minimised, minimise
from .ops import text_of
from .order import Ordered, order_of, step_text
from .portfolio import API, AUTO, LINE, Phase, api_phases, check_names, line_phases
from .quiet import muted
from .report import Report, report_of
from .results import Exploration, Outcome, Progress
from .run import Build, Check, Drive, Failure, Program, Result, Runner
from .schedule import Schedule, reference_to, schedule_of, source_hash
from .session import session
from .strategies import Pct, Strategy
from .tasks import Step

_monotonic = time.monotonic  # the real one
#: Distinct end states that are kept.
MOST_OUTCOMES = 1_000
#: Runs that do not end, until it is given up.
MOST_ENDLESS = 3
#: Seconds between two calls of ``on_progress``, at least.
PROGRESS_SECONDS = 0.1
#: Runs whose choices are counted, for what branches most.
COUNTED_RUNS = 200


def explore(
    build: Build,
    drive: Drive | None = None,
    check: Check | None = None,
    *,
    schedules: int = 1500,
    strategy: str = "portfolio",
    seed: int = 0,
    granularity: str = AUTO,
    time_limit: float | None = None,
    on_progress: Callable[[Progress], object] | None = None,
) -> Exploration:
    """Run a flow under many schedules, to find one under which it fails.

    Deadlocks and exceptions that nobody handles always fail. Without a ``check`` two schedules that
    end in different statistics do too.

    Args:
        build: makes the flow anew for each run; a `Flow`, or any object with an attribute ``flow``.
        drive: called with that; executes and waits. By default every entry routine is executed.
        check: called with it at the end; what it returns must be true, or it raises.
        schedules: how many to run at most.
        strategy: ``"portfolio"``, or one of ``"dpor"``, ``"pos"``, ``"random"``, ``"bounded"``,
            ``"pct"`` alone.
        seed: for those that draw by chance.
        granularity: where another task may come in: ``"api"`` (statistics, configuration,
            attributes, locks, emits, waits), ``"line"`` (also at each line of the user's code, and
            before each store), or ``"auto"``: lines too if the former find nothing and handlers
            use what it cannot see.
        time_limit: seconds of real time.
        on_progress: called now and then, in the calling thread.

    Raises:
        InvalidValueError: an argument is not one of those above.
        Misuse: (a ValueError) ``build`` gives no flow, or not a new one.
        RoutiluxError: another exploration is running in this process.
    """
    check_names(strategy, granularity)
    at_least(schedules, 1, "schedules")
    limit = checked_seconds(time_limit, "time_limit")
    program = Program(build, drive, check)
    search = _Search(program, schedules, seed, limit, on_progress)
    with search.attached():
        return search.explore(strategy, granularity)


class _Search:
    """One exploration while it lasts."""

    def __init__(
        self,
        program: Program,
        most: int,
        seed: int,
        limit: float | None,
        on_progress: Callable[[Progress], object] | None,
    ) -> None:
        self._program = program
        self._runner = Runner(program)
        self._most = most
        self._seed = seed
        self._began = _monotonic()
        self._until = None if limit is None else self._began + limit
        self._on_progress = on_progress
        self._told = 0.0
        self._runs = 0
        self._endless = 0
        self._states: dict[Any, tuple[dict[str, dict[str, str]], str | None]] = {}
        self._counts: Counter[Any] = Counter()
        self._first: tuple[Any, list[int], str] | None = None  # outcome, order, points
        self._branches: Counter[Any] = Counter()
        self._inexact: set[str] = set()
        self._first_steps: list[Step] = []
        self._foreign: set[str] = set()
        self._proved: int | None = None
        self._exhausted = False
        self._reason = ""
        self._phase: Phase | None = None
        self._lines = Lines(self._runner.control)

    @contextmanager
    def attached(self) -> Iterator[None]:
        """The seam serves this exploration, and nothing else."""
        with self._runner.attached(), muted(self._runner.controller):
            try:
                yield
            finally:
                self._lines.close()

    def explore(self, strategy: str, granularity: str) -> Exploration:
        """Go through the phases."""
        if granularity != LINE:
            most = self._most
            found = self._go(api_phases(strategy, self._seed, most), most * 3 // 5, granularity)
            if found is not None:
                return found
        if granularity == LINE or self._wants_lines(granularity):
            self._reason = ""
            left = self._most - self._runs
            found = self._go(line_phases(strategy, self._seed, left), self._most, LINE)
            if found is not None:
                return found
        return self._passed()

    def _wants_lines(self, granularity: str) -> bool:
        left = self._most - self._runs
        return granularity == AUTO and left > 0 and not self._stopped() and self._hides

    def _stopped(self) -> bool:
        return self._is_late() or self._endless >= MOST_ENDLESS or bool(self._fatal)

    _fatal = ""
    _hides = False

    def _go(self, phases: Iterator[Phase], share: int, granularity: str) -> Exploration | None:
        for phase in phases:
            self._phase = phase
            until = min(self._most, self._runs + phase.runs)
            while self._runs < until:
                if granularity == AUTO and self._hides and self._runs >= share:
                    return None
                failing = self._run_once(phase)
                if failing is not None:
                    return self._failed(phase, *failing)
                if self._stopped():
                    return None
                if not self._more:
                    break
            else:
                continue
            if self._ended(phase):
                return None
        return None

    def _ended(self, phase: Phase) -> bool:
        """A strategy has nothing left to run. Whether that was all there is."""
        strategy = phase.strategy
        if isinstance(strategy, DepthFirst) and strategy.complete:
            if phase.points == API or self._proved is None:
                self._proved = strategy.bound
            whole = not strategy.cut
        elif isinstance(strategy, Dpor):
            whole = not (strategy.too_long or strategy.diverged or self._inexact or self._foreign)
        else:
            whole = False
        if strategy.diverged is not None:
            self._reason = f"the flow does not repeat itself, {strategy.diverged}"
        self._exhausted = whole and phase.points == API and self._repeats()
        return whole

    def _repeats(self) -> bool:
        """Whether the first schedule does again what it did: only then is anything proved."""
        steps = self._first_steps
        order = Ordered(order_of(steps), [step_text(s.mode, s) for s in steps[1:]])
        order.begin(0)
        result = self.run(order, API)
        order.ended(len(result.steps) - 1)
        if order.difference is not None:
            self._reason = f"the flow does not repeat itself, {order.difference}"
        return order.difference is None

    # one run --------------------------------------------------------------------------------------

    _more = True

    def run(self, strategy: Strategy, points: str, detailed: bool = False) -> Result:
        """Run once under a strategy."""
        strategy.controller = self._runner.controller
        lines = self._lines if points == LINE else None
        return self._runner.run(strategy.pick, self._is_late, detailed, lines)

    def _run_once(self, phase: Phase) -> tuple[Result, Failure] | None:
        strategy = phase.strategy
        strategy.begin(self._runs)
        result = self.run(strategy, phase.points)
        self._runs += 1
        if self._runs == 1:
            self._first_steps = result.steps
            self._hides = hides_state(session.flows)
        self._inexact |= result.inexact
        self._foreign |= result.foreign
        if self._runs <= COUNTED_RUNS:
            self._count_branches(result.steps)
        self._more = strategy.learn(result.steps, self._runner.controller.left)
        if isinstance(strategy, Pct):
            strategy.expect(len(result.steps))
        failure = self._judge(result, phase)
        self._tell(phase)
        return None if failure is None else (result, failure)

    def _judge(self, result: Result, phase: Phase) -> Failure | None:
        verdict = result.verdict
        if verdict is not None:
            if verdict.kind == "steps":
                self._endless += 1
                self._reason = f"a run had not ended: {verdict.message}; a flow that never ends?"
            elif verdict.kind == "stuck":
                self._fatal = self._reason = verdict.message
            return None
        self._count_outcome(result)
        if result.failure is not None or self._program.check is not None:
            return result.failure
        if self._first is None:
            self._first = (result.outcome, order_of(result.steps), phase.points)
        elif result.outcome != self._first[0]:
            said = _difference(self._states[self._key(self._first[0])][0], result.state)
            return Failure("nondeterministic", f"two schedules end in different states: {said}")
        return None

    @staticmethod
    def _key(outcome: Any) -> Any:
        return (outcome, None)

    def _count_outcome(self, result: Result) -> None:
        failure = result.failure.message if result.failure is not None else None
        key = (result.outcome, failure)
        if key in self._states or len(self._states) < MOST_OUTCOMES:
            self._states.setdefault(key, (result.state, failure))
            self._counts[key] += 1

    def _count_branches(self, steps: list[Step]) -> None:
        for step in steps:
            if len(step.enabled) > 1 and step.obj and step.obj[0] not in ("start", "emit", "flow"):
                self._branches[step.obj] += 1

    def _is_late(self) -> bool:
        return self._until is not None and _monotonic() >= self._until

    def _tell(self, phase: Phase) -> None:
        if self._on_progress is None:
            return
        now = _monotonic()
        if now - self._told < PROGRESS_SECONDS and self._told:
            return
        self._told = now
        estimate = getattr(phase.strategy, "estimate", None)
        most = self._branches.most_common(1)
        self._on_progress(
            Progress(
                self._runs,
                self._runs / max(now - self._began, 1e-9),
                len(self._counts),
                phase.name if phase.points == API else f"{phase.name}, lines",
                estimate() if estimate is not None else None,
                text_of(most[0][0]) if most else "",
            )
        )

    # the end --------------------------------------------------------------------------------------

    def _failed(self, phase: Phase, result: Result, failure: Failure) -> Exploration:
        schedules = self._runs
        differs = failure.kind == "nondeterministic"
        first = self._first

        def fails(other: Result) -> bool:
            if differs:
                return other.verdict is None and not other.failure and other.outcome != first[0]  # type: ignore[index]
            return other.failure is not None and other.failure.sort == failure.sort

        def run(strategy: Strategy) -> Result:
            return self.run(strategy, phase.points)

        small = minimise(run, self._runner, result, fails, self._is_late)
        again = self.run(Ordered(order_of(small.result.steps)), phase.points, detailed=True)
        repeats = fails(again)
        shown = again if repeats else small.result
        if differs:
            shown = shown._replace(failure=failure)
        schedule = self._schedule(shown, phase)
        other = None
        if differs and first is not None:
            other = self._schedule(self.run(Ordered(first[1]), first[2]), phase)
        found = shown.failure or failure
        notes = [] if repeats else ["the failing schedule did not repeat: the flow is not the same "
                                    "in each run"]  # fmt: skip
        report = report_of(shown, found, schedule, small, notes)
        return self._exploration("failed", phase, schedules, found, schedule, other, report, small)

    def _schedule(self, result: Result, phase: Phase) -> Schedule:
        reference, source = reference_to(self._program), source_hash()
        return schedule_of(result, reference, source, self._seed, phase.name, phase.points)

    def _passed(self) -> Exploration:
        exhausted = self._exhausted and not self._endless and not self._fatal
        if not exhausted and not self._reason:
            self._reason = self._why_incomplete()
        report = report_of(None, None, None, None, [self._summary(exhausted)])
        outcome = "exhausted" if exhausted else "incomplete"
        return self._exploration(outcome, self._phase, self._runs, None, None, None, report, None)

    def _why_incomplete(self) -> str:
        if self._is_late():
            return "the time limit came first"
        if self._runs >= self._most:
            return f"the budget of {self._most} schedules was used up"
        parts = sorted(self._inexact) + (
            ["threads that are not controlled"] if self._foreign else []
        )
        return f"not every schedule can be told apart here: {', '.join(parts)}" if parts else (
            "the strategies ended before every schedule was run")  # fmt: skip

    def _summary(self, exhausted: bool) -> str:
        if exhausted:
            return f"no failure in any schedule ({self._runs} runs stand for all)"
        bound = "" if self._proved is None else f"; every schedule with up to {self._proved} " \
            "preemptions was run"  # fmt: skip
        return f"no failure seen in {self._runs} schedules; {self._reason}{bound}"

    def _exploration(
        self,
        outcome: str,
        phase: Phase | None,
        schedules: int,
        failure: Failure | None,
        schedule: Schedule | None,
        other: Schedule | None,
        report: Report,
        small: Minimised | None,
    ) -> Exploration:
        return Exploration(
            outcome,
            failure.kind if failure else None,
            schedules,
            small.preemptions if small else None,
            small.proved if small else self._proved,
            schedule,
            other,
            report,
            tuple(
                Outcome(*self._states[key][:1], runs, self._states[key][1])
                for key, runs in self._counts.most_common()
            ),
            self._reason if outcome == "incomplete" else "",
            failure.message if failure else "",
            tuple(sorted(self._foreign)),
            phase.name if phase else "",
            phase.points if phase else API,
            small.runs if small else 0,
            _monotonic() - self._began,
        )


def _difference(one: dict[str, dict[str, str]], other: dict[str, dict[str, str]]) -> str:
    """The first statistics that differ."""
    found = []
    for name in sorted({*one, *other}):
        mine, its = one.get(name, {}), other.get(name, {})
        found += [
            f"{name}.{key} is {mine.get(key, 'missing')} or {its.get(key, 'missing')}"
            for key in sorted({*mine, *its})
            if mine.get(key) != its.get(key)
        ]
    return "; ".join(found[:3]) or "?"
