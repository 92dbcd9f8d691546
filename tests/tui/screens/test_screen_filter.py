"""The filter bar: the same for every pane that has rows, and always saying what is left out."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
from textual.widgets import Input

from routilux.records import Note
from tests.tui.building import MS, CannedSession, World, flow_info
from tests.tui.screens.conftest import Same
from tests.tui.screens.driving import Driver, drive, drive_canned
from tests.tui.screens.scene import replay
from tests.tui.screens.screen_text import screen_text
from tui.filters import Filters
from tui.session.events import Output
from tui.widgets.filterbar import FilterBar
from tui.widgets.filtered import FilteredPane

FLOW = flow_info([("a", "out", "b", "in"), ("b", "out", "c [x]", "in")])
SCENE = replay(3)


def busy(records: int = 60) -> World:
    """Records with waits of 1 to 60 ms, every tenth of them failed."""
    world = World(FLOW)
    for number in range(1, records + 1):
        world.wait(MS).handle(
            1,
            1 + number % 2,
            wait=number * MS,
            failed=number % 10 == 0,
            payload=f"number {number}.",
        )
    return world


def bar(d: Driver) -> FilterBar:
    return d.dashboard.query_one(FilterBar)


def written(d: Driver) -> str:
    return bar(d).query_one(Input).value


def hint(d: Driver) -> str:
    return screen_text(d.app).splitlines()[-2]


def filter_of(d: Driver, number: int) -> str:
    return cast("FilteredPane", d.pane(number)).filter


async def narrow(d: Driver, text: str, pane: str = "3") -> None:
    await d.press(pane, "slash")
    await d.type(text)
    await d.press("enter")


def test_a_filter_is_written_and_applied_with_enter() -> None:
    async def script(d: Driver) -> None:
        await d.press("3", "slash")
        assert bar(d).display
        await d.type("wait>50ms")
        assert filter_of(d, 3) == "", "nothing happens before Enter"
        await d.press("enter")
        assert not bar(d).display
        assert d.focused == 3
        assert d.title(3).startswith("3 Events  10 of 60  /wait>50ms")
        text = d.text(3)
        assert "51.0m" in text
        assert "50.0m" not in text
        assert "> filter" not in text

    drive_canned(script, busy().snapshot(), size=(120, 40))


def test_escape_clears_the_filter_in_the_bar_and_in_the_pane() -> None:
    async def script(d: Driver) -> None:
        await narrow(d, "wait>50ms")
        await d.press("slash")
        assert written(d) == "wait>50ms", "to be changed"
        await d.press("end")
        await d.type(" c")
        assert written(d) == "wait>50ms c", "or gone on with"
        await d.press("escape", "slash")
        await d.press("escape")
        assert not bar(d).display
        assert filter_of(d, 3) == ""
        assert "of 60" not in d.title(3)
        await narrow(d, "failed")
        assert "6 of 60" in d.title(3)
        await d.press("escape")
        assert filter_of(d, 3) == ""

    drive_canned(script, busy().snapshot(), size=(120, 40))


def test_an_empty_filter_shows_everything_again() -> None:
    async def script(d: Driver) -> None:
        await narrow(d, "failed")
        await d.press("slash", "backspace", "enter")
        assert filter_of(d, 3) == ""
        assert "kept" in d.title(3)

    drive_canned(script, busy().snapshot(), size=(120, 40))


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (40, 12)], ids=str)
def test_an_error_stands_below_its_column_while_it_is_typed(size: tuple[int, int]) -> None:
    async def script(d: Driver) -> None:
        await d.press("3", "slash")
        await d.type("run>5ms wiat>1s")
        lines = screen_text(d.app).splitlines()
        typed = next(i for i, line in enumerate(lines) if "run>5ms wiat>1s" in line)
        if size[0] > 40:
            assert lines[typed + 1].index("^") == lines[typed].index("wiat")
            assert "did you mean 'wait'?" in lines[typed + 1]
        else:
            assert "^" in lines[typed + 1]
        await d.press("enter")
        assert bar(d).display, "a filter that is wrong is not applied"
        assert filter_of(d, 3) == ""
        await d.press(*["backspace"] * 7)
        await d.type("wait>1s")
        assert "Enter applies" in screen_text(d.app)

    drive_canned(script, busy().snapshot(), size=size)


def test_an_error_at_the_far_right_has_its_message_on_the_left() -> None:
    async def script(d: Driver) -> None:
        await d.press("3", "slash")
        await d.type("x " * 30 + "wiat>1s")
        line = hint(d)
        assert line.endswith("events have no 'wiat'; did you mean 'wait'? ^")
        assert line.index("^") == len(" Events / ") + 60
        await d.type(" and y" * 20)  # now the line has scrolled
        assert "did you mean" in hint(d)

    drive_canned(script, busy().snapshot(), size=(80, 24))


def test_a_wide_character_moves_the_mark_by_two_cells() -> None:
    async def script(d: Driver) -> None:
        await d.press("3", "slash")
        await d.type("値 zz=1")
        assert hint(d).index("^") == len(" Events / ") + 3

    drive_canned(script, busy().snapshot(), size=(80, 24))


def test_a_filter_works_on_what_comes_later_and_while_the_view_is_paused() -> None:
    world = busy()
    session = CannedSession(world.snapshot())

    async def script(d: Driver) -> None:
        await d.tick()
        await narrow(d, "failed")
        assert "6 of 60" in d.title(3)
        world.handle(1, 1, failed=True, payload="ValueError: late")
        world.handle(1, 1, payload="fine")
        session.add(world.snapshot())
        await d.tick()
        assert "7 of 62" in d.title(3)
        assert "ValueError: late" in d.text(3)
        assert "fine" not in d.text(3)
        await d.press("space")
        world.handle(1, 1, failed=True, payload="ValueError: later")
        session.add(world.snapshot())
        await d.tick()
        assert d.title(3).startswith("3 Events  PAUSED +1 new  7 of 62  /failed")
        await narrow(d, "number")
        assert "60 of 62" in d.title(3)
        assert "PAUSED" in d.title(3)
        await d.press("f")
        assert "60 of 63" in d.title(3)

    drive(script, session, size=(200, 50))


def test_what_is_chosen_stays_so_when_the_filter_changes() -> None:
    async def script(d: Driver) -> None:
        await d.press("3", *["k"] * 10)
        await narrow(d, "failed")
        pane = d.pane(3)
        assert "number 50." in "".join(text for text, _ in pane._rows[pane.cursor])
        await d.press("slash", "escape")
        assert "number 50." in "".join(text for text, _ in pane._rows[pane.cursor])

    drive_canned(script, busy().snapshot(), size=(200, 50))


def test_a_payload_path_keeps_what_it_names() -> None:
    world = busy(3)
    world.notes.append((2, Note.TREE, '["d",1,[["order_id",17]]]'))

    async def script(d: Driver) -> None:
        await narrow(d, "payload.order_id=17")
        assert "1 of 3" in d.title(3)

    drive_canned(script, world.snapshot(), size=(120, 40))


OTHERS = {
    "1": ("routine~a", "1 of 3", "a "),
    "4": ("busy>50%", "1 of 2", "w1"),
    "6": ("value>2", "1 of 3", "a.n"),
    "7": ("stream=err", "1 of 2", "oh no"),
}


def panes() -> tuple[Output, Output, World]:
    world = World(FLOW)
    world.stats = {(1, 0): {"n": 5, "mode": "'x'"}, (1, 1): {"n": 1}}
    world.running = {1: (1, world.now - 5 * MS, 1)}
    world.handle(1, 1).handle(2, 2)
    world.running[1] = (1, world.now, 1)
    return Output(1, b"one\n", False), Output(1, b"oh no\n", True), world


@pytest.mark.parametrize("key", OTHERS)
def test_the_other_panes_have_the_same_bar(key: str) -> None:
    text, kept, row = OTHERS[key]
    out, err, world = panes()
    session = CannedSession(out, err, world.snapshot())

    async def script(d: Driver) -> None:
        await d.tick()
        for _ in range(3):
            session.add(world.wait(100 * MS).snapshot())
            await d.tick()
        number = int(key)
        before = d.text(number)
        await narrow(d, text, key)
        assert kept in d.title(number), d.title(number)
        assert f"/{text}" in d.title(number)
        assert row in d.text(number)
        assert d.focused == number
        await narrow(d, "zzz", key)
        assert "matches the filter" in d.text(number)
        await d.press("slash", "escape")
        await d.until(lambda: d.text(number) == before, "the pane as it was")
        await d.press("slash")
        await d.type("nonsense=1")
        assert "^" in hint(d)

    drive(script, session, size=(200, 50))


def test_a_pane_without_rows_filters_the_events() -> None:
    async def script(d: Driver) -> None:
        await d.press("5", "slash")
        await d.type("failed")
        await d.press("enter")
        assert filter_of(d, 3) == "failed"
        assert d.focused == 3

    drive_canned(script, busy().snapshot())


def test_a_filter_of_the_output_reads_each_line_once_and_forgets_what_is_gone() -> None:
    async def script(d: Driver) -> None:
        d.app.monitor.output = type(d.app.monitor.output)(kept=100)
        await narrow(d, "text~7$", "7")
        for first in range(0, 400, 40):
            lines = b"".join(b"line %d\n" % n for n in range(first, first + 40))
            d.app.monitor.handle(Output(1, lines, False))
            await d.tick()
        assert "10 of 100" in d.title(7)
        assert d.text(7).split()[-1] == "397"
        await d.press("k")
        before = d.text(7)
        d.app.monitor.handle(Output(1, b"x\n" * 5, False))
        await d.tick()
        assert d.text(7) == before

    drive_canned(script, World(FLOW).snapshot(), size=(80, 24))


# recalling and completing -------------------------------------------------------------------------


def test_earlier_filters_come_back_with_up_also_in_the_next_run(tmp_path: Path) -> None:
    file = tmp_path / "filters.json"

    async def first(d: Driver) -> None:
        await narrow(d, "failed")
        await narrow(d, "", "3")
        await d.press("slash", "escape")
        await narrow(d, "wait>1ms")
        await narrow(d, "b", "1")

    async def second(d: Driver) -> None:
        await d.press("3", "slash")
        await d.type("ne")
        seen = []
        for key in ("up", "up", "up", "down", "down", "down"):
            await d.press(key)
            seen.append(written(d))
        assert seen == ["wait>1ms", "failed", "failed", "wait>1ms", "ne", "ne"]

    drive_canned(first, busy().snapshot(), filters=Filters(file))
    drive_canned(second, busy().snapshot(), filters=Filters(file))


def test_a_damaged_file_is_one_notice(tmp_path: Path) -> None:
    file = tmp_path / "filters.json"
    file.write_text("{[red]")

    async def script(d: Driver) -> None:
        await narrow(d, "failed")
        messages = [n.message for n in d.app._notifications]
        assert len(messages) == 1
        assert messages[0].startswith("saved filters cannot be read, going on without: ")

    drive_canned(script, busy().snapshot(), filters=Filters(file))


def test_tab_completes_a_field() -> None:
    async def script(d: Driver) -> None:
        await d.press("3", "slash")
        await d.type("failed (rou")
        await d.press("tab")
        assert written(d) == "failed (routine"
        await d.type("=b) s")
        await d.press("tab")
        assert "source, status, slot, seq, stat, stream" in hint(d).replace(
            "slot, status", "x"
        ) or ("status" in hint(d) and "slot" in hint(d))
        await d.type("zz")
        await d.press("tab")
        assert written(d) == "failed (routine=b) szz"
        assert bar(d).display

    drive_canned(script, busy().snapshot(), size=(120, 40))


def test_letters_that_are_keys_elsewhere_are_letters_in_the_bar() -> None:
    async def script(d: Driver) -> None:
        await d.press("3", "slash")
        await d.type("qzrxKa?/:=m' 12")
        assert written(d) == "qzrxKa?/:=m' 12"
        assert cast("CannedSession", d.app.session).calls == []
        assert not d.app._exit
        await d.press("escape")

    drive_canned(script, busy().snapshot())


def test_keys_that_arrive_all_at_once_mean_what_they_would_one_by_one() -> None:
    async def script(d: Driver) -> None:
        await d.type("3/failed K x q")
        assert written(d) == "failed K x q"
        assert cast("CannedSession", d.app.session).calls == []
        assert bar(d).pane is d.pane(3)

    drive_canned(script, busy().snapshot())


# odd names, small screens, reload -----------------------------------------------------------------

NAMES = [
    "my routine",
    "[red]x[/red]",
    "値段",
    "e\u0301te\u0301",
    "n" * 300,
    "a=b>c",
    'q"uote',
    "it's",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [(80, 24), (200, 50)], ids=str)
def test_any_name_can_be_filtered_for(name: str, size: tuple[int, int]) -> None:
    world = World(flow_info([("a", "out", name, "in"), ("a", "out", "b", "in")]))
    world.handle(1, 1, payload="hit").handle(1, 2, payload="miss")
    quoted = '"' + name.replace('"', '\\"') + '"'

    async def script(d: Driver) -> None:
        await d.press("3", "z")
        await narrow(d, f"routine={quoted}")
        assert "1 of 2" in d.title(3)
        assert "miss" not in d.text(3)
        await narrow(d, quoted, "1")
        assert "1 of 3" in d.title(1)

    drive_canned(script, world.snapshot(), size=size)


def test_a_filter_goes_on_in_the_next_generation_with_its_own_numbers() -> None:
    from tui.session.events import Progress, Started
    from tui.session.messages import ScriptState

    world = World(flow_info([("x", "out", "y", "in"), ("a", "out", "b", "in")]), generation=2)
    world.handle(1, 1, payload="other").handle(1, 2, payload="same")

    async def script(d: Driver) -> None:
        await narrow(d, "edge~b.in")
        assert "30 of 60" in d.title(3)
        session = cast("CannedSession", d.app.session)
        session.add(
            Started(2, 0.1), Progress(2, ScriptState("running", opened=True)), world.snapshot()
        )
        await d.tick()
        assert "31 of 63" in d.title(3)  # with the line that parts the generations
        assert "same" in d.text(3)
        assert "other" not in d.text(3)

    drive_canned(script, busy().snapshot(), size=(200, 50))


def test_the_bar_on_a_tiny_screen_leaves_the_pane_in_sight() -> None:
    async def script(d: Driver) -> None:
        await d.press("3", "slash")
        assert d.visible == [3]
        await d.type("failed")
        await d.press("enter")
        assert "6 of 60" in d.title(3)

    drive_canned(script, busy().snapshot(), size=(40, 12))


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)], ids=str)
def test_the_screen_with_a_filter_and_the_bar(size: tuple[int, int], same: Same) -> None:
    async def script(d: Driver) -> None:
        await narrow(d, "routine=enrich wait>50ms")
        await narrow(d, "queue>0 or err>0", "1")
        await d.press("3", "slash", "end")
        await d.type(" stauts=ok")
        same(screen_text(d.app), f"filter-{size[0]}x{size[1]}")

    drive_canned(script, *SCENE, size=size)
