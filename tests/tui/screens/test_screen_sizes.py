"""Small screens, changing screens, and what is written of a screen."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import cast
from xml.etree import ElementTree as ET

import pytest
from textual.widgets import Input

from tests.tui.building import CannedSession, World, flow_info
from tests.tui.screens.conftest import Same
from tests.tui.screens.driving import Dimensions, Driver, drive, drive_canned
from tests.tui.screens.gallery import SHOTS, items, leave
from tests.tui.screens.scene import replay
from tests.tui.screens.screen_text import screen_lines, screen_strips, screen_text
from tests.tui.screens.trouble import bad_day
from tui.screens.dashboard import DashboardScreen
from tui.screens.help import HelpScreen
from tui.session.messages import Snapshot
from tui.widgets.events import EventsPane
from tui.widgets.filterbar import FilterBar

FEW = replay(2)
#: From nothing to more than anybody has.
TWENTY: tuple[Dimensions, ...] = (
    (120, 40), (80, 24), (80, 23), (59, 16), (60, 15), (60, 16), (40, 12), (20, 5), (10, 3),
    (3, 3), (1, 1), (2, 1), (1, 30), (300, 1), (300, 80), (200, 50), (160, 20), (99, 24),
    (100, 24), (61, 50),
)  # fmt: skip


def assert_drawn(d: Driver, size: Dimensions, what: str) -> None:
    """The screen is as large as the terminal."""
    strips = screen_strips(d.app)
    assert len(strips) == size[1], what
    assert {strip.cell_length for strip in strips} == {size[0]}, what


# very small ---------------------------------------------------------------------------------------


def test_below_60x16_there_is_a_list_of_what_matters_most(same: Same) -> None:
    async def script(d: Driver) -> None:
        same(screen_text(d.app), "small-40x12")
        await d.press("3")
        assert d.title(3).startswith("3 Events")
        assert d.visible == [3]
        await d.press("tab")
        assert d.visible == [4]
        await d.press("escape")
        assert "too small for panes" not in screen_text(d.app)  # 40 cells have no room for that
        assert "too small: 1-7 a pane" in screen_text(d.app)
        await d.press("z")
        assert d.visible == [1]
        await d.press("escape")
        for size in ((59, 30), (100, 15)):
            await d.resize(*size)
            assert "too small for panes (60x16)" in screen_text(d.app)
        await d.resize(24, 4)
        same(screen_text(d.app), "small-24x4")

    drive_canned(script, *bad_day(), size=(40, 12))


def test_where_one_was_is_kept_while_there_is_no_room() -> None:
    async def script(d: Driver) -> None:
        await d.press("4")
        await d.resize(30, 8)
        assert d.visible == [51]
        await d.resize(100, 30)
        assert d.focused == 4
        await d.resize(30, 8)
        await d.press("2")
        assert d.visible == [2]
        await d.resize(100, 30)  # what was zoomed only for want of room is not any more
        assert {1, 2, 3, 4, 5, 6} <= set(d.visible)
        await d.press("3", "z")
        await d.resize(30, 8)
        assert d.visible == [3]
        await d.resize(100, 30)
        assert d.visible == [3]
        await d.press("escape", "slash")
        await d.type("run>")
        await d.resize(30, 8)
        await d.type("1ms")
        assert d.dashboard.query_one(Input).value == "run>1ms"  # typing goes on
        await d.press("enter")
        assert d.visible == [3]
        assert cast("EventsPane", d.pane(3)).filter == "run>1ms"
        await d.resize(100, 30)
        await d.press("slash")
        d.pane(1).focus()
        await d.press("escape")
        assert not d.dashboard.query_one(FilterBar).display

    drive_canned(script, *FEW, size=(100, 30))


# low ----------------------------------------------------------------------------------------------


def test_below_24_lines_the_bottom_panes_are_one_line_each(same: Same) -> None:
    async def script(d: Driver) -> None:
        same(screen_text(d.app), "low-80x20")
        line = screen_lines(d.app)[-2]
        assert line.startswith(" 5 Throughput  in ")
        assert "w99 97.5m" in line
        assert line.endswith("6 Stats  5")
        await d.press("5")
        assert screen_lines(d.app)[-2].startswith(">5 Throughput")
        await d.press("z")
        assert d.visible == [5]
        assert "┏" in screen_text(d.app)
        await d.press("escape", "7")
        assert "orders fetched" in d.text(7)
        await d.press("escape")
        await d.resize(200, 20)
        assert "7 Output" in screen_lines(d.app)[-2]
        await d.resize(80, 24)
        assert "╭─ 6 Stats" in screen_text(d.app)

    drive_canned(script, *replay(), size=(80, 20))


# changing -----------------------------------------------------------------------------------------


async def _resized(d: Driver, scene: str, sizes: tuple[Dimensions, ...]) -> None:
    """Open one screen after the other, each at the next size, while looks go on coming."""
    session = cast("CannedSession", d.app.session)
    looks = [item for item in items(scene) if isinstance(item, Snapshot)]
    turns = itertools.cycle([shot for shot in SHOTS if shot.scene == scene])
    for number, size in enumerate(sizes):
        shot = next(turns)
        await shot.opens(d)
        await d.resize(*size)
        session.add(looks[-1 - number % 2])
        await d.tick()
        assert_drawn(d, size, f"{shot.name} at {size}")
        await d.resize(120, 40)
        await leave(d)


def test_screens_change_their_size_through_20_sizes_while_busy() -> None:
    async def script(d: Driver) -> None:
        for number, size in enumerate(TWENTY):
            cast("CannedSession", d.app.session).add(looks[number])
            await d.app.tick()
            await d.resize(*size)
            assert_drawn(d, size, str(size))
        await d.resize(120, 40)
        await _resized(d, "orders", ((20, 5), (61, 50), (1, 1)))

    looks = [item for item in items("orders") if isinstance(item, Snapshot)]
    drive(script, CannedSession(), size=TWENTY[0])


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("scene", ["orders", "close", "parcels", "payloads", "trouble"])
def test_every_screen_at_every_size(scene: str) -> None:
    async def script(d: Driver) -> None:
        for item in items(scene):
            fold = d.app.monitor.apply if isinstance(item, Snapshot) else d.app.monitor.handle
            fold(item)
        await d.tick()
        await d.resize(120, 40)
        shots = sum(shot.scene == scene for shot in SHOTS)
        await _resized(d, scene, tuple(s for s in TWENTY for _ in range(shots)))

    drive(script, CannedSession(), size=TWENTY[0])


def test_a_terminal_of_one_cell_from_the_beginning() -> None:
    async def script(d: Driver) -> None:
        assert_drawn(d, (1, 1), "one cell")
        await d.press("1", "z", "escape", "question_mark", "escape", "J", "escape")
        await d.resize(80, 24)
        assert "1 Routines" in screen_text(d.app)

    drive_canned(script, *FEW, size=(1, 1))


# written ------------------------------------------------------------------------------------------


def test_the_screen_is_written_as_svg_and_text_and_nothing_is_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    async def script(d: Driver) -> None:
        shown = screen_text(d.app)
        await d.press("Y")
        assert (tmp_path / "screen.txt").read_text("utf-8") == shown
        root = ET.parse(tmp_path / "screen.svg").getroot()
        text = "".join(root.itertext()).replace("\xa0", " ")
        assert "[red]fetch" in text
        told = [n.message for n in d.app._notifications]
        assert told == [f"screen.svg and screen.txt in {tmp_path}"]
        (tmp_path / "screen-2.txt").write_text("mine")
        d.app.clear_notifications()
        await d.press("J", "Y")
        assert (tmp_path / "screen-2.txt").read_text() == "mine"
        assert not (tmp_path / "screen-2.svg").exists()
        assert "Jobs" in (tmp_path / "screen-3.txt").read_text("utf-8")
        await d.press("escape", "question_mark", "Y")
        assert isinstance(d.app.screen, HelpScreen)
        assert not (tmp_path / "screen-4.txt").exists()  # what is searched for is text
        await d.press("escape", "escape", "slash", "Y")
        assert d.dashboard.query_one(Input).value == "Y"  # what is typed is text
        await d.press("escape")
        monkeypatch.chdir("/proc")
        await d.press("Y")
        told = [n.message for n in d.app._notifications]
        assert any(message.startswith("Not written: /proc/screen.svg") for message in told)
        assert isinstance(d.app.screen, DashboardScreen)

    scene = World(flow_info([("[red]fetch", "out", "b", "in")])).handle(1, 1)
    drive_canned(script, scene.snapshot(), size=(160, 50))
