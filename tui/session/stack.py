"""The Python stack of a handler that runs now, without the frames of the engine around it."""

from __future__ import annotations

import linecache
import os
from collections.abc import Sequence
from types import CodeType, FrameType
from typing import Any

import routilux
from routilux import Flow, gate
from routilux.activation import NO_EDGE, Delivery
from routilux.lanes import Lane

from .frames import current_frames
from .messages import Answer, AskStack, StackLine

_ENGINE = os.path.dirname(os.path.abspath(routilux.__file__)) + os.sep
_BUILTIN = os.path.join(_ENGINE, "builtin") + os.sep
#: The functions that call a handler: what is above them says nothing about the handler.
_TRACED = frozenset({gate._enter.__code__})
_COUNTED = frozenset({gate._run_plain.__code__, gate.run_counted.__code__})
LOOP = "event loop"
#: Frames told of at most: of a deeper stack the outermost and the innermost.
_MOST = 120
_LONGEST = 200  # characters of a source line

Frames = list[tuple[FrameType, int]]


def stack_of(flows: Sequence[Flow], request: AskStack) -> Answer:
    """The stack of an activation, or one line that says why there is none. Any thread."""
    for flow in flows:
        for lane in flow.bus.lanes():
            if request.activation:
                answer = _of_traced(lane, request)
            else:
                answer = _of_counted(flow, lane, request)
            if answer is not None:
                return answer
        for run in flow._loop._all() if request.activation else ():
            _, _, _, cause, _, index = run.delivery
            if run.start is not None and cause.child_id(index) == request.activation:
                return _answer(request, LOOP, run.start, _stripped(_awaited(run.coroutine)))
    return Answer(request.ticket, "it has ended meanwhile", refused=True)


def _of_traced(lane: Lane, request: AskStack) -> Answer | None:
    """Of the lane's thread, if it runs the wanted activation, before and after."""
    running, inner = lane.running, 0
    while running is not None and running[2] != request.activation:
        running, inner = running[3], inner + 1  # what a handler has in turn executed
    before = lane.running
    if running is None:
        return None
    frames = _frames(lane)
    # The frames of another thread move on while they are read. Only if the same activation still
    # runs afterwards are they its own.
    if lane.running is not before:
        return None
    return _answer(request, lane.thread.name, running[1], _entered(frames, _TRACED, inner))


def _of_counted(flow: Flow, lane: Lane, request: AskStack) -> Answer | None:
    """Of what the lane's thread runs now over that edge: what is not traced has no name."""
    if lane.number != request.lane:
        return None
    ident = lane.thread.ident or 0
    before = _in_hand(flow, ident)
    if before is None or before[0].number != request.edge:
        return None
    frames = _frames(lane)
    if _in_hand(flow, ident) is not before:
        return None
    return _answer(request, lane.thread.name, 0, _entered(frames, _COUNTED, 0))


def _in_hand(flow: Flow, ident: int) -> Delivery | None:
    for backend in (flow._inline, flow._threads):
        delivery = backend.in_hand().get(ident) if backend is not None else None
        if delivery is not None and delivery[0] is not NO_EDGE:
            return delivery
    return None


def _frames(lane: Lane) -> Frames:
    return _walk(current_frames().get(lane.thread.ident or 0))


def _walk(frame: FrameType | None) -> Frames:
    found: Frames = []
    while frame is not None:
        found.append((frame, frame.f_lineno or 0))
        frame = frame.f_back
    found.reverse()
    return found


def _awaited(coroutine: Any) -> Frames:
    """What a coroutine awaits, from the handler inwards: it need not be running at all."""
    found: Frames = []
    while coroutine is not None and len(found) < _MOST:
        frame = getattr(coroutine, "cr_frame", None) or getattr(coroutine, "gi_frame", None)
        if frame is None:
            break
        found.append((frame, frame.f_lineno or 0))
        coroutine = getattr(coroutine, "cr_await", None) or getattr(coroutine, "gi_yieldfrom", None)
    return found


def _answer(request: AskStack, thread: str, began: int, own: Frames) -> Answer:
    if not own:
        said = "its handler begins or ends just now, and has no frame of its own"
        return Answer(request.ticket, said, refused=True)
    lines = tuple(_line(frame, number) for frame, number in own)
    if len(lines) > _MOST:
        gap = StackLine("", 0, f"... {len(lines) - _MOST} more frames ...", "")
        lines = (*lines[: _MOST // 4], gap, *lines[len(lines) - _MOST * 3 // 4 :])
    return Answer(request.ticket, "", stack=lines, thread=thread, began_ns=began)


def _entered(frames: Frames, by: frozenset[CodeType], inner: int) -> Frames:
    """From the handler on, which one of these functions has called: the last such call, or one
    before as many of them as are inside of it.
    """
    places = [place for place, (frame, _) in enumerate(frames) if frame.f_code in by]
    if len(places) <= inner:
        return []
    return _stripped(frames[places[-1 - inner] + 1 :])


def _stripped(frames: Frames) -> Frames:
    """Without engine frames at the beginning; among the user's only what was called is kept."""
    start = 0
    while start < len(frames) and is_engine(frames[start][0]):
        start += 1
    own = frames[start:]
    return [
        each
        for place, each in enumerate(own)
        if not (is_engine(each[0]) and is_engine(own[place - 1][0]))
    ]


def is_engine(frame: FrameType) -> bool:
    """Whether the frame is the engine's own; ready routines count as the user's."""
    file = frame.f_code.co_filename
    return file.startswith(_ENGINE) and not file.startswith(_BUILTIN)


def _line(frame: FrameType, number: int) -> StackLine:
    code = frame.f_code
    text = linecache.getline(code.co_filename, number, frame.f_globals).strip()
    return StackLine(code.co_filename, number, code.co_qualname, text[:_LONGEST])
