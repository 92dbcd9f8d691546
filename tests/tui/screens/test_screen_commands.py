"""The command line on the screen: written, completed, done, or wrong at its column."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
from textual.events import Key

from tests.tui.building import CannedSession
from tests.tui.screens.close import close_by
from tests.tui.screens.conftest import Same
from tests.tui.screens.driving import Driver, drive_canned
from tests.tui.screens.scene import replay
from tests.tui.screens.screen_text import screen_lines, screen_text
from tui.config import Settings
from tui.filters import Filters
from tui.keys import MAP, Action
from tui.query import compiling
from tui.remapping import remap
from tui.screens.dashboard import DashboardScreen
from tui.screens.detail import DetailScreen
from tui.screens.help import HelpScreen
from tui.screens.jobs import JobsScreen
from tui.screens.linked import Linked
from tui.screens.saved import SavedScreen
from tui.screens.values import ValuesScreen
from tui.widgets.commandbar import CommandBar
from tui.widgets.events import EventsPane
from tui.widgets.filtered import FilteredPane
from tui.widgets.linebar import LineInput
from tui.widgets.routines import COLUMNS, RoutinesPane

FEW = replay(2)
CLOSE = close_by()[:34]


def bar(d: Driver) -> CommandBar:
    return d.app.screen.query_one(CommandBar)


def hint(d: Driver) -> str:
    return screen_lines(d.app)[-2]


def said(d: Driver) -> str:
    notes = list(d.app._notifications)
    return notes[-1].message if notes else ""


async def done(d: Driver) -> None:
    await d.app.workers.wait_for_complete()
    await d.settle()


async def command(d: Driver, text: str) -> None:
    cast("Linked", d.app.screen).write_command(text)  # as if it was typed, which takes longer
    await d.press("enter")


async def wrong(d: Driver, text: str) -> str:
    """Give a command that is wrong; what is said below it, without the mark."""
    await command(d, text)
    assert bar(d).is_open, text
    line = hint(d)
    await d.press("escape")
    assert not bar(d).is_open
    return line.replace("^", "").strip()


def test_a_command_is_completed_done_and_recalled(tmp_path: Path) -> None:
    kept = Filters(tmp_path / "f.json")

    async def script(d: Driver) -> None:
        await d.press("3", "colon")
        await d.type("go par")
        assert hint(d) == " :go ROUTINE  Open the screen of a routine."
        await d.press("tab")
        assert bar(d).text == "go parse"
        await d.press("enter")
        assert isinstance(d.app.screen, DetailScreen)
        assert " parse " in screen_text(d.app)
        await command(d, "q")
        assert isinstance(d.app.screen, DashboardScreen)
        assert d.focused == 3, "the focus is where it was"
        await d.press("colon", "up")
        assert bar(d).text == "q"
        await d.press("up")
        assert bar(d).text == "go parse"
        await d.press("escape")
        assert not bar(d).is_open
        await d.press("colon")
        line = bar(d).query_one(LineInput)
        for key in ("up", "up", "enter"):  # all at once, as over a slow line
            line.post_message(Key(key, None))
        await d.settle()
        assert isinstance(d.app.screen, DetailScreen)
        await d.press("q", "colon")
        await d.press("ctrl+u")
        await d.type("save")
        assert "save-filter" in hint(d)
        await d.press("tab", "escape")
        await command(d, "pane stats")
        assert d.focused == 6
        await command(d, "pause")
        assert d.app.monitor.log.paused
        assert Filters(tmp_path / "f.json").commands == ["pause", "pane stats", "go parse", "q"]
        await d.press("colon", "q", "x")
        assert bar(d).text == "qx", "letters are letters while a line is written"
        assert d.app._exit is False

    drive_canned(script, *FEW, filters=kept)


def test_what_is_wrong_is_said_below_its_column_with_the_nearest_name() -> None:
    async def script(d: Driver) -> None:
        await command(d, "theme drak")
        lines = screen_lines(d.app)
        typed = next(n for n, line in enumerate(lines) if line.startswith(" :theme"))
        assert lines[typed + 1].index("^") == lines[typed].index("drak")
        assert "did you mean 'dark'?" in lines[typed + 1]
        await d.press("escape")
        assert await wrong(d, "puase") == "no command 'puase'; did you mean 'pause'?"
        assert await wrong(d, "go pasre") == "no routine 'pasre'; did you mean 'parse'?"
        assert "no statistic 'sotre.rows'; did you mean" in await wrong(d, "chart sotre.rows")
        assert "'x' is not the number of an event" in await wrong(d, "event x")
        assert "no event #999,999 is kept: there is 1 to" in await wrong(d, "event 999999")
        assert await wrong(d, "rate 99") == "99 is not from 5 to 30"
        assert await wrong(d, "set rte 5") == "no setting 'rte'; did you mean 'rate'?"
        assert "ring is read at the start" in await wrong(d, "set ring 5")
        assert await wrong(d, "set ascii maybe") == "'maybe' is neither on nor off"
        assert "this pane has no filter" in await wrong(d, "save-filter x")
        assert "no saved filter 'x'" in await wrong(d, "forget-filter x")
        assert "is for another screen: jobs" in await wrong(d, "pause-job")
        await d.press("3", "colon")
        await d.type("filter run>1 and")
        assert "^" in hint(d), "filters are checked while they are written"
        await d.press("enter", "escape")
        assert d.dashboard.query_one(EventsPane).filter == ""
        assert d.app.filters.commands == [], "what was wrong is not kept"
        await d.press("J")
        assert "nothing to filter on this screen" in await wrong(d, "filter x")

    drive_canned(script, *FEW)


def test_commands_with_arguments_do_what_they_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    async def script(d: Driver) -> None:
        await command(d, "chart fetch_us.orders enrich.cache_hits")
        await d.press("tab")
        assert isinstance(d.app.screen, ValuesScreen)
        assert d.app.monitor.charted.names == ["fetch_us.orders", "enrich.cache_hits"]
        await command(d, "export chart")
        await done(d)
        assert (tmp_path / "chart.csv").read_text().startswith("seconds,fetch_us.orders,")
        await command(d, "export chart.csv")
        await done(d)
        assert said(d).startswith("Not written: ")
        assert said(d).endswith("chart.csv is there already: take another name")
        await command(d, "export")
        assert (tmp_path / "chart-2.csv").exists()
        await command(d, "event 40")
        assert isinstance(d.app.screen, DashboardScreen)
        record = d.dashboard.query_one(EventsPane).record
        assert record is not None
        assert record[0] == 40
        await command(d, "filter status=failed")
        await command(d, "event 41")
        record = d.dashboard.query_one(EventsPane).record
        assert record is not None
        assert record[0] == 41, "an event that a filter hides is shown"
        await command(d, "filter routine=enrich")
        await command(d, "export events")
        await done(d)
        lines = (tmp_path / "events.csv").read_text().splitlines()
        assert lines[0].startswith("routine,source,event,slot,edge,")
        assert len(lines) - 1 == d.dashboard.query_one(EventsPane)._kept > 10
        assert all(line.startswith("enrich,") for line in lines[1:])
        await command(d, "theme nord")
        assert d.app.theme == "nord"
        await command(d, "rate 20")
        assert d.app.hz == 20
        await command(d, "set auto-reload off")
        assert cast("CannedSession", d.app.session).auto_reload is False
        await command(d, "set theme light")
        assert d.app.theme == "routilux-light"
        await command(d, "set editor hx")
        assert d.app.settings.editor == "hx"
        await command(d, "set")
        assert "rate 20, ascii off, auto-reload off, editor hx" in said(d)
        await command(d, "set ascii on")
        assert screen_text(d.app).isascii()
        await d.press("J")
        assert screen_text(d.app).isascii(), "screens that are made later too"
        await d.press("escape")
        await command(d, "set ascii off")
        assert not screen_text(d.app).isascii()
        await command(d, "help saved filter")
        assert isinstance(d.app.screen, HelpScreen)
        assert ":forget-filter NAME" in screen_text(d.app)

    drive_canned(script, *CLOSE)


def test_saved_filters_are_kept_chosen_and_named(tmp_path: Path) -> None:
    kept = Filters(tmp_path / "f.json")

    async def script(d: Driver) -> None:
        pane = cast("FilteredPane", d.pane(3))
        await d.press("3")
        await command(d, "filters")
        assert "No filter is saved yet" in said(d)
        await command(d, "filter wait>1ms")
        await command(d, "save-filter slow")
        assert kept.saved == {"slow": "wait>1ms"}
        await command(d, "filter status=failed")
        await command(d, "save-filter bad")
        await d.press("slash", "ctrl+u")
        await d.type("not @")
        await d.press("tab")
        assert "@slow, @bad" in hint(d)
        await d.type("s")
        await d.press("ctrl+f")
        assert isinstance(d.app.screen, SavedScreen)
        shown = screen_text(d.app)
        assert "@bad   status=failed" in shown
        await d.press("j", "enter")
        assert d.app.screen.query_one("#filter", expect_type=None).text == "not @slow"  # type: ignore[attr-defined, call-overload]
        await d.press("enter")
        assert pane.filter == "not @slow"
        assert 0 < pane._kept < pane._total
        await command(d, "filters")
        await d.press("escape")
        await command(d, "filters")
        await d.press("enter")
        assert pane.filter == "@bad"
        assert "the filter names @bad itself" in await wrong(d, "save-filter bad")
        await command(d, "forget-filter @bad")
        pane.narrow("@slow")
        await command(d, "forget-filter slow")
        d.app.monitor.run.wiring += 1  # the filter is compiled anew
        await d.tick()
        assert pane.filter == ""
        assert "The filter was taken away: no saved filter 'slow'" in said(d)

    drive_canned(script, *FEW, filters=kept)


def test_a_filter_that_takes_too_long_is_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(d: Driver) -> None:
        await d.press("3")
        await command(d, "filter text~o.*rder")
        assert cast("FilteredPane", d.pane(3)).filter
        monkeypatch.setattr(compiling, "BUDGET", 0.0)
        await d.press("slash")
        await d.press("end")
        await d.type(" x")
        await d.press("enter")
        assert cast("FilteredPane", d.pane(3)).filter == ""
        assert "taken away: ~o.*rder takes too long here" in said(d)

    drive_canned(script, *FEW)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)], ids=str)
def test_the_screen_with_the_command_line(size: tuple[int, int], same: Same) -> None:
    async def script(d: Driver) -> None:
        await command(d, "chart parse.orders enrich.cash_hits")
        d.app.show()  # as the next look would: panes show at it that they have lost the focus
        await d.settle()
        same(screen_text(d.app), f"command-{size[0]}x{size[1]}")

    drive_canned(script, *FEW, size=size)


# keys of the user's own ---------------------------------------------------------------------------


def test_other_keys_are_those_of_bindings_footer_help_and_palette() -> None:
    changes = remap({"pause": ["p"], "zoom": ["space"], "jobs": ["ctrl+n"], "quit": ["Q"]})

    async def script(d: Driver) -> None:
        await d.press("p")
        assert d.app.monitor.log.paused
        await d.press("space")
        assert d.dashboard.has_class("zoom")
        await d.press("space", "z", "q")
        assert not d.dashboard.has_class("zoom"), "the old keys mean nothing any more"
        assert d.app._exit is False
        foot = screen_lines(d.app)[-1]
        assert "p pause" in foot
        assert "space zoom" in foot
        titles = [c.title for c in d.app.get_system_commands(d.app.screen)]
        pause = next(a for a in MAP if a.id == "pause")
        assert f"{pause.help.rstrip('.')}  (p)" in titles
        await d.press("ctrl+n")
        assert isinstance(d.app.screen, JobsScreen)
        assert "^n jobs" in screen_lines(d.app)[-1]
        await d.press("J", "escape", "question_mark")
        await d.type("pause")
        assert f"  p               {pause.help}" in screen_text(d.app)
        await d.press("escape", "escape")
        await d.pilot.press("Q")
        assert d.app._exit

    drive_canned(script, *FEW, size=(200, 50), settings=Settings(keys=changes))


# columns ------------------------------------------------------------------------------------------


def heads(d: Driver) -> list[str]:
    return d.text(1).splitlines()[0].split()


def test_the_sorted_column_is_moved_and_all_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "f.json"

    async def arrange(d: Driver) -> None:
        assert heads(d)[:3] == ["ROUTINE", "S", "#"]
        await d.press("less_than_sign")
        assert "s chooses a column of figures" in said(d)
        await d.press("s", "s", "S", "less_than_sign")
        assert heads(d)[:4] == ["ROUTINE", "S", "IN/s", "#"]
        await d.press(*["less_than_sign"] * 3)
        assert heads(d)[2] == "IN/s", "there is nothing further to the left"
        assert "IN/s ^" in d.title(1)

    async def find_it(d: Driver) -> None:
        assert heads(d)[:4] == ["ROUTINE", "S", "IN/s", "#"]
        assert "IN/s ^" in d.title(1)
        await d.press("greater_than_sign", "s")
        assert heads(d)[:4] == ["ROUTINE", "S", "#", "IN/s"]

    drive_canned(arrange, *FEW, filters=Filters(file))
    drive_canned(find_it, *FEW, filters=Filters(file))


@pytest.mark.parametrize(
    "words", [[], ["x"], ["nothing", "up", "gone"], ["Q", "down", "Q", "Q", "ERR"]]
)
def test_an_arrangement_of_another_version_leaves_no_column_out(words: list[str]) -> None:
    pane = RoutinesPane()
    pane.take_arrangement(words)
    assert sorted(c.head for c in pane._columns) == sorted(c.head for c in COLUMNS)
    again = RoutinesPane()
    again.take_arrangement(pane.arrangement)
    assert again.arrangement == pane.arrangement


def test_an_action_of_the_map_is_named_in_one_way() -> None:
    assert Action("pane(3)", "3", "", "", "").binding == "pane-3"
