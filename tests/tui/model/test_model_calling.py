"""The form of a message: fields, what is typed, what a past message fills in, what is recalled."""

from __future__ import annotations

from typing import Any

import pytest

from routilux.preview import tree
from routilux.records import Kind, Note
from tests.tui.building import World, flow_info, watching
from tui.model.calling import (
    MORE,
    Field,
    Form,
    NotSentError,
    Target,
    again,
    checked,
    form_of,
    hint,
    recalled,
    target_of,
    targets,
)
from tui.model.literals import further, literal, source
from tui.model.monitor import Monitor
from tui.model.payload import Branch, read
from tui.session.events import Started
from tui.session.messages import EdgeInfo, FlowInfo, ParamInfo, RoutineInfo, SlotInfo

TARGET = Target(1, "b", "in", "b.in", False)


def form(*fields: Field, more: bool = False, **other: Any) -> Form:
    return Form(TARGET, fields, more, **other)


# values -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("3", "3"), (" -1.5 ", "-1.5"), ("None", "None"), ("True", "True"), ("'3'", "'3'"),
        ("eu", "'eu'"), ("Ann Lee", "'Ann Lee'"), ("über 9", "'über 9'"), ("true", "'true'"),
        ("[1, 'a']", "[1, 'a']"), ("{'a': (1,)}", "{'a': (1,)}"), ("b'x'", "b'x'"),
        ("pay(3)", "'pay(3)'"), ("/tmp/x", "'/tmp/x'"), ("{1, 2}", "{1, 2}"),
    ],
)  # fmt: skip
def test_a_value_is_a_literal_and_a_plain_word_a_text(typed: str, meant: str) -> None:
    assert literal(typed) == meant


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("(", "column 1: '(' was never closed"),
        ("'open", "unterminated string literal"),
        ("2024-01-05", "leading zeros"),
        ("[1, x]", "no plain Python value"),
        ("3 4", "invalid syntax"),
        ("(" * 3000, "quotes"),
    ],
)
def test_what_begins_like_a_literal_and_is_none_is_told(typed: str, said: str) -> None:
    with pytest.raises(ValueError, match="in quotes it is a text") as raised:
        literal(typed)
    assert said in str(raised.value)


def test_further_keys_are_written_like_a_call() -> None:
    assert further("") == ()
    assert further("n=3, name=eu, at='x y', **{'a b': [1]}") == (
        ("n", "3"), ("name", "'eu'"), ("at", "'x y'"), ("a b", "[1]"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("3", "each value needs a name"),
        ("n=", "write name=value"),
        ("n=3 m=4", "write name=value"),
        ("n=f(x)", "n: 'f(x)' is no plain Python value"),
        ("**{1: 2}", "names of keys are texts"),
        ("**x", "after ** stands a dict"),
        ("n=1, **{'n': 2}", "'n' is given twice"),
        (") + f(", "each value needs a name"),
        ("[" * 4000, "write name=value"),
    ],
)
def test_further_keys_that_cannot_be_are_told(typed: str, said: str) -> None:
    with pytest.raises(ValueError, match=r".") as raised:
        further(typed)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    "payload",
    [
        {"n": 1, "f": 0.5, "t": "x'y", "none": None, "yes": True, "big": 2**80},
        {"l": [1, [2, "a"]], "t": (1,), "d": {"a": {"b": ()}}, "e": {}},
    ],
)
def test_a_payload_that_was_kept_whole_comes_back_as_it_was(payload: dict[str, Any]) -> None:
    node = read(tree(payload))
    assert isinstance(node, Branch)
    assert {key: eval(source(part) or "?") for key, part in node.items} == payload


@pytest.mark.parametrize(
    "value",
    ["x" * 300, b"abc", {1: 2}, {"1": 2}, {1, 2}, list(range(100)), object(), [[[[[1]]]]],
     float("nan"), {"k" * 50: 1}],
    ids=lambda value: "object" if type(value) is object else str(value)[:30],
)  # fmt: skip
def test_what_was_cut_or_cannot_be_told_is_no_literal(value: object) -> None:
    node = read(tree({"x": value}))
    assert isinstance(node, Branch)
    assert source(node.items[0][1]) is None


# checking -----------------------------------------------------------------------------------------


def test_what_is_typed_becomes_values_and_empty_fields_are_left_out() -> None:
    asked = form(Field("n", required=True), Field("name", default="'x'"), more=True)
    values, wrong = checked(asked, {"n": "3", "name": " ", MORE: "z=1"})
    assert wrong == {}
    assert values == (("n", "3"), ("z", "1"))


def test_everything_that_is_wrong_is_told_at_its_field() -> None:
    asked = form(Field("n", required=True), Field("m"), Field("k", text="1"), more=True)
    _, wrong = checked(asked, {"n": "", "m": "(", "k": "1", MORE: "k=2"})
    assert wrong == {
        "n": "the handler needs a value here",
        "m": "column 1: '(' was never closed; in quotes it is a text",
        MORE: "'k' has a field of its own above",
    }
    assert checked(asked, {"m": "1", MORE: "n=1"})[1] == {}


def test_what_was_cut_must_be_filled_in() -> None:
    asked = form(Field("n", lost="was 'abc'... of 900 characters"), more=True, more_lost="2 keys")
    _, wrong = checked(asked, {})
    assert wrong["n"] == "fill it in: was 'abc'... of 900 characters"
    assert wrong[MORE] == "fill in what is to be sent: 2 keys"
    assert checked(asked, {"n": "1", MORE: "x=1"}) == ((("n", "1"), ("x", "1")), {})


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        ("int", "eu", "this is a str, the handler says int"),
        ("int", "True", "this is a bool, the handler says int"),
        ("str", "3", "this is an int, the handler says str"),
        ("float", "3", ""), ("int", "3", ""), ("list", "[1]", ""), ("Order", "3", ""),
        ("int", "(", ""), ("int", "", ""), ("bool", "True", ""),
    ],
)  # fmt: skip
def test_a_value_of_another_type_than_the_handler_says_is_remarked(
    kind: str, text: str, said: str
) -> None:
    assert hint(Field("n", kind), text) == said


# targets ------------------------------------------------------------------------------------------

PARAMS = (ParamInfo("order", "int", "", True), ParamInfo("country", "str", "'EU'"))


def shop(generation: int = 1, flow: str = "shop", last: str = "store") -> FlowInfo:
    """fetch -> check.order (renamed id -> order), check -> LAST."""
    slots = {
        "fetch": (SlotInfo("trigger", "override", "run"),),
        "check": (
            SlotInfo("order", "override", "check", PARAMS, False),
            SlotInfo("flush", "override", "f"),
        ),
        last: (SlotInfo("in", "override", "s"),),
    }
    routines = tuple(
        RoutineInfo(n, name, "C", "f.py", 1, of, ((n + 1, "out"),), name == "fetch")
        for n, (name, of) in enumerate(slots.items())
    )
    edges = (
        EdgeInfo(1, 0, "out", 1, 1, "order", (("id", "order"),)),
        EdgeInfo(2, 1, "out", 2, 2, "in"),
        EdgeInfo(3, -1, "execute", 0, 0, "trigger"),
        EdgeInfo(4, -1, "timer", 0, 0, "(later)"),
    )
    return FlowInfo(generation, flow, "concurrent", 2, routines, edges)


def monitor_of(world: World) -> Monitor:
    monitor = watching()
    monitor.apply(world.snapshot())
    return monitor


def test_targets_are_all_slots_those_where_jobs_begin_first() -> None:
    run = monitor_of(World(shop())).run
    labels = [(target.label, target.entry) for target in targets(run)]
    assert labels == [
        ("fetch.trigger", True), ("check.order", False), ("check.flush", False), ("store.in", False)
    ]  # fmt: skip
    assert target_of(run, " store ").label == "store.in"
    assert target_of(run, "check.flush").slot == "flush"
    with pytest.raises(NotSentError, match="which slot of it"):
        target_of(run, "check")
    with pytest.raises(NotSentError, match=r"no slot 'stor\.in'; did you mean 'store\.in'"):
        target_of(run, "stor.in")
    asked = form_of(run, target_of(run, "check.order"))
    assert [f.name for f in asked.fields] == ["order", "country"]
    assert not asked.more


# a past message -----------------------------------------------------------------------------------


def sent(world: World, payload: dict[str, Any] | None, kind: Kind = Kind.ACTIVATION) -> Monitor:
    world.record(kind, subject=1)
    if payload is not None:
        world.notes.append((world.last, Note.TREE, tree(payload)))
    return monitor_of(world)


def test_a_past_message_fills_the_form_as_the_slot_gets_it() -> None:
    monitor = sent(World(shop()), {"id": 7, "note": "x" * 300, "extra": [1]})
    asked = again(monitor, monitor.log.view[0])
    assert asked.target.label == "check.order"
    assert asked.about == "#1 of g1"
    fields = {field.name: field for field in asked.fields}
    assert list(fields) == ["order", "country", "note", "extra"]
    assert fields["order"].text == "7"
    assert fields["country"].text == ""
    assert "of 300 characters" in fields["note"].lost
    assert fields["extra"].text == "[1]"
    _, wrong = checked(asked, {field.name: field.text for field in asked.fields})
    assert list(wrong) == ["note"]


def test_a_payload_that_was_not_kept_must_be_filled_in() -> None:
    monitor = sent(World(shop()), None, Kind.DROPPED)
    asked = again(monitor, monitor.log.view[0])
    assert [(f.name, f.lost) for f in asked.fields] == [("order", "not kept"), ("country", "")]
    world = World(shop()).record(Kind.ACTIVATION, subject=2)
    monitor = monitor_of(world)
    asked = again(monitor, monitor.log.view[0])
    assert (asked.fields, asked.more) == ((), True)
    assert checked(asked, {})[1][MORE].endswith("nothing of what it carried was kept")


def test_a_large_payload_says_how_much_of_it_is_missing() -> None:
    monitor = sent(World(shop()), {f"k{n}": n for n in range(100)})
    asked = again(monitor, monitor.log.view[0])
    assert asked.more_lost == "37 more keys were not kept"


def test_it_goes_to_the_same_slot_of_the_generation_that_runs() -> None:
    monitor = sent(World(shop()), {"id": 7})
    monitor.handle(Started(2))
    monitor.apply(World(shop(5), generation=2).snapshot())
    (record, *_) = [r for r in monitor.log.view if r[2] == Kind.ACTIVATION]
    asked = again(monitor, record)
    assert asked.target.flow == 5
    monitor.handle(Started(3))
    monitor.apply(World(flow_info([("x", "o", "y", "i")]), generation=3).snapshot())
    with pytest.raises(NotSentError, match=r"there is no check\.order in g3"):
        again(monitor, record)


def test_a_job_is_sent_again_with_what_it_began_with() -> None:
    world = World(shop()).record(Kind.JOB_STARTED, subject=3)
    world.notes.append((hash((world.last, 1)), Note.TREE, tree({"n": 4})))
    monitor = monitor_of(world)
    asked = again(monitor, monitor.log.view[0])
    assert asked.target.label == "fetch.trigger"
    assert asked.fields[0].text == "4"


@pytest.mark.parametrize(
    ("kind", "subject", "said"),
    [(Kind.STAT, 1, "carried nothing"), (Kind.EMIT, 1, "carried nothing"),
     (Kind.ACTIVATION, 4, "a timer"), (Kind.ACTIVATION, 99, "not known any more")],
)  # fmt: skip
def test_what_is_no_message_cannot_be_sent_again(kind: Kind, subject: int, said: str) -> None:
    monitor = monitor_of(World(shop()).record(kind, subject=subject))
    with pytest.raises(NotSentError, match=said):
        again(monitor, monitor.log.view[0])


# recalling ----------------------------------------------------------------------------------------


def test_an_earlier_call_fills_the_fields_that_there_are_now() -> None:
    asked = form(Field("n"), Field("name"))
    texts = recalled(asked, [("n", "3"), ("old", "eu"), ("bad", "("), ("a b", "1"), (MORE, "z=1")])
    assert texts["n"] == "3"
    assert "name" not in texts
    assert further(texts[MORE]) == (("z", "1"), ("old", "'eu'"), ("bad", "'('"), ("a b", "1"))
