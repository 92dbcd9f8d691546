"""Findings on screen: header, pane 8, the list with evidence, the way to it, and mutes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tui.building import World, flow_info
from tests.tui.screens.conftest import Same
from tests.tui.screens.driving import Driver, drive_canned
from tests.tui.screens.screen_text import screen_lines, screen_text
from tests.tui.screens.wrong import shop
from tui.mutes import Mutes
from tui.screens.dashboard import DashboardScreen
from tui.screens.detail import DetailScreen
from tui.screens.errors import ErrorsScreen
from tui.screens.findings import FindingsScreen
from tui.screens.jobs import JobsScreen
from tui.widgets.findings import FindingsBox, FindingsPane, wrap

SCENE = shop()


def screen(d: Driver) -> FindingsScreen:
    found = d.app.screen
    assert isinstance(found, FindingsScreen)
    return found


async def choose(d: Driver, ident: str) -> None:
    """Move the cursor of the list to the first finding of a lint."""
    listed = screen(d).query_one(FindingsBox)
    await d.press("g")
    for _ in range(30):
        if listed.chosen is not None and listed.chosen.id == ident:
            return
        await d.press("j")
    raise AssertionError(f"no {ident} in {[f.id for f in listed._shown]}")


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)])
def test_the_screen_of_findings_as_text(size: tuple[int, int], same: Same) -> None:
    async def script(d: Driver) -> None:
        await d.press("R", "j", "j", "j")
        same(screen_text(d.app), f"findings-{size[0]}x{size[1]}")

    drive_canned(script, *SCENE, size=size)


def test_pane_8_takes_the_bottom_row_and_gives_it_back_and_all_is_ascii(same: Same) -> None:
    async def script(d: Driver) -> None:
        assert "lints !" in screen_lines(d.app)[1]
        assert 8 not in d.visible
        await d.press("8")
        assert (d.focused, 8 in d.visible, 5 in d.visible) == (8, True, False)
        same(screen_text(d.app), "findings-pane-ascii")
        await d.press("7")
        assert (8 in d.visible, 7 in d.visible) == (False, True)
        await d.press("8", "escape")
        assert (8 in d.visible, 5 in d.visible) == (False, True)
        await d.press("R", "v")
        assert all(ord(char) < 128 for line in screen_lines(d.app) for char in line)

    drive_canned(script, *SCENE, ascii=True)


def test_enter_goes_to_the_evidence_from_the_list_and_from_the_pane() -> None:
    async def script(d: Driver) -> None:
        ways: dict[str, type[object]] = {
            "ERR": ErrorsScreen,
            "L02": JobsScreen,
            "L10": DetailScreen,
        }
        for ident, kind in ways.items():
            await d.press("R")
            await choose(d, ident)
            await d.press("enter")
            assert isinstance(d.app.screen, kind), ident
        await d.press("R")
        await choose(d, "L06")
        await d.press("enter")
        assert isinstance(d.app.screen, DashboardScreen)
        assert d.focused == 4
        await d.press("R")
        await choose(d, "L00")
        await d.press("enter")
        assert "It stands in /home/me/shop.py:39" in [n.message for n in d.app._notifications]
        await choose(d, "L05")
        await d.press("enter")
        assert (d.focused, len(d.app.screen_stack)) == (2, 2)
        await d.press("8", "enter")  # the first is the error
        assert isinstance(d.app.screen, ErrorsScreen)
        await d.press("escape")
        pane = d.dashboard.query_one(FindingsPane)
        assert pane.chosen is not None
        d.app.to_dashboard().show_evidence("events", (1, 2))
        await d.settle()
        assert 'routine="store"' in d.title(3)
        assert d.focused == 3

    drive_canned(script, *SCENE, size=(200, 50))


def test_a_finding_is_muted_with_a_reason_which_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "muted.json"

    async def script(d: Driver) -> None:
        lints = d.app.monitor.findings.count
        from tui.model.findings import Kind

        before = lints(Kind.LINT)
        await d.press("R")
        await choose(d, "L06")
        await d.press("M")
        await d.type("R and q are text")
        await d.press("escape")
        assert lints(Kind.LINT) == before
        await d.press("M", "enter")
        assert "a reason is needed" in screen_text(d.app)
        await d.type("known, small")
        await d.press("enter")
        assert lints(Kind.LINT) == before - 1
        assert Mutes(path).reasons == {"L06 shop": "known, small"}
        text = screen_text(d.app)
        assert "1 muted" in text
        assert "pool saturated" not in text
        await d.press("v", "G")
        text = screen_text(d.app)
        assert "pool saturated (muted)" in text
        assert "known, small" in text
        await d.press("M", "v")
        assert lints(Kind.LINT) == before
        assert Mutes(path).reasons == {}

    drive_canned(script, *SCENE, mutes=Mutes(path))


def test_nothing_wrong_and_names_that_look_like_markup_on_a_tiny_screen() -> None:
    async def nothing(d: Driver) -> None:
        await d.press("8")
        assert "nothing looks wrong" in d.text(8)
        assert "lints" not in screen_lines(d.app)[1]
        await d.press("R", "M", "enter", "v")
        assert "nothing looks wrong" in screen_text(d.app)
        assert "There is no finding to mute." in str([n.message for n in d.app._notifications])

    whole = World(flow_info([("a", "out", "b", "in")], entries=("a",)))
    drive_canned(nothing, whole.snapshot())

    async def strange(d: Driver) -> None:
        await d.press("R")
        for size in ((40, 12), (59, 19), (80, 24), (160, 40)):
            await d.resize(*size)
            await d.press("tab", "G", "g", "M", "escape")
            assert screen_text(d.app).strip()
        await choose(d, "L10")
        assert "[bold]漢字" in screen_text(d.app)

    drive_canned(strange, *shop(("[/]", "e\u0301" * 150, "[bold]漢字")), size=(40, 12))


def test_text_is_wrapped_by_cells() -> None:
    assert list(wrap("one two  three", 7)) == ["one two", "three"]
    assert list(wrap("漢字漢字 x", 4)) == ["漢字", "漢字", "x"]
    assert list(wrap("", 5)) == []
    assert list(wrap("it took 5.0 s, or so", 12)) == ["it took", "5.0 s, or so"]
