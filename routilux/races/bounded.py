"""Every schedule with at most so many preemptions, one after the other; or every one there is."""

from __future__ import annotations

from .depends import accesses
from .ops import ALL, EMIT, EXECUTE, READ, SLEEP, START, WAIT, Obj
from .strategies import Strategy, could_do, differs, without_preemption
from .tasks import Step, Task

_VOLUNTARY = (SLEEP, WAIT)


class _Choice:
    """Where the last run could have gone on otherwise."""

    __slots__ = ("could", "left", "options", "taken")

    def __init__(self, could: tuple[tuple[int, str, Obj], ...], options: list[int]) -> None:
        self.could = could
        self.taken = options[0]
        self.left = options[1:]
        self.options = len(options)


class DepthFirst(Strategy):
    """Goes through them depth first.

    Nobody is preempted before a step on something that no other task uses: that step could as well
    be taken first, and the preemption come later or not at all.

    Args:
        bound: how many preemptions a schedule may have; None: any number.
        shared: what several tasks use, as far as is known. It may grow while the search goes on;
            then nothing is proved yet.

    Attributes:
        bound: as above.
        cut: the bound has kept something from being tried.
    """

    def __init__(self, bound: int | None, shared: Shared | None = None) -> None:
        self._shared = shared
        self._known = len(shared) if shared is not None else 0
        self.bound = bound
        self._choices: list[_Choice] = []
        self._at = self._preemptions = self._runs = 0
        self.cut = False

    def begin(self, run: int) -> None:
        """See `Strategy.begin`."""
        self._at = self._preemptions = 0

    def pick(self, enabled: list[Task], running: Task | None) -> Task | None:
        """See `Strategy.pick`."""
        if len(enabled) == 1:
            return enabled[0]
        could = could_do(enabled)
        at, self._at = self._at, self._at + 1
        if at < len(self._choices) and self._choices[at].could != could:
            step = len(self.controller.steps)
            self.diverged = self.diverged or differs(step, self._choices[at].could, could)
            del self._choices[at:]
        if at == len(self._choices):
            self._choices.append(_Choice(could, self._options(enabled, running)))
        taken = self._choices[at].taken
        self._preemptions += preempts(taken, enabled, running)
        return next(task for task in enabled if task.number == taken)

    def _options(self, enabled: list[Task], running: Task | None) -> list[int]:
        first = without_preemption(enabled, running)
        options = [first.number, *(t.number for t in enabled if t is not first)]
        alone = self._shared is not None and running is not None and running.obj not in self._shared
        if self.bound is None or (self._preemptions < self.bound and not alone):
            return options
        free = [n for n in options if not preempts(n, enabled, running)]
        self.cut |= len(free) < len(options) and not alone
        return free

    def estimate(self) -> int | None:
        """How many runs it will take, roughly: as if what is not tried yet branched likewise."""
        done, part = 0.0, 1.0
        for choice in self._choices:
            done += part * (choice.options - len(choice.left) - 1) / choice.options
            part /= choice.options
        return round(self._runs / (done + part)) if self._runs else None

    @property
    def complete(self) -> bool:
        """Whether all has been tried, once `learn` has said that nothing is left."""
        return self.diverged is None and (self._shared is None or len(self._shared) == self._known)

    def learn(self, steps: list[Step], live: list[Task]) -> bool:
        """See `Strategy.learn`."""
        self._runs += 1
        if self._shared is not None:
            self._shared.learn(steps)
        choices = self._choices
        del choices[self._at :]
        while choices:
            if choices[-1].left:
                choices[-1].taken = choices[-1].left.pop(0)
                return True
            choices.pop()
        return False


class Shared:
    """What more than one task uses and one of them changes, over all runs so far."""

    def __init__(self) -> None:
        self._users: dict[Obj, int] = {}
        self._found: set[Obj] = set()

    def __contains__(self, obj: Obj) -> bool:
        return obj in self._found

    def __len__(self) -> int:
        return len(self._found)

    def learn(self, steps: list[Step]) -> None:
        """A run is over."""
        users: dict[Obj, set[int]] = {}
        changed: set[Obj] = set()
        for step in steps:
            for mode, obj in accesses(step):
                users.setdefault(obj, set()).add(step.task.number)
                if mode not in (READ, WAIT, START):
                    changed.add(obj)
        found = {obj for obj in changed if len(users[obj]) > 1}
        keys = {obj[:2] for obj in found if obj[-1] == ALL}
        self._found |= found | {obj for obj in users if obj[:2] in keys}
        if any(obj[0] in ("pool", "job") for obj in found):
            self._found |= {step.obj for step in steps if step.mode in (EMIT, EXECUTE)}


def preempts(taken: int, enabled: list[Task], running: Task | None) -> bool:
    """Whether it is a preemption to choose the task of that number."""
    if running is None or running.number == taken or running.mode in _VOLUNTARY:
        return False
    return running in enabled
