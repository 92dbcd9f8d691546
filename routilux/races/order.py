"""A schedule that is given: followed as far as it can be, and compared with what was recorded."""

from __future__ import annotations

from collections.abc import Sequence

from .ops import op_text
from .strategies import Difference, Strategy, without_preemption
from .tasks import Step, Task


class Ordered(Strategy):
    """The tasks in the order that is given, one for each step; after that no preemption.

    Args:
        order: ids of tasks.
        ops: what each step began with, to be compared; empty: nothing is compared.
        strict: give the run up at the first difference.

    Attributes:
        difference: the first one.
    """

    def __init__(self, order: Sequence[int], ops: Sequence[str] = (), strict: bool = False) -> None:
        self._order = order
        self._ops = ops
        self._strict = strict
        self.difference: Difference | None = None
        self._at = self._step = 0

    def begin(self, run: int) -> None:
        """See `Strategy.begin`."""
        self._at = self._step = 0
        self.difference = None

    def pick(self, enabled: list[Task], running: Task | None) -> Task | None:
        """See `Strategy.pick`."""
        step, self._step = self._step, self._step + 1
        while self._at < len(self._order):
            at, self._at = self._at, self._at + 1
            wanted = self._order[at]
            for task in enabled:
                if task.id == wanted:
                    self._compare(step, at, task)
                    return None if self.difference and self._strict else task
            self._note(step, at, _all_of(enabled))
            if self._strict:
                return None
        if self._ops and step >= len(self._ops):
            self._differs(step, "the end", _all_of(enabled))
            if self._strict:
                return None
        return without_preemption(enabled, running)

    def ended(self, steps: int) -> None:
        """A run has ended after so many steps: were there to be more?"""
        if self._ops and steps < len(self._ops):
            self._differs(steps, self._ops[steps], "the end")

    def _compare(self, step: int, at: int, task: Task) -> None:
        if at < len(self._ops):
            found = step_text(task.mode, task)
            if found != self._ops[at]:
                self._note(step, at, found)

    def _note(self, step: int, at: int, found: str) -> None:
        self._differs(step, self._ops[at] if at < len(self._ops) else "another task", found)

    def _differs(self, step: int, expected: str, found: str) -> None:
        if self.difference is None:
            self.difference = Difference(step, expected, found)


def step_text(mode: str, step: Task | Step) -> str:
    """What a step begins with, as schedules record it."""
    return op_text(mode, step.obj)


def _all_of(enabled: list[Task]) -> str:
    texts = [f"{task.what}: {step_text(task.mode, task)}" for task in enabled[:3]]
    return " or ".join(texts) + (" or others" if len(enabled) > 3 else "")


def order_of(steps: list[Step]) -> list[int]:
    """Who took each step, by id. The driver's first step is no choice, and not in it."""
    return [step.task.id for step in steps[1:]]


def preemptions_of(steps: list[Step]) -> int:
    """How often a task was left that could have gone on."""
    return sum(step.preempts for step in steps)
