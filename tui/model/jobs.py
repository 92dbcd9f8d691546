"""The table of jobs: those that the engine knows, and those that only records told of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tui.session.messages import JobInfo, LaterInfo, Snapshot

from .recent import Recent, SeenJob

#: Jobs that have ended, shown at most.
ENDED = 100


class JobRow(NamedTuple):
    """One job. ``total`` counts its deliveries so far, None where that is not known.

    ``exact`` is False for a job that only records told of: some of them may have been lost.
    """

    number: int
    status: str
    ended: bool
    age_ns: int | None  # None: its beginning was not seen
    done: int
    total: int | None
    pending: int
    later: int
    dropped: int
    errors: int
    retried: int
    entry: int
    error: str
    exact: bool


class LaterRow(NamedTuple):
    """A delivery that waits; ``due_ns`` from now on."""

    job: int
    edge: int
    due_ns: int
    tries: int


class Jobs:
    """What the engine told when it was asked last.

    Attributes:
        listed: whether it was asked at all.
    """

    def __init__(self) -> None:
        self.listed = False
        self._infos: tuple[JobInfo, ...] = ()
        self._later: tuple[LaterInfo, ...] = ()
        self._at = 0

    def take(self, snapshot: Snapshot) -> None:
        """Fold in what a snapshot brought, if it was asked for jobs."""
        if snapshot.jobs is not None:
            self.listed = True
            self._infos, self._later = snapshot.jobs, snapshot.later
            self._at = snapshot.taken_ns

    def rows(self, recent: Recent, now: int) -> list[JobRow]:
        """Open jobs, the oldest first, then those that have ended, the newest first."""
        known = {info.number for info in self._infos}
        rows = [_told(i, now - self._at, recent.jobs.get(i.number)) for i in self._infos]
        gone = (seen for seen in reversed(recent.jobs.values()) if seen.number not in known)
        rows += [_seen(job, now) for job in gone if job.ended]
        still = sorted((row for row in rows if not row.ended), key=lambda row: row.number)
        ended = sorted((row for row in rows if row.ended), key=lambda row: -row.number)
        return still + ended[:ENDED]

    def later(self, now: int) -> Sequence[LaterRow]:
        """What waits for its time, the first due first."""
        passed = now - self._at
        return [LaterRow(w.job, w.edge, w.due_ns - passed, w.tries) for w in self._later]


def _told(info: JobInfo, passed: int, seen: SeenJob | None) -> JobRow:
    """Deliveries that are neither left nor dropped are done; uncounted ones the records tell of."""
    total = info.sent if info.sent >= 0 else None
    counted = total is not None
    done = max(0, info.sent - info.left - info.dropped) if counted else seen.done if seen else 0
    return JobRow(
        info.number,
        info.status,
        info.ended,
        info.age_ns + (0 if info.ended else passed),
        done,
        total,
        info.left,
        info.later,
        info.dropped,
        info.errors,
        info.retried,
        info.entry,
        info.error,
        exact=counted,
    )


def _seen(job: SeenJob, now: int) -> JobRow:
    age = (job.ended or now) - job.began if job.began else None
    return JobRow(
        job.number,
        job.status,
        ended=True,
        age_ns=age,
        done=job.done,
        total=job.done,
        pending=0,
        later=0,
        dropped=0,
        errors=job.failed,
        retried=job.retried,
        entry=job.entry,
        error="",
        exact=False,
    )
