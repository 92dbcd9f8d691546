"""Jobs as plain data: what is kept of one, in which state it comes back, and what is refused."""

import json
import logging
import pickle
import threading
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routilux import (
    ErrorHandler,
    ExecutionRecord,
    Flow,
    JobState,
    JobStatus,
    ManualClock,
    RestoredError,
    Routine,
    SerializationError,
    SlotActivationTask,
    TaskPriority,
)
from routilux.history import Notes
from routilux.plain import MARKER
from tests.engine.building import chain, idle, node, passing
from tests.engine.saving import paused, pipeline
from tests.engine.test_plain import SCALARS
from tests.waiting import arrive, gate, wait_until

VALUES = SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(st.text(), SCALARS, max_size=3)
MAPPINGS = st.dictionaries(st.text(), VALUES, max_size=4)
TIMES = st.datetimes(datetime(1990, 1, 1), datetime(2200, 1, 1))


def again(job: JobState) -> JobState:
    """The job as another process would load it."""
    return JobState.deserialize(json.loads(json.dumps(job.serialize(), allow_nan=False)))


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "routilux")


# what is kept -------------------------------------------------------------------------------------


def test_a_finished_job_comes_back_with_all_that_it_says() -> None:
    flow = Flow("f")
    chain(flow, passing, passing)
    job = flow.execute("n0", {"x": 1})
    loaded = again(job)
    assert loaded.status == "completed"
    assert isinstance(loaded.status, JobStatus)
    assert loaded.done
    assert (loaded.job_id, loaded.flow_id) == (job.job_id, "f")
    assert abs(loaded.created_at - job.created_at) < timedelta(microseconds=2)
    assert abs(loaded.updated_at - job.updated_at) < timedelta(microseconds=2)
    assert abs(loaded.ended - job.ended) < 2e-6
    assert loaded.params == {"x": 1}
    assert loaded.current_routine_id == "n1"
    assert loaded.pending_tasks == []
    assert loaded.number != job.number


def test_the_history_comes_back_with_its_first_and_its_last_record() -> None:
    flow = Flow("f")
    chain(flow, passing, passing)
    job = flow.execute("n0", {"x": 1})
    job.record_execution("n1", "mine", {"y": 2})

    def told(each: JobState) -> list[tuple[str, str, Any]]:
        return [(r.routine_id, r.event_name, r.data) for r in each.execution_history]

    loaded = again(again(job))
    assert told(loaded) == told(job)
    assert [name for _, name, _ in told(loaded)] == ["start", "out", "out", "mine", "completed"]
    assert loaded.get_execution_history("n1")[-1].data == {"y": 2}
    loaded.record_execution("n1", "later")
    assert told(loaded)[-2][1] == "later"


def test_a_bounded_history_keeps_its_bound_and_what_it_forgot() -> None:
    flow = Flow("f", history=3)
    (name,) = chain(flow, lambda routine: [routine.emit("out", n=n) for n in range(50)])
    job = flow.execute(name)
    loaded = again(job)
    assert loaded.forgotten == job.forgotten > 0
    assert len(loaded.execution_history) == len(job.execution_history) == 5
    assert again(loaded).limit == loaded.limit


def test_a_job_without_history_stays_so() -> None:
    flow = Flow("f", history=0)
    chain(flow, passing)
    loaded = again(flow.execute("n0"))
    assert [r.event_name for r in loaded.execution_history] == ["start", "completed"]
    assert loaded.log is None


def test_the_error_comes_back_as_one_that_says_the_same() -> None:
    def fail(routine: Routine, **data: Any) -> None:
        raise KeyError("gone")

    flow = Flow("f")
    flow.add_routine(node(fail), "a")
    job = flow.execute("a")
    assert job.error is not None
    loaded = again(again(job))
    assert loaded.status == "failed"
    error = loaded.error
    assert isinstance(error, RestoredError)
    assert (error.type_name, str(error)) == ("KeyError", str(job.error))
    assert error.__notes__ == job.error.__notes__
    assert repr(error) == """RestoredError(KeyError: 'gone')"""
    assert loaded.routine_states["a"]["status"] == "failed"


def test_a_restored_error_survives_pickling() -> None:
    error = pickle.loads(pickle.dumps(RestoredError("ValueError", "no")))
    assert (error.type_name, str(error)) == ("ValueError", "no")


def test_an_error_that_cannot_be_asked_what_it_says_is_saved_all_the_same() -> None:
    class Strange(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    def fail(routine: Routine, **data: Any) -> None:
        raise Strange

    flow = Flow("f")
    flow.add_routine(node(fail), "a")
    assert "its __str__ raised RuntimeError" in str(again(flow.execute("a")).error)


def test_dropped_deliveries_and_states_set_by_hand_are_kept() -> None:
    def fail(routine: Routine, **data: Any) -> None:
        routine.emit("out")
        raise ValueError

    flow = Flow("f")
    chain(flow, fail, passing)
    job = flow.execute("n0")
    job.update_routine_state("n1", {"mine": [1]})
    loaded = again(job)
    assert loaded.dropped == job.dropped == 1
    assert loaded.get_routine_state("n1") == {"mine": [1]}
    assert loaded.extra.explicit == {"n1"}


def test_a_cancelled_job_keeps_its_reason() -> None:
    def stop(routine: Routine) -> None:
        context = routine.get_execution_context()
        assert context is not None
        context.flow.cancel(context.job_state, "enough")

    flow = Flow("f")
    chain(flow, stop)
    job = flow.execute("n0")
    loaded = again(job)
    assert loaded.status == "cancelled"
    assert loaded.routine_states["_cancellation"]["reason"] == "enough"
    with pytest.raises(ValueError, match="was cancelled"):
        flow.resume(loaded)


def test_what_routines_have_emitted_stands_in_the_history_only() -> None:
    flow = Flow("f")
    chain(flow, passing)
    job = flow.execute("n0", {"x": object()})
    assert "emitted_events" in job.routine_states["n0"]["stats"]
    loaded = again(job)
    assert loaded.routine_states["n0"]["stats"] == {}
    assert "emitted_events" in job.routine_states["n0"]["stats"]  # the job itself is as before


def test_payloads_that_are_no_plain_data_leave_their_type_in_the_history() -> None:
    flow = Flow("f")
    chain(flow, passing)
    job = flow.execute("n0", {"x": [threading.Lock()], "y": 1})
    marked = {"x": [{MARKER: "lock"}], "y": 1}
    assert again(job).params == marked
    assert [r.data for r in again(job).execution_history] == [marked, marked, {}]


def test_a_job_made_by_hand_can_be_saved() -> None:
    job = JobState("f")
    job.status = "paused"  # type: ignore[assignment] # as older code has it
    job.current_routine_id = "a"
    job.update_routine_state("a", {"status": "running", "stats": {"n": 1}})
    job.record_execution("a", "start")
    job.pause_points.append({"reason": "", "checkpoint": None})
    job.pending_tasks.append(SlotActivationTask("a", "input", {"x": 1}, priority=TaskPriority.HIGH))
    loaded = again(job)
    assert (loaded.status, loaded.current_routine_id) == ("paused", "a")
    assert loaded.routine_states == job.routine_states
    assert loaded.pending_tasks == job.pending_tasks
    assert loaded.pause_points == job.pause_points
    assert [r.event_name for r in loaded.execution_history] == ["start"]


@given(
    states=st.dictionaries(st.text(), MAPPINGS, max_size=3),
    checkpoints=st.lists(VALUES, max_size=3),
    tasks=st.lists(st.tuples(st.text(), st.text(), MAPPINGS, st.integers(0, 9)), max_size=3),
    records=st.lists(st.tuples(st.text(), st.text(), MAPPINGS, TIMES), max_size=4),
    status=st.sampled_from(list(JobStatus)),
    current=st.none() | st.text(),
)
def test_any_job_comes_back_as_it_was(
    states: dict[str, dict[str, Any]],
    checkpoints: list[Any],
    tasks: list[tuple[str, str, dict[str, Any], int]],
    records: list[tuple[str, str, dict[str, Any], datetime]],
    status: JobStatus,
    current: str | None,
) -> None:
    job = JobState("f")
    for routine_id, state in states.items():
        state.pop("slots", None)
        if isinstance(state.get("stats"), dict):
            state["stats"].pop("emitted_events", None)
        job.update_routine_state(routine_id, state)
    job.pause_points.extend({"checkpoint": each} for each in checkpoints)
    job.pending_tasks.extend(SlotActivationTask(r, s, d, n, n / 7) for r, s, d, n in tasks)
    job.notes = Notes()
    for record in records:
        job.notes.add(ExecutionRecord(*record), job.limit)
    job.status, job.current_routine_id = status, current
    data = job.serialize()
    loaded = again(job)
    assert loaded.serialize() == data
    assert loaded.routine_states == states
    assert loaded.pause_points == job.pause_points
    assert loaded.pending_tasks == job.pending_tasks
    assert (loaded.status, loaded.current_routine_id) == (status, current)
    assert [r.data for r in loaded.execution_history] == [
        data for _, _, data, _ in sorted(records, key=lambda each: each[3].timestamp())
    ]


# paused and running jobs --------------------------------------------------------------------------


def test_a_paused_job_keeps_what_it_has_still_to_do_and_what_slots_hold() -> None:
    with paused(pipeline(max_workers=1)) as job:
        loaded = again(job)
        assert loaded.pending_tasks == job.pending_tasks
        assert len(loaded.pending_tasks) == 6
    assert loaded.status == "paused"
    assert loaded.flow is None
    assert not loaded.done
    assert [p["reason"] for p in loaded.pause_points] == ["half-way", "to be saved"]
    assert loaded.pause_points[0]["checkpoint"] == {"n": 2}
    assert loaded.routine_states["worker"]["slots"] == {"input": {"n": [0, 1, 2]}}
    assert loaded.routine_states["worker"]["stats"]["handled"] == 3
    assert "slots" not in loaded.routine_states["source"]


def test_the_data_of_slots_is_kept_for_routines_that_have_not_run() -> None:
    flow = pipeline(max_workers=1)
    flow.routines["sink"].get_slot("input").receive({"n": 7})  # type: ignore[union-attr]
    with paused(flow) as job:
        states = job.serialize()["routine_states"]
    assert states["sink"]["slots"] == {"input": {"n": [7]}}


def test_a_job_that_is_not_paused_keeps_no_data_of_slots() -> None:
    flow = pipeline()
    job = flow.execute("source", {"count": 3})
    idle(flow)
    assert all("slots" not in state for state in job.serialize()["routine_states"].values())
    flow.shutdown()


def test_saving_a_paused_job_leaves_it_and_its_slots_as_they_are() -> None:
    flow = pipeline(max_workers=1)
    with paused(flow) as job:
        assert job.serialize() == job.serialize()
        assert "slots" not in job.routine_states["worker"]
        flow.resume(job)
        assert job.wait(10)
    assert flow.routines["worker"].get_stat("handled") == 6
    assert sorted(flow.routines["sink"].get_slot("input").data["n"]) == list(range(6))  # type: ignore[union-attr]


def test_a_running_job_can_be_saved_at_any_time() -> None:
    flow = pipeline()
    with gate() as go:
        began = threading.Event()

        def hold(n: int) -> None:
            began.set()
            go.wait()

        held = Routine()
        held.define_slot("input", hold)
        flow.add_routine(held, "held")
        flow.connect("source", "item", "held", "input")
        job = flow.execute("source", {"count": 500})
        arrive(began)
        statuses = {again(job).status for _ in range(20)}
        assert statuses == {"running"}
        assert again(job).pending_tasks == []
    idle(flow)
    assert again(job).status == "completed"
    flow.shutdown()


def test_a_retry_that_waits_is_kept_with_its_delay_and_its_count() -> None:
    def fail(routine: Routine, **data: Any) -> None:
        raise ValueError

    flow = Flow("f", "concurrent", clock=ManualClock())
    routine = node(fail)
    routine.set_error_handler(ErrorHandler("retry", retry_delay=5.0))
    flow.add_routine(routine, "a")
    job = flow.execute("a", {"x": 1})
    wait_until(lambda: job.retries_waiting)
    assert flow.pause(job, timeout=10)
    flow._runtime.clock.advance(2.0)  # type: ignore[attr-defined]
    assert again(job).pending_tasks == [SlotActivationTask("a", "trigger", {"x": 1}, 1, 3.0)]
    flow.cancel(job)
    flow.shutdown()


# what is refused ----------------------------------------------------------------------------------


def refusal(job: JobState) -> str:
    with pytest.raises(SerializationError) as caught:
        job.serialize()
    return str(caught.value)


def test_queued_data_that_is_no_plain_data_is_named_with_its_target() -> None:
    flow = Flow("f", "concurrent", max_workers=1)

    def emit_and_pause(routine: Routine, **data: Any) -> None:
        context = routine.get_execution_context()
        assert context is not None
        flow.pause(context.job_state)
        routine.emit("out", model={"layers": [1, {2}]})

    chain(flow, emit_and_pause, passing)
    job = flow.execute("n0")
    wait_until(lambda: job.status == "paused")
    assert flow.pause(job, timeout=10)
    said = refusal(job)
    assert said.startswith(f"job {job.job_id}, pending_tasks[0] for slot 'trigger' of routine 'n1'")
    assert "data['model']['layers'][1] is of type set, which is no plain data" in said
    flow.cancel(job)
    flow.shutdown()


def test_slot_data_that_is_no_plain_data_is_named_with_its_slot() -> None:
    flow = pipeline(max_workers=1)
    with paused(flow) as job:
        flow.routines["worker"].get_slot("input")._data["n"].append({1})  # type: ignore[union-attr]
        said = refusal(job)
    assert "routine 'worker' (Worker) of flow 'pipeline': slot 'input' data['n'][3]" in said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda job: job.update_routine_state("a", {"x": {1}}), "routine_states['a']['x']"),
        (lambda job: job.update_routine_state("a", 5), "routine_states['a'] must be a dict"),
        (lambda job: job.update_routine_state(5, {}), "a state must be a dict with a text as"),
        (lambda job: job.update_routine_state("a", {"slots": 5}), "['slots'] is for what slots"),
        (lambda job: job.pause_points.append({"checkpoint": b""}), "pause_points[0]['checkpoint']"),
        (lambda job: job.pause_points.append(5), "each of its pause_points must be a dict"),
        (lambda job: setattr(job, "status", "runing"), "its status is none of pending, running"),
        (lambda job: setattr(job, "job_id", 5), "job_id must be a text to be saved, not of type"),
        (lambda job: setattr(job, "_flow_id", 5), "flow_id must be a text to be saved"),
    ],
)
def test_what_is_set_by_hand_is_named_when_it_cannot_be_saved(change: Any, said: str) -> None:
    job = JobState("f")
    change(job)
    assert said in refusal(job)


class Later(Routine):
    def __init__(self) -> None:
        super().__init__()
        self.define_slot("trigger", self.start)

    def start(self, what: Any) -> None:
        self.call_later(100, what, 1)

    def method(self, *args: Any) -> None:
        pass


@pytest.mark.parametrize("what", [lambda x: x, partial(print)], ids=["lambda", "partial"])
def test_a_later_call_of_anything_but_a_method_is_refused(what: Any) -> None:
    flow, routine = Flow("f", "concurrent", clock=ManualClock()), Later()
    flow.add_routine(routine, "a")
    job = flow.execute("a", {"what": what})
    wait_until(lambda: job.retries_waiting)
    flow.pause(job, timeout=10)
    assert "which cannot be saved; give Routine.call_later a method of the routine" in refusal(job)
    flow.cancel(job)
    flow.shutdown()


def test_a_later_call_of_a_method_is_kept_with_its_arguments() -> None:
    flow, routine = Flow("f", "concurrent", clock=ManualClock()), Later()
    flow.add_routine(routine, "a")
    job = flow.execute("a", {"what": routine.method})
    wait_until(lambda: job.retries_waiting)
    flow.pause(job, timeout=10)
    (task,) = again(job).pending_tasks
    assert (task.routine_id, task.method, task.data) == ("a", "method", {"args": [1]})
    assert task.delay == 100
    flow.cancel(job)
    flow.shutdown()
