"""What a run keeps of one routine and of one thread between snapshots."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping

from tui.session.messages import TIMER, EdgeInfo, FlowState

from .history import SECOND, Floor, Rate, Series, Window
from .rows import Key, RoutineRow, State

#: Cells of a lane, one per snapshot: a minute at 10 Hz.
LANE_CELLS = 600
#: Cells that a lane's busy share is taken over: five seconds at 10 Hz.
BUSY_CELLS = 50
#: A queue grows when it never had fewer deliveries than this in the last two seconds, and so many
#: more than in the two before, and such a share of what comes in a second.
_LEAST_QUEUE, _LEAST_GROWTH, _LEAST_SHARE = 20, 5, 0.05
#: A routine counts as saturated for so long after a look found it so: a full slot has room for a
#: moment whenever a message is taken out.
_SATURATED_FOR = SECOND
#: A routine shows as failed for so long after a failure, or until something else happens.
_FAILED_FOR = 10 * SECOND


class RoutineGauge:
    """One routine: totals as summed from its edges, and what they were over time."""

    def __init__(self, key: Key, name: str, cls: str) -> None:
        self.key, self.name, self.cls = key, name, cls
        self.queued = self.started = self.done = self.failed = self.dropped = self.out = 0
        self.retries = self.timers = self.parked = 0
        self.full = False
        self.failed_at: int | None = None
        self.saturated_at: int | None = None
        self.in_rate, self.out_rate, self.depth = Rate(), Rate(), Floor()
        self.work, self.threads = Rate(5 * SECOND), 0  # ns of handlers; threads of its flow
        self.trend = Series()
        self.run, self.wait = Window(), Window()
        self.run_minute, self.wait_minute = Window(60, 6), Window(60, 6)

    @property
    def queue(self) -> int:
        """Deliveries that were queued and have not begun."""
        return max(0, self.queued - self.started - self.dropped)

    def press(self, now: int) -> None:
        """Note whether it cannot keep up; call it for each look, when all else is known."""
        self.depth.add(now, self.queue)
        if self.full or (self.queue >= _LEAST_QUEUE and self._grows()):
            self.saturated_at = now

    def _grows(self) -> bool:
        least = max(_LEAST_GROWTH, _LEAST_SHARE * self.in_rate.per_second)
        return self.depth.least >= _LEAST_QUEUE and self.depth.growth >= least

    def state(self, now: int) -> State:
        """The most telling of what is true of it."""
        waiting = self.retries + self.timers
        recently = self.failed_at is not None and now - self.failed_at < _FAILED_FOR
        held = {
            State.FULL: self.full,
            State.RUNNING: self.started > self.done,
            State.PAUSED: 0 < self.queue <= self.parked,
            State.RETRY: self.retries > 0,
            State.QUEUED: self.queue > 0,
            State.TIMER: waiting > 0,
            State.FAILED: recently,
            State.IDLE: self.started > 0,
        }
        return next((state for state, is_so in held.items() if is_so), State.UNUSED)

    def row(self, now: int) -> RoutineRow:
        """What a pane shows of it."""
        run, wait = self.run, self.wait
        return RoutineRow(
            self.key,
            self.name,
            self.cls,
            self.state(now),
            max(0, self.started - self.done),
            self.in_rate.per_second,
            self.out_rate.per_second,
            self.queue,
            wait.percentile(0.5),
            wait.percentile(0.99),
            run.percentile(0.5),
            run.percentile(0.99),
            self.done,
            self.failed,
            self.dropped,
            self.retries + self.timers,
            self.trend.per_second(),
            self.saturated_at is not None and now - self.saturated_at < _SATURATED_FOR,
            min(1.0, self.work.per_second / (SECOND * max(1, self.threads))),
        )


def hold(
    routines: Mapping[Key, RoutineGauge],
    edges: Mapping[int, tuple[int, EdgeInfo]],
    states: Iterable[FlowState],
) -> None:
    """Tell routines what of theirs waits for something else than a worker: time, a job, room."""
    for routine in routines.values():
        routine.retries = routine.timers = routine.parked = 0
        routine.full = False
    for state in states:
        for number, later, parked in state.held:
            flow, edge = edges.get(number, (0, None))
            target = routines.get((flow, edge.target)) if edge is not None else None
            if edge is None or target is None:
                continue
            is_timer = edge.source < 0 and edge.event == TIMER
            target.timers += later if is_timer else 0
            target.retries += 0 if is_timer else later
            target.parked += parked
        for box in state.boxes:
            target = routines.get((state.number, box.routine))
            if target is not None and box.room:
                target.full |= box.blocked > 0 or box.waiting >= box.room


def share_pool(
    routines: Mapping[Key, RoutineGauge],
    lanes: Iterable[LaneGauge],
    routine_of: Mapping[int, Key],
    now: int,
) -> None:
    """Tell routines how much of the threads' time their handlers have taken. Coroutines take none:
    they overlap.
    """
    work: dict[Key, int] = {}
    threads: dict[int, int] = {}
    for lane in lanes:
        if lane.coroutines is not None or not lane.ran:
            continue
        threads[lane.flow] = threads.get(lane.flow, 0) + 1
        for edge, spent in lane.spent.items():
            if edge in routine_of:
                work[routine_of[edge]] = work.get(routine_of[edge], 0) + spent
    for key, routine in routines.items():
        routine.threads = threads.get(key[0], 0)
        routine.work.add(now, work.get(key, 0))


#: Names kept of threads that have ended, for each that has taken their place.
_FORMER = 100


class LaneGauge:
    """One thread: what it has run, and a cell for each snapshot."""

    def __init__(self, flow: int, name: str) -> None:
        self.flow, self.name = flow, name
        self.ran = False
        self.run_ns: dict[int, int] = {}  # by edge, of handlers that ended; partly by guess
        self.running: tuple[int, int, int] | None = None
        self.coroutines: int | None = None
        self.cells: deque[tuple[Key | None, float]] = deque(maxlen=LANE_CELLS)
        self._mean: dict[int, float] = {}  # ns of a handler, by edge
        self.spent: dict[int, int] = {}  # by edge, at the last snapshot, running ones included
        # Threads that were here before, the newest of them, each with the time it was seen last.
        self._former: deque[tuple[int, str]] = deque(maxlen=_FORMER)

    def name_at(self, time: int | None) -> str:
        """Of the thread that was here at a time; None: that is here now."""
        if time is not None:
            for until, name in self._former:
                if time <= until:
                    return name
        return self.name

    def rename(self, name: str, until: int) -> None:
        """Another thread goes on here; what the last one did, up to then, is not its doing."""
        self._former.append((until, self.name))
        self.name = name
        self.ran = False
        self.cells.clear()

    def add_time(self, edge: int, done: int, timed: int, run_ns: int) -> None:
        """Add handlers that ended; of those that were not timed the mean of the others counts."""
        if timed:
            self._mean[edge] = run_ns / timed
        untimed = max(0, done - timed)
        guess = round(untimed * self._mean.get(edge, 0.0))
        self.run_ns[edge] = self.run_ns.get(edge, 0) + run_ns + guess

    def step(self, now: int, elapsed: int, routine_of: dict[int, Key]) -> None:
        """Add one cell: which routine took most of the time since the last, and how much of it."""
        busy = dict(self.run_ns)
        if self.running is not None:
            edge, since, _ = self.running
            busy[edge] = busy.get(edge, 0) + max(0, now - since)
        spent: dict[Key, int] = {}
        for edge, total in busy.items():
            key = routine_of.get(edge)
            if key is not None:
                spent[key] = spent.get(key, 0) + max(0, total - self.spent.get(edge, 0))
        self.spent = busy
        used = sum(spent.values())
        if used and elapsed > 0:
            self.cells.append((max(spent, key=spent.__getitem__), min(1.0, used / elapsed)))
        else:
            self.cells.append((None, 0.0))
