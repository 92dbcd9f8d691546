"""The past: what panes read of an earlier moment is what they read then, in bounded memory."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tui.building import MS, SECOND, START, World, flow_info, watching
from tests.tui.screens.scene import replay
from tests.tui.screens.trouble import bad_day
from tui.model.cursor import TimeCursor
from tui.model.monitor import Monitor
from tui.model.past import EVERY, History
from tui.model.run import Run
from tui.session.messages import Snapshot


def played(snapshots: list[Snapshot], looks: int | None = None) -> Monitor:
    monitor = watching()
    for snapshot in snapshots[:looks]:
        monitor.apply(snapshot)
    return monitor


def at(monitor: Monitor, time: int) -> Monitor:
    monitor.cursor.move_to(time, 0, monitor.run.now)
    return monitor.shown


@pytest.mark.parametrize("scene", [bad_day(), [s for s in replay(6) if isinstance(s, Snapshot)]])
def test_the_figures_of_a_moment_are_those_that_were_shown_then(scene: list[Snapshot]) -> None:
    whole = played(scene)
    for looks in (4, 10, 31, 49):
        then = played(scene, looks).run
        if whole.past.at(then.now) is None or then.now != whole.past.at(then.now).time:  # type: ignore[union-attr]
            continue  # the moment before: within a quarter of a second
        shown = at(whole, then.now)
        assert shown is not whole
        run = shown.run
        assert isinstance(run, Run)
        assert [r._replace(trend=[]) for r in run.routines()] == [
            r._replace(trend=[]) for r in then.routines()
        ]
        assert run.edges() == then.edges()
        assert run.stats() == then.stats()
        assert run.lanes() == then.lanes()
        assert run.states == then.states
        assert (run.done, run.errors, run.waiting) == (then.done, then.errors, then.waiting)
        assert (run.now, run.elapsed_ns) == (then.now, then.elapsed_ns)
        assert run.rate.per_second == pytest.approx(then.rate.per_second)
        assert run.run_total.percentile(0.99) == then.run_total.percentile(0.99)
        assert run.wait_total.percentile(0.5) == then.wait_total.percentile(0.5)


def test_most_looks_of_a_scene_have_a_moment_of_their_own_or_one_just_before() -> None:
    monitor = played(bad_day())
    for tenth in range(60):
        time = START + tenth * SECOND // 10
        moment = monitor.past.at(time)
        assert moment is not None
        assert 0 <= time - moment.time < EVERY + SECOND // 10


def test_now_is_the_monitor_itself() -> None:
    monitor = played(bad_day())
    assert monitor.shown is monitor
    at(monitor, START + SECOND)
    assert monitor.cursor.in_past
    monitor.cursor.release()
    assert monitor.shown is monitor


def test_looking_back_changes_nothing_of_what_goes_on() -> None:
    scene = bad_day()
    one, other = played(scene, 40), played(scene, 40)
    at(one, START + SECOND)
    for snapshot in scene[40:]:
        one.apply(snapshot)
        other.apply(snapshot)
        _ = one.shown.run.routines()
    one.cursor.release()
    assert one.shown.run.routines() == other.run.routines()
    assert one.run.lanes() == other.run.lanes()


def test_a_chart_ends_at_the_moment() -> None:
    monitor = played(bad_day())
    whole = monitor.run.ended.per_second()
    then = at(monitor, monitor.run.now - 2 * SECOND).run.ended.per_second()
    assert len(whole) - len(then) in (3, 4, 5)
    assert whole[: len(then)] == then


def test_without_any_moment_there_is_only_now() -> None:
    monitor = watching()
    monitor.cursor.move_to(5, 0, 10)
    assert monitor.shown is monitor
    assert monitor.past.first is None
    assert monitor.past.between(0, 10) == []


def test_a_new_generation_has_no_past_and_is_looked_at_now() -> None:
    monitor = played(bad_day())
    at(monitor, START)
    monitor.handle(_started())
    assert monitor.shown is monitor
    assert len(monitor.past) == 0


def _started() -> object:
    from tui.session.events import Started

    return Started(2, 0.1)


def test_a_routine_that_came_later_was_not_there() -> None:
    first, second = flow_info([("a", "o", "b", "i")]), flow_info([("a", "o", "b", "i")] * 1)
    world = World(first)
    monitor = watching()
    monitor.apply(world.snapshot())
    world.flows = (second, flow_info([("c", "o", "d", "i")], number=2, first=50, id="late"))
    monitor.apply(world.wait(SECOND).snapshot())
    assert len(monitor.run.routines()) == 4
    assert len(at(monitor, START).run.routines()) == 2


@given(st.integers(3, 400), st.integers(30_000, 200_000))
def test_the_past_stays_within_its_budget_and_reaches_back_to_the_start(
    looks: int, budget: int
) -> None:
    world = World(flow_info([("a", "o", "b", "i")]))
    run, history = Run(1), History(budget)
    for _ in range(looks):
        run.apply(world.handle(1, 1).wait(EVERY).snapshot(histograms=False))
        history.take(run)
        assert history._size <= budget
    assert history.first == START + EVERY
    times = [moment.time for moment in history._moments]
    assert times == sorted(set(times))
    gaps = [b - a for a, b in pairwise(times)]
    assert gaps[-1] == EVERY
    middle = len(gaps) // 2
    assert sum(gaps[:middle]) >= sum(gaps[-middle:] if middle else [])  # long ago is coarser


def test_an_hour_ago_is_kept_at_a_moment_every_half_minute() -> None:
    world = World(flow_info([(f"r{n}", "o", f"r{n + 1}", "i") for n in range(19)] * 2))
    run, history = Run(1), History()
    run.apply(world.handle(1, 1).snapshot())
    for _ in range(3_600 * 4):
        run.now += EVERY
        history.take(run)
    times = [moment.time for moment in history._moments]
    assert max(b - a for a, b in pairwise(times)) < 30 * SECOND
    assert max(b - a for a, b in pairwise(times[-200:])) == EVERY
    assert history._size > 5_000_000


def test_moments_are_not_taken_more_often_than_they_can_be_read() -> None:
    world = World(flow_info([("a", "o", "b", "i")]))
    run, history = Run(1), History()
    for _ in range(100):
        run.apply(world.wait(10 * MS).snapshot())
        history.take(run)
    assert len(history) == 4
    assert history.looks == 100
    between = history.between(START + 300 * MS, START + 900 * MS)
    assert [m.time for m in between] == [START + 260 * MS, START + 510 * MS, START + 760 * MS]


def test_a_cursor_stays_within_what_is_known() -> None:
    cursor = TimeCursor()
    assert not cursor.in_past
    cursor.move_to(5, 10, 20)
    assert cursor.time == 10
    cursor.move_to(50, 10, 20)
    assert cursor.time == 20
    cursor.release()
    assert cursor.time is None
