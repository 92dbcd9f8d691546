"""Tasks: what the controlled scheduler chooses among, and the steps that they take."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from .ops import Obj

if TYPE_CHECKING:
    from ..activation import Activation
    from .carriers import Carrier


class Abort(BaseException):
    """Ends a task whose run is over. No `Exception`: a handler that catches those must not go on
    with it.
    """


class Blocker(Protocol):
    """What a task may have to wait for."""

    def open_to(self, task: Task) -> bool:
        """Whether the task could go on now."""
        ...

    def holder(self) -> Task | None:
        """Who would have to let it go; None: nobody in particular."""
        ...


class Task:
    """One thread of control: an activation, a thread of the user's, or the driver.

    Attributes:
        id: equal in every run that takes the same decisions: of an activation its spawn path.
        number: counts the tasks of a run in order of their making.
        what: in words, for reports: a slot, the name of a thread.
        mode: with ``obj`` what it will do next, once it is chosen.
        blocker: what it has to wait for before; None: nothing.
        due: when it waits no longer, in ns of virtual time; None: it has no limit.
        eager: its time may come at any moment, as of a sleeper: else only when nothing else can go
            on, or the time is past.
        hasty: all its waits are eager: it is a timer.
        patient: its time never comes while anything else is alive. The driver's.
        idle: it waits for work, and need not be waited for: a clock, a worker of a pool.
        lag: how often it has read the time, which grows a little each time.
        made_at: the step in which it was made.
        held: the locks that it holds.
    """

    __slots__ = (
        "activation", "blocker", "body", "carrier", "due", "eager", "ended", "error", "hasty",
        "held", "id", "idle", "lag", "made", "made_at", "mode", "number", "obj", "parent",
        "patient", "step", "thread", "timed_out", "what",
    )  # fmt: skip

    def __init__(
        self, ident: int, number: int, what: str, body: Callable[[], object], parent: Task | None
    ) -> None:
        self.id = ident
        self.number = number
        self.what = what
        self.body = body
        self.parent = parent.number if parent is not None else 0
        self.carrier: Carrier | None = None
        self.mode = ""
        self.obj: Obj = ()
        self.blocker: Blocker | None = None
        self.due: int | None = None
        self.eager = self.hasty = self.patient = self.idle = self.ended = self.timed_out = False
        self.error: BaseException | None = None
        self.lag = 0
        self.made = 0
        self.made_at = -1
        self.held: list[Any] = []
        self.activation: Activation | None = None
        self.thread: Any = None
        self.step = -1  # its latest

    def __repr__(self) -> str:
        return f"<Task {self.number} {self.what}>"


class Step:
    """One step: from a choice to the next.

    Attributes:
        task: who took it.
        mode: with ``obj`` what it began with.
        more: what else it did, ``(mode, obj)``.
        enabled: who could have taken it.
        timed: it was the end of somebody's patience, or of a sleep.
        detail: where in the source, the value, the locks held: of a run for a report.
    """

    __slots__ = ("detail", "enabled", "mode", "more", "obj", "preempts", "task", "timed")

    def __init__(self, task: Task, enabled: list[Task], timed: bool, preempts: bool) -> None:
        self.task = task
        self.mode = task.mode
        self.obj = task.obj
        self.more: list[tuple[str, Obj]] | None = None
        self.enabled = enabled
        self.timed = timed
        self.preempts = preempts
        self.detail: Any = None


def names_of(tasks: list[Task]) -> dict[int, str]:
    """Names that tell tasks apart, by number."""
    counts: dict[str, int] = {}
    names = {}
    for task in tasks:
        number = counts[task.what] = counts.get(task.what, 0) + 1
        names[task.number] = task.what if number == 1 else f"{task.what} #{number}"
    return names
