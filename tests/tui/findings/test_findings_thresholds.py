"""Thresholds from a configuration: one clear error for what is wrong."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tui.errors import UsageError
from tui.findings.growth import GrowingQueue
from tui.findings.pool import Saturated
from tui.findings.registry import IDS, LINTS, RACES, Thresholds


def test_what_is_not_set_keeps_its_default() -> None:
    found = Thresholds.from_mapping({"L06": {"seconds": 2}, "L05": {"on": False}, "L08": {}})
    assert found.of(Saturated) == {"seconds": 2.0, "share": 0.95}
    assert found.of(GrowingQueue)["seconds"] == 30.0
    assert found.off == {"L05"}


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        ({"L6": {}}, "no lint 'L6' with thresholds; did you mean 'L06'?"),
        ({"L06": {"second": 2}}, "lints.L06: no threshold 'second'; did you mean 'seconds'?"),
        ({"L06": {"zzz": 2}}, "there are: seconds, share, on"),
        ({"L06": {"seconds": "5"}}, "lints.L06.seconds: a number is needed, not '5'"),
        ({"L06": {"seconds": True}}, "a number is needed, not True"),
        ({"L06": {"seconds": -1}}, "a number of 0 or more"),
        ({"L06": {"seconds": float("nan")}}, "a number of 0 or more"),
        ({"L06": {"on": 1}}, "lints.L06.on: true or false is needed, not 1"),
        ({"L06": 5}, "lints.L06: a table of thresholds is needed, not 5"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(mapping: Any, said: str) -> None:
    with pytest.raises(UsageError) as raised:
        Thresholds.from_mapping(mapping)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_the_page_about_lints_names_each_with_its_thresholds() -> None:
    page = (Path(__file__).parents[3] / "docs" / "lints.md").read_text("utf-8")
    sections = {part.split()[0]: part for part in page.split("\n## ")[1:]}
    for lint in LINTS:
        section = sections[lint.id]
        assert section.startswith(f"{lint.id} {lint.title}\n")
        told = dict(re.findall(r"`(\w+) = ([\d.]+)`", section))
        assert {name: float(value) for name, value in told.items()} == lint.defaults
    assert sorted(IDS - {lint.id for lint in LINTS} - {*RACES}) == ["L00"]
    assert "L00" in sections


def test_every_lint_has_an_id_of_its_own_and_a_title() -> None:
    ids = [lint.id for lint in LINTS]
    assert len({*ids}) == len(ids)
    assert all(lint.title for lint in LINTS)
    assert {*ids} < IDS
