"""Snapshots: exact counts, only what has changed, and sound numbers while everything moves."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

from routilux import Flow, Kind, Routine, hub
from tests.engine.building import workers
from tests.waiting import Call, arrive, gate, wait_until
from tui.session.collector import MAX_FLOWS, Collector
from tui.session.messages import Counts, Pull, Snapshot

ALL = Pull(records=100_000, histograms=True)


class Node(Routine):
    """Sends on what it gets, to as many as are connected; fails when told to."""

    def __init__(self, fails: bool = False) -> None:
        super().__init__()
        self.fails = fails
        self.define_slot("trigger", handler=self.handle)
        self.define_event("out", ["n"])

    def handle(self, n: int = 0, **_: Any) -> None:
        if self.fails:
            raise ValueError("as told")
        self.increment_stat("handled")
        if n:
            self.emit("out", n=n - 1)


class Totals:
    """What a reader of snapshots knows: totals by lane and edge, folded."""

    def __init__(self) -> None:
        self.by_lane: dict[tuple[int, int], Counts] = {}
        self.records: list[Any] = []

    def take(self, snapshot: Snapshot) -> None:
        for lane in snapshot.lanes:
            for counts in lane.counts:
                self.by_lane[lane.number, counts[0]] = counts
        self.records += snapshot.records

    def of(self, column: int, edge: int | None = None) -> int:
        return sum(c[column] for (_, e), c in self.by_lane.items() if edge in (None, e))

    def depth(self, edge: int) -> int:
        return self.of(1, edge) - self.of(2, edge) - self.of(7, edge)

    @property
    def edges(self) -> set[int]:
        return {edge for _, edge in self.by_lane}


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    monkeypatch.setattr(hub, "_flows", weakref.WeakSet())  # those of earlier tests are not ours
    found = Collector(generation=7)
    found.attach()
    yield found
    found.detach()
    gc.collect()
    wait_until(lambda: not workers(), "the end of the workers")


def ring(strategy: str = "concurrent", nodes: int = 3) -> Flow:
    """Nodes in a ring: a job with ``n`` runs n + 1 handlers."""
    flow = Flow("ring", execution_strategy=strategy, max_workers=4)
    for number in range(nodes):
        flow.add_routine(Node(), f"n{number}")
    for number in range(nodes):
        flow.connect(f"n{number}", "out", f"n{(number + 1) % nodes}", "trigger")
    return flow


@pytest.mark.parametrize("strategy", ["sequential", "concurrent"])
def test_counts_are_those_of_the_engine(collector: Collector, strategy: str) -> None:
    flow = ring(strategy)
    for _ in range(10):
        flow.execute("n0", {"n": 29})
    assert flow.wait_for_completion(10)
    totals = Totals()
    snapshot = collector.snapshot(ALL)
    totals.take(snapshot)
    assert (totals.of(1), totals.of(2), totals.of(3), totals.of(4)) == (300, 300, 300, 0)
    assert sum(r[2] == Kind.ACTIVATION for r in totals.records) == 300
    assert sum(r[2] == Kind.JOB_ENDED for r in totals.records) == 10
    assert {r[3] for r in totals.records} == {7}
    (state,) = snapshot.states
    assert (state.waiting, state.open_jobs, state.completed, state.failed) == (0, 0, 10, 0)
    handled = sum(values["handled"] for _, _, values in snapshot.stats)  # type: ignore[misc]
    assert handled == 300
    assert snapshot.published == snapshot.received == len(snapshot.records)
    assert sum(sum(h.run.values()) for h in snapshot.histograms) == 300


def test_failures_and_drops_are_counted(collector: Collector) -> None:
    flow = Flow("f", execution_strategy="sequential")
    flow.add_routine(Node(), "a")
    flow.add_routine(Node(fails=True), "bad")
    flow.add_routine(Node(), "after")
    flow.connect("a", "out", "bad", "trigger")
    flow.connect("a", "out", "after", "trigger")
    flow.execute("a", {"n": 1})
    totals = Totals()
    snapshot = collector.snapshot(ALL)
    totals.take(snapshot)
    assert (totals.of(1), totals.of(3), totals.of(4), totals.of(7)) == (3, 2, 1, 1)
    assert snapshot.states[0].failed == 1
    assert any("as told" in text for _, _, text in snapshot.notes)


def test_a_second_look_holds_only_what_has_changed(collector: Collector) -> None:
    flow = ring("sequential")
    flow.execute("n0", {"n": 2})
    first = collector.snapshot(ALL)
    assert first.flows is not None
    again = collector.snapshot(ALL)
    assert (again.flows, again.records, again.notes) == (None, (), ())
    assert (again.stats, again.histograms) == ((), ())
    assert all(lane.counts == () for lane in again.lanes)
    flow.execute("n0")
    third = collector.snapshot(ALL)
    assert len([c for lane in third.lanes for c in lane.counts]) == 1
    assert [values for _, _, values in third.stats] == [{"handled": 2}]
    assert len(third.histograms) == 1


def test_a_change_of_the_wiring_is_noticed(collector: Collector) -> None:
    flow = ring(nodes=2)
    assert collector.snapshot(ALL).flows is not None
    assert collector.snapshot(ALL).flows is None
    late = Node()
    changes = [
        lambda: flow.add_routine(late, "late"),
        lambda: flow.connect("n0", "out", "late", "trigger"),
        lambda: late.define_event("more"),
        lambda: late.define_slot("in", handler=late.handle),
        lambda: flow.execute("late"),
        lambda: flow.set_execution_strategy("sequential"),
        lambda: Flow("another"),
    ]
    kept = []
    for change in changes:
        kept.append(change())
        flow.wait_for_completion(5)
        assert collector.snapshot(ALL).flows is not None, change
        assert collector.snapshot(ALL).flows is None, change


def test_the_number_of_workers_is_part_of_the_wiring(collector: Collector) -> None:
    flow = Flow("w", execution_strategy="concurrent", max_workers=2)
    collector.snapshot(ALL)
    flow.set_execution_strategy("concurrent", 4)
    found = collector.snapshot(ALL).flows
    assert found is not None
    assert found[0].workers == 4


def test_a_reader_never_sees_a_negative_queue(collector: Collector) -> None:
    flow = ring()
    totals, looks = Totals(), 0

    def load() -> None:
        for _ in range(60):
            flow.execute("n0", {"n": 199})
            flow.execute("n1", {"n": 199})
        flow.wait_for_completion(20)

    call = Call(load)
    while call.is_alive():
        totals.take(collector.snapshot(Pull(records=100)))
        looks += 1
        for edge in totals.edges:
            assert totals.depth(edge) >= 0
            assert totals.of(2, edge) >= totals.of(3, edge) >= 0
    call.result()
    totals.take(collector.snapshot(Pull(records=100)))
    assert looks > 3
    assert totals.of(1) == totals.of(2) == totals.of(3) == 120 * 200
    assert all(totals.depth(edge) == 0 for edge in totals.edges)


def test_what_is_not_read_in_time_is_lost_and_counted(collector: Collector) -> None:
    flow = ring("sequential")
    flow.execute("n0", {"n": 499})
    snapshot = collector.snapshot(Pull(records=100))
    assert len(snapshot.records) == snapshot.received == 100
    assert snapshot.published == 2 + 500 * 2, "each handler changes a statistic"
    sequences = [r[0] for r in snapshot.records]
    assert sequences == list(range(sequences[0], sequences[0] + 100))


def test_a_handler_that_runs_is_seen_running(collector: Collector) -> None:
    with gate() as go:
        flow = Flow("g", execution_strategy="concurrent")
        inside = Node()
        entered = gate()
        with entered as is_in:
            inside.define_slot("wait", handler=lambda: (is_in.set(), go.wait(10)))
            flow.add_routine(inside, "inside")
            flow.execute("inside", entry_slot="wait")
            arrive(is_in)
            snapshot = collector.snapshot(ALL)
            running = [lane for lane in snapshot.lanes if lane.running]
            assert [lane.name for lane in running] == ["routilux-g-1"]
            assert snapshot.states[0].open_jobs == 1
            go.set()
            assert flow.wait_for_completion(10)
    assert not any(lane.running for lane in collector.snapshot(ALL).lanes)


# many flows -----------------------------------------------------------------------------------


def test_idle_flows_make_way_for_new_ones_and_are_counted(collector: Collector) -> None:
    for number in range(MAX_FLOWS + 10):
        flow = Flow(f"f{number}")
        flow.add_routine(Node(), "a")
        flow.execute("a")
    snapshot = collector.snapshot(ALL)
    assert snapshot.flows is not None
    assert [flow.id for flow in snapshot.flows] == [f"f{n}" for n in range(10, MAX_FLOWS + 10)]
    assert len(snapshot.states) == MAX_FLOWS
    assert snapshot.unwatched_flows == 10


def test_flows_that_are_busy_stay_and_the_new_one_goes_unwatched(collector: Collector) -> None:
    with gate() as go:
        flows = []
        for number in range(MAX_FLOWS):
            flow = Flow(f"f{number}", execution_strategy="concurrent", max_workers=1)
            node = Node()
            node.define_slot("wait", handler=lambda: go.wait(20))
            flow.add_routine(node, "a")
            flow.execute("a", entry_slot="wait")
            flows.append(flow)
        one_more = Flow("one more")
        one_more.add_routine(Node(), "a")
        one_more.execute("a")
        snapshot = collector.snapshot(ALL)
        assert snapshot.unwatched_flows == 1
        assert snapshot.flows is not None
        assert [flow.id for flow in snapshot.flows] == [f"f{n}" for n in range(MAX_FLOWS)]
        go.set()
        for flow in flows:
            assert flow.shutdown(timeout=10)


def test_published_never_shrinks_when_a_flow_makes_way(collector: Collector) -> None:
    before = 0
    for number in range(MAX_FLOWS * 2):
        flow = Flow(f"f{number}")
        flow.add_routine(Node(), "a")
        flow.execute("a")
        snapshot = collector.snapshot(ALL)
        assert snapshot.published >= before
        assert snapshot.received <= snapshot.published
        before = snapshot.published
    assert before == MAX_FLOWS * 2 * 4, "start, statistic, activation, end"


def test_a_detached_collector_lets_the_flows_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "_flows", weakref.WeakSet())
    collector = Collector()
    collector.attach()
    number = Flow("gone").number
    assert [flow.number for flow in collector.flows()] == [number]
    collector.detach()
    gc.collect()
    assert number not in [flow.number for flow in hub.flows()]
    assert collector.snapshot(ALL).states == ()


# odd flows ------------------------------------------------------------------------------------


class Odd:
    """A value that cannot even be shown."""

    def __repr__(self) -> str:
        raise RuntimeError("no")

    __str__ = __repr__


@pytest.mark.parametrize(
    "value",
    [2**70, -(2**63) - 1, True, None, float("nan"), "x" * 5000, b"\xff", Odd(), [1] * 10_000],
    ids=lambda v: type(v).__name__,
)
def test_any_statistic_can_be_sent(collector: Collector, value: object) -> None:
    from tui.session.messages import Frames, decode_reply, frame

    flow = Flow("odd")
    node = Node()
    node.set_stat("value", value)
    flow.add_routine(node, "a")
    (body,) = Frames().feed(frame(collector.snapshot(ALL)))
    back = decode_reply(body)
    assert isinstance(back, Snapshot)
    ((_, _, values),) = back.stats
    assert len(str(values["value"])) < 500


IDS = [
    "",
    "[/]",
    "[bold]\x1b[31m\n",
    "\udcff of a file name",
    "\u202e",
    7,
    None,
    ("a", 1),
    "x" * 9999,
]


@pytest.mark.parametrize("name", IDS, ids=ascii)
def test_ids_of_any_kind_can_be_sent(collector: Collector, name: Any) -> None:
    from tui.session.messages import Frames, decode_reply, frame

    flow = Flow(name)
    flow.add_routine(Node(), name)
    flow.execute(flow.entry_routines()[0])
    (body,) = Frames().feed(frame(collector.snapshot(ALL)))
    back = decode_reply(body)
    assert isinstance(back, Snapshot)
    assert back.flows is not None
    if name is not None:
        shown = str(name).encode("utf-8", "backslashreplace").decode()
        assert (back.flows[0].id, back.flows[0].routines[0].id) == (shown, shown)


def test_records_of_several_flows_are_numbered_through() -> None:
    flows = [Flow(name) for name in ("a", "b", "c")]
    collector = Collector()
    for flow in flows:
        flow.add_routine(Node(), "node")
        collector.add(flow)
    try:
        for flow in flows:
            flow.execute("node")
        snapshot = collector.snapshot(ALL)
        numbers = [record[0] for record in snapshot.records]
        assert len(numbers) > len(flows)
        assert numbers == list(range(1, snapshot.published + 1))
        flows[0].execute("node")
        later = collector.snapshot(Pull(records=1))
        (last,) = later.records
        assert last[0] == later.published, "the gap before it is what was missed"
        assert later.published - later.received == last[0] - numbers[-1] - 1
    finally:
        collector.detach()
