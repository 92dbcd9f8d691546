"""Batcher and Aggregator: every item is in exactly one group, whoever brings it."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routilux import Flow, JobStatus
from routilux.builtin import Aggregator, Batcher
from tests.builtin.driving import Driver, LateTimers, sequential, threaded, timed
from tests.waiting import in_threads

# Batcher ------------------------------------------------------------------------------------------


def test_a_batch_is_sent_when_it_is_full() -> None:
    driver = sequential(Batcher(), size=3)
    for number in range(7):
        driver.send(number)
    assert driver.values(key="items") == [[0, 1, 2], [3, 4, 5]]
    assert driver.values(key="count") == [3, 3]


def test_the_rest_of_a_batch_is_sent_when_it_is_flushed() -> None:
    driver = sequential(Batcher(), size=3)
    for number in range(4):
        driver.send(number)
    driver.send(slot="flush")
    driver.send(slot="flush")
    assert driver.values(key="items") == [[0, 1, 2], [3]]


def test_a_batch_of_one_is_sent_at_once() -> None:
    driver = sequential(Batcher(), size=1, max_wait=60)
    assert driver.send("x").done
    assert driver.values(key="items") == [["x"]]


def test_a_batch_that_is_not_full_is_sent_after_its_time() -> None:
    with timed(Batcher(), size=3, max_wait=2.0) as driver:
        driver.send(1)
        driver.advance(1.9)
        driver.send(2)
        assert driver.got == []
        driver.advance(0.1)
        assert driver.values(key="items") == [[1, 2]]


def test_the_time_of_a_batch_begins_with_its_first_item() -> None:
    with timed(Batcher(), size=2, max_wait=2.0) as driver:
        driver.send(1)
        driver.advance(1.9)
        driver.send(2)
        driver.send(3)
        driver.advance(1.9)
        assert driver.values(key="items") == [[1, 2]]
        driver.advance(0.1)
        assert driver.values(key="items") == [[1, 2], [3]]


def test_a_full_batch_leaves_no_job_open() -> None:
    with timed(Batcher(), size=2, max_wait=60.0) as driver:
        first = driver.send(1)
        assert not first.done
        second = driver.send(2)
        assert (first.status, second.status) == (JobStatus.COMPLETED, JobStatus.COMPLETED)


def test_a_flushed_batch_leaves_no_job_open() -> None:
    with timed(Batcher(), size=5, max_wait=60.0) as driver:
        first = driver.send(1)
        driver.send(slot="flush")
        assert first.done
        driver.advance(100.0)
        assert driver.values(key="items") == [[1]]


def test_a_batch_whose_timer_went_with_its_job_is_sent_with_the_next_item() -> None:
    with timed(Batcher(), size=5, max_wait=2.0) as driver:
        driver.flow.cancel(driver.send(1))
        driver.advance(5.0)
        assert driver.got == []
        driver.send(2)
        assert driver.values(key="items") == [[1]]
        driver.advance(2.0)
        assert driver.values(key="items") == [[1], [2]]


def test_a_timer_that_runs_too_late_leaves_the_next_batch_alone() -> None:
    driver = sequential(Batcher(), size=2, max_wait=60)
    timers = LateTimers(driver.routine)
    driver.send(1)
    driver.send(2)
    driver.send(3)
    first, second = timers.calls
    first()
    assert driver.values(key="items") == [[1, 2]]
    second()
    second()
    assert driver.values(key="items") == [[1, 2], [3]]


def test_a_sequential_flow_waits_for_the_time_of_a_batch() -> None:
    driver = sequential(Batcher(), size=5, max_wait=0.05)
    driver.send(1)
    assert driver.values(key="items") == [[1]]


def test_a_batcher_without_a_flow_batches_by_size() -> None:
    batcher = Batcher()
    batcher.set_config(size=2)
    sink: list[Any] = []
    other = Batcher()
    other.define_slot("note", handler=lambda items: sink.append(items))
    from routilux import Connection

    event, slot = batcher.get_event("output"), other.get_slot("note")
    assert event is not None
    assert slot is not None
    Connection(event, slot)
    for number in range(3):
        batcher.handle(data=number)
    assert sink == [[0, 1]]


# Aggregator ---------------------------------------------------------------------------------------


def test_by_count_every_so_many_items_are_a_group() -> None:
    driver = sequential(Aggregator(), size=2)
    for number in range(5):
        driver.send(number)
    driver.send(slot="flush")
    assert [data for _, data in driver.got] == [
        {"items": [0, 1], "count": 2, "key": None},
        {"items": [2, 3], "count": 2, "key": None},
        {"items": [4], "count": 1, "key": None},
    ]


@pytest.mark.parametrize("key", ["data.user", "data['user']", lambda data: data["user"]])
def test_by_key_items_of_one_key_are_a_group(key: Any) -> None:
    driver = sequential(Aggregator(), mode="key", key=key, size=2)
    for user, number in [("a", 1), ("b", 2), ("a", 3), ("a", 4), ("b", 5)]:
        driver.send({"user": user, "n": number})
    assert [(d["key"], [i["n"] for i in d["items"]]) for _, d in driver.got] == [
        ("a", [1, 3]),
        ("b", [2, 5]),
    ]
    driver.send(slot="flush")
    assert driver.values(key="key") == ["a", "b", "a"]


def test_by_key_a_window_sends_groups_that_are_not_full() -> None:
    with timed(Aggregator(), mode="key", key="data[0]", size=3, window=1.0) as driver:
        driver.send("a1")
        driver.advance(0.5)
        driver.send("b1")
        driver.advance(0.5)
        assert driver.values(key="items") == [["a1"]]
        driver.advance(0.5)
        assert driver.values(key="items") == [["a1"], ["b1"]]


def test_by_time_what_arrives_within_the_window_is_a_group() -> None:
    with timed(Aggregator(), mode="time", window=1.0) as driver:
        for number in range(5):
            driver.send(number)
            driver.advance(0.4)
        driver.advance(1.0)
        assert driver.values(key="items") == [[0, 1, 2], [3, 4]]
        assert driver.values(key="key") == [None, None]


def test_by_time_there_may_be_a_group_per_key() -> None:
    with timed(Aggregator(), mode="time", window=1.0, key="data % 2") as driver:
        for number in range(5):
            driver.send(number)
        driver.advance(1.0)
        assert [(d["key"], d["items"]) for _, d in driver.got] == [(0, [0, 2, 4]), (1, [1, 3])]


def test_groups_that_were_sent_are_forgotten() -> None:
    aggregator = Aggregator()
    driver = sequential(aggregator, mode="key", key="data // 2", size=2)
    for number in range(200):
        driver.send(number)
    assert len(driver.got) == 100
    assert aggregator._groups == {}


# exactly once -------------------------------------------------------------------------------------


@pytest.fixture
def restless() -> Iterator[None]:
    """Let threads take turns as often as they can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(interval)


def check_groups(driver: Driver, expected: list[Any], size: int | None) -> None:
    """All items are there, each once; every group fits its count, its size and its key."""
    items = [item for group in driver.values(key="items") for item in group]
    assert Counter(items) == Counter(expected)
    for _, group in driver.got:
        assert group["count"] == len(group["items"]) > 0
        assert size is None or group["count"] <= size
        if group.get("key") is not None:
            assert {item % 7 for item in group["items"]} == {group["key"]}


@pytest.mark.usefixtures("restless")
@pytest.mark.parametrize(
    ("made", "config"),
    [
        (Batcher, {"size": 7}),
        (Batcher, {"size": 7, "max_wait": 0.002}),
        (Batcher, {"size": 1000, "max_wait": 0.001}),
        (Aggregator, {"size": 7}),
        (Aggregator, {"mode": "key", "key": "data % 7", "size": 5}),
        (Aggregator, {"mode": "key", "key": "data % 7", "size": 5, "window": 0.002}),
        (Aggregator, {"mode": "time", "window": 0.002}),
        (Aggregator, {"mode": "time", "window": 0.001, "key": "data % 7"}),
    ],
)
def test_under_eight_threads_each_item_is_in_exactly_one_group(
    made: type[Any], config: dict[str, Any]
) -> None:
    with threaded(made(), **config) as driver:
        in_threads(4, lambda thread: [driver.send(thread * 200 + n) for n in range(200)])
        for _ in range(5):
            driver.send(slot="flush")
        assert driver.flow.wait_for_completion(20)
        driver.send(slot="flush")
    check_groups(driver, list(range(800)), config.get("size"))
    assert driver.routine._groups == {}  # type: ignore[attr-defined]


@pytest.mark.usefixtures("restless")
def test_eight_threads_without_a_flow_lose_nothing() -> None:
    aggregator = Aggregator()
    aggregator.set_config(mode="key", key="data % 7", size=3)
    driver = Driver(aggregator, Flow("f"))

    def bring(thread: int) -> None:
        for number in range(100):
            aggregator.handle(data=thread * 100 + number)

    in_threads(8, bring)
    aggregator.flush()
    assert driver.flow.wait_for_completion(20)
    check_groups(driver, list(range(800)), 3)


_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.integers(0, 30)),
        st.tuples(st.just("advance"), st.integers(1, 15)),
        st.tuples(st.just("flush"), st.just(0)),
        st.tuples(st.just("cancel"), st.just(0)),
    ),
    max_size=25,
)


@given(
    _STEPS,
    st.sampled_from(
        [
            {"size": 3},
            {"size": 3, "window": 1.0},
            {"mode": "key", "key": "data % 7", "size": 2},
            {"mode": "key", "key": "data % 7", "size": 2, "window": 1.0},
            {"mode": "time", "window": 1.0},
        ]
    ),
)
def test_whatever_happens_each_item_is_in_exactly_one_group(
    steps: list[tuple[str, int]], config: dict[str, Any]
) -> None:
    sent: list[int] = []
    with timed(Aggregator(), **config) as driver:
        for what, value in steps:
            if what == "send":
                sent.append(value)
                driver.send(value)
            elif what == "advance":
                driver.advance(value / 10)
            elif what == "flush":
                driver.send(slot="flush")
            elif driver.jobs and not driver.jobs[-1].done:
                driver.flow.cancel(driver.jobs[-1])
        driver.send(slot="flush")
        check_groups(driver, sent, config.get("size"))
