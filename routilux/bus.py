"""The event bus: threads publish to lanes of their own, subscribers pull; and the hub of flows.

Guarantees:
    * Publishing waits for nobody and calls nobody: a slow or dead subscriber costs the flow
      nothing. A lane is written by its own thread only; see `lanes`.
    * Counters and histograms are exact; the ring of records is bounded, drops its oldest, and a
      subscription says how many it missed.
    * A lane's counters are complete before the job that they belong to is seen as ended.
"""

from __future__ import annotations

import logging
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterable
from enum import IntEnum
from itertools import count
from operator import itemgetter
from typing import TYPE_CHECKING

from .copies import copied
from .errors import at_least
from .lanes import Lane, Raw
from .preview import key_text
from .records import Record

if TYPE_CHECKING:
    from .flow import Flow

logger = logging.getLogger("routilux")

_BY_TIME = itemgetter(0)

_MIX, _MASK = 0x9E3779B97F4A7C15, 2**64 - 1  # the golden ratio: Fibonacci hashing
#: Jobs that were sent by hand and are known as such.
SYNTHETIC = 10_000
_lane_numbers = count(1)
_stat_numbers = count(1)


class Level(IntEnum):
    """How much is published."""

    OFF = 0
    COUNTERS = 1
    TRACE = 2


class EventBus:
    """What happens in one flow, for whoever subscribes.

    Attributes:
        level: the highest level of all subscribers; flows read it when a job starts.
        tracing: whether that is `Level.TRACE`; comparing enums is dear on the hot path.
        every: one job in so many is traced; the others are counted only.
        phase: which ones, see `is_sampled`; each look of a subscriber takes others.
        generation: put into every record; a monitor that reloads code counts it up.
        previews: how many payload previews may still be made; a reader refills it, so that a
            flood of events costs no flood of texts.
        dead_previews: the same for messages that are dropped: who looks for those has missed the
            moment when they were emitted.
        trees: whether a `Note.TREE` goes with each preview of what was emitted.
        synthetic: numbers of the jobs that were sent by hand, the newest `SYNTHETIC` of them, put
            in before they begin; see `routilux.job.JobState.synthetic`.
    """

    def __init__(self) -> None:
        self.level = Level.OFF
        self.tracing = False
        self.every = 1
        self.phase = 0
        self.generation = 0
        self.previews = 0
        self.dead_previews = 0
        self.trees = False
        self.synthetic: deque[int] = deque(maxlen=SYNTHETIC)
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
        # What those threads had begun never ends here: count from nothing, in lanes of our own.
        self._lanes = []
        self.local = threading.local()
        for subscription in self._subscriptions:
            subscription.forget_threads()

    def lane(self) -> Lane:
        """The calling thread's lane, made when first asked for."""
        lane: Lane | None = getattr(self.local, "lane", None)
        if lane is None:
            thread = threading.current_thread()
            with self._lock:
                lane = next((lane for lane in self._lanes if not lane.thread.is_alive()), None)
                if lane is None:
                    lane = Lane(thread, next(_lane_numbers))
                    self._lanes.append(lane)
                lane.thread = thread  # a lane goes on under the next thread: counts never vanish
            self.local.lane = lane
        return lane

    def lanes(self) -> list[Lane]:
        """Every lane so far, in order of creation. Any thread; read, never write them."""
        with self._lock:
            return list(self._lanes)

    def is_sampled(self, job: int) -> bool:
        """Whether a job of that number is one of those that are traced."""
        # Mixed, since jobs that begin others have numbers with a pattern.
        return (((job + self.phase) * _MIX & _MASK) >> 32) % self.every == 0

    def stat_number(self, routine_id: str, key: object) -> int:
        """The number by which records name a statistic of a routine. Any thread; takes no lock,
        since the caller holds one.
        """
        number = self._stat_numbers.get((routine_id, key))
        if number is None:
            number = self._stat_numbers.setdefault((routine_id, key), next(_stat_numbers))
        return number

    def stat_names(self) -> dict[int, tuple[str, str]]:
        """Routine id and key of each statistic that has changed while somebody traced, by number.

        As many as there are statistics. Numbers are unique in this process.
        """
        names = self._stat_numbers.copy().items()  # a copy, since it may grow meanwhile
        return {number: (i, key_text(key)) for (i, key), number in names}

    def subscribe(self, level: Level = Level.TRACE, every: int = 1) -> Subscription:
        """Start to watch: records from now on. Counters go on from what is counted already.

        Args:
            level: how much is wanted.
            every: trace one job in so many, see `Subscription.sample`.

        Raises:
            InvalidValueError: ``every`` is no number of at least 1.
        """
        subscription = Subscription(self, Level(level), at_least(every, 1, "every"))
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
            wanted = [s.every for s in self._subscriptions if s.level is Level.TRACE]
            self.every = min(wanted, default=1)
            self.phase += self.every > 1
        if self.on_level is not None:
            self.on_level()


class Subscription:
    """One reader's place in every lane. Use from one thread at a time.

    Attributes:
        level: what it asked for.
        every: it wants one job in so many traced.
        published: records published since it began, as of the last `read`.
        received: records that `read` has returned.
    """

    def __init__(self, bus: EventBus, level: Level, every: int = 1) -> None:
        self.level = level
        self.every = every
        self._bus = bus
        self._seen = {lane.number: lane.published for lane in bus.lanes()}
        self._noted = {lane.number: lane.noted for lane in bus.lanes()}
        self.published = 0
        self.received = 0

    @property
    def lost(self) -> int:
        """Records that were published but never returned: overwritten, or over a read's limit."""
        return self.published - self.received

    def forget_threads(self) -> None:
        """In the child of a fork: the lanes are new."""
        self._seen.clear()
        self._noted.clear()

    def sample(self, every: int) -> None:
        """Trace one job in so many from now on, with the jobs that its handlers begin.

        Each call takes others, also of the open jobs: so a long job is traced for a part of its
        time. All others are counted: counters stay exact, histograms are those of what was traced,
        and failures are published of all. Emits from outside of any job are traced only if all
        jobs are. Several subscriptions get what the one asks for that wants most. Any thread.

        Raises:
            InvalidValueError: ``every`` is no number of at least 1.
        """
        self.every = at_least(every, 1, "every")
        self._bus._update_level()

    def read(self, limit: int | None = None) -> list[Record]:
        """The newest records since the last read, in order of time.

        Args:
            limit: at most that many, the newest; the others count as lost. None: no limit.
        """
        found: list[tuple[int, Raw]] = []
        published = 0
        for lane in self._bus.lanes():
            number, seen = lane.number, self._seen.get(lane.number, 0)
            self._seen[number], records = lane.since(seen)
            published += self._seen[number] - seen
            found.extend((number, raw) for raw in records)
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
            for n, (worker, (time, kind, job, act, cause, subject, queued, start, st, value)) in
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
        for lane in self._bus.lanes():
            lane.fold()  # what is not counted yet knows the flow


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
