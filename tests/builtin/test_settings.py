"""Wrong settings: one clear error when they are first used, for every routine and key."""

from __future__ import annotations

import json
from typing import Any

import pytest

import routilux.builtin
from routilux import RoutiluxError, Routine
from routilux.builtin import (
    Aggregator,
    Batcher,
    ConditionalRouter,
    DataFlattener,
    DataTransformer,
    DataValidator,
    Debouncer,
    Filter,
    Mapper,
    RateLimiter,
    ResultExtractor,
    RetryHandler,
    Splitter,
    TextClipper,
    TextRenderer,
    Throttle,
    TimeProvider,
)
from tests.builtin.driving import Driver, sequential

WRONG: list[tuple[type[Routine], dict[str, Any], str]] = [
    (Aggregator, {"mode": "sum"}, "'mode' must be one of 'count', 'key', 'time', not 'sum'"),
    (Aggregator, {"size": 0}, "'size' must be a whole number, 1 or more, not 0"),
    (Aggregator, {"mode": "key"}, "'key' must be a function or the text of an expression"),
    (Aggregator, {"mode": "time"}, "'window' must be a number, more than 0, not None"),
    (Aggregator, {"mode": "key", "key": "[data]"}, "'key' must give something hashable"),
    (Aggregator, {"window": -1}, "'window' must be a number, more than 0, not -1"),
    (Batcher, {"size": 2.5}, "'size' must be a whole number, 1 or more, not 2.5"),
    (Batcher, {"size": True}, "'size' must be a whole number, 1 or more, not True"),
    (Batcher, {"max_wait": "soon"}, "'max_wait' must be a number, more than 0, not 'soon'"),
    (Batcher, {"max_wait": 0}, "'max_wait' must be a number, more than 0, not 0"),
    (ConditionalRouter, {"routes": 5}, "'routes' must be a list of pairs (name, condition), not 5"),
    (ConditionalRouter, {"routes": [("a",)]}, "'routes' must be a list of pairs"),
    (ConditionalRouter, {"routes": [(1, "data")]}, "'routes' must be a list of pairs"),
    (ConditionalRouter, {"routes": [("a", 5)]}, "\"routes['a']\" must be a function or the text"),
    (ConditionalRouter, {"routes": [("a", "dta")]}, "unknown name 'dta'; did you mean 'data'?"),
    (ConditionalRouter, {"route_priority": "last"}, "one of 'first_match', 'all', not 'last'"),
    (ConditionalRouter, {"default_route": 5}, "'default_route' must be a name or None, not 5"),
    (DataFlattener, {"separator": 5}, "'separator' must be text, not 5"),
    (DataFlattener, {"preserve_lists": "yes"}, "'preserve_lists' must be True or False, not 'yes'"),
    (DataFlattener, {"max_depth": 5000}, "'max_depth' must be a whole number, from 1 to 500"),
    (DataTransformer, {"transformations": "lowercase"}, "'transformations' must be a list"),
    (DataTransformer, {"transformations": ["lower"]}, "no transformation 'lower'; did you mean"),
    (DataValidator, {"rules": []}, "'rules' must be a dict {field: rule or list of rules}, not []"),
    (DataValidator, {"rules": {"a": "integer"}}, "has no validator 'integer'; did you mean 'int"),
    (DataValidator, {"rules": {"a": 5}}, "\"rules['a']\" must be a name or a function, not 5"),
    (DataValidator, {"required_fields": "name"}, "'required_fields' must be a list of names"),
    (DataValidator, {"strict_mode": 1}, "'strict_mode' must be True or False, not 1"),
    (DataValidator, {"allow_extra_fields": None}, "'allow_extra_fields' must be True or False"),
    (Debouncer, {"wait": None}, "'wait' must be a number, more than 0, not None"),
    (Filter, {}, "'condition' must be a function or the text of an expression, not None"),
    (Filter, {"condition": "lambda: 1"}, "config 'condition': expression 'lambda: 1', column 1"),
    (Mapper, {}, "'function' must be a function or the text of an expression, not None"),
    (Mapper, {"function": "data +"}, "config 'function': expression 'data +', column 7"),
    (RateLimiter, {"rate": 0}, "'rate' must be a number, more than 0, not 0"),
    (RateLimiter, {"rate": float("nan")}, "'rate' must be a number, more than 0, not nan"),
    (RateLimiter, {"rate": float("inf")}, "'rate' must be a number, more than 0, not inf"),
    (RateLimiter, {"burst": 0}, "'burst' must be a whole number, 1 or more, not 0"),
    (RateLimiter, {"mode": "wait"}, "'mode' must be one of 'delay', 'drop', not 'wait'"),
    (ResultExtractor, {"strategy": "best"}, "one of 'auto', 'first_match', 'priority', 'all'"),
    (ResultExtractor, {"strategy": "priority", "priority": ["jsn"]}, "did you mean 'json'?"),
    (ResultExtractor, {"extract_json": "no"}, "'extract_json' must be True or False, not 'no'"),
    (RetryHandler, {}, "'function' must be a function or the text of an expression, not None"),
    (RetryHandler, {"function": int, "max_retries": -1}, "'max_retries' must be a whole number"),
    (RetryHandler, {"function": int, "delay": -1}, "'delay' must be a number, 0 or more, not -1"),
    (RetryHandler, {"function": int, "backoff": 0.5}, "'backoff' must be a number, 1 or more"),
    (TextClipper, {"max_length": 0}, "'max_length' must be a whole number, 1 or more, not 0"),
    (TextClipper, {"preserve_tracebacks": 0}, "'preserve_tracebacks' must be True or False"),
    (TextClipper, {"truncation_message": None}, "'truncation_message' must be text, not None"),
    (TextRenderer, {"tag_format": "html"}, "'tag_format' must be one of 'xml', 'markdown'"),
    (TextRenderer, {"indent": 99}, "'indent' must be a whole number, from 0 to 16, not 99"),
    (Throttle, {"interval": 0}, "'interval' must be a number, more than 0, not 0"),
    (Throttle, {"trailing": None}, "'trailing' must be True or False, not None"),
    (TimeProvider, {"format": "long"}, "one of 'iso', 'timestamp', 'formatted', 'custom'"),
    (TimeProvider, {"locale": "de_DE"}, "'locale' must be one of 'zh_CN', 'en_US', not 'de_DE'"),
    (TimeProvider, {"format": "custom", "custom_format": 5}, "'custom_format' must be text, not 5"),
    (TimeProvider, {"include_weekday": "no"}, "'include_weekday' must be True or False, not 'no'"),
]  # fmt: skip


@pytest.mark.parametrize(("made", "config", "says"), WRONG)
def test_a_wrong_setting_fails_the_job_and_says_what_is_allowed(
    made: type[Routine], config: dict[str, Any], says: str
) -> None:
    driver = sequential(made(), **config)
    job = driver.send("text", slot="request" if made is TimeProvider else "input")
    assert isinstance(job.error, RoutiluxError)
    assert says in str(job.error)
    assert f"routine 'it' ({made.__name__}) of flow 'f'" in str(job.error)
    assert driver.got == []


def test_every_routine_that_has_settings_is_tried_with_wrong_ones() -> None:
    tried = {made for made, _, _ in WRONG}
    every = {getattr(routilux.builtin, name) for name in routilux.builtin.__all__}
    assert every - tried == {Splitter}  # any field name is right


def test_a_routine_that_was_used_takes_new_settings() -> None:
    driver = sequential(Mapper(), function="data + 1")
    driver.send(1)
    driver.routine.set_config(function="data * 10")
    driver.send(2)
    assert driver.values() == [2, 20]


def test_an_empty_message_and_one_of_a_single_value_reach_a_routine() -> None:
    driver = sequential(Mapper(), function=lambda data: data)
    driver.send_raw({})
    driver.send_raw({"anything": 5})
    driver.send_raw({"a": 1, "b": 2})
    driver.send_raw({"data": 3, "more": 4})
    driver.send_raw({"data": None})
    driver.send_raw({"data": None, "more": 4})
    assert driver.values() == [{}, 5, {"a": 1, "b": 2}, 3, None, None]


@pytest.mark.parametrize("name", routilux.builtin.__all__)
def test_a_routine_is_reached_by_its_entry_slot_and_has_no_trigger(name: str) -> None:
    routine: Routine = getattr(routilux.builtin, name)()
    assert routine.get_slot("trigger") is None
    assert Driver(routine, routilux.Flow("f")).flow.entry_routines() == []


def test_a_flow_of_ready_routines_can_be_saved_and_goes_on_as_before() -> None:
    router, mapper = ConditionalRouter(), Mapper()
    router.add_route("large", "data > 100")
    router.set_config(default_route="small")
    mapper.set_config(function="data + 1")
    saved = routilux.Flow("saved")
    for routine_id, routine in {"router": router, "mapper": mapper}.items():
        saved.add_routine(routine, routine_id)
    saved.connect("router", "large", "mapper", "input")
    for name in routilux.builtin.__all__:
        saved.add_routine(getattr(routilux.builtin, name)(), name)
    text = json.dumps(saved.serialize())

    loaded = routilux.Flow("loaded")
    loaded.deserialize(json.loads(text))
    for number in (50, 500):
        loaded.execute("router", {"data": number}, entry_slot="input")
    assert loaded.routines["mapper"].get_stat("total_map") == 1
