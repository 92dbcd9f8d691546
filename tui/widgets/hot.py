"""Source lines of a routine with the time that its handlers spend on them, sampled."""

from __future__ import annotations

from collections.abc import Sequence

from tui.model import hot
from tui.model.monitor import Monitor
from tui.model.rows import Key
from tui.model.table import Table
from tui.paint.bars import meter
from tui.paint.canvas import Row, Run, clean
from tui.paint.numbers import count, duration_ns, percent
from tui.session.messages import Answer, AskLines, Hot, SourceText

from .box import TableBox
from .choice import Choice, of_routine

_METER = 6
_ROOMY = 80  # from so many cells on there is room for what is nice to know
#: Of a line with so much of the time the source stands out.
_HOT = 0.1


class HotBox(TableBox):
    """Off until it is opened; asked for at each look, which keeps the sampling going.

    Attributes:
        key: the routine that it is about, None: none, and nothing is asked.
    """

    label = "Lines"
    ident = "hot"
    heading = 2

    def __init__(self) -> None:
        super().__init__()
        self.key: Key | None = None
        self.routine = ""
        self.generation = 0
        self.said = ""
        self.found: Hot | None = None
        self._source: tuple[SourceText, ...] | None = None
        self._places: list[tuple[str, int]] = []  # of the lines, from the first below the heading

    def open(self, key: Key | None, name: str, generation: int) -> None:
        """Be about this routine; what was found of another, or of older code, is forgotten."""
        if (key, generation) == (self.key, self.generation):
            return
        self.key, self.routine, self.generation = key, name, generation
        self.said, self.found, self._source = "", None, None
        self.top = 0
        self._held = False
        self.redraw()

    def asks(self) -> AskLines | None:
        """What to ask the engine for; the source only until it is here."""
        if self.key is None:
            return None
        return AskLines(self.key[0], self.routine, source=self._source is None)

    def take(self, answer: Answer | None) -> None:
        """What the engine said."""
        if answer is None:
            self.said = "the engine process does not answer"
        elif answer.refused or answer.hot is None:
            self.said = answer.text
        else:
            self.said, self.found = "", answer.hot
            self._source = answer.hot.source if answer.hot.source is not None else self._source
        self.redraw()

    def title(self, monitor: Monitor) -> str:
        """That it is sampled, how often, and what that costs."""
        if self.found is None:
            return "sampled"
        total = hot.total(self.found, monitor.run.now)
        cost = f"sampling costs {percent(total.cost)} of a core"
        return f"sampled {self.found.hz:g}/s  {cost}  P stops"

    def rows(self, monitor: Monitor, width: int, height: int) -> Sequence[Row]:
        """What all lines say together, then a row per source line."""
        if self.said:
            return (((f" {clean(self.said)}", ("warn",)),),)
        if self.found is None:
            return (((" asking ...", ("muted",)),),)
        shown = hot.rows(self.found, self._source or ())
        self._places = [(row.file, row.line) for row in shown]
        if not self._held and shown:  # until it is moved, the cursor stands on the hottest line
            best = max(range(len(shown)), key=lambda n: shown[n].share or 0.0)
            if best + self.heading != self.cursor:
                self.cursor = best + self.heading
                self.top = max(0, self.cursor - height // 2)
        wide = width >= _ROOMY
        lines = [self._sum(monitor), _head(wide=wide)]
        lines += [self._line(row, n, wide=wide) for n, row in enumerate(shown, self.heading)]
        return lines

    def _sum(self, monitor: Monitor) -> Row:
        assert self.found is not None
        total = hot.total(self.found, monitor.run.now)
        if not total.hits:
            looks = count(self.found.looks)
            return ((f" none of its handlers was running in {looks} looks", ("muted",)),)
        cpu = "too little is known" if total.cpu is None else percent(total.cpu)
        lock = "-" if total.lock is None else percent(total.lock)
        return (
            (f" {count(total.hits)} hits, about {duration_ns(total.ns)}", ("strong",)),
            (f"  cpu/wall {cpu}  lock wait {lock}", ("text",)),
            (f"  (sampled, known of {percent(total.known)})", ("muted",)),
        )

    def _line(self, row: hot.Row, line: int, *, wide: bool) -> Row:
        chosen = "> " if line == self.cursor and self.has_focus else "  "
        number: Run = (f"{row.line:>5} ", ("muted",))
        hits = f"{count(row.hits) if row.hits else '':>6} " if wide else ""
        share = percent(row.share) if row.share is not None else ""
        spent = duration_ns(row.ns) if row.ns is not None else ""
        picture = meter(row.share, _METER, self.ascii) if row.share is not None else " " * _METER
        parts = f" {_share(row, row.cpu):>5} {_share(row, row.lock):>5}" if wide else " "
        role = "strong" if row.share is not None and row.share >= _HOT else "text"
        text = row.text or f"({row.file.rpartition('/')[2]} cannot be read)"
        return (
            (chosen, ("accent",)),
            (f"{hits}{spent:>6} {share:>5} ", ("text",)),
            (picture, ("accent",)),
            (parts, ("muted",)),
            number,
            (clean(text.expandtabs(4)), (role,)),
        )

    def link(self, monitor: Monitor) -> Choice:
        """The routine, and the line under the cursor."""
        choice, here = of_routine(monitor.run, self.key), self.ident_at_cursor
        return choice._replace(file=here[0], line=here[1]) if here is not None else choice

    @property
    def ident_at_cursor(self) -> tuple[str, int] | None:
        """File and line under the cursor."""
        index = self.cursor - self.heading
        return self._places[index] if 0 <= index < len(self._places) else None

    def move(self, lines: int) -> None:
        """The two lines above are no rows to choose."""
        held = self._held or bool(lines)
        super().move(max(lines, self.heading - self.cursor))
        self._held = held

    def table(self, monitor: Monitor) -> Table | None:
        """The lines that were seen; estimated nanoseconds."""
        if self.found is None:
            return None
        header = ("file", "line", "hits", "wall_ns", "known_ns", "cpu_ns", "lock_ns")
        rows = [
            (n.file, n.line, n.hits, n.wall_ns, n.known_ns, n.cpu_ns, n.lock_ns)
            for n in self.found.lines
        ]
        return Table(f"{self.routine}-lines", header, rows)


def _share(row: hot.Row, value: float | None) -> str:
    """Nothing for a line that was not seen, a dash where too little is known."""
    if row.share is None:
        return ""
    return percent(value) if value is not None else "-"


def _head(*, wide: bool) -> Row:
    parts = f"  {'HITS':>6} " if wide else "  "
    parts += f"{'TIME':>6} {'SHARE':>5} {' ' * _METER} "
    parts += f"{'CPU':>5} {'LOCK':>5}" if wide else ""
    return ((f"{parts}{'LINE':>5} SOURCE", ("muted",)),)
