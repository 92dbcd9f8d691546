"""The event bus: threads publish to lanes of their own, subscribers pull; and the hub of flows.

Guarantees:
    * Publishing takes no lock and calls nobody: a slow or dead subscriber costs the flow nothing.
    * A lane is written by its own thread only. Counters and histograms are exact; the ring of
      records is bounded, drops its oldest, and a subscription says how many it missed.
    * A lane's counters are complete before the job that they belong to is seen as ended.
"""

from __future__ import annotations

import logging
import threading
import weakref
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from enum import IntEnum
from itertools import count
from operator import itemgetter
from typing import TYPE_CHECKING

from .copies import copied, newest
from .records import Kind, Note, Record

if TYPE_CHECKING:
    from .flow import Flow

logger = logging.getLogger("routilux")

#: Records a lane keeps for its readers: 0.16 s of one thread at 100,000 a second, about 4 MB.
RING = 16_384
#: Payload previews and error texts a lane keeps.
NOTES = 512

#: A record as it waits in a lane: (n, time, kind, job, activation, cause, subject, queued,
#: started, status, value), where n counts the lane's records from 1.
_Raw = tuple[int, int, int, int, int, int, int, int, int, int, int | float]
_BY_TIME = itemgetter(1)

_lane_numbers = count(1)
_stat_numbers = count(1)


class Level(IntEnum):
    """How much is published."""

    OFF = 0
    COUNTERS = 1
    TRACE = 2


class Shard:
    """What one thread counted of one edge. Times are sums of nanoseconds."""

    __slots__ = ("done", "failed", "queued", "run_bins", "run_ns", "started", "wait_bins",
                 "wait_ns")  # fmt: skip

    def __init__(self) -> None:
        self.queued = self.started = self.done = self.failed = 0
        self.run_ns = self.wait_ns = 0
        self.run_bins: defaultdict[int, int] = defaultdict(int)
        self.wait_bins: defaultdict[int, int] = defaultdict(int)


class Lane:
    """What one thread publishes.

    Attributes:
        thread: the owner.
        running: ``(edge number, start ns, activation id)`` of the handler that runs now, or None.
        shards: counters by edge number.
        emitted: emissions that nothing is connected to, by event number.
        dropped: deliveries of stopped jobs, by edge number.
    """

    def __init__(self, thread: threading.Thread, ring: int = RING) -> None:
        self.thread = thread
        self.number = next(_lane_numbers)
        self.ring: deque[_Raw] = deque(maxlen=ring)
        self.published = 0
        self.notes: deque[tuple[int, int, int, str]] = deque(maxlen=NOTES)
        self.noted = 0
        self.shards: dict[int, Shard] = {}
        self.emitted: dict[int, int] = {}
        self.dropped: dict[int, int] = {}
        self.running: tuple[int, int, int] | None = None

    def shard(self, edge: int) -> Shard:
        """The counters of an edge, made when first asked for. Owner thread only."""
        shard = self.shards.get(edge)
        if shard is None:
            shard = self.shards[edge] = Shard()
        return shard

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
        """Append a record that has no queue and start times. Owner thread only."""
        n = self.published + 1
        self.ring.append((n, time, kind, job, activation, cause, subject, 0, 0, status, value))
        self.published = n

    def record(
        self,
        job: int,
        activation: int,
        cause: int,
        edge: int,
        queued: int,
        started: int,
        ended: int,
        status: int,
    ) -> None:
        """Append the record of a handler call that has ended. Owner thread only."""
        n = self.published + 1
        raw = (n, ended, 1, job, activation, cause, edge, queued, started, status, 0)
        self.ring.append(raw)
        self.published = n

    def note(self, activation: int, kind: Note, text: str) -> None:
        """Keep a text about an activation. Owner thread only."""
        self.noted += 1
        self.notes.append((self.noted, activation, kind, text))


class EventBus:
    """What happens in one flow, for whoever subscribes.

    Attributes:
        level: the highest level of all subscribers; flows read it when a job starts.
        tracing: whether that is `Level.TRACE`; comparing enums is dear on the hot path.
        generation: put into every record; a monitor that reloads code counts it up.
        previews: how many payload previews may still be made; a reader refills it, so that a
            flood of events costs no flood of texts.
    """

    def __init__(self) -> None:
        self.level = Level.OFF
        self.tracing = False
        self.generation = 0
        self.previews = 0
        #: Called after each change of the level, in the thread that subscribes or closes.
        self.on_level: Callable[[], object] | None = None
        # Held for the lists below only, never while calling out. Reentrant, since a finalizer that
        # emits may come in anywhere.
        self._lock = threading.RLock()
        self._lanes: list[Lane] = []
        self._subscriptions: list[Subscription] = []
        self._stat_numbers: dict[tuple[str, object], int] = {}
        self.local = threading.local()  # its ``lane`` is what `lane` gives, once it was called

    def forget_threads(self) -> None:
        """In the child of a fork: whoever held the lock did not come along."""
        self._lock = threading.RLock()

    def lane(self) -> Lane:
        """The calling thread's lane, made when first asked for."""
        lane: Lane | None = getattr(self.local, "lane", None)
        if lane is None:
            thread = threading.current_thread()
            with self._lock:
                lane = next((lane for lane in self._lanes if not lane.thread.is_alive()), None)
                if lane is None:
                    lane = Lane(thread)
                    self._lanes.append(lane)
                lane.thread = thread  # a lane goes on under the next thread: counts never vanish
            self.local.lane = lane
        return lane

    def lanes(self) -> list[Lane]:
        """Every lane so far, in order of creation. Any thread; read, never write them."""
        with self._lock:
            return list(self._lanes)

    def stat_number(self, routine_id: str, key: object) -> int:
        """The number by which records name a statistic of a routine. Any thread."""
        number = self._stat_numbers.get((routine_id, key))
        if number is None:
            with self._lock:
                number = self._stat_numbers.setdefault((routine_id, key), next(_stat_numbers))
        return number

    def stat_names(self) -> dict[int, tuple[str, str]]:
        """Routine id and key of each statistic that has changed while somebody traced, by number.

        As many as there are statistics. Numbers are unique in this process.
        """
        with self._lock:
            return {number: (i, str(key)) for (i, key), number in self._stat_numbers.items()}

    def subscribe(self, level: Level = Level.TRACE) -> Subscription:
        """Start to watch: records from now on. Counters go on from what is counted already."""
        subscription = Subscription(self, level)
        with self._lock:
            self._subscriptions.append(subscription)
        self._update_level()
        return subscription

    def _unsubscribe(self, subscription: Subscription) -> None:
        with self._lock:
            if subscription in self._subscriptions:
                self._subscriptions.remove(subscription)
        self._update_level()

    def _update_level(self) -> None:
        with self._lock:
            self.level = max((s.level for s in self._subscriptions), default=Level.OFF)
            self.tracing = self.level is Level.TRACE
        if self.on_level is not None:
            self.on_level()


def _ring(lane: Lane) -> list[_Raw]:
    """What the ring holds, in order, while its owner may go on appending."""
    try:
        return copied(lane.ring)
    except RuntimeError:
        found = newest(lane.ring, lane.ring.maxlen or RING)
        last = found[-1][0]
        return sorted({raw[0]: raw for raw in found if raw[0] <= last}.values())


class Subscription:
    """One reader's place in every lane. Use from one thread at a time.

    Attributes:
        level: what it asked for.
        published: records published since it began, as of the last `read`.
        received: records that `read` has returned.
    """

    def __init__(self, bus: EventBus, level: Level) -> None:
        self.level = level
        self._bus = bus
        self._seen = {lane.number: lane.published for lane in bus.lanes()}
        self._noted = {lane.number: lane.noted for lane in bus.lanes()}
        self.published = 0
        self.received = 0

    @property
    def lost(self) -> int:
        """Records that were published but never returned: overwritten, or over a read's limit."""
        return self.published - self.received

    def read(self, limit: int | None = None) -> list[Record]:
        """The newest records since the last read, in order of time.

        Args:
            limit: at most that many, the newest; the others count as lost. None: no limit.
        """
        found: list[tuple[int, _Raw]] = []
        published = 0
        for lane in self._bus.lanes():
            seen = self._seen.get(lane.number, 0)
            if lane.published == seen:
                continue
            ring = _ring(lane)
            new = max(0, ring[-1][0] - seen)
            published += new
            self._seen[lane.number] = seen + new
            kept = min(new, len(ring), limit if limit is not None else new)
            number = lane.number
            found.extend((number, raw) for raw in ring[len(ring) - kept :])
        found.sort(key=lambda item: _BY_TIME(item[1]))
        if limit is not None and len(found) > limit:
            del found[: len(found) - limit]
        first = self.published + (published - len(found)) + 1
        self.published += published
        self.received += len(found)
        generation = self._bus.generation
        return [
            Record(n, time, kind, generation, job, act, cause, worker, subject, queued, start, st,
                   value)
            for n, (worker, (_, time, kind, job, act, cause, subject, queued, start, st, value)) in
            enumerate(found, first)
        ]  # fmt: skip

    def read_notes(self) -> list[tuple[int, int, str]]:
        """Payload previews and error texts since the last read: (activation, `Note`, text)."""
        texts: list[tuple[int, int, str]] = []
        for lane in self._bus.lanes():
            seen = self._noted.get(lane.number, 0)
            if lane.noted != seen:
                notes = [note for note in copied(lane.notes) if note[0] > seen]
                self._noted[lane.number] = notes[-1][0] if notes else seen
                texts.extend(note[1:] for note in notes)
        return texts

    def close(self) -> None:
        """Stop watching. Repeatable."""
        self._bus._unsubscribe(self)


class Hub:
    """Where flows announce themselves, so that a monitor needs no hook in the user's code.

    Attributes:
        gate: called by `Flow.execute` before it does anything, in the calling thread. A monitor
            holds a new generation of code there until the old one has stopped. None: no gate.
    """

    def __init__(self) -> None:
        self.gate: Callable[[], None] | None = None
        self._flows: weakref.WeakSet[Flow] = weakref.WeakSet()
        self._watchers: list[Callable[[Flow], None]] = []
        self._lock = threading.RLock()  # a finalizer may make or end a flow

    def announce(self, flow: Flow) -> None:
        """Tell the watchers of a new flow. Called by the flow's constructor, in its thread."""
        with self._lock:
            self._flows.add(flow)
            watchers = list(self._watchers)
        for watcher in watchers:
            self._tell(watcher, flow)

    def watch(self, watcher: Callable[[Flow], None]) -> None:
        """Call ``watcher`` with every flow alive now and every one to come."""
        with self._lock:
            self._watchers.append(watcher)
            flows = list(self._flows)
        for flow in flows:
            self._tell(watcher, flow)

    def _tell(self, watcher: Callable[[Flow], None], flow: Flow) -> None:
        try:
            watcher(flow)
        except Exception:  # an observer that raises never breaks a flow: logged once, dropped
            logger.exception("routilux: a watcher of flows raised and is dropped: %r", watcher)
            self.unwatch(watcher)

    def unwatch(self, watcher: Callable[[Flow], None]) -> None:
        """Stop calling ``watcher``. Repeatable."""
        with self._lock:
            if watcher in self._watchers:
                self._watchers.remove(watcher)

    def forget_threads(self) -> None:
        """In the child of a fork: whoever held the lock did not come along."""
        self._lock = threading.RLock()

    def flows(self) -> Iterable[Flow]:
        """The flows that are alive."""
        with self._lock:
            return list(self._flows)


hub = Hub()  #: the hub of this process
