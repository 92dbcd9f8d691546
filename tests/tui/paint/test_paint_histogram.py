"""Histograms of times as pictures, and charts of two lines with an axis each."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from routilux.histogram import bin_of
from tui.paint.canvas import clean, measure, tail, text_of
from tui.paint.histogram import bars, columns, scale, spread
from tui.paint.plot import AXIS, number, plot, scale_of

BINS = st.dictionaries(st.integers(0, 1_300), st.integers(1, 10**9), max_size=40)
VALUE = st.none() | st.floats(allow_nan=True, allow_infinity=True)


@given(st.lists(BINS, max_size=3), st.integers(8, 120))
def test_every_sample_stands_in_some_column(histograms: list[dict[int, int]], width: int) -> None:
    first, last = spread(histograms, width)
    assert first >= 0
    assert last - first + 1 >= width
    for bins in histograms:
        sums = columns(bins, first, last, width)
        assert len(sums) == width
        assert sum(sums) == sum(bins.values())
    assert cell_len("".join(text for text, _ in scale(first, last, width))) == width


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=80), st.integers(1, 12), st.booleans())
def test_bars_are_as_wide_as_their_sums_and_a_single_hit_shows(
    sums: list[int], height: int, ascii: bool
) -> None:
    lines = ["".join(text for text, _ in row) for row in bars(sums, height, ("x",), ascii=ascii)]
    assert [cell_len(line) for line in lines] == [len(sums)] * height
    for x, total in enumerate(sums):
        assert (lines[-1][x] != " ") == (total > 0)
    assert not ascii or all(line.isascii() for line in lines)


def test_the_scale_marks_powers_of_ten_in_their_own_unit() -> None:
    first, last = bin_of(50_000), bin_of(20_000_000)
    (line,) = text_of([scale(first, last, 60)])
    assert line.split() == ["100u", "1m", "10m"]
    assert abs(line.index("1m") - (bin_of(10**6) - first) * 60 // (last - first + 1)) <= 1


def test_a_scale_within_one_power_of_ten_marks_its_ends() -> None:
    (line,) = text_of([scale(bin_of(2_000_000), bin_of(2_400_000), 40)])
    assert line.split() == ["2.0m", "2.4m"]


def test_two_lines_have_an_axis_each() -> None:
    rows = plot({0: [0, 5, 10], 1: [-1.0, None, 1.0]}, 50, 5)
    assert [sum(measure(text) for text, _ in row) for row in rows] == [50] * 5
    lines = text_of(rows)
    assert lines[0].startswith("     10 │")
    assert lines[0].endswith("│ 1")
    assert lines[-1].endswith("│ -1")
    tags = {tag for row in rows for _, tag in row}
    assert {("series", 0), ("series", 1)} <= tags


def test_a_line_alone_keeps_its_number() -> None:
    rows = plot({1: [1, 2, 3]}, 40, 4)
    assert {tag for row in rows for _, tag in row if tag[0] == "series"} == {("series", 1)}


def test_a_picture_without_room_is_none() -> None:
    assert plot({0: [1]}, AXIS, 5) == ()
    assert plot({0: [1]}, 40, 0) == ()
    assert plot({}, 40, 5) == ()


def test_scales_begin_at_nought_unless_that_hides_the_line() -> None:
    assert scale_of([0, 7]).bottom == 0
    assert scale_of([500, 1_000]).bottom == 0
    near = scale_of([293.0, 295.0])
    assert 290 < near.bottom <= 293
    assert 295 <= near.top < 300
    below = scale_of([-3, 9])
    assert below.bottom <= -3
    assert below.top >= 9
    assert scale_of([5, 5]) == (0, 5)
    assert scale_of([-5, -5]).bottom < -4.9
    assert scale_of([]) == (0, 1)


@given(
    st.lists(VALUE, max_size=60), st.lists(VALUE, max_size=60), st.integers(1, 90), st.booleans()
)
def test_any_values_make_a_picture_of_the_right_size(
    one: list[float | None], other: list[float | None], width: int, ascii: bool
) -> None:
    for row in plot({0: one, 1: other}, width, 6, ascii=ascii):
        text = "".join(text for text, _ in row)
        assert cell_len(text) == width
        assert not ascii or text.isascii()


@given(VALUE)
def test_a_number_fits_its_label(value: float | None) -> None:
    text = number(value)
    assert 0 < len(text) <= AXIS - 2
    if value is not None and math.isfinite(value) and 1e-3 < abs(value) < 9_999:
        digits = 4 if abs(value) >= 0.1 else 2  # small ones begin with noughts
        assert abs(float(text) - value) <= abs(value) * 10 ** (1 - digits)


@given(st.text(max_size=40), st.integers(0, 30))
def test_a_tail_fits_and_keeps_the_end(text: str, cells: int) -> None:
    cut = tail(text, cells)
    assert cell_len(cut) <= cells
    if cell_len(clean(text)) <= cells:
        assert cut == clean(text)
    elif cut.startswith("~"):
        assert clean(text).endswith(cut[1:])
