"""Errors as findings: one for each group of failures."""

from __future__ import annotations

from collections.abc import Iterator

from tui.model.failures import Group
from tui.model.findings import Finding, Kind, Place, Severity

from .lint import Look, several

#: Groups told of: the others stand in the screen of errors.
_MOST = 50


def errors(look: Look) -> Iterator[Finding]:
    """What has failed for good, by type and place."""
    for group in look.run.failures.groups()[:_MOST]:
        if group.count and group.key[0] in look.run.flows:
            yield _finding(look, group)


def _finding(look: Look, group: Group) -> Finding:
    where, at = group.place, look.of_routine(group.key)
    file, line = (where.file, where.line) if where.file else (at.file, at.line)
    place = Place(at.flow, at.routine, "", "", group.key, group.key[0], file, line)
    evidence = [f"{several(group.count, 'call')} failed, the last at {place.source or 'unknown'}"]
    if group.retried:
        evidence.append(f"{several(group.retried, 'try')} failed and were repeated")
    if where.message:
        evidence.append(where.message)
    return Finding(
        "ERR",
        where.kind,
        place,
        tuple(evidence),
        "the messages that it failed with are lost, and their jobs with them unless an error "
        "handler lets these go on",
        "Enter shows the tracebacks",
        numbers={"failed": group.count},
        kind=Kind.ERROR,
        severity=Severity.ERROR,
        goal="errors",
        more=f"{where.kind} {place.source}",
        first=group.first,
    )
