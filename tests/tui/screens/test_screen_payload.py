"""One event in full, folded neighbours, and marks."""

from __future__ import annotations

import pytest
from textual.containers import VerticalScroll

from routilux import Flow, Routine
from routilux.preview import tree
from routilux.records import Kind, Line, Note, Status
from tests.tui.building import MS, CannedSession, World, flow_info
from tests.tui.screens.conftest import Same
from tests.tui.screens.driving import Driver, drive, drive_canned, drive_flow
from tests.tui.screens.scene import replay
from tests.tui.screens.screen_text import screen_text
from tui.screens.dashboard import DashboardScreen
from tui.screens.payload import PayloadScreen
from tui.session.messages import Snapshot

FLOW = flow_info([("a", "out", "b", "in"), ("b", "out", "c [x]", "in")])
SIZES = [(80, 24), (120, 40), (200, 50)]


def shop() -> World:
    """Six records: order 1, order 2 with a change, one without a payload, a failure."""
    world = World(FLOW)
    for number, who in ((1, "Ann"), (2, "Bob")):
        world.wait(MS).handle(1, 1, payload=f"{{order: {number}}}")
        data = {"order": number, "who": {"name": who, "age": 30}, "note": "[red] wide 値"}
        world.notes.append((number, Note.TREE, tree(data)))
    world.wait(MS).handle(1, 1)
    world.wait(MS).handle(
        2, 1, failed=True, payload='Traceback:\n  File "a.py", line 3\nValueError: [no]\n'
    )
    world.notes.append((4, Note.TREE, tree({"order": 4, "extra": True})))
    world.wait(MS).record(Kind.LINE, subject=Line.OUT, payload="hello [red]")
    world.wait(MS).handle(1, 2, payload="{n: 1}")
    return world


def box(d: Driver) -> str:
    """What the box says."""
    assert isinstance(d.app.screen, PayloadScreen)
    return screen_text(d.app)


async def show(d: Driver, back: int) -> str:
    """Open the event so many before the newest."""
    await d.press("3", *["k"] * back, "enter")
    return box(d)


def test_enter_shows_the_payload_and_what_changed_since_the_one_before() -> None:
    async def script(d: Driver) -> None:
        text = await show(d, 4)
        assert "Event #2" in text
        assert "^ order   2   was 1" in text
        assert "^   name  'Bob'   was 'Ann'" in text
        assert "    age   30" in text
        assert "'[red] wide 値'" in text
        assert "since #1 (same edge)" in text
        await d.press("escape")
        assert isinstance(d.app.screen, DashboardScreen)
        assert "PAUSED" in d.title(3), "the view stays where one was looking"
        await d.press("escape")
        assert "PAUSED" not in d.title(3)

    drive_canned(script, shop().snapshot(), size=(120, 40))


def test_the_first_of_an_edge_has_nothing_to_compare_with() -> None:
    async def script(d: Driver) -> None:
        text = await show(d, 5)
        assert "Event #1" in text
        assert "No earlier payload of the same edge" in text

    drive_canned(script, shop().snapshot(), size=(120, 40))


def test_a_payload_that_was_not_kept_is_told_and_so_is_what_is_in_between() -> None:
    async def script(d: Driver) -> None:
        text = await show(d, 3)
        assert "What it carried was not kept" in text
        await d.press("full_stop")
        text = box(d)
        assert "Event #4" in text
        assert "since #2 (same edge, 1 unknown in between)" in text
        assert "+ extra  True" in text
        assert "- who    {2 keys}" in text
        assert "ValueError: [no]" in text

    drive_canned(script, shop().snapshot(), size=(120, 40))


def test_comma_and_full_stop_go_through_what_the_pane_shows() -> None:
    async def script(d: Driver) -> None:
        await d.press("3", "slash")
        await d.type("kind=activation")
        await d.press("enter", "enter")
        seen = [box(d)]
        for key in ("comma", "comma", "full_stop"):
            await d.press(key)
            seen.append(box(d))
        assert ["Event #6" in seen[0], "Event #4" in seen[1], "Event #3" in seen[2]] == [True] * 3
        assert "Event #4" in seen[3]
        await d.press("enter")
        assert isinstance(d.app.screen, DashboardScreen)

    drive_canned(script, shop().snapshot(), size=(120, 40))


def test_a_line_and_a_flat_preview_are_shown_as_they_are() -> None:
    async def script(d: Driver) -> None:
        assert "{n: 1}" in await show(d, 0)
        await d.press("comma")
        assert "hello [red]" in box(d)

    drive_canned(script, shop().snapshot(), size=(80, 24))


def test_a_long_payload_scrolls() -> None:
    world = World(FLOW)
    world.handle(1, 1, payload="x")
    world.notes.append((1, Note.TREE, tree({f"key {n}": n for n in range(60)})))

    async def script(d: Driver) -> None:
        before = await show(d, 0)
        assert "key 0 " in before
        await d.press(*["j"] * 12)
        assert d.app.screen.query_one(VerticalScroll).scroll_y == 12
        assert "key 0 " not in box(d)
        await d.press(*["k"] * 12)
        assert box(d) == before

    drive_canned(script, world.snapshot(), size=(80, 24))


@pytest.mark.parametrize("back", [0, 30], ids=["the newest", "far up"])
def test_the_box_does_not_cover_what_is_chosen(back: int) -> None:
    world = World(FLOW)
    world.handle(1, 1, times=80, payload="x")

    async def script(d: Driver) -> None:
        await d.press("3", "z", *["k"] * back)
        pane = d.pane(3)
        text = await show(d, 0)
        line = text.splitlines()[pane.content_region.y + pane.cursor - pane.top]
        assert f"#{80 - back} " in line

    drive_canned(script, world.snapshot(), size=(120, 40))


def test_enter_where_there_is_nothing_to_open_zooms() -> None:
    async def script(d: Driver) -> None:
        await d.press("3", "enter")
        assert d.dashboard.has_class("zoom")
        await d.press("enter", "5", "enter")
        assert d.dashboard.has_class("zoom")

    drive_canned(script, World(FLOW).snapshot())


@pytest.mark.parametrize(
    "name", ["my routine", "[red]x[/red]", "値", "e\u0301", "n" * 300, "\x1b[31m"]
)
def test_odd_names_and_keys_stay_on_their_lines(name: str) -> None:
    world = World(flow_info([("a", "out", name, "in")]))
    world.handle(1, 1, payload="x")
    world.notes.append((1, Note.TREE, tree({name: {name: name}, "z": 1})))

    async def script(d: Driver) -> None:
        text = await show(d, 0)
        assert "z" in text
        assert "\x1b" not in text
        for size in ((40, 12), (200, 50)):
            await d.resize(*size)

    drive_canned(script, world.snapshot(), size=(80, 24))


def test_the_payloads_of_a_real_flow_come_as_trees() -> None:
    async def script(d: Driver) -> None:
        await d.press("3", "slash")
        await d.type("payload.who.name=Ann")
        await d.press("enter")
        assert "1 of " in d.title(3)
        await d.press("enter")
        assert "name  'Ann'" in box(d)

    drive_flow(script, _flow, size=(120, 40))


def _flow() -> Flow:
    class Sender(Routine):
        def __init__(self) -> None:
            super().__init__()
            self.define_slot("trigger", handler=self.send)
            self.define_event("out", ["who"])

        def send(self, **_: object) -> None:
            for name in ("Ann", "Bob"):
                self.emit("out", who={"name": name})

    class Getter(Routine):
        def __init__(self) -> None:
            super().__init__()
            self.define_slot("in", handler=self.get)

        def get(self, who: object = None) -> None:
            pass

    flow = Flow("shop")
    flow.add_routine(Sender(), "a")
    flow.add_routine(Getter(), "b")
    flow.connect("a", "out", "b", "in")
    flow.execute("a")
    return flow


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_screen_of_a_payload(size: tuple[int, int], same: Same) -> None:
    async def script(d: Driver) -> None:
        await show(d, 2)
        same(screen_text(d.app), f"payload-{size[0]}x{size[1]}")

    drive_canned(script, shop().snapshot(), size=size)


# folding ------------------------------------------------------------------------------------------


def bursts() -> World:
    world = World(FLOW)
    for edge, times in ((1, 5), (2, 1), (1, 318)):
        for number in range(times):
            world.wait(MS).handle(1, edge, wait=(number % 50 + 1) * MS, payload=f"p{number}")
    return world


def test_equal_neighbours_fold_to_one_line_and_unfold() -> None:
    async def script(d: Driver) -> None:
        await d.press("3")
        before = d.text(3)
        await d.press("equals_sign")
        lines = d.text(3).split("\n")
        assert [" x" in line for line in lines[:3]] == [True, False, True]
        assert "x318  " in lines[2]
        assert "50.0m  1.0m" in lines[2], "the longest wait of all"
        assert "in 317m  p317" in lines[2]
        assert "folded" in d.title(3)
        await d.press("equals_sign")
        assert d.text(3) == before
        assert "folded" not in d.title(3)

    drive_canned(script, bursts().snapshot(), size=(200, 50))


def test_folding_keeps_what_is_chosen_and_goes_on_live() -> None:
    world = bursts()
    session = CannedSession(world.snapshot())

    async def script(d: Driver) -> None:
        await d.tick()
        await d.press("3", "equals_sign", "k", "k", "equals_sign")
        pane = d.pane(3)
        assert pane.cursor == 4, "the newest of the five"
        await d.press("equals_sign")
        assert pane.cursor == 0
        await d.press("f")
        world.wait(MS).handle(1, 1, times=2)
        session.add(world.snapshot())
        await d.tick()
        assert "x320" in d.text(3)
        await d.press("enter")
        assert "the newest of 320" in box(d)

    drive(script, session, size=(200, 50))


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_events_folded(size: tuple[int, int], same: Same) -> None:
    async def script(d: Driver) -> None:
        await d.press("3", "z", "equals_sign", "k", "k", "m")
        same(screen_text(d.app), f"events-folded-{size[0]}x{size[1]}")

    drive_canned(script, *_alternating(), size=size)


def _alternating() -> list[Snapshot]:
    world = World(FLOW)
    for times in (3, 1, 14, 2, 120, 1, 7):
        for edge in (1, 2):
            world.wait(MS).handle(edge, edge, wait=times * MS, times=times, payload="{order: 17}")
    world.wait(MS).handle(3, 1, failed=True, times=2, payload="ValueError: no")
    world.wait(MS).record(Kind.STAT, subject=9, value=3, status=Status.OK)
    return [world.snapshot()]


# marks --------------------------------------------------------------------------------------------


def marked(d: Driver) -> list[str]:
    return [line for line in d.text(3).split("\n") if line.startswith("*")]


def test_m_marks_an_event_and_takes_the_mark_away() -> None:
    async def script(d: Driver) -> None:
        await d.press("3", "k", "k", "m")
        assert len(marked(d)) == 1
        assert "PAUSED" in d.title(3)
        await d.press("m")
        assert marked(d) == []

    drive_canned(script, shop().snapshot(), size=(120, 40))


def test_the_apostrophe_goes_from_mark_to_mark_and_round() -> None:
    async def script(d: Driver) -> None:
        await d.press("3", "m", "k", "k", "m", "k", "k", "m")
        pane = d.pane(3)
        seen = []
        for _ in range(4):
            await d.press("apostrophe")
            seen.append(pane.cursor)
        assert seen == [5, 3, 1, 5]
        await d.press("f", "1", "apostrophe")
        assert "PAUSED" in d.title(3)
        assert pane.cursor == 3

    drive_canned(script, shop().snapshot(), size=(120, 40))


def test_marks_that_a_filter_hides_are_left_out_and_folded_ones_are_found() -> None:
    async def script(d: Driver) -> None:
        await d.press("3", "m", *["k"] * 4, "m", "slash")
        await d.type("source=a")
        await d.press("enter", "equals_sign", "f", "apostrophe")
        assert d.pane(3).cursor == 0
        await d.press("slash", "escape", "slash")
        await d.type("kind=line")
        await d.press("enter", "apostrophe")
        assert [n.message for n in d.app._notifications] == [
            "No event that is shown is marked: m marks one."
        ]

    drive_canned(script, shop().snapshot(), size=(120, 40))


def test_marks_without_any_event_say_so() -> None:
    async def script(d: Driver) -> None:
        await d.press("3", "m", "apostrophe")
        assert len(d.app._notifications) == 1

    drive_canned(script, World(FLOW).snapshot())


def test_marks_show_in_the_scene_at_every_size() -> None:
    async def script(d: Driver) -> None:
        await d.press("3", "k", "m")
        for width, height in SIZES:
            await d.resize(width, height)
            await d.tick()
            assert len(marked(d)) == 1

    drive_canned(script, *replay(1))
