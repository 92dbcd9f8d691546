"""What the source does with a container that it has loaded: read it, change it, hand it out.

The load of ``self.items`` is seen when it happens, what follows is not. But the place in the source
says what follows: ``self.items.append(x)`` changes it, ``len(self.items)`` reads it,
``self.seen[key] += 1`` does both. Worked out once per place.
"""

from __future__ import annotations

import ast
import linecache
from enum import Enum
from functools import lru_cache
from types import CodeType

Place = tuple[int | None, int | None, int | None, int | None]


class Use(Enum):
    """What becomes of a container at one place in the source."""

    READ = 1
    WRITE = 2
    SPLIT = 3  #: reads one item and writes it back: two steps
    ITERATE = 4  #: walks over it, one item after the other
    ESCAPE = 5  #: goes where it cannot be followed


_READERS = frozenset(
    (
        "copy", "count", "get", "index", "keys", "values", "items", "union", "intersection",
        "difference", "symmetric_difference", "issubset", "issuperset", "isdisjoint",
        "most_common", "total", "find", "startswith", "endswith",
    )
)  # fmt: skip
_WALKERS = frozenset(("keys", "values", "items"))
#: Functions that are done with what they get when they return.
_ATOMIC = frozenset(
    (
        "len", "sum", "sorted", "list", "tuple", "set", "dict", "min", "max", "any", "all", "str",
        "repr", "frozenset", "bool", "hash", "isinstance", "type", "id", "print", "format",
    )
)  # fmt: skip


class _Source:
    """The attributes that one file loads, by place, with what is around each."""

    def __init__(self, filename: str) -> None:
        self.loads: dict[Place, ast.AST] = {}
        self.around: dict[ast.AST, ast.AST] = {}
        try:
            tree = ast.parse("".join(linecache.getlines(filename)))
        except (SyntaxError, ValueError):  # no source, or of another version
            return
        for node in ast.walk(tree):
            for child in ast.iter_child_nodes(node):
                self.around[child] = node
            if isinstance(node, ast.Attribute):
                place = (node.lineno, node.end_lineno, node.col_offset, node.end_col_offset)
                self.loads[place] = node


_source = lru_cache(maxsize=256)(_Source)


@lru_cache(maxsize=8192)
def use_at(code: CodeType, instruction: int) -> Use:
    """What the code does with the attribute that it loads at an instruction (``f_lasti``)."""
    place = _place(code, instruction)
    source = _source(code.co_filename)
    node = source.loads.get(place)
    return Use.ESCAPE if node is None else _use(node, source.around)


def _place(code: CodeType, instruction: int) -> Place:
    for index, (line, end_line, column, end_column) in enumerate(code.co_positions()):
        if index * 2 == instruction:
            return (line, end_line, column, end_column)
    return (None, None, None, None)


def _use(node: ast.AST, around: dict[ast.AST, ast.AST]) -> Use:
    parent = around.get(node)
    if isinstance(parent, ast.Attribute):
        call = around.get(parent)
        if isinstance(call, ast.Call) and call.func is parent:
            return _method(parent.attr, call, around)
        return _part(parent, around)
    if isinstance(parent, ast.Subscript) and parent.value is node:
        return _part(parent, around)
    if isinstance(parent, ast.For | ast.AsyncFor | ast.comprehension) and parent.iter is node:
        return Use.ITERATE
    if isinstance(parent, ast.Call):
        function = parent.func
        atomic = isinstance(function, ast.Name) and function.id in _ATOMIC
        return Use.READ if atomic else Use.ESCAPE
    if isinstance(parent, ast.AugAssign):
        return Use.READ
    if isinstance(parent, ast.Compare | ast.UnaryOp | ast.BinOp | ast.FormattedValue | ast.Starred):
        return Use.READ
    if isinstance(parent, ast.If | ast.While | ast.IfExp | ast.Assert) and parent.test is node:
        return Use.READ
    return Use.ESCAPE


def _method(name: str, call: ast.Call, around: dict[ast.AST, ast.AST]) -> Use:
    if name not in _READERS:
        return Use.WRITE
    if name in _WALKERS:
        parent = around.get(call)
        if isinstance(parent, ast.For | ast.comprehension) and parent.iter is call:
            return Use.ITERATE
        return Use.READ
    return Use.READ


def _part(node: ast.Attribute | ast.Subscript, around: dict[ast.AST, ast.AST]) -> Use:
    """Of an item or attribute of the container."""
    if isinstance(around.get(node), ast.AugAssign) and isinstance(node.ctx, ast.Store):
        return Use.SPLIT
    if not isinstance(node.ctx, ast.Load):
        return Use.WRITE
    return Use.WRITE if _use(node, around) in (Use.WRITE, Use.SPLIT) else Use.READ
