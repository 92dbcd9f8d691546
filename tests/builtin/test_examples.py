"""Every ready routine has an example in its docstring, and it prints what it says."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
import types

import pytest

import routilux.builtin
from routilux import Routine

#: A module that begins with an underscore is no routine but what several share.
MODULES = [name for _, name, _ in pkgutil.iter_modules(routilux.builtin.__path__) if name[0] != "_"]


def load(name: str) -> types.ModuleType:
    return importlib.import_module(f"routilux.builtin.{name}")


def classes(name: str) -> list[type[Routine]]:
    """The routines that a module defines."""
    module = load(name)
    return [
        each
        for each in vars(module).values()
        if inspect.isclass(each)
        and issubclass(each, Routine)
        and each.__module__ == module.__name__
    ]


@pytest.mark.parametrize("name", MODULES)
def test_the_example_of_a_routine_runs_and_prints_what_it_says(name: str) -> None:
    (routine,) = classes(name)
    finder = doctest.DocTestFinder(recurse=False, exclude_empty=True)
    tests = finder.find(routine, module=load(name), globs={})
    assert len(tests) == 1, f"{routine.__name__} has no example in its docstring"
    assert tests[0].examples, f"{routine.__name__} has no example in its docstring"
    runner = doctest.DocTestRunner(optionflags=doctest.REPORT_ONLY_FIRST_FAILURE)
    said: list[str] = []
    result = runner.run(tests[0], out=said.append)
    assert result.failed == 0, "".join(said)


@pytest.mark.parametrize("name", MODULES)
def test_a_module_is_one_routine_of_that_name_without_constructor_arguments(name: str) -> None:
    (routine,) = classes(name)
    assert routine.__name__.lower() == name.replace("_", "")
    assert not inspect.signature(routine).parameters
    made = routine()
    slots = set(made._slots)
    assert slots <= {"input", "flush", "request"}
    assert slots & {"input", "request"}
    assert made._events


@pytest.mark.parametrize("name", MODULES)
def test_the_docstring_of_a_routine_fits_on_a_screen(name: str) -> None:
    (routine,) = classes(name)
    text = routine.__doc__ or ""
    assert len(text.splitlines()) <= 45
    for port in ({*routine()._events} | {*routine()._config}) - {"input"}:
        assert port in text, f"{routine.__name__} does not explain {port}"


def test_the_package_exports_each_routine_and_nothing_else() -> None:
    assert routilux.builtin.__all__ == sorted(routilux.builtin.__all__)
    assert {classes(name)[0] for name in MODULES} == {
        getattr(routilux.builtin, name) for name in routilux.builtin.__all__
    }
