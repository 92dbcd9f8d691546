"""Statistics over time, and the choice of those in the chart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tui.building import SECOND
from tui.model.stats import POINTS, STEP, Charted, Ident, StatHistory, UnknownStatError

A: Ident = ((1, 0), "a")
B: Ident = ((1, 1), "b")


def test_points_come_at_steps_and_are_the_same_for_all() -> None:
    history = StatHistory()
    for tenth in range(31):
        history.take(tenth * STEP // 5, {A: tenth})
    assert list(history.times) == [n * STEP for n in range(7)]
    assert history.values(A) == [0, 5, 10, 15, 20, 25, 30]
    assert history.values(B) == [None] * 7


def test_one_that_comes_later_has_nothing_before_and_one_that_goes_is_forgotten() -> None:
    history = StatHistory()
    history.take(0, {A: 1})
    history.take(STEP, {A: 2, B: 10})
    assert history.values(B) == [None, 10]
    history.take(2 * STEP, {B: 11})
    assert history.values(A) == [None] * 3
    assert history.values(B) == [None, 10, 11]


def test_what_is_no_number_has_no_value() -> None:
    history = StatHistory()
    history.take(0, {A: "strict"})
    history.take(STEP, {A: 3})
    history.take(2 * STEP, {A: 5})
    assert history.values(A) == [None, 3, 5]
    assert history.rates(A) == [None, None, 2 * SECOND / STEP]


def test_the_rate_of_what_falls_is_negative() -> None:
    history = StatHistory()
    history.take(0, {A: 5})
    history.take(SECOND, {A: 3})
    assert history.rates(A) == [None, -2]
    assert StatHistory().rates(A) == []


@given(
    st.lists(
        st.tuples(
            st.integers(0, 3 * STEP),
            st.dictionaries(
                st.sampled_from([A, B]),
                st.integers() | st.floats() | st.text(max_size=3),
            ),
        ),
        max_size=400,
    )
)
def test_all_lines_have_as_many_points_as_there_are_times(
    looks: list[tuple[int, dict[Ident, int | float | str]]],
) -> None:
    history, now = StatHistory(), 0
    for wait, values in looks:
        now += wait
        history.take(now, {k: v for k, v in values.items() if not _huge(v)})
        for ident in (A, B):
            assert len(history.values(ident)) == len(history.times) <= POINTS
            assert len(history.rates(ident)) == len(history.times)


def _huge(value: int | float | str) -> bool:
    """The engine sends integers of 64 bits; longer ones come as text."""
    return isinstance(value, int) and abs(value) >= 2**63


def test_a_chart_holds_two_and_the_oldest_makes_way() -> None:
    chart = Charted()
    for name in ("a", "b", "c"):
        chart.toggle(name)
    assert chart.names == ["b", "c"]
    chart.toggle("b")
    assert chart.names == ["c"]


def test_statistics_are_chosen_by_name() -> None:
    chart, known = Charted(), ["a.n", "b.n", "b.rows"]
    chart.choose(["b.n", "a.n", "b.n"], known)
    assert chart.names == ["b.n", "a.n"]
    with pytest.raises(UnknownStatError, match=r"no statistic 'rows'; there is b\.rows"):
        chart.choose(["rows"], known)
    with pytest.raises(UnknownStatError, match="3 statistics: a chart holds 2"):
        chart.choose(known, known)
    assert chart.names == ["b.n", "a.n"]  # a mistake changes nothing
    chart.choose([], known)
    assert chart.names == []
