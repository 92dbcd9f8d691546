"""Every filter in the docs can be used, and what they list is what there is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from routilux.records import Kind, Status
from tests.tui.building import watching
from tui.query.compiling import compiled
from tui.query.records import events_table
from tui.query.rows import lanes_table, output_table, routines_table, stats_table
from tui.query.table import Table

PAGE = (Path(__file__).parents[3] / "docs" / "monitor.md").read_text("utf-8")
TABLES: dict[str, Table[Any]] = {
    "events": events_table(watching()),
    "routines": routines_table(watching()),
    "workers": lanes_table(watching()),
    "stats": stats_table(),
    "output": output_table(),
}
EXAMPLES = [
    (pane, line.split("   ")[0].strip())
    for pane, block in re.findall(r"^```filter (\w+)\n(.*?)^```$", PAGE, re.M | re.S)
    for line in block.splitlines()
]


def test_every_pane_has_an_example() -> None:
    assert {pane for pane, _ in EXAMPLES} == set(TABLES)


@pytest.mark.parametrize(("pane", "text"), EXAMPLES)
def test_an_example_can_be_used(pane: str, text: str) -> None:
    assert compiled(text, TABLES[pane]) is not None


@pytest.mark.parametrize("pane", TABLES)
def test_every_field_is_described(pane: str) -> None:
    section = PAGE.partition("## Filters")[2].partition("\n## ")[0]
    for name in TABLES[pane].fields:
        assert f"`{name}`" in section, name
    for root in TABLES[pane].roots:
        assert f"`{root}." in section


def test_every_kind_and_status_is_described() -> None:
    for each in (*Kind, *Status):
        assert f"`{each.name.lower()}`" in PAGE, each
