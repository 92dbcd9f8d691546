"""The runtime of a flow under control: the engine's own code, with a pool of workers that are
tasks, a clock of virtual time, and locks that hand the baton on.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from threading import get_ident
from typing import TYPE_CHECKING, Any

from .. import clock
from ..activation import NO_EDGE, Activation, Delivery
from ..runtime import Runtime
from ..workers import Seat, Threads, drain
from .controlled_loop import ControlledLoop
from .controller import TIME, Controller
from .ops import EMIT, END, READ, SLEEP, START, Obj
from .primitives import Condition
from .session import session
from .tasks import Task
from .threads import start_task

if TYPE_CHECKING:
    from ..loop import EventLoop
    from ..workers import Backend


class ControlledRuntime(Runtime):
    """Stands for the live runtime while a flow is made and run by a controlled task."""

    def __init__(self, time: clock.Clock | None, controller: Controller, number: int) -> None:
        super().__init__(time if time is not None else ControlledClock(controller))
        self.controller = controller
        self._number = number

    def condition(self, lock: Any) -> Any:
        """One that waits for what it is to wait for."""
        return Condition(self.controller, lock, ("flow", self._number))

    def start_thread(self, target: Callable[[], None], name: str) -> threading.Thread:
        """A task instead of a thread."""
        thread = threading.Thread(target=target, name=name, daemon=True)
        start_task(self.controller, thread, target, idle=True)
        return thread

    def loop(self, name: str) -> EventLoop:
        """An event loop of virtual time."""
        return ControlledLoop(self, name, self.controller)

    def threads(self, name: str, max_workers: int, loop: EventLoop) -> Backend:
        """A pool whose workers are tasks."""
        return Pool(self, name, max_workers, loop)


class ControlledClock(clock.Clock):
    """Virtual time. Its alarms are rung by a task, as they are by a thread in real life."""

    def __init__(self, controller: Controller) -> None:
        super().__init__()
        self._controller = controller
        self.now_ns = lambda: controller.now
        self._task: Task | None = None

    def call_at(self, due_ns: int, function: Callable[[], object]) -> clock.Alarm:
        """As of `clock.Clock`."""
        alarm = self._alarms.add(due_ns, function)
        self._controller.touch("w", TIME)
        if self._task is None or self._task.ended:
            self._task = self._controller.spawn(hash((0, -1)), "clock", self._ring_all, None)
            self._task.idle = True
            self._ask(self._task)
        return alarm

    def _ask(self, task: Task) -> None:
        task.mode, task.obj, task.blocker, task.eager = SLEEP, TIME, self, True
        task.due = 0

    def _ring_all(self) -> None:
        controller = self._controller
        while True:
            controller.let_others_time_out()
            due = self._alarms.take_due(1 << 62)
            if due is not None:
                self._call(due)
            controller.step(SLEEP, TIME, self, 0, eager=True)

    def open_to(self, task: Task) -> bool:
        """Whether there is an alarm; and when it is due."""
        due = self._alarms.next_due()
        task.due = due
        return due is not None

    def holder(self) -> Task | None:
        """See `tasks.Blocker`."""
        return None


class Pool(Threads):
    """The pool of workers: a delivery that gets a free one becomes a task, others wait their turn.
    As in real life the order of the queue is kept, and when a handler begins is up to the
    scheduler.
    """

    def __init__(self, runtime: ControlledRuntime, name: str, most: int, loop: EventLoop) -> None:
        super().__init__(runtime, name, most, loop)
        self._controller = runtime.controller
        self._most = most
        self._assigned: dict[Task, Delivery] = {}
        self._obj: Obj = ("pool", name)
        self._tickets = 0
        #: Who queued what waits for a worker, and in which step.
        self._queued: dict[int, tuple[Task | None, int]] = {}
        self._controller.queues.append(self.describe_queue)

    def submit(self, edges: Any, data: dict[str, Any], cause: Activation) -> None:
        """As of `Threads`. The order of those that come when no worker is free matters."""
        super().submit(edges, data, cause)
        self._note_queue()

    def queue(self, deliveries: Any, runner: Any = None) -> None:
        """As of `Threads`."""
        super().queue(deliveries)
        self._note_queue()

    def _note_queue(self) -> None:
        controller = self._controller
        if self._ready or self._room <= 0:
            controller.touch(EMIT, self._obj)
        for delivery in reversed(self._ready):
            if id(delivery) in self._queued:
                break
            self._queued[id(delivery)] = (controller.me(), len(controller.steps) - 1)

    def _wake(self) -> None:
        while self._ready and self._room > 0:
            self._room -= 1
            self._assign(self._ready.popleft())
        self._waking = False

    def _assign(self, delivery: Delivery) -> None:
        """Give a delivery to a free worker. Who queued it has caused it, not who made room."""
        controller = self._controller
        waited = id(delivery) in self._queued
        by, step = self._queued.pop(id(delivery), (controller.me(), len(controller.steps) - 1))
        edge, _, _, cause, _, index = delivery
        if edge is NO_EDGE:
            self._tickets += 1
            ident, what = hash((-2, self._tickets)), f"ticket {self._tickets}"
        else:
            ident, what = cause.child_id(index), _slot(delivery)
        task = controller.spawn(ident, what, lambda: self._work(task, waited), by)
        task.made_at = step
        task.obj = ("start", what)
        self._assigned[task] = delivery

    def _work(self, task: Task, waited: bool) -> None:
        delivery = self._assigned.pop(task)
        controller = self._controller
        if waited:
            controller.touch(START, self._obj)
        controller.touch(READ, ("job", delivery[3].job.root.id))
        seat = Seat()
        seat.ident = get_ident()
        self._workers[seat.ident] = seat  # type: ignore[assignment] # it has what is asked for
        try:
            drain(deque((delivery,)), seat)
        except KeyboardInterrupt:
            pass  # raised by the handler itself; its job has failed with it
        finally:
            self._workers.pop(seat.ident, None)
            self._room += 1
            if not controller.aborting:
                self._hand_over()

    def _hand_over(self) -> None:
        """The worker is free: for the next in the queue, if there is one."""
        controller = self._controller
        if not self._ready:
            return
        controller.touch(END, self._obj)
        while self._ready and self._room > 0:
            self._room -= 1
            self._assign(self._ready.popleft())

    def queued(self) -> list[Delivery]:
        """What has not begun, in order."""
        swept = self.swept
        found = [*self._assigned.values(), *self._ready]
        return [each for each in found if id(each) not in swept]

    def close(self) -> None:
        """Nothing to end: a task ends with what it runs."""

    def join(self, timeout: float | None) -> list[threading.Thread]:
        """Nothing to wait for."""
        return []

    def describe_queue(self) -> list[str]:
        """What waits for a worker, for the report of a deadlock."""
        count = len(self._ready)
        if not count:
            return []
        first = self._ready[0]
        what = "a ticket" if first[0] is NO_EDGE else _slot(first)
        more = f" and {count - 1} more" if count > 1 else ""
        return [f"queued: {what}{more}, all {self._most} workers busy"]


def _slot(delivery: Delivery) -> str:
    slot = delivery[0].target_slot
    return f"{session.name(slot.routine) if slot.routine else '?'}.{slot.name}"
