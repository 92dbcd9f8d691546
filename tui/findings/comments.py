"""Comments that allow findings: which of them cover what, and those that mean nothing (L00)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from tui.model.findings import Finding, Place, Severity
from tui.session.factual import Allowed

from .lint import Look, Still, meant

_WHOLE, _NOTHING = -1, -2
ID = "L00"


def is_allowed(finding: Finding, comments: Iterable[Allowed], flow: int) -> bool:
    """Whether a comment of a flow covers a finding."""
    return any(
        finding.id in comment.ids and _covers(comment, finding.place, flow) for comment in comments
    )


def _covers(comment: Allowed, place: Place, flow: int) -> bool:
    if comment.end and place.file == comment.file and comment.begin <= place.line <= comment.end:
        return True
    if place.number not in (0, flow):
        return False
    if comment.routine == _WHOLE:
        return place.key is None
    of_routine = place.key is not None and place.key[1] == comment.routine
    return of_routine and (not comment.port or comment.port == place.port)


class Comments(Still):
    """A comment that names no lint, cannot be understood, or is about nothing."""

    id = ID
    title = "comment that allows nothing"
    severity = Severity.NOTE

    def __init__(self, known: Collection[str] = ()) -> None:
        super().__init__()
        self._known = known

    def inspect(self, look: Look) -> Iterator[Finding]:
        """Look at all comments; one that is about something in one flow is about something."""
        every = [c for facts in look.run.facts.flows.values() for c in facts.allowed]
        useful = {(c.file, c.line) for c in every if c.routine != _NOTHING or c.end}
        for comment in every:
            said = self._wrong(comment)
            if not said and (comment.file, comment.line) not in useful:
                said = (
                    "it stands at no class, def, define_slot, define_event, add_routine, connect "
                    "or Flow, and not at the top of the file"
                )
            if said:
                yield self.found(
                    Place(file=comment.file, line=comment.line),
                    [said],
                    "what it was written for is not allowed by it",
                    "write `# routilux: allow(L05: reason)` on the line or the line above",
                    goal="source",
                )

    def _wrong(self, comment: Allowed) -> str:
        if not comment.ids:
            return f"it cannot be understood: {comment.reason!r}"
        unknown = [name for name in comment.ids if name not in self._known]
        if not unknown:
            return ""
        return f"there is no lint {unknown[0]!r}{meant(unknown[0], self._known)}"
