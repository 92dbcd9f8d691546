"""Every schedule with at most so many preemptions, one after the other; or every schedule there is."""

from __future__ import annotations

from .ops import SLEEP, WAIT
from .strategies import Strategy, without_preemption
from .tasks import Step, Task

_VOLUNTARY = (SLEEP, WAIT)


class _Choice:
    """Where the last run could have gone on otherwise."""

    __slots__ = ("left", "numbers", "taken")

    def __init__(self, numbers: list[int], options: list[int]) -> None:
        self.numbers = numbers
        self.taken = options[0]
        self.left = options[1:]


class DepthFirst(Strategy):
    """Goes through them depth first.

    Args:
        bound: how many preemptions a schedule may have; None: any number.

    Attributes:
        diverged: a run did other things than the one before, though the choices were the same.
        cut: the bound has kept something from being tried.
    """

    def __init__(self, bound: int | None) -> None:
        self._bound = bound
        self._choices: list[_Choice] = []
        self._at = self._preemptions = 0
        self.diverged = False
        self.cut = False

    def begin(self, run: int) -> None:
        """See `Strategy.begin`."""
        self._at = self._preemptions = 0

    def pick(self, enabled: list[Task], running: Task | None) -> Task | None:
        """See `Strategy.pick`."""
        if len(enabled) == 1:
            return enabled[0]
        numbers = [task.number for task in enabled]
        at, self._at = self._at, self._at + 1
        if at < len(self._choices) and self._choices[at].numbers != numbers:
            self.diverged = True
            del self._choices[at:]
        if at == len(self._choices):
            self._choices.append(_Choice(numbers, self._options(enabled, running)))
        taken = self._choices[at].taken
        self._preemptions += _preempts(taken, enabled, running)
        return next(task for task in enabled if task.number == taken)

    def _options(self, enabled: list[Task], running: Task | None) -> list[int]:
        first = without_preemption(enabled, running)
        options = [first.number, *(t.number for t in enabled if t is not first)]
        if self._bound is None or self._preemptions < self._bound:
            return options
        free = [n for n in options if not _preempts(n, enabled, running)]
        self.cut |= len(free) < len(options)
        return free

    def learn(self, steps: list[Step], live: list[Task]) -> bool:
        """See `Strategy.learn`."""
        choices = self._choices
        del choices[self._at :]
        while choices:
            if choices[-1].left:
                choices[-1].taken = choices[-1].left.pop(0)
                return True
            choices.pop()
        return False


def _preempts(taken: int, enabled: list[Task], running: Task | None) -> bool:
    if running is None or running.number == taken or running.mode in _VOLUNTARY:
        return False
    return running in enabled
