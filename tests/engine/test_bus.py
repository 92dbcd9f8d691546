import contextvars
import sys
import threading
from collections import Counter
from typing import Any

import pytest

from routilux import Flow, Kind, Level, Note, Record, Routine, Status, hub
from routilux.bus import EventBus
from routilux.lanes import RING, Lane
from tests.engine.building import chain, idle, node, passing
from tests.waiting import SECONDS, Call, arrive, gate, in_threads, wait_until

STRATEGIES = pytest.mark.parametrize("strategy", ["sequential", "concurrent"])


def fan(flow: Flow, width: int) -> None:
    """``source`` emits ``width`` times to ``sink``."""
    flow.add_routine(node(lambda r: [r.emit("out", i=i) for i in range(width)]), "source")
    flow.add_routine(node(lambda r, i: r.increment_stat("n")), "sink")
    flow.connect("source", "out", "sink", "trigger")


def totals(flow: Flow) -> Counter[str]:
    """The counters of all lanes and edges together."""
    found: Counter[str] = Counter()
    for lane in flow.bus.lanes():
        for shard in lane.counts().values():
            for name in ("queued", "started", "done", "failed"):
                found[name] += getattr(shard, name)
        found["dropped"] += sum(lane.dropped.values())
    return found


# lanes --------------------------------------------------------------------------------------------


def test_each_thread_has_a_lane_of_its_own_and_keeps_it() -> None:
    channel = EventBus()
    barrier = threading.Barrier(4)

    def lanes(_: int) -> tuple[Lane, Lane]:
        first = channel.lane()
        barrier.wait(SECONDS)  # all are alive at once
        return first, channel.lane()

    found = in_threads(4, lanes)
    assert all(first is second for first, second in found)
    assert len({first.number for first, _ in found}) == 4


def test_the_lane_of_a_thread_that_ended_goes_on_under_the_next_one() -> None:
    channel = EventBus()

    def publish(_: int = 0) -> Lane:
        lane = channel.lane()
        lane.publish(Kind.EMIT, 0, 1, activation=1, cause=1, subject=1)
        return lane

    lanes = [Call(publish).result() for _ in range(5)]
    assert {lane.number for lane in lanes} == {lanes[0].number}
    assert lanes[0].published == 5


def test_the_number_of_lanes_does_not_grow_with_threads_that_come_and_go() -> None:
    flow = Flow()
    chain(flow, lambda _r: None)
    flow.bus.subscribe()
    for _ in range(20):
        Call(flow.execute, "n0").result()
    assert len(flow.bus.lanes()) == 1
    assert totals(flow)["done"] == 20


# subscriptions ------------------------------------------------------------------------------------


def test_levels_follow_the_highest_subscriber() -> None:
    channel = EventBus()
    assert (channel.level, channel.tracing) == (Level.OFF, False)
    counters = channel.subscribe(Level.COUNTERS)
    assert (channel.level, channel.tracing) == (Level.COUNTERS, False)
    trace = channel.subscribe()
    assert (channel.level, channel.tracing) == (Level.TRACE, True)
    trace.close()
    trace.close()
    assert (channel.level, channel.tracing) == (Level.COUNTERS, False)
    counters.close()
    assert channel.level is Level.OFF


@STRATEGIES
def test_a_flow_that_nobody_watches_publishes_and_counts_nothing(strategy: str) -> None:
    flow = Flow("f", strategy)
    fan(flow, 5)
    flow.execute("source")
    idle(flow)
    assert flow.bus.lanes() == []
    flow.shutdown()


@STRATEGIES
def test_at_level_counters_everything_is_counted_and_nothing_recorded(strategy: str) -> None:
    flow = Flow("f", strategy)
    fan(flow, 5)
    flow.add_routine(node(lambda r: (r.emit("out"), 1 / 0)), "bad")
    flow.connect("bad", "out", "sink", "trigger")
    subscription = flow.bus.subscribe(Level.COUNTERS)
    flow.execute("source")
    flow.execute("bad")
    idle(flow)
    assert subscription.read() == []
    assert subscription.published == 0
    counts = totals(flow)
    assert counts["queued"] == 8
    assert counts["started"] + counts["dropped"] == 8
    assert counts["failed"] >= 1
    flow.shutdown()


@STRATEGIES
def test_a_traced_job_is_told_from_start_to_end(strategy: str) -> None:
    flow = Flow("f", strategy)
    fan(flow, 3)
    subscription = flow.bus.subscribe()
    job = flow.execute("source")
    idle(flow)
    everything = subscription.read()
    records = [r for r in everything if r.job and r.kind != Kind.STAT]
    assert [r.sequence for r in everything] == list(range(1, len(everything) + 1))
    kinds = Counter(r.kind for r in records)
    assert kinds == {Kind.JOB_STARTED: 1, Kind.ACTIVATION: 4, Kind.JOB_ENDED: 1}
    assert {r.job for r in records} == {job.number}
    first = next(r for r in records if r.kind == Kind.JOB_STARTED)
    last = next(r for r in records if r.kind == Kind.JOB_ENDED)
    assert first.activation == first.cause == last.activation == job.root.id
    entry = flow.routines["source"].get_slot("trigger")
    assert entry is not None
    assert first.subject == entry.entry.number
    edges = Counter(r.subject for r in records if r.kind == Kind.ACTIVATION)
    assert edges == {entry.entry.number: 1, flow.connections[0].number: 3}
    flow.shutdown()


@STRATEGIES
def test_the_times_of_an_activation_are_in_order_and_follow_its_cause(strategy: str) -> None:
    flow = Flow("f", strategy, max_workers=4)
    chain(flow, *[passing] * 4, lambda _r, **kw: None)
    flow.connect("n0", "out", "n3", "trigger")
    subscription = flow.bus.subscribe()
    in_threads(2, lambda _: [flow.execute("n0") for _ in range(50)])
    idle(flow)
    activations = {r.activation: r for r in subscription.read() if r.kind == Kind.ACTIVATION}
    assert len(activations) == 100 * 7
    for record in activations.values():
        assert 0 < record.queued <= record.started <= record.time
        cause = activations.get(record.cause)
        if cause is not None:
            assert cause.started <= record.queued <= cause.time
    flow.shutdown()


@STRATEGIES
def test_causes_form_a_tree_back_to_the_root_of_the_job(strategy: str) -> None:
    flow = Flow("f", strategy, max_workers=4)

    def handler(routine: Routine, depth: int) -> None:
        for _ in range(2 if depth else 0):
            routine.emit("out", depth=depth - 1)

    flow.add_routine(node(handler), "a")
    flow.connect("a", "out", "a", "trigger")
    flow.connect("a", "out", "a", "trigger")
    subscription = flow.bus.subscribe()
    jobs = [flow.execute("a", {"depth": 3}) for _ in range(4)]
    idle(flow)
    records = subscription.read()
    assert sum(r.job > 0 for r in records) == 4 * (2 + 1 + 4 + 16 + 64)
    causes = {r.activation: r for r in records if r.kind == Kind.ACTIVATION}
    assert len(causes) == 4 * 85, "ids are unique"
    for record in causes.values():
        root, depth = record, 0
        while root.cause in causes:
            root, depth = causes[root.cause], depth + 1
            assert root.job == record.job
        assert root.cause == next(j for j in jobs if j.number == record.job).root.id
        assert depth <= 3
    flow.shutdown()


@STRATEGIES
def test_an_emit_that_nothing_is_connected_to_is_recorded_and_counted(strategy: str) -> None:
    flow = Flow("f", strategy)
    chain(flow, passing)
    subscription = flow.bus.subscribe()
    flow.bus.previews = 10
    flow.execute("n0", {"x": 1})
    flow.routines["n0"].emit("out", x=2)
    idle(flow)
    event = flow.routines["n0"].get_event("out")
    assert event is not None
    emits = [r for r in subscription.read() if r.kind == Kind.EMIT]
    assert [r.subject for r in emits] == [event.number] * 2
    assert sum(lane.emitted[event.number] for lane in flow.bus.lanes() if lane.emitted) == 2
    notes = {a: text for a, kind, text in subscription.read_notes() if kind == Note.PAYLOAD}
    assert {notes[r.activation] for r in emits} == {"{x: 1}", "{x: 2}"}
    flow.shutdown()


@STRATEGIES
def test_emitted_counts_the_same_whichever_thread_emits(strategy: str) -> None:
    flow = Flow("f", strategy)
    chain(flow, passing, lambda _r: None)
    flow.bus.subscribe()
    flow.execute("n0")
    flow.routines["n0"].emit("out")
    idle(flow)
    event = flow.routines["n0"].get_event("out")
    assert event is not None
    # Of a connected event the queued deliveries tell how often it was emitted.
    assert sum(lane.emitted.get(event.number, 0) for lane in flow.bus.lanes()) == 0
    edge = flow.connections[0].number
    assert sum(lane.queued().get(edge, 0) for lane in flow.bus.lanes()) == 2
    flow.shutdown()


@STRATEGIES
def test_a_failure_is_recorded_with_its_traceback_and_what_was_dropped(strategy: str) -> None:
    flow = Flow("f", strategy, max_workers=1)
    chain(flow, lambda r: (r.emit("out"), r.emit("out"), 1 / 0), lambda _r: None)
    subscription = flow.bus.subscribe()
    job = flow.execute("n0")
    idle(flow)
    records = subscription.read()
    failed = [r for r in records if r.kind == Kind.ACTIVATION]
    dropped = [r for r in records if r.kind == Kind.DROPPED]
    ended = [r for r in records if r.kind == Kind.JOB_ENDED]
    assert [r.status for r in failed] == [Status.FAILED]
    assert [(r.cause, r.status) for r in dropped] == [(failed[0].activation, Status.CANCELLED)] * 2
    assert len({r.activation for r in dropped}) == 2
    assert [r.status for r in ended] == [Status.FAILED]
    ((activation, kind, text),) = subscription.read_notes()
    assert (activation, kind) == (failed[0].activation, Note.ERROR)
    assert "ZeroDivisionError" in text
    assert "raised in flow 'f', routine 'n0'" in text
    assert job.dropped == 2
    assert totals(flow) == {"queued": 3, "started": 1, "done": 1, "failed": 1, "dropped": 2}
    flow.shutdown()


def test_a_record_carries_the_generation_and_the_lane_of_its_thread() -> None:
    flow = Flow()
    chain(flow, lambda _r: None)
    flow.bus.generation = 7
    subscription = flow.bus.subscribe()
    flow.execute("n0")
    records = subscription.read()
    assert {r.generation for r in records} == {7}
    assert {r.worker for r in records} == {flow.bus.lane().number}


def test_a_tree_goes_with_each_preview_only_if_a_reader_asks_for_it() -> None:
    flow = Flow()
    chain(flow, passing, lambda _r, **kw: None)
    subscription = flow.bus.subscribe()
    flow.bus.previews = 10
    flow.execute("n0", {"x": {"y": 1}})
    assert {kind for _, kind, _ in subscription.read_notes()} == {Note.PAYLOAD}
    flow.bus.trees = True
    flow.execute("n0", {"x": {"y": 1}})
    notes = subscription.read_notes()
    trees = [(a, text) for a, kind, text in notes if kind == Note.TREE]
    assert [a for a, kind, _ in notes if kind == Note.PAYLOAD] == [a for a, _ in trees]
    assert {text for _, text in trees} == {'["d",1,[["x",["d",1,[["y",1]]]]]]'}


def test_payload_previews_are_made_as_many_as_are_asked_for() -> None:
    flow = Flow()
    chain(flow, passing, lambda _r, **kw: None)
    subscription = flow.bus.subscribe()
    flow.bus.previews = 2
    for i in range(5):
        flow.execute("n0", {"x": i})
    notes = subscription.read_notes()
    assert [text for _, _, text in notes] == ["{x: 0}", "{x: 0}"]
    assert flow.bus.previews == 0
    assert subscription.read_notes() == []
    activations = {r.activation for r in subscription.read() if r.kind == Kind.ACTIVATION}
    assert {a for a, _, _ in notes} <= activations


# losses -------------------------------------------------------------------------------------------


def publish(lane: Lane, first: int, count: int) -> None:
    for i in range(first, first + count):
        lane.publish(Kind.EMIT, i, 1, activation=i, cause=0, subject=0)


def test_a_full_ring_drops_the_oldest_and_the_gap_in_the_sequence_says_how_many() -> None:
    channel = EventBus()
    subscription = channel.subscribe()
    lane = channel.lane()
    publish(lane, 0, 10)
    assert [r.sequence for r in subscription.read()] == list(range(1, 11))
    publish(lane, 10, RING + 5)
    records = subscription.read()
    assert len(records) == RING
    assert records[0].sequence == 16
    assert records[0].activation == 15
    assert records[-1].sequence == 10 + RING + 5
    assert subscription.lost == 5
    assert subscription.published == subscription.received + subscription.lost == RING + 15


def test_a_limit_gives_the_newest_and_counts_the_others_as_lost() -> None:
    channel = EventBus()
    subscription = channel.subscribe()
    publish(channel.lane(), 0, 10)
    assert [r.activation for r in subscription.read(3)] == [7, 8, 9]
    assert subscription.lost == 7
    assert subscription.read(3) == []
    publish(channel.lane(), 10, 2)
    assert [r.sequence for r in subscription.read(3)] == [11, 12]
    publish(channel.lane(), 12, 2)
    assert subscription.read(0) == []
    assert subscription.lost == 9


def test_each_subscriber_reads_all_for_itself() -> None:
    channel = EventBus()
    first = channel.subscribe()
    publish(channel.lane(), 0, 3)
    second = channel.subscribe()
    publish(channel.lane(), 3, 3)
    assert [r.activation for r in first.read()] == [0, 1, 2, 3, 4, 5]
    assert [r.activation for r in second.read()] == [3, 4, 5]
    assert [r.sequence for r in second.read()] == []


@pytest.mark.parametrize("limit", [None, 50])
def test_published_is_read_and_lost_exactly_while_threads_publish(limit: int | None) -> None:
    channel = EventBus()
    subscription = channel.subscribe()
    stop = threading.Event()
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)

    def write(_: int) -> None:
        lane = channel.lane()
        for _ in range(20_000):
            publish(lane, lane.published, 1)  # a thread that comes late may go on with a lane

    def read() -> list[Record]:
        found: list[Record] = []
        while not stop.is_set():
            found += subscription.read(limit)
        return found + subscription.read(limit)

    try:
        reading = Call(read)
        in_threads(3, write)
        stop.set()
        records = reading.result()
    finally:
        sys.setswitchinterval(interval)
    assert subscription.published == 60_000
    assert subscription.received == len(records)
    assert subscription.lost == 60_000 - len(records)
    sequences = [r.sequence for r in records]
    assert sequences == sorted(set(sequences))
    gaps = sum(b - a - 1 for a, b in zip([0, *sequences], sequences, strict=False))
    assert gaps + (60_000 - (sequences[-1] if sequences else 0)) == subscription.lost
    by_lane: dict[int, list[int]] = {}
    for record in records:
        by_lane.setdefault(record.worker, []).append(record.activation)
    assert all(seen == sorted(set(seen)) for seen in by_lane.values()), "once, and in order"


@STRATEGIES
def test_counters_are_complete_when_the_job_is_seen_as_ended(strategy: str) -> None:
    flow = Flow("f", strategy, max_workers=4)
    fan(flow, 40)
    flow.bus.subscribe()
    for i in range(1, 20):
        flow.execute("source").wait(SECONDS)
        counts = totals(flow)
        assert counts["queued"] == counts["started"] == counts["done"] == 41 * i
    flow.shutdown()


# in the middle of a run ---------------------------------------------------------------------------


@STRATEGIES
def test_who_subscribes_in_the_middle_sees_the_rest(strategy: str) -> None:
    with gate() as go, gate() as inside:

        def middle(routine: Routine) -> None:
            inside.set()
            arrive(go)
            routine.emit("out")

        flow = Flow("f", strategy, max_workers=1)
        chain(flow, passing, middle, lambda _r: None)
        execution = Call(flow.execute, "n0")
        arrive(inside)
        subscription = flow.bus.subscribe()
        go.set()
        job = execution.result()
        idle(flow)
    records = subscription.read()
    assert [(r.kind, r.subject) for r in records if r.kind == Kind.ACTIVATION] == [
        (Kind.ACTIVATION, flow.connections[1].number)
    ]
    assert records[-1].kind == Kind.JOB_ENDED
    assert all(r.job == job.number for r in records)
    counts = totals(flow)
    assert counts["queued"] == counts["started"] == counts["done"] == 1
    flow.shutdown()


@STRATEGIES
def test_what_was_queued_before_somebody_watched_counts_from_where_it_starts(strategy: str) -> None:
    with gate() as go, gate() as inside:

        def first(routine: Routine) -> None:
            for _ in range(3):
                routine.emit("out")
            inside.set()
            arrive(go)

        flow = Flow("f", strategy, max_workers=1)
        chain(flow, first, lambda _r: None)
        execution = Call(flow.execute, "n0")
        arrive(inside)
        subscription = flow.bus.subscribe()
        go.set()
        execution.result()
        idle(flow)
    activations = [r for r in subscription.read() if r.kind == Kind.ACTIVATION]
    assert len(activations) == 3
    assert len({r.activation for r in activations}) == 3
    assert all(0 < r.queued <= r.started for r in activations)
    assert totals(flow)["queued"] == 3
    flow.shutdown()


@STRATEGIES
def test_what_was_counted_as_queued_is_counted_to_its_end_though_the_watcher_has_left(
    strategy: str,
) -> None:
    with gate() as go, gate() as inside:

        def first(routine: Routine) -> None:
            for _ in range(3):
                routine.emit("out")
            inside.set()
            arrive(go)

        flow = Flow("f", strategy, max_workers=1)
        chain(flow, first, lambda _r: None)
        subscription = flow.bus.subscribe()
        execution = Call(flow.execute, "n0")
        arrive(inside)
        subscription.close()
        go.set()
        execution.result()
        idle(flow)
    assert totals(flow) == {"queued": 4, "started": 4, "done": 4, "failed": 0, "dropped": 0}
    flow.shutdown()


def test_subscribers_that_come_and_go_during_a_run_change_nothing_of_it() -> None:
    flow = Flow("f", "concurrent", max_workers=3)
    fan(flow, 50)
    stop = threading.Event()

    def watch(number: int) -> None:
        while not stop.is_set():
            subscription = flow.bus.subscribe(Level(1 + number % 2))
            subscription.read()
            subscription.close()

    watching = [Call(watch, i) for i in range(2)]
    jobs = [flow.execute("source") for _ in range(60)]
    idle(flow)
    stop.set()
    for call in watching:
        call.result()
    assert flow.routines["sink"].get_stat("n") == 3000
    assert {job.status for job in jobs} == {"completed"}
    counts = totals(flow)
    assert counts["queued"] == counts["started"] == counts["done"]
    flow.shutdown()


@STRATEGIES
def test_foreign_and_late_emits_are_recorded_too(strategy: str) -> None:
    flow = Flow("f", strategy)
    contexts: list[contextvars.Context] = []
    chain(flow, lambda _r: contexts.append(contextvars.copy_context()), lambda _r: None)
    subscription = flow.bus.subscribe()
    job = flow.execute("n0")
    idle(flow)
    (cause,) = (r.activation for r in subscription.read() if r.kind == Kind.ACTIVATION)
    contexts[0].run(flow.routines["n0"].emit, "out")
    idle(flow)
    (late,) = (r for r in subscription.read() if r.job)
    assert late.kind == Kind.ACTIVATION
    assert late.cause == cause, "still the handler that emitted it"
    assert late.job != job.number
    flow.routines["n0"].emit("out")
    idle(flow)
    (foreign,) = (r for r in subscription.read() if r.job)
    assert foreign.job == late.job
    assert foreign.activation != late.activation
    flow.shutdown()


def test_a_lane_shows_what_runs_there_now() -> None:
    with gate() as go, gate() as inside:
        flow = Flow("f", "concurrent")
        chain(flow, lambda _r: (inside.set(), arrive(go)))
        flow.bus.subscribe()
        flow.execute("n0")
        arrive(inside)
        running = [lane.running for lane in flow.bus.lanes() if lane.running]
        entry = flow.routines["n0"].get_slot("trigger")
        assert entry is not None
        assert [edge for edge, _, _, _ in running] == [entry.entry.number]
        go.set()
        idle(flow)
    wait_until(lambda: not [lane for lane in flow.bus.lanes() if lane.running])
    flow.shutdown()


# the hub ------------------------------------------------------------------------------------------


def test_a_watcher_is_told_of_flows_that_are_alive_and_that_come_each_once() -> None:
    before = Flow("before")
    seen: list[str] = []

    def watch(flow: Flow) -> None:
        seen.append(flow.flow_id)

    hub.watch(watch)
    try:
        after = Flow("after")
        assert seen.count("before") == 1
        assert seen.count("after") == 1
    finally:
        hub.unwatch(watch)
    hub.unwatch(watch)
    Flow("unseen")
    assert "unseen" not in seen
    assert {before, after} <= set(hub.flows())


def test_a_watcher_that_raises_is_dropped_and_breaks_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    calls: list[str] = []

    def broken(flow: Flow) -> None:
        if flow.flow_id in ("x", "y"):
            calls.append(flow.flow_id)
            raise OSError("no")

    hub.watch(broken)
    Flow("x")
    Flow("y")
    assert calls == ["x"]
    assert "a watcher of flows raised and is dropped" in caplog.text


def test_flows_that_appear_while_watchers_come_are_told_exactly_once() -> None:
    seen: list[tuple[int, str]] = []
    flows: list[Flow] = []

    def act(number: int) -> Any:
        if number == 0:
            flows.extend(Flow(f"x{i}") for i in range(200))
            return None

        def watch(flow: Flow) -> None:
            if flow.flow_id.startswith("x"):
                seen.append((number, flow.flow_id))

        hub.watch(watch)
        return watch

    try:
        watchers = in_threads(3, act)
    finally:
        pass
    for watcher in watchers[1:]:
        hub.unwatch(watcher)
    assert len(seen) == len(set(seen)) == 400


def test_a_gate_holds_execute_until_it_opens() -> None:
    flow = Flow()
    chain(flow, lambda r: r.increment_stat("n"))
    with gate() as go:
        hub.gate = lambda: arrive(go)
        try:
            execution = Call(flow.execute, "n0")
            execution.join(0.02)
            assert flow.routines["n0"].get_stat("n") is None
            go.set()
            execution.result()
        finally:
            hub.gate = None
    assert flow.routines["n0"].get_stat("n") == 1
