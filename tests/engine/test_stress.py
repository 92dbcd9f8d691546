"""Random work under a short switch interval: nothing lost, nothing twice, nobody hangs."""

import sys
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from routilux import Flow, JobState, Kind, Level, Routine, Subscription
from tests.engine.building import idle, node, workers
from tests.engine.random_flows import RandomFlow
from tests.waiting import SECONDS, Call, in_threads

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture(autouse=True)
def quick_switching(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(100, "routilux")  # failures are wanted here, thousands of them
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(interval)


def counters(flow: Flow) -> Counter[str]:
    found: Counter[str] = Counter()
    for lane in flow.bus.lanes():
        for shard in lane.counts().values():
            found.update(queued=shard.queued, started=shard.started, done=shard.done)
            found.update(failed=shard.failed, timed=shard.timed)
        found.update(binned=sum(sum(runs.values()) for runs, _ in lane.histograms().values()))
        found.update(dropped=sum(lane.dropped.values()))
    return found


def storm(seed: int, strategy: str, max_workers: int, level: Level, calls: int) -> int:
    """Several threads execute, one emits from outside, one watches; handler calls in all."""
    work = RandomFlow(seed, strategy, max_workers)
    flow, threads, emits = work.flow, 3, 20
    subscription = flow.bus.subscribe(level) if level else None
    each = max(1, sum(work.expected.values()))
    jobs = -(-calls // (threads * each))
    records: list[Any] = []

    def act(number: int) -> int:
        if number < threads:
            return work.drive(number, jobs)
        for _ in range(emits):
            work.emit(-1)
            if subscription is not None:
                records.extend(subscription.read())
        return 0

    total = sum(in_threads(threads + 1, act))
    idle(flow)
    work.check_emitted(-1, emits)
    work.check_sink()
    assert not work.early
    assert flow._scheduler.completed + flow._scheduler.failed == threads * jobs
    if subscription is not None:
        records += subscription.read()
        check_trace(work, subscription, records)
        subscription.close()
    assert flow.shutdown(timeout=SECONDS)
    assert not workers()
    return total + len(work.ran[-1])


def check_trace(work: RandomFlow, subscription: Subscription, records: list[Any]) -> None:
    """Counters are exact, and records are read or lost, never made up."""
    ran = sum(map(len, work.ran.values()))
    counts = counters(work.flow)
    assert counts["started"] == counts["done"] == ran
    assert counts["timed"] == counts["binned"] == (ran if subscription.level is Level.TRACE else 0)
    assert counts["queued"] == ran + counts["dropped"]
    assert subscription.published == len(records) + subscription.lost
    sequences = [record.sequence for record in records]
    assert sequences == sorted(set(sequences))
    if subscription.level is Level.COUNTERS:
        assert not records
    if not subscription.lost and subscription.level is Level.TRACE:
        kinds = Counter(record.kind for record in records)
        assert kinds[Kind.ACTIVATION] == ran
        assert kinds[Kind.DROPPED] == counts["dropped"]
        assert kinds[Kind.JOB_STARTED] == kinds[Kind.JOB_ENDED]
        paths = {record.activation for record in records if record.kind == Kind.ACTIVATION}
        assert len(paths) == ran


# 14 x 15,000 activations.
@pytest.mark.timeout(60)
@pytest.mark.parametrize("level", [Level.OFF, Level.TRACE], ids=["untraced", "traced"])
@pytest.mark.parametrize("max_workers", [0, 1, 2, 3, 5, 8, 16])
def test_a_storm_of_jobs_is_done_exactly(max_workers: int, level: Level) -> None:
    strategy = "concurrent" if max_workers else "sequential"
    calls = 0
    for seed in range(5):
        calls += storm(100 * max_workers + seed, strategy, max_workers or 1, level, 3000)
    assert calls >= 14_000


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("level", [Level.OFF, Level.COUNTERS, Level.TRACE])
@pytest.mark.parametrize("max_workers", [0, 1, 3, 16])
def test_a_million_activations_are_done_exactly(max_workers: int, level: Level) -> None:
    strategy = "concurrent" if max_workers else "sequential"
    for seed in range(30):
        storm(1000 + 100 * max_workers + seed, strategy, max_workers or 1, level, 3000)


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32),
    strategy=st.sampled_from(["sequential", "concurrent"]),
    max_workers=st.integers(1, 16),
    level=st.sampled_from(list(Level)),
)
def test_any_random_flow_is_done_exactly(
    seed: int, strategy: str, max_workers: int, level: Level
) -> None:
    storm(seed, strategy, max_workers, level, 300)


def test_watchers_and_strategies_that_change_all_the_time_lose_nothing() -> None:
    work = RandomFlow(7, "concurrent", 4)
    flow = work.flow
    stop = threading.Event()

    def watch() -> None:
        while not stop.is_set():
            subscription = flow.bus.subscribe(Level.TRACE)
            subscription.read(100)
            subscription.close()

    def switch() -> None:
        i = 0
        while not stop.is_set():
            i += 1
            flow.set_execution_strategy(("concurrent", "sequential")[i % 3 == 0], i % 5 + 1)
            flow.shutdown(wait=False)

    disturbing = [Call(watch), Call(switch)]
    in_threads(3, lambda number: work.drive(number, 25))
    stop.set()
    for call in disturbing:
        call.result()
    idle(flow)
    work.check_sink()
    assert not work.early
    counts = counters(flow)
    assert counts["queued"] == counts["started"] + counts["dropped"]
    assert counts["started"] == counts["done"]
    flow.shutdown()


class Operations(RuleBasedStateMachine):
    """What an owner of a flow may do in any order, against a model of plain numbers."""

    flow: Flow

    @initialize(
        strategy=st.sampled_from(["sequential", "concurrent"]), max_workers=st.integers(1, 4)
    )
    def build(self, strategy: str, max_workers: int) -> None:
        self.flow = Flow("machine", strategy, max_workers)
        self.strategy = strategy
        self.flow.add_routine(node(self.handle), "a")
        self.flow.connect("a", "out", "a", "trigger")
        self.jobs: list[tuple[JobState, str]] = []
        self.closed: list[threading.Event] = []
        self.gates: list[threading.Event] = []
        self.calls = 0
        # Each with the handler calls before it, or None if they were not known then.
        self.watching: list[tuple[Subscription, int | None]] = []

    def handle(self, routine: Routine, n: int, gate: int = -1, bad: bool = False) -> None:
        routine.increment_stat("calls")
        if gate >= 0:
            assert self.gates[gate].wait(SECONDS)
        if n:
            routine.emit("out", n=n - 1, bad=bad)
        elif bad:
            raise ValueError("wanted")

    @rule(n=st.integers(0, 20), bad=st.booleans())
    def execute(self, n: int, bad: bool) -> None:
        job = self.flow.execute("a", {"n": n, "bad": bad})
        self.jobs.append((job, "failed" if bad else "completed"))
        self.calls += n + 1
        if self.strategy == "sequential" and not self.closed:
            assert job.status == self.jobs[-1][1]

    @precondition(lambda self: self.strategy == "concurrent")
    @rule(n=st.integers(0, 3))
    def execute_gated(self, n: int) -> None:
        gate = threading.Event()
        self.gates.append(gate)
        self.closed.append(gate)
        job = self.flow.execute("a", {"n": n, "gate": len(self.gates) - 1})
        self.jobs.append((job, "completed"))
        self.calls += n + 1

    @precondition(lambda self: self.closed)
    @rule(data=st.data())
    def open_gate(self, data: st.DataObject) -> None:
        gate = data.draw(st.sampled_from(self.closed))
        self.closed.remove(gate)
        gate.set()

    @rule(n=st.integers(0, 5))
    def emit_from_outside(self, n: int) -> None:
        self.flow.routines["a"].emit("out", n=n)
        self.calls += n + 1

    @rule()
    def wait(self) -> None:
        if self.closed:
            assert not self.flow.wait_for_completion(0)
            return
        assert self.flow.wait_for_completion(SECONDS)
        self.settled()

    def settled(self) -> None:
        assert self.flow.routines["a"].get_stat("calls", 0) == self.calls
        assert [str(job.status) for job, _ in self.jobs] == [status for _, status in self.jobs]
        counts = counters(self.flow)
        assert counts["queued"] == counts["started"] == counts["done"]
        for subscription, before in self.watching:
            records = subscription.read()
            assert subscription.published == subscription.received
            if before is not None and subscription.level is Level.TRACE:
                seen = sum(record.kind == Kind.ACTIVATION for record in records)
                assert seen == self.calls - before
        self.watching = [(subscription, self.calls) for subscription, _ in self.watching]

    @rule()
    def shut_down(self) -> None:
        if self.closed:
            assert self.flow.shutdown(wait=False)
            return
        assert self.flow.shutdown(timeout=SECONDS)
        self.settled()

    @rule(level=st.sampled_from([Level.COUNTERS, Level.TRACE]))
    def subscribe(self, level: Level) -> None:
        known = not self.flow._scheduler.jobs
        subscription = self.flow.bus.subscribe(level)
        self.watching.append((subscription, self.calls if known else None))

    @precondition(lambda self: self.watching)
    @rule(data=st.data())
    def close(self, data: st.DataObject) -> None:
        i = data.draw(st.integers(0, len(self.watching) - 1))
        self.watching.pop(i)[0].close()

    @rule(strategy=st.sampled_from(["sequential", "concurrent"]), max_workers=st.integers(1, 4))
    def change_strategy(self, strategy: str, max_workers: int) -> None:
        self.flow.set_execution_strategy(strategy, max_workers)
        self.strategy = strategy

    @invariant()
    def open_jobs_are_not_over(self) -> None:
        if hasattr(self, "flow") and self.closed:
            assert self.flow._scheduler.jobs

    def teardown(self) -> None:
        if hasattr(self, "flow"):
            for gate in self.gates:
                gate.set()
            self.closed = []
            self.shut_down()


@pytest.mark.timeout(120)
def test_operations_in_any_order_agree_with_the_model() -> None:
    run_state_machine_as_test(
        Operations, settings=settings(max_examples=80, stateful_step_count=25)
    )
