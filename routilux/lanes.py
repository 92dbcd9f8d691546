"""Lanes: what each thread publishes and counts, cheaply while it happens.

The way of a message only appends to lists: the record of a handler call, the edges of an emit.
Counters and histograms follow from these, a thousand at a time, where most of the work is done by
a few calls in C; whoever reads folds in what is left first. So they are exact, complete before a
job is seen as ended, and cost a third of counting as it happens.

Lock order: a lane's lock is inside of all others, and nobody is called under it. The owner never
waits for it: while a reader copies, it goes on appending and folds a little later.
"""

from __future__ import annotations

import sys
import threading
from array import array
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import chain, islice
from typing import TYPE_CHECKING, NamedTuple

from .histogram import Bins, bin_of
from .records import Kind, Note

if TYPE_CHECKING:
    from .ports import Connection

#: Records a lane keeps for its readers: 0.16 s of one thread at 100,000 a second, about 4 MB.
RING = 16_384
#: Payload previews and error texts a lane keeps.
NOTES = 512
#: What is appended before it is folded into the counters.
FOLD = 1024
_ACTIVATION = int(Kind.ACTIVATION)
#: Which of the two halves of a float on this machine has its sign and exponent.
_UPPER = 1 if sys.byteorder == "little" else 0

#: A record as it waits in a lane: (time, kind, job, activation, cause, subject, queued, started,
#: status, value).
Raw = tuple[int, int, int, int, int, int, int, int, int, int | float]
#: What runs: edge number, start (ns), activation id, and what that interrupts in its thread.
Running = tuple[int, int, int, "Running | None"]


class Counts(NamedTuple):
    """What one thread counted of one edge. Times are sums of nanoseconds."""

    queued: int = 0
    started: int = 0
    done: int = 0
    failed: int = 0
    run_ns: int = 0
    wait_ns: int = 0
    timed: int = 0  # of those done: the others belong to jobs that were not traced


class _Shard:
    """Counts that grow, and the histograms that go with them: by the upper half of a float."""

    __slots__ = ("done", "queued", "run_ns", "runs", "timed", "wait_ns", "waits")

    def __init__(self) -> None:
        self.queued = self.done = self.timed = 0
        self.run_ns = self.wait_ns = 0
        self.runs: Counter[int] = Counter()
        self.waits: Counter[int] = Counter()

    def add(self, calls: Sequence[Raw]) -> None:
        """Count handler calls that have ended and were timed."""
        runs = [call[0] - call[7] for call in calls]
        waits = [call[7] - call[6] for call in calls]
        self.timed += len(calls)
        self.done += len(calls)
        self.run_ns += sum(runs)
        self.wait_ns += sum(waits)
        self.runs.update(_halves(runs))
        self.waits.update(_halves(waits))


def _halves(values: list[int]) -> list[int]:
    """The upper half of each value as a 32-bit float: its exponent and seven bits of what follows.
    These are bins of a log-linear histogram, four to one of `histogram`, and take no step in
    Python for each value.
    """
    return memoryview(array("f", values)).cast("B").cast("H")[_UPPER::2].tolist()


def _bins(halves: Counter[int]) -> Bins:
    """The histogram that was counted by upper halves."""
    bins: Bins = {}
    for half, count in halves.items():
        index = _bin_of_half(half)
        bins[index] = bins.get(index, 0) + count
    return bins


@cache
def _bin_of_half(half: int) -> int:
    """The bin of the values whose float has this upper half."""
    octave = (half >> 7) - 127
    if half >= 1 << 15 or octave < 0:  # negative, of a clock that was set back; or 0
        return 0
    mantissa = 128 + (half & 127)
    return bin_of(mantissa << (octave - 7) if octave >= 7 else mantissa >> (7 - octave))


class Lane:
    """What one thread publishes. It alone writes the attributes; what is folded of them is
    guarded by a lock.

    Attributes:
        thread: the owner.
        batch: records that are published, and are not in the ring yet.
        quiet: records of handler calls that only their times are wanted of: nobody traces now.
        sent: the edges of each emit.
        ended: the edge of each handler call that was counted, and not timed.
        failed: handler calls that failed for good, by edge number.
        running: the handler that runs now, or None.
        begun: coroutines that were handed to the event loop, less those that it ended, by edge.
        emitted: emissions that nothing is connected to, by event number.
        dropped: deliveries of stopped jobs, by edge number.
        remarks: counts what its handlers did beside emitting.
        preview_ns: CPU time that it has spent on previews of payloads.
    """

    def __init__(self, thread: threading.Thread, number: int, ring: int = RING) -> None:
        self.thread = thread
        self.number = number
        self.batch: list[Raw] = []
        self.quiet: list[Raw] = []
        self.sent: list[Sequence[Connection]] = []
        self.ended: list[Connection] = []
        self.failed: dict[int, int] = {}
        self.running: Running | None = None
        self.begun: dict[int, int] = {}
        self.emitted: dict[int, int] = {}
        self.dropped: dict[int, int] = {}
        self.remarks = 0
        self.preview_ns = 0
        self.notes: deque[tuple[int, int, int, str]] = deque(maxlen=NOTES)
        self.noted = 0
        self._ring: deque[Raw] = deque(maxlen=ring)
        self._folded = 0  # records that went through the ring
        self._shards: dict[int, _Shard] = {}
        self.forget_threads()

    def forget_threads(self) -> None:
        """In the child of a fork: a reader may have held the lock."""
        # Reentrant: a signal handler or a finalizer may come into `_fold`, and read or publish.
        self._lock = threading.RLock()
        self._folding = False

    # owner thread -----------------------------------------------------------------------------

    def publish(
        self,
        kind: Kind,
        time: int,
        job: int,
        *,
        activation: int,
        cause: int,
        subject: int,
        status: int = 0,
        value: int | float = 0,
    ) -> None:
        """Append a record that has no queue and start times."""
        self.batch.append((time, kind, job, activation, cause, subject, 0, 0, status, value))
        if len(self.batch) >= FOLD:
            self.fold()

    def record(self, tracing: bool, raw: Raw) -> None:
        """Append the record of a handler call that has ended."""
        batch = self.batch if tracing else self.quiet
        batch.append(raw)
        if len(batch) >= FOLD:
            self.fold()

    def send(self, *edges: Connection) -> None:
        """Count one delivery per edge as queued."""
        self.sent.append(edges)
        if len(self.sent) >= FOLD:
            self.fold()

    def end(self, edge: Connection) -> None:
        """Count a handler call that was not timed."""
        self.ended.append(edge)
        if len(self.ended) >= FOLD:
            self.fold()

    def fail(self, edge: int) -> None:
        """Count a failure; after its end, so that there are never more of these."""
        self.failed[edge] = self.failed.get(edge, 0) + 1

    def begin(self, edge: int, coroutines: int = 1) -> None:
        """Count coroutines that go on in the event loop; negative: that have ended there."""
        self.begun[edge] = self.begun.get(edge, 0) + coroutines

    def fold(self) -> None:
        """Turn what was appended into counts. Leaves it for later while a reader copies."""
        if self._lock.acquire(blocking=False):
            try:
                self._fold()
            finally:
                self._lock.release()

    def note(self, activation: int, kind: Note, text: str) -> None:
        """Keep a text about an activation."""
        self.noted += 1
        self.notes.append((self.noted, activation, kind, text))

    # with the lock ----------------------------------------------------------------------------

    def _fold(self) -> None:
        if self._folding:  # by whoever this thread has interrupted, and who will go on
            return
        self._folding = True
        try:
            self._fold_all()
        finally:
            self._folding = False

    def _fold_all(self) -> None:
        # The owner may go on appending: only what is copied is taken out.
        batch, quiet, sent, ended = self.batch[:], self.quiet[:], self.sent[:], self.ended[:]
        by_edge: defaultdict[int, list[Raw]] = defaultdict(list)
        for raw in batch:
            if raw[1] == _ACTIVATION and raw[7]:  # else it was not timed, and is counted elsewhere
                by_edge[raw[5]].append(raw)
        for raw in quiet:
            by_edge[raw[5]].append(raw)
        for edge, calls in by_edge.items():
            self._shard(edge).add(calls)
        for connection, count in Counter(chain.from_iterable(sent)).items():
            self._shard(connection.number).queued += count
        for connection, count in Counter(ended).items():
            self._shard(connection.number).done += count
        self._ring.extend(batch)
        self._folded += len(batch)
        del self.batch[: len(batch)], self.quiet[: len(quiet)]
        del self.sent[: len(sent)], self.ended[: len(ended)]

    def _shard(self, edge: int) -> _Shard:
        shard = self._shards.get(edge)
        if shard is None:
            shard = self._shards[edge] = _Shard()
        return shard

    # any thread -------------------------------------------------------------------------------

    @property
    def published(self) -> int:
        """How many records it has published."""
        with self._lock:
            return self._folded + len(self.batch)

    def counts(self) -> dict[int, Counts]:
        """The counters by edge number, complete to the moment."""
        failed = dict(self.failed)
        with self._lock:
            self._fold()
            found = {
                e: Counts(s.queued, s.done, s.done, failed.get(e, 0), s.run_ns, s.wait_ns, s.timed)
                for e, s in self._shards.items()
            }
        # Read after what has ended: what ends meanwhile is missing here, and never counted twice.
        begun, running = dict(self.begun), self.running
        while running is not None:
            begun[running[0]] = begun.get(running[0], 0) + 1
            running = running[3]
        for edge, count in begun.items():
            counts = found.get(edge, Counts())
            found[edge] = counts._replace(started=counts.started + count)
        return found

    def histograms(self) -> dict[int, tuple[Bins, Bins]]:
        """Copies of the histograms of run and wait times, by edge number."""
        with self._lock:
            self._fold()
            shards = self._shards.items()
            copies = {edge: (s.runs.copy(), s.waits.copy()) for edge, s in shards if s.timed}
        return {edge: (_bins(runs), _bins(waits)) for edge, (runs, waits) in copies.items()}

    def queued(self) -> dict[int, int]:
        """How many deliveries it has queued so far, by edge number."""
        with self._lock:
            self._fold()
            return {edge: shard.queued for edge, shard in self._shards.items() if shard.queued}

    def since(self, seen: int) -> tuple[int, Iterable[Raw]]:
        """How many records it has published, and the newest of those after the first ``seen``, as
        far as it keeps them, in order.
        """
        with self._lock:
            self._fold()  # also since what is not counted yet knows the flow, and keeps it alive
            published = self._folded + len(self.batch)
            batch = self.batch[: published - self._folded]
            new = min(published - seen, self._ring.maxlen or RING)
            if new <= len(batch):
                return published, batch[len(batch) - new :] if new > 0 else []
            old = list(islice(reversed(self._ring), new - len(batch)))
        old.reverse()
        return published, old + batch
