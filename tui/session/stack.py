"""The Python stack of a handler that runs now, without the frames of the engine around it."""

from __future__ import annotations

import linecache
import os
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Any

import routilux
from routilux import Flow, gate
from routilux.bus import Lane

from .messages import Answer, AskStack, StackLine

_ENGINE = os.path.dirname(os.path.abspath(routilux.__file__)) + os.sep
_BUILTIN = os.path.join(_ENGINE, "builtin") + os.sep
#: The function that calls a handler: what is above it says nothing about the handler.
_ENTER = gate._enter
LOOP = "event loop"
#: Frames told of at most: of a deeper stack the outermost and the innermost.
_MOST = 120
_LONGEST = 200  # characters of a source line

Frames = list[tuple[FrameType, int]]


def stack_of(flows: Sequence[Flow], request: AskStack) -> Answer:
    """The stack of an activation, or one line that says why there is none. Any thread."""
    wanted = request.activation
    for flow in flows:
        for lane in flow.bus.lanes():
            found = _of_lane(lane, wanted)
            if found is not None:
                frames, began = found
                return _answer(request, lane.thread.name, began, frames)
        for run in flow._loop._all():
            _, _, _, cause, _, index = run.delivery
            if run.start is not None and cause.child_id(index) == wanted:
                coroutine = _of_coroutine(run.coroutine)
                return _answer(request, LOOP, run.start, coroutine)
    return Answer(request.ticket, "it has ended meanwhile", refused=True)


def _of_lane(lane: Lane, wanted: int) -> tuple[Frames, int] | None:
    """The frames of the lane's thread, if they are those of the wanted activation for sure."""
    before = lane.running
    if before is None or before[2] != wanted:
        return None
    frame = sys._current_frames().get(lane.thread.ident or 0)
    # The frames of another thread move on while they are read, so each is read once, and only
    # if the same activation still runs afterwards are they its own.
    frames = _walk(frame)
    return (frames, before[1]) if lane.running is before else None


def _walk(frame: FrameType | None) -> Frames:
    found: Frames = []
    while frame is not None:
        found.append((frame, frame.f_lineno or 0))
        frame = frame.f_back
    found.reverse()
    return found


def _of_coroutine(coroutine: Any) -> Frames:
    """What a coroutine awaits, from the handler inwards: it need not be running at all."""
    found: Frames = []
    while coroutine is not None and len(found) < _MOST:
        frame = getattr(coroutine, "cr_frame", None) or getattr(coroutine, "gi_frame", None)
        if frame is None:
            break
        found.append((frame, frame.f_lineno or 0))
        coroutine = getattr(coroutine, "cr_await", None) or getattr(coroutine, "gi_yieldfrom", None)
    return found


def _answer(request: AskStack, thread: str, began: int, frames: Frames) -> Answer:
    own = _stripped(frames, whole=thread == LOOP)
    if not own:
        said = "its handler begins or ends just now, and has no frame of its own"
        return Answer(request.ticket, said, refused=True)
    lines = tuple(_line(frame, number) for frame, number in own)
    if len(lines) > _MOST:
        gap = StackLine("", 0, f"... {len(lines) - _MOST} more frames ...", "")
        lines = (*lines[: _MOST // 4], gap, *lines[len(lines) - _MOST * 3 // 4 :])
    return Answer(request.ticket, "", stack=lines, thread=thread, began_ns=began)


def _stripped(frames: Frames, *, whole: bool = False) -> Frames:
    """From the handler on. Of engine frames among the user's only what was called is kept.

    Args:
        whole: the first frame is the handler's; else it comes after the engine has entered it.
    """
    start = 0
    if not whole:
        entered = [place for place, (frame, _) in enumerate(frames) if _enters(frame)]
        if not entered:
            return []
        start = entered[-1] + 1  # a handler that waits for a job may run others: the last counts
    while start < len(frames) and _is_engine(frames[start][0]):
        start += 1
    own = frames[start:]
    return [
        each
        for place, each in enumerate(own)
        if not (_is_engine(each[0]) and _is_engine(own[place - 1][0]))
    ]


def _enters(frame: FrameType) -> bool:
    return frame.f_code is _ENTER.__code__


def _is_engine(frame: FrameType) -> bool:
    file = frame.f_code.co_filename
    return file.startswith(_ENGINE) and not file.startswith(_BUILTIN)


def _line(frame: FrameType, number: int) -> StackLine:
    code = frame.f_code
    text = linecache.getline(code.co_filename, number, frame.f_globals).strip()
    return StackLine(code.co_filename, number, code.co_qualname, text[:_LONGEST])
