"""The base of all panes: bordered lines that repaint only where they changed.

A pane is given the model once a tick and turns it into rows of tagged runs. Rows become strips,
strips are compared with those on screen, and only lines that differ are marked dirty. Scrolling
is an offset of ours: a virtual size that grows with each event would lay out the screen each tick.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, overload

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from tui.keys import PANES
from tui.model.monitor import Monitor
from tui.paint.canvas import Row, Tag, clean, fit, measure, text_of
from tui.themes import Palette, palette

from .choice import Choice


class LazyRows(Sequence[Row]):
    """Rows painted one by one when they are asked for: of a long log only what is on screen.

    Args:
        items: what the rows are made of.
        paint: makes the row of one item.
    """

    def __init__(self, items: Sequence[Any], paint: Callable[[Any], Row]) -> None:
        self._items, self._paint = items, paint

    def __len__(self) -> int:
        return len(self._items)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | Sequence[Row]:
        if isinstance(index, slice):
            return [self._paint(item) for item in self._items[index]]
        return self._paint(self._items[index])


class Pane(Widget, can_focus=True):
    """A numbered pane. Subclasses give rows; this paints, scrolls and moves the cursor.

    Attributes:
        has_cursor: whether a line can be chosen; else moving scrolls.
        heading: how many of the first rows stay in place when the others scroll.
        top: index of the first row on screen.
        left: how many cells are scrolled off at the left.
        cursor: index of the chosen row.
    """

    number: ClassVar[int]
    has_cursor: ClassVar[bool] = False
    heading: ClassVar[int] = 0

    DEFAULT_CSS = """
    Pane {
        border: round $secondary;
        border-title-color: $foreground;
        border-subtitle-color: $secondary;
        background: $background;
    }
    Pane:focus {
        border: heavy $primary;
        border-title-color: $primary;
        border-title-style: bold;
    }
    """

    def __init__(self, id: str = "") -> None:
        super().__init__(id=id or f"pane-{self.number}")
        self.top = self.left = self.cursor = 0
        self.ascii = False
        self._monitor: Monitor | None = None
        self._rows: Sequence[Row] = ()
        self._strips: list[Strip] = []
        self._palette: Palette | None = None

    # for subclasses ---------------------------------------------------------------------------

    def rows(self, monitor: Monitor, width: int, height: int) -> Sequence[Row]:
        """Every row there is, or a sequence that makes them when asked."""
        raise NotImplementedError  # pragma: no cover - abstract

    def title(self, monitor: Monitor) -> str:
        """What stands in the border, after the number and the name.

        Parts are divided by two blanks; those at the end that find no room are left out.
        """
        return ""

    @property
    def shows_cursor(self) -> bool:
        """Whether the chosen row stands out: while it can be moved."""
        return self.has_focus

    @property
    def heading_text(self) -> str:
        """What stands first in the border: the number and the name."""
        return f"{self.number} {PANES[self.number]}"

    def style(self, tag: Tag) -> Style:
        """The style of a tag; roles of the palette by name."""
        colors = self.palette
        role = tag[0]
        if role == "state":
            return _by_state(colors, str(tag[1]))
        if role in ("routine", "series"):
            return colors.hue(int(tag[1]))
        found = getattr(colors, str(role), None)
        return found if isinstance(found, Style) else colors.text

    def link(self, monitor: Monitor) -> Choice:
        """What is chosen, with what can be done with it beside copying its line."""
        return Choice()

    def choice(self, monitor: Monitor) -> Choice:
        """What is chosen. Its text is that of its line; without a cursor, of what is in sight."""
        found = self.link(monitor)
        return found if found.text else found._replace(text=self._text_in_sight())

    def _text_in_sight(self) -> str:
        height = self.content_size.height
        lines = [self.cursor] if self.has_cursor else [self._index(y) for y in range(height)]
        rows = [self._rows[line] for line in lines if 0 <= line < len(self._rows)]
        return "\n".join(text.strip() if self.has_cursor else text for text in text_of(rows))

    # painting ---------------------------------------------------------------------------------

    @property
    def palette(self) -> Palette:
        """The styles of the theme in use."""
        if self._palette is None:
            self._palette = palette(self.app.theme_variables, dark=self.app.current_theme.dark)
        return self._palette

    def show(self, monitor: Monitor) -> None:
        """Take the model as it is now and repaint what differs."""
        self._monitor = monitor
        width, height = self.content_size
        if not self.display or not width or not height:
            return
        self._rows = self.rows(monitor, width, height)
        self._clamp(height)
        self._set_title(monitor)
        self._repaint(width, height)

    def render_line(self, y: int) -> Strip:
        """One line of the content, from what `show` prepared."""
        if y < len(self._strips):
            return self._strips[y]
        return Strip.blank(self.content_size.width, self.rich_style)

    def _repaint(self, width: int, height: int) -> None:
        base = self.rich_style  # walks the ancestors: once a frame
        fresh = [self._strip(self._index(y), width, base) for y in range(height)]
        old, self._strips = self._strips, fresh
        changed = [
            Region(0, y, width, 1) for y in range(height) if y >= len(old) or old[y] != fresh[y]
        ]
        if changed:
            self.refresh(*changed)

    def _index(self, y: int) -> int:
        """The row that stands on a line."""
        return y if y < self.heading else self.top + y

    def _strip(self, index: int, width: int, base: Style) -> Strip:
        if not 0 <= index < len(self._rows):
            return Strip.blank(width, base)
        chosen = self.has_cursor and index == self.cursor and self.shows_cursor
        segments = [
            Segment(
                text, base + (self.style(tag) + self.palette.cursor if chosen else self.style(tag))
            )
            for text, tag in self._rows[index]
        ]
        strip = Strip(segments)
        if self.left:
            strip = strip.crop(self.left, self.left + width)
        return strip.crop_extend(0, width, base)

    def _set_title(self, monitor: Monitor) -> None:
        text = self.heading_text
        if self.ascii and self.has_focus:
            text = f"> {text}"  # the border of ASCII has one shape only
        room = max(0, self.content_size.width - 4)
        text = fit(text, min(measure(text), room))
        for part in clean(self.title(monitor)).split("  "):
            if not part or measure(text) + 2 + measure(part) > room:
                break
            text = f"{text}  {part}"
        if self._title_text != text:
            self._title_text = text
            self.border_title = text.replace("[", r"\[")

    _title_text = ""

    # moving -----------------------------------------------------------------------------------

    def move(self, lines: int) -> None:
        """Move the cursor, or the view of a pane that has none."""
        if self.has_cursor:
            self.cursor = max(0, min(self.cursor + lines, len(self._rows) - 1))
            height = self.content_size.height
            self.top = max(0, min(self.top, self.cursor - self.heading))
            self.top = max(self.top, self.cursor - height + 1)
        else:
            self.top += lines
        self.redraw()

    def page(self, direction: int) -> None:
        """Half a page."""
        self.move(direction * max(1, self.content_size.height // 2))

    def pan(self, direction: int) -> None:
        """Scroll sideways by eight cells, as far as the longest line in sight goes."""
        width, height = self.content_size
        shown = [self._index(y) for y in range(height) if self._index(y) < len(self._rows)]
        longest = max((sum(measure(t) for t, _ in self._rows[i]) for i in shown), default=0)
        self.left = max(0, min(self.left + 8 * direction, longest - width))
        self.redraw()

    def go_to_edge(self, direction: int) -> None:
        """To the first or the last row."""
        self.move(direction * len(self._rows))

    def redraw(self) -> None:
        """Show again what was shown, after moving or resizing."""
        if self._monitor is not None:
            self.show(self._monitor)

    def restyle(self) -> None:
        """Forget the theme's styles and paint everything."""
        self._palette = None
        self._strips = []
        self.redraw()

    def _clamp(self, height: int) -> None:
        last = max(0, len(self._rows) - height)
        self.top = max(0, min(self.top, last))
        self.cursor = max(0, min(self.cursor, len(self._rows) - 1))

    def on_resize(self, _event: events.Resize) -> None:
        """Another size: everything is painted anew."""
        self._strips = []
        self.resized()

    def resized(self) -> None:
        """What is chosen stays in sight."""
        if self.has_cursor:
            self.move(0)
        else:
            self.redraw()

    def on_focus(self) -> None:
        """The cursor becomes visible."""
        self.redraw()

    def on_blur(self) -> None:
        """The cursor hides."""
        self.redraw()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Wheel."""
        event.stop()
        self.move(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Wheel."""
        event.stop()
        self.move(-3)

    def on_click(self, event: events.Click) -> None:
        """A click chooses the line."""
        offset = event.get_content_offset(self)
        if self.has_cursor and offset is not None:
            self.move(self._index(offset.y) - self.cursor)


def _by_state(colors: Palette, state: str) -> Style:
    return {
        "running": colors.good,
        "queued": colors.warn,
        "failed": colors.bad,
    }.get(state, colors.muted)
