"""Messages that a user sends by hand: what a handler takes, and starting a job at a slot."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Sequence
from typing import Any

from routilux import Flow
from routilux.calling import takes
from routilux.job import JobState
from routilux.ports import Slot
from routilux.preview import value_preview
from routilux.report import message

from .messages import Answer, Call, ParamInfo

_LONGEST = 60  # characters of an annotation or a default
#: What `ast.literal_eval` raises for a text that is no literal.
_NO_LITERAL = (ValueError, TypeError, SyntaxError, MemoryError, RecursionError)


def params_of(slot: Slot) -> tuple[tuple[ParamInfo, ...], bool]:
    """The values that the slot's handler takes by name, and whether any others mean something to
    it. Runs nothing of the user's.
    """
    handler = slot.handler
    if handler is None:
        return (), True
    names, takes_any = takes(handler)
    if not names or (names == ("data",) and not takes_any):
        return (), takes_any or names is None or names == ("data",)
    try:
        found = inspect.signature(handler).parameters
    except (TypeError, ValueError):
        return (), True
    # The only value of a handler is the whole message where its name is not in that.
    alone = len(names) == 1 and not takes_any
    params = [_param(found[name], alone) for name in names if name in found]
    return tuple(params), takes_any or alone


def _param(parameter: inspect.Parameter, alone: bool) -> ParamInfo:
    optional = parameter.default is not inspect.Parameter.empty
    default = value_preview(parameter.default) if optional else "the whole message" if alone else ""
    kind = parameter.annotation
    if kind is inspect.Parameter.empty:
        shown = ""
    elif isinstance(kind, type) and type(kind) is type:
        shown = kind.__name__
    else:
        shown = kind if isinstance(kind, str) else ""
    return ParamInfo(parameter.name, shown[:_LONGEST], default, not optional and not alone)


def begin_call(flows: Sequence[Flow], request: Call) -> tuple[Answer, JobState | None]:
    """Start the job, or say why not. Who gets a job lets its backend settle it. Any thread."""
    flow = next((flow for flow in flows if flow.number == request.flow), None)
    routine = flow.routines.get(request.routine) if flow is not None else None
    where = f"{request.routine}.{request.slot}"
    if flow is None or routine is None or request.slot not in routine._slots:
        return refused(request, f"there is no {where} any more"), None
    values: dict[str, Any] = {}
    for name, text in request.values:
        try:
            values[name] = ast.literal_eval(text)
        except _NO_LITERAL:
            return refused(request, f"{name}: {text[:_LONGEST]!r} is no Python literal"), None
    try:
        job = flow._start(request.routine, values, None, request.slot, synthetic=True)
    except Exception as error:  # noqa: BLE001 - the engine's refusal, such as a full slot
        return refused(request, f"{where}: {message(error)}"), None
    return Answer(request.ticket, f"job {job.number} runs {where}"), job


def refused(request: Call, why: str) -> Answer:
    """That nothing was done, and why."""
    return Answer(request.ticket, f"not sent: {why}", refused=True)
