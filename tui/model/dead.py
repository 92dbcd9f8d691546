"""Dead letters: messages that were dropped, of all generations, the newest first."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from routilux.records import Drop, Kind
from tui.session.messages import RecordTuple

from . import log

#: Dead letters kept.
KEPT = 2_000
#: Why a message was dropped, in words. That of schema 2 before there were reasons is 0.
REASONS: dict[int, str] = {
    Drop.FULL: "slot full",
    Drop.CANCELLED: "job cancelled",
    Drop.FAILED: "job failed",
    Drop.STOPPED: "stopped",
    0: "dropped",
}
_DROPPED = int(Kind.DROPPED)


class DeadLetters:
    """The newest records of messages that were dropped.

    Attributes:
        seen: how many records there were; the exact count of what was dropped is the run's.
    """

    def __init__(self) -> None:
        self._records: deque[RecordTuple] = deque(maxlen=KEPT)
        self.seen = 0

    def take(self, records: Iterable[RecordTuple]) -> None:
        """Take what a snapshot brought."""
        for record in records:
            if record[log.KIND] == _DROPPED:
                self._records.append(record)
                self.seen += 1

    def newest(self) -> list[RecordTuple]:
        """Those that are kept, the newest first."""
        return list(reversed(self._records))


def reason(record: RecordTuple) -> str:
    """Why a message was dropped."""
    return REASONS.get(int(record[log.VALUE]), REASONS[0])
