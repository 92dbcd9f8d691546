"""Focus, zoom, cursor, scrolling: where the keys take you, on screens of any size."""

from __future__ import annotations

import random
from typing import cast

import pytest

from tests.tui.building import CannedSession, World, flow_info
from tests.tui.screens.driving import Driver, drive, drive_canned
from tests.tui.screens.scene import replay
from tests.tui.screens.screen_text import screen_lines
from tests.tui.screens.trouble import bad_day
from tui.keys import PANES
from tui.session.events import Output
from tui.widgets.routines import RoutinesPane

FEW = replay(1)


# focus --------------------------------------------------------------------------------------------


def test_the_routines_have_the_focus_first() -> None:
    async def script(d: Driver) -> None:
        assert d.focused == 1

    drive_canned(script, *FEW)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50), (40, 12)])
def test_each_number_goes_to_its_pane_and_shows_it(size: tuple[int, int]) -> None:
    async def script(d: Driver) -> None:
        for number in (*PANES, 4, 1):
            await d.press(str(number))
            assert d.focused == number
            assert d.pane(number).outer_size.width > 10
            assert d.text(number).strip()

    drive_canned(script, *FEW, size=size)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((80, 24), [2, 3, 4, 5, 6, 1]),
        ((200, 50), [2, 3, 4, 5, 6, 7, 8, 1]),
        ((40, 12), [1, 2, 3, 4, 5, 6, 7, 8]),
    ],
)
def test_tab_goes_round_all_panes_that_can_be_seen(
    size: tuple[int, int], expected: list[int]
) -> None:
    async def script(d: Driver) -> None:
        seen = []
        for _ in expected:
            await d.press("tab")
            seen.append(d.focused)
            assert d.pane(d.focused).outer_size.width > 10
        assert seen == expected
        back = []
        for _ in expected:
            await d.press("shift+tab")
            back.append(d.focused)
        assert back == [*reversed(expected[:-1]), expected[-1]]

    drive_canned(script, *FEW, size=size)


def test_the_focus_is_told_by_shape_too() -> None:
    async def script(d: Driver) -> None:
        await d.press("3")
        lines = screen_lines(d.app)
        assert next(line for line in lines if "3 Events" in line).startswith("┏━")
        assert next(line for line in lines if "1 Routines" in line).startswith("╭─")

    drive_canned(script, *FEW)


def test_the_output_takes_the_bottom_row_on_narrow_screens_and_gives_it_back() -> None:
    async def script(d: Driver) -> None:
        await d.press("7")
        assert 5 not in d.visible
        assert d.pane(7).outer_size.width == 80
        await d.press("5")
        assert 5 in d.visible
        assert 7 not in d.visible
        await d.press("7", "escape")
        assert d.focused == 1
        assert 5 in d.visible

    drive_canned(script, *FEW, size=(80, 24))


# zoom ---------------------------------------------------------------------------------------------


def test_zoom_gives_any_pane_the_whole_width_and_esc_takes_it_back() -> None:
    async def script(d: Driver) -> None:
        for number in PANES:
            key = "enter" if number == 4 else "z"  # in others Enter opens something
            await d.press(str(number))
            before = d.pane(number).outer_size
            await d.press(key)
            assert d.pane(number).outer_size.width == d.app.size.width
            assert d.pane(number).outer_size.height == d.app.size.height - 3
            assert d.visible == [number]
            await d.press("escape")
            assert d.pane(number).outer_size == before
            assert d.focused == number

    drive_canned(script, *FEW)


def test_going_to_another_pane_keeps_the_zoom() -> None:
    async def script(d: Driver) -> None:
        await d.press("z", "2")
        assert d.pane(2).outer_size.width == 120
        assert d.visible == [2]
        await d.press("tab")
        assert d.focused == 3
        assert d.pane(3).outer_size.width == 120
        await d.press("z")
        assert 0 < d.pane(3).outer_size.width < 120

    drive_canned(script, *FEW)


# the table of routines ----------------------------------------------------------------------------


def _busy() -> tuple[World, CannedSession]:
    """Four routines of which the later do more."""
    world = World(flow_info([("a", "o", "b", "i"), ("b", "o", "c", "i"), ("c", "o", "d", "i")]))
    first = world.snapshot()
    for edge in (1, 2, 3):
        world.handle(1, edge, times=edge * 10)
    return world, CannedSession(first, world.wait(10**9).snapshot())


def test_the_cursor_stays_on_its_routine_when_the_order_changes() -> None:
    world, session = _busy()

    async def script(d: Driver) -> None:
        await d.tick(2)
        pane = cast("RoutinesPane", d.pane(1))
        await d.press("j")
        assert pane.chosen == (1, 1)
        await d.press("s", "s")  # IN/s, falling
        assert [line.split()[0] for line in d.text(1).splitlines()[1:5]] == ["d", "c", ">", "a"]
        assert pane.chosen == (1, 1)
        await d.press("S")
        assert [line.split()[0] for line in d.text(1).splitlines()[1:5]] == ["a", ">", "c", "d"]
        assert pane.chosen == (1, 1)
        # The next snapshots turn the rates round: b gets more than all others.
        for _ in range(12):
            session.add(world.handle(1, 1, times=500).wait(2 * 10**8).snapshot())
        await d.tick(12)
        lines = d.text(1).splitlines()[1:5]
        assert lines[3].split()[:2] == [">", "b"]
        assert pane.chosen == (1, 1)

    drive(script, session)


def test_the_order_is_not_changed_more_than_once_a_second() -> None:
    world, session = _busy()

    async def script(d: Driver) -> None:
        await d.tick(2)
        await d.press("s", "s")
        assert d.text(1).splitlines()[1].split()[0] == "d"
        session.add(world.handle(1, 1, times=500).wait(10**8).snapshot())
        await d.tick()
        assert d.text(1).splitlines()[1].split()[0] == "d"
        session.add(world.wait(9 * 10**8).snapshot())
        await d.tick()
        assert "b" in d.text(1).splitlines()[1].split()[:2]
        # While a row is being chosen none moves away under the cursor; some seconds later it may.
        await d.press("j")
        assert d.title(1).endswith("IN/s v (held)")
        for _ in range(2):
            session.add(world.handle(1, 3, times=5_000).wait(14 * 10**8).snapshot())
            await d.tick()
            assert "b" in d.text(1).splitlines()[1].split()[:2]
        session.add(world.handle(1, 3, times=5_000).wait(10**9).snapshot())
        await d.tick()
        assert "d" in d.text(1).splitlines()[1].split()[:2]
        assert d.title(1).endswith("IN/s v")

    drive(script, session)


def test_sorting_goes_through_all_columns_and_back_to_the_order_of_addition() -> None:
    async def script(d: Driver) -> None:
        heads = []
        for _ in range(15):
            heads.append(d.title(1).partition("sort: ")[2])
            await d.press("s")
        assert heads[0] == "as added"
        assert heads[1:] == [
            *(
                f"{head} v"
                for head in (
                    *("#", "IN/s", "OUT/s", "Q", "WAIT50", "WAIT99"),
                    *("RUN50", "RUN99", "ERR", "POOL", "DONE", "TREND 60s"),
                )
            ),
            "ROUTINE ^",
            "STATE ^",
        ]
        assert d.title(1).endswith("as added")

    drive_canned(script, *FEW)


def test_rare_columns_can_be_sorted_by_once_they_are_there() -> None:
    async def script(d: Driver) -> None:
        heads = []
        for _ in range(17):
            heads.append(d.title(1).partition("sort: ")[2].removesuffix(" v"))
            await d.press("s")
        assert {"LATER", "DROP"} < set(heads)
        await d.press("s", "s", "s", "s", "s")
        assert d.title(1).endswith("sort: LATER v")
        assert "> book" in d.text(1)
        order = [line.split()[0] for line in d.text(1).replace(">", " ").splitlines()[1:3]]
        assert order == ["bank", "report"]

    drive_canned(script, *bad_day(2), size=(120, 40))


def test_the_heading_is_never_chosen_and_stays_when_the_rows_scroll() -> None:
    wires = [(f"r{n:02}", "o", f"r{n + 1:02}", "i") for n in range(30)]
    world = World(flow_info(wires))

    async def script(d: Driver) -> None:
        assert "> r00" in d.text(1)
        await d.press("k", "k")
        assert "> r00" in d.text(1)
        await d.press("G")
        lines = d.text(1).splitlines()
        assert lines[0].split()[0] == "ROUTINE"
        assert lines[-1].startswith("> r30")
        assert "r01" not in d.text(1)
        await d.press("g")
        lines = d.text(1).splitlines()
        assert lines[0].split()[0] == "ROUTINE"
        assert lines[1].startswith("> r00")
        await d.press("ctrl+d")
        assert not d.text(1).splitlines()[1].startswith("> ")
        for _ in range(3):
            await d.press("pagedown", "pagedown", "ctrl+u")
            lines = d.text(1).splitlines()
            assert lines[0].split()[0] == "ROUTINE"
            assert sum(line.startswith("> ") for line in lines) == 1

    drive_canned(script, world.snapshot(), size=(80, 24))


def test_a_click_chooses_the_line_under_it() -> None:
    async def script(d: Driver) -> None:
        await d.pilot.click(d.pane(1), offset=(5, 4))  # border, heading, then the third routine
        await d.settle()
        assert cast("RoutinesPane", d.pane(1)).chosen == (1, 2)
        await d.pilot.click(d.pane(1), offset=(5, 1))
        await d.settle()
        assert cast("RoutinesPane", d.pane(1)).chosen == (1, 0)

    drive_canned(script, *FEW)


def test_the_chosen_routine_stands_out_in_the_topology() -> None:
    async def script(d: Driver) -> None:
        def chosen() -> str:
            return next(line for line in d.text(2).splitlines() if "┃" in line).split("┃")[1]

        assert "fetch_eu" in chosen()
        await d.press("j")
        assert "parse" in chosen()

    drive_canned(script, *FEW, size=(200, 50))


# scrolling ----------------------------------------------------------------------------------------


def test_long_lines_can_be_read_to_their_end() -> None:
    async def script(d: Driver) -> None:
        await d.press("7")
        assert "END" not in d.text(7)
        await d.press(*["l"] * 20)  # no further than the longest line goes
        assert d.text(7).splitlines()[0].endswith("END")
        assert len(d.text(7).splitlines()[0]) == 78
        await d.press(*["h"] * 20)
        assert d.text(7).splitlines()[0].startswith(" begin")

    line = b"begin" + b"." * 120 + b"END\n"
    drive_canned(script, Output(1, line, False), *FEW, size=(80, 24))


def test_a_pane_that_fits_does_not_scroll_away_sideways() -> None:
    async def script(d: Driver) -> None:
        for number in PANES:
            await d.press(str(number))
            before = d.text(number)
            if number not in (2, 3, 7):  # there lines may be longer, in 2 they walk
                await d.press("l", "l", "l")
                assert d.text(number) == before

    drive_canned(script, *FEW, size=(200, 50))


def test_the_wheel_scrolls() -> None:
    lines = b"".join(b"line %d\n" % n for n in range(100))

    async def script(d: Driver) -> None:
        await d.press("7")
        assert "line 99" in d.text(7)
        pane = d.pane(7)
        from textual.events import MouseScrollUp

        pane.post_message(MouseScrollUp(pane, 1, 1, 0, 0, 0, shift=False, meta=False, ctrl=False))
        await d.settle()
        assert "line 99" not in d.text(7)

    drive_canned(script, Output(1, lines, False), *FEW)


# size ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(59, 40), (100, 15), (20, 5), (40, 12)])
def test_below_sixty_by_sixteen_one_pane_is_shown_that_is_asked_for(size: tuple[int, int]) -> None:
    async def script(d: Driver) -> None:
        for number in PANES:
            await d.press(str(number))
            assert d.visible == [number]
            assert d.pane(number).outer_size.width == size[0]

    drive_canned(script, *FEW, size=size)


def test_from_sixty_by_sixteen_on_there_are_six_panes() -> None:
    async def script(d: Driver) -> None:
        assert d.visible == [1, 2, 3, 4, 5, 6]
        assert all(d.pane(number).content_size.height for number in d.visible)

    drive_canned(script, *FEW, size=(60, 16))


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))]
)
def test_a_storm_of_sizes_and_keys_breaks_nothing(seed: int) -> None:
    sizes = random.Random(seed)
    scene = replay(2)

    async def script(d: Driver) -> None:
        session = cast("CannedSession", d.app.session)
        for item in scene:
            session.add(item)
            size = sizes.randint(20, 250), sizes.randint(5, 70)
            await d.resize(*size)
            if sizes.random() < 0.3:
                await d.press(sizes.choice(("z", "7", "3", "1", "space", "tab", "j", "escape")))
            await d.tick()
        await d.press("escape", "escape", "1")
        for size in ((20, 5), (250, 70), (80, 24)):
            await d.resize(*size)
            await d.tick()
            lines = screen_lines(d.app)
            assert len(lines) == size[1]
            assert "RUN g1" in lines[0]
            assert size[1] == 5 or any("1 Routines" in line for line in lines)

    drive(script, CannedSession())
