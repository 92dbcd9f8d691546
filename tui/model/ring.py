"""The newest records, packed: a quarter of what as many tuples of integers would take."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from itertools import islice
from struct import Struct, calcsize
from typing import overload

from tui.session.messages import RecordTuple

#: The fields of a record in their order; the shortest types that hold what the engine gives.
_CODES = "qqBIqqqiiqqBq"
_LAYOUT = Struct("<" + _CODES)
_FLOAT_LAYOUT = Struct("<qqBIqqqiiqqBd")
SIZE = _LAYOUT.size
#: Added to the status of a record whose value is a float: the bits of the value say nothing of it.
_IS_FLOAT = 128
_STATUS, _VALUE = 11, 12
#: Records of a chunk, unpacked at once: enough to be fast, few enough to be small.
_CHUNK = 4096


class Records(Sequence[RecordTuple]):
    """A ring of records that reads like a list of tuples.

    Every record has a *position*: the first ever added has 0, the next 1, and so on. Indexes move
    when the oldest are pushed out, positions do not; they name a record for as long as it is here.

    What is written is never written over: the oldest go a chunk at a time. So a copy shares all
    chunks, and costs memory only as new ones come.

    Args:
        kept: how many there is room for.
    """

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._chunks: list[bytearray] = []
        self._dropped = 0  # chunks that are gone
        self._end = 0
        self._floor = 0  # what is before it was cleared away

    @property
    def first(self) -> int:
        """The position of the oldest record."""
        return max(self._floor, self._end - self._kept)

    def clear(self) -> None:
        """Forget all of them. Positions go on."""
        self._floor = self._end

    @property
    def end(self) -> int:
        """The position that the next record will have."""
        return self._end

    def append(self, record: RecordTuple) -> None:
        """Add one; the oldest makes way for it."""
        at = self._end % _CHUNK
        if not at:
            self._chunks.append(bytearray(_CHUNK * SIZE))
            while (self._dropped + 1) * _CHUNK <= self.first:
                del self._chunks[0]
                self._dropped += 1
        if isinstance(record[_VALUE], float):
            *rest, status, value = record
            _FLOAT_LAYOUT.pack_into(self._chunks[-1], at * SIZE, *rest, status + _IS_FLOAT, value)
        else:
            _LAYOUT.pack_into(self._chunks[-1], at * SIZE, *record)
        self._end += 1

    def copy(self) -> Records:
        """The same records, which stay when these go on. To be read only."""
        twin = Records(self._kept)
        twin._chunks = list(self._chunks)
        twin._dropped, twin._end, twin._floor = self._dropped, self._end, self._floor
        return twin

    def at(self, position: int) -> RecordTuple:
        """The record of a position, which must be between `first` and `end`."""
        chunk, at = divmod(position, _CHUNK)
        return _whole(_LAYOUT.unpack_from(self._chunks[chunk - self._dropped], at * SIZE))

    def since(self, position: int) -> Iterator[RecordTuple]:
        """The records from a position on, oldest first, those that are gone left out.

        Much faster than one by one. What is added meanwhile is not among them.
        """
        position, end = max(position, self.first), self._end
        while position < end:
            chunk, at = divmod(position, _CHUNK)
            many = min(_CHUNK - at, end - position)
            part = self._chunks[chunk - self._dropped][at * SIZE : (at + many) * SIZE]
            yield from [r if r[_STATUS] < _IS_FLOAT else _whole(r)
                        for r in _LAYOUT.iter_unpack(part)]  # fmt: skip
            position += many

    def column(self, field: int) -> array[int]:
        """One whole-number field of all records, oldest first, without unpacking the others."""
        code = _CODES[field]
        begin, width = calcsize("<" + _CODES[:field]), calcsize("<" + code)
        found: array[int] = array(code)
        position = self.first
        while position < self._end:
            chunk, at = divmod(position, _CHUNK)
            many = min(_CHUNK - at, self._end - position)
            part = self._chunks[chunk - self._dropped][at * SIZE : (at + many) * SIZE]
            out = bytearray(many * width)
            for byte in range(width):
                out[byte::width] = part[begin + byte :: SIZE]
            found.frombytes(out)
            position += many
        return found

    def __len__(self) -> int:
        return self._end - self.first

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
