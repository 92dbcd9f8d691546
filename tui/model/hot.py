"""The lines of a routine with the time that was spent on them, as far as sampling tells."""

from __future__ import annotations

from typing import NamedTuple

from tui.session.messages import Hot, HotLine, SourceText

#: Looks of which a share says something.
ENOUGH = 20
#: Part of a call's time of which it must be known whether it was computing.
KNOWN = 0.3


class Row(NamedTuple):
    """A source line. ``share`` is of all the time that was seen; ``cpu`` and ``lock`` are shares
    of the line's own. None: the line was not seen, or that cannot be told of it.
    """

    file: str
    line: int
    text: str
    hits: int
    ns: int | None
    share: float | None
    cpu: float | None
    lock: float | None


class Sum(NamedTuple):
    """All lines together."""

    hits: int
    ns: int
    cpu: float | None
    lock: float | None
    known: float
    cost: float


def rows(hot: Hot, source: tuple[SourceText, ...]) -> list[Row]:
    """Every line of the functions that were seen, in order, with what was spent on it."""
    seen = {(line.file, line.line): line for line in hot.lines}
    whole = sum(line.wall_ns for line in hot.lines)
    found: list[Row] = []
    told: set[tuple[str, int]] = set()
    for piece in source:
        places = [(piece.file, piece.first + n) for n in range(len(piece.lines))]
        if not any(place in seen for place in places):
            continue
        for place, text in zip(places, piece.lines, strict=True):
            found.append(_row(place, text, seen.get(place), whole))
            told.add(place)
    unread = sorted(seen.keys() - told)  # its file is not there to be read
    return found + [_row(place, "", seen[place], whole) for place in unread]


def _row(place: tuple[str, int], text: str, seen: HotLine | None, whole: int) -> Row:
    if seen is None:
        return Row(*place, text, 0, None, None, None, None)
    share = seen.wall_ns / whole if whole else None
    return Row(*place, text, seen.hits, seen.wall_ns, share, *_parts([seen]))


def _parts(lines: list[HotLine]) -> tuple[float | None, float | None]:
    """How much of some lines' time was computing, and waiting for a lock."""
    wall, known = sum(n.wall_ns for n in lines), sum(n.known_ns for n in lines)
    hits = sum(n.hits for n in lines)
    if not wall or hits < ENOUGH:
        return None, None
    cpu = sum(n.cpu_ns for n in lines) / known if known >= KNOWN * wall else None
    return cpu, sum(n.lock_ns for n in lines) / wall


def total(hot: Hot, now: int) -> Sum:
    """What all lines say together; ``now`` is a time of the engine's clock."""
    lines = list(hot.lines)
    wall = sum(line.wall_ns for line in lines)
    known = sum(line.known_ns for line in lines) / wall if wall else 0.0
    spent = max(1, now - hot.since_ns)
    return Sum(sum(n.hits for n in lines), wall, *_parts(lines), known, hot.cost_ns / spent)
