"""The topology pane on the screen: walking, choosing, focus, groups, mouse, and no flicker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest
from textual.geometry import Region

from tests.tui.building import SECOND, CannedSession, World, flow_info
from tests.tui.screens.conftest import Same
from tests.tui.screens.driving import Driver, drive_canned
from tests.tui.screens.large import fetchers, large
from tests.tui.screens.scene import replay
from tests.tui.screens.screen_text import screen_lines, screen_text
from tui.model.rows import Key
from tui.screens.detail import DetailScreen
from tui.session.messages import BoxState
from tui.widgets.routines import RoutinesPane
from tui.widgets.topology import TopologyPane

SCENE, FEW = replay(), replay(1)
SIZES = [(80, 24), (120, 40), (200, 50)]


def topology(d: Driver) -> TopologyPane:
    return cast("TopologyPane", d.pane(2))


def routines(d: Driver) -> RoutinesPane:
    return cast("RoutinesPane", d.pane(1))


def name(d: Driver, key: Key | None) -> str:
    return d.app.monitor.run.routine_name(key) if key is not None else ""


# moving -------------------------------------------------------------------------------------------


def test_arrows_walk_from_node_to_node_and_pane_1_goes_along() -> None:
    async def script(d: Driver) -> None:
        await d.press("2", "z")
        walked = []
        for key in ("l", "right", "down", "k", "l", "h", "left", "left", "j", "j", "G", "g"):
            await d.press(key)
            assert topology(d).selected == routines(d).chosen
            walked.append(name(d, topology(d).selected))
        assert walked == [
            *("parse", "enrich", "retry", "enrich", "store", "enrich", "parse", "fetch_eu"),
            *("fetch_us", "fetch_us", "alert", "fetch_eu"),
        ]
        await d.press("l", "F")
        assert "parse ±1" in d.title(2), "the middle is what was walked to"
        await d.press("F", "F", "F", "z", "1")
        assert name(d, routines(d).chosen) == "parse"
        await d.press("j")
        assert name(d, topology(d).selected) == "fetch_us"

    drive_canned(script, *FEW, size=(120, 40))


def test_arrows_walk_the_list_and_enter_opens_the_routine() -> None:
    async def script(d: Driver) -> None:
        await d.press("2")
        assert "->" in d.text(2)
        await d.press("j", "j", "l")
        line = next(line for line in d.text(2).splitlines() if line.startswith(">"))
        assert "fetch_us" in line
        await d.press("G")
        assert d.text(2).splitlines()[-1].startswith(">")
        await d.press("g", "j", "enter")
        assert isinstance(d.app.screen, DetailScreen)
        assert d.app.screen.key == (1, 1)
        await d.press("escape")
        assert d.focused == 2

    drive_canned(script, *FEW, size=(80, 24))


def test_the_chosen_node_lights_its_lines_and_dims_the_others() -> None:
    async def script(d: Driver) -> None:
        await d.press("2", "z", "l")  # parse
        pane, colors = topology(d), topology(d).palette
        lines = {link: pane.style(("edge", link)) for link in range(8)}
        # fetch_eu and fetch_us > parse, parse > enrich and retry, retry > parse
        assert {link for link, style in lines.items() if style.bold} == {0, 1, 2, 3, 4}
        assert all(style.dim for link, style in lines.items() if link > 4)
        assert pane.style(("rate", 3)).color == colors.accent.color
        await d.press("z", "3")
        assert not any(pane.style(("edge", link)).dim for link in range(8))

    drive_canned(script, *FEW, size=(200, 50))


def test_a_routine_that_has_gone_is_chosen_no_more() -> None:
    async def script(d: Driver) -> None:
        await d.press("2", "z", "G")
        assert name(d, topology(d).selected) == "alert"
        world = World(flow_info([("a", "o", "b", "i")], number=2, first=90))
        cast("CannedSession", d.app.session).add(world.wait(99 * SECOND).snapshot())
        await d.tick()
        assert "alert" not in d.text(2)
        await d.press("l", "l")
        assert name(d, topology(d).selected) == "b"

    drive_canned(script, *FEW, size=(120, 40))


# focus, bundles and groups ------------------------------------------------------------------------


def test_f_narrows_to_what_is_near_and_o_bundles_wherever_the_focus_is() -> None:
    async def script(d: Driver) -> None:
        await d.press("F")
        assert "2 of 8 nodes" in d.title(2)
        assert "fetch_eu ±1" in d.title(2)
        await d.press("j", "j", "j")  # enrich: the middle follows pane 1
        assert "4 of 8 nodes" in d.title(2)
        assert "+3 beyond" in d.text(2)
        await d.press("F", "F", "F", "o")
        assert "8 nodes  8 edges  bundled" in d.title(2)
        assert "╦" in d.text(2)
        await d.press("o")
        assert "╦" not in d.text(2)

    drive_canned(script, *FEW, size=(200, 50))


def test_two_hundred_nodes_open_around_the_chosen_with_a_map_of_all() -> None:
    async def script(d: Driver) -> None:
        assert "15 of 200 nodes" in d.title(2)
        await d.press("2", "z")
        assert " map " in d.text(2)
        await d.press("l", "l", "F")
        assert "±2" in d.title(2), "another node in the middle comes first"
        assert name(d, topology(d).wish.centre) in d.title(2)
        await d.press("F", "F")
        assert "200 nodes  315 edges" in d.title(2)
        for key in ("l", "l", "j", "l", "l", "l", "k", "l"):
            await d.press(key)
            chosen = name(d, topology(d).selected)
            assert any(f" {chosen} " in line for line in d.text(2).splitlines()), chosen
        before = d.text(2)
        await d.press("ctrl+d")
        assert d.text(2) != before
        await d.press("ctrl+u")
        assert d.text(2) == before

    drive_canned(script, *large(), size=(120, 40))


def test_enter_takes_a_group_apart_and_equals_folds_it_again() -> None:
    async def script(d: Driver) -> None:
        await d.press("2", "z")
        assert "fetcher* x4" in d.text(2)
        await d.press("enter")
        assert "fetcher3" in d.text(2)
        assert not isinstance(d.app.screen, DetailScreen)
        await d.press("enter")
        assert isinstance(d.app.screen, DetailScreen)
        await d.press("escape", "equals_sign")
        assert "fetcher* x4" in d.text(2)
        await d.press("3", "equals_sign")  # there it folds events
        assert "fetcher* x4" in d.text(2)

    drive_canned(script, World(fetchers()).snapshot(), size=(120, 40))


# the mouse ----------------------------------------------------------------------------------------


def test_the_mouse_chooses_scrolls_and_drags() -> None:
    async def script(d: Driver) -> None:
        await d.press("2", "z", "F", "F")
        pane = topology(d)

        def place(text: str) -> tuple[int, int]:
            lines = d.text(2).splitlines()
            row = next(n for n, line in enumerate(lines) if text in line)
            return lines[row].index(text) + 1, row + 1  # the border is part of a pane

        await d.pilot.click(pane, offset=place("step007"))
        await d.settle()
        assert name(d, pane.selected) == "step007"
        assert routines(d).chosen == pane.selected
        before = d.text(2)
        await d.pilot.click(pane, offset=place("▶▌"))  # a line is no node
        await d.settle()
        assert name(d, pane.selected) == "step007"
        await _wheel(d, "scroll_down")
        assert pane._down == 3
        await _wheel(d, "scroll_up")
        assert d.text(2) == before
        await _wheel(d, "scroll_right")
        assert pane._across == 6
        await _wheel(d, "scroll_left")
        assert d.text(2) == before
        await d.pilot.mouse_down(pane, offset=(60, 20))
        await d.pilot.hover(pane, offset=(40, 15))
        await d.pilot.mouse_up(pane, offset=(40, 15))
        await d.settle()
        assert (pane._across, pane._down) == (20, 5)
        assert name(d, pane.selected) == "step007", "the end of a drag chooses nothing"
        await d.pilot.hover(pane, offset=(20, 10))
        assert (pane._across, pane._down) == (20, 5), "it has been let go"

    drive_canned(script, *large(), size=(120, 40))


async def _wheel(d: Driver, way: str) -> None:
    from textual import events

    kinds = {
        "scroll_down": events.MouseScrollDown,
        "scroll_up": events.MouseScrollUp,
        "scroll_left": events.MouseScrollLeft,
        "scroll_right": events.MouseScrollRight,
    }
    pane = topology(d)
    x, y = pane.region.x + 20, pane.region.y + 10
    event = kinds[way](pane, 20, 10, 0, 0, 0, False, False, False, screen_x=x, screen_y=y)
    pane.post_message(event)
    await d.settle()


# no flicker ---------------------------------------------------------------------------------------


class Repaints:
    """The regions that a pane marks to be painted again."""

    def __init__(self, pane: TopologyPane, monkeypatch: pytest.MonkeyPatch) -> None:
        self.regions: list[Region] = []
        self.whole = 0
        real: Callable[..., Any] = pane.refresh

        def refresh(*regions: Region, **more: Any) -> Any:
            self.regions += regions
            self.whole += not regions
            return real(*regions, **more)

        monkeypatch.setattr(pane, "refresh", refresh)

    def take(self) -> list[Region]:
        found, self.regions = self.regions, []
        return found


def test_only_cells_that_changed_are_painted_again(monkeypatch: pytest.MonkeyPatch) -> None:
    wires = [(f"r{n}", "o", f"r{n + 1}", "i") for n in range(4)]
    world = World(flow_info(wires))
    first = world.snapshot()
    for edge in range(1, 5):
        world.handle(1, edge, times=10)
    world.wait(SECOND)
    second = world.snapshot()
    for _ in range(30):  # once around, so that no window of rates or percentiles moves
        world.wait(SECOND)
    calm = [world.wait(SECOND).snapshot() for _ in range(3)]
    world.count(1, 3, queued=7)
    queued = world.snapshot()

    async def script(d: Driver) -> None:
        await d.press("2", "z")
        session, seen = cast("CannedSession", d.app.session), Repaints(topology(d), monkeypatch)
        session.add(*calm)
        await d.tick()
        seen.take()
        await d.tick(2)
        assert seen.take() == [], "nothing has changed, nothing is painted"
        session.add(queued)
        await d.tick()
        regions = seen.take()
        box = topology(d)._plan.layout.boxes[3]  # type: ignore[union-attr]
        assert {region.y for region in regions} <= set(range(box.y, box.y + box.height))
        assert sum(region.area for region in regions) <= 2 * box.width
        assert "q7" in d.text(2)
        await d.press("j")  # there is nothing below: the choice stays
        assert seen.take() == []
        await d.press("l")
        assert {region.height for region in seen.take()} == {1}
        assert seen.whole == 0

    drive_canned(script, first, second, size=(120, 40))


def test_where_back_pressure_starts_stands_below_and_moves_nothing() -> None:
    world = World(flow_info([("a", "o", "b", "in"), ("b", "o", "c", "in")]))

    async def script(d: Driver) -> None:
        await d.press("2", "z")
        before, session = d.text(2), cast("CannedSession", d.app.session)
        assert not d.pane(2).border_subtitle
        world.standing = {"boxes": (BoxState(2, "in", 9, 9, 1, 0, 0),)}
        session.add(world.wait(SECOND).snapshot())
        await d.tick()
        told = str(d.pane(2).border_subtitle)
        assert told == "! back-pressure starts at c.in: it is full, emitters wait"
        assert "▣!c" in d.text(2)
        assert len(d.text(2)) == len(before.replace("0/s r99 -", "q0 full  ", 1))
        await d.press("z")
        lines = [line for line in screen_lines(d.app) if "! c.in" in line]
        assert lines, "in fewer words where there is less room"
        world.standing = {}
        session.add(world.wait(2 * SECOND).snapshot())
        await d.tick()
        assert not d.pane(2).border_subtitle

    drive_canned(script, world.snapshot(), size=(80, 24))


# as text ------------------------------------------------------------------------------------------


def test_the_topology_zoomed(same: Same) -> None:
    async def script(d: Driver) -> None:
        await d.press("2", "z", "l")
        for size in SIZES:
            await d.resize(*size)
            same(screen_text(d.app), f"topology-{size[0]}x{size[1]}")

    drive_canned(script, *SCENE, size=(100, 30))


def test_two_hundred_nodes_zoomed(same: Same) -> None:
    async def script(d: Driver) -> None:
        await d.press("2", "z")
        for size in SIZES:
            await d.resize(*size)
            same(screen_text(d.app), f"topology-large-{size[0]}x{size[1]}")
        await d.resize(120, 40)
        await d.press("F", "F", "l", "l")
        same(screen_text(d.app), "topology-large-all")
        await d.press("o")
        same(screen_text(d.app), "topology-large-bundled")

    drive_canned(script, *large(), size=(100, 30))


def test_the_topology_in_ascii(same: Same) -> None:
    async def script(d: Driver) -> None:
        await d.press("2", "z", "F", "F", "l", "o")
        text = screen_text(d.app)
        assert text.isascii()
        same(text, "topology-large-ascii")

    drive_canned(script, *large(), size=(120, 40), ascii=True)
