import threading
from fractions import Fraction
from typing import Any

import pytest

from routilux import DuplicateNameError, Event, Flow, Routine, Slot, UnknownNameError
from tests.engine.building import node
from tests.waiting import in_threads


def test_ports_are_found_by_name() -> None:
    routine = Routine()
    slot, event = routine.define_slot("in"), routine.define_event("out", ["a", "b"])
    assert routine.get_slot("in") is slot
    assert routine.get_event("out") is event
    assert event.output_params == ["a", "b"]
    assert routine.get_slot("out") is None
    assert routine.get_event("in") is None


def test_a_name_is_defined_once() -> None:
    routine = node()
    with pytest.raises(DuplicateNameError, match="defines slot 'trigger' twice"):
        routine.define_slot("trigger")
    with pytest.raises(ValueError, match="defines event 'out' twice"):
        routine.define_event("out")


def test_a_slot_and_an_event_may_share_a_name() -> None:
    routine = node(events=("trigger",))
    slot, event = routine.get_slot("trigger"), routine.get_event("trigger")
    assert isinstance(slot, Slot)
    assert isinstance(event, Event)


def test_an_unknown_event_is_an_error_that_names_the_nearest_one() -> None:
    routine = node(events=("output", "failed"))
    with pytest.raises(UnknownNameError, match="did you mean 'output'") as caught:
        routine.emit("outptu")
    assert caught.value.kind == "event"
    assert caught.value.name == "outptu"
    assert caught.value.known == ("output", "failed")


def test_an_unknown_event_says_what_there_is_when_nothing_is_near() -> None:
    with pytest.raises(ValueError, match=r"no event 'zzz'; it has: out"):
        node().emit("zzz")
    with pytest.raises(ValueError, match=r"no event 'zzz' \(it has none\)"):
        Routine().emit("zzz")


def test_an_error_says_which_routine_of_which_flow() -> None:
    class Fetcher(Routine):
        pass

    flow = Flow("f")
    fetcher = Fetcher()
    flow.add_routine(fetcher, "fetch")
    with pytest.raises(ValueError, match=r"routine 'fetch' \(Fetcher\) of flow 'f' has no event"):
        fetcher.emit("x")


def test_an_emit_without_a_flow_calls_the_slots_at_once() -> None:
    from routilux import Connection

    got: list[Any] = []
    source, target = node(), node(lambda _r, **kw: got.append(kw))
    event, slot = source.get_event("out"), target.get_slot("trigger")
    assert event is not None
    assert slot is not None
    Connection(event, slot)
    source.emit("out", a=1)
    assert got == [{"a": 1}]


def test_emit_takes_any_name_for_data_but_flow() -> None:
    got: list[Any] = []
    flow = Flow()
    source, target = node(), node(lambda _r, **kw: got.append(kw))
    flow.add_routine(source, "a")
    flow.add_routine(target, "b")
    flow.connect("a", "out", "b", "trigger")
    source.emit("out", event_name=1, data=2, name=3, edges=4)
    assert got == [{"event_name": 1, "data": 2, "name": 3, "edges": 4}]


def test_config_is_set_by_keyword_and_read_with_a_default() -> None:
    routine = Routine()
    routine.set_config(name="x", delay=0.2)
    routine.set_config(delay=0.3)
    assert routine.get_config("delay") == 0.3
    assert routine.get_config("nothing") is None
    assert routine.get_config("nothing", 5) == 5
    assert routine.config() == {"name": "x", "delay": 0.3}


def test_config_and_stats_are_handed_out_as_copies() -> None:
    routine = Routine()
    routine.set_config(a=1)
    routine.set_stat("b", 2)
    routine.config().clear()
    routine.stats().clear()
    assert routine.config() == {"a": 1}
    assert routine.stats() == {"b": 2}


def test_a_stat_starts_at_zero_and_an_increment_returns_the_new_value() -> None:
    routine = Routine()
    assert routine.increment_stat("n") == 1
    assert routine.increment_stat("n", 4) == 5
    assert routine.get_stat("n") == 5
    assert routine.get_stat("m", -1) == -1


@pytest.mark.parametrize("amount", [1, 0.5, Fraction(1, 4), 2**80])
def test_increments_from_threads_lose_nothing_whatever_the_number(amount: Any) -> None:
    routine = Routine()

    def increment(_: int) -> set[Any]:
        return {routine.increment_stat("n", amount) for _ in range(500)}

    values = in_threads(8, increment)
    assert routine.get_stat("n") == amount * 4000
    assert len(set.union(*values)) == 4000, "no two threads were given the same value"


def test_setting_several_config_values_is_one_step_for_a_reader_of_all() -> None:
    routine = Routine()
    routine.set_config(a=0, b=0)
    stop = threading.Event()

    def write(_: int) -> None:
        for i in range(2000):
            routine.set_config(a=i, b=i)
        stop.set()

    def read(_: int) -> None:
        while not stop.is_set():
            config = routine.config()
            assert config["a"] == config["b"]

    in_threads(2, lambda number: (write, read)[number](number))


def test_a_value_may_come_back_to_the_stats_while_it_is_added() -> None:
    class Curious:
        def __radd__(self, other: Any) -> int:
            return other + int(routine.get_stat("seen", 0)) + len(routine.stats())

    routine = Routine()
    assert routine.increment_stat("n", Curious()) == 0


def test_the_repr_shows_class_id_and_stats() -> None:
    routine = Routine()
    routine.set_stat("n", 1)
    assert repr(routine) == f"<Routine {routine._id} stats: n>"
