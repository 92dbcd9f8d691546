"""How jobs and routines perform: exact counts, times of handler calls, and figures by hand."""

import logging
import threading
from datetime import datetime
from typing import Any

import pytest

from routilux import ErrorHandler, ExecutionTracker, Flow, ManualClock, Routine, SlotFullError
from tests.engine.building import chain, idle, node, passing
from tests.waiting import SECONDS, Call, arrive, gate, in_threads, wait_until

STRATEGIES = pytest.mark.parametrize("strategy", ["sequential", "concurrent"])
FIGURES = {
    "total_executions", "completed", "failed", "success_rate", "avg_execution_time",
    "min_execution_time", "max_execution_time", "p50", "p90", "timed_executions",
}  # fmt: skip


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "routilux")


def tracker_of(flow: Flow) -> ExecutionTracker:
    found = flow.execution_tracker
    assert found is not None
    return found


def odd_fails(routine: Routine, n: int) -> None:
    if n % 2:
        raise ValueError(n)


def bursting(strategy: str, count: int = 10, **kwargs: Any) -> Flow:
    """``n0`` emits so many numbers to ``n1``, which fails for the odd ones."""
    flow = Flow("f", strategy, **kwargs)
    chain(flow, lambda r: [r.emit("out", n=n) for n in range(count)], odd_fails)
    return flow


# of a job -----------------------------------------------------------------------------------------


def test_a_flow_has_a_tracker_from_the_first_execute_on_and_each_replaces_it() -> None:
    flow = Flow("f")
    chain(flow, passing)
    assert flow.execution_tracker is None
    flow.execute("n0")
    first = tracker_of(flow)
    assert first is flow.execution_tracker
    assert first.flow_id == "f"
    flow.execute("n0")
    assert tracker_of(flow) is not first


@STRATEGIES
@pytest.mark.parametrize("what", ["continue", "skip"])
def test_counts_are_exact_for_every_routine_that_ran(strategy: str, what: str) -> None:
    flow = bursting(strategy)
    flow.set_error_handler(ErrorHandler(what))
    job = flow.execute("n0")
    assert job.wait(SECONDS)
    entry = tracker_of(flow).get_routine_performance("n0")
    target = tracker_of(flow).get_routine_performance("n1")
    assert entry is not None
    assert target is not None
    assert set(entry) == set(target) == FIGURES
    assert [entry[k] for k in ("total_executions", "completed", "failed", "success_rate")] == [
        1, 1, 0, 1.0,
    ]  # fmt: skip
    assert [target[k] for k in ("total_executions", "completed", "failed", "success_rate")] == [
        10, 5, 5, 0.5,
    ]  # fmt: skip
    assert tracker_of(flow).get_routine_performance("unknown") is None
    flow.shutdown()


@STRATEGIES
def test_a_routine_that_has_not_run_has_no_performance_and_no_state(strategy: str) -> None:
    flow = Flow("f", strategy)
    chain(flow, lambda _r: None, passing)
    job = flow.execute("n0")
    assert job.wait(SECONDS)
    assert tracker_of(flow).get_routine_performance("n1") is None
    assert job.get_routine_state("n1") is None
    assert set(job.get_routine_states()) == {"n0"}
    flow.shutdown()


def test_what_a_stopped_job_dropped_does_not_count_as_run() -> None:
    flow = bursting("sequential")
    job = flow.execute("n0")
    assert job.status == "failed"
    performance = tracker_of(flow).get_routine_performance("n1") or {}
    assert (performance["total_executions"], performance["failed"]) == (2, 1)
    assert job.dropped == 8


@STRATEGIES
def test_what_a_full_slot_refused_does_not_count_as_run_anywhere(strategy: str) -> None:
    with gate() as opened:
        flow, full, entered = Flow("f", strategy, max_workers=2), [], threading.Event()

        def entry(routine: Routine) -> None:
            routine.emit("out", n=0)
            if strategy == "concurrent":
                arrive(entered)
                routine.emit("out", n=0)  # waits, as the first is with its handler
            for n in range(1, 4):
                try:
                    routine.emit("out", n=n)
                except SlotFullError:
                    full.append(n)
            opened.set()

        def narrow(**_: Any) -> None:
            entered.set()
            arrive(opened)

        flow.add_routine(node(entry), "n0")
        target = Routine()
        target.define_slot("in", narrow, max_queue=1, max_concurrency=1, overflow="error")
        flow.add_routine(target, "narrow")
        flow.add_routine(node(lambda _r, n: None), "wide")
        flow.connect("n0", "out", "wide", "trigger")
        flow.connect("n0", "out", "narrow", "in")
        job = flow.execute("n0")
        assert job.wait(SECONDS)
        assert full == [1, 2, 3]
        delivered = 2 if strategy == "concurrent" else 1
        for name in ("narrow", "wide"):
            performance = tracker_of(flow).get_routine_performance(name) or {}
            assert performance["total_executions"] == delivered
        assert job.dropped == 0
        flow.shutdown()


@STRATEGIES
def test_a_delivery_that_is_tried_again_counts_once(strategy: str) -> None:
    flow = bursting(strategy, 4)
    flow.set_error_handler(ErrorHandler("retry", max_retries=2, retry_delay=0, is_optional=True))
    job = flow.execute("n0")
    assert job.wait(SECONDS)
    performance = tracker_of(flow).get_routine_performance("n1") or {}
    assert (performance["total_executions"], performance["failed"]) == (4, 2)
    assert (job.get_routine_state("n1") or {})["retry_count"] == 4
    flow.shutdown()


def test_counts_stay_exact_when_the_history_forgets() -> None:
    flow = bursting("sequential", 500, history=7)
    flow.set_error_handler(ErrorHandler("continue"))
    job = flow.execute("n0")
    assert job.forgotten > 700
    performance = tracker_of(flow).get_routine_performance("n1") or {}
    assert (performance["total_executions"], performance["failed"]) == (500, 250)
    assert tracker_of(flow).get_flow_performance()["total_events"] == 500


@STRATEGIES
def test_the_flows_performance_counts_routines_and_deliveries_and_takes_the_time(
    strategy: str,
) -> None:
    flow = bursting(strategy)
    flow.set_error_handler(ErrorHandler("continue"))
    job = flow.execute("n0")
    assert job.wait(SECONDS)
    performance = tracker_of(flow).get_flow_performance()
    assert performance["total_routines"] == 2
    assert performance["total_events"] == 10
    assert performance["total_execution_time"] == pytest.approx(job.ended - job.began)
    assert performance["avg_routine_time"] == pytest.approx((job.ended - job.began) / 11)
    flow.shutdown()


@STRATEGIES
def test_the_event_flow_says_what_went_from_where_to_where(strategy: str) -> None:
    flow = Flow("f", strategy)
    chain(flow, passing, passing, lambda _r, x: None)
    job = flow.execute("n0", {"x": 1})
    assert job.wait(SECONDS)
    steps = tracker_of(flow).event_flow
    assert [(s["source_routine_id"], s["event_name"], s["target_routine_id"]) for s in steps] == [
        ("n0", "out", "n1"), ("n1", "out", "n2"),
    ]  # fmt: skip
    assert [s["data"] for s in steps] == [{"x": 1}] * 2
    assert datetime.fromisoformat(steps[0]["timestamp"]) <= datetime.now()
    flow.shutdown()


@STRATEGIES
def test_calls_are_timed_by_the_flows_clock(strategy: str) -> None:
    clock = ManualClock()
    flow = Flow("f", strategy, clock=clock)
    chain(flow, lambda _r, seconds: clock.advance(seconds))
    job = flow.execute("n0", {"seconds": 2.5})
    assert job.wait(SECONDS)
    performance = tracker_of(flow).get_routine_performance("n0") or {}
    assert performance["timed_executions"] == 1
    for name in ("avg_execution_time", "min_execution_time", "max_execution_time"):
        assert performance[name] == pytest.approx(2.5)
    assert performance["p50"] == pytest.approx(2.5, rel=0.1)
    assert sum(tracker_of(flow).get_routine_histogram("n0").values()) == 1
    assert tracker_of(flow).get_routine_histogram("unknown") == {}
    flow.shutdown()


@pytest.mark.parametrize(("traced", "timed"), [(False, 63), (True, 100)])
def test_the_first_calls_of_a_job_are_timed_or_all_of_them_while_it_is_traced(
    traced: bool, timed: int
) -> None:
    flow = Flow("f")
    chain(flow, lambda r: [r.emit("out", n=n) for n in range(100)], lambda _r, n: None)
    if traced:
        flow.bus.subscribe()
    flow.execute("n0")
    performance = tracker_of(flow).get_routine_performance("n1") or {}
    assert performance["timed_executions"] == timed
    assert performance["total_executions"] == 100


# states -------------------------------------------------------------------------------------------


@STRATEGIES
def test_the_entrys_state_has_the_span_of_the_job_and_all_have_their_statistics(
    strategy: str,
) -> None:
    flow = Flow("f", strategy)

    def counts(routine: Routine, **data: Any) -> None:
        routine.increment_stat("count")
        routine.emit("out", **data)

    chain(flow, counts, counts)
    job = flow.execute("n0", {"x": 1})
    assert job.wait(SECONDS)
    entry, end = job.get_routine_state("n0"), job.get_routine_state("n1")
    assert entry is not None
    assert end is not None
    assert entry["status"] == end["status"] == "completed"
    assert entry["execution_time"] == pytest.approx(job.ended - job.began)
    assert datetime.fromisoformat(entry["start_time"]) == job.created_at
    assert datetime.fromisoformat(entry["end_time"]) >= job.created_at
    assert entry["stats"]["count"] == end["stats"]["count"] == 1
    assert [e["data"] for e in end["stats"]["emitted_events"]] == [{"x": 1}]
    assert "start_time" not in end
    flow.shutdown()


@STRATEGIES
def test_a_routine_that_runs_is_running_in_the_states(strategy: str) -> None:
    with gate() as opened:
        flow, entered = Flow("f", strategy), threading.Event()

        def stays(routine: Routine) -> None:
            entered.set()
            arrive(opened)

        chain(flow, passing, stays)
        call = Call(flow.execute, "n0")
        arrive(entered)
        job = flow.get_all_executions()[-1]
        assert {s["status"] for s in job.routine_states.values()} == {"running"}
        opened.set()
        assert call.result().wait(SECONDS)
        assert {s["status"] for s in job.routine_states.values()} == {"completed"}
        assert set(job.routine_states) == {"n0", "n1"}
        flow.shutdown()


@STRATEGIES
def test_a_state_that_the_user_sets_is_left_alone(strategy: str) -> None:
    flow = Flow("f", strategy)

    def sets(routine: Routine) -> None:
        context = routine.get_execution_context()
        assert context is not None
        context.job_state.update_routine_state("n0", {"mine": 1})
        context.job_state.update_routine_state("else", {"status": "x"})
        routine.emit("out")

    chain(flow, sets, lambda _r: None)
    job = flow.execute("n0")
    assert job.wait(SECONDS)
    assert job.get_routine_state("n0") == {"mine": 1}
    assert job.get_routine_state("else") == {"status": "x"}
    assert (job.get_routine_state("n1") or {})["status"] == "completed"
    job.update_routine_state("n1", {"replaced": True})
    assert job.get_routine_state("n1") == {"replaced": True}
    flow.shutdown()


def test_the_states_of_many_routines_are_made_in_one_pass_over_the_emits() -> None:
    flow = Flow("f")
    chain(flow, *[passing] * 2000)
    job = flow.execute("n0", {"x": 1})
    from time import process_time

    began = process_time()
    assert len(job.routine_states) == 2000
    assert process_time() - began < 2
    assert job.routine_states["n7"]["stats"]["emitted_events"][0]["data"] == {"x": 1}


class Told:
    """A lock that says when somebody wants it."""

    def __init__(self, lock: Any) -> None:
        self.lock = lock
        self.wanted = threading.Event()

    def __enter__(self) -> None:
        self.wanted.set()
        self.lock.acquire()

    def __exit__(self, *_: object) -> None:
        self.lock.release()


def test_states_are_read_without_holding_a_lock_that_a_statistic_may_want() -> None:
    """A value's own ``__add__`` may emit while the routine's statistics are locked."""
    flow, routine = Flow("f", "concurrent"), node(lambda _r, **_: None)
    adding, go = threading.Event(), threading.Event()

    class Emits:
        def __radd__(self, other: Any) -> int:
            adding.set()
            assert go.wait(SECONDS)
            routine.emit("out")
            return 1

    flow.add_routine(routine, "n0")
    flow.add_routine(node(lambda _r: None), "n1")
    flow.connect("n0", "out", "n1", "trigger")
    job = flow.execute("n0")
    assert job.wait(SECONDS)
    counting = Call(routine.increment_stat, "x", Emits())
    arrive(adding)
    lock = Told(routine._state_lock)
    routine._state_lock = lock  # type: ignore[assignment]
    reading = Call(lambda: job.routine_states)
    arrive(lock.wanted)
    go.set()
    assert counting.result() == 1
    assert set(reading.result()) == {"n0"}
    idle(flow)
    flow.shutdown()


# by hand ------------------------------------------------------------------------------------------


def test_what_is_recorded_by_hand_is_counted_and_timed() -> None:
    tracker = ExecutionTracker("f")
    assert tracker.flow_id == "f"
    assert tracker.get_routine_performance("a") is None
    for status in ("completed", "completed", "failed"):
        tracker.record_routine_start("a", {"x": 1})
        tracker.record_routine_end(
            "a", status, result=3, error="no" if status == "failed" else None
        )
    performance = tracker.get_routine_performance("a")
    assert performance is not None
    assert set(performance) == FIGURES
    assert (performance["total_executions"], performance["completed"], performance["failed"]) == (
        3, 2, 1,
    )  # fmt: skip
    assert performance["success_rate"] == pytest.approx(2 / 3)
    low, high = performance["min_execution_time"], performance["max_execution_time"]
    assert 0 <= low <= performance["avg_execution_time"] <= high < 5
    (first, *_, last) = tracker.routine_executions["a"]
    assert (first["status"], first["params"], first["result"]) == ("completed", {"x": 1}, 3)
    assert (last["status"], last["error"]) == ("failed", "no")
    assert datetime.fromisoformat(first["start_time"]) <= datetime.fromisoformat(first["end_time"])


def test_an_end_without_a_start_is_ignored() -> None:
    tracker = ExecutionTracker()
    tracker.record_routine_end("a")
    assert tracker.get_routine_performance("a") is None
    tracker.record_routine_start("a")
    tracker.record_routine_end("a")
    tracker.record_routine_end("a", "failed")
    assert (tracker.get_routine_performance("a") or {})["failed"] == 0


def test_a_start_without_an_end_is_neither_completed_nor_failed() -> None:
    tracker = ExecutionTracker()
    tracker.record_routine_start("a")
    performance = tracker.get_routine_performance("a") or {}
    assert [performance[k] for k in ("total_executions", "completed", "failed")] == [1, 0, 0]
    assert performance["avg_execution_time"] == 0.0


def test_events_recorded_by_hand_stand_in_the_event_flow() -> None:
    tracker = ExecutionTracker()
    tracker.record_event("a", "out", "b", {"x": 1})
    tracker.record_event("a", "out")
    assert [(e["target_routine_id"], e["data"]) for e in tracker.event_flow] == [
        ("b", {"x": 1}), (None, {}),
    ]  # fmt: skip
    tracker.record_routine_start("a")
    tracker.record_routine_end("a")
    performance = tracker.get_flow_performance()
    assert (performance["total_routines"], performance["total_events"]) == (1, 2)
    assert performance["avg_routine_time"] == performance["total_execution_time"]
    assert ExecutionTracker().get_flow_performance() == {
        "total_routines": 0, "total_events": 0, "total_execution_time": 0.0,
        "avg_routine_time": 0.0,
    }  # fmt: skip
    tracker.performance_metrics["mine"] = 1
    assert tracker.performance_metrics == {"mine": 1}


def test_what_is_recorded_by_hand_is_bounded() -> None:
    tracker = ExecutionTracker()
    for n in range(10_050):
        tracker.record_event("a", "out", None, {"n": n})
        tracker.record_routine_start("a")
        tracker.record_routine_end("a")
    assert len(tracker.event_flow) == 10_000
    assert tracker.event_flow[0]["data"] == {"n": 50}
    assert len(tracker.routine_executions["a"]) == 10_000


def test_threads_that_record_at_once_end_what_each_has_started() -> None:
    tracker = ExecutionTracker()

    def record(_: int) -> None:
        for _ in range(100):
            tracker.record_routine_start("a")
            tracker.record_event("a", "out")
            tracker.record_routine_end("a")

    in_threads(4, record)
    performance = tracker.get_routine_performance("a") or {}
    assert [performance[k] for k in ("total_executions", "completed")] == [400, 400]
    assert len(tracker.event_flow) == 400


def test_a_tracker_of_a_job_takes_records_by_hand_too() -> None:
    flow = Flow("f")
    chain(flow, passing)
    flow.execute("n0")
    tracker = tracker_of(flow)
    tracker.record_event("x", "y", "z")
    tracker.record_routine_start("mine")
    wait_until(lambda: tracker.routine_executions)
    tracker.record_routine_end("mine")
    assert tracker.event_flow[-1]["target_routine_id"] == "z"
    assert (tracker.get_routine_performance("mine") or {})["completed"] == 1
