import functools
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routilux import Connection, Event, RoutiluxError, Slot
from tests.waiting import Call, arrive, gate, in_threads, wait_until


def received(make_handler: Any, **data: Any) -> Any:
    """What a handler that is made around ``got.append`` gets for one message."""
    got: list[Any] = []
    Slot("in", handler=make_handler(got.append)).deliver(data)
    assert len(got) == 1
    return got[0]


# how a handler is called --------------------------------------------------------------------------


def test_a_handler_with_keywords_gets_all_keys() -> None:
    assert received(lambda put: lambda **kw: put(kw), a=1, b=2) == {"a": 1, "b": 2}


def test_named_parameters_beside_keywords_get_their_values() -> None:
    assert received(lambda put: lambda a, z=9, **kw: put((a, z, kw)), a=1, b=2) == (1, 9, {"b": 2})


def test_a_parameter_called_data_gets_the_whole_message() -> None:
    assert received(lambda put: lambda data: put(data), a=1, data=2) == {"a": 1, "data": 2}


def test_a_single_parameter_gets_the_value_of_its_name() -> None:
    assert received(lambda put: lambda a: put(a), a=1, b=2) == 1


def test_a_single_parameter_gets_the_whole_message_if_its_name_is_absent() -> None:
    assert received(lambda put: lambda x: put(x), a=1, b=2) == {"a": 1, "b": 2}


def test_several_parameters_get_the_matching_values() -> None:
    assert received(lambda put: lambda a, b, c=7: put((a, b, c)), a=1, b=2, z=3) == (1, 2, 7)


def test_several_parameters_get_the_whole_message_first_if_nothing_matches() -> None:
    assert received(lambda put: lambda x, y=5: put((x, y)), a=1) == ({"a": 1}, 5)


def test_a_handler_without_parameters_is_called_without() -> None:
    assert received(lambda put: lambda: put("called"), a=1) == "called"


def test_a_parameter_that_is_keyword_only_works() -> None:
    assert received(lambda put: lambda *, a: put(a), a=1) == 1
    assert received(lambda put: lambda *, data: put(data), a=1) == {"a": 1}


def test_a_method_whose_self_is_among_its_arguments_keeps_its_parameters() -> None:
    class Handler:
        def method(*args: Any, a: int) -> None:
            args[0].put((len(args), a))

        def __init__(self, put: Any) -> None:
            self.put = put

    assert received(lambda put: Handler(put).method, a=1) == (1, 1)


def test_a_handler_with_positional_arguments_only_gets_the_whole_message() -> None:
    assert received(lambda put: lambda *args: put(args), a=1) == ({"a": 1},)
    assert received(lambda put: put, a=1) == {"a": 1}  # list.append, in C


def test_methods_partials_callables_and_wrapped_functions_follow_the_same_rules() -> None:
    class Handler:
        def __init__(self, put: Any) -> None:
            self.put = put

        def method(self, a: int) -> None:
            self.put(a)

        def __call__(self, a: int, b: int) -> None:
            self.put((a, b))

    assert received(lambda put: Handler(put).method, a=1, b=2) == 1
    assert received(lambda put: Handler(put), a=1, b=2) == (1, 2)
    assert received(lambda put: functools.partial(lambda x, **kw: put((x, kw)), 0), a=1) == (
        0,
        {"a": 1},
    )

    def decorated(put: Any) -> Any:
        def inner(a: int) -> None:
            put(a)

        @functools.wraps(inner)
        def outer(*args: Any, **kw: Any) -> None:
            inner(*args, **kw)

        return outer

    assert received(decorated, a=1, b=2) == 1


def test_a_handler_may_change_the_message_that_it_gets() -> None:
    message = {"a": 1}
    for handler in (lambda data: data.clear(), lambda x: x.clear(), lambda x, y=0: x.clear()):
        Slot("in", handler=handler).deliver(message)
    assert message == {"a": 1}


# how data accumulates -----------------------------------------------------------------------------


def test_override_keeps_the_last_message() -> None:
    slot = Slot("in")
    slot.deliver({"a": 1})
    slot.deliver({"b": 2})
    assert slot.data == {"b": 2}


def test_an_unknown_merge_strategy_counts_as_override() -> None:
    slot = Slot("in", merge_strategy="what")
    slot.deliver({"a": 1})
    slot.deliver({"a": 2})
    assert slot.data == {"a": 2}


def test_append_hands_single_values_to_a_handler_with_named_parameters() -> None:
    got: list[Any] = []
    slot = Slot("in", handler=lambda a=None, **kw: got.append((a, kw)), merge_strategy="append")
    slot.deliver({"a": 1, "b": 2})
    slot.deliver({"a": 3, "b": 4})
    assert got == [(1, {"b": 2}), (3, {"b": 4})]
    assert slot.data == {"a": [1, 3], "b": [2, 4]}


def test_append_hands_the_accumulated_lists_to_a_handler_that_only_takes_keywords() -> None:
    got: list[Any] = []
    slot = Slot("in", handler=lambda **kw: got.append(kw), merge_strategy="append")
    slot.deliver({"a": 1})
    slot.deliver({"a": 2})
    assert got == [{"a": [1]}, {"a": [1, 2]}], "each call has its own lists"


def test_append_turns_a_value_that_is_there_into_a_list() -> None:
    slot = Slot("in", merge_strategy="append")
    slot._data = {"a": 1}
    slot.deliver({"a": 2})
    assert slot.data == {"a": [1, 2]}


def test_resetting_the_data_begins_anew() -> None:
    slot = Slot("in", merge_strategy="append")
    slot.deliver({"a": 1})
    slot._data = {}
    slot.deliver({"a": 2})
    assert slot.data == {"a": [2]}


@given(st.lists(st.dictionaries(st.sampled_from("abcd"), st.integers() | st.lists(st.integers()))))
def test_index_i_of_every_list_is_message_i(messages: list[dict[str, Any]]) -> None:
    slot = Slot("in", merge_strategy="append")
    for message in messages:
        slot.deliver(message)
    keys = {key for message in messages for key in message}
    first = next((i for i, message in enumerate(messages) if message), len(messages))
    # Messages without any key, before the first that has one, leave nothing to align with.
    assert slot.data == {key: [m.get(key) for m in messages[first:]] for key in keys}


def test_lists_stay_aligned_when_threads_append_at_once() -> None:
    slot = Slot("in", handler=lambda a, b: None, merge_strategy="append")

    def append(thread: int) -> None:
        for i in range(500):
            slot.deliver({"a": (thread, i), "b": (thread, i)})

    in_threads(4, append)
    data = slot.data
    assert data["a"] == data["b"]
    assert len(data["a"]) == 2000


def test_a_merge_function_gets_old_and_new_and_its_result_is_stored_and_passed_on() -> None:
    got: list[Any] = []
    slot = Slot(
        "in",
        handler=lambda total: got.append(total),
        merge_strategy=lambda old, new: {"total": old.get("total", 0) + new["n"]},
    )
    slot.deliver({"n": 1})
    slot.deliver({"n": 2})
    assert got == [1, 3]
    assert slot.data == {"total": 3}


def test_merges_of_one_slot_never_overlap() -> None:
    slot = Slot("in", merge_strategy=lambda old, new: {"n": old.get("n", 0) + new["n"]})

    def deliver(_: int) -> None:
        for _ in range(500):
            slot.deliver({"n": 1})

    in_threads(4, deliver)
    assert slot.data == {"n": 2000}


def test_a_merge_that_keeps_and_changes_what_it_got_spoils_nobody_elses_message() -> None:
    def merge(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
        if not old:
            return new
        old.update(new)
        return old

    seen: list[Any] = []
    slot = Slot("in", handler=lambda **kw: None, merge_strategy=merge)
    keeper = Slot("other", handler=lambda data: seen.append(data))
    first = {"a": 1}
    for target in (slot, keeper):
        target.deliver(first)
    slot.deliver({"a": 2, "b": 3})
    assert first == {"a": 1}
    assert keeper.data == {"a": 1}
    assert slot.data == {"a": 2, "b": 3}


def test_a_handler_keeps_the_merged_message_it_got_while_later_ones_are_merged() -> None:
    kept: list[Any] = []

    class Lock:
        """Lets a second message in as soon as the first has been merged."""

        again = True

        def __enter__(self) -> None:
            pass

        def __exit__(self, *_: object) -> None:
            if self.again:
                self.again = False
                slot.deliver({"b": 2})

    def merge(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
        old.update(new)
        return old

    slot = Slot("in", handler=lambda data: kept.append(data), merge_strategy=merge)
    slot._lock = Lock()  # type: ignore[assignment]
    slot.deliver({"a": 1})
    assert kept == [{"a": 1, "b": 2}, {"a": 1}]


def test_a_merge_that_returns_no_dict_is_an_error_that_names_the_slot() -> None:
    slot = Slot("in", merge_strategy=lambda old, new: [old, new])  # type: ignore[arg-type,return-value]
    with pytest.raises(RoutiluxError, match=r"slot 'in'.*must return a dict.*returned list"):
        slot.deliver({})


def test_data_is_a_copy() -> None:
    slot = Slot("in", merge_strategy="append")
    slot.deliver({"a": 1})
    slot.data["a"].append(2)
    assert slot.data == {"a": [1]}


# connections --------------------------------------------------------------------------------------


def deliver(mapping: dict[str, str], **data: Any) -> dict[str, Any]:
    slot = Slot("in")
    Connection(Event("out"), slot, mapping).deliver(data)
    return slot.data


def test_a_mapping_renames_so_the_old_key_does_not_also_arrive() -> None:
    assert deliver({"a": "x"}, a=1, b=2) == {"x": 1, "b": 2}


def test_a_mapped_value_wins_over_a_key_that_has_its_name_already() -> None:
    assert deliver({"a": "b"}, a=1, b=2) == {"b": 1}


def test_absent_sources_of_a_mapping_are_skipped() -> None:
    assert deliver({"a": "x", "z": "y"}, a=1) == {"x": 1}


def test_a_mapping_may_swap_names() -> None:
    assert deliver({"a": "b", "b": "a"}, a=1, b=2) == {"a": 2, "b": 1}


def test_a_mapping_leaves_the_message_of_others_alone() -> None:
    message = {"a": 1}
    Connection(Event("out"), Slot("in"), {"a": "x"}).deliver(message)
    assert message == {"a": 1}


def test_an_event_knows_its_slots_in_the_order_of_connection() -> None:
    event, slots = Event("out"), [Slot(str(i)) for i in range(3)]
    edges = [Connection(event, slot) for slot in slots]
    assert event.connected_slots == slots
    assert event.edges == tuple(edges)


def test_a_disconnected_edge_delivers_nothing_and_may_be_disconnected_again() -> None:
    event, slot = Event("out"), Slot("in")
    edge, other = Connection(event, slot), Connection(event, slot)
    assert event.edges == (edge, other)
    edge.disconnect()
    edge.disconnect()
    assert event.edges == (other,)
    assert event.connected_slots == [slot]


def test_numbers_of_events_and_connections_are_unique() -> None:
    event = Event("out")
    edges = [Connection(event, Slot("in")) for _ in range(3)]
    assert len({event.number, *(edge.number for edge in edges)}) == 4


def test_a_slot_has_one_entry_edge_whichever_thread_asks_first() -> None:
    slot = Slot("in")
    assert len({id(edge) for edge in in_threads(8, lambda _: slot.entry)}) == 1
    assert slot.entry.source_event is None


def test_a_connection_made_while_another_thread_freezes_the_edges_is_not_lost() -> None:
    class Slow(list[Any]):
        def __iter__(self) -> Any:  # what tuple() calls
            items = super().__iter__()
            frozen.append(list(items))
            reading.set()
            go_on.wait(0.2)  # with the lock, the other thread cannot come in between
            return iter(frozen[-1])

    event, frozen = Event("out"), []
    event.connections = Slow()
    with gate() as reading, gate() as go_on:
        event._edges = None
        freezing = Call(lambda: event.edges)
        arrive(reading)
        connecting = Call(Connection, event, Slot("in"))
        wait_until(lambda: event.connections or not freezing.is_alive(), timeout=5)
        go_on.set()
        freezing.result()
        edge = connecting.result()
        assert event.edges == (edge,)


def test_reprs_name_the_owner_and_the_port() -> None:
    event, slot = Event("out"), Slot("in")
    assert repr(Connection(event, slot)) == (
        "<Connection <Event None.out to 1 slots> -> <Slot None.in merge='override'>>"
    )


def test_an_asynchronous_generator_is_refused_instead_of_never_run() -> None:
    async def handler(**_data: object) -> AsyncIterator[int]:
        yield 1

    with pytest.raises(RoutiluxError, match=r"slot 'in'.*handler\(\) is an asynchronous generator"):
        Slot("in", handler=handler)
