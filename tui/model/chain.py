"""How one record came about: its chain of causes, and where the time along it went."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from routilux.records import Kind, Status
from tui.session.messages import RecordTuple

from .causality import EFFECTS, JOBS, Causality, Missing, Running
from .latency import Clock, Parts, Stretch, parts_of
from .log import ACTIVATION, CAUSE, KIND, QUEUED, STARTED, STATUS, SUBJECT, TIME

Records = dict[int, list[RecordTuple]]


class Step(NamedTuple):
    """One activation of a chain, or the start of its job.

    Attributes:
        record: of the try that led on, or of the job's start.
        tries: the failed tries before it.
        effects: what its handler did that nobody receives, in order.
        others: further activations that it caused, as far as they are kept.
        stretches: its part of the chain's time.
    """

    record: RecordTuple
    tries: tuple[RecordTuple, ...] = ()
    effects: tuple[RecordTuple, ...] = ()
    others: int = 0
    stretches: tuple[Stretch, ...] = ()


class Chain(NamedTuple):
    """The steps from the start of the job, or from where it is known, to a record.

    ``running`` is the cause that still runs, if it is that which is missing.
    """

    steps: tuple[Step, ...]
    missing: Missing
    begin: int
    end: int
    running: Running | None = None

    @property
    def parts(self) -> Parts:
        """Where the time from beginning to end went."""
        return parts_of([stretch for step in self.steps for stretch in step.stretches])


def chain_of(index: Causality, record: RecordTuple) -> Chain:
    """How a record came about."""
    idents, missing = index.ancestors(record)
    kept = index.of({*idents, record[ACTIVATION]})
    root = _root(record, idents, kept)
    if root is None and missing is Missing.NOTHING:
        missing = Missing.START
    groups = _groups(index, record, idents, kept)
    running = None
    if missing is Missing.RUNNING and index.wiring is not None:
        running = index.wiring.at_work().get(groups[0][0][CAUSE])
    clock = Clock(_begin(root, groups))
    done = index.caused_by({group[-1][ACTIVATION] for group in groups}, clock.now)
    steps = [] if root is None or record[KIND] in JOBS else [Step(root)]
    begin = clock.now
    for number, group in enumerate(groups):
        following = groups[number + 1][0] if number + 1 < len(groups) else None
        _spend(index, clock, group, following, kept)
        steps.append(_step(group, done.get(group[-1][ACTIVATION], ()), following, clock.take()))
    return Chain(tuple(steps), missing, begin, clock.now, running)


def _root(record: RecordTuple, idents: Sequence[int], kept: Records) -> RecordTuple | None:
    """The start of the job, if it is kept."""
    top = record[ACTIVATION] if record[KIND] in JOBS else idents[-1] if idents else 0
    return next((r for r in kept.get(top, ()) if r[KIND] == Kind.JOB_STARTED), None)


def _groups(
    index: Causality, record: RecordTuple, idents: Sequence[int], kept: Records
) -> list[list[RecordTuple]]:
    """The tries of each step, the first step first. The last try of a step is what led on."""
    found = [[*_failed_before(record, kept.get(record[ACTIVATION], ())), record]]
    for ident in idents:
        tries = [r for r in kept.get(ident, ()) if r[KIND] == Kind.ACTIVATION]
        if not tries:  # the job itself
            break
        tries.sort(key=lambda r: r[STARTED])
        left = _left(index, found[-1][0], kept)
        # The same decisions give the same ids, so what two tries emit has one id too.
        led = next((r for r in reversed(tries) if r[STARTED] <= left), tries[0])
        found.append([*_failed_before(led, tries), led])
    return found[::-1]


def _failed_before(record: RecordTuple, same: Iterable[RecordTuple]) -> list[RecordTuple]:
    """The failed tries of an activation that led to this one of its records."""
    ready = record[QUEUED] or record[TIME]
    found: list[RecordTuple] = []
    tries = [r for r in same if r[KIND] == Kind.ACTIVATION and r != record]
    for other in sorted(tries, key=lambda r: r[STARTED], reverse=True):
        if other[TIME] > ready or other[STARTED] > ready:
            continue
        if other[STATUS] != Status.RETRIED:
            break
        found.append(other)
    return found[::-1]


def _is_timer(index: Causality, record: RecordTuple) -> bool:
    of_edge = record[KIND] in (Kind.ACTIVATION, Kind.WAITING, Kind.DROPPED)
    return of_edge and index.wiring is not None and index.wiring.is_timer(record[SUBJECT])


def _left(index: Causality, first: RecordTuple, kept: Records) -> int:
    """When its cause did what led to a record: when it emitted, or set the timer."""
    ready = first[QUEUED] or first[TIME]
    if not _is_timer(index, first):
        return ready
    same = kept.get(first[ACTIVATION], ())
    return max((r[TIME] for r in same if r[KIND] == Kind.WAITING and r[TIME] <= ready), default=0)


def _begin(root: RecordTuple | None, groups: Sequence[list[RecordTuple]]) -> int:
    """A chain begins with its job, unless it was emitted from outside, maybe much later."""
    first = groups[0][0]
    begin = first[QUEUED] or first[TIME]
    if first[KIND] in EFFECTS or root is None or root[SUBJECT] != first[SUBJECT]:
        return begin
    return min(begin, root[TIME])


def _spend(
    index: Causality,
    clock: Clock,
    group: Sequence[RecordTuple],
    following: RecordTuple | None,
    kept: Records,
) -> None:
    """Let the time of one step go by."""
    last = group[-1]
    if last[KIND] != Kind.ACTIVATION:
        clock.tries(group[:-1], None)
        clock.advance(last[TIME], "retry" if len(group) > 1 else "other")
    elif following is None:
        clock.tries(group, None)
    else:
        ready = following[QUEUED] or following[TIME]
        timer = _is_timer(index, following)
        clock.tries(group, (_left(index, following, kept) or last[TIME]) if timer else ready)
        clock.advance(ready, "timer" if timer else "other")


def _step(
    group: Sequence[RecordTuple],
    done: Iterable[RecordTuple],
    following: RecordTuple | None,
    stretches: tuple[Stretch, ...],
) -> Step:
    effects = tuple(r for r in done if r[KIND] in EFFECTS and r != following)
    others = {r[ACTIVATION] for r in done if r[KIND] not in EFFECTS}
    if following is not None:
        others.discard(following[ACTIVATION])
    return Step(group[-1], tuple(group[:-1]), effects, len(others), stretches)


def waterfall(records: Sequence[RecordTuple]) -> tuple[int, int]:
    """From when to when some activations were queued or ran."""
    begin = min((r[QUEUED] or r[TIME] for r in records), default=0)
    return begin, max((r[TIME] for r in records), default=0)


def tries_of(chain: Chain) -> list[RecordTuple]:
    """Every try of every step, in order."""
    return [record for step in chain.steps for record in (*step.tries, step.record)]
