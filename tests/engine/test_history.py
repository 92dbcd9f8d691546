"""The history of a job: what stands in it, in which order, how much of it, and who changes it."""

import logging
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routilux import ErrorHandler, ExecutionRecord, Flow, InvalidValueError, JobState, Routine
from routilux.history import LIMIT
from tests.engine.building import chain, idle, node, passing
from tests.waiting import SECONDS, Call, arrive, gate, in_threads, wait_until

STRATEGIES = pytest.mark.parametrize("strategy", ["sequential", "concurrent"])


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "routilux")


def told(job: JobState) -> list[tuple[str, str]]:
    return [(record.routine_id, record.event_name) for record in job.execution_history]


def burst(count: int) -> Any:
    return lambda routine, **_: [routine.emit("out", n=n) for n in range(count)]


def emitting(strategy: str, count: int, history: int = LIMIT) -> Flow:
    flow = Flow("f", strategy, history=history)
    chain(flow, burst(count), lambda _r, n: None)
    return flow


# what stands in it --------------------------------------------------------------------------------


@STRATEGIES
def test_each_emit_has_one_record_whether_or_not_something_is_connected(strategy: str) -> None:
    flow = Flow("f", strategy)

    def entry(routine: Routine, x: int) -> None:
        routine.emit("one", x=x)
        routine.emit("none", x=x)
        routine.emit("two", x=x)

    flow.add_routine(node(entry, events=("one", "two", "none")), "n0")
    for name in ("a", "b"):
        flow.add_routine(node(lambda _r, **_: None), name)
        flow.connect("n0", "two", name, "trigger")
    flow.connect("n0", "one", "a", "trigger")
    job = flow.execute("n0", {"x": 1})
    assert job.wait(SECONDS)
    assert [name for _, name in told(job)] == ["start", "one", "none", "two", "completed"]
    assert {routine for routine, _ in told(job)} == {"n0"}
    flow.shutdown()


@STRATEGIES
def test_the_history_is_sorted_by_time_and_within_the_jobs_span(strategy: str) -> None:
    before = datetime.now()
    flow = emitting(strategy, 50)
    job = flow.execute("n0")
    assert job.wait(SECONDS)
    times = [record.timestamp for record in job.execution_history]
    assert times == sorted(times)
    assert before - timedelta(milliseconds=1) <= times[0] == job.created_at
    assert times[-1] == job.updated_at <= datetime.now() + timedelta(milliseconds=1)
    flow.shutdown()


def test_the_history_of_one_routine_is_a_part_of_it() -> None:
    flow = Flow("f")
    chain(flow, passing, passing, passing)
    job = flow.execute("n0", {"x": 1})
    assert [r.event_name for r in job.get_execution_history("n1")] == ["out"]
    assert [r.event_name for r in job.get_execution_history("n0")] == ["start", "out", "completed"]
    assert job.get_execution_history("unknown") == []
    assert len(job.get_execution_history()) == len(job.execution_history) == 5


def test_what_a_user_records_stands_between_the_others() -> None:
    flow = Flow("f")

    def records(routine: Routine, **data: Any) -> None:
        context = routine.get_execution_context()
        assert context is not None
        routine.emit("out")
        context.job_state.record_execution(context.routine_id, "mine", {"y": 2})
        routine.emit("out")

    chain(flow, records, lambda _r: None)
    job = flow.execute("n0")
    assert [name for _, name in told(job)] == ["start", "out", "mine", "out", "completed"]
    job.record_execution("n0", "after")
    assert job.execution_history[-1].event_name == "completed"
    assert job.get_execution_history("n0")[-2].data == {}


def test_a_job_made_by_hand_keeps_what_is_recorded() -> None:
    job = JobState("f")
    job.record_execution("a", "one", {"x": 1})
    job.record_execution("b", "two")
    assert told(job) == [("a", "one"), ("b", "two")]
    assert job.execution_history[0].data == {"x": 1}
    assert job.forgotten == 0


def test_a_reader_may_change_what_it_reads_without_changing_the_job() -> None:
    flow = Flow("f")
    chain(flow, passing, passing)
    job = flow.execute("n0", {"x": 1})
    for record in job.execution_history:
        record.data.clear()
    job.execution_history.clear()
    assert [r.data for r in job.execution_history] == [{"x": 1}, {"x": 1}, {"x": 1}, {}]
    assert job.params == {"x": 1}


def test_a_record_is_plain_data_and_back() -> None:
    record = ExecutionRecord("a", "out", {"x": [1]}, datetime(2024, 2, 29, 12, 30, 1, 5))
    assert record.serialize() == {
        "routine_id": "a", "event_name": "out", "data": {"x": [1]},
        "timestamp": "2024-02-29T12:30:01.000005",
    }  # fmt: skip
    again = ExecutionRecord.deserialize(record.serialize())
    assert again.serialize() == record.serialize()
    assert repr(again) == "<ExecutionRecord 12:30:01.000005 a.out>"
    bare = ExecutionRecord("a", "out")
    assert bare.data == {}
    assert abs(bare.timestamp - datetime.now()) < timedelta(seconds=5)


@STRATEGIES
def test_what_a_foreign_thread_emits_for_a_job_stands_in_its_history(strategy: str) -> None:
    with gate() as opened:
        flow = Flow("f", strategy)
        chain(flow, lambda _r: arrive(opened), lambda _r, n: None)
        call = Call(flow.execute, "n0")
        wait_until(flow.get_all_executions)
        job = flow.get_all_executions()[-1]
        in_threads(3, lambda n: flow.routines["n0"].emit("out", job=job, n=n))
        opened.set()
        assert call.result().wait(SECONDS)
        assert Counter(told(job)) == {("n0", "start"): 1, ("n0", "out"): 3, ("n0", "completed"): 1}
        flow.shutdown()


@STRATEGIES
def test_what_belongs_to_no_job_is_in_the_history_of_none(strategy: str) -> None:
    flow = Flow("f", strategy)
    chain(flow, passing, lambda _r, n: None)
    job = flow.execute("n0", {"n": 0})
    assert job.wait(SECONDS)
    flow.routines["n0"].emit("out", n=1)
    idle(flow)
    assert [name for _, name in told(job)] == ["start", "out", "completed"]
    flow.shutdown()


# how much of it -----------------------------------------------------------------------------------


@STRATEGIES
@pytest.mark.parametrize("limit", [1, 2, 10, 99, 100, 101])
def test_of_many_records_the_newest_are_kept_and_the_others_counted(
    strategy: str, limit: int
) -> None:
    flow = emitting(strategy, 100, limit)
    job = flow.execute("n0")
    assert job.wait(SECONDS)
    kept = [r.data["n"] for r in job.execution_history if r.event_name == "out"]
    assert kept == list(range(max(0, 100 - limit), 100))
    assert job.forgotten == 100 - len(kept)
    assert (job.execution_history[0].event_name, job.execution_history[-1].event_name) == (
        "start", "completed",
    )  # fmt: skip
    assert job.log is not None
    assert len(job.log) <= 2 * 3 * limit, "and what is forgotten takes no memory"
    flow.shutdown()


def test_the_bound_counts_emits_and_errors_together() -> None:
    flow = Flow("f", history=10)

    def bad(routine: Routine, n: int) -> None:
        raise ValueError(n)

    chain(flow, burst(30), bad)
    flow.set_error_handler(ErrorHandler("continue"))
    job = flow.execute("n0")
    assert len(job.execution_history) == 12
    assert job.forgotten == 50
    assert [r.event_name for r in job.execution_history[1:-1]] == ["error_continued"] * 10
    assert job.execution_history[-2].data["error"] == "29"


def test_ten_thousand_records_are_kept_by_default() -> None:
    flow = emitting("sequential", 10_001)
    job = flow.execute("n0")
    assert len(job.execution_history) == 10_002
    assert job.forgotten == 1
    assert job.limit == 10_000


def test_a_flow_that_keeps_no_history_still_keeps_errors_status_and_start() -> None:
    flow = Flow("f", history=0)

    def bad(routine: Routine, n: int) -> None:
        raise ValueError(n)

    chain(flow, burst(3), bad)
    job = flow.execute("n0")
    assert job.status == "failed"
    assert [name for _, name in told(job)] == ["start"]
    assert job.log is None
    assert (job.get_routine_state("n1") or {}).get("status") in (None, "failed")


@pytest.mark.parametrize("wrong", [-1, 1.5, "10", None, True])
def test_the_bound_is_a_whole_number_that_is_not_negative(wrong: Any) -> None:
    with pytest.raises(InvalidValueError, match="history must be a whole number"):
        Flow("f", history=wrong)


@given(st.lists(st.sampled_from(["emit", "note", "read"]), max_size=60), st.integers(1, 12))
def test_kept_and_forgotten_are_all_that_was_recorded(steps: list[str], limit: int) -> None:
    flow, numbers = Flow("f", history=limit), iter(range(1000))

    def entry(routine: Routine) -> None:
        context = routine.get_execution_context()
        assert context is not None
        for step in steps:
            if step == "emit":
                routine.emit("out", n=next(numbers))
            elif step == "note":
                context.job_state.record_execution("n0", "note", {"n": next(numbers)})
            else:
                assert len(context.job_state.execution_history) <= limit + 1

    chain(flow, entry)
    job = flow.execute("n0")
    total = sum(step != "read" for step in steps)
    kept = [r.data["n"] for r in job.execution_history[1:-1]]
    assert kept == list(range(max(0, total - limit), total))
    assert job.forgotten + len(kept) == total


def test_readers_and_emitters_at_once_lose_no_record() -> None:
    flow = Flow("f", "concurrent", max_workers=4, history=50)
    flow.add_routine(node(lambda r: [r.emit("out", n=n) for n in range(20)]), "n0")
    flow.add_routine(node(burst(20)), "n1")
    flow.connect("n0", "out", "n1", "trigger")
    for _ in range(10):
        job = flow.execute("n0")

        def read(_: int, job: JobState = job) -> None:
            while not job.done:
                assert len(job.execution_history) <= 52  # with start and completed
                assert job.forgotten >= 0

        in_threads(2, read)
        assert len(job.execution_history) == 52
        assert job.forgotten == 20 + 400 - 50
    flow.shutdown()


def test_the_latest_emits_of_a_routine_stand_in_its_statistics() -> None:
    flow = emitting("sequential", 1200)
    flow.execute("n0")
    emitted = flow.routines["n0"].stats()["emitted_events"]
    assert [each["data"]["n"] for each in emitted] == list(range(200, 1200))
    assert emitted[0]["event"] == "out"
    assert datetime.fromisoformat(emitted[0]["timestamp"]) <= datetime.now()
    assert "emitted_events" not in flow.routines["n1"].stats()


def test_resetting_the_statistics_keeps_what_was_emitted_unless_it_is_named() -> None:
    flow = emitting("sequential", 3)
    source = flow.routines["n0"]
    source.set_stat("a", 1)
    source.set_stat("b", 2)
    flow.execute("n0")
    source.reset_stats("a")
    assert set(source.stats()) == {"b", "emitted_events"}
    source.reset_stats()
    assert set(source.stats()) == {"emitted_events"}
    source.reset_stats(["emitted_events", "unknown"])
    assert source.stats() == {}
    flow.execute("n0")
    assert len(source.stats()["emitted_events"]) == 3
