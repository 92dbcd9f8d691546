"""The time cursor: the one moment that all panes show. Mostly that is now."""

from __future__ import annotations

from tui.session.messages import RecordTuple


class TimeCursor:
    """Which moment is looked at, and which record. Panes read it, keys move it.

    Attributes:
        time: the moment, ns of the engine's clock; None: now, whatever the time is.
        selected: the record that chains and the timeline are about, or None.
    """

    def __init__(self) -> None:
        self.time: int | None = None
        self.selected: RecordTuple | None = None

    @property
    def in_past(self) -> bool:
        """Whether another moment than now is shown."""
        return self.time is not None

    def move_to(self, time: int, first: int, last: int) -> None:
        """Look at a moment, or at the nearest between two that bound what is known."""
        self.time = max(first, min(time, last))

    def release(self) -> None:
        """Look at now again."""
        self.time = None
