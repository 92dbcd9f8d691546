"""Lanes: what is appended becomes exact counts, whoever folds it and whenever."""

import gc
import threading
import weakref
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routilux import Flow, Kind, Level, ManualClock, Routine, Status
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
    n = len(traced)
    assert 0 < n < 40
    assert Counter(r.kind for r in records if r.job) == {
        Kind.JOB_STARTED: n, Kind.ACTIVATION: 3 * n, Kind.EMIT: n, Kind.JOB_ENDED: n
    }  # fmt: skip
    counts = totals(flow)
    assert (counts.queued, counts.started, counts.done, counts.timed) == (120, 120, 120, 3 * n)
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
        for _ in range(100):  # each with one chance in three
            traced.append(bool(job.flags & TRACED))
            subscription.sample(3)
        assert 0 < sum(traced) < 100
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


def test_a_clock_that_stands_at_nought_times_all_the_same() -> None:
    flow = Flow("f", clock=ManualClock())
    flow.add_routine(node(lambda r: None), "a")
    flow.bus.subscribe()
    flow.execute("a")
    counts = totals(flow)
    assert (counts.queued, counts.started, counts.done, counts.timed) == (1, 1, 1, 1)


def test_a_pattern_in_the_numbers_of_jobs_is_no_pattern_of_the_sample() -> None:
    flow, other = Flow("f"), Flow("g")
    other.add_routine(node(lambda r: None), "inner")
    flow.add_routine(node(lambda r: other.execute("inner")), "outer")
    subscription = flow.bus.subscribe(every=2)
    for _ in range(400):
        flow.execute("outer")
    traced = sum(r.kind == Kind.JOB_STARTED for r in subscription.read())
    assert 100 < traced < 300


def test_who_wants_all_jobs_sees_those_that_uncounted_ones_of_other_flows_begin() -> None:
    flow, other = Flow("f"), Flow("g")
    other.add_routine(node(lambda r: None), "inner")
    flow.add_routine(node(lambda r: other.execute("inner")), "outer")
    flow.bus.subscribe(Level.COUNTERS)
    subscription = other.bus.subscribe()
    flow.execute("outer")
    assert [r.kind for r in subscription.read()] == [
        Kind.JOB_STARTED, Kind.ACTIVATION, Kind.JOB_ENDED
    ]  # fmt: skip


def test_a_finalizer_or_a_signal_that_reads_while_its_thread_folds_gets_an_answer() -> None:
    lane = new_lane()
    seen: list[int] = []

    class Reading(list[Raw]):
        def __getitem__(self, index: Any) -> Any:  # what `_fold` does first
            if not seen:
                seen.append(1)
                assert lane.published == FOLD
                assert lane.counts() == {}, "as far as it was folded"
                assert lane.since(0)[0] == FOLD
            return super().__getitem__(index)

    lane.batch = Reading()
    for _ in range(FOLD):
        lane.record(True, call(1, 1, 1))
    lane.batch = list(lane.batch)
    assert seen
    assert lane.counts()[1].done == FOLD


@pytest.mark.parametrize("level", [Level.COUNTERS, Level.TRACE])
@pytest.mark.parametrize("is_closed", [True, False])
def test_a_subscription_that_is_held_keeps_no_flow_alive(level: Level, is_closed: bool) -> None:
    flow = Flow("f")
    flow.add_routine(node(lambda r: None), "a")
    subscription = flow.bus.subscribe(level)
    flow.execute("a")
    subscription.read()
    if is_closed:
        subscription.close()
    gone = weakref.ref(flow)
    del flow
    gc.collect()
    assert gone() is None
    assert subscription.lost == 0


def test_the_level_may_be_a_number() -> None:
    flow = Flow("f")
    flow.bus.subscribe(2)  # type: ignore[arg-type]
    assert flow.bus.tracing
    with pytest.raises(ValueError, match="3 is not a valid Level"):
        flow.bus.subscribe(3)  # type: ignore[arg-type]
