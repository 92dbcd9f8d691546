"""What things look like: one place that turns tags and roles into styles.

State is never told by colour alone: each has a glyph and, where there is room, a word. The hues
are those of Okabe and Ito, which people with any colour vision can tell apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rich.color import Color
from rich.style import Style
from textual.theme import Theme

from tui.model.rows import State

DARK = Theme(
    name="routilux-dark",
    primary="#56b4e9",
    secondary="#8a8fa3",
    accent="#e69f00",
    foreground="#d7dae0",
    background="#14161b",
    surface="#14161b",
    panel="#1d2027",
    success="#2fbf8f",
    warning="#f0c541",
    error="#ff6f59",
    dark=True,
)
LIGHT = Theme(
    name="routilux-light",
    primary="#005a94",
    secondary="#5a6070",
    accent="#8a5a00",
    foreground="#1d2027",
    background="#fafafa",
    surface="#fafafa",
    panel="#e8eaee",
    success="#00664a",
    warning="#7a5200",
    error="#b3261e",
    dark=False,
)
THEMES = (DARK, LIGHT)

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
_HUES_DARK = (
    "#56b4e9",
    "#e69f00",
    "#2fbf8f",
    "#f0c541",
    "#5b9bd5",
    "#ff8f59",
    "#d58fc0",
    "#b8bdc9",
)
_CURSOR_DARK, _CURSOR_LIGHT = "#2c3444", "#d3dbe8"
_HUES_LIGHT = (
    "#005a94",
    "#8a5a00",
    "#00664a",
    "#7a5200",
    "#2f5fa8",
    "#a8410e",
    "#8f3f78",
    "#4a4f5c",
)


def glyph(state: State, *, ascii: bool = False) -> str:
    """The one-cell sign of a state."""
    return (_ASCII_GLYPHS if ascii else _GLYPHS)[state]


@dataclass(frozen=True)
class Palette:
    """Styles by role. Backgrounds are left to the widget."""

    text: Style
    muted: Style
    strong: Style
    good: Style
    warn: Style
    bad: Style
    accent: Style
    line: Style
    cursor: Style
    hues: tuple[Style, ...]

    def state(self, state: State) -> Style:
        """The style of a state's glyph and word."""
        return {
            State.FULL: self.bad,
            State.RUNNING: self.good,
            State.PAUSED: self.accent,
            State.RETRY: self.warn,
            State.QUEUED: self.warn,
            State.TIMER: self.text,
            State.FAILED: self.bad,
            State.IDLE: self.muted,
            State.UNUSED: self.muted,
        }[state]

    def hue(self, number: int) -> Style:
        """One of eight hues, always the same for the same number."""
        return self.hues[number % len(self.hues)]


def palette(variables: Mapping[str, str], *, dark: bool) -> Palette:
    """The palette of a Textual theme, from its resolved CSS variables."""

    def style(name: str, *, bold: bool = False) -> Style:
        value = variables.get(name, "#d7dae0" if dark else "#1d2027")
        try:
            color = Color.parse(value)
        except Exception:  # noqa: BLE001 - "auto 87%" and the like have no fixed colour
            color = Color.parse("#d7dae0" if dark else "#1d2027")
        return Style(color=color, bold=bold or None)

    hues = _HUES_DARK if dark else _HUES_LIGHT
    return Palette(
        text=style("foreground"),
        muted=style("secondary"),
        strong=style("foreground", bold=True),
        good=style("success"),
        warn=style("warning"),
        bad=style("error", bold=True),
        accent=style("accent"),
        line=style("secondary"),
        cursor=Style(bold=True, bgcolor=Color.parse(_CURSOR_DARK if dark else _CURSOR_LIGHT)),
        hues=tuple(Style(color=Color.parse(hue)) for hue in hues),
    )
