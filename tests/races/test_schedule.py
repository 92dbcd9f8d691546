"""Schedules are saved, loaded and run again; damage and other flows are named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from routilux import DamagedDataError, Flow, InvalidValueError, RoutiluxError
from routilux.races import Schedule, explore, replay
from tests.races.cases.case import Actor, fan_in, stat

TWO = stat("target", "n", 2)
EXTRA = False


class Racy(Actor):
    def work(self, **data: Any) -> None:
        if EXTRA:
            self.get_stat("other")
        self.set_stat("n", self.get_stat("n", 0) + 1)


class Repaired(Actor):
    def work(self, **data: Any) -> None:
        self.increment_stat("n")


def racy() -> Flow:
    return fan_in(Racy())


@pytest.fixture(scope="module")
def schedule() -> Schedule:
    found = explore(racy, check=TWO).schedule
    assert found is not None
    return found


def test_a_saved_schedule_is_the_same_and_repeats(schedule: Schedule, tmp_path: Path) -> None:
    file = tmp_path / "new" / "lost.json"
    schedule.save(file)
    loaded = Schedule.load(file)
    assert loaded == schedule
    for _ in range(20):
        again = replay(loaded, racy, check=TWO)
        assert again.same
        assert again.failure is not None
        assert again.state == {"target": {"n": "1"}}
        assert not again.edited
    assert len(again.steps) == len(schedule.ops) + 1


def test_a_file_says_what_it_is_of(schedule: Schedule) -> None:
    data = schedule.to_data()
    assert data["failure"]["kind"] == "invariant"
    assert data["flow"]["routines"] == ["target", "source0", "source1"]
    assert data["flow"]["build"].endswith("test_schedule:racy")
    assert "w target.stat:n" in data["ops"]
    assert sum(count for _, count in data["order"]) == len(data["ops"])
    assert json.loads(json.dumps(data)) == json.loads(json.dumps(data))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda data: {}, "is no schedule"),
        (lambda data: [], "is no schedule"),
        (lambda data: data | {"kind": "routilux.job"}, "is no schedule"),
        (lambda data: data | {"schema": 99}, "newer routilux"),
        (lambda data: data | {"order": 3}, "'order' is missing or no list"),
        (lambda data: data | {"order": [[1, 0]]}, "pairs of id and count"),
        (lambda data: data | {"order": [["x", 1]]}, "pairs of id and count"),
        (lambda data: data | {"ops": data["ops"][:-1]}, "different lengths"),
        (lambda data: data | {"ops": [3] * len(data["ops"])}, "must be texts"),
        (lambda data: data | {"flow": {}}, "must name its routines"),
        (lambda data: {k: v for k, v in data.items() if k != "seed"}, "'seed' is missing"),
    ],
)
def test_damage_is_named(schedule: Schedule, tmp_path: Path, change: Any, said: str) -> None:
    file = tmp_path / "damaged.json"
    file.write_text(json.dumps(change(json.loads(json.dumps(schedule.to_data())))), "utf-8")
    with pytest.raises(DamagedDataError, match=said):
        Schedule.load(file)


def test_a_file_that_is_none(tmp_path: Path) -> None:
    file = tmp_path / "torn.json"
    file.write_text('{"kind": "routilux.sch', "utf-8")
    with pytest.raises(DamagedDataError, match="no JSON file"):
        Schedule.load(file)
    with pytest.raises(FileNotFoundError):
        Schedule.load(tmp_path / "none.json")
    with pytest.raises(InvalidValueError, match=r"Schedule\.load"):
        replay("lost.json", racy)  # type: ignore[arg-type]


def test_a_schedule_of_another_flow_is_refused(schedule: Schedule) -> None:
    with pytest.raises(RoutiluxError, match="new: source2"):
        replay(schedule, lambda: fan_in(Racy(), sources=3), check=TWO)


def test_a_strict_replay_stops_at_the_first_step_that_is_other(
    schedule: Schedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{__name__}.EXTRA", True)
    again = replay(schedule, racy, check=TWO)
    assert not again.same
    assert again.first_difference is not None
    assert again.first_difference.expected == "r target.stat:n"
    assert again.first_difference.found == "r target.stat:other"
    loose = replay(schedule, racy, check=TWO, strict=False)
    assert loose.first_difference == again.first_difference
    assert len(loose.steps) >= len(schedule.ops)
    assert loose.state


def test_after_a_repair_the_schedule_passes(schedule: Schedule) -> None:
    again = replay(schedule, lambda: fan_in(Repaired()), check=TWO, strict=False)
    assert again.failure is None
    assert again.state == {"target": {"n": "2"}}
    assert again.edited
