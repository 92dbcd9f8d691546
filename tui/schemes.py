"""The table of colours: for each theme one colour per role. Widgets name roles, never colours.

The hues are those of Okabe and Ito, moved as little as it takes to be told apart by eyes of every
kind on the grounds on which they stand; tests compute that. In a scheme that is for one kind of
eyes they suit those alone, and states keep the hues that they have in the others where they can.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Scheme(NamedTuple):
    """One theme. Colours are ``#rrggbb``.

    Attributes:
        name: without the prefix of the program.
        dark: whether light text stands on a dark ground.
        ground: behind panes.
        panel: behind bars and boxes that lie above the panes.
        chosen: behind the line under the cursor.
        text: what is read.
        muted: headings, hints and what is nought; also the states idle and unused.
        line: borders and lines of drawings, of which only the place must be seen.
        focus: border and title of the pane that has the focus.
        accent: keys, marks and the cursor of time.
        good: the state running, what grows.
        warn: the state queued, warnings.
        bad: the states failed and full.
        held: the state paused.
        news: the state retry, reloading.
        hot: connections that carry most.
        match: what a search has found.
        hues: for routines, each beside its letter.
        plain: no colours at all: what is chosen is reversed.
    """

    name: str
    dark: bool
    ground: str
    panel: str
    chosen: str
    text: str
    muted: str
    line: str
    focus: str
    accent: str
    good: str
    warn: str
    bad: str
    held: str
    news: str
    hot: str
    match: str
    hues: tuple[str, ...]
    plain: bool = False


#: The grounds of a scheme, each with the roles that stand on it.
GROUNDS = ("ground", "panel", "chosen")
#: Roles of what is read, which must have contrast with every ground.
READ = ("text", "muted", "focus", "accent", "good", "warn", "bad", "held", "news", "hot", "match")

_HUES_DARK = (
    "#56b4e9", "#e69f00", "#25daa4", "#f0e442", "#8fa8ff", "#ff8f59", "#e08fd0", "#b8bdc9",
)  # fmt: skip
_HUES_LIGHT = (
    "#005a94", "#7d4e00", "#00624a", "#6b5300", "#3d4fa8", "#9a3a0c", "#84207b", "#474c59",
)  # fmt: skip
_HUES_BRIGHT = (
    "#7cc8f5", "#f5b83d", "#4be9a9", "#f0e442", "#b3c2ff", "#ffab85", "#ffc5f0", "#d0d4dd",
)  # fmt: skip
_HUES_DEEP = (
    "#003e6b", "#573600", "#004d36", "#4a3a00", "#2a3a8a", "#702606", "#661260", "#33363f",
)  # fmt: skip

_DARK = Scheme(
    "dark", dark=True,
    ground="#14161b", panel="#1d2027", chosen="#2c3444",
    text="#e4e7ec", muted="#9a9fb0", line="#6b7080", focus="#56b4e9", accent="#e69f00",
    good="#25daa4", warn="#f0e442", bad="#ff704b", held="#e3b6d8", news="#56b3e8",
    hot="#ffb347", match="#f0e442", hues=_HUES_DARK,
)  # fmt: skip
_LIGHT = Scheme(
    "light", dark=False,
    ground="#fafafa", panel="#e8eaee", chosen="#d3dbe8",
    text="#14161b", muted="#565b6a", line="#7d8290", focus="#005a94", accent="#7d4e00",
    good="#00684c", warn="#604b00", bad="#b71a2b", held="#84207b", news="#005ba8",
    hot="#8f3f00", match="#604b00", hues=_HUES_LIGHT,
)  # fmt: skip
_GREY = "#e6e6e6"

#: Every scheme of ours; the first is the one to begin with.
SCHEMES: tuple[Scheme, ...] = (
    _DARK,
    _LIGHT,
    Scheme(
        "high-contrast-dark", dark=True,
        ground="#000000", panel="#111111", chosen="#222a3a",
        text="#ffffff", muted="#b4b8c4", line="#8a8f9c", focus="#7cc8f5", accent="#f5b83d",
        good="#4be9a9", warn="#f0e442", bad="#ff9c82", held="#ffc5f0", news="#54c0fc",
        hot="#ffc26b", match="#f0e442", hues=_HUES_BRIGHT,
    ),
    Scheme(
        "high-contrast-light", dark=False,
        ground="#ffffff", panel="#f2f2f2", chosen="#e0e6f0",
        text="#000000", muted="#41454f", line="#6b6f7a", focus="#003e6b", accent="#573600",
        good="#004d36", warn="#5d4700", bad="#600300", held="#801c7a", news="#002350",
        hot="#6b2d00", match="#5d4700", hues=_HUES_DEEP,
    ),
    _DARK._replace(
        name="deuteranopia",
        good="#5aa2ff", bad="#ff8c2a", held="#fb99d6", news="#68e5ff", hot="#ffc26b",
    ),
    _DARK._replace(
        name="tritanopia",
        good="#5fdeb9", warn="#f5c6a0", bad="#ff6d69", held="#d59ae8", match="#f5c6a0",
        accent="#ff9f80", hot="#ffb5a0",
    ),
    Scheme(
        "mono", dark=True,
        ground="#101010", panel="#1c1c1c", chosen="#1c1c1c",
        text=_GREY, muted="#a8a8a8", line="#787878", focus="#ffffff", accent="#ffffff",
        good=_GREY, warn=_GREY, bad="#ffffff", held=_GREY, news=_GREY,
        hot="#ffffff", match="#ffffff", hues=(_GREY,) * 8, plain=True,
    ),
)  # fmt: skip


# colours ------------------------------------------------------------------------------------------


def luminance(color: str) -> float:
    """Relative luminance of ``#rrggbb``, 0..1, as WCAG 2.2 defines it."""
    parts = (int(color[place : place + 2], 16) / 255 for place in (1, 3, 5))
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Of two ``#rrggbb``, from 1 (the same) to 21 (black on white)."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def mixed(one: str, other: str, share: float) -> str:
    """So much of the other colour in the one: a ``share`` of 0 is the one itself."""
    pairs = ((int(one[p : p + 2], 16), int(other[p : p + 2], 16)) for p in (1, 3, 5))
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def readable(color: str, grounds: tuple[str, ...], least: float) -> str:
    """The colour, moved towards white or black until it can be read on all the grounds.

    Args:
        least: contrast that is needed. Where neither end has it, the better one is taken.
    """

    def worst(candidate: str) -> float:
        return min(contrast(candidate, ground) for ground in grounds)

    end = max("#ffffff", "#000000", key=worst)
    steps = (mixed(color, end, step / 20) for step in range(21))
    return next((shade for shade in steps if worst(shade) >= least), end)


# themes of others ---------------------------------------------------------------------------------

#: What of another theme plays which role.
_ROLES = {
    "text": "foreground", "muted": "secondary", "focus": "primary", "accent": "accent",
    "good": "success", "warn": "warning", "bad": "error", "held": "accent", "news": "primary",
    "hot": "warning", "match": "warning",
}  # fmt: skip


def adapted(name: str, dark: bool, colors: Mapping[str, str]) -> Scheme:
    """A scheme for a theme that is not ours: its colours, as light or dark as reading needs.

    Args:
        colors: ``background``, ``panel``, ``foreground``, ``primary``, ``secondary``, ``accent``,
            ``success``, ``warning`` and ``error`` as ``#rrggbb``; what is missing is ours.
    """
    ours = _DARK if dark else _LIGHT
    ground = colors.get("background", ours.ground)
    panel = colors.get("panel", ours.panel)
    far = "#ffffff" if dark else "#000000"
    if contrast(panel, far) < 4.6:  # no text at all could be read on it
        panel = mixed(ground, far, 0.06)
    grounds = (ground, panel, mixed(ground, far, 0.12))
    found = {role: colors.get(field, getattr(ours, role)) for role, field in _ROLES.items()}
    roles = {role: readable(color, grounds, 4.5) for role, color in found.items()}
    hues = tuple(readable(hue, grounds, 4.5) for hue in ours.hues)
    line = readable(colors.get("secondary", ours.line), (ground, panel), 3.0)
    roles |= {"ground": ground, "panel": panel, "chosen": grounds[2], "line": line}
    return Scheme(name=name, dark=dark, hues=hues, plain=False, **roles)
