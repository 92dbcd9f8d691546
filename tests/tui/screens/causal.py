"""Parcels through a depot, always the same: a small engine on paper, with causes and all times."""

from __future__ import annotations

import heapq
import random
from collections import deque
from itertools import count

from routilux.records import Kind, Line, Note, Status
from tests.tui.building import MS, SECOND, World, flow_info
from tui.session.messages import RecordTuple, Snapshot

_WIRES = (
    ("gate", "parcel", "weigh", "parcel"),  # 1
    ("weigh", "light", "label", "parcel"),  # 2
    ("weigh", "heavy", "bank", "parcel"),  # 3: fails and is tried again
    ("label", "ready", "shelf", "parcel"),  # 4
    ("bank", "paid", "shelf", "parcel"),  # 5
    ("shelf", "full", "report", "line"),  # 6
)
GATE, LATER = 7, 8  # how jobs come in; how `report` has itself called later
_NEXT = {GATE: (1, 1), 1: (2, 3), 2: (4,), 3: (5,), 4: (), 5: (6,), 6: (LATER,), LATER: ()}
_RUN = {GATE: 4, 1: 3, 2: 6, 3: 9, 4: 2, 5: 2, 6: 5, LATER: 3}
_TARGET = {GATE: 0, 1: 1, 2: 2, 3: 3, 4: 4, 5: 4, 6: 5, LATER: 5}
NAMES = ("gate", "weigh", "label", "bank", "shelf", "report")
WORKERS = 3


class Depot:
    """Runs jobs on three workers by the tick of a clock of its own.

    Args:
        names: of the six routines.
    """

    def __init__(self, names: tuple[str, ...] = NAMES, seed: int = 3) -> None:
        named = dict(zip(NAMES, names, strict=True))
        wires = [(named[s], e, named[t], slot) for s, e, t, slot in _WIRES]
        order = list(names)
        flow = flow_info(wires, id="depot", routines=order, entries=(names[0],), timers=(names[5],))
        self.world = World(flow)
        self.world.stat_names = ((41, 1, names[4], "parcels"), (42, 1, names[1], "grams"))
        self.dice = random.Random(seed)
        self.idents = count(1)
        self.queue: deque[tuple[int, int, int, int, int]] = deque()  # edge, id, cause, queued, job
        self.later: list[tuple[int, int, int, int, int, int]] = []  # due, edge, id, cause, job, try
        self.ends: list[tuple[int, int, tuple[int, ...]]] = []
        self.free = list(range(1, WORKERS + 1))
        self.tries: dict[int, int] = {}
        self.parcels = 0

    def job(self, number: int) -> None:
        """A job comes in."""
        root = self._ident()
        world = self.world
        self._record(Kind.JOB_STARTED, world.now, root, root, number, subject=GATE, worker=0)
        self._arrive(GATE, root, number, world.now)

    def run(self, until: int) -> None:
        """Let the time go by until a moment."""
        world = self.world
        while True:
            self._begin()
            due = [heap[0][0] for heap in (self.ends, self.later) if heap]
            if not due or min(due) > until:
                break
            world.now = min(due)
            if self.later and self.later[0][0] == world.now:
                _, edge, ident, cause, job, _ = heapq.heappop(self.later)
                self.queue.append((edge, ident, cause, world.now, job))
                world.count(0, edge, queued=1)
            else:
                self._end(heapq.heappop(self.ends)[2])
        world.now = until
        waiting = [edge for _, edge, *_ in self.later]
        world.standing = {
            "retries": sum(edge != LATER for edge in waiting),
            "timers": sum(edge == LATER for edge in waiting),
        }

    def _ident(self) -> int:
        return hash((7, next(self.idents)))

    def _arrive(self, edge: int, cause: int, job: int, now: int) -> None:
        self.queue.append((edge, self._ident(), cause, now, job))
        self.world.count(0, edge, queued=1)

    def _begin(self) -> None:
        now = self.world.now
        while self.queue and self.free:
            edge, ident, cause, queued, job = self.queue.popleft()
            worker = self.free.pop(self.dice.randrange(len(self.free)))
            took = _RUN[edge] * MS // 2 + self.dice.randrange(_RUN[edge] * MS)
            self.world.count(worker, edge, started=1)
            self.world.running[worker] = (edge, now, ident)
            run = (worker, edge, ident, cause, queued, now, job)
            heapq.heappush(self.ends, (now + took, worker, run))

    def _end(self, run: tuple[int, ...]) -> None:
        worker, edge, ident, cause, queued, started, job = run
        world, now = self.world, self.world.now
        tries = self.tries.get(ident, 0)
        failed = edge == 3 and tries < self.dice.randrange(3)
        self.free.append(worker)
        self.world.running.pop(worker, None)
        world.count(worker, edge, done=1, run=now - started, wait=started - queued)
        status = Status.RETRIED if failed else Status.OK
        if failed:
            self.tries[ident] = tries + 1
            world.notes.append((ident, Note.ERROR, "TimeoutError: the bank does not answer"))
        else:
            self._beside(edge, ident, job, worker, started)
        self._record(
            Kind.ACTIVATION, now, ident, cause, job, subject=edge, worker=worker,
            queued=queued, started=started, status=status,
        )  # fmt: skip
        if failed:
            self._record(Kind.WAITING, now, ident, cause, job, subject=edge, worker=worker)
            heapq.heappush(self.later, (now + 15 * MS, edge, ident, cause, job, tries + 1))
            return
        for target in self._next(edge):
            emitted = started + (now - started) * 3 // 4
            if target == LATER:
                timer = self._ident()
                self._record(Kind.WAITING, emitted, timer, ident, job, subject=LATER, worker=worker)
                heapq.heappush(self.later, (emitted + 40 * MS, LATER, timer, ident, job, 0))
            else:
                self._arrive(target, ident, job, emitted)

    def _next(self, edge: int) -> tuple[int, ...]:
        if edge == 1:
            return (self.dice.choice((2, 2, 3)),)
        return _NEXT[edge] if edge != 5 or self.parcels % 4 == 0 else ()

    def _beside(self, edge: int, ident: int, job: int, worker: int, started: int) -> None:
        now = self.world.now
        if _TARGET[edge] == 4:
            self.parcels += 1
            self._record(
                Kind.STAT, now, self._ident(), ident, job, subject=41, worker=worker,
                value=self.parcels,
            )  # fmt: skip
            self.world.stats = {(1, 4): {"parcels": self.parcels}}
        if edge == 6:
            line = self._ident()
            self._record(Kind.LINE, now, line, ident, job, subject=Line.OUT, worker=worker)
            self.world.notes.append((line, Note.PAYLOAD, f"{self.parcels} parcels on the shelf"))

    def _record(
        self,
        kind: Kind,
        time: int,
        ident: int,
        cause: int,
        job: int,
        *,
        subject: int,
        worker: int,
        queued: int = 0,
        started: int = 0,
        status: Status = Status.OK,
        value: int = 0,
    ) -> None:
        world = self.world
        world.published += 1
        world.received += 1
        record: RecordTuple = (
            *(world.published, time, int(kind), 1, job, ident, cause, worker, int(subject)),
            *(queued, started, int(status), value),
        )
        world.records.append(record)


def parcels(ticks: int = 20, names: tuple[str, ...] = NAMES, every: int = 2) -> list[Snapshot]:
    """Ten looks a second at the depot; parcels come in bursts."""
    depot = Depot(names)
    world = depot.world
    found = [world.snapshot()]
    for tick in range(1, ticks):
        for _ in range(4 if tick % every == 0 else 1):
            world.jobs[0] += 1
            depot.job(world.jobs[0])
        depot.run(world.now + SECOND // 10)
        found.append(world.snapshot(histograms=tick % 5 == 0))
    return found
