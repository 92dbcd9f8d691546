"""Rates, series and windows: sums over time, checked against the plain definition."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routilux.histogram import bin_of, merge, percentile
from tui.model.history import SECOND, Floor, Rate, Series, Window

steps = st.lists(
    st.tuples(st.integers(1, 3 * SECOND), st.integers(0, 10**9)), min_size=1, max_size=60
)


def _totals(moves: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Times and totals from what each step adds to both."""
    time = total = 0
    found = []
    for elapsed, more in moves:
        time, total = time + elapsed, total + more
        found.append((time, total))
    return found


def test_there_is_no_rate_before_the_second_point() -> None:
    rate = Rate()
    assert rate.per_second == 0.0
    rate.add(SECOND, 5)
    assert rate.per_second == 0.0


@pytest.mark.parametrize("hz", [5, 10, 30])
def test_a_steady_growth_has_its_rate_whatever_the_pace_of_looking(hz: int) -> None:
    rate = Rate()
    for look in range(5 * hz):
        rate.add(look * SECOND // hz, look * 600 / hz)
    assert rate.per_second == pytest.approx(600)


def test_a_rate_falls_to_nothing_within_about_a_second_of_silence() -> None:
    rate = Rate()
    for tenth in range(11):
        rate.add(tenth * SECOND // 10, 100.0 * tenth)
    assert rate.per_second == pytest.approx(1000)
    for tenth in range(11, 22):
        rate.add(tenth * SECOND // 10, 1000.0)
    assert rate.per_second == 0.0


def test_a_total_that_falls_gives_no_negative_rate() -> None:
    rate = Rate()
    rate.add(0, 10)
    rate.add(SECOND, 4)
    assert rate.per_second == 0.0


def test_two_looks_at_the_same_moment_do_not_divide_by_zero() -> None:
    rate = Rate()
    rate.add(5, 1)
    rate.add(5, 2)
    assert rate.per_second == 0.0


@given(steps)
def test_a_rate_looks_back_no_less_than_its_window_and_keeps_few_points(
    moves: list[tuple[int, int]],
) -> None:
    rate, totals = Rate(), _totals(moves)
    for time, total in totals:
        rate.add(time, total)
    now, newest = totals[-1]
    old = [point for point in totals if point[0] <= now - SECOND]
    then, before = old[-1] if old else totals[0]
    if len(totals) > 1 and not old:
        assert then == totals[0][0]
    if then == now:  # the only point
        assert rate.per_second == 0.0
    elif len(totals) >= 2:
        assert rate.per_second == pytest.approx((newest - before) * SECOND / (now - then))


@given(steps)
def test_a_series_loses_nothing_that_fits_into_it(moves: list[tuple[int, int]]) -> None:
    series, totals = Series(SECOND, 1_000), _totals(moves)
    for time, total in totals:
        series.add(time, total)
    assert sum(series.values) == pytest.approx(totals[-1][1])
    assert len(series.values) == totals[-1][0] // SECOND - totals[0][0] // SECOND + 1


@given(steps, st.integers(1, 20))
def test_a_series_stays_as_long_as_it_may_be(moves: list[tuple[int, int]], length: int) -> None:
    series = Series(SECOND // 2, length)
    for time, total in _totals(moves):
        series.add(time, total)
    assert len(series.values) <= length


def test_growth_is_spread_over_the_steps_that_it_took() -> None:
    series = Series(SECOND, 10)
    series.add(0, 0)
    series.add(3 * SECOND, 6)
    assert list(series.values) == [2, 2, 2, 0]


def test_looks_at_uneven_times_show_a_steady_flow_as_steady() -> None:
    series = Series(SECOND // 2, 100)
    for time in (0, 40, 160, 1_010, 1_090, 2_000, 3_900):  # ms
        series.add(time * 1_000_000, time)
    assert series.per_second()[:-1] == pytest.approx([1_000] * 7)


def test_a_series_gives_rates_whatever_its_step() -> None:
    series = Series(SECOND // 2, 10)
    series.add(0, 0)
    series.add(SECOND // 2, 50)
    assert series.per_second() == [100, 0]


def test_a_silence_longer_than_the_series_empties_it() -> None:
    series = Series(SECOND, 3)
    series.add(0, 100)
    series.add(10**6 * SECOND, 100)
    assert list(series.values) == [0, 0, 0]


def _bins(*values: int) -> dict[int, int]:
    return merge({bin_of(value): 1} for value in values)


def test_a_window_forgets_what_is_older_than_it() -> None:
    window = Window(seconds=10)
    window.add(0, _bins(1_000_000))
    for second in range(1, 30):
        window.add(second * SECOND, _bins(1_000_000, *[10] * second))
    assert window.percentile(0.99) == 10


def test_a_window_with_nothing_new_shows_the_whole_run() -> None:
    window = Window(seconds=2)
    for second in range(20):
        window.add(second * SECOND, _bins(500))
    assert window.percentile(0.5) == percentile(_bins(500), 0.5)


def test_an_empty_window_has_no_percentile() -> None:
    assert Window().percentile(0.5) is None
    window = Window()
    window.add(0, {})
    assert window.percentile(0.99) is None


@given(st.lists(st.lists(st.integers(0, 10**10), max_size=5), min_size=1, max_size=9))
def test_within_its_span_a_window_is_exact(seconds: list[list[int]]) -> None:
    window, seen = Window(seconds=10), []
    for second, values in enumerate(seconds):
        seen += values
        window.add(second * SECOND, _bins(*seen))
    for share in (0.0, 0.5, 0.9, 1.0):
        assert window.percentile(share) == percentile(_bins(*seen), share)


def test_a_floor_grows_only_when_what_is_left_after_bursts_does() -> None:
    floor = Floor(SECOND)
    assert (floor.least, floor.growth) == (0, 0)
    for step in range(40):  # tenths of a second: falls to 0 once a second
        floor.add(step * SECOND // 10, 90 - 10 * (step % 10))
        assert floor.growth == 0
    assert floor.least == 0 + 10 * (9 - 39 % 10)
    for step in range(40, 60):
        floor.add(step * SECOND // 10, step)
    assert (floor.least, floor.growth) == (50, 10)
