"""The clock: alarms in order, one thread that comes and goes, and a clock that tests move."""

import logging
import math
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from routilux import Clock, InvalidValueError, ManualClock
from routilux import clock as clock_module
from tests.waiting import SECONDS, Call, arrive, gate, in_threads, wait_until

HOUR = 3_600_000_000_000


_others: set[threading.Thread] = set()


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The threads of the clocks of a test end soon after the last alarm."""
    monkeypatch.setattr(clock_module, "IDLE_SECONDS", 0.02)
    _others.clear()
    _others.update(ringing())  # that of the live clock may be left of another test
    yield
    wait_until(lambda: not ringing(), "the threads of the test's clocks to end")


def ringing() -> list[threading.Thread]:
    """The threads of this test's clocks."""
    found = [t for t in threading.enumerate() if t.name == "routilux-clock"]
    return [thread for thread in found if thread not in _others]


@contextmanager
def held(clock: Clock) -> Iterator[int]:
    """Keep the clock's thread busy meanwhile, so that nothing is called before all is set.

    Yields:
        A time that has come already (ns).
    """
    entered = threading.Event()
    with gate() as opened:

        def hold() -> None:
            entered.set()
            arrive(opened)

        clock.call_at(clock.now_ns(), hold)
        arrive(entered)
        yield clock.now_ns()


# the real clock -----------------------------------------------------------------------------------


def test_alarms_are_called_in_the_order_of_their_time_not_of_their_setting() -> None:
    clock, got, done = Clock(), [], threading.Event()
    with held(clock) as start:
        for number in (3, 1, 2, 0):
            due = start + number * 1_000_000
            clock.call_at(due, lambda number=number: got.append((number, clock.now_ns())))  # type: ignore[misc]
        clock.call_at(start + 4_000_000, done.set)
    arrive(done)
    assert [number for number, _ in got] == [0, 1, 2, 3]
    assert all(now >= start + number * 1_000_000 for number, now in got), "never early"


def test_alarms_of_one_time_are_called_in_the_order_of_their_setting() -> None:
    clock, got, done = Clock(), [], threading.Event()
    with held(clock) as due:
        for number in range(20):
            clock.call_at(due, lambda number=number: got.append(number))  # type: ignore[misc]
        clock.call_at(due, done.set)
    arrive(done)
    assert got == list(range(20))


def test_an_alarm_that_is_set_for_earlier_overtakes_the_one_that_is_waited_for() -> None:
    clock, done = Clock(), threading.Event()
    late = clock.call_at(clock.now_ns() + HOUR, lambda: None)
    wait_until(ringing)
    clock.call_at(clock.now_ns() + 1_000_000, done.set)
    arrive(done)
    assert late.cancel()


def test_a_time_that_has_passed_is_called_at_once() -> None:
    clock, done = Clock(), threading.Event()
    clock.call_at(clock.now_ns() - HOUR, done.set)
    arrive(done)


def test_one_thread_rings_for_all_and_ends_when_there_is_nothing_to_wait_for() -> None:
    clock, done = Clock(), threading.Event()
    assert ringing() == []
    assert clock.pending() is None
    alarms = [clock.call_at(clock.now_ns() + HOUR, lambda: None) for _ in range(5)]
    assert len(ringing()) == 1
    assert ringing()[0].daemon
    assert clock.pending() == alarms[0].due_ns
    for alarm in alarms:
        assert alarm.cancel()
    wait_until(lambda: not ringing(), "the clock's thread to end")
    clock.call_at(clock.now_ns(), done.set)  # and the next one starts it again
    arrive(done)
    wait_until(lambda: not ringing(), "the clock's thread to end")


def test_an_alarm_that_is_set_while_the_thread_leaves_is_called() -> None:
    clock = Clock()
    for _ in range(60):
        done = threading.Event()
        clock.call_at(clock.now_ns(), done.set)
        arrive(done)
        if _ % 3 == 0:
            wait_until(lambda: not ringing(), "the clock's thread to end")


def test_what_an_alarm_raises_is_logged_and_the_others_are_called(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock, done, now = Clock(), threading.Event(), Clock().now_ns()

    def broken(error: BaseException) -> Any:
        def ring() -> None:
            raise error

        return ring

    clock.call_at(now, broken(RuntimeError("oh")))
    clock.call_at(now, broken(SystemExit(3)))
    clock.call_at(now + 1, done.set)
    arrive(done)
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [
        RuntimeError, SystemExit,
    ]  # fmt: skip
    assert all(record.levelno == logging.ERROR for record in caplog.records)


def test_a_thread_that_cannot_be_started_is_an_error_and_the_next_try_works(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, got, done = Clock(), [], threading.Event()

    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError, match="can't start"):
            clock.call_at(clock.now_ns(), lambda: got.append("refused"))
    clock.call_at(clock.now_ns(), done.set)
    arrive(done)
    assert got == []


def test_a_time_in_the_far_future_does_not_break_the_clock() -> None:
    clock, done = Clock(), threading.Event()
    far = clock.call_at(10**30, lambda: None)
    clock.call_at(clock.now_ns() + 1_000_000, done.set)
    arrive(done)
    assert far.cancel()


def test_the_child_of_a_fork_begins_without_alarms_and_without_a_thread() -> None:
    clock, got, done = Clock(), [], threading.Event()
    alarm = clock.call_at(clock.now_ns() + HOUR, lambda: got.append("parent's"))
    clock.forget_threads()
    assert clock.pending() is None
    clock.call_at(clock.now_ns(), done.set)
    arrive(done)
    assert got == []
    alarm.cancel()


# cancelling ---------------------------------------------------------------------------------------


def test_a_cancelled_alarm_is_never_called() -> None:
    clock, got, done = Clock(), [], threading.Event()
    with held(clock) as due:
        alarms = [clock.call_at(due, lambda n=n: got.append(n)) for n in range(10)]  # type: ignore[misc]
        assert all(alarm.cancel() for alarm in alarms[::2])
        assert not any(alarm.cancel() for alarm in alarms[::2]), "only the first cancel is true"
        clock.call_at(due, done.set)
    arrive(done)
    assert got == [1, 3, 5, 7, 9]
    assert not any(alarm.cancel() for alarm in alarms)


def test_an_alarm_is_either_called_or_cancelled_whoever_is_first() -> None:
    clock = Clock()
    for _ in range(30):
        got: list[int] = []
        alarms = [
            clock.call_at(clock.now_ns(), lambda n=n, put=got.append: put(n))  # type: ignore[misc]
            for n in range(20)
        ]
        cancelled = {n for n, alarm in reversed(list(enumerate(alarms))) if alarm.cancel()}
        wait_until(lambda got=got, cancelled=cancelled: len(got) + len(cancelled) == 20)  # type: ignore[misc]
        assert sorted([*got, *cancelled]) == list(range(20))


def test_of_threads_that_cancel_one_alarm_exactly_one_has_done_it() -> None:
    clock = ManualClock()
    for _ in range(50):
        alarm = clock.call_at(HOUR, lambda: None)
        assert sum(in_threads(4, lambda _, alarm=alarm: alarm.cancel())) == 1  # type: ignore[misc]


def test_ten_thousand_cancelled_alarms_do_not_stay_in_memory() -> None:
    class Load:
        def ring(self) -> None: ...

    clock = ManualClock()
    loads = [Load() for _ in range(10_000)]
    alive = weakref.WeakSet(loads)
    kept = clock.call_at(2 * HOUR, lambda: None)
    alarms = [clock.call_at(HOUR, load.ring) for load in loads]
    del loads
    assert len(alive) == 10_000
    for alarm in alarms:
        assert alarm.cancel()
    del alarm, alarms
    assert len(alive) == 0
    assert len(clock._alarms._heap) < 10
    assert clock.pending() == kept.due_ns


# the manual clock ---------------------------------------------------------------------------------


def test_a_manual_clock_stands_still_until_it_is_moved() -> None:
    clock, got = ManualClock(start=5), []
    assert clock.now_ns() == 5_000_000_000
    clock.call_at(6_000_000_000, lambda: got.append(clock.now_ns()))
    clock.call_at(7_000_000_000, lambda: got.append(clock.now_ns()))
    assert clock.advance(0.999999999) == 0
    assert got == []
    assert clock.advance(0.000000001) == 1
    assert clock.advance(10) == 1
    assert got == [6_000_000_000, 7_000_000_000], "each at its own time"
    assert clock.now_ns() == 16_000_000_000
    assert ringing() == [], "and it needs no thread"


def test_alarms_that_alarms_set_are_fired_within_the_same_advance() -> None:
    clock, got = ManualClock(), []

    def again(left: int) -> None:
        got.append(clock.now_ns())
        if left:
            clock.call_at(clock.now_ns() + 1_000, lambda: again(left - 1))

    clock.call_at(1_000, lambda: again(4))
    assert clock.advance_to(4_500) == 4
    assert got == [1_000, 2_000, 3_000, 4_000]
    assert clock.advance_to(5_000) == 1


def test_a_time_that_has_passed_waits_for_the_next_move_even_of_no_length() -> None:
    clock, got = ManualClock(9), []
    clock.call_at(0, lambda: got.append(clock.now_ns()))
    assert got == []
    assert clock.advance(0) == 1
    assert got == [9_000_000_000], "time does not go back"


def test_what_is_cancelled_does_not_count_as_fired() -> None:
    clock = ManualClock()
    first, second = clock.call_at(1, lambda: None), clock.call_at(2, lambda: None)
    assert first.cancel()
    assert clock.advance(1) == 1
    assert not second.cancel()


def test_an_alarm_of_a_manual_clock_that_raises_raises_in_the_test() -> None:
    clock, got = ManualClock(), []
    clock.call_at(1, lambda: 1 // 0)
    clock.call_at(2, lambda: got.append("next"))
    with pytest.raises(ZeroDivisionError):
        clock.advance(1)
    assert clock.advance(1) == 1
    assert got == ["next"]


@pytest.mark.parametrize("wrong", [-1, math.nan, "1", None, True])
def test_a_clock_is_moved_by_a_number_that_is_not_negative(wrong: Any) -> None:
    clock = ManualClock()
    before = clock.now_ns()
    with pytest.raises(InvalidValueError, match="advance"):
        clock.advance(wrong)
    assert clock.now_ns() == before


def test_the_clock_may_be_moved_by_one_thread_while_others_set_alarms() -> None:
    clock, got = ManualClock(), []
    with gate() as over:

        def move() -> None:
            while not over.is_set():
                clock.advance(0.001)

        moving = Call(move)
        for _ in range(4):
            in_threads(4, lambda n: clock.call_at(clock.now_ns() + n, lambda: got.append(n)))
        wait_until(lambda: len(got) == 16)
        over.set()
        moving.result(SECONDS)
