"""What stands on the screen, as text. The one place that looks into Textual's compositor."""

from __future__ import annotations

from itertools import zip_longest
from pathlib import Path

from textual.app import App
from textual.geometry import Size
from textual.strip import Strip

SNAPSHOTS = Path(__file__).parents[2] / "snapshots"


def screen_strips(app: App[None]) -> list[Strip]:
    """The lines of the screen on top, with their styles."""
    return app.screen._compositor.render_strips()


def drawn_size(app: App[None]) -> Size:
    """The size for which the screen was last laid out."""
    return app.screen._compositor.size


def screen_lines(app: App[None]) -> list[str]:
    """The lines as text, without the blanks at their ends."""
    return [strip.text.rstrip() for strip in screen_strips(app)]


def screen_text(app: App[None]) -> str:
    """The screen as one text."""
    return "\n".join(screen_lines(app)) + "\n"


def compare(text: str, name: str, *, update: bool) -> None:
    """Compare with ``tests/snapshots/<name>.txt``, or write it."""
    path = SNAPSHOTS / f"{name}.txt"
    if update:
        path.write_text(text, "utf-8")
        return
    assert path.exists(), f"{path.name} is missing: pytest --update-snapshots writes it"
    kept, found = path.read_text("utf-8").splitlines(), text.splitlines()
    differ = [
        f"{y}: {old!r}\n{y}: {new!r}"
        for y, (old, new) in enumerate(zip_longest(kept, found))
        if old != new
    ]
    assert not differ, "\n".join(
        [f"the screen differs from {path.name}: if it should, pytest --update-snapshots", *differ]
    )
