"""The figures that matter most, as a list: all that there is room for on a very small screen."""

from __future__ import annotations

from collections.abc import Sequence

from tui.model.monitor import Monitor
from tui.model.rows import RoutineRow, State
from tui.paint.canvas import Row, fit, measure
from tui.paint.numbers import count, percent
from tui.themes import glyph

from .pane import Pane, joined

#: What needs a look comes first.
_NEEDY = (State.FULL, State.FAILED, State.PAUSED, State.RETRY, State.QUEUED, State.RUNNING)
_RANKS = {state: place for place, state in enumerate((*_NEEDY, *State)[::-1])}


class FiguresPane(Pane):
    """Jobs, errors, what waits, how busy; then the routines, those that need a look first."""

    number = 51  # has no key of its own: it is there when nothing else has room

    @property
    def heading_text(self) -> str:
        """Its name; it has no border to stand in."""
        return "Figures"

    def rows(self, monitor: Monitor, width: int, height: int) -> Sequence[Row]:
        """The figures, then a row per routine; the first line says why it looks like this."""
        run, jobs = monitor.run, monitor.run.standing
        rows: list[Row] = [((_first_that_fits(_HINTS, width), ("muted",)),)] if height > 2 else []
        held = [
            f"{count(number)} {word}"
            for number, word in ((jobs.failed, "failed"), (jobs.paused, "paused"))
            if number
        ]
        text = joined([f"jobs {jobs.open_jobs} open", *held], width - 1)
        rows.append(((f" {text}", ("text",)),))
        dropped = f"dropped {count(jobs.dropped)}" if jobs.dropped else ""
        wrong = ("bad",) if run.errors else ("muted",)
        rows.append(((f" {joined([f'errors {count(run.errors)}', dropped], width - 1)}", wrong),))
        rows.append(_waiting(run.waiting, run.routines()))
        threads = [row for row in run.lanes() if row.coroutines is None]
        busy = sum(row.busy for row in threads) / len(threads) if threads else 0.0
        at_work = sum(row.routine is not None for row in threads)
        rows.append(((f" workers {at_work}/{len(threads)} at work, {percent(busy)}", ("text",)),))
        routines = sorted(run.routines(), key=lambda row: -_RANKS[row.state])
        return rows + [self._routine(row, width) for row in routines]

    def _routine(self, row: RoutineRow, width: int) -> Row:
        """Sign and name, and as many figures as there is room for."""
        tail = f" {row.state.value}"
        for more in (f" q{count(row.queue)}" if row.queue else "",
                     f" err {count(row.errors)}" if row.errors else ""):  # fmt: skip
            tail += more
        sign = f" {glyph(row.state, ascii=self.ascii)} "
        room = width - measure(sign) - measure(tail)
        if room < 4:
            tail, room = "", width - measure(sign)
        name = fit(row.name, max(0, min(measure(row.name), room)))
        return ((sign, ("state", row.state.value)), (name, ("strong",)), (tail, ("text",)))


_HINTS = (
    " too small for panes (60x16): 1-7 shows one",
    " too small: 1-7 a pane",
    " too small",
)


def _first_that_fits(texts: Sequence[str], width: int) -> str:
    return next((text for text in texts if measure(text) <= width), texts[-1])


def _waiting(waiting: int, rows: Sequence[RoutineRow]) -> Row:
    most = max(rows, key=lambda row: row.queue, default=None)
    where = f", most for {most.name}" if most is not None and most.queue else ""
    text = f" waiting {count(waiting)}{where}"
    return ((fit(text, measure(text)), ("warn",) if waiting else ("muted",)),)
