"""Totals over time: rates, per-step series, and histogram windows. All pure, times in ns."""

from __future__ import annotations

from collections import deque

from routilux.histogram import Bins, difference, percentile

SECOND = 1_000_000_000


class Rate:
    """How fast a total grows, over about the last second.

    Args:
        window: nanoseconds to look back.
    """

    __slots__ = ("_points", "_window")

    def __init__(self, window: int = SECOND) -> None:
        self._window = window
        self._points: deque[tuple[int, float]] = deque()

    def add(self, time: int, total: float) -> None:
        """Note the total at a time; times only rise."""
        points = self._points
        points.append((time, total))
        while len(points) > 2 and points[1][0] <= time - self._window:
            points.popleft()

    def stop(self) -> None:
        """Nothing grows any more."""
        self._points.clear()

    @property
    def per_second(self) -> float:
        """The rate now; 0 until there are two points."""
        if len(self._points) < 2:
            return 0.0
        (then, before), (now, total) = self._points[0], self._points[-1]
        return max(0.0, (total - before) * SECOND / (now - then)) if now > then else 0.0


class Floor:
    """The least that a figure was lately, and how much that is above what it was before.

    What rises in bursts and falls back again has no growing floor.

    Args:
        window: nanoseconds that are lately; before is as long.
    """

    __slots__ = ("_points", "_window")

    def __init__(self, window: int = 2 * SECOND) -> None:
        self._window = window
        self._points: deque[tuple[int, int]] = deque()

    def add(self, time: int, value: int) -> None:
        """Note the figure at a time; times only rise."""
        self._points.append((time, value))
        while self._points[0][0] <= time - 2 * self._window:
            self._points.popleft()

    @property
    def least(self) -> int:
        """Lately."""
        return min(self._halves()[1], default=0)

    @property
    def growth(self) -> int:
        """From before to lately; 0 as long as before is not known."""
        before, lately = self._halves()
        return max(0, min(lately) - min(before)) if before and lately else 0

    def _halves(self) -> tuple[list[int], list[int]]:
        middle = self._points[-1][0] - self._window if self._points else 0
        before = [value for time, value in self._points if time <= middle]
        return before, [value for time, value in self._points if time > middle]


class Series:
    """What a total grew by in each step of time: a chart's data.

    Args:
        step: nanoseconds of one value.
        length: values kept.
    """

    __slots__ = ("_last", "_step", "_total", "values")

    def __init__(self, step: int = SECOND, length: int = 60) -> None:
        self._step = step
        self._last: int | None = None
        self._total = 0.0
        self.values: deque[float] = deque(maxlen=length)

    def add(self, time: int, total: float) -> None:
        """Note the total at a time; times only rise.

        The growth is spread over the steps that it took, so that a look that comes late or early
        shows neither a gap nor a peak.
        """
        last, self._last = self._last, time
        grown, self._total = total - self._total, total
        if last is None or time <= last:
            if not self.values:
                self.values.append(0.0)
            self.values[-1] += grown
            return
        begin = max(last, time - self._step * (self.values.maxlen or 1))
        share = grown / (time - begin)
        while begin < time:
            end = min((begin // self._step + 1) * self._step, time)
            self.values[-1] += share * (end - begin)
            if end % self._step == 0:
                self.values.append(0.0)
            begin = end

    def per_second(self) -> list[float]:
        """The values as rates."""
        scale = SECOND / self._step
        return [value * scale for value in self.values]

    def until(self, ago: int) -> Series:
        """The same as it was so many nanoseconds before the last look."""
        length = self.values.maxlen or 1
        then = Series(self._step, length)
        steps = round(ago / self._step)
        then.values.extend(list(self.values)[: max(0, len(self.values) - steps)])
        return then


class Window:
    """A histogram that only ever grows, seen as its last seconds.

    Args:
        seconds: how far to look back.
        step: seconds between two readings that are kept: so much the window may be too long.
    """

    __slots__ = ("_known", "_readings", "_recent", "_span", "_step", "total")

    def __init__(self, seconds: int = 10, step: int = 1) -> None:
        self._span, self._step = seconds * SECOND, step * SECOND
        self._readings: deque[tuple[int, Bins]] = deque()
        self.total: Bins = {}
        self._recent: Bins | None = None  # until something is added; asked for at each look
        self._known: dict[float, int | None] = {}

    def add(self, time: int, total: Bins) -> None:
        """Note the whole histogram at a time."""
        if not self._readings or time - self._readings[-1][0] >= self._step:
            self._readings.append((time, self.total))
            self._recent = None
            while len(self._readings) > 2 and self._readings[1][0] <= time - self._span:
                self._readings.popleft()
        if total != self.total:  # the readings of a routine that is idle are all the same object
            self.total = total
            self._recent = None

    @property
    def recent(self) -> Bins:
        """What came in the last seconds. Not to be changed."""
        if self._recent is None:
            self._known.clear()
            self._recent = difference(self.total, self._readings[0][1]) if self._readings else {}
        return self._recent

    def percentile(self, share: float) -> int | None:
        """Of the last seconds; of everything when nothing happened in them."""
        bins = self.recent or self.total
        if share not in self._known:
            self._known[share] = percentile(bins, share)
        return self._known[share]
