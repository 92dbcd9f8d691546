"""The monitor itself: L16."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from tui.model.findings import Finding, Place

from .lint import Lint, Look, Stretch, seconds


class Overloaded(Lint):
    """Watching takes a large part of a core, or many records do not get here."""

    id = "L16"
    title = "monitor overloaded"
    #: ``cost``: of one core; ``lost``: share of the records, a third of which may be lost while
    #: the engine finds out how many jobs to trace.
    defaults: ClassVar = {"seconds": 5.0, "cost": 0.5, "lost": 0.4}

    def __init__(self, limits: dict[str, float] | None = None) -> None:
        super().__init__(limits)
        self._looks: Stretch[tuple[float, int, int]] = Stretch(self.span)

    def note(self, look: Look) -> None:
        """Note the cost and the losses."""
        run = look.run
        self._looks.add(look.now, (look.monitor.cost.total, run.published, run.received))

    def judge(self, look: Look) -> Iterator[Finding]:
        """Compare both with what is thought too much."""
        if not self._looks.is_full:
            return
        (began, first), (now, last) = self._looks.ends
        costs = [cost for cost, _, _ in self._looks]
        cost = sum(costs) / len(costs)
        published = last[1] - first[1]
        lost = 1 - (last[2] - first[2]) / published if published > 0 else 0.0
        span = seconds(now - began)
        evidence = []
        if cost >= self.limits["cost"]:
            evidence.append(f"watching took {cost:.0%} of a core over {span}")
        if lost >= self.limits["lost"]:
            evidence.append(f"{lost:.0%} of {published:,} records of {span} did not get here")
        if evidence:
            yield self.found(
                Place(),
                evidence,
                "times and lists are from what got here; counts stay exact",
                "look less often (- or --slow), or close other screens",
                numbers={"cost": cost, "lost": lost},
                more="records" if cost < self.limits["cost"] else "",
                goal="events",
            )
