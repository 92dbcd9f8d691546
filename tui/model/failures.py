"""Errors grouped by what they are and where they come from, with the newest traceback of each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from routilux.records import Kind, Note, Status
from tui.session.messages import EdgeInfo, RecordTuple

from . import log
from .rows import Key

#: Groups kept; of more, the one that was quiet longest goes.
KEPT = 200
_FRAME = re.compile(r'^  File "(?P<file>.*)", line (?P<line>\d+), in (?P<function>.*)$')
#: Where installed and standard modules are: an error is placed in the user's code if it can be.
_FOREIGN = ("/site-packages/", "/dist-packages/", "/lib/python", "<frozen ")


class Place(NamedTuple):
    """What an error is, and where: the innermost frame of the user's own code."""

    kind: str
    message: str
    file: str
    line: int
    function: str


#: An error whose text did not get here.
UNKNOWN = Place("?", "", "", 0, "")


class Group:
    """Failures of one kind in one place of one routine.

    Attributes:
        count: failures for good; ``retried`` those that were tried again.
        traceback: of the newest; empty if it did not get here.
        newest: record of the newest.
    """

    def __init__(self, place: Place, key: Key, edge: int) -> None:
        self.place, self.key, self.edge = place, key, edge
        self.count = self.retried = 0
        self.first = self.last = 0
        self.traceback = ""
        self.newest: RecordTuple | None = None


class Failures:
    """The groups of one generation.

    Attributes:
        seen: failures for good that records told of; the exact count is the run's.
    """

    def __init__(self) -> None:
        self._groups: dict[tuple[str, str, int, Key], Group] = {}
        self._waiting: list[RecordTuple] = []  # their text may come with the next snapshot
        self._texts: dict[int, list[str]] = {}  # by activation: of one that is tried again several
        self.seen = 0

    def take(
        self,
        records: Sequence[RecordTuple],
        notes: Iterable[tuple[int, int, str]],
        edges: Mapping[int, tuple[int, EdgeInfo]],
    ) -> None:
        """Sort in what a snapshot brought."""
        for activation, kind, text in notes:
            if kind == Note.ERROR:
                self._texts.setdefault(activation, []).append(text)
        late, self._waiting = self._waiting, []
        for record in late:
            self._put(record, self._text(record) or "", edges)
        for record in records:
            if record[log.STATUS] and _failed(record):
                found = self._text(record)
                if found is None:
                    self._waiting.append(record)
                else:
                    self._put(record, found, edges)
        if not self._waiting:
            self._texts.clear()  # of records that were lost

    def _text(self, record: RecordTuple) -> str | None:
        texts = self._texts.get(record[log.ACTIVATION])
        return texts.pop(0) if texts else None

    def _put(
        self, record: RecordTuple, text: str, edges: Mapping[int, tuple[int, EdgeInfo]]
    ) -> None:
        flow, edge = edges.get(record[log.SUBJECT], (0, None))
        key = (flow, edge.target if edge is not None else -1)
        place = place_of(text) if text else UNKNOWN
        ident = (place.kind, place.file, place.line, key)
        group = self._groups.get(ident)
        if group is None:
            group = self._groups[ident] = Group(place, key, record[log.SUBJECT])
            group.first = group.last = record[log.TIME]
            self._forget()
        if record[log.STATUS] == Status.RETRIED:
            group.retried += 1
        else:
            group.count += 1
            self.seen += 1
        group.place, group.traceback = place, text
        group.last, group.newest = record[log.TIME], record

    def _forget(self) -> None:
        if len(self._groups) > KEPT:
            quiet = min(self._groups, key=lambda ident: self._groups[ident].last)
            del self._groups[quiet]

    def groups(self) -> list[Group]:
        """Every group, most failures for good first, then most tries, then in order of coming."""
        groups = self._groups.values()
        return sorted(groups, key=lambda g: (-g.count, -g.retried, g.first))


def _failed(record: RecordTuple) -> bool:
    wrong = record[log.STATUS] in (Status.FAILED, Status.RETRIED)
    return wrong and record[log.KIND] == Kind.ACTIVATION


def place_of(traceback: str) -> Place:
    """What a formatted traceback says: of a chain the last part, which is the error itself."""
    lines = _own_lines(traceback)
    frames = [(number, match) for number, line in enumerate(lines) if (match := _FRAME.match(line))]
    said = log.exception_line("\n".join(lines)) if any(map(str.strip, lines)) else ""
    kind, colon, message = said.partition(": ")
    kind = kind.rpartition(".")[2] or "?"
    if not frames:
        return Place(kind if colon or kind.isidentifier() else "?", message or said, "", 0, "")
    begin = max((n for n, line in enumerate(lines) if line.startswith("Traceback")), default=0)
    own = [match for number, match in frames if number > begin] or [match for _, match in frames]
    user = [match for match in own if not any(part in match["file"] for part in _FOREIGN)]
    match = (user or own)[-1]
    return Place(kind, message, match["file"], int(match["line"]), match["function"])


def _own_lines(traceback: str) -> list[str]:
    """Of a group of exceptions only what is about the group: its members follow, indented."""
    lines = traceback.splitlines()
    if not any(line.startswith("  + Exception Group Traceback") for line in lines):
        return lines
    end = next((n for n, line in enumerate(lines) if line.startswith("  +-")), len(lines))
    return [line[4:] if line.startswith(("  | ", "  + ")) else line for line in lines[:end]]
