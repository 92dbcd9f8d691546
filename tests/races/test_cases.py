"""Bugs of many kinds are found, made minimal and repeated; their repaired twins never fail."""

from __future__ import annotations

import platform

import pytest

from routilux.races import Schedule, explore, replay
from tests.races.cases import CASES

#: Runs of a twin, if not all of the budget: enough to see that it is not reported lightly.
FEW = 15
NAMES = sorted(CASES)


@pytest.mark.parametrize("name", NAMES)
def test_a_bug_is_found_and_made_minimal_and_repeats(name: str) -> None:
    case = CASES[name]
    found = explore(case.broken, case.drive, case.check)
    assert (found.outcome, found.kind) == ("failed", case.kind), found
    assert found.schedules <= 1500
    assert found.preemptions == case.preemptions
    assert found.proved_bound is not None
    assert found.proved_bound <= case.preemptions
    assert found.report.text(80)
    assert found.schedule is not None
    again = replay(found.schedule, case.broken, case.drive, case.check)
    assert again.same, again.first_difference


@pytest.mark.parametrize("name", NAMES)
def test_a_repaired_twin_does_not_fail(name: str) -> None:
    case = CASES[name]
    found = explore(case.repaired, case.drive, case.check, schedules=FEW)
    assert not found.failed, found


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", NAMES)
def test_a_repaired_twin_does_not_fail_with_the_whole_budget(name: str) -> None:
    case = CASES[name]
    for seed in range(2):
        found = explore(case.repaired, case.drive, case.check, seed=seed)
        assert not found.failed, found


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", NAMES)
def test_a_bug_is_found_by_chance_too_and_repeats_a_hundred_times(name: str) -> None:
    case = CASES[name]
    for strategy in ("pos", "random"):
        found = explore(case.broken, case.drive, case.check, strategy=strategy, seed=7)
        assert found.failed, (strategy, found)
    found = explore(case.broken, case.drive, case.check)
    assert found.schedule is not None
    for _ in range(100):
        assert replay(found.schedule, case.broken, case.drive, case.check).same


def test_there_are_enough_of_them() -> None:
    assert len(CASES) >= 25
    assert {case.kind for case in CASES.values()} == {
        "invariant", "exception", "deadlock", "nondeterministic"
    }  # fmt: skip


def record_all(folder: str) -> None:
    """Write a schedule of each case; for `test_schedules_of_another_python_repeat` by hand."""
    for name, case in CASES.items():
        found = explore(case.broken, case.drive, case.check)
        if found.schedule is not None and found.granularity == "api":
            found.schedule.save(f"{folder}/{name}.json")


def repeat_all(folder: str) -> tuple[int, list[str]]:
    """How many of those repeat with this Python, and which do not."""
    from pathlib import Path

    missed = []
    files = sorted(Path(folder).glob("*.json"))
    for file in files:
        case = CASES[file.stem]
        schedule = Schedule.load(file)
        again = replay(schedule, case.broken, case.drive, case.check)
        if not again.same:
            said = f"{schedule.python} -> {platform.python_version()}"
            missed.append(f"{file.stem} {said}: {again.first_difference}")
    return len(files), missed
