"""Whether a regular expression could take for ever, told before it is used.

Python tries every way in which a pattern may match. Where a repeated part can match the same text
in several ways the ways multiply with each character: ``(a+)+$`` takes longer than the universe is
old on forty letters, and nothing can interrupt it. So the pattern is turned into an automaton whose
states are the characters in it, and questions are asked. Is there a loop in which the same text
leads from a state back to it in two ways? Then the time is exponential, and the pattern is refused;
as it is if many parts without a loop multiply, such as ``a?a?a?...``. How many loops that take the
same characters follow one another? Of n characters a power of that many steps are taken: so the
text is cut the shorter the more there are, and more than `MOST_LOOPS` are refused.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from .patterns import Choice, Letter, Node, Repeat, Row, parse

#: Characters of a text that are searched, by how many loops over the same characters follow one
#: another, as in ``a.*b.*c``. In the worst of them a search takes half a second.
REACH = (10_000, 4_000, 400, 150)
MOST_LOOPS = len(REACH) - 1
#: Characters of a pattern, its counted repetitions written out.
MOST_LETTERS = 300
#: A counted repetition of more is looked at as one without end.
_WRITTEN_OUT = 4
#: Pairs of states looked at: what needs more is refused unseen.
_MOST_PAIRS = 200_000
#: Ways to go through those parts of a pattern that have several for the same text.
_MOST_WAYS = 10_000
#: The characters for which classes are compared, beside those of the pattern.
_SAMPLES = "".join(map(chr, range(0x20, 0x17F))) + "\t\n\r\x00\u2028\u0416\u4e2d\u0663\U0001f600"

#: Stands before and behind a pattern, so that ways may part at the start and meet at the end.
_EDGE = Letter("\\x00")

_NESTED = "it could take for ever, as what it repeats overlaps"
_CHAINED = f"it could take too long, with more than {MOST_LOOPS} repetitions in a row"


class Part(NamedTuple):
    """What a part of the pattern can begin and end with; ``empty``: the ways to match nothing."""

    first: Counter[int]
    last: Counter[int]
    empty: int


class RunawayError(ValueError):
    """The pattern could take too long on some text; the message says why."""


def reach(pattern: str) -> int:
    """Of how many characters a text may be that a pattern is looked for in.

    Args:
        pattern: what `re.compile` has accepted.

    Raises:
        RunawayError: it could take for ever, or is too large to say so.
    """
    node = parse(pattern)
    automaton = Automaton(ignore_case="i" in node.flags)
    automaton.add(Row((_EDGE, node.root, _EDGE)))
    return REACH[automaton.loops()]


class Automaton:
    """States are the letters of the pattern; ``follow`` counts the ways from one to another."""

    def __init__(self, *, ignore_case: bool) -> None:
        self._flags = re.IGNORECASE if ignore_case else 0
        self._samples = _SAMPLES
        self._known: dict[str, int] = {}
        self._masks: list[int] = []  # of each state the samples that it takes, a bit for each
        self._follow: dict[int, Counter[int]] = {}

    # making -----------------------------------------------------------------------------------

    def add(self, node: Node) -> Part:
        """Add a part of the pattern."""
        match node:
            case Letter():
                state = self._state(node.source)
                return Part(Counter([state]), Counter([state]), 0)
            case Row():
                part = Part(Counter(), Counter(), 1)
                for each in node.parts:
                    part = self._join(part, self.add(each))
                return part
            case Choice():
                parts = [self.add(each) for each in node.parts]
                first: Counter[int] = sum((p.first for p in parts), Counter())
                last: Counter[int] = sum((p.last for p in parts), Counter())
                return Part(first, last, sum(p.empty for p in parts))
            case Repeat():
                return self._repeat(node)

    def _state(self, source: str) -> int:
        if len(self._masks) >= MOST_LETTERS:
            raise RunawayError(f"it has more than {MOST_LETTERS} characters")
        if source not in self._known:
            takes = re.compile(source, self._flags).fullmatch
            self._known[source] = sum(1 << n for n, c in enumerate(self._samples) if takes(c))
            if not self._known[source]:  # something rare: let it meet whatever is rare too
                self._known[source] = 1 << len(self._samples)
        self._masks.append(self._known[source])
        self._follow[len(self._masks) - 1] = Counter()
        return len(self._masks) - 1

    def _join(self, one: Part, other: Part) -> Part:
        self._link(one.last, other.first)
        first, last = one.first.copy(), other.last.copy()
        for state, ways in other.first.items() if one.empty else ():
            first[state] += ways * one.empty
        for state, ways in one.last.items() if other.empty else ():
            last[state] += ways * other.empty
        return Part(first, last, one.empty * other.empty)

    def _link(self, last: Counter[int], first: Counter[int]) -> None:
        for state, ways in last.items():
            follow = self._follow[state]
            for after, others in first.items():
                follow[after] += ways * others

    def _repeat(self, node: Repeat) -> Part:
        if node.most is None or node.most > _WRITTEN_OUT:
            part = self.add(node.inner)
            if part.empty and node.least > 1:  # each of the times may be the empty one
                raise RunawayError(_NESTED)
            self._link(part.last, part.first)
            return Part(part.first, part.last, part.empty if node.least else 1)
        whole = Part(Counter(), Counter(), 1)
        for number in range(node.most):
            part = self.add(node.inner)
            if number >= node.least:
                part = Part(part.first, part.last, 1)
            whole = self._join(whole, part)
        return whole

    # asking -----------------------------------------------------------------------------------

    def loops(self) -> int:
        """How many loops over the same characters follow one another, at most.

        Raises:
            RunawayError: there are too many, or one can run away.
        """
        parts = self._components()
        loops = [part for part in parts if self._is_loop(part)]
        if any(self._is_ambiguous(loop) for loop in loops) or self._ways(parts) > _MOST_WAYS:
            raise RunawayError(_NESTED)
        chain = self._longest_chain(loops)
        if chain > MOST_LOOPS:
            raise RunawayError(_CHAINED)
        return chain

    def _is_loop(self, states: frozenset[int]) -> bool:
        return len(states) > 1 or any(state in self._follow[state] for state in states)

    def _is_ambiguous(self, loop: frozenset[int]) -> bool:
        """Whether some text leads from a state back to it in two ways."""
        inside = ((state, after) for state in loop for after in set(self._follow[state]) & loop)
        return any(self._follow[state][after] > 1 for state, after in inside) or bool(
            self._parting(loop)
        )

    def _parting(self, states: frozenset[int]) -> set[int]:
        """The states that are passed while a text has two ways, from one state to another.

        Two walks begin in one state and read the same text: between where they part and where
        they meet again there are two ways.
        """
        inside = {state: [s for s in self._follow[state] if s in states] for state in states}
        masks, came_from = self._masks, dict[tuple[int, int], list[tuple[int, int]]]()
        todo = deque((state, state) for state in states)
        seen, looked = set(todo), 0
        while todo:
            pair = todo.popleft()
            for one in inside[pair[0]]:
                for other in inside[pair[1]]:
                    looked += 1
                    if looked > _MOST_PAIRS:
                        raise RunawayError("it is too entangled to tell how long it could take")
                    if masks[one] & masks[other]:
                        after = (one, other)
                        came_from.setdefault(after, []).append(pair)
                        if after not in seen:
                            seen.add(after)
                            todo.append(after)
        meeting = {(state, state) for state in states}
        todo.extend(meeting)
        while todo:
            for pair in came_from.get(todo.popleft(), ()):
                if pair not in meeting:
                    meeting.add(pair)
                    todo.append(pair)
        return {one for one, other in meeting & seen if one != other}

    def _ways(self, parts: list[frozenset[int]]) -> int:
        """Of how many ways through the pattern a text may have the choice, loops left out."""
        parting = self._parting(frozenset(self._follow))
        place = {state: number for number, part in enumerate(parts) for state in part}
        ways: dict[int, int] = {}
        for part in reversed(parts):  # what comes later is known already
            for state in part & parting:
                later = ((s, n) for s, n in self._follow[state].items() if s in parting)
                ways[state] = 1 + sum(
                    ways[after] * times for after, times in later if place[after] != place[state]
                )
        return max(ways.values(), default=0)

    def _longest_chain(self, loops: list[frozenset[int]]) -> int:
        """Of loops one after the other that can take the same characters."""
        longest: dict[frozenset[int], int] = {}
        for loop in reversed(loops):  # those that come later are known already
            after = (longest[other] for other in longest if self._leads(loop, other))
            longest[loop] = 1 + max(after, default=0)
        return max(longest.values(), default=0)

    def _leads(self, loop: frozenset[int], other: frozenset[int]) -> bool:
        """Whether a text of characters that both take leads from one to the other."""
        common = self._mask(loop) & self._mask(other)
        todo, seen = list(loop) if common else [], set(loop)
        while todo:
            for after in self._follow[todo.pop()]:
                if after in other:
                    return True
                if after not in seen and self._masks[after] & common:
                    seen.add(after)
                    todo.append(after)
        return False

    def _mask(self, states: Iterable[int]) -> int:
        mask = 0
        for state in states:
            mask |= self._masks[state]
        return mask

    def _components(self) -> list[frozenset[int]]:
        """The strongly connected parts (Tarjan's way, without recursion), the first ones first."""
        index: dict[int, int] = {}
        low: dict[int, int] = {}
        stack: list[int] = []
        found: list[frozenset[int]] = []
        for root in self._follow:
            if root in index:
                continue
            path: list[tuple[int, Iterator[int]]] = [(root, iter(self._follow[root]))]
            index[root] = low[root] = len(index)
            stack.append(root)
            while path:
                state, others = path[-1]
                for after in others:
                    if after not in index:
                        index[after] = low[after] = len(index)
                        stack.append(after)
                        path.append((after, iter(self._follow[after])))
                        break
                    if after in stack:
                        low[state] = min(low[state], index[after])
                else:
                    path.pop()
                    if path:
                        low[path[-1][0]] = min(low[path[-1][0]], low[state])
                    if low[state] == index[state]:
                        cut = stack.index(state)
                        found.append(frozenset(stack[cut:]))
                        del stack[cut:]
        return found[::-1]
