"""Expressions from text, safely: conditions and mappings that a configuration can hold as a string.

Nothing of the text is executed. Python's parser makes a tree, and every kind of node that is
allowed becomes one small function here; any other kind is an error. There are no loops and no way
to name a result, so work and memory are bounded by the size of the text times that of the values;
what could multiply (``**``, ``*``, ``<<``, concatenation, sorting) is checked before it is done and
paid for from one budget.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

from .errors import RoutiluxError, _suggestion
from .evaluation import (
    BINARY,
    COMPARE,
    FUNCTIONS,
    MAX_BITS,
    METHODS,
    SCALARS,
    UNARY,
    Run,
    item,
)

#: Far above what a condition needs, far below what hurts. `evaluation` has those of the values.
MAX_TEXT = 2_000  # characters
MAX_NODES = 500
MAX_DEPTH = 60

Step = Callable[[Run], Any]

_TYPES = {t.__name__: t for t in (bool, dict, float, int, list, str, tuple)}
_FAULTS = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


class ExpressionError(RoutiluxError, ValueError):
    """An expression does something that is not allowed, or failed with the values it was given.

    Attributes:
        text: the expression.
        column: where in it, from 1.
        problem: what is wrong there.
        allowed: what may be written instead; may be empty.
    """

    def __init__(self, text: str, column: int, problem: str, allowed: str = "") -> None:
        self.text = text
        self.column = column
        self.problem = problem
        self.allowed = allowed
        shown = text if len(text) <= 80 else f"{text[:79]}…"
        hint = f"; allowed: {allowed}" if allowed else ""
        super().__init__(f"expression {shown!r}, column {column}: {problem}{hint}")

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.text, self.column, self.problem, self.allowed)


class Expression:
    """A checked expression. Call it with its values; any thread, any number of times.

    Attributes:
        text: as it was given.
        used: the names that it needs values for.
    """

    __slots__ = ("_step", "text", "used")

    def __init__(self, text: str, used: frozenset[str], step: Step) -> None:
        self.text = text
        self.used = used
        self._step = step

    def __call__(self, values: Mapping[str, object]) -> object:
        """The expression's value.

        Raises:
            ExpressionError: it does not work with these values, or takes more than it may.
        """
        return self._step(Run(values))

    def __repr__(self) -> str:
        return f"<Expression {self.text!r}>"


def compile_expression(text: str, names: Iterable[str] = ("data",)) -> Expression:
    """Check an expression once, to evaluate it many times.

    Args:
        text: such as ``"data.amount > 100 and data.get('kind') != 'test'"``. ``data.key`` is
            ``data["key"]``, for plain dicts only.
        names: the names that it may use.

    Raises:
        ExpressionError: it is not an expression, or uses what is not allowed.
    """
    if not isinstance(text, str):
        raise ExpressionError(repr(text), 1, f"must be text, not {type(text).__name__}")
    if len(text) > MAX_TEXT:
        problem = f"{len(text)} characters are too long"
        raise ExpressionError(text, MAX_TEXT + 1, problem, f"up to {MAX_TEXT} characters")
    return _compiled(text, tuple(names))


@lru_cache(maxsize=256)
def _compiled(text: str, names: tuple[str, ...]) -> Expression:
    compiler = _Compiler(text, names)
    step = compiler.compile()
    return Expression(text, frozenset(compiler.used), step)


class _Compiler:
    """Turns a tree into nested functions; whatever it has no method for is refused."""

    def __init__(self, text: str, names: tuple[str, ...]) -> None:
        self.text = text
        self.names = names
        self.source = text.strip()
        self.indent = len(text) - len(text.lstrip())
        self.used: set[str] = set()
        self.nodes = 0
        self.depth = 0

    def compile(self) -> Step:
        try:
            tree = ast.parse(self.source, mode="eval")
        except SyntaxError as error:
            end = self.indent + len(self.source) + 1
            # Counted in characters, not in bytes; 0 where the text ends too early.
            column = self._start(error.lineno or 1) + error.offset if error.offset else end
            column = min(column, end)
            raise ExpressionError(self.text, column, f"not an expression: {error.msg}") from None
        except (ValueError, MemoryError, RecursionError) as error:  # null bytes, surrogates, depth
            problem = f"not an expression: {error or 'nested too deeply'}"
            raise ExpressionError(self.text, 1, problem) from None
        return self.step(tree.body)

    def step(self, node: ast.AST) -> Step:
        """The function that computes this node."""
        build = _BUILDERS.get(type(node))
        if build is None:
            what = _REFUSED.get(type(node), type(node).__name__)
            raise self.error(node, f"{what} is not allowed", self._allowed())
        self.nodes += 1
        if self.nodes > MAX_NODES or self.depth >= MAX_DEPTH:
            raise self.error(node, "too long or nested too deeply", "a function instead")
        self.depth += 1
        step = build(self, node)
        self.depth -= 1

        def located(run: Run) -> Any:
            try:
                run.spend(1)
                return step(run)
            except ExpressionError:
                raise
            except _FAULTS as error:
                raise self.error(node, str(error) or type(error).__name__) from error

        return located

    def steps(self, nodes: Iterable[ast.AST]) -> list[Step]:
        return [self.step(node) for node in nodes]

    def error(self, node: ast.AST, problem: str, allowed: str = "") -> ExpressionError:
        column = self._column(getattr(node, "lineno", 1), getattr(node, "col_offset", 0))
        return ExpressionError(self.text, column, problem, allowed)

    def _column(self, line: int, offset: int) -> int:
        """Where in the text a position is that a node gives in bytes of its line."""
        rest = self.source[self._start(line) - self.indent :]
        before = rest.encode("utf-8", "replace")[:offset].decode("utf-8", "replace")
        return self._start(line) + len(before) + 1

    def _start(self, line: int) -> int:
        """How many characters come before a line."""
        starts = [0, *(end.end() for end in re.finditer(r"\r\n|\r|\n", self.source))]
        return self.indent + starts[min(line, len(starts)) - 1]

    def _allowed(self) -> str:
        return (
            f"literals, the names {', '.join(self.names) or '(none)'}, name.key, name['key'], "
            "comparisons, in, is None, and, or, not, arithmetic, `a if b else c`, and calls of "
            f"{', '.join(FUNCTIONS)}"
        )

    # kinds of nodes ---------------------------------------------------------------------------

    def constant(self, node: ast.Constant) -> Step:
        value = node.value
        if type(value) not in SCALARS:
            what = type(value).__name__
            raise self.error(node, f"a literal of type {what} is not allowed", self._allowed())
        if type(value) is int and value.bit_length() > MAX_BITS:
            raise self.error(node, "a number of that size is not allowed", f"{MAX_BITS} bits")
        return lambda run: value

    def name(self, node: ast.Name) -> Step:
        name = node.id
        if name not in self.names:
            if name in FUNCTIONS:
                raise self.error(node, f"{name} is a function", f"a call, such as {name}(…)")
            raise self.error(node, f"unknown name {name!r}{_suggestion(name, self.names)}")
        self.used.add(name)

        def lookup(run: Run) -> Any:
            if name not in run.values:
                raise ValueError(f"no value was given for {name!r}")
            return run.values[name]

        return lookup

    def attribute(self, node: ast.Attribute) -> Step:
        name, owner = self._public(node), self.step(node.value)

        def key(run: Run) -> Any:
            value = owner(run)
            if type(value) is not dict:
                raise TypeError(f".{name} reads a key of a dict, not of {type(value).__name__}")
            return item(value, name)

        return key

    def _public(self, node: ast.Attribute) -> str:
        if node.attr.startswith("_"):
            hint = "[…] for a key that begins with an underscore"
            raise self.error(node, f"{node.attr!r} after a dot is not allowed", hint)
        return node.attr

    def subscript(self, node: ast.Subscript) -> Step:
        owner, key = self.step(node.value), self.step(node.slice)
        return lambda run: item(owner(run), key(run))

    def call(self, node: ast.Call) -> Step:
        if node.keywords:
            raise self.error(node, "keyword arguments are not allowed", "arguments by position")
        if isinstance(node.func, ast.Attribute):
            return self._method(node, node.func)
        if not isinstance(node.func, ast.Name):
            raise self.error(node, "this call is not allowed", self._allowed())
        name = node.func.id
        if name == "isinstance":
            return self._isinstance(node)
        if name not in FUNCTIONS:
            hint = _suggestion(name, tuple(FUNCTIONS))
            raise self.error(node, f"unknown function {name!r}{hint}")
        function, least, most = FUNCTIONS[name]
        self._count(node, name, least, most)
        arguments = self.steps(node.args)
        return lambda run: function(run, *[argument(run) for argument in arguments])

    def _method(self, node: ast.Call, func: ast.Attribute) -> Step:
        name = self._public(func)
        if name not in METHODS:
            hint = _suggestion(name, tuple(METHODS))
            raise self.error(node, f"unknown method {name!r}{hint}")
        kind, function, cost, least, most = METHODS[name]
        self._count(node, name, least, most)
        owner, arguments = self.step(func.value), self.steps(node.args)

        def call(run: Run) -> Any:
            value: Any = owner(run)
            # The exact type: a subclass may have a method of its own under that name.
            if type(value) is not kind:
                what = type(value).__name__
                raise TypeError(f"{name}() is a method of {kind.__name__}, not of {what}")
            run.spend(cost * len(value))
            return function(value, *[argument(run) for argument in arguments])

        return call

    def _isinstance(self, node: ast.Call) -> Step:
        self._count(node, "isinstance", 2, 2)
        value, kinds = self.step(node.args[0]), node.args[1]
        types: list[type] = []
        for each in kinds.elts if isinstance(kinds, ast.Tuple) else [kinds]:
            if not isinstance(each, ast.Name) or each.id not in _TYPES:
                raise self.error(each, "isinstance() needs a type here", ", ".join(_TYPES))
            types.append(_TYPES[each.id])
        function, given = FUNCTIONS["isinstance"][0], tuple(types)
        return lambda run: function(run, value(run), given)

    def _count(self, node: ast.Call, name: str, least: int, most: int) -> None:
        given = len(node.args)
        if not least <= given <= most:
            allowed = f"{least}" if least == most else f"{least} to {most}"
            raise self.error(node, f"{name}() with {given} arguments", allowed)

    def binary(self, node: ast.BinOp) -> Step:
        function = BINARY.get(type(node.op).__name__)
        if function is None:
            raise self.error(node, "this operator is not allowed", "+ - * / // % ** << >> & | ^")
        left, right = self.step(node.left), self.step(node.right)
        return lambda run: function(run, left(run), right(run))

    def unary(self, node: ast.UnaryOp) -> Step:
        operand = self.step(node.operand)
        function = UNARY[type(node.op).__name__]
        return lambda run: function(operand(run))

    def boolean(self, node: ast.BoolOp) -> Step:
        *steps, last = self.steps(node.values)
        stop = isinstance(node.op, ast.Or)

        def decide(run: Run) -> Any:
            for step in steps:
                value = step(run)
                if bool(value) is stop:
                    return value
            return last(run)

        return decide

    def compare(self, node: ast.Compare) -> Step:
        first = self.step(node.left)
        rest: list[tuple[Callable[[Run, Any, Any], Any], Step]] = []
        for op, right in zip(node.ops, node.comparators, strict=True):
            if isinstance(op, ast.Is | ast.IsNot) and not _is_singleton(right):
                raise self.error(node, "`is` is not allowed here", "is None, is True, is False")
            rest.append((COMPARE[type(op).__name__], self.step(right)))

        def chain(run: Run) -> Any:
            left, result = first(run), True
            for test, step in rest:
                right = step(run)
                result = test(run, left, right)
                if not result:
                    break
                left = right
            return result

        return chain

    def either(self, node: ast.IfExp) -> Step:
        test, yes, no = self.steps([node.test, node.body, node.orelse])
        return lambda run: yes(run) if test(run) else no(run)

    def display(self, node: ast.List | ast.Tuple | ast.Set) -> Step:
        kind = {ast.List: list, ast.Tuple: tuple, ast.Set: set}[type(node)]
        items = self.steps(node.elts)
        return lambda run: kind([item(run) for item in items])

    def mapping(self, node: ast.Dict) -> Step:
        if None in node.keys:
            raise self.error(node, "** is not allowed", self._allowed())
        keys, values = self.steps(key for key in node.keys if key), self.steps(node.values)
        return lambda run: {k(run): v(run) for k, v in zip(keys, values, strict=True)}


def _is_singleton(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and any(node.value is each for each in _SINGLETONS)


_SINGLETONS = (None, True, False)

#: What may be written. A kind of node that is not in here is refused, whatever it is.
_BUILDERS: dict[type[ast.AST], Callable[[_Compiler, Any], Step]] = {
    ast.Attribute: _Compiler.attribute,
    ast.BinOp: _Compiler.binary,
    ast.BoolOp: _Compiler.boolean,
    ast.Call: _Compiler.call,
    ast.Compare: _Compiler.compare,
    ast.Constant: _Compiler.constant,
    ast.Dict: _Compiler.mapping,
    ast.IfExp: _Compiler.either,
    ast.List: _Compiler.display,
    ast.Name: _Compiler.name,
    ast.Set: _Compiler.display,
    ast.Subscript: _Compiler.subscript,
    ast.Tuple: _Compiler.display,
    ast.UnaryOp: _Compiler.unary,
}

#: What to call some of the others.
_REFUSED: dict[type[ast.AST], str] = {
    ast.DictComp: "a comprehension",
    ast.GeneratorExp: "a generator",
    ast.JoinedStr: "an f-string",
    ast.Lambda: "a lambda",
    ast.ListComp: "a comprehension",
    ast.NamedExpr: "`:=`",
    ast.SetComp: "a comprehension",
    ast.Slice: "a slice",
    ast.Starred: "`*`",
}
