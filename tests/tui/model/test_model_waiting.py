"""What waits for something else than a worker (its time, its job, room), and event loops."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tui.building import SECOND, World, flow_info
from tests.tui.model.test_model_run import CHAIN, row, watched
from tui.model.names import natural
from tui.model.rows import State
from tui.model.run import Run
from tui.session.messages import BoxState


def held(world: World, run: Run, name: str = "b", **standing: Any) -> State:
    world.standing = standing
    run.apply(world.wait(SECOND).snapshot())
    return row(run, name).state


def test_a_routine_with_a_try_to_repeat_says_so_and_how_many() -> None:
    world = World(CHAIN)
    run = watched(world)
    assert held(world, run, retries=3, held=((1, 3, 0),)) is State.RETRY
    assert row(run, "b").later == 3
    assert row(run, "c").later == 0
    world.count(1, 1, queued=1)
    assert held(world, run, retries=3, held=((1, 3, 0),)) is State.RETRY
    world.count(1, 1, started=1)
    assert held(world, run, retries=3, held=((1, 3, 0),)) is State.RUNNING
    world.count(1, 1, done=1)
    assert held(world, run) is State.IDLE
    assert row(run, "b").later == 0


def test_a_timer_is_no_retry_and_its_edge_has_a_name() -> None:
    world = World(flow_info([("a", "out", "b", "in")], timers=("b",)))
    run = watched(world)
    assert held(world, run, timers=1, held=((2, 1, 0),)) is State.TIMER
    assert (run.edge_name(2), run.edge_short(2)) == ("timer>b", "timer>b")
    assert run.is_timer(2)
    assert not run.is_timer(1)
    assert not run.is_timer(99)
    world.count(1, 1, queued=1)
    assert held(world, run, timers=1, held=((2, 1, 0),)) is State.QUEUED


def test_a_routine_is_paused_when_all_that_waits_for_it_is() -> None:
    world = World(CHAIN)
    run = watched(world)
    world.count(1, 1, queued=5)
    assert held(world, run, paused=1, held=((1, 0, 4),)) is State.QUEUED
    assert held(world, run, paused=1, held=((1, 0, 5),)) is State.PAUSED
    assert held(world, run) is State.QUEUED


@pytest.mark.parametrize(
    ("waiting", "room", "blocked", "state"),
    [
        (3, 3, 0, State.FULL),
        (2, 3, 0, State.RUNNING),
        (2, 3, 1, State.FULL),
        (9, 0, 0, State.RUNNING),
    ],
)
def test_a_routine_is_full_when_one_of_its_slots_is(
    waiting: int, room: int, blocked: int, state: State
) -> None:
    world = World(CHAIN)
    run = watched(world)
    world.count(1, 1, queued=waiting + 1, started=1)
    box = BoxState(1, "in", waiting, room, blocked, 0, 0)
    assert held(world, run, boxes=(box,)) is state


def test_the_standing_is_the_sum_over_all_flows() -> None:
    other = flow_info([("x", "out", "y", "in")], number=2, id="other", first=10)
    world = World(CHAIN, other)
    world.jobs = [2, 3, 1]
    run = watched(world)
    world.standing = {"paused": 1, "cancelled": 4, "retries": 5, "timers": 6, "dropped": 7}
    run.apply(world.wait(SECOND).snapshot())
    jobs = run.standing
    assert (jobs.open_jobs, jobs.completed, jobs.failed) == (4, 6, 2)
    assert (jobs.paused, jobs.cancelled, jobs.retries) == (1, 4, 5)
    assert (jobs.timers, jobs.dropped, jobs.waiting) == (6, 7, 0)
    assert Run(1).standing.open_jobs == 0


def test_a_retried_try_is_done_but_no_error() -> None:
    world = World(CHAIN)
    run = watched(world)
    run.apply(world.handle(1, 1, retried=True).wait(SECOND).snapshot())
    assert (row(run, "b").done, row(run, "b").errors, run.errors) == (1, 0, 0)
    assert row(run, "b").state is State.IDLE


def test_what_is_held_of_an_edge_that_is_not_known_yet_is_left_out() -> None:
    world = World(CHAIN)
    run = watched(world)
    box = BoxState(99, "in", 3, 3, 0, 0, 0)
    assert held(world, run, held=((99, 1, 1),), boxes=(box,)) is State.UNUSED


def test_an_event_loop_has_a_lane_from_its_first_coroutine_on() -> None:
    world = World(CHAIN)
    world.threads = {-1: "routilux-flow-loop", 7: "routilux-flow-loop"}
    world.count(1, 1, queued=2, started=2)
    world.running, world.coroutines = {-1: (1, world.now, 1)}, {-1: 2}
    run = watched(world)
    run.apply(world.wait(SECOND).snapshot())
    lanes = {lane.label: lane for lane in run.lanes()}
    assert (lanes["loop"].coroutines, lanes["loop"].running_ns) == (2, SECOND)
    assert lanes["w1"].coroutines is None
    assert row(run, "b").running == 2

    world.running, world.coroutines = {}, {7: 0}  # its thread has a lane now
    world.count(7, 1, done=2)
    run.apply(world.wait(SECOND).snapshot())
    assert [(lane.label, lane.coroutines) for lane in run.lanes()] == [("w1", None), ("loop", 0)]
    assert row(run, "b").running == 0


def test_threads_that_come_and_go_stand_below_the_workers() -> None:
    names = ["routilux-drain-a.b", "routilux-f-10", "routilux-f-loop", "routilux-f-2", "MainThread"]
    assert sorted(names, key=natural) == [names[4], names[3], names[1], names[2], names[0]]
