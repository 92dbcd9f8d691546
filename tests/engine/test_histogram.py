import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routilux.histogram import bin_of, bounds, difference, merge, percentile

NANOSECONDS = st.integers(0, 10**14)


def histogram(values: list[int]) -> dict[int, int]:
    bins: dict[int, int] = {}
    for value in values:
        bins[bin_of(value)] = bins.get(bin_of(value), 0) + 1
    return bins


@given(NANOSECONDS)
def test_a_value_lies_within_the_bounds_of_its_bin(value: int) -> None:
    low, high = bounds(bin_of(value))
    assert low <= value <= high
    assert bin_of(low) == bin_of(high) == bin_of(value)


@given(st.integers(1, 3000))
def test_bins_follow_each_other_without_a_gap(index: int) -> None:
    assert bounds(index)[0] == bounds(index - 1)[1] + 1


def test_a_negative_value_counts_as_zero() -> None:
    assert bin_of(-5) == 0


@given(st.lists(NANOSECONDS, min_size=1), st.floats(0, 1))
def test_a_percentile_is_within_1_6_percent_of_the_exact_one(
    values: list[int], share: float
) -> None:
    found = percentile(histogram(values), share)
    exact = sorted(values)[max(1, math.ceil(round(share * len(values), 6))) - 1]
    assert found is not None
    assert abs(found - exact) <= exact * 0.016


def test_nothing_has_no_percentile() -> None:
    assert percentile({}, 0.5) is None


def test_well_known_percentiles_of_small_exact_values() -> None:
    bins = histogram(list(range(1, 51)))
    assert [percentile(bins, share) for share in (0, 0.5, 0.9, 0.99, 1)] == [1, 25, 45, 50, 50]


@given(st.lists(st.lists(NANOSECONDS)))
def test_merging_shards_is_as_if_there_had_been_one(shards: list[list[int]]) -> None:
    together = histogram([value for shard in shards for value in shard])
    assert merge(map(histogram, shards)) == together


@given(st.lists(NANOSECONDS), st.lists(NANOSECONDS))
def test_the_difference_of_two_readings_is_what_came_between(
    old: list[int], new: list[int]
) -> None:
    assert difference(histogram(old + new), histogram(old)) == histogram(new)


@pytest.mark.parametrize("value", [0, 1, 63, 64, 65, 127, 128, 2**20 - 1, 2**20, 2**62])
def test_bins_at_the_edges_of_octaves(value: int) -> None:
    low, high = bounds(bin_of(value))
    assert low <= value <= high
    assert (high - low) <= max(0, value // 32)
