"""The causes of an event: opened by a key, read line by line, left again by Esc."""

from __future__ import annotations

import pytest

from routilux.records import Kind, Status
from tests.tui.building import MS, SECOND, CannedSession, World, flow_info
from tests.tui.screens.causal import GATE, NAMES, parcels
from tests.tui.screens.conftest import Same
from tests.tui.screens.driving import Driver, drive, drive_canned
from tests.tui.screens.screen_text import screen_text
from tests.tui.screens.test_screen_names import SOME_STRANGE, assert_sound
from tui.model import log
from tui.paint.canvas import clean
from tui.session.messages import RecordTuple
from tui.widgets.causes import CausesPane
from tui.widgets.events import EventsPane

SCENE = parcels()
CAUSES = CausesPane.number
SIZES = [(80, 24), (120, 40), (200, 50)]


def events(d: Driver) -> EventsPane:
    return d.dashboard.query_one(EventsPane)


def causes(d: Driver) -> CausesPane:
    return d.dashboard.query_one(CausesPane)


async def choose(d: Driver, kind: Kind, edge: int, status: Status = Status.OK) -> RecordTuple:
    """Go to the last record of a kind, as somebody would who moves up to it."""
    await d.press("3", "k")
    view = d.app.monitor.log.view
    wanted = [
        r for r in view if (r[log.KIND], r[log.SUBJECT], r[log.STATUS]) == (kind, edge, status)
    ]
    record = wanted[-1]
    while events(d).record != record:
        await d.press("k" if record[log.SEQUENCE] < events(d).record[log.SEQUENCE] else "j")  # type: ignore[index]
    return record


# what is shown ------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize(("name", "keys"), [("why", "c"), ("waterfall", "w"), ("job", "ww")])
def test_a_parcel_that_was_paid_for_twice(
    size: tuple[int, int], name: str, keys: str, same: Same
) -> None:
    async def script(d: Driver) -> None:
        await choose(d, Kind.ACTIVATION, 5)
        await d.press(*keys)
        same(screen_text(d.app), f"{name}-{size[0]}x{size[1]}")

    drive_canned(script, *SCENE, size=size)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_effects_of_a_job(size: tuple[int, int], same: Same) -> None:
    async def script(d: Driver) -> None:
        await choose(d, Kind.ACTIVATION, GATE)
        await d.press("d")
        same(screen_text(d.app), f"effects-{size[0]}x{size[1]}")

    drive_canned(script, *SCENE, size=size)


def test_causes_in_ascii(same: Same) -> None:
    async def script(d: Driver) -> None:
        await choose(d, Kind.ACTIVATION, 5)
        await d.press("c")
        text = screen_text(d.app)
        assert text.isascii()
        same(text, "why-ascii")

    drive_canned(script, *SCENE, size=(120, 40), ascii=True)


def test_the_parts_in_the_heading_are_those_of_the_line(same: Same) -> None:
    async def script(d: Driver) -> None:
        record = await choose(d, Kind.ACTIVATION, 5)
        await d.press("c")
        lines = d.text(CAUSES).splitlines()
        assert lines[0].startswith(" 36.5m = queue 3.6m 9.9%  run 17.9m 49%  retry wait 15.0m 41%")
        assert "lock -" in lines[0]
        assert any("try 1 failed" in line for line in lines)
        assert any("shelf.parcels = 92" in line for line in lines)
        assert causes(d).chosen == record

    drive_canned(script, *SCENE, size=(120, 40))


def test_what_ran_at_the_same_time_stands_below_with_what_is_shared() -> None:
    async def script(d: Driver) -> None:
        await choose(d, Kind.ACTIVATION, 4)
        await d.press("c")
        text = d.text(CAUSES)
        assert "Concurrent with it: 2" in text or "Nothing ran at the same time" in text

    drive_canned(script, *SCENE, size=(120, 40))


def test_two_that_set_the_same_statistic_are_named_with_it() -> None:
    world = World(flow_info([("a", "o", "b", "i"), ("a", "o", "c", "i")]))
    world.stat_names = ((9, 1, "b", "count"),)
    now = world.now
    for ident, cause, lane in ((70, 60, 1), (71, 61, 2)):
        ran = (1, 1, 1, ident, cause, lane, 1, now, now + 5, 0, 0)
        wrote = (int(Kind.STAT), 1, 1, ident + 9, ident, lane, 9, 0, 0, 0, 4)
        world.records += [(ident, now + ident, *ran), (ident + 9, now + 40, *wrote)]

    async def script(d: Driver) -> None:
        await d.press("3", "k", "k", "k", "c")
        text = d.text(CAUSES)
        assert "Concurrent with it: 1, 1 of them share something" in text
        assert "both set b.count, same routine" in text
        assert "its causes are older than the oldest record" in text or "lost on the way" in text

    drive_canned(script, world.wait(SECOND).snapshot(), size=(160, 40))


def test_a_cause_that_still_runs_is_named() -> None:
    world = World(flow_info([("a", "o", "b", "i")], entries=("a",)))
    world.running = {1: (2, world.now, 60)}
    world.count(1, 2, queued=1, started=1)
    world.wait(10 * MS)
    world.records.append(
        (1, world.now, 1, 1, 1, 70, 60, 2, 1, world.now - 5 * MS, world.now - MS, 0, 0)
    )

    async def script(d: Driver) -> None:
        await d.press("3", "c")
        assert "execute>a.trigger still runs, for 10.0m" in d.text(CAUSES)

    drive_canned(script, world.snapshot(), size=(120, 40))


# keys ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["c", "d", "w"])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_key_opens_and_esc_comes_back(key: str, size: tuple[int, int]) -> None:
    async def script(d: Driver) -> None:
        await choose(d, Kind.ACTIVATION, 5)
        chosen, visible = events(d).record, d.visible
        await d.press(key)
        assert d.focused == CAUSES
        assert d.visible == ([3, CAUSES] if size[0] >= 160 else [CAUSES])
        await d.press("escape")
        assert d.focused == 3
        assert d.visible == visible
        assert events(d).record == chosen
        assert chosen is not None
        assert f"#{chosen[log.SEQUENCE]}" in d.text(3) or size == (80, 24)

    drive_canned(script, *SCENE, size=size)


def test_it_stands_still_though_it_was_followed() -> None:
    async def script(d: Driver) -> None:
        await d.press("3", "c")
        assert d.app.monitor.log.paused
        await d.press("escape", "escape")
        assert not d.app.monitor.log.paused

    drive_canned(script, *SCENE)


def test_a_line_chooses_its_record_and_enter_goes_there() -> None:
    async def script(d: Driver) -> None:
        last = await choose(d, Kind.ACTIVATION, 5)
        await d.press("c", "k", "k", "k")
        chosen = causes(d).chosen
        assert chosen is not None
        assert chosen != last
        assert events(d).record == chosen
        assert d.app.monitor.cursor.selected == chosen
        await d.press("enter")
        assert d.focused == 3
        assert d.visible == [1, 2, 3, 4, 5, 6]
        assert events(d).record == chosen

    drive_canned(script, *SCENE)


def test_a_line_can_be_asked_about_in_turn() -> None:
    async def script(d: Driver) -> None:
        await choose(d, Kind.ACTIVATION, 5)
        await d.press("c", "g", "j", "d")
        assert causes(d).mode == "effects"
        assert causes(d).record is not None
        assert causes(d).record[log.SUBJECT] == GATE  # type: ignore[index]
        assert d.title(CAUSES).startswith("Effects of #")
        await d.press("c")
        assert d.title(CAUSES).startswith("Why #")

    drive_canned(script, *SCENE)


def test_a_waterfall_is_of_the_chain_then_of_the_job_then_of_the_chain() -> None:
    async def script(d: Driver) -> None:
        record = await choose(d, Kind.ACTIVATION, 5)
        await d.press("w")
        chain = d.text(CAUSES)
        await d.press("w")
        assert f"job {record[log.JOB]}: " in d.text(CAUSES)
        await d.press("j", "j", "w")
        assert d.text(CAUSES) == chain

    drive_canned(script, *SCENE)


def test_a_number_leaves_the_causes() -> None:
    async def script(d: Driver) -> None:
        await d.press("3", "c", "1")
        assert d.focused == 1
        assert d.visible == [1, 2, 3, 4, 5, 6]

    drive_canned(script, *SCENE)


def test_tab_goes_between_the_list_and_the_causes_where_both_are_seen() -> None:
    async def script(d: Driver) -> None:
        await d.press("3", "c", "tab")
        assert d.focused == 3
        await d.press("tab")
        assert d.focused == CAUSES
        await d.press("z")
        assert d.visible == [CAUSES]
        await d.press("escape")
        assert d.visible == [3, CAUSES]

    drive_canned(script, *SCENE, size=(200, 50))


def test_it_stays_readable_through_any_size() -> None:
    async def script(d: Driver) -> None:
        await d.press("3", "k", "c")
        for width, height in ((200, 50), (159, 30), (60, 16), (30, 10), (3, 3), (120, 40)):
            await d.resize(width, height)
            assert_sound(d)
        assert d.visible == [CAUSES]

    drive_canned(script, *SCENE)


def test_a_following_flow_does_not_move_what_was_found() -> None:
    async def script(d: Driver) -> None:
        await d.press("3", "k", "c")
        before = d.text(CAUSES)
        session = d.app.session
        assert isinstance(session, CannedSession)
        session.add(*parcels(30)[20:])
        await d.tick(10)
        assert d.text(CAUSES) == before

    drive_canned(script, *SCENE)


def test_without_events_a_key_says_what_to_do() -> None:
    async def script(d: Driver) -> None:
        await d.press("c")
        assert d.visible == [1, 2, 3, 4, 5, 6]
        assert [n.message for n in d.app._notifications] == [
            "No event is chosen: 3 goes to the events."
        ]

    drive(script, CannedSession())


# names --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SOME_STRANGE)
def test_strange_names_stand_as_they_are(name: str) -> None:
    names = (name, *NAMES[1:4], f"{name}2", NAMES[5])

    async def script(d: Driver) -> None:
        for keys in (("c",), ("d",), ("w",), ("w",)):
            await d.press(*keys)
            assert_sound(d)
            if len(name) < 50 and keys != ("d",):
                assert clean(name) in d.text(CAUSES)
        await d.resize(80, 24)
        assert_sound(d)

    async def begin(d: Driver) -> None:
        await choose(d, Kind.ACTIVATION, 5)
        await script(d)

    drive_canned(begin, *parcels(20, names), size=(200, 50))
