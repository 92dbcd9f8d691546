"""The screen in front as a picture and as text. The one place that looks into the compositor."""

from __future__ import annotations

from typing import Any

from textual.app import App
from textual.strip import Strip


def strips(app: App[Any]) -> list[Strip]:
    """The lines of the screen in front with their styles, what shines through from below too."""
    return app.screen._compositor.render_strips()


def text(app: App[Any]) -> str:
    """The screen as lines of text, without the blanks at their ends."""
    return "".join(f"{strip.text.rstrip()}\n" for strip in strips(app))


def svg(app: App[Any]) -> str:
    """The screen as an SVG file."""
    return app.export_screenshot(simplify=True)
