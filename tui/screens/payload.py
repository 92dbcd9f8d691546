"""One event in full: what it carried as a tree, and how that differs from the one before it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from routilux.records import Kind, Status
from tui.keys import EVERYWHERE, PAYLOAD, Action
from tui.model import log
from tui.model.monitor import Monitor
from tui.model.payload import Line, lines
from tui.model.stream import Entry
from tui.model.synthetic import is_synthetic
from tui.paint.canvas import clean, fit, measure
from tui.paint.numbers import duration_ns
from tui.themes import Palette, palette
from tui.widgets.choice import Choice
from tui.widgets.events import EventsPane, event_row

from .linked import Linked

_LONGEST_KEY = 28
_CHANGES = {"^": "warn", "+": "good", "-": "bad"}


class PayloadScreen(Linked, ModalScreen[None]):
    """The event under the cursor of the events pane, which stands still meanwhile."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(a.keys, a.id, a.help, show=False, id=a.binding)
        for a in PAYLOAD
        if a.id not in EVERYWHERE
    ]

    def __init__(self, pane: EventsPane, monitor: Monitor) -> None:
        super().__init__()
        self._pane, self._monitor = pane, monitor
        self._text = Static("", markup=False)
        self._shown = Text()

    def compose(self) -> ComposeResult:
        """One scrolling page."""
        with VerticalScroll(id="payload"):
            yield self._text

    def on_mount(self) -> None:
        """Show what is chosen, on the side of the screen where it does not cover it."""
        line = self._pane.content_region.y + self._pane.cursor - self._pane.top
        self.set_class(line > self.size.height // 2, "above")
        box = self.query_one("#payload")
        box.border_subtitle = ", . earlier, later  j k scroll  A send again  Esc close"
        box.focus()
        self._show()

    def action_scroll(self, lines: int) -> None:
        """One line."""
        self.query_one("#payload").scroll_relative(y=lines, animate=False)

    @property
    def actions(self) -> Sequence[Action]:
        """Its part of the key map."""
        return PAYLOAD

    @property
    def choice(self) -> Choice:
        """The event; what is copied is all that is shown of it."""
        return self._pane.link(self._monitor)._replace(text=self._shown.plain)

    def action_close(self) -> None:
        """Back to the list."""
        self.dismiss(None)

    def action_moment(self, by: int) -> None:
        """The event before or after, of those that the pane shows."""
        self._pane.move(by)
        self._show()

    def restyle(self) -> None:
        """The theme has changed."""
        self._show()

    def action_again(self) -> None:
        """Send it again, edited; this page gives way to the form."""
        record, app = self._pane.record, self.monitor_app
        self.dismiss()
        if record is not None:
            app.open_again(record)

    def _show(self) -> None:
        entry = self._pane.chosen
        if entry is None:
            return
        colors = palette(self.app.theme_variables)
        number = entry.record[log.SEQUENCE]
        times = f", the newest of {entry.times:,}" if entry.times > 1 else ""
        self.query_one("#payload").border_title = f"Event #{number:,}{times}"
        self._shown = payload_text(self._monitor, entry, colors, ascii=self._pane.ascii)
        self._text.update(self._shown)


def payload_text(monitor: Monitor, entry: Entry, colors: Palette, *, ascii: bool = False) -> Text:
    """All that is known of an event."""
    record = entry.record
    single = Entry(entry.position, record)
    text = Text()
    for part, tag in event_row(monitor, single, 200, ascii=ascii)[:-2]:
        text.append(part, colors.role(str(tag[0])))
    text.rstrip()
    if is_synthetic(monitor, record):
        text.append("\n sent by hand", colors.accent)
    text.append(f"\n job {record[log.JOB]}  generation {record[log.GENERATION]}{_sum(record)}\n\n")
    tree = monitor.log.tree(record)
    if tree is None:
        _append_flat(text, monitor, entry, colors)
    else:
        earlier = monitor.log.earlier(entry.position)
        before = monitor.log.tree(earlier[0]) if earlier is not None else None
        _append_lines(text, lines(tree, before), colors)
        text.append(f"\n {_compared(earlier)}\n", colors.muted)
    error = monitor.log.error(record)
    if error:
        text.append("\n")
        for line in error.splitlines():
            text.append(f" {clean(line)}\n", colors.bad)
    text.rstrip()
    return text


def _append_flat(text: Text, monitor: Monitor, entry: Entry, colors: Palette) -> None:
    """What is known of a payload that came without a tree."""
    known = monitor.log.text(entry.record)
    if known and not monitor.log.error(entry.record):
        text.append(f" {clean(known)}\n", colors.text)
    elif entry.record[log.KIND] in (Kind.ACTIVATION, Kind.EMIT, Kind.DROPPED):
        text.append(
            " What it carried was not kept: of many events a second, only some bring it along,\n"
            " and of one that several routines receive, the first that got it.\n",
            colors.muted,
        )


def _append_lines(text: Text, tree: list[Line], colors: Palette) -> None:
    """Keys in a column, values beside them, changes at the edge."""
    widest = max((2 * line.depth + measure(line.key) for line in tree), default=0)
    room = min(widest, _LONGEST_KEY)
    for line in tree:
        style = colors.role(_CHANGES.get(line.change, "text"))
        text.append(f" {line.change or ' '} ", style)
        indent = "  " * line.depth
        key = indent + clean(line.key)
        key = fit(key, room) if measure(key) <= room else f"{key} "
        text.append(f"{key}  ", colors.muted if line.change != "-" else style)
        text.append(clean(line.text), style)
        if line.was:
            text.append(f"   was {clean(line.was)}", colors.muted)
        text.append("\n")


def _sum(record: tuple[int | float, ...]) -> str:
    """Both times together, of what has run."""
    if record[log.KIND] != Kind.ACTIVATION:
        return ""
    word = Status(int(record[log.STATUS])).name.lower()
    queued, started, ended = (int(record[at]) for at in (log.QUEUED, log.STARTED, log.TIME))
    if not started:
        return f"  {word}, not timed"
    parts = f"waited {duration_ns(started - queued)}, ran {duration_ns(ended - started)}"
    return f"  {word}, {parts}, {duration_ns(ended - queued)} from emit to end"


def _compared(earlier: tuple[tuple[int | float, ...], int] | None) -> str:
    if earlier is None:
        return "No earlier payload of the same edge is here to compare with."
    record, between = earlier
    unknown = f", {between:,} unknown in between" if between else ""
    return f"^ changed, + new, - gone since #{int(record[log.SEQUENCE]):,} (same edge{unknown})"
