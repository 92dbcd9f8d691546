"""Dynamic partial order reduction: of all orders that differ in nothing that matters, run one.

After each run every pair of steps that race is turned round: at the state before the first one,
somebody who leads to the second has to be tried too (Flanagan and Godefroid, 2005). Sleep sets keep
what was tried already from being tried again (Godefroid, 1996). When nothing is left to try, all
outcomes have been seen, as far as `depends` knows what depends on what.
"""

from __future__ import annotations

from .depends import RACE, Access, accesses, depend, order, pending
from .ops import ESCAPE, RELEASE, WAIT, Obj
from .strategies import Strategy, could_do, differs, without_preemption
from .tasks import Step, Task

#: Longer runs are not worked out: it takes the square of their length.
LONGEST = 2_000

Clock = dict[int, int]


class _Node:
    """A state of the run that was last: who could go on there, and who is to be tried.

    Attributes:
        sleep: who was tried elsewhere with what it did, and need not be tried here.
        done: who was tried here with what it did.
    """

    __slots__ = ("backtrack", "chosen", "could", "done", "enabled", "sleep")

    def __init__(
        self, could: tuple[tuple[int, str, Obj], ...], chosen: int, sleep: dict[int, list[Access]]
    ) -> None:
        self.could = could
        self.enabled = frozenset(number for number, _, _ in could)
        self.chosen = chosen
        self.backtrack = {chosen}
        self.sleep = sleep
        self.done: dict[int, list[Access]] = {}


class Dpor(Strategy):
    """Tries one order of each class.

    Attributes:
        too_long: a run was too long to be worked out.
    """

    def __init__(self) -> None:
        self._nodes: list[_Node] = []
        self._ops: list[tuple[int, str, Obj]] = []  # of the last run
        self._depth = 0
        self.too_long = False

    def begin(self, run: int) -> None:
        """See `Strategy.begin`."""
        self._depth = 0

    def pick(self, enabled: list[Task], running: Task | None) -> Task | None:
        """See `Strategy.pick`."""
        depth, self._depth = self._depth, self._depth + 1
        could = could_do(enabled)
        if depth < len(self._nodes):
            node = self._nodes[depth]
            if could == node.could:
                return next(task for task in enabled if task.number == node.chosen)
            self.diverged = self.diverged or differs(depth + 1, node.could, could)
            del self._nodes[depth:]
        sleep = self._sleep_at(depth)
        awake = [task for task in enabled if task.number not in sleep]
        if not awake:
            return None
        chosen = without_preemption(awake, running)
        self._nodes.append(_Node(could, chosen.number, sleep))
        return chosen

    def _sleep_at(self, depth: int) -> dict[int, list[Access]]:
        if not depth:
            return {}
        before = self._nodes[depth - 1]
        asleep = before.sleep | {n: d for n, d in before.done.items() if n != before.chosen}
        if not asleep:
            return {}
        made = list(accesses(self.controller.steps[depth]))  # the first step of all is no choice
        return {n: did for n, did in asleep.items() if not depend(did, made)}

    def learn(self, steps: list[Step], live: list[Task]) -> bool:
        """See `Strategy.learn`."""
        if len(steps) > LONGEST:
            self.too_long = True
            return False
        nodes = self._nodes
        for depth, node in enumerate(nodes):
            if depth + 1 < len(steps):
                node.done[node.chosen] = list(accesses(steps[depth + 1]))
        for depth, wanted in races(steps, live):
            if depth >= 1:
                self._try_also(nodes[depth - 1], wanted)
        while nodes:
            node = nodes[-1]
            left = [n for n in node.backtrack if n not in node.done and n not in node.sleep]
            if left:
                node.chosen = min(left)
                return True
            nodes.pop()
        return False

    @staticmethod
    def _try_also(node: _Node, wanted: list[int]) -> None:
        able = [number for number in wanted if number in node.enabled]
        if not able:
            node.backtrack |= node.enabled
        elif not any(number in node.backtrack for number in able):
            node.backtrack.add(able[0])


def races(steps: list[Step], live: list[Task]) -> list[tuple[int, list[int]]]:
    """The steps before which somebody else is to be tried, and whom of: the first is preferred."""
    return _Races(steps, live).found


class _Races:
    """Works out what came before what, and which steps race."""

    def __init__(self, steps: list[Step], live: list[Task]) -> None:
        self.found: list[tuple[int, list[int]]] = []
        self._steps = steps
        self._clocks: list[Clock] = []
        self._latest: dict[int, Clock] = {}  # of each task
        self._history: dict[Obj, list[tuple[int, str]]] = {}
        self._sticky: dict[int, list[Obj]] = {}
        self._last = {step.task.number: index for index, step in enumerate(steps)}
        for index, step in enumerate(steps):
            self._add(index, step)
        for task in live:
            if task.mode and not task.ended:
                before = self._latest.get(task.number) or self._clock_of_maker(task)
                for mode, obj in pending(task):
                    self._compare(len(steps), task.number, mode, obj, before)

    def _add(self, index: int, step: Step) -> None:
        number = step.task.number
        before = self._latest.get(number)
        if before is None:
            before = self._clock_of_maker(step.task)
        clock = dict(before)
        made = list(accesses(step))
        made += [(ESCAPE, obj) for obj in self._sticky.get(number, ())]
        for mode, obj in made:
            for other in self._compare(index, number, mode, obj, before):
                _join(clock, self._clocks[other])
        if step.mode == WAIT and step.obj[0] in ("flow", "end"):
            self._join_ended(index, clock)
        clock[number] = index
        self._clocks.append(clock)
        self._latest[number] = clock
        for mode, obj in made:
            self._history.setdefault(obj, []).append((index, mode))
            if mode == ESCAPE and obj not in self._sticky.setdefault(number, []):
                self._sticky[number].append(obj)

    def _clock_of_maker(self, task: Task) -> Clock:
        """Of who made the task, at that step."""
        at = task.made_at
        return self._clocks[at] if 0 <= at < len(self._clocks) else {}

    def _compare(self, index: int, number: int, mode: str, obj: Obj, before: Clock) -> list[int]:
        """The steps that come before this access; those that race are noted."""
        earlier = []
        known = before
        for other, its_mode in reversed(self._history.get(obj, ())):
            what = order(its_mode, mode)
            if not what:
                continue
            earlier.append(other)
            task = self._steps[other].task.number
            if what == RACE and task != number and known.get(task, -1) < other:
                leading = self._leading(other, index, number, before)
                self.found.append((other, leading))
                # What came before that step races too, if the two could never have changed places:
                # a lock was taken before it was given back, a timer was there before it was not.
                able = {task.number for task in self._steps[other].enabled}
                if its_mode != RELEASE and not able.isdisjoint(leading):
                    known = dict(known)
                    _join(known, self._clocks[other])
        return earlier

    def _leading(self, first: int, second: int, number: int, before: Clock) -> list[int]:
        """Who, taken before the first step, leads to the second."""
        found = [number]
        for index in range(first + 1, second):
            task = self._steps[index].task.number
            if before.get(task, -1) >= index and task not in found:
                found.append(task)
        return found

    def _join_ended(self, index: int, clock: Clock) -> None:
        for number, latest in self._latest.items():
            if self._last[number] < index:
                _join(clock, latest)


def _join(clock: Clock, other: Clock) -> None:
    for task, index in other.items():
        if clock.get(task, -1) < index:
            clock[task] = index
