"""All screens beside the dashboard: their keys and looks, also in ASCII and with strange names."""

from __future__ import annotations

from collections import Counter
from typing import cast

import pytest
from textual.binding import Binding

from routilux.records import Kind
from tests.tui.building import MS, CannedSession, World, flow_info
from tests.tui.screens.close import close_by, stack
from tests.tui.screens.conftest import Same
from tests.tui.screens.driving import Driver, drive_canned
from tests.tui.screens.screen_text import screen_text
from tests.tui.screens.test_screen_names import SOME_STRANGE, assert_sound
from tui.app import MonitorApp
from tui.keys import DETAIL, ERRORS, EVERYWHERE, JOBS, LIVE, VALUES, Action
from tui.screens.call import CallScreen
from tui.screens.detail import DetailScreen
from tui.screens.errors import ErrorsScreen
from tui.screens.help import HelpScreen, help_text
from tui.screens.jobs import JobsScreen
from tui.screens.live import LiveScreen
from tui.screens.values import ValuesScreen
from tui.session.events import Died, Started
from tui.session.messages import Answer, JobInfo, LaterInfo, StackLine
from tui.themes import THEMES

SCREENS: dict[str, type[LiveScreen]] = {
    "routine": DetailScreen,
    "values": ValuesScreen,
    "jobs": JobsScreen,
    "errors": ErrorsScreen,
}
OPENED = {
    "routine": ["down", "down", "down", "enter"],
    "values": ["V", "down", "enter", "down", "down", "down", "enter"],
    "jobs": ["J"],
    "errors": ["exclamation_mark"],
}
EACH = pytest.mark.parametrize("name", SCREENS)
CLOSE = close_by()
FEW = CLOSE[:30]


async def settled(d: Driver) -> None:
    await d.app.workers.wait_for_complete()
    d.app.show()
    await d.settle()


# keys ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("actions", [DETAIL, VALUES, JOBS, ERRORS, LIVE])
def test_a_part_of_the_key_map_has_each_key_once_and_a_help_line_each(
    actions: tuple[Action, ...],
) -> None:
    keys = Counter(key for action in actions for key in action.keys.split(","))
    assert [key for key, times in keys.items() if times > 1] == []
    assert len({action.id for action in actions}) == len(actions)
    text = help_text(actions).plain.splitlines()
    assert max(map(len, text)) <= 72
    for action in actions:
        assert action.help.endswith(".")
        assert action.help[0].isupper()
        assert len(action.help) < 60
        assert any(line.endswith(action.help) for line in text)
    for group in {action.group for action in actions}:
        assert text.count(group) == 1


@EACH
def test_every_action_of_a_screen_exists_and_is_bound(name: str) -> None:
    kind = SCREENS[name]
    bound = {b.key for b in cast("list[Binding]", kind.BINDINGS)}
    for action in kind.KEYS:
        owner = MonitorApp if action.id in EVERYWHERE else kind
        assert callable(getattr(owner, f"action_{action.id.partition('(')[0]}", None)), action.id
        assert action.id in EVERYWHERE or action.keys in bound


@EACH
def test_palette_help_and_footer_are_those_of_the_screen(name: str) -> None:
    async def script(d: Driver) -> None:
        await d.press(*OPENED[name])
        screen = d.app.screen
        assert isinstance(screen, SCREENS[name])
        titles = [command.title for command in d.app.get_system_commands(screen)]
        for action in screen.KEYS:
            assert f"{action.help.rstrip('.')}  ({action.shown})" in titles
        assert len(titles) == len(set(titles))
        foot = screen_text(d.app).splitlines()[-1]
        first = next(action for action in screen.KEYS if action.label)
        assert f"{first.shown} {first.label}" in foot
        assert "1-7" not in foot
        await d.press("question_mark")
        assert isinstance(d.app.screen, HelpScreen)
        assert screen.KEYS[0].help in screen_text(d.app)
        await d.press("escape")
        assert d.app.screen is screen

    drive_canned(script, *FEW)


@EACH
def test_every_key_of_a_screen_can_be_pressed_at_any_time(
    name: str, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("files"))
    kind = SCREENS[name]
    leaving = {"back", "quit", "command_palette", "show_help", "jobs", "errors", "values", "open"}
    leaving |= {"command", "events_of"}
    keys = [k for a in kind.KEYS if a.id not in leaving for k in a.keys.split(",")]

    async def script(d: Driver) -> None:
        session = cast("CannedSession", d.app.session)
        session.answers = [stack()] * 3
        await d.press(*OPENED[name])
        assert isinstance(d.app.screen, kind)
        for _ in d.app.screen.boxes:
            await d.press(*keys, "tab")
        session.add(Started(2), World(flow_info([("a", "o", "b", "i")]), generation=2).snapshot())
        await d.tick()
        await d.press(*keys)
        await settled(d)

    drive_canned(script, *FEW)


def test_the_dashboard_reaches_engine_keys_of_these_screens() -> None:
    async def script(d: Driver) -> None:
        session = cast("CannedSession", d.app.session)
        await d.press("J", "X")
        assert isinstance(d.app.screen, CallScreen)
        await d.press("escape", "r", "plus", "minus")
        assert session.calls == ["reload"]
        assert d.app.hz == 10

    drive_canned(script, *FEW)


# looks --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)], ids=str)
@EACH
def test_a_screen_as_text(name: str, size: tuple[int, int], same: Same) -> None:
    async def script(d: Driver) -> None:
        await d.press(*OPENED[name])
        await settled(d)
        same(screen_text(d.app), f"{name}-{size[0]}x{size[1]}")

    drive_canned(script, *CLOSE, size=size)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)], ids=str)
def test_a_stack_as_text(size: tuple[int, int], same: Same) -> None:
    async def script(d: Driver) -> None:
        cast("CannedSession", d.app.session).answers = [stack()] * 5
        await d.press(*OPENED["routine"], "K")
        await settled(d)
        same(screen_text(d.app), f"stack-{size[0]}x{size[1]}")

    drive_canned(script, *CLOSE, size=size)


@EACH
def test_a_screen_in_ascii(name: str, same: Same) -> None:
    async def script(d: Driver) -> None:
        cast("CannedSession", d.app.session).answers = [stack()] * 5
        await d.press(*OPENED[name], *(["K"] if name == "routine" else []))
        await settled(d)
        assert screen_text(d.app).isascii()
        same(screen_text(d.app), f"{name}-ascii")

    drive_canned(script, *CLOSE, size=(120, 40), ascii=True)


@EACH
def test_a_change_of_theme_repaints(name: str) -> None:
    async def script(d: Driver) -> None:
        await d.press(*OPENED[name])
        before = screen_text(d.app)
        for theme in THEMES:
            d.app.theme = theme.name
            await d.settle()
            assert screen_text(d.app) == before

    drive_canned(script, *FEW)


@EACH
@pytest.mark.parametrize("size", [(59, 24), (80, 19), (30, 8), (12, 4), (1, 1)], ids=str)
def test_a_small_screen_shows_one_box(name: str, size: tuple[int, int]) -> None:
    async def script(d: Driver) -> None:
        await d.press(*OPENED[name])
        await d.resize(*size)
        screen = cast("LiveScreen", d.app.screen)
        await d.press("tab", "j", "shift+tab")
        assert sum(bool(box.display) for box in screen.boxes) == 1
        await d.resize(120, 40)
        assert sum(bool(box.display) for box in screen.boxes) > 1

    drive_canned(script, *FEW)


@EACH
def test_a_banner_is_seen_and_dismissed_here_too(name: str) -> None:
    async def script(d: Driver) -> None:
        await d.press(*OPENED[name])
        screen = d.app.screen
        cast("CannedSession", d.app.session).kill()
        d.app.monitor.handle(Died(1, -9))
        await d.tick()
        assert "ENGINE GONE" in screen_text(d.app)
        await d.press("escape")
        assert "ENGINE GONE" not in screen_text(d.app)
        assert d.app.screen is screen

    drive_canned(script, *FEW)


# names --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SOME_STRANGE)
def test_strange_names_are_shown_literally(
    name: str, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("files"))
    flow = flow_info(
        [(name, name, "store", name), ("store", "again", name, "x")],
        id=name or "flow",
        entries=(name,),
    )
    world = World(flow)
    world.stat_names = ((1, 1, name, name),)
    world.handle(1, 1, payload=name, times=3).handle(1, 2, failed=True, payload=f"{name}: {name}")
    world.record(Kind.STAT, subject=1, worker=1, cause=world.last, value=3)
    world.threads = {2: name}
    world.running = {2: (2, world.now, 99)}
    world.stats = {(1, 0): {name: 3, f"{name}2": name}}
    world.told_jobs = (JobInfo(1, 1, name, 3, 5, False, 3, 1, 1, 0, 0, 0, name),)
    world.later = (LaterInfo(1, 1, 1, 5, MS, 2),)
    answer = Answer(1, name, stack=(StackLine(f"/{name}.py", 3, name, name),), thread=name)
    refusal = Answer(1, name, refused=True)

    async def script(d: Driver) -> None:
        session = cast("CannedSession", d.app.session)
        session.answers = [answer] * 3
        await d.press("enter", "K")
        await settled(d)
        assert_sound(d)
        await d.press("tab", "x", "escape", "escape")
        for keys in (["J"], ["exclamation_mark"], ["V", "enter", "x"]):
            await d.press(*keys)
            assert_sound(d)
            await d.resize(80, 24)
            assert_sound(d)
            await d.press("l", "G")
            await d.resize(200, 50)
        session.answers = [refusal]
        await d.press("J", "p")
        await settled(d)
        assert_sound(d)

    drive_canned(script, world.snapshot(), world.wait(10**9).snapshot(), size=(200, 50))
