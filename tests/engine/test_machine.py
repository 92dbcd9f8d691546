"""Pause, resume, cancel, retries and timers in any order, against a model of what must come out."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from routilux import ErrorHandler, Flow, JobState, ManualClock, Routine
from routilux.testing import run_until_idle
from tests.waiting import SECONDS

RETRIES = 2
DELAY = 10.0


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """The errors are meant."""
    logging.getLogger("routilux").setLevel(logging.CRITICAL)
    yield
    logging.getLogger("routilux").setLevel(logging.NOTSET)


class Source(Routine):
    """Sends its messages, some of them later."""

    def __init__(self) -> None:
        super().__init__()
        self.define_slot("trigger", self.start)
        self.define_event("out")

    def start(self, tag: int, n: int, fails: int, later: int) -> None:
        for i in range(n):
            if i < n - later:
                self.send(tag, i, fails)
            else:
                self.call_later(DELAY, self.send, tag, i, fails)

    def send(self, tag: int, i: int, fails: int) -> None:
        self.emit("out", tag=tag, i=i, fails=fails)


class Work(Routine):
    """Fails each message as often as that says, then passes it on."""

    def __init__(self) -> None:
        super().__init__()
        self.tries: dict[tuple[int, int], int] = {}  # no two try one message at a time
        self.define_slot("input", self.work)
        self.define_event("out")
        self.set_error_handler(ErrorHandler("retry", max_retries=RETRIES, retry_delay=DELAY))

    def work(self, tag: int, i: int, fails: int) -> None:
        self.tries[tag, i] = self.tries.get((tag, i), 0) + 1
        if self.tries[tag, i] <= fails:
            raise ConnectionError("wanted")
        self.emit("out", tag=tag, i=i)


class Controls(RuleBasedStateMachine):
    """What may be done to jobs, in any order.

    Whatever is done: no message is lost or comes twice, lists stay aligned, a paused job does not
    begin anything, the flow is idle only when nothing is open, statuses are right.
    """

    flow: Flow

    @initialize(
        strategy=st.sampled_from(["sequential", "concurrent"]), max_workers=st.integers(1, 4)
    )
    def build(self, strategy: str, max_workers: int) -> None:
        self.clock = ManualClock()
        self.strategy = strategy
        self.flow = Flow("controls", strategy, max_workers, clock=self.clock)
        self.work = Work()
        sink = Routine()
        sink.define_slot("input", merge_strategy="append")
        self.flow.add_routine(Source(), "source")
        self.flow.add_routine(self.work, "work")
        self.flow.add_routine(sink, "sink")
        self.flow.connect("source", "out", "work", "input")
        self.flow.connect("work", "out", "sink", "input")
        self.jobs: list[tuple[JobState, dict[str, int]]] = []
        self.paused: dict[int, tuple[int, int]] = {}
        self.cancelled: set[int] = set()

    @rule(n=st.integers(0, 80), fails=st.integers(0, RETRIES + 1), later=st.integers(0, 3))
    def execute(self, n: int, fails: int, later: int) -> None:
        waits = min(later, n) or (fails and n)
        strategy = "concurrent" if waits else None  # a sequence would wait for the clock
        data = {"tag": len(self.jobs), "n": n, "fails": fails, "later": min(later, n)}
        self.jobs.append((self.flow.execute("source", data, strategy), data))

    @precondition(lambda self: self.jobs)
    @rule(data=st.data())
    def pause(self, data: st.DataObject) -> None:
        number = self.draw(data)
        if number is None or number in self.cancelled:
            return
        job = self.jobs[number][0]
        assert self.flow.pause(job, "wanted", timeout=SECONDS)
        assert job.status == "paused"  # also if it has ended before, which depends on the threads
        self.paused[number] = self.progress(number)

    def draw(self, data: st.DataObject) -> int | None:
        """One of the jobs. Never by whether it is open, which depends on the threads."""
        return data.draw(st.sampled_from(range(len(self.jobs)))) if self.jobs else None

    def progress(self, number: int) -> tuple[int, int]:
        tries = sum(n for (tag, _), n in self.work.tries.copy().items() if tag == number)
        return tries, self.tags().count(number)

    def tags(self) -> list[int]:
        slot = self.flow.routines["sink"].get_slot("input")
        assert slot is not None
        return list(slot.data.get("tag", []))

    @precondition(lambda self: self.paused)
    @rule(data=st.data())
    def resume(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.paused)))
        del self.paused[number]
        self.flow.resume(self.jobs[number][0])

    @precondition(lambda self: self.jobs)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        number = self.draw(data)
        if number is None:
            return
        self.flow.cancel(self.jobs[number][0], "wanted")
        self.paused.pop(number, None)
        self.cancelled.add(number)

    @rule(seconds=st.sampled_from([0.0, 5.0, 10.0, 25.0]))
    def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @precondition(lambda self: not self.paused)
    @rule()
    def run_on(self) -> None:
        run_until_idle(self.flow)
        assert not self.flow._scheduler.jobs
        assert self.flow.wait_for_completion(0)
        self.check()

    @invariant()
    def paused_jobs_do_not_move(self) -> None:
        if hasattr(self, "flow"):
            for number, progress in self.paused.items():
                assert self.progress(number) == progress
                assert self.jobs[number][0].status == "paused"

    def check(self) -> None:
        slot = self.flow.routines["sink"].get_slot("input")
        assert slot is not None
        lists: dict[str, list[Any]] = slot.data
        tags, numbers = lists.get("tag", []), lists.get("i", [])
        assert len(tags) == len(numbers)
        for number, (job, data) in enumerate(self.jobs):
            came = [i for tag, i in zip(tags, numbers, strict=True) if tag == number]
            expected = list(range(data["n"]))
            assert len(set(came)) == len(came), "a message came twice"
            assert set(came) <= set(expected)
            if number in self.cancelled:
                assert job.status in ("cancelled", "completed", "failed")
            elif data["fails"] > RETRIES and data["n"]:
                assert job.status == "failed"
            else:
                assert job.status == "completed"
                assert sorted(came) == expected, "a message is lost"
                if self.strategy == "sequential" and not (data["fails"] or data["later"]):
                    assert came == expected, "a sequence is out of order"

    def teardown(self) -> None:
        if hasattr(self, "flow"):
            for number in sorted(self.paused):
                self.flow.resume(self.jobs[number][0])
            self.paused = {}
            self.run_on()
            assert self.flow.shutdown(timeout=SECONDS)


@pytest.mark.timeout(180)
def test_controls_in_any_order_lose_nothing_and_do_nothing_twice() -> None:
    run_state_machine_as_test(
        Controls, settings=settings(max_examples=60, stateful_step_count=25, deadline=None)
    )
