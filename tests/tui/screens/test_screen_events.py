"""The event stream: it follows, stands still without losing anything, and says what it missed."""

from __future__ import annotations

import re
from typing import cast

import pytest

from routilux.records import Kind, Line, Status
from tests.tui.building import CannedSession, World, flow_info
from tests.tui.screens.driving import Driver, drive, drive_canned
from tests.tui.screens.screen_text import screen_text
from tests.tui.screens.trouble import bad_day
from tui.session.events import Output

FLOW = flow_info([("a", "out", "b", "in")])


class Stream:
    """A world that a test lets emit."""

    def __init__(self) -> None:
        self.world = World(FLOW)
        self.session = CannedSession(self.world.snapshot())
        self.count = 0

    async def emit(self, d: Driver, times: int, lost: int = 0) -> None:
        """So many records come and are shown."""
        for _ in range(times):
            self.count += 1
            self.world.wait(1_000_000).handle(1, 1, payload=f"number {self.count}.")
        self.world.lose(lost)
        self.session.add(self.world.snapshot())
        await d.tick(len(self.session._items))


def test_the_newest_stays_in_sight() -> None:
    stream = Stream()

    async def script(d: Driver) -> None:
        for _ in range(4):
            await stream.emit(d, 25)
            assert f"number {stream.count}." in d.text(3)
            assert "/s" in d.title(3)

    drive(script, stream.session, size=(200, 50))


def test_pause_holds_the_view_counts_what_comes_and_loses_nothing() -> None:
    stream = Stream()

    async def script(d: Driver) -> None:
        await stream.emit(d, 50)
        await d.press("space")
        before = d.text(3)
        assert d.title(3) == "3 Events  PAUSED +0 new"
        await stream.emit(d, 1_200, lost=34)
        assert d.title(3) == "3 Events  PAUSED +1,234 new"
        assert "PAUSED +1,234" in screen_text(d.app).splitlines()[0], "also while zoomed"
        assert d.text(3) == before
        assert d.app.monitor.run.done == 1_250  # all the other panes go on
        await d.press("space")
        assert "PAUSED" not in d.title(3)
        assert "number 1250." in d.text(3)
        assert len(d.app.monitor.log.view) == 1_250

    drive(script, stream.session, size=(200, 50))


@pytest.mark.parametrize("key", ["f", "G", "end", "escape", "space"])
def test_every_way_back_to_the_newest(key: str) -> None:
    stream = Stream()

    async def script(d: Driver) -> None:
        await d.press("3")
        await stream.emit(d, 50)
        await d.press("space")
        await stream.emit(d, 50)
        assert "number 100." not in d.text(3)
        await d.press(key)
        assert "PAUSED" not in d.title(3)
        assert "number 100." in d.text(3)
        await stream.emit(d, 1)
        assert "number 101." in d.text(3)

    drive(script, stream.session, size=(200, 50))


@pytest.mark.parametrize("key", ["k", "up", "ctrl+u", "pageup", "g", "home"])
def test_going_back_in_time_pauses(key: str) -> None:
    stream = Stream()

    async def script(d: Driver) -> None:
        await d.press("3")
        await stream.emit(d, 80)
        await d.press(key)
        assert "PAUSED" in d.title(3)
        before = d.text(3)
        await stream.emit(d, 80)
        assert d.text(3) == before
        if key in ("g", "home"):
            assert "number 1." in d.text(3)

    drive(script, stream.session, size=(200, 50))


def test_going_down_at_the_newest_does_not_pause() -> None:
    stream = Stream()

    async def script(d: Driver) -> None:
        await d.press("3")
        await stream.emit(d, 80)
        await d.press("j", "ctrl+d")
        assert "PAUSED" not in d.title(3)

    drive(script, stream.session, size=(200, 50))


def test_the_keys_of_the_stream_work_from_every_pane() -> None:
    stream = Stream()

    async def script(d: Driver) -> None:
        await stream.emit(d, 10)
        await d.press("6", "space")
        assert "PAUSED" in d.title(3)
        await d.press("f")
        assert "PAUSED" not in d.title(3)

    drive(script, stream.session, size=(200, 50))


def test_lost_records_show_in_the_header_and_the_title() -> None:
    stream = Stream()

    async def script(d: Driver) -> None:
        await stream.emit(d, 75, lost=25)
        assert "kept 75%" in d.title(3)
        assert "kept 75%" in screen_text(d.app).splitlines()[0]

    drive(script, stream.session, size=(200, 50))


def test_the_ring_can_be_longer_than_any_screen() -> None:
    stream = Stream()

    async def script(d: Driver) -> None:
        stream.world.handle(1, 1, times=60_000)
        await stream.emit(d, 1)
        await d.press("3", "g", "G", "g")
        assert "PAUSED" in d.title(3)
        assert len(d.app.monitor.log.view) == 60_001

    drive(script, stream.session, size=(200, 50))


# words for what is no plain run -----------------------------------------------------------------

WORDS = [
    r"x .*3\.0m",
    r"job 7 started",
    r"job 5 paused",
    r"job 5 resumed",
    r"job 6 cancelled",
    r"job 6 ended, cancelled",
    r"timer>report +timer set",
    r"check\S*>book\S* +dropped",
    r"check\S*>bank\S* +retry waits",
    r"loop bank\S*>mail",
]


@pytest.mark.parametrize("ascii", [False, True])
@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)], ids=str)
def test_whatever_happens_has_a_word_at_every_width(size: tuple[int, int], ascii: bool) -> None:
    async def script(d: Driver) -> None:
        await d.press("3")
        seen = d.text(3)
        for _ in range(12):
            await d.press("ctrl+u")
            seen += "\n" + d.text(3)
        for word in WORDS:
            assert re.search(word, seen), f"{word} is not in\n{seen}"
        sign = "r" if ascii else "↻"
        again = next(line for line in seen.splitlines() if f" {sign} " in line)
        assert "again" in again if size[0] != 120 else "25.0m" in again

    drive_canned(script, *bad_day(2), size=size, ascii=ascii)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)], ids=str)
def test_the_header_tells_what_is_paused_cancelled_retried_and_dropped(
    size: tuple[int, int],
) -> None:
    async def script(d: Driver) -> None:
        line = screen_text(d.app).splitlines()[1]
        assert line.startswith(" jobs 5 open, 1 paused, 2 failed, 1 cancelled  ")
        assert "  3 retry  " in line
        assert "  137 dropped" in line

    drive_canned(script, *bad_day(2), size=size)


def test_paused_jobs_do_not_look_like_a_paused_view() -> None:
    world = World(FLOW)
    world.jobs[0], world.standing = 2, {"paused": 2}

    async def script(d: Driver) -> None:
        assert "‖ JOBS PAUSED g1" in screen_text(d.app)
        await d.press("space")
        await d.tick()
        first = screen_text(d.app).splitlines()[0]
        assert "‖ JOBS PAUSED g1" in first
        assert "PAUSED +0" in first

    drive_canned(script, world.snapshot())


# output -------------------------------------------------------------------------------------------


def _lines(first: int, last: int) -> Output:
    return Output(1, b"".join(b"line %d.\n" % n for n in range(first, last)), False)


def test_the_output_follows_until_it_is_scrolled() -> None:
    async def script(d: Driver) -> None:
        await d.press("7")
        assert "line 99." in d.text(7)
        await d.press("ctrl+u")
        assert "line 99." not in d.text(7)
        assert d.title(7) == "7 Output  100 lines  f follow"
        before = d.text(7)
        d.app.monitor.handle(_lines(100, 200))
        await d.tick()
        assert d.text(7) == before
        await d.press("f")
        assert "line 199." in d.text(7)
        assert d.title(7) == "7 Output  200 lines"

    drive_canned(script, _lines(0, 100), World(FLOW).snapshot())


def test_reaching_the_end_of_the_output_follows_again() -> None:
    async def script(d: Driver) -> None:
        await d.press("7", "k", "j")
        d.app.monitor.handle(_lines(100, 200))
        await d.tick()
        assert "line 199." in d.text(7)
        await d.press("g")
        assert "line 0." in d.text(7)
        await d.press("G")
        assert "line 199." in d.text(7)
        assert "follow" not in d.title(7)

    drive_canned(script, _lines(0, 100), World(FLOW).snapshot())


def test_scrolling_an_output_that_fits_does_not_stop_it() -> None:
    async def script(d: Driver) -> None:
        await d.press("7", "k", "k")
        d.app.monitor.handle(_lines(3, 100))
        await d.tick()
        assert "line 99." in d.text(7)

    drive_canned(script, _lines(0, 3), World(FLOW).snapshot())


def test_what_is_being_read_stays_when_old_lines_are_pushed_out() -> None:
    async def script(d: Driver) -> None:
        d.app.monitor.output = type(d.app.monitor.output)(kept=100)
        d.app.monitor.handle(_lines(0, 100))
        await d.tick()
        await d.press("7", "ctrl+u")
        before = d.text(7)
        assert "line 95." in before
        d.app.monitor.handle(_lines(100, 120))
        await d.tick()
        assert d.text(7) == before
        assert "20 older gone" in d.title(7)
        d.app.monitor.handle(_lines(120, 500))
        await d.tick()
        assert "line 400." in d.text(7)  # what was read is gone: the oldest there is

    drive_canned(script, World(FLOW).snapshot())


def test_f_in_the_output_pane_leaves_the_events_alone() -> None:
    async def script(d: Driver) -> None:
        await d.press("space", "7", "k", "f")
        assert "PAUSED" in d.title(3)
        assert cast("CannedSession", d.app.session).calls == []

    drive_canned(script, _lines(0, 100), World(FLOW).snapshot())


@pytest.mark.parametrize("size", [(200, 50), (120, 40), (80, 24)])
def test_what_a_handler_does_beside_emitting_stands_in_the_stream(size: tuple[int, int]) -> None:
    world = World(FLOW)
    world.stat_names = ((5, 1, "a", "count"),)
    world.record(Kind.WORKER_UP)
    world.wait(1).record(Kind.STAT, subject=5, value=1_234)
    world.wait(1).record(Kind.STAT, subject=5, value=0.25)
    world.wait(1).record(Kind.STAT, subject=5, status=Status.NO_NUMBER, payload="'half'")
    world.wait(1).record(Kind.STAT, subject=5, status=Status.FORGOTTEN)
    world.wait(1).record(Kind.LINE, subject=Line.OUT, payload="hello [red]")
    world.wait(1).record(Kind.LINE, subject=Line.LOG, payload="WARNING slow", value=30)
    world.wait(1).record(Kind.WORKER_DOWN)
    session = CannedSession(world.snapshot())

    async def script(d: Driver) -> None:
        await d.tick(1)
        await d.press("3", "z")
        await d.tick(1)
        text = d.text(3)
        for what in (
            "thread began",
            "a.count = 1,234",
            "a.count = 0.25",
            "'half'",
            "a.count reset",
            "hello [red]",
            "logged",
            "WARNING slow",
            "thread ended",
        ):
            assert what in text, f"{what!r} is not in\n{text}"

    drive(script, session, size=size)
