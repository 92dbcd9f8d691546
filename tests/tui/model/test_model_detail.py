"""One routine from close by, as its screen shows it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routilux.histogram import bin_of, percentile
from routilux.records import Kind, Status
from tests.tui.building import MS, SECOND, World, flow_info, watching
from tui.model.detail import (
    SHARES,
    activations,
    bin_rows,
    detail,
    find,
    own_stats,
    running,
)
from tui.model.history import Window
from tui.model.monitor import Monitor
from tui.session.messages import BoxState

WIRES = [
    ("a", "out", "b", "in"),  # 1
    ("c", "out", "b", "in"),  # 2
    ("b", "done", "c", "in"),  # 3
    ("b", "done", "b", "again"),  # 4
]
FLOW = flow_info(WIRES, entries=("a",), timers=("b",))  # 5 enters a, 6 calls b later
B = (1, 1)


def shown(world: World) -> Monitor:
    monitor = watching()
    monitor.apply(world.snapshot())
    return monitor


def test_slots_have_their_queues_and_limits_events_their_targets() -> None:
    world = World(FLOW).count(1, 1, queued=9, started=4, dropped=2).count(1, 2, queued=1)
    world.count(1, 3, queued=5).count(1, 4, queued=5)
    world.emitted[1, 3] = 0
    world.standing = {"boxes": (BoxState(1, "in", 4, 8, 1, 2, 0),)}
    found = detail(shown(world).run, B)
    assert found is not None
    into, again = found.slots
    assert (into.name, into.queue, into.room, into.blocked, into.dropped) == ("in", 4, 8, 1, 2)
    assert (again.name, again.queue, again.room) == ("again", 5, 0)
    (done,) = found.events
    assert (done.name, done.total, done.targets) == ("done", 5, ("c.in", "b.again"))
    assert (found.info.cls, found.info.file, found.info.line) == ("B", "flow.py", 11)


def test_an_event_that_nothing_receives_is_counted_too() -> None:
    flow = flow_info([("a", "out", "b", "in")])
    world = World(flow)
    world.emitted = {(1, 1): 7, (2, 1): 5}
    found = detail(shown(world).run, (1, 0))
    assert found is not None
    assert found.events[0].total == 12


def test_shares_of_callers_and_called_add_up() -> None:
    world = World(FLOW).count(1, 1, queued=30).count(1, 2, queued=10).count(1, 4, queued=50)
    world.count(1, 3, queued=50).count(1, 6, queued=10)
    found = detail(shown(world).run, B)
    assert found is not None
    assert [(n.name, n.key, n.share) for n in found.callers] == [
        ("b", B, 0.5),
        ("a", (1, 0), 0.3),
        ("c", (1, 2), 0.1),
        ("timer", None, 0.1),
    ]
    assert [(n.name, n.share) for n in found.callees] == [("c", 0.5), ("b", 0.5)]


def test_without_traffic_no_share_is_claimed() -> None:
    found = detail(shown(World(FLOW)).run, B)
    assert found is not None
    assert {n.share for n in (*found.callers, *found.callees)} == {0.0}


def test_the_three_windows_differ() -> None:
    world, monitor = World(FLOW), watching()
    monitor.apply(world.snapshot())
    for second in range(100):
        world.wait(SECOND).handle(
            1, 1, run=(1 if second >= 88 else 10 if second >= 33 else 100) * MS
        )
        monitor.apply(world.snapshot())
    found = detail(monitor.run, B)
    assert found is not None
    runs = {row.window: row for row in found.latency if row.what == "run"}
    longest = {window: row.times[-1] for window, row in runs.items()}
    for window, exact in (("10 s", 1), ("60 s", 10), ("all", 100)):
        time = longest[window]
        assert time is not None
        assert time == pytest.approx(exact * MS, rel=0.016)
    assert 9 <= runs["10 s"].samples <= 12
    assert 60 <= runs["60 s"].samples <= 67
    assert runs["all"].samples == 100


@given(st.lists(st.integers(1, 3600 * SECOND), min_size=1, max_size=300))
def test_percentiles_are_within_their_bound(times: list[int]) -> None:
    bins: dict[int, int] = {}
    for time in times:
        bins[bin_of(time)] = bins.get(bin_of(time), 0) + 1
    ordered = sorted(times)
    for share, _ in SHARES:
        found = percentile(bins, share)
        exact = ordered[max(1, -(-int(share * len(times) * 1_000_000) // 1_000_000)) - 1]
        assert found is not None
        assert abs(found - exact) <= 0.016 * exact + 0.5


@given(st.lists(st.tuples(st.integers(1, 5 * SECOND), st.integers(1, 50)), max_size=60))
def test_a_window_counts_all_of_its_span_and_little_more(steps: list[tuple[int, int]]) -> None:
    window, now, total = Window(60, 6), 0, 0
    came: list[tuple[int, int]] = []
    for wait, count in steps:
        now += wait
        total += count
        came.append((now, count))
        window.add(now, {1: total})
    least = sum(count for time, count in came if time > now - 60 * SECOND)
    most = sum(count for time, count in came if time > now - 71 * SECOND)
    assert least <= sum(window.recent.values()) <= most
    assert window.total.get(1, 0) == total


def test_the_readings_of_an_idle_routine_are_one_object() -> None:
    window = Window()
    for second in range(1, 30):
        window.add(second * SECOND, {1: 1, 2: 2})
    assert len({id(bins) for _, bins in window._readings if bins}) == 1


def test_a_statistic_names_its_last_writer() -> None:
    world, monitor = World(FLOW), watching()
    world.stat_names = ((7, 1, "b", "n"), (8, 1, "b", "by_main"))
    world.stats = {B: {"n": 1, "quiet": 5, "by_main": 1}}
    monitor.apply(world.snapshot())
    world.handle(2, 1)
    world.record(Kind.STAT, subject=7, worker=2, cause=world.last, value=2)
    world.record(Kind.STAT, subject=8, worker=2, cause=0, value=2)
    world.stats = {B: {"n": 2, "quiet": 5, "by_main": 2}}
    monitor.apply(world.wait(SECOND).snapshot())
    monitor.apply(world.wait(2 * SECOND).snapshot())
    rows = {row.name: row for row in own_stats(monitor.run, B)}
    assert rows["n"].writer == "w2 #1"
    assert rows["n"].since_ns == 2 * SECOND
    assert rows["by_main"].writer == "w2, outside of handlers"
    assert (rows["quiet"].writer, rows["quiet"].since_ns) == ("", None)
    assert rows["n"].values == [1, 2, 2]
    assert own_stats(monitor.run, (1, 0)) == []


def test_what_runs_comes_before_what_has_ended() -> None:
    world = World(FLOW)
    world.handle(1, 1, wait=2 * MS, run=3 * MS, payload="{n: 1}").wait(MS)
    world.handle(1, 2, failed=True, payload="ValueError: no").wait(MS)
    world.handle(2, 3)  # another routine's
    world.running = {1: (1, world.now - 5 * MS, 77), 2: (2, world.now - 9 * MS, 78)}
    rows = activations(shown(world), B)
    assert [(r.activation, r.state, r.worker, r.took, r.cause) for r in rows] == [
        (78, "running", "w2", 9 * MS, "c.out"),
        (77, "running", "w1", 5 * MS, "a.out"),
        (2, "failed", "w1", MS, "c.out"),
        (1, "ok", "w1", 3 * MS, "a.out"),
    ]
    assert [r.text for r in rows] == ["", "", "ValueError: no", "{n: 1}"]
    assert rows[3].wait == 2 * MS
    assert [r.activation for r in running(shown(world).run, (1, 2))] == []


def test_of_what_is_not_traced_failures_and_what_runs_are_told_without_times() -> None:
    world = World(FLOW).wait(MS)
    world.record(subject=1, worker=1, status=Status.FAILED, payload="ValueError: no")
    world.running = {2: (2, world.now - 3 * MS, 0)}
    now, failed = activations(shown(world), B)
    assert (now.activation, now.lane, now.edge, now.state) == (0, 2, 2, "running")
    assert (failed.wait, failed.took, failed.begun, failed.state) == (
        *(None, None, world.now, "failed"),
    )


def test_a_writer_is_not_named_when_something_else_has_written_since() -> None:
    world, monitor = World(FLOW), watching()
    world.stat_names = ((7, 1, "b", "n"),)
    world.stats = {B: {"n": 1}}
    world.handle(2, 1).record(Kind.STAT, subject=7, worker=2, cause=5, value=1)
    monitor.apply(world.snapshot())
    assert own_stats(monitor.run, B)[0].writer == "w2"
    world.stats = {B: {"n": 2}}  # by a job that is not traced
    monitor.apply(world.wait(5 * SECOND).snapshot())
    row = own_stats(monitor.run, B)[0]
    assert (row.writer, row.since_ns, row.changed) == ("", 0, True)


def test_a_routine_is_found_again_by_name_and_not_where_it_has_gone() -> None:
    run = shown(World(flow_info([("x", "o", "b", "i"), ("b", "o", "a", "i")]))).run
    assert find(run, "flow", "b") == (1, 1)
    assert find(run, "flow", "zz") is None
    assert find(run, "other", "b") is None
    assert detail(run, (1, 99 % 3)) is not None
    assert detail(run, (5, 0)) is None


def test_bins_side_by_side() -> None:
    assert bin_rows([{5: 1}, {5: 2, 64: 3}]) == [(5, 5, 1, 2), (64, 65, 0, 3)]
    assert bin_rows([]) == []
