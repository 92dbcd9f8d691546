"""Debouncer, Throttle, RateLimiter, RetryHandler: by a clock that is moved by hand."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routilux import Flow, JobStatus, RoutiluxError
from routilux.builtin import Debouncer, RateLimiter, RetryHandler, Throttle
from tests.builtin.driving import LateTimers, sequential, threaded, timed
from tests.engine.building import idle

# Debouncer ----------------------------------------------------------------------------------------


def test_the_last_message_of_a_burst_is_sent_when_it_has_been_quiet() -> None:
    with timed(Debouncer(), wait=1.0) as driver:
        driver.send("a")
        driver.advance(0.9)
        driver.send("b")
        driver.advance(0.9)
        assert driver.got == []
        driver.advance(0.1)
        assert driver.got == [("output", {"data": "b", "count": 2})]


def test_each_burst_is_sent_once() -> None:
    with timed(Debouncer(), wait=1.0) as driver:
        for burst in ("abc", "d", "ef"):
            for letter in burst:
                driver.send(letter)
            driver.advance(5.0)
        assert driver.values() == ["c", "d", "f"]
        assert driver.values(key="count") == [3, 1, 2]


def test_the_job_of_a_message_that_was_overtaken_ends_at_once() -> None:
    with timed(Debouncer(), wait=1.0) as driver:
        first = driver.send("a")
        assert not first.done
        last = driver.send("b")
        assert first.status == JobStatus.COMPLETED
        assert not last.done
        driver.advance(1.0)
        assert last.status == JobStatus.COMPLETED


def test_a_debouncer_goes_on_after_the_job_of_the_last_message_failed() -> None:
    with timed(Debouncer(), wait=1.0) as driver:
        driver.flow.cancel(driver.send("a"))
        driver.advance(5.0)
        driver.send("b")
        driver.advance(1.0)
        assert driver.values() == ["b"]


def test_a_timer_that_runs_too_late_does_not_end_the_burst() -> None:
    driver = sequential(Debouncer(), wait=60)
    timers = LateTimers(driver.routine)
    driver.send("a")
    driver.send("b")
    first, second = timers.calls
    first()
    assert driver.got == []
    second()
    second()
    assert driver.got == [("output", {"data": "b", "count": 2})]


def test_a_burst_from_many_threads_is_sent_once() -> None:
    with threaded(Debouncer(), wait=0.2) as driver:
        for number in range(200):
            driver.send(number)
    assert sum(driver.values(key="count")) == 200
    assert len(driver.got) <= 5  # once, unless this machine slept in the middle of it


def test_a_debouncer_in_no_flow_says_so() -> None:
    with pytest.raises(RoutiluxError, match="in no flow"):
        Debouncer().handle(data=1)


# Throttle -----------------------------------------------------------------------------------------


def test_one_message_passes_per_interval_and_the_others_are_counted() -> None:
    with timed(Throttle(), interval=1.0) as driver:
        for number in range(10):
            driver.send(number)
            driver.advance(0.25)
        assert driver.values() == [0, 4, 8]
        stats = driver.routine.stats()
        assert (stats["passed"], stats["dropped"]) == (3, 7)


def test_the_last_message_follows_when_the_interval_is_over_if_wanted() -> None:
    with timed(Throttle(), interval=1.0, trailing=True) as driver:
        for number in range(4):
            driver.send(number)
        assert driver.values() == [0]
        driver.advance(1.0)
        assert driver.values() == [0, 3]
        driver.send(4)
        assert driver.values() == [0, 3]  # the message that followed began a new interval
        driver.advance(1.0)
        assert driver.values() == [0, 3, 4]
        driver.advance(1.0)
        driver.send(5)
        assert driver.values() == [0, 3, 4, 5]
        stats = driver.routine.stats()
        assert (stats["passed"], stats["dropped"]) == (4, 2)


def test_nothing_follows_a_message_that_was_alone() -> None:
    with timed(Throttle(), interval=1.0, trailing=True) as driver:
        assert driver.send(1).done
        driver.advance(5.0)
        assert driver.values() == [1]


def test_a_held_message_whose_job_failed_does_not_stop_the_others() -> None:
    with timed(Throttle(), interval=1.0, trailing=True) as driver:
        driver.send(1)
        driver.flow.cancel(driver.send(2))
        driver.advance(1.0)
        for number in (3, 4):
            driver.send(number)
        driver.advance(1.0)
        assert driver.values() == [1, 3, 4]


def test_a_timer_that_runs_too_late_does_not_send_what_is_held_now() -> None:
    with timed(Throttle(), interval=1.0, trailing=True) as driver:
        timers = LateTimers(driver.routine)
        for number in (1, 2):
            driver.send(number)
        driver.advance(1.0)
        for number in (3, 4):
            driver.send(number)
        first, second = timers.calls
        first()
        idle(driver.flow)
        assert driver.values() == [1, 3]
        driver.advance(1.0)
        second()
        second()
        idle(driver.flow)
        assert driver.values() == [1, 3, 4]


@given(
    st.lists(st.tuples(st.floats(0.0, 3.0), st.booleans()), max_size=15),
    st.booleans(),
)
def test_a_throttle_keeps_its_interval_and_loses_count_of_nothing(
    steps: list[tuple[float, bool]], trailing: bool
) -> None:
    with timed(Throttle(), interval=1.0, trailing=trailing) as driver:
        times = [(driver.routine.now(), len(driver.got))]
        for number, (seconds, _) in enumerate(steps):
            driver.advance(seconds)
            driver.send(number)
            times.append((driver.routine.now(), len(driver.got)))
        driver.advance(10.0)
        stats = driver.routine.stats()
        assert stats.get("passed", 0) + stats.get("dropped", 0) == len(steps)
        assert driver.values() == sorted(driver.values())
        if trailing and steps:
            assert driver.values()[-1] == len(steps) - 1
        for (start, before), (end, after) in pairwise(times):
            assert after - before <= end - start + 2


def test_one_of_many_threads_passes() -> None:
    with threaded(Throttle(), interval=600) as driver:
        for number in range(200):
            driver.send(number)
    assert len(driver.got) == 1
    assert driver.routine.get_stat("dropped") == 199


def test_a_throttle_works_without_a_flow() -> None:
    throttle = Throttle()
    throttle.set_config(interval=600)
    throttle.handle(data=1)
    throttle.handle(data=2)
    assert (throttle.get_stat("passed"), throttle.get_stat("dropped")) == (1, 1)


# RateLimiter --------------------------------------------------------------------------------------


def test_messages_are_delayed_to_the_rate_in_order() -> None:
    with timed(RateLimiter(), rate=2) as driver:
        for number in range(4):
            driver.send(number)
        assert driver.values() == [0]
        for expected in ([0, 1], [0, 1, 2], [0, 1, 2, 3]):
            driver.advance(0.5)
            assert driver.values() == expected
        assert all(job.done for job in driver.jobs)
        assert driver.routine.get_stat("delayed") == 3


def test_a_burst_passes_at_once_after_a_pause() -> None:
    with timed(RateLimiter(), rate=1, burst=3) as driver:
        for number in range(5):
            driver.send(number)
        assert driver.values() == [0, 1, 2]
        driver.advance(2.0)
        assert driver.values() == [0, 1, 2, 3, 4]
        driver.advance(10.0)
        for number in range(5, 9):
            driver.send(number)
        assert driver.values() == [0, 1, 2, 3, 4, 5, 6, 7]


def test_messages_above_the_rate_are_dropped_with_the_time_to_wait() -> None:
    with timed(RateLimiter(), rate=2, mode="drop") as driver:
        driver.send(0)
        driver.advance(0.1)
        driver.send(1)
        driver.advance(0.4)
        driver.send(2)
        assert driver.values() == [0, 2]
        ((_, dropped),) = [each for each in driver.got if each[0] == "dropped"]
        assert dropped["data"] == 1
        assert dropped["retry_after"] == pytest.approx(0.4)
        stats = driver.routine.stats()
        assert (stats["passed"], stats["dropped"]) == (2, 1)


def test_messages_exactly_at_the_rate_are_not_dropped() -> None:
    with timed(RateLimiter(), rate=10, mode="drop") as driver:
        for number in range(50):
            driver.send(number)
            driver.advance(0.1)
        assert driver.values() == list(range(50))


@given(
    st.lists(st.integers(0, 20), max_size=25),
    st.sampled_from([1, 2, 3]),
    st.sampled_from([1, 2, 5]),
    st.sampled_from(["delay", "drop"]),
)
def test_no_more_pass_than_the_rate_and_the_burst_allow(
    pauses: list[int], rate: int, burst: int, mode: str
) -> None:
    passed: list[float] = []
    with timed(RateLimiter(), rate=rate, burst=burst, mode=mode) as driver:
        limiter = driver.routine
        driver.sink.note = lambda event, data: (  # type: ignore[method-assign]
            passed.append(limiter.now()) if event == "output" else None
        )
        for number, tenths in enumerate(pauses):
            for _ in range(tenths):
                driver.advance(0.1)
            driver.send(number)
        for _ in range(len(pauses) * 10 + 1):
            driver.advance(0.1)
    if mode == "delay":
        assert len(passed) == len(pauses)
    for i, first in enumerate(passed):
        for j in range(i, len(passed)):
            assert j - i + 1 <= burst + rate * (passed[j] - first + 0.11)


def test_eight_threads_share_one_rate() -> None:
    with threaded(RateLimiter(), rate=0.001, burst=7, mode="drop") as driver:
        for number in range(200):
            driver.send(number)
    assert len(driver.values("output")) == 7
    assert sorted(driver.values("output") + driver.values("dropped")) == list(range(200))


def test_a_delayed_message_holds_no_worker() -> None:
    with timed(RateLimiter(), rate=1) as driver:
        for number in range(50):  # one worker: the handler of each has ended while it waits
            driver.send(number)
        assert driver.values() == [0]
        driver.advance(49.0)
        assert driver.values() == list(range(50))


# RetryHandler -------------------------------------------------------------------------------------


class Flaky:
    """Fails so many times, then returns its argument."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.calls = 0

    def __call__(self, data: Any) -> Any:
        self.calls += 1
        if self.calls <= self.failures:
            raise OSError(f"failure {self.calls}")
        return data


def test_a_call_that_works_is_made_once() -> None:
    driver = sequential(RetryHandler(), function=str)
    driver.send(5)
    assert driver.got == [("output", {"result": "5", "attempts": 1})]


def test_a_call_that_fails_is_tried_again_after_growing_pauses() -> None:
    call = Flaky(3)
    with timed(RetryHandler(), function=call, delay=1.0, backoff=2.0) as driver:
        driver.send("x")
        made = []
        for _ in range(8):
            made.append(call.calls)
            driver.advance(1.0)
        assert made == [1, 2, 2, 3, 3, 3, 3, 4]
        assert driver.got == [("output", {"result": "x", "attempts": 4})]
        assert driver.routine.get_stat("retries") == 3


def test_a_call_that_never_works_is_given_up_with_its_last_error() -> None:
    call = Flaky(99)
    with timed(RetryHandler(), function=call, max_retries=2, delay=1.0) as driver:
        job = driver.send("x")
        driver.advance(1.0)
        driver.advance(2.0)
        ((event, message),) = driver.got
        assert (event, message["data"], message["attempts"]) == ("failed", "x", 3)
        assert str(message["error"]) == "failure 3"
        assert job.status == JobStatus.COMPLETED
        assert driver.routine.get_stat("failed_call") == 1


def test_an_error_that_nobody_listens_to_fails_the_job() -> None:
    flow, retry = Flow("f"), RetryHandler()
    retry.set_config(function=Flaky(9), max_retries=1, delay=0)
    flow.add_routine(retry, "it")
    job = flow.execute("it", {"data": 1}, entry_slot="input")
    assert isinstance(job.error, OSError)
    assert any("gave up after 2 attempts" in note for note in job.error.__notes__)


def test_a_call_may_be_a_method_of_a_subclass() -> None:
    class Fetch(RetryHandler):
        def call(self, data: Any) -> Any:
            if self.increment_stat("calls") < 3:
                raise OSError("not yet")
            return data * 2

    driver = sequential(Fetch(), delay=0)
    driver.send(21)
    assert driver.got == [("output", {"result": 42, "attempts": 3})]


def test_other_messages_go_on_while_one_waits_for_its_retry() -> None:
    def call(data: int) -> int:
        if data == 0:
            raise OSError
        return data

    with timed(RetryHandler(), function=call, delay=5.0, max_retries=1) as driver:
        for number in range(4):
            driver.send(number)
        assert driver.values(key="result") == [1, 2, 3]
        driver.advance(5.0)
        assert driver.values("failed") == [0]


def test_no_retries_may_be_wanted() -> None:
    driver = sequential(RetryHandler(), function=Flaky(1), max_retries=0)
    driver.send(1)
    assert driver.values("failed", "attempts") == [1]


@pytest.mark.parametrize(("delay", "backoff"), [(1.0, 1e308), (1e10, 1.0), (1e308, 1e308)])
def test_a_pause_that_is_a_mistake_fails_the_job(delay: float, backoff: float) -> None:
    config = {"delay": delay, "backoff": backoff, "max_retries": 9}
    with timed(RetryHandler(), function=Flaky(9), **config) as driver:
        job = driver.send(1)
        driver.advance(1.0)
        assert "would be more than 1000000000 seconds" in str(job.error)
        assert driver.got == []


def test_many_messages_are_retried_at_once() -> None:
    def call(data: int, config: dict[str, Any]) -> int:
        if handler.increment_stat(f"tries {data}") <= data % 3:
            raise OSError
        return data

    handler = RetryHandler()
    with threaded(handler, function=call, delay=0.001) as driver:
        for number in range(100):
            driver.send(number)
        idle(driver.flow)
    assert sorted(driver.values(key="result")) == list(range(100))
