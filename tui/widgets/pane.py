"""The base of all panes: bordered lines that repaint only where they changed.

A pane is given the model once a tick and turns it into rows of tagged runs. Rows become strips,
strips are compared with those on screen, and only lines that differ are marked dirty. Scrolling
is an offset of ours: a virtual size that grows with each event would lay out the screen each tick.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar, overload

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from tui.keys import PANES
from tui.model.monitor import Monitor
from tui.model.rows import State
from tui.paint.canvas import Row, Tag, clean, fit, measure, text_of
from tui.themes import Palette, palette

from .choice import Choice

#: Kinds of things in drawings that are there for orientation only.
_DIM = frozenset({"idle", "axis"})


def joined(parts: Iterable[str], room: int) -> str:
    """The first of the parts, divided by two blanks, as far as they find room."""
    text = ""
    for part in filter(None, map(clean, parts)):
        longer = f"{text}  {part}" if text else part
        if measure(longer) > room:
            break
        text = longer
    return text


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
        hues: of the routines that ``("routine", place)`` is about, by place; see `hues_of`.
    """

    number: ClassVar[int]
    has_cursor: ClassVar[bool] = False
    heading: ClassVar[int] = 0

    DEFAULT_CSS = """
    Pane {
        border: round $role-line;
        border-title-color: $role-text;
        border-subtitle-color: $role-muted;
        background: $role-ground;
    }
    Pane:focus {
        border: heavy $role-focus;
        border-title-color: $role-focus;
        border-title-style: bold;
    }
    Pane.line, Pane.line:focus { border: none; height: 1; }
    """

    def __init__(self, id: str = "") -> None:
        super().__init__(id=id or f"pane-{self.number}")
        self.top = self.left = self.cursor = 0
        self.ascii = False
        self.hues: Sequence[int] = ()
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

    def subtitle(self, monitor: Monitor) -> str:
        """What stands in the lower border. Without figures: each change repaints the whole pane."""
        return ""

    def parts(self, monitor: Monitor) -> Sequence[str]:
        """What it says in one line, on screens that are too low for more: the first that fit."""
        return self.title(monitor).split("  ")

    @property
    def marks_cursor(self) -> bool:
        """Whether the first cell of a row is there for the ``>`` of the chosen one."""
        return False

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
            return colors.state(State(str(tag[1])))
        if role == "routine":
            place = int(tag[1])
            return colors.hue(self.hues[place] if place < len(self.hues) else place)
        if role == "series":
            return colors.hue(int(tag[1]))
        return colors.muted if role in _DIM else colors.role(str(role))

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
            self._palette = palette(self.app.theme_variables)
        return self._palette

    def show(self, monitor: Monitor) -> None:
        """Take the model as it is now and repaint what differs."""
        self._monitor = monitor
        width, height = self.content_size
        if not self.display or not width or not height:
            return
        if self.has_class("line"):
            self._rows, self.left = (self._one_line(monitor, width),), 0
        else:
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
            Region(0, y, width, 1) if y >= len(old) else _changed(old[y], fresh[y], y)
            for y in range(height)
            if y >= len(old) or old[y] != fresh[y]
        ]
        if changed:
            self.refresh(*changed)

    def _index(self, y: int) -> int:
        """The row that stands on a line."""
        return y if y < self.heading else self.top + y

    def _strip(self, index: int, width: int, base: Style) -> Strip:
        if not 0 <= index < len(self._rows):
            return Strip.blank(width, base)
        has_cursor = self.has_cursor and not self.has_class("line")
        chosen = has_cursor and index == self.cursor and self.shows_cursor
        segments = [Segment(text, base + self.style(tag)) for text, tag in self._rows[index]]
        if chosen:  # to the border, however long the text is
            cursor = self.palette.cursor
            segments = [Segment(text, style + cursor) for text, style, _ in segments if style]
            if self.marks_cursor and segments[0].text[:1] == " ":
                segments[0] = Segment(f">{segments[0].text[1:]}", segments[0].style)
            base += cursor
        strip = Strip(segments)
        if self.left:
            strip = strip.crop(self.left, self.left + width)
        return strip.crop_extend(0, width, base)

    def _one_line(self, monitor: Monitor, width: int) -> Row:
        """All of it in one line; where that is, the pane has the class ``line``."""
        mark = ">" if self.has_focus else " "
        head = f"{mark}{self.heading_text}"
        text = joined(self.parts(monitor), width - measure(head) - 3)
        role = ("focus",) if self.has_focus else ("muted",)
        return ((fit(head, min(measure(head), width)), role), (f"  {text}", ("text",)))

    def _set_title(self, monitor: Monitor) -> None:
        text = self.heading_text
        if self.ascii and self.has_focus:
            text = f"> {text}"  # the border of ASCII has one shape only
        room = max(0, self.content_size.width - 4)
        text = fit(text, min(measure(text), room))
        title = joined(self.title(monitor).split("  "), room - measure(text) - 2)
        text = f"{text}  {title}".rstrip()
        if self._title_text != text:
            self._title_text = text
            self.border_title = text.replace("[", r"\[")
        below = self.subtitle(monitor)
        below = fit(below, min(measure(below), room))
        if self._subtitle_text != below:
            self._subtitle_text = below
            self.border_subtitle = below.replace("[", r"\[")

    _title_text = _subtitle_text = ""

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


def _changed(old: Strip, fresh: Strip, y: int) -> Region:
    """The cells of a line that differ, from the first to the last."""
    width = fresh.cell_length
    start, end = _equal(old, fresh), _equal(list(old)[::-1], list(fresh)[::-1])
    if old.cell_length != width or start + end >= width:
        return Region(0, y, width, 1)
    return Region(start, y, width - start - end, 1)


def _equal(old: Iterable[Segment], fresh: Iterable[Segment]) -> int:
    """The cells of the segments in which two lines begin alike."""
    cells = 0
    for one, other in zip(old, fresh, strict=False):
        if one != other:
            break
        cells += one.cell_length
    return cells
