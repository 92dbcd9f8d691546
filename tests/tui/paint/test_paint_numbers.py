import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.paint.numbers import WIDTH, bytes_, count, duration_ns, percent, rate

numbers = st.one_of(st.floats(), st.integers(-(10**30), 10**30).map(float))


@pytest.mark.parametrize("form", [rate, count, duration_ns, bytes_, percent])
def test_an_unknown_number_is_a_dash(form):
    assert form(None) == "-"


@pytest.mark.parametrize("form", [rate, duration_ns, bytes_, percent])
@given(number=numbers)
def test_nothing_is_ever_wider_than_five_cells(form, number):
    assert 1 <= len(form(number)) <= WIDTH


@pytest.mark.parametrize("form", [count, duration_ns, bytes_])
@given(number=st.integers())
def test_no_whole_number_is_ever_wider_than_five_cells(form, number):
    assert 1 <= len(form(number)) <= WIDTH


@given(number=st.floats(0.05, 9e17))
def test_a_rate_reads_back_to_within_a_tenth_of_a_unit(number):
    text = rate(number)
    scale = 1000 ** (" kMGTPE".index(text[-1]) if text[-1].isalpha() else 0)
    assert abs(float(text.rstrip("kMGTPE")) * scale - number) <= max(0.05 * number, 0.051)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.01, "<0.1"),
        (0.1, "0.1"),
        (9.96, "10"),
        (12, "12"),
        (340, "340"),
        (999.7, "1.0k"),
        (1234, "1.2k"),
        (12345.6, "12.3k"),
        (123456, "123k"),
        (999_950, "1.0M"),
        (5.6e6, "5.6M"),
        (-4021, "-4.0k"),
        (-12345, "-12k"),
        (math.inf, "-"),
        (math.nan, "-"),
        (1e30, ">999E"),
    ],
)
def test_rates(value, text):
    assert rate(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(318, "318"), (41_204, "41204"), (99_999, "99999"), (123_456, "123k"), (-9_999, "-9999")],
)
def test_counts_are_exact_up_to_five_digits(value, text):
    assert count(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0n"),
        (312, "312n"),
        (4_100, "4.1u"),
        (999_999, "1.0m"),
        (71_000_000, "71.0m"),
        (350_000_000, "350m"),
        (1_200_000_000, "1.20s"),
        (12_300_000_000, "12.3s"),
        (9_000_000_000_000, "9000s"),
        (10_080_000_000_000, "2.8h"),
        (-4_100, "-4.1u"),
    ],
)
def test_durations_name_their_unit_in_one_letter(value, text):
    assert duration_ns(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0B"), (188, "188B"), (1024, "1.0K"), (39 * 2**20, "39.0M")]
)
def test_sizes_count_in_powers_of_1024(value, text):
    assert bytes_(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0%"),
        (0.00001, "<0.1%"),
        (0.019, "1.9%"),
        (0.0996, "10%"),
        (0.91, "91%"),
        (1, "100%"),
        (12.5, "1250%"),
        (-0.1, "-10%"),
    ],
)
def test_shares(value, text):
    assert percent(value) == text


@given(share=st.floats(0, 1, exclude_max=True))
def test_a_loss_is_never_rounded_away(share):
    assert percent(share) != "100%"
