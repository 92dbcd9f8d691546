"""One run: build, drive and check under one schedule, and what came of it."""

from __future__ import annotations

import gc
import random
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from ..errors import RoutiluxError
from ..flow import Flow
from ..job import JobState
from . import seam
from .controlled_loop import ControlledLoop
from .controller import Controller, Pick, Quiet, Verdict
from .deadlock import Deadlock, describe
from .lines import Lines
from .observing import Control, ProcessExit, brief
from .ops import WAIT, text_of
from .primitives import Lock
from .quiet import hushed
from .session import session
from .tasks import Abort, Step, Task, names_of
from .threads import forget_threads

Build = Callable[[], Any]
Drive = Callable[[Any], object]
Check = Callable[[Any], object]

#: Steps of one run at most: a flow that never ends is given up then.
MOST_STEPS = 100_000

#: Garbage of so many runs is collected at once: some megabytes.
RUNS_PER_COLLECTION = 50

_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


class Failure(NamedTuple):
    """What is wrong with a run.

    Attributes:
        kind: ``"invariant"``, ``"exception"``, ``"deadlock"`` or ``"nondeterministic"``.
        message: one line.
        error: the exception, if it was one.
        deadlock: who waits for whom, if nobody could go on.
    """

    kind: str
    message: str
    error: BaseException | None = None
    deadlock: Deadlock | None = None

    @property
    def sort(self) -> tuple[str, str]:
        """What makes two failures the same: a smaller schedule must not end in another one."""
        return self.kind, type(self.error).__name__ if self.error is not None else ""


class Result(NamedTuple):
    """What came of a run.

    Attributes:
        failure: what is wrong; None: nothing.
        verdict: why it was given up before its end, other than by a deadlock; None: it was not.
        outcome: the state at the end, comparable; None if it did not end.
        state: the same to be read.
        locks: what reports call the locks that routines hold as attributes, by their names.
        steps: in order.
        tasks: who took them.
        inexact: see `Controller`.
        foreign: see `Controller`.
    """

    failure: Failure | None
    verdict: Verdict | None
    outcome: Any
    state: dict[str, dict[str, str]]
    locks: dict[str, str]
    steps: list[Step]
    tasks: list[Task]
    inexact: frozenset[str]
    foreign: frozenset[str]


class Program:
    """What is to be explored.

    Args:
        build: gives a flow, or something with an attribute ``flow``; a new one with each call.
        drive: runs it; by default it executes the entry routines.
        check: whether the end is as it should be: returns truth, or raises.
    """

    def __init__(self, build: Build, drive: Drive | None, check: Check | None) -> None:
        self.build = build
        self.drive = drive or execute_entries
        self.check = check

    def flow_of(self, context: Any) -> Flow:
        """The flow of what `build` gave.

        Raises:
            RoutiluxError: there is none, or it was made before.
        """
        flow = context if isinstance(context, Flow) else getattr(context, "flow", None)
        name = getattr(self.build, "__qualname__", repr(self.build))
        if not isinstance(flow, Flow):
            raise Misuse(
                f"{name}() must return a Flow, or an object whose attribute `flow` is one; it "
                f"returned {type(context).__name__}"
            )
        if flow not in session.flows:
            raise Misuse(
                f"{name}() returned a flow that was made before it was called; it must make a new "
                "one each time, with new routines, so that each schedule begins from the same state"
            )
        return flow


class Misuse(RoutiluxError, ValueError):
    """What was given cannot be explored; the message says why."""


def execute_entries(context: Any) -> None:
    """The default drive: execute every entry routine, and wait."""
    flow = context if isinstance(context, Flow) else context.flow
    for entry in flow.entry_routines():
        flow.execute(entry)
    flow.wait_for_completion()


class Runner:
    """Runs a program under one schedule after the other."""

    def __init__(self, program: Program, most_steps: int | None = None) -> None:
        self.program = program
        self.controller = Controller()
        self.control = Control(self.controller)
        self._most_steps = MOST_STEPS if most_steps is None else most_steps
        self._runs = 0

    @contextmanager
    def attached(self) -> Iterator[None]:
        """The seam serves these runs and nothing else meanwhile. What is left of runs is collected
        as garbage now and then, and not when it happens to be much.
        """
        state, collects = random.getstate(), gc.isenabled()
        with seam.attach(self.control, self.control.replaced()), hushed(self.controller):
            gc.disable()
            try:
                yield
            finally:
                if collects:
                    gc.enable()
                self.controller.close()
                random.setstate(state)

    def run(
        self,
        pick: Pick,
        is_late: Callable[[], bool] = lambda: False,
        detailed: bool = False,
        lines: Lines | None = None,
    ) -> Result:
        """Run once. The seam must be attached to `control`.

        Raises:
            Misuse: ``build`` or ``check`` cannot be used.
        """
        session.reset()
        self.control.reset()
        course = _Course(self, lines)
        random.seed(0)  # what is drawn then is the same in each run
        try:
            self.controller.run(course.drive, pick, self._most_steps, is_late, detailed)
        finally:
            if lines is not None:
                lines.end()
            forget_threads(self.controller.tasks)
            for flow in session.flows:
                if isinstance(flow._loop, ControlledLoop):
                    flow._loop.drop()
                flow._scheduler.jobs.clear()  # what was given up is nothing that somebody lost
        self._runs += 1
        if not self._runs % RUNS_PER_COLLECTION:
            gc.collect(1)
        return course.result()


class _Course:
    """One run while it lasts."""

    def __init__(self, runner: Runner, lines: Lines | None) -> None:
        self._runner = runner
        self._program = runner.program
        self._controller = runner.controller
        self._lines = lines
        self._failure: Failure | None = None
        self._misuse: BaseException | None = None
        self._state: dict[str, dict[str, str]] = {}
        self._ended = False
        self._where = "build"

    def drive(self) -> None:
        """What the driver does."""
        control, program = self._runner.control, self._program
        try:
            context = program.build()
            program.flow_of(context)
        except Abort:
            raise
        except BaseException as error:  # noqa: BLE001 - whatever the user's build raises
            self._misuse = error
            return
        seam.watch_built()
        if self._lines is not None:
            self._lines.begin(session.flows)
        control.free = False
        self._where = "drive"
        try:
            program.drive(context)
        except Abort:
            raise
        except BaseException as error:  # noqa: BLE001 - a failure to be reported
            self._failure = Failure("exception", f"drive raised {_said(error)}", error)
        self._controller.step(WAIT, ("end",), Quiet())
        control.free = True
        self._state = state_of(session.flows)
        self._ended = True
        self._failure = self._failure or self._failed_thread() or self._failed_job()
        if self._failure is None:
            self._failure = self._left_blocked()
        if self._failure is None and program.check is not None:
            self._where = "check"
            self._failure = self._checked(program.check, context)

    def _checked(self, check: Check, context: Any) -> Failure | None:
        try:
            if check(context):
                return None
        except Abort:
            raise
        except BaseException as error:  # noqa: BLE001 - it says that the check is not met
            return Failure("invariant", f"check raised {_said(error)}", error)
        return Failure("invariant", "check returned false")

    def _failed_thread(self) -> Failure | None:
        for task in self._controller.tasks:
            if task.error is not None:
                return Failure("exception", f"{task.what} raised {_said(task.error)}", task.error)
        return None

    def _failed_job(self) -> Failure | None:
        for flow in session.flows:
            for job in _jobs(flow):
                if job.error is not None:
                    return Failure("exception", f"a handler raised {_said(job.error)}", job.error)
        return None

    def _left_blocked(self) -> Failure | None:
        """Activations that nobody waits for may hang too."""
        mine = self._controller.me()
        live = [t for t in self._controller.live if t is not mine and _matters(t)]
        if not live:
            return None
        found = describe(live, self._controller.queues, names_of(self._controller.tasks))
        return Failure("deadlock", found.summary, None, found)

    def result(self) -> Result:
        """What came of it."""
        if self._misuse is not None:
            raise self._misuse
        controller, verdict = self._controller, self._controller.verdict
        failure = self._failure
        if verdict is not None and verdict.kind == "deadlock":
            failure = Failure("deadlock", verdict.message, None, verdict.deadlock)
            verdict = None
        elif verdict is not None and verdict.kind == "stuck":
            verdict = verdict._replace(message=f"in {self._where}: {verdict.message}")
        outcome = None
        if self._ended:
            outcome = tuple((n, tuple(sorted(s.items()))) for n, s in sorted(self._state.items()))
        return Result(
            failure,
            verdict,
            outcome,
            self._state,
            lock_names(session.flows) if controller.detailed else {},
            controller.steps,
            controller.tasks,
            frozenset(controller.inexact),
            frozenset(controller.foreign),
        )


def _matters(task: Task) -> bool:
    """Whether it is wrong that a task waits for ever: a handler, or one that waits for a lock."""
    if task.idle or task.blocker is None:
        return False
    return task.thread is None or task.mode != WAIT


def _jobs(flow: Flow) -> list[JobState]:
    ambient = flow._scheduler.ambient
    return [*flow.get_all_executions(), *([ambient] if ambient is not None else [])]


def _said(error: BaseException) -> str:
    if isinstance(error, ProcessExit):
        return str(error)
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - of the user's __str__
        text = "?"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def state_of(flows: list[Flow]) -> dict[str, dict[str, str]]:
    """The statistics of all routines, as texts that can be compared."""
    found = {}
    for flow in flows:
        for routine in flow.routines.values():
            stats = dict(routine._stats)
            if stats:
                name = session.name(routine)
                found[name] = {str(key): _frozen(value) for key, value in stats.items()}
    return found


def _frozen(value: Any, depth: int = 6) -> str:
    kind = type(value)
    if kind in (int, float, str, bool, type(None), bytes):
        return repr(value)
    if kind in (list, tuple) and depth:
        return f"{kind.__name__}({', '.join(_frozen(each, depth - 1) for each in value)})"
    if kind in (set, frozenset) and depth:
        return f"{kind.__name__}({', '.join(sorted(_frozen(e, depth - 1) for e in value))})"
    if isinstance(value, dict) and depth:
        items = (f"{_frozen(k, depth - 1)}: {_frozen(v, depth - 1)}" for k, v in value.items())
        return f"{{{', '.join(sorted(items))}}}"
    return _ADDRESS.sub("", brief(value))


def lock_names(flows: list[Flow]) -> dict[str, str]:
    """The attributes of routines that hold locks, or things made of them: by name of the lock."""
    found: dict[str, str] = {}
    for flow in flows:
        for routine in flow.routines.values():
            owner = session.name(routine)
            for name, value in list(vars(routine).items()):
                parts = [(f"{owner}.{name}", value)]
                if type(value) in (list, tuple):
                    parts += [(f"{owner}.{name}[{i}]", each) for i, each in enumerate(value)]
                elif type(value) is dict:
                    parts += [(f"{owner}.{name}[{key!r:.20}]", v) for key, v in value.items()]
                for text, part in parts:
                    lock = _lock_of(part)
                    if lock is not None:
                        found.setdefault(text_of(lock.obj), text)
    return found


def _lock_of(value: Any) -> Lock | None:
    """The lock itself, or the one inside of a condition, an event, a semaphore or a queue."""
    for _ in range(3):
        if isinstance(value, Lock):
            return value
        inner = [getattr(value, name, None) for name in ("_lock", "_cond", "mutex")]
        value = next((each for each in inner if each is not None), None)
    return None
