"""The event log: a ring of records, a paused view of it, and the names that go with the numbers."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Sequence
from typing import Final

from routilux.records import Kind, Note
from tui.session.messages import RecordTuple

#: Records kept: about 19 MB, 10 s of the newest 10,000 a second.
RING = 100_000
#: Payload and error texts kept.
NOTES = 5_000
#: Kind of a line that the monitor puts in itself where a new generation begins.
RULE = 0

# Fields of a record by place; see `routilux.records.Record`.
SEQUENCE: Final = 0
TIME: Final = 1
KIND: Final = 2
GENERATION: Final = 3
JOB: Final = 4
ACTIVATION: Final = 5
CAUSE: Final = 6
WORKER: Final = 7
SUBJECT: Final = 8
QUEUED: Final = 9
STARTED: Final = 10
STATUS: Final = 11
VALUE: Final = 12


class EventLog:
    """The newest records, and a view that may stand still while they go on coming.

    Attributes:
        total: records published so far, lost ones included.
        received: records that reached us.
    """

    def __init__(self, kept: int = RING) -> None:
        self._ring: deque[RecordTuple] = deque(maxlen=kept)
        self._frozen: list[RecordTuple] | None = None
        self._frozen_total = 0
        self._notes: OrderedDict[tuple[int, int], str] = OrderedDict()
        self.total = 0
        self.received = 0

    def extend(self, records: Sequence[RecordTuple], published: int) -> None:
        """Add what a snapshot brought; ``published`` counts what it missed too."""
        self._ring.extend(records)
        self.received += len(records)
        self.total += published

    def rule(self, time: int, generation: int) -> None:
        """Mark where a generation begins."""
        self._ring.append((0, time, RULE, generation, 0, 0, 0, 0, 0, 0, 0, 0, 0))

    def note(self, activation: int, kind: int, text: str) -> None:
        """Keep a text about an activation."""
        self._notes[activation, kind] = text
        if len(self._notes) > NOTES:
            self._notes.popitem(last=False)

    def text(self, record: RecordTuple) -> str:
        """The error of what failed, else its payload, as far as they are known; else nothing."""
        activation = record[ACTIVATION]
        error = self._notes.get((activation, Note.ERROR)) if record[STATUS] else None
        if error:
            return exception_line(error)
        return self._notes.get((activation, Note.PAYLOAD), "")

    @property
    def view(self) -> Sequence[RecordTuple]:
        """What to show: the frozen copy while paused, else the ring."""
        return self._ring if self._frozen is None else self._frozen

    @property
    def paused(self) -> bool:
        """Whether the view stands still."""
        return self._frozen is not None

    @property
    def missed(self) -> int:
        """Records published since the pause."""
        return self.total - self._frozen_total if self.paused else 0

    def pause(self) -> None:
        """Freeze the view. The ring goes on: nothing is lost by pausing."""
        self._frozen = list(self._ring)
        self._frozen_total = self.total

    def resume(self) -> None:
        """Show the ring again."""
        self._frozen = None


def exception_line(traceback: str) -> str:
    """The line that names the exception; what follows it is its message's rest and its notes."""
    lines = traceback.splitlines()
    frames = [number for number, line in enumerate(lines) if line.startswith('  File "')]
    after = lines[frames[-1] + 1 :] if frames else lines
    return next((line for line in after if line and not line[0].isspace()), lines[-1].strip())


def is_activation(record: RecordTuple) -> bool:
    """Whether the record tells of a handler that ran."""
    return record[KIND] == Kind.ACTIVATION
