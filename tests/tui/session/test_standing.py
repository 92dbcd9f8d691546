"""What waits, and for what: the numbers of a snapshot agree with each other and with the engine."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from routilux import ErrorHandler, Flow, Kind, Routine, Status
from routilux.testing import ManualClock
from tests.tui.session.test_collector import ALL, Totals
from tests.waiting import SECONDS, arrive, gate, wait_until
from tui.session.collector import Collector
from tui.session.messages import FlowState, Snapshot


class Node(Routine):
    """Runs what it is given; ``emit`` sends so many messages on."""

    def __init__(self, handler: Any = None, **limits: Any) -> None:
        super().__init__()
        self.define_slot("trigger", handler=handler or self.send, **limits)
        self.define_event("out", ["n"])

    def send(self, n: int = 0, **_: Any) -> None:
        for number in range(n):
            self.emit("out", n=number)


class Watch:
    """A flow, its collector, and what its snapshots have told so far."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.collector = Collector()
        self.collector.add(flow)
        self.totals = Totals()
        self.snapshot: Snapshot | None = None

    def look(self) -> FlowState:
        """The state now. What the edges say has not begun is what the flow says waits."""
        self.snapshot = self.collector.snapshot(ALL)
        self.totals.take(self.snapshot)
        (state,) = self.snapshot.states
        return state

    def statuses(self, kind: Kind) -> list[Status]:
        return [Status(record[11]) for record in self.totals.records if record[2] == kind]

    @property
    def depth(self) -> int:
        return sum(self.totals.depth(edge) for edge in self.totals.edges)


@pytest.fixture
def watch() -> Iterator[Any]:
    made: list[Watch] = []

    def make(strategy: str = "concurrent", workers: int = 2, **options: Any) -> Watch:
        flow = Flow("f", execution_strategy=strategy, max_workers=workers, **options)
        made.append(Watch(flow))
        return made[-1]

    yield make
    for each in made:
        each.flow._scheduler.stop_open_jobs()
        each.flow.shutdown(timeout=SECONDS)
        each.collector.detach()


# waiting for a time -------------------------------------------------------------------------------


def test_a_try_that_waits_is_counted_and_a_repeated_one_is_done_but_not_failed(watch: Any) -> None:
    tries = iter([ValueError("one"), ValueError("two"), None])

    def flaky(**_: Any) -> None:
        error = next(tries)
        if error is not None:
            raise error

    clock = ManualClock(1.0)  # past zero, which says: not traced
    w = watch("concurrent", clock=clock)
    w.flow.add_routine(Node(flaky), "flaky")
    w.flow.routines["flaky"].set_error_handler(ErrorHandler("retry", retry_delay=5))
    job = w.flow.execute("flaky")
    for done in (1, 2):
        wait_until(lambda: job.retries_waiting == 1, "the pause before the next try")
        wait_until(lambda: not w.flow._threads.running(), "the worker to be done")
        state = w.look()
        assert (state.retries, state.timers, state.open_jobs, state.waiting) == (1, 0, 1, 0)
        ((edge, later, parked),) = state.held
        assert edge in w.totals.edges
        assert (later, parked) == (1, 0)
        assert [w.totals.of(column) for column in (1, 2, 3, 4, 7)] == [done, done, done, 0, 0]
        clock.advance(60)
    assert job.wait(SECONDS)
    state = w.look()
    assert (state.retries, state.completed, state.held) == (0, 1, ())
    assert [w.totals.of(column) for column in (1, 2, 3, 4, 7)] == [3, 3, 3, 0, 0]
    assert w.statuses(Kind.ACTIVATION) == [Status.RETRIED, Status.RETRIED, Status.OK]
    assert all("errors" not in values for _, _, values in w.snapshot.stats)


def test_only_the_last_of_several_tries_counts_as_failed(watch: Any) -> None:
    def always(**_: Any) -> None:
        raise ValueError("again")

    w = watch("concurrent")
    w.flow.add_routine(Node(always), "flaky")
    handler = ErrorHandler("retry", max_retries=2, retry_delay=0.001)
    w.flow.routines["flaky"].set_error_handler(handler)
    assert w.flow.execute("flaky").wait(SECONDS)
    state = w.look()
    assert (state.failed, state.retries) == (1, 0)
    assert [w.totals.of(column) for column in (1, 2, 3, 4, 7)] == [3, 3, 3, 1, 0]


def test_a_timer_has_an_edge_with_a_name_and_is_counted_apart(watch: Any) -> None:
    class Later(Node):
        def send(self, **_: Any) -> None:
            self.call_later(5, self.ring)

        def ring(self) -> None:
            pass

    clock = ManualClock(1.0)  # past zero, which says: not traced
    w = watch("concurrent", clock=clock)
    w.flow.add_routine(Later(), "later")
    w.look()
    job = w.flow.execute("later")
    wait_until(lambda: job.retries_waiting == 1, "the timer")
    state = w.look()
    assert (state.retries, state.timers) == (0, 1)
    assert w.snapshot.flows is not None, "the wiring has changed"
    edges = {edge.number: edge for edge in w.snapshot.flows[0].edges}
    timer = edges[state.held[0][0]]
    assert (timer.source, timer.event, timer.target) == (-1, "timer", 0)
    clock.advance(5)
    assert job.wait(SECONDS)
    assert w.look().timers == 0
    assert w.totals.of(3, timer.number) == 1


# waiting for something else -----------------------------------------------------------------------


def blocked(watch: Any, *, workers: int = 1, **limits: Any) -> tuple[Watch, threading.Event]:
    """``slow`` stays in its handler until the event is set; ``source`` is connected to it."""
    go = threading.Event()
    w: Watch = watch("concurrent", workers)
    w.flow.add_routine(Node(lambda **_: go.wait(SECONDS), **limits), "slow")
    w.flow.add_routine(Node(), "source")
    w.flow.connect("source", "out", "slow", "trigger")
    return w, go


def test_what_waits_in_a_job_of_its_own_is_counted(watch: Any) -> None:
    w, go = blocked(watch)
    job = w.flow.execute("source", {"n": 300})  # more than its share of the ready queue
    wait_until(lambda: (w.look().waiting, w.depth) == (299, 299), "all but the one that runs")
    go.set()
    assert job.wait(SECONDS)
    assert (w.look().waiting, w.depth) == (0, 0)


def test_a_paused_job_is_counted_with_what_it_holds_back(watch: Any) -> None:
    w, go = blocked(watch)
    job = w.flow.execute("source", {"n": 100})
    wait_until(lambda: w.look().waiting == 99, "the handler to run")
    w.flow.pause(job, timeout=0)
    go.set()
    wait_until(lambda: w.look().waiting == sum(parked for _, _, parked in w.look().held), "all")
    state = w.look()
    assert (state.paused, state.open_jobs) == (1, 1)
    assert state.waiting == w.depth > 0
    w.flow.resume(job)
    assert job.wait(SECONDS)
    state = w.look()
    assert (state.paused, state.waiting, w.depth, state.held) == (0, 0, 0, ())
    assert w.totals.of(3) == 101


def test_what_a_cancel_drops_leaves_the_queues_whoever_drops_it(watch: Any) -> None:
    w, go = blocked(watch)
    job = w.flow.execute("source", {"n": 100})
    wait_until(lambda: w.look().waiting == 99, "the handler to run")
    w.flow.pause(job, timeout=0)
    go.set()
    wait_until(lambda: len(job.backlog) == 99, "all to be held back")
    w.flow.cancel(job)  # drops in this thread, which has queued nothing
    assert job.wait(SECONDS)
    state = w.look()
    assert (state.cancelled, state.failed, state.completed) == (1, 0, 0)
    assert (state.dropped, w.totals.of(7), state.waiting, w.depth) == (99, 99, 0, 0)
    assert w.statuses(Kind.DROPPED) == [Status.CANCELLED] * 99
    assert w.statuses(Kind.JOB_ENDED) == [Status.CANCELLED]


def test_a_full_slot_tells_its_limit_what_waits_and_what_it_dropped(watch: Any) -> None:
    w, go = blocked(watch, max_queue=3, overflow="drop_oldest", max_concurrency=1)
    w.flow.execute("slow")
    wait_until(lambda: w.look().waiting == 0 and w.totals.of(2) == 1, "the handler to run")
    for _ in range(10):
        w.flow.execute("slow")
    state = w.look()
    (box,) = state.boxes
    assert (box.routine, box.slot, box.waiting, box.room) == (0, "trigger", 3, 3)
    assert (box.dropped, state.dropped, w.totals.of(7)) == (7, 7, 7)
    assert state.waiting == w.depth == 3
    go.set()
    assert w.flow.wait_for_completion(SECONDS)
    assert (w.look().waiting, w.depth, w.totals.of(3)) == (0, 0, 4)


def test_what_a_nested_job_has_queued_is_counted_once(watch: Any) -> None:
    w, go = blocked(watch, workers=2)
    entered = threading.Event()

    def nest(**_: Any) -> None:
        job = w.flow.execute("source", {"n": 20})
        entered.set()
        job.wait(SECONDS)

    w.flow.add_routine(Node(nest), "nest")
    job = w.flow.execute("nest")
    arrive(entered)
    wait_until(lambda: w.look().waiting == w.depth and w.totals.of(1) == 22, "all to be queued")
    assert w.depth >= 18
    go.set()
    assert job.wait(SECONDS)
    assert (w.look().waiting, w.depth) == (0, 0)


# coroutines ---------------------------------------------------------------------------------------


def test_coroutines_under_way_are_counted_in_a_lane_of_the_loop(watch: Any) -> None:
    with gate() as go:

        async def handle(**_: Any) -> None:
            while not go.is_set():  # noqa: ASYNC110 - set by another thread
                await asyncio.sleep(0.001)

        w = watch("concurrent")
        w.flow.add_routine(Node(handle), "asker")
        for _ in range(3):
            w.flow.execute("asker")

        def loop() -> Any:
            w.look()
            return next((lane for lane in w.snapshot.lanes if lane.coroutines is not None), None)

        wait_until(lambda: loop() is not None and loop().coroutines == 3, "three under way")
        lane = loop()
        assert lane.name == "routilux-f-loop"
        assert lane.number > 0, "its thread has said that it began"
        assert lane.running is not None
        assert w.totals.of(2) - w.totals.of(3) == 3, "its routine is at work"
        go.set()
        assert w.flow.wait_for_completion(SECONDS)
    lane = loop()
    assert (lane.coroutines, lane.running) == (0, None)
    assert lane.number > 0
    assert [each.name for each in w.snapshot.lanes].count("routilux-f-loop") == 1
    assert w.totals.of(2) == w.totals.of(3) == 3
