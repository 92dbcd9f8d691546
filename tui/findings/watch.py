"""Runs the lints over the model and puts what they find on its board. Model time only."""

from __future__ import annotations

from tui.model.findings import Finding, Kind
from tui.model.monitor import Monitor, Phase

from .comments import Comments, is_allowed
from .lint import SECOND, Lint, Look
from .registry import IDS, LINTS, Thresholds
from .troubles import errors

#: Lints judge no more often than this.
_EVERY = SECOND // 2


class Watch:
    """Looks at a monitor after each snapshot that it was given.

    Args:
        thresholds: those of the lints; the defaults if left out.
    """

    def __init__(self, thresholds: Thresholds | None = None) -> None:
        self._thresholds = thresholds or Thresholds()
        self._generation = -1
        self._lints: list[Lint] = []
        self._noted = self._judged = 0
        self._was_over = False

    def look(self, monitor: Monitor) -> None:
        """Look at the model as it is now; a second look at the same moment changes nothing."""
        run = monitor.run
        if not run.now:
            return
        if run.generation != self._generation:
            self._begin(run.generation)
        over = monitor.script.phase in ("ended", "failed") and not run.open_jobs
        look = Look(monitor, run.now, over or monitor.phase is Phase.DIED)
        if run.now > self._noted:
            self._noted = run.now
            for lint in self._lints:
                lint.note(look)
        if run.now - self._judged >= _EVERY or look.over != self._was_over:
            self.judge(look)

    def judge(self, look: Look) -> None:
        """Ask every lint, and put what no comment allows on the board."""
        self._judged, self._was_over = look.now, look.over
        board = look.monitor.findings
        found = [finding for lint in self._lints for finding in lint.judge(look)]
        kept = [finding for finding in found if not _allowed(look, finding)]
        board.allowed = len({f.key for f in found}) - len({f.key for f in kept})
        board.put([*errors(look), *kept], look.now, (Kind.ERROR, Kind.LINT))

    def _begin(self, generation: int) -> None:
        thresholds = self._thresholds
        self._generation = generation
        self._noted = self._judged = 0
        self._was_over = False
        self._lints = [lint(thresholds.of(lint)) for lint in LINTS if lint.id not in thresholds.off]
        self._lints.append(Comments(IDS))


def _allowed(look: Look, finding: Finding) -> bool:
    flows = look.run.facts.flows.values()
    return any(is_allowed(finding, facts.allowed, facts.number) for facts in flows)


def settle(watch: Watch, monitor: Monitor) -> list[Finding]:
    """Judge what there is once more, as at the end of a run. Returns the findings, ranked."""
    if monitor.run.now:
        watch.look(monitor)
        watch.judge(Look(monitor, monitor.run.now, True))
    return monitor.findings.ranked()
