"""The observer by which the seam drives the controlled scheduler."""

from __future__ import annotations

import os
import sys
from itertools import count
from types import FrameType, SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

from ..activation import current
from .controlled import ControlledRuntime
from .controller import TIME, Controller
from .observer import Observer
from .ops import EMIT, EXECUTE, READ, STATE, UPDATE, WRITE, Obj, text_of
from .patches import is_users
from .primitives import EngineLock, Lock, RLock, Waiter
from .session import session
from .tasks import Task
from .threads import Replaced

if TYPE_CHECKING:
    from ..activation import Activation
    from ..clock import Clock
    from ..flow import Flow
    from ..job import JobState
    from ..runtime import Runtime

#: Modules of the engine whose locks may be held while code of the user runs; and whether it matters
#: there who comes first. All others are never held over a step.
_ORDERED = {
    "routilux.routine": False,
    "routilux.ports": True,
    "routilux.mailbox": True,
    "routilux.limits": True,
    "routilux.loop": True,
}


class ProcessExit(BaseException):
    """A handler has called ``os._exit``, which would have ended the process."""


class Detail(NamedTuple):
    """What a report tells of a step.

    Attributes:
        place: file and line of the user's code.
        source: the frames of the user's code, innermost first: (file, line, function).
        held: the locks that the task holds.
        activation: id of the activation.
        value: what was read or written.
    """

    place: tuple[str, int] | None
    source: tuple[tuple[str, int, str], ...]
    held: tuple[str, ...]
    activation: int
    value: Any = None


class Control(Observer):
    """Turns what tasks do into steps of the scheduler."""

    def __init__(self, controller: Controller) -> None:
        self.controller = controller
        controller.describe = self._detail
        self.free = False  # while the flow is built, and looked at: nobody else is there
        self._runtimes = count(1)

    def watches(self) -> bool:
        """Tasks, but for the scheduler's own code."""
        return self.controller.hears()

    def reset(self) -> None:
        """For the next run."""
        self._runtimes = count(1)
        self.free = True

    def replaced(self) -> list[tuple[Any, str, Any]]:
        """What to replace while it is attached, beside locks."""
        return [*Replaced(self.controller).names(), (os, "_exit", self._exit)]

    def _exit(self, status: int = 0) -> None:
        if not self.controller.hears():
            _real_exit(status)
        raise ProcessExit(f"os._exit({status!r}) was called")

    # steps ----------------------------------------------------------------------------------------

    def _step(self, mode: str, obj: Obj) -> None:
        if self.free:
            return
        self.controller.step(mode, obj)

    def _detail(self) -> Detail:
        """What a report tells of the step that the calling task has taken."""
        task = self.controller.me()
        frames = _users_frames(sys._getframe(2))
        place = frames[0][:2] if frames else None
        held = tuple(text_of(lock) for lock in task.held) if task is not None else ()
        return Detail(place, frames, held, self.controller.activation_id())

    def access(self, mode: str, obj: Obj) -> None:
        """A step."""
        self._step(mode, obj)

    def accessed(self, value: Any) -> None:
        """Keep the value for the report."""
        controller = self.controller
        if controller.detailed and not self.free:
            step = controller.steps[-1]
            if step.mode in STATE and step.detail is not None:
                step.detail = step.detail._replace(value=brief(value))

    def emitting(self, obj: Obj, children: tuple[int, ...]) -> None:
        """A step."""
        self._step(EMIT, obj)
        if not self.free:
            cause = current.get(None)
            if cause is not None:
                self.controller.touch("r", ("job", cause.job.root.id))

    def executing(self, flow: Flow) -> None:
        """A step."""
        self._step(EXECUTE, ("flow", flow.number))

    def job(self, mode: str, job: JobState) -> None:
        """A step. A job that is stopped takes its timers back."""
        self._step(mode, ("job", job.root.id))
        if mode == WRITE and not self.free:
            self.controller.touch(UPDATE, TIME)

    def timing(self, mode: str) -> None:
        """A step, if it sets a timer."""
        if mode == READ:
            self.controller.touch(READ, TIME)
        else:
            self._step(mode, TIME)
            cause = current.get(None)
            if cause is not None and not self.free:
                self.controller.touch(READ, ("job", cause.job.root.id))

    def waiting(self, flow: Flow, job: JobState | None) -> None:
        """Waiting inside of a handler may run others there."""
        if current.get(None) is not None:
            self.controller.inexact.add("a handler that waits for a job")

    def started(self, activation: Activation) -> None:
        """Say who runs in the task."""
        task = self.controller.me()
        if task is not None:
            task.activation = activation

    # what to make ---------------------------------------------------------------------------------

    def runtime(self, flow_clock: Clock | None) -> Runtime:
        """The controlled one."""
        return ControlledRuntime(flow_clock, self.controller, next(self._runtimes))

    def flow_made(self, flow: Flow) -> None:
        """One lane is enough for threads of which one runs at a time."""
        flow.bus.local = SimpleNamespace(lane=flow.bus.lane())  # type: ignore[assignment]

    def lock(self, real: Any, obj: Obj) -> Any:
        """A lock that hands the baton on."""
        return Lock(self.controller, obj)

    def rlock(self, real: Any, obj: Obj) -> Any:
        """The same, reentrant."""
        return RLock(self.controller, obj)

    def waiter(self, real: Any, obj: Obj) -> Any:
        """The lock of one that waits."""
        return Waiter(self.controller, obj)

    def engine_lock(self, real: Any, kind: str, module: str) -> Any:
        """Of some modules; the others are never held over a step."""
        if kind == "waiter":
            return Waiter(self.controller, session.count_made("waiter"))
        ordered = _ORDERED.get(module)
        if ordered is None:
            return real
        return EngineLock(self.controller, session.count_made("engine"), ordered)


_real_exit = os._exit


def _users_frames(frame: FrameType | None) -> tuple[tuple[str, int, str], ...]:
    found: list[tuple[str, int, str]] = []
    while frame is not None and len(found) < 5:
        code = frame.f_code
        if is_users(code.co_filename):
            found.append((code.co_filename, frame.f_lineno, code.co_qualname))
        frame = frame.f_back
    return tuple(found)


def brief(value: Any) -> str:
    """A value in few letters. A repr that raises is the user's own affair."""
    try:
        text = repr(value)
    except Exception as error:  # noqa: BLE001 - of the user's __repr__
        text = f"<{type(value).__name__}: its repr raised {type(error).__name__}>"
    return text if len(text) <= 80 else f"{text[:77]}..."


__all__ = ["Control", "Detail", "ProcessExit", "Task", "brief"]
