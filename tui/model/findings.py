"""Findings: what looks wrong, with evidence, a reason and what to do. Ranked, and mutable by hand.

Lints (`tui.findings`) put them here, and whatever else finds something. Panes read them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Literal

from .rows import Key

#: Findings kept; of more, those that were quiet longest go.
KEPT = 300


class Kind(IntEnum):
    """What found it, the gravest first."""

    RACE = 0
    ERROR = 1
    LINT = 2


class Severity(IntEnum):
    """How much it matters, the gravest first. Shown as a word or a sign, never by colour alone."""

    ERROR = 0  #: work is lost, or the flow stands still
    WARNING = 1  #: it costs time or memory, or will
    NOTE = 2  #: worth a look


@dataclass(frozen=True, slots=True)
class Place:
    """What a finding is about. Names are for people; ``key`` and ``lane`` lead to screens.

    Attributes:
        flow: id of the flow; empty: the monitor itself, or a file.
        routine: id of the routine; empty: the flow as a whole.
        port: one of its slots or events.
        worker: a thread, as the screen calls it.
        key: number of flow and routine, None: no routine. ``number`` is the flow's alone.
        file, line: where in the source; empty and 0 where that is not known.
    """

    flow: str = ""
    routine: str = ""
    port: str = ""
    worker: str = ""
    key: Key | None = None
    number: int = 0
    file: str = ""
    line: int = 0

    @property
    def name(self) -> str:
        """``routine.port``, or the next best."""
        if self.routine:
            return f"{self.routine}.{self.port}" if self.port else self.routine
        return self.flow or self.source

    @property
    def source(self) -> str:
        """``file:line`` without the folder; empty where it is not known."""
        return f"{self.file.rpartition('/')[2]}:{self.line}" if self.file else ""


#: Where the evidence is to be seen.
Goal = Literal["routine", "events", "jobs", "errors", "workers", "topology", "timeline", "source"]


@dataclass(slots=True)
class Finding:
    """Something that looks wrong.

    Attributes:
        id: of the lint, as ``L06``.
        title: what it is, in a few words.
        place: what it is about.
        evidence: sentences with numbers, what was seen.
        reason: why that is a problem.
        action: what to do next.
        numbers: the same evidence for programs, by name; times in seconds.
        suspected: it follows from signs, and was not seen itself.
        goal: where the evidence is to be seen; ``filter`` narrows the events there.
        first, last: when it was seen, ns of the engine's clock.
        count: how often it began.
        active: whether it was true at the last look.
    """

    id: str
    title: str
    place: Place
    evidence: tuple[str, ...]
    reason: str
    action: str
    numbers: Mapping[str, float] = field(default_factory=dict)
    kind: Kind = Kind.LINT
    severity: Severity = Severity.WARNING
    suspected: bool = False
    goal: Goal = "routine"
    filter: str = ""
    more: str = ""  # tells findings of one lint and one place apart
    subject: str = ""  # what it is about in `key`, if not the place
    first: int = 0
    last: int = 0
    count: int = 1
    active: bool = True

    @property
    def key(self) -> str:
        """Names it from run to run, so that it can be muted for good. Made of names only."""
        place = self.place
        name = self.subject or place.name
        parts = [place.flow, name] if place.flow else [name]
        where = "/".join(dict.fromkeys(parts))
        return f"{self.id} {where} {self.more}".rstrip()


class Board:
    """The findings of the running generation, by key.

    Attributes:
        muted: reasons by key; a muted finding is kept, and neither counted nor listed as open.
        allowed: how many findings were left out because a comment in the source allows them.
    """

    def __init__(self) -> None:
        self.muted: dict[str, str] = {}
        self.allowed = 0
        self._all: dict[str, Finding] = {}
        self._ranked: list[Finding] | None = None

    def clear(self) -> None:
        """Another generation begins; what is muted stays so."""
        self._all.clear()
        self._ranked = None
        self.allowed = 0

    def put(self, found: Iterable[Finding], now: int, kinds: Iterable[Kind]) -> None:
        """These are true now, of the kinds named; what else there is of them is true no more."""
        self._ranked = None
        kinds = set(kinds)
        seen: set[str] = set()
        for finding in found:
            key = finding.key
            if key in seen:
                continue
            seen.add(key)
            old = self._all.get(key)
            finding.first, finding.last = (old.first if old else finding.first or now), now
            if old is not None:
                finding.count = old.count + (not old.active)
            self._all[key] = finding
        for key, finding in self._all.items():
            if finding.kind in kinds and key not in seen:
                finding.active = False
        while len(self._all) > KEPT:
            quiet = min(self._all, key=lambda key: (self._all[key].active, self._all[key].last))
            del self._all[quiet]

    def ranked(self, *, muted: bool = False) -> list[Finding]:
        """Races, then errors, then lints; the graver first, then what is still so, then the newest.

        Args:
            muted: those that are muted too, at the end.
        """
        if self._ranked is None:
            self._ranked = sorted(self._all.values(), key=_rank)
        shown = [f for f in self._ranked if f.key not in self.muted]
        return shown + [f for f in self._ranked if f.key in self.muted] if muted else shown

    def get(self, key: str) -> Finding | None:
        """A finding by its key."""
        return self._all.get(key)

    def count(self, kind: Kind) -> int:
        """How many of a kind are not muted."""
        return sum(f.kind is kind and f.key not in self.muted for f in self._all.values())

    @property
    def hidden(self) -> int:
        """How many are muted."""
        return sum(key in self.muted for key in self._all)


def _rank(finding: Finding) -> tuple[int, int, bool, int, str]:
    """Row order must not jump: what began later comes first, and that does not change."""
    return finding.kind, finding.severity, not finding.active, -finding.first, finding.key
