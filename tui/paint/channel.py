"""The space between two layers: which column each vertical stretch of a line runs in."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count, pairwise

# Two lines on one row must not look like one: a blank column stays between their corners.
_APART = 2


@dataclass(slots=True, eq=False)
class Stretch:
    """A vertical piece of a line, from the row it leaves on to the row it arrives on."""

    leave: int
    arrive: int
    track: int = 0
    after: list["Stretch"] = field(default_factory=list)
    """Stretches that must lie to the left, because a row would otherwise be shared."""
    better: list["Stretch"] = field(default_factory=list)
    """Stretches that should lie to the left, because fewer lines cross then."""

    @property
    def top(self) -> int:
        """The upper row."""
        return min(self.leave, self.arrive)

    @property
    def bottom(self) -> int:
        """The lower row."""
        return max(self.leave, self.arrive)


def route(ends: Sequence[tuple[int, int]]) -> tuple[list[list[Stretch]], int]:
    """The stretches of each line through a gap, with their tracks, and the number of tracks.

    No two lines share a cell except where a horizontal one passes straight through a vertical
    one. A straight line has no stretch, most have one; one of each ring of lines that wait for
    each other has two, joined on a row that no line ends on.

    Args:
        ends: per line its row at the left and at the right; no row occurs twice on one side.
    """
    lines = [[] if leave == arrive else [Stretch(leave, arrive)] for leave, arrive in ends]
    _break_rings(lines, {row for pair in ends for row in pair})
    return lines, _place(_constrain(lines))


def _break_rings(lines: list[list[Stretch]], taken: set[int]) -> None:
    """Split one line of each ring in two, so that the order of the tracks has a beginning."""
    leaving = {line[0].leave: index for index, line in enumerate(lines) if line}
    seen: set[int] = set()
    for start in range(len(lines)):
        ring: list[int] = []
        at: int | None = start
        while at is not None and at not in seen and lines[at]:
            seen.add(at)
            ring.append(at)
            at = leaving.get(lines[at][0].arrive)
        if at is None or at not in ring:
            continue
        ring = ring[ring.index(at) :]
        free = _free_rows(taken, [lines[index][0] for index in ring])
        _, index, row = min((_detour(lines[i][0], row), i, row) for i in ring for row in free)
        line = lines[index][0]
        lines[index] = [Stretch(line.leave, row), Stretch(row, line.arrive)]
        taken.add(row)


def _free_rows(taken: set[int], ring: list[Stretch]) -> list[int]:
    """The rows near the ring that no line of the gap ends on; at least one, below if need be."""
    top, bottom = min(line.top for line in ring), max(line.bottom for line in ring)
    free = [row for row in range(max(top - 1, 0), bottom + 2) if row not in taken]
    return free or [next(row for row in count(bottom + 2) if row not in taken)]


def _detour(line: Stretch, row: int) -> int:
    return abs(line.leave - row) + abs(row - line.arrive)


def _constrain(lines: Sequence[Sequence[Stretch]]) -> list[Stretch]:
    """All stretches from top to bottom, each knowing what must and should lie to its left."""
    ordered = sorted((one for line in lines for one in line), key=lambda one: (one.top, one.bottom))
    for line in lines:
        for first, second in pairwise(line):
            second.after.append(first)
    leaving = {line[0].leave: line[0] for line in lines if line}
    for line in lines:
        before = leaving.get(line[-1].arrive) if line else None
        if before is not None:
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
    return (right.top < left.arrive < right.bottom) + (left.top < right.leave < left.bottom)


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
