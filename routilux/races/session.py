"""Whom the seam serves now: the one observer of this process, and what things are called.

Names are those that a reader knows (ids of routines, attributes that hold a lock) and are equal in
every run of the same code: an id that was made up at random gives way to the class and its place
in the flow.
"""

from __future__ import annotations

import re
import sys
from types import FrameType
from typing import TYPE_CHECKING, Any

from ..activation import current
from .ops import Obj

if TYPE_CHECKING:
    from ..flow import Flow
    from ..routine import Routine
    from .observer import Observer

#: Modules that make locks on behalf of whoever called them.
_LIBRARY = ("threading", "queue", "concurrent", "asyncio", "contextlib", "dataclasses")
_CALLED = {"rlock": "lock", "waiter": "notification"}
_INNER = re.compile(r"(\.<locals>)?\.<(listcomp|dictcomp|setcomp)>")
_RANDOM = re.compile(r"[0-9a-f]{32}")


class Session:
    """The seam's state while somebody looks on.

    Attributes:
        observer: who does; None: nobody.
        flows: the flows that were made since then, in order.
    """

    def __init__(self) -> None:
        self.observer: Observer | None = None
        self.flows: list[Flow] = []
        self._names: dict[int, str] = {}
        self._made: dict[tuple[int, str, str], int] = {}

    def reset(self) -> None:
        """Forget the flows and names of the run before."""
        self.flows.clear()
        self._names.clear()
        self._made.clear()

    def watching(self) -> Observer | None:
        """The observer, if it wants to know what the calling thread does."""
        observer = self.observer
        return observer if observer is not None and observer.watches() else None

    def number(self, flow: Flow) -> None:
        """Count a new flow. Its number goes into the ids of its activations, so it must not depend
        on what ran in this process before.
        """
        self.flows.append(flow)
        flow.number = len(self.flows)

    def name(self, routine: Routine) -> str:
        """What a routine is called in objects, schedules and reports."""
        return self._names.get(id(routine)) or self._name_all(routine)

    def _name_all(self, routine: Routine) -> str:
        for number, flow in enumerate(self.flows):
            for index, (ident, each) in enumerate(flow.routines.items()):
                name = f"{type(each).__name__}#{index}" if _RANDOM.fullmatch(ident) else ident
                self._names[id(each)] = name if not number else f"{name}@{number + 1}"
        return self._names.setdefault(id(routine), type(routine).__name__)

    def count_made(self, kind: str) -> Obj:
        """A name for something of the engine's, which no report shows."""
        cause = current.get(None)
        maker = cause.id if cause is not None else 0
        where = (maker, kind, "")
        count = self._made[where] = self._made.get(where, 0) + 1
        return (kind, count, maker)

    def name_made(self, kind: str, frame: FrameType, helper: str) -> Obj:
        """A name for a lock or thread: who makes it, in which function, and how many that has made.
        No line number, so that it stays the same after an edit elsewhere.
        """
        cause = current.get(None)
        maker = cause.id if cause is not None else 0
        # Comprehensions are functions of their own before 3.12.
        name = _INNER.sub("", frame.f_code.co_qualname)
        if helper:
            name = f"{name} in {helper}"
        where = (maker, kind, name)
        count = self._made[where] = self._made.get(where, 0) + 1
        made = f"{_CALLED.get(kind, kind)} {count} of {name}"
        return (kind, made, maker) if maker else (kind, made)


def maker_frame(depth: int) -> tuple[FrameType, str]:
    """The frame of who makes a lock or thread, and the functions of the library that help: how many
    locks these make is their affair, and another in each version of Python.
    """
    frame = sys._getframe(depth)
    helpers = []
    while frame.f_back is not None and _in_library(frame.f_globals.get("__name__")):
        helpers.append(frame.f_code.co_qualname)
        frame = frame.f_back
    return frame, ", ".join(dict.fromkeys(helpers[::-1]))


def _in_library(module: Any) -> bool:
    return isinstance(module, str) and module.partition(".")[0] in _LIBRARY


session = Session()  #: of this process
