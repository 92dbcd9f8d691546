"""Pause, resume and cancel are handshakes, and no job has to wait for all of another one."""

import contextlib
import logging
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from routilux import ErrorHandler, Flow, JobState, ManualClock, Routine, inline
from routilux import gate as gating
from routilux import workers as pool_module
from routilux.control import running
from tests.engine.building import chain, idle, node, passing, workers
from tests.waiting import SECONDS, Call, arrive, gate, in_threads, wait_until

BOTH = pytest.mark.parametrize("strategy", ["sequential", "concurrent"])


@pytest.fixture
def quick_switching() -> Iterator[None]:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(interval)


class Tree:
    """Every message begets two with one hop less, in a flow of one routine; counts what ran."""

    def __init__(self, strategy: str = "concurrent", workers: int = 4, **slot: Any) -> None:
        self.flow = Flow("f", strategy, workers)
        self.flow.add_routine(node(self.hop, **slot), "n0")
        for _ in range(2):
            self.flow.connect("n0", "out", "n0", "trigger")
        self.ran: Counter[int] = Counter()  # by job
        self.lock = threading.Lock()

    def hop(self, routine: Routine, n: int) -> None:
        context = routine.get_execution_context()
        assert context is not None
        with self.lock:
            self.ran[context.job_state.number] += 1
        if n:
            routine.emit("out", n=n - 1)

    def size(self, n: int) -> int:
        return int(2 ** (n + 1) - 1)


# pause --------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("quick_switching")
@pytest.mark.parametrize("options", [{}, {"max_concurrency": 2}], ids=["plain", "limited"])
def test_no_activation_of_a_job_starts_after_pause_has_returned(options: dict[str, Any]) -> None:
    tree = Tree(**options)
    flow = tree.flow
    others = [flow.execute("n0", {"n": 6}) for _ in range(2)]
    job = flow.execute("n0", {"n": 9})
    for _ in range(150):
        assert flow.pause(job, timeout=SECONDS)
        before = tree.ran[job.number]
        for _ in range(20):
            threading.Event().wait(0.00001)
            assert tree.ran[job.number] == before
        flow.resume(job)
    idle(flow)
    assert tree.ran[job.number] == tree.size(9), "nothing lost, nothing twice"
    for other in others:
        assert tree.ran[other.number] == tree.size(6)
    assert job.status == "completed"
    assert job.dropped == 0
    flow.shutdown()


@pytest.mark.usefixtures("quick_switching")
def test_pending_tasks_of_a_paused_job_are_complete_and_exact() -> None:
    tree = Tree()
    flow = tree.flow
    job = flow.execute("n0", {"n": 8})
    for _ in range(40):
        assert flow.pause(job, timeout=SECONDS)
        rest = sum(tree.size(task.data["n"]) for task in job.pending_tasks)
        assert tree.ran[job.number] + rest == tree.size(8)
        flow.resume(job)
    idle(flow)
    assert tree.ran[job.number] == tree.size(8)
    assert job.pending_tasks == []
    flow.shutdown()


@pytest.mark.usefixtures("quick_switching")
@BOTH
def test_several_threads_pause_and_resume_one_job_and_nothing_is_lost(strategy: str) -> None:
    tree = Tree(strategy)
    flow = tree.flow
    began = Call(flow.execute, "n0", {"n": 9})
    wait_until(lambda: flow.get_all_executions())
    (job,) = flow.get_all_executions()

    def act(_number: int) -> None:
        for _ in range(30):
            flow.pause(job, timeout=0.001)
            flow.resume(job)

    in_threads(3, act)
    flow.resume(job)
    assert job.wait(SECONDS)
    began.result()
    assert tree.ran[job.number] == tree.size(9)
    assert job.status == "completed"
    flow.shutdown()


def test_other_jobs_go_on_while_one_is_paused_and_emits_made_meanwhile_are_kept() -> None:
    began = threading.Event()
    with gate() as go:

        def first(routine: Routine) -> None:
            began.set()
            arrive(go)
            for x in range(100):
                routine.emit("out", x=x)

        flow = Flow("f", "concurrent", 2)
        chain(flow, first, lambda r, x: r.increment_stat("n"))
        flow.add_routine(node(lambda r: r.increment_stat("n")), "other")
        job = flow.execute("n0")
        arrive(began)
        assert flow.pause(job, "look", {"step": 1}, timeout=0.01) is False
        go.set()
        assert flow.pause(job, timeout=SECONDS) is True
        assert flow.execute("other").wait(SECONDS)
        # Two workers may park what they took in either order.
        assert sorted(task.data["x"] for task in job.pending_tasks) == list(range(100))
        assert flow.routines["n1"].get_stat("n", 0) == 0
        assert not job.wait(0)
        assert flow.wait_for_completion(0) is False
        assert [point["reason"] for point in job.pause_points] == ["look", ""]
        flow.resume(job)
        assert job.wait(SECONDS)
    assert flow.routines["n1"].get_stat("n") == 100, "more than a window of them"
    flow.shutdown()


@BOTH
def test_a_handler_may_pause_its_own_job(strategy: str) -> None:
    flow = Flow("f", strategy, 2)

    def stop(routine: Routine) -> None:
        context = routine.get_execution_context()
        assert context is not None
        assert flow.pause(context.job_state, checkpoint="here")
        routine.emit("out")

    chain(flow, stop, lambda r: r.increment_stat("n"))
    job = Call(flow.execute, "n0").result()
    wait_until(lambda: job.pending_tasks)
    assert job.status == "paused"
    assert not job.done
    assert [task.routine_id for task in job.pending_tasks] == ["n1"]
    assert job.pause_points[-1]["checkpoint"] == "here"
    assert flow.resume(job) is job
    assert job.wait(SECONDS)
    assert job.status == "completed"
    assert flow.routines["n1"].get_stat("n") == 1
    flow.shutdown()


@BOTH
def test_a_job_is_paused_while_a_retry_waits_and_the_retry_comes_after_the_resume(
    strategy: str,
) -> None:
    clock = ManualClock()
    flow = Flow("f", strategy, 2, clock=clock)
    flow.error_handler = ErrorHandler("retry", max_retries=3, retry_delay=10.0)

    def fail(routine: Routine) -> None:
        if routine.increment_stat("tries") < 2:
            raise OSError("again")

    chain(flow, fail)
    call = Call(flow.execute, "n0")
    wait_until(lambda: flow.get_all_executions() and flow.get_all_executions()[0].retries_waiting)
    (job,) = flow.get_all_executions()
    assert flow.pause(job)
    assert call.result() is job
    (task,) = job.pending_tasks
    assert (task.routine_id, task.retries, task.delay) == ("n0", 1, 10.0)
    assert clock.advance(11.0) == 1
    wait_until(lambda: job.pending_tasks and job.pending_tasks[0].delay == 0.0)
    assert flow.routines["n0"].get_stat("tries") == 1
    Call(flow.resume, job).result()
    assert job.wait(SECONDS)
    assert job.status == "completed"
    assert flow.routines["n0"].get_stat("tries") == 2
    flow.shutdown()


@BOTH
def test_a_job_that_has_ended_only_gets_the_status_and_the_checkpoint(strategy: str) -> None:
    flow = Flow("f", strategy)
    chain(flow, passing)
    job = flow.execute("n0")
    assert job.wait(SECONDS)
    assert flow.pause(job, checkpoint=1)
    assert job.status == "paused"
    assert job.done
    assert job.pending_tasks == []
    flow.resume(job)
    assert job.status == "completed"
    flow.shutdown()


def test_the_calls_refuse_a_job_of_another_flow_and_the_ambient_job() -> None:
    flow, other = Flow("f"), Flow("other")
    chain(flow, passing)
    chain(other, passing)
    job = other.execute("n0")
    for call in (flow.pause, flow.resume, flow.cancel):
        with pytest.raises(ValueError, match="'other', not to flow 'f'"):
            call(job)
    flow.routines["n0"].emit("out")
    ambient = flow._scheduler._open_ambient()
    for call in (flow.pause, flow.cancel):
        with pytest.raises(ValueError, match="outside of any job"):
            call(ambient)
    flow._scheduler._release(ambient)
    with pytest.raises(ValueError, match="timeout"):
        flow.pause(flow.execute("n0"), timeout=-1)


@BOTH
def test_a_job_paused_within_and_resumed_many_times_runs_each_item_once(strategy: str) -> None:
    flow = Flow("f", strategy, 3)

    def step(routine: Routine, x: int) -> None:
        context = routine.get_execution_context()
        assert context is not None
        flow.pause(context.job_state, timeout=0)
        if x < 50:
            routine.emit("out", x=x + 1)
        seen.append(x)

    seen: list[int] = []
    flow.add_routine(node(step), "n0")
    flow.connect("n0", "out", "n0", "trigger")
    job = Call(flow.execute, "n0", {"x": 0}).result()
    for x in range(51):
        wait_until(partial(_paused_after, job, seen, x + 1))
        Call(flow.resume, job).result()
    assert job.wait(SECONDS)
    assert seen == list(range(51))
    flow.shutdown()


def _paused_after(job: JobState, seen: list[int], count: int) -> bool:
    return len(seen) == count and job.status == "paused"


# cancel -------------------------------------------------------------------------------------------


def cancelled(job: JobState) -> None:
    assert job.wait(SECONDS), job
    assert job.status == "cancelled"
    assert job.error is None
    assert job.pending_tasks == []


def test_cancel_drops_what_is_queued_and_tells_the_handlers_that_run() -> None:
    began = threading.Event()
    seen: list[bool] = []
    with gate() as go:

        def hold(routine: Routine) -> None:
            for _ in range(100):
                routine.emit("out")
            began.set()
            arrive(go)
            seen.append(routine.cancelled)
            routine.emit("out")

        flow = Flow("f", "concurrent", 1)
        chain(flow, hold, lambda r: r.increment_stat("n"))
        job = flow.execute("n0")
        arrive(began)
        flow.cancel(job, "enough")
        assert job.status == "cancelled"
        assert job.dropped == 100, "what is queued, and what waits in the job"
        assert not job.wait(0.01), "it ends when nothing of it runs"
        go.set()
        cancelled(job)
    assert seen == [True]
    assert flow.routines["n1"].get_stat("n", 0) == 0
    assert job.dropped == 101
    assert job.routine_states["_cancellation"]["reason"] == "enough"
    assert flow._scheduler.cancelled == 1
    flow.shutdown()


@pytest.mark.parametrize("where", ["queue", "mailbox", "permit"])
def test_cancel_needs_no_worker_to_drop_what_is_queued(where: str) -> None:
    options: dict[str, Any] = {
        "mailbox": {"max_queue": 50},
        "permit": {"max_concurrency": 1},
    }.get(where, {})
    count = 40
    stuck = threading.Event()
    ended: list[JobState] = []
    with gate() as go:

        def hold(routine: Routine) -> None:
            stuck.set()
            arrive(go)

        flow = Flow("f", "concurrent", 1)
        flow.add_routine(node(lambda r: [r.emit("out") for _ in range(count)]), "many")
        flow.add_routine(node(lambda r: r.increment_stat("n"), **options), "sink")
        flow.add_routine(node(hold), "hold")
        flow.add_routine(node(lambda r: r.emit("out")), "first")
        flow.connect("many", "out", "sink", "trigger")
        flow.connect("first", "out", "hold", "trigger")
        other = flow.execute("hold")
        arrive(stuck)
        job = flow.execute("many") if where == "queue" else None
        if job is None:
            job = flow.execute("first")
            job.run(lambda: [flow.routines["many"].emit("out") for _ in range(count)])
        job.on_end(ended.append)
        queued = len(job.tokens)
        flow.cancel(job, "no longer wanted")
        cancelled(job)
        assert ended == [job], "while its worker is still stuck"
        assert job.dropped == flow._scheduler.dropped == queued
        assert flow._threads is not None
        assert [d for d in flow._threads.queued() if d[2] is not None] == []
        go.set()
        assert other.wait(SECONDS)
    after = flow.execute("many")
    idle(flow)
    assert after.status == "completed", "what was passed over in the queue harms nobody"
    assert flow.routines["sink"].get_stat("n") == count
    assert not flow._threads.swept
    assert flow.shutdown()


def test_cancel_drops_what_waits_behind_a_mailbox_too() -> None:
    flow = Flow("f", "concurrent", 1)
    began = threading.Event()
    turns: list[threading.Event] = [threading.Event(), threading.Event()]

    def hold(routine: Routine) -> None:
        turn = turns.pop(0)
        began.set()
        arrive(turn)

    flow.add_routine(node(), "many")
    flow.add_routine(node(lambda r: r.increment_stat("n"), max_queue=500), "sink")
    flow.add_routine(node(hold), "hold")
    flow.connect("many", "out", "sink", "trigger")
    first, second = turns
    try:
        job = flow.execute("hold")
        arrive(began)
        job.run(lambda: [flow.routines["many"].emit("out") for _ in range(200)])
        flow.pause(job, timeout=0.0)
        first.set()
        wait_until(lambda: not running(job) and len(job.pending_tasks) == 200)
        began.clear()
        other = flow.execute("hold")
        arrive(began)
        flow.resume(job)  # some go to the mailbox, the others stay in the job
        assert job.backlog
        flow.cancel(job)
        cancelled(job)
        assert job.dropped == 200, "while the worker is stuck"
        second.set()
        assert other.wait(SECONDS)
    finally:
        first.set()
        second.set()
    idle(flow)
    assert flow.shutdown()


def test_a_cancel_that_races_with_a_resume_is_final() -> None:
    flow = Flow("f", "concurrent", 2)
    flow.add_routine(node(lambda r: r.emit("out")), "a")
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)

    def resume(job: JobState) -> None:
        with contextlib.suppress(ValueError):
            flow.resume(job)
            flow.pause(job, timeout=0.0)

    try:
        for _ in range(300):
            job = flow.execute("a")
            with contextlib.suppress(ValueError):
                flow.pause(job, timeout=0.0)
            in_threads(2, lambda n, job=job: flow.cancel(job) if n else resume(job))  # type: ignore[misc]
            assert job.wait(SECONDS), job
            assert job.status == "cancelled"
    finally:
        sys.setswitchinterval(interval)
    assert flow.shutdown()


@BOTH
def test_a_paused_job_that_is_cancelled_ends_at_once(strategy: str) -> None:
    flow = Flow("f", strategy, 2)

    def stop(routine: Routine) -> None:
        context = routine.get_execution_context()
        assert context is not None
        flow.pause(context.job_state)
        for _ in range(100):
            routine.emit("out")

    chain(flow, stop, lambda r: r.increment_stat("n"))
    job = Call(flow.execute, "n0").result()
    wait_until(lambda: len(job.pending_tasks) == 100)
    flow.cancel(job)
    cancelled(job)
    assert job.dropped == 100
    with pytest.raises(ValueError, match="was cancelled"):
        flow.resume(job)
    with pytest.raises(ValueError, match="was cancelled"):
        flow.pause(job)
    idle(flow)
    flow.shutdown()


@BOTH
def test_a_job_that_waits_for_a_retry_is_cancelled_at_once(strategy: str) -> None:
    flow = Flow("f", strategy, 2)
    flow.error_handler = ErrorHandler("retry", retry_delay=3600.0)

    def fail(_routine: Routine) -> None:
        raise OSError("again")

    chain(flow, fail)
    call = Call(flow.execute, "n0")
    wait_until(lambda: flow.get_all_executions() and flow.get_all_executions()[0].retries_waiting)
    (job,) = flow.get_all_executions()
    flow.cancel(job)
    cancelled(job)
    assert call.result() is job
    assert job.dropped == 1
    flow.shutdown()


@BOTH
def test_a_second_cancel_changes_nothing_and_an_ended_job_only_gets_the_status(
    strategy: str,
) -> None:
    flow = Flow("f", strategy, 2)
    chain(flow, passing)
    flow.add_routine(node(lambda _r: 1 // 0), "fail")
    flow.add_routine(node(lambda r: flow.cancel(_job(r), "first")), "cancel")
    done, failed, stopped = (flow.execute(name) for name in ("n0", "fail", "cancel"))
    idle(flow)
    for job in (done, failed, stopped):
        flow.cancel(job, "second")
    assert {done.status, failed.status, stopped.status} == {"cancelled"}
    assert done.routine_states["_cancellation"]["reason"] == "second"
    assert (flow._scheduler.completed, flow._scheduler.failed) == (1, 1)
    assert stopped.routine_states["_cancellation"]["reason"] == "first"
    assert flow._scheduler.cancelled == 1
    flow.shutdown()


def _job(routine: Routine) -> JobState:
    context = routine.get_execution_context()
    assert context is not None
    return context.job_state


@BOTH
def test_an_error_after_the_cancel_leaves_the_status_cancelled(strategy: str) -> None:
    flow = Flow("f", strategy)

    def fail(routine: Routine) -> None:
        flow.cancel(_job(routine))
        raise ValueError("too late")

    chain(flow, fail)
    job = flow.execute("n0")
    assert job.wait(SECONDS)
    assert job.status == "cancelled"
    flow.shutdown()


@pytest.mark.usefixtures("quick_switching")
def test_jobs_that_are_cancelled_at_any_time_end_once_and_exactly() -> None:
    tree = Tree()
    flow = tree.flow
    ended: Counter[int] = Counter()

    def act(number: int) -> None:
        for i in range(25):
            job = flow.execute("n0", {"n": 5})
            job.on_end(lambda j: ended.update([j.number]))
            if i % 3 == 0:
                flow.pause(job, timeout=0)
            if number % 2:
                flow.cancel(job)
            elif i % 3 == 0:
                flow.resume(job)
            assert job.wait(SECONDS)
            assert (job.status == "cancelled") or tree.ran[job.number] == tree.size(5)
            before = tree.ran[job.number]
            assert not job.tokens, "nothing of it runs"
            assert tree.ran[job.number] == before

    in_threads(4, act)
    idle(flow)
    wait_until(lambda: len(ended) == 100, "the callbacks, which come after the end")
    assert set(ended.values()) == {1}, "called back exactly once"
    scheduler = flow._scheduler
    assert scheduler.completed + scheduler.cancelled + scheduler.failed == 100
    flow.shutdown()


@BOTH
def test_callbacks_come_exactly_once_whoever_ends_the_job_and_one_that_raises_hides_none(
    strategy: str,
) -> None:
    flow = Flow("f", strategy)
    chain(flow, passing)
    seen: list[str] = []

    def broken(_job: JobState) -> None:
        seen.append("broken")
        raise IndexError("mine")

    for ending in ("execute", "cancel"):
        seen.clear()
        flow.routines["n0"]._slots["trigger"].connections.clear()
        job = flow.execute("n0")
        assert job.wait(SECONDS)
        job.on_end(broken)
        job.on_end(lambda j, ending=ending: seen.append(ending))  # type: ignore[misc]
        assert seen == ["broken", ending]

    def hold(routine: Routine) -> None:
        job = _job(routine)
        job.on_end(broken)
        job.on_end(lambda _: seen.append("second"))
        seen.clear()

    flow.add_routine(node(hold), "hold")
    job = flow.execute("hold")
    assert job.wait(SECONDS)
    wait_until(lambda: seen == ["broken", "second"])
    flow.shutdown()


# fairness -----------------------------------------------------------------------------------------


@BOTH
def test_a_small_job_behind_a_large_one_is_served_within_its_turn(strategy: str) -> None:
    flow = Flow("f", strategy, 1)
    began = threading.Event()
    ran_before: list[int] = []

    def flood(routine: Routine) -> None:
        for _ in range(40_000):
            routine.emit("out")
        began.set()
        arrive(go)

    with gate() as go:
        ran = [0]

        def one(_routine: Routine) -> None:
            ran[0] += 1

        chain(flow, flood, one)
        flow.add_routine(node(passing), "small")
        flow.add_routine(node(lambda _r: ran_before.append(ran[0])), "end")
        flow.connect("small", "out", "end", "trigger")
        big = Call(flow.execute, "n0")
        arrive(began)
        (large,) = flow.get_all_executions()
        small = Call(flow.execute, "small")
        wait_until(lambda: any(d[3].job is not large for d in large.backend.queued()))
        go.set()
        assert small.result().wait(SECONDS)
        assert big.result().wait(SECONDS)
    assert ran[0] == 40_000
    assert ran_before[0] < 2_000
    flow.shutdown()


@BOTH
@pytest.mark.parametrize("window", [1, 3])
@pytest.mark.parametrize("foreign", [False, True])
def test_nothing_is_stranded_behind_a_small_window(
    strategy: str,
    window: int,
    foreign: bool,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    for module in (gating, inline, pool_module):
        monkeypatch.setattr(module, "WINDOW", window)
    caplog.set_level(logging.CRITICAL, "routilux")
    tree = Tree(strategy, 3)
    flow = tree.flow
    flow.error_handler = ErrorHandler("continue")
    hop = tree.hop

    def stumble(routine: Routine, n: int) -> None:
        hop(routine, n)
        if n % 2:
            raise ValueError(n)

    tree_routine = node(stumble)
    flow.add_routine(tree_routine, "n1")
    for _ in range(2):
        flow.connect("n1", "out", "n1", "trigger")

    def act(number: int) -> list[JobState]:
        jobs = [flow.execute(f"n{i % 2}", {"n": 5}) for i in range(10)]
        if foreign:
            with gate() as go:
                flow_hold = Call(flow.execute, "hold") if number == 0 else None
                if flow_hold is not None:
                    go.set()
                    flow_hold.result()
        return jobs

    flow.add_routine(node(lambda r: _from_outside(r)), "hold")
    flow.connect("hold", "out", "n0", "trigger")
    jobs = [job for found in in_threads(3, act) for job in found]
    idle(flow)
    for job in jobs:
        assert job.status == "completed"
        assert tree.ran[job.number] == tree.size(5)
    flow.shutdown()
    assert not workers()


def _from_outside(routine: Routine) -> None:
    """Emit from a thread of the handler's own, as a part of its job."""
    job = _job(routine)

    def emit(_number: int) -> None:
        for _ in range(20):
            job.run(routine.emit, "out", n=2)

    in_threads(2, emit)
