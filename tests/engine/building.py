"""Small flows for the engine's tests."""

import threading
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from routilux import Flow, Routine


def node(
    handler: Callable[..., Any] | None = None, *, events: tuple[str, ...] = ("out",), **slot: Any
) -> Routine:
    """A routine with one slot ``trigger``, whose handler also gets the routine, first."""
    routine = Routine()
    if handler is None:
        routine.define_slot("trigger", **slot)
    else:
        routine.define_slot("trigger", lambda **data: handler(routine, **data), **slot)
    for event in events:
        routine.define_event(event)
    return routine


def passing(routine: Routine, **data: Any) -> None:
    """A handler that emits what it gets."""
    routine.emit("out", **data)


def chain(flow: Flow, *handlers: Callable[..., Any]) -> list[str]:
    """Routines ``n0``, ``n1``, … in a row, each with one of the handlers."""
    names = [flow.add_routine(node(h), f"n{i}") for i, h in enumerate(handlers)]
    for source, target in pairwise(names):
        flow.connect(source, "out", target, "trigger")
    return names


def workers() -> list[threading.Thread]:
    """The threads of flows that are alive. (The clock's ends by itself, and is everybody's.)"""
    ours = [t for t in threading.enumerate() if t.name.startswith("routilux-")]
    return [t for t in ours if t.name != "routilux-clock"]


def idle(flow: Flow) -> None:
    """Wait until the flow has nothing to do; it must come to that."""
    assert flow.wait_for_completion(20), f"{flow!r} is not idle"
