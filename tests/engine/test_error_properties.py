"""Random error strategies over random small graphs: every handler call can be foretold."""

import logging
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routilux import ErrorHandler, Flow, JobState, Routine
from tests.engine.building import node
from tests.waiting import SECONDS

Path = tuple[int, ...]

EVENTS = 2
FINAL = ("error", "error_continued", "skipped")


class BadError(Exception):
    """What a handler raises that was told to."""


@dataclass
class Plan:
    """What one routine does.

    Attributes:
        handler: its error handler, as (strategy, retries, optional); None: the flow's counts.
        fails: how many calls of one delivery fail, by (length of its path + its sum) modulo 4.
        early: whether it emits before it fails.
        targets: by event, the routines that get it.
    """

    handler: tuple[str, int, bool] | None
    fails: tuple[int, int, int, int]
    early: bool
    targets: list[list[int]]

    def failing(self, path: Path) -> int:
        return self.fails[(len(path) + sum(path)) % 4]


@dataclass
class Foretold:
    """All that has to happen in a job in which nothing is dropped."""

    calls: Counter[tuple[int, Path]] = field(default_factory=Counter)
    emits: int = 0
    stops: int = 0
    retries: int = 0


def handlers() -> st.SearchStrategy[tuple[str, int, bool]]:
    names = st.sampled_from(["stop", "continue", "skip", "retry", "retry", "retry"])
    return st.tuples(names, st.integers(0, 3), st.booleans())


@st.composite
def plans(draw: st.DrawFn) -> list[Plan]:
    count = draw(st.integers(1, 4))
    targets = st.lists(st.integers(0, count - 1), max_size=2, unique=True)
    fails = st.sampled_from([0, 0, 0, 1, 2, 9])
    return [
        Plan(
            draw(st.none() | handlers()),
            (draw(fails), draw(fails), draw(fails), draw(fails)),
            draw(st.booleans()),
            [draw(targets) for _ in range(EVENTS)],
        )
        for _ in range(count)
    ]


class Model:
    """A flow made by plans, and what its handlers did."""

    def __init__(
        self, plan: list[Plan], default: tuple[str, int, bool] | None, strategy: str, limited: bool
    ) -> None:
        self.plan = plan
        self.default = default
        self.flow = Flow("f", strategy, 3)
        self.lock = threading.Lock()
        self.calls: Counter[tuple[int, Path]] = Counter()
        self.emits = self.queued = self.succeeded = 0
        for i in range(len(plan)):
            limits = {"max_concurrency": 2} if limited and i % 2 else {}
            events = tuple(f"e{j}" for j in range(EVENTS))
            routine = node(self.handler(i), events=events, **limits)
            routine.set_error_handler(made(plan[i].handler))
            self.flow.add_routine(routine, f"r{i}")
        for i, each in enumerate(plan):
            for j, targets in enumerate(each.targets):
                for target in targets:
                    self.flow.connect(f"r{i}", f"e{j}", f"r{target}", "trigger")
        self.flow.set_error_handler(made(default))

    def handler(self, i: int) -> Any:
        plan = self.plan[i]

        def handle(routine: Routine, path: Path, ttl: int) -> None:
            with self.lock:
                self.calls[i, path] += 1
                tried = self.calls[i, path]
            fails = tried <= plan.failing(path)
            if ttl and (plan.early or not fails):
                for j, targets in enumerate(plan.targets):
                    with self.lock:
                        self.emits += 1
                        self.queued += len(targets)
                    routine.emit(f"e{j}", path=(*path, i * EVENTS + j, tried), ttl=ttl - 1)
            if fails:
                raise BadError(path)
            with self.lock:
                self.succeeded += 1

        return handle

    def foretell(self, ttl: int) -> Foretold | None:
        """All that would happen if no error stopped the job; None: too much."""
        found = Foretold()
        todo: list[tuple[int, Path, int]] = [(0, (), ttl)]
        while todo:
            i, path, ttl = todo.pop()
            plan, fails = self.plan[i], self.plan[i].failing(path)
            name, retries, optional = plan.handler or self.default or ("stop", 0, False)
            calls = 1 + min(fails, retries if name == "retry" else 0)
            found.calls[i, path] += calls
            found.retries += calls - 1
            found.stops += fails >= calls and name in ("stop", "retry") and not optional
            for tried in range(1, calls + 1):
                if ttl and (plan.early or tried > fails):
                    found.emits += EVENTS
                    for j, targets in enumerate(plan.targets):
                        step = (*path, i * EVENTS + j, tried)
                        todo += [(target, step, ttl - 1) for target in targets]
            if len(found.calls) > 300:
                return None
        return found

    def check(self, job: JobState, foretold: Foretold) -> None:
        assert job.done
        assert not job.tokens
        assert job.retries_waiting == 0
        assert job.status == ("failed" if foretold.stops else "completed")
        assert isinstance(job.error, BadError) is bool(foretold.stops)
        assert self.calls <= foretold.calls
        if not foretold.stops:
            assert self.calls == foretold.calls
            assert job.dropped == 0
        self._check_history(job, foretold)
        self._check_states(job)

    def _check_history(self, job: JobState, foretold: Foretold) -> None:
        names = Counter(record.event_name for record in job.execution_history)
        assert sum(names[f"e{j}"] for j in range(EVENTS)) == self.emits
        final = sum(names[name] for name in FINAL)
        assert 1 + self.queued == self.succeeded + final + job.dropped
        assert self.calls.total() == self.succeeded + final + names["retry"]
        assert job.forgotten == 0
        if not foretold.stops:
            assert names["retry"] == foretold.retries
            assert self.emits == foretold.emits
            assert names["error"] == 0

    def _check_states(self, job: JobState) -> None:
        ran = Counter(f"r{i}" for i, _ in self.calls)
        assert set(job.routine_states) == set(ran)
        tracker = self.flow.execution_tracker
        assert tracker is not None
        for i in range(len(self.plan)):
            name = f"r{i}"
            errors = Counter(r.event_name for r in job.get_execution_history(name))
            failed = sum(errors[each] for each in FINAL)
            state = job.routine_states.get(name)
            performance = tracker.get_routine_performance(name)
            if state is None or performance is None:
                assert state is performance is None
                continue
            assert performance["total_executions"] == ran[name]
            given_up = job.notes.outcomes[name, "given_up"] if job.notes else 0
            assert performance["failed"] == failed + given_up
            assert state.get("retry_count", 0) == errors["retry"]
            assert (state["status"] == "completed") is (failed + given_up == 0)
            assert len(state["stats"].get("errors", ())) == failed + errors["retry"]


def made(handler: tuple[str, int, bool] | None) -> ErrorHandler | None:
    if handler is None:
        return None
    strategy, retries, optional = handler
    return ErrorHandler(strategy, retries, retry_delay=0, is_optional=optional)


@pytest.mark.parametrize("traced", [False, True], ids=["untraced", "traced"])
@pytest.mark.parametrize("strategy", ["sequential", "concurrent"])
@given(
    plan=plans(),
    default=st.none() | handlers(),
    ttl=st.integers(0, 3),
    limited=st.booleans(),
)
@settings(max_examples=150)
def test_every_job_calls_retries_drops_and_records_exactly_what_it_has_to(
    strategy: str,
    traced: bool,
    plan: list[Plan],
    default: tuple[str, int, bool] | None,
    ttl: int,
    limited: bool,
) -> None:
    logging.getLogger("routilux").setLevel(logging.CRITICAL)
    try:
        model = Model(plan, default, strategy, limited)
        foretold = model.foretell(ttl)
        if foretold is None:
            return
        if traced:
            model.flow.bus.subscribe()
        job = model.flow.execute("r0", {"path": (), "ttl": ttl})
        assert job.wait(SECONDS), job
        assert model.flow.shutdown(timeout=SECONDS)
        model.check(job, foretold)
    finally:
        logging.getLogger("routilux").setLevel(logging.NOTSET)
