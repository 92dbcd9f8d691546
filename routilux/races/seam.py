"""Attach an observer to what this process does, and detach it.

Attach before the flow is made: its locks are then made through the seam. From there on every flow
that a watched thread makes is traced, so its activations have ids, and its routines tell of each
access. One observer at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .. import gate
from .. import runtime as runtimes
from ..bus import Level, hub
from ..errors import RoutiluxError
from .instrument import plain_again, watch_flow, watch_routines
from .patches import Patches
from .session import session

if TYPE_CHECKING:
    from ..activation import Activation
    from ..clock import Clock
    from ..flow import Flow
    from .observer import Observer

_one_at_a_time = threading.Lock()


@contextmanager
def attach(observer: Observer, extra: list[tuple[Any, str, Any]] | None = None) -> Iterator[None]:
    """Let an observer look on, as long as the block lasts.

    Args:
        observer: who is told.
        extra: more names to replace meanwhile, see `Patches`.

    Raises:
        RoutiluxError: somebody looks on already.
    """
    if not _one_at_a_time.acquire(blocking=False):
        raise RoutiluxError(
            "an exploration, a replay or a detector is running in this process already; there can "
            "be one at a time, so wait for it, or use another process"
        )
    patches = Patches(observer, extra or [])
    try:
        session.reset()
        hub.watch(_watch_new)  # before there is an observer: flows of before are left alone
        session.observer = observer
        patches.install()
        runtimes.made_by = _runtime
        gate._enter = _enter
        yield
    finally:
        gate._enter = _plain_enter
        runtimes.made_by = None
        hub.unwatch(_watch_new)
        patches.remove()
        session.observer = None
        for flow in session.flows:
            plain_again(flow)
        session.reset()
        _one_at_a_time.release()


def watch_built() -> None:
    """Let the routines of all flows so far tell. Call it when the flow is built: what its
    constructor does is nobody else's affair.
    """
    for flow in session.flows:
        watch_routines(flow)


def _watch_new(flow: Flow) -> None:
    observer = session.watching()
    if observer is not None:
        session.number(flow)
        watch_flow(flow)
        flow.bus.subscribe(Level.TRACE)
        observer.flow_made(flow)


def _runtime(clock: Clock | None) -> runtimes.Runtime:
    observer = session.watching()
    made = observer.runtime(clock) if observer is not None else None
    return made or runtimes.Runtime(clock)


_plain_enter = gate._enter


def _enter(activation: Activation, deliver: Any, data: dict[str, Any]) -> Any:
    """A handler begins: see `gate._enter`, which this stands for."""
    observer = session.watching()
    if observer is None:
        return _plain_enter(activation, deliver, data)
    observer.started(activation)
    try:
        return _plain_enter(activation, deliver, data)
    finally:
        observer.ended(activation)
