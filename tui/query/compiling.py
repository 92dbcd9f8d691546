"""From tree to a function that says of a row whether it is meant.

Closures over plain values: 200,000 records go through a filter in a fraction of a second, most of
them without a call of Python code for what depends on names only.
"""

from __future__ import annotations

import operator
import re
import warnings
from collections.abc import Callable
from dataclasses import replace
from time import perf_counter
from typing import Any, TypeVar

from tui.errors import did_you_mean

from .backtracking import RunawayError, reach
from .nodes import All, Among, Compare, Node, Not, Op, QueryError, Saved, Some, Value, Word
from .parse import parse
from .table import Field, Table
from .units import Unit, amount, is_number

Row = TypeVar("Row")
Test = Callable[[Any], bool]

#: Seconds that regular expressions may take until `Patience.renew` is called: in one look.
BUDGET = 1.0
#: Answers remembered for each comparison: names are few, but nothing says how few.
_REMEMBERED = 10_000
_NUMERIC: dict[Op, Callable[[Any, Any], bool]] = {
    Op.EQUAL: operator.eq,
    Op.LESS: operator.lt,
    Op.MOST: operator.le,
    Op.MORE: operator.gt,
    Op.LEAST: operator.ge,
}
_NEGATIONS = {Op.UNEQUAL: Op.EQUAL, Op.MISMATCH: Op.MATCH}


class TooSlowError(QueryError):
    """A regular expression has used up the time that there was for it."""


class Patience:
    """The time that all regular expressions have left together: there is one screen."""

    def __init__(self) -> None:
        self.left = BUDGET

    def renew(self) -> None:
        """A look begins."""
        self.left = BUDGET

    def spend(self, seconds: float, value: Value) -> None:
        """A search took so long.

        Raises:
            TooSlowError: that was too long.
        """
        self.left -= seconds
        if self.left < 0:
            said = f"~{value.text} takes too long here: it was given {BUDGET:g} s a look"
            raise TooSlowError(said, value.column)


patience = Patience()


def compiled(text: str, table: Table[Row]) -> Callable[[Row], bool] | None:
    """The test of a filter on the rows of a table; None for an empty filter.

    Raises:
        QueryError: the text is no filter of these rows.
    """
    node = parse(text)
    return None if node is None else compile_node(node, table)


def compile_node(node: Node, table: Table[Row]) -> Callable[[Row], bool]:
    """The test of a tree."""
    match node:
        case Word():
            return _any_of(table.bare, _containing(node.text))
        case Saved():
            return _saved(node, table)
        case Compare():
            if node.op in _NEGATIONS:  # a != b is what a = b is not, also where there is no a
                positive = Compare(node.name, _NEGATIONS[node.op], node.value, node.column)
                return _negated(compile_node(positive, table))
            fields = _fields(node.name, node.column, table)
            return _either(
                [_on(f, _compared(f, node.name, node.op, node.value, node.column)) for f in fields]
            )
        case Among():
            fields = _fields(node.name, node.column, table)
            return _either([_on(f, _one_of(f, node)) for f in fields])
        case Not():
            return _negated(compile_node(node.inner, table))
        case All():
            return _every([compile_node(part, table) for part in node.parts])
        case Some():
            return _either([compile_node(part, table) for part in node.parts])


def _saved(node: Saved, table: Table[Row]) -> Callable[[Row], bool]:
    """The test of a filter that is kept by a name; all its errors are at the name."""
    text = table.saved.get(node.name)
    if text is None:
        hint = did_you_mean(node.name, table.saved)
        there = ", ".join(table.saved)
        hint = hint or (f": there are {there}" if there else ": :save-filter NAME keeps one")
        raise QueryError(f"no saved filter {node.name!r}{hint}", node.column)
    if node.name in table.within:
        raise QueryError(f"@{node.name} is part of itself", node.column)
    inner = replace(table, within=table.within | {node.name})
    try:
        test = compiled(text, inner)
    except QueryError as error:
        raise QueryError(f"@{node.name}: {error.message}", node.column) from None
    return test or (lambda _row: True)


# joining ------------------------------------------------------------------------------------------


def _negated(test: Test) -> Test:
    return lambda row: not test(row)


def _every(tests: list[Test]) -> Test:
    if len(tests) == 2:
        one, other = tests
        return lambda row: one(row) and other(row)
    if len(tests) == 3:
        one, other, third = tests
        return lambda row: one(row) and other(row) and third(row)

    def every(row: Any) -> bool:
        for test in tests:  # noqa: SIM110 - a generator would be made for each record
            if not test(row):
                return False
        return True

    return every


def _either(tests: list[Test]) -> Test:
    if len(tests) == 1:
        return tests[0]
    if len(tests) == 2:
        one, other = tests
        return lambda row: one(row) or other(row)
    if len(tests) == 3:
        one, other, third = tests
        return lambda row: one(row) or other(row) or third(row)

    def either(row: Any) -> bool:
        for test in tests:  # noqa: SIM110 - a generator would be made for each record
            if test(row):
                return True
        return False

    return either


# fields -------------------------------------------------------------------------------------------


def _fields(name: str, column: int, table: Table[Row]) -> tuple[Field[Row], ...]:
    found = table.find(name)
    if found is not None:
        return found
    root = name.casefold().partition(".")[0]
    root = table.aliases.get(root, root)
    if root in table.roots:
        raise QueryError(f"a name must follow: {root}.order_id", column)
    hint = did_you_mean(name, table.names)
    if not hint:
        hint = f": there are {', '.join(table.fields)}"
        if "." in name or " " in name:
            hint += "; a text to look for goes into quotes"
    raise QueryError(f"{table.name} have no {name!r}{hint}", column)


class _Memo(dict[Any, bool]):
    """What a test says of each key, worked out when first asked for."""

    def __init__(self, test: Test, get: Callable[[Any], Any]) -> None:
        super().__init__()
        self._test, self._get = test, get

    def __missing__(self, key: Any) -> bool:
        if len(self) >= _REMEMBERED:
            self.clear()
        found = self[key] = self._test(self._get(key))
        return found


def _on(field: Field[Any], test: Test) -> Test:
    """The test of a value as a test of the row."""
    get, key = field.get, field.key
    if key is None:
        return lambda row: test(get(row))
    memo = _Memo(test, get)
    return lambda row: memo[key(row)]


def _any_of(fields: tuple[Field[Any], ...], test: Test) -> Test:
    return _either([_on(field, test) for field in fields])


def _containing(text: str) -> Test:
    folded = text.casefold()
    return lambda value: value is not None and folded in str(value).casefold()


# comparing ----------------------------------------------------------------------------------------


def _one_of(field: Field[Any], node: Among) -> Test:
    return _either(
        [_compared(field, node.name, Op.EQUAL, value, node.column) for value in node.values]
    )


def _compared(field: Field[Any], name: str, op: Op, value: Value, column: int) -> Test:
    """The test of the field's value."""
    if field.unit in (Unit.TEXT, Unit.ANY):
        if op is Op.MATCH:
            return _matching(value)
        if op is not Op.EQUAL and field.unit is Unit.TEXT:
            raise QueryError(f"{name} is a text: it has = != ~ !~ and in", column)
        return _whatever(op, value, name) if field.unit is Unit.ANY else _equal(value, field, name)
    if op is Op.MATCH:
        raise QueryError(f"{name} is {field.unit.value}: it has = != < <= > >= and in", column)
    limit, compare = amount(value, field.unit, name), _NUMERIC[op]
    return lambda found: found is not None and compare(found, limit)


def _equal(value: Value, field: Field[Any], name: str) -> Test:
    if field.words:
        word = field.words.get(value.text.casefold())
        if word is not None:
            return lambda found: found == word
        if value.quoted or "*" not in value.text:
            hint = did_you_mean(value.text, field.words)
            hint = hint or f": there are {', '.join(dict.fromkeys(field.words.values()))}"
            raise QueryError(f"no {name} is {value.text!r}{hint}", value.column)
    return _text_equal(value)


def _text_equal(value: Value) -> Test:
    wanted = value.text
    if value.quoted or "*" not in wanted:
        return lambda found: found is not None and str(found) == wanted
    pattern = re.compile(".*".join(map(re.escape, wanted.split("*"))), re.DOTALL).fullmatch
    return lambda found: found is not None and pattern(str(found)) is not None


def _matching(value: Value) -> Test:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of sets within sets, and the like
            search = re.compile(value.text).search
            most = reach(value.text)
    except re.error as error:
        column = min(value.column + (error.pos or 0), value.column + len(value.text))
        raise QueryError(f"no regular expression: {error.msg}", column) from None
    except RunawayError as error:
        raise QueryError(f"not this pattern: {error}", value.column) from None
    except (OverflowError, RecursionError):
        raise QueryError("this regular expression is too large", value.column) from None

    def matches(found: Any) -> bool:
        if found is None:
            return False
        text = str(found)[:most]
        began = perf_counter()
        matched = search(text) is not None
        patience.spend(perf_counter() - began, value)
        return matched

    return matches


def _whatever(op: Op, value: Value, name: str) -> Test:
    """A number is compared with numbers, a text with texts."""
    number = None if value.quoted else is_number(value.text)
    if op is Op.EQUAL:
        as_text = _text_equal(value)
        if number is None:
            return as_text
        return lambda found: found == number if type(found) in (int, float) else as_text(found)
    limit, compare = amount(value, Unit.NUMBER, name), _NUMERIC[op]
    return lambda found: type(found) in (int, float) and compare(found, limit)
