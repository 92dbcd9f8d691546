"""Jobs that handlers execute and wait for: no pool is too small, and no circle hangs."""

import threading
from typing import Any

import pytest

from routilux import ErrorHandler, Flow, JobState, Routine, SelfDeadlockError
from tests.engine.building import chain, idle, node, passing
from tests.waiting import SECONDS, Call, arrive, gate, wait_until

BOTH = pytest.mark.parametrize("strategy", ["sequential", "concurrent"])
KINDS = pytest.mark.parametrize(
    ("strategy", "pool"), [("sequential", 1), ("concurrent", 1), ("concurrent", 4)]
)


def ended(job: JobState, status: str = "completed") -> None:
    assert job.wait(SECONDS), job
    assert job.status == status, job.error


@KINDS
def test_a_handler_executes_a_job_waits_for_it_and_reads_its_result(
    strategy: str, pool: int
) -> None:
    flow = Flow("f", strategy, pool)
    seen: list[Any] = []

    def outer(_routine: Routine) -> None:
        job = flow.execute("n0")
        ended(job)
        seen.append(flow.routines["n2"].get_stat("n"))

    chain(flow, passing, passing, lambda r: r.increment_stat("n"))
    flow.add_routine(node(outer), "outer")
    ended(flow.execute("outer"))
    assert seen == [1]
    idle(flow)
    flow.shutdown()


@KINDS
def test_nested_jobs_go_fifty_deep(strategy: str, pool: int) -> None:
    flow = Flow("f", strategy, pool)
    depths: list[int] = []

    def dig(_routine: Routine, depth: int) -> None:
        if depth < 50:
            ended(flow.execute("n0", {"depth": depth + 1}))
        depths.append(depth)

    chain(flow, dig)
    ended(flow.execute("n0", {"depth": 0}))
    assert depths == list(range(50, -1, -1))
    flow.shutdown()


@KINDS
def test_a_fan_of_nested_jobs_ends_before_what_was_queued_long_ago(
    strategy: str, pool: int
) -> None:
    flow = Flow("f", strategy, pool)
    behind: list[int] = []

    def outer(routine: Routine) -> None:
        for x in range(10_000):
            routine.emit("out", x=x)
        jobs = [flow.execute("n0") for _ in range(20)]
        for job in jobs:
            ended(job)
        behind.append(len(flood))

    flood: list[int] = []
    chain(flow, passing, lambda r: r.increment_stat("n"))
    flow.add_routine(node(outer), "outer")
    flow.add_routine(node(lambda _r, x: flood.append(x)), "flood")
    flow.connect("outer", "out", "flood", "trigger")
    ended(flow.execute("outer"))
    idle(flow)
    assert flow.routines["n1"].get_stat("n") == 20
    assert sorted(flood) == list(range(10_000))
    if pool == 1:  # else other workers run it meanwhile
        assert behind[0] < 9_000, "the nested jobs did not wait for all of it"
    flow.shutdown()


@KINDS
def test_a_handler_may_wait_for_a_job_that_was_started_outside(strategy: str, pool: int) -> None:
    flow = Flow("f", strategy, pool)
    outside: list[JobState] = []
    with gate() as known, gate() as began:

        def wait(_routine: Routine) -> None:
            began.set()
            arrive(known)
            ended(outside[0])

        flow.add_routine(node(wait), "wait")
        chain(flow, passing, lambda r: r.increment_stat("n"))
        waiter = Call(flow.execute, "wait")
        arrive(began)
        other = Call(flow.execute, "n0")
        wait_until(lambda: len(flow.get_all_executions()) == 2)
        outside.append(flow.get_all_executions()[1])
        known.set()
        ended(waiter.result())
        ended(other.result())
    assert flow.routines["n1"].get_stat("n") == 1
    flow.shutdown()


def test_jobs_that_wait_for_each_other_get_an_error_instead_of_a_hang() -> None:
    flow = Flow("f", "concurrent", 4)
    jobs: dict[str, JobState] = {}
    with gate() as known:

        def wait(_routine: Routine, other: str) -> None:
            arrive(known)
            jobs[other].wait()

        flow.add_routine(node(wait), "n0")
        for name, other in (("a", "b"), ("b", "c"), ("c", "a")):
            jobs[name] = flow.execute("n0", {"other": other})
        known.set()
        idle(flow)
    failed = [job for job in jobs.values() if job.status == "failed"]
    assert len(failed) == 1
    assert isinstance(failed[0].error, SelfDeadlockError)
    assert "would wait for each other" in str(failed[0].error)
    assert not any(job.extra.waits_for for job in jobs.values())
    flow.shutdown()


@pytest.mark.parametrize("pool", [1, 2])
def test_jobs_of_two_flows_that_wait_for_each_other_get_an_error_too(pool: int) -> None:
    flows = [Flow(f"f{i}", "concurrent", pool) for i in range(2)]
    jobs: list[JobState] = []
    with gate() as known:

        def wait(_routine: Routine, other: int) -> None:
            arrive(known)
            jobs[other].wait()

        for flow in flows:
            flow.add_routine(node(wait), "n0")
        jobs += [flows[0].execute("n0", {"other": 1}), flows[1].execute("n0", {"other": 0})]
        known.set()
        for flow in flows:
            idle(flow)
    assert sorted(job.status for job in jobs) == ["completed", "failed"]
    for flow in flows:
        flow.shutdown()


@BOTH
def test_a_job_that_waits_for_itself_is_told_so(strategy: str) -> None:
    flow = Flow("f", strategy, 2)

    def wait(routine: Routine) -> None:
        context = routine.get_execution_context()
        assert context is not None
        context.job_state.wait(SECONDS)

    chain(flow, wait)
    job = flow.execute("n0")
    ended(job, "failed")
    assert isinstance(job.error, SelfDeadlockError)
    flow.shutdown()


@KINDS
def test_flows_that_call_each_other_from_their_handlers_go_on(strategy: str, pool: int) -> None:
    first, second = Flow("first", strategy, pool), Flow("second", strategy, pool)

    def forth(_routine: Routine, depth: int) -> None:
        if depth:
            ended(second.execute("n0", {"depth": depth - 1}))

    def back(_routine: Routine, depth: int) -> None:
        if depth:
            ended(first.execute("n0", {"depth": depth - 1}))

    chain(first, forth)
    chain(second, back)
    ended(first.execute("n0", {"depth": 6}))
    first.shutdown()
    second.shutdown()


@KINDS
def test_a_wait_with_a_timeout_in_a_handler_gives_up_in_time(strategy: str, pool: int) -> None:
    flow = Flow("f", strategy, pool)
    seen: list[bool] = []
    with gate() as go:

        def outer(_routine: Routine) -> None:
            job = flow.execute("n0")
            flow.pause(job, timeout=0)
            seen.append(job.wait(0.01))
            seen.append(job.wait(0))
            flow.resume(job)
            seen.append(job.wait(SECONDS))

        go.set()
        chain(flow, lambda r: r.increment_stat("n"))
        flow.add_routine(node(outer), "outer")
        ended(flow.execute("outer"))
    assert seen == [False, False, True]
    flow.shutdown()


@KINDS
def test_a_nested_job_that_fails_fails_alone(strategy: str, pool: int) -> None:
    flow = Flow("f", strategy, pool)

    def outer(_routine: Routine) -> None:
        job = flow.execute("n0")
        ended(job, "failed")
        assert isinstance(job.error, ZeroDivisionError)

    chain(flow, passing, lambda _r: 1 // 0)
    flow.add_routine(node(outer), "outer")
    ended(flow.execute("outer"))
    flow.shutdown()


@KINDS
def test_a_nested_job_that_is_tried_again_ends_while_its_handler_waits(
    strategy: str, pool: int
) -> None:
    flow = Flow("f", strategy, pool)
    flow.error_handler = ErrorHandler("retry", max_retries=5, retry_delay=0.001)

    def fail(routine: Routine) -> None:
        if routine.increment_stat("tries") < 3:
            raise OSError("again")

    chain(flow, passing, fail)
    flow.add_routine(node(lambda _r: ended(flow.execute("n0"))), "outer")
    ended(flow.execute("outer"))
    assert flow.routines["n1"].get_stat("tries") == 3
    flow.shutdown()


@KINDS
def test_a_nested_job_may_be_paused_and_resumed_by_others_while_its_handler_waits(
    strategy: str, pool: int
) -> None:
    flow = Flow("f", strategy, pool)
    nested: list[JobState] = []
    with gate() as go:

        def outer(_routine: Routine) -> None:
            job = flow.execute("n0")
            assert flow.pause(job)
            nested.append(job)
            ended(job)

        chain(flow, passing, lambda r: r.increment_stat("n"))
        flow.add_routine(node(outer), "outer")
        call = Call(flow.execute, "outer")
        wait_until(lambda: nested and nested[0].extra.helpers == 1, "the handler to wait")
        assert [task.routine_id for task in nested[0].pending_tasks] == ["n0"]
        assert flow.routines["n1"].get_stat("n", 0) == 0
        flow.resume(nested[0])
        go.set()
        ended(call.result())
    assert nested[0].status == "completed"
    assert flow.routines["n1"].get_stat("n") == 1
    flow.shutdown()


@KINDS
def test_a_nested_job_may_be_cancelled_by_others_while_its_handler_waits(
    strategy: str, pool: int
) -> None:
    flow = Flow("f", strategy, pool)
    nested: list[JobState] = []

    def outer(_routine: Routine) -> None:
        job = flow.execute("n0")
        assert flow.pause(job)
        nested.append(job)
        ended(job, "cancelled")

    chain(flow, lambda r: r.increment_stat("n"))
    flow.add_routine(node(outer), "outer")
    call = Call(flow.execute, "outer")
    wait_until(lambda: nested and nested[0].extra.helpers == 1, "the handler to wait")
    flow.cancel(nested[0])
    ended(call.result())
    assert flow.routines["n0"].get_stat("n", 0) == 0
    assert nested[0].dropped == 1
    flow.shutdown()


def test_pausing_the_outer_job_sees_its_handler_run_although_a_nested_one_was_paused() -> None:
    flow = Flow("f", "concurrent", 2)
    nested: list[JobState] = []
    with gate() as go, gate() as back:

        def inner(_routine: Routine) -> None:
            arrive(go)

        def outer(_routine: Routine) -> None:
            nested.append(flow.execute("n0"))
            nested[0].wait(0.05)
            arrive(back)

        chain(flow, inner)
        flow.add_routine(node(outer), "outer")
        job = flow.execute("outer")
        wait_until(lambda: nested)
        flow.pause(nested[0], timeout=0)
        go.set()
        assert flow.pause(nested[0], timeout=SECONDS)
        assert flow.pause(job, timeout=0.05) is False, "its handler still runs"
        back.set()
        flow.resume(nested[0])
        flow.resume(job)
        ended(job)
    idle(flow)
    flow.shutdown()


@pytest.mark.parametrize(("strategy", "pool"), [("sequential", 1), ("concurrent", 1)])
def test_a_handler_that_waits_while_it_holds_its_own_reentrant_lock_goes_on(
    strategy: str, pool: int
) -> None:
    flow = Flow("f", strategy, pool)
    lock = threading.RLock()

    def outer(_routine: Routine) -> None:
        with lock:
            ended(flow.execute("n0"))

    def inner(routine: Routine) -> None:
        with lock:
            routine.increment_stat("n")

    chain(flow, passing, inner)
    flow.add_routine(node(outer), "outer")
    ended(flow.execute("outer"))
    assert flow.routines["n1"].get_stat("n") == 1
    flow.shutdown()


@KINDS
def test_waiting_for_the_whole_flow_in_a_handler_is_refused(strategy: str, pool: int) -> None:
    flow = Flow("f", strategy, pool)
    chain(flow, lambda _r: flow.wait_for_completion())
    job = flow.execute("n0")
    ended(job, "failed")
    assert isinstance(job.error, SelfDeadlockError)
    flow.shutdown()


def test_many_handlers_wait_for_nested_jobs_at_once_and_the_pool_is_as_before() -> None:
    flow = Flow("f", "concurrent", 3)

    def outer(_routine: Routine) -> None:
        for _ in range(3):
            ended(flow.execute("n0"))

    chain(flow, passing, passing, lambda r: r.increment_stat("n"))
    flow.add_routine(node(outer), "outer")
    jobs = [flow.execute("outer") for _ in range(60)]
    for job in jobs:
        ended(job)
    idle(flow)
    assert flow.routines["n2"].get_stat("n") == 180
    threads = flow._threads
    assert threads is not None
    assert len(threads.running()) <= 3
    flow.shutdown()


def test_a_worker_that_waits_lends_the_pool_a_thread_and_takes_it_back() -> None:
    flow = Flow("f", "concurrent", 1)
    outside: list[JobState] = []
    with gate() as known:

        def wait(_routine: Routine) -> None:
            arrive(known)
            ended(outside[0])

        flow.add_routine(node(wait), "wait")
        chain(flow, lambda r: r.increment_stat("n"))
        waiting = [flow.execute("wait") for _ in range(5)]
        outside.append(flow.execute("n0"))
        known.set()
        for job in waiting:
            ended(job)
    idle(flow)
    pool: Any = flow._threads
    wait_until(lambda: pool._room + len([t for t in pool._threads if t.is_alive()]) == 1)
    assert pool._lent == 0
    flow.shutdown()


def test_a_foreign_thread_inside_of_a_job_may_wait_for_another_job() -> None:
    flow = Flow("f", "concurrent", 1)
    chain(flow, passing, lambda r: r.increment_stat("n"))
    with gate() as go:
        flow.add_routine(node(lambda _r: arrive(go)), "hold")
        holding = flow.execute("hold")

        def work() -> None:
            job = flow.execute("n0")
            go.set()
            ended(job)

        holding.run(work)
    ended(holding)
    assert flow.routines["n1"].get_stat("n") == 1
    flow.shutdown()
