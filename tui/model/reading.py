"""Reading many records fast, of whatever they are kept in.

A ring that packs its records may offer ``column(field)``, one integer field of all of them, and
``since(position)`` with ``first``, the records from a position on: both without unpacking the
others. Of a plain sequence of tuples the same is read record by record.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import islice
from operator import itemgetter
from typing import Any

from tui.session.messages import RecordTuple

from .log import STARTED, TIME

#: Records come in order of time, but for those whose thread was held up before it published them.
_HELD_UP = 1_000_000_000


def column(records: Sequence[RecordTuple], field: int) -> array[int]:
    """One field of all records, which must hold whole numbers."""
    packed: Any = getattr(records, "column", None)
    if packed is not None:
        found: array[int] = packed(field)
        return found
    return array("q", [record[field] for record in records])  # type: ignore[misc] # no value


def distinct(records: Sequence[RecordTuple], field: int) -> set[int]:
    """The values that a field has."""
    if hasattr(records, "column"):
        return {*column(records, field)}
    return {record[field] for record in records}  # type: ignore[misc] # no value


def overlapping(records: Sequence[RecordTuple], begin: int, end: int) -> list[int]:
    """The indexes of the handlers that ran at some moment of a stretch of time."""
    first = begin_of(records, begin)
    if hasattr(records, "column"):
        starts = enumerate(column(records, STARTED)[first:], first)
        times = column(records, TIME)
        return [i for i, started in starts if 0 < started < end and times[i] > begin]
    return [
        index
        for index, record in enumerate(islice(records, first, None), first)
        if 0 < record[STARTED] < end and record[TIME] > begin
    ]


def begin_of(records: Sequence[RecordTuple], time: int) -> int:
    """An index from which on all records of a time and later stand, and some earlier ones."""
    return bisect_left(records, time - _HELD_UP, key=itemgetter(TIME))


def tail(records: Sequence[RecordTuple], index: int) -> Iterable[RecordTuple]:
    """The records from an index on."""
    packed: Any = getattr(records, "since", None)
    if packed is not None:
        found: Iterable[RecordTuple] = packed(records.first + index)  # type: ignore[attr-defined]
        return found
    return islice(records, index, None)
