"""Whatever is typed, pasted, clicked and resized: no exception, no error logged, still there.

``ROUTILUX_FUZZ=SEED:STEPS`` repeats one run.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from textual.command import CommandList

from tests.tui.screens.causal import parcels
from tests.tui.screens.driving import Driver, drive_canned
from tests.tui.screens.flows import NAMES, shop
from tests.tui.screens.fuzzing import Busy, fuzz, strange_names
from tui.screens.palette import FindCommand
from tui.session.local import LocalSession

_ASKED = [int(word) for word in os.environ.get("ROUTILUX_FUZZ", "").split(":") if word]
_SEED, _STEPS = _ASKED if len(_ASKED) == 2 else (0, 200)


def test_random_input_breaks_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # some keys write files
    fuzz(Busy(strange_names(_SEED)), _SEED, _STEPS, monkeypatch)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(1, 21))
def test_ten_thousand_random_inputs_break_nothing(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twenty seeds of five hundred."""
    monkeypatch.chdir(tmp_path)
    fuzz(Busy(strange_names(seed)), seed, 500, monkeypatch)


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize("seed", range(101, 104))
def test_random_input_on_a_flow_that_runs_breaks_nothing(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its pauses, reloads and ends."""
    monkeypatch.chdir(tmp_path)
    names = (*strange_names(seed)[:3], *NAMES[3:])
    fuzz(LocalSession(lambda: shop(names)), seed, 500, monkeypatch)


# what it has found --------------------------------------------------------------------------------


def test_tab_where_no_pane_has_a_cell() -> None:
    async def script(d: Driver) -> None:
        await d.press("3", "c")
        await d.resize(1, 1)
        await d.press("tab", "shift+tab")
        await d.resize(120, 40)
        await d.press("escape", "tab")
        assert d.focused

    drive_canned(script, *parcels())


def test_paging_through_a_palette_that_is_not_drawn_yet_and_on_one_cell() -> None:
    async def script(d: Driver) -> None:
        await d.press("ctrl+p")
        palette = d.app.screen
        assert isinstance(palette, FindCommand)
        palette.query_one(CommandList)._index_to_line.clear()
        palette._action_command_list("page_down")
        await d.press("pageup", "pagedown")
        for size in ((1, 1), (3, 9), (120, 40)):
            await d.resize(*size)
            await d.tick()
        assert d.app.screen is palette

    drive_canned(script, *parcels())


def test_a_palette_that_is_closed_while_it_looks_for_commands() -> None:
    async def script(d: Driver) -> None:
        await d.press("ctrl+p")
        palette = d.app.screen
        assert isinstance(palette, FindCommand)
        await palette.query_one(CommandList).remove()
        await palette._gather_commands("x").wait()
        await d.press("escape", "escape")
        assert d.focused

    drive_canned(script, *parcels())
