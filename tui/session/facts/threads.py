"""Looks at the threads of a flow: their CPU clocks, and in what their handlers wait.

Nothing is hooked and nobody is stopped: each look reads what the threads say that they run, their
stacks as they are, and a clock of the kernel's. Whether a thread waits for a lock is read from the
instruction that it is in: a ``with`` or an ``acquire`` of an object that is a lock, and is taken.
"""

from __future__ import annotations

import ast
import inspect
import linecache
import os
import sys
import threading
import time
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from types import CodeType, FrameType
from typing import Any, TypeGuard

import routilux
from routilux import Flow, JobState
from routilux.activation import NO_EDGE
from routilux.lanes import Lane
from tui.session.factual import ThreadLook

_ENGINE = os.path.dirname(os.path.abspath(routilux.__file__)) + os.sep
_OURS = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))) + os.sep
#: In a wheel the samples are inside of ours; who looks at them looks at them as their own.
_SAMPLES = os.path.join(_OURS, "sample_flows") + os.sep
_FOREIGN = ("site-packages", "dist-packages", f"{os.sep}lib{os.sep}python", "<frozen ")
#: Functions in which who calls them waits for a flow.
_WAITS: dict[CodeType, str] = {
    Flow.wait_for_completion.__code__: "Flow.wait_for_completion",
    Flow.shutdown.__code__: "Flow.shutdown",
    JobState.wait.__code__: "JobState.wait",
}
_LOCKS = (type(threading.Lock()), type(threading.RLock()))
#: Lines from and to, columns from and to.
_Position = tuple[int | None, int | None, int | None, int | None]
#: Frames looked at of one stack.
_DEEPEST = 200
_LONGEST = 60  # characters of what a lock is called
#: Linux numbers the CPU clock of a thread by its id; of a thread that is gone it says so.
_HAS_CLOCKS = sys.platform == "linux"


def look_at(flow: Flow) -> Iterator[ThreadLook]:
    """One look at each thread that has run a handler of the flow. Any thread."""
    lanes = flow.bus.lanes()
    busy = _at_work(flow, lanes)
    frames = sys._current_frames() if busy else {}
    for lane in lanes:
        ident = lane.thread.ident or 0
        frame = frames.get(ident) if ident in busy else None
        cpu = _cpu(lane.thread)
        if frame is None:
            if cpu >= 0:
                yield ThreadLook(lane.number, cpu)
            continue
        yield _look(lane.number, cpu, frame)


def _at_work(flow: Flow, lanes: list[Lane]) -> set[int]:
    """The idents of the threads that run a handler, whether its job is traced or counted."""
    found = {lane.thread.ident or 0 for lane in lanes if lane.running is not None}
    for backend in (flow._inline, flow._threads):
        if backend is not None:
            found |= {i for i, delivery in backend.in_hand().items() if delivery[0] is not NO_EDGE}
    return found


def _cpu(thread: threading.Thread) -> int:
    if not _HAS_CLOCKS or thread.native_id is None:
        return -1
    try:
        return time.clock_gettime_ns((~thread.native_id << 3) | 6)
    except OSError:  # it has ended
        return -1


def _look(lane: int, cpu: int, top: FrameType) -> ThreadLook:
    """From the innermost frame outwards, up to the first of the user's."""
    waits, lock, name = "", 0, ""
    found = _lock_of(top)
    if found is not None:
        waits, (lock, name) = "lock", found
    frame: FrameType | None = top
    for _ in range(_DEEPEST):
        if frame is None:
            break
        code = frame.f_code
        waits = _WAITS.get(code, waits)
        if is_users(code.co_filename):
            place = (code.co_filename, frame.f_lineno or 0, code.co_qualname)
            return ThreadLook(lane, cpu, waits, lock, name, *place)
        frame = frame.f_back
    return ThreadLook(lane, cpu, waits, lock, name)


@lru_cache(1024)
def is_users(file: str) -> bool:
    """Whether a file is the user's own, and not Python's, installed, the engine's or ours."""
    path = os.path.abspath(file)
    if path.startswith(_SAMPLES):
        return True
    if file.startswith("<") or any(part in file for part in _FOREIGN):
        return False
    return not path.startswith((_ENGINE, _OURS))


# locks --------------------------------------------------------------------------------------------


def _lock_of(frame: FrameType) -> tuple[int, str] | None:
    """The lock that a frame is about to take, and its name; None if there is none or it is free."""
    file = frame.f_code.co_filename
    if not is_users(file) and not file.startswith(_ENGINE):
        return None  # how a condition or a queue waits is its own affair
    for name, node in _candidates(frame.f_code, frame.f_lasti):
        lock = _value(node, frame)
        if isinstance(lock, _LOCKS) and _is_taken(lock):
            return id(lock), name
    return None


def _is_taken(lock: Any) -> bool:
    locked = getattr(lock, "locked", None)
    if locked is not None:
        return bool(locked())
    return "owner=0" not in repr(lock)  # an RLock tells nobody before 3.14, but for its repr


@lru_cache(4096)
def _candidates(code: CodeType, instruction: int) -> tuple[tuple[str, ast.expr], ...]:
    """What the instruction may take as a lock: what the source calls it, and the same parsed."""
    if instruction < 0:
        return ()
    position = next(islice(code.co_positions(), instruction // 2, None), None)
    return _taken(code.co_filename).get(position, ()) if position is not None else ()


@lru_cache(64)
def _taken(file: str) -> dict[_Position, tuple[tuple[str, ast.expr], ...]]:
    """Where in a file something is entered or acquired.

    Up to 3.12 a ``with`` stands where the statement does, from 3.13 on where its item does.
    """
    try:
        tree = ast.parse("".join(linecache.getlines(file)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    found: dict[_Position, tuple[tuple[str, ast.expr], ...]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.With):
            named = [(_called(i.context_expr), i.context_expr) for i in node.items]
            found[_at(node)] = tuple(named)
            found |= {_at(each): ((name, each),) for name, each in named}
        elif isinstance(node, ast.Call) and _is_acquire(node.func):
            owner = node.func.value
            found[_at(node)] = ((_called(owner), owner),)
    return found


def _is_acquire(node: ast.expr) -> TypeGuard[ast.Attribute]:
    return isinstance(node, ast.Attribute) and node.attr == "acquire"


def _called(node: ast.expr) -> str:
    return ast.unparse(node)[:_LONGEST]


def _at(node: ast.expr | ast.stmt) -> _Position:
    """As `CodeType.co_positions` has it."""
    return node.lineno, node.end_lineno, node.col_offset, node.end_col_offset


def _value(node: ast.expr, frame: FrameType) -> object:
    """What a dotted name stands for, without running any code of the user's."""
    if isinstance(node, ast.Name):
        local = frame.f_locals.get(node.id)
        return local if local is not None else frame.f_globals.get(node.id)
    if isinstance(node, ast.Attribute):
        owner = _value(node.value, frame)
        return inspect.getattr_static(owner, node.attr, None) if owner is not None else None
    return None
