"""The key map is the truth: what it lists works, is in the help and in the palette."""

from __future__ import annotations

from collections import Counter
from typing import cast

import pytest
from textual.binding import Binding
from textual.command import CommandPalette
from textual.screen import Screen
from textual.widgets import Input

from tests.tui.building import CannedSession
from tests.tui.screens.driving import Driver, drive, drive_canned
from tests.tui.screens.scene import replay
from tests.tui.screens.screen_text import screen_text
from tui.app import MonitorApp
from tui.keys import EVERYWHERE, MAP, Action
from tui.screens.dashboard import DashboardScreen
from tui.screens.help import HelpScreen, help_text
from tui.screens.payload import PayloadScreen
from tui.screens.picker import PickerScreen

FEW = replay(1)


def method(action: Action) -> str:
    return f"action_{action.id.partition('(')[0]}"


# the table ----------------------------------------------------------------------------------------


def test_every_action_exists_where_it_is_bound() -> None:
    for action in MAP:
        owner = MonitorApp if action.id in EVERYWHERE else DashboardScreen
        assert callable(getattr(owner, method(action), None)), action.id


def test_every_action_has_a_help_line_and_a_group() -> None:
    for action in MAP:
        assert action.help.endswith(".")
        assert action.help[0].isupper()
        assert len(action.help) < 60
        assert action.group


def test_no_key_is_bound_twice() -> None:
    keys = Counter(key for action in MAP for key in action.keys.split(","))
    assert [key for key, times in keys.items() if times > 1] == []
    assert len({action.id for action in MAP}) == len(MAP)


def test_no_screen_binds_a_key_twice_and_none_hides_a_key_of_the_app() -> None:
    of_app = {binding.key for binding in _bindings(MonitorApp)}
    for screen in (DashboardScreen, PickerScreen, HelpScreen, PayloadScreen):
        keys = Counter(key for binding in _bindings(screen) for key in binding.key.split(","))
        assert [key for key, times in keys.items() if times > 1] == []
        if screen is DashboardScreen:
            assert not of_app & set(keys)


def _bindings(owner: type[MonitorApp] | type[Screen[None]]) -> list[Binding]:
    assert all(isinstance(binding, Binding) for binding in owner.BINDINGS)
    return cast("list[Binding]", owner.BINDINGS)


def test_a_typed_letter_never_comes_before_the_screen_in_front() -> None:
    first = [binding.key for binding in _bindings(MonitorApp) if binding.priority]
    assert first == ["ctrl+q"]


# help ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ascii", [False, True])
def test_the_help_lists_every_action_and_every_key(ascii: bool) -> None:
    text = help_text(ascii=ascii).plain
    lines = text.splitlines()
    assert text.isascii() or not ascii
    for action in MAP:
        line = next(line for line in lines if line.endswith(action.help))
        shown = line[: -len(action.help)].split()
        assert len(shown) == len(set(action.keys.split(",")))
        assert not {"question_mark", "plus", "minus", "escape"} & set(shown)


def test_no_line_of_the_help_is_wider_than_its_box_on_a_screen_of_80() -> None:
    assert max(map(len, help_text().plain.splitlines())) <= 72


def test_every_group_stands_in_the_help_once() -> None:
    lines = help_text().plain.splitlines()
    for group in {action.group for action in MAP}:
        assert lines.count(group) == 1


def test_help_opens_scrolls_searches_and_closes() -> None:
    async def script(d: Driver) -> None:
        await d.press("question_mark")
        assert isinstance(d.app.screen, HelpScreen)
        before = screen_text(d.app)
        assert "Go to the Routines pane." in before
        await d.press("down", "down", "down")
        assert screen_text(d.app) != before
        await d.press("up", "up", "up")
        assert screen_text(d.app) == before
        await d.press("pagedown")
        assert "Go to the Routines pane." not in screen_text(d.app)
        await d.type("Q pane")  # letters are searched for, also such as close other screens
        found = screen_text(d.app)
        assert "Go to the Routines pane." not in found
        assert "Keep the pane's filter as @NAME." not in found
        await d.press(*["backspace"] * 6)
        await d.type("filter save")
        found = screen_text(d.app)
        assert ":save-filter NAME" in found
        assert "Go to the Routines pane." not in found
        await d.type(" [b]x")
        assert "Nothing here is about 'filter save [b]x'" in screen_text(d.app)
        await d.press("escape")
        assert "Go to the Routines pane." in screen_text(d.app), "Esc clears first"
        await d.press("escape")
        assert isinstance(d.app.screen, DashboardScreen)
        await d.press("question_mark", "x", "question_mark")
        assert isinstance(d.app.screen, DashboardScreen)
        assert d.app._exit is False

    drive_canned(script, *FEW, size=(80, 24))


def test_the_dashboard_goes_on_behind_the_help() -> None:
    async def script(d: Driver) -> None:
        await d.press("question_mark")
        cast("CannedSession", d.app.session).add(*replay(2)[len(FEW) :])
        await d.tick(3)
        assert d.app.monitor.run.elapsed_ns > 1_000_000_000
        await d.press("escape")
        await d.tick()

    drive_canned(script, *FEW)


# palette ------------------------------------------------------------------------------------------


def test_every_action_has_a_palette_entry_that_names_its_key() -> None:
    async def script(d: Driver) -> None:
        commands = list(d.app.get_system_commands(d.app.screen))
        titles = [command.title for command in commands]
        for action in MAP:
            assert f"{action.help.rstrip('.')}  ({action.shown})" in titles
        assert len(titles) == len(set(titles))
        assert not any("[" in title for title in titles)  # would be taken for markup

    drive_canned(script, *FEW)


def test_the_palette_offers_only_what_means_something_on_the_screen_in_front() -> None:
    async def script(d: Driver) -> None:
        await d.press("question_mark")
        titles = [c.title for c in d.app.get_system_commands(d.app.screen)]
        assert not any("Routines" in title for title in titles)
        assert any(title.startswith("Stop the flow and leave") for title in titles)

    drive_canned(script, *FEW)


async def _choose(d: Driver, text: str) -> None:
    await d.press("ctrl+p")
    assert isinstance(d.app.screen, CommandPalette)
    await d.pilot.press(*(key if key != " " else "space" for key in text))
    assert d.app.screen.query_one(Input).value == text
    await d.app.workers.wait_for_complete()
    await d.pilot.pause()
    await d.press("enter")  # takes the best hit
    if isinstance(d.app.screen, CommandPalette):
        await d.press("enter")  # and runs it
    await d.pilot.pause()


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("stats", 6),
        ("output", 7),
    ],
)
def test_the_palette_runs_an_action_of_the_dashboard(typed: str, expected: int) -> None:
    async def script(d: Driver) -> None:
        await _choose(d, typed)
        assert isinstance(d.app.screen, DashboardScreen)
        assert d.focused == expected

    drive_canned(script, *FEW)


def test_the_palette_runs_an_action_of_the_app() -> None:
    async def script(d: Driver) -> None:
        await _choose(d, "show keys")
        assert isinstance(d.app.screen, HelpScreen)

    drive_canned(script, *FEW)


def test_a_q_in_the_palette_is_a_letter() -> None:
    async def script(d: Driver) -> None:
        await d.press("ctrl+p", "q")
        assert d.app._exit is False
        assert d.app.screen.query_one(Input).value == "q"

    drive_canned(script, *FEW)


# keys that act on the engine ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "call"),
    [("x", "execute"), ("r", "reload"), ("ctrl+r", "restart"), ("K", "kill")],
)
def test_a_key_reaches_the_engine(key: str, call: str) -> None:
    async def script(d: Driver) -> None:
        await d.press(key)
        assert cast("CannedSession", d.app.session).calls == [call]

    drive_canned(script, *FEW)


def test_running_a_dead_engine_says_what_to_do_instead() -> None:
    async def script(d: Driver) -> None:
        await d.press("K", "x")
        session = cast("CannedSession", d.app.session)
        assert session.calls == ["kill"]
        assert [n.message for n in d.app._notifications] == [
            "The engine process has ended: r starts it again."
        ]

    drive_canned(script, *FEW)


def test_reload_on_save_can_be_switched_off_and_shows() -> None:
    async def script(d: Driver) -> None:
        assert "auto-reload off" not in screen_text(d.app)
        await d.press("a")
        assert d.app.session is not None
        assert d.app.session.auto_reload is False
        assert "auto-reload off" in screen_text(d.app)
        await d.press("a")
        assert "auto-reload off" not in screen_text(d.app)

    drive_canned(script, *FEW, size=(80, 24))


def test_plus_and_minus_change_how_often_to_look_within_bounds() -> None:
    async def script(d: Driver) -> None:
        assert d.app.hz == 10
        await d.press("plus")
        assert d.app.hz == 15
        await d.press(*["plus"] * 9)
        assert d.app.hz == 30
        await d.press(*["minus"] * 9)
        assert d.app.hz == 5

    drive_canned(script, *FEW)


@pytest.mark.parametrize("key", ["q", "ctrl+q"])
def test_quitting_closes_the_session(key: str) -> None:
    async def script(d: Driver) -> None:
        session = cast("CannedSession", d.app.session)
        await d.pilot.press(key)
        assert session.calls == ["close", "kill_all"]
        assert d.app._exit

    drive_canned(script, *FEW)


def test_every_key_can_be_pressed_at_any_time() -> None:
    keys = [key for action in MAP for key in action.keys.split(",")]
    leaving = ("q", "ctrl+q", "ctrl+p", "question_mark", "colon")
    moving = [action.keys.partition(",")[0] for action in MAP if action.group == "Moving"]

    async def script(d: Driver) -> None:
        await d.press(*(key for key in keys if key not in leaving))  # nothing has come yet
        cast("CannedSession", d.app.session).add(*FEW)
        await d.tick(len(FEW))
        for pane in ("1", "2", "3", "7"):
            await d.press(pane, *moving)

    drive(script, CannedSession())


def test_the_footer_shows_whole_keys_only() -> None:
    async def script(d: Driver) -> None:
        for width in (60, 70, 80, 100, 200):
            await d.resize(width, 24)
            line = screen_text(d.app).splitlines()[-1]
            labels = {f"{a.shown} {a.label}" for a in MAP if a.label}
            shown = [part for part in line.split("  ") if part.strip()]
            assert shown[0].strip() == "1-8 pane"
            assert {part.strip() for part in shown[1:]} <= labels

    drive_canned(script, *FEW)
