"""Where back-pressure starts: on worlds made by hand, and with the engine, ten times of ten."""

from __future__ import annotations

import asyncio
import threading
from time import monotonic
from typing import Any

import pytest

from routilux import Flow, Routine
from tests.tui.building import MS, SECOND, World, flow_info, watching
from tests.waiting import SECONDS
from tui.model import pressure
from tui.model.monitor import Monitor
from tui.model.pressure import Origin, sentences
from tui.model.run import Run
from tui.session.local import LocalSession
from tui.session.messages import BoxState, Pull

LINE = [("a", "o", "b", "in"), ("b", "o", "c", "in"), ("c", "o", "d", "in")]


def origins(run: Run) -> tuple[Origin, ...]:
    return pressure.origins(run, run.routines())


def box(routine: int, *, waiting: int = 20, room: int = 20, **more: int) -> BoxState:
    values = {"blocked": 0, "dropped": 0, "overflowed": 0, **more}
    return BoxState(routine, "in", waiting, room, **values)


def with_boxes(*boxes: BoxState, wires: list[Any] = LINE) -> Monitor:
    """A world in which these slots are full."""
    world, monitor = World(flow_info(wires)), watching()
    monitor.apply(world.snapshot())
    world.standing = {"boxes": boxes}
    monitor.apply(world.wait(100 * MS).snapshot())
    return monitor


def growing(
    by: dict[int, int], wires: list[Any] = LINE, served: int = 100, looks: int = 40
) -> Monitor:
    """Tenths of a second in which the queues of these edges grow by so much a second."""
    world, monitor = World(flow_info(wires)), watching()
    monitor.apply(world.snapshot())
    for _ in range(looks):
        for edge in range(1, len(wires) + 1):
            world.handle(1, edge, times=served // 10)
            world.count(1, edge, queued=by.get(edge, 0) // 10)
        monitor.apply(world.wait(100 * MS).snapshot(histograms=False))
    return monitor


def names(monitor: Monitor) -> list[str]:
    return [f"{monitor.run.routine_name(o.key)}.{o.slot}" for o in origins(monitor.run)]


def test_nothing_is_said_while_everybody_keeps_up() -> None:
    monitor = growing({})
    assert origins(monitor.run) == ()
    assert sentences(monitor.run, ()) == ()


def test_the_origin_is_the_full_routine_whose_own_targets_keep_up() -> None:
    monitor = with_boxes(box(1, blocked=2), box(2, blocked=1))
    assert origins(monitor.run) == (Origin((1, 2), "in", "it is full, emitters wait"),)
    assert sentences(monitor.run, origins(monitor.run)) == (
        "back-pressure starts at c.in: it is full, emitters wait",
        "c.in: it is full, emitters wait",
        "c.in",
    )


def test_a_full_slot_that_drops_says_so() -> None:
    assert (
        origins(with_boxes(box(3, dropped=4)).run)[0].reason == "it is full, messages are dropped"
    )
    assert origins(with_boxes(box(3)).run)[0].reason == "it is full"


def test_a_slot_without_limits_shows_by_its_growing_queue() -> None:
    assert names(growing({1: 50})) == ["b.in"]
    assert names(growing({1: 50, 2: 30})) == ["c.in"]
    assert origins(growing({2: 30}).run)[0].reason == "its queue grows"


def test_of_several_slots_the_one_where_most_waits_is_named() -> None:
    wires = [("a", "o", "z", "fast"), ("b", "o", "z", "slow")]
    assert names(growing({1: 10, 2: 200}, wires)) == ["z.slow"]


def test_a_queue_that_hardly_grows_is_none() -> None:
    assert names(growing({1: 40}, served=10_000)) == [], "less than one in twenty of what comes"
    assert names(growing({1: 10}, looks=35)) == [], "fewer than twenty two seconds ago"
    assert names(growing({1: 10}, looks=42)) == ["b.in"]


def test_bursts_that_are_worked_off_are_no_back_pressure() -> None:
    world, monitor = World(flow_info(LINE)), watching()
    for look in range(60):
        burst = look % 19 == 0
        world.count(1, 1, queued=190 if burst else 0)
        world.count(1, 1, started=10, done=10)
        monitor.apply(world.wait(100 * MS).snapshot())
        assert origins(monitor.run) == ()


def test_a_queue_that_shrinks_is_none_however_long() -> None:
    world, monitor = World(flow_info(LINE)), watching()
    world.count(1, 1, queued=1_000)
    for _ in range(30):
        world.count(1, 1, started=10, done=10)
        monitor.apply(world.wait(100 * MS).snapshot())
    assert monitor.run.routines()[1].queue == 700
    assert origins(monitor.run) == ()


def test_a_moment_of_room_does_not_make_it_flicker() -> None:
    world, monitor = World(flow_info(LINE)), watching()
    for look in range(20):
        world.standing = {"boxes": (box(2, waiting=20 - look % 2),)}
        monitor.apply(world.wait(100 * MS).snapshot())
        assert names(monitor) == ["c.in"]
    world.standing = {"boxes": (box(2, waiting=3),)}
    monitor.apply(world.wait(SECOND).snapshot())
    assert names(monitor) == []


def test_in_a_cycle_of_saturated_routines_the_one_with_most_waiting_is_named() -> None:
    wires = [("a", "o", "b", "in"), ("b", "o", "c", "in"), ("c", "o", "a", "in")]
    assert names(growing({1: 50, 2: 90, 3: 20}, wires)) == ["c.in"]
    wires.append(("c", "o", "d", "in"))
    assert names(growing({1: 50, 2: 90, 3: 20, 4: 30}, wires)) == ["d.in"]


def test_a_routine_that_feeds_itself_can_be_the_origin() -> None:
    assert names(growing({1: 50, 2: 50}, [("a", "o", "b", "in"), ("b", "o", "b", "in")])) == [
        "b.in"
    ]


def test_two_origins_are_told_with_the_worst_first() -> None:
    wires = [("a", "o", "b", "in"), ("a", "o", "c", "in"), ("a", "o", "d", "in")]
    monitor = with_boxes(box(1, dropped=1), box(2, blocked=1), wires=wires)
    assert names(monitor) == ["c.in", "b.in"]
    assert sentences(monitor.run, origins(monitor.run))[0].endswith("emitters wait (and 1 more)")


def test_looking_back_it_is_the_origin_of_then() -> None:
    world, monitor = World(flow_info(LINE)), watching()
    for look in range(40):
        world.standing = {"boxes": (box(1 if look < 20 else 2, blocked=1),)}
        monitor.apply(world.wait(100 * MS).snapshot())
    monitor.cursor.move_to(monitor.run.now - 30 * 100 * MS, monitor.run.origin, monitor.run.now)
    assert [o.key for o in origins(monitor.shown.run)] == [(1, 1)]
    assert [o.key for o in origins(monitor.run)] == [(1, 2)]


# the engine ---------------------------------------------------------------------------------------


class Source(Routine):
    """Sends until it is told to end."""

    def __init__(self, over: threading.Event) -> None:
        super().__init__()
        self.over = over
        self.define_slot("trigger", handler=self.send)
        self.define_event("line", ["number"])

    def send(self) -> None:
        number = 0
        while not self.over.is_set():
            self.emit("line", number=number)
            number += 1


class Stage(Routine):
    """Passes on, after so many seconds, what comes over a slot of limited size."""

    def __init__(self, over: threading.Event, seconds: float, room: int) -> None:
        super().__init__()
        self.over, self.seconds = over, seconds
        self.define_slot("line", handler=self.work, max_queue=room, overflow="block",
                         max_concurrency=1)  # fmt: skip
        self.define_event("line", ["number"])

    def work(self, number: int) -> None:
        self.over.wait(self.seconds)
        self.emit("line", number=number)


def fan_in(over: threading.Event) -> Flow:
    """Three sources -> parse -> write, which is slow -> audit, which is not."""
    flow = Flow("fan_in", execution_strategy="concurrent", max_workers=6)
    for name in ("one", "two", "three"):
        flow.add_routine(Source(over), name)
    for name, seconds, room in (("parse", 0.0, 30), ("write", 0.004, 10), ("audit", 0.0, 30)):
        flow.add_routine(Stage(over, seconds, room), name)
    for name in ("one", "two", "three"):
        flow.connect(name, "line", "parse", "line")
    flow.connect("parse", "line", "write", "line")
    flow.connect("write", "line", "audit", "line")
    return flow


async def _watch() -> list[str]:
    """What is named in twenty looks once all who can wait do."""
    over = threading.Event()
    session, monitor = LocalSession(lambda: fan_in(over)), Monitor("fan_in")
    session.on_event = monitor.handle
    await session.start()
    told: list[str] = []
    try:
        deadline = monotonic() + SECONDS
        while len(told) < 20:
            assert monotonic() < deadline, monitor.run.routines()
            await asyncio.sleep(0.002)
            snapshot = await session.pull(Pull(), 0.1)
            if snapshot is not None:
                monitor.apply(snapshot)
            rows = {row.name: row for row in monitor.run.routines()}
            if rows and rows["parse"].saturated and rows["write"].saturated:
                told.append(sentences(monitor.run, origins(monitor.run))[0])
    finally:
        over.set()
        await session.close(1.0)
    return told


@pytest.mark.parametrize(
    "run", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in range(1, 10))]
)
def test_on_a_real_fan_in_the_slow_writer_is_named_and_not_who_waits_for_it(run: int) -> None:
    told = asyncio.run(_watch())
    assert set(told) == {"back-pressure starts at write.line: it is full, emitters wait"}, run
