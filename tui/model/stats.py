"""What statistics were over the last two minutes, and which of them stand in a chart."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from tui.errors import TuiError

from .history import SECOND
from .rows import Key

Ident = tuple[Key, str]
"""A routine and the name of one of its statistics."""

Values = Sequence[float | None]
"""One value for each point in time, None where there was none, or no number."""

#: Time between two points, and how many are kept: two minutes.
STEP, POINTS = SECOND // 2, 240
#: Statistics in one chart: more could not be told apart, nor have an axis each.
MOST = 2


class StatHistory:
    """Every statistic at the same points in time, so that any two can stand in one chart."""

    def __init__(self) -> None:
        self.times: deque[int] = deque(maxlen=POINTS)
        self._values: dict[Ident, deque[float | None]] = {}

    def take(self, now: int, current: Mapping[Ident, int | float | str]) -> None:
        """Note what they are, once in a step."""
        if self.times and now - self.times[-1] < STEP:
            return
        self.times.append(now)
        for ident in [ident for ident in self._values if ident not in current]:
            del self._values[ident]
        for ident, value in current.items():
            values = self._values.get(ident)
            if values is None:
                missed = [None] * (len(self.times) - 1)
                values = self._values[ident] = deque(missed, maxlen=POINTS)
            values.append(None if isinstance(value, str) else float(value))

    def values(self, ident: Ident) -> list[float | None]:
        """One statistic at `times`."""
        return list(self._values.get(ident, [None] * len(self.times)))

    def rates(self, ident: Ident) -> list[float | None]:
        """How much it grew per second up to each of `times`; what fell counts as minus."""
        grown: list[float | None] = [None] if self.times else []
        points = zip(self.times, self.values(ident), strict=True)
        for (then, before), (now, value) in pairwise(points):
            known = before is not None and value is not None and now > then
            grown.append((value - before) * SECOND / (now - then) if known else None)  # type: ignore[operator]
        return grown


class UnknownStatError(TuiError):
    """There is no statistic of that name."""


class Charted:
    """The statistics that stand in the chart, at most `MOST`; who comes too much sends one away.

    They are kept by name, so that they are there again in the next generation.
    """

    def __init__(self) -> None:
        self.names: list[str] = []

    def toggle(self, name: str) -> None:
        """Put one in, or take it out."""
        if name in self.names:
            self.names.remove(name)
        else:
            self.names = [*self.names, name][-MOST:]

    def choose(self, names: Iterable[str], known: Iterable[str]) -> None:
        """Let just these be in the chart.

        Raises:
            UnknownStatError: one of them is not ``known``, or there are too many.
        """
        names, known = list(dict.fromkeys(names)), list(known)
        if len(names) > MOST:
            raise UnknownStatError(f"{len(names)} statistics: a chart holds {MOST}")
        for name in names:
            if name not in known:
                near = [k for k in known if name.lower() in k.lower()][:3]
                hint = f"; there is {', '.join(near)}" if near else ""
                raise UnknownStatError(f"no statistic {name!r}{hint}")
        self.names = names
