"""Deadlocks, dead letters, earlier generations, hot lines and the share of the pool."""

from __future__ import annotations

import pytest

from routilux.histogram import Bins, bin_of
from routilux.records import Drop, Kind, Status
from tests.tui.building import MS, SECOND, World, flow_info, watching
from tui.model import hot
from tui.model.dead import KEPT, DeadLetters, reason
from tui.model.generations import Generations, Measured, compared, needed
from tui.model.monitor import Banner, deadlock_banner
from tui.session.events import Rejected, Started
from tui.session.messages import Failure, Hot, HotLine, SourceText, WaitInfo

WIRES = [("a", "out", "b", "in")]


# deadlocks ----------------------------------------------------------------------------------------


def wait(thread: str, text: str, holder: str, deadlock: int = 1) -> WaitInfo:
    holders = (holder,) if holder else ()
    return WaitInfo(thread, "lock", text, "/x/f.py", 3, 0, None, holders, "", deadlock)


CIRCLE = (
    wait("routilux-f-1", "lock b", "routilux-f-2"),
    wait("routilux-f-2", "lock a", "routilux-f-1"),
)


def test_a_deadlock_is_told_once_and_goes_with_it() -> None:
    world, monitor = World(flow_info(WIRES)), watching()
    world.waits = (*CIRCLE, wait("MainThread", "flow f", "routilux-f-1", 0))
    monitor.apply(world.snapshot())
    assert monitor.run.deadlocks == 1
    banner = monitor.banner
    assert banner is not None
    assert banner.title == "DEADLOCK: 2 threads wait for each other: w1, w2"
    assert banner.lines == (
        "w1 waits for lock b at f.py:3, held by w2",
        "w2 waits for lock a at f.py:3, held by w1",
    )
    assert banner.is_error
    assert "H" in banner.hint
    monitor.dismiss()
    monitor.apply(world.wait(SECOND).snapshot())
    assert monitor.banner is None  # it was seen
    world.waits = (wait("routilux-f-3", "lock c", "routilux-f-3"),)
    monitor.apply(world.wait(SECOND).snapshot())
    assert monitor.banner is not None
    assert monitor.banner.title == "DEADLOCK: w3 waits for itself"
    world.waits = ()
    monitor.apply(world.wait(SECOND).snapshot())
    assert monitor.banner is None
    assert monitor.run.deadlocks == 0


def test_a_deadlock_does_not_hide_why_a_reload_failed() -> None:
    world, monitor = World(flow_info(WIRES)), watching()
    monitor.handle(Rejected(2, Failure("SyntaxError", "no")))
    rejected = monitor.banner
    world.waits = CIRCLE
    monitor.apply(world.snapshot())
    assert monitor.banner is rejected
    assert monitor.run.deadlocks == 1


def test_a_large_deadlock_names_some_and_counts_the_others() -> None:
    many = tuple(wait(f"routilux-f-{n}", "lock", f"routilux-f-{n + 1}") for n in range(9))
    banner = deadlock_banner(many)
    assert isinstance(banner, Banner)
    assert len(banner.lines) == 5
    assert banner.lines[-1] == "... and 5 more"
    assert deadlock_banner(()) is None


# dead letters -------------------------------------------------------------------------------------


def test_dead_letters_are_kept_through_generations_the_newest_first() -> None:
    world, monitor = World(flow_info(WIRES)), watching()
    world.record(Kind.DROPPED, subject=1, status=Status.CANCELLED, value=int(Drop.FULL))
    world.handle(1, 1)
    monitor.apply(world.snapshot())
    monitor.handle(Started(2))
    second = World(flow_info(WIRES), generation=2)
    second.record(Kind.DROPPED, subject=1, status=Status.CANCELLED, value=int(Drop.CANCELLED))
    monitor.apply(second.snapshot())
    found = monitor.dead.newest()
    assert [(r[3], reason(r)) for r in found] == [(2, "job cancelled"), (1, "slot full")]


def test_only_so_many_are_kept_and_all_are_counted() -> None:
    dead = DeadLetters()
    world = World(flow_info(WIRES))
    for _ in range(KEPT + 5):
        world.record(Kind.DROPPED, subject=1)
    dead.take(world.records)
    assert len(dead.newest()) == KEPT
    assert dead.seen == KEPT + 5
    assert reason(dead.newest()[0]) == "dropped"


# generations --------------------------------------------------------------------------------------


def bins(ns: int, calls: int) -> Bins:
    return {bin_of(ns): calls}


def test_percentiles_are_compared_where_both_have_enough_calls() -> None:
    assert [needed(share) for share in (0.5, 0.9, 0.99, 0.999)] == [20, 100, 1_000, 10_000]
    now = Measured(7, bins(2 * MS, 150), bins(MS, 150))
    before = Measured(6, bins(MS, 1_000), bins(MS, 19))
    rows = compared([now, before])
    assert [(row.what, row.generation, row.calls) for row in rows] == [
        ("run", 7, 150), ("run", 6, 1_000), ("wait", 7, 150), ("wait", 6, 19)
    ]  # fmt: skip
    assert [time is not None for time in rows[0].times] == [True, True, False, False]
    assert [time is not None for time in rows[1].times] == [True, True, True, False]
    assert rows[0].changes[0] == pytest.approx(1.0, abs=0.04)
    assert rows[0].changes[2] is None  # 150 calls are too few for p99
    assert rows[2].changes == (None,) * 4  # 19 are too few for anything
    assert rows[1].changes == (None,) * 4  # there is none before


def measured(world: World, monitor: object = None, calls: int = 100) -> World:
    world.handle(1, 1, run=MS * world.generation, times=calls)
    return world


#: Ids as the engine makes them up for flows without a name.
MADE_UP = [f"{number:08x}-0000-4000-8000-000000000000" for number in range(12)]


@pytest.mark.parametrize("ids", [["shop"] * 12, MADE_UP], ids=["named", "unnamed"])
def test_eight_earlier_generations_of_a_routine_are_kept(ids: list[str]) -> None:
    monitor = watching()
    for generation in range(1, 13):
        if generation > 1:
            monitor.handle(Started(generation))
        info = flow_info(WIRES, id=ids[generation - 1])
        monitor.apply(measured(World(info, generation=generation)).snapshot())
    found = monitor.generations.of(monitor.run, (1, 1))
    assert [each.generation for each in found] == list(range(12, 3, -1))
    assert monitor.generations.of(monitor.run, (1, 0))[1:] == []  # nothing has run there
    assert monitor.generations.of(monitor.run, (9, 9)) == []
    assert len(monitor.generations._kept) <= 9


def test_a_routine_of_another_named_flow_is_another() -> None:
    store, monitor = Generations(), watching()
    monitor.apply(measured(World(flow_info(WIRES, id="one"))).snapshot())
    store.keep(monitor.run)
    other = watching()
    other.apply(measured(World(flow_info(WIRES, id="two"))).snapshot())
    assert len(store.of(other.run, (1, 1))) == 1
    assert len(store.of(monitor.run, (1, 1))) == 2


# hot lines ----------------------------------------------------------------------------------------

SOURCE = (SourceText("f.py", 10, ("def a():", "    b()", "    c()")),
          SourceText("f.py", 20, ("def unseen():", "    pass")))  # fmt: skip


def hot_of(*lines: HotLine) -> Hot:
    return Hot(0, 100.0, 500, 20 * MS, lines)


def test_functions_that_were_seen_are_shown_whole_with_what_was_spent() -> None:
    seen = HotLine("f.py", 11, 30, 300 * MS, 200 * MS, 150 * MS, 30 * MS)
    rows = hot.rows(hot_of(seen, HotLine("f.py", 12, 10, 100 * MS, 0, 0, 0)), SOURCE)
    assert [(row.line, row.text.strip(), row.hits) for row in rows] == [
        (10, "def a():", 0), (11, "b()", 30), (12, "c()", 10)
    ]  # fmt: skip
    assert rows[0].ns is None
    assert rows[1].share == 0.75
    assert rows[1].cpu == 0.75
    assert rows[1].lock == 0.1
    assert rows[2].cpu is None  # seen too seldom to say so
    assert hot.rows(hot_of(seen), ())[0].text == ""  # its source cannot be read


def test_the_sum_says_how_much_is_known_and_what_it_costs() -> None:
    seen = HotLine("f.py", 11, 30, 400 * MS, 100 * MS, 90 * MS, 40 * MS)
    found = hot.total(hot_of(seen), SECOND)
    assert (found.hits, found.ns, found.known) == (30, 400 * MS, 0.25)
    assert found.cpu is None  # of a quarter of the time nobody should conclude
    assert found.lock == 0.1
    assert found.cost == 0.02
    assert hot.total(hot_of(), SECOND).ns == 0


# the pool -----------------------------------------------------------------------------------------


def test_the_share_of_the_pool_is_the_handlers_time_on_all_threads_of_the_flow() -> None:
    world, monitor = World(flow_info(WIRES, entries=["a"])), watching()
    world.count(1, 2, queued=9, started=1).count(2, 1, queued=9, started=1)
    for _ in range(5):
        monitor.apply(world.snapshot())
        world.wait(SECOND)
        world.count(1, 2, started=1, done=1, run=SECOND).count(2, 1, done=1, run=SECOND // 2)
    monitor.apply(world.snapshot())
    a, b = monitor.run.routines()
    assert a.pool == pytest.approx(0.5, abs=0.02)
    assert b.pool == pytest.approx(0.25, abs=0.02)
