"""Each lint on snapshots made by hand: what fires it, and what looks like it and must not."""

from __future__ import annotations

from msgspec.structs import replace

from routilux.records import Kind as RecordKind
from tests.tui.building import MS, SECOND, World, flow_info
from tests.tui.findings.looking import Looking
from tui.findings.growth import loops, radius, shortest
from tui.model.findings import Kind, Severity
from tui.session.events import Progress, Started
from tui.session.factual import FlowEnd, FlowFacts, PortFacts, RoutineFacts, ThreadLook
from tui.session.messages import BoxState, ScriptState

SENSOR, STORE = 0, 1
WIRES = [("sensor", "reading", "store", "reading")]
READING, ENTRY = 1, 2


def pair(**more: object) -> Looking:
    """Sensor -> store, four workers, a job open."""
    world = World(flow_info(WIRES, id="shop", entries=("sensor",)))
    world.jobs = [1, 0, 0]
    return Looking(world, more)  # type: ignore[arg-type]


def busy(world: World, workers: int, edge: int = READING) -> None:
    """So many workers run a handler of the edge."""
    world.running = {lane: (edge, world.now - 10 * MS, lane) for lane in range(1, workers + 1)}


# L02, L03 -----------------------------------------------------------------------------------------


def test_l02_and_l03_tell_how_a_script_left_its_flow() -> None:
    s = pair()
    s.pass_by(1)
    assert s.found() == []
    s.world.ends = (FlowEnd(1, 3, pool=True),)
    s.pass_by(1)
    no_wait, no_shutdown = s.one("L02"), s.one("L03")
    assert "3 jobs still open" in no_wait.evidence[0]
    assert (no_wait.goal, no_wait.severity) == ("jobs", Severity.ERROR)
    assert "4 workers" in no_shutdown.evidence[0]
    assert no_wait.place.name == "shop"


def test_a_script_that_waited_and_shut_down_is_not_told_of() -> None:
    s = pair()
    s.world.ends = (FlowEnd(1, 0, pool=False),)
    s.pass_by(1)
    assert s.found() == []


# L04 ----------------------------------------------------------------------------------------------


def cpu(world: World, share: float) -> None:
    """Four threads at work that use so much of a core together since the last look."""
    busy(world, 4)
    for lane in range(1, 5):
        before = world.looks[lane].cpu_ns if lane in world.looks else 0
        world.looks[lane] = ThreadLook(lane, before + round(share * 25 * MS))


def test_l04_fires_when_several_handlers_share_one_core() -> None:
    s = pair()
    s.world.count(1, READING, queued=4, started=4)
    s.pass_by(4.9, lambda w: cpu(w, 0.97))
    assert s.found("L04") == []
    s.pass_by(1, lambda w: cpu(w, 0.97))
    finding = s.one("L04")
    assert "0.97 of one core" in finding.evidence[1]
    assert finding.numbers["busy"] == 4


def test_l04_does_not_fire_for_handlers_that_wait_or_run_in_parallel_or_alone() -> None:
    for share in (0.3, 2.5):
        s = pair()
        s.world.count(1, READING, queued=4, started=4)
        s.pass_by(8, lambda w, share=share: cpu(w, share))  # type: ignore[misc]
        assert s.found("L04") == []
    alone = pair()

    def one(world: World) -> None:
        cpu(world, 1.0)
        busy(world, 1)

    alone.pass_by(8, one)
    assert alone.found("L04") == []


# L05 ----------------------------------------------------------------------------------------------

LOOSE = flow_info(
    [("orders", "order", "check", "order"), ("a", "x", "b", "x"), ("b", "x", "a", "x")],
    entries=("orders",),
)


def loose() -> World:
    """With an event that nobody hears, a slot that nobody feeds and an island."""
    check = LOOSE.routines[1]
    slots = (*check.slots, replace(check.slots[0], name="late"))
    changed = replace(check, slots=slots, events=((90, "bad"),))
    flow = replace(LOOSE, routines=(LOOSE.routines[0], changed, *LOOSE.routines[2:]))
    return World(flow)


def test_l05_finds_every_loose_end() -> None:
    s = Looking(loose())
    s.world.emitted[1, 90] = 7
    s.pass_by(0.9)
    assert s.monitor.findings.ranked() == []  # the wiring may still go on
    s.pass_by(1)
    found = {(f.title, f.place.name) for f in s.active("L05")}
    assert found == {
        ("event without receiver", "check.bad"),
        ("slot without source", "check.late"),
        ("routine that nothing reaches", "a"),
        ("routine that nothing reaches", "b"),
    }
    heard = next(f for f in s.active("L05") if f.place.port == "bad")
    assert "7 times" in heard.evidence[1]


def test_l05_is_silent_in_a_whole_flow_and_in_one_that_is_not_wired_at_all() -> None:
    s = pair()
    s.pass_by(3)
    lone = flow_info([], routines=("a",), entries=("a",))
    unwired = Looking(
        World(replace(lone, routines=(replace(lone.routines[0], events=((9, "e"),)),)))
    )
    unwired.pass_by(3)
    assert (s.found(), unwired.found()) == ([], [])


def test_l05_compares_what_is_sent_with_what_a_handler_must_get() -> None:
    def facts(sent: tuple[str, ...], renamed: tuple[tuple[int, str, str], ...] = ()) -> FlowFacts:
        source = RoutineFacts(SENSOR, "f.py", 1, events=(PortFacts("reading", "f.py", 3, sent),))
        target = RoutineFacts(
            STORE, "f.py", 9, slots=(PortFacts("reading", "f.py", 12, ("number", "unit")),)
        )
        return FlowFacts(1, (source, target), (), renamed)

    s = pair()
    s.world.facts = (facts(("number",)),)
    s.pass_by(2)
    finding = s.one("L05")
    assert finding.suspected
    assert "unit" in finding.evidence[0]
    assert finding.place.source == "f.py:12"
    for whole in (
        facts(("number", "unit")),
        facts(()),
        facts(("number", "u"), ((1, "u", "unit"),)),
    ):
        s = pair()
        s.world.facts = (whole,)
        s.pass_by(2)
        assert s.found() == []


# L06, L07 -----------------------------------------------------------------------------------------


def test_l06_fires_when_all_workers_are_busy_and_messages_wait() -> None:
    s = pair()
    s.world.count(1, READING, queued=50, started=4)
    s.pass_by(4.8, lambda w: busy(w, 4))
    assert s.found("L06") == []
    s.pass_by(1, lambda w: busy(w, 4))
    finding = s.one("L06")
    assert "all 4 workers were busy" in finding.evidence[0]
    assert "46 wait now, most of them (46) for store" in finding.evidence[1]
    first = finding.first
    s.pass_by(2, lambda w: busy(w, 3))
    s.world.count(1, READING, started=46)
    s.pass_by(1)
    assert s.active("L06") == []
    (past,) = s.found("L06")
    assert (past.first, past.count) == (first, 1)
    s.world.count(1, READING, queued=50)
    s.pass_by(6, lambda w: busy(w, 4))
    assert s.one("L06").count == 2


def test_l06_does_not_fire_while_nothing_waits_or_only_what_is_paused() -> None:
    s = pair()
    s.world.count(1, READING, queued=4, started=4)
    s.pass_by(7, lambda w: busy(w, 4))
    paused = pair()
    paused.world.count(1, READING, queued=24, started=4)
    paused.world.standing = {"held": ((READING, 0, 20),), "paused": 1}
    paused.pass_by(7, lambda w: busy(w, 4))
    assert (s.found("L06"), paused.found("L06")) == ([], [])


def test_l07_fires_when_messages_wait_beside_idle_workers_and_names_the_limit() -> None:
    s = pair()
    s.world.count(1, READING, queued=50, started=1)
    s.world.standing = {"boxes": (BoxState(STORE, "reading", 49, 0, 0, 0, 0),)}
    s.pass_by(6, lambda w: busy(w, 1))
    finding = s.one("L07")
    assert "at most 1 of 4 workers" in finding.evidence[1]
    assert finding.place.name == "store.reading"
    assert "max_concurrency" in finding.action
    assert s.found("L06") == []


def test_l07_leaves_alone_what_is_meant_to_wait() -> None:
    """A slot that says how much may wait, and coroutines, which hold no worker."""
    bounded = pair()
    bounded.world.standing = {"boxes": (BoxState(STORE, "reading", 49, 64, 0, 0, 0),)}
    loop = pair()
    loop.world.standing = {"boxes": (BoxState(STORE, "reading", 49, 0, 0, 0, 0),)}
    slot = PortFacts("reading", "f.py", 2, coroutine=True)
    loop.world.facts = (FlowFacts(1, (RoutineFacts(STORE, "f.py", 1, slots=(slot,)),)),)
    for s in (bounded, loop):
        s.world.count(1, READING, queued=50, started=1)
        s.pass_by(7, lambda w: busy(w, 1))
        assert s.found("L07") == []


def test_l07_tells_of_a_connection_that_is_passed_over() -> None:
    wires = [*WIRES, ("sensor", "alarm", "siren", "alarm")]
    flow = flow_info(wires, id="shop", entries=("sensor",))
    alarm = 2

    def turn(world: World) -> None:
        busy(world, 4)
        world.count(1, READING, queued=20, started=20, done=20)

    s = Looking(World(flow))
    s.world.count(1, alarm, queued=3)
    s.pass_by(6, turn)
    finding = s.one("L07")
    assert finding.title == "unfair hand-out"
    assert finding.place.name == "siren.alarm"
    assert finding.numbers["overtaken"] >= 900
    fair = Looking(World(flow))
    fair.world.count(1, READING, queued=1000)
    fair.world.count(1, alarm, queued=3)  # they came after a thousand others

    def in_turn(world: World) -> None:
        busy(world, 4)
        world.count(1, READING, started=10, done=10)

    fair.pass_by(6, in_turn)
    assert fair.found("L07") == []


# L08 ----------------------------------------------------------------------------------------------


def test_l08_tells_of_constructor_arguments_and_loose_attributes() -> None:
    s = pair()
    scale = RoutineFacts(SENSOR, "f.py", 4, required=("factor",), optional=("offset",))
    late = RoutineFacts(STORE, "f.py", 9, optional=("path",), loose=("limit",))
    s.world.facts = (FlowFacts(1, (scale, late)),)
    s.pass_by(1)
    found = {(f.place.name, f.more): f for f in s.active("L08")}
    assert set(found) == {("sensor", ""), ("store", ""), ("store", "attributes")}
    assert found["sensor", ""].severity is Severity.WARNING
    assert "factor, offset" in found["sensor", ""].evidence[0]
    assert found["store", ""].suspected
    assert "set_config(limit=...)" in found["store", "attributes"].action


# L09 ----------------------------------------------------------------------------------------------


def test_l09_fires_for_a_queue_that_grows_for_half_a_minute() -> None:
    s = pair()
    s.pass_by(29, lambda w: w.count(1, READING, queued=5, started=2, done=2))
    assert s.found("L09") == []
    s.pass_by(4, lambda w: w.count(1, READING, queued=5, started=2, done=2))
    finding = s.one("L09")
    assert finding.place.name == "store"
    assert 25 < finding.numbers["slope"] < 35


def test_l09_does_not_fire_for_a_queue_that_falls_back_or_stands() -> None:
    sawtooth = pair()

    def teeth(world: World) -> None:
        more = 5 if world.now // SECOND % 8 < 4 else 0
        world.count(1, READING, queued=more, started=more // 5 or 4, done=more // 5 or 4)

    sawtooth.pass_by(40, teeth)
    still = pair()
    still.world.count(1, READING, queued=500)
    still.pass_by(40, lambda w: w.count(1, READING, queued=3, started=3, done=3))
    assert (sawtooth.found("L09"), still.found("L09")) == ([], [])


# L10, L11 -----------------------------------------------------------------------------------------


def test_l10_fires_for_a_call_that_takes_far_longer_than_all_others() -> None:
    s = pair()
    s.world.handle(1, READING, run=4 * MS, times=30)
    s.look()
    s.world.running = {2: (READING, s.world.now, 99)}
    s.world.looks = {2: ThreadLook(2, 0, "", 0, "", "/home/me/shop.py", 31, "Store.save")}
    s.pass_by(0.9)
    assert s.found("L10") == []
    s.pass_by(1)
    finding = s.one("L10")
    assert finding.place.worker == "w2"
    assert "30 were timed" in finding.evidence[1]
    assert finding.evidence[2] == "it is in Store.save at shop.py:31"
    s.world.running = {}
    s.pass_by(1)
    assert s.active("L10") == []


def test_l10_needs_to_know_what_is_usual() -> None:
    """A source that runs for ever has no usual time; a slow routine has a long one."""
    source = pair()
    source.world.running = {1: (ENTRY, source.world.now, 9)}
    source.pass_by(20)
    slow = pair()
    slow.world.handle(1, READING, run=2 * SECOND, times=30)
    slow.world.running = {1: (READING, slow.world.now, 9)}
    slow.pass_by(15)
    assert (source.found("L10"), slow.found("L10")) == ([], [])


def at_lock(lane: int, lock: int = 7) -> ThreadLook:
    return ThreadLook(lane, 0, "lock", lock, "self._lock", "/home/me/shop.py", 40, "Store.save")


def test_l11_fires_when_several_wait_for_one_lock_most_of_the_time() -> None:
    s = pair()
    busy(s.world, 4)
    s.world.looks = {lane: at_lock(lane) for lane in (2, 3, 4)}
    s.pass_by(4)
    finding = s.one("L11")
    assert "lock self._lock" in finding.evidence[0]
    assert finding.numbers == {"share": 1.0, "threads": 3}
    assert finding.place.source == "shop.py:40"
    assert finding.key == "L11 shop/self._lock in Store.save"


def test_l11_does_not_fire_for_one_that_waits_or_for_different_locks() -> None:
    for looks in ({2: at_lock(2)}, {lane: at_lock(lane, lane) for lane in (2, 3, 4)}):
        s = pair()
        busy(s.world, 4)
        s.world.looks = looks
        s.pass_by(6)
        assert s.found("L11") == []


# L12 ----------------------------------------------------------------------------------------------

ROUND = [("a", "x", "b", "x"), ("b", "y", "a", "y")]


def around(gain: float, ticks: int = 80) -> Looking:
    """A loop whose second part sends back ``gain`` for one, for so many tenths of a second."""
    s = Looking(World(flow_info(ROUND, id="loop", entries=("a",))))
    amount = 20.0

    def tick(world: World) -> None:
        nonlocal amount
        out = round(amount)
        amount *= gain
        back = round(amount)
        world.count(1, 2, started=out, done=out).count(1, 1, queued=out, started=out, done=out)
        world.count(1, 2, queued=back)

    s.world.count(1, 2, queued=20)
    s.pass_by(ticks / 10, tick)
    return s


def test_l12_fires_for_a_loop_that_multiplies_and_says_by_how_much() -> None:
    finding = around(1.1).one("L12")
    assert 1.05 < finding.numbers["gain"] < 1.15
    assert "around a -> b -> a" in finding.evidence[0]


def test_l12_does_not_fire_for_a_loop_that_keeps_or_loses() -> None:
    assert around(1.0).found("L12") == []
    assert around(0.9).found("L12") == []


def test_a_part_of_a_loop_that_emits_by_itself_is_no_amplification() -> None:
    """It sends twenty a tick whatever comes back, which is half of that."""
    s = Looking(World(flow_info(ROUND, id="loop", timers=("a",))))

    def tick(world: World) -> None:
        world.count(1, 3, queued=1, started=1, done=1).count(1, 1, queued=20, started=20, done=20)
        world.count(1, 2, queued=10, started=10, done=10)

    s.pass_by(10, tick)
    assert s.found("L12") == []
    swamped = Looking(World(flow_info(ROUND, id="loop", timers=("a",))))

    def behind(world: World) -> None:
        """A tick each time, and an answer to half of them: what waits grows."""
        world.count(1, 3, queued=20, started=20, done=20).count(1, 1, queued=20)
        world.count(1, 1, started=10, done=10).count(1, 2, queued=10, started=10, done=10)

    swamped.pass_by(10, behind)
    assert swamped.found("L12") == []
    source = Looking(World(flow_info(ROUND, id="loop", entries=("a",))))

    def runs(world: World) -> None:
        """The same from a handler that never ends."""
        world.running = {2: (3, world.now - SECOND, 1)}
        world.count(1, 1, queued=20, started=10, done=10)
        world.count(1, 2, queued=10, started=10, done=10)

    source.pass_by(10, runs)
    assert source.found("L12") == []


def test_loops_are_found_whatever_their_shape() -> None:
    graph = {
        (1, 0): [(1, 1)],
        (1, 1): [(1, 2), (1, 3)],
        (1, 2): [(1, 0)],
        (1, 3): [(1, 4)],
        (1, 4): [(1, 4)],
        (1, 5): [(1, 3)],
    }
    found = loops(graph)
    assert [sorted(loop) for loop in found] == [[(1, 4)], [(1, 0), (1, 1), (1, 2)]]
    assert shortest((1, 1), found[1], graph) == [(1, 1), (1, 2), (1, 0)]
    assert shortest((1, 4), found[0], graph) == [(1, 4)]


def test_the_gain_of_a_loop_is_the_greatest_eigenvalue() -> None:
    a, b, c = (1, 0), (1, 1), (1, 2)
    assert abs(radius([a, b], {(a, b): 2.0, (b, a): 0.72}) - 1.2) < 1e-3
    assert abs(radius([a], {(a, a): 3.0}) - 3.0) < 1e-3
    two_ways = {(a, b): 1.0, (b, a): 0.5, (a, c): 1.0, (c, a): 0.5}
    assert abs(radius([a, b, c], two_ways) - 1.0) < 1e-3


# L14 ----------------------------------------------------------------------------------------------


def test_l14_fires_for_a_handler_that_was_seen_to_wait() -> None:
    s = pair()
    s.world.running = {1: (READING, s.world.now, 5)}
    call = ThreadLook(1, 0, "Flow.shutdown", 0, "", "/home/me/shop.py", 12, "Store.close")
    s.world.looks = {1: call}
    s.pass_by(0.4)
    assert s.found("L14") == []
    s.pass_by(1.2)
    finding = s.one("L14")
    assert "Store.close was in Flow.shutdown" in finding.evidence[0]
    assert finding.place.source == "shop.py:12"
    assert not finding.suspected


def test_l14_only_suspects_what_it_has_read() -> None:
    s = pair()
    call = ("Flow.wait_for_completion", "/home/me/shop.py", 33, "save")
    s.world.facts = (FlowFacts(1, (RoutineFacts(STORE, "/home/me/shop.py", 9, waits=(call,)),)),)
    s.pass_by(1)
    finding = s.one("L14")
    assert finding.suspected
    assert finding.place.source == "shop.py:33"


def test_l14_knows_what_the_engine_refused() -> None:
    s = pair()
    traceback = (
        "Traceback (most recent call last):\n"
        '  File "/home/me/shop.py", line 21, in save\n    flow.wait_for_completion()\n'
        "routilux.errors.SelfDeadlockError: it would wait for itself"
    )
    s.world.handle(1, READING, failed=True, payload=traceback)
    s.pass_by(1)
    finding = s.one("L14")
    assert finding.severity is Severity.ERROR
    assert "shop.py:21" in finding.evidence[0]


# L16, errors --------------------------------------------------------------------------------------


def test_l16_fires_for_what_watching_costs_and_for_what_is_lost() -> None:
    costly = pair()

    def cost(world: World) -> None:
        world.cost += 70 * MS

    costly.pass_by(8, cost)
    assert costly.one("L16").numbers["cost"] > 0.5
    lossy = pair()
    lossy.pass_by(7, lambda w: w.record(RecordKind.EMIT).lose(3))
    assert "75% of" in lossy.one("L16").evidence[0]
    sampled = pair()

    def some(world: World) -> None:
        for _ in range(3):
            world.record(RecordKind.EMIT)
        world.lose(1)

    sampled.pass_by(7, some)
    assert sampled.found("L16") == []


def test_errors_are_findings_before_all_lints() -> None:
    s = pair()
    s.world.ends = (FlowEnd(1, 3, pool=True),)
    said = 'Traceback (most recent call last):\n  File "/me/f.py", line 3, in f\nKeyError: 7'
    s.world.handle(1, READING, failed=True, payload=said)
    s.pass_by(1)
    ranked = s.monitor.findings.ranked()
    assert [f.id for f in ranked] == ["ERR", "L02", "L03"]
    assert ranked[0].kind is Kind.ERROR
    assert ranked[0].place.source == "f.py:3"
    assert s.monitor.findings.count(Kind.LINT) == 2


# the watch ----------------------------------------------------------------------------------------


def test_another_generation_begins_without_findings() -> None:
    s = pair()
    s.world.ends = (FlowEnd(1, 3, pool=True),)
    s.pass_by(1)
    assert s.ids == ["L02", "L03"]
    s.monitor.handle(Started(2, 0.1))
    s.monitor.handle(Progress(2, ScriptState("running", opened=True)))
    assert s.monitor.findings.ranked() == []
    s.world = World(flow_info(WIRES, entries=("sensor",)), generation=2)
    s.pass_by(2)
    assert s.ids == []


def test_a_lint_that_is_off_finds_nothing() -> None:
    s = pair(L02={"on": False})
    s.world.ends = (FlowEnd(1, 3, pool=True),)
    s.pass_by(1)
    assert s.ids == ["L03"]
