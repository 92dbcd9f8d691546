"""The event loop of coroutine handlers under control: asyncio's own, but for time and for waiting.

It is one task. What it runs at a time, and in which order, is asyncio's affair, as in real life;
when it goes on at all, and when its timers come, is up to the scheduler.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..loop import EventLoop
from .controller import Controller
from .ops import EMIT, WAIT, Obj
from .tasks import Task

if TYPE_CHECKING:
    import asyncio

    from ..runtime import Runtime


class ControlledLoop(EventLoop):
    """Stands for the live loop."""

    def __init__(self, runtime: Runtime, name: str, controller: Controller) -> None:
        self._controller = controller
        super().__init__(runtime, name)

    def drop(self) -> None:
        """The run is over: what still waits will not go on."""
        for run in [*self._arrived, *self._runs.values()]:
            if run.task is not None:
                run.task._log_destroy_pending = False  # type: ignore[attr-defined]
            try:
                run.coroutine.close()
            except (RuntimeError, ValueError):  # it does not let itself be closed
                pass
        self._arrived.clear()
        self._runs.clear()

    def _new_loop(self) -> asyncio.AbstractEventLoop:  # type: ignore[override] # needs a scheduler
        return _new_loop(self._controller)


def _new_loop(controller: Controller) -> asyncio.AbstractEventLoop:
    import asyncio

    class Loop(asyncio.BaseEventLoop):
        """asyncio's loop on virtual time, without sockets."""

        def __init__(self) -> None:
            super().__init__()
            self._selector = Arrivals(controller)

        def run_until_complete(self, future: Any) -> Any:
            if controller.aborting:
                if asyncio.iscoroutine(future):
                    future.close()
                return None
            return super().run_until_complete(future)

        def __del__(self) -> None:  # it may have been left behind
            pass

        def time(self) -> float:
            return controller.now / 1e9

        def _process_events(self, event_list: Any) -> None:
            pass

        def _write_to_self(self) -> None:
            self._selector.wake()

    return Loop()


class Arrivals:
    """In the place of a selector: nothing arrives but what other tasks bring."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._woken = False
        self._obj: Obj = ("loop",)

    def wake(self) -> None:
        """Somebody has brought something."""
        self._woken = True
        self._controller.touch(EMIT, self._obj)

    def select(self, timeout: float | None = None) -> list[Any]:
        """Wait until something is brought, or for a timer."""
        controller = self._controller
        controller.inexact.add("coroutines")
        if timeout is not None and timeout <= 0:
            if controller.hears():
                controller.step(EMIT, self._obj)
        else:
            due = None if timeout is None else controller.due_in(timeout)
            controller.step(WAIT, self._obj, self, due, eager=True)
        self._woken = False
        return []

    def close(self) -> None:
        """As of a selector."""

    def open_to(self, task: Task) -> bool:
        """See `tasks.Blocker`."""
        return self._woken

    def holder(self) -> Task | None:
        """See `tasks.Blocker`."""
        return None
