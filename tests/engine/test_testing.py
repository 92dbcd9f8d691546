"""The helpers for users' tests."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from routilux import ErrorHandler, Flow, Kind, Routine, UnknownNameError
from routilux.testing import ManualClock, Recorder, collect, run_until_idle
from tests.waiting import arrive, gate


class Source(Routine):
    """Emits its numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.define_slot("trigger", self.start)
        self.define_event("out")

    def start(self, n: int = 1) -> None:
        for value in range(n):
            self.emit("out", value=value)


class Flaky(Routine):
    """Fails the first two times, with each message."""

    def __init__(self) -> None:
        super().__init__()
        self.define_slot("input", self.work)
        self.define_event("done")
        self.set_error_handler(ErrorHandler("retry", max_retries=2, retry_delay=60))
        self.tries: dict[int, int] = {}

    def work(self, value: int) -> None:
        self.tries[value] = self.tries.get(value, 0) + 1
        if self.tries[value] < 3:
            raise ConnectionError("try again")
        self.emit("done", value=value)


def wired(flow: Flow) -> Flow:
    flow.add_routine(Source(), "source")
    flow.add_routine(Flaky(), "flaky")
    flow.connect("source", "out", "flaky", "input")
    return flow


def test_retries_of_hours_take_no_time(manual_clock: ManualClock, make_flow: Any) -> None:
    flow = wired(make_flow(execution_strategy="concurrent", clock=manual_clock))
    done = collect(flow, "flaky", "done")
    job = flow.execute("source", {"n": 3})
    moved = run_until_idle(flow)
    assert moved == 60 + 120
    assert job.status == "completed"
    assert sorted(data["value"] for data in done) == [0, 1, 2]


def test_a_timer_that_sets_the_next_one_for_ever_is_told_at_the_horizon(
    manual_clock: ManualClock, make_flow: Any
) -> None:
    class Ticker(Routine):
        def __init__(self) -> None:
            super().__init__()
            self.define_slot("trigger", self.tick)

        def tick(self) -> None:
            self.increment_stat("ticks")
            self.call_later(1.0, self.tick)

    flow = make_flow(execution_strategy="concurrent", clock=manual_clock)
    flow.add_routine(Ticker(), "ticker")
    job = flow.execute("ticker")
    with pytest.raises(AssertionError, match="1 waiting for their time"):
        run_until_idle(flow, horizon=5.0)
    assert flow.routines["ticker"].get_stat("ticks") == 6
    flow.cancel(job)


def test_a_handler_that_hangs_is_told_after_the_timeout(make_flow: Any) -> None:
    with gate() as go:
        flow = make_flow(execution_strategy="concurrent")
        source = Source()
        source.define_slot("hang", lambda: arrive(go))
        flow.add_routine(source, "source")
        flow.execute("source", entry_slot="hang")
        with pytest.raises(AssertionError, match="1 deliveries queued or running"):
            run_until_idle(flow, timeout=0.05)
        go.set()


@pytest.mark.parametrize("strategy", ["sequential", "concurrent"])
def test_a_flow_with_the_real_clock_runs_to_its_end(strategy: str, make_flow: Any) -> None:
    flow = make_flow(execution_strategy=strategy)
    flow.add_routine(Source(), "source")
    got = collect(flow, "source", "out")
    flow.execute("source", {"n": 100})
    run_until_idle(flow)
    assert sorted(data["value"] for data in got) == list(range(100))


def test_a_recorder_tells_what_ran_and_what_waited(
    manual_clock: ManualClock, make_flow: Any
) -> None:
    flow = wired(make_flow(clock=manual_clock, execution_strategy="concurrent", max_workers=1))
    with Recorder(flow) as recorder:
        flow.execute("source", {"n": 1})
        run_until_idle(flow)
        assert recorder.activations() == {("source", "trigger"): 1, ("flaky", "input"): 3}
        assert recorder.path() == ["source.trigger"] + ["flaky.input"] * 3
        assert recorder.count(Kind.WAITING) == 2
        assert recorder.count(Kind.JOB_ENDED) == 1


def test_collecting_names_what_does_not_exist(make_flow: Any) -> None:
    flow = wired(make_flow())
    with pytest.raises(UnknownNameError, match="did you mean 'done'"):
        collect(flow, "flaky", "dun")
    assert list(flow.routines) == ["source", "flaky"]


def test_the_module_works_without_pytest() -> None:
    code = (
        "import sys; sys.modules['pytest'] = None\n"
        "from routilux.testing import ManualClock, Recorder, collect, run_until_idle\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=20)


def test_the_fixture_ends_the_threads_of_its_flows(make_flow: Callable[..., Flow]) -> None:
    flow = make_flow(Source(), flow_id="f", execution_strategy="concurrent")
    assert len(flow.routines) == 1
