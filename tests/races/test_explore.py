"""What `explore` answers, and what it says about input that cannot be explored."""

from __future__ import annotations

import logging
import os
import random
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from routilux import ErrorHandler, Flow, InvalidValueError, RoutiluxError, Routine
from routilux.races import Misuse, Progress, explore, replay
from tests.races.cases.case import Actor, Source, both, fan_in, stat


class Racy(Actor):
    def work(self, **data: Any) -> None:
        self.set_stat("n", self.get_stat("n", 0) + 1)


class Atomic(Actor):
    def work(self, **data: Any) -> None:
        self.increment_stat("n")


def racy() -> Flow:
    return fan_in(Racy())


def atomic() -> Flow:
    return fan_in(Atomic())


def alone(work: Callable[[Any], object]) -> Callable[[], Flow]:
    """A flow of one handler."""

    class Worker(Actor):
        def work(self, **data: Any) -> None:
            work(self)

    return lambda: fan_in(Worker(), sources=1)


TWO = stat("target", "n", 2)


def test_a_lost_update_is_found_made_simple_and_explained() -> None:
    found = explore(racy, check=TWO)
    assert (found.outcome, found.kind, found.preemptions, found.proved_bound) == (
        "failed", "invariant", 1, 1
    )  # fmt: skip
    assert found.schedules <= 5
    text = found.report.text(100)
    assert "lost update on target.stat:n" in text
    assert text.count("test_explore.py:") >= 4  # both sides, each with its line
    assert "holding no lock" in text
    assert "increment_stat('n')" in text
    assert "execute -> source0.trigger -> target.input" in text
    assert found.report.to_dict()["advice"]["pattern"] == "lost update"


def test_a_repaired_flow_is_exhausted_and_a_limit_is_no_pass() -> None:
    found = explore(atomic, check=TWO)
    assert (found.outcome, found.kind, found.schedule) == ("exhausted", None, None)
    limited = explore(atomic, check=TWO, strategy="random", schedules=5)
    assert limited.outcome == "incomplete"
    assert "5 schedules" in limited.reason
    assert limited.schedules == 5


def test_without_a_check_two_end_states_are_reported_with_both_schedules() -> None:
    found = explore(racy)
    assert found.kind == "nondeterministic"
    assert "target.n is" in found.message
    assert found.schedule is not None
    assert found.other is not None
    states = [replay(each, racy).state["target"]["n"] for each in (found.schedule, found.other)]
    assert sorted(states) == ["1", "2"]
    assert {outcome.state["target"]["n"] for outcome in found.outcomes} == {"1", "2"}
    assert explore(atomic).outcome == "exhausted"


@pytest.mark.parametrize("strategy", ["dpor", "pos", "random", "bounded", "pct"])
def test_each_strategy_finds_it_alone(strategy: str) -> None:
    found = explore(racy, check=TWO, strategy=strategy, seed=3)
    assert found.kind == "invariant"
    assert found.strategy.startswith(strategy)
    again = explore(racy, check=TWO, strategy=strategy, seed=3)
    assert (again.schedules, again.schedule) == (found.schedules, found.schedule)


def test_progress_is_told_in_the_calling_thread() -> None:
    seen: list[tuple[Progress, threading.Thread]] = []

    def tell(progress: Progress) -> None:
        seen.append((progress, threading.current_thread()))

    explore(lambda: fan_in(Racy(), sources=3), check=lambda flow: True, on_progress=tell)
    assert {thread for _, thread in seen} == {threading.current_thread()}
    last = seen[-1][0]
    assert last.runs > 1
    assert last.per_second > 0
    assert last.outcomes >= 1


def test_a_time_limit_ends_it() -> None:
    began = time.monotonic()
    found = explore(atomic, check=TWO, strategy="random", schedules=10**6, time_limit=0.2)
    assert found.outcome == "incomplete"
    assert "time limit" in found.reason
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"strategy": "randon"}, "did you mean 'random'"),
        ({"granularity": "lines"}, "did you mean 'line'"),
        ({"schedules": 0}, "schedules"),
        ({"time_limit": -1}, "time_limit"),
    ],
)
def test_a_wrong_argument_is_named(options: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidValueError, match=said):
        explore(atomic, **options)


def test_a_build_that_gives_no_flow_or_an_old_one_is_refused() -> None:
    with pytest.raises(Misuse, match="must return a Flow"):
        explore(lambda: 3)
    old = atomic()
    with pytest.raises(Misuse, match="make a new one each time"):
        explore(lambda: old)
    kept: list[Flow] = []

    def same() -> Flow:
        kept.append(kept[0] if kept else atomic())
        return kept[0]

    with pytest.raises(Misuse, match="make a new one each time"):
        explore(same)
    with pytest.raises(ZeroDivisionError):
        explore(lambda: 1 / 0)


def test_a_context_with_a_flow_goes_to_drive_and_check() -> None:
    class Context:
        def __init__(self) -> None:
            self.flow = atomic()
            self.seen = 0

    def drive(context: Context) -> None:
        for entry in context.flow.entry_routines():
            context.flow.execute(entry)
        assert context.flow.wait_for_completion(timeout=0.001)  # of virtual time: it takes none
        context.seen += 1

    found = explore(Context, drive, lambda context: context.seen == 1)
    assert found.outcome == "exhausted"


def test_a_check_that_raises_hangs_or_changes_things() -> None:
    def raises(flow: Flow) -> bool:
        raise AssertionError("three is not two")

    found = explore(atomic, check=raises)
    assert (found.kind, found.schedules) == ("invariant", 1)
    assert "AssertionError: three is not two" in found.message

    def changes(flow: Flow) -> bool:
        flow.routines["target"].set_stat("n", 99)
        flow.execute("source0")
        return flow.wait_for_completion()

    assert explore(atomic, check=changes, schedules=20).outcome in ("exhausted", "incomplete")


def test_what_takes_no_step_any_more_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("routilux.races.controller.STUCK_SECONDS", 0.2)

    def hangs(flow: Flow) -> bool:
        while True:
            pass

    found = explore(atomic, check=hangs)
    assert found.outcome == "incomplete"
    assert "in check" in found.reason
    assert "test_explore.py" in found.reason
    stuck = explore(alone(lambda routine: hangs(routine)))
    assert "target.input has taken no step" in stuck.reason


def test_a_flow_that_never_ends_is_named_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("routilux.races.run.MOST_STEPS", 500)

    class Loop(Actor):
        def work(self, **data: Any) -> None:
            self.emit("out")

    def build() -> Flow:
        flow = fan_in(Loop(), sources=1)
        flow.connect("target", "out", "target", "input")
        return flow

    found = explore(build)
    assert found.outcome == "incomplete"
    assert "a flow that never ends" in found.reason
    assert "500 steps" in found.reason


def test_code_that_does_not_repeat_itself_is_named() -> None:
    numbers = iter(range(10**9))

    def work(routine: Any) -> None:
        if next(numbers) % 3 == 1:
            routine.get_stat("a")
        routine.set_stat("b", 1)

    class Fickle(Actor):
        def work(self, **data: Any) -> None:
            work(self)

    found = explore(lambda: fan_in(Fickle()), check=lambda flow: True, granularity="api")
    assert found.outcome == "incomplete"
    assert "does not repeat itself" in found.reason
    assert "target.stat" in found.reason


def test_chance_is_the_same_in_each_run() -> None:
    def work(routine: Any) -> None:
        routine.set_stat("drawn", random.random())

    state = random.getstate()
    found = explore(alone(work), granularity="api")
    assert found.outcome == "exhausted"
    assert random.getstate() == state


def test_leaving_the_process_is_an_exception_of_the_handler() -> None:
    found = explore(alone(lambda routine: os._exit(3)))
    assert found.kind == "exception"
    assert "os._exit(3)" in found.message


def test_an_exception_that_nobody_handles_fails_and_a_handled_one_does_not() -> None:
    def work(routine: Any) -> None:
        raise KeyError("no such thing")

    found = explore(alone(work), check=lambda flow: True)
    assert (found.kind, found.preemptions) == ("exception", 0)
    assert "KeyError" in found.message

    def handled() -> Flow:
        flow = alone(work)()
        flow.set_error_handler(ErrorHandler("continue"))
        return flow

    assert explore(handled, check=lambda flow: True).outcome != "failed"


def test_a_repr_that_raises_harms_nobody() -> None:
    class Strange:
        def __repr__(self) -> str:
            raise RuntimeError("no")

    class Keeper(Actor):
        def work(self, value: Any = None, **data: Any) -> None:
            self.set_stat("kept", Strange())
            self.set_stat("n", self.get_stat("n", 0) + 1)

    found = explore(lambda: fan_in(Keeper()), check=TWO)
    assert found.kind == "invariant"
    assert found.report.text()


def test_recursion_and_ten_thousand_activations_are_no_trouble() -> None:
    def deep(routine: Any, depth: int = 0) -> None:
        if depth < 200:
            deep(routine, depth + 1)
        else:
            routine.increment_stat("n")

    assert explore(alone(deep), check=stat("target", "n", 1)).outcome != "failed"

    class Chain(Actor):
        def work(self, value: int = 0, **data: Any) -> None:
            if value < 10_000:
                self.emit("out", value=value + 1)

    def chain() -> Flow:
        flow = fan_in(Chain(), sources=1)
        flow.connect("target", "out", "target", "input")
        return flow

    found = explore(chain, check=lambda flow: True, schedules=1)
    assert found.outcome == "incomplete"
    assert found.schedules == 1


def test_one_exploration_at_a_time_and_everything_is_put_back() -> None:
    before = (threading.Lock, threading.Thread.start, time.sleep, time.monotonic, os._exit)

    def nested(flow: Flow) -> bool:
        explore(atomic)
        return True

    found = explore(atomic, check=nested)
    assert "one at a time" in found.message
    assert (threading.Lock, threading.Thread.start, time.sleep, time.monotonic, os._exit) == before
    with pytest.raises(ZeroDivisionError):
        explore(lambda: 1 / 0)
    assert (threading.Lock, threading.Thread.start, time.sleep, time.monotonic, os._exit) == before


def test_what_handlers_print_and_the_engine_logs_is_not_repeated(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    class Loud(Actor):
        def work(self, **data: Any) -> None:
            print("loud")
            raise ValueError("no")

    with caplog.at_level(logging.INFO, logger="routilux"):
        explore(lambda: fan_in(Loud()))
    assert capsys.readouterr().out == ""
    assert caplog.records == []


def test_other_threads_keep_what_is_real() -> None:
    kinds: list[type] = []
    stop = threading.Event()

    def other() -> None:
        while not stop.is_set():
            kinds.append(type(threading.Lock()))
            time.sleep(0.0001)

    thread = threading.Thread(target=other)
    thread.start()
    try:
        explore(racy, check=lambda flow: True, schedules=100, strategy="random")
    finally:
        stop.set()
        thread.join()
    assert {kind.__module__ for kind in kinds} == {"_thread"}


def test_a_pool_of_threads_from_before_is_named_as_not_controlled() -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        pool.submit(int).result()
        found = explore(
            alone(lambda routine: pool.submit(int).result(timeout=5)),
            check=lambda flow: True,
            schedules=3,
        )
    assert found.uncontrolled
    assert found.outcome == "incomplete"


def test_a_sequential_flow_has_one_schedule() -> None:
    def build() -> Flow:
        flow = Flow("one", execution_strategy="sequential")
        flow.add_routine(Source(), "source")
        flow.add_routine(Atomic(), "target")
        flow.connect("source", "out", "target", "input")
        return flow

    found = explore(build, check=stat("target", "n", 1))
    assert (found.outcome, found.schedules) == ("exhausted", 1)


def test_a_subclass_of_flow_and_routines_without_an_id_have_steady_names() -> None:
    class Own(Flow):
        pass

    def build() -> Own:
        flow = Own(execution_strategy="concurrent")
        target = flow.add_routine(Racy())
        for _ in range(2):
            flow.connect(flow.add_routine(Source()), "out", target, "input")
        return flow

    found = explore(build)
    assert found.schedule is not None
    assert found.schedule.flow["routines"] == ["Racy#0", "Source#1", "Source#2"]
    assert replay(found.schedule, build).same


def test_two_routines_that_share_what_the_seam_cannot_see() -> None:
    shared: dict[str, int] = {}

    class Adder(Actor):
        def work(self, **data: Any) -> None:
            shared["n"] = shared.get("n", 0) + 1

    def build() -> Flow:
        shared.clear()
        return both(Adder(), Adder())

    found = explore(build, check=lambda flow: shared["n"] == 2)
    assert (found.kind, found.granularity, found.preemptions) == ("invariant", "line", 1)
    assert replay(found.schedule, build, check=lambda flow: shared["n"] == 2).same  # type: ignore[arg-type]


def test_a_routine_alone_outside_of_the_flow_is_left_alone() -> None:
    outside = Routine()
    explore(atomic)
    assert type(outside) is Routine
    with pytest.raises(RoutiluxError):
        outside.call_later(1, print)
