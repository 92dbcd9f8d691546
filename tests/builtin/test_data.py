"""DataTransformer, DataValidator, DataFlattener."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routilux import RoutiluxError
from routilux.builtin import DataFlattener, DataTransformer, DataValidator
from tests.builtin.driving import sequential


def only(driver: Any) -> dict[str, Any]:
    """The one message that came out."""
    ((_, data),) = driver.got
    return dict(data)


# DataTransformer ----------------------------------------------------------------------------------


def transformed(data: Any, *names: str) -> dict[str, Any]:
    driver = sequential(DataTransformer(), transformations=list(names))
    driver.send(data)
    return only(driver)


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("lowercase", "ABC", "abc"),
        ("uppercase", {"a": "x", "n": 1}, {"a": "X", "n": 1}),
        ("strip_whitespace", [" a ", {"b": " c"}], ["a", {"b": "c"}]),
        ("to_string", 5, "5"),
        ("to_string", {"a": 1, "b": None}, {"a": "1", "b": "None"}),
        ("to_int", {"a": "5", "b": 2.9}, {"a": 5, "b": 2}),
        ("to_float", ("1.5", 2), (1.5, 2.0)),
        (
            "remove_none",
            {"a": None, "b": [1, None, {"c": None}], "d": (None, 2)},
            {"b": [1, {}], "d": (2,)},
        ),
        ("remove_none", None, None),
    ],
)
def test_a_built_in_transformation_works_on_every_value(
    name: str, data: object, expected: object
) -> None:
    assert transformed(data, name) == {
        "transformed_data": expected,
        "transformation_applied": [name],
        "errors": None,
    }


def test_transformations_are_applied_in_order_and_leave_the_input_alone() -> None:
    data = {"name": " Ann ", "age": None}
    result = transformed(data, "remove_none", "strip_whitespace", "uppercase")
    assert result["transformed_data"] == {"name": "ANN"}
    assert data == {"name": " Ann ", "age": None}


def test_without_transformations_the_data_passes_unchanged() -> None:
    assert transformed(5) == {
        "transformed_data": 5,
        "transformation_applied": [],
        "errors": None,
    }


def test_a_transformation_that_fails_is_reported_and_the_next_goes_on() -> None:
    result = transformed({"a": " x "}, "to_int", "strip_whitespace")
    assert result["transformed_data"] == {"a": "x"}
    assert result["transformation_applied"] == ["strip_whitespace"]
    (error,) = result["errors"]
    assert error.startswith("to_int: ValueError: invalid literal")


def test_a_registered_transformation_gets_the_whole_data() -> None:
    transformer = DataTransformer()
    transformer.register_transformation("count", len)
    driver = sequential(transformer, transformations=["count"])
    driver.send({"a": 1, "b": 2})
    assert only(driver)["transformed_data"] == 2


def test_a_registered_transformation_belongs_to_one_routine() -> None:
    DataTransformer().register_transformation("mine", len)
    job = sequential(DataTransformer(), transformations=["mine"]).send(1)
    assert "has no transformation 'mine'" in str(job.error)


def test_only_functions_are_registered() -> None:
    with pytest.raises(RoutiluxError, match="must be a function of the data, not 5"):
        DataTransformer().register_transformation("x", 5)  # type: ignore[arg-type]
    with pytest.raises(RoutiluxError, match="must be a function of the value, not 5"):
        DataValidator().register_validator("x", 5)  # type: ignore[arg-type]


# DataValidator ------------------------------------------------------------------------------------


def errors_of(data: Any, **config: Any) -> list[str]:
    driver = sequential(DataValidator(), **config)
    job = driver.send(data)
    assert job.error is None
    ((event, message),) = driver.got
    if event == "valid":
        assert message == {"validated_data": data}
        return []
    assert message["data"] == data
    return list(message["errors"])


@pytest.mark.parametrize(
    ("rule", "good", "bad", "error"),
    [
        ("string", "x", 5, "must be a string"),
        ("int", 5, 5.0, "must be an int"),
        ("int", -1, True, "must be an int"),
        ("float", 5.0, 5, "must be a float"),
        ("number", 5, "5", "must be a number"),
        ("number", 5.5, False, "must be a number"),
        ("bool", False, 0, "must be a bool"),
        ("list", [], (), "must be a list"),
        ("dict", {}, [], "must be a dict"),
        ("not_empty", "x", "", "is empty"),
        ("not_empty", 0, None, "is empty"),
        ("positive", 0.1, 0, "must be positive"),
        ("positive", 1, "x", "must be positive: TypeError: "),
    ],
)
def test_a_built_in_check_says_what_is_wrong(
    rule: str, good: object, bad: object, error: str
) -> None:
    assert errors_of({"field": good}, rules={"field": rule}) == []
    (said,) = errors_of({"field": bad}, rules={"field": rule})
    assert said.startswith(f"field: {error}")


def test_all_errors_are_collected_unless_strict() -> None:
    config: dict[str, Any] = {
        "rules": {"age": ["int", "positive"], "name": "not_empty"},
        "required_fields": ["name", "mail"],
        "allow_extra_fields": False,
    }
    data = {"age": -5.5, "name": "", "color": "red"}
    assert errors_of(data, **config) == [
        "mail: is missing",
        "color: is not expected",
        "age: must be an int",
        "age: must be positive",
        "name: is empty",
    ]
    assert errors_of(data, strict_mode=True, **config) == ["mail: is missing"]


def test_rules_of_absent_fields_are_skipped() -> None:
    assert errors_of({}, rules={"age": "int"}) == []


def test_a_check_may_be_a_function_with_or_without_a_message() -> None:
    def even(value: int) -> bool:
        return value % 2 == 0

    def small(value: int) -> tuple[bool, str]:
        return value < 10, f"{value} is too large"

    assert errors_of({"n": 4}, rules={"n": [even, small]}) == []
    assert errors_of({"n": 11}, rules={"n": [even, small]}) == [
        "n: fails even",
        "n: 11 is too large",
    ]


def test_a_registered_check_is_known_by_its_name() -> None:
    validator = DataValidator()
    validator.register_validator("short", lambda value: len(value) < 3)
    driver = sequential(validator, rules={"a": "short"})
    driver.send({"a": "long text"})
    assert driver.values("invalid", "errors") == [["a: fails short"]]


@pytest.mark.parametrize("data", [None, 5, [], "text"])
def test_data_that_is_no_dict_is_invalid(data: object) -> None:
    assert errors_of(data) == [f"the data must be a dict, not {type(data).__name__}"]


def test_strict_mode_does_not_run_the_checks_behind_the_first_error() -> None:
    ran: list[object] = []

    def note(value: object) -> bool:
        ran.append(value)
        return True

    rules = {"a": "int", "b": note}
    assert errors_of({"a": "x", "b": 1}, rules=rules, strict_mode=True) == ["a: must be an int"]
    assert ran == []


# DataFlattener ------------------------------------------------------------------------------------


def flattened(data: Any, **config: Any) -> dict[str, Any]:
    driver = sequential(DataFlattener(), **config)
    assert driver.send(data).error is None
    return only(driver)


def test_nested_dicts_become_paths() -> None:
    assert flattened({"a": {"b": {"c": 1}}, "d": 2}) == {
        "flattened_data": {"a.b.c": 1, "d": 2},
        "original_type": "dict",
        "depth": 3,
    }


def test_the_separator_may_be_another() -> None:
    assert flattened({"a": {"b": 1}}, separator="/")["flattened_data"] == {"a/b": 1}


def test_lists_are_kept_unless_their_indices_are_wanted() -> None:
    data = {"a": [1, {"b": 2}]}
    assert flattened(data)["flattened_data"] == {"a": [1, {"b": 2}]}
    flat = flattened(data, preserve_lists=False)
    assert (flat["flattened_data"], flat["depth"]) == ({"a.0": 1, "a.1.b": 2}, 3)
    assert flattened([1, (2, 3)], preserve_lists=False)["flattened_data"] == {
        "0": 1,
        "1.0": 2,
        "1.1": 3,
    }


@pytest.mark.parametrize(("data", "kind"), [(5, "int"), (None, "NoneType"), ([1], "list")])
def test_data_that_is_not_nested_is_kept_under_one_key(data: object, kind: str) -> None:
    assert flattened(data) == {"flattened_data": {"value": data}, "original_type": kind, "depth": 0}


def test_empty_dicts_and_lists_are_not_lost() -> None:
    flat = flattened({"a": {}, "b": [], "c": {"d": {}}}, preserve_lists=False)
    assert flat["flattened_data"] == {"a": {}, "b": [], "c.d": {}}


def test_what_is_nested_too_deeply_is_kept_as_it_is() -> None:
    flat = flattened({"a": {"b": {"c": 1}}}, max_depth=2)
    assert (flat["flattened_data"], flat["depth"]) == ({"a.b": {"c": 1}}, 2)


def test_a_deep_nest_is_flattened_to_the_limit() -> None:
    data: dict[str, Any] = {}
    for _ in range(2000):
        data = {"a": data}
    assert flattened(data, max_depth=500)["depth"] == 500


def test_a_dict_that_contains_itself_is_marked() -> None:
    data: dict[str, Any] = {"a": {"b": 1}}
    data["a"]["me"] = data
    assert flattened(data)["flattened_data"] == {"a.b": 1, "a.me": "<cycle>"}


def test_a_dict_that_occurs_twice_is_no_cycle() -> None:
    shared = {"x": 1}
    assert flattened({"a": shared, "b": shared})["flattened_data"] == {"a.x": 1, "b.x": 1}


_KEYS = st.text("abcde", min_size=1, max_size=3)
_NESTED: st.SearchStrategy[Any] = st.recursive(
    st.integers(), lambda inner: st.dictionaries(_KEYS, inner, min_size=1, max_size=3)
)


@given(_NESTED)
def test_every_plain_value_is_found_by_its_path(data: Any) -> None:
    flat = flattened(data)["flattened_data"]
    for path, value in flat.items():
        found = data if isinstance(data, int) else None
        if found is None:
            found = data
            for key in path.split("."):
                found = found[key]
        assert found == value
