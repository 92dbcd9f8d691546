"""Payload trees: bounded where they are made, read as they were, compared key by key."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routilux.preview import LIMIT, NODES, tree
from tui.model.payload import Branch, Leaf, Line, Node, find, lines, read

_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
_DATA = st.dictionaries(
    st.text() | st.integers(),
    st.recursive(
        _SCALARS,
        lambda inner: (
            st.lists(inner)
            | st.tuples(inner, inner)
            | st.dictionaries(st.text(), inner)
            | st.sets(st.integers())
        ),
    ),
)


def known(data: dict[str, Any]) -> Node:
    node = read(tree(data))
    assert node is not None
    return node


def count(node: Node) -> int:
    return 1 + sum(count(part) for _, part in node.items) if isinstance(node, Branch) else 1


@given(_DATA)
def test_any_payload_becomes_a_bounded_tree_that_can_be_read(data: dict[Any, Any]) -> None:
    node = known(data)
    assert isinstance(node, Branch)
    assert node.total == len(data)
    assert count(node) <= NODES
    assert lines(node, node)[: len(node.items)] == lines(node)[: len(node.items)]
    assert not any(line.change for line in lines(node, node))


@given(st.text(max_size=LIMIT) | st.integers(-(2**63), 2**63 - 1) | st.booleans())
def test_a_value_comes_through_as_it_was(value: object) -> None:
    assert find(tree({"key": value}), ("key",)) == value


def test_no_code_of_the_user_runs() -> None:
    class Meta(type):
        def __eq__(cls, other: object) -> bool:
            raise AssertionError("compared")

        __hash__ = type.__hash__

    class Odd(dict[str, int], metaclass=Meta):
        def __repr__(self) -> str:
            raise AssertionError("shown")

        def __len__(self) -> int:
            raise AssertionError("measured")

    assert find(tree({"odd": Odd(a=1)}), ("odd",)) == "<Odd>"


def test_deep_wide_and_long_payloads_are_cut_and_say_so() -> None:
    deep: dict[str, Any] = {"end": 1}
    for _ in range(20):
        deep = {"in": deep}
    assert len(tree(deep)) < 200
    assert "in" in tree(deep)
    wide = known({"rows": list(range(1_000))})
    assert "more, not sent" in lines(wide)[-1].text
    assert count(wide) == NODES
    text = {"text": "x" * 1_000}
    assert find(tree(text), ("text",)) == "x" * LIMIT
    assert "1,000 characters" in lines(known(text))[0].text
    assert len(tree({f"k{i}": "é" * 500 for i in range(1_000)})) < 100_000


@pytest.mark.parametrize(
    ("steps", "value"),
    [
        (("id",), 17),
        (("who", "name"), "Ann"),
        (("who", "tags", "1"), "b"),
        (("a", "b"), 2),
        (("pair",), "(2 items)"),
        (("none",), "None"),
        (("yes",), True),
        (("raw",), "<3 bytes>"),
        (("nan",), "nan"),
        (("big",), str(2**70)),
        (("id", "x"), None),
        (("other",), None),
    ],
)
def test_what_stands_at_a_path(steps: tuple[str, ...], value: object) -> None:
    note = tree(
        {
            "id": 17,
            "who": {"name": "Ann", "tags": ["a", "b"]},
            "a.b": 2,
            "pair": (1, 2),
            "none": None,
            "yes": True,
            "raw": b"abc",
            "nan": float("nan"),
            "big": 2**70,
        }
    )
    assert find(note, steps) == value


def test_a_comparison_marks_what_changed_came_and_went() -> None:
    old = known({"id": 1, "who": {"name": "Ann", "age": 3}, "gone": 1, "same": [1, 2]})
    new = known({"id": 2, "who": {"name": "Bob", "age": 3}, "same": [1, 2], "fresh": "x"})
    assert lines(new, old) == [
        Line(0, "id", "2", "^", "1"),
        Line(0, "who", "{2 keys}"),
        Line(1, "name", "'Bob'", "^", "'Ann'"),
        Line(1, "age", "3"),
        Line(0, "same", "[2 items]"),
        Line(1, "0", "1"),
        Line(1, "1", "2"),
        Line(0, "fresh", "'x'", "+"),
        Line(0, "gone", "1", "-"),
    ]


def test_what_was_cut_off_is_not_said_to_have_come_or_gone() -> None:
    many = {f"k{i}": i for i in range(NODES * 2)}
    marks = [line.change for line in lines(known({"z": 0, **many}), known(many))]
    assert set(marks) == {""}


def test_another_kind_of_value_is_a_change() -> None:
    changed = lines(known({"a": [1]}), known({"a": "x"}))
    assert changed[0] == Line(0, "a", "[1 item]", "^", "'x'")
    assert changed[1].change == ""


@pytest.mark.parametrize(
    "note", ["", "{", "[]", '["x",1,[]]', '["d"]', '{"a":1}', '["d",1,[[1]]]', "[" * 10_000]
)
def test_what_is_no_tree_is_none(note: str) -> None:
    assert read(note) is None
    assert find(note, ("a",)) is None


@given(st.recursive(_SCALARS.filter(lambda v: not isinstance(v, bytes)), st.lists))
def test_reading_never_fails(data: Any) -> None:
    note = json.dumps(data)
    assert read(note) is None or isinstance(read(note), Leaf | Branch)
    find(note, ("0", "1"))
