"""The boxes of a routine's own screen: who it is, how long it takes, who is next to it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tui.model.detail import SHARES, WINDOWS, Detail, LatencyRow, Neighbour, SlotRow
from tui.model.generations import Measured
from tui.model.monitor import Monitor
from tui.model.rows import Key, State
from tui.model.table import Table
from tui.paint import histogram
from tui.paint.canvas import Row, Run, fit, measure, tail
from tui.paint.numbers import count, duration_ns, percent, rate
from tui.themes import glyph

from .box import Box, TableBox
from .choice import Choice, of_routine
from .generations import compared_rows, compared_table

_NAME = 16  # cells of a name in a column, at most
_ROOMY = 46  # from so many cells on there is room for what is nice to know


class IdentityBox(Box):
    """Class and place, slots with their queues, events with where they lead."""

    label = "Routine"
    ident = "identity"

    def __init__(self) -> None:
        super().__init__()
        self.detail: Detail | None = None
        self.missing = ""

    @property
    def heading_text(self) -> str:
        """The routine's name."""
        return self.detail.row.name if self.detail is not None else self.missing

    def title(self, monitor: Monitor) -> str:
        """Its state."""
        if self.detail is None:
            return ""
        row = self.detail.row
        sign = glyph(row.state, ascii=self.ascii)
        now = f" {row.running}" if row.state is State.RUNNING else ""
        return f"{sign} {row.state.value}{now}  g{monitor.run.generation}"

    def link(self, monitor: Monitor) -> Choice:
        """The routine."""
        return of_routine(monitor.run, self.detail.key if self.detail is not None else None)

    def rows(self, monitor: Monitor, width: int, height: int) -> Sequence[Row]:
        """A few lines; what does not fit is scrolled to."""
        found = self.detail
        if found is None:
            said = f" there is no such routine in g{monitor.run.generation}"
            return (((said, ("warn",)),), ((" Esc goes back", ("muted",)),))
        info, row = found.info, found.row
        place = f"{info.file}:{info.line}" if info.file else "no source"
        lines: list[Row] = [
            (_head("class"), (fit(info.cls, min(measure(info.cls), width - 8)), ("strong",))),
            (_head("file"), (tail(place, width - 8), ("text",))),
            (_head("calls"), *_calls(row.done, row.errors, row.later, row.dropped)),
        ]
        names = [slot.name for slot in found.slots] + [event.name for event in found.events]
        name = min(_NAME, max((measure(n) for n in names), default=0))
        lines += [(_head("slot"), *_slot(slot, name, width)) for slot in found.slots]
        for event in found.events:
            leads = f"> {', '.join(event.targets)}" if event.targets else "> nothing"
            total = f" {count(event.total):>5}" if width >= _ROOMY else ""
            lines.append(
                (
                    _head("event"),
                    (f"{fit(event.name, name)} ", ("strong",)),
                    (f"{rate(event.rate):>5}/s{total} ", ("text",)),
                    (fit(leads, max(0, width - name - 17 - measure(total))), _role(event.targets)),
                )
            )
        return lines

    def table(self, monitor: Monitor) -> Table | None:
        """Slots and events."""
        found = self.detail
        if found is None:
            return None
        slots = [
            ("slot", s.name, s.merge, s.handler, s.rate, None, s.queue, s.room or None, s.dropped)
            for s in found.slots
        ]
        events = [
            ("event", e.name, "", " ".join(e.targets), e.rate, e.total, None, None, None)
            for e in found.events
        ]
        header = ("kind", "name", "merge", "handler or targets", "per second", "emitted")
        return Table(
            f"{found.info.id}-ports", (*header, "queue", "room", "dropped"), [*slots, *events]
        )


def _role(targets: Sequence[str]) -> tuple[str]:
    return ("text",) if targets else ("muted",)


def _head(word: str) -> Run:
    return f" {word:<6} ", ("muted",)


def _calls(done: int, errors: int, later: int, dropped: int) -> Iterable[Run]:
    yield f"{done:,}", ("strong",)
    yield f"  errors {errors:,}", ("bad",) if errors else ("muted",)
    if later:
        yield f"  later {later:,}", ("warn",)
    if dropped:
        yield f"  dropped {dropped:,}", ("warn",)


def _slot(slot: SlotRow, name: int, width: int) -> Iterable[Run]:
    yield f"{fit(slot.name, name)} ", ("strong",)
    yield f"{rate(slot.rate):>5}/s ", ("text",)
    room = f" of {slot.room}" if slot.room else ""
    yield f"q {count(slot.queue)}{room} ", ("warn",) if slot.queue else ("muted",)
    if slot.blocked:
        yield f"{slot.blocked} wait for room ", ("bad",)
    if slot.dropped:
        yield f"dropped {count(slot.dropped)} ", ("warn",)
    if width >= _ROOMY + 14:
        yield f"{slot.merge} {slot.handler}", ("muted",)


class LatencyBox(Box):
    """Run and wait times in three windows, and as histograms where there is room."""

    label = "Latency"
    ident = "latency"

    def __init__(self) -> None:
        super().__init__()
        self.detail: Detail | None = None
        self.window = 0
        self.generations: Sequence[Measured] = ()

    def title(self, monitor: Monitor) -> str:
        """The window of the histograms, and that there are earlier generations to compare."""
        if self._compares:
            return f"W: {self._pair}  change against the generation before"
        more = f"  W: {self._pair}" if len(self.generations) > 1 else ""
        return f"W: {WINDOWS[self.window]}{more}"

    @property
    def _pair(self) -> str:
        return f"g{self.generations[1].generation} -> g{self.generations[0].generation}"

    @property
    def _compares(self) -> bool:
        return self.window == len(WINDOWS) and len(self.generations) > 1

    def next_window(self) -> None:
        """Look at the next window; after the last one at earlier generations, if there are any."""
        self.window = (self.window + 1) % (len(WINDOWS) + (len(self.generations) > 1))
        self.redraw()

    def link(self, monitor: Monitor) -> Choice:
        """The routine."""
        return of_routine(monitor.run, self.detail.key if self.detail is not None else None)

    def rows(self, monitor: Monitor, width: int, height: int) -> Sequence[Row]:
        """The table, then the histograms."""
        if self.detail is None:
            return ()
        if self._compares:
            return compared_rows(self.generations, width)
        window = WINDOWS[min(self.window, len(WINDOWS) - 1)]
        counted = width >= 50
        head = "".join(f"{name:>6}" for _, name in SHARES)
        calls = f"{'timed':>8}" if counted else ""
        lines: list[Row] = [((f"{'':10}{calls}{head}", ("muted",)),)]
        for row in self.detail.latency:
            chosen = row.window == window
            times = "".join(f"{duration_ns(value):>6}" for value in row.times)
            calls = f"{count(row.samples):>8}" if counted else ""
            word = row.what if row.window == WINDOWS[0] else ""
            lines.append(
                (
                    (f" {word:<5}", ("muted",)),
                    (f"{row.window:>4}", ("accent",) if chosen else ("muted",)),
                    (f"{calls}{times}", ("text",) if chosen else ("muted",)),
                )
            )
        room = height - len(lines)
        if room >= 3:
            rows = [row for row in self.detail.latency if row.window == window]
            lines += shapes(rows, width, room, ascii=self.ascii)
        return lines

    def table(self, monitor: Monitor) -> Table | None:
        """The percentiles in nanoseconds."""
        if self.detail is None:
            return None
        if self._compares:
            return compared_table(self.generations, f"{self.detail.info.id}-generations")
        header = ("what", "window", "timed", *(f"{name}_ns" for _, name in SHARES))
        rows = [(r.what, r.window, r.samples, *r.times) for r in self.detail.latency]
        return Table(f"{self.detail.info.id}-latency", header, rows)


def shapes(
    rows: Sequence[LatencyRow], width: int, height: int, *, ascii: bool = False
) -> list[Row]:
    """Histograms one below the other over one scale, which stands at the bottom."""
    head = 6
    across = width - head - 1
    each = (height - 1) // max(1, len(rows))
    if across < 8 or each < 1:
        return []
    first, last = histogram.spread([row.bins for row in rows], across)
    lines: list[Row] = []
    for number, row in enumerate(rows):
        sums = histogram.columns(row.bins, first, last, across)
        picture = histogram.bars(sums, each, ("series", number), ascii=ascii)
        for y, line in enumerate(picture):
            word = row.what if y == each - 1 else ""
            lines.append(((f" {word:<{head - 1}}", ("muted",)), *line))
    lines.append(((" " * head, ("muted",)), *histogram.scale(first, last, across)))
    return lines


class NeighboursBox(TableBox):
    """Who calls the routine and whom it calls, each with its share; Enter goes there."""

    label = "Callers and called"
    ident = "neighbours"
    heading = 0

    def __init__(self) -> None:
        super().__init__()
        self.detail: Detail | None = None

    def rows(self, monitor: Monitor, width: int, height: int) -> Sequence[Row]:
        """A row per neighbour."""
        found = self.detail
        if found is None or not (found.callers or found.callees):
            return (self.hint("nothing is connected"),)
        sides = [("<-", n) for n in found.callers] + [("->", n) for n in found.callees]
        self.keep([(arrow, n.key, n.name) for arrow, n in sides])
        name = max(6, min(width - 24, max(measure(n.name) for _, n in sides)))
        return [
            (
                self.marker(line),
                (f"{arrow} ", ("muted",)),
                (f"{fit(n.name, name)} ", ("strong",)),
                (f"{percent(n.share):>5} {rate(n.rate):>5}/s {count(n.total):>5}", ("text",)),
            )
            for line, (arrow, n) in enumerate(sides)
        ]

    def link(self, monitor: Monitor) -> Choice:
        """The routine."""
        return of_routine(monitor.run, self.chosen)

    @property
    def chosen(self) -> Key | None:
        """The routine under the cursor."""
        found = self.ident_at_cursor
        return found[1] if isinstance(found, tuple) else None

    def table(self, monitor: Monitor) -> Table | None:
        """Both sides."""
        found = self.detail
        if found is None:
            return None

        def rows(side: str, neighbours: Iterable[Neighbour]) -> Iterable[tuple[str | float, ...]]:
            return [(side, n.name, n.share, n.rate, n.total) for n in neighbours]

        header = ("side", "routine", "share", "per second", "total")
        both = [*rows("caller", found.callers), *rows("called", found.callees)]
        return Table(f"{found.info.id}-neighbours", header, both)


class ListBox(TableBox):
    """All routines, so that the next is one key away; only where there is room."""

    label = "Routines"
    ident = "list"

    def __init__(self) -> None:
        super().__init__()
        self.key: Key | None = None

    def rows(self, monitor: Monitor, width: int, height: int) -> Sequence[Row]:
        """A row per routine; the one that is shown is bold."""
        routines = monitor.run.routines()
        keys = [row.key for row in routines]
        self.keep(keys)
        if not self.has_focus and self.key in keys:
            self.cursor = keys.index(self.key) + 1
        name = max(6, width - 11)
        lines: list[Row] = [((f"  {fit('ROUTINE', name)} S{'Q':>6}", ("muted",)),)]
        for line, row in enumerate(routines, 1):
            shown = row.key == self.key
            lines.append(
                (
                    ("> " if line == self.cursor else "  ", ("accent",)),
                    (f"{fit(row.name, name)} ", ("strong",) if shown else ("text",)),
                    (glyph(row.state, ascii=self.ascii), ("state", row.state.value)),
                    (f" {count(row.queue):>5}", ("warn",) if row.queue else ("muted",)),
                )
            )
        return lines

    def link(self, monitor: Monitor) -> Choice:
        """The routine."""
        return of_routine(monitor.run, self.chosen)

    @property
    def chosen(self) -> Key | None:
        """The routine under the cursor."""
        found = self.ident_at_cursor
        return found if isinstance(found, tuple) else None
