"""What is sent by hand, dead letters, who waits for whom, hot lines and generations, on screen."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path
from typing import cast

import pytest
from textual.widgets import Input

from routilux.records import Kind, Status
from tests.tui.building import SECOND, CannedSession, World, flow_info
from tests.tui.screens.conftest import Same
from tests.tui.screens.driving import Driver, drive_canned
from tests.tui.screens.handwork import CHECK, carry, deadlocked, hot, shop, story, trouble
from tests.tui.screens.screen_text import screen_text
from tests.tui.screens.test_screen_names import STRANGE, assert_sound
from tui.filters import CALLS, Filters
from tui.screens.call import CallScreen
from tui.screens.dashboard import DashboardScreen
from tui.screens.dead import DeadScreen
from tui.screens.detail import DetailScreen
from tui.screens.waits import WaitsScreen
from tui.session.events import Progress, Started
from tui.session.messages import Answer, AskLines, Call, ScriptState, WaitInfo
from tui.widgets.detail import LatencyBox
from tui.widgets.form import FormLine
from tui.widgets.hot import HotBox

SIZES = [(80, 24), (120, 40), (200, 50)]


def canned(d: Driver) -> CannedSession:
    return cast("CannedSession", d.app.session)


def said(d: Driver) -> list[str]:
    found = sorted(d.app._notifications, key=lambda notification: notification.raised_at)
    return [notification.message for notification in found]


async def settled(d: Driver) -> None:
    await d.app.workers.wait_for_complete()
    d.app.show()
    await d.settle()


async def in_all_sizes(d: Driver, same: Same, name: str) -> None:
    for size in SIZES:
        await d.resize(*size)
        await settled(d)
        same(screen_text(d.app), f"{name}-{size[0]}x{size[1]}")


def form(d: Driver) -> CallScreen:
    assert isinstance(d.app.screen, CallScreen), d.app.screen
    return d.app.screen


def fields(d: Driver) -> dict[str, FormLine]:
    return {line.key: line for line in form(d).fields}


def notes(d: Driver) -> list[str]:
    return [str(line._note.content).strip() for line in form(d).fields if line._note.display]


# the form -----------------------------------------------------------------------------------------


def test_a_message_is_sent_with_what_was_typed_and_recalled_later(same: Same) -> None:
    async def script(d: Driver) -> None:
        await d.press("down", "X")  # check
        assert form(d)._form.target.label == "check.order"
        assert list(fields(d)) == ["\0to", "order", "country", "note"]
        await d.type("eu")
        assert notes(d) == ["this is a str, the handler says int"]
        await d.press("tab")
        await d.type("(")
        await d.press("enter")  # both are told, nothing is sent
        assert canned(d).asked == []
        assert "'(' was never closed" in notes(d)[-1]
        await in_all_sizes(d, same, "call")
        await d.press("backspace")
        await d.type("US")
        fields(d)["order"].fill("4711")
        canned(d).answers = [Answer(1, "not sent: store is full", refused=True)]
        await d.press("enter")
        await settled(d)
        call = Call(1, "check", "order", (("order", "4711"), ("country", "'US'")))
        assert canned(d).asked == [call]
        assert "not sent: store is full" in screen_text(d.app)
        canned(d).answers = [Answer(2, "job 12 runs check.order")]
        await d.press("enter")
        await settled(d)
        assert isinstance(d.app.screen, DashboardScreen)
        assert said(d)[-1] == "job 12 runs check.order"
        await d.press("X", "up")
        assert {key: line.text for key, line in fields(d).items()} == {
            "\0to": "check.order", "order": "4711", "country": "US", "note": "",
        }  # fmt: skip
        await d.press("down")
        assert fields(d)["order"].text == ""
        await d.press("escape")
        assert isinstance(d.app.screen, DashboardScreen)

    drive_canned(script, *story(), size=(80, 24))


def test_the_slot_can_be_chosen_and_fields_follow_it() -> None:
    async def script(d: Driver) -> None:
        await d.press("3", "X")  # from the events: where jobs begin
        assert form(d)._form.target.label == "fetch.trigger"
        await d.press("shift+tab", "down")
        assert list(fields(d)) == ["\0to", "order", "country", "note"]
        fields(d)["\0to"].fill("")
        await d.type("stor.in")
        assert "no slot 'stor.in'; did you mean 'store.in'" in notes(d)[0]
        await d.press("enter")
        assert canned(d).asked == []
        fields(d)["\0to"].fill("store")
        await d.settle()
        assert list(fields(d)) == ["\0to", "row", ""]
        await d.press("tab", "tab")
        await d.type("x=1, 3")
        await d.press("enter")
        assert notes(d)[-1].endswith("write name=value, other=value")
        assert canned(d).asked == []
        fields(d)[""].fill("x=1")
        await d.press("enter")  # no answer comes
        await settled(d)
        assert "no answer yet from the engine process" in screen_text(d.app)
        canned(d).alive = False
        await d.press("enter")
        await settled(d)
        assert "the engine process has ended" in screen_text(d.app)
        assert len(canned(d).asked) == 1
        for size in ((40, 10), (20, 5), (1, 1), (120, 40)):
            await d.resize(*size)

    drive_canned(script, *story())


def test_a_past_event_is_sent_again_from_the_list_its_payload_and_its_chain(same: Same) -> None:
    async def script(d: Driver) -> None:
        await d.press("3", "A")
        assert "again to check.order" in str(form(d).query_one("#call").border_title)
        assert list(fields(d)) == ["order", "country", "note"]
        assert fields(d)["country"].text == "'US'"
        await d.press("escape", "enter", "A")
        assert isinstance(d.app.screen, CallScreen)
        await d.press("escape", "c", "A")
        assert isinstance(d.app.screen, CallScreen)
        await d.press("escape", "escape")
        # Of the third before it only the beginning of a text was kept.
        await d.press("3", "k", "k", "k", "A")
        fields(d)["country"].input.focus()
        await d.press("enter")
        assert canned(d).asked == []
        assert any("fill it in" in note for note in notes(d))
        await in_all_sizes(d, same, "again")
        await d.type("short")
        canned(d).answers = [Answer(1, "job 13 runs check.order")]
        await d.press("enter")
        await settled(d)
        (asked,) = canned(d).asked
        assert isinstance(asked, Call)
        assert dict(asked.values) == {"order": "92", "country": "'US'", "note": "'short'"}

    drive_canned(script, *story(), size=(120, 40))


# marks --------------------------------------------------------------------------------------------


def test_what_was_sent_by_hand_is_marked_wherever_it_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    async def script(d: Driver) -> None:
        await d.press("3", "k")
        line = next(n for n in d.text(3).splitlines() if "job 7 started" in n)
        assert "+" in line
        assert "by hand" in d.text(3)
        await d.press("j", "c")
        assert "job 7 started by hand" in screen_text(d.app)
        await d.press("escape", "enter")
        assert "sent by hand" in screen_text(d.app)
        await d.press("escape", "slash")
        await d.type("origin=hand")
        await d.press("enter")
        assert "/origin=hand" in d.title(3)
        assert all("+" in line for line in d.text(3).splitlines() if line.strip())
        await d.press("J")
        await d.press("x")
        rows = csv.DictReader((tmp_path / "jobs.csv").read_text().splitlines())
        assert [row["origin"] for row in rows] == ["", "hand"]
        assert "+check" in screen_text(d.app)
        d.app.open_routine(CHECK)
        await d.settle()
        assert "execute by hand" in screen_text(d.app)

    drive_canned(script, *story(), size=(200, 50))


# dead letters -------------------------------------------------------------------------------------


def test_dead_letters_can_be_filtered_sent_again_and_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, same: Same
) -> None:
    monkeypatch.chdir(tmp_path)

    async def script(d: Driver) -> None:
        await d.press("L")
        assert isinstance(d.app.screen, DeadScreen)
        await in_all_sizes(d, same, "dead")
        assert "4 known" in screen_text(d.app)
        await d.press("x")
        (file,) = os.listdir(tmp_path)
        rows = list(csv.DictReader((tmp_path / file).read_text().splitlines()))
        assert [row["reason"] for row in rows] == [
            "job failed", "job cancelled", "slot full", "slot full"
        ]  # fmt: skip
        await d.press("slash")
        await d.type("reason=fulll")
        assert "fulll" in screen_text(d.app)
        await d.press("enter")
        assert isinstance(d.app.focused, Input)
        await d.press("backspace", "enter")
        assert "2 of 4  /reason=full" in screen_text(d.app)
        assert d.app.filters.used("Dead letters") == ["reason=full"]
        await d.press("colon", *"save-filter full", "enter")
        await d.press("colon", *"filter not @full", "enter")
        assert "2 of 4  /not @full" in screen_text(d.app)
        await d.press("colon", *"filter @full", "enter")
        await d.press("down", "A")
        assert fields(d)["order"].text == "90"
        await d.press("escape", "enter")
        assert isinstance(d.app.screen, DetailScreen)
        await d.press("escape", "escape")
        assert isinstance(d.app.screen, DeadScreen)
        assert "4 known" in screen_text(d.app)
        await d.press("escape")
        assert isinstance(d.app.screen, DashboardScreen)

    drive_canned(script, *story(), size=(120, 40))


# who waits for whom -------------------------------------------------------------------------------


def test_a_deadlock_is_in_header_banner_and_list(same: Same) -> None:
    async def script(d: Driver) -> None:
        assert "DEADLOCK, see H" in screen_text(d.app)
        assert "DEADLOCK: 2 threads wait for each other: w1, w2" in screen_text(d.app)
        await d.press("H")
        assert isinstance(d.app.screen, WaitsScreen)
        await in_all_sizes(d, same, "waits")
        await d.press("escape", "down", "down", "down")
        assert "10 s" in screen_text(d.app)
        world.waits = ()
        canned(d).add(world.wait(SECOND).snapshot())
        await d.tick()
        assert "DEADLOCK" not in screen_text(d.app)
        assert "no thread waits" in screen_text(d.app)

    world = World(shop())
    first = world.snapshot()
    drive_canned(script, first, deadlocked(trouble(world)).snapshot(), size=(120, 40))


# the screen of a routine --------------------------------------------------------------------------


def test_lines_are_sampled_while_they_are_looked_at(same: Same) -> None:
    async def script(d: Driver) -> None:
        d.app.open_routine(CHECK)
        await d.settle()
        now = d.app.monitor.run.now
        canned(d).answers = [hot(now), *(hot(now, source=False) for _ in range(40))]
        assert canned(d).asked == []  # off until it is asked for
        await d.press("P")
        await settled(d)
        assert canned(d).asked[0] == AskLines(1, "check", source=True)
        box = d.app.screen.query_one(HotBox)
        await d.until(lambda: box.ident_at_cursor is not None and len(canned(d).asked) > 1)
        assert canned(d).asked[-1] == AskLines(1, "check", source=False)
        assert box.ident_at_cursor == ("/home/me/shop/orders.py", 24)  # the hottest
        await d.press("k")
        assert box.ident_at_cursor == ("/home/me/shop/orders.py", 23)
        await in_all_sizes(d, same, "lines")
        # After a reload of the code it goes on, with nothing of what was found before.
        canned(d).add(Started(2), Progress(2, ScriptState("running", opened=True)), *story(2))
        canned(d).asked.clear()
        await d.tick(2)
        await settled(d)
        assert AskLines(2, "check", source=True) in canned(d).asked
        await d.press("J")
        canned(d).asked.clear()
        await d.tick()
        await settled(d)
        assert canned(d).asked == []  # nobody looks: the engine stops by itself
        await d.press("escape")
        await d.press("escape")
        await settled(d)
        assert canned(d).asked[-1] == AskLines(2, "check", off=True)
        assert not box.display
        assert isinstance(d.app.screen, DetailScreen)

    drive_canned(script, *story(), size=(120, 40))


def test_generations_are_compared_in_the_latency_box(same: Same) -> None:
    async def script(d: Driver) -> None:
        d.app.open_routine(CHECK)
        await d.settle()
        box = d.app.screen.query_one(LatencyBox)
        assert "->" not in str(box.border_title)
        for generation in (2, 3):
            canned(d).add(
                Started(generation, 0.1),
                Progress(generation, ScriptState("running", opened=True)),
                *story(generation),
            )
            await d.tick(2)
        d.app.monitor.dismiss()
        d.app.show()
        await d.press("W", "W")
        assert "W: all  W: g2 -> g3" in str(box.border_title)
        await d.press("W")
        await in_all_sizes(d, same, "generations")
        assert box.table(d.app.monitor) is not None
        await d.press("W")
        assert "W: 10 s" in str(box.border_title)

    drive_canned(script, *story(), size=(120, 40))


# what was sent before -----------------------------------------------------------------------------


def test_calls_are_kept_for_the_project_the_last_ten_of_each_slot(tmp_path: Path) -> None:
    path = tmp_path / "filters" / "x.json"
    kept = Filters(path)
    kept.add("Events", "kind=dropped")
    for number in range(12):
        kept.add_call("check.order", json.dumps([["order", str(number)]]))
    kept.add_call("store.in", "[]")
    again = Filters(path)
    assert len(again.used_calls("check.order")) == CALLS == 10
    assert again.used_calls("check.order")[0] == '[["order", "11"]]'
    assert again.used_calls("store.in") == ["[]"]
    assert again.used("Events") == ["kind=dropped"], "of filters and calls none takes the other"
    for number in range(300):
        again.add_call(f"slot{number}", "[]")
    assert again.used_calls("slot299") == ["[]"]
    assert not again.used_calls("check.order"), "the slot that was used longest ago is forgotten"
    path.write_text('{"filters": {}}')
    assert not Filters(path).trouble, "written before calls were kept"
    path.write_text('{"filters": {}, "calls": {"check.order": [1]}}')
    assert "cannot be read" in Filters(path).trouble


def test_keys_that_come_all_at_once_mean_what_they_would_one_by_one() -> None:
    async def script(d: Driver) -> None:
        await d.press("down")
        await d.type("X4711\tUS")  # without a pause for the form to appear
        await d.settle()
        assert fields(d)["order"].text == "4711"
        assert fields(d)["country"].text == "US"

    drive_canned(script, *story(), size=(120, 40))


@pytest.mark.parametrize("ascii", [False, True])
def test_strange_names_and_small_screens_break_nothing(ascii: bool) -> None:
    names = [name for key, name in STRANGE.items() if not ascii or name.isascii()]
    wires = [(name, name, f"{name}2", name) for name in names]
    flow = flow_info(wires)
    world = World(flow)
    first = world.snapshot()
    for edge, name in enumerate(names, 1):
        world.handle(1, edge).record(Kind.DROPPED, subject=edge, status=Status.CANCELLED, value=1)
        carry(world, {} if ascii else {name: name, "x" * 300: name})  # cut texts end in no ASCII
    held = tuple(names[:3])
    world.waits = tuple(
        WaitInfo(name, "lock", name, name, 3, world.now, None, held, name, 1) for name in names
    )

    async def look(d: Driver) -> None:
        for size in ((200, 50), (80, 24), (40, 12), (12, 4)):
            await d.resize(*size)
            assert_sound(d)
            if ascii and size[0] >= 40:  # of smaller ones the panes behind the form show through
                assert [n for n in screen_text(d.app).splitlines() if not n.isascii()] == [], size

    async def script(d: Driver) -> None:
        d.app.monitor.dismiss()
        await d.press("X")
        for _ in names:
            await d.press("shift+tab", "down")
        await look(d)
        await d.press("escape", "L")
        await look(d)
        await d.press("A")
        await look(d)
        await d.press("escape", "H")
        await look(d)
        d.app.open_routine((1, 0))
        await d.settle()
        canned(d).answers = [hot(d.app.monitor.run.now)] * 40
        await d.press("P", "W")
        await settled(d)
        await look(d)

    drive_canned(script, first, world.snapshot(), size=(120, 40), ascii=ascii)
