"""``@NAME`` stands for a filter that was saved; what is wrong with it is said at the name."""

from __future__ import annotations

import pytest

from tui.query.compiling import compiled
from tui.query.nodes import Compare, Op, QueryError, Saved, Value, Word, all_of
from tui.query.parse import parse
from tui.query.table import Field, Table
from tui.query.units import Unit

SAVED = {
    "long": "size>3",
    "odd": "@long and not x",
    "none": "",
    "me": "a or @you",
    "you": "@me",
    "bad": "colour=red",
    "open": "(a",
}
ROWS: Table[str] = Table(
    "rows",
    {"text": (Field(str),), "size": (Field(len, Unit.NUMBER),)},
    (Field(str),),
    saved=SAVED,
)


def kept(text: str, *rows: str) -> list[str]:
    test = compiled(text, ROWS)
    assert test is not None
    return [row for row in rows if test(row)]


def test_a_name_stands_for_its_filter_also_within_another() -> None:
    rows = ("abc", "abcd", "xxxx")
    assert kept("@long", *rows) == ["abcd", "xxxx"]
    assert kept("@odd", *rows) == ["abcd"]
    assert kept("a or !@long", *rows) == ["abc", "abcd"]
    assert kept("@none", *rows) == list(rows)
    assert kept('"@long"', "@longer", "abcd") == ["@longer"], "quoted it is a text"
    assert kept("text=@long", "@long") == ["@long"], "behind an operator too"


def test_it_is_a_term_that_is_written_as_it_was_read() -> None:
    assert parse("@long x") == all_of([Saved("long"), Word("x")])
    assert str(parse("not (@a or b)")) == "not (@a or b)"
    assert str(Word("@a")) == '"@a"'
    assert str(Compare("text", Op.EQUAL, Value("@a"))) == "text=@a"


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("a and @lnog", 6, "no saved filter 'lnog'; did you mean 'long'?"),
        ("@qqqqqq", 0, "no saved filter 'qqqqqq': there are long, odd"),
        ("x @me", 2, "@me: @you: @me is part of itself"),
        ("x @bad", 2, "@bad: rows have no 'colour'"),
        ("@open", 0, "@open: this ( is never closed"),
        ("@", 0, "no saved filter ''"),
        ("@long=3", 0, "rows have no '@long'"),
    ],
)
def test_what_is_wrong_is_at_the_column_of_the_name(text: str, column: int, message: str) -> None:
    with pytest.raises(QueryError) as caught:
        compiled(text, ROWS)
    assert caught.value.message.startswith(message)
    assert caught.value.column == column


def test_without_any_it_is_said_how_to_save_one() -> None:
    with pytest.raises(QueryError, match=":save-filter NAME keeps one"):
        compiled("@a", Table("rows", {}, ()))


def test_names_are_completed() -> None:
    assert {"text", "@long", "@odd"} <= set(ROWS.names)
