"""Routines as plain data: configuration, statistics, fields, and what their slots hold."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routilux import DamagedDataError, Flow, Routine, SerializationError, register_serializable
from tests.engine.saving import Source, Worker, pipeline
from tests.engine.test_plain import VALUES


@register_serializable
class Keeper(Routine):
    """Keeps an attribute beside its configuration, and refuses some values."""

    def __init__(self) -> None:
        super().__init__()
        self.set_config(size=1)
        self.set_stat("made", True)
        self.colour: Any = "red"
        self.add_serializable_fields(["colour", "_stats"])
        self.define_slot("trigger", merge_strategy="append")
        self.define_event("out", ["a", "b"])

    def set_config(self, **values: Any) -> None:
        if values.get("size") == "refused":
            raise ValueError("no such size")
        super().set_config(**values)


def refusal(routine: Routine) -> str:
    with pytest.raises(SerializationError) as caught:
        routine.serialize()
    return str(caught.value)


@given(
    config=st.dictionaries(st.text(), VALUES, max_size=4),
    stats=st.dictionaries(st.text(), VALUES, max_size=4),
    colour=VALUES,
)
def test_any_configuration_statistics_and_fields_come_back(
    config: dict[str, Any], stats: dict[str, Any], colour: Any
) -> None:
    for reserved in ("self", "emitted_events"):
        config.pop(reserved, None)
        stats.pop(reserved, None)
    flow, keeper = Flow("f"), Keeper()
    flow.add_routine(keeper, "a")
    keeper.set_config(**config)
    keeper._stats.update(stats)
    keeper.colour = colour
    data = json.loads(json.dumps(flow.serialize(), allow_nan=False))
    flow.deserialize(data)
    loaded = flow.routines["a"]
    assert isinstance(loaded, Keeper)
    assert loaded is not keeper
    assert loaded.config() == keeper.config()
    assert loaded.stats() == keeper.stats()
    assert loaded.colour == colour


def test_what_a_newer_class_has_beside_stays() -> None:
    flow = Flow("f")
    flow.add_routine(Keeper(), "a")
    data = flow.serialize()
    del data["routines"]["a"]["config"]["size"]
    del data["routines"]["a"]["stats"]["made"]
    flow.deserialize(data)
    assert flow.routines["a"].config() == {"size": 1}
    assert flow.routines["a"].stats() == {"made": True}


def test_a_routine_takes_over_what_another_gave() -> None:
    one, other = Keeper(), Keeper()
    one.set_config(size=5, new=[1])
    one.set_stat("n", 1)
    one.colour = "green"
    one.set_as_critical(max_retries=1)
    one.get_slot("trigger").receive({"x": 1})  # type: ignore[union-attr]
    other.set_stat("mine", 1)
    data = json.loads(json.dumps(one.serialize()))
    other.deserialize(data)
    assert other.serialize() == data
    assert other._id == one._id
    assert other.get_stat("mine") is None
    assert data["events"] == {"out": ["a", "b"]}
    assert data["fields"] == {"colour": "green"}


def test_a_routine_in_a_flow_keeps_its_id() -> None:
    flow = pipeline("sequential")
    flow.routines["worker"].deserialize(Worker().serialize())
    assert flow.routines["worker"]._id == "worker"


def test_a_routine_that_refuses_a_value_stays_as_it_was() -> None:
    one, other = Keeper(), Keeper()
    one.colour = "green"
    one.set_stat("n", 1)
    one.set_as_optional()
    data = one.serialize()
    data["config"] = {"extra": 1, "size": "refused"}
    data["fields"]["fresh"] = 1
    before = other.serialize()
    with pytest.raises(
        DamagedDataError, match=r"Keeper does not take it, but raised ValueError: no such size"
    ):
        other.deserialize(data)
    assert other.serialize() == before
    assert not hasattr(other, "fresh")


def test_fields_that_were_named_after_construction_come_back_too() -> None:
    worker = Worker()
    worker.mood = "fine"  # type: ignore[attr-defined]
    worker.add_serializable_fields(["mood"])
    other = Worker()
    other.deserialize(worker.serialize())
    assert other.mood == "fine"  # type: ignore[attr-defined]
    assert other.serialize()["fields"] == {"mood": "fine"}


def test_a_routine_warns_of_accumulated_data_that_it_has_no_place_for() -> None:
    worker = Worker()
    worker.get_slot("input").receive({"n": 1})  # type: ignore[union-attr]
    with pytest.warns(RuntimeWarning, match="what slot 'input' of routine") as caught:
        Source().deserialize(worker.serialize())
    assert caught[0].filename == __file__


def test_flow_data_is_no_routine_data() -> None:
    with pytest.raises(DamagedDataError, match=r"is of kind 'routilux\.flow'; 'routilux\.routine'"):
        Worker().deserialize(Flow().serialize())


def test_the_old_decorator_changes_nothing() -> None:
    assert register_serializable(Worker) is Worker


def test_a_field_that_cannot_be_saved_is_named() -> None:
    keeper = Keeper()
    keeper.colour = [object()]
    assert "Keeper: field 'colour'[0] is of type object" in refusal(keeper)
    keeper.colour = 1
    keeper.add_serializable_fields(["missing"])
    assert "field 'missing' does not exist" in refusal(keeper)
    keeper._serializable[-1] = "_flow"
    assert "field '_flow' belongs to the engine" in refusal(keeper)
