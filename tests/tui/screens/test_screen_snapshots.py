"""Whole screens as text. After a wanted change: pytest --update-snapshots, and look at the diff."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tui.building import CannedSession
from tests.tui.screens.conftest import Same
from tests.tui.screens.driving import Driver, drive, drive_canned
from tests.tui.screens.scene import replay
from tests.tui.screens.screen_text import screen_text
from tests.tui.screens.trouble import bad_day
from tui.session.events import Rejected
from tui.session.messages import Failure
from tui.targets import Folder

SCENE = replay()
SIZES = [(80, 24), (120, 40), (200, 50)]


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_dashboard(size: tuple[int, int], same: Same) -> None:
    async def script(d: Driver) -> None:
        same(screen_text(d.app), f"dashboard-{size[0]}x{size[1]}")

    drive_canned(script, *SCENE, size=size)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_dashboard_on_a_bad_day(size: tuple[int, int], same: Same) -> None:
    """Full slots, retries, timers, paused and cancelled jobs, drops, coroutines, drainers."""

    async def script(d: Driver) -> None:
        same(screen_text(d.app), f"trouble-{size[0]}x{size[1]}")

    drive_canned(script, *bad_day(), size=size)


def test_a_bad_day_in_ascii(same: Same) -> None:
    async def script(d: Driver) -> None:
        same(screen_text(d.app), "trouble-ascii")

    drive_canned(script, *bad_day(), size=(120, 40), ascii=True)


def test_the_dashboard_in_ascii(same: Same) -> None:
    async def script(d: Driver) -> None:
        same(screen_text(d.app), "dashboard-ascii")

    drive_canned(script, *SCENE, size=(120, 40), ascii=True)


def test_the_dashboard_before_anything_has_come(same: Same) -> None:
    async def script(d: Driver) -> None:
        await d.tick()
        same(screen_text(d.app), "dashboard-empty")

    drive(script, CannedSession(), size=(80, 24))


def test_one_pane_on_a_small_screen(same: Same) -> None:
    async def script(d: Driver) -> None:
        await d.press("1")
        same(screen_text(d.app), "dashboard-40x12")

    drive_canned(script, *SCENE, size=(40, 12))


@pytest.mark.parametrize("size", SIZES[:2], ids=str)
def test_the_help(size: tuple[int, int], same: Same) -> None:
    async def script(d: Driver) -> None:
        await d.press("question_mark")
        same(screen_text(d.app), f"help-{size[0]}x{size[1]}")

    drive_canned(script, *SCENE, size=size)


@pytest.mark.parametrize("size", SIZES[:2], ids=str)
def test_the_banner_of_a_rejected_change(size: tuple[int, int], same: Same) -> None:
    rejected = Rejected(
        2,
        Failure("SyntaxError", "'(' was never closed", "/home/me/orders.py", 84, 14),
        (
            (83, "        text = data or kwargs.get('data', '')"),
            (84, "        self.emit('output', result=f'{text}'"),
            (85, ""),
        ),
    )

    async def script(d: Driver) -> None:
        same(screen_text(d.app), f"banner-{size[0]}x{size[1]}")

    drive_canned(script, *SCENE[:-1], rejected, SCENE[-1], size=size)


def test_the_picker(tmp_path: Path, same: Same, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = tmp_path / "samples"
    here = tmp_path / "here"
    _write(samples / "pipeline.py", "Orders on their way through a shop")
    _write(samples / "slow_consumer.py", "A consumer that is too slow for what comes in")
    _write(here / "mail" / "inbox.py", "Sorts what comes in")
    _write(here / "orders.py", "Orders from two shops, checked, enriched, stored and audited")
    (here / "broken.py").write_text("from routilux import Flow\nflow = Flow(\n")
    monkeypatch.setattr("tui.screens.picker.sample_folder", lambda: samples)

    async def script(d: Driver) -> None:
        await d.app.workers.wait_for_complete()
        await d.settle()
        same(screen_text(d.app).replace(str(here), "FOLDER"), "picker")

    drive(script, None, folder=Folder(here, (), here), size=(100, 24))


def _write(path: Path, title: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'"""{title}"""\nfrom routilux import Flow\n\nflow = Flow()\n')
