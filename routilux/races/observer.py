"""Who looks on: what every observer of a flow is told, and may hold up.

The seam calls an observer in the thread that acts, right before it acts and right after. An
observer may wait in there: the controlled scheduler chooses who goes on, chaos sleeps, a recorder
takes its mutex in `Observer.access` and gives it back in `Observer.accessed`. There is one
observer at a time; see `seam.attach`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .locks import WatchedLock, WatchedRLock
from .ops import Obj

if TYPE_CHECKING:
    from ..activation import Activation
    from ..flow import Flow
    from ..job import JobState
    from ..runtime import Runtime


class Observer:
    """Sees everything and does nothing. Subclass it and override what you need.

    Every method is called in the thread that acts, with no lock of the engine held, except where
    it says otherwise. What it raises comes up in the user's handler.
    """

    def watches(self) -> bool:
        """Whether the calling thread is one whose doings are wanted. Called before each of the
        others, and when a lock or thread is made: False gives the plain thing.
        """
        return True

    # state ----------------------------------------------------------------------------------------

    def access(self, mode: str, obj: Obj) -> None:
        """A statistic, a configuration value or an attribute is about to be used: `ops.STATE`."""

    def accessed(self, value: Any) -> None:
        """It was: ``value`` is what was read or written. Comes after each `access`, also when the
        access itself raised (then with None).
        """

    # activations ----------------------------------------------------------------------------------

    def emitting(self, obj: Obj, children: tuple[int, ...]) -> None:
        """A handler, or a thread of the user's, is about to emit. ``children`` are the ids of the
        activations that come of it, in connection order; empty when they are not known before
        (an emit from outside of any handler).
        """

    def emitted(self) -> None:
        """The deliveries are queued; some may have run already."""

    def executing(self, flow: Flow) -> None:
        """`Flow.execute` is about to start a job."""

    def executed(self, job: JobState | None) -> None:
        """It came back; None: it raised. In a sequential flow the job has ended."""

    def started(self, activation: Activation) -> None:
        """A handler begins in this thread."""

    def ended(self, activation: Activation) -> None:
        """It has returned or raised; children are queued. A coroutine has only begun here."""

    def job(self, mode: str, job: JobState) -> None:
        """A job's state is about to be read (`ops.READ`: `Routine.cancelled`) or changed
        (`ops.WRITE`: pause, resume, cancel, a failure that stops it).
        """

    def timing(self, mode: str) -> None:
        """The flow's clock is about to be read, or given a timer (`ops.UPDATE`)."""

    def waiting(self, flow: Flow, job: JobState | None) -> None:
        """The thread is about to wait for a job, or for all of a flow."""

    def waited(self, flow: Flow, job: JobState | None, done: bool) -> None:
        """It has, and ``done`` says whether that has ended."""

    # locks and threads, of observers that leave them real -----------------------------------------

    def acquiring(self, lock: Obj, waits: bool) -> None:
        """A lock is about to be acquired, or only tried."""

    def acquired(self, lock: Obj, got: bool) -> None:
        """It was, or ``got`` is False."""

    def releasing(self, lock: Obj) -> None:
        """A lock is about to be released."""

    def forking(self, thread: int) -> None:
        """A thread is about to be started: ``thread`` is the number that it gets."""

    def began(self, thread: int) -> None:
        """A thread begins, in it."""

    def over(self, thread: int) -> None:
        """A thread ends, in it."""

    def joined(self, thread: int) -> None:
        """A thread was waited for, and has ended."""

    # what to make ---------------------------------------------------------------------------------

    def runtime(self, flow_clock: Any) -> Runtime | None:
        """The runtime of a flow that is being made in a watched thread; None: the live one."""
        return None

    def flow_made(self, flow: Flow) -> None:
        """A flow was made, and has no routines yet."""

    def lock(self, real: Any, obj: Obj) -> Any:
        """What stands for a lock that the user makes; ``real`` is one. By default it is wrapped so
        that `acquiring` and the others are called.
        """
        return WatchedLock(real, obj)

    def rlock(self, real: Any, obj: Obj) -> Any:
        """The same for a reentrant lock."""
        return WatchedRLock(real, obj)

    def waiter(self, real: Any, obj: Obj) -> Any:
        """The lock by which one thread waits to be notified: by default like any other. A release
        of it always comes before the acquire that it ends.
        """
        return self.lock(real, obj)

    def engine_lock(self, real: Any, kind: str, module: str) -> Any:
        """A lock (``"lock"``, ``"rlock"``, ``"waiter"``) that the engine makes, in the module of
        that name. By default the real one: what the engine does inside is told of otherwise.
        """
        return real
