"""When to look next: as often as asked for while something happens, seldom while nothing does."""

from __future__ import annotations

#: Looks without news, at a flow that does nothing, before it is looked at less often.
PATIENCE = 20
#: Seconds between two looks then, and how many of them pass for one that is drawn: the clock and
#: the charts go on.
REST, DRAWN = 0.4, 3


class Pace:
    """Decides after each look.

    Attributes:
        hz: looks a second while something happens.
    """

    def __init__(self, hz: int) -> None:
        self.hz = hz
        self._news: object = None
        self._quiet = 0

    @property
    def resting(self) -> bool:
        """Whether looks are seldom now."""
        return self._quiet > PATIENCE

    @property
    def interval(self) -> float:
        """Seconds from one look to the next."""
        return max(REST, 1 / self.hz) if self.resting else 1 / self.hz

    def look(self, news: object, *, idle: bool) -> bool:
        """Note a look. Returns whether it should be drawn.

        Args:
            news: differs from that of the last look when something has happened.
            idle: whether the flow does nothing.
        """
        self._quiet = self._quiet + 1 if idle and news == self._news else 0
        self._news = news
        return not self.resting or self._quiet % DRAWN == 0

    def wake(self) -> None:
        """Something is about to happen."""
        self._quiet = 0
