"""Findings without a screen: text for people, plain values for programs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tui.model.findings import Finding, Kind


def as_record(finding: Finding) -> dict[str, Any]:
    """A finding as a JSON line; times are nanoseconds of the engine's clock."""
    place = finding.place
    return {
        "kind": "finding",
        "found": finding.kind.name.lower(),
        "id": finding.id,
        "severity": finding.severity.name.lower(),
        "title": finding.title,
        "suspected": finding.suspected,
        "flow": place.flow,
        "routine": place.routine,
        "port": place.port,
        "worker": place.worker,
        "file": place.file,
        "line": place.line,
        "evidence": list(finding.evidence),
        "numbers": {name: _number(value) for name, value in finding.numbers.items()},
        "reason": finding.reason,
        "action": finding.action,
        "first_ns": finding.first,
        "last_ns": finding.last,
        "count": finding.count,
        "active": finding.active,
        "key": finding.key,
    }


def as_text(found: Sequence[Finding], muted: int) -> str:
    """Findings for people, the gravest first; errors stand in the summary already."""
    lines: list[str] = []
    for finding in found:
        if finding.kind is Kind.ERROR:
            continue
        place, title = finding.place, finding.title
        at = f" ({place.source})" if place.source not in ("", place.name) else ""
        said = f"suspected {title}" if finding.suspected else title
        word = finding.severity.name.lower()
        lines.append(f"  {finding.id} {word}: {said}: {place.name or 'the monitor'}{at}")
        lines += [f"      {sentence}" for sentence in finding.evidence]
        lines += [f"      why: {finding.reason}", f"      do: {finding.action}"]
    hidden = f"{muted} muted" if muted else ""
    if not lines:
        return f"\nno findings, {hidden}\n" if hidden else ""
    return "\n".join(["", f"findings{f' ({hidden})' if hidden else ''}", *lines]) + "\n"


def _number(value: float) -> float | str:
    """JSON knows neither infinity nor what is no number."""
    return value if math.isfinite(value) else str(value)
