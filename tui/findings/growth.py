"""What grows without an end: queues (L09), and messages that go round and multiply (L12)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import ClassVar, NamedTuple

from tui.model.findings import Finding
from tui.model.rows import Key

from .lint import SECOND, Lint, Look, Stretch, seconds

#: Pieces that a stretch is cut into; a queue grows if the least of each is above that of the last.
_PIECES = 6
#: By so much the second half of a stretch must surpass the first, to be called growth.
_GROWTH = 1.05


class GrowingQueue(Lint):
    """A queue that is longer in each sixth of a stretch of time, even where it is shortest."""

    id = "L09"
    title = "queue grows and grows"
    #: ``messages``: by so many at least.
    defaults: ClassVar = {"seconds": 30.0, "messages": 50}

    def __init__(self, limits: dict[str, float] | None = None) -> None:
        super().__init__(limits)
        self._queues: Stretch[dict[Key, int]] = Stretch(self.span)

    def note(self, look: Look) -> None:
        """Note all queues, a few times a piece."""
        if not self._queues.is_due(look.now):
            return
        parked = {e: n for state in look.run.states.values() for e, _, n in state.held}
        queues: dict[Key, int] = {}
        for number, (flow, edge) in look.run.wired().items():
            waits = look.run.edge_queue(number) - parked.get(number, 0)
            key = (flow, edge.target)
            queues[key] = queues.get(key, 0) + max(0, waits)
        self._queues.add(look.now, queues)

    def judge(self, look: Look) -> Iterator[Finding]:
        """The least of every piece, compared."""
        if not self._queues.is_full:
            return
        (began, _), (now, newest) = self._queues.ends
        for key, queue in newest.items():
            least = self._least(key)
            grown = least[-1] - least[0]
            rising = all(a < b for a, b in pairwise(least))
            if not rising or grown < self.limits["messages"]:
                continue
            slope = grown / ((now - began) / SECOND * (_PIECES - 1) / _PIECES)
            row = look.of_routine(key)
            yield self.found(
                row,
                [
                    f"{queue:,} messages wait for {row.name}, {grown:,} more than "
                    f"{seconds(now - began)} ago",
                    f"it grows by {slope:,.1f} a second, and never fell back",
                ],
                "more comes than is handled: memory and latency grow until something breaks",
                "make the handler faster, give the slot max_queue so that its sources wait, or "
                "add workers if the pool is full",
                numbers={"queue": queue, "slope": slope, "seconds": (now - began) / SECOND},
            )

    def _least(self, key: Key) -> list[int]:
        """The shortest that the queue was in each piece."""
        values = [queues.get(key, 0) for queues in self._queues]
        cuts = [len(values) * piece // _PIECES for piece in range(_PIECES + 1)]
        return [min(values[a:b], default=0) for a, b in pairwise(cuts)]


class _Loop(NamedTuple):
    """Routines that all lead to each other, the edges between them, and the shortest turn."""

    members: list[Key]
    edges: list[tuple[int, Key, Key]]  # number, source, target
    turn: list[Key]


class _Counts(NamedTuple):
    queued: dict[int, int]  # by edge
    done: dict[Key, int]
    waiting: dict[Key, int]
    timers: dict[Key, tuple[int, int]]  # that have run, and that wait for their time


class Amplification(Lint):
    """A loop in which each message makes more than one: the number of messages multiplies.

    In the long run messages multiply at each step by the greatest eigenvalue of the matrix of
    messages sent per message handled; the gain is that for a whole turn.
    """

    id = "L12"
    title = "feedback loop amplifies"
    #: ``gain``: from here on; ``events`` handled in the loop in that time, at least.
    defaults: ClassVar = {"seconds": 5.0, "gain": 1.05, "events": 50}

    def __init__(self, limits: dict[str, float] | None = None) -> None:
        super().__init__(limits)
        self._seen: Stretch[_Counts] = Stretch(self.span)
        self._wiring = -1
        self._loops: list[_Loop] = []

    def note(self, look: Look) -> None:
        """Note counts where there are loops."""
        run = look.run
        if run.wiring != self._wiring:
            self._wiring = run.wiring
            self._loops = list(_loops_of(look))
            self._seen.clear()
        if not self._loops or not self._seen.is_due(look.now):
            return
        counts = _Counts({}, {}, {}, {})
        later = {edge: n for state in run.states.values() for edge, n, _ in state.held}
        for number, (flow, edge) in run.wired().items():
            _, queued, _, done, *_ = run.edge_counts(number)
            counts.queued[number] = queued
            key = (flow, edge.target)
            counts.waiting[key] = counts.waiting.get(key, 0) + run.edge_queue(number)
            if run.is_timer(number):  # what a handler puts off it still does for its message
                counts.timers[key] = (done, later.get(number, 0))
            else:
                counts.done[key] = counts.done.get(key, 0) + done
        self._seen.add(look.now, counts)

    def judge(self, look: Look) -> Iterator[Finding]:
        """The gain of every loop."""
        if not self._seen.is_full:
            return
        (began, first), (now, last) = self._seen.ends
        for loop in self._loops:
            handled = {k: last.done.get(k, 0) - first.done.get(k, 0) for k in loop.members}
            if sum(handled.values()) < self.limits["events"] or not self._grows(loop.members):
                continue
            if loop.turn[0][0] not in look.run.flows or _is_driven(look, loop.members):
                continue
            turn = loop.turn
            gain = radius(loop.members, _gains(loop, handled, first, last)) ** len(turn)
            if gain < self.limits["gain"]:
                continue
            names = [look.of_routine(key).routine for key in turn]
            around = " -> ".join([*names[:6], *(["..."] if len(names) > 6 else []), names[0]])
            yield self.found(
                look.of_routine(turn[0]),
                [
                    f"around {around} each message becomes {gain:.2f}",
                    f"{sum(handled.values()):,} were handled in it in {seconds(now - began)}",
                ],
                "the number of messages multiplies with every turn and has no bound",
                "let the loop send back at most one message for one, count turns and stop, or "
                "give a slot of it max_queue with a mode that drops",
                numbers={"gain": gain, "handled": sum(handled.values())},
                goal="topology",
            )

    def _grows(self, loop: list[Key]) -> bool:
        """Whether more was handled in the second half of the time than in the first, or is queued.

        A routine that also emits by itself, say by a timer, seems to multiply what it handles.
        """
        seen = list(self._seen)
        done = [sum(counts.done.get(key, 0) for key in loop) for counts in seen]
        middle = len(done) // 2
        before, after = done[middle] - done[0], done[-1] - done[middle]
        queued = [sum(counts.waiting.get(key, 0) for key in loop) for counts in (seen[0], seen[-1])]
        return after > before * _GROWTH or queued[1] - queued[0] > (before + after) * 0.1


def _gains(
    loop: _Loop, handled: Mapping[Key, int], first: _Counts, last: _Counts
) -> dict[tuple[Key, Key], float]:
    """What each routine of a loop sends to each other for one message that it handles."""
    found: dict[tuple[Key, Key], float] = {}
    for number, source, target in loop.edges:
        if handled[source] > 0:
            sent = last.queued.get(number, 0) - first.queued.get(number, 0)
            gain = sent * _put_off(source, handled[source], first, last) / handled[source]
            found[source, target] = found.get((source, target), 0.0) + gain
    return found


def _put_off(key: Key, handled: int, first: _Counts, last: _Counts) -> float:
    """By what to multiply what a routine has sent, for what its timers are still to send.

    Timers beyond the messages that it handled are its own doing, and not that of the loop.
    """
    (ran, waited), (runs, waits) = first.timers.get(key, (0, 0)), last.timers.get(key, (0, 0))
    made = (runs - ran) + (waits - waited)
    return min(made, handled) / (runs - ran) if runs > ran and made > 0 else 1.0


def _is_driven(look: Look, members: list[Key]) -> bool:
    """Whether the handler of an entry runs in a loop: what it emits comes of no message."""
    entered = {
        look.run.edge_target(lane.running[0])
        for lane in look.run.facts.lanes.values()
        if lane.running is not None and look.run.is_entry(lane.running[0])
    }
    return not entered.isdisjoint(members)


def _loops_of(look: Look) -> Iterator[_Loop]:
    successors = _successors(look)
    for members in loops(successors):
        inside = set(members)
        edges = [
            (number, (flow, edge.source), (flow, edge.target))
            for number, (flow, edge) in look.run.wired().items()
            if (flow, edge.source) in inside and (flow, edge.target) in inside
        ]
        yield _Loop(members, edges, shortest(min(members), members, successors))


def _successors(look: Look) -> dict[Key, list[Key]]:
    found: dict[Key, list[Key]] = {}
    for flow, edge in look.run.wired().values():
        found.setdefault((flow, edge.target), [])
        if edge.source >= 0:
            found.setdefault((flow, edge.source), []).append((flow, edge.target))
    return found


def loops(successors: Mapping[Key, list[Key]]) -> list[list[Key]]:
    """The sets of nodes that all lead to each other, in order of finding (Tarjan, by hand)."""
    index: dict[Key, int] = {}
    low: dict[Key, int] = {}
    stack: list[Key] = []
    on_stack: set[Key] = set()
    found: list[list[Key]] = []
    for root in successors:
        work = [(root, 0)] if root not in index else []
        while work:
            node, place = work.pop()
            if place == 0:
                index[node] = low[node] = len(index)
                stack.append(node)
                on_stack.add(node)
            for at, other in enumerate(successors[node][place:], place):
                if other not in index:
                    work += [(node, at + 1), (other, 0)]
                    break
                if other in on_stack:
                    low[node] = min(low[node], index[other])
            else:
                if work:
                    above = work[-1][0]
                    low[above] = min(low[above], low[node])
                if low[node] == index[node]:
                    cut = stack.index(node)
                    members = stack[cut:]
                    del stack[cut:]
                    on_stack.difference_update(members)
                    if len(members) > 1 or node in successors[node]:
                        found.append(members)
    return found


def shortest(start: Key, loop: list[Key], successors: Mapping[Key, list[Key]]) -> list[Key]:
    """The fewest nodes of a loop by which one comes back to where one started, from there on."""
    members, paths = set(loop), [[start]]
    seen: set[Key] = set()
    for path in paths:  # grows while it is gone through
        for node in successors.get(path[-1], ()):
            if node == start:
                return path
            if node in members and node not in seen:
                seen.add(node)
                paths.append([*path, node])
    return [start]


def radius(nodes: list[Key], gains: Mapping[tuple[Key, Key], float]) -> float:
    """The greatest eigenvalue of a matrix without negatives, by powers of it plus one.

    Adding the identity keeps a loop of any length from swinging, and is taken off again.
    """
    vector = dict.fromkeys(nodes, 1.0)
    value = 1.0
    for _ in range(60):
        grown = dict(vector)
        for (source, target), gain in gains.items():
            grown[target] += gain * vector[source]
        total = sum(grown.values())
        last, value = value, total / sum(vector.values())
        vector = {node: share / total for node, share in grown.items()}
        if abs(value - last) < 1e-5:
            break
    return value - 1.0
