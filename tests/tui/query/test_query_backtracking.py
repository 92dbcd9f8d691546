"""Regular expressions that could take for ever are refused, and none but those."""

from __future__ import annotations

import re
import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.query import compiling
from tui.query.backtracking import MOST_LETTERS, REACH, RunawayError, reach
from tui.query.compiling import TooSlowError, compiled, patience
from tui.query.nodes import QueryError
from tui.query.table import Field, Table

ROWS: Table[str] = Table("rows", {"text": (Field(str),)}, (Field(str),))


@pytest.mark.parametrize(
    "pattern",
    [
        r"(a+)+$",
        r"(a*)*b",
        r"([a-z]+)*=",
        r"(a|a)*b",
        r"(a|aa)*b",
        r"(\w|\d)+x",
        r"(\w+\s?)*$",
        r"(\s*\w+\s*)*;",
        r"(x+x+)+y",
        r"(.*a){12}",
        r"(a{1,30}){1,30}b",
        r"(?i)(a|A)+b",
        r"(?P<x>a+)((?P=x))+b",
        r"(a+)\1*\1*\1*b",
        r"^(([a-z])+.)+[A-Z]([a-z])+$",
        r"(?:(?:(?:a?)*)*)*b",
        r"(?=(a+)+b)c",
        r"([]a]+)+b",
        r"(?:a(?#not b)+)+c",
        r"(a?){20}a{20}",
        "a?" * 25 + "a" * 25,
        "(ab)?" * 25 + "x",
        "(a|.)" * 25 + "x",
    ],
)
def test_what_can_match_a_text_in_too_many_ways_is_refused(pattern: str) -> None:
    re.compile(pattern)
    with pytest.raises(RunawayError):
        reach(pattern)


@pytest.mark.parametrize(
    ("pattern", "loops"),
    [
        (r"order \d+", 1),
        (r"^(pay|ship)", 0),
        (r"(\d+\.)+\d+", 2),
        (r"(\w+ )*x", 1),
        (r"(a|ab)*c", 1),
        (r"(a|b|c|d|e)*f", 1),
        (r"a.*b", 1),
        (r"a.*b.*c.*d", 3),
        (r"\d+-\d+-\d+-\d+-\d+", 1),
        (r"\bfoo\b.*?(bar|baz)$", 1),
        (r"[^\]]+\]", 1),
        (r"[]a]+b", 1),
        (r"(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.|$)", 0),
        (r"[\w.]+@[\w.]+\.\w+", 1),
        (r"\N{BULLET}+\x41\u00e9\101", 1),
        (r"(?(1)a|b)", 0),
        ("\U0001f9ff+x", 1),
        (r"", 0),
        ("-".join(["(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"] * 6), 0),
        ("x?y?z?" * 3, 0),
    ],
)
def test_what_people_write_is_accepted_and_its_loops_are_counted(pattern: str, loops: int) -> None:
    if not pattern.startswith("(?("):
        re.compile(pattern)
    assert reach(pattern) == REACH[loops]


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        (r".*.*.*.*x", "more than 3 repetitions in a row"),
        (r"a.*b.*c.*d.*e", "more than 3 repetitions in a row"),
        ("x" * (MOST_LETTERS + 1), f"more than {MOST_LETTERS} characters"),
        ("(" + "|".join(rf"\w{{4}}\d{{3}}{n}" for n in range(30)) + ")*", "entangled|overlaps"),
    ],
)
def test_why_a_pattern_is_refused_is_said(pattern: str, why: str) -> None:
    with pytest.raises(RunawayError, match=why):
        reach(pattern)


_ATOMS = st.sampled_from(["a", "b", ".", "[ab]", r"\w", "^", r"\b"])
_PATTERNS = st.recursive(
    _ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,3}", "{2,}", "*?"])).map(
            lambda each: f"(?:{each[0]}){each[1]}"
        ),
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda each: f"(?:{each[0]}|{each[1]})"),
    ),
    max_leaves=6,
)


@given(_PATTERNS)
def test_what_is_accepted_is_quick_on_the_worst_texts(pattern: str) -> None:
    """Texts of two letters with a third at the end find the ways of these patterns."""
    try:
        most = reach(pattern)
    except RunawayError:
        return
    search = re.compile(f"(?:{pattern})=").search
    for text in ("a", "ab", "aab", "b", "ba "):
        text = text * 40
        began = time.process_time()
        search(text[: min(most, 40)])
        assert time.process_time() - began < 2.0, pattern


def test_a_filter_with_such_a_pattern_is_wrong_at_its_column() -> None:
    with pytest.raises(QueryError) as caught:
        compiled("b and text~(a+)+$", ROWS)
    assert caught.value.column == len("b and text~")
    assert "not this pattern" in caught.value.message


def test_of_a_long_text_only_the_beginning_is_searched() -> None:
    test = compiled("text~a.*b.*c.*d", ROWS)
    assert test is not None
    assert test("-" * (REACH[3] - 4) + "abcd")
    assert not test("-" * (REACH[3] - 3) + "abcd")


def test_a_pattern_that_takes_too_long_in_one_look_is_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = iter(n * 0.3 for n in range(1_000))
    monkeypatch.setattr(compiling, "perf_counter", lambda: next(clock))
    test = compiled("text~a.*b", replace(ROWS))
    assert test is not None
    patience.renew()
    for _ in range(3):
        assert test("ab")
    with pytest.raises(TooSlowError, match=r"~a\.\*b takes too long here") as caught:
        test("ab")
    assert caught.value.column == len("text~")
    patience.renew()
    assert test("ab"), "the next look has the whole time again"
