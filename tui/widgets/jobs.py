"""The table of jobs."""

from __future__ import annotations

from collections.abc import Sequence

from tui.model.jobs import JobRow
from tui.model.monitor import Monitor
from tui.model.rows import State
from tui.model.synthetic import SIGN
from tui.model.table import Table
from tui.paint.bars import meter
from tui.paint.canvas import Row, clean, fit, measure
from tui.paint.numbers import count, duration_ns
from tui.themes import glyph

from .box import TableBox
from .choice import Choice, of_edge, of_job

_STATES = {
    "pending": ("", "muted"),
    "running": (State.RUNNING, "good"),
    "paused": (State.PAUSED, "held"),
    "completed": ("", "text"),
    "failed": (State.FAILED, "bad"),
    "cancelled": ("", "warn"),
}
_METER = 12


class JobsBox(TableBox):
    """Open jobs, then those that have ended: status, age, progress, what is left, errors."""

    label = "Jobs"
    ident = "jobs-list"

    def __init__(self) -> None:
        super().__init__()
        self._shown: list[JobRow] = []

    def title(self, monitor: Monitor) -> str:
        """How many there are of each kind."""
        jobs = monitor.run.standing
        parts = [f"{jobs.open_jobs} open"]
        for number, word in (
            (jobs.paused, "paused"),
            (jobs.completed, "completed"),
            (jobs.failed, "failed"),
            (jobs.cancelled, "cancelled"),
        ):
            if number:
                parts.append(f"{count(number)} {word}")
        return "  ".join(parts)

    def rows(self, monitor: Monitor, width: int, height: int) -> Sequence[Row]:
        """A row per job."""
        run = monitor.run
        self._shown = run.jobs.rows(run.recent, run.now)
        self.keep([row.number for row in self._shown])
        if not self._shown:
            return (self.hint("no jobs yet" if run.jobs.listed else "asking ..."),)
        wide = width >= 100
        names = [_entry(monitor, row) for row in self._shown]
        entry = min(24 if wide else 14, max(5, *map(measure, names)))
        head = f"  {'JOB':<7}{'STATUS':<12}{'AGE':>5}  {'PROGRESS':<{_METER + 12 if wide else 11}}"
        head += (
            f"{'LEFT':>6}{'LATER':>6}{'DROP':>6}{'ERR':>5}{'TRIES':>6}  "
            if wide
            else (f"{'LEFT':>6}{'ERR':>5}  ")
        )
        lines: list[Row] = [((f"{head}{fit('ENTRY', entry)} ERROR", ("muted",)),)]
        lines += [
            self._row(monitor, row, n, wide=wide, entry=entry)
            for n, row in enumerate(self._shown, 1)
        ]
        return lines

    def _row(self, monitor: Monitor, row: JobRow, line: int, *, wide: bool, entry: int) -> Row:
        state, role = _STATES.get(row.status, ("", "text"))
        sign = glyph(state, ascii=self.ascii) if isinstance(state, State) else " "
        return (
            self.marker(line),
            (f"{fit(str(row.number), 6)} ", ("strong",)),
            (f"{sign} {fit(row.status, 9)} ", (role,)),
            (f"{duration_ns(row.age_ns):>5}  ", ("text",)),
            *_progress(row, wide=wide, ascii=self.ascii),
            *_counts(row, wide=wide),
            (f"  {fit(_entry(monitor, row), entry)} ", ("text",)),
            (clean(row.error.partition(chr(10))[0]), ("bad",)),
        )

    def link(self, monitor: Monitor) -> Choice:
        """The chosen job, with the handler where it came in."""
        row = self.chosen
        if row is None:
            return Choice()
        return of_edge(monitor.run, row.entry)._replace(filter=of_job(row.number).filter)

    @property
    def chosen(self) -> JobRow | None:
        """The job under the cursor."""
        return next((row for row in self._shown if row.number == self.ident_at_cursor), None)

    def table(self, monitor: Monitor) -> Table | None:
        """All of them; ``deliveries`` is empty where it is not known."""
        run = monitor.run
        header = ("job", "status", "age_ns", "done", "deliveries", "left", "later", "dropped")
        rows = [
            (r.number, r.status, r.age_ns, r.done, r.total, r.pending, r.later, r.dropped,
             r.errors, r.retried, run.edge_name(r.entry) if r.entry > 0 else "", r.error,
             "hand" if r.number in run.synthetic else "")
            for r in run.jobs.rows(run.recent, run.now)
        ]  # fmt: skip
        return Table("jobs", (*header, "errors", "retried", "entry", "error", "origin"), rows)


def _entry(monitor: Monitor, row: JobRow) -> str:
    """The routine where the job came in."""
    key = monitor.run.edge_target(row.entry)
    name = monitor.run.routine_name(key) if key is not None else "outside of jobs"
    return f"{SIGN}{name}" if row.number in monitor.run.synthetic else name


def _progress(row: JobRow, *, wide: bool, ascii: bool) -> Row:
    """What is done of what the job has sent so far; more may come of it."""
    about = "" if row.exact else "~"
    of = (
        f"{about}{count(row.done)}/{count(row.total)}" if row.total else f"{about}{count(row.done)}"
    )
    if not wide:
        return ((f"{of:<11}", ("text",)),)
    share = row.done / row.total if row.total else 0.0
    bar = meter(share, _METER, ascii) if row.total else " " * _METER
    return ((f"{bar} ", ("muted" if row.ended else "good",)), (f"{of:<11}", ("text",)))


def _counts(row: JobRow, *, wide: bool) -> Row:
    left = (f"{count(row.pending):>6}", ("warn",) if row.pending else ("muted",))
    errors = (f"{count(row.errors):>5}", ("bad",) if row.errors else ("muted",))
    if not wide:
        return (left, errors)
    return (
        left,
        (f"{count(row.later):>6}", ("warn",) if row.later else ("muted",)),
        (f"{count(row.dropped):>6}", ("warn",) if row.dropped else ("muted",)),
        errors,
        (f"{count(row.retried):>6}", ("news",) if row.retried else ("muted",)),
    )


class LaterBox(TableBox):
    """Tries that will be repeated and timers, with the time until they are due."""

    label = "Waiting for their time"
    ident = "later"

    def title(self, monitor: Monitor) -> str:
        """How many there are of each."""
        jobs = monitor.run.standing
        retries = f"{jobs.retries} {'try' if jobs.retries == 1 else 'tries'}"
        return f"{retries}  {jobs.timers} {'timer' if jobs.timers == 1 else 'timers'}"

    def rows(self, monitor: Monitor, width: int, height: int) -> Sequence[Row]:
        """A row for each, the first due first."""
        run = monitor.run
        waiting = run.jobs.later(run.now)
        self.keep([(row.job, row.edge, number) for number, row in enumerate(waiting)])
        if not waiting:
            return (self.hint("nothing waits"),)
        job = max(3, *(len(str(row.job)) for row in waiting))
        lines: list[Row] = [((f"  {'DUE IN':>6}  {'JOB':<{job}} {'WHAT':<6} WHERE", ("muted",)),)]
        for line, row in enumerate(waiting, 1):
            due = duration_ns(row.due_ns) if row.due_ns > 0 else "now"
            what = f"try {row.tries}" if row.tries else "timer"
            room = max(8, width - job - 18)
            name = run.edge_name(row.edge)
            if measure(name) > room:
                name = run.edge_short(row.edge)
            lines.append(
                (
                    self.marker(line),
                    (f"{due:>6}  ", ("warn",)),
                    (f"{row.job:<{job}} {what:<6} ", ("text",)),
                    (fit(name, min(measure(name), room)), ("text",)),
                )
            )
        return lines

    def link(self, monitor: Monitor) -> Choice:
        """The chosen delivery."""
        found = self.ident_at_cursor
        if not isinstance(found, tuple):
            return Choice()
        job, edge, _ = found
        return of_edge(monitor.run, edge)._replace(filter=of_job(job).filter)

    def table(self, monitor: Monitor) -> Table | None:
        """All that wait."""
        run = monitor.run
        rows = [
            (row.due_ns, row.job, row.tries or None, run.edge_name(row.edge))
            for row in run.jobs.later(run.now)
        ]
        return Table("waiting", ("due_in_ns", "job", "try", "where"), rows)
