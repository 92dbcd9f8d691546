"""What watching costs, here and in the engine process; so that the header can say all of it."""

from __future__ import annotations

from dataclasses import dataclass

from .history import Rate

#: Below so many activations a second the cost of one says nothing: looking is most of it.
_ENOUGH = 100.0


@dataclass(frozen=True, slots=True)
class Prices:
    """CPU time in nanoseconds that a thread of the flow spends to have one activation known.

    Nobody can measure these while a flow runs: reading a clock costs as much. So they are measured
    apart, see `tui.session.prices`. Until then they are not known, and 0.

    Attributes:
        counted: that it was queued and has ended.
        traced: also when, for which job, and why: its record.
    """

    counted: float = 0.0
    traced: float = 0.0


class Cost:
    """CPU time of the monitor and of what it has the engine process do. Shares are of one core.

    Attributes:
        prices: what one activation costs the flow; set anew at any time.
    """

    def __init__(self, prices: Prices | None = None) -> None:
        self.prices = prices or Prices()
        self._tracing_ns = 0.0
        self._done = self._timed = 0
        self._monitor, self._engine, self._activations = Rate(), Rate(), Rate()

    def take(self, now: int, own_ns: int, answering_ns: int, done: int, timed: int) -> None:
        """Note the totals at a time.

        Args:
            now: when the snapshot was taken.
            own_ns: CPU time of the monitor's process.
            answering_ns: what the engine process has spent on answering.
            done: activations that have ended.
            timed: those of them that were traced.
        """
        traced = max(0, timed - self._timed)
        counted = max(0, done - self._done - traced)
        self._done, self._timed = done, timed
        self._tracing_ns += counted * self.prices.counted + traced * self.prices.traced
        self._monitor.add(now, own_ns)
        self._engine.add(now, answering_ns + self._tracing_ns)
        self._activations.add(now, done)

    @property
    def monitor(self) -> float:
        """CPU of the monitor's process, over about the last second."""
        return self._monitor.per_second / 1e9

    @property
    def engine(self) -> float:
        """CPU that the engine process would not need if nobody watched."""
        return self._engine.per_second / 1e9

    @property
    def total(self) -> float:
        """Both."""
        return self.monitor + self.engine

    @property
    def per_activation_ns(self) -> float | None:
        """What an activation costs the flow, answering included; None while there are too few."""
        rate = self._activations.per_second
        return self._engine.per_second / rate if rate >= _ENOUGH else None
