"""Who takes the next step, by chance: random, POS and PCT; and by a given order.

A strategy is made for one exploration; `begin` comes before each run.
"""

from __future__ import annotations

import random
from typing import NamedTuple

from .controller import Controller
from .depends import RACE, order
from .ops import Obj, op_text
from .tasks import Step, Task


class Difference(NamedTuple):
    """Where a run was not as recorded.

    Attributes:
        step: which one; the first is 0.
        expected: what was recorded.
        found: what could be done, or was.
    """

    step: int
    expected: str
    found: str

    def __str__(self) -> str:
        return f"step {self.step}: recorded was {self.expected!r}, now it is {self.found!r}"


class Strategy:
    """Chooses among those that can go on.

    Attributes:
        controller: of the runs; set before the first.
        diverged: where a run was other than the one before, though the choices were the same. Of
            those that repeat the beginning of a run.
    """

    controller: Controller
    diverged: Difference | None = None

    def begin(self, run: int) -> None:
        """A run begins; runs are counted from 0."""

    def pick(self, enabled: list[Task], running: Task | None) -> Task | None:
        """Who takes the next step.

        Args:
            enabled: who can, at least one.
            running: who took the last one; None when that has ended.

        Returns:
            One of them; None gives the run up: what would come is known already.
        """
        raise NotImplementedError

    def learn(self, steps: list[Step], live: list[Task]) -> bool:
        """A run is over. False: there is nothing more to run.

        Args:
            steps: what was done.
            live: who could not go on at the end.
        """
        return True


class Random(Strategy):
    """Every task that can go on is as likely as the others."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._random = random.Random(seed)

    def begin(self, run: int) -> None:
        """Each run has its own numbers, so it can be repeated alone."""
        self._random.seed(self._seed * 1_000_003 + run)

    def pick(self, enabled: list[Task], running: Task | None) -> Task:
        """See `Strategy.pick`."""
        return enabled[int(self._random.random() * len(enabled))]


class Pos(Random):
    """Partial order sampling: each pending step has a priority drawn by chance; those that conflict
    with the chosen one draw again.
    """

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self._priorities: dict[Task, tuple[Obj, float]] = {}

    def begin(self, run: int) -> None:
        """See `Strategy.begin`."""
        super().begin(run)
        self._priorities.clear()

    def pick(self, enabled: list[Task], running: Task | None) -> Task:
        """See `Strategy.pick`."""
        if len(enabled) == 1:
            return enabled[0]
        priorities = self._priorities
        best, most = enabled[0], -1.0
        for task in enabled:
            known = priorities.get(task)
            if known is None or known[0] is not task.obj:
                known = priorities[task] = (task.obj, self._random.random())
            if known[1] > most:
                best, most = task, known[1]
        del priorities[best]
        for task in enabled:
            if task is not best and task.obj == best.obj and conflict(task.mode, best.mode):
                priorities[task] = (task.obj, self._random.random())
        return best


class Pct(Random):
    """Priorities by chance, and a few changes of them at steps drawn by chance: finds a bug that
    takes ``d`` such changes with a probability that has a bound. ``d`` goes from 2 to 6 and again.
    """

    DEPTHS = (2, 3, 4, 5, 6)

    def __init__(self, seed: int, length: int = 100) -> None:
        super().__init__(seed)
        self._length = length

    def begin(self, run: int) -> None:
        """See `Strategy.begin`."""
        super().begin(run)
        depth = self.DEPTHS[run % len(self.DEPTHS)]
        self._priorities: dict[Task, float] = {}
        self._step = 0
        length = max(self._length, 1)
        self._changes = {self._random.randrange(length): d for d in range(depth - 1)}

    def expect(self, steps: int) -> None:
        """How long runs are, as far as is known."""
        self._length = max(self._length, steps)

    def pick(self, enabled: list[Task], running: Task | None) -> Task:
        """See `Strategy.pick`."""
        if len(enabled) == 1:
            return enabled[0]
        priorities = self._priorities
        for task in enabled:
            if task not in priorities:
                priorities[task] = 1.0 + self._random.random()
        best = max(enabled, key=lambda t: priorities[t])
        self._step += 1
        change = self._changes.get(self._step)
        if change is not None:
            priorities[best] = -float(change)
            best = max(enabled, key=lambda t: priorities[t])
        return best


class Few(Random):
    """No preemption but a few, at steps drawn by chance.

    Args:
        seed: see `Random`.
        bound: how many.
        length: of a run, in choices.
    """

    def __init__(self, seed: int, bound: int, length: int) -> None:
        super().__init__(seed)
        self._bound = bound
        self._length = max(length, 1)

    def begin(self, run: int) -> None:
        """See `Strategy.begin`."""
        super().begin(run)
        self._at = {self._random.randrange(self._length) for _ in range(self._bound)}
        self._step = 0

    def pick(self, enabled: list[Task], running: Task | None) -> Task:
        """See `Strategy.pick`."""
        self._step += 1
        if running is not None and running in enabled and running.due is None:
            if self._step - 1 not in self._at or len(enabled) == 1:
                return running
            enabled = [task for task in enabled if task is not running]
        return super().pick(enabled, running)


def could_do(enabled: list[Task]) -> tuple[tuple[int, str, Obj], ...]:
    """Who could do what."""
    return tuple((task.number, task.mode, task.obj) for task in enabled)


def differs(
    step: int, recorded: tuple[tuple[int, str, Obj], ...], now: tuple[tuple[int, str, Obj], ...]
) -> Difference:
    """How two of them differ, in words."""
    texts = [" or ".join(op_text(mode, obj) for _, mode, obj in each) for each in (recorded, now)]
    return Difference(step, texts[0], texts[1])


def without_preemption(enabled: list[Task], running: Task | None) -> Task:
    """Who runs goes on; else the oldest."""
    if running is not None and running in enabled and running.due is None:
        return running
    untimed = [task for task in enabled if task.due is None]
    return min(untimed or enabled, key=lambda task: task.number)


def conflict(one: str, other: str) -> bool:
    """Whether it matters in which order two modes come to the same object."""
    return order(one, other) == RACE
