"""A scroll bar of signs: Textual's own is made of background colours, with blocks at its ends."""

from __future__ import annotations

from typing import Any, ClassVar

from rich.segment import Segment, Segments
from rich.style import Style
from textual.scrollbar import ScrollBar, ScrollBarRender


class SignBar(ScrollBarRender):
    """``#`` on ``|``: for ASCII, and for where there are no colours."""

    THUMB: ClassVar[str] = "#"
    TRACK: ClassVar[tuple[str, str]] = ("-", "|")  # horizontal, vertical

    @classmethod
    def render_bar(
        cls,
        size: int = 25,
        virtual_size: float = 50,
        window_size: float = 20,
        position: float = 0,
        thickness: int = 1,
        vertical: bool = True,
        back_color: Any = None,
        bar_color: Any = None,
    ) -> Segments:
        """The bar, one segment a cell; a click or a drag on it means what it means elsewhere."""
        first = last = 0
        if window_size and size and virtual_size > window_size:
            thumb = max(1, round(size * window_size / virtual_size))
            first = round((size - thumb) * position / (virtual_size - window_size))
            last = first + thumb
        style = Style(color=bar_color, bgcolor=back_color)
        segments = []
        for cell in range(int(size)):
            there = first <= cell < last
            sign = cls.THUMB if there else cls.TRACK[vertical]
            does = "grab" if there else "scroll_up" if cell < first else "scroll_down"
            meta = Style(meta={"@mouse.down": does})
            segments.append(Segment(sign * (thickness if vertical else 1), style + meta))
        if vertical:
            return Segments(segments, new_lines=True)
        return Segments([*segments, Segment.line()] * thickness, new_lines=False)


def use_signs(wanted: bool) -> None:
    """Draw every scroll bar of this process so, or as Textual does."""
    ScrollBar.renderer = SignBar if wanted else ScrollBarRender
