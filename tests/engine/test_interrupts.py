"""Ctrl+C, shutdown, and what users do wrong: nothing hangs, and the interpreter always leaves."""

import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import pytest

from routilux import Flow, JobState, Routine
from tests.engine.building import chain, idle, node, passing, workers
from tests.waiting import SECONDS, arrive, gate, in_threads, wait_until

BOTH = pytest.mark.parametrize("strategy", ["sequential", "concurrent"])
ROOT = Path(__file__).parents[2]

HEAD = """
import logging, os, signal, sys, threading, time
from routilux import *
from tests.engine.building import chain, node, passing
logging.getLogger("routilux").setLevel(logging.CRITICAL)

def interrupt_when(condition):
    # Ctrl+C, again and again until it was taken: a signal may come just before a wait begins.
    def press():
        while not condition():
            time.sleep(0.001)
        os.kill(os.getpid(), signal.SIGINT)
    threading.Thread(target=press, daemon=True).start()

stuck = threading.Event()  # nobody sets it
"""


def run(body: str, expected: int = 0) -> str:
    script = HEAD + textwrap.dedent(body)
    ended = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=20,
        cwd=ROOT,
        check=False,
    )
    assert ended.returncode == expected, ended.stderr
    return ended.stdout


# Ctrl+C -------------------------------------------------------------------------------------------


def test_ctrl_c_leaves_a_wait_at_once_and_the_flow_is_usable() -> None:
    assert "usable" in run("""
        go = threading.Event()
        flow = Flow("f", "concurrent", 2)
        chain(flow, lambda r: go.wait(10), lambda r: None)
        flow.add_routine(node(lambda r: r.increment_stat("n")), "free")
        job = flow.execute("n0")
        interrupt_when(lambda: flow._scheduler._waiters)
        try:
            flow.wait_for_completion()
        except KeyboardInterrupt:
            assert not job.done
            assert flow.execute("free").wait(5)
            go.set()
            assert flow.wait_for_completion(5)
            assert job.status == "completed"
            assert flow.shutdown(timeout=5)
            print("usable")
    """)


def test_ctrl_c_leaves_a_sequential_execute_at_once_and_the_flow_is_usable() -> None:
    assert "usable" in run("""
        flow = Flow("f")
        began = threading.Event()
        chain(flow, lambda r: (began.set(), stuck.wait(10), r.emit("out")), passing)
        flow.add_routine(node(lambda r: r.increment_stat("n")), "free")
        interrupt_when(began.is_set)
        try:
            flow.execute("n0")
        except KeyboardInterrupt:
            (job,) = flow.get_all_executions()
            assert job.status == "failed", job
            assert isinstance(job.error, KeyboardInterrupt)
            assert flow.execute("free").status == "completed"
            assert flow.wait_for_completion(5)
            assert flow.shutdown(timeout=5)
            print("usable")
    """)


def test_ctrl_c_leaves_a_sequential_execute_that_waits_for_a_coroutine() -> None:
    assert "usable" in run("""
        import asyncio
        flow = Flow("f")
        began = threading.Event()

        async def sleep(**_):
            began.set()
            await asyncio.sleep(3600)

        routine = Routine()
        routine.define_slot("trigger", sleep)
        flow.add_routine(routine, "sleep")
        flow.add_routine(node(lambda r: r.increment_stat("n")), "free")
        interrupt_when(began.is_set)
        try:
            flow.execute("sleep")
        except KeyboardInterrupt:
            assert flow.wait_for_completion(5)
            assert flow.execute("free").status == "completed"
            assert flow.shutdown(timeout=5)
            print("usable")
    """)


def test_a_second_ctrl_c_leaves_the_shutdown_and_the_interpreter_ends_at_once() -> None:
    out = run(
        """
        import warnings
        warnings.simplefilter("ignore")
        flow = Flow("f", "concurrent", 2)
        chain(flow, lambda r: stuck.wait())
        flow.execute("n0")
        interrupt_when(lambda: flow._scheduler._waiters)
        try:
            flow.wait_for_completion()
        finally:
            print("first", flush=True)
            interrupt_when(lambda: flow._scheduler._waiters)
            try:
                flow.shutdown()
            finally:
                print("second", flush=True)
        """,
        expected=-signal.SIGINT,
    )
    assert out.split() == ["first", "second"]


def test_ctrl_c_leaves_an_execute_that_waits_for_room_in_a_full_slot() -> None:
    assert "usable" in run("""
        go = threading.Event()
        flow = Flow("f", "concurrent", 1)
        flow.add_routine(
            node(lambda r: go.wait(10), max_queue=1, max_concurrency=1, block_timeout=60), "n0")
        flow.execute("n0")
        box = flow.routines["n0"].get_slot("trigger").mailbox
        while len(box):
            time.sleep(0.001)
        flow.execute("n0")
        interrupt_when(lambda: box.blocked)
        try:
            flow.execute("n0")
        except KeyboardInterrupt:
            go.set()
            assert flow.wait_for_completion(5), vars(box)
            assert (box.blocked, box._reserved) == (0, 0)
            assert flow.shutdown(timeout=5)
            print("usable")
    """)


@BOTH
def test_the_interpreter_leaves_although_handlers_and_coroutines_are_stuck(strategy: str) -> None:
    assert "leaving" in run(f"""
        import asyncio, warnings
        warnings.simplefilter("ignore")
        flow = Flow("f", {strategy!r}, 2)
        began = threading.Semaphore(0)

        async def sleep(**_):
            began.release()
            await asyncio.sleep(3600)

        async def nested(**_):
            await flow.aexecute("stuck")

        for name, handler in (("sleep", sleep), ("nested", nested)):
            routine = Routine()
            routine.define_slot("trigger", handler)
            flow.add_routine(routine, name)
        flow.add_routine(node(lambda r: (began.release(), stuck.wait())), "stuck")
        for name in ("sleep", "nested") if flow.max_workers > 1 else ("nested",):
            threading.Thread(target=flow.execute, args=(name,), daemon=True).start()
            began.acquire()
        print("leaving")
    """)


# shutdown -----------------------------------------------------------------------------------------


@BOTH
def test_an_emit_and_an_execute_after_shutdown_run_as_before(strategy: str) -> None:
    flow = Flow("f", strategy, 2)
    chain(flow, passing, lambda r, **_: r.increment_stat("n"))
    flow.execute("n0")
    idle(flow)
    assert flow.shutdown(timeout=SECONDS)
    assert flow.shutdown(timeout=SECONDS)
    flow.routines["n0"].emit("out")
    idle(flow)
    assert flow.execute("n0").wait(SECONDS)
    assert flow.routines["n1"].get_stat("n") == 3
    assert flow.shutdown(timeout=SECONDS)
    assert not workers()


def test_executes_that_race_with_shutdowns_are_all_done() -> None:
    flow = Flow("f", "concurrent", 3)
    chain(flow, passing, passing, lambda r, **_: r.increment_stat("n"))

    def act(number: int) -> list[JobState]:
        if number == 0:
            for _ in range(40):
                assert flow.shutdown(timeout=SECONDS)
            return []
        return [flow.execute("n0") for _ in range(100)]

    jobs = [job for found in in_threads(4, act) for job in found]
    idle(flow)
    assert flow.routines["n2"].get_stat("n") == 300
    assert {job.status for job in jobs} == {"completed"}
    assert flow.shutdown(timeout=SECONDS)
    assert not workers()


def test_a_shutdown_in_vain_names_the_threads_and_where_they_are_stuck() -> None:
    began = threading.Semaphore(0)
    with gate() as go:

        def hold(_routine: Routine) -> None:
            began.release()
            arrive(go)

        flow = Flow("f", "concurrent", 3)
        chain(flow, hold)
        flow.add_routine(node(hold, max_concurrency=1), "limited")
        flow.execute("n0")
        flow.execute("limited")
        for _ in range(2):
            assert began.acquire(timeout=SECONDS)
        with pytest.warns(RuntimeWarning) as caught:
            assert flow.shutdown(timeout=0.01) is False
        text = str(caught[0].message)
        assert "2 threads" in text
        for routine in ("n0", "limited"):
            assert f"in slot 'trigger' of routine '{routine}' (Routine) of flow 'f'" in text
        assert "routilux-f-1" in text
        assert "routilux-f-2" in text
        go.set()
        idle(flow)
    wait_until(lambda: not workers())


# what users do wrong ------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("slot", [{}, {"max_queue": 2}, {"max_concurrency": 1}], ids=str)
def test_a_loop_of_many_emits_does_not_grow_the_stack(strategy: str, slot: dict[str, Any]) -> None:
    count = 100_000 if not slot else 20_000
    flow = Flow("f", strategy, 2)
    seen = [0]

    def again(routine: Routine, n: int) -> None:
        seen[0] += 1
        if n:
            routine.emit("out", n=n - 1)

    flow.add_routine(node(again, **slot), "n0")
    flow.connect("n0", "out", "n0", "trigger")
    job = flow.execute("n0", {"n": count - 1})
    assert job.wait(SECONDS)
    assert job.status == "completed"
    assert seen[0] == count
    flow.shutdown()


@BOTH
def test_a_handler_that_raises_while_it_holds_the_users_lock_releases_it(strategy: str) -> None:
    lock = threading.Lock()

    def fail(_routine: Routine) -> None:
        with lock:
            raise ValueError("no")

    flow = Flow("f", strategy, 2)
    chain(flow, fail)
    for _ in range(20):
        job = flow.execute("n0")
        assert job.wait(SECONDS)
        assert job.status == "failed"
    assert not lock.locked()
    flow.shutdown()
