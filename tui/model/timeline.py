"""The timeline's window, and what happened in it: spans by thread, waiting deliveries by edge."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

from routilux.records import Kind, Status
from tui.session.messages import RecordTuple

from .causality import Running
from .history import SECOND
from .log import GENERATION, KIND, QUEUED, STARTED, STATUS, SUBJECT, TIME, WORKER
from .past import Moment, queues
from .reading import begin_of, tail

#: Nanoseconds of one cell, from a microsecond to a hundred seconds.
STEPS = (*(m * 10**e for e in range(3, 11) for m in (1, 2, 5)), 100 * SECOND)

Span = tuple[int, int, int]
"""Edge, when it began, when it ended."""


class Axis:
    """Which stretch of time stands in how many cells.

    Attributes:
        step: nanoseconds of a cell.
        begin: the left border; None: the right border is now.
    """

    def __init__(self) -> None:
        self.step = 5_000_000
        self.begin: int | None = None

    def window(self, cells: int, now: int) -> tuple[int, int]:
        """From when to when, in whole cells, so that a picture that follows does not flicker."""
        if self.begin is None:
            end = -(-now // self.step) * self.step
            return end - cells * self.step, end
        return self.begin, self.begin + cells * self.step

    def reveal(self, time: int, cells: int, now: int) -> None:
        """Move as little as possible for a moment to be inside, an eighth from the borders."""
        begin, end = self.window(cells, now)
        margin = cells // 8 * self.step
        if time < begin + margin:
            self.begin = (time - margin) // self.step * self.step
        elif time > end - margin and self.begin is not None:
            self.begin = -(-(time + margin) // self.step) * self.step - cells * self.step
        elif self.begin is None and time < now:
            self.begin = begin

    def pan(self, cells: int, of: int, now: int) -> None:
        """Move by some cells; beyond now it follows again."""
        begin, _ = self.window(of, now)
        self.begin = begin + cells * self.step
        if self.window(of, now)[1] >= now:
            self.begin = None

    def zoom(self, direction: int, cells: int, around: int, now: int) -> None:
        """The next finer (1) or coarser (-1) step; the given moment stays where it is."""
        begin, _ = self.window(cells, now)
        place = (around - begin) / (cells * self.step)
        at = bisect_left(STEPS, self.step) - direction
        self.step = STEPS[max(0, min(at, len(STEPS) - 1))]
        if self.begin is not None:
            self._put(around, place, cells)

    def fit(self, first: int, last: int, cells: int, *, follow: bool) -> None:
        """As fine as it gets with both moments inside."""
        wanted = (last - first) / max(1, cells - 1)
        self.step = next((step for step in STEPS if step >= wanted), STEPS[-1])
        self.begin = None
        if not follow:
            self._put((first + last) // 2, 0.5, cells)

    def _put(self, time: int, place: float, cells: int) -> None:
        begin = time - round(place * cells * self.step)
        self.begin = begin // self.step * self.step


class Scene(NamedTuple):
    """What happened in a window.

    Attributes:
        spans: by lane, what ran; what still runs ends with the window.
        marks: by lane, when something failed, or failed and is repeated: (time, status).
        waits: by edge, from when to when deliveries waited that have begun since.
        runs: how many spans there are.
    """

    begin: int
    end: int
    spans: dict[int, list[Span]]
    marks: dict[int, list[tuple[int, int]]]
    waits: dict[int, list[tuple[int, int]]]
    runs: int


def since(records: Sequence[RecordTuple], time: int) -> Iterable[RecordTuple]:
    """The records from a moment on, and some from before it."""
    return tail(records, begin_of(records, time))


def scene(
    records: Sequence[RecordTuple],
    generation: int,
    window: tuple[int, int],
    running: Mapping[int, Running],
    now: int,
) -> Scene:
    """What happened in a window, from the records and from what runs now, by activation."""
    begin, end = window
    found = [
        (r[WORKER], r[SUBJECT], r[QUEUED], r[STARTED], r[TIME], r[STATUS])
        for r in since(records, begin)
        if r[KIND] == Kind.ACTIVATION
        and r[TIME] > begin
        and r[QUEUED] < end
        and r[GENERATION] == generation
    ]
    spans: dict[int, list[Span]] = {}
    marks: dict[int, list[tuple[int, int]]] = {}
    waits: dict[int, list[tuple[int, int]]] = {}
    for worker, edge, queued, started, ended, status in found:
        if started < end:
            if started:  # else it failed in a job that is counted only
                spans.setdefault(worker, []).append((edge, started, ended))
            if status in (Status.FAILED, Status.RETRIED) and ended <= end:
                marks.setdefault(worker, []).append((ended, status))
        if started > queued and started > begin:
            waits.setdefault(edge, []).append((queued, started))
    for edge, started, lane in running.values():
        if started < end and now > begin:
            spans.setdefault(lane, []).append((edge, started, now))
    return Scene(begin, end, spans, marks, waits, len(found))


def shares(
    spans: Iterable[Span], begin: int, end: int, cells: int, keys: Mapping[int, int]
) -> list[tuple[int | None, float]]:
    """For each cell of a window the routine that ran most of it, and the share that was busy.

    Args:
        keys: the number of the routine of each edge.
    """
    step = (end - begin) / cells
    spent: dict[tuple[int, int], float] = {}
    get = spent.get
    whole: dict[int, list[int]] = {}  # by edge, where cells that are full of it begin and end
    for edge, started, ended in spans:
        low = started - begin if started > begin else 0
        high = (ended if ended < end else end) - begin
        if high <= low:
            continue
        first, last = int(low / step), int(high / step)
        if first == last:
            at = first, edge
            spent[at] = get(at, 0.0) + high - low
            continue
        spent[first, edge] = get((first, edge), 0.0) + (first + 1) * step - low
        if last < cells:
            spent[last, edge] = get((last, edge), 0.0) + high - last * step
        if last > first + 1:
            change = whole.setdefault(edge, [0] * (cells + 1))
            change[first + 1] += 1
            change[last] -= 1
    for edge, change in whole.items():
        for cell, many in enumerate(accumulate(change[:cells])):
            if many:
                spent[cell, edge] = get((cell, edge), 0.0) + many * step
    best: list[tuple[int | None, float, float]] = [(None, 0.0, 0.0)] * cells
    for (cell, edge), time in spent.items():
        key, most, busy = best[cell]
        if time > most:
            key, most = keys.get(edge), time
        best[cell] = key, most, busy + time
    return [(key, min(1.0, busy / step)) for key, _, busy in best]


def depths(waits: Iterable[tuple[int, int]], begin: int, end: int, cells: int) -> list[int]:
    """How many deliveries waited at the left border of each cell."""
    span = max(1, end - begin)
    change = [0] * (cells + 1)
    for queued, started in waits:
        first = -(-(queued - begin) * cells // span) if queued > begin else 0
        last = -(-(started - begin) * cells // span) if started < end else cells
        if 0 <= first < last:
            change[first] += 1
            change[last] -= 1
    return list(accumulate(change[:cells]))


def known_depths(
    moments: Sequence[Moment], begin: int, end: int, cells: int
) -> dict[int, list[float]]:
    """What was counted of each edge's queue at the moments, with straight lines between them."""
    points = [(moment.time, queues(moment)) for moment in moments]
    edges = {edge for _, depth in points for edge, many in depth.items() if many}
    step = (end - begin) / cells
    found: dict[int, list[float]] = {edge: [0.0] * cells for edge in edges}
    for place, (time, depth) in enumerate(points):
        later, then = points[place + 1] if place + 1 < len(points) else (end, depth)
        first = max(0, int((time - begin) / step))
        last = min(cells, int((later - begin) / step) + 1)
        for edge in edges:
            low, high = depth.get(edge, 0), then.get(edge, 0)
            row = found[edge]
            for cell in range(first, last):
                share = (begin + cell * step - time) / (later - time) if later > time else 0.0
                row[cell] = low + (high - low) * max(0.0, min(1.0, share))
    return found
