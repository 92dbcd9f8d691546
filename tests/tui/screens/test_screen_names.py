"""Names and texts of any kind stand on the screen as they are, in the cells they are given."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from tests.tui.building import World, flow_info
from tests.tui.screens.driving import Driver, drive_canned, drive_flow
from tests.tui.screens.flows import NAMES, shop
from tests.tui.screens.screen_text import screen_strips, screen_text
from tui.paint.canvas import clean
from tui.session.events import Output, Progress, Rejected
from tui.session.messages import Failure, ScriptState

STRANGE = {
    "spaces": "my first routine",
    "markup": "[b]x[/b]",
    "closing": "[/]",
    "link": "[@click=app.quit]q",
    "backslash": "a\\[b",
    "wide": "注文処理",
    "combining": "ne\u0301e\u0301",
    "rtl": "\u05d4\u05d6\u05de\u05e0\u05d4",
    "override": "a\u202eb",
    "emoji": "👩‍👩‍👧",
    "escape": "\x1b[31mred",
    "newline": "two\nlines",
    "surrogate": "a\ud800",
    "long": "n" * 300,
    "empty": "",
}
#: The same for tests of one screen each: every third, and all of them as slow tests.
SOME_STRANGE = [
    pytest.param(name, id=key, marks=[pytest.mark.slow] if number % 3 else [])
    for number, (key, name) in enumerate(STRANGE.items())
]


def assert_sound(d: Driver) -> None:
    """Every line is as wide as the screen and holds nothing that a terminal would act on."""
    for strip in screen_strips(d.app):
        assert cell_len(strip.text) == d.app.size.width
        assert not any(ord(char) < 32 or 0x202A <= ord(char) <= 0x202E for char in strip.text)
        strip.text.encode()


@pytest.mark.parametrize("name", STRANGE.values(), ids=STRANGE.keys())
def test_a_strange_name_is_shown_literally_everywhere(name: str) -> None:
    flow = flow_info(
        [(name, name, "store", "order"), ("store", "again", name, "x")],
        id=name or "flow",
        entries=(name,),
    )
    world = World(flow)
    first = world.snapshot()
    world.handle(1, 1, payload=name, times=5).handle(1, 2, failed=True, payload=name)
    world.stats = {(1, 0): {name: name}, (1, 1): {"rows": 1}}
    world.running = {1: (2, world.now, 1)}
    failure = Failure(name or "Error", name, f"/{name}.py", 3, 2, name)

    async def script(d: Driver) -> None:
        await d.tick()
        assert_sound(d)
        if name != STRANGE["long"]:
            for number in (1, 2, 3, 6):
                assert clean(name) in d.text(number), f"pane {number}"
            if "\n" not in name:
                assert clean(name) in d.text(7)
        await d.resize(80, 24)
        assert_sound(d)
        await d.press("2", "z")
        assert_sound(d)
        await d.press("z")
        d.app.monitor.handle(Rejected(2, failure, ((3, name),)))
        await d.tick()
        assert_sound(d)
        assert clean(name.splitlines()[0] if name else "")[:20] in screen_text(d.app)
        d.app.monitor.handle(Progress(1, ScriptState("failed", failure=failure)))
        await d.tick()
        assert_sound(d)

    drive_canned(
        script,
        first,
        Output(1, name.encode("utf-8", "replace") + b"\n", False),
        world.wait(10**9).snapshot(),
        size=(200, 50),
    )


def test_a_strange_label_leaves_room_for_the_state() -> None:
    async def script(d: Driver) -> None:
        for name in STRANGE.values():
            d.app.monitor.label = name
            await d.tick()
            assert_sound(d)
            header = screen_text(d.app).splitlines()[0]
            assert "IDLE g1" in header
            assert "kept 100%" in header

    drive_canned(script, World(flow_info([("a", "o", "b", "i")])).snapshot(), size=(80, 24))


@pytest.mark.parametrize("kind", ["markup", "wide", "rtl", "long"])
def test_a_real_flow_with_strange_names_runs_and_shows(kind: str) -> None:
    name = STRANGE[kind]

    async def script(d: Driver) -> None:
        assert_sound(d)
        assert clean(name)[:10] in d.text(1)

    drive_flow(script, lambda: shop((f"{name}1", f"{name}2", f"{name}3", *NAMES[3:])))


def test_hundreds_of_routines_are_no_trouble() -> None:
    wires = [(f"r{n}", "o", f"r{(n * 7) % 200}", "i") for n in range(200)]
    flow = flow_info(wires)
    world = World(flow)
    for edge in range(1, 200):
        world.handle(edge % 16, edge)

    async def script(d: Driver) -> None:
        assert_sound(d)
        await d.press("2", "z", "G", "l", "g")
        assert_sound(d)
        await d.press("1", "G")
        assert f"> {flow.routines[-1].id} " in d.text(1)

    drive_canned(script, world.snapshot(), size=(120, 40))
