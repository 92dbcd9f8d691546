"""Plain data: what may be saved, how it is copied, and what is said of the rest."""

import enum
import json
import math
import sys
import threading
from collections import Counter, OrderedDict, defaultdict
from typing import Any, NamedTuple
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routilux import SerializationError
from routilux.plain import LEVELS, MARKER, plain, plain_or_marked
from tests.waiting import Call, wait_until

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=25
)


class Hostile:
    """Raises in whatever it is asked, and says that it is a dict."""

    __class__ = dict  # type: ignore[assignment]

    def __repr__(self) -> str:
        raise RuntimeError("nobody may call this")

    __str__ = __hash__ = __eq__ = __iter__ = __len__ = __bool__ = __repr__  # type: ignore[assignment]


class Point(NamedTuple):
    x: int
    y: int


class Colour(enum.StrEnum):
    RED = "red"


class Size(enum.IntEnum):
    LARGE = 3


class Loud(str):
    __slots__ = ()

    def __str__(self) -> str:
        raise RuntimeError("nobody may call this")

    __repr__ = __str__


def refusal(value: Any) -> str:
    with pytest.raises(SerializationError) as caught:
        plain({"model": {"layers": [0, value]}}, "flow 'f', routine 'a'", "config")
    return str(caught.value)


@given(VALUES)
def test_json_gives_back_what_was_copied_and_the_copy_is_equal(value: Any) -> None:
    copied = plain(value, "here", "config")
    assert copied == value
    assert json.loads(json.dumps(copied, allow_nan=False)) == copied


@given(VALUES)
def test_what_is_plain_is_marked_nowhere(value: Any) -> None:
    assert plain_or_marked(value) == value


def test_the_copy_shares_no_container_with_the_original() -> None:
    value: dict[str, Any] = {"a": [{"b": []}]}
    copied = plain(value, "here", "config")
    value["a"][0]["b"].append(1)
    assert copied == {"a": [{"b": []}]}


@pytest.mark.parametrize(
    ("value", "copied"),
    [
        ((1, (2,)), [1, [2]]),
        (Point(1, 2), [1, 2]),
        (Colour.RED, "red"),
        (Size.LARGE, 3),
        (OrderedDict(a=1), {"a": 1}),
        (defaultdict(list, a=[1]), {"a": [1]}),
        (Counter("aa"), {"a": 2}),
        ({Colour.RED: 1}, {"red": 1}),
        (Loud("x"), "x"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_tuples_and_subclasses_become_the_plain_type(value: Any, copied: Any) -> None:
    found = plain(value, "here", "config")
    assert found == copied
    assert type(found) is type(copied)
    assert json.loads(json.dumps(found)) == copied


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({1}, "is of type set, which is no plain data; make it a list"),
        (b"x", "is of type bytes, which is no plain data; make it a text, such as value.hex()"),
        (object(), "is of type object, which is no plain data; keep what it is made from"),
        (threading.Lock(), "is of type lock, which"),
        (1j, "is of type complex, which"),
        (print, "is of type builtin_function_or_method, which"),
        (lambda: 0, "is of type function, which is no plain data; keep its name instead"),
        (Mock(spec=dict), "is of type Mock, which"),
        (Hostile(), "is of type Hostile, which"),
        (math.nan, "is nan, which JSON cannot hold; use None or a text"),
        (-math.inf, "is -inf, which JSON cannot hold"),
        (10**5000, "has too many digits for JSON"),
        ({"k": {5: 1}}, "['k'] has a key of type int, but JSON has text keys only"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_plain_data_is_refused_with_its_place(value: Any, said: str) -> None:
    message = refusal(value)
    assert message.startswith("flow 'f', routine 'a': config['model']['layers'][1]")
    assert said in message


def test_an_integer_that_python_can_read_again_is_kept() -> None:
    value = 1 << 11_999
    assert json.loads(json.dumps(plain(value, "here", "config"))) == value


def test_what_contains_itself_is_refused() -> None:
    value: list[Any] = []
    value += [value, value]
    assert refusal(value).endswith("[1][0] contains itself; keep ids or names instead")
    both: dict[str, Any] = {"one": {}}
    both["one"]["other"] = both
    assert "['one']['other'] contains itself" in refusal(both)


def test_what_stands_in_two_places_is_copied_twice() -> None:
    shared = [1]
    assert plain([shared, shared], "here", "config") == [[1], [1]]


@pytest.mark.parametrize("depth", [LEVELS + 1, 10_000])
def test_what_is_nested_too_deep_is_refused(depth: int) -> None:
    value: Any = 0
    for _ in range(depth):
        value = [value]
    with pytest.raises(SerializationError, match=rf"nested more than {LEVELS} levels deep"):
        plain(value, "here", "config")


def test_what_is_nested_almost_too_deep_can_be_written_and_read() -> None:
    value: Any = 0
    for _ in range(LEVELS):
        value = [value]
    assert json.loads(json.dumps(plain(value, "here", "config"))) == value


def test_little_stack_left_gives_the_same_error() -> None:
    value: Any = 0
    for _ in range(LEVELS):
        value = [value]

    def deeper() -> None:
        try:
            deeper()
        except RecursionError:
            plain(value, "here", "config")

    with pytest.raises((SerializationError, RecursionError)) as caught:
        deeper()
    assert sys.getrecursionlimit() > LEVELS
    assert isinstance(caught.value, SerializationError)


def test_a_long_key_is_shortened_in_the_message() -> None:
    with pytest.raises(SerializationError) as caught:
        plain({"k" * 10_000: {1}}, "here", "config")
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize(
    "value",
    [{1}, b"", object(), math.nan, 10**5000, {5: 1}, Hostile()],
    ids=lambda value: type(value).__name__,
)
def test_a_history_keeps_the_type_of_what_is_no_plain_data(value: Any) -> None:
    found = plain_or_marked({"a": 1, "b": [value]})
    assert found == {"a": 1, "b": [{MARKER: type(value).__name__}]}


def test_a_history_keeps_what_contains_itself_up_to_there() -> None:
    value: dict[str, Any] = {"a": 1}
    value["b"] = value
    assert plain_or_marked(value) == {"a": 1, "b": {MARKER: "dict"}}


def test_data_that_other_threads_change_meanwhile_is_copied_whole() -> None:
    live: dict[str, Any] = {"a": []}
    done = threading.Event()

    def change() -> None:
        number = 0
        while not done.is_set():
            number += 1
            live[f"k{number % 50}"] = [number]
            live.pop(f"k{(number + 25) % 50}", None)
            live["a"].append(number)
            del live["a"][:-5]

    changing = Call(change)
    try:
        wait_until(lambda: len(live) > 5)
        for _ in range(300):
            plain(live, "here", "config")
    finally:
        done.set()
    changing.result()
