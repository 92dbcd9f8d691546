"""Without colour, without Unicode, in both themes: the same can be read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import cast

import pytest
from rich.color import Color

from tests.tui.building import CannedSession
from tests.tui.screens.driving import Driver, drive, drive_canned
from tests.tui.screens.scene import replay
from tests.tui.screens.screen_text import screen_lines, screen_strips, screen_text
from tests.tui.screens.trouble import bad_day
from tui.app import MonitorApp
from tui.keys import PANES
from tui.model.rows import State
from tui.screens.help import HelpScreen
from tui.session.events import Gone, Rejected, Started
from tui.session.messages import Failure
from tui.targets import Folder
from tui.themes import DARK, LIGHT, MONO, glyph

FEW = replay(2)


def test_the_theme_can_change_while_running() -> None:
    async def script(d: Driver) -> None:
        before = d.pane(1).palette
        text = screen_text(d.app)
        d.app.theme = LIGHT.name
        await d.settle()
        assert d.pane(1).palette is not before
        ground = {
            segment.style.bgcolor
            for strip in screen_strips(d.app)
            for segment in strip
            if segment.style is not None and segment.style.bgcolor is not None
        }
        assert Color.parse(cast("str", DARK.background)) not in ground
        assert screen_text(d.app) == text

    drive_canned(script, *FEW)


# without colour -----------------------------------------------------------------------------------


@pytest.mark.parametrize("ascii", [False, True])
@pytest.mark.parametrize("size", [(40, 12), (80, 24), (200, 50)])
def test_every_row_of_a_routine_carries_the_sign_of_its_state(
    ascii: bool, size: tuple[int, int]
) -> None:
    async def script(d: Driver) -> None:
        await d.press("z")
        rows = d.app.monitor.run.routines()
        lines = d.text(1).splitlines()
        while f" {rows[-1].name} " not in lines[-1] and size[1] < 24:
            await d.press("j")
            lines += d.text(1).splitlines()[-1:]
        for row in rows:
            line = next(line for line in lines if f" {row.name} " in line)
            after = line.partition(row.name)[2].split()
            assert after[0] == glyph(row.state, ascii=ascii)
        assert len({row.state for row in rows}) == len(State)

    drive_canned(script, *bad_day(), size=size, ascii=ascii)


def test_no_colour_is_used_when_the_environment_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    async def script(d: Driver) -> None:
        assert d.app.no_color
        assert os.environ["NO_COLOR"] == "1"  # the user's code may want to know
        assert d.app.theme == MONO.name
        for number in PANES:
            await d.press(str(number))
        d.app.monitor.handle(Rejected(2, Failure("SyntaxError", "no")))
        await d.tick()
        for line in d.pane(1).render_lines(d.pane(1).size.region):
            for segment in line.apply_filter(d.app._filters[-1], d.pane(1).background_colors[0]):
                color = segment.style.color if segment.style else None
                if color is not None:
                    red, green, blue = color.get_truecolor()
                    assert red == green == blue  # greys only
        lines = screen_lines(d.app)
        assert any(line.startswith("┏") for line in lines)
        await d.press("space")
        assert "PAUSED" in d.title(3)

    drive_canned(script, *FEW)


def test_a_theme_that_is_asked_for_has_its_colours_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As no-color.org says: what the command line wants goes before NO_COLOR."""
    monkeypatch.setenv("NO_COLOR", "1")

    async def script(d: Driver) -> None:
        assert not d.app.no_color
        assert d.app.theme == LIGHT.name
        d.app.use_theme("tritanopia")
        assert d.app.theme == "routilux-tritanopia"
        with pytest.raises(ValueError, match="did you mean 'mono'"):
            d.app.use_theme("monk")
        d.app.action_change_theme()
        await d.settle()
        await d.until(lambda: "high-contrast-light" in screen_text(d.app), "the list of themes")
        await d.press("escape")
        os.environ.pop("NO_COLOR")
        monkeypatch.setenv("TERM", "dumb")
        assert MonitorApp().no_color
        assert "NO_COLOR" not in os.environ

    drive_canned(script, *FEW[:3], theme="light")


# without Unicode ----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(20, 5), (80, 24), (120, 40), (200, 50)])
def test_ascii_means_ascii_in_every_pane_border_and_bar(size: tuple[int, int]) -> None:
    async def script(d: Driver) -> None:
        monitor = d.app.monitor

        def check() -> None:
            for line in screen_lines(d.app):
                assert line.isascii(), line

        for key in "1234567":
            await d.press(key)
            check()
            await d.press("z")
            await d.tick()
            check()
            await d.press("z")
        monitor.handle(Rejected(2, Failure("SyntaxError", "no", "a.py", 1, 2), ((1, "x"),)))
        await d.tick()
        check()
        monitor.handle(Gone(1, 3, ("w1",)))
        monitor.handle(Started(2, 0.1))
        await d.tick()
        check()
        await d.press("7")
        check()

    drive_canned(script, *replay(4), size=size, ascii=True)


def test_ascii_before_anything_has_happened() -> None:
    async def script(d: Driver) -> None:
        await d.tick()
        assert screen_text(d.app).isascii()

    drive(script, CannedSession(), ascii=True)


def test_ascii_tells_the_focus_by_a_mark() -> None:
    async def script(d: Driver) -> None:
        await d.press("3")
        assert d.title(3).startswith("> 3 Events")
        assert d.title(1).startswith("1 Routines")

    drive_canned(script, *FEW, ascii=True)


def test_ascii_help_and_picker(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("from routilux import Flow\nflow = Flow(\n")

    async def script(d: Driver) -> None:
        await d.app.workers.wait_for_complete()
        await d.settle()
        assert "a.py" in screen_text(d.app)
        assert screen_text(d.app).isascii()
        await d.press("question_mark")
        assert isinstance(d.app.screen, HelpScreen)
        # The scroll bar is Textual's own; the text beside it is ours.
        lines = [line for line in screen_lines(d.app) if "Go to the" in line]
        assert lines
        assert all(line.rstrip("▁▂▃▄▅▆▇█ |").isascii() for line in lines)

    drive(script, None, folder=Folder(tmp_path, (), tmp_path), ascii=True, size=(120, 70))
