"""How many jobs to trace, so that a busy flow costs little and its stream can still be read."""

from __future__ import annotations

#: At most one job in so many is left untraced.
MOST = 4096
#: Share of the newest look in the mean; a long job, traced in some looks only, needs a slow one.
_NEWEST = 0.1
#: Loads, in budgets, at which fewer or more jobs are traced.
_HIGH, _LOW = 1.5, 0.4


class Sampler:
    """Decides after each look how many jobs to trace: one in `every`.

    The load is what was published since the last look, in budgets. Its mean is to stay around one.
    """

    def __init__(self) -> None:
        self.every = 1
        self._load = 0.0

    def look(self, published: int, budget: int) -> int:
        """Take in how many records came since the last look. Returns the new ``every``."""
        self._load += _NEWEST * (published / max(1, budget) - self._load)
        while self._load > _HIGH and self.every < MOST:
            self.every *= 2
            self._load /= 2
        while self._load < _LOW and self.every > 1:
            self.every //= 2
            self._load = max(2 * self._load, _LOW)
        return self.every
