"""What the list of events shows: the records that a filter keeps, equal neighbours folded into one.

Made step by step as records come, and kept as numbers: a filter over a full ring takes a moment,
which nobody would wait for ten times a second.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple, overload

from routilux.records import Kind
from tui.session.messages import RecordTuple

from . import log
from .ring import Records

Test = Callable[[RecordTuple], bool]

_OF_JOBS = frozenset({Kind.JOB_STARTED, Kind.JOB_ENDED, Kind.JOB_PAUSED, Kind.JOB_RESUMED,
                      Kind.JOB_CANCELLED})  # fmt: skip
#: Each has a text of its own, which folding would hide.
_SINGLE = frozenset({Kind.LINE, log.RULE})


class Entry(NamedTuple):
    """A line of the list.

    ``record`` is the newest of the ``times`` that are folded into it, ``wait`` and ``run`` are the
    longest of all of them in nanoseconds, ``since`` the time of the oldest.
    """

    position: int
    record: RecordTuple
    times: int = 1
    wait: int = 0
    run: int = 0
    since: int = 0


class Stream(Sequence[Entry]):
    """The lines of the list, oldest first.

    Attributes:
        folds: whether equal neighbours are one line.
        filtered: whether there is a filter.
    """

    def __init__(self) -> None:
        self.folds = False
        self._view = Records(1)
        self._test: Test | None = None
        self._reset()

    def _reset(self) -> None:
        self._next = 0  # the first position that was not looked at yet
        # What is kept is numbered in order: the record of number n stands at
        # _positions[n - _gone]. Without a filter the number is the position, and there is no list.
        self._positions = array("Q")
        self._gone = 0
        # For each line, when folding: the number of its first record, and the longest times.
        self._starts = array("Q")
        self._waits, self._runs = array("f"), array("f")  # for the eye: seven digits are plenty
        self._last: Hashable = None

    # changing -----------------------------------------------------------------------------------

    @property
    def filtered(self) -> bool:
        """Whether a filter leaves records out."""
        return self._test is not None

    def narrow(self, test: Test | None) -> None:
        """Keep what a test says yes to; None: everything. Call `update` then."""
        self._test = test
        self._reset()

    def retest(self, test: Test | None) -> None:
        """The same filter, compiled anew since names have changed."""
        self._test = test

    def fold(self, on: bool) -> None:
        """Make equal neighbours one line, or show each. Call `update` then."""
        self.folds = on
        self._reset()

    def update(self, view: Records) -> None:
        """Take in what has come since, and forget what is gone."""
        self._view = view
        first = max(self._next, view.first)
        self._next = max(self._next, view.end)
        if self._test is None and not self.folds:
            return
        if self._test is None:
            for position, record in enumerate(view.since(first), first):
                self._add_line(position, record)
        elif not self.folds:
            test = self._test
            self._positions.extend(  # no list, which would take five times the memory
                position for position, record in enumerate(view.since(first), first) if test(record)
            )
        else:
            for position, record in enumerate(view.since(first), first):
                if self._test(record):
                    self._add_line(self._gone + len(self._positions), record)
                    self._positions.append(position)
        self._forget()

    def _add_line(self, number: int, record: RecordTuple) -> None:
        same = _sameness(record)
        wait = run = 0
        if record[log.KIND] == Kind.ACTIVATION:
            wait = record[log.STARTED] - record[log.QUEUED]
            run = record[log.TIME] - record[log.STARTED]
        if same is None or same != self._last:
            self._starts.append(number)
            self._waits.append(wait)
            self._runs.append(run)
            self._last = same
            return
        self._waits[-1] = max(self._waits[-1], wait)
        self._runs[-1] = max(self._runs[-1], run)

    def _forget(self) -> None:
        """Cut off what is gone once it is the greater part, so that it costs next to nothing."""
        gone = self._first - self._gone if self._test is not None else 0
        if gone > len(self._positions) // 2:
            del self._positions[:gone]
            self._gone += gone
        lines = self._first_line
        if lines > len(self._starts) // 2:
            for each in (self._starts, self._waits, self._runs):
                del each[:lines]

    # reading ------------------------------------------------------------------------------------

    @property
    def kept(self) -> int:
        """Records that are shown, folded ones all counted."""
        return self._end - self._first

    @property
    def _first(self) -> int:
        """The number of the oldest record that is still there."""
        if self._test is None:
            return self._view.first
        return self._gone + bisect_left(self._positions, self._view.first)

    @property
    def _end(self) -> int:
        """The number after the newest record that was taken in."""
        if self._test is None:
            return min(self._next, self._view.end)
        return self._gone + bisect_left(self._positions, self._view.end)

    @property
    def _first_line(self) -> int:
        return max(0, bisect_right(self._starts, self._first) - 1) if self._starts else 0

    def __len__(self) -> int:
        if not self.folds:
            return self.kept
        return bisect_left(self._starts, self._end) - self._first_line if self.kept else 0

    @overload
    def __getitem__(self, index: int) -> Entry: ...
    @overload
    def __getitem__(self, index: slice) -> list[Entry]: ...
    def __getitem__(self, index: int | slice) -> Entry | list[Entry]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not 0 <= index < len(self):
            raise IndexError(index)
        if not self.folds:
            position = self._position(self._first + index)
            return Entry(position, self._view.at(position))
        line = self._first_line + index
        start = max(self._starts[line], self._first)
        end = self._starts[line + 1] if line + 1 < len(self._starts) else self._end
        end = min(end, self._end)
        position = self._position(end - 1)
        since = self._view.at(self._position(start))[log.TIME]
        wait, run = round(self._waits[line]), round(self._runs[line])
        return Entry(position, self._view.at(position), end - start, wait, run, since)

    def _position(self, number: int) -> int:
        return number if self._test is None else self._positions[number - self._gone]

    def find(self, position: int) -> int:
        """The index of the line that holds a record, or of the last one before it; at least 0."""
        number = position
        if self._test is not None:
            number = self._gone + bisect_right(self._positions, position) - 1
        if self.folds:
            return max(0, bisect_right(self._starts, number) - 1 - self._first_line)
        return max(0, min(number, self._end - 1) - self._first)

    def holds(self, position: int) -> bool:
        """Whether a record is shown, perhaps folded."""
        if not self._view.first <= position < self._view.end:
            return False
        if self._test is None:
            return True
        at = bisect_left(self._positions, position)
        return at < len(self._positions) and self._positions[at] == position


def _sameness(record: RecordTuple) -> Hashable:
    """Neighbours for which this is equal are folded; None: never."""
    kind = record[log.KIND]
    if kind in _SINGLE:
        return None
    job = record[log.JOB] if kind in _OF_JOBS else 0
    return record[log.GENERATION], kind, record[log.SUBJECT], record[log.STATUS], job
