"""Lanes: what is appended becomes exact counts, whoever folds it and whenever."""

import threading
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routilux import Flow, Kind, Level, Routine, Status
from routilux.histogram import bin_of
from routilux.job import TRACED
from routilux.lanes import FOLD, Counts, Lane, Raw
from tests.engine.building import chain, idle, node
from tests.waiting import SECONDS, Call, arrive, gate, in_threads

NANOSECONDS = st.one_of(
    st.integers(0, 200), st.integers(0, 2**24), st.integers(0, 2**40), st.just(2**24 - 1)
)


def call(edge: int, wait: int, run: int, start: int = 10**9) -> Raw:
    return (start + wait + run, Kind.ACTIVATION, 1, 1, 1, edge, start, start + wait, 0, 0)


def new_lane() -> Lane:
    return Lane(threading.current_thread(), 1)


@given(st.lists(st.tuples(st.integers(1, 3), NANOSECONDS, NANOSECONDS), max_size=60))
def test_histograms_are_as_if_each_call_had_been_counted_by_itself(
    calls: list[tuple[int, int, int]],
) -> None:
    lane = new_lane()
    for edge, wait, run in calls:
        lane.record(True, call(edge, wait, run))
    found = lane.histograms()
    assert set(found) == {edge for edge, _, _ in calls}
    for edge, (runs, waits) in found.items():
        for bins, values in (
            (runs, [run for e, _, run in calls if e == edge]),
            (waits, [wait for e, wait, _ in calls if e == edge]),
        ):
            assert sum(bins.values()) == len(values)
            exact = Counter(bin_of(value) for value in values if value < 2**24)
            assert not exact - Counter(bins), "up to 16 ms to the bin"
            indices = sorted(index for index, count in bins.items() for _ in range(count))
            near = sorted(map(bin_of, values))
            assert all(abs(a - b) <= 1 for a, b in zip(indices, near, strict=True))
    counts = lane.counts()
    for edge in found:
        mine = [(wait, run) for e, wait, run in calls if e == edge]
        assert counts[edge] == Counts(
            0, len(mine), len(mine), 0, sum(r for _, r in mine), sum(w for w, _ in mine), len(mine)
        )


def test_a_clock_that_was_set_back_counts_as_no_time() -> None:
    lane = new_lane()
    lane.record(True, call(1, -5, 3))
    assert lane.histograms() == {1: ({3: 1}, {0: 1})}


def test_a_reader_that_copies_never_holds_up_the_owner() -> None:
    lane = new_lane()
    with lane._lock:  # as a reader would
        Call(lambda: [lane.record(True, call(1, 1, 1)) for _ in range(3 * FOLD)]).result()
        assert len(lane.batch) == 3 * FOLD, "it went on, and folds later"
    assert lane.published == 3 * FOLD
    assert lane.counts()[1].done == 3 * FOLD
    assert lane.batch == []


def test_readers_and_the_owner_fold_nothing_twice() -> None:
    lane = new_lane()
    over = threading.Event()

    def read() -> list[int]:
        seen = []
        while not over.is_set():
            counts = lane.counts().get(1, Counts())
            assert counts.failed <= counts.done <= counts.started
            seen.append(counts.done)
        return seen

    readers = [Call(read) for _ in range(2)]
    for number in range(20 * FOLD):
        lane.record(number % 3 > 0, call(1, 1, 1))
        if number % 5 == 0:
            lane.fail(1)
    over.set()
    for reader in readers:
        seen = reader.result()
        assert seen == sorted(seen)
    counts = lane.counts()[1]
    assert (counts.done, counts.failed, counts.timed) == (20 * FOLD, 4 * FOLD, 20 * FOLD)
    assert lane.published == sum(number % 3 > 0 for number in range(20 * FOLD))


# jobs that are counted only -----------------------------------------------------------------------


def totals(flow: Flow) -> Counts:
    found = [counts for lane in flow.bus.lanes() for counts in lane.counts().values()]
    queued = sum(sum(lane.queued().values()) for lane in flow.bus.lanes())
    sums = [sum(values) for values in zip(*found, strict=True)] or [0] * 7
    return Counts(queued, *sums[1:])


STRATEGIES = pytest.mark.parametrize("strategy", ["sequential", "concurrent"])


@STRATEGIES
def test_one_job_in_so_many_is_traced_and_all_are_counted(strategy: str) -> None:
    flow = Flow("f", strategy, 2)
    chain(flow, *[lambda r, **d: r.emit("out", **d)] * 3)
    subscription = flow.bus.subscribe(every=4)
    jobs = [flow.execute("n0") for _ in range(40)]
    idle(flow)
    records = subscription.read()
    traced = {job.number for job in jobs if flow.bus.is_sampled(job.number)}
    assert {r.job for r in records if r.job} == traced
    assert Counter(r.kind for r in records if r.job) == {
        Kind.JOB_STARTED: 10, Kind.ACTIVATION: 30, Kind.EMIT: 10, Kind.JOB_ENDED: 10
    }  # fmt: skip
    counts = totals(flow)
    assert (counts.queued, counts.started, counts.done, counts.timed) == (120, 120, 120, 30)
    assert sum(sum(lane.emitted.values()) for lane in flow.bus.lanes()) == 40
    assert subscription.lost == 0
    flow.shutdown()


@STRATEGIES
def test_failures_are_published_whether_their_job_is_traced_or_not(strategy: str) -> None:
    flow = Flow("f", strategy, 2)
    flow.add_routine(node(lambda r: 1 / 0), "bad")
    subscription = flow.bus.subscribe(every=1_000_000_007)
    assert not any(flow.bus.is_sampled(number) for number in range(100_000))
    for _ in range(3):
        flow.execute("bad")
    idle(flow)
    records = [r for r in subscription.read() if r.job]
    failed = [r for r in records if r.kind == Kind.ACTIVATION]
    assert [r.status for r in failed] == [Status.FAILED] * 3
    assert all(r.queued == r.started == 0 for r in failed), "not timed"
    texts = {ident: text for ident, _, text in subscription.read_notes()}
    assert all("ZeroDivisionError" in texts[r.activation] for r in failed)
    assert [r.status for r in records if r.kind == Kind.JOB_ENDED] == [Status.FAILED] * 3
    counts = totals(flow)
    assert (counts.queued, counts.done, counts.failed, counts.timed) == (3, 3, 3, 0)
    flow.shutdown()


def test_the_jobs_that_a_traced_job_begins_are_traced_with_it() -> None:
    flow, other = Flow("f"), Flow("g")
    other.add_routine(node(lambda r: None), "inner")
    inner: list[int] = []
    flow.add_routine(node(lambda r: inner.append(other.execute("inner").number)), "outer")
    flow.bus.subscribe(every=2)
    subscription = other.bus.subscribe(every=2)
    jobs = [flow.execute("outer") for _ in range(8)]
    traced = {r.job for r in subscription.read() if r.kind == Kind.JOB_STARTED}
    assert traced == {
        n for job, n in zip(jobs, inner, strict=True) if flow.bus.is_sampled(job.number)
    }


@STRATEGIES
def test_the_books_balance_while_watching_begins_changes_and_ends(strategy: str) -> None:
    flow = Flow("f", strategy, 4)

    def handle(routine: Routine, depth: int) -> None:
        for _ in range(2 if depth else 0):
            routine.emit("out", depth=depth - 1)

    flow.add_routine(node(handle), "a")
    flow.connect("a", "out", "a", "trigger")
    over = threading.Event()

    def watch() -> None:
        while not over.is_set():
            for level, every in (
                (Level.TRACE, 1), (Level.COUNTERS, 1), (Level.TRACE, 3)
            ):  # fmt: skip
                subscription = flow.bus.subscribe(level, every)
                subscription.read()
                subscription.sample(2)
                subscription.close()

    watcher = Call(watch)
    in_threads(2, lambda _: [flow.execute("a", {"depth": 4}) for _ in range(60)])
    idle(flow)
    over.set()
    watcher.result()
    counts = totals(flow)
    assert counts.queued == counts.started == counts.done >= counts.timed
    assert flow.shutdown()


@STRATEGIES
def test_coroutines_of_jobs_that_are_counted_only(strategy: str) -> None:
    flow = Flow("f", strategy, 2)

    async def handle() -> None:
        pass

    routine = Routine()
    routine.define_slot("trigger", handle)
    flow.add_routine(routine, "a")
    flow.bus.subscribe(Level.COUNTERS)
    for _ in range(20):
        flow.execute("a")
    idle(flow)
    counts = totals(flow)
    assert (counts.queued, counts.started, counts.done, counts.timed) == (20, 20, 20, 0)
    flow.shutdown()


def test_each_look_traces_another_part_of_an_open_job() -> None:
    flow = Flow("f", "concurrent", 1)
    flow.add_routine(node(lambda r: None), "a")
    flow.add_routine(node(lambda r: r.emit("out")), "b")
    flow.connect("b", "out", "a", "trigger")
    subscription = flow.bus.subscribe(every=3)
    with gate() as go:
        flow.add_routine(node(lambda r: arrive(go)), "hold")
        job = flow.execute("hold")
        traced = []
        for _ in range(9):
            traced.append(bool(job.flags & TRACED))
            subscription.sample(3)
        assert sum(traced) == 3
        subscription.sample(1)
        assert job.flags & TRACED
        go.set()
        assert job.wait(SECONDS)
    assert flow.shutdown()


def test_every_is_at_least_one() -> None:
    flow = Flow("f")
    with pytest.raises(ValueError, match="every"):
        flow.bus.subscribe(every=0)
    with pytest.raises(ValueError, match="every"):
        flow.bus.subscribe().sample(-1)
    assert flow.bus.every == 1
