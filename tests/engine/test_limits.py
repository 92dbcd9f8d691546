"""Limits that slots and flows share: never more than so many, and everybody's turn comes."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from routilux import ErrorHandler, Flow, InvalidValueError, Limit, Routine, limit_workers
from routilux.limits import worker_budget
from tests.engine.building import chain, idle, node, workers
from tests.waiting import SECONDS, arrive, gate, in_threads, wait_until

BOTH = pytest.mark.parametrize("strategy", ["sequential", "concurrent"])


class Meter:
    """Counts how many are in it at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.now = self.most = self.calls = 0

    @contextmanager
    def inside(self) -> Iterator[None]:
        with self._lock:
            self.now += 1
            self.calls += 1
            self.most = max(self.most, self.now)
        try:
            yield
        finally:
            with self._lock:
                self.now -= 1


def free(limit: Limit) -> None:
    """All permits are back, and nobody waits."""
    wait_until(lambda: limit.taken == limit.waiting == limit._called == 0, f"permits of {limit}")
    assert not limit._turns


def shared(limit: Limit, meter: Meter, flows: int = 2, pool: int = 3) -> list[Flow]:
    def work(_routine: Routine, x: int = 0) -> None:
        with meter.inside():
            threading.Event().wait(0.0001)
            if x % 5 == 4:
                raise ValueError(x)

    made = [Flow(f"f{i}", "concurrent", pool) for i in range(flows)]
    for flow in made:
        flow.add_routine(node(work, limit=limit), "n0")
    return made


def test_slots_of_two_flows_share_a_limit_and_no_permit_leaks() -> None:
    limit, meter = Limit(2, "both"), Meter()
    flows = shared(limit, meter)
    in_threads(2, lambda i: [flows[i].execute("n0", {"x": x}) for x in range(100)])
    for flow in flows:
        idle(flow)
        flow.shutdown()
    assert meter.calls == 200
    assert meter.most == 2
    free(limit)
    assert "0 of 2" in repr(limit)


@BOTH
def test_one_limit_for_several_slots_of_one_flow(strategy: str) -> None:
    limit, meter = Limit(1), Meter()
    flow = Flow("f", strategy, 4)

    def work(routine: Routine, n: int) -> None:
        with meter.inside():
            if n:
                routine.emit("out", n=n - 1)

    names = [flow.add_routine(node(work, limit=limit), f"n{i}") for i in range(3)]
    for source in names:
        for target in names:
            flow.connect(source, "out", target, "trigger")
    assert flow.execute("n0", {"n": 4}).wait(SECONDS)
    assert meter.calls == 1 + 3 + 9 + 27 + 81
    assert meter.most == 1
    free(limit)
    flow.shutdown()


def test_who_waits_for_a_permit_is_served_before_those_who_ask_later() -> None:
    limit = Limit(1)
    order: list[str] = []
    began = threading.Event()
    with gate() as go:

        def first(_routine: Routine) -> None:
            began.set()
            arrive(go)

        busy, small = Flow("busy", "concurrent", 1), Flow("small", "concurrent", 1)
        busy.add_routine(node(first, limit=limit), "first")
        busy.add_routine(node(lambda _r: order.append("busy"), limit=limit), "n0")
        small.add_routine(node(lambda _r: order.append("small"), limit=limit), "n0")
        busy.execute("first")
        arrive(began)
        for _ in range(500):
            busy.execute("n0")
        small.execute("n0")
        wait_until(lambda: limit.waiting == 1, "the small flow to line up")
        go.set()
        idle(busy)
        idle(small)
    assert order.index("small") <= 1, "it does not starve behind who asks again and again"
    free(limit)
    busy.shutdown()
    small.shutdown()


def test_nobody_starves_when_two_flows_keep_asking() -> None:
    limit, meter = Limit(1), Meter()
    flows = shared(limit, meter, pool=1)
    done = [0, 0]
    owed: list[int] = []  # whose turn is next: who stood in line while the other one ran
    assert limit.acquire(None), "until both stand in line"

    def again(routine: Routine, i: int) -> None:
        assert owed in ([], [i]), "they take turns"
        done[i] += 1
        if done[i] < 300:
            routine.emit("out")
        owed[:] = [1 - i] * limit.waiting  # our own only worker is here, so it is the other

    for i, flow in enumerate(flows):
        flow.add_routine(node(lambda r, i=i: again(r, i), limit=limit), "again")
        flow.connect("again", "out", "again", "trigger")
    for flow in flows:
        flow.execute("again")
    wait_until(lambda: limit.waiting == 2)
    limit.release()
    for flow in flows:
        idle(flow)
        flow.shutdown()
    assert done == [300, 300]
    free(limit)


def test_permits_come_back_from_errors_retries_and_coroutines_of_cancelled_jobs() -> None:
    limit, meter = Limit(2), Meter()
    flow = Flow("f", "concurrent", 3)

    async def sleep(**_: Any) -> None:
        with meter.inside():
            await asyncio.Event().wait()

    def fail(routine: Routine, x: int) -> None:
        if routine.increment_stat(f"tries of {x}") < 3:
            raise OSError("again")

    routine = Routine()
    routine.define_slot("trigger", sleep, limit=limit)
    flow.add_routine(routine, "sleep")
    flow.add_routine(node(fail, limit=limit), "fail")
    flow.routines["fail"].set_error_handler(
        ErrorHandler("retry", max_retries=5, retry_delay=0.0001)
    )
    sleepers = [flow.execute("sleep") for _ in range(6)]
    wait_until(lambda: meter.now == 2)
    failing = [flow.execute("fail", {"x": x}) for x in range(6)]
    for job in sleepers:
        flow.cancel(job)
    idle(flow)
    assert {job.status for job in sleepers} == {"cancelled"}
    assert {job.status for job in failing} == {"completed"}
    free(limit)
    flow.shutdown()


def test_jobs_that_are_cancelled_while_they_wait_for_a_permit_leave_the_line() -> None:
    limit = Limit(1)
    began = threading.Event()
    with gate() as go:

        def hold(_routine: Routine) -> None:
            began.set()
            arrive(go)

        flow = Flow("f", "concurrent", 2)
        flow.add_routine(node(hold, limit=limit), "n0")
        first = flow.execute("n0")
        arrive(began)
        waiting = [flow.execute("n0") for _ in range(20)]
        wait_until(lambda: limit.waiting == 20)
        for job in waiting:
            flow.cancel(job)
        go.set()
        idle(flow)
    assert first.status == "completed"
    assert {job.status for job in waiting} == {"cancelled"}
    assert sum(job.dropped for job in waiting) == 20
    free(limit)
    flow.shutdown()


@pytest.mark.parametrize("pool", [1, 4])
def test_an_actor_runs_one_at_a_time_in_the_order_of_arrival(pool: int) -> None:
    meter = Meter()
    got: list[int] = []

    def actor(_routine: Routine, x: int) -> None:
        with meter.inside():
            got.append(x)

    flow = Flow("f", "concurrent", pool)
    flow.add_routine(node(actor, max_concurrency=1), "actor")
    for x in range(500):
        flow.execute("actor", {"x": x})
    idle(flow)
    assert meter.most == 1
    assert got == list(range(500))
    flow.shutdown()


def test_a_slot_that_has_no_permit_costs_no_thread() -> None:
    began = threading.Event()
    with gate() as go:

        def hold(_routine: Routine) -> None:
            began.set()
            arrive(go)

        flow = Flow("f", "concurrent", 2)
        flow.add_routine(node(hold, max_concurrency=1), "actor")
        flow.add_routine(node(lambda r: r.increment_stat("n")), "free")
        for _ in range(50):
            flow.execute("actor")
        arrive(began)
        for _ in range(20):
            assert flow.execute("free").wait(SECONDS)
        go.set()
        idle(flow)
    flow.shutdown()


@pytest.mark.parametrize("permits", [0, -1, True, 1.5, "2", None])
def test_a_limit_is_a_whole_number_of_at_least_one(permits: Any) -> None:
    with pytest.raises(InvalidValueError, match="whole number of at least 1"):
        Limit(permits)


# the worker budget of the process -----------------------------------------------------------------


@contextmanager
def at_most(count: int) -> Iterator[None]:
    before = worker_budget.taken
    limit_workers(count)
    try:
        yield
    finally:
        limit_workers(None)
    wait_until(lambda: worker_budget.taken <= before, "the threads to be given back")


def test_all_flows_together_keep_to_the_worker_limit_and_each_makes_progress() -> None:
    wait_until(lambda: not workers())
    most = 0
    lock = threading.Lock()
    flows = [Flow(f"f{i}", "concurrent", 8) for i in range(3)]

    def look(routine: Routine) -> None:
        nonlocal most
        routine.increment_stat("n")
        with lock:
            most = max(most, len(workers()))

    with at_most(4):
        for flow in flows:
            chain(flow, look)
        for _ in range(50):
            for flow in flows:
                flow.execute("n0")
        for flow in flows:
            idle(flow)
            assert flow.routines["n0"].get_stat("n") == 50
        assert most <= 4
        for flow in flows:
            flow.shutdown()


def test_a_flow_without_a_thread_gets_one_although_the_limit_is_reached() -> None:
    with gate() as go, at_most(1):
        busy, other = Flow("busy", "concurrent", 2), Flow("other", "concurrent", 2)
        began = threading.Event()

        def hold(_routine: Routine) -> None:
            began.set()
            arrive(go)

        chain(busy, hold)
        chain(other, lambda r: r.increment_stat("n"))
        busy.execute("n0")
        arrive(began)
        for _ in range(10):
            assert other.execute("n0").wait(SECONDS)
        go.set()
        idle(busy)
        busy.shutdown()
        other.shutdown()


def test_a_nested_wait_makes_progress_under_the_worker_limit() -> None:
    with at_most(1):
        flow = Flow("f", "concurrent", 4)
        outside: list[Any] = []

        def wait(_routine: Routine) -> None:
            assert outside[0].wait(SECONDS)

        with gate() as go:
            flow.add_routine(node(wait), "wait")
            flow.add_routine(node(lambda _r: arrive(go)), "first")
            flow.add_routine(node(lambda _r: None), "second")
            flow.execute("first")
            waiter_ready = flow.execute("wait")
            outside.append(flow.execute("second"))
            go.set()
            assert waiter_ready.wait(SECONDS)
            assert waiter_ready.status == "completed", waiter_ready.error
        flow.shutdown()


@pytest.mark.parametrize("count", [0, -3, True, 2.0, "4"])
def test_a_worker_limit_that_makes_no_sense_is_refused(count: Any) -> None:
    with pytest.raises(InvalidValueError, match="number of workers"):
        limit_workers(count)
