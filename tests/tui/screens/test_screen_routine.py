"""The screen of a routine: from the dashboard and back, its boxes, and the stack of what runs."""

from __future__ import annotations

from typing import cast

import pytest

from routilux import Flow
from tests.engine.building import node
from tests.tui.building import MS, CannedSession, World, flow_info
from tests.tui.screens.close import ENRICH, RUNNING, close_by, stack
from tests.tui.screens.driving import Driver, drive, drive_canned
from tests.tui.screens.screen_text import screen_text
from tests.waiting import SECONDS, gate
from tui.screens.dashboard import DashboardScreen
from tui.screens.detail import DetailScreen
from tui.screens.values import ValuesScreen
from tui.session.events import Progress, Started
from tui.session.local import LocalSession
from tui.session.messages import Answer, AskStack, ScriptState
from tui.widgets.activations import ActivationsBox, OwnStatsBox, StackBox
from tui.widgets.detail import IdentityBox, LatencyBox, ListBox, NeighboursBox

CLOSE = close_by(20)
TO_ENRICH = ["down", "down", "down", "enter"]


def canned(d: Driver) -> CannedSession:
    return cast("CannedSession", d.app.session)


def screen(d: Driver) -> DetailScreen:
    assert isinstance(d.app.screen, DetailScreen)
    return d.app.screen


async def settled(d: Driver) -> None:
    await d.app.workers.wait_for_complete()
    d.app.show()
    await d.settle()


def test_enter_on_a_routine_opens_it_and_esc_comes_back_to_the_same_place() -> None:
    async def script(d: Driver) -> None:
        await d.press(*TO_ENRICH)
        assert screen(d).key == ENRICH
        assert screen(d).query_one(IdentityBox).heading_text == "enrich"
        await d.press("escape")
        assert isinstance(d.app.screen, DashboardScreen)
        assert d.focused == 1
        assert "> enrich" in d.text(1)

    drive_canned(script, *CLOSE)


def test_it_says_who_the_routine_is_and_how_long_it_takes() -> None:
    async def script(d: Driver) -> None:
        await d.press(*TO_ENRICH)
        text = screen_text(d.app)
        for part in ("class  Enrich", "flow.py:13", "◐ queued", "p99.9", "60 s", "all"):
            assert part in text
        assert "> store.order, audit.order" in text
        assert "<- parse   100%" in text
        assert "-> store    50%" in text

    drive_canned(script, *CLOSE)


def test_brackets_step_through_the_routines_and_around() -> None:
    async def script(d: Driver) -> None:
        await d.press("enter")
        names = []
        for _ in range(9):
            names.append(screen(d).query_one(IdentityBox).heading_text)
            await d.press("right_square_bracket")
        assert names[:3] == ["fetch_eu", "parse", "fetch_us"]
        assert names[8] == names[0]
        await d.press("left_square_bracket")
        assert screen(d).query_one(IdentityBox).heading_text == "fetch_eu"

    drive_canned(script, *CLOSE)


def test_enter_on_a_neighbour_goes_there() -> None:
    async def script(d: Driver) -> None:
        await d.press(*TO_ENRICH)
        screen(d).query_one(NeighboursBox).focus()
        await d.press("enter")
        assert screen(d).query_one(IdentityBox).heading_text == "parse"
        await d.press("escape")
        assert isinstance(d.app.screen, DashboardScreen)

    drive_canned(script, *CLOSE)


def test_enter_on_a_statistic_charts_it() -> None:
    async def script(d: Driver) -> None:
        await d.press(*TO_ENRICH)
        screen(d).query_one(OwnStatsBox).focus()
        await d.press("enter")
        assert isinstance(d.app.screen, ValuesScreen)
        assert d.app.monitor.charted.names == ["enrich.cache_hits"]
        await d.press("escape")
        assert screen(d).key == ENRICH

    drive_canned(script, *CLOSE)


def test_the_window_of_the_histograms_goes_round() -> None:
    async def script(d: Driver) -> None:
        await d.press(*TO_ENRICH)
        box = screen(d).query_one(LatencyBox)
        titles = []
        for _ in range(4):
            titles.append(str(box.border_title))
            await d.press("W")
        assert titles == [f"Latency  W: {w}" for w in ("10 s", "60 s", "all", "10 s")]

    drive_canned(script, *CLOSE)


def test_on_a_wide_screen_the_list_of_routines_stays() -> None:
    async def script(d: Driver) -> None:
        await d.press(*TO_ENRICH)
        routines = screen(d).query_one(ListBox)
        assert routines.region.area
        assert "> enrich" in screen_text(d.app)
        routines.focus()
        await d.press("down", "enter")
        assert screen(d).query_one(IdentityBox).heading_text == "retry"
        await d.resize(120, 40)
        assert not routines.display

    drive_canned(script, *CLOSE, size=(200, 50))


def test_the_same_routine_is_shown_after_a_reload_and_one_that_is_gone_says_so() -> None:
    async def script(d: Driver) -> None:
        await d.press(*TO_ENRICH)
        for generation, wires in (
            (2, [("enrich", "ready", "x", "in")]),
            (3, [("x", "o", "y", "in")]),
        ):
            world = World(flow_info(wires, id="orders"), generation=generation)
            canned(d).add(
                Started(generation),
                Progress(generation, ScriptState("running", opened=True)),
                world.handle(1, 1).snapshot(),
            )
            await d.tick()
            gone = generation == 3
            assert ("there is no such routine in g3" in screen_text(d.app)) == gone
        await d.press("K", "right_square_bracket", "escape", "escape")

    drive_canned(script, *CLOSE)


# the stack ----------------------------------------------------------------------------------------


def test_the_stack_is_asked_for_at_each_look_and_shown() -> None:
    async def script(d: Driver) -> None:
        canned(d).answers = [stack(), stack()]
        await d.press(*TO_ENRICH, "K")
        await settled(d)
        assert canned(d).asked[0] == AskStack(RUNNING, 3, 3)
        text = screen_text(d.app)
        assert "Enrich.enrich" in text
        assert "with self.lock:" in text
        assert "Condition.wait" in text
        await d.tick()
        await settled(d)
        assert len(canned(d).asked) >= 2
        await d.press("K")
        assert not screen(d).query_one(StackBox).display

    drive_canned(script, *CLOSE)


def test_esc_closes_the_stack_before_the_screen() -> None:
    async def script(d: Driver) -> None:
        await d.press(*TO_ENRICH, "K", "escape")
        assert isinstance(d.app.screen, DetailScreen)
        assert not screen(d).query_one(StackBox).display
        await d.press("escape")
        assert isinstance(d.app.screen, DashboardScreen)

    drive_canned(script, *CLOSE, size=(80, 24))


def test_one_that_has_ended_meanwhile_is_one_clear_line_and_asked_no_more() -> None:
    async def script(d: Driver) -> None:
        ended = Answer(2, "it has ended meanwhile", refused=True)
        canned(d).answers = [stack(), ended, stack()]
        await d.press(*TO_ENRICH, "K")
        await settled(d)
        await d.tick()
        await settled(d)
        asked = len(canned(d).asked)
        await d.tick()
        await settled(d)
        assert len(canned(d).asked) == asked == 2
        text = screen_text(d.app)
        assert "it has ended meanwhile" in text
        assert "this is where it was last" in text
        assert "Enrich.enrich" in text

    drive_canned(script, *CLOSE)


def test_nothing_that_runs_and_no_answer_are_told() -> None:
    async def script(d: Driver) -> None:
        await d.press("down", "enter", "K")  # parse
        assert "nothing of this routine runs now" in screen_text(d.app)
        assert canned(d).asked == []
        await d.press("K", "right_square_bracket", "right_square_bracket", "K")
        await settled(d)
        assert "the engine process does not answer" in screen_text(d.app)

    drive_canned(script, *CLOSE)


def test_the_stack_of_a_real_handler() -> None:
    with gate() as go:

        def build() -> Flow:
            flow = Flow("waits", execution_strategy="concurrent", max_workers=1)
            flow.add_routine(node(lambda _, **__: go.wait(SECONDS)), "waits")
            return flow

        async def script(d: Driver) -> None:
            await d.until(lambda: any(r.running for r in d.app.monitor.run.routines()))
            await d.press("enter", "K")
            box = screen(d).query_one(StackBox)
            await d.until(lambda: box.answer is not None, "a stack")
            assert "Event.wait" in screen_text(d.app)
            go.set()
            await d.until(lambda: "it has ended meanwhile" in box.said, "its end")

        drive(script, LocalSession(build), size=(120, 40))


def test_the_cursor_stays_on_its_activation_while_others_come() -> None:
    async def script(d: Driver) -> None:
        await d.press(*TO_ENRICH)
        box = screen(d).query_one(ActivationsBox)
        box.focus()
        await d.press("down", "down")
        chosen = box.ident_at_cursor
        world = World(*CLOSE[0].flows or ())
        world.now = d.app.monitor.run.now + MS
        canned(d).add(world.handle(3, 3, times=3).snapshot())
        await d.tick()
        assert box.ident_at_cursor == chosen

    drive_canned(script, *CLOSE)


def test_on_a_wide_but_low_screen_the_activations_keep_their_room() -> None:
    async def script(d: Driver) -> None:
        await d.press(*TO_ENRICH)
        assert screen(d).query_one(ActivationsBox).size.height >= 9
        await d.resize(120, 40)
        assert screen(d).query_one(LatencyBox).size.height >= 10

    drive_canned(script, *CLOSE, size=(120, 28))


@pytest.mark.parametrize("size", [(80, 24), (59, 19), (30, 8), (10, 3), (200, 50)])
def test_it_can_be_looked_at_in_any_size(size: tuple[int, int]) -> None:
    async def script(d: Driver) -> None:
        canned(d).answers = [stack()] * 9
        await d.press(*TO_ENRICH, "K")
        await d.resize(*size)
        await d.press("tab", "tab", "j", "G", "l", "shift+tab", "W", "K", "K")
        await settled(d)

    drive_canned(script, *CLOSE)
