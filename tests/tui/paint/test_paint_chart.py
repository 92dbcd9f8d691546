import math

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tui.paint.canvas import text_of
from tui.paint.chart import AXIS_WIDTH, axis, braille, ceiling

series = st.lists(st.lists(st.one_of(st.none(), st.floats()), max_size=60), max_size=4)


@given(series, st.integers(1, 30), st.integers(1, 8), st.booleans(), st.booleans())
def test_a_chart_fills_exactly_its_cells_whatever_the_values(values, width, height, plain, area):
    rows = braille(values, width, height, ascii=plain, area=area)
    assert [sum(cell_len(text) for text, _ in row) for row in rows] == [width] * height
    assert all(text.isascii() for row in rows for text, _ in row) or not plain


def test_a_line_climbs_from_the_lower_left_to_the_upper_right_dot():
    rows = text_of(braille([[0, 1, 2, 3]], 2, 1, top=3))
    assert rows == ["⡠⠊"]
    assert text_of(braille([[0, 1, 2, 3]], 4, 1, top=3, ascii=True)) == [".--'"]


def test_a_line_has_no_holes_however_steep_it_is():
    rows = text_of(braille([[0, 0, 9, 9]], 2, 3, top=9))
    assert rows == [" ⡏", " ⡇", "⣀⠇"]


def test_a_gap_in_the_values_is_a_gap_in_the_line():
    assert text_of(braille([[0, 0, None, math.nan, 0, 0]], 3, 1, top=1)) == ["⣀ ⣀"]


def test_each_series_has_its_own_tag_and_the_later_one_wins_a_shared_cell():
    (row,) = braille([[0, 0, 0, 0], [None, None, 1, 1]], 2, 1, top=1)
    assert row == (("⣀", ("series", 0)), ("⣉", ("series", 1)))


def test_an_area_is_filled_down_to_zero():
    assert text_of(braille([[1, 1]], 1, 2, top=1, area=True)) == ["⣿", "⣿"]


def test_values_above_the_top_are_cut():
    assert text_of(braille([[50, 50]], 1, 1, top=1)) == ["⠉"]


def test_the_scale_is_a_round_number_above_all_values():
    assert [ceiling([[value]]) for value in (0, 0.7, 1, 1.1, 11_000, 340, 900)] == [
        1,
        0.8,
        1,
        1.5,
        15_000,
        400,
        1000,
    ]
    assert ceiling([[None, math.nan, math.inf], []]) == 1


@given(st.floats(1e-3, 1e15))
def test_the_scale_is_never_below_the_highest_value_nor_far_above_it(value):
    assert value <= ceiling([[value]]) <= value * 1.6


def test_an_axis_names_top_middle_and_zero_at_one_width():
    assert text_of(axis(12_000, 5, ascii=True)) == [
        "  12k |",
        "      |",
        "   6k |",
        "      |",
        "    0 |",
    ]
    assert all(len(row[0][0]) == AXIS_WIDTH for row in axis(5.6e6, 4))
    assert text_of(axis(340, 1)) == ["  340 │"]
