"""A shop in trouble: dropped messages, jobs sent by hand, threads that wait for each other."""

from __future__ import annotations

from typing import Any

from routilux.preview import preview, tree
from routilux.records import Drop, Kind, Note, Status
from tests.tui.building import MS, SECOND, World
from tui.session.messages import (
    EXECUTE,
    Answer,
    EdgeInfo,
    FlowInfo,
    Hot,
    HotLine,
    JobInfo,
    ParamInfo,
    RoutineInfo,
    SlotInfo,
    Snapshot,
    SourceText,
    WaitInfo,
)

FETCH, CHECK, STORE = (1, 0), (1, 1), (1, 2)
BY_HAND = 7  # the job that was sent by hand
_PARAMS = (
    ParamInfo("order", "int", "", True),
    ParamInfo("country", "str", "'EU'"),
    ParamInfo("note", "str | None", "None"),
)


def shop(number: int = 1) -> FlowInfo:
    """fetch -> check (id is renamed to order) -> store."""

    def routine(place: int, name: str, *slots: SlotInfo, entry: bool = False) -> RoutineInfo:
        file = "/home/me/shop/orders.py"
        events = ((place + 1, "out"),)
        return RoutineInfo(place, name, name.title(), file, 10 + place, slots, events, entry)

    return FlowInfo(
        number,
        "shop",
        "concurrent",
        4,
        (
            routine(0, "fetch", SlotInfo("trigger", "override", "run"), entry=True),
            routine(1, "check", SlotInfo("order", "override", "check", _PARAMS, False)),
            routine(2, "store", SlotInfo("in", "append", "store", (ParamInfo("row"),))),
        ),
        (
            EdgeInfo(1, 0, "out", 1, 1, "order", (("id", "order"),)),
            EdgeInfo(2, 1, "out", 2, 2, "in"),
            EdgeInfo(3, -1, EXECUTE, 0, 0, "trigger"),
            EdgeInfo(4, -1, EXECUTE, 0, 1, "order"),
        ),
    )


def carry(world: World, payload: dict[str, Any]) -> None:
    """The newest record carried this."""
    world.notes.append((world.last, Note.PAYLOAD, preview(payload)))
    world.notes.append((world.last, Note.TREE, tree(payload)))


def story(generation: int = 1) -> list[Snapshot]:
    """Two looks, so that there is a beginning."""
    world = World(shop(generation), generation=generation)
    return [world.snapshot(), trouble(world).snapshot()]


def trouble(world: World) -> World:
    """A few seconds of it."""
    generation = world.generation
    world.jobs = [2, 40, 1]
    world.standing = {"dropped": 340}
    world.record(Kind.JOB_STARTED, subject=3, worker=0)
    world.handle(1, 3)
    for number in range(120):
        world.wait(10 * MS)
        run = (4 + number % 5) * MS // generation
        world.handle(1 + number % 3, 1, wait=20 * MS, run=run)
        carry(world, {"id": 4711 + number, "country": "EU"})
        world.handle(1, 2, wait=MS, run=200_000)
    for number, why in enumerate((Drop.FULL, Drop.FULL, Drop.CANCELLED, Drop.FAILED)):
        world.wait(20 * MS)
        world.record(Kind.DROPPED, subject=1 + number % 2, status=Status.CANCELLED, value=int(why))
        if number != 1:
            note = "x" * 300 if number == 2 else "late"
            carry(world, {"id": 90 + number, "country": "US", "note": note})
    world.record(Kind.JOB_STARTED, subject=4, job=BY_HAND, worker=0).wait(MS)
    root = world.last
    world.wait(3 * MS)
    begun = world.now - 2 * MS
    world.record(subject=4, job=BY_HAND, cause=root, queued=begun - MS, started=begun)
    carry(world, {"order": 4711, "country": "US"})
    world.synthetic = (BY_HAND,)
    world.told_jobs = (
        JobInfo(1, 1, "running", 3, 9 * SECOND, False, 200, 20, 0, 4, 0, 0),
        JobInfo(BY_HAND, 1, "completed", 4, 4 * MS, True, 1, 0, 0, 0, 0, 0),
    )
    return world


def deadlocked(world: World) -> World:
    """Two workers take two locks in the other order, and the main thread waits for all."""
    file, now = "/home/me/shop/orders.py", world.now
    names = ("routilux-shop-1", "routilux-shop-2")
    stack = "seen in its stack, orders.py:{}"
    world.waits = (
        WaitInfo(names[0], "lock", "lock self.stock", file, 84, now - 4 * SECOND, None,
                 names[1:], stack.format(97), 1),
        WaitInfo(names[1], "lock", "lock self.ledger", file, 97, now - 4 * SECOND, None,
                 names[:1], stack.format(84), 1),
        WaitInfo("MainThread", "flow", "all jobs of flow shop", file, 130, now - 9 * SECOND, None,
                 names),
        WaitInfo("routilux-shop-3", "room", "room in store.in", file, 61, now - 300 * MS, 10.0,
                 ("routilux-shop-1",)),
        WaitInfo("routilux-shop-4", "other", "Queue.get", file, 40, now - 2 * SECOND, None, (),
                 "by whom it will be woken is not known"),
    )  # fmt: skip
    return world


SOURCE = (
    SourceText(
        "/home/me/shop/orders.py",
        20,
        (
            "    def check(self, order: int, country: str = 'EU') -> None:",
            "        with self.stock:",
            "            known = self.look_up(order)",
            "        for rule in self.rules:",
            "            if not rule.fits(known, country):",
            "                self.emit('bad', order=order)",
            "                return",
            "        self.emit('out', row={'order': order})",
        ),
    ),
)


def hot(now: int, *, source: bool = True) -> Answer:
    """What sampling `check` has found."""
    file = "/home/me/shop/orders.py"
    lines = (
        HotLine(file, 21, 210, 2_100 * MS, 1_900 * MS, 20 * MS, 2_080 * MS),
        HotLine(file, 22, 96, 960 * MS, 800 * MS, 120 * MS, 0),
        HotLine(file, 24, 402, 4_020 * MS, 3_700 * MS, 3_600 * MS, 0),
        HotLine(file, 27, 7, 70 * MS, 0, 0, 0),
    )
    found = Hot(now - 8 * SECOND, 100.0, 790, 150 * MS, lines, SOURCE if source else None)
    return Answer(0, "", hot=found)
