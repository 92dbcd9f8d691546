"""The public names with their signatures and defaults, and what each does, as the API's table."""

import inspect
import logging
import math
from typing import Any
from uuid import UUID

import pytest

import routilux
from routilux import (
    Connection,
    ErrorHandler,
    ErrorStrategy,
    Event,
    ExecutionRecord,
    ExecutionTracker,
    Flow,
    InvalidValueError,
    JobState,
    JobStatus,
    Limit,
    ManualClock,
    RoutiluxError,
    Routine,
    Slot,
    SlotActivationTask,
    TaskPriority,
    UnknownNameError,
)
from tests.engine.building import chain, idle, node, passing
from tests.waiting import SECONDS, Call, arrive, gate, in_threads, wait_until

STRATEGIES = pytest.mark.parametrize("strategy", ["sequential", "concurrent"])
NO = inspect.Parameter.empty


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "routilux")


# signatures ---------------------------------------------------------------------------------------

#: The parameters that users of the API know, in their order; `...` has to be given.
SIGNATURES: list[tuple[Any, dict[str, Any]]] = [
    (Flow, {"flow_id": None, "execution_strategy": "sequential", "max_workers": 5}),
    (Flow.add_routine, {"routine": ..., "routine_id": None}),
    (Flow.connect, {"source_routine_id": ..., "source_event": ..., "target_routine_id": ...,
                    "target_slot": ..., "param_mapping": None}),
    (Flow.execute, {"entry_routine_id": ..., "entry_params": None, "execution_strategy": None}),
    (Flow.aexecute, {"entry_routine_id": ..., "entry_params": None, "execution_strategy": None}),
    (Flow.wait_for_completion, {"timeout": None}),
    (Flow.shutdown, {"wait": True, "timeout": None}),
    (Flow.set_execution_strategy, {"strategy": ..., "max_workers": None}),
    (Flow.set_error_handler, {"handler": ...}),
    (Flow.pause, {"job_state": ..., "reason": "", "checkpoint": None}),
    (Flow.resume, {"job_state": ...}),
    (Flow.cancel, {"job_state": ..., "reason": ""}),
    (Flow.serialize, {"include_execution_state": False}),
    (Flow.deserialize, {"data": ...}),
    (Flow.get_execution, {"job_id": ...}),
    (Flow.get_all_executions, {}),
    (Routine, {}),
    (Routine.define_slot, {"name": ..., "handler": None, "merge_strategy": "override"}),
    (Routine.define_event, {"name": ..., "output_params": None}),
    (Routine.emit, {"event_name": ..., "flow": None}),
    (Routine.get_slot, {"name": ...}),
    (Routine.get_event, {"name": ...}),
    (Routine.set_config, {}),
    (Routine.get_config, {"key": ..., "default": None}),
    (Routine.config, {}),
    (Routine.set_stat, {"key": ..., "value": ...}),
    (Routine.get_stat, {"key": ..., "default": None}),
    (Routine.increment_stat, {"key": ..., "amount": 1}),
    (Routine.stats, {}),
    (Routine.reset_stats, {"keys": None}),
    (Routine._track_operation, {"name": ..., "success": True}),
    (Routine._extract_input_data, {"data": None}),
    (Routine.set_error_handler, {"handler": ...}),
    (Routine.get_error_handler, {}),
    (Routine.set_as_optional, {"strategy": ErrorStrategy.CONTINUE}),
    (Routine.set_as_critical, {"max_retries": 3, "retry_delay": 1.0, "retry_backoff": 2.0}),
    (Routine.add_serializable_fields, {"fields": ...}),
    (Routine.serialize, {}),
    (Routine.deserialize, {"data": ...}),
    (Routine.get_execution_context, {}),
    (Slot, {"name": "", "routine": None, "handler": None, "merge_strategy": "override"}),
    (Slot.connect, {"event": ...}),
    (Slot.disconnect, {"event": ...}),
    (Slot.receive, {"data": ...}),
    (Slot.call_handler, {"data": ..., "propagate_exceptions": False}),
    (Event, {"name": "", "routine": None, "output_params": ()}),
    (Event.connect, {"slot": ...}),
    (Event.disconnect, {"slot": ...}),
    (Event.emit, {"flow": None}),
    (Connection, {"source_event": None, "target_slot": None, "param_mapping": None}),
    (Connection.activate, {"data": ...}),
    (Connection.disconnect, {}),
    (JobState, {"flow_id": ""}),
    (JobState.update_routine_state, {"routine_id": ..., "state": ...}),
    (JobState.get_routine_state, {"routine_id": ...}),
    (JobState.get_routine_states, {}),
    (JobState.record_execution, {"routine_id": ..., "event_name": ..., "data": None}),
    (JobState.get_execution_history, {"routine_id": None}),
    (JobState.wait, {"timeout": None}),
    (JobState.wait_for_completion, {"flow": ..., "job": ..., "timeout": None}),
    (JobState.save, {"path": ...}),
    (JobState.load, {"path": ...}),
    (JobState.serialize, {}),
    (JobState.deserialize, {"data": ...}),
    (ExecutionRecord, {"routine_id": ..., "event_name": ..., "data": None, "timestamp": None}),
    (ExecutionTracker, {"flow_id": ""}),
    (ExecutionTracker.record_routine_start, {"routine_id": ..., "params": None}),
    (ExecutionTracker.record_routine_end,
     {"routine_id": ..., "status": "completed", "result": None, "error": None}),
    (ExecutionTracker.record_event, {"source": ..., "event": ...,
                                     "target": None, "data": None}),
    (ExecutionTracker.get_routine_performance, {"routine_id": ...}),
    (ExecutionTracker.get_flow_performance, {}),
    (ErrorHandler, {"strategy": "stop", "max_retries": 3, "retry_delay": 1.0,
                    "retry_backoff": 2.0, "retryable_exceptions": None, "is_critical": False}),
    (ErrorHandler.handle_error, {"error": ..., "routine": None, "routine_id": "", "flow": None,
                                 "context": None}),
    (ErrorHandler.reset, {}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "known"), SIGNATURES, ids=lambda v: getattr(v, "__qualname__", "")
)
def test_the_parameters_that_users_know_come_first_with_their_defaults(
    name: Any, known: dict[str, Any]
) -> None:
    parameters = list(inspect.signature(name).parameters.values())
    parameters = [p for p in parameters if p.name != "self" and p.kind is not p.VAR_KEYWORD]
    found = {p.name: ... if p.default is NO else p.default for p in parameters}
    assert list(found.items())[: len(known)] == list(known.items())
    further = parameters[len(known) :]
    assert all(p.default is not NO or p.kind is p.VAR_POSITIONAL for p in further)


def test_all_public_names_can_be_imported_and_are_documented() -> None:
    for name in routilux.__all__:
        value = getattr(routilux, name)
        assert value.__doc__ or not isinstance(value, type), name
    assert routilux.__all__ == sorted(routilux.__all__, key=lambda n: (n[0].islower(), n))
    from routilux import flow

    assert flow.TaskPriority is TaskPriority
    assert flow.SlotActivationTask is SlotActivationTask


# Flow ---------------------------------------------------------------------------------------------


def test_a_new_flow_has_the_attributes_that_users_know() -> None:
    flow = Flow()
    assert UUID(flow.flow_id).version == 4
    assert (flow.routines, flow.connections) == ({}, [])
    assert (flow.error_handler, flow.execution_tracker) == (None, None)
    assert (flow.execution_strategy, flow.max_workers) == ("sequential", 1)
    assert Flow("f", "concurrent").max_workers == 5
    assert Flow("f", "concurrent", 3).max_workers == 3
    assert Flow("f", "parallel").execution_strategy == "parallel", "refused where it is used"


@pytest.mark.parametrize("wrong", [0, -1, 2.0, "4", None, True, math.nan])
def test_a_number_of_workers_that_makes_no_sense_is_refused(wrong: Any) -> None:
    with pytest.raises(InvalidValueError, match="max_workers must be a whole number of at least 1"):
        Flow("f", "concurrent", wrong)
    if wrong is not None:
        with pytest.raises(ValueError, match="max_workers"):
            Flow("f").set_execution_strategy("concurrent", wrong)


@pytest.mark.parametrize("wrong", [-1, -0.001, math.nan, "1", True, [1]])
def test_a_timeout_that_makes_no_sense_is_refused_wherever_one_is_given(wrong: Any) -> None:
    flow = Flow("f")
    (name,) = chain(flow, lambda _r: None)
    job = flow.execute(name)
    calls: list[Any] = [
        lambda: flow.wait_for_completion(wrong),
        lambda: flow.shutdown(timeout=wrong),
        lambda: job.wait(wrong),
        lambda: JobState.wait_for_completion(flow, job, wrong),
        lambda: flow.pause(job, timeout=wrong),
        lambda: Routine().define_slot("a", max_queue=1, block_timeout=wrong),
    ]
    for call in calls:
        with pytest.raises(InvalidValueError, match=r"timeout must be .*number of seconds >= 0"):
            call()
    assert issubclass(InvalidValueError, ValueError)
    assert job.status == "completed", "and nothing has changed"


@STRATEGIES
def test_a_timeout_without_end_waits_without_end(strategy: str) -> None:
    flow = Flow("f", strategy)
    with gate() as opened:
        chain(flow, lambda _r: arrive(opened))
        call = Call(flow.execute, "n0")
        wait_until(flow.get_all_executions)
        job = flow.get_all_executions()[-1]
        waiting = [Call(job.wait, math.inf), Call(flow.wait_for_completion, 1e300)]
        opened.set()
        assert [each.result() for each in waiting] == [True, True]
        call.result()
    assert flow.shutdown(timeout=math.inf)


@STRATEGIES
def test_executions_are_found_by_their_id_as_long_as_they_are_open_or_held(strategy: str) -> None:
    import gc

    flow = Flow("f", strategy)
    chain(flow, lambda _r: None)
    jobs = [flow.execute("n0") for _ in range(3)]
    idle(flow)
    assert flow.get_all_executions() == jobs
    assert [flow.get_execution(job.job_id) for job in jobs] == jobs
    assert flow.get_execution("unknown") is None
    gone = jobs[0].job_id
    del jobs[0]
    flow.execute("n0")
    idle(flow)
    gc.collect()
    assert flow.get_execution(gone) is None
    assert flow.get_all_executions()[:2] == jobs
    flow.shutdown()


@STRATEGIES
def test_a_job_waits_for_itself_alone_also_by_the_static_method(strategy: str) -> None:
    flow, other = Flow("f", strategy), Flow("g")
    chain(flow, lambda _r: None)
    job = flow.execute("n0")
    assert JobState.wait_for_completion(flow, job, SECONDS)
    assert job.wait()
    with pytest.raises(RoutiluxError, match="is not a job of flow 'g'"):
        JobState.wait_for_completion(other, job)
    flow.shutdown()


def test_a_job_of_no_flow_cannot_be_waited_for() -> None:
    job = JobState("f")
    with pytest.raises(RoutiluxError, match="belongs to no flow here"):
        job.wait(1)
    assert not job.done


# Routine ------------------------------------------------------------------------------------------


def test_the_message_of_a_handler_that_takes_anything_is_found() -> None:
    extract = Routine._extract_input_data
    assert extract({"a": 1}, x=2) == {"a": 1}
    assert extract(None, data=5) == 5
    assert extract(data=0) == 0
    assert extract(x=3) == 3
    assert extract(x=3, y=4) == {"x": 3, "y": 4}
    assert extract(data=None, x=3) == 3
    assert extract() == {}
    assert Routine()._extract_input_data(x=None) is None


def test_operations_are_counted_and_their_details_kept() -> None:
    routine = Routine()
    routine._track_operation("load")
    routine._track_operation("load", success=False, reason="gone")
    routine._track_operation("load", True, size=3)
    assert routine.stats() == {
        "total_load": 3,
        "successful_load": 2,
        "failed_load": 1,
        "load_history": [{"reason": "gone", "success": False}, {"size": 3, "success": True}],
    }
    for n in range(1100):
        routine._track_operation("much", n=n)
    assert len(routine.get_stat("much_history")) == 1000
    assert routine.get_stat("much_history")[-1]["n"] == 1099


def test_operations_of_many_threads_are_all_counted() -> None:
    routine = Routine()

    def operate(n: int) -> None:
        for _ in range(200):
            routine._track_operation("op", n % 2 == 0, n=n)

    in_threads(4, operate)
    counted = [routine.get_stat(f"{which}_op") for which in ("total", "successful", "failed")]
    assert counted == [800, 400, 400]
    assert len(routine.get_stat("op_history")) == 800


def test_calling_a_routine_counts_the_calls() -> None:
    routine = Routine()
    routine()
    routine(x=1)
    assert routine.stats() == {"called": True, "call_count": 2}


def test_an_optional_routine_continues_and_a_critical_one_retries() -> None:
    routine = Routine()
    assert routine.get_error_handler() is None
    routine.set_as_optional()
    optional = routine.get_error_handler()
    assert optional is not None
    assert (optional.strategy, optional.is_critical) == (ErrorStrategy.CONTINUE, False)
    routine.set_as_optional("skip")
    assert routine.get_error_handler().strategy == "skip"  # type: ignore[union-attr]
    routine.set_as_critical()
    critical = routine.get_error_handler()
    assert critical is not None
    assert critical.is_critical
    assert (critical.strategy, critical.max_retries) == (ErrorStrategy.RETRY, 3)
    assert (critical.retry_delay, critical.retry_backoff) == (1.0, 2.0)
    routine.set_as_critical(1, 0.5, 3.0)
    handler = routine.get_error_handler()
    assert handler is not None
    assert [handler.delay(k) for k in (1, 2, 3)] == [0.5, 1.5, 4.5]


@STRATEGIES
def test_a_handler_knows_where_it_runs_and_others_run_nowhere(strategy: str) -> None:
    flow, found = Flow("f", strategy), []
    routine = node(lambda r: found.append(r.get_execution_context()))
    assert routine.get_execution_context() is None
    flow.add_routine(routine, "me")
    job = flow.execute("me")
    assert job.wait(SECONDS)
    assert found == [(flow, job, "me")]
    assert found[0].job_state is job
    assert routine.get_execution_context() is None
    assert not routine.cancelled
    flow.shutdown()


def test_an_emit_takes_names_of_its_own_parameters_as_data() -> None:
    flow, got = Flow("f"), []
    chain(flow, passing, lambda _r, **data: got.append(data))
    source = flow.routines["n0"]
    data: dict[str, Any] = {"event_name": 1, "job": "text", "flow": "text", "data": 2, "self": 3}
    source.emit("out", **data)
    assert got == [data]


@STRATEGIES
def test_an_emit_for_a_job_that_has_ended_is_refused(strategy: str) -> None:
    flow = Flow("f", strategy)
    chain(flow, passing, lambda _r: None)
    job = flow.execute("n0")
    assert job.wait(SECONDS)
    with pytest.raises(RoutiluxError, match="has ended already"):
        flow.routines["n0"].emit("out", job=job)
    assert flow.wait_for_completion(SECONDS)
    flow.shutdown()


def test_an_event_may_be_emitted_itself() -> None:
    flow, got = Flow("f"), []
    chain(flow, passing, lambda _r, **data: got.append(data))
    event = flow.routines["n0"].get_event("out")
    assert event is not None
    event.emit(x=1)
    event.emit(flow, x=2)
    idle(flow)
    assert got == [{"x": 1}, {"x": 2}]
    emitted = flow.routines["n0"].stats()["emitted_events"]
    assert [each["data"] for each in emitted] == [{"x": 1}, {"x": 2}]


@pytest.mark.parametrize("name", ["execute", "connect", "emit"])
def test_what_does_not_exist_is_named_with_what_is_nearest(name: str) -> None:
    flow = Flow("f")
    chain(flow, passing, passing)
    calls: dict[str, list[Any]] = {
        "execute": [lambda: flow.execute("n00")],
        "connect": [
            lambda: flow.connect("n00", "out", "n1", "trigger"),
            lambda: flow.connect("n0", "outt", "n1", "trigger"),
            lambda: flow.connect("n0", "out", "n11", "trigger"),
            lambda: flow.connect("n0", "out", "n1", "triger"),
        ],
        "emit": [lambda: flow.routines["n0"].emit("outt")],
    }
    for call in calls[name]:
        with pytest.raises(UnknownNameError, match="did you mean"):
            call()
    assert len(flow.connections) == 1


# Slot, Event, Connection --------------------------------------------------------------------------


def test_a_slot_and_an_event_connect_from_either_side_once_and_both_know() -> None:
    slot, event = Slot("in"), Event("out")
    slot.connect(event)
    slot.connect(event)
    event.connect(slot)
    assert slot.connected_events == [event]
    assert event.connected_slots == [slot]
    event.disconnect(slot)
    event.disconnect(slot)
    slot.disconnect(event)
    assert (slot.connected_events, event.connected_slots) == ([], [])
    event.connect(slot)
    slot.disconnect(event)
    assert (slot.connected_events, event.connected_slots) == ([], [])


def test_a_connection_links_when_it_is_made_and_may_be_ended_often() -> None:
    got: list[Any] = []
    slot, event = Slot("in", handler=lambda **data: got.append(data)), Event("out")
    first = Connection(event, slot)
    second = Connection(event, slot, {"x": "y"})
    assert slot.connected_events == [event], "once, though there are two connections"
    event.emit(x=1)
    assert got == [{"x": 1}, {"y": 1}]
    second.activate({"x": 2})
    assert got[2:] == [{"y": 2}]
    first.disconnect()
    first.disconnect()
    assert slot.connected_events == [event]
    second.disconnect()
    assert slot.connected_events == []
    event.emit(x=3)
    assert len(got) == 3
    with pytest.raises(InvalidValueError, match="a connection needs a target slot"):
        Connection(event)


@STRATEGIES
def test_connections_of_one_pair_all_deliver_each_with_its_mapping(strategy: str) -> None:
    flow, got = Flow("f", strategy), []
    flow.add_routine(node(passing), "n0")
    flow.add_routine(node(lambda _r, **data: got.append(data)), "n1")
    for mapping in (None, {"x": "y"}, {"x": "z", "absent": "w"}, {"x": "keep"}):
        flow.connect("n0", "out", "n1", "trigger", mapping)
    job = flow.execute("n0", {"x": 1, "keep": 2})
    assert job.wait(SECONDS)
    key = lambda data: sorted(data.items())  # noqa: E731 - used twice, here only
    expected = [{"x": 1, "keep": 2}, {"y": 1, "keep": 2}, {"z": 1, "keep": 2}, {"keep": 1}]
    assert sorted(got, key=key) == sorted(expected, key=key)
    assert [c.param_mapping for c in flow.connections][1:3] == [
        {"x": "y"}, {"x": "z", "absent": "w"},
    ]  # fmt: skip
    flow.shutdown()


def test_a_connection_that_was_ended_is_none_of_the_flows_any_more() -> None:
    flow = Flow("f")
    chain(flow, passing, passing, passing)
    first, second = flow.connections
    assert flow.entry_routines() == ["n0"]
    first.disconnect()
    assert flow.connections == [second]
    assert flow.entry_routines() == ["n0", "n1"]
    flow.routines["n1"].get_event("out").disconnect(second.target_slot)  # type: ignore[union-attr]
    assert flow.connections == []


@pytest.mark.parametrize(
    "error", [ValueError("no"), RecursionError(), ExceptionGroup("g", [OSError()])]
)
def test_receiving_never_raises_what_a_handler_does(error: Exception) -> None:
    routine = Routine()

    def bad(**data: Any) -> None:
        raise error

    slot = routine.define_slot("in", bad)
    slot.receive({"x": 1})
    slot.receive(3)  # type: ignore[arg-type]
    assert [each["slot"] for each in routine.stats()["errors"]] == ["in", "in"]
    assert slot.data == {"x": 1}
    slot.call_handler({"x": 2})
    assert len(routine.stats()["errors"]) == 3
    assert slot.data == {"x": 1}, "calling the handler merges nothing"
    with pytest.raises(type(error)):
        slot.call_handler({"x": 2}, propagate_exceptions=True)
    Slot("alone", handler=bad).receive({"x": 1})


def test_receiving_never_raises_though_logging_does(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(logging.getLogger("routilux"), "error", refuse)
    routine = Routine()
    routine.define_slot("in", lambda **_: 1 // 0).receive({})
    assert len(routine.stats()["errors"]) == 1


def test_without_a_flow_an_emit_calls_the_slots_one_after_the_other_and_goes_on() -> None:
    source, got = node(), []
    event = source.get_event("out")
    assert event is not None
    targets = [node(lambda _r, x: got.append(x)), node(lambda _r, x: 1 // 0), node(passing)]
    last = Slot("last", handler=lambda x: got.append(-x))
    for target in targets:
        slot = target.get_slot("trigger")
        assert slot is not None
        event.connect(slot)
    targets[2].get_event("out").connect(last)  # type: ignore[union-attr]
    source.emit("out", x=1)
    source.emit("out", x=2)
    assert got == [1, -1, 2, -2]
    assert len(targets[1].stats()["errors"]) == 2
    emitted = source.stats()["emitted_events"]
    assert [(e["event"], e["data"]) for e in emitted] == [("out", {"x": 1}), ("out", {"x": 2})]


@STRATEGIES
def test_resetting_the_data_of_a_slot_begins_anew(strategy: str) -> None:
    flow, got = Flow("f", strategy, max_workers=1), []

    class Batches(Routine):
        def __init__(self) -> None:
            super().__init__()
            self.input = self.define_slot("in", self.collect, "append")

        def collect(self, n: int) -> None:
            values = self.input._data["n"]
            if len(values) == 3:
                got.append(values)
                self.input._data = {}

    flow.add_routine(node(lambda r: [r.emit("out", n=n) for n in range(8)]), "n0")
    flow.add_routine(Batches(), "n1")
    flow.connect("n0", "out", "n1", "in")
    assert flow.execute("n0").wait(SECONDS)
    assert got == [[0, 1, 2], [3, 4, 5]]
    assert flow.routines["n1"].get_slot("in").data == {"n": [6, 7]}  # type: ignore[union-attr]
    flow.shutdown()


def test_what_is_changed_in_a_slots_data_reaches_nobody_else() -> None:
    flow, got = Flow("f"), []

    class Clears(Routine):
        def __init__(self) -> None:
            super().__init__()
            self.input = self.define_slot("in", self.take)

        def take(self, **data: Any) -> None:
            self.input._data["mine"] = 1
            del self.input._data["x"]
            got.append(self.input.data)

    flow.add_routine(node(passing), "n0")
    for name in ("a", "b"):
        flow.add_routine(Clears(), name)
        flow.connect("n0", "out", name, "in")
    job = flow.execute("n0", {"x": 1, "y": 2})
    assert job.status == "completed"
    assert got == [{"y": 2, "mine": 1}] * 2
    assert job.execution_history[1].data == {"x": 1, "y": 2}


# JobState -----------------------------------------------------------------------------------------


def test_a_job_made_by_hand_has_the_attributes_that_users_know() -> None:
    job = JobState("f")
    assert UUID(job.job_id)
    assert job.job_id == job.job_id
    assert (job.flow_id, job.status, job.current_routine_id) == ("f", "pending", None)
    assert (job.routine_states, job.execution_history) == ({}, [])
    assert (job.pause_points, job.pending_tasks) == ([], [])
    assert job.created_at <= job.updated_at
    before = job.updated_at
    job.update_routine_state("a", {"status": "mine", "x": 1})
    job.update_routine_state("a", {"status": "replaced"})
    assert job.get_routine_state("a") == {"status": "replaced"}
    assert job.get_routine_state("b") is None
    assert job.updated_at > before
    job.current_routine_id = "a"
    assert job.current_routine_id == "a"


def test_the_statuses_compare_equal_to_their_names() -> None:
    assert [str(status) for status in JobStatus] == [
        "pending", "running", "paused", "completed", "failed", "cancelled",
    ]  # fmt: skip
    assert len({ErrorStrategy.STOP, "stop"}) == 1


@STRATEGIES
def test_each_execute_is_a_job_of_its_own_with_its_own_id_and_history(strategy: str) -> None:
    flow = Flow("f", strategy)
    chain(flow, passing, lambda _r, n: None)
    jobs = [flow.execute("n0", {"n": n}) for n in range(5)]
    idle(flow)
    assert len({job.job_id for job in jobs}) == 5
    assert len(set(in_threads(3, lambda _: jobs[0].job_id))) == 1
    assert [job.execution_history[1].data for job in jobs] == [{"n": n} for n in range(5)]
    assert {job.current_routine_id for job in jobs} == {"n0"}
    flow.shutdown()


@STRATEGIES
def test_a_function_is_told_when_a_job_has_ended_also_when_it_has_already(strategy: str) -> None:
    told: list[tuple[str, bool]] = []
    with gate() as opened:
        flow = Flow("f", strategy)
        chain(flow, lambda _r: arrive(opened))
        call = Call(flow.execute, "n0")
        wait_until(flow.get_all_executions)
        job = flow.get_all_executions()[-1]

        def broken(job: JobState) -> None:
            raise OSError

        job.on_end(broken)
        job.on_end(lambda job: told.append((job.status, job.done)))
        assert told == []
        opened.set()
        call.result()
        assert job.wait(SECONDS)
        wait_until(lambda: told)
        job.on_end(lambda job: told.append(("again", job.done)))
        assert told == [("completed", True), ("again", True)]
        flow.shutdown()


@STRATEGIES
def test_a_thread_may_run_a_function_as_a_part_of_a_job(strategy: str) -> None:
    flow, got = Flow("f", strategy), []
    with gate() as opened:
        chain(flow, lambda _r: arrive(opened), lambda _r, n: got.append(n))
        call = Call(flow.execute, "n0")
        wait_until(flow.get_all_executions)
        job = flow.get_all_executions()[-1]
        source = flow.routines["n0"]

        def work(n: int, *, twice: bool) -> Any:
            source.emit("out", n=n)
            assert source.get_execution_context() == (flow, job, "n0")
            return n * 2 if twice else n

        assert job.run(work, 4, twice=True) == 8
        with pytest.raises(ZeroDivisionError):
            job.run(lambda: 1 // 0)
        opened.set()
        assert call.result().wait(SECONDS)
    assert got == [4]
    assert job.status == "completed", "what the function raises is the caller's affair"
    with pytest.raises(RoutiluxError, match="has ended already; execute a new one"):
        job.run(work, 1, twice=False)
    flow.shutdown()


# errors -------------------------------------------------------------------------------------------


def test_an_error_handler_takes_names_and_members_and_compares_as_text() -> None:
    for strategy in ErrorStrategy:
        assert ErrorHandler(strategy).strategy is ErrorHandler(strategy.value).strategy is strategy
    default = ErrorHandler()
    assert (default.strategy, default.max_retries, default.is_critical) == ("stop", 3, False)
    assert default.retryable_exceptions == (Exception,)
    assert repr(default) == "<ErrorHandler stop>"
    assert repr(ErrorHandler("retry", is_critical=True)) == (
        "<ErrorHandler retry max_retries=3 critical>"
    )


@pytest.mark.parametrize(
    ("strategy", "goes_on"),
    [("stop", [False] * 3), ("continue", [True] * 3), ("skip", [True] * 3),
     ("retry", [True, True, False])],
)  # fmt: skip
def test_an_error_handler_may_be_asked_by_hand(strategy: str, goes_on: list[bool]) -> None:
    handler, routine = ErrorHandler(strategy, max_retries=2), Routine()
    for _ in range(2):
        asked = [handler.handle_error(OSError(), routine, "r", Flow("f"), {}) for _ in range(3)]
        assert asked == goes_on
        assert handler.retry_count == (2 if strategy == "retry" else 0)
        handler.reset()
        assert handler.retry_count == 0


def test_a_type_that_is_not_retryable_goes_on_at_no_time() -> None:
    handler = ErrorHandler("retry", retryable_exceptions=[OSError])
    assert not handler.handle_error(ValueError())
    assert handler.retry_count == 0
    assert handler.handle_error(OSError())
    assert handler.retry_count == 1


def test_an_error_handler_is_plain_data_but_for_its_types() -> None:
    handler = ErrorHandler("retry", 7, 0.5, 3.0, [OSError], True, max_delay=9, jitter=0.5)
    handler.handle_error(OSError())
    data = handler.serialize()
    assert "retryable_exceptions" not in data
    again = ErrorHandler()
    again.deserialize(data)
    assert again.serialize() == data
    assert (again.max_retries, again.retry_count) == (7, 1)
    assert again.retryable_exceptions == (Exception,)
    with pytest.raises(InvalidValueError):
        again.deserialize(data | {"max_retries": -1})
    with pytest.raises(InvalidValueError):
        again.deserialize(data | {"retry_count": "x"})
    assert again.serialize() == data, "all or nothing"


def test_a_pending_task_is_plain_data_with_defaults() -> None:
    task = SlotActivationTask("r", "in", {"x": 1})
    assert (task.retries, task.delay, task.method) == (0, 0.0, "")
    assert task.priority is TaskPriority.NORMAL
    assert TaskPriority.HIGH > TaskPriority.NORMAL > TaskPriority.LOW


@pytest.mark.parametrize("wrong", [0, -1, 1.5, "2", True])
def test_limits_that_make_no_sense_are_refused_where_they_are_given(wrong: Any) -> None:
    for given in ({"max_queue": wrong}, {"max_concurrency": wrong}):
        routine = Routine()
        with pytest.raises(InvalidValueError, match="must be a whole number of at least 1"):
            routine.define_slot("in", lambda **_: None, **given)
        assert routine.get_slot("in") is None
    with pytest.raises(InvalidValueError):
        Limit(wrong)


def test_a_flow_takes_its_time_from_the_clock_that_it_is_given() -> None:
    clock = ManualClock(start=100)
    flow = Flow("f", clock=clock)
    routine = Routine()
    flow.add_routine(routine)
    assert routine.now() == 100
