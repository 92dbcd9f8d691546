"""Slots that hold so much and no more: what happens to one more, exactly, and no deadlock ever."""

import asyncio
import logging
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routilux import (
    ErrorHandler,
    Flow,
    InvalidValueError,
    JobState,
    Kind,
    Level,
    Routine,
    SlotFullError,
)
from routilux.mailbox import Mailbox
from tests.engine.building import chain, idle, node, passing, workers
from tests.waiting import SECONDS, Call, arrive, gate, in_threads, wait_until

#: Far longer than any test: where a message goes in over the limit, it is for another reason.
LONG = 60.0
BOTH = pytest.mark.parametrize("strategy", ["sequential", "concurrent"])


class Work:
    """``source`` emits 0..n-1 into the bounded slot of ``sink``, whose handler waits for `go`."""

    def __init__(
        self, go: threading.Event, strategy: str = "concurrent", workers: int = 2, **slot: Any
    ) -> None:
        self.go = go
        self.began = threading.Event()
        self.got: list[int] = []
        self.most = 0
        self.flow = flow = Flow("f", strategy, workers)
        flow.add_routine(node(self.send), "source")
        flow.add_routine(node(self.take, **slot), "sink")
        flow.connect("source", "out", "sink", "trigger")
        self.mailbox = mailbox(flow, "sink")

    def send(self, routine: Routine, n: int) -> None:
        for x in range(n):
            routine.emit("out", x=x)
            self.most = max(self.most, len(self.mailbox))

    def take(self, _routine: Routine, x: int) -> None:
        self.began.set()
        arrive(self.go)
        self.got.append(x)

    def occupy(self) -> None:
        """Let the handler of the sink run and wait."""
        self.flow.execute("sink", {"x": -1})
        arrive(self.began)


def mailbox(flow: Flow, routine_id: str) -> Mailbox:
    found = flow.routines[routine_id]._slots["trigger"].mailbox
    assert found is not None
    return found


def calm(box: Mailbox) -> None:
    """Nothing is left of a box: no message, no place, no permit, no drainer."""
    wait_until(lambda: not box._turns and box._drainer is None, "the end of its handlers")
    assert (len(box), box._reserved, box.blocked, box._drained_for) == (0, 0, 0, 0)
    if box.limit is not None:
        limit = box.limit
        # A ticket whose message another thread has run may still be on its way back.
        wait_until(lambda: limit.taken == limit.waiting == limit._called == 0, "the permits")
        assert not limit._turns


# each mode ----------------------------------------------------------------------------------------


def test_drop_newest_keeps_what_waits_and_counts_the_others() -> None:
    with gate() as go:
        work = Work(go, max_queue=3, overflow="drop_newest", max_concurrency=1)
        work.occupy()
        job = work.flow.execute("source", {"n": 10})
        wait_until(lambda: job.dropped == 7)
        go.set()
        idle(work.flow)
    assert work.got == [-1, 0, 1, 2]
    assert work.mailbox.dropped == job.dropped == work.flow._scheduler.dropped == 7
    assert job.status == "completed"
    assert work.most <= 3
    calm(work.mailbox)
    work.flow.shutdown()


def test_drop_oldest_keeps_the_newest_and_counts_the_others() -> None:
    with gate() as go:
        work = Work(go, max_queue=3, overflow="drop_oldest", max_concurrency=1)
        work.occupy()
        job = work.flow.execute("source", {"n": 10})
        wait_until(lambda: job.dropped == 7)
        go.set()
        idle(work.flow)
    assert work.got == [-1, 7, 8, 9]
    assert work.mailbox.dropped == job.dropped == 7
    assert work.most <= 3
    calm(work.mailbox)
    work.flow.shutdown()


def test_a_message_that_is_dropped_may_be_the_last_of_its_job() -> None:
    with gate() as go:
        work = Work(go, max_queue=1, overflow="drop_oldest", max_concurrency=1)
        work.occupy()
        ended: list[JobState] = []
        jobs = []
        for x in range(5):
            jobs.append(work.flow.execute("sink", {"x": x}))
            jobs[-1].on_end(ended.append)
        wait_until(lambda: len(ended) == 4)
        assert ended == jobs[:4]
        assert [job.dropped for job in jobs] == [1, 1, 1, 1, 0]
        go.set()
        idle(work.flow)
    assert work.got == [-1, 4]
    work.flow.shutdown()


def test_error_raises_in_the_emitter_delivers_nothing_and_names_the_slot() -> None:
    errors: list[SlotFullError] = []
    with gate() as go:
        work = Work(go, max_queue=2, overflow="error", max_concurrency=1)
        other: list[int] = []
        work.flow.add_routine(node(lambda _r, x: other.append(x)), "other")
        work.flow.connect("source", "out", "other", "trigger")

        def send(routine: Routine) -> None:
            for x in range(5):
                try:
                    routine.emit("out", x=x)
                except SlotFullError as error:
                    errors.append(error)

        work.send = send  # type: ignore[assignment]
        sender = node(send)
        work.flow.add_routine(sender, "sender")
        work.flow.connect("sender", "out", "sink", "trigger")
        work.flow.connect("sender", "out", "other", "trigger")
        work.occupy()
        job = work.flow.execute("sender")
        wait_until(lambda: len(errors) == 3)
        go.set()
        idle(work.flow)
    assert work.got == [-1, 0, 1]
    assert other == [0, 1], "all or none"
    assert (errors[0].routine, errors[0].slot, errors[0].limit) == ("sink", "trigger", 2)
    assert job.status == "completed"
    assert job.dropped == work.mailbox.dropped == 0
    calm(work.mailbox)
    work.flow.shutdown()


def test_an_unhandled_slot_full_error_fails_the_job_of_the_emitter() -> None:
    with gate() as go:
        work = Work(go, max_queue=1, overflow="error", max_concurrency=1)
        work.occupy()
        job = work.flow.execute("source", {"n": 3})
        wait_until(lambda: job.error is not None)
        assert isinstance(job.error, SlotFullError)
        entry = work.flow.execute("sink", {"x": 5})
        assert entry.wait(SECONDS)
        assert entry.status == "failed"
        assert isinstance(entry.error, SlotFullError)
        go.set()
        idle(work.flow)
    work.flow.shutdown()


@pytest.mark.parametrize("pool", [1, 2, 4])
def test_block_lets_the_emitter_wait_and_loses_nothing(pool: int) -> None:
    with gate() as go:
        work = Work(go, "concurrent", pool, max_queue=3, max_concurrency=1, block_timeout=LONG)
        job = work.flow.execute("source", {"n": 50})
        arrive(work.began)
        wait_until(lambda: work.mailbox.blocked == 1 and len(work.mailbox) == 3)
        go.set()
        idle(work.flow)
    assert work.got == list(range(50))
    assert (job.dropped, work.mailbox.dropped, work.mailbox.overflowed) == (0, 0, 0)
    assert work.most <= 3
    calm(work.mailbox)
    work.flow.shutdown()
    assert not workers()


def test_block_in_a_sequential_flow_runs_one_handler_at_a_time_in_order() -> None:
    with gate() as go:
        go.set()
        work = Work(go, "sequential", max_queue=3, block_timeout=LONG)
        job = work.flow.execute("source", {"n": 200})
    assert job.status == "completed"
    assert work.got == list(range(200))
    assert work.mailbox.overflowed == 0
    assert work.most <= 3
    calm(work.mailbox)


@BOTH
@pytest.mark.parametrize("overflow", ["drop_oldest", "drop_newest"])
def test_what_is_dropped_is_published_exactly(overflow: str, strategy: str) -> None:
    with gate() as go:
        work = Work(go, strategy, 2, max_queue=4, overflow=overflow, max_concurrency=1)
        subscription = work.flow.bus.subscribe(Level.TRACE)
        if strategy == "concurrent":
            work.occupy()
        else:
            go.set()
        job = work.flow.execute("source", {"n": 100})
        if strategy == "concurrent":
            wait_until(lambda: job.dropped == 96)
        go.set()
        idle(work.flow)
        records = subscription.read()
        kinds = Counter(record.kind for record in records)
        assert kinds[Kind.DROPPED] == job.dropped == work.mailbox.dropped == 96
        assert len([x for x in work.got if x >= 0]) == 4
        shards = [shard for lane in work.flow.bus.lanes() for shard in lane.counts().values()]
        dropped = sum(sum(lane.dropped.values()) for lane in work.flow.bus.lanes())
        assert sum(shard.queued for shard in shards) == sum(s.done for s in shards) + dropped
        subscription.close()
    work.flow.shutdown()


@pytest.mark.parametrize("overflow", ["drop_oldest", "drop_newest"])
def test_many_threads_into_a_dropping_slot_lose_exactly_what_is_counted(overflow: str) -> None:
    got: list[int] = []
    flow = Flow("f", "concurrent", 2)
    flow.add_routine(
        node(lambda _r, x: got.append(x), max_queue=2, overflow=overflow, max_concurrency=1), "sink"
    )
    flow.add_routine(node(passing), "source")
    flow.connect("source", "out", "sink", "trigger")
    source = flow.routines["source"]
    most = 0
    box = mailbox(flow, "sink")

    def send(number: int) -> None:
        nonlocal most
        for x in range(300):
            source.emit("out", x=number * 1000 + x)
            most = max(most, len(box))

    in_threads(4, send)
    idle(flow)
    assert len(got) + box.dropped == 1200
    assert len(set(got)) == len(got)
    assert most <= 2
    for number in range(4):
        mine = [x for x in got if x // 1000 == number]
        assert mine == sorted(mine), "the order of each emitter is kept"
    calm(box)
    flow.shutdown()


def test_a_flood_into_a_dropping_slot_leaves_no_heap_of_tickets() -> None:
    with gate() as go:
        work = Work(go, "concurrent", 1, max_queue=2, overflow="drop_oldest")
        work.occupy()
        for x in range(5000):
            work.flow.routines["source"].emit("out", x=x)
        threads = work.flow._threads
        assert threads is not None
        assert threads.waiting() <= 3
        assert work.mailbox.dropped == 4998
        go.set()
        idle(work.flow)
    assert work.got == [-1, 4998, 4999]
    work.flow.shutdown()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"max_queue": 0}, "max_queue"),
        ({"max_queue": True}, "max_queue"),
        ({"max_queue": 1, "overflow": "drop"}, "unknown overflow 'drop'"),
        ({"max_concurrency": 0}, "limit"),
        ({"max_queue": 1, "block_timeout": -1}, "block_timeout"),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused(options: dict[str, Any], text: str) -> None:
    routine = Routine()
    with pytest.raises(InvalidValueError, match=text):
        routine.define_slot("x", **options)
    assert routine.get_slot("x") is None


# no deadlock --------------------------------------------------------------------------------------


@pytest.mark.parametrize("pool", [1, 2, 4])
def test_all_workers_may_be_blocked_on_one_full_slot(pool: int) -> None:
    with gate() as go:
        work = Work(go, "concurrent", pool, max_queue=1, block_timeout=LONG)
        jobs = [work.flow.execute("source", {"n": 10}) for _ in range(10)]
        wait_until(lambda: work.mailbox.blocked == pool, "all workers to be blocked")
        go.set()
        idle(work.flow)
    assert Counter(work.got) == Counter(dict.fromkeys(range(10), 10))
    assert {job.status for job in jobs} == {"completed"}
    assert work.mailbox.overflowed == 0
    calm(work.mailbox)
    work.flow.shutdown()
    assert not workers()


def fan(routine: Routine, n: int, times: int = 1) -> None:
    if n > 0:
        for _ in range(times):
            routine.emit("out", n=n - 1)


def ring(strategy: str, pool: int, size: int, times: int, **slot: Any) -> tuple[Flow, list[int]]:
    """Routines in a circle, each of which emits ``times`` messages with one hop less."""
    count = [0]
    lock = threading.Lock()

    def hop(routine: Routine, n: int) -> None:
        with lock:
            count[0] += 1
        fan(routine, n, times)

    flow = Flow("f", strategy, pool)
    names = [flow.add_routine(node(hop, **slot), f"n{i}") for i in range(size)]
    for i, name in enumerate(names):
        flow.connect(name, "out", names[(i + 1) % size], "trigger")
    return flow, count


@BOTH
@pytest.mark.parametrize("pool", [1, 3])
def test_a_chain_of_bounded_slots_passes_everything(strategy: str, pool: int) -> None:
    got: list[int] = []
    flow = Flow("f", strategy, pool)

    def source(routine: Routine) -> None:
        for x in range(100):
            routine.emit("out", x=x)

    flow.add_routine(node(source), "n0")
    for i in range(1, 6):
        handler: Callable[..., Any] = passing if i < 5 else (lambda _r, x: got.append(x))
        flow.add_routine(node(handler, max_queue=1, max_concurrency=1, block_timeout=LONG), f"n{i}")
        flow.connect(f"n{i - 1}", "out", f"n{i}", "trigger")
    job = flow.execute("n0")
    assert job.wait(SECONDS)
    assert got == list(range(100)), "actors in a row keep the order"
    for i in range(1, 6):
        assert mailbox(flow, f"n{i}").overflowed == 0
        calm(mailbox(flow, f"n{i}"))
    flow.shutdown()


@BOTH
@pytest.mark.parametrize("pool", [1, 3])
@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("options", [{}, {"max_concurrency": 1}, {"max_concurrency": 2}])
def test_circles_of_bounded_slots_end_exactly(
    strategy: str, pool: int, size: int, options: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR, "routilux")  # messages over the limit are wanted here
    flow, count = ring(strategy, pool, size, 2, max_queue=1, block_timeout=LONG, **options)
    job = flow.execute("n0", {"n": 6})
    assert job.wait(SECONDS), [vars(mailbox(flow, name)) for name in flow.routines]
    assert job.status == "completed"
    assert count[0] == 2**7 - 1
    for name in flow.routines:
        assert mailbox(flow, name).dropped == 0
        calm(mailbox(flow, name))
    flow.shutdown()
    assert not workers()


def test_a_message_over_the_limit_is_counted_and_warned_of_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    flow, count = ring("concurrent", 1, 1, 2, max_queue=1, max_concurrency=1, block_timeout=LONG)
    assert flow.execute("n0", {"n": 4}).wait(SECONDS)
    assert count[0] == 31
    assert mailbox(flow, "n0").overflowed > 0
    (record,) = caplog.records
    assert "slot 'trigger' of routine 'n0'" in record.message
    assert "in a circle" in record.message
    flow.shutdown()


def test_an_emitter_that_holds_a_lock_which_the_handler_needs_goes_on_after_its_deadline() -> None:
    lock = threading.Lock()
    got: list[int] = []

    def send(routine: Routine) -> None:
        with lock:
            for x in range(4):
                routine.emit("out", x=x)

    def take(_routine: Routine, x: int) -> None:
        with lock:
            got.append(x)

    for strategy, pool in (("sequential", 1), ("concurrent", 1), ("concurrent", 3)):
        got.clear()
        flow = Flow("f", strategy, pool)
        flow.add_routine(node(send), "source")
        flow.add_routine(node(take, max_queue=1, max_concurrency=1, block_timeout=0.01), "sink")
        flow.connect("source", "out", "sink", "trigger")
        assert flow.execute("source").wait(SECONDS)
        assert got == [0, 1, 2, 3]
        box = mailbox(flow, "sink")
        assert 2 <= box.overflowed <= 3
        assert box.dropped == 0
        calm(box)
        flow.shutdown()


@BOTH
def test_many_foreign_threads_execute_into_a_bounded_entry_slot(strategy: str) -> None:
    running, most = 0, 0
    lock = threading.Lock()
    got: list[int] = []

    def take(_routine: Routine, x: int) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        got.append(x)
        with lock:
            running -= 1

    flow = Flow("f", strategy, 3)
    flow.add_routine(node(take, max_queue=2, block_timeout=LONG), "sink")

    def act(number: int) -> list[JobState]:
        return [flow.execute("sink", {"x": 1000 * number + x}) for x in range(40)]

    jobs = [job for found in in_threads(6, act) for job in found]
    idle(flow)
    assert len(got) == len(set(got)) == 240
    assert {job.status for job in jobs} == {"completed"}
    assert mailbox(flow, "sink").overflowed == 0
    if strategy == "sequential":
        assert most == 1, "one handler at a time"
    calm(mailbox(flow, "sink"))
    flow.shutdown()


def test_a_coroutine_that_emits_into_a_full_slot_does_not_stop_its_loop(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.ERROR, "routilux")
    with gate() as go:
        work = Work(go, "concurrent", 2, max_queue=1, max_concurrency=1, block_timeout=LONG)
        beats: list[int] = []

        async def send(n: int) -> None:
            for x in range(n):
                source.emit("out", x=x)
                beats.append(x)
                await asyncio.sleep(0)

        source = Routine()
        source.define_slot("trigger", send)
        source.define_event("out")
        work.flow.add_routine(source, "loop")
        work.flow.connect("loop", "out", "sink", "trigger")
        work.occupy()
        work.flow.execute("loop", {"n": 5})
        wait_until(lambda: len(beats) == 5)
        assert work.mailbox.overflowed == 4
        go.set()
        idle(work.flow)
    assert work.got == [-1, 0, 1, 2, 3, 4]
    work.flow.shutdown()


@BOTH
def test_a_nested_job_through_a_bounded_slot_ends_while_its_handler_waits(strategy: str) -> None:
    got: list[int] = []
    flow = Flow("f", strategy, 1)

    def outer(routine: Routine) -> None:
        for x in range(10):
            job = flow.execute("mid", {"x": x})
            assert job.wait(SECONDS)
            assert job.status == "completed"

    flow.add_routine(node(outer), "outer")
    flow.add_routine(node(passing, max_queue=1, max_concurrency=1, block_timeout=LONG), "mid")
    flow.add_routine(
        node(lambda _r, x: got.append(x), max_queue=1, max_concurrency=1, block_timeout=LONG), "end"
    )
    flow.connect("mid", "out", "end", "trigger")
    job = flow.execute("outer")
    assert job.wait(SECONDS)
    assert job.status == "completed", job.error
    assert got == list(range(10))
    for name in ("mid", "end"):
        calm(mailbox(flow, name))
    flow.shutdown()


@BOTH
def test_an_actor_that_waits_for_a_nested_job_which_needs_the_actor_goes_on(strategy: str) -> None:
    depths: list[int] = []
    flow = Flow("f", strategy, 2)

    def actor(_routine: Routine, depth: int) -> None:
        depths.append(depth)
        if depth < 5:
            job = flow.execute("actor", {"depth": depth + 1})
            assert job.wait(SECONDS)
            assert job.status == "completed"

    flow.add_routine(node(actor, max_concurrency=1), "actor")
    job = flow.execute("actor", {"depth": 0})
    assert job.wait(SECONDS)
    assert job.status == "completed", job.error
    assert depths == [0, 1, 2, 3, 4, 5]
    calm(mailbox(flow, "actor"))
    flow.shutdown()


# stopped, paused and tried again while emitters wait ----------------------------------------------


def test_cancelling_a_job_lets_its_blocked_emitter_go_at_once() -> None:
    with gate() as go:
        work = Work(go, max_queue=1, max_concurrency=1, block_timeout=LONG)
        work.occupy()
        job = work.flow.execute("source", {"n": 10})
        wait_until(lambda: work.mailbox.blocked == 1)
        work.flow.cancel(job)
        wait_until(lambda: work.mailbox.blocked == 0)
        go.set()
        assert job.wait(SECONDS)
        idle(work.flow)
    assert job.status == "cancelled"
    assert work.got == [-1]
    assert job.dropped == 10
    assert work.mailbox.overflowed == 0
    calm(work.mailbox)
    work.flow.shutdown()


def test_a_job_that_fails_lets_its_blocked_emitters_go_at_once() -> None:
    with gate() as go:
        work = Work(go, "concurrent", 3, max_queue=1, max_concurrency=1, block_timeout=LONG)
        blocked = threading.Event()

        def fail(_routine: Routine) -> None:
            arrive(blocked)
            raise ValueError("no")

        def both(routine: Routine) -> None:
            routine.emit("out")

        work.flow.add_routine(node(both), "both")
        work.flow.add_routine(node(fail), "fail")
        work.flow.add_routine(node(lambda r: work.send(work.flow.routines["source"], 10)), "send")
        work.flow.connect("both", "out", "send", "trigger")
        work.flow.connect("both", "out", "fail", "trigger")
        work.occupy()
        job = work.flow.execute("both")
        wait_until(lambda: work.mailbox.blocked == 1)
        blocked.set()
        wait_until(lambda: work.mailbox.blocked == 0)
        go.set()
        idle(work.flow)
    assert job.status == "failed"
    assert job.dropped == 10
    assert work.got == [-1]
    calm(work.mailbox)
    work.flow.shutdown()


@BOTH
def test_a_job_is_paused_and_resumed_while_its_emitter_is_blocked(strategy: str) -> None:
    with gate() as go:
        work = Work(go, strategy, 2, max_queue=1, max_concurrency=1, block_timeout=LONG)
        call = Call(work.flow.execute, "source", {"n": 20})
        arrive(work.began)
        wait_until(lambda: work.mailbox.blocked == 1)
        (job,) = work.flow.get_all_executions()
        assert work.flow.pause(job, timeout=0.01) is False
        go.set()
        call.result()
        wait_until(lambda: len(work.got) + len(job.pending_tasks) == 20, "what is pending")
        ran = len(work.got)
        assert ran <= 2
        resumed = Call(work.flow.resume, job)
        assert job.wait(SECONDS)
        resumed.result()
    assert job.status == "completed"
    assert sorted(work.got) == list(range(20))
    calm(work.mailbox)
    work.flow.shutdown()


@BOTH
def test_a_delivery_that_is_tried_again_comes_back_into_its_bounded_slot(strategy: str) -> None:
    tries: Counter[int] = Counter()
    lock = threading.Lock()

    def take(_routine: Routine, x: int) -> None:
        with lock:
            tries[x] += 1
            if tries[x] < 3:
                raise OSError(x)

    flow = Flow("f", strategy, 2)
    flow.add_routine(node(lambda r: [r.emit("out", x=x) for x in range(30)]), "source")
    flow.add_routine(node(take, max_queue=2, max_concurrency=1, block_timeout=LONG), "sink")
    flow.connect("source", "out", "sink", "trigger")
    flow.error_handler = ErrorHandler("retry", max_retries=5, retry_delay=0.0001)
    job = flow.execute("source")
    assert job.wait(SECONDS)
    assert job.status == "completed", job.error
    assert tries == Counter(dict.fromkeys(range(30), 3))
    assert mailbox(flow, "sink").dropped == 0
    calm(mailbox(flow, "sink"))
    flow.shutdown()


def test_a_drainer_that_cannot_be_started_lets_the_message_in_over_the_limit() -> None:
    with gate() as go:
        go.set()
        work = Work(go, "sequential", max_queue=1, block_timeout=LONG)

        def refuse(*_: Any) -> threading.Thread:
            raise RuntimeError("can't start new thread")

        work.flow._runtime.start_thread = refuse  # type: ignore[assignment, method-assign]
        job = work.flow.execute("source", {"n": 5})
    assert job.status == "completed"
    assert work.got == [0, 1, 2, 3, 4]
    assert work.mailbox.overflowed == 4
    calm(work.mailbox)


def test_wide_fans_into_limited_slots_do_not_take_quadratic_time() -> None:
    flow = Flow("f", "sequential")
    flow.add_routine(node(passing), "source")
    for i in range(3000):
        flow.add_routine(node(lambda r: r.increment_stat("n"), max_queue=5), f"n{i}")
        flow.connect("source", "out", f"n{i}", "trigger")
    assert flow.execute("source").status == "completed"
    assert all(flow.routines[f"n{i}"].get_stat("n") == 1 for i in range(3000))


# any graph ----------------------------------------------------------------------------------------

slots = st.fixed_dictionaries(
    {},
    optional={
        "max_queue": st.integers(1, 3),
        "max_concurrency": st.integers(1, 2),
        "overflow": st.sampled_from(["block", "block", "block", "drop_oldest", "drop_newest"]),
    },
)
edges = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=8)


@settings(max_examples=60)
@given(
    slots=st.lists(slots, min_size=5, max_size=5),
    edges=edges,
    pool=st.integers(0, 3),
    hops=st.integers(1, 4),
    jobs=st.integers(1, 4),
)
def test_any_graph_of_bounded_slots_ends_and_counts_exactly(
    slots: list[dict[str, Any]], edges: list[tuple[int, int]], pool: int, hops: int, jobs: int
) -> None:
    flow = Flow("f", "concurrent" if pool else "sequential", pool or 1)
    lock = threading.Lock()
    ran, sent = Counter[int](), Counter[int]()

    def hop(number: int, routine: Routine, n: int) -> None:
        with lock:
            ran[number] += 1
        if n > 0:
            with lock:
                sent.update(target for source, target in edges if source == number)
            routine.emit("out", n=n - 1)

    for i, options in enumerate(slots):
        routine = node(lambda r, n, i=i: hop(i, r, n), block_timeout=LONG, **options)
        flow.add_routine(routine, f"n{i}")
    for source, target in edges:
        flow.connect(f"n{source}", "out", f"n{target}", "trigger")
    done = [flow.execute("n0", {"n": hops}) for _ in range(jobs)]
    sent[0] += jobs
    assert flow.wait_for_completion(SECONDS), [
        (i, vars(slot.mailbox))
        for i, r in flow.routines.items()
        if (slot := r._slots["trigger"]).mailbox
    ]
    boxes = {i: flow.routines[f"n{i}"]._slots["trigger"].mailbox for i in range(5)}
    dropped = {i: box.dropped if box else 0 for i, box in boxes.items()}
    assert {i: ran[i] + dropped[i] for i in range(5)} == {i: sent[i] for i in range(5)}
    assert sum(job.dropped for job in done) == sum(dropped.values())
    assert {job.status for job in done} == {"completed"}
    for box in boxes.values():
        if box is not None:
            calm(box)
    assert flow.shutdown(timeout=SECONDS)
    assert not workers()


def test_chain_helper_is_still_unbounded() -> None:
    flow = Flow("f")
    chain(flow, passing, passing)
    assert flow.routines["n0"]._slots["trigger"].mailbox is None
