from routilux import Flow, Routine
from routilux.graph import entries
from tests.engine.building import chain, node, passing


def test_an_entry_is_fed_by_nothing() -> None:
    flow = Flow()
    chain(flow, passing, passing, passing)
    assert entries(flow.routines, flow.connections) == ["n0"]


def test_a_cycle_has_no_entry() -> None:
    flow = Flow()
    chain(flow, passing, passing)
    flow.connect("n1", "out", "n0", "trigger")
    assert entries(flow.routines, flow.connections) == []


def test_a_routine_that_is_fed_by_another_slot_is_none() -> None:
    flow = Flow()
    routine = node()
    routine.define_slot("other")
    flow.add_routine(node(), "source")
    flow.add_routine(routine, "fed")
    flow.add_routine(Routine(), "no slots")
    flow.connect("source", "out", "fed", "other")
    assert entries(flow.routines, flow.connections) == ["source"]
