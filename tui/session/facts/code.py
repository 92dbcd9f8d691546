"""A source file, read once: its classes of routines, the calls that wire, and its comments.

Nothing is imported or run. What cannot be read or parsed is an empty file: it ran, so the reason is
that it was saved anew or is not there as text, and findings do without it.
"""

from __future__ import annotations

import ast
import io
import os
import re
import tokenize
from collections.abc import Iterable, Iterator
from typing import NamedTuple

#: A file longer than this is not read, bytes.
LONGEST = 1_000_000
#: Files kept.
KEPT = 256
#: Calls that wait for a flow or end it, and what is called so.
_WAITS = {"wait_for_completion": "Flow.wait_for_completion", "shutdown": "Flow.shutdown"}
_FLOWS = ("flow", "_flow")
_PORTS = ("define_slot", "define_event")
_MARK = re.compile(r"#\s*routilux:\s*(.*)")
_ALLOW = re.compile(r"allow\s*\((.*)\)\s*$")

Def = ast.FunctionDef | ast.AsyncFunctionDef


class Comment(NamedTuple):
    """A ``# routilux:`` comment. ``covers`` is the line that it is about, 0: the whole file.

    ``ids`` is empty when the comment could not be understood.
    """

    line: int
    ids: tuple[str, ...]
    reason: str
    covers: int


class Method(NamedTuple):
    """A function of a class: its first line with decorators, that of its body, and its last."""

    name: str
    first: int
    body: int
    last: int


class Call(NamedTuple):
    """A call by name, with what of its arguments is written out: a text, or the class made."""

    name: str
    first: int
    last: int
    args: tuple[str | None, ...]
    made: str = ""  # the class of the first argument, if that is made there


class Class(NamedTuple):
    """A class, with what its methods do to ``self``. ``sets`` is None if that cannot be known."""

    name: str
    first: int
    line: int
    last: int
    methods: tuple[Method, ...]
    ports: tuple[Call, ...]
    sets: frozenset[str] | None
    waits: tuple[tuple[str, int, str], ...]  # what, line, method
    calls: tuple[tuple[str, str], ...]  # a method, and another that it calls on ``self``

    def reached_from(self, methods: Iterable[str]) -> set[str]:
        """These methods and those that they call, directly or not."""
        todo = list(methods)
        found = set(todo)
        while todo:
            here = todo.pop()
            more = {callee for caller, callee in self.calls if caller == here} - found
            found |= more
            todo += more
        return found


class Source(NamedTuple):
    """A file."""

    path: str
    comments: tuple[Comment, ...] = ()
    classes: tuple[Class, ...] = ()
    functions: tuple[Method, ...] = ()
    calls: tuple[Call, ...] = ()

    def class_of(self, qualname: str, line: int) -> Class | None:
        """The class of that qualified name; of several the one that contains the line."""
        found = [each for each in self.classes if each.name == qualname]
        inside = [each for each in found if each.first <= line <= each.last]
        return next(iter(inside or found), None)


_sources: dict[tuple[str, int], Source] = {}


def source_of(path: str) -> Source:
    """A file by its name; read again when it was saved."""
    try:
        stat = os.stat(path)
        key = path, stat.st_mtime_ns
        if key not in _sources:
            while len(_sources) >= KEPT:
                del _sources[next(iter(_sources))]
            _sources[key] = _read(path) if stat.st_size <= LONGEST else Source(path)
        return _sources[key]
    except (OSError, ValueError):
        return Source(path)


def _read(path: str) -> Source:
    try:
        with tokenize.open(path) as file:
            return parse(file.read(), path)
    except (OSError, ValueError, SyntaxError, RecursionError, MemoryError):
        return Source(path)


def parse(text: str, path: str = "") -> Source:
    """What a source text holds.

    Raises:
        SyntaxError: it is no Python.
    """
    tree = ast.parse(text)
    scan = _Scan()
    scan.visit(tree)
    comments = tuple(_comments(text))
    return Source(path, comments, tuple(scan.classes), tuple(scan.functions), tuple(scan.calls))


# comments -----------------------------------------------------------------------------------------


def _comments(text: str) -> Iterator[Comment]:
    """Those for us. One that stands alone is about the next line that is none."""
    waiting: list[tuple[int, str]] = []
    top = True  # in the first block of comments
    last = 0
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        line = token.start[0]
        if token.type == tokenize.COMMENT:
            alone = not token.line[: token.start[1]].strip()
            mark = _MARK.match(token.string)
            top = top and alone and line in (1, last + 1)
            last = line if alone else last
            if mark and top:
                yield _comment(line, mark[1], 0)
            elif mark and alone:
                waiting.append((line, mark[1]))
            elif mark:
                yield _comment(line, mark[1], line)
        elif token.type not in (tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT):
            top = False
            yield from (_comment(where, said, line) for where, said in waiting)
            waiting.clear()


def _comment(line: int, said: str, covers: int) -> Comment:
    match = _ALLOW.match(said.strip())
    names, _, reason = match[1].partition(":") if match else ("", "", "")
    ids = tuple(name.strip() for name in names.split(",") if name.strip())
    return Comment(line, ids, reason.strip() if ids else said.strip(), covers)


# code ---------------------------------------------------------------------------------------------


class _Scan(ast.NodeVisitor):
    """Collects classes, functions and calls, with names as Python qualifies them."""

    def __init__(self) -> None:
        self.classes: list[Class] = []
        self.functions: list[Method] = []
        self.calls: list[Call] = []
        self._path: list[str] = []
        self._made: dict[str, str] = {}  # variables: the class that was made last

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        """A class; it may contain others."""
        name = ".".join([*self._path, node.name])
        functions = [each for each in node.body if isinstance(each, Def)]
        self.classes.append(
            Class(
                name,
                _first(node),
                node.lineno,
                node.end_lineno or node.lineno,
                tuple(_method(each) for each in functions),
                tuple(_ports(node)),
                _sets(functions),
                tuple(wait for each in functions for wait in _waits(each)),
                tuple(call for each in functions for call in _self_calls(each)),
            )
        )
        self._path.append(node.name)
        self.generic_visit(node)
        self._path.pop()

    def visit_FunctionDef(self, node: Def) -> None:
        """A function; what is defined in it has ``<locals>`` in its name."""
        self.functions.append(_method(node))
        self._path += [node.name, "<locals>"]
        self.generic_visit(node)
        del self._path[-2:]

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Assign(self, node: ast.Assign) -> None:
        """A variable may hold a routine that was made before it is added."""
        target = node.targets[0]
        if isinstance(target, ast.Name) and isinstance(node.value, ast.Call):
            self._made[target.id] = _name(node.value.func)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        """What wires a flow."""
        name = _name(node.func)
        if name in ("add_routine", "connect", "Flow"):
            self.calls.append(self._call(node, name))
        self.generic_visit(node)

    def _call(self, node: ast.Call, name: str) -> Call:
        first = node.args[0] if node.args else None
        made = _name(first.func) if isinstance(first, ast.Call) else ""
        if isinstance(first, ast.Name):
            made = self._made.get(first.id, "")
        return Call(name, node.lineno, node.end_lineno or node.lineno, _texts(node), made)


def _name(node: ast.expr) -> str:
    """The last part of a dotted name."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _texts(node: ast.Call) -> tuple[str | None, ...]:
    """The arguments that are written out as texts; a ``name`` by keyword is the first."""
    words = [k.value for k in node.keywords if k.arg in ("name", "flow_id", "routine_id")]
    given = [*node.args, *words]
    return tuple(
        each.value if isinstance(each, ast.Constant) and isinstance(each.value, str) else None
        for each in given
    )


def _first(node: ast.ClassDef | Def) -> int:
    return min([node.lineno, *(each.lineno for each in node.decorator_list)])


def _method(node: Def) -> Method:
    return Method(node.name, _first(node), node.body[0].lineno, node.end_lineno or node.lineno)


def _ports(node: ast.ClassDef) -> Iterator[Call]:
    for each in ast.walk(node):
        if isinstance(each, ast.Call) and _name(each.func) in _PORTS:
            last = each.end_lineno or each.lineno
            yield Call(_name(each.func), each.lineno, last, _texts(each))


def _sets(functions: list[Def]) -> frozenset[str] | None:
    """The attributes of ``self`` that methods bind; None if some do it by other means."""
    found: set[str] = set()
    for function in functions:
        for node in ast.walk(function):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                found.add(node.attr)
            elif isinstance(node, ast.Attribute) and node.attr == "__dict__":
                return None
            if isinstance(node, ast.Call) and _name(node.func) in ("setattr", "vars"):
                return None
    return frozenset(found)


def _self_calls(function: Def) -> Iterator[tuple[str, str]]:
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            if isinstance(owner, ast.Name) and owner.id == "self":
                yield function.name, node.func.attr


def _waits(function: Def) -> Iterator[tuple[str, int, str]]:
    """Calls that wait for a flow or end it: ``shutdown`` is also the name of other things."""
    for node in ast.walk(function):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        what = _WAITS.get(node.func.attr)
        if what is not None and (what != "Flow.shutdown" or _name(node.func.value) in _FLOWS):
            yield what, node.lineno, function.name
