"""The event log: a ring of records, a paused view of it, and the names that go with the numbers."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from itertools import islice
from typing import Final

from routilux.records import Kind, Note
from tui.session.messages import RecordTuple

from .payload import Node, find, read
from .ring import Records

#: Records kept: 16 MB, up to as much again while the view is paused; 10 s of 20,000 a second.
RING = 200_000
#: Activations of which payload and error are kept.
NOTES = 5_000
#: Records looked at in one go when going back.
_STRIDE = 4096
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
        self._ring = Records(kept)
        self._frozen: Records | None = None
        self._frozen_total = 0
        self._notes: OrderedDict[int, dict[int, str]] = OrderedDict()  # by activation and kind
        self.total = 0
        self.received = 0

    def extend(self, records: Iterable[RecordTuple], published: int) -> None:
        """Add what a snapshot brought; ``published`` counts what it missed too."""
        before = self._ring.end
        for record in records:
            self._ring.append(record)
        self.received += self._ring.end - before
        self.total += published

    def clear(self) -> None:
        """Forget every record; positions go on, so that what was marked is gone too."""
        self._ring.clear()
        self._frozen = None
        self._notes.clear()

    def rule(self, time: int, generation: int) -> None:
        """Mark where a generation begins."""
        self._ring.append((0, time, RULE, generation, 0, 0, 0, 0, 0, 0, 0, 0, 0))

    def note(self, activation: int, kind: int, text: str) -> None:
        """Keep a text about an activation."""
        self._notes.setdefault(activation, {})[kind] = text
        if len(self._notes) > NOTES:
            self._notes.popitem(last=False)

    def text(self, record: RecordTuple) -> str:
        """The error of what failed, else its payload, as far as they are known; else nothing."""
        notes = self._notes.get(record[ACTIVATION])
        if notes is None:
            return ""
        error = notes.get(Note.ERROR) if record[STATUS] else None
        return exception_line(error) if error else notes.get(Note.PAYLOAD, "")

    def tree(self, record: RecordTuple) -> Node | None:
        """The payload as a tree, as far as it is known."""
        note = self._tree(record)
        return None if note is None else read(note)

    def payload(self, record: RecordTuple, steps: tuple[str, ...]) -> int | float | str | None:
        """What stands at a path of the payload; None if that is not known."""
        note = self._tree(record)
        return None if note is None else find(note, steps)

    def _tree(self, record: RecordTuple) -> str | None:
        notes = self._notes.get(record[ACTIVATION])
        return notes.get(Note.TREE) if notes is not None else None

    def error(self, record: RecordTuple) -> str:
        """The whole error of what failed, with its traceback; empty if it is not known."""
        return self._notes.get(record[ACTIVATION], {}).get(Note.ERROR, "") if record[STATUS] else ""

    def earlier(self, position: int) -> tuple[RecordTuple, int] | None:
        """The last record before one that tells the same of the same edge and whose payload is
        known as a tree, and how many there are in between whose payload is not.
        """
        view = self.view
        end, between = position, 0
        about = view.at(position)
        same = (about[KIND], about[GENERATION], about[SUBJECT])
        while end > view.first:
            start = max(view.first, end - _STRIDE)
            for record in reversed(list(islice(view.since(start), end - start))):
                if (record[KIND], record[GENERATION], record[SUBJECT]) != same:
                    continue
                if Note.TREE in self._notes.get(record[ACTIVATION], ()):
                    return record, between
                between += 1
            end = start
        return None

    @property
    def view(self) -> Records:
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
        self._frozen = self._ring.copy()
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
