"""What the header says that watching costs."""

import pytest

from tui.model.cost import Cost, Prices

SECOND = 1_000_000_000


def run(cost: Cost, *, done: int, timed: int, own: int = 0, answering: int = 0) -> None:
    """Two seconds in tenths, with so much in each."""
    for look in range(21):
        cost.take(look * SECOND // 10, look * own, look * answering, look * done, look * timed)


def test_it_is_both_processes_and_what_handlers_pay() -> None:
    cost = Cost(Prices(counted=300, traced=2_000))
    run(cost, done=1_000, timed=100, own=5_000_000, answering=1_000_000)
    assert cost.monitor == pytest.approx(0.05)
    assert cost.engine == pytest.approx(0.01 + (900 * 300 + 100 * 2_000) * 10 / 1e9)
    assert cost.total == pytest.approx(cost.monitor + cost.engine)
    assert cost.per_activation_ns == pytest.approx(cost.engine * 1e9 / 10_000)


def test_prices_that_come_later_count_from_then_on() -> None:
    cost = Cost()
    cost.take(0, 0, 0, 0, 0)
    cost.take(SECOND, 0, 0, 1_000_000, 0)
    assert cost.engine == 0
    cost.prices = Prices(counted=100, traced=1_000)
    cost.take(2 * SECOND, 0, 0, 1_001_000, 0)
    assert cost.engine == pytest.approx(1_000 * 100 / 1e9)


def test_a_few_events_a_second_say_nothing_of_one() -> None:
    cost = Cost(Prices(300, 2_000))
    run(cost, done=1, timed=1)
    assert cost.per_activation_ns is None


def test_flows_that_make_way_take_no_cost_back() -> None:
    cost = Cost(Prices(300, 2_000))
    cost.take(0, 0, 0, 5_000, 500)
    cost.take(SECOND, 0, 0, 10, 1)
    assert cost.engine >= 0
