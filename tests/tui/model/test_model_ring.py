"""The packed ring reads like a list of the tuples that were put in, and forgets the oldest."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.model.ring import Records
from tui.session.messages import RecordTuple

_INT64 = st.integers(-(2**63), 2**63 - 1)
_COUNT = st.integers(0, 2**63 - 1)
_RECORDS: st.SearchStrategy[RecordTuple] = st.tuples(
    _COUNT,
    _COUNT,
    st.integers(0, 13),
    st.integers(0, 2**32 - 1),
    _COUNT,
    _INT64,
    _INT64,
    st.integers(-1_000, 2**31 - 1),
    st.integers(0, 2**31 - 1),
    _COUNT,
    _COUNT,
    st.integers(0, 5),
    _INT64 | st.floats(allow_nan=False),
)


def plain(number: int) -> RecordTuple:
    return (number, number, 1, 1, 1, number, 0, 1, 1, 0, 0, 0, 0)


@given(st.lists(_RECORDS, max_size=12), st.integers(1, 8))
def test_what_was_put_in_comes_out_in_order(records: list[RecordTuple], kept: int) -> None:
    ring = Records(kept)
    for record in records:
        ring.append(record)
    newest = records[-kept:]
    assert list(ring) == newest
    assert [ring[i] for i in range(len(ring))] == newest
    assert list(reversed(ring)) == newest[::-1]
    assert [type(r[12]) for r in ring] == [type(r[12]) for r in newest]
    assert (ring.end, ring.first) == (len(records), len(records) - len(newest))
    for position in range(ring.first, ring.end):
        assert ring.at(position) == records[position]


@given(st.integers(0, 30), st.integers(-5, 35), st.integers(-5, 35), st.integers(1, 3))
def test_slices_are_those_of_a_list(many: int, start: int, stop: int, step: int) -> None:
    ring = Records(20)
    for number in range(many):
        ring.append(plain(number))
    assert ring[start:stop:step] == list(ring)[start:stop:step]


def test_records_over_many_chunks_come_in_order() -> None:
    ring = Records(10_000)
    for number in range(23_456):
        ring.append(plain(number))
    assert [r[0] for r in ring] == list(range(13_456, 23_456))
    assert [r[0] for r in ring.since(23_450)] == [23_450, 23_451, 23_452, 23_453, 23_454, 23_455]
    assert [r[0] for r in ring.since(0)][:1] == [13_456]
    assert list(ring.since(23_456)) == []


def test_a_copy_stays_when_the_original_goes_on() -> None:
    ring = Records(3)
    for number in range(3):
        ring.append(plain(number))
    twin = ring.copy()
    ring.append(plain(3))
    assert [r[0] for r in twin] == [0, 1, 2]
    assert [r[0] for r in ring] == [1, 2, 3]
    assert (twin.first, twin.end) == (0, 3)


def test_an_index_outside_is_an_error() -> None:
    ring = Records(3)
    ring.append(plain(1))
    assert ring[-1] == ring[0]
    for index in (1, -2):
        with pytest.raises(IndexError):
            ring[index]


def test_what_is_cleared_is_gone_and_positions_go_on() -> None:
    ring = Records(3)
    for number in range(5):
        ring.append(plain(number))
    twin = ring.copy()
    ring.clear()
    assert (len(ring), list(ring), ring.first, ring.end) == (0, [], 5, 5)
    assert list(ring.column(0)) == []
    ring.append(plain(9))
    assert [r[0] for r in ring] == [r[0] for r in reversed(ring)] == [9]
    assert [r[0] for r in ring.copy()] == [9]
    assert [r[0] for r in twin] == [2, 3, 4]
