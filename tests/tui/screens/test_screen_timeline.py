"""The timeline, and the one moment that every pane shows."""

from __future__ import annotations

import pytest

from routilux.records import Kind
from tests.tui.building import START, CannedSession
from tests.tui.screens.causal import NAMES, parcels
from tests.tui.screens.conftest import Same
from tests.tui.screens.driving import Driver, drive, drive_canned
from tests.tui.screens.screen_text import screen_text
from tests.tui.screens.test_screen_causes import choose, events
from tests.tui.screens.test_screen_names import SOME_STRANGE, assert_sound
from tui.model import log
from tui.model.monitor import Monitor
from tui.session.events import Started
from tui.widgets.timeline import TimelinePane

SCENE = parcels()
TIME = TimelinePane.number
SIZES = [(80, 24), (120, 40), (200, 50)]


def cursor(d: Driver) -> int | None:
    return d.app.monitor.cursor.time


def timeline(d: Driver) -> TimelinePane:
    return d.dashboard.query_one(TimelinePane)


def header(d: Driver) -> str:
    return screen_text(d.app).splitlines()[0]


# what is shown ------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_timeline_of_an_event(size: tuple[int, int], same: Same) -> None:
    async def script(d: Driver) -> None:
        await choose(d, Kind.ACTIVATION, 5)
        await d.press("t", "minus", "minus")
        same(screen_text(d.app), f"timeline-{size[0]}x{size[1]}")

    drive_canned(script, *SCENE, size=size)


def test_the_timeline_that_follows(same: Same) -> None:
    async def script(d: Driver) -> None:
        await d.press("t")
        same(screen_text(d.app), "timeline-now")

    drive_canned(script, *SCENE, size=(120, 40))


def test_the_timeline_in_ascii(same: Same) -> None:
    async def script(d: Driver) -> None:
        await d.press("t", "comma", "comma")
        text = screen_text(d.app)
        assert text.isascii()
        same(text, "timeline-ascii")

    drive_canned(script, *SCENE, size=(80, 24), ascii=True)


def test_a_moment_of_the_past_on_the_dashboard(same: Same) -> None:
    async def script(d: Driver) -> None:
        d.dashboard.scrub(START + 900_000_000)
        await d.tick()
        same(screen_text(d.app), "dashboard-past")

    drive_canned(script, *SCENE, size=(120, 40))


def test_failures_show_in_the_lanes() -> None:
    async def script(d: Driver) -> None:
        await d.press("t")
        assert "↻" in d.text(TIME)

    drive_canned(script, *SCENE)


def test_what_waits_is_what_the_engine_counted() -> None:
    """Also what has not begun yet, of which no record tells."""

    async def script(d: Driver) -> None:
        await d.press("t", "0")
        assert "waiting 500" in d.text(TIME)

    scene = parcels()
    session = CannedSession(*scene)

    async def begin(d: Driver) -> None:
        await d.tick(len(scene))
        run = d.app.monitor.run
        last = scene[-1]
        counts = tuple((*c[:1], c[1] + 500, *c[2:]) for c in last.lanes[0].counts[:1])
        lanes = (type(last.lanes[0])(0, 1, "MainThread", None, counts, ()), *last.lanes[1:])  # type: ignore[arg-type]
        for step in range(1, 12):
            values = {name: getattr(last, name) for name in last.__struct_fields__}
            values |= {"taken_ns": run.now + 100_000_000 * 1, "lanes": lanes, "records": ()}
            session.add(type(last)(**values))
            await d.tick()
            assert step
        await script(d)

    drive(begin, session)


# keys ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_t_opens_and_t_or_esc_closes(size: tuple[int, int]) -> None:
    async def script(d: Driver) -> None:
        before = screen_text(d.app)
        for key in ("t", "escape"):
            await d.press("t")
            assert d.focused == TIME
            assert d.visible == ([1, 2, TIME] if size[0] >= 160 else [TIME])
            await d.press(key)
            assert d.focused == 4
            await d.press("1")
            assert screen_text(d.app) == before

    drive_canned(script, *SCENE, size=size)


def test_it_opens_at_the_chosen_event() -> None:
    async def script(d: Driver) -> None:
        record = await choose(d, Kind.ACTIVATION, 5)
        await d.press("t")
        assert cursor(d) == record[log.TIME]
        assert d.app.monitor.cursor.selected == record
        text = d.text(TIME)
        assert f"#{record[log.SEQUENCE]} " in text
        assert "queued 1.832883 > started 1.834825 > ended 1.836535  wait 1.9m run 1.7m" in text

    drive_canned(script, *SCENE)


def test_zoom_changes_the_cell_and_not_how_often_to_look() -> None:
    async def script(d: Driver) -> None:
        await d.press("t")
        step = timeline(d).axis.step
        await d.press("plus")
        assert timeline(d).axis.step < step
        await d.press("minus", "minus")
        assert timeline(d).axis.step > step
        assert d.app.hz == 10
        await d.press("escape", "plus")
        assert d.app.hz == 15

    drive_canned(script, *SCENE)


def test_zooming_has_an_end_in_both_directions() -> None:
    async def script(d: Driver) -> None:
        await d.press("t", *["plus"] * 30)
        assert timeline(d).axis.step == 1_000
        await d.press(*["minus"] * 30)
        assert timeline(d).axis.step == 100_000_000_000
        assert_sound(d)

    drive_canned(script, *SCENE)


def test_0_shows_the_event_then_everything() -> None:
    async def script(d: Driver) -> None:
        await choose(d, Kind.ACTIVATION, 5)
        await d.press("t")
        fine = timeline(d).axis.step
        await d.press("0")
        assert timeline(d).axis.step > fine
        assert "375 runs" in d.text(TIME)
        await d.press("0")
        assert timeline(d).axis.step == fine

    drive_canned(script, *SCENE)


def test_0_elsewhere_does_nothing() -> None:
    async def script(d: Driver) -> None:
        before = screen_text(d.app)
        await d.press("0")
        assert screen_text(d.app) == before

    drive_canned(script, *SCENE)


def test_h_and_l_move_the_moment_and_the_window_goes_along() -> None:
    async def script(d: Driver) -> None:
        await d.press("t", "h")
        first = cursor(d)
        assert first is not None
        assert first < d.app.monitor.run.now
        await d.press(*["h"] * 30)
        assert cursor(d) is not None
        assert cursor(d) < first  # type: ignore[operator]
        assert "│" in d.text(TIME)
        await d.press("l")
        await d.press("ctrl+u")
        await d.press(*["ctrl+d"] * 9)
        assert cursor(d) is None

    drive_canned(script, *SCENE)


def test_g_goes_to_the_first_moment_and_capital_g_to_now() -> None:
    async def script(d: Driver) -> None:
        await d.press("t", "g")
        assert cursor(d) == START
        await d.press("G")
        assert cursor(d) is None
        assert not d.app.monitor.log.paused

    drive_canned(script, *SCENE)


def test_comma_and_full_stop_step_from_event_to_event_in_any_pane() -> None:
    async def script(d: Driver) -> None:
        view = d.app.monitor.log.view
        times = [view[-2][log.TIME], view[-3][log.TIME]]
        for time in times:
            await d.press("comma")
            assert cursor(d) == time
        await d.press("full_stop")
        assert cursor(d) == times[0]
        assert d.app.monitor.cursor.selected == events(d).record

    drive_canned(script, *SCENE)


def test_enter_goes_to_the_chosen_event_in_the_list() -> None:
    async def script(d: Driver) -> None:
        record = await choose(d, Kind.ACTIVATION, 5)
        await d.press("t", "enter")
        assert d.focused == 3
        assert events(d).record == record

    drive_canned(script, *SCENE)


def test_enter_with_nothing_chosen_zooms() -> None:
    async def script(d: Driver) -> None:
        await d.press("t", "enter")
        assert d.visible == [TIME]
        await d.press("enter")
        assert d.visible == [1, 2, TIME]

    drive_canned(script, *SCENE, size=(200, 50))


def test_causes_open_over_the_timeline_and_lead_back_to_it() -> None:
    async def script(d: Driver) -> None:
        await choose(d, Kind.ACTIVATION, 5)
        await d.press("t", "c")
        assert 31 in d.visible
        assert TIME not in d.visible
        await d.press("escape")
        assert d.focused == TIME
        assert TIME in d.visible

    drive_canned(script, *SCENE, size=(200, 50))


# one moment for all panes -------------------------------------------------------------------------


def then(looks: int) -> Monitor:
    monitor = Monitor()
    monitor.handle(Started(1))
    for snapshot in SCENE[:looks]:
        monitor.apply(snapshot)
    return monitor


@pytest.mark.parametrize("looks", [4, 10, 16])
def test_every_pane_shows_the_moment(looks: int) -> None:
    past = then(looks)

    async def script(d: Driver) -> None:
        moment = d.app.monitor.past.at(past.run.now)
        assert moment is not None
        shown = then(1 + round((moment.time - START) / 100_000_000))
        d.dashboard.scrub(past.run.now)
        await d.settle()
        run = shown.run
        assert f" runs {run.done:,}" in screen_text(d.app)
        for row in run.routines():
            line = next(x for x in d.text(1).splitlines() if f" {row.name} " in x)
            assert f" {row.queue} " in line
        value = run.stats()[0].value
        assert f"{value:,}" in d.text(6)
        assert f"ready-q {run.waiting}" in d.title(4)
        chosen = events(d).record
        assert chosen is not None
        assert chosen[log.TIME] <= past.run.now
        assert "PAST" in header(d)

    drive_canned(script, *SCENE)


def test_the_header_says_that_one_looks_at_the_past_until_f() -> None:
    async def script(d: Driver) -> None:
        before = screen_text(d.app)
        assert "PAST" not in before
        await d.press("comma")
        assert " PAST 1.840 s " in header(d)
        await d.press("f")
        assert screen_text(d.app) == before

    drive_canned(script, *SCENE, size=(80, 24))


@pytest.mark.parametrize("key", ["escape", "f", "space"])
def test_a_key_returns_to_now(key: str) -> None:
    async def script(d: Driver) -> None:
        await d.press("comma", "comma")
        assert cursor(d) is not None
        await d.press(key)
        assert cursor(d) is None
        assert not d.app.monitor.log.paused

    drive_canned(script, *SCENE)


def test_moving_among_the_events_moves_the_moment_once_the_past_is_looked_at() -> None:
    async def script(d: Driver) -> None:
        await d.press("3", "k")
        assert cursor(d) is None  # to pick a line is not yet to look back
        await d.press("comma", "k")
        chosen = events(d).record
        assert chosen is not None
        assert cursor(d) == chosen[log.TIME]

    drive_canned(script, *SCENE)


def test_the_past_stands_still_while_the_flow_goes_on() -> None:
    async def script(d: Driver) -> None:
        await d.press("comma")
        table, stats = d.text(1), d.text(6)
        session = d.app.session
        assert isinstance(session, CannedSession)
        session.add(*parcels(30)[20:])
        await d.tick(10)
        assert [line[:40] for line in d.text(1).splitlines()] == [
            line[:40] for line in table.splitlines()
        ]
        assert d.text(6) == stats
        await d.press("f")
        assert d.text(6) != stats

    drive_canned(script, *SCENE)


def test_a_new_generation_is_looked_at_now() -> None:
    async def script(d: Driver) -> None:
        await d.press("comma")
        d.app.monitor.handle(Started(2, 0.1))
        await d.tick()
        assert "PAST" not in header(d)

    drive_canned(script, *SCENE)


# names, sizes -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SOME_STRANGE)
def test_strange_names_stand_as_they_are(name: str) -> None:
    names = (name, *NAMES[1:3], f"{name}3", f"{name}2", NAMES[5])

    async def script(d: Driver) -> None:
        await d.press("t")
        assert_sound(d)
        await d.press("escape")
        await choose(d, Kind.ACTIVATION, 5)
        await d.press("t")
        assert_sound(d)
        await d.resize(80, 24)
        assert_sound(d)
        await d.press("comma", "minus")
        assert_sound(d)

    drive_canned(script, *parcels(20, names), size=(200, 50))


def test_it_stays_readable_through_any_size() -> None:
    async def script(d: Driver) -> None:
        await choose(d, Kind.ACTIVATION, 5)
        await d.press("t")
        for width, height in ((200, 50), (159, 30), (60, 16), (30, 10), (3, 3), (120, 40)):
            await d.resize(width, height)
            assert_sound(d)
        assert d.visible == [TIME]

    drive_canned(script, *SCENE)


def test_before_anything_has_come_it_says_so() -> None:
    async def script(d: Driver) -> None:
        await d.press("t", "h", "l", "plus", "minus", "0", "g", "G", "comma", "full_stop")
        assert "nothing has run yet" in d.text(TIME)
        assert cursor(d) is None

    drive(script, CannedSession())
