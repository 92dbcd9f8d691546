"""The picker: samples and flows of a folder, broken ones with their error; Enter runs one."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import OptionList

from tests.tui.building import CannedSession
from tests.tui.screens.driving import Driver, drive
from tests.tui.screens.scene import replay
from tests.tui.screens.screen_text import screen_text
from tui.screens.dashboard import DashboardScreen
from tui.screens.picker import PickerScreen
from tui.session.source import Source
from tui.targets import Folder, Target, sample_folder

GOOD = '"""{title}"""\nfrom routilux import Flow\n\ndef build_flow():\n    return Flow()\n'


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Two flows, a broken one, one with markup in its name, and a file that is none."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "orders.py").write_text(GOOD.format(title="Orders from two shops"))
    (tmp_path / "sub" / "mail.py").write_text(GOOD.format(title="[b]Mail[/b] that comes in"))
    (tmp_path / "broken.py").write_text("from routilux import Flow\nflow = Flow(\n")
    (tmp_path / "other.py").write_text("import json\n")
    return Folder(tmp_path, (), tmp_path)


async def filled(d: Driver) -> OptionList:
    """Wait until the folder has been searched."""
    await d.app.workers.wait_for_complete()
    await d.settle()
    return d.app.screen.query_one(OptionList)


def test_flows_are_listed_with_their_titles_and_broken_ones_with_their_error(
    folder: Folder,
) -> None:
    async def script(d: Driver) -> None:
        assert isinstance(d.app.screen, PickerScreen)
        await filled(d)
        text = screen_text(d.app)
        assert "orders.py" in text
        assert "Orders from two shops" in text
        assert "sub/mail.py" in text
        assert "[b]Mail[/b] that comes in" in text
        broken = next(line for line in text.splitlines() if "broken.py" in line)
        assert " x " in broken  # the mark, not only the colour
        assert "never closed" in broken
        assert "other.py" not in text

    drive(script, None, folder=folder, size=(120, 40))


def test_the_samples_come_first(folder: Folder) -> None:
    async def script(d: Driver) -> None:
        await filled(d)
        text = screen_text(d.app)
        samples = sample_folder()
        assert samples is not None
        for sample in samples.glob("*.py"):
            assert sample.name in text
        assert text.index("Sample flows") < text.index("orders.py")

    drive(script, None, folder=folder, size=(120, 40))


def test_enter_runs_the_chosen_flow_and_nothing_runs_before(folder: Folder) -> None:
    opened: list[Target] = []

    def opens(target: Target) -> Source:
        opened.append(target)
        return CannedSession(*replay(1), label=target.label)

    async def script(d: Driver) -> None:
        options = await filled(d)
        assert opened == []
        wanted = next(
            number
            for number, option in enumerate(options._options)
            if "orders.py" in str(option.prompt)
        )
        while options.highlighted != wanted:
            await d.press("j")
        await d.press("k", "j", "enter")
        await d.app.workers.wait_for_complete()
        await d.tick(10)
        assert [target.path for target in opened] == [folder.path / "orders.py"]
        assert isinstance(d.app.screen, DashboardScreen)
        assert " orders.py " in screen_text(d.app).splitlines()[0]
        assert "fetch_eu" in d.text(1)

    drive(script, None, folder=folder, size=(120, 40), opens=opens)


def test_choosing_twice_in_a_hurry_runs_one_flow(folder: Folder) -> None:
    opened: list[Target] = []

    def opens(target: Target) -> Source:
        opened.append(target)
        return CannedSession()

    async def script(d: Driver) -> None:
        await filled(d)
        for name in ("orders.py", "broken.py"):
            d.app.open_target(folder.target(folder.path / name))
        await d.app.workers.wait_for_complete()
        await d.settle()
        assert [target.label for target in opened] == ["orders.py"]
        assert isinstance(d.app.screen, DashboardScreen)

    drive(script, None, folder=folder, opens=opens)


def test_an_empty_folder_says_what_a_flow_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.screens.picker.sample_folder", lambda: None)

    async def script(d: Driver) -> None:
        await filled(d)
        assert "No flows found: a flow is a .py file that imports routilux." in screen_text(d.app)
        await d.press("enter")  # nothing there to run
        assert isinstance(d.app.screen, PickerScreen)

    drive(script, None, folder=Folder(tmp_path, (), tmp_path))


@pytest.mark.parametrize("key", ["q", "escape", "ctrl+q"])
def test_leaving_without_a_choice(folder: Folder, key: str) -> None:
    async def script(d: Driver) -> None:
        await filled(d)
        await d.pilot.press(key)
        assert d.app._exit

    drive(script, None, folder=folder)


@pytest.mark.parametrize("size", [(20, 5), (60, 16), (250, 70)])
def test_any_size_will_do(folder: Folder, size: tuple[int, int]) -> None:
    async def script(d: Driver) -> None:
        await filled(d)
        await d.resize(*size)
        assert "choose a flow" in screen_text(d.app) or size[0] < 40

    drive(script, None, folder=folder, size=(80, 24))


def test_help_and_palette_work_in_the_picker_too(folder: Folder) -> None:
    async def script(d: Driver) -> None:
        await filled(d)
        await d.press("question_mark")
        assert "Go to the Routines pane." in screen_text(d.app)
        await d.press("escape")
        assert isinstance(d.app.screen, PickerScreen)
        titles = [command.title for command in d.app.get_system_commands(d.app.screen)]
        assert not any("Stats" in title for title in titles)

    drive(script, None, folder=folder)
