"""What a user gets wrong: one clear error each, and nothing lost without a word."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from routilux import (
    ErrorHandler,
    Flow,
    InvalidValueError,
    JobState,
    Routine,
    SerializationError,
    Slot,
)  # fmt: skip
from routilux.builtin import Batcher
from routilux.testing import run_until_idle
from tests.engine.building import chain, idle, node
from tests.waiting import arrive, gate, wait_until


class Forgetful(Routine):
    def __init__(self) -> None:
        pass


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("text", "not a str"),
        (Routine, "not a class; write add_routine\\(Routine\\(\\), id\\)"),
        (Forgetful(), "Forgetful.__init__ has to call super"),
    ],
)
def test_what_is_no_routine_is_refused_by_name(given: Any, said: str) -> None:
    flow = Flow("shop")
    with pytest.raises(InvalidValueError, match=f"flow 'shop'.*{said}"):
        flow.add_routine(given, "r")
    assert not flow.routines


@pytest.mark.parametrize("given", [5, "abc", [1], {1: 2}])
def test_entry_params_that_are_no_keywords_begin_no_job(given: Any) -> None:
    flow = Flow("shop")
    chain(flow, lambda _r: None)
    with pytest.raises(InvalidValueError, match=r"flow 'shop'.*entry_params"):
        flow.execute("n0", given)
    assert flow.get_all_executions() == []


def test_an_id_that_cannot_be_one_is_refused() -> None:
    flow = Flow("shop")
    with pytest.raises(InvalidValueError, match="a list cannot be a routine's id"):
        flow.execute([])  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["pause", "resume", "cancel"])
def test_what_is_no_job_is_refused(name: str) -> None:
    with pytest.raises(InvalidValueError, match="a JobState is needed here, not a NoneType"):
        getattr(Flow("shop"), name)(None)


def test_a_generator_function_is_no_handler() -> None:
    def handler(**_data: object) -> Any:
        yield 1

    with pytest.raises(InvalidValueError, match=r"handler\(\) is a generator function"):
        Slot("in", handler=handler)


def test_a_job_that_was_cancelled_stays_so_though_it_had_ended() -> None:
    flow = Flow("shop")
    chain(flow, lambda _r: None)
    job = flow.execute("n0")
    flow.cancel(job, "enough")
    for control in (flow.pause, flow.resume):
        with pytest.raises(InvalidValueError, match="was cancelled"):
            control(job)
    assert job.status == "cancelled"


def test_an_entry_without_its_slot_is_recorded_like_any_error() -> None:
    flow = Flow("shop")
    flow.add_routine(Routine(), "r")
    job = flow.execute("r")
    assert [record.event_name for record in job.execution_history] == ["error"]
    state = job.get_routine_state("r")
    assert state is not None
    assert state["status"] == "failed"
    assert "has no slot 'trigger'" in state["error"]
    assert len(flow.routines["r"].stats()["errors"]) == 1
    assert job.current_routine_id == "r"


def test_a_routine_whose_retry_was_cancelled_has_failed() -> None:
    flow = Flow("shop", "concurrent")
    routine = node(lambda _r: 1 // 0)
    routine.set_as_critical(3, 3600)
    flow.add_routine(routine, "r")
    job = flow.execute("r")
    wait_until(lambda: job.retries_waiting)
    flow.cancel(job)
    assert job.wait(10)
    state, tracker = job.get_routine_state("r"), flow.execution_tracker
    assert state is not None
    assert state["status"] == "failed"
    assert tracker is not None
    performance = tracker.get_routine_performance("r")
    assert performance is not None
    assert (performance["completed"], performance["failed"]) == (0, 1)
    flow.shutdown()


def test_an_error_handler_of_the_users_own_is_asked() -> None:
    class Lenient(ErrorHandler):
        def handle_error(self, error: BaseException, *_: Any, **__: Any) -> bool:
            return isinstance(error, ValueError)

    flow = Flow("shop")
    chain(flow, lambda _r, bad: int(bad))
    flow.set_error_handler(Lenient())
    assert flow.execute("n0", {"bad": "x"}).status == "completed"
    assert flow.execute("n0", {"bad": None}).status == "failed"


def test_a_flow_with_the_real_clock_and_a_retry_runs_to_its_end() -> None:
    def flaky(routine: Routine) -> None:
        if routine.increment_stat("n") < 2:
            raise ConnectionError("once")

    for _ in range(20):
        flow = Flow(execution_strategy="concurrent")
        routine = node(flaky)
        routine.set_error_handler(ErrorHandler("retry", retry_delay=0.001))
        flow.add_routine(routine, "r")
        job = flow.execute("r")
        run_until_idle(flow, timeout=5.0)
        assert job.status == "completed"
        flow.shutdown()


def test_a_paused_job_whose_handler_still_runs_is_not_saved(tmp_path: Path) -> None:
    flow = Flow("shop", "concurrent")
    with gate() as go:
        chain(flow, lambda _r: arrive(go))
        job = flow.execute("n0")
        wait_until(lambda: flow._threads is not None and flow._threads.running())
        assert flow.pause(job, timeout=0.0) is False
        with pytest.raises(
            SerializationError, match=r"a handler of it still runs \(slot 'trigger'"
        ):
            job.save(tmp_path / "job.json")
        assert not list(tmp_path.iterdir())
        go.set()
    flow.resume(job)
    idle(flow)
    flow.shutdown()


def paused_with_items(flow: Flow) -> JobState:
    """A job that is paused while a batcher holds two items."""

    def source(routine: Routine) -> None:
        for n in range(2):
            routine.emit("out", item=n)

    def pauses(routine: Routine, **_: Any) -> None:
        context = routine.get_execution_context()
        assert context is not None
        flow.pause(context.job_state)

    batcher = Batcher()
    batcher.set_config(size=4)
    chain(flow, source)
    flow.add_routine(batcher, "batch")
    flow.add_routine(node(pauses), "pauses")
    flow.connect("n0", "out", "batch", "input")
    flow.connect("n0", "out", "pauses", "trigger")
    return flow.execute("n0")


def test_items_that_a_batcher_holds_are_not_lost_by_a_save_without_a_word() -> None:
    flow = Flow("shop")
    job = paused_with_items(flow)
    with pytest.raises(SerializationError, match=r"'batch' \(Batcher\).*holds back 1 items"):
        job.serialize()
    flow.resume(job)


def test_a_job_that_was_loaded_and_resumed_is_found(tmp_path: Path) -> None:
    flow = Flow("shop")

    def pauses(routine: Routine) -> None:
        context = routine.get_execution_context()
        assert context is not None
        routine.emit("out")
        flow.pause(context.job_state)

    chain(flow, pauses, lambda r: r.increment_stat("n"))
    flow.execute("n0").save(tmp_path / "job.json")
    json.loads((tmp_path / "job.json").read_text("utf-8"))
    job = flow.resume(JobState.load(tmp_path / "job.json"))
    assert job.status == "completed"
    assert flow.get_execution(job.job_id) is job
    assert job in flow.get_all_executions()
    assert flow.routines["n1"].get_stat("n") == 1


def test_a_shutdown_that_a_paused_job_keeps_waiting_says_so() -> None:
    flow = Flow("shop", "concurrent")
    pauses: Callable[..., Any] = lambda r: flow.pause(r.get_execution_context().job_state)  # noqa: E731
    chain(flow, pauses)
    job = flow.execute("n0")
    wait_until(lambda: job.status == "paused" and flow._threads and not flow._threads.running())
    with pytest.warns(RuntimeWarning, match="1 jobs still open.*no handler running"):
        assert not flow.shutdown(timeout=0.01)
    flow.cancel(job)
    idle(flow)
    flow.shutdown()


def test_the_repr_of_a_routine_asks_no_value() -> None:
    class Rude:
        def __repr__(self) -> str:
            raise RuntimeError("no")

    routine = Routine()
    routine.set_stat("rude", Rude())
    assert repr(routine).endswith("stats: rude>")
