"""A fork while workers run: the child can use the flow, and the parent notices nothing."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")

ROOT = Path(__file__).parents[2]

#: What each script begins with. ``in_child`` runs a function in a fork, which must end in time.
HEAD = """
import asyncio, logging, os, signal, sys, threading, time
from routilux import *
from routilux.limits import worker_budget
from tests.engine.building import chain, node, passing
signal.alarm(20)  # kills what hangs
logging.getLogger("routilux").setLevel(logging.CRITICAL)

def until(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.0005)

def in_child(function):
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        signal.alarm(10)
        code = 1
        try:
            function()
            code = 0
        except BaseException:
            import traceback
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0, "the child failed"
"""


def run(body: str, times: int = 1) -> None:
    """Run a script in a process of its own, where nothing but its own threads can be in the way."""
    script = HEAD + textwrap.dedent(body)
    for _ in range(times):
        ended = subprocess.run(
            [sys.executable, "-W", "ignore::DeprecationWarning", "-c", script],
            capture_output=True,
            text=True,
            timeout=25,
            cwd=ROOT,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        assert "done" in ended.stdout


def test_the_child_of_a_fork_uses_the_flow_again_and_its_open_jobs_are_lost_there() -> None:
    run("""
        go = threading.Event()
        flow = Flow("f", "concurrent", 4)
        chain(flow, lambda r: (go.wait(10), r.emit("out")), lambda r: r.increment_stat("n"))
        flow.add_routine(node(lambda r: r.increment_stat("n")), "free")
        jobs = [flow.execute("n0") for _ in range(10)]
        until(lambda: len(flow._threads.running()) == 4)

        def child():
            for job in jobs:
                assert job.done and job.status == "failed"
                assert isinstance(job.error, JobLostError)
                assert "forked" in str(job.error)
                assert job.wait(1)
            assert flow.wait_for_completion(5)
            for _ in range(20):
                new = flow.execute("free")
                assert new.wait(5) and new.status == "completed"
            flow.routines["free"].emit  # the routine's own lock is free
            assert flow.routines["free"].get_stat("n") == 20
            assert flow.execute("free", execution_strategy="sequential").status == "completed"
            assert flow.shutdown(timeout=5)

        in_child(child)
        go.set()
        assert flow.wait_for_completion(10)
        assert [job.status for job in jobs] == ["completed"] * 10
        assert flow.routines["n1"].get_stat("n") == 10
        assert "n" not in flow.routines["free"].stats()
        assert flow.shutdown(timeout=5)
        print("done")
    """)


def test_forks_at_any_moment_of_a_busy_flow_hang_nobody() -> None:
    run("""
        sys.setswitchinterval(1e-5)
        limit = Limit(2)
        flow = Flow("f", "concurrent", 4)

        def hop(routine, n):
            routine.increment_stat("n")
            if n:
                routine.emit("out", n=n - 1)

        flow.add_routine(node(hop), "n0")
        flow.add_routine(
            node(hop, max_queue=2, limit=limit, block_timeout=1.0, overflow="drop_oldest"), "n1")
        for a in ("n0", "n1"):
            for b in ("n0", "n1"):
                flow.connect(a, "out", b, "trigger")
        flow.add_routine(node(lambda r, **_: r.increment_stat("m"), limit=limit), "free")
        subscription = flow.bus.subscribe(Level.TRACE)

        def child():
            assert flow.wait_for_completion(5)
            job = flow.execute("free")
            assert job.wait(5) and job.status == "completed"
            job = flow.execute("n0", {"n": 4})
            assert job.wait(5) and job.status == "completed", job
            flow.connect("n0", "out", "free", "trigger")
            flow.pause(job)
            other = Flow("g")
            chain(other, passing)
            assert other.execute("n0").status == "completed"
            until(lambda: limit.taken == 0)
            flow.shutdown(timeout=5)
            assert not [t for t in threading.enumerate() if t.name.startswith("routilux-f-")]

        job = flow.execute("n0", {"n": 11})
        for _ in range(25):
            if job.done:
                job = flow.execute("n0", {"n": 11})
            in_child(child)
        flow.cancel(job)
        assert flow.wait_for_completion(10)
        until(lambda: limit.taken == 0)
        assert flow.shutdown(timeout=5)
        print("done")
    """)


def test_retries_timers_and_coroutines_are_forgotten_in_the_child_and_new_ones_work() -> None:
    run("""
        flow = Flow("f", "concurrent", 2)

        def fail(routine):
            if routine.increment_stat("tries") == 1:
                raise OSError("again")

        async def sleep(**_):
            await asyncio.sleep(0 if quick else 3600)

        quick = False
        flow.add_routine(node(fail), "fail")
        flow.routines["fail"].set_error_handler(ErrorHandler("retry", retry_delay=0.2))
        slow = Routine()
        slow.define_slot("trigger", sleep)
        flow.add_routine(slow, "sleep")
        failing, sleeping = flow.execute("fail"), flow.execute("sleep")
        until(lambda: failing.retries_waiting and flow._loop.running(sleeping))

        def child():
            global quick
            quick = True
            assert failing.done and sleeping.done
            assert flow.routines["fail"].get_stat("tries") == 1
            flow.routines["fail"].set_stat("tries", 0)
            job = flow.execute("fail")
            assert job.wait(5) and job.status == "completed", job
            job = flow.execute("sleep")
            assert job.wait(5) and job.status == "completed", job
            assert flow.routines["fail"].get_stat("tries") == 2
            assert flow.shutdown(timeout=5)

        in_child(child)
        assert failing.wait(5) and failing.status == "completed"
        flow.cancel(sleeping)
        assert flow.wait_for_completion(5)
        assert flow.shutdown(timeout=5)
        print("done")
    """)


@pytest.mark.parametrize("strategy", ["sequential", "concurrent"])
def test_a_handler_may_fork_and_its_child_leaves_by_itself(strategy: str) -> None:
    run(f"""
        flow = Flow("f", {strategy!r}, 2)

        def fork(routine):
            def child():
                context = routine.get_execution_context()
                assert context.job_state.status == "failed"
                new = flow.execute("free")
                assert new.wait(5) and new.status == "completed", new

            in_child(child)
            routine.emit("out")

        chain(flow, fork, lambda r: r.increment_stat("n"))
        flow.add_routine(node(lambda r: r.increment_stat("n")), "free")
        job = flow.execute("n0")
        assert job.wait(10) and job.status == "completed", job.error
        assert flow.routines["n1"].get_stat("n") == 1
        assert flow.shutdown(timeout=5)
        print("done")
    """)


def test_the_worker_budget_of_the_child_counts_its_own_threads_only() -> None:
    run("""
        limit_workers(2)
        go = threading.Event()
        flow = Flow("f", "concurrent", 4)
        chain(flow, lambda r: go.wait(10))
        jobs = [flow.execute("n0") for _ in range(4)]
        until(lambda: worker_budget.taken == 2)

        def child():
            go.set()
            assert worker_budget.taken == 0
            for _ in range(4):
                assert flow.execute("n0").wait(5)
            assert worker_budget.taken <= 2
            assert flow.shutdown(timeout=5)
            assert worker_budget.taken == 0

        in_child(child)
        go.set()
        assert flow.wait_for_completion(5)
        flow.shutdown(timeout=5)
        print("done")
    """)


def test_the_ready_routines_can_be_used_in_the_child_whoever_held_their_locks() -> None:
    run("""
        from routilux.builtin import (
            Aggregator, Batcher, ConditionalRouter, Debouncer, RateLimiter, Throttle)
        kinds = [Aggregator, Batcher, ConditionalRouter, Debouncer, RateLimiter, Throttle]
        flow = Flow("f")
        for kind in kinds:
            flow.add_routine(kind(), kind.__name__)
        held, go = threading.Barrier(len(kinds) + 1), threading.Event()

        def hold(routine):
            with routine._lock:
                held.wait(10)
                go.wait(10)

        threads = [threading.Thread(target=hold, args=(flow.routines[k.__name__],)) for k in kinds]
        for thread in threads:
            thread.start()
        held.wait(10)

        def child():
            for routine in flow.routines.values():
                assert routine._lock.acquire(timeout=5), routine

        in_child(child)
        go.set()
        print("done")
    """)


def test_the_counters_of_the_child_begin_with_nothing_and_are_right() -> None:
    run("""
        flow = Flow("f", "concurrent", 2)
        go = threading.Event()
        flow.add_routine(node(lambda r: go.wait(10)), "slow")
        flow.add_routine(node(lambda r: None), "free")
        subscription = flow.bus.subscribe()
        for _ in range(6):
            flow.execute("slow")
        until(lambda: len(flow._threads.running()) == 2)
        subscription.read()

        def child():
            for _ in range(5):
                assert flow.execute("free").wait(5)
            counts = [c for lane in flow.bus.lanes() for c in lane.counts().values()]
            queued = sum(sum(lane.queued().values()) for lane in flow.bus.lanes())
            assert queued == sum(c.started for c in counts) == sum(c.done for c in counts) == 5
            done = [r for r in subscription.read() if r.kind == Kind.ACTIVATION]
            assert len(done) == 5, done

        in_child(child)
        go.set()
        assert flow.wait_for_completion(10)
        print("done")
    """)
