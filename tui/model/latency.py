"""Where the time along a chain of causes went: parts that sum to the whole, by construction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tui.session.messages import RecordTuple

from .log import QUEUED, STARTED, TIME


class Parts(NamedTuple):
    """Nanoseconds by what they were spent on.

    ``queue``: queued, no worker had taken it. ``run``: its handler ran, up to the emit that led on.
    ``retry``: from the end of a failed try until it was queued again. ``timer``: a ``call_later``
    waited for its time. ``other``: none of these, as when a thread emits after its handler ended.
    The wait for locks is part of ``run``: the engine does not tell it apart yet.
    """

    queue: int = 0
    run: int = 0
    retry: int = 0
    timer: int = 0
    other: int = 0

    @property
    def total(self) -> int:
        """All of them together."""
        return sum(self)

    def plus(self, more: Parts) -> Parts:
        """The sums of both."""
        return Parts(*(a + b for a, b in zip(self, more, strict=True)))


class Stretch(NamedTuple):
    """One piece of a chain's time: what it was spent on, from when to when."""

    part: str
    begin: int
    end: int


class Clock:
    """Goes through a chain from its beginning; every moment is counted once, none is left out.

    Records of several threads may overlap or leave gaps, since their clocks are read one after the
    other. A time that has passed already adds nothing.
    """

    def __init__(self, begin: int) -> None:
        self.now = begin
        self.stretches: list[Stretch] = []

    def advance(self, to: int, part: str) -> None:
        """Spend the time until then on that part."""
        if to > self.now:
            self.stretches.append(Stretch(part, self.now, to))
            self.now = to

    def tries(self, tries: Sequence[RecordTuple], leave: int | None) -> None:
        """Go through all tries of an activation; the last one led on at ``leave``.

        Args:
            tries: its records in order, all but the last failed and repeated.
            leave: when it emitted what comes next; None: it is the last of the chain.
        """
        for number, record in enumerate(tries):
            is_last = number == len(tries) - 1
            end = record[TIME]
            if is_last and leave is not None:
                end = min(end, leave)
            if not record[STARTED]:  # it failed in a job that is counted only
                self.advance(end, "other")
                continue
            self.advance(record[QUEUED], "retry" if number else "queue")
            self.advance(record[STARTED], "queue")
            self.advance(end, "run")

    def take(self) -> tuple[Stretch, ...]:
        """What was spent since the last call."""
        found, self.stretches = tuple(self.stretches), []
        return found


def parts_of(stretches: Sequence[Stretch]) -> Parts:
    """The sums of stretches."""
    sums = dict.fromkeys(Parts._fields, 0)
    for part, begin, end in stretches:
        sums[part] += end - begin
    return Parts(**sums)
