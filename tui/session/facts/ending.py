"""How a script leaves its flows when it ends by itself: what a plain Python would cut off.

Here the process stays, so that the last state can be looked at. Under ``python FILE`` jobs that are
open when the main thread has ended die with their threads, which are daemons.
"""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable, Iterable
from typing import Any

from routilux import Flow
from routilux.job import PAUSED
from tui.session.factual import FlowEnd

from .threads import is_users

#: Kept, since a script may put something else in its place.
_threads = threading.enumerate


class Ending:
    """Takes the state of the flows when the script has ended.

    Threads of the script's that Python would wait for come first; what it has registered with
    `atexit` comes last, and may wait for the flows or shut them down.
    """

    def __init__(self) -> None:
        self.ends: tuple[FlowEnd, ...] = ()
        self._at_exit: list[Callable[..., Any]] = []
        self._ours = set(_threads())

    def watch(self) -> None:
        """Note from now on what is to be called at exit, which never happens here."""
        register = atexit.register

        def noting(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
            self._at_exit.append(function)
            return register(function, *args, **kwargs)

        atexit.register = noting

    @property
    def waits(self) -> list[threading.Thread]:
        """The threads that Python would wait for before it ends."""
        return [t for t in _threads() if not t.daemon and t not in self._ours]

    def take(self, flows: Iterable[Flow]) -> None:
        """The script has ended by itself, and nobody is left whom Python would wait for."""
        if any(self._may_end_all(function) for function in self._at_exit):
            return
        ended = {id(getattr(f, "__self__", None)) for f in self._at_exit}
        self.ends = tuple(_end_of(flow) for flow in flows if id(flow) not in ended)

    @staticmethod
    def _may_end_all(function: Callable[..., Any]) -> bool:
        """Whether it is code of the user's: what that does cannot be known."""
        inner = getattr(function, "func", function)  # of a partial
        code = getattr(getattr(inner, "__func__", inner), "__code__", None)
        return code is not None and is_users(code.co_filename)


def _end_of(flow: Flow) -> FlowEnd:
    with flow._scheduler.lock:
        jobs = [job for job in flow._scheduler.jobs.values() if job.backend is not flow._inline]
    return FlowEnd(flow.number, sum(not job.flags & PAUSED for job in jobs), _has_pool(flow))


def _has_pool(flow: Flow) -> bool:
    return flow._threads is not None
