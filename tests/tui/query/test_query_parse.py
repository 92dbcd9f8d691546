"""The language: what is written is read as meant, and every error stands at its column."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.query.nodes import (
    Among,
    Compare,
    Node,
    Not,
    Op,
    QueryError,
    Value,
    Word,
    all_of,
    any_of,
    is_plain,
)
from tui.query.parse import DEEPEST, parse


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("timeout", Word("timeout")),
        ("a b", all_of([Word("a"), Word("b")])),
        ("a and b", all_of([Word("a"), Word("b")])),
        ("a & b", all_of([Word("a"), Word("b")])),
        ("a OR b", any_of([Word("a"), Word("b")])),
        ("a | b c", any_of([Word("a"), all_of([Word("b"), Word("c")])])),
        ("(a|b)c", all_of([any_of([Word("a"), Word("b")]), Word("c")])),
        ("not a b", all_of([Not(Word("a")), Word("b")])),
        ("!a", Not(Word("a"))),
        ("not (a or b)", Not(any_of([Word("a"), Word("b")]))),
        ("run>10ms", Compare("run", Op.MORE, Value("10ms"))),
        ("run >= 10ms", Compare("run", Op.LEAST, Value("10ms"))),
        ("a!=b", Compare("a", Op.UNEQUAL, Value("b"))),
        ("a == b", Compare("a", Op.EQUAL, Value("b"))),
        ("routine:proc*", Compare("routine", Op.EQUAL, Value("proc*"))),
        ("a!~b", Compare("a", Op.MISMATCH, Value("b"))),
        ("r~^(a|b)$ c", all_of([Compare("r", Op.MATCH, Value("^(a|b)$")), Word("c")])),
        ("(r~(a|b))", Compare("r", Op.MATCH, Value("(a|b)"))),
        (r"r~'\d+ \''", Compare("r", Op.MATCH, Value(r"\d+ '"))),
        ('r="my routine"', Compare("r", Op.EQUAL, Value("my routine", True))),
        ('"order id"=5', Compare("order id", Op.EQUAL, Value("5"))),
        ('"a>b"', Word("a>b")),
        ("don't", Word("don't")),
        ("a in (b, 'c d')", Among("a", (Value("b"), Value("c d", True)))),
        ("a not in (b)", Not(Among("a", (Value("b"),)))),
        ("a=not", Compare("a", Op.EQUAL, Value("not"))),
        ("名前=値", Compare("名前", Op.EQUAL, Value("値"))),
        ("", None),
        ("   ", None),
    ],
)
def test_what_a_filter_means(text: str, meaning: Node | None) -> None:
    assert parse(text) == meaning


@pytest.mark.parametrize(
    ("text", "message", "column"),
    [
        ("a and", "the filter ends where a word or a field should be", 5),
        ("run>", "the filter ends where a value should be", 4),
        ("run> and", "", -1),
        ("a or or b", "there is or where a word or a field should be", 5),
        ("(a", "this ( is never closed", 0),
        ("x (a b", "this ( is never closed", 2),
        ("a)", "there is no ( before this )", 1),
        ("()", "there is ) where a word or a field should be", 1),
        ('a "b', 'this " is never closed', 2),
        ("a, b", "there is , where and, or, or the end should be", 1),
        ("a=b=c", "there is = where and, or, or the end should be", 3),
        ("a in b", "there is b where ( after in should be", 5),
        ("a in (b", "the filter ends where a comma or ) should be", 7),
        ("a in (b c)", "there is c where a comma or ) should be", 8),
        ("a in ()", "there is ) where a value should be", 6),
        (">5", "there is > where a word or a field should be", 0),
        ("a>>5", "there is > where a value should be", 2),
        ("not", "the filter ends where a word or a field should be", 3),
        ("r~)", "there is ) where a value should be", 2),
        ("(" * 60, f"more than {DEEPEST} brackets within each other", DEEPEST),
    ],
)
def test_an_error_says_what_is_wrong_and_where(text: str, message: str, column: int) -> None:
    if column < 0:
        parse(text)  # a word of the language is a value where nothing else can be
        return
    with pytest.raises(QueryError) as caught:
        parse(text)
    assert (caught.value.message, caught.value.column) == (message, column)


_WORDS = st.text(max_size=12) | st.sampled_from(
    ["and", "not", "in", "a*", "it's", "'", "a b", "c[d]", "10ms", "ключ", "値", "e\u0301"]
)
_OPS = st.sampled_from(Op)


@st.composite
def _value(draw: st.DrawFn) -> Value:
    text = draw(_WORDS)
    word = is_plain(text) or text.casefold() in ("and", "or", "not", "in")
    return Value(text, quoted=not word or draw(st.booleans()))


@st.composite
def _comparison(draw: st.DrawFn) -> Node:
    op, value = draw(_OPS), draw(_value())
    if op in (Op.MATCH, Op.MISMATCH):
        value = Value(value.text)
    return Compare(draw(_WORDS), op, value)


_NODES: st.SearchStrategy[Node] = st.recursive(
    st.builds(Word, _WORDS)
    | _comparison()
    | st.builds(Among, _WORDS, st.lists(_value(), min_size=1, max_size=3).map(tuple)),
    lambda inner: (
        st.builds(Not, inner)
        | st.lists(inner, min_size=2, max_size=3).map(all_of)
        | st.lists(inner, min_size=2, max_size=3).map(any_of)
    ),
    max_leaves=8,
)


@given(_NODES)
def test_what_is_printed_is_read_as_the_same(node: Node) -> None:
    assert parse(str(node)) == node


_ANY = st.text() | st.lists(
    st.sampled_from([*"()!&|~=<>:,'\"\\* ", " and ", " or ", "not ", " in (", "run", "10ms", "é"])
).map("".join)


@given(_ANY)
def test_no_text_is_too_odd_and_the_column_is_always_inside(text: str) -> None:
    node, error = _tried(text)
    if error is not None:
        assert 0 <= error.column <= len(text)
        assert error.message
    assert node is None or parse(str(node)) == node


def _tried(text: str) -> tuple[Node | None, QueryError | None]:
    try:
        return parse(text), None
    except QueryError as error:
        return None, error
