import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.paint.bars import heat, histogram, meter, sparkline

gaps = st.lists(st.one_of(st.none(), st.floats()), max_size=80)
widths = st.integers(0, 40)


@given(gaps, widths, st.booleans())
def test_a_sparkline_has_exactly_the_width_asked_for(values, width, plain):
    text = sparkline(values, width, ascii=plain)
    assert len(text) == width
    assert text.isascii() or not plain


def test_a_sparkline_rises_with_its_values_and_shows_zero_and_gaps_apart():
    assert sparkline(range(8), 8) == "▁▂▃▄▅▆▇█"
    assert sparkline(range(8), 8, ascii=True) == ".:-=+*#%"
    assert sparkline([0, None, 1, 1000], 4) == "▁ ▂█"


def test_a_sparkline_keeps_to_the_right_and_shows_the_peak_of_values_that_share_a_cell():
    assert sparkline([4], 3) == "  █"
    assert sparkline([0, 9, 0, 0], 2) == "█▁"


def test_the_top_of_a_sparkline_can_be_fixed_so_that_rows_compare():
    assert sparkline([1, 7], 2, top=7) == "▂█"
    assert sparkline([1], 1, top=7) == "▂"
    assert sparkline([99], 1, top=7) == "█"


def test_a_meter_is_full_only_when_all_is_busy_and_empty_only_when_nothing_is():
    assert meter(0.75, 6, ascii=True) == "[###.]"
    assert meter(0, 6, ascii=True) == "[....]"
    assert meter(0.001, 6, ascii=True) == "[#...]"
    assert meter(0.999, 6, ascii=True) == "[###.]"
    assert meter(1, 6, ascii=True) == "[####]"
    assert meter(0.5, 5) == "[█▌·]"


@given(st.floats(), widths, st.booleans())
def test_a_meter_has_exactly_the_width_asked_for(share, width, plain):
    assert len(meter(share, width, plain)) == width


def test_a_single_hit_in_the_tail_of_a_histogram_is_visible():
    text = histogram([0, 1000, 100, 0, 1], 5, ascii=True)
    assert text == " %*" + " " + "."


@given(st.lists(st.integers(0, 10**9), max_size=80), widths, st.booleans())
def test_a_histogram_has_exactly_the_width_asked_for(bins, width, plain):
    text = histogram(bins, width, plain)
    assert len(text) == width
    assert bool(text.strip()) == (any(bins) and width > 0)


@pytest.mark.parametrize(("depth", "mark"), [(0, "."), (1, ":"), (10, "="), (100, "#")])
def test_heat_steps_at_one_ten_and_a_hundred(depth, mark):
    assert heat([depth], 1, ascii=True) == mark
