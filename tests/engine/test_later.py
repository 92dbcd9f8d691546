"""Calls that a routine sets for later: in the job, by the clock, without a worker that waits."""

import logging
import math
import threading
from typing import Any

import pytest

from routilux import (
    ErrorHandler,
    Flow,
    InvalidValueError,
    JobState,
    ManualClock,
    RoutiluxError,
    Routine,
    Timer,
)
from routilux import clock as clock_module
from tests.engine.building import idle, workers
from tests.waiting import SECONDS, Call, arrive, gate, wait_until

STRATEGIES = pytest.mark.parametrize("strategy", ["sequential", "concurrent"])


class Later(Routine):
    """Calls itself so many seconds later, and keeps the timers and what came of it."""

    def __init__(self) -> None:
        super().__init__()
        self.define_slot("trigger", self.start)
        self.define_event("out")
        self.timers: list[Timer] = []
        self.got: list[Any] = []
        self.jobs: list[JobState | None] = []
        self.threads: list[threading.Thread] = []

    def start(self, delay: float = 1.0, n: int = 0, times: int = 1) -> None:
        for i in range(times):
            self.timers.append(self.call_later(delay, self.come, n + i))

    def come(self, n: int) -> None:
        context = self.get_execution_context()
        self.jobs.append(context.job_state if context else None)
        self.threads.append(threading.current_thread())
        self.got.append(n)
        self.emit("out", n=n)
        if n < 0:
            raise ValueError(f"negative: {n}")


class Driven:
    """A flow with a manual clock, a routine that calls itself, and one that takes what it sends."""

    def __init__(self, strategy: str, max_workers: int = 1) -> None:
        self.clock = ManualClock()
        self.flow = Flow("f", strategy, max_workers, clock=self.clock)
        self.later, self.sink = Later(), Routine()
        self.sink.define_slot("in", lambda n: self.arrived.append(n))
        self.arrived: list[int] = []
        self.flow.add_routine(self.later, "later")
        self.flow.add_routine(self.sink, "sink")
        self.flow.connect("later", "out", "sink", "in")

    def start(self, **params: Any) -> JobState:
        self.call = Call(self.flow.execute, "later", params)
        wait_until(self.flow.get_all_executions)
        job = self.flow.get_all_executions()[-1]
        times = params.get("times", 1)
        wait_until(lambda: job.retries_waiting == times, f"{times} calls of {job!r} to wait")
        return job

    def end(self) -> JobState:
        job: JobState = self.call.result()
        assert job.wait(SECONDS), job
        idle(self.flow)
        self.flow.shutdown(timeout=SECONDS)
        return job


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    caplog.set_level(logging.CRITICAL, "routilux")
    monkeypatch.setattr(clock_module, "IDLE_SECONDS", 0.02)


@STRATEGIES
def test_a_later_call_runs_in_its_job_which_stays_open_until_then(strategy: str) -> None:
    driven = Driven(strategy)
    job = driven.start(delay=5, n=3)
    assert not job.wait(0.01)
    assert not driven.flow.wait_for_completion(0.01)
    assert driven.clock.advance(4.999) == 0
    assert driven.later.got == []
    driven.clock.advance(0.001)
    assert driven.end().status == "completed"
    assert driven.later.got == [3]
    assert driven.later.jobs == [job]
    assert driven.arrived == [3], "what it emits belongs to the job"
    names = [(r.routine_id, r.event_name) for r in job.execution_history]
    assert names == [("later", "start"), ("later", "out"), ("later", "completed")]


def test_a_later_call_of_a_sequential_flow_runs_in_the_thread_that_executes() -> None:
    driven = Driven("sequential")
    driven.start(times=3)
    driven.clock.advance(1)
    driven.end()
    assert set(driven.later.threads) == {driven.call}
    assert driven.later.got == [0, 1, 2], "in the order in which they were set"


def test_a_pool_of_one_worker_serves_others_while_calls_wait() -> None:
    driven = Driven("concurrent")
    job = driven.start(delay=60, times=5)
    assert driven.flow.execute("sink", entry_slot="in", entry_params={"n": 7}).wait(SECONDS)
    assert driven.arrived == [7]
    assert len(workers()) == 1
    driven.clock.advance(60)
    driven.end()
    assert job.done
    assert sorted(driven.arrived) == [0, 1, 2, 3, 4, 7]


@STRATEGIES
def test_a_timer_that_is_cancelled_never_calls_and_lets_the_job_end(strategy: str) -> None:
    driven = Driven(strategy)
    job = driven.start(delay=5, times=2)
    first, second = driven.later.timers
    assert first.cancel()
    assert not first.cancel(), "only once"
    assert second.cancel()
    assert driven.end().status == "completed"
    assert driven.clock.advance(100) == 0
    assert driven.later.got == []
    assert job.dropped == 0
    assert (job.get_routine_state("later") or {})["status"] == "completed"


@STRATEGIES
def test_a_timer_that_has_called_cannot_be_cancelled(strategy: str) -> None:
    driven = Driven(strategy)
    driven.start(n=1)
    driven.clock.advance(1)
    driven.end()
    assert not driven.later.timers[0].cancel()


@STRATEGIES
def test_a_later_call_of_a_job_that_is_cancelled_is_dropped_and_counted(strategy: str) -> None:
    driven = Driven(strategy)
    job = driven.start(times=3)
    driven.flow.cancel(job)
    assert driven.end().status == "cancelled"
    assert driven.later.got == []
    assert job.dropped == 3
    assert not driven.later.timers[0].cancel()
    assert (job.get_routine_state("later") or {})["status"] == "completed", "it ran, once"
    assert driven.clock.advance(10) == 0


@STRATEGIES
def test_what_a_handler_of_a_cancelled_job_sets_for_later_is_dropped_at_once(
    strategy: str,
) -> None:
    clock, flow_ref = ManualClock(), []

    class Cancels(Later):
        def start(self, *_: Any, **__: Any) -> None:
            context = self.get_execution_context()
            assert context is not None
            flow_ref.append(context.flow)
            context.flow.cancel(context.job_state)
            self.timers.append(self.call_later(1, self.come, 1))

    flow, routine = Flow("f", strategy, clock=clock), Cancels()
    flow.add_routine(routine, "r")
    job = flow.execute("r")
    assert job.wait(SECONDS)
    assert (job.status, job.dropped, job.retries_waiting) == ("cancelled", 1, 0)
    assert not routine.timers[0].cancel()
    assert clock.advance(10) == 0
    flow.shutdown()


@STRATEGIES
def test_an_error_in_a_later_call_obeys_the_routines_error_handler(strategy: str) -> None:
    for what, status in (("stop", "failed"), ("continue", "completed"), ("skip", "completed")):
        driven = Driven(strategy)
        driven.later.set_error_handler(ErrorHandler(what))
        job = driven.start(n=-1)
        driven.clock.advance(1)
        assert driven.end().status == status
        assert driven.later.stats()["errors"] == [{"slot": "(later)", "error": "negative: -1"}]
        tracked = driven.flow.execution_tracker
        assert tracked is not None
        performance = tracked.get_routine_performance("later") or {}
        assert (performance["total_executions"], performance["failed"]) == (2, 1)
        if what == "stop":
            assert str(job.error) == "negative: -1"


@STRATEGIES
def test_a_later_call_that_fails_is_tried_again_with_its_arguments(strategy: str) -> None:
    driven = Driven(strategy)
    driven.later.set_as_critical(max_retries=2, retry_delay=10)
    job = driven.start(n=-1)
    for seconds in (1, 10, 20):
        wait_until(lambda: job.retries_waiting == 1)
        driven.clock.advance(seconds)
    assert driven.end().status == "failed"
    assert driven.later.got == [-1, -1, -1]


@STRATEGIES
def test_a_later_call_whose_time_comes_in_a_paused_job_waits_for_the_resume(strategy: str) -> None:
    driven = Driven(strategy)
    job = driven.start(delay=5, n=4)
    assert driven.flow.pause(job, timeout=SECONDS)
    (task,) = job.pending_tasks
    assert (task.routine_id, task.slot_name, task.method) == ("later", "", "come")
    assert task.data == {"args": (4,)}
    driven.clock.advance(5)
    wait_until(lambda: [t.delay for t in job.pending_tasks] == [0.0])
    assert driven.later.got == []
    driven.flow.resume(job)
    assert driven.end().status == "completed"
    assert driven.later.got == [4]


@STRATEGIES
def test_outside_of_handlers_a_later_call_belongs_to_the_flows_ambient_job(strategy: str) -> None:
    driven = Driven(strategy)
    timer = driven.later.call_later(5, driven.later.come, 8)
    cancelled = driven.later.call_later(5, driven.later.come, 9)
    assert not driven.flow.wait_for_completion(0.01)
    assert driven.flow.get_all_executions() == []
    assert cancelled.cancel()
    driven.clock.advance(5)
    idle(driven.flow)
    assert driven.later.got == [8]
    assert driven.arrived == [8]
    assert not timer.cancel()
    assert driven.later.jobs != [None]
    driven.flow.shutdown()


@STRATEGIES
def test_a_cancelled_call_outside_of_handlers_leaves_the_flow_idle(strategy: str) -> None:
    driven = Driven(strategy)
    timer = driven.later.call_later(5, driven.later.come, 8)
    assert timer.cancel()
    assert driven.flow.wait_for_completion(SECONDS)
    driven.flow.shutdown()


@STRATEGIES
def test_an_error_in_an_ambient_later_call_stops_nothing(strategy: str) -> None:
    driven = Driven(strategy)
    for n in (-1, 2):
        driven.later.call_later(5, driven.later.come, n)
    driven.clock.advance(5)
    idle(driven.flow)
    assert driven.later.got == [-1, 2]
    assert driven.arrived == [-1, 2]
    driven.flow.shutdown()


@STRATEGIES
def test_later_calls_come_by_the_real_clock_too(strategy: str) -> None:
    flow, later = Flow("f", strategy), Later()
    flow.add_routine(later, "later")
    before = later.now()
    job = flow.execute("later", {"delay": 0.01, "times": 3})
    assert job.wait(SECONDS)
    assert later.now() - before >= 0.01
    assert sorted(later.got) == [0, 1, 2]
    flow.shutdown()


@STRATEGIES
def test_a_call_may_set_the_next_one_and_the_job_ends_with_the_last(strategy: str) -> None:
    class Ticks(Later):
        def come(self, n: int) -> None:
            self.got.append(self.now())
            if n:
                self.call_later(2, self.come, n - 1)

    clock = ManualClock()
    flow, ticks = Flow("f", strategy, clock=clock), Ticks()
    flow.add_routine(ticks, "t")
    call = Call(flow.execute, "t", {"n": 3})
    wait_until(flow.get_all_executions)
    job = flow.get_all_executions()[-1]
    for tick in range(4):
        wait_until(lambda: job.retries_waiting == 1)
        clock.advance(1 if tick == 0 else 2)
    assert call.result().wait(SECONDS)
    assert ticks.got == pytest.approx([1, 3, 5, 7])
    flow.shutdown()


@STRATEGIES
def test_a_call_without_delay_comes_after_what_is_queued_already(strategy: str) -> None:
    flow, later = Flow("f", strategy), Later()
    flow.add_routine(later, "later")
    job = flow.execute("later", {"delay": 0, "n": 1})
    assert job.wait(SECONDS)
    assert later.got == [1]
    flow.shutdown()


def test_any_function_may_be_called_later_and_gets_its_arguments() -> None:
    clock, got = ManualClock(), []
    flow, routine = Flow("f", clock=clock), Later()
    flow.add_routine(routine, "r")
    routine.call_later(1, lambda *args: got.append(args), 1, [2], {"x": 3})
    routine.call_later(2, got.append, "bound")
    clock.advance(2)
    idle(flow)
    assert got == [(1, [2], {"x": 3}), "bound"]


def test_a_coroutine_function_may_be_called_later() -> None:
    clock, got = ManualClock(), []

    class Async(Later):
        async def come(self, n: int) -> None:  # type: ignore[override]
            got.append(n)

    flow, routine = Flow("f", "concurrent", clock=clock), Async()
    flow.add_routine(routine, "r")
    job = flow.execute("r", {"n": 5})
    wait_until(lambda: job.retries_waiting)
    clock.advance(1)
    assert job.wait(SECONDS)
    assert got == [5]
    assert job.status == "completed"
    flow.shutdown()


@pytest.mark.parametrize("wrong", [-1, math.nan, "1", True])
def test_a_time_that_makes_no_sense_is_refused_and_the_job_ends(wrong: Any) -> None:
    flow, later = Flow("f"), Later()
    flow.add_routine(later, "later")
    with pytest.raises(InvalidValueError, match="seconds must be"):
        later.call_later(wrong, later.come, 1)
    assert flow.wait_for_completion(0)
    job = flow.execute("later", {"delay": wrong})
    assert isinstance(job.error, InvalidValueError)
    assert job.status == "failed"


@STRATEGIES
def test_a_call_in_a_time_without_end_can_be_cancelled(strategy: str) -> None:
    driven = Driven(strategy)
    driven.start(delay=math.inf)
    assert driven.later.timers[0].cancel()
    assert driven.end().status == "completed"


def test_a_routine_without_a_flow_cannot_be_called_later() -> None:
    later = Later()
    with pytest.raises(RoutiluxError, match="is in no flow, so nothing can call it later"):
        later.call_later(1, later.come, 1)


@STRATEGIES
def test_a_call_for_which_no_thread_can_be_had_is_an_error_and_leaves_nothing_open(
    strategy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = clock_module.Clock()
    flow, later = Flow("f", strategy, clock=clock), Later()
    flow.add_routine(later, "later")

    def refuse(due_ns: int, function: Any) -> Any:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(clock, "call_at", refuse)
    with pytest.raises(RuntimeError, match="can't start"):
        later.call_later(1, later.come, 1)
    assert flow.wait_for_completion(SECONDS)
    job = flow.execute("later", {"n": 1})
    assert job.wait(SECONDS)
    assert isinstance(job.error, RuntimeError)
    flow.shutdown()


@STRATEGIES
def test_a_cancel_that_meets_the_time_of_the_call_is_exact(strategy: str) -> None:
    for _ in range(20):
        driven = Driven(strategy)
        driven.start(times=4)
        moving = Call(driven.clock.advance, 1)
        cancelled = [timer.cancel() for timer in driven.later.timers]
        moving.result()
        assert driven.end().status == "completed"
        assert len(driven.later.got) == 4 - sum(cancelled)


@STRATEGIES
def test_a_thread_of_a_handler_may_set_a_call_and_it_belongs_to_the_handlers_job(
    strategy: str,
) -> None:
    import contextvars

    with gate() as opened:

        class Threaded(Later):
            def start(self, *_: Any, **__: Any) -> None:
                context = contextvars.copy_context()
                Call(context.run, self.call_later, 1, self.come, 5).result()
                arrive(opened)

        clock = ManualClock()
        flow, routine = Flow("f", strategy, clock=clock), Threaded()
        flow.add_routine(routine, "r")
        call = Call(flow.execute, "r")
        wait_until(flow.get_all_executions)
        job = flow.get_all_executions()[-1]
        wait_until(lambda: job.retries_waiting)
        opened.set()
        clock.advance(1)
        assert call.result().wait(SECONDS)
        assert routine.jobs == [job]
        flow.shutdown()


def test_now_is_the_time_of_the_flows_clock_or_else_of_the_real_one() -> None:
    clock = ManualClock(start=50)
    flow, routine = Flow("f", clock=clock), Later()
    assert abs(routine.now() - clock_module.now_ns() / 1e9) < 5
    flow.add_routine(routine, "r")
    assert routine.now() == 50
    clock.advance(2.5)
    assert routine.now() == 52.5
