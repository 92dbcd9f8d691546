"""What was: a bounded history of the figures on screen, and a run as it stood at one moment.

A moment keeps numbers only: names, wiring and series are still known by the run itself. It is taken
four times a second, which is as fine as one can read, and all of them take 8 MB at most. When they
would take more, the older ones thin out: the further back, the coarser, in proportion. So nothing
is cut off at a fixed age. With 20 routines thinning begins after six minutes, and of an hour ago
a moment every half a minute is left.
"""

from __future__ import annotations

import copy
from array import array
from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple, get_type_hints

from tui.session.messages import FlowState

from .causality import Running
from .gauges import LaneGauge
from .history import SECOND, Rate, Window
from .rows import EdgeRow, Key, RoutineRow, State, StatRow
from .run import Run

#: Time between two moments: a quarter of a second.
EVERY = SECOND // 4
#: Bytes that all moments may take.
BUDGET = 8_000_000
_CLOSEST = 1 / 512  # the least gap between two moments, as a share of their age
_FIXED = 1_500  # bytes of a moment beside its numbers: states, threads, objects
_STATES = tuple(State)
_SHARES = (0.5, 0.9, 0.99, 0.999)
_NONE = float("-inf")


class Moment(NamedTuple):
    """The figures of one moment. Keys are shared between moments as long as they are equal."""

    time: int
    looks: int  # snapshots folded until then
    rate: float
    states: dict[int, FlowState]
    lanes: dict[int, tuple[Running | None, int | None]]  # that had run: what, and coroutines
    routine_keys: tuple[Key, ...]
    routines: array[float]
    edge_keys: tuple[int, ...]
    edges: array[float]
    stat_keys: tuple[tuple[Key, str], ...]
    stats: tuple[int | float | str, ...]
    stat_marks: array[float]
    latency: array[float]

    @property
    def size(self) -> int:
        """About how many bytes it takes."""
        packed = len(self.routines) + len(self.edges) + len(self.stat_marks)
        return _FIXED + 8 * packed + 40 * len(self.stats) + 300 * len(self.states)


class History:
    """The moments of one run, oldest first.

    Args:
        budget: bytes that they may take.
    """

    def __init__(self, budget: int = BUDGET) -> None:
        self._budget = budget
        self._moments: list[Moment] = []
        self._size = 0
        self.looks = 0

    def __len__(self) -> int:
        return len(self._moments)

    def take(self, run: Run) -> None:
        """Note how a run stands, if the last moment is long enough ago. Call it for each look."""
        self.looks += 1
        if self._moments and run.now - self._moments[-1].time < EVERY:
            return
        moment = _moment(run, self.looks, self._moments[-1] if self._moments else None)
        self._moments.append(moment)
        self._size += moment.size
        if self._size > self._budget:
            self._thin()

    def _thin(self) -> None:
        """Leave gaps in proportion to age, as small as they may be for a quarter to be free."""
        share = _CLOSEST
        while self._size > self._budget * 3 // 4 and len(self._moments) > 3:
            *moments, last = self._moments
            kept = moments[:1]
            for moment, after in pairwise([*moments[1:], last]):
                gap = after.time - kept[-1].time
                if gap > (last.time - moment.time) * share or after is last:
                    kept.append(moment)
            self._moments = [*kept, last]
            self._size = sum(moment.size for moment in self._moments)
            share *= 2

    @property
    def first(self) -> int | None:
        """The time of the oldest moment."""
        return self._moments[0].time if self._moments else None

    def at(self, time: int) -> Moment | None:
        """The last moment that is not after a time; the oldest if there is none."""
        if not self._moments:
            return None
        place = bisect_right(self._moments, time, key=lambda moment: moment.time)
        return self._moments[max(0, place - 1)]

    def between(self, begin: int, end: int) -> Sequence[Moment]:
        """The moments of a stretch of time, and the last before it."""
        first = bisect_right(self._moments, begin, key=lambda moment: moment.time)
        last = bisect_right(self._moments, end, key=lambda moment: moment.time)
        return self._moments[max(0, first - 1) : last]


class PastRun(Run):
    """A run as it stood at a moment. Read it as any run; what it does not know is as now."""

    def __init__(self, live: Run, moment: Moment, looks: int) -> None:
        self.__dict__.update(live.__dict__)
        self.live, self._moment = live, moment
        self.now = moment.time
        self.states = moment.states
        ago = live.now - moment.time
        self.rate = _steady(moment.rate)
        self.entered, self.ended, self.failing = (
            series.until(ago) for series in (live.entered, live.ended, live.failing)
        )
        values = list(moment.latency)
        self.run_total = _Percentiles(values[: len(_SHARES)])
        self.wait_total = _Percentiles(values[len(_SHARES) :])
        self._rows = self._past_routines(ago // SECOND)
        later = looks - moment.looks
        self._lanes = {n: self._past_lane(n, lane, later) for n, lane in live._lanes.items()}

    def _past_lane(self, number: int, lane: LaneGauge, later: int) -> LaneGauge:
        then = copy.copy(lane)
        cells = list(lane.cells)
        then.cells = deque(cells[: max(0, len(cells) - later)])
        then.ran = number in self._moment.lanes
        then.running, then.coroutines = self._moment.lanes.get(number, (None, None))
        return then

    def _past_routines(self, seconds: int) -> list[RoutineRow]:
        live = {row.key: row for row in self.live.routines()}
        each = _unpacked(_ROUTINE, self._moment.routine_keys, self._moment.routines)
        return [
            live[key]._replace(trend=live[key].trend[: -seconds or None], **numbers)
            for key, numbers in each
            if key in live
        ]

    @property
    def done(self) -> int:
        """Activations that had ended."""
        return sum(row.done for row in self._rows)

    @property
    def errors(self) -> int:
        """Activations that had failed."""
        return sum(row.errors for row in self._rows)

    def routines(self) -> list[RoutineRow]:
        """Every routine that there was."""
        return list(self._rows)

    def edges(self) -> list[EdgeRow]:
        """Every connection that there was."""
        live = {row.number: row for row in self.live.edges()}
        each = _unpacked(_EDGE, self._moment.edge_keys, self._moment.edges)
        return [live[number]._replace(**numbers) for number, numbers in each if number in live]

    def stats(self) -> list[StatRow]:
        """Every statistic with the value that it had."""
        moment = self._moment
        rates, marks = moment.stat_marks[::2], moment.stat_marks[1::2]
        rows = zip(moment.stat_keys, moment.stats, rates, marks, strict=True)
        return [
            StatRow(
                key, self.routine_name(key), name, value, _number(float | None, rate), bool(mark)
            )
            for (key, name), value, rate, mark in rows
        ]


class _Percentiles(Window):
    """The percentiles that were kept of a window."""

    __slots__ = ("_values",)

    def __init__(self, values: Sequence[float]) -> None:
        super().__init__()
        self._values = values

    def percentile(self, share: float) -> int | None:
        near = min(range(len(_SHARES)), key=lambda place: abs(_SHARES[place] - share))
        found: int | None = _number(int | None, self._values[near])
        return found


def _moment(run: Run, looks: int, before: Moment | None) -> Moment:
    routines, edges, stats = run.routines(), run.edges(), run.stats()
    latency = [w.percentile(share) for w in (run.run_total, run.wait_total) for share in _SHARES]
    marks = array("d")
    for row in stats:
        marks.extend((_NONE if row.rate is None else row.rate, row.changed))
    return Moment(
        run.now,
        looks,
        run.rate.per_second,
        run.states,
        {n: (lane.running, lane.coroutines) for n, lane in run._lanes.items() if lane.ran},
        _shared(tuple(row.key for row in routines), before and before.routine_keys),
        _packed(_ROUTINE, routines),
        _shared(tuple(row.number for row in edges), before and before.edge_keys),
        _packed(_EDGE, edges),
        _shared(tuple((row.key, row.name) for row in stats), before and before.stat_keys),
        tuple(row.value for row in stats),
        marks,
        array("d", (_NONE if value is None else value for value in latency)),
    )


def _shared(fresh: Any, known: Any) -> Any:
    return known if fresh == known else fresh


# Rows as numbers. Which fields are numbers is told by their types, so that a new one is kept too.

_NUMBERS = (int, float, bool, int | None, float | None, State)
_IDENTITY = ("number", "flow")


_Fields = tuple[tuple[int, str, Any], ...]
"""Place, name and type of each field that is kept."""


def _fields(kind: type[RoutineRow] | type[EdgeRow]) -> _Fields:
    types = get_type_hints(kind)
    return tuple(
        (place, name, types[name])
        for place, name in enumerate(kind._fields)
        if types[name] in _NUMBERS and name not in _IDENTITY
    )


_ROUTINE, _EDGE = _fields(RoutineRow), _fields(EdgeRow)


def _packed(kept: _Fields, rows: Iterable[tuple[Any, ...]]) -> array[float]:
    fields = [(place, type_ is State) for place, _, type_ in kept]
    found = array("d")
    for row in rows:
        for place, is_state in fields:
            value = row[place]
            if is_state:
                value = _STATES.index(value)
            found.append(_NONE if value is None else value)
    return found


def _unpacked(
    fields: _Fields, keys: Sequence[Any], numbers: array[float]
) -> Iterable[tuple[Any, dict[str, Any]]]:
    for index, key in enumerate(keys):
        at = index * len(fields)
        yield key, {name: _number(t, numbers[at + n]) for n, (_, name, t) in enumerate(fields)}


def _number(kind: Any, value: float) -> Any:
    if value == _NONE:
        return None
    if kind is State:
        return _STATES[int(value)]
    return value if kind in (float, float | None) else int(value)


def queues(moment: Moment) -> dict[int, int]:
    """How many deliveries waited on each edge."""
    return {
        number: numbers["queue"]
        for number, numbers in _unpacked(_EDGE, moment.edge_keys, moment.edges)
    }


def _steady(value: float) -> Rate:
    rate = Rate()
    rate.add(0, 0)
    rate.add(SECOND, value)
    return rate
