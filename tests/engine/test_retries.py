"""Trying again: delays by the clock, a budget for each delivery, and no worker that waits."""

import logging
import math
import threading
from collections import Counter
from typing import Any

import pytest

from routilux import ErrorHandler, Flow, InvalidValueError, JobState, ManualClock, Routine
from routilux import clock as clock_module
from tests.engine.building import chain, idle, node, passing, workers
from tests.waiting import SECONDS, Call, arrive, gate, wait_until

STRATEGIES = pytest.mark.parametrize("strategy", ["sequential", "concurrent"])


class BadError(Exception):
    """What a handler raises."""


class Flaky:
    """A handler that fails so many times, for each value that it gets, and then emits it."""

    def __init__(self, failures: int, clock: ManualClock | None = None) -> None:
        self.failures = failures
        self.clock = clock
        self.calls: Counter[Any] = Counter()
        self.times: list[float] = []
        self.threads: list[threading.Thread] = []
        self._lock = threading.Lock()

    def __call__(self, routine: Routine, n: Any = 0) -> None:
        with self._lock:
            self.calls[n] += 1
            tried = self.calls[n]
            self.times.append(round(self.clock.now_ns() / 1e9, 6) if self.clock else 0.0)
            self.threads.append(threading.current_thread())
        if tried <= self.failures:
            raise BadError(f"try {tried} of {n}")
        routine.emit("out", n=n)


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    caplog.set_level(logging.CRITICAL, "routilux")
    monkeypatch.setattr(clock_module, "IDLE_SECONDS", 0.02)


def job_of(flow: Flow) -> JobState:
    """The job that another thread executes here."""
    wait_until(flow.get_all_executions, "a job")
    return flow.get_all_executions()[-1]


def waits(job: JobState, count: int = 1) -> None:
    wait_until(lambda: job.retries_waiting == count, f"{count} retries of {job!r} to wait")


class Driven:
    """A flow with a manual clock and a job that another thread executes."""

    def __init__(self, strategy: str, *handlers: Any, max_workers: int = 1) -> None:
        self.clock = ManualClock()
        self.flow = Flow("f", strategy, max_workers, clock=self.clock)
        chain(self.flow, *handlers)

    def start(self, **params: Any) -> JobState:
        self.call = Call(self.flow.execute, "n0", params)
        return job_of(self.flow)

    def end(self) -> JobState:
        job: JobState = self.call.result()
        assert job.wait(SECONDS), job
        assert self.flow.wait_for_completion(SECONDS)
        self.flow.shutdown(timeout=SECONDS)
        return job


# how often and when -------------------------------------------------------------------------------


@STRATEGIES
def test_the_k_th_delay_is_the_first_times_the_backoff_to_the_power_of_k_minus_one(
    strategy: str,
) -> None:
    driven = Driven(strategy, passing)
    flaky = Flaky(4, driven.clock)
    driven.flow.add_routine(node(flaky), "flaky")
    driven.flow.connect("n0", "out", "flaky", "trigger")
    driven.flow.set_error_handler(ErrorHandler("retry", 4, retry_delay=0.5, retry_backoff=3.0))
    job = driven.start(n=1)
    for delay in (0.5, 1.5, 4.5, 13.5):
        waits(job)
        assert driven.clock.advance(delay - 0.001) == 0
        assert driven.clock.advance(0.001) == 1
    assert driven.end().status == "completed"
    assert flaky.times == [0.0, 0.5, 2.0, 6.5, 20.0]
    retries = [r.data for r in job.execution_history if r.event_name == "retry"]
    assert [(r["retry"], r["delay"]) for r in retries] == [(1, 0.5), (2, 1.5), (3, 4.5), (4, 13.5)]
    assert (job.get_routine_state("flaky") or {})["status"] == "completed"
    assert (job.get_routine_state("flaky") or {})["retry_count"] == 4


@STRATEGIES
@pytest.mark.parametrize("critical", [False, True])
@pytest.mark.parametrize("retries", [0, 1, 3])
def test_calls_are_one_and_the_retries_and_then_the_job_fails_critical_or_not(
    strategy: str, retries: int, critical: bool
) -> None:
    flow, flaky = Flow("f", strategy), Flaky(99)
    chain(flow, flaky)
    handler = ErrorHandler("retry", retries, retry_delay=0, is_critical=critical)
    flow.routines["n0"].set_error_handler(handler)
    job = flow.execute("n0")
    assert job.wait(SECONDS)
    assert flaky.calls[0] == 1 + retries
    assert job.status == "failed"
    assert str(job.error) == f"try {1 + retries} of 0"
    assert handler.retry_count == retries
    names = [r.event_name for r in job.execution_history]
    assert names == ["start", *["retry"] * retries, "error"]
    assert job.dropped == 0
    flow.shutdown()


@STRATEGIES
def test_the_last_error_says_how_often_it_was_tried(strategy: str) -> None:
    flow = Flow("f", strategy)
    chain(flow, Flaky(99))
    flow.set_error_handler(ErrorHandler("retry", 2, retry_delay=0))
    job = flow.execute("n0")
    assert job.wait(SECONDS)
    assert job.error is not None
    (note,) = job.error.__notes__
    assert note.endswith(f"slot 'trigger', job {job.number}; tried 3 times")
    flow.shutdown()


@STRATEGIES
def test_an_optional_routine_lets_the_job_go_on_after_the_last_retry(strategy: str) -> None:
    flow, flaky = Flow("f", strategy), Flaky(99)
    chain(flow, passing, flaky)
    flow.routines["n1"].set_as_optional("retry")
    handler = flow.routines["n1"].get_error_handler()
    assert handler is not None
    handler.max_retries, handler.retry_delay = 2, 0.0
    job = flow.execute("n0", {"n": 5})
    assert job.wait(SECONDS)
    assert job.status == "completed"
    assert flaky.calls == {5: 3}
    assert (job.get_routine_state("n1") or {})["status"] == "error_continued"
    flow.shutdown()


@STRATEGIES
def test_a_type_that_is_not_retryable_fails_at_once_with_a_retry_count_of_zero(
    strategy: str,
) -> None:
    flow, calls = Flow("f", strategy), []

    def bad(routine: Routine, error: Exception) -> None:
        calls.append(error)
        raise error

    chain(flow, bad)
    handler = ErrorHandler("retry", 2, 0, retryable_exceptions=(OSError, KeyError))
    flow.set_error_handler(handler)
    job = flow.execute("n0", {"error": ValueError("no")})
    assert job.wait(SECONDS)
    assert (len(calls), handler.retry_count, job.status) == (1, 0, "failed")
    assert "retry_count" not in (job.get_routine_state("n0") or {})
    calls.clear()
    job = flow.execute("n0", {"error": ConnectionError("a subclass of OSError")})
    assert job.wait(SECONDS)
    assert (len(calls), handler.retry_count, job.status) == (3, 2, "failed")
    flow.shutdown()


@STRATEGIES
def test_each_delivery_has_a_budget_of_its_own(strategy: str) -> None:
    flow, flaky = Flow("f", strategy), Flaky(2)

    def burst(routine: Routine) -> None:
        for n in range(10):
            routine.emit("out", n=n)

    got: list[int] = []
    chain(flow, burst, flaky, lambda _r, n: got.append(n))
    flow.set_error_handler(ErrorHandler("retry", max_retries=2, retry_delay=0))
    job = flow.execute("n0")
    assert job.wait(SECONDS)
    assert job.status == "completed"
    assert flaky.calls == dict.fromkeys(range(10), 3)
    assert sorted(got) == list(range(10))
    assert (job.get_routine_state("n1") or {})["retry_count"] == 20
    flow.shutdown()


@STRATEGIES
def test_a_job_with_two_deliveries_that_fail_retries_each_at_its_own_time(strategy: str) -> None:
    clock = ManualClock()
    flow, flaky = Flow("f", strategy, clock=clock), Flaky(1, clock)
    flow.add_routine(node(passing), "n0")
    for name, delay in (("fast", 1.0), ("slow", 2.0)):
        flow.add_routine(node(lambda r, n, name=name: flaky(r, (name, n))), name)
        flow.connect("n0", "out", name, "trigger")
        flow.routines[name].set_as_critical(retry_delay=delay)
    call = Call(flow.execute, "n0", {"n": 1})
    job = job_of(flow)
    waits(job, 2)
    assert clock.advance(1.0) == 1
    waits(job, 1)
    wait_until(lambda: flaky.calls["fast", 1] == 2)
    assert flaky.calls["slow", 1] == 1
    assert clock.advance(1.0) == 1
    assert call.result().wait(SECONDS)
    assert job.status == "completed"
    assert flaky.times == [0.0, 0.0, 1.0, 2.0]
    flow.shutdown()


def test_the_retry_of_one_jobs_delivery_takes_nothing_from_anothers_budget() -> None:
    flow, flaky = Flow("f", "concurrent", max_workers=3), Flaky(3)
    chain(flow, flaky)
    flow.set_error_handler(ErrorHandler("retry", max_retries=3, retry_delay=0))
    jobs = [flow.execute("n0", {"n": n}) for n in range(30)]
    idle(flow)
    assert {job.status for job in jobs} == {"completed"}
    assert flaky.calls == dict.fromkeys(range(30), 4)
    flow.shutdown()


# while it waits -----------------------------------------------------------------------------------


def test_a_retry_that_waits_holds_no_worker_so_a_pool_of_one_serves_others() -> None:
    driven, got = Driven("concurrent", Flaky(1)), []
    flow = driven.flow
    flow.set_error_handler(ErrorHandler("retry", retry_delay=10))
    flow.add_routine(node(lambda _r, n: got.append(n)), "other")
    job = driven.start(n=1)
    waits(job)
    for n in range(50):
        assert flow.execute("other", {"n": n}).wait(SECONDS)
    assert got == list(range(50))
    assert len(workers()) == 1
    assert job.status == "running"
    driven.clock.advance(10)
    assert driven.end().status == "completed"


@STRATEGIES
def test_a_flow_with_a_retry_that_waits_is_not_complete(strategy: str) -> None:
    driven = Driven(strategy, Flaky(1))
    driven.flow.set_error_handler(ErrorHandler("retry", retry_delay=10))
    job = driven.start()
    waits(job)
    assert not driven.flow.wait_for_completion(0.02)
    assert not job.wait(0.02)
    assert not job.done
    assert job.status == "running"
    driven.clock.advance(10)
    assert driven.end().status == "completed"
    assert job.retries_waiting == 0


@STRATEGIES
def test_a_retry_that_waits_is_cancelled_with_its_job(strategy: str) -> None:
    flaky = Flaky(99)
    driven = Driven(strategy, flaky)
    driven.flow.set_error_handler(ErrorHandler("retry", retry_delay=10))
    job = driven.start()
    waits(job)
    driven.flow.cancel(job, "no more")
    assert driven.end().status == "cancelled"
    assert (job.retries_waiting, job.dropped) == (0, 1)
    assert driven.clock.advance(100) == 0
    assert flaky.calls == {0: 1}


@STRATEGIES
def test_a_retry_that_waits_is_dropped_when_another_error_fails_the_job(strategy: str) -> None:
    clock, calls = ManualClock(), []
    flow = Flow("f", strategy, clock=clock)

    def entry(routine: Routine) -> None:
        routine.emit("out", n=1)
        routine.emit("fatal")

    flow.add_routine(node(entry, events=("out", "fatal")), "n0")
    flaky = Flaky(99)
    flow.add_routine(node(flaky), "flaky")
    flow.connect("n0", "out", "flaky", "trigger")
    flow.routines["flaky"].set_as_critical(retry_delay=10)

    def fatal(routine: Routine) -> None:
        wait_until(lambda: flaky.calls)
        calls.append("fatal")
        raise BadError("fatal")

    flow.add_routine(node(fatal), "fatal")
    flow.connect("n0", "fatal", "fatal", "trigger")
    job = flow.execute("n0")
    assert job.wait(SECONDS)
    assert job.status == "failed"
    assert str(job.error) == "fatal"
    assert job.dropped == 1
    assert job.retries_waiting == 0
    assert clock.advance(1000) == 0
    assert flaky.calls == {1: 1}
    flow.shutdown()


@STRATEGIES
def test_a_retry_whose_time_comes_while_its_job_is_paused_waits_for_the_resume(
    strategy: str,
) -> None:
    flaky = Flaky(1)
    driven = Driven(strategy, flaky)
    driven.flow.set_error_handler(ErrorHandler("retry", retry_delay=10))
    job = driven.start()
    waits(job)
    assert driven.flow.pause(job, timeout=SECONDS)
    (task,) = job.pending_tasks
    assert (task.routine_id, task.slot_name, task.retries) == ("n0", "trigger", 1)
    assert task.delay == pytest.approx(10)
    driven.clock.advance(4)
    assert job.pending_tasks[0].delay == pytest.approx(6)
    driven.clock.advance(6)
    wait_until(lambda: [t.delay for t in job.pending_tasks] == [0.0])
    assert flaky.calls == {0: 1}
    driven.flow.resume(job)
    assert driven.end().status == "completed"
    assert flaky.calls == {0: 2}


def test_a_retry_of_a_sequential_flow_runs_in_the_thread_that_executes() -> None:
    flaky = Flaky(2)
    driven = Driven("sequential", passing, flaky)
    driven.flow.set_error_handler(ErrorHandler("retry", retry_delay=1))
    job = driven.start(n=1)
    for _ in range(2):
        waits(job)
        driven.clock.advance(4)
    driven.end()
    assert set(flaky.threads) == {driven.call}
    assert len(flaky.threads) == 3


def test_a_retry_of_a_foreign_emit_in_a_sequential_flow_runs_without_an_executing_thread() -> None:
    clock = ManualClock()
    flow, flaky = Flow("f", "sequential", clock=clock), Flaky(1)
    chain(flow, passing, flaky)
    flow.set_error_handler(ErrorHandler("retry", retry_delay=1))
    flow.routines["n0"].emit("out", n=1)
    assert not flow.wait_for_completion(0.01)
    clock.advance(1)
    idle(flow)
    assert flaky.calls == {1: 2}
    assert flow.execute("n0", {"n": 1}).status == "completed"


@STRATEGIES
def test_emits_before_the_error_are_made_again_by_each_try(strategy: str) -> None:
    flow, got = Flow("f", strategy), []
    tries: list[int] = []

    def emits_first(routine: Routine) -> None:
        tries.append(len(tries))
        routine.emit("out", n=len(tries))
        if len(tries) < 3:
            raise BadError

    chain(flow, emits_first, lambda _r, n: got.append(n))
    flow.set_error_handler(ErrorHandler("retry", retry_delay=0))
    job = flow.execute("n0")
    assert job.wait(SECONDS)
    assert sorted(got) == [1, 2, 3]
    assert job.status == "completed"
    flow.shutdown()


# merging ------------------------------------------------------------------------------------------


@STRATEGIES
@pytest.mark.parametrize("merge", ["append", "function"])
def test_a_retry_does_not_merge_its_message_twice(strategy: str, merge: str) -> None:
    def add(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
        return {"n": [*old.get("n", []), new["n"]]}

    flow, calls = Flow("f", strategy), []
    flow.add_routine(node(lambda r: [r.emit("out", n=n) for n in range(5)]), "n0")

    def handler(**data: Any) -> None:
        calls.append(data["n"])
        if len(calls) % 3:
            raise BadError

    target = Routine()
    target.define_slot("in", handler, "append" if merge == "append" else add)
    flow.add_routine(target, "n1")
    flow.connect("n0", "out", "n1", "in", {"n": "n"})
    target.set_error_handler(ErrorHandler("retry", max_retries=99, retry_delay=0))
    job = flow.execute("n0")
    assert job.wait(SECONDS)
    assert job.status == "completed"
    slot = target.get_slot("in")
    assert slot is not None
    assert sorted(slot.data["n"]) == list(range(5))
    assert all(len(set(call)) == len(call) for call in calls), "no value twice"
    flow.shutdown()


@STRATEGIES
def test_a_handler_with_named_parameters_is_tried_again_with_its_own_message(
    strategy: str,
) -> None:
    flow, calls = Flow("f", strategy), []

    def handler(n: int) -> None:
        calls.append(n)
        if calls.count(n) < 2:
            raise BadError

    flow.add_routine(node(lambda r: [r.emit("out", m=n) for n in range(4)]), "n0")
    target = Routine()
    target.define_slot("in", handler, "append")
    flow.add_routine(target, "n1")
    flow.connect("n0", "out", "n1", "in", {"m": "n"})
    target.set_error_handler(ErrorHandler("retry", retry_delay=0))
    job = flow.execute("n0")
    assert job.wait(SECONDS)
    assert Counter(calls) == dict.fromkeys(range(4), 2)
    flow.shutdown()


@STRATEGIES
def test_a_merge_function_that_fails_is_tried_again_and_the_message_is_not_lost(
    strategy: str,
) -> None:
    flow, merges, got = Flow("f", strategy), [], []

    def merge(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
        merges.append(new["n"])
        if merges.count(new["n"]) < 3:
            raise BadError("not yet")
        return {"n": [*old.get("n", []), new["n"]]}

    def handler(_r: Routine, n: list[int]) -> None:
        got.append(n[-1])
        if len(got) == 1:
            raise BadError("the first call of the handler fails too")

    flow.add_routine(node(passing), "n0")
    flow.add_routine(node(handler, merge_strategy=merge), "n1")
    flow.connect("n0", "out", "n1", "trigger")
    flow.set_error_handler(ErrorHandler("retry", max_retries=3, retry_delay=0))
    job = flow.execute("n0", {"n": 7})
    assert job.wait(SECONDS)
    assert job.status == "completed"
    assert merges == [7, 7, 7], "and what is merged is not merged again"
    assert got == [7, 7]
    flow.shutdown()


@STRATEGIES
def test_a_merge_function_that_returns_no_dict_is_tried_again_too(strategy: str) -> None:
    flow, merges = Flow("f", strategy), []

    def merge(old: dict[str, Any], new: dict[str, Any]) -> Any:
        merges.append(new)
        return None

    flow.add_routine(node(passing, merge_strategy=merge), "n0")
    flow.set_error_handler(ErrorHandler("retry", max_retries=2, retry_delay=0))
    job = flow.execute("n0", {"n": 7})
    assert job.wait(SECONDS)
    assert job.status == "failed"
    assert merges == [{"n": 7}] * 3
    flow.shutdown()


# the numbers --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["max_retries", "retry_delay", "retry_backoff", "max_delay"])
@pytest.mark.parametrize("wrong", [-1, math.nan, "1", None, True])
def test_numbers_of_an_error_handler_that_make_no_sense_are_refused(name: str, wrong: Any) -> None:
    with pytest.raises(InvalidValueError, match=name):
        ErrorHandler("retry", **{name: wrong})


@pytest.mark.parametrize("wrong", [-0.1, 1.1, math.nan, "0", None, True])
def test_jitter_is_a_share(wrong: Any) -> None:
    with pytest.raises(InvalidValueError, match="jitter must be a share from 0 to 1"):
        ErrorHandler("retry", jitter=wrong)


@pytest.mark.parametrize("wrong", ["STOP", "", None, 3, "again"])
def test_an_unknown_error_strategy_is_refused_with_those_that_there_are(wrong: Any) -> None:
    with pytest.raises(InvalidValueError, match="use 'stop', 'continue', 'retry', 'skip'"):
        ErrorHandler(wrong)
    with pytest.raises(InvalidValueError, match="unknown error strategy"):
        Routine().set_as_optional(wrong)


@pytest.mark.parametrize("wrong", ["OSError", [OSError()], [3], [OSError, None]])
def test_only_exception_types_are_retryable(wrong: Any) -> None:
    with pytest.raises(InvalidValueError, match="exception types"):
        ErrorHandler("retry", retryable_exceptions=wrong)


def test_one_retryable_type_need_not_be_in_a_list() -> None:
    handler = ErrorHandler("retry", retryable_exceptions=OSError)  # type: ignore[arg-type]
    assert handler.retryable_exceptions == (OSError,)


def test_a_delay_is_capped_however_large_the_numbers() -> None:
    handler = ErrorHandler("retry", 10**6, retry_delay=1, retry_backoff=10, max_delay=30)
    assert [handler.delay(k) for k in (1, 2, 3, 4, 500, 10**6)] == [1, 10, 30, 30, 30, 30]
    assert ErrorHandler("retry", retry_delay=0).delay(10**6) == 0
    endless = ErrorHandler("retry", retry_delay=math.inf, max_delay=math.inf)
    assert endless.delay(1) == 1e9
    assert ErrorHandler("retry").max_delay == 3600


def test_jitter_shortens_a_delay_by_its_share_at_most() -> None:
    handler = ErrorHandler("retry", retry_delay=10, retry_backoff=1, jitter=0.25)
    delays = [handler.delay(k) for k in range(1, 300)]
    assert all(7.5 <= delay <= 10 for delay in delays)
    assert len(set(delays)) > 100
    assert max(delays) - min(delays) > 1


@STRATEGIES
def test_an_endless_delay_can_still_be_cancelled(strategy: str) -> None:
    flow = Flow("f", strategy)
    chain(flow, Flaky(99))
    flow.set_error_handler(ErrorHandler("retry", retry_delay=math.inf, max_delay=math.inf))
    call = Call(flow.execute, "n0")
    job = job_of(flow)
    waits(job)
    flow.cancel(job)
    assert call.result().wait(SECONDS)
    assert job.status == "cancelled"
    flow.shutdown()


# the real clock, and its failures -----------------------------------------------------------------


@STRATEGIES
def test_retries_come_by_the_real_clock_too_and_never_early(strategy: str) -> None:
    flow = Flow("f", strategy)
    times: list[int] = []

    def timed(routine: Routine) -> None:
        times.append(flow._runtime.now_ns())
        if len(times) < 3:
            raise BadError

    chain(flow, timed)
    flow.set_error_handler(ErrorHandler("retry", retry_delay=0.01, retry_backoff=2))
    job = flow.execute("n0")
    assert job.wait(SECONDS)
    assert job.status == "completed"
    assert times[1] - times[0] >= 10_000_000
    assert times[2] - times[1] >= 20_000_000
    flow.shutdown()


@STRATEGIES
def test_a_retry_for_which_no_thread_can_be_had_fails_the_job(
    strategy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = clock_module.Clock()
    flow = Flow("f", strategy, clock=clock)
    chain(flow, Flaky(1))
    flow.set_error_handler(ErrorHandler("retry", retry_delay=5))

    def refuse(due_ns: int, function: Any) -> Any:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(clock, "call_at", refuse)
    job = flow.execute("n0")
    assert job.wait(SECONDS)
    assert job.status == "failed"
    assert isinstance(job.error, BadError)
    assert [r.event_name for r in job.execution_history] == ["start", "retry", "error"]
    flow.shutdown()


# coroutines ---------------------------------------------------------------------------------------


@STRATEGIES
def test_a_coroutine_handler_is_tried_again_and_merges_once(strategy: str) -> None:
    flow, calls = Flow("f", strategy), []

    class Target(Routine):
        def __init__(self) -> None:
            super().__init__()
            self.define_slot("trigger", self.work, "append")
            self.define_event("out")

        async def work(self, n: int) -> None:
            calls.append(n)
            if len(calls) < 3:
                raise BadError

    flow.add_routine(Target(), "n0")
    flow.set_error_handler(ErrorHandler("retry", retry_delay=0))
    job = flow.execute("n0", {"n": 4})
    assert job.wait(SECONDS)
    assert job.status == "completed"
    assert calls == [4, 4, 4]
    slot = flow.routines["n0"].get_slot("trigger")
    assert slot is not None
    assert slot.data == {"n": [4]}
    flow.shutdown()


# races --------------------------------------------------------------------------------------------


@STRATEGIES
def test_a_cancel_that_meets_the_time_of_a_retry_leaves_nothing_open(strategy: str) -> None:
    for _ in range(20):
        driven = Driven(strategy, Flaky(99))
        driven.flow.set_error_handler(ErrorHandler("retry", max_retries=99, retry_delay=1))
        job = driven.start()
        waits(job)
        moving = Call(driven.clock.advance, 1)
        driven.flow.cancel(job)
        moving.result()
        assert driven.end().status == "cancelled"
        assert not job.tokens
        assert job.retries_waiting == 0


def test_retries_of_many_jobs_under_a_real_clock_lose_nothing() -> None:
    flow, flaky, got = Flow("f", "concurrent", max_workers=4), Flaky(2), []
    chain(flow, flaky, lambda _r, n: got.append(n))
    flow.set_error_handler(ErrorHandler("retry", retry_delay=0.001, jitter=1.0))
    jobs = [flow.execute("n0", {"n": n}) for n in range(200)]
    idle(flow)
    assert {job.status for job in jobs} == {"completed"}
    assert flaky.calls == dict.fromkeys(range(200), 3)
    assert sorted(got) == list(range(200))
    flow.shutdown()


@STRATEGIES
def test_a_retry_waits_while_the_handler_of_another_delivery_goes_on(strategy: str) -> None:
    with gate() as opened:
        clock, entered = ManualClock(), threading.Event()
        flow = Flow("f", strategy, max_workers=2, clock=clock)
        flaky = Flaky(1)
        flow.add_routine(node(passing), "n0")
        flow.add_routine(node(flaky), "flaky")
        flow.connect("n0", "out", "flaky", "trigger")

        def stays(routine: Routine, n: int) -> None:
            entered.set()
            arrive(opened)

        flow.add_routine(node(stays), "stays")
        flow.connect("n0", "out", "stays", "trigger")
        flow.set_error_handler(ErrorHandler("retry", retry_delay=1))
        call = Call(flow.execute, "n0", {"n": 1})
        arrive(entered)
        job = job_of(flow)
        waits(job)
        clock.advance(1)
        opened.set()
        assert call.result().wait(SECONDS)
        assert job.status == "completed"
        assert flaky.calls == {1: 2}
        flow.shutdown()
