"""The colours of every theme by computation: contrast, and what eyes of each kind tell apart."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest
from textual.theme import BUILTIN_THEMES, Theme

from tests.tui.colours import BLIND, distance, seen
from tui.model.rows import State
from tui.schemes import GROUNDS, READ, SCHEMES, Scheme, adapted, contrast, mixed, readable
from tui.themes import (
    THEMES,
    find_theme,
    glyph,
    hues_of,
    palette,
    role_variables,
    theme_names,
    without_colour,
)

ROOT = Path(__file__).parents[2]
COLOURED = [scheme for scheme in SCHEMES if not scheme.plain]
#: What states are drawn in.
STATES = ("good", "warn", "bad", "held", "news", "muted", "text")
#: A scheme that is made for one kind of eyes suits these; the others suit all.
MADE_FOR = {
    "deuteranopia": ("", "deuteranopia", "protanopia"),
    "tritanopia": ("", "tritanopia"),
}
#: CIEDE2000 at which two colours are told apart at a glance, also as a thin glyph.
APART = 8.5

each_scheme = pytest.mark.parametrize("scheme", SCHEMES, ids=lambda scheme: scheme.name)


def own_colours(theme: Theme) -> dict[str, str]:
    """The roles of any theme, as the app gives them to style sheets and widgets."""
    return role_variables(theme, theme.to_color_system().generate() | theme.variables)


# contrast -----------------------------------------------------------------------------------------


def test_contrast_is_computed_as_the_standard_says() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@each_scheme
def test_every_role_can_be_read_on_every_ground(scheme: Scheme) -> None:
    least = 7.0 if scheme.name.startswith("high-contrast") else 4.5
    colors = {role: getattr(scheme, role) for role in READ}
    colors |= {f"hue {number}": hue for number, hue in enumerate(scheme.hues)}
    worst = {
        (role, ground): contrast(color, getattr(scheme, ground))
        for role, color in colors.items()
        for ground in GROUNDS
    }
    assert {pair: value for pair, value in worst.items() if value < least} == {}


@each_scheme
def test_lines_are_seen_though_they_are_not_read(scheme: Scheme) -> None:
    """3:1 is what WCAG asks of graphics: a border says where, its title says what."""
    assert contrast(scheme.line, scheme.ground) >= 3
    assert contrast(scheme.line, scheme.panel) >= 3
    assert contrast(scheme.text, scheme.ground) > contrast(scheme.line, scheme.ground) + 2


@pytest.mark.parametrize("name", sorted(name for name, t in BUILTIN_THEMES.items() if not t.ansi))
def test_textuals_own_themes_are_made_readable(name: str) -> None:
    colors = own_colours(BUILTIN_THEMES[name])
    grounds = [colors[f"role-{ground}"] for ground in GROUNDS]
    for role in (*READ, *(f"hue-{number}" for number in range(8))):
        worst = min(contrast(colors[f"role-{role}"], ground) for ground in grounds)
        assert worst >= 4.5, (role, round(worst, 2))
    assert min(contrast(colors["role-line"], ground) for ground in grounds[:2]) >= 3


def test_a_colour_is_moved_no_further_than_it_must() -> None:
    assert readable("#ffffff", ("#000000",), 4.5) == "#ffffff"
    dim = readable("#444444", ("#000000",), 4.5)
    assert 4.5 <= contrast(dim, "#000000") < 6
    assert readable("#777777", ("#808080",), 7) in ("#ffffff", "#000000")  # as good as it gets
    assert mixed("#000000", "#ff8000", 0.5) == "#804000"


def test_a_theme_without_colours_of_its_own_gets_ours() -> None:
    assert adapted("x", True, {}).text == SCHEMES[0].text


# eyes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
        ((50, -1, 2), (50, 0, 0), 2.3669),
    ],
)
def test_distance_is_that_of_the_published_pairs(
    one: tuple[float, float, float], other: tuple[float, float, float], apart: float
) -> None:
    """Sharma, Wu and Dalal, "The CIEDE2000 color-difference formula", 2005, table 1."""
    assert distance(one, other) == pytest.approx(apart, abs=1e-4)


def test_simulated_eyes_confuse_what_such_eyes_confuse() -> None:
    red, green, blue, yellow = "#c04000", "#608000", "#3060ff", "#f0e442"
    assert distance(seen(red), seen(green)) > 40
    for kind in ("protanopia", "deuteranopia"):
        assert distance(seen(red, kind), seen(green, kind)) < 25
        assert distance(seen(blue, kind), seen(yellow, kind)) > 40
    assert distance(seen("#808080", "tritanopia"), seen("#808080")) < 1


@pytest.mark.parametrize("scheme", COLOURED, ids=lambda scheme: scheme.name)
def test_states_stay_apart_for_the_eyes_that_the_theme_is_for(scheme: Scheme) -> None:
    close = {}
    for kind in MADE_FOR.get(scheme.name, ("", *BLIND)):
        lab = {role: seen(getattr(scheme, role), kind) for role in STATES}
        for one, other in itertools.combinations(lab, 2):
            apart = distance(lab[one], lab[other])
            if apart < APART:
                close[kind or "normal", one, other] = round(apart, 1)
    assert close == {}


def test_the_colours_of_states_are_those_that_were_compared() -> None:
    for theme in THEMES:
        colors = palette(own_colours(theme))
        compared = {getattr(colors, role).color for role in STATES}
        assert {colors.state(state).color for state in State} <= compared


def test_every_state_has_a_sign_of_its_own() -> None:
    for ascii in (False, True):
        signs = [glyph(state, ascii=ascii) for state in State]
        assert len(set(signs)) == len(State)
        assert all(len(sign) == 1 for sign in signs)
        assert not ascii or all(sign.isascii() for sign in signs)


# routines -----------------------------------------------------------------------------------------


def test_the_hue_of_a_routine_depends_on_its_name_alone() -> None:
    assert hues_of(["fetch", "parse", "store"]) == [3, 0, 7]  # in this process and any other
    names = [f"routine {number}" for number in range(20)]
    assert hues_of(names)[:9] == hues_of(names[:9])
    assert sorted(hues_of(names[:8])) == list(range(8))  # none twice before all are used
    assert hues_of(["\ud800", ""])  # a lone surrogate is a name too


# names --------------------------------------------------------------------------------------------


def test_themes_are_found_by_what_people_type() -> None:
    known = list(BUILTIN_THEMES)
    assert find_theme("mono", known) == "routilux-mono"
    assert find_theme("routilux-Dark", known) == "routilux-dark"
    assert find_theme(" nord", known) == "nord"
    with pytest.raises(
        ValueError, match=r"no theme 'monno'; did you mean 'mono'\? \(there are: dark"
    ):
        find_theme("monno", known)
    names = theme_names([*known, *(theme.name for theme in THEMES)])
    assert names[:2] == ["dark", "light"]
    assert "nord" in names
    assert all(find_theme(name, known) for name in names)


@pytest.mark.parametrize(
    ("environment", "plain"),
    [
        ({}, False),
        ({"NO_COLOR": ""}, False),  # so no-color.org: empty is none
        ({"NO_COLOR": "0"}, True),
        ({"TERM": "dumb"}, True),
        ({"TERM": "xterm-256color"}, False),
    ],
)
def test_what_the_environment_says_of_colour(environment: dict[str, str], plain: bool) -> None:
    assert without_colour(environment) is plain


# one place ----------------------------------------------------------------------------------------


def test_no_colour_is_named_outside_the_table() -> None:
    """Neither in code nor in style sheets: widgets name roles."""
    literal = re.compile(
        r"#[0-9a-fA-F]{6}\b|\brgba?\(|\bhsl\(|(?:colou?r|background|border[a-z-]*):[^;]*"
        r"\b(?:black|white|red|green|blue|yellow|cyan|magenta|gr[ae]y|ansi_\w+)\b"
    )
    theirs = re.compile(
        r"\$(?:primary|secondary|accent|success|warning|error|foreground|background|surface|panel|"
        r"boost|text(?:-\w+)?)\b"
    )
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in sorted((ROOT / "tui").rglob("*"))
        if path.suffix in (".py", ".tcss") and path.name != "schemes.py"
        for pattern in (literal, theirs)
        for match in pattern.finditer(path.read_text("utf-8"))
    ]
    assert found == []
