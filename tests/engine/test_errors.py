import pickle

import pytest

from routilux import (
    DuplicateNameError,
    RoutiluxError,
    SelfDeadlockError,
    UnknownNameError,
)


@pytest.mark.parametrize(
    ("error", "parent"),
    [
        (UnknownNameError, ValueError),
        (DuplicateNameError, ValueError),
        (SelfDeadlockError, RuntimeError),
    ],
)
def test_errors_have_one_base_and_keep_their_builtin_parent(
    error: type[Exception], parent: type[Exception]
) -> None:
    assert issubclass(error, RoutiluxError)
    assert issubclass(error, parent)


def test_an_unknown_name_lists_what_there_is_but_not_all_of_much() -> None:
    names = [f"name{i}" for i in range(20)]
    text = str(UnknownNameError("slot", "zzz", "routine 'r'", names))
    assert text.startswith("routine 'r' has no slot 'zzz'; it has: name0, name1")
    assert text.endswith("name7, …")


def test_a_name_that_is_no_string_is_reported_too() -> None:
    assert "has no routine 5" in str(UnknownNameError("routine", 5, "flow 'f'", ["a"]))  # type: ignore[arg-type]


def test_an_unknown_name_error_survives_pickling() -> None:
    error = UnknownNameError("slot", "a", "routine 'r'", ["b"])
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error)
    assert (again.kind, again.name, again.known) == ("slot", "a", ("b",))
