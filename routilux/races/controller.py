"""The controlled scheduler: one task runs at a time, and a strategy says which takes the next step.

Tasks run on OS threads that hand a baton on. Who has it decides itself who is next, so that going
on costs no switch. The engine under control is the real one, its backend, clock and locks stand in
`controlled` and `primitives`. Time is virtual: it moves when a sleeper is chosen.
"""

from __future__ import annotations

import _thread
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any, NamedTuple

from ..activation import current
from .carriers import Carrier
from .deadlock import Deadlock, describe
from .ops import SLEEP, START, TIMED, WAIT, WAKE, Obj
from .tasks import Abort, Blocker, Step, Task, names_of

#: How long a task may run without a step, in seconds of real time, before it counts as stuck.
STUCK_SECONDS = 5.0
#: How long tasks get to end when a run is over.
UNWIND_SECONDS = 2.0
#: How long threads that are not controlled are waited for, when nobody else can go on.
FOREIGN_SECONDS = 0.3
#: So often in a row time may pass and nothing else happen.
IDLE_STEPS = 200
#: ... while the driver waits for the end only.
IDLE_LOOKS = 20
#: Who has taken so many steps in a row lets the others come: it may wait for one of them.
FAIR_STEPS = 1_000
#: Every task sees time pass a little with each look at it.
LOOK_NS = 1_000

_sleep, _monotonic = time.sleep, time.monotonic  # the real ones

#: Who of several takes the next step; None: what would come is known already.
Pick = Callable[[list[Task], Task | None], Task | None]


class Verdict(NamedTuple):
    """Why a run ended before its tasks did."""

    kind: str  # "deadlock", "steps", "stuck", "time", "stopped"
    message: str
    deadlock: Deadlock | None = None


class Controller:
    """Runs tasks, one step at a time.

    Attributes:
        steps: of the run so far.
        left: who could not go on, when nobody could for the last time.
        now: virtual time in ns.
        tasks: all tasks of the run, by number.
        runs: how many there have been.
        verdict: why the run was ended, if it was.
        inexact: what the tasks did that the relation of dependence does not know, in words.
        foreign: names of threads that are not controlled and took part.
        describe: gives `Step.detail`, when that is wanted.
        tracer: is set by `sys.settrace` where a task begins; None: nothing is.
        queues: what tells which deliveries wait for a worker.
    """

    def __init__(self) -> None:
        self._idle: list[Carrier] = []
        self._by_ident: dict[int, Task] = {}
        self.tracer: Any = None
        self.describe: Callable[[], Any] = lambda: None
        self.runs = 0
        self._mute = 0  # in the scheduler's own code, or while a flow is built
        self._reset()

    def _reset(self) -> None:
        self.steps: list[Step] = []
        self.tasks: list[Task] = []
        self.live: list[Task] = []
        self.left: list[Task] = []
        self.now = 0
        self.verdict: Verdict | None = None
        self.aborting = False
        self.inexact: set[str] = set()
        self.foreign: set[str] = set()
        self.queues: list[Callable[[], list[str]]] = []
        self.detailed = False
        self._current: Task | None = None
        self._timed_in_a_row = self._in_a_row = 0
        self._done = _thread.allocate_lock()
        self._done.acquire()

    # the caller's thread --------------------------------------------------------------------------

    def run(
        self,
        body: Callable[[], object],
        pick: Pick,
        most_steps: int,
        is_late: Callable[[], bool],
        detailed: bool = False,
    ) -> None:
        """Run a driver and all that it starts to the end, or to a verdict. The caller waits."""
        self._reset()
        self.runs += 1
        self._pick = pick
        self._most_steps = most_steps
        self._is_late = is_late
        self.detailed = detailed
        driver = self.spawn(0, "driver", body, None)
        driver.patient = True
        carrier = self._carry(driver)
        self._current = driver
        self.steps.append(Step(driver, [driver], False, False))
        carrier.gate.release()
        try:
            self._await_end()
        except BaseException:
            self._give_up("stopped", "the exploration was interrupted")
            self._done.acquire(timeout=UNWIND_SECONDS)
            raise

    def _await_end(self) -> None:
        seen = -1
        while not self._done.acquire(timeout=STUCK_SECONDS):
            if len(self.steps) != seen:
                seen = len(self.steps)
                continue
            task = self._current
            where = _where(task.carrier.ident) if task is not None and task.carrier else "?"
            what = f"{task.what} has taken no step for {STUCK_SECONDS:g} s: {where}" if task else ""
            self._give_up("stuck", what)
            if task is not None and task.carrier is not None:
                task.carrier.interrupt()
            if not self._done.acquire(timeout=UNWIND_SECONDS):
                self._abandon()
            return

    def _give_up(self, kind: str, message: str, deadlock: Deadlock | None = None) -> None:
        if self.verdict is None:
            self.verdict = Verdict(kind, message, deadlock)
        self.aborting = True

    def _abandon(self) -> None:
        """Leave threads behind that do not end. As daemons they keep nothing."""
        self._by_ident.clear()
        self._idle = [c for c in self._idle if c.task is None]
        for task in self.live:
            task.ended = True
        self.live = []

    def close(self) -> None:
        """End the carriers."""
        for carrier in self._idle:
            carrier.close()
        self._idle.clear()

    # tasks ----------------------------------------------------------------------------------------

    def me(self) -> Task | None:
        """The task that runs in the calling thread."""
        return self._by_ident.get(_thread.get_ident())

    def hears(self) -> bool:
        """Whether the calling thread is a task's and not in the scheduler's own code."""
        return not self._mute and _thread.get_ident() in self._by_ident

    def spawn(self, ident: int, what: str, body: Callable[[], object], parent: Task | None) -> Task:
        """Make a task. It takes its first step when it is chosen."""
        task = Task(ident, len(self.tasks), what, body, parent)
        task.mode, task.obj = START, ("start", what)
        task.made_at = len(self.steps) - 1
        self.tasks.append(task)
        self.live.append(task)
        return task

    def _carry(self, task: Task) -> Carrier:
        carrier = task.carrier
        if carrier is None:
            if self._idle:
                carrier = self._idle.pop()
            else:
                self._mute += 1
                try:
                    carrier = Carrier(self._serve)
                    carrier.start()
                finally:
                    self._mute -= 1
            carrier.task = task
            task.carrier = carrier
        return carrier

    def _serve(self, carrier: Carrier, task: Task) -> None:
        """Run a task, and those that may begin where it has ended, in the carrier's thread."""
        following: Task | None = task
        while following is not None:
            task = following
            carrier.task, task.carrier = task, carrier
            self._by_ident[carrier.ident] = task
            try:
                if self.tracer is not None:
                    sys.settrace(self.tracer)
                if not self.aborting:
                    task.body()
            except Abort:
                pass
            except BaseException as error:  # noqa: BLE001 - whatever a thread of the user's raises
                task.error = error
            finally:
                if self.tracer is not None:
                    sys.settrace(None)
            following = self._ended(task, carrier)

    def _ended(self, task: Task, carrier: Carrier) -> Task | None:
        """Hand the baton on. Returns who is to run in this thread, if somebody begins."""
        if self._by_ident.pop(carrier.ident, None) is not task:
            return None  # it was abandoned
        task.ended = True
        task.carrier = None
        if task in self.live:
            self.live.remove(task)
        carrier.task = None
        following = self._next_after(task)
        if following is not None and following.carrier is None:
            return following
        self._idle.append(carrier)
        if following is None:
            self._done.release()
        elif following.carrier is not None:
            following.carrier.gate.release()
        return None

    def _next_after(self, task: Task) -> Task | None:
        if not self.aborting and self.live and task.number:
            try:
                return self._choose(None)
            except Abort:
                pass
        self.aborting = True  # with the driver all is over: let the others end
        self.live = [each for each in self.live if each.carrier is not None]
        return self.live[0] if self.live else None

    # steps ----------------------------------------------------------------------------------------

    def step(
        self,
        mode: str,
        obj: Obj,
        blocker: Blocker | None = None,
        due: int | None = None,
        *,
        eager: bool = False,
    ) -> bool:
        """Take a step in the calling task, once it is chosen.

        Returns:
            False when its time was over first.
        """
        task = self._current
        if task is None or self.aborting:
            raise Abort
        task.mode, task.obj, task.blocker, task.due = mode, obj, blocker, due
        task.eager = eager or task.hasty
        if mode == TIMED and not task.patient:
            self.inexact.add("waits with a time limit")
        chosen = self._choose(task)
        if chosen is not task:
            self._carry(chosen).gate.release()
            assert task.carrier is not None  # it runs
            task.carrier.gate.acquire()
            if self.aborting:
                raise Abort
        task.blocker = None
        if self.detailed:
            self._mute += 1
            try:
                self.steps[-1].detail = self.describe()
            finally:
                self._mute -= 1
        return not task.timed_out

    def touch(self, mode: str, obj: Obj) -> None:
        """Note what else the running step does, which is no choice."""
        if self.steps:
            step = self.steps[-1]
            if step.more is None:
                step.more = []
            step.more.append((mode, obj))

    def is_busy(self) -> bool:
        """Whether the scheduler is choosing: nobody can wait then."""
        return self._mute > 0

    def _choose(self, running: Task | None) -> Task:
        self._mute += 1
        try:
            enabled = self._enabled()
            if not enabled and self.foreign:
                enabled = self._await_foreign()
            if not enabled:
                enabled = self._when_nothing_goes()
            if len(self.steps) >= self._most_steps:
                self._give_up("steps", f"it took {self._most_steps:,} steps and had not ended")
                raise Abort
            if not len(self.steps) & 255 and self._is_late():
                self._give_up("time", "the time limit came in the middle of a run")
                raise Abort
            if running is not None and len(enabled) > 1 and self._in_a_row >= FAIR_STEPS:
                self.inexact.add("a task that goes on and on")
                enabled = [each for each in enabled if each is not running]
            chosen = self._pick(enabled, running)
        finally:
            self._mute -= 1
        if chosen is None:
            self._give_up("redundant", "what would come is known already")
            raise Abort
        task = chosen
        self._in_a_row = self._in_a_row + 1 if task is running else 0
        timed = task.due is not None
        task.timed_out = False
        if timed:
            self._pass_time(task)
        else:
            self._timed_in_a_row = 0
        preempts = running is not None and task is not running and running in enabled
        if preempts and running is not None:
            preempts = running.mode not in _VOLUNTARY
        self.steps.append(Step(task, enabled, timed, preempts))
        task.step = len(self.steps) - 1
        self._current = task
        return task

    def _enabled(self) -> list[Task]:
        now = self.now
        found = []
        for task in self.live:
            blocker = task.blocker
            if blocker is None:
                found.append(task)
                continue
            try:
                can = blocker.open_to(task)
            except Busy:
                can = False
            if can or (
                task.due is not None and (task.eager or task.due <= now) and not task.patient
            ):
                found.append(task)
        return found

    def _await_foreign(self) -> list[Task]:
        """A thread that is not controlled may yet let somebody go on."""
        deadline = _monotonic() + FOREIGN_SECONDS
        enabled: list[Task] = []
        while not enabled and _monotonic() < deadline:
            _sleep(0.0005)
            enabled = self._enabled()
        return enabled

    def _when_nothing_goes(self) -> list[Task]:
        """Only time can help: whose waits no longer first?"""
        self.left = list(self.live)
        last = [t for t in self.live if isinstance(t.blocker, Quiet)]
        waiting = [t for t in self.live if t.due is not None and not t.patient]
        if last and (not waiting or self._timed_in_a_row > IDLE_LOOKS):
            return last
        blocked = [t for t in self.live if t.blocker is not None and not (t.idle or t.patient)]
        if not waiting and not blocked:
            waiting = [t for t in self.live if t.due is not None]
        self._timed_in_a_row += 1
        if not waiting or self._timed_in_a_row > IDLE_STEPS:
            found = describe(self.live, self.queues, names_of(self.tasks))
            self._give_up("deadlock", found.summary, found)
            raise Abort
        self.inexact.add("waits with a time limit")
        due = min(t.due for t in waiting if t.due is not None)
        return [t for t in waiting if t.due == due]

    def _pass_time(self, task: Task) -> None:
        blocker, due = task.blocker, task.due
        assert due is not None  # it is timed
        if blocker is not None and not task.eager:
            if self._open(blocker, task):
                return  # it got what it waited for, in time
            task.timed_out = True
        elif blocker is not None:
            task.timed_out = not self._open(blocker, task)
        self.now = max(self.now, due)

    def _open(self, blocker: Blocker, task: Task) -> bool:
        self._mute += 1
        try:
            return blocker.open_to(task)
        except Busy:
            return False
        finally:
            self._mute -= 1

    # time and state -------------------------------------------------------------------------------

    def look_at_time(self) -> int:
        """Virtual time in ns, as the calling task sees it."""
        task = self.me()
        if task is None:
            return self.now
        self.touch("r", TIME)
        task.lag += 1
        return self.now + task.lag * LOOK_NS

    def let_others_time_out(self) -> None:
        """Time has passed: whose wait is over with it may come before what is done now."""
        now = self.now
        if any(t.due is not None and t.due <= now and t.blocker is not None for t in self.live):
            self.step(WAKE, TIME)

    def due_in(self, seconds: float) -> int:
        """The time in so many seconds."""
        self.touch("r", TIME)
        return self.now + round(seconds * 1e9)

    def activation_id(self) -> int:
        """Of the activation that runs in the calling task, else of the task."""
        cause = current.get(None)
        task = self._current
        return cause.id if cause is not None else task.id if task is not None else 0


class Quiet:
    """What the driver waits for at last: that nobody else can go on."""

    def open_to(self, task: Task) -> bool:
        """Never; the scheduler asks for it when nothing else goes."""
        return False

    def holder(self) -> Task | None:
        """Nobody."""
        return None


class Busy(Exception):
    """A question about a lock cannot be answered now."""


TIME: Obj = ("time",)
_VOLUNTARY = frozenset((SLEEP, WAIT))


def _where(ident: int) -> str:
    frame = sys._current_frames().get(ident)
    if frame is None:
        return "its thread is gone"
    lines = traceback.extract_stack(frame, limit=3)
    return ", called from ".join(f"{e.filename}:{e.lineno} {e.name}" for e in reversed(lines))
