"""The newest records, packed: a quarter of what as many tuples of integers would take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from struct import Struct
from typing import overload

from tui.session.messages import RecordTuple

#: The fields of a record in their order; the shortest types that hold what the engine gives.
_LAYOUT = Struct("<qqBIqqqiiqqBq")
_FLOAT_LAYOUT = Struct("<qqBIqqqiiqqBd")
SIZE = _LAYOUT.size
#: Added to the status of a record whose value is a float: the bits of the value say nothing of it.
_IS_FLOAT = 128
_STATUS, _VALUE = 11, 12
#: Records unpacked at once: enough to be fast, few enough to be no memory worth the name.
_CHUNK = 4096


class Records(Sequence[RecordTuple]):
    """A ring of records that reads like a list of tuples.

    Every record has a *position*: the first ever added has 0, the next 1, and so on. Indexes move
    when the oldest are pushed out, positions do not; they name a record for as long as it is here.

    Args:
        kept: how many there is room for.
    """

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._data = bytearray()
        self._end = 0

    @property
    def first(self) -> int:
        """The position of the oldest record."""
        return self._end - len(self)

    @property
    def end(self) -> int:
        """The position that the next record will have."""
        return self._end

    def append(self, record: RecordTuple) -> None:
        """Add one; the oldest makes way for it."""
        if isinstance(record[_VALUE], float):
            *rest, status, value = record
            packed = _FLOAT_LAYOUT.pack(*rest, status + _IS_FLOAT, value)
        else:
            packed = _LAYOUT.pack(*record)
        if self._end < self._kept:
            self._data += packed
        else:
            at = self._end % self._kept * SIZE
            self._data[at : at + SIZE] = packed
        self._end += 1

    def copy(self) -> Records:
        """The same records, which stay when these go on."""
        twin = Records(self._kept)
        twin._data = bytearray(self._data)
        twin._end = self._end
        return twin

    def at(self, position: int) -> RecordTuple:
        """The record of a position, which must be between `first` and `end`."""
        return _whole(_LAYOUT.unpack_from(self._data, position % self._kept * SIZE))

    def since(self, position: int) -> Iterator[RecordTuple]:
        """The records from a position on, oldest first, those that are gone left out.

        Much faster than one by one. What is added meanwhile is not among them.
        """
        position, end = max(position, self.first), self._end
        while position < end:
            at = position % self._kept
            many = min(_CHUNK, end - position, self._kept - at)
            chunk = bytes(self._data[at * SIZE : (at + many) * SIZE])
            yield from [r if r[_STATUS] < _IS_FLOAT else _whole(r)
                        for r in _LAYOUT.iter_unpack(chunk)]  # fmt: skip
            position += many

    def __len__(self) -> int:
        return len(self._data) // SIZE

    def __iter__(self) -> Iterator[RecordTuple]:
        return self.since(self.first)

    def __reversed__(self) -> Iterator[RecordTuple]:
        return map(self.at, range(self._end - 1, self.first - 1, -1))

    @overload
    def __getitem__(self, index: int) -> RecordTuple: ...
    @overload
    def __getitem__(self, index: slice) -> list[RecordTuple]: ...
    def __getitem__(self, index: int | slice) -> RecordTuple | list[RecordTuple]:
        if isinstance(index, slice):
            start, stop, step = index.indices(len(self))
            if step == 1:
                return list(islice(self.since(self.first + start), max(0, stop - start)))
            return [self[i] for i in range(start, stop, step)]
        if index < 0:
            index += len(self)
        if not 0 <= index < len(self):
            raise IndexError(index)
        return self.at(self.first + index)


def _whole(record: RecordTuple) -> RecordTuple:
    """With a value that is a float made one again."""
    status = record[_STATUS]
    if status < _IS_FLOAT:
        return record
    value = _FLOAT_LAYOUT.unpack(_LAYOUT.pack(*record))[_VALUE]
    return (*record[:_STATUS], status - _IS_FLOAT, value)
