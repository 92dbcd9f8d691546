"""Errors by kind and place, and the traceback of the newest of each."""

from __future__ import annotations

from collections.abc import Sequence

from tui.model.failures import Group
from tui.model.monitor import Monitor
from tui.model.table import Table
from tui.paint.canvas import Row, clean, fit, measure, tail
from tui.paint.numbers import count, duration_ns

from .box import Box, TableBox
from .choice import Choice, of_failures

_FILE = '  File "'


class FailuresBox(TableBox):
    """A row per group: how often, what, where, in which routine, and how long ago."""

    label = "Errors"
    ident = "failures"

    def __init__(self) -> None:
        super().__init__()
        self._shown: list[Group] = []

    def title(self, monitor: Monitor) -> str:
        """How many there were, also of those whose records were lost."""
        run = monitor.run
        lost = run.errors - run.failures.seen
        return f"{run.errors} for good" + (f", {lost} of them not seen" if lost > 0 else "")

    def rows(self, monitor: Monitor, width: int, height: int) -> Sequence[Row]:
        """A row per group."""
        run = monitor.run
        self._shown = run.failures.groups()
        self.keep([_ident(group) for group in self._shown])
        if not self._shown:
            return (self.hint("nothing has failed"),)
        widths = self._widths(monitor, width)
        head = f"  {'COUNT':>5} {'AGAIN':>5} {'LAST':>6}  "
        names = zip(("KIND", "PLACE", "ROUTINE"), widths, strict=True)
        head += "".join(f"{fit(name, cells)} " for name, cells in names)
        lines: list[Row] = [((f"{head}MESSAGE", ("muted",)),)]
        lines += [self._row(monitor, g, n, widths) for n, g in enumerate(self._shown, 1)]
        return lines

    def _widths(self, monitor: Monitor, width: int) -> tuple[int, int, int]:
        """Of kind, place and routine: as long as they are, as long as a message fits beside."""
        groups = self._shown
        wanted = [
            max(4, *(measure(g.place.kind) for g in groups)),
            max(5, *(measure(_at(g)) for g in groups)),
            max(7, *(measure(monitor.run.routine_name(g.key)) for g in groups)),
        ]
        room = max(24, width - 40)
        while sum(wanted) > room:
            wanted[wanted.index(max(wanted))] -= 1
        return wanted[0], wanted[1], wanted[2]

    def _row(self, monitor: Monitor, group: Group, line: int, widths: tuple[int, ...]) -> Row:
        run, where = monitor.run, group.place
        kind, place, routine = widths
        return (
            self.marker(line),
            (f"{count(group.count):>5} ", ("bad",) if group.count else ("muted",)),
            (f"{count(group.retried):>5} ", ("news",) if group.retried else ("muted",)),
            (f"{duration_ns(max(0, run.now - group.last)):>6}  ", ("text",)),
            (f"{fit(where.kind, kind)} ", ("strong",)),
            (f"{_padded(tail(_at(group), place), place)} ", ("accent",)),
            (f"{fit(run.routine_name(group.key), routine)} ", ("text",)),
            (clean(where.message), ("text",)),
        )

    def link(self, monitor: Monitor) -> Choice:
        """The chosen group."""
        return _link(monitor, self.chosen)

    @property
    def chosen(self) -> Group | None:
        """The group under the cursor."""
        return next((g for g in self._shown if _ident(g) == self.ident_at_cursor), None)

    def table(self, monitor: Monitor) -> Table | None:
        """The groups with the newest message of each."""
        run = monitor.run
        header = ("count", "tried again", "kind", "file", "line", "routine", "message")
        rows = [
            (
                *(g.count, g.retried, g.place.kind, g.place.file, g.place.line or None),
                *(run.routine_name(g.key), g.place.message),
            )
            for g in run.failures.groups()
        ]
        return Table("errors", header, rows)


def _ident(group: Group) -> object:
    return group.place.kind, group.place.file, group.place.line, group.key


def _at(group: Group) -> str:
    """File and line, without the folder."""
    where = group.place
    return f"{where.file.rpartition('/')[2]}:{where.line}" if where.file else "-"


def _padded(text: str, cells: int) -> str:
    return text + " " * (cells - measure(text))


class TracebackBox(Box):
    """The traceback of the newest error of the chosen group."""

    label = "Traceback of the newest"
    ident = "traceback"

    def __init__(self) -> None:
        super().__init__()
        self.group: Group | None = None

    def title(self, monitor: Monitor) -> str:
        """Over which connection it came, and in which job."""
        group = self.group
        if group is None or group.newest is None:
            return ""
        return f"{clean(monitor.run.edge_name(group.edge))}  job {group.newest[4]}"

    def rows(self, monitor: Monitor, width: int, height: int) -> Sequence[Row]:
        """The lines as Python prints them."""
        if self.group is None:
            return ()
        if not self.group.traceback:
            return (((" its text did not get here", ("muted",)),),)
        return [_line(line, width) for line in self.group.traceback.splitlines()]

    def link(self, monitor: Monitor) -> Choice:
        """The whole traceback."""
        text = self.group.traceback.rstrip() if self.group is not None else ""
        return _link(monitor, self.group)._replace(text=text)

    def table(self, monitor: Monitor) -> Table | None:
        """The lines."""
        if self.group is None or not self.group.traceback:
            return None
        return Table("traceback", ("line",), [(x,) for x in self.group.traceback.splitlines()])


def _link(monitor: Monitor, group: Group | None) -> Choice:
    if group is None:
        return Choice()
    return of_failures(monitor.run, group.key, group.place.file, group.place.line)


def _line(text: str, width: int) -> Row:
    """Places stand out, and what was said. Of a long path the end is shown."""
    if text.startswith(_FILE):
        path, quote, rest = text.removeprefix(_FILE).partition('"')
        room = max(12, width - len(_FILE) - measure(quote + rest) - 1)
        return ((f" {_FILE}{tail(path, room)}{clean(quote + rest)}", ("accent",)),)
    role = "text" if text.startswith((" ", "Traceback")) else "strong"
    return ((f" {clean(text)}", (role,)),)
