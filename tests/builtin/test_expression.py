"""Expressions: what they compute, what they say when they are wrong, what they refuse to be."""

from __future__ import annotations

import contextlib
import pickle
import warnings
from collections import OrderedDict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routilux import RoutiluxError
from routilux.evaluation import MAX_BITS, MAX_WORK
from routilux.expression import MAX_DEPTH, MAX_NODES, MAX_TEXT, ExpressionError, compile_expression

DATA = {
    "amount": 120,
    "kind": "Order",
    "tags": ["a", "b"],
    "user": {"name": "Ann", "age": None},
    "items": [3, 1, 2],
    "price": 2.5,
}


def value_of(text: str, data: object = DATA, **more: object) -> object:
    return compile_expression(text, ["data", *more])({"data": data, **more})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("data.amount", 120),
        ("data['amount']", 120),
        ("data.user.name", "Ann"),
        ("data['user']['name'][0]", "A"),
        ("data.tags[-1]", "b"),
        ("data.items", [3, 1, 2]),
        ("data.amount > 100", True),
        ("100 < data.amount <= 120", True),
        ("100 < data.amount < 110 < 1 / 0", False),
        ("data.kind == 'Order' and data.amount >= 120", True),
        ("data.kind == 'x' or 'fallback'", "fallback"),
        ("data.kind == 'x' and 1 / 0", False),
        ("not data.tags", False),
        ("'a' in data.tags", True),
        ("'z' not in data.tags", True),
        ("'rde' in data.kind", True),
        ("'kind' in data", True),
        ("data.user.age is None", True),
        ("data.user.age is not None", False),
        ("(data.amount > 1) is True", True),
        ("'big' if data.amount > 100 else 'small'", "big"),
        ("data.amount * 2 + 1 - 3", 238),
        ("data.amount / 8", 15.0),
        ("data.amount // 7 % 5", 2),
        ("2 ** 10", 1024),
        ("2 ** -1", 0.5),
        ("1 << 4 | 3 & 2 ^ 1", 19),
        ("-data.amount + +1", -119),
        ("~5", -6),
        ("'ab' * 3 + 'c'", "abababc"),
        ("2 * [1] + [2]", [1, 1, 2]),
        ("(1, 2) + (3,)", (1, 2, 3)),
        ("'' * -1", ""),
        ("[1, 'x', None, True, 2.5]", [1, "x", None, True, 2.5]),
        ("{'a': 1, 'b': data.amount}", {"a": 1, "b": 120}),
        ("data.kind in {'Order', 'Bill'}", True),
        ("()", ()),
        ("len(data.tags)", 2),
        ("abs(-3)", 3),
        ("min(data['items'])", 1),
        ("max(1, data.amount, 3)", 120),
        ("round(2.567, 1)", 2.6),
        ("round(2.567)", 3),
        ("int('42') + int(1.9)", 43),
        ("float('1.5')", 1.5),
        ("str(12) + str(None) + str(True)", "12NoneTrue"),
        ("bool(data.tags)", True),
        ("sum(data['items'])", 6),
        ("sum([])", 0),
        ("any(data.tags)", True),
        ("all([1, 0])", False),
        ("sorted(data['items'])", [1, 2, 3]),
        ("isinstance(data.amount, int)", True),
        ("isinstance(data.amount, (str, dict))", False),
        ("data.get('none', 7)", 7),
        ("data.get('amount')", 120),
        ("data.user.keys()", ["name", "age"]),
        ("data.user.values()", ["Ann", None]),
        ("data.user.items()", [("name", "Ann"), ("age", None)]),
        ("data.kind.lower() + data.kind.upper()", "orderORDER"),
        ("data.kind.startswith('Or') and data.kind.endswith('er')", True),
        ("'  x '.strip() + 'xay'.strip('x')", "xay"),
        ("'a,b,c'.split(',', 1)", ["a", "b,c"]),
        ("'a b'.split()", ["a", "b"]),
        ("  data.amount  ", 120),
        ("(data.amount\n > 1)", True),
        ("data.amount # the amount", 120),
    ],
)
def test_an_expression_computes_what_python_would(text: str, expected: object) -> None:
    assert value_of(text) == expected


def test_an_expression_uses_the_names_it_was_compiled_for() -> None:
    limit = compile_expression("data > config.limit", ["data", "config"])
    assert limit({"data": 5, "config": {"limit": 3}}) is True
    assert limit({"data": 2, "config": {"limit": 3}}) is False


def test_an_expression_compares_values_of_any_type() -> None:
    class Version:
        def __eq__(self, other: object) -> bool:
            return other == 3

        __hash__ = None  # type: ignore[assignment]

    assert value_of("data == 3", Version()) is True


# errors -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "column", "says"),
    [
        ("dta > 1", 1, "unknown name 'dta'; did you mean 'data'?"),
        ("data > lenn(data)", 8, "unknown function 'lenn'; did you mean 'len'?"),
        ("data.kind.lowr()", 1, "unknown method 'lowr'; did you mean 'lower'?"),
        ("len", 1, "len is a function; allowed: a call"),
        ("len()", 1, "len() with 0 arguments; allowed: 1"),
        ("round(1, 2, 3)", 1, "round() with 3 arguments; allowed: 1 to 2"),
        ("data.get()", 1, "get() with 0 arguments"),
        ("data[1:2]", 6, "a slice is not allowed; allowed: literals, the names data"),
        ("data is 3", 1, "`is` is not allowed here; allowed: is None"),
        ("data is data", 1, "`is` is not allowed here"),
        ("sorted(data, reverse=True)", 1, "keyword arguments are not allowed"),
        ("isinstance(data, object)", 18, "isinstance() needs a type here; allowed: bool"),
        ("isinstance(data, data)", 18, "isinstance() needs a type here"),
        ("  data >", 9, "not an expression"),
        ("'é' b", 5, "not an expression"),
        ("#\nlambda", 9, "not an expression"),
        ("é = 1", 3, "not an expression"),
        ("'é' + dta", 7, "unknown name 'dta'"),
        ("(1 +\n  dta)", 8, "unknown name 'dta'"),
        ("", 1, "not an expression"),
        ("   ", 4, "not an expression"),
        ("data @ data", 1, "this operator is not allowed"),
        ("b'x'", 1, "a literal of type bytes is not allowed"),
        ("1j", 1, "a literal of type complex is not allowed"),
        ("...", 1, "a literal of type ellipsis is not allowed"),
    ],
)
def test_a_wrong_expression_is_refused_when_it_is_compiled(
    text: str, column: int, says: str
) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_expression(text, ["data"])
    assert says in str(caught.value)
    assert (caught.value.column, caught.value.text) == (column, text)


@pytest.mark.parametrize(
    ("text", "column", "says"),
    [
        ("data.amuont > 1", 1, "no key 'amuont'; did you mean 'amount'?"),
        ("1 + data['nope']", 5, "no key 'nope'"),
        ("data[5]", 1, "no key 5"),
        ("data[(1, 2)]", 1, "no key of that tuple"),
        ("data[[1]]", 1, "unhashable"),
        ("data.amount.x", 1, ".x reads a key of a dict, not of int"),
        ("data.amount[0]", 1, "[…] reads a dict, list, tuple or text, not int"),
        ("data.tags['a']", 1, "the index must be an int, not str"),
        ("data.tags[True]", 1, "the index must be an int, not bool"),
        ("data.tags[9]", 1, "index out of range"),
        ("data.kind + 1", 1, "needs a number, not str"),
        ("1 + data.tags", 1, "needs a number, not list"),
        ("data.tags + (1,)", 1, "needs a number, not list"),
        ("data.kind * 1.5", 1, "needs a number, not str"),
        ("-data.kind", 1, "needs a number, not str"),
        ("~True", 1, "~ needs an int, not bool"),
        ("1 / 0", 1, "division by zero"),
        ("(-8) ** 0.5", 1, "the result would be of type complex"),
        ("data.amount < 'x'", 1, "not supported"),
        ("data.amount.lower()", 1, "lower() is a method of str, not of int"),
        ("data.kind.get('x')", 1, "get() is a method of dict, not of str"),
        ("1 in data.amount", 1, "`in` needs a list, tuple, dict, set or text, not int"),
        ("len(data.amount)", 1, "len() needs a list, tuple, dict, set or text, not int"),
        ("sum(data.tags)", 1, "needs a number, not str"),
        ("max([])", 1, "max"),
        ("sorted([1, 'a'])", 1, "not supported"),
        ("int('abc')", 1, "invalid literal"),
        ("int([])", 1, "needs a number, not list"),
        ("str(data)", 1, "str() needs a number, text or None, not dict"),
        ("round(1.5, 'x')", 1, "round() needs a number of digits"),
        ("'a'.split('')", 1, "empty separator"),
        ("{[1]: 2}", 1, "unhashable"),
    ],
)
def test_an_expression_that_fails_says_where_and_why(text: str, column: int, says: str) -> None:
    expression = compile_expression(text, ["data"])
    with pytest.raises(ExpressionError) as caught:
        expression({"data": DATA})
    assert says in str(caught.value)
    assert caught.value.column == column
    assert str(caught.value).startswith(f"expression {text!r}, column {column}: ")


def test_a_missing_value_is_named() -> None:
    with pytest.raises(ExpressionError, match="no value was given for 'config'"):
        compile_expression("config", ["data", "config"])({"data": 1})


def test_an_expression_error_is_a_value_error_of_routilux_and_survives_pickling() -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_expression("lambda: 0", ["data"])
    assert isinstance(caught.value, RoutiluxError)
    assert isinstance(caught.value, ValueError)
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (str(copy), copy.column) == (str(caught.value), caught.value.column)


def test_a_long_text_is_shortened_in_the_message() -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_expression("dta + " * 300 + "1", ["data"])
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("text", [None, 5, b"data", ["data"], {}])
def test_only_text_is_compiled(text: Any) -> None:
    with pytest.raises(ExpressionError, match="must be text"):
        compile_expression(text, ["data"])


# attacks ------------------------------------------------------------------------------------------

REFUSED = [
    # the way to every class, and so to the operating system
    "().__class__.__mro__[1].__subclasses__()",
    "''.__class__",
    "data.__class__",
    "data.__class__.__init__.__globals__",
    "data.__dict__",
    "data._private",
    "data.__class__()",
    "data.get.__self__",
    "len.__self__",
    "(1).__class__.__base__",
    "[].__len__()",
    "data.user.__init__()",
    "type(data)",
    "type('X', (), {})",
    "object()",
    "super()",
    # the same, spelled in look-alikes that Python reads as underscores and letters
    "data.\uff3f\uff3fclass\uff3f\uff3f",
    "data.__cl\u1d43ss__",
    "data.\ufe4d_class__",
    "\uff47etattr(data, 'x')",
    "\U0001d4f8\U0001d4f9\U0001d4ee\U0001d4f7('x')",
    # functions that do it for you
    "getattr(data, '__class__')",
    "setattr(data, 'x', 1)",
    "vars(data)",
    "dir()",
    "globals()",
    "locals()",
    "eval('1')",
    "exec('1')",
    "compile('1', '', 'eval')",
    "open('/etc/passwd')",
    "input()",
    "print(1)",
    "breakpoint()",
    "help()",
    "exit()",
    "__import__('os')",
    "__import__('os').system('true')",
    "__builtins__",
    "__name__",
    "__loader__.load_module('os')",
    "memoryview(b'x')",
    "bytes(10)",
    "bytearray(10**9)",
    "range(10**9)",
    "list(range(10**9))",
    "iter(data)",
    "map(len, data)",
    "reversed(data)",
    "chr(65)",
    "repr(data)",
    "format(data)",
    "hash(data)",
    "id(data)",
    "pow(2, 10**9)",
    "divmod(1, 1)",
    "isinstance(data, type)",
    "isinstance(data, (int, object))",
    "isinstance(data, ((int,),))",
    "callable(data)",
    # text that formats text
    "'{0.__class__}'.format(data)",
    "'{}'.format_map(data)",
    "f'{data}'",
    "f'{data.__class__}'",
    "f'{data!r:>{1000000000}}'",
    "'a'.join(['b'] * 1000)",
    "'a'.replace('a', 'b' * 1000)",
    "'a'.ljust(10**10)",
    "'a'.center(10**10)",
    "'a'.zfill(10**10)",
    "'a\\tb'.expandtabs(10**9)",
    "'a'.encode('utf-8')",
    "'a'.translate(data)",
    "data.update({})",
    "data.pop('amount')",
    "data.clear()",
    "data.setdefault('x', 1)",
    "data.copy()",
    "data.fromkeys([1])",
    "data.tags.append(1)",
    "data.tags.sort()",
    # code
    "lambda: 0",
    "(lambda: 0)()",
    "[x for x in data]",
    "[x for x in [1] for y in [1]]",
    "{x for x in data}",
    "{x: x for x in data}",
    "(x for x in data)",
    "any(x for x in data)",
    "(x := 5)",
    "[y := 1, y**2]",
    "yield",
    "(yield 1)",
    "(yield from data)",
    "await data",
    "import os",
    "x = 1",
    "x: int = 1",
    "del data",
    "assert data",
    "raise data",
    "pass",
    "return 1",
    "global data",
    "1; 2",
    "data\nimport os",
    "if data: 1",
    "for x in data: 1",
    "while True: pass",
    "def f(): 1",
    "class X: pass",
    "with data: 1",
    "try: 1\nfinally: 2",
    "@data\ndef f(): 1",
    "match data:\n case 1: 2",
    # unpacking, slices, odd calls
    "[*data]",
    "{**data}",
    "len(*data)",
    "len(**data)",
    "max(data, key=len)",
    "sorted(data, key=len)",
    "sorted(data, key=data.get)",
    "sum(data, start=[])",
    "sum([[1]], [])",
    "min(data, default=0)",
    "max(data, key=lambda x: x)",
    "data[::-1]",
    "data[0:10**10]",
    "data[...]",
    "data()",
    "data()()",
    "data[0]()",
    "'x'()",
    "len(data)()",
    "(data.get)('x')()",
    "data.get('x')()",
    "[len][0](data)",
    "(len or max)(data)",
    "len",
    "max if data else min",
    "int.from_bytes(data)",
    "str.format('{}', data)",
    "dict.fromkeys(data)",
    "float.hex(1.0)",
    # what is not an expression at all
    "\x00",
    "data\x00",
    "'\x00'",
    "\ud800",
    "'\ud800'",
    "\ufeff",
    "data\u200b",
    "\\",
    "`data`",
    "'unfinished",
    '"""',
    "(",
    ")",
    "$",
    "?",
    "data.",
    ".data",
    "0777",
    "1__0",
    "0x",
    "data!",
    "data or",
    "not",
    "@",
    # sizes of the text
    "9" * 1_400,
    "0x" + "f" * 1_500,
    "9" * (MAX_TEXT + 1),
    "1+" * (MAX_DEPTH + 1) + "1",
    "[" * 150 + "]" * 150,
    "[" * 900 + "]" * 900,
    "(" * 1_000 + ")" * 1_000,
    "(" * 1_999,
    "{" * 1_999,
    "-" * 1_900 + "1",
    "not " * 450 + "1",
    "data" + ".a" * 900,
    "data" + "[0]" * 500,
    "data" + "()" * 900,
    "1 if 1 else " * 160 + "1",
    "[" + "1," * (MAX_NODES + 1),
    "[" + "1," * (MAX_NODES + 1) + "]",
    "1" + "<1" * (MAX_NODES + 1),
    "lambda:" * 250 + "1",
    "await " * 300 + "1",
    "~" * 1_000 + "1",
]


@pytest.mark.parametrize("text", REFUSED, ids=lambda text: ascii(text)[:40])
def test_what_is_not_allowed_is_refused_before_it_runs(text: str) -> None:
    with pytest.raises(ExpressionError):
        compile_expression(text, ["data"])


@pytest.mark.parametrize(
    "text",
    [
        "9**9**9",
        "9**9**9**9",
        "2**100000",
        "(2**4000)**2",
        "2**4095 * 2**4095",
        "2**4095 + 2**4095 + 2**4095",
        "10**1000 // 1 * 10**1000",
        "1 << 10**9",
        "1 << 5000",
        "1 << -1",
        "1 << 4095 << 4095",
        "'a' * 10**10",
        "10**10 * 'a'",
        "'a' * 10**6 * 10**6",
        "[0] * 10**8",
        "(0,) * 10**8",
        "[[0] * 10**5] * 10**7",
        "+".join(["'a' * 9000000"] * 3),
        "[" + ",".join(["'a' * 999999"] * 60) + "]",
        "'%s' % data",
        "'%1000000000d' % 1",
        "'%(amount)s' % data",
        "round(5, -10**9)",
        "round(5, 10**9)",
        "round(5, -400)",
        "int('9' * 5000)",
        "int('9' * 10**6)",
        "float('9' * 10**6)",
        "int(1e308 * 10)",
        "str(10**1000 * 10**200) * 10000",
        "10.0 ** 400",
        "2 ** 0.5 ** -3000",
        "'abc'.split('b') * 10**7",
        "('a ' * 10**6).split()",
        "sorted([0] * 10**6)",
        "sum([[1], [2]])",
        "sum(['a', 'b'])",
        "max([0] * 10**8)",
        "('a' * 10**7).upper().lower()",
        "data.items.items()",
        "data.tags.get(0)",
    ],
)
def test_what_would_take_too_much_is_stopped_quickly(text: str) -> None:
    expression = compile_expression(text, ["data"])
    with pytest.raises(ExpressionError):
        expression({"data": DATA})


def test_the_largest_numbers_that_are_allowed_work() -> None:
    assert value_of(f"2 ** {MAX_BITS - 1}") == 2 ** (MAX_BITS - 1)
    assert value_of(f"1 << {MAX_BITS - 1}") == 2 ** (MAX_BITS - 1)
    assert value_of(f"-(2 ** {MAX_BITS - 1})") == -(2 ** (MAX_BITS - 1))


def test_large_numbers_in_the_data_may_be_compared_but_not_multiplied() -> None:
    assert value_of("data > 5", 10**5000) is True
    for text in ("data + 1", "data * 1", "-data", "str(data)", "abs(data)", "round(data)"):
        with pytest.raises(ExpressionError, match="bits"):
            value_of(text, 10**5000)


def test_one_evaluation_has_one_budget() -> None:
    values = list(range(MAX_WORK // 4))
    assert value_of("sum(data)", values) == sum(values)
    with pytest.raises(ExpressionError, match="too much work"):
        value_of("sum(data) + sum(data) + sum(data) + sum(data)", values)


@pytest.mark.parametrize("text", ["data + data + data", "data.upper() + data + data"])
def test_making_text_is_paid_for(text: str) -> None:
    with pytest.raises(ExpressionError, match="too much work"):
        value_of(text, "x" * 3_000_000)
    with pytest.raises(ExpressionError, match="too much work"):
        value_of("data + data + data", [0] * 400_000)


def test_a_second_evaluation_has_a_budget_of_its_own() -> None:
    expression = compile_expression("len('a' * 6000000)", ["data"])
    assert [expression({}) for _ in range(3)] == [6_000_000] * 3


def test_a_mistyped_key_of_a_large_dict_costs_no_search() -> None:
    with pytest.raises(ExpressionError, match=r"no key 'x'$"):
        value_of("data.x", {f"key {number}": number for number in range(100_000)})


class Spy:
    """A value that notes which of its methods were reached."""

    def __init__(self) -> None:
        self.reached: list[str] = []

    def __getattr__(self, name: str) -> Any:
        self.reached.append(name)
        raise AttributeError(name)


class Hostile(Spy):
    """... and has all the methods that an operator, a function or a subscript would call."""

    def lower(self) -> str:
        self.reached.append("lower")
        return ""

    get = keys = items = strip = split = lower
    amount = 5

    def _called(self, *args: object) -> Any:
        self.reached.append("called")
        return self

    __getitem__ = __contains__ = __iter__ = __len__ = __call__ = _called
    __add__ = __radd__ = __mul__ = __rmul__ = __mod__ = __rmod__ = __pow__ = __rpow__ = _called
    __lshift__ = __neg__ = __invert__ = __abs__ = __round__ = __int__ = __float__ = _called
    __index__ = __str__ = __repr__ = __format__ = __reversed__ = __and__ = __or__ = _called


@pytest.mark.parametrize(
    "text",
    [
        "data.amount",
        "data['amount']",
        "data.get('amount')",
        "data.lower()",
        "data.keys()",
        "data[0]",
        "1 in data",
        "data + 1",
        "1 + data",
        "data * 2",
        "'a' * data",
        "[1] * data",
        "'%s' % data",
        "data % 1",
        "data ** 2",
        "2.0 ** data",
        "data ** 2.0",
        "1 << data",
        "data << 1",
        "data & 1",
        "data | 1",
        "-data",
        "~data",
        "abs(data)",
        "round(data)",
        "round(1.5, data)",
        "int(data)",
        "float(data)",
        "str(data)",
        "len(data)",
        "sum(data)",
        "sum([data])",
        "any(data)",
        "all(data)",
        "min(data)",
        "sorted(data)",
        "[1, 2][data]",
        "'x'.split(data)",
        "'x'.startswith(data)",
        "'x'.strip(data)",
        "{}[data.x]",
    ],
)
def test_no_method_of_a_users_object_is_reached_from_text(text: str) -> None:
    spy = Hostile()
    with pytest.raises(ExpressionError):
        value_of(text, spy)
    assert spy.reached == []


class Loud(dict[str, object]):
    def get(self, *args: object) -> Any:
        raise AssertionError("the method of a subclass was reached")

    __getitem__ = keys = items = values = get


@pytest.mark.parametrize("text", ["data.get('a')", "data['a']", "data.a", "data.keys()"])
@pytest.mark.parametrize("data", [Loud(a=1), OrderedDict(a=1)], ids=["subclass", "OrderedDict"])
def test_a_subclass_of_dict_is_not_a_dict(text: str, data: object) -> None:
    with pytest.raises(ExpressionError):
        value_of(text, data)


class LoudInt(int):
    def _reached(self, *args: object) -> Any:
        raise AssertionError("the method of a subclass was reached")

    __add__ = __radd__ = __mul__ = __rmul__ = __neg__ = __abs__ = __round__ = _reached
    __pow__ = __rpow__ = __int__ = __float__ = __str__ = __lshift__ = __mod__ = _reached


class LoudText(str):
    def _reached(self, *args: object) -> Any:
        raise AssertionError("the method of a subclass was reached")

    __add__ = __mul__ = __rmul__ = __len__ = __contains__ = __iter__ = __getitem__ = _reached
    __str__ = __mod__ = __int__ = lower = _reached


class LoudList(list[object]):
    def _reached(self, *args: object) -> Any:
        raise AssertionError("the method of a subclass was reached")

    __add__ = __mul__ = __rmul__ = __len__ = __contains__ = __iter__ = __getitem__ = _reached


@pytest.mark.parametrize(
    "text",
    [
        "data + data",
        "data + 1",
        "1 + data",
        "'a' + data",
        "[1] + data",
        "data * 2",
        "2 * data",
        "'a' * data",
        "data % 2",
        "2 ** data",
        "data << 1",
        "-data",
        "abs(data)",
        "round(data)",
        "int(data)",
        "float(data)",
        "str(data)",
        "len(data)",
        "1 in data",
        "data[0]",
        "sorted(data)",
        "sum([data])",
        "sum(data)",
        "max(data)",
        "data.lower()",
    ],
)
@pytest.mark.parametrize(
    "data", [LoudInt(3), LoudText("x"), LoudList([1])], ids=lambda data: type(data).__name__
)
def test_a_subclass_of_a_number_text_or_list_is_none(text: str, data: object) -> None:
    with pytest.raises(ExpressionError):
        value_of(text, data)


def test_a_value_that_raises_when_compared_gives_the_expressions_error() -> None:
    class Bad:
        def __eq__(self, other: object) -> bool:
            raise TypeError("cannot compare")

        __hash__ = None  # type: ignore[assignment]

    with pytest.raises(ExpressionError, match="cannot compare"):
        value_of("1 + 0 == data", Bad())


def test_values_nested_beyond_the_stack_give_the_expressions_error() -> None:
    def nested() -> list[object]:
        value: list[object] = []
        for _ in range(100_000):
            value = [value]
        return value

    with pytest.raises(ExpressionError, match="recursion"):
        value_of("data == other", nested(), other=nested())


def test_the_data_is_not_changed_by_any_expression() -> None:
    data = {"items": [3, 1, 2], "user": {"name": "x"}}
    value_of("sorted(data['items']) + data['items'] * 2", data)
    value_of("data.user.keys() + ['more']", data)
    assert data == {"items": [3, 1, 2], "user": {"name": "x"}}


# random text --------------------------------------------------------------------------------------

_WORDS = [
    "data", "config", "len", "(", ")", "[", "]", "{", "}", ".", ",", ":", "'a'", '"', "1", "2.5",
    "**", "*", "+", "-", "~", "<<", "==", "<", "in", "is", "not", "and", "or", "if", "else", "None",
    "True", "lambda", "for", "__class__", "get", "lower", ":=", "=", " ", "\n", "\t", "\\",
    "f'{x}'", "isinstance", "sorted", "9" * 30,
    "await", "yield", "@", "\x00", "é", "#", ";", "...", "0x",
]  # fmt: skip


def check(text: str) -> None:
    """Compiling and evaluating ends in a value, or in this error with a column of the text."""
    expression, error = None, None
    try:
        expression = compile_expression(text, ["data", "config"])
    except ExpressionError as refused:
        error = refused
    if expression is not None:
        with contextlib.suppress(ExpressionError):
            expression({"data": DATA, "config": {"a": 1}})
    assert error is None or 1 <= error.column <= len(text) + 1


@given(st.text(max_size=80))
def test_random_text_raises_nothing_but_the_expressions_error(text: str) -> None:
    check(text)


@given(st.text(st.characters(), max_size=30))
def test_random_characters_raise_nothing_but_the_expressions_error(text: str) -> None:
    check(text)


@given(st.lists(st.sampled_from(_WORDS), max_size=25).map("".join))
def test_random_pieces_of_python_raise_nothing_but_the_expressions_error(text: str) -> None:
    check(text)


@given(st.lists(st.sampled_from(_WORDS), max_size=25).map(" ".join))
def test_random_words_of_python_raise_nothing_but_the_expressions_error(text: str) -> None:
    check(text)


_LEAVES = st.sampled_from(["1", "0", "2.5", "'ab'", "None", "data", "data.amount", "data.tags"])


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    operators = ["+", "-", "*", "**", "//", "%", "<<", "==", "<", "in", "and", "or", "is None or"]
    functions = ["len", "abs", "str", "int", "sum", "sorted", "max", "bool", "round", "any"]
    return st.one_of(
        st.tuples(inner, st.sampled_from(operators), inner).map(lambda t: f"({' '.join(t)})"),
        st.tuples(st.sampled_from(functions), inner).map(lambda t: f"{t[0]}({t[1]})"),
        st.tuples(inner, inner).map(lambda t: f"[{t[0]}, {t[1]}]"),
        st.tuples(inner, inner).map(lambda t: f"{t[0]}[{t[1]}]"),
        inner.map(lambda t: f"(-{t})"),
        inner.map(lambda t: f"({t}).lower()"),
    )


@given(st.recursive(_LEAVES, _grown, max_leaves=20))
def test_a_random_expression_gives_a_value_or_the_expressions_error(text: str) -> None:
    check(text)


@given(st.recursive(_LEAVES, _grown, max_leaves=8))
def test_a_value_that_an_expression_gives_is_the_one_python_gives(text: str) -> None:
    try:
        got = value_of(text)
    except ExpressionError:
        return
    source = text.replace("data.amount", "data['amount']").replace("data.tags", "data['tags']")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # such as `1 is None`
        assert repr(got) == repr(eval(source, {"data": DATA}))
