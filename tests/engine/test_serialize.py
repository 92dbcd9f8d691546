"""Flows and routines as plain data: what is kept, what loading puts in place, what is refused."""

import json
import threading
import warnings
from typing import Any

import pytest

from routilux import (
    DamagedDataError,
    ErrorHandler,
    Flow,
    InvalidValueError,
    JobState,
    Routine,
    SerializationError,
)
from routilux.builtin import ConditionalRouter, Mapper
from tests.engine.building import idle
from tests.engine.saving import Sink, Source, Worker, paused, pipeline
from tests.waiting import Call, arrive, gate


def again(flow: Flow) -> Flow:
    """The flow as another process would load it."""
    loaded = Flow()
    loaded.deserialize(json.loads(json.dumps(flow.serialize(), allow_nan=False)))
    return loaded


def edges(flow: Flow) -> list[tuple[str, str, str, str, dict[str, str]]]:
    return [
        (
            c.source_event.routine._id,  # type: ignore[union-attr]
            c.source_event.name,  # type: ignore[union-attr]
            c.target_slot.routine._id,  # type: ignore[union-attr]
            c.target_slot.name,
            c.param_mapping,
        )
        for c in flow.connections
    ]


# flows: what is kept ------------------------------------------------------------------------------


def test_a_flow_comes_back_and_runs_as_before() -> None:
    flow = pipeline()
    flow.set_error_handler(ErrorHandler("retry", 2, 0.5))
    flow.routines["worker"].set_as_critical(max_retries=7)
    flow.routines["source"].set_as_optional()
    loaded = again(flow)
    assert (loaded.flow_id, loaded.execution_strategy, loaded.max_workers) == (
        "pipeline",
        "concurrent",
        5,
    )
    assert [(i, type(r), r._id, r._flow) for i, r in loaded.routines.items()] == [
        ("source", Source, "source", loaded),
        ("worker", Worker, "worker", loaded),
        ("sink", Sink, "sink", loaded),
    ]
    assert edges(loaded) == edges(flow)
    assert loaded.error_handler is not None
    assert loaded.error_handler.serialize() == flow.error_handler.serialize()  # type: ignore[union-attr]
    worker = loaded.routines["worker"].get_error_handler()
    assert worker is not None
    assert (worker.is_critical, worker.max_retries) == (True, 7)
    loaded.execute("source", {"count": 4})
    idle(loaded)
    assert loaded.routines["worker"].get_stat("handled") == 4
    assert sorted(loaded.routines["sink"].get_slot("input").data["n"]) == [0, 1, 2, 3]  # type: ignore[union-attr]
    loaded.shutdown()


def test_an_empty_flow_comes_back() -> None:
    loaded = again(Flow("empty"))
    assert (loaded.flow_id, loaded.routines, loaded.connections) == ("empty", {}, [])


def test_what_a_loaded_flow_is_saved_as_is_the_same() -> None:
    flow = pipeline()
    flow.execute("source", {"count": 3})
    idle(flow)
    assert again(flow).serialize() == json.loads(json.dumps(flow.serialize()))
    flow.shutdown()


def test_the_copy_shares_nothing_with_the_flow() -> None:
    flow = pipeline()
    layers = {"layers": [1]}
    flow.routines["worker"].set_config(model=layers)
    data = flow.serialize()
    layers["layers"].append(2)
    loaded = Flow()
    loaded.deserialize(data)
    data["routines"]["worker"]["config"]["model"]["layers"].append(3)
    assert loaded.routines["worker"].get_config("model") == {"layers": [1]}


def test_accumulated_data_comes_back_and_the_last_message_does_not() -> None:
    flow = pipeline("sequential")
    flow.execute("source", {"count": 3})
    data = flow.serialize()["routines"]
    assert data["worker"]["slots"] == {"input": {"merge": "append", "data": {"n": [0, 1, 2]}}}
    assert data["sink"]["slots"] == {"input": {"merge": "custom", "data": {"n": [0, 1, 2]}}}
    assert data["source"]["slots"] == {"trigger": {"merge": "override"}}
    loaded = again(flow)
    loaded.execute("source", {"count": 1})
    assert loaded.routines["worker"].get_slot("input").data == {"n": [0, 1, 2, 0]}  # type: ignore[union-attr]


def test_identical_connections_all_come_back_in_order() -> None:
    flow = pipeline("sequential")
    flow.connect("source", "item", "worker", "input", {"n": "m"})
    flow.connect("source", "item", "worker", "input")
    flow.connect("worker", "done", "worker", "input", {"n": "again"})
    loaded = again(flow)
    assert edges(loaded) == edges(flow)
    assert [mapping for *_, mapping in edges(loaded)] == [{}, {}, {"n": "m"}, {}, {"n": "again"}]


def test_a_connection_that_was_ended_is_not_saved() -> None:
    flow = pipeline("sequential")
    flow.connections[0].disconnect()
    assert edges(again(flow)) == edges(flow)
    assert len(edges(flow)) == len(edges(pipeline("sequential"))) - 1


def test_a_connection_that_was_made_without_the_flow_is_saved() -> None:
    flow = pipeline("sequential")
    source, sink = flow.routines["source"], flow.routines["sink"]
    source.get_event("item").connect(sink.get_slot("input"))  # type: ignore[union-attr, arg-type]
    source.get_event("item").connect(Worker().get_slot("input"))  # type: ignore[union-attr, arg-type]
    assert edges(again(flow)) == [*edges(flow), ("source", "item", "sink", "input", {})]


def test_statistics_leave_out_what_was_emitted() -> None:
    flow = pipeline("sequential")
    flow.execute("source", {"count": 1})
    assert "emitted_events" in flow.routines["worker"].stats()
    assert flow.serialize()["routines"]["worker"]["stats"] == {"handled": 1}


def test_the_structure_holds_no_job_unless_asked_for() -> None:
    flow = pipeline(max_workers=1)
    assert flow.serialize(include_execution_state=True)["jobs"] == []
    with paused(flow) as job:
        assert "jobs" not in flow.serialize()
        (data,) = json.loads(json.dumps(flow.serialize(include_execution_state=True)))["jobs"]
    loaded = JobState.deserialize(data)
    assert loaded.job_id == job.job_id
    other = pipeline("sequential")
    assert other.resume(loaded).status == "completed"
    assert other.routines["worker"].get_stat("handled") == 6


def test_configuration_goes_through_the_class_so_that_it_may_define_events() -> None:
    flow = Flow("f")
    router = ConditionalRouter()
    router.set_config(routes=[("large", "data > 10")], default_route="small")
    flow.add_routine(router, "route")
    flow.add_routine(Mapper(), "map")
    flow.connect("route", "large", "map", "input")
    flow.connect("route", "small", "map", "input")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert edges(again(flow)) == edges(flow)


def test_a_flow_can_be_saved_while_it_runs() -> None:
    flow = pipeline()
    done = threading.Event()

    def execute() -> None:
        while not done.is_set():
            flow.execute("source", {"count": 20}).wait(10)

    running = Call(execute)
    try:
        for _ in range(50):
            data = flow.serialize()["routines"]["worker"]
            lists = data["slots"]["input"].get("data", {"n": []})
            assert abs(len(lists["n"]) - data["stats"].get("handled", 0)) <= 200
            flow.routines["worker"].get_slot("input")._data = {}  # type: ignore[union-attr]
            flow.routines["worker"].set_stat("handled", 0)
    finally:
        done.set()
    running.result()
    flow.shutdown()


# flows: loading in place --------------------------------------------------------------------------


def test_loading_replaces_what_was_there_and_detaches_it() -> None:
    flow = pipeline("sequential")
    source, worker = flow.routines["source"], flow.routines["worker"]
    data = Flow("other").serialize()
    flow.deserialize(data)
    assert (flow.flow_id, flow.routines, flow.connections) == ("other", {}, [])
    assert source._flow is None
    source.emit("item", n=1)  # reaches nobody any more
    assert worker.stats() == {}
    Flow().add_routine(source, "again")


def test_a_concurrent_flow_becomes_sequential_and_back() -> None:
    concurrent, sequential = pipeline("concurrent", max_workers=2), pipeline("sequential")
    flow = pipeline("concurrent")
    flow.execute("source", {"count": 2}).wait(10)
    flow.deserialize(sequential.serialize())
    assert flow.execute("source", {"count": 2}).status == "completed"
    flow.deserialize(concurrent.serialize())
    assert (flow.execution_strategy, flow.max_workers) == ("concurrent", 2)
    assert flow.execute("source", {"count": 2}).wait(10)
    flow.shutdown()


def test_a_flow_with_open_jobs_is_not_replaced() -> None:
    flow = pipeline()
    data = flow.serialize()
    held = Routine()
    began = threading.Event()
    with gate() as go:
        held.define_slot("trigger", lambda: began.set() or go.wait())  # type: ignore[func-returns-value]
        flow.add_routine(held, "held")
        flow.execute("held")
        arrive(began)
        with pytest.raises(InvalidValueError, match="'pipeline' has 1 open jobs"):
            flow.deserialize(data)
        assert "held" in flow.routines
    idle(flow)
    flow.deserialize(data)
    assert list(flow.routines) == ["source", "worker", "sink"]
    flow.shutdown()


def test_a_connection_that_the_classes_know_no_more_is_dropped_with_a_warning() -> None:
    flow = pipeline("sequential")
    data = flow.serialize()
    data["connections"][0]["source_event"] = "itm"
    data["connections"][1]["target_slot"] = "inpt"
    with pytest.warns(RuntimeWarning) as caught:
        flow.deserialize(data)
    assert flow.connections == []
    assert [str(each.message) for each in caught] == [
        "flow 'pipeline': dropped the connection source.itm -> worker.input: there is no event "
        "'itm' of routine 'source' any more",
        "flow 'pipeline': dropped the connection worker.done -> sink.inpt: there is no slot "
        "'inpt' of routine 'sink' any more",
    ]
    assert caught[0].filename == __file__


def test_accumulated_data_that_has_no_place_any_more_is_dropped_with_a_warning() -> None:
    flow = pipeline("sequential")
    data = flow.serialize()
    data["routines"]["source"]["slots"]["trigger"] = {"merge": "append", "data": {"n": [1]}}
    with pytest.warns(RuntimeWarning, match="what slot 'trigger' of routine 'source' has"):
        flow.deserialize(data)
    assert flow.routines["source"].get_slot("trigger").data == {}  # type: ignore[union-attr]


def test_a_warning_that_is_an_error_leaves_the_flow_as_it_was() -> None:
    flow = pipeline("sequential")
    before = dict(flow.routines)
    data = flow.serialize()
    data["connections"][0]["source_event"] = "itm"
    with pytest.raises(RuntimeWarning, match="dropped the connection"):
        flow.deserialize(data)
    assert flow.routines == before
    assert len(flow.connections) == 2


def change(data: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    *keys, last = path.split(".")
    target: Any = data
    for key in keys:
        target = target[int(key)] if isinstance(target, list) else target[key]
    target[last] = value
    return data


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("kind", "routilux.job", "the flow data is of kind 'routilux.job'; 'routilux.flow' was"),
        ("schema", 2, r"saved by a newer version \(schema 2, this version reads 1\)"),
        ("flow_id", 5, "flow_id must be a text, not 5"),
        ("execution_strategy", "parallel", "execution_strategy 'parallel' is none of"),
        ("max_workers", 0, "max_workers must be at least 1, not 0"),
        ("error_handler", {}, r"error_handler\['strategy'\] is missing"),
        ("routines", [], "routines must be an object, not a list"),
        ("routines.worker.config", None, r"routines\['worker'\]\['config'\] must be an object"),
        ("routines.worker.stats", 1, r"\['stats'\] must be an object, not 1"),
        ("routines.worker.slots.input.data", [1], r"\['data'\] must be an object, not a list"),
        ("routines.worker.fields", {"_flow": 1}, "has '_flow', which is no field"),
        ("routines.worker.fields", {"emit": 1}, "has 'emit', which is no field"),
        ("routines.worker.class", {}, r"\['class'\]\['module'\] is missing"),
        ("connections.1.source_routine_id", "nobody", "a connection names routine 'nobody'"),
        ("connections.0.param_mapping", {"a": 1}, "must hold texts"),
        ("routines.worker.config", {"self": 1}, "Worker does not take it, but raised TypeError"),
    ],
)
def test_damaged_data_is_named_and_changes_nothing(path: str, value: Any, said: str) -> None:
    flow = pipeline("sequential")
    before, wired = dict(flow.routines), list(flow.connections)
    data = change(json.loads(json.dumps(flow.serialize())), path, value)
    data["flow_id"] = data["flow_id"] if path == "flow_id" else "changed"
    with pytest.raises(DamagedDataError, match=said):
        flow.deserialize(data)
    assert (flow.flow_id, flow.routines, flow.connections) == ("pipeline", before, wired)
    flow.execute("source", {"count": 2})
    assert flow.routines["worker"].get_stat("handled") == 2


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("strategy", "shrug"),
        ("max_retries", -1),
        ("max_retries", "3"),
        ("jitter", "much"),
        ("is_critical", 1),
        ("retry_delay", None),
        ("retry_count", 2.5),
    ],
)
def test_a_damaged_error_handler_is_named(key: str, value: Any) -> None:
    flow = Flow("f")
    flow.set_error_handler(ErrorHandler("retry"))
    data = flow.serialize()
    data["error_handler"][key] = value
    with pytest.raises(DamagedDataError, match="error_handler"):
        Flow().deserialize(data)


# flows: what is refused ---------------------------------------------------------------------------


class OwnHandler(ErrorHandler):
    pass


def refusal(flow: Flow) -> str:
    with pytest.raises(SerializationError) as caught:
        flow.serialize()
    assert isinstance(caught.value, TypeError)
    return str(caught.value)


def test_what_is_no_plain_data_is_named_by_flow_routine_and_place() -> None:
    flow = pipeline("sequential")
    worker = flow.routines["worker"]
    worker.set_config(model={"layers": [1, 2, 3, threading.Lock()]})
    assert refusal(flow).startswith(
        "routine 'worker' (Worker) of flow 'pipeline': config['model']['layers'][3] is of type "
        "lock, which is no plain data; keep what it is made from instead"
    )
    worker.set_config(model=None)
    worker.set_stat("seen", {1})
    assert "flow 'pipeline': stats['seen'] is of type set" in refusal(flow)
    worker.set_stat("seen", None)
    worker.get_slot("input").receive({"n": b"x"})  # type: ignore[union-attr]
    assert "slot 'input' data['n'][0] is of type bytes" in refusal(flow)


def test_an_error_handler_of_an_own_class_is_refused() -> None:
    flow = Flow("f")
    flow.set_error_handler(OwnHandler())
    assert "flow 'f': its error handler is of class OwnHandler, but only" in refusal(flow)


def test_names_that_are_no_texts_are_refused() -> None:
    assert "a flow_id must be a text" in refusal(Flow(5))  # type: ignore[arg-type]
    flow = Flow("f")
    flow.add_routine(Source(), 5)  # type: ignore[arg-type]
    assert "a routine's id must be a text, not of type int" in refusal(flow)
    assert "its execution strategy is none of" in refusal(Flow("f", "parallel"))
