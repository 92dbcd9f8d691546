"""The list of events: step by step it is what it would be if it were made at once."""

from __future__ import annotations

from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routilux.records import Kind
from tui.model.ring import Records
from tui.model.stream import Entry, Stream
from tui.session.messages import RecordTuple


def record(
    number: int, subject: int = 1, *, kind: int = Kind.ACTIVATION, status: int = 0, took: int = 0
) -> RecordTuple:
    time = number * 1_000
    return (
        number,
        time,
        kind,
        1,
        1,
        number,
        0,
        1,
        subject,
        time - 3 * took,
        time - took,
        status,
        0,
    )


def filled(records: list[RecordTuple], kept: int = 100) -> Records:
    ring = Records(kept)
    for each in records:
        ring.append(each)
    return ring


def odd(each: RecordTuple) -> bool:
    return each[0] % 2 == 1


def test_without_filter_and_folding_every_record_is_a_line() -> None:
    stream = Stream()
    stream.update(filled([record(n) for n in range(5)]))
    assert [entry.record[0] for entry in stream] == [0, 1, 2, 3, 4]
    assert stream.kept == len(stream) == 5
    assert not stream.filtered


def test_a_filter_keeps_some_and_says_how_many() -> None:
    stream = Stream()
    stream.narrow(odd)
    stream.update(filled([record(n) for n in range(5)]))
    assert [(entry.position, entry.record[0]) for entry in stream] == [(1, 1), (3, 3)]
    assert stream.kept == 2
    stream.narrow(None)
    stream.update(filled([record(n) for n in range(5)]))
    assert len(stream) == 5


def test_equal_neighbours_are_one_line_with_the_longest_times() -> None:
    stream = Stream()
    stream.fold(True)
    subjects = [(1, 10), (1, 30), (1, 20), (2, 5), (1, 1)]
    stream.update(filled([record(n, s, took=t) for n, (s, t) in enumerate(subjects)]))
    assert [(e.times, e.record[0], e.wait, e.run, e.since) for e in stream] == [
        (3, 2, 60, 30, 0),
        (1, 3, 10, 5, 3_000),
        (1, 4, 2, 1, 4_000),
    ]


@pytest.mark.parametrize("kind", [Kind.LINE, 0])
def test_what_has_a_text_of_its_own_is_never_folded(kind: int) -> None:
    stream = Stream()
    stream.fold(True)
    stream.update(filled([record(n, kind=kind) for n in range(3)]))
    assert len(stream) == 3


def test_jobs_are_folded_only_with_themselves() -> None:
    stream = Stream()
    stream.fold(True)
    started = record(1, kind=Kind.JOB_STARTED)
    stream.update(filled([started, (*started[:4], 2, *started[5:]), started]))
    assert len(stream) == 3


def test_a_failure_is_not_folded_with_a_success() -> None:
    stream = Stream()
    stream.fold(True)
    stream.update(filled([record(1), record(2, status=1), record(3, status=1)]))
    assert [entry.times for entry in stream] == [1, 2]


def test_a_line_is_found_by_its_record() -> None:
    ring = filled([record(n, n // 4) for n in range(20)], kept=10)  # 10 to 19 are left
    stream = Stream()
    stream.update(ring)
    assert [stream.find(p) for p in (0, 10, 15, 19, 99)] == [0, 0, 5, 9, 9]
    assert [stream.holds(p) for p in (9, 10, 19, 20)] == [False, True, True, False]
    stream.narrow(odd)
    stream.update(ring)
    assert [stream.find(p) for p in (11, 12, 13, 19)] == [0, 0, 1, 4]
    assert [stream.holds(p) for p in (11, 12, 13)] == [True, False, True]
    stream.fold(True)
    stream.update(ring)
    assert [entry.times for entry in stream] == [1, 2, 2]
    assert [stream.find(p) for p in (11, 13, 15, 17)] == [0, 1, 1, 2]


@given(
    st.lists(st.lists(st.integers(0, 3), max_size=30), max_size=8),
    st.booleans(),
    st.booleans(),
    st.integers(1, 40),
)
def test_step_by_step_is_as_at_once(
    batches: list[list[int]], filters: bool, folds: bool, kept: int
) -> None:
    stream, ring = Stream(), Records(kept)
    stream.narrow(odd if filters else None)
    stream.fold(folds)
    every: list[RecordTuple] = []
    for batch in batches:
        for subject in batch:
            every.append(record(len(every), subject, took=len(every) % 7))
            ring.append(every[-1])
        stream.update(ring)
        there = [r for r in every[-kept:] if not filters or odd(r)]
        groups = [list(g) for _, g in groupby(there, key=lambda r: r[8] if folds else r[0])]
        assert [(e.times, e.record) for e in stream] == [(len(g), g[-1]) for g in groups]
        assert stream.kept == len(there)
        for index, entry in enumerate(stream):
            assert stream.find(entry.position) == index
            assert stream.holds(entry.position)


@given(st.integers(0, 60), st.integers(0, 60), st.booleans(), st.booleans())
def test_a_frozen_view_and_the_ring_after_it(
    before: int, after: int, filters: bool, folds: bool
) -> None:
    stream, ring = Stream(), Records(20)
    stream.narrow(odd if filters else None)
    stream.fold(folds)
    for number in range(before):
        ring.append(record(number, number // 3))
    frozen = ring.copy()
    stream.update(frozen)
    seen = list(stream)
    for number in range(before, before + after):
        ring.append(record(number, number // 3))
    stream.update(frozen)
    assert list(stream) == seen
    stream.update(ring)
    fresh = Stream()
    fresh.narrow(odd if filters else None)
    fresh.fold(folds)
    fresh.update(ring)
    assert [(e.position, e.times) for e in stream] == [(e.position, e.times) for e in fresh]


def test_an_index_outside_is_an_error_and_slices_are_lists() -> None:
    stream = Stream()
    with pytest.raises(IndexError):
        stream[0]
    stream.update(filled([record(n) for n in range(3)]))
    assert stream[1:] == [Entry(1, record(1)), Entry(2, record(2))]
