"""What one activation costs to be known, measured."""

from tui.session import prices


def test_tracing_costs_more_than_counting_and_both_are_less_than_a_hundred_microseconds() -> None:
    counted, traced = prices.measure(1_100, 3)
    assert 0 <= counted < traced < 100_000
