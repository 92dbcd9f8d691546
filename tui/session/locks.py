"""What a thread waits for, as far as its stack tells: locks, other threads, queues.

Nothing of the user's is run: an expression such as ``self.cache.lock`` is followed through local
names and instance dictionaries only, and only the locks of the standard library are asked.
"""

from __future__ import annotations

import ast
import concurrent.futures
import linecache
import queue
import re
import threading
from functools import lru_cache
from itertools import islice
from opcode import opname
from types import CodeType, FrameType, ModuleType
from typing import Any, NamedTuple

from .stack import is_engine

#: Files of the standard library whose frames stand between a wait and who waits.
_WAITING_IN = frozenset({threading.__file__, queue.__file__, concurrent.futures._base.__file__})
_LOCK, _RLOCK = type(threading.Lock()), type(threading.RLock())
# Kept, since a script may put others in their place.
_CONDITION, _THREAD, _SIMPLE = threading.Condition, threading.Thread, queue.SimpleQueue
_OWNED = (_CONDITION, threading.Semaphore)
_OWNER = re.compile(r"owner=(\d+)")
_LONGEST = 60  # characters of an expression


class Spot(NamedTuple):
    """Where a thread stands still.

    Attributes:
        kind: ``lock``, or ``thread`` (waits for its end), or ``other``.
        text: what it waits for, in words.
        file, line: of the innermost frame of the user's.
        lock: the lock or thread itself, if it could be found.
        timed: whether the wait has a limit.
    """

    kind: str
    text: str
    file: str
    line: int
    lock: Any
    timed: bool


def spot_of(frame: FrameType) -> Spot | None:
    """What the thread of this innermost frame waits for; None if for nothing that is known."""
    inner, frame = _outside(frame)
    file, line = _place(frame)
    if inner is not None:
        return _in_library(frame, inner, file, line)
    return _in_c(frame, file, line)


def owner_of(lock: Any) -> int | None:
    """The thread that holds a lock, if the lock tells; 0: nobody, None: it does not tell."""
    if type(lock) is _LOCK:
        return None if lock.locked() else 0
    if type(lock) is _RLOCK:
        found = _OWNER.search(repr(lock))
        return int(found[1]) if found else None
    if isinstance(lock, _CONDITION):
        return owner_of(getattr(lock, "_lock", None))
    return None


def holder_by_stack(lock: Any, frames: dict[int, FrameType]) -> tuple[int, str] | None:
    """The thread that is inside of a ``with`` block of this lock, and where."""
    for ident, innermost in frames.items():
        spot = spot_of(innermost)
        if spot is not None and spot.kind == "other" and spot.lock is lock:
            continue  # in `Condition.wait`, which has released it
        frame: FrameType | None = innermost
        while frame is not None:
            line = frame.f_lineno or 0
            for first, last, expression in _withs(frame.f_code):
                if first <= line <= last and _resolve(expression, frame) is lock:
                    return ident, f"{frame.f_code.co_filename.rpartition('/')[2]}:{line}"
            frame = frame.f_back
    return None


# where it stands ----------------------------------------------------------------------------------


def _outside(frame: FrameType) -> tuple[FrameType | None, FrameType]:
    """The outermost of the innermost frames that are the library's, and the frame around it."""
    inner: FrameType | None = None
    while frame.f_code.co_filename in _WAITING_IN and frame.f_back is not None:
        inner, frame = frame, frame.f_back
    return inner, frame


def _place(frame: FrameType) -> tuple[str, int]:
    """Of the user's own code, if there is any."""
    own: FrameType | None = frame
    while own is not None and is_engine(own):
        own = own.f_back
    own = own or frame
    return own.f_code.co_filename, own.f_lineno or 0


def _in_library(frame: FrameType, inner: FrameType, file: str, line: int) -> Spot | None:
    """A wait within a method of the library, whose ``self`` is what is waited for."""
    names = inner.f_locals
    waits_for = names.get("self")
    method = inner.f_code.co_name
    called = inner.f_code.co_qualname
    timed = names.get("timeout") is not None or names.get("block") is False
    text = _said(_expression(frame)) or called
    if isinstance(waits_for, _THREAD) and method == "join":
        return Spot("thread", "the end of a thread", file, line, waits_for, timed)
    if isinstance(waits_for, _OWNED) and method in ("acquire", "__enter__"):
        return Spot("lock", text, file, line, waits_for, timed)
    if method in ("wait", "wait_for", "get", "put", "join", "result", "acquire", "__enter__"):
        return Spot("other", called, file, line, waits_for, timed)
    return None


def _in_c(frame: FrameType, file: str, line: int) -> Spot | None:
    """A wait within a function of C, told from the instruction that has called it."""
    expression = _expression(frame)
    if expression is None:
        return None
    with_ = _enters(frame.f_code, frame.f_lasti)
    timed = False
    if not with_:
        if not isinstance(expression, ast.Call) or not isinstance(expression.func, ast.Attribute):
            return None
        timed = bool(expression.args or expression.keywords)
        method, expression = expression.func.attr, expression.func.value
        if method not in ("acquire", "__enter__", "get"):
            return None
    lock = _resolve(expression, frame)
    if type(lock) is _SIMPLE and not with_:
        return Spot("other", "SimpleQueue.get", file, line, lock, timed)
    if type(lock) in (_LOCK, _RLOCK) and owner_of(lock) != 0:
        return Spot("lock", _said(expression), file, line, lock, timed)
    if isinstance(lock, _CONDITION) and with_:
        return Spot("lock", _said(expression), file, line, lock, timed)
    return None


# source -------------------------------------------------------------------------------------------


def _said(expression: ast.expr | None) -> str:
    if isinstance(expression, ast.Call):
        expression = expression.func
        if isinstance(expression, ast.Attribute):
            expression = expression.value
    return ast.unparse(expression)[:_LONGEST] if expression is not None else ""


def _expression(frame: FrameType) -> ast.expr | None:
    """The expression that the frame's current instruction works out, as its source has it."""
    if frame.f_lasti < 0:
        return None
    # The instruction that enters a with is the whole statement's; before it comes what it enters.
    enters = _enters(frame.f_code, frame.f_lasti)
    return _expression_at(frame.f_code, frame.f_lasti // 2 - enters)


def _enters(code: CodeType, place: int) -> bool:
    return opname[code.co_code[place]].startswith("BEFORE_WITH")


@lru_cache(maxsize=512)
def _expression_at(code: CodeType, index: int) -> ast.expr | None:
    place = next(islice(code.co_positions(), index, None), (None,) * 4)
    line, last, begin, end = place
    if line is None or last is None or begin is None or end is None:
        return None
    lines = [text.encode() for text in linecache.getlines(code.co_filename)[line - 1 : last]]
    if len(lines) != last - line + 1:
        return None
    lines[-1] = lines[-1][:end]  # first, since it may be the same line
    lines[0] = lines[0][begin:]
    try:
        return ast.parse(b"(" + b"".join(lines) + b")", mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _resolve(expression: ast.expr, frame: FrameType) -> Any:
    """The object of a dotted name; None if it cannot be found without running something."""
    if isinstance(expression, ast.Name):
        return frame.f_locals.get(expression.id, frame.f_globals.get(expression.id))
    if isinstance(expression, ast.Attribute):
        owner = _resolve(expression.value, frame)
        if owner is None:
            return None
        if isinstance(owner, ModuleType):
            return vars(owner).get(expression.attr)
        try:
            names = object.__getattribute__(owner, "__dict__")
        except (AttributeError, TypeError):
            names = {}
        if isinstance(names, dict) and expression.attr in names:
            return names[expression.attr]
        for kind in type(owner).__mro__:
            if expression.attr in vars(kind):
                return vars(kind)[expression.attr]
    return None


@lru_cache(maxsize=256)
def _withs(code: CodeType) -> tuple[tuple[int, int, ast.expr], ...]:
    """The bodies of ``with`` in a function: first and last line, and what they hold."""
    node = _functions(code.co_filename).get(code.co_firstlineno)
    if node is None or code.co_name != getattr(node, "name", ""):
        return ()
    found = []
    for each in _own_nodes(node):
        if isinstance(each, ast.With):
            last = each.end_lineno or each.lineno
            # What stands in the line of the with itself may be before it is entered.
            found += [(each.lineno + 1, last, item.context_expr) for item in each.items]
    return tuple(found)


@lru_cache(maxsize=64)
def _functions(file: str) -> dict[int, ast.AST]:
    """The functions of a file by the line in which their code object begins."""
    try:
        tree = ast.parse("".join(linecache.getlines(file)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    found: dict[int, ast.AST] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found[min([node.lineno, *(d.lineno for d in node.decorator_list)])] = node
    return found


def _own_nodes(function: ast.AST) -> list[ast.AST]:
    """All parts of a function but those of functions in it."""
    found: list[ast.AST] = []
    todo = list(ast.iter_child_nodes(function))
    while todo:
        node = todo.pop()
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            found.append(node)
            todo.extend(ast.iter_child_nodes(node))
    return found
