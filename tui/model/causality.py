"""Why something happened and what came of it: an index over the records that are kept.

It is built when it is asked for, of two columns of the ring, and thrown away afterwards: a
dictionary of 200,000 ids would take more memory than the records. Ids are searched for as bytes,
backwards from a record, since a cause mostly stands shortly before its effect.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import Enum
from itertools import compress, count
from operator import itemgetter
from typing import NamedTuple, Protocol

from routilux.records import Kind
from tui.session.messages import RecordTuple

from .log import ACTIVATION, CAUSE, GENERATION, JOB, KIND, QUEUED, STARTED, SUBJECT, TIME
from .reading import begin_of, column, distinct, overlapping

#: Causes that a chain is followed through: a loop of routines may have gone round for hours.
LONGEST = 2_000
#: Activations in a tree or a list of concurrent ones; more than that are counted only.
MOST = 2_000
_FEW = 300  # so many are looked at one by one: more take longer than looking at all
_ID = 8  # bytes
JOBS = frozenset(
    {Kind.JOB_STARTED, Kind.JOB_ENDED, Kind.JOB_PAUSED, Kind.JOB_RESUMED, Kind.JOB_CANCELLED}
)
#: What a handler does that nobody receives.
EFFECTS = frozenset({Kind.STAT, Kind.LINE, Kind.EMIT})

Running = tuple[int, int, int]
"""What runs now: edge, since when (ns), lane."""


class Wiring(Protocol):
    """What is asked about connections and threads: `tui.model.run.Run` knows."""

    def is_timer(self, number: int) -> bool:
        """Whether a routine has itself called later over that edge."""

    def is_entry(self, number: int) -> bool:
        """Whether jobs come in over that edge."""

    def at_work(self) -> Mapping[int, Running]:
        """The activations that run now, by id."""


class Missing(Enum):
    """Why a chain does not reach the start of its job, as one sentence."""

    NOTHING = ""  # it does
    START = "its job started before the oldest record that is kept"
    RUNNING = "its cause still runs: a handler's record comes when it has ended"
    DROPPED = "its causes are older than the oldest record that is kept"
    LOST = "its cause was not recorded: not traced, lost on the way, or still running"
    LONG = f"it has more than {LONGEST:,} causes; the oldest are left out"


class Branch(NamedTuple):
    """One line of a tree of effects. ``hidden``: effects of it that are counted only."""

    record: RecordTuple
    depth: int
    hidden: int = 0


class Tree(NamedTuple):
    """What came of a record. ``total`` counts all activations of it, also those not in lines."""

    branches: tuple[Branch, ...]
    total: int


class Neighbour(NamedTuple):
    """An activation that ran at the same time, and what both have in common."""

    record: RecordTuple
    same_routine: bool
    stats: tuple[int, ...]  # numbers of statistics that both have set


class Neighbours(NamedTuple):
    """Those that share something first. ``total`` counts also those that are not listed."""

    found: tuple[Neighbour, ...]
    total: int


class Causality:
    """The records of one generation as a graph of causes. They must not change meanwhile.

    Args:
        records: oldest first, more or less.
        generation: whose ids count: two runs that decide alike have the same ones.
        wiring: tells timers, entries and what still runs; None: nothing of that is known.
    """

    def __init__(
        self, records: Sequence[RecordTuple], generation: int, wiring: Wiring | None = None
    ) -> None:
        self.records, self.generation, self.wiring = records, generation, wiring
        self._ids, self._causes = column(records, ACTIVATION), column(records, CAUSE)
        if distinct(records, GENERATION) - {generation}:
            self._blind()
        self._bytes = self._ids.tobytes()

    def _blind(self) -> None:
        """Hide the records of other generations: 0 is the id of nothing."""
        for index, number in enumerate(column(self.records, GENERATION)):
            if number != self.generation:
                self._ids[index] = self._causes[index] = 0

    # looking up -----------------------------------------------------------------------------------

    def find(self, ident: int, near: int) -> int | None:
        """The index of a record of an id: the nearest before another, else the first after it."""
        wanted = array("q", (ident,)).tobytes()
        at = self._bytes.rfind(wanted, 0, near * _ID)
        while at >= 0 and at % _ID:
            at = self._bytes.rfind(wanted, 0, at + _ID - 1)
        if at < 0:
            at = self._bytes.find(wanted, near * _ID)
            while at >= 0 and at % _ID:
                at = self._bytes.find(wanted, at + 1)
        return at // _ID if at >= 0 else None

    def of(self, idents: Collection[int]) -> dict[int, list[RecordTuple]]:
        """All records of some ids, in order, by id."""
        found: dict[int, list[RecordTuple]] = {}
        for index in _among(self._ids, idents, 0):
            found.setdefault(self._ids[index], []).append(self.records[index])
        return found

    def caused_by(self, idents: Collection[int], since: int = 0) -> dict[int, list[RecordTuple]]:
        """All records from a time on whose cause is one of these ids, in order, by cause."""
        found: dict[int, list[RecordTuple]] = {}
        for index in _among(self._causes, idents, begin_of(self.records, since)):
            if self._ids[index] != self._causes[index]:  # a job is its own cause
                found.setdefault(self._causes[index], []).append(self.records[index])
        return found

    # upwards --------------------------------------------------------------------------------------

    def ancestors(self, record: RecordTuple) -> tuple[list[int], Missing]:
        """The ids of its causes, the nearest first, and what is missing at the end.

        The last is the job's, unless something is missing.
        """
        found: list[int] = []
        if record[KIND] in JOBS:
            return found, Missing.NOTHING
        child, ident, near = (
            record,
            record[CAUSE],
            bisect_left(self.records, record[TIME], key=itemgetter(TIME)),
        )
        while ident:
            if len(found) == LONGEST:
                return found, Missing.LONG
            index = self.find(ident, near)
            if index is None:
                return found, self._missing(ident, child)
            found.append(ident)
            child, near = self.records[index], index
            if child[CAUSE] == ident:
                break
            ident = child[CAUSE]
        return found, Missing.NOTHING

    def _missing(self, ident: int, child: RecordTuple) -> Missing:
        wiring = self.wiring
        if wiring and child[KIND] not in EFFECTS and wiring.is_entry(child[SUBJECT]):
            return Missing.START
        if wiring and ident in wiring.at_work():
            return Missing.RUNNING
        oldest = self.records[0][TIME] if self.records else 0
        # A handler ends after it has emitted. Had it emitted later, its record would be here.
        return Missing.DROPPED if (child[QUEUED] or child[TIME]) <= oldest else Missing.LOST

    # downwards ------------------------------------------------------------------------------------

    def members(self, idents: Iterable[int], since: int) -> set[int]:
        """Some ids and those of all their effects, none of which ended before ``since``.

        Effects follow their cause in the ring, but for those that ended while it still ran. So one
        pass finds nearly all, and further ones the rest.
        """
        found = set(idents)
        first = begin_of(self.records, since)
        causes, ids = self._causes[first:], self._ids[first:]
        before = -1
        while len(found) != before:
            before = len(found)
            found.update(ident for ident, cause in zip(ids, causes, strict=True) if cause in found)
        found.discard(0)
        return found

    def tree(self, record: RecordTuple) -> Tree:
        """What came of a record: every effect below its cause, in order of time."""
        since = record[STARTED] or record[TIME]
        members = self.members({record[ACTIVATION]}, since)
        total = len(members) - 1
        if len(members) > MOST:
            members = self._first(members, record)
        below = self.caused_by(members, since)
        branches: list[Branch] = []
        waiting = [(record, 0, True)]
        while waiting:
            current, depth, is_last = waiting.pop()
            children = below.get(current[ACTIVATION], []) if is_last else []
            shown = [child for child in children if child[ACTIVATION] in members]
            branches.append(Branch(current, depth, len(children) - len(shown)))
            # What several tries caused stands below the last of them: all have one id.
            lasts = {child[ACTIVATION]: place for place, child in enumerate(shown)}
            waiting.extend(
                (child, depth + 1, lasts[child[ACTIVATION]] == place)
                for place, child in reversed([*enumerate(shown)])
            )
        return Tree(tuple(branches), total)

    def _first(self, members: set[int], record: RecordTuple) -> set[int]:
        """The effects that ended first, with what led to them."""
        few = {record[ACTIVATION]}
        for ident, cause in zip(self._ids, self._causes, strict=True):
            if cause in few and ident in members:
                few.add(ident)
                if len(few) > MOST:
                    break
        return few

    def of_job(self, job: int) -> list[RecordTuple]:
        """The activations of a job in the order in which they were queued."""
        mine = [
            r
            for r in self.records
            if r[JOB] == job
            and r[KIND] == Kind.ACTIVATION
            and r[STARTED]  # else it failed in a job that is counted only
            and r[GENERATION] == self.generation
        ]
        return sorted(mine, key=itemgetter(QUEUED, STARTED))

    # sideways -------------------------------------------------------------------------------------

    def _descends(self, index: int, record: RecordTuple) -> bool:
        """Whether one record is an effect of another, and so was queued after that had begun."""
        at: int | None = index
        while at is not None:
            cause = self._causes[at]
            if cause == record[ACTIVATION]:
                return True
            above = self.records[at]
            if above[KIND] in JOBS or (above[QUEUED] or above[TIME]) < record[STARTED]:
                return False
            at = self.find(cause, at)
        return False

    def concurrent_with(
        self, record: RecordTuple, target: Mapping[int, object] | None = None
    ) -> Neighbours:
        """The activations that ran while this one did and are neither its causes nor its effects.

        Args:
            record: of an activation.
            target: the routine of each edge, to tell which are of the same.
        """
        begin, end = record[STARTED], record[TIME]
        if not begin:  # no handler, or one whose times are not known
            return Neighbours((), 0)
        related = {record[ACTIVATION], *self.ancestors(record)[0]}
        ran = overlapping(self.records, begin, end)
        overlap = [i for i in ran if self._ids[i] and self._ids[i] not in related]
        if len(overlap) > _FEW:
            below = self.members({record[ACTIVATION]}, begin)
        else:
            below = {self._ids[i] for i in overlap if self._descends(i, record)}
        found = [index for index in overlap if self._ids[index] not in below]
        others = [self.records[index] for index in found[:MOST]]
        since = min((r[STARTED] for r in others), default=begin)
        writers = self.caused_by({record[ACTIVATION], *(r[ACTIVATION] for r in others)}, since)
        stats = {ident: _stats(effects) for ident, effects in writers.items()}
        mine = stats.get(record[ACTIVATION], set())
        edges = target or {}
        routine = edges.get(record[SUBJECT])
        neighbours = [
            Neighbour(
                other,
                routine is not None and edges.get(other[SUBJECT]) == routine,
                tuple(sorted(mine & stats.get(other[ACTIVATION], set()))),
            )
            for other in others
        ]
        neighbours.sort(key=lambda n: (not n.stats, not n.same_routine, n.record[STARTED]))
        return Neighbours(tuple(neighbours), len(found))


def _among(values: array[int], wanted: Collection[int], first: int) -> Iterable[int]:
    """The indexes from ``first`` on where a column has one of these values."""
    return compress(count(first), map(wanted.__contains__, values[first:] if first else values))


def _stats(records: Iterable[RecordTuple]) -> set[int]:
    return {r[SUBJECT] for r in records if r[KIND] == Kind.STAT}
