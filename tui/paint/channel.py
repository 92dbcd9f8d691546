"""The space between two layers: which column each vertical stretch of a line runs in."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count, pairwise
from typing import TypeAlias

# Two lines on one row must not look like one: a blank column stays between their corners.
_APART = 2

Ends: TypeAlias = tuple[Sequence[int], Sequence[int]]
"""The rows of a line at the left and at the right: one each, or several of a bundle."""


@dataclass(slots=True, eq=False)
class Stretch:
    """A vertical piece of a line, with the rows on which it is left and right of it."""

    leave: Sequence[int]
    arrive: Sequence[int]
    track: int = 0
    after: list["Stretch"] = field(default_factory=list)
    """Stretches that must lie to the left, because a row would otherwise be shared."""
    better: list["Stretch"] = field(default_factory=list)
    """Stretches that should lie to the left, because fewer lines cross then."""

    top: int = field(init=False)
    """The upper row."""
    bottom: int = field(init=False)
    """The lower row."""

    def __post_init__(self) -> None:
        rows = (*self.leave, *self.arrive)
        self.top, self.bottom = min(rows), max(rows)


def route(ends: Sequence[Ends]) -> tuple[list[list[Stretch]], int]:
    """The stretches of each line through a gap, with their tracks, and the number of tracks.

    No two lines share a cell except where a horizontal one passes straight through a vertical
    one. A straight line has no stretch, most have one; one of each ring of lines that wait for
    each other has two, joined on a row that no line ends on.

    Args:
        ends: no row occurs twice on one side.
    """
    lines = [
        [] if len(leave) == len(arrive) == 1 and leave[0] == arrive[0] else [Stretch(leave, arrive)]
        for leave, arrive in ends
    ]
    _break_rings(lines, {row for leave, arrive in ends for row in (*leave, *arrive)})
    return lines, _place(_constrain(lines))


def _break_rings(lines: list[list[Stretch]], taken: set[int]) -> None:
    """Split one line of each ring in two, so that the order of the tracks has a beginning."""
    leaving = {row: index for index, line in enumerate(lines) if line for row in line[0].leave}
    done: set[int] = set()  # lines on no ring: split ones, and those from which none is reached
    for start in range(len(lines)):
        while ring := _ring(start, lines, leaving, done):
            free = _free_rows(taken, [lines[index][0] for index in ring])
            _, index, row = min((_detour(lines[i][0], row), i, row) for i in ring for row in free)
            line = lines[index][0]
            lines[index] = [Stretch(line.leave, (row,)), Stretch((row,), line.arrive)]
            taken.add(row)
            done.add(index)


def _ring(
    start: int, lines: Sequence[Sequence[Stretch]], leaving: dict[int, int], done: set[int]
) -> list[int]:
    """Lines each of which arrives on a row that the next leaves on, the last on one of the first.

    Lines from which there is no way to a ring are added to `done`, which is left out.
    """
    path: list[int] = []
    rest: list[Iterator[int]] = []

    def enter(index: int) -> None:
        path.append(index)
        rows = lines[index][0].arrive if lines[index] else ()
        rest.append(iter([leaving[row] for row in rows if leaving.get(row, index) != index]))

    if start not in done:
        enter(start)
    while path:
        for index in rest[-1]:
            if index in path:
                return path[path.index(index) :]
            if index not in done:
                enter(index)
                break
        else:
            done.add(path.pop())
            rest.pop()
    return []


def _free_rows(taken: set[int], ring: list[Stretch]) -> list[int]:
    """The rows near the ring that no line of the gap ends on; at least one, below if need be."""
    top, bottom = min(line.top for line in ring), max(line.bottom for line in ring)
    free = [row for row in range(max(top - 1, 0), bottom + 2) if row not in taken]
    return free or [next(row for row in count(bottom + 2) if row not in taken)]


def _detour(line: Stretch, row: int) -> int:
    """The rows of vertical line when it is split on a row."""
    return sum(max(*rows, row) - min(*rows, row) for rows in (line.leave, line.arrive))


def _constrain(lines: Sequence[Sequence[Stretch]]) -> list[Stretch]:
    """All stretches from top to bottom, each knowing what must and should lie to its left."""
    ordered = sorted((one for line in lines for one in line), key=lambda one: (one.top, one.bottom))
    for line in lines:
        for first, second in pairwise(line):
            second.after.append(first)
    leaving = {row: line[0] for line in lines if line for row in line[0].leave}
    for line in lines:
        for row in line[-1].arrive if line else ():
            before = leaving.get(row)
            if before is not None and before is not line[0]:
                line[-1].after.append(before)
    for index, one in enumerate(ordered):
        for other in ordered[index + 1 :]:
            if other.top > one.bottom:
                break
            balance = _crossed(one, other) - _crossed(other, one)
            if balance < 0:
                other.better.append(one)
            elif balance > 0:
                one.better.append(other)
    return ordered


def _crossed(left: Stretch, right: Stretch) -> int:
    """How often two lines cross when one's vertical stretch lies left of the other's."""
    return sum(right.top < row < right.bottom for row in left.arrive) + sum(
        left.top < row < left.bottom for row in right.leave
    )


def _place(stretches: Sequence[Stretch]) -> int:
    """Give each stretch the leftmost track that the order and the ones already placed allow."""
    placed: set[Stretch] = set()
    tracks: list[list[Stretch]] = []
    for chosen in _sequence(stretches):
        placed.add(chosen)
        track = max((one.track + _APART for one in chosen.after), default=0)
        for one in chosen.better:
            if one in placed:
                track = max(track, one.track + 1)
        while track < len(tracks) and any(_overlap(chosen, one) for one in tracks[track]):
            track += 1
        tracks += [[] for _ in range(track + 1 - len(tracks))]
        tracks[track].append(chosen)
        chosen.track = track
    return len(tracks)


def _sequence(stretches: Sequence[Stretch]) -> Iterator[Stretch]:
    """Each stretch after all that must lie to its left, and after most that should."""
    must = {one: len(one.after) for one in stretches}
    should = {one: len(one.better) for one in stretches}
    frees: dict[Stretch, list[Stretch]] = {one: [] for one in stretches}
    eases: dict[Stretch, list[Stretch]] = {one: [] for one in stretches}
    for one in stretches:
        for first in one.after:
            frees[first].append(one)
        for first in one.better:
            eases[first].append(one)
    ready = [one for one in stretches if not must[one]]
    while ready:
        chosen = min(ready, key=should.__getitem__)
        ready.remove(chosen)
        yield chosen
        for one in eases[chosen]:
            should[one] -= 1
        for one in frees[chosen]:
            must[one] -= 1
            if not must[one]:
                ready.append(one)


def _overlap(one: Stretch, other: Stretch) -> bool:
    return one.top <= other.bottom and other.top <= one.bottom
