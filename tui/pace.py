"""When to look next: as often as asked for while something happens, seldom while nothing does."""

from __future__ import annotations

#: Looks without news, at a flow that does nothing, before it is looked at less often.
PATIENCE = 20
#: Seconds between two looks then, and how many of them pass for one that is drawn: the clock and
#: the charts go on.
REST, DRAWN = 0.4, 3


#: Bytes a second that frames may take of a slow link: a third of 60,000, so that what a key brings
#: seldom waits behind a frame.
SLOW = 20_000


class Pace:
    """Decides after each look.

    Args:
        slow: the terminal is behind a slow link; frames then take `SLOW` bytes a second at most.

    Attributes:
        hz: looks a second while something happens.
    """

    def __init__(self, hz: int, *, slow: bool = False) -> None:
        self.hz = hz
        self._slow = slow
        self._written = self._frame = 0
        self._news: object = None
        self._quiet = 0

    @property
    def resting(self) -> bool:
        """Whether looks are seldom now."""
        return self._quiet > PATIENCE

    @property
    def interval(self) -> float:
        """Seconds from one look to the next."""
        each = max(REST, 1 / self.hz) if self.resting else 1 / self.hz
        return max(each, self._frame / SLOW) if self._slow else each

    def wrote(self, total: int) -> None:
        """Note how many bytes have gone to the terminal in all; before each look."""
        self._frame, self._written = total - self._written, total

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
