"""One generation folded from snapshots: counts add up, whatever the order they arrive in."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tui.building import MS, SECOND, World, flow_info
from tui.model.names import short_thread
from tui.model.rows import RoutineRow, State
from tui.model.run import Run

CHAIN = flow_info([("a", "out", "b", "in"), ("b", "out", "c", "in")])
FAN_OUT = flow_info([("a", "out", "b", "in"), ("a", "out", "c", "in")])


def row(run: Run, name: str) -> RoutineRow:
    return next(each for each in run.routines() if each.name == name)


def watched(world: World) -> Run:
    run = Run(world.generation)
    run.apply(world.snapshot())
    return run


def test_counts_are_summed_over_lanes() -> None:
    world = World(CHAIN)
    run = watched(world)
    world.count(1, 1, queued=10, started=4, done=3, failed=1)
    world.count(2, 1, queued=5, started=6, done=6)
    run.apply(world.wait(SECOND).snapshot())
    b = row(run, "b")
    assert (b.done, b.errors, b.running) == (9, 1, 1)
    assert b.queue == 15 - 10
    assert run.done == 9
    assert run.errors == 1


def test_only_what_changed_needs_to_be_sent() -> None:
    world = World(CHAIN)
    world.count(1, 1, queued=10, started=10, done=10)
    run = watched(world)
    world.counts = {(2, 2): [3, 3, 3, 0, 0, 0, 0, 3]}
    run.apply(world.wait(SECOND).snapshot())
    assert (row(run, "b").done, row(run, "c").done) == (10, 3)


def test_a_queue_is_what_was_queued_and_neither_started_nor_dropped() -> None:
    world = World(CHAIN)
    run = watched(world)
    run.apply(world.count(1, 1, queued=10, started=4, done=4, dropped=5).wait(1).snapshot())
    assert row(run, "b").queue == 1
    assert row(run, "b").dropped == 5
    edge = next(each for each in run.edges() if each.number == 1)
    assert (edge.queue, edge.total) == (1, 10)


counts = st.tuples(st.integers(1, 3), st.integers(1, 2), *(st.integers(0, 50) for _ in range(4)))


@settings(max_examples=60)
@given(st.lists(counts, max_size=20))
def test_no_depth_and_no_number_of_runs_is_ever_negative(
    turns: list[tuple[int, int, int, int, int, int]],
) -> None:
    world = World(CHAIN)  # counts in any order: threads are read one after the other
    run = watched(world)
    for lane, edge, queued, started, done, dropped in turns:
        world.count(lane, edge, queued=queued, started=started, done=done, dropped=dropped)
        run.apply(world.wait(SECOND // 10).snapshot())
        for each in run.routines():
            assert each.queue >= 0
            assert each.running >= 0
            assert each.in_rate >= 0
        assert all(edge.queue >= 0 for edge in run.edges())
    assert run.done == sum(totals[2] for totals in world.counts.values())


def test_one_emission_over_several_edges_counts_once() -> None:
    world = World(FAN_OUT)
    run = watched(world)
    for _ in range(10):
        world.count(1, 1, queued=5).count(1, 2, queued=5)
        run.apply(world.wait(SECOND // 10).snapshot())
    assert row(run, "a").out_rate == pytest.approx(50)
    assert row(run, "b").in_rate == pytest.approx(50)


def test_emissions_that_nothing_receives_count_too() -> None:
    world = World(CHAIN)
    run = watched(world)
    event = dict(CHAIN.routines[0].events)
    number = next(iter(event))
    for look in range(1, 11):
        world.count(1, 1, queued=2)
        world.emitted[1, number] = 3 * look
        run.apply(world.wait(SECOND // 10).snapshot())
    assert row(run, "a").out_rate == pytest.approx(50)


def test_different_events_of_a_routine_add_up() -> None:
    world = World(flow_info([("a", "good", "b", "in"), ("a", "bad", "c", "in")]))
    run = watched(world)
    run.apply(world.count(1, 1, queued=7).count(1, 2, queued=3).wait(SECOND).snapshot())
    assert row(run, "a").out_rate == pytest.approx(10)


def test_a_state_for_each_thing_a_routine_can_do() -> None:
    world = World(CHAIN)
    run = watched(world)
    assert row(run, "b").state is State.UNUSED

    def state(**more: int) -> State:
        run.apply(world.count(1, 1, **more).wait(SECOND).snapshot())
        return row(run, "b").state

    assert state(queued=2) is State.QUEUED
    assert state(started=1) is State.RUNNING
    assert state(done=1) is State.QUEUED
    assert state(started=1, done=1, failed=1) is State.FAILED
    assert state() is State.FAILED
    run.apply(world.wait(20 * SECOND).snapshot())
    assert row(run, "b").state is State.IDLE


def test_a_cell_of_a_lane_shows_who_took_most_of_it() -> None:
    world = World(CHAIN)
    world.handle(1, 1)
    run = watched(world)
    world.handle(1, 1, run=20 * MS).handle(1, 2, run=50 * MS)
    run.apply(world.wait(100 * MS).snapshot())
    (lane,) = run.lanes()
    assert lane.label == "w1"
    key, share = lane.cells[-1]
    assert key == (1, 2)
    assert share == pytest.approx(0.7)


def test_a_handler_that_spans_snapshots_fills_each_of_them() -> None:
    world = World(CHAIN)
    world.count(1, 1, queued=1)
    run = watched(world)
    world.wait(50 * MS).count(1, 1, started=1)
    world.running = {1: (1, world.now, 1)}
    for _ in range(3):
        run.apply(world.wait(50 * MS).snapshot())  # 50, 100, 150 ms of it
    world.running = {}
    world.wait(20 * MS).count(1, 1, done=1, run=170 * MS)
    run.apply(world.wait(30 * MS).snapshot())
    run.apply(world.wait(50 * MS).snapshot())
    (lane,) = run.lanes()
    assert [share for _, share in lane.cells] == pytest.approx([0, 0.5, 1, 1, 0.4, 0])
    assert lane.cells[1][0] == (1, 1)
    assert lane.routine is None


def test_a_running_handler_is_named_with_its_time() -> None:
    world = World(CHAIN)
    world.running = {1: (1, world.now, 1)}
    run = watched(world)
    run.apply(world.wait(3 * SECOND).snapshot())
    (lane,) = run.lanes()
    assert (lane.routine, lane.running_ns) == ((1, 1), 3 * SECOND)


def test_threads_that_only_emit_get_no_lane() -> None:
    world = World(CHAIN)
    world.count(0, 1, queued=3)
    assert watched(world).lanes() == []


def test_lanes_are_in_order_of_their_numbers() -> None:
    world = World(CHAIN)
    for lane in (10, 2, 1, 0):
        world.handle(lane, 1)
    assert [lane.label for lane in watched(world).lanes()] == ["main", "w1", "w2", "w10"]


def test_a_stat_has_its_value_and_the_rate_of_its_growth() -> None:
    world = World(CHAIN)
    run = watched(world)
    for look in range(21):
        world.stats = {(1, 1): {"rows": 50 * look, "mode": "fast", "share": 0.5}}
        run.apply(world.wait(SECOND // 10).snapshot())
    rows = {each.name: each for each in run.stats()}
    assert rows["rows"].rate == pytest.approx(500)
    assert rows["rows"].value == 1000
    assert (rows["mode"].value, rows["mode"].rate) == ("fast", None)
    assert rows["share"].rate == 0.0
    assert all(each.routine == "b" for each in rows.values())


def test_the_rate_of_a_stat_that_is_not_sent_again_goes_down() -> None:
    world = World(CHAIN)
    world.stats = {(1, 1): {"rows": 0}}
    run = watched(world)
    world.stats = {(1, 1): {"rows": 1000}}
    run.apply(world.wait(SECOND // 2).snapshot())
    world.stats = {}
    for _ in range(12):
        run.apply(world.wait(SECOND // 4).snapshot())
    assert run.stats()[0].rate == 0.0
    assert run.stats()[0].value == 1000


def test_a_stat_is_marked_for_a_second_when_it_changes() -> None:
    world = World(CHAIN)
    world.stats = {(1, 1): {"mode": "slow", "other": 1}}
    run = watched(world)
    assert not any(each.changed for each in run.stats())
    world.stats = {(1, 1): {"mode": "fast", "other": 1}}
    run.apply(world.wait(SECOND // 10).snapshot())
    assert {each.name: each.changed for each in run.stats()} == {"mode": True, "other": False}
    run.apply(world.wait(SECOND).snapshot())
    assert not any(each.changed for each in run.stats())


def test_a_stat_that_is_gone_is_gone() -> None:
    world = World(CHAIN)
    world.stats = {(1, 1): {"a": 1, "b": 2}, (1, 2): {"a": 3}}
    run = watched(world)
    world.stats = {(1, 1): {"b": 2}}
    run.apply(world.wait(1).snapshot())
    assert [(each.routine, each.name) for each in run.stats()] == [("b", "b"), ("c", "a")]


def test_several_flows_prefix_their_routines() -> None:
    other = flow_info([("x", "out", "b", "in")], number=2, id="other", first=10)
    world = World(CHAIN)
    run = watched(world)
    assert row(run, "b").cls == "B"
    world.flows = (CHAIN, other)
    run.apply(world.wait(1).snapshot())
    names = [each.name for each in run.routines()]
    assert names == ["flow/a", "flow/b", "flow/c", "other/x", "other/b"]
    assert run.edge_name(10) == "other/x.out>other/b.in"


def test_lanes_of_several_flows_carry_the_flow() -> None:
    other = flow_info([("x", "out", "b", "in")], number=2, id="other", first=10)
    world = World(CHAIN, other)
    world.handle(1, 1).handle(2, 10)
    assert [lane.label for lane in watched(world).lanes()] == ["flow/w1", "other/w2"]


def test_rewiring_keeps_counts() -> None:
    world = World(CHAIN)
    world.handle(1, 1, times=5)
    run = watched(world)
    wiring = run.wiring
    more = flow_info([("a", "out", "b", "in"), ("b", "out", "c", "in"), ("c", "out", "d", "in")])
    world.flows = (more,)
    world.handle(1, 3)
    run.apply(world.wait(SECOND).snapshot())
    assert run.wiring == wiring + 1
    assert (row(run, "b").done, row(run, "d").done) == (5, 1)
    assert [edge.number for edge in run.edges()] == [1, 2, 3]


def test_an_edge_whose_name_is_not_known_yet_has_one_all_the_same() -> None:
    run = watched(World(CHAIN))
    assert run.edge_name(99) == "edge 99"
    assert run.edge_short(99) == "edge 99"
    assert run.edge_target(99) is None
    assert run.event_name(99) == "?.?"
    assert run.lane_label(99) == "t99"
    assert run.routine_name((9, 9)) == "?"


def test_edges_are_named_by_who_sends_what_to_whom() -> None:
    run = watched(World(flow_info([("a", "out", "b", "in")], entries=("a",))))
    assert run.edge_name(1) == "a.out>b.in"
    assert run.edge_short(1) == "a>b"
    assert run.edge_name(2) == "execute>a.trigger"
    assert run.edge_short(2) == "execute>a"
    assert [edge.source for edge in run.edges()] == [(1, 0), None]


def test_percentiles_are_those_of_all_edges_into_a_routine() -> None:
    world = World(flow_info([("a", "out", "c", "in"), ("b", "out", "c", "in")]))
    world.handle(1, 1, run=MS, times=50).handle(1, 2, run=9 * MS, times=50)
    run = watched(world)
    c = row(run, "c")
    assert c.run50 == pytest.approx(MS, rel=0.016)
    assert c.run99 == pytest.approx(9 * MS, rel=0.016)


def test_published_records_are_counted_from_snapshot_to_snapshot() -> None:
    world = World(CHAIN)
    run = Run(1)
    assert run.apply(world.lose(5).snapshot()) == 5
    assert run.apply(world.record().snapshot()) == 1
    assert run.apply(world.snapshot()) == 0
    assert (run.published, run.received) == (6, 1)


def test_a_flow_that_is_no_longer_watched_takes_no_events_back() -> None:
    world = World(CHAIN)
    run = Run(1)
    run.apply(world.lose(100).snapshot())
    world.published = 40
    assert run.apply(world.snapshot()) == 0


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("MainThread", "main"),
        ("routilux-my-flow-12", "w12"),
        ("routilux-my-flow-loop", "loop"),
        ("routilux-my-flow-late", "late"),
        ("routilux-drain-writer.reading", "drn writer.reading"),
        ("routilux-drain-3", "w3"),  # of a flow that is called drain
        ("run", "run"),
    ],
)
def test_threads_have_short_names(name: str, short: str) -> None:
    assert short_thread(name) == short


def test_time_runs_from_when_the_code_began_not_from_the_first_look() -> None:
    world = World(CHAIN)
    began = world.now - 3 * SECOND
    run = Run(1)
    run.apply(msgspec.structs.replace(world.snapshot(), began_ns=began))
    assert (run.origin, run.elapsed_ns) == (began, 3 * SECOND)
    run.apply(msgspec.structs.replace(world.wait(SECOND).snapshot(), began_ns=began))
    assert (run.origin, run.elapsed_ns) == (began, 4 * SECOND)


def test_a_thread_that_takes_over_the_place_of_one_that_ended_is_no_worker_until_it_runs() -> None:
    world = World(CHAIN)
    run = watched(world)
    world.count(1, 1, queued=1, started=1, done=1)
    run.apply(world.wait(SECOND).snapshot())
    assert [lane.label for lane in run.lanes()] == ["w1"]

    snapshot = world.wait(SECOND).snapshot()
    (state,) = snapshot.lanes
    renamed = msgspec.structs.replace(state, name="run")
    run.apply(msgspec.structs.replace(snapshot, lanes=(renamed,)))
    assert run.lanes() == []
    assert run.done == 1, "what was counted stays counted"
