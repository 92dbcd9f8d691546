"""What things look like: one place that turns tags and roles into styles.

State is never told by colour alone: each has a glyph and, where there is room, a word. The colours
are those of `tui.schemes`.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from zlib import crc32

from rich.color import Color
from rich.style import Style
from textual.color import Color as ScreenColor
from textual.theme import Theme

from tui.errors import did_you_mean
from tui.model.rows import State

from .schemes import SCHEMES, Scheme, adapted

PREFIX = "routilux-"
_FIELDS = (
    "background", "panel", "foreground", "primary", "secondary", "accent", "success", "warning",
    "error",
)  # fmt: skip


def _theme(scheme: Scheme) -> Theme:
    """For Textual, whose own widgets are to follow the same roles."""
    chosen = {"background": scheme.chosen, "foreground": scheme.text}
    style = "reverse" if scheme.plain else "bold"
    variables = {
        **{f"block-cursor-{name}": color for name, color in chosen.items()},
        **{f"block-cursor-blurred-{name}": color for name, color in chosen.items()},
        "block-cursor-text-style": style,
        "block-cursor-blurred-text-style": style,
        "block-hover-background": scheme.chosen,
        "input-cursor-background": scheme.text,
        "input-cursor-foreground": scheme.ground,
        "input-cursor-text-style": "none",
        "input-selection-background": scheme.chosen,
        "input-selection-foreground": scheme.text,
        "border": scheme.focus,
        "border-blurred": scheme.line,
        "scrollbar": scheme.line,
        "scrollbar-hover": scheme.muted,
        "scrollbar-active": scheme.focus,
        "scrollbar-background": scheme.panel,
        "scrollbar-background-hover": scheme.panel,
        "scrollbar-background-active": scheme.panel,
        "scrollbar-corner-color": scheme.panel,
        "text-muted": scheme.muted,
        "text-disabled": scheme.muted,
        "text-success": scheme.good,
        "text-warning": scheme.warn,
        "text-error": scheme.bad,
        "text-accent": scheme.accent,
        "text-primary": scheme.focus,
    }
    return Theme(
        name=PREFIX + scheme.name,
        primary=scheme.focus,
        secondary=scheme.muted,
        accent=scheme.accent,
        foreground=scheme.text,
        background=scheme.ground,
        surface=scheme.ground,
        panel=scheme.panel,
        success=scheme.good,
        warning=scheme.warn,
        error=scheme.bad,
        dark=scheme.dark,
        variables=variables,
    )


#: Every theme of ours; the first is the one to begin with.
THEMES = tuple(_theme(scheme) for scheme in SCHEMES)
DARK, LIGHT, MONO = THEMES[0], THEMES[1], THEMES[-1]
_SCHEMES = {theme.name: scheme for theme, scheme in zip(THEMES, SCHEMES, strict=True)}


def theme_names(available: Iterable[str]) -> list[str]:
    """What ``--theme`` takes, ours first and without their prefix.

    Args:
        available: names of themes as Textual knows them.
    """
    ours = [scheme.name for scheme in SCHEMES]
    return ours + sorted(name for name in available if name not in _SCHEMES)


def find_theme(name: str, available: Iterable[str]) -> str:
    """The theme that somebody means, as Textual knows it.

    Raises:
        ValueError: there is none; the message names the nearest, and all.
    """
    known = set(available) | set(_SCHEMES)
    folded = name.strip().casefold()
    for wanted in (PREFIX + folded, folded):
        if wanted in known:
            return wanted
    names = theme_names(known)
    meant = did_you_mean(name, names)
    raise ValueError(f"no theme {name!r}{meant} (there are: {', '.join(names)})")


def without_colour(environment: Mapping[str, str]) -> bool:
    """Whether the environment asks for no colour, or the terminal has none."""
    return bool(environment.get("NO_COLOR")) or environment.get("TERM") in ("dumb", "unknown")


@contextlib.contextmanager
def no_color(wanted: bool) -> Iterator[None]:
    """NO_COLOR as we understand it, for Textual to read, which has another idea of it.

    To Textual an empty one is a wish too, a dumb terminal none, and what the command line says is
    nothing to it. The user's code gets the environment as it was.
    """
    before = os.environ.pop("NO_COLOR", None)
    if wanted:
        os.environ["NO_COLOR"] = "1"
    try:
        yield
    finally:
        os.environ.pop("NO_COLOR", None)
        if before is not None:
            os.environ["NO_COLOR"] = before


# glyphs -------------------------------------------------------------------------------------------

_GLYPHS = {
    State.FULL: "▣",
    State.RUNNING: "●",
    State.PAUSED: "‖",
    State.RETRY: "↻",
    State.QUEUED: "◐",
    State.TIMER: "◷",
    State.FAILED: "x",
    State.IDLE: "○",
    State.UNUSED: "◇",
}
_ASCII_GLYPHS = {
    State.FULL: "F",
    State.RUNNING: "*",
    State.PAUSED: "=",
    State.RETRY: "r",
    State.QUEUED: "q",
    State.TIMER: "t",
    State.FAILED: "x",
    State.IDLE: "o",
    State.UNUSED: "-",
}


def glyph(state: State, *, ascii: bool = False) -> str:
    """The one-cell sign of a state."""
    return (_ASCII_GLYPHS if ascii else _GLYPHS)[state]


# styles -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Palette:
    """Styles by role, see `tui.schemes.Scheme`. Backgrounds are left to the widget."""

    text: Style
    muted: Style
    strong: Style
    good: Style
    warn: Style
    bad: Style
    held: Style
    news: Style
    focus: Style
    accent: Style
    hot: Style
    match: Style
    line: Style
    cursor: Style
    hues: tuple[Style, ...]

    def state(self, state: State) -> Style:
        """The style of a state's glyph and word."""
        return {
            State.FULL: self.bad,
            State.RUNNING: self.good,
            State.PAUSED: self.held,
            State.RETRY: self.news,
            State.QUEUED: self.warn,
            State.TIMER: self.text,
            State.FAILED: self.bad,
            State.IDLE: self.muted,
            State.UNUSED: self.muted,
        }[state]

    def hue(self, number: int) -> Style:
        """One of eight hues, always the same for the same number."""
        return self.hues[number % len(self.hues)]

    def role(self, name: str) -> Style:
        """The style of a role by name; of what is none that of text."""
        found = getattr(self, name, None)
        return found if isinstance(found, Style) else self.text


def hues_of(names: Sequence[str]) -> list[int]:
    """A hue for each routine: by its name, the same in every run; the next one if that is taken.

    Names that come later change nothing for those before them.
    """
    found: list[int] = []
    for name in names:
        hue = crc32(name.encode("utf-8", "surrogatepass")) % 8
        taken = found[len(found) // 8 * 8 :]
        while hue in taken:
            hue = (hue + 1) % 8
        found.append(hue)
    return found


def role_variables(theme: Theme, variables: Mapping[str, str]) -> dict[str, str]:
    """Variables for style sheets, ``role-`` and the role: the colours of a theme by role.

    Args:
        theme: ours or one of Textual's.
        variables: of that theme, as Textual has resolved them.
    """
    scheme = _SCHEMES.get(theme.name) or _adapted(theme, variables)
    colors = {f"role-{k}": v for k, v in scheme._asdict().items() if isinstance(v, str)}
    del colors["role-name"]
    hues = {f"role-hue-{number}": hue for number, hue in enumerate(scheme.hues)}
    plain = {"role-cursor-style": "reverse" if scheme.plain else "none"}
    return colors | hues | plain


def _adapted(theme: Theme, variables: Mapping[str, str]) -> Scheme:
    found = {}
    for field in _FIELDS:
        try:
            color = ScreenColor.parse(variables.get(field, ""))
        except Exception:  # noqa: BLE001 - "auto 87%" and the like have no fixed colour
            continue
        found[field] = color.hex6.lower()
    return adapted(theme.name, theme.dark, found)


def palette(variables: Mapping[str, str]) -> Palette:
    """The palette of the theme in use, from the app's theme variables."""
    return _palette(tuple((k, v) for k, v in variables.items() if k.startswith("role-")))


@lru_cache(maxsize=64)
def _palette(variables: tuple[tuple[str, str], ...]) -> Palette:
    colors = dict(variables)

    def style(role: str, *, bold: bool = False) -> Style:
        return Style(color=Color.parse(colors[f"role-{role}"]), bold=bold or None)

    if colors["role-cursor-style"] == "reverse":
        cursor = Style(bold=True, reverse=True)
    else:
        cursor = Style(bold=True, bgcolor=Color.parse(colors["role-chosen"]))
    return Palette(
        text=style("text"),
        muted=style("muted"),
        strong=style("text", bold=True),
        good=style("good"),
        warn=style("warn"),
        bad=style("bad", bold=True),
        held=style("held"),
        news=style("news"),
        focus=style("focus", bold=True),
        accent=style("accent"),
        hot=style("hot", bold=True),
        match=style("match", bold=True) + Style(underline=True),
        line=style("line"),
        cursor=cursor,
        hues=tuple(style(f"hue-{number}") for number in range(8)),
    )
