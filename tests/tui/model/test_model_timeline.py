"""The timeline's window and what is counted in it, against counting it the long way."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routilux.records import Kind, Status
from tests.tui.building import MS, SECOND, START, World, flow_info
from tui.model.past import History
from tui.model.run import Run
from tui.model.timeline import STEPS, Axis, depths, known_depths, scene, shares
from tui.session.messages import RecordTuple

CELLS = st.integers(1, 40)
TIMES = st.integers(-200, 1_200)
SPANS = st.lists(
    st.tuples(st.integers(1, 3), TIMES, st.integers(0, 500)).map(
        lambda s: (s[0], s[1], s[1] + s[2])
    )
)


def overlap(span: tuple[int, int, int], low: float, high: float) -> float:
    return max(0.0, min(span[2], high) - max(span[1], low))


@given(SPANS, CELLS)
def test_a_cell_names_who_used_most_of_it_and_how_much_of_it_was_used(
    spans: list[tuple[int, int, int]], cells: int
) -> None:
    found = shares(spans, 0, 1_000, cells, {1: 1, 2: 2, 3: 3})
    step = 1_000 / cells
    assert len(found) == cells
    for cell, (key, share) in enumerate(found):
        spent: dict[int, float] = {}
        for span in spans:
            used = overlap(span, cell * step, (cell + 1) * step)
            spent[span[0]] = spent.get(span[0], 0.0) + used
        assert share == pytest.approx(min(1.0, sum(spent.values()) / step), abs=1e-6)
        if share > 1e-6:
            assert key is not None
            assert spent[key] == pytest.approx(max(spent.values()), abs=1e-6)


def test_spans_that_lie_over_each_other_cost_no_more_than_others() -> None:
    """As those of coroutines do; a cell is full then, not more than full."""
    spans = [(1, 0, 1_000)] * 5_000
    assert shares(spans, 0, 1_000, 100, {1: 4}) == [(4, 1.0)] * 100


@given(st.lists(st.tuples(TIMES, st.integers(0, 500)).map(lambda w: (w[0], sum(w)))), CELLS)
def test_the_depth_of_a_cell_is_how_many_waited_at_its_left_border(
    waits: list[tuple[int, int]], cells: int
) -> None:
    borders = [1_000 * cell for cell in range(cells)]  # in units in which they are whole
    expected = [sum(q * cells <= at < s * cells for q, s in waits) for at in borders]
    assert depths(waits, 0, 1_000, cells) == expected


def test_what_was_counted_at_the_moments_is_joined_by_straight_lines() -> None:
    world = World(flow_info([("a", "o", "b", "i")]))
    run, history = Run(1), History()
    run.apply(world.snapshot())
    history.take(run)
    for queued in (100, 100, 0):
        world.count(1, 1, queued=queued, started=100 if not queued else 0)
        run.apply(world.wait(SECOND).snapshot())
        history.take(run)
    moments = history.between(START, START + 3 * SECOND)
    found = known_depths(moments, START, START + 3 * SECOND, 12)
    assert [round(value) for value in found[1]] == [
        0, 25, 50, 75, 100, 125, 150, 175, 200, 175, 150, 125,
    ]  # fmt: skip
    assert known_depths((), 0, 100, 10) == {}


# the scene ----------------------------------------------------------------------------------------


def record(
    queued: int, started: int, ended: int, *, status: Status = Status.OK, generation: int = 1
) -> RecordTuple:
    return (1, ended, 1, generation, 1, 5, 6, 2, 7, queued, started, int(status), 0)


def test_a_scene_holds_what_lies_in_the_window_at_least_in_part() -> None:
    records = [
        record(0, 1, 90),  # before
        record(50, 99, 101),
        record(140, 150, 160, status=Status.FAILED),
        record(150, 160, 170, status=Status.RETRIED),
        record(190, 220, 230),  # only waits in it
        record(160, 170, 180, generation=2),
        record(210, 220, 240),  # after
        (9, 170, int(Kind.STAT), 1, 1, 5, 6, 2, 7, 0, 0, 0, 0),
    ]
    found = scene(sorted(records, key=lambda r: r[1]), 1, (100, 200), {}, 300)
    assert found.spans == {2: [(7, 99, 101), (7, 150, 160), (7, 160, 170)]}
    assert found.marks == {2: [(160, Status.FAILED), (170, Status.RETRIED)]}
    assert found.waits == {7: [(140, 150), (150, 160), (190, 220)]}
    assert found.runs == 4


def test_what_still_runs_is_in_the_scene_until_now() -> None:
    found = scene([], 1, (100, 200), {50: (7, 120, 3), 51: (7, 201, 4)}, 180)
    assert found.spans == {3: [(7, 120, 180)]}


# the axis -----------------------------------------------------------------------------------------

NOW = 10**12


def test_steps_are_one_two_five() -> None:
    assert STEPS[:4] == (1_000, 2_000, 5_000, 10_000)
    assert all(2 <= b / a <= 2.5 for a, b in pairwise(STEPS))


@given(
    st.lists(
        st.tuples(
            st.sampled_from(("pan", "zoom", "reveal", "fit", "follow")),
            st.integers(-60, 60),
            st.integers(0, 10 * SECOND),
        )
    ),
    CELLS,
)
def test_a_window_is_always_whole_cells_long(moves: list[tuple[str, int, int]], cells: int) -> None:
    axis = Axis()
    for what, by, ago in moves:
        time = NOW - ago
        if what == "pan":
            axis.pan(by, cells, NOW)
        elif what == "zoom":
            axis.zoom(1 if by > 0 else -1, cells, time, NOW)
        elif what == "reveal":
            axis.reveal(time, cells, NOW)
            begin, end = axis.window(cells, NOW)
            assert begin <= time <= end
        elif what == "fit":
            axis.fit(time - 500, time, cells, follow=by > 0)
        else:
            axis.begin = None
        begin, end = axis.window(cells, NOW)
        assert end - begin == cells * axis.step
        assert begin % axis.step == 0
        assert axis.step in STEPS


@given(st.integers(0, 10 * SECOND), st.integers(1, 10 * SECOND), CELLS)
def test_fitting_shows_both_ends(ago: int, length: int, cells: int) -> None:
    axis = Axis()
    first, last = NOW - ago - length, NOW - ago
    axis.fit(first, last, cells, follow=False)
    begin, end = axis.window(cells, NOW)
    if cells > 2:
        assert begin <= first + axis.step
        assert end >= last - axis.step


def test_zooming_keeps_the_moment_where_it_is() -> None:
    axis = Axis()
    axis.step, axis.begin = 10 * MS, NOW - SECOND
    at = NOW - 500 * MS
    axis.zoom(1, 100, at, NOW)
    begin, end = axis.window(100, NOW)
    assert axis.step == 5 * MS
    assert (at - begin) / (end - begin) == pytest.approx(0.5, abs=0.02)


def test_a_failure_without_times_is_a_mark_and_no_span() -> None:
    found = scene([record(0, 0, 150, status=Status.FAILED)], 1, (100, 200), {}, 300)
    assert found.spans == {}
    assert found.waits == {}
    assert found.marks == {2: [(150, Status.FAILED)]}
