"""Every action of every screen: it has a key, a palette entry, a help line and a command, and
pressing its key does something or says why not.
"""

from __future__ import annotations

from typing import Any, cast

import pytest
from textual.command import CommandPalette
from textual.widgets import Input

from tests.tui.building import CannedSession
from tests.tui.screens.close import close_by, stack
from tests.tui.screens.driving import Driver, drive_canned
from tests.tui.screens.screen_text import screen_strips
from tui.commands import read
from tui.keys import TABLES, Action
from tui.screens.help import HelpScreen, help_text
from tui.screens.live import keys_of
from tui.session.messages import Answer

CLOSE = close_by()[:34]
#: How to come to each screen from the dashboard.
WAYS: dict[str, list[str]] = {
    "dashboard": ["3", "k", "k"],
    "routine": ["1", "g", "j", "j", "enter", "tab"],
    "statistics": ["V", "j"],
    "jobs": ["J"],
    "errors": ["exclamation_mark"],
    "event": ["3", "k", "k", "enter"],
    "dead letters": ["L"],
    "waits": ["H"],
    "findings": ["R"],
}
#: What must be pressed before an action can do something.
BEFORE: dict[str, list[str]] = {
    "pane(3)": ["1"],
    "cursor(1)": ["k"],
    "cursor(-1)": ["j", "j"],
    "edge(1)": ["g"],
    "page(1)": ["g"],
    "page(-1)": ["G", "k"],
    "pan(-1)": ["l"],
    "edge(-1)": ["G", "j"],
    "back": ["z"],
    "follow": ["k"],
    "next_mark": ["m", "j"],
    "reverse": ["s"],
    "scroll(1)": ["k"],
    "scroll(-1)": ["j"],
}


def at(d: Driver) -> tuple[Any, ...]:
    """All that an action may change, as far as a person notices it."""
    session = cast("CannedSession", d.app.session)
    return (
        screen_strips(d.app),  # with colours: a cursor is one
        [type(screen) for screen in d.app.screen_stack],
        d.app.focused,
        [n.message for n in d.app._notifications],
        list(session.calls),
        list(session.asked),
        (d.app.hz, session.auto_reload, d.app.monitor.log.paused, d.app.monitor.cursor.time),
    )


async def come(d: Driver, screen: str) -> None:
    """To the screen, as if it was the first time."""
    while isinstance(d.app.screen, CommandPalette | HelpScreen):
        d.app.pop_screen()
        await d.settle()
    if isinstance(d.app.focused, Input):
        await d.press("escape")
    dashboard = d.app.to_dashboard()
    dashboard.look_at_now()
    for part in ("zoom", "causes", "time", "output"):
        dashboard.set_class(False, part)
    dashboard._zoomed = None
    d.app.monitor.log.resume()
    d.app._notifications.clear()
    await d.press("escape", *WAYS[screen])


@pytest.mark.parametrize("screen", TABLES)
def test_every_action_does_something_or_says_why_not(
    screen: str, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("files"))
    quits: list[str] = []
    silent: list[Action] = []

    async def script(d: Driver) -> None:
        session = cast("CannedSession", d.app.session)

        async def quit_() -> None:
            quits.append(screen)

        monkeypatch.setattr(d.app, "action_quit", quit_)
        for action in TABLES[screen]:
            session.answers = [stack(), Answer(1, "done")]
            await come(d, screen)
            await d.press(*BEFORE.get(action.id, ()))
            before = at(d)
            quits.clear()
            await d.press(action.keys.partition(",")[0])
            await d.app.workers.wait_for_complete()
            await d.settle()
            if at(d) == before and not quits:
                silent.append(action)

    drive_canned(script, *CLOSE, size=(80, 24))
    # Where everything is in sight there is nowhere to move to; on the dashboard there is.
    moves = ("Moving", "Event") if screen != "dashboard" else ()
    assert [action.id for action in silent if action.group not in moves] == []


@pytest.mark.parametrize("screen", TABLES)
def test_every_action_has_a_key_a_help_line_and_a_command(screen: str) -> None:
    table = TABLES[screen]
    lines = help_text(table).plain.splitlines()
    for action in table:
        assert action.keys
        assert any(line.endswith(action.help) and action.shown in line.split() for line in lines)
        assert read(action.command, table).action == action


def test_every_action_and_command_has_a_palette_entry_where_it_works() -> None:
    found: dict[str, list[str]] = {}

    async def script(d: Driver) -> None:
        for screen in TABLES:
            await come(d, screen)
            assert [a.id for a in keys_of(d.app.screen)] == [a.id for a in TABLES[screen]]
            found[screen] = [c.title for c in d.app.get_system_commands(d.app.screen)]

    drive_canned(script, *CLOSE, size=(80, 24))
    for screen, table in TABLES.items():
        titles = found[screen]
        assert len(titles) == len(set(titles))
        for action in table:
            assert f"{action.help.rstrip('.')}  ({action.shown})" in titles, screen
        commands = [title for title in titles if "(:" in title]
        assert bool(commands) == (screen != "event"), "no line to write on over an event"
