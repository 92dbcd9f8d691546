"""Every screen at once: readable in every theme, the same without colours, still, in ASCII."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from pprint import pformat

import pytest
from rich.color import Color, ColorType
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.theme import Theme

from tests.tui.screens.driving import Driver
from tests.tui.screens.gallery import SHOTS, Shot, pick, walk
from tests.tui.screens.screen_text import screen_lines, screen_strips
from tui.app import MonitorApp
from tui.schemes import contrast
from tui.themes import LIGHT, MONO, THEMES

#: Lines of boxes and drawings, bars and dots: seen, not read. WCAG asks 3:1 of graphics.
DRAWN = frozenset("─│┌┐└┘├┤┬┴┼━┃┏┓┗┛╭╮╰╯═║╔╗╚╝▁▂▃▄▅▆▇█▏▎▍▌▋▊▉▔▕░▒▓·▶◀↺ ▐▛▜▝▘▖▗▙▟▊▎") | {
    chr(code) for code in range(0x2800, 0x2900)
}


def rgb(color: Color | None) -> str | None:
    """``#rrggbb``; None: the terminal's own."""
    if color is None or color.type is ColorType.DEFAULT:
        return None
    return "#{:02x}{:02x}{:02x}".format(*color.get_truecolor())


def unreadable(strips: Iterable[Strip], least: float) -> dict[tuple[str, str, str], float]:
    """What has too little contrast: text, its colour and its ground."""
    found = {}
    for strip in strips:
        for segment in strip:
            style, text = segment.style, segment.text.strip()
            if not text or style is None:
                continue
            fore, back = rgb(style.color), rgb(style.bgcolor)
            if style.reverse:
                fore, back = back, fore
            needed = 3.0 if set(text) <= DRAWN else least
            if fore and back and contrast(fore, back) < needed:
                found[text[:30], fore, back] = round(contrast(fore, back), 2)
    return found


def in_front(app: MonitorApp) -> list[Strip]:
    """The screen; of a box that lies above another screen the box, for the rest is dimmed."""
    strips = screen_strips(app)
    if not isinstance(app.screen, ModalScreen):
        return strips
    boxes = [child.region for child in app.screen.children if child.region.area]
    return [
        strips[y].crop(box.x, box.right)
        for box in boxes
        for y in range(box.y, min(box.bottom, len(strips)))
    ]


async def check_looks(
    d: Driver, name: str, themes: Sequence[Theme], wrong: dict[str, object]
) -> None:
    """In each of these themes: the same text, readable, nothing that blinks."""
    d.app.show()  # as the next look does: what has lost the focus says so
    await d.settle()
    text = [strip.text for strip in in_front(d.app)]
    # Begin with the theme in use, the last of the screen before: changing it takes longest.
    for theme in sorted(themes, key=lambda theme: theme.name != d.app.theme):
        if theme.name != d.app.theme:
            d.app.theme = theme.name
            await d.settle()
        strips = in_front(d.app)
        bad = unreadable(strips, 7.0 if "high-contrast" in theme.name else 4.5)
        if bad:
            wrong[f"{name} in {theme.name}"] = bad
        if [strip.text for strip in strips] != text:
            wrong[f"{name} says something else in {theme.name}"] = True
        for strip in strips:
            assert not any(s.style and (s.style.blink or s.style.blink2) for s in strip)


#: Of each scene its screens; one app each, so that no test takes long on a busy machine.
SCENES = {scene: [s for s in SHOTS if s.scene == scene] for scene in {s.scene: 0 for s in SHOTS}}
each_scene = pytest.mark.parametrize("scene", SCENES)
by_hand = (pytest.mark.slow, pytest.mark.timeout(300))


# That each role can be read in each theme is computed elsewhere: here is found what widgets put on
# what, and one theme of each kind shows that.
@pytest.mark.parametrize(
    "themes", [(LIGHT, MONO), pytest.param(THEMES, marks=by_hand)], ids=["two", "all"]
)
@each_scene
def test_every_screen_can_be_read_in_every_theme_and_says_the_same(
    scene: str, themes: Sequence[Theme]
) -> None:
    """Also without colours: what a state is, a glyph or a word says."""
    wrong: dict[str, object] = {}

    async def look(d: Driver, shot: Shot) -> None:
        await check_looks(d, shot.name, themes, wrong)

    walk(look, shots=SCENES[scene], theme=themes[0].name)
    assert not wrong, pformat(wrong)


def test_the_picker_can_be_read_in_every_theme(tmp_path: Path) -> None:
    wrong: dict[str, object] = {}

    async def look(d: Driver) -> None:
        await check_looks(d, "picker", THEMES, wrong)

    pick(look, tmp_path)
    assert not wrong, pformat(wrong)


@pytest.mark.parametrize("size", [(120, 40), pytest.param((80, 24), marks=by_hand)], ids=str)
@each_scene
def test_ascii_means_ascii_on_every_screen(scene: str, size: tuple[int, int]) -> None:
    odd: dict[str, list[str]] = {}

    async def look(d: Driver, shot: Shot) -> None:
        lines = [line for line in screen_lines(d.app) if not line.isascii()]
        odd.update({shot.name: lines} if lines else {})

    walk(look, shots=SCENES[scene], size=size, ascii=True)
    assert odd == {}


def test_ascii_means_ascii_in_the_picker_and_its_help(tmp_path: Path) -> None:
    async def look(d: Driver) -> None:
        for key in ("j", "question_mark"):
            await d.press(key)
            assert [line for line in screen_lines(d.app) if not line.isascii()] == []

    pick(look, tmp_path, ascii=True)


def test_the_gallery_shows_every_kind_of_screen() -> None:
    names = [shot.name for shot in SHOTS]
    assert len(names) == len(set(names))
    assert {"dashboard", "routine", "values", "jobs", "errors", "help", "palette"} <= set(names)
    assert MonitorApp.ENABLE_COMMAND_PALETTE
