from enum import IntEnum
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routilux.preview import LIMIT, preview, value_preview

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.complex_numbers()
    | st.text(max_size=60)
    | st.characters(categories=["Cs", "Cc"])
    | st.binary(max_size=100)
    | st.builds(object)
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text() | st.integers() | st.binary(), inner)
        | st.frozensets(st.integers())
    ),
)


@settings(max_examples=50)
@given(st.dictionaries(st.text(max_size=60), VALUES))
def test_a_preview_is_short_on_one_line_and_can_be_encoded(data: dict[str, Any]) -> None:
    text = preview(data)
    assert len(text) <= LIMIT
    assert text.isprintable()
    text.encode()


@given(VALUES)
def test_the_preview_of_a_value_never_raises_and_is_bounded(value: object) -> None:
    text = value_preview(value)
    assert len(text) <= 4000
    text.encode()


def boom(*_args: Any, **_kwargs: Any) -> Any:
    raise AssertionError("the user's code was run")


_TRAPS = """
    __repr__ __str__ __len__ __iter__ __hash__ __eq__ __bool__ __format__ __getattribute__
    __getitem__ __contains__ __index__ __int__ __float__ bit_length items keys __class__
"""
HOSTILE = dict.fromkeys(_TRAPS.split(), boom)


class Meta(type):
    """Classes that do not even like being compared or named."""

    __eq__ = __hash__ = __repr__ = boom  # type: ignore[assignment]
    __name__ = property(boom)  # type: ignore[assignment]
    __getattribute__ = boom  # type: ignore[assignment]


@pytest.mark.parametrize("base", [object, int, str, float, list, tuple, dict, set, bytes])
def test_no_code_of_a_class_is_run(base: type) -> None:
    hostile = type("Hostile", (base,), dict(HOSTILE))
    value = base.__new__(hostile)
    assert value_preview(value) == "<Hostile>"
    assert preview({"a": value, "b": [value]}) == "{a: <Hostile>, b: [<Hostile>]}"


def test_no_code_of_a_metaclass_is_run() -> None:
    value = object.__new__(type.__call__(Meta, "Hostile", (), {}))
    assert value_preview(value) == "<Hostile>"


def test_a_class_name_that_is_no_plain_string_is_no_trap() -> None:
    class Name(str):
        __str__ = __format__ = __len__ = __getitem__ = boom  # type: ignore[assignment]

    assert value_preview(type(Name("Odd"), (), {})()) == "<Odd>"
    assert len(value_preview(type("X" * 10_000, (), {})())) < 100


def test_builtin_values_are_shown_by_content() -> None:
    class Color(IntEnum):
        RED = 1

    data = {"n": 1, "x": 0.5, "ok": True, "none": None, "s": "a\nb", "b": b"xyz", "e": Color.RED}
    assert preview(dict(list(data.items())[:4])) == "{n: 1, x: 0.5, ok: True, none: None}"
    assert value_preview("a\nb") == r"'a\nb'"
    assert value_preview(b"xyz") == "<3 bytes>"
    assert value_preview(Color.RED) == "<Color>"
    assert value_preview([1, "a", (2,)]) == "[1, 'a', <tuple of 1>]"
    assert value_preview({1, 2}) == "<set of 2>"
    assert value_preview({"a": {"b": 1}}) == "{a: <dict of 1>}"


def test_long_things_are_cut_and_say_so() -> None:
    assert value_preview("x" * 100) == repr("x" * 39 + "…")
    assert value_preview(2**200) == "<int of 201 bits>"
    assert value_preview(list(range(9))) == "[0, 1, 2, 3, …]"
    assert preview({str(i): i for i in range(9)}) == "{0: 0, 1: 1, 2: 2, 3: 3, …}"


def test_a_preview_of_a_huge_value_costs_little() -> None:
    huge = {"list": [0] * 10**6, "text": "x" * 10**7, "dict": dict.fromkeys(range(10**5))}
    assert len(preview(huge)) <= LIMIT


def test_a_structure_that_holds_itself_ends() -> None:
    loop: list[Any] = []
    loop.append(loop)
    assert preview({"a": loop}) == "{a: [<list of 1>]}"
