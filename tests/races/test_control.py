"""The real engine under control: pool, time, retries, pause, limits, coroutines, threads."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from routilux import ErrorHandler, Flow, JobStatus, ManualClock
from routilux.races import Exploration, explore
from tests.races.cases.case import Actor, fan_in, stat


def actor(work: Callable[..., Any], **members: Any) -> Actor:
    """A routine with that handler."""
    kind = type("Made", (Actor,), {"work": work, **members})
    return kind()  # type: ignore[no-any-return]


def passes(build: Callable[[], Any], schedules: int = 60, **options: Any) -> Exploration:
    found = explore(build, schedules=schedules, **options)
    assert not found.failed, (found, str(found.report))
    return found


def test_time_is_virtual_and_sleepers_may_wake_in_any_order() -> None:
    def work(self: Any, value: int = 0, **data: Any) -> None:
        time.sleep(3600 * value)
        self.set_stat("last", value)

    began = time.monotonic()
    found = explore(lambda: fan_in(actor(work)), check=lambda flow: True)
    assert time.monotonic() - began < 10
    assert {each.state["target"]["last"] for each in found.outcomes} == {"1", "2"}


def test_time_grows_for_who_looks_at_it() -> None:
    def work(self: Any, **data: Any) -> None:
        began = time.perf_counter()
        rate = 1 / (time.perf_counter() - began)  # never by nought
        assert rate > 0
        assert time.time() > 1e9
        assert time.monotonic_ns() <= time.monotonic_ns()
        time.sleep(1)
        assert 1 <= time.perf_counter() - began < 1.1

    passes(lambda: fan_in(actor(work), sources=1), check=lambda flow: True)


def test_a_pool_that_starves_is_a_deadlock_that_says_so() -> None:
    def work(self: Any, **data: Any) -> None:
        self.emit("out")
        gate.wait()

    gate = threading.Event()

    def build() -> Flow:
        nonlocal gate
        gate = threading.Event()
        flow = fan_in(actor(work), workers=2)
        flow.add_routine(actor(lambda self, **data: gate.set()), "setter")
        flow.connect("target", "out", "setter", "input")
        return flow

    found = explore(build)
    assert found.kind == "deadlock"
    text = str(found.report)
    assert "queued: setter.input" in text
    assert "all 2 workers busy" in text
    assert "target.input #2 waits for" in text


def test_a_deadlock_names_the_locks_and_who_holds_them() -> None:
    def prepare(self: Any) -> None:
        self.one, self.two = threading.Lock(), threading.Lock()

    def work(self: Any, value: int = 0, **data: Any) -> None:
        first, second = (self.one, self.two) if value == 1 else (self.two, self.one)
        with first, second:
            self.increment_stat("n")

    def drive(flow: Flow) -> None:
        for entry in flow.entry_routines():
            flow.execute(entry)
        flow.wait_for_completion(timeout=5)  # a time-out is no way out of a circle

    found = explore(lambda: fan_in(actor(work, prepare=prepare)), drive)
    assert found.kind == "deadlock"
    table = found.report.to_dict()["deadlock"]
    assert len(table["cycle"]) == 2
    held = [line for line in table["table"] if line["holder"] and line["holds"]]
    assert {line["what"] for line in held} == {"target.one", "target.two"}
    assert "target.input wants target." in str(found.report)


def test_retries_wait_in_virtual_time() -> None:
    def work(self: Any, **data: Any) -> None:
        if self.increment_stat("tries") < 3:
            raise OSError("not yet")

    def build() -> Flow:
        target = actor(work)
        target.set_error_handler(ErrorHandler("retry", max_retries=5, retry_delay=100.0))
        return fan_in(target, sources=1)

    passes(build, check=stat("target", "tries", 3))


def test_a_timer_that_is_cancelled_in_time_does_not_come() -> None:
    def work(self: Any, **data: Any) -> None:
        timer = self.call_later(5.0, self.late)
        if timer.cancel():
            self.increment_stat("cancelled")

    def late(self: Any) -> None:
        self.increment_stat("late")

    found = explore(
        lambda: fan_in(actor(work, late=late), sources=1),
        check=lambda flow: flow.routines["target"].stats().keys() & {"late", "cancelled"},
    )
    assert not found.failed
    assert {tuple(each.state["target"]) for each in found.outcomes} == {("cancelled",), ("late",)}


def test_pause_resume_and_cancel_while_handlers_run() -> None:
    def work(self: Any, **data: Any) -> None:
        self.get_stat("n")
        self.increment_stat("n")

    def pause(flow: Flow) -> None:
        job = flow.execute("source0")
        flow.pause(job)
        assert job.status == JobStatus.PAUSED
        flow.resume(job)
        assert job.wait(timeout=10)
        assert job.status == JobStatus.COMPLETED

    passes(lambda: fan_in(actor(work)), drive=pause, check=stat("target", "n", 1))

    def cancel(flow: Flow) -> None:
        job = flow.execute("source0")
        flow.cancel(job)
        assert flow.wait_for_completion(timeout=10)
        assert job.status == JobStatus.CANCELLED

    found = passes(lambda: fan_in(actor(work)), drive=cancel, check=lambda flow: True)
    assert len(found.outcomes) == 2  # it ran before, or not at all


def test_limits_and_full_slots_hold_under_control() -> None:
    class Limited(Actor):
        def __init__(self) -> None:
            super().__init__()
            self.running = 0
            self.define_slot("one", self.one, max_concurrency=1, max_queue=1, overflow="block")

        def one(self, **data: Any) -> None:
            self.running += 1
            self.set_stat("most", max(self.get_stat("most", 0), self.running))
            self.running -= 1
            self.increment_stat("n")

    def build() -> Flow:
        flow = fan_in(Limited(), sources=3)
        for connection in list(flow.connections):
            connection.disconnect()
        for index in range(3):
            flow.connect(f"source{index}", "out", "target", "one")
        return flow

    def check(flow: Flow) -> bool:
        target = flow.routines["target"]
        return bool(target.get_stat("most") == 1 and target.get_stat("n") == 3)

    passes(build, check=check)
    found = explore(build, check=check, strategy="random", schedules=60)
    assert not found.failed, str(found.report)


def test_coroutine_handlers_run_on_virtual_time() -> None:
    class Waiting(Actor):
        def __init__(self) -> None:
            super().__init__()
            self.define_slot("slow", self.slow)

        async def slow(self, **data: Any) -> None:
            n = self.get_stat("n", 0)
            await asyncio.sleep(1000)
            self.set_stat("n", n + 1)

        def work(self, **data: Any) -> None:
            self.emit("out")

    def build() -> Flow:
        flow = fan_in(Waiting(), sources=2)
        flow.connect("target", "out", "target", "slow")
        return flow

    found = explore(build, check=stat("target", "n", 2), schedules=100)
    assert found.kind == "invariant"


def test_threads_executors_and_queues_of_handlers_are_controlled() -> None:
    def work(self: Any, **data: Any) -> None:
        items: queue.Queue[int] = queue.Queue(maxsize=1)
        reader = threading.Thread(target=lambda: self.set_stat("got", [items.get(), items.get()]))
        reader.start()
        items.put(1)
        items.put(2)
        reader.join()
        assert not reader.is_alive()
        with ThreadPoolExecutor(2) as pool:
            self.set_stat("sum", sum(pool.map(abs, (-1, -2))))

    found = passes(
        lambda: fan_in(actor(work), sources=1),
        check=lambda flow: flow.routines["target"].get_stat("sum") == 3,
        schedules=40,
    )
    assert not found.uncontrolled


def test_what_a_thread_of_a_handler_raises_is_reported() -> None:
    def work(self: Any, **data: Any) -> None:
        thread = threading.Thread(target=lambda: 1 / 0)
        thread.start()
        thread.join()

    found = explore(lambda: fan_in(actor(work), sources=1), check=lambda flow: True)
    assert found.kind == "exception"
    assert "ZeroDivisionError" in found.message


def test_a_handler_that_executes_and_waits_needs_no_second_worker() -> None:
    def work(self: Any, value: int = 0, **data: Any) -> None:
        if value < 10:
            flow = self.get_execution_context().flow
            job = flow.execute("target", {"value": value + 10}, entry_slot="input")
            assert job.wait(timeout=10)
        self.increment_stat("n")

    passes(lambda: fan_in(actor(work), workers=1), check=stat("target", "n", 4))


def test_a_manual_clock_stays_manual() -> None:
    clock = ManualClock()

    def work(self: Any, **data: Any) -> None:
        self.call_later(5.0, self.late)

    def late(self: Any) -> None:
        self.increment_stat("late")

    def build() -> Flow:
        nonlocal clock
        clock = ManualClock()
        flow = Flow("manual", execution_strategy="concurrent", clock=clock)
        flow.add_routine(actor(work, late=late), "target")
        return flow

    def drive(flow: Flow) -> None:
        job = flow.execute("target", entry_slot="input")
        while not job.retries_waiting:
            time.sleep(0)
        clock.advance(5)
        assert job.wait(timeout=5)

    passes(build, drive=drive, check=stat("target", "late", 1), schedules=20)


def test_a_wait_that_polls_lets_others_come() -> None:
    def work(self: Any, value: int = 0, **data: Any) -> None:
        if value == 1:
            while not self.get_stat("ready"):
                pass
        self.set_stat("ready", True)

    passes(lambda: fan_in(actor(work)), check=lambda flow: True, schedules=10)
