"""The table of threads that wait, with what for and who holds it."""

from __future__ import annotations

from collections.abc import Sequence

from tui.model.monitor import Monitor
from tui.model.names import short_thread
from tui.model.table import Table
from tui.paint.canvas import Row, clean, fit, measure, tail
from tui.paint.numbers import duration_ns
from tui.session.messages import WaitInfo

from .box import TableBox
from .choice import Choice, of_wait


class WaitsBox(TableBox):
    """Deadlocks first, then who has waited longest."""

    label = "Who waits for whom"
    ident = "waits"

    def title(self, monitor: Monitor) -> str:
        """How many wait, and whether for ever."""
        waits, dead = monitor.run.waits, monitor.run.deadlocks
        locked = f"{dead} deadlock{'s' if dead > 1 else ''}  " if dead else "no deadlock  "
        return f"{locked}{len(waits)} threads wait"

    def rows(self, monitor: Monitor, width: int, height: int) -> Sequence[Row]:
        """A row per thread."""
        waits = monitor.run.waits
        self.keep([(wait.thread, wait.since_ns) for wait in waits])
        if not waits:
            return (self.hint("no thread waits for anything that is known"),)
        thread = min(16, max(6, *(measure(short_thread(w.thread)) for w in waits)))
        room = width - thread - 19
        what = max(9, min(max(measure(w.text) for w in waits), room * 4 // 10))
        place = max(8, min(max(measure(_at(w)) for w in waits), room * 3 // 10))
        head = f"  {'FOR':>6} {fit('THREAD', thread)}   {fit('WAITS FOR', what)} "
        lines: list[Row] = [((f"{head}{fit('AT', place)} HELD BY", ("muted",)),)]
        for line, wait in enumerate(waits, 1):
            mark = "x" if wait.deadlock else " "
            role = "bad" if wait.deadlock else "text"
            since = duration_ns(max(0, monitor.run.now - wait.since_ns))
            lines.append(
                (
                    self.marker(line),
                    (f"{since:>6} ", ("text",)),
                    (f"{fit(short_thread(wait.thread), thread)} ", ("strong",)),
                    (f"{mark} {fit(wait.text, what)} ", (role,)),
                    (f"{fit(tail(_at(wait), place), place)} ", ("muted",)),
                    (clean(_held(wait)), (role,) if wait.holders else ("muted",)),
                )
            )
        return lines

    def link(self, monitor: Monitor) -> Choice:
        """The place where the chosen thread waits, and what has run on the thread."""
        return of_wait(self.chosen) if self.chosen is not None else Choice()

    @property
    def chosen(self) -> WaitInfo | None:
        """The wait under the cursor."""
        waits = self._monitor.run.waits if self._monitor is not None else ()
        same = (w for w in waits if (w.thread, w.since_ns) == self.ident_at_cursor)
        return next(same, None)

    def table(self, monitor: Monitor) -> Table | None:
        """All of them."""
        header = ("thread", "kind", "waits for", "file", "line", "since_ns", "gives up after s")
        now = monitor.run.now
        rows = [
            (w.thread, w.what, w.text, w.file, w.line or None, now - w.since_ns, w.seconds,
             " ".join(w.holders), w.note, w.deadlock or None)
            for w in monitor.run.waits
        ]  # fmt: skip
        return Table("waits", (*header, "held by", "note", "deadlock"), rows)


def _at(wait: WaitInfo) -> str:
    return f"{wait.file.rpartition('/')[2]}:{wait.line}" if wait.file else "-"


def _held(wait: WaitInfo) -> str:
    """Who holds it, in short; when the wait ends by itself; what else is known."""
    parts = [", ".join(map(short_thread, wait.holders))] if wait.holders else []
    if wait.deadlock:
        parts.append(f"deadlock {wait.deadlock}")
    elif wait.seconds is not None:
        after = f" after {wait.seconds:g} s" if wait.seconds else ""
        parts.append(f"gives up{after}")
    if wait.note:
        parts.append(wait.note)
    return "; ".join(parts)


class WaitBox(TableBox):
    """What is known of the chosen wait, in words."""

    label = "The chosen wait"
    ident = "wait"
    has_cursor = False
    heading = 0

    def __init__(self) -> None:
        super().__init__()
        self.wait: WaitInfo | None = None

    def link(self, monitor: Monitor) -> Choice:
        """The wait; what is copied is all that is said of it."""
        return of_wait(self.wait) if self.wait is not None else Choice()

    def rows(self, monitor: Monitor, width: int, height: int) -> Sequence[Row]:
        """A line for each thing."""
        wait = self.wait
        if wait is None:
            return ()
        limit = "never gives up" if wait.seconds is None else "gives up by itself"
        held = ", ".join(wait.holders) or "nobody, as far as is known"
        lines = [
            ("thread", wait.thread, "strong"),
            ("waits for", f"{wait.text}, {limit}", "text"),
            ("at", f"{wait.file}:{wait.line}" if wait.file else "no source", "text"),
            ("held by", held, "text"),
            ("known from", _SOURCES.get(wait.what, "its stack"), "muted"),
        ]
        if wait.note:
            lines.append(("note", wait.note, "text"))
        if wait.deadlock:
            said = "these threads wait for each other for ever"
            lines.insert(1, ("deadlock", f"{wait.deadlock}: {said}", "bad"))
        return [
            (
                (f" {name:<11}", ("muted",)),
                (_fitted(name, clean(text), max(8, width - 13)), (role,)),
            )
            for name, text, role in lines
        ]


def _fitted(name: str, text: str, room: int) -> str:
    """Of a long path the end tells more."""
    return tail(text, room) if name == "at" else fit(text, min(measure(text), room))


_SOURCES = dict.fromkeys(("job", "flow", "turn", "room"), "the engine, exactly")
