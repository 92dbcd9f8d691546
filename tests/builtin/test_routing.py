"""ConditionalRouter, Filter, Mapper, Splitter: where data goes and what becomes of it."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from routilux import Flow, RoutiluxError
from routilux.builtin import ConditionalRouter, Filter, Mapper, Splitter
from tests.builtin.driving import sequential, threaded
from tests.waiting import in_threads

ORDERS: list[dict[str, Any]] = [
    {"amount": 500, "kind": "book"},
    {"amount": 50, "kind": "book"},
    {"amount": 500, "kind": "gift"},
    {"amount": 50, "kind": "gift"},
]


def amounts(driver: Any, event: str) -> list[tuple[int, str]]:
    return [(data["amount"], data["kind"]) for data in driver.values(event)]


# conditions ---------------------------------------------------------------------------------------


class Limits:
    def large(self, data: dict[str, Any], config: dict[str, Any]) -> bool:
        return bool(data["amount"] > config["limit"])


def positional_only(data: dict[str, Any], config: Any = None, /) -> bool:
    return config is None and data["amount"] > 100


@pytest.mark.parametrize(
    "condition",
    [
        "data.amount > 100",
        "data['amount'] > config.limit",
        "data.get('amount', 0) > config.get('limit')",
        "isinstance(data, dict) and data.amount > 100 and stats.get('total', 0) == 0",
        {"amount": 500},
        {"amount": lambda amount: amount > 100},
        lambda data: data["amount"] > 100,
        lambda config: config["amount"] > 100,
        lambda data, config: data["amount"] > config["limit"],
        lambda data, stats, config: data["amount"] > config["limit"] and "x" not in stats,
        lambda data, *, config: data["amount"] > config["limit"],
        lambda data, other=0: data["amount"] > 100 + other,
        Limits().large,
        partial(lambda limit, data: data["amount"] > limit, 100),
        positional_only,
    ],
)
@pytest.mark.parametrize("made", [Filter, ConditionalRouter])
def test_a_condition_may_be_written_in_many_ways(made: type[Any], condition: Any) -> None:
    routine = made()
    routine.set_config(limit=100, condition=condition, routes=[("output", condition)])
    routine.set_config(default_route="rejected")
    driver = sequential(routine)
    for order in ORDERS:
        assert driver.send(order).error is None
    assert amounts(driver, "output") == [(500, "book"), (500, "gift")]
    assert amounts(driver, "rejected") == [(50, "book"), (50, "gift")]


@pytest.mark.parametrize("data", [None, 5, "text", [1], {}, {"kind": "book"}])
def test_a_dict_of_fields_matches_only_dicts_that_have_them(data: object) -> None:
    driver = sequential(Filter(), condition={"kind": "book", "amount": lambda amount: True})
    driver.send(data)
    assert driver.got == [("rejected", {"data": data})]


def test_a_condition_that_fails_fails_the_job_and_is_named() -> None:
    router = ConditionalRouter()
    router.add_route("large", "data.amount > 100")
    job = sequential(router).send({"amuont": 5})
    assert isinstance(job.error, RoutiluxError)
    assert "no key 'amuont'" in str(job.error) or "no key 'amount'" in str(job.error)
    assert any("condition of route 'large'" in note for note in job.error.__notes__)
    assert router.get_stat("failed_route") == 1


# ConditionalRouter --------------------------------------------------------------------------------


def test_the_first_route_that_matches_gets_the_data() -> None:
    router = ConditionalRouter()
    router.add_route("large", "data.amount > 100")
    router.add_route("gift", {"kind": "gift"})
    driver = sequential(router)
    for order in ORDERS:
        driver.send(order)
    assert [(event, data["route"]) for event, data in driver.got] == [
        ("large", "large"),
        ("output", "unmatched"),
        ("large", "large"),
        ("gift", "gift"),
    ]
    assert driver.got[0][1]["data"] is ORDERS[0]


def test_all_routes_that_match_get_the_data_if_wanted() -> None:
    router = ConditionalRouter()
    router.set_config(route_priority="all")
    router.add_route("large", "data.amount > 100")
    router.add_route("gift", {"kind": "gift"})
    driver = sequential(router)
    driver.send(ORDERS[2])
    driver.send(ORDERS[1])
    assert [event for event, _ in driver.got] == ["large", "gift", "output"]


def test_what_meets_no_condition_takes_the_default_route() -> None:
    driver = sequential(ConditionalRouter(), routes=[("never", "False")], default_route="other")
    driver.send(1)
    assert driver.got == [("other", {"data": 1, "route": "other"})]


def test_a_router_without_routes_sends_everything_as_unmatched() -> None:
    driver = sequential(ConditionalRouter())
    driver.send(1)
    assert driver.got == [("output", {"data": 1, "route": "unmatched"})]


def test_the_events_of_routes_can_be_connected_before_anything_was_sent() -> None:
    router = ConditionalRouter()
    router.set_config(routes=[["listed", "True"]], default_route="rest")
    router.add_route("added", "True")
    flow = Flow("f")
    flow.add_routine(router, "router")
    show = Mapper()
    flow.add_routine(show, "show")
    for event in ("listed", "rest", "added", "output"):
        flow.connect("router", event, "show", "input")


def test_a_wrong_condition_is_refused_when_its_route_is_added() -> None:
    router = ConditionalRouter()
    with pytest.raises(RoutiluxError, match="column 1: unknown name 'dta'; did you mean 'data'"):
        router.add_route("large", "dta.amount > 100")
    assert router.get_config("routes") == []


def test_routes_that_are_added_at_the_same_time_are_all_there() -> None:
    router = ConditionalRouter()

    def add(thread: int) -> None:
        for number in range(20):
            router.add_route(f"r{thread}.{number}", "False")

    in_threads(8, add)
    assert len(router.get_config("routes")) == 160
    assert len(router._events) == 161


def test_eight_threads_may_route_at_once() -> None:
    router = ConditionalRouter()
    router.add_route("even", "data % 2 == 0")
    router.add_route("odd", lambda data: data % 2 == 1)
    with threaded(router) as driver:
        for number in range(400):
            driver.send(number)
    assert sorted(driver.values("even")) == list(range(0, 400, 2))
    assert sorted(driver.values("odd")) == list(range(1, 400, 2))
    assert router.get_stat("total_route") == 400


# Filter, Mapper, Splitter -------------------------------------------------------------------------


def test_a_filter_counts_what_passes_and_what_does_not() -> None:
    driver = sequential(Filter(), condition="data > 2")
    for number in range(5):
        driver.send(number)
    assert driver.values() == [3, 4]
    assert driver.values("rejected") == [0, 1, 2]
    assert (driver.routine.get_stat("passed"), driver.routine.get_stat("rejected")) == (2, 3)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("data * 2", 42),
        ("data + config.more", 26),
        ("{'value': data}", {"value": 21}),
        (lambda data: data * 2, 42),
        (lambda data, config: data + config["more"], 26),
        (str, "21"),
        ("None", None),
    ],
)
def test_a_mapper_sends_on_what_its_function_returns(function: Any, expected: object) -> None:
    driver = sequential(Mapper(), function=function, more=5)
    driver.send(21)
    assert driver.got == [("output", {"data": expected})]


def test_a_mapper_whose_function_raises_fails_the_job_and_counts_it() -> None:
    driver = sequential(Mapper(), function=lambda data: 1 / data)
    job = driver.send(0)
    assert isinstance(job.error, ZeroDivisionError)
    assert driver.send(1).error is None
    stats = driver.routine.stats()
    assert (stats["total_map"], stats["failed_map"], stats["successful_map"]) == (2, 1, 1)


@pytest.mark.parametrize("items", [[1, 2], (1, 2), {1, 2}, {1: "a", 2: "b"}.keys(), range(1, 3)])
def test_a_splitter_sends_each_item_with_its_place(items: object) -> None:
    driver = sequential(Splitter())
    driver.send(items)
    assert [data for _, data in driver.got] == [
        {"item": 1, "index": 0, "total": 2},
        {"item": 2, "index": 1, "total": 2},
    ]


def test_a_splitter_takes_the_list_from_a_field_if_wanted() -> None:
    driver = sequential(Splitter(), field="lines")
    driver.send({"lines": ["a", "b"], "name": "x"})
    assert driver.values(key="item") == ["a", "b"]


@pytest.mark.parametrize(
    ("data", "what"), [(5, "int"), ("text", "str"), ({"a": 1}, "dict"), (None, "NoneType")]
)
def test_a_splitter_refuses_what_is_no_list(data: object, what: str) -> None:
    job = sequential(Splitter()).send(data)
    assert f"the data must be a list, tuple or set, not {what}" in str(job.error)


def test_a_splitter_names_the_field_that_holds_no_list() -> None:
    job = sequential(Splitter(), field="lines").send({"other": []})
    assert "the field 'lines' of the data must be a list, tuple or set" in str(job.error)


def test_an_empty_list_gives_no_message() -> None:
    driver = sequential(Splitter())
    assert driver.send([]).error is None
    assert driver.got == []
