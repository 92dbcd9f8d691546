"""The banner: pushes the panes, covers none, and goes when it is put right or dismissed."""

from __future__ import annotations

from typing import cast

import pytest

from tests.tui.building import CannedSession, World, flow_info
from tests.tui.screens.driving import Driver, drive, drive_canned
from tests.tui.screens.scene import replay
from tests.tui.screens.screen_text import screen_lines, screen_text
from tui.session.events import Died, Output, Progress, Rejected, Started
from tui.session.messages import Failure, ScriptState

FEW = replay(1)
REJECTED = Rejected(
    2,
    Failure("SyntaxError", "'(' was never closed", "/home/me/orders.py", 84, 14),
    ((83, "def run(self):"), (84, "    self.emit("), (85, "")),
)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)])
def test_a_rejection_pushes_the_panes_and_keeps_focus_and_cursor(size: tuple[int, int]) -> None:
    async def script(d: Driver) -> None:
        await d.press("j")
        heights = sum(d.pane(n).outer_size.height for n in (1, 3, 5))
        d.app.monitor.handle(REJECTED)
        await d.tick()
        text = screen_text(d.app)
        assert "RELOAD FAILED: g2 rejected, g1 keeps running" in text
        assert "SyntaxError  orders.py:84  '(' was never closed" in text
        assert ">   84      self.emit(" in text
        assert "retries on next save" in text
        assert d.visible[:6] == [1, 2, 3, 4, 5, 6]
        assert sum(d.pane(n).outer_size.height for n in (1, 3, 5)) < heights
        assert d.focused == 1
        assert "> parse" in d.text(1)
        await d.press("escape")
        assert "RELOAD FAILED" not in screen_text(d.app)
        assert sum(d.pane(n).outer_size.height for n in (1, 3, 5)) == heights

    drive_canned(script, *FEW, size=size)


def test_a_good_save_turns_it_into_good_news_that_leave_by_themselves() -> None:
    world = World(flow_info([("a", "o", "b", "i")]), generation=2)

    async def script(d: Driver) -> None:
        session = cast("CannedSession", d.app.session)
        session.add(REJECTED, Started(2, 0.143), world.snapshot())
        await d.tick()
        text = screen_text(d.app)
        assert "RELOADED g1 -> g2 in 143 ms" in text
        assert "RELOAD FAILED" not in text
        assert "1 rejected" in text
        session.add(world.wait(6 * 10**9).snapshot())
        await d.tick()
        assert "RELOADED" not in screen_text(d.app)

    drive_canned(script, *FEW)


def test_esc_undoes_one_thing_at_a_time() -> None:
    async def script(d: Driver) -> None:
        d.app.monitor.handle(REJECTED)
        await d.press("space", "z")
        await d.tick()
        await d.press("escape")
        assert len(d.visible) == 6
        assert d.app.monitor.banner is not None
        await d.press("escape")
        assert d.app.monitor.banner is None
        assert d.app.monitor.log.paused
        await d.press("escape")
        assert not d.app.monitor.log.paused
        await d.press("escape")
        assert d.app._exit is False

    drive_canned(script, *FEW)


def test_a_dead_engine_says_what_to_do_and_its_last_state_stays() -> None:
    async def script(d: Driver) -> None:
        before = d.app.monitor.run.routines()
        assert any(row.running for row in before)
        d.app.monitor.handle(Died(1, -11))
        await d.tick()
        text = screen_text(d.app)
        assert "ENGINE GONE: g1 was killed by signal 11" in text
        assert "x DIED g1" in text
        stopped = {"in_rate": 0.0, "out_rate": 0.0}
        assert d.app.monitor.run.routines() == [row._replace(**stopped) for row in before]

    drive_canned(script, *FEW)


def test_a_script_that_fails_before_it_has_a_flow_shows_its_traceback_once() -> None:
    failed = Progress(1, ScriptState("failed", failure=Failure("ImportError", "no module x")))
    printed = Output(1, b"Traceback (most recent call last):\nImportError: no module x\n", True)

    async def script(d: Driver) -> None:
        session = cast("CannedSession", d.app.session)
        session.add(printed, failed)
        await d.tick()
        assert "g1 STOPPED by ImportError: the traceback is in Output (7)" in screen_text(d.app)
        assert "!ImportError: no module x" in d.text(7)
        assert 7 in d.visible
        await d.press("escape", "escape")  # banner, then output
        await d.tick(3)
        assert 7 not in d.visible

    drive(script, CannedSession(), size=(80, 24))


@pytest.mark.parametrize("size", [(20, 5), (40, 12), (60, 16)])
def test_a_banner_leaves_room_for_a_pane_on_the_smallest_screen(size: tuple[int, int]) -> None:
    async def script(d: Driver) -> None:
        d.app.monitor.handle(REJECTED)
        await d.tick()
        lines = screen_lines(d.app)
        assert len(lines) == size[1]
        assert "RELOAD" in "".join(lines)
        assert d.visible == [51] if size[0] < 60 else 1 in d.visible

    drive_canned(script, *FEW, size=size)


def test_news_about_the_same_banner_are_shown_when_it_comes_again() -> None:
    async def script(d: Driver) -> None:
        d.app.monitor.handle(REJECTED)
        await d.tick()
        await d.press("escape")
        d.app.monitor.handle(REJECTED)
        await d.tick()
        assert "RELOAD FAILED" in screen_text(d.app)
        assert "2 rejected" in screen_text(d.app)

    drive_canned(script, *FEW, size=(80, 24))
