"""Snapshots made by hand: a small world whose counters a test turns, as an engine would."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from routilux.histogram import Bins, bin_of
from routilux.records import Kind, Note, Status
from tui.model.monitor import Monitor
from tui.session.events import Event, Progress, Started
from tui.session.factual import FlowEnd, FlowFacts, ThreadLook
from tui.session.local import Label
from tui.session.messages import (
    EXECUTE,
    TIMER,
    Answer,
    EdgeInfo,
    FlowInfo,
    FlowState,
    Histogram,
    JobInfo,
    LaneState,
    LaterInfo,
    Pull,
    Question,
    RecordTuple,
    RoutineInfo,
    ScriptState,
    SlotInfo,
    Snapshot,
    WaitInfo,
)

SECOND = 1_000_000_000
MS = 1_000_000
#: Engine clocks start anywhere.
START = 1_000 * SECOND

Wire = tuple[str, str, str, str]
"""source, event, target, slot"""


def flow_info(
    wires: Sequence[Wire],
    *,
    number: int = 1,
    id: str = "flow",
    first: int = 1,
    routines: Sequence[str] = (),
    entries: Sequence[str] = (),
    timers: Sequence[str] = (),
) -> FlowInfo:
    """A topology from its connections.

    Edges are numbered from ``first`` in the order given, entries after them, then timers; events
    from ``first`` too, one for each source and name.
    """
    names = list(dict.fromkeys([*routines, *(n for s, _, t, _ in wires for n in (s, t)), *entries]))
    events: dict[tuple[str, str], int] = {}
    edges: list[EdgeInfo] = []
    for source, event, target, slot in wires:
        ident = events.setdefault((source, event), first + len(events))
        edges.append(
            EdgeInfo(
                first + len(edges), names.index(source), event, ident, names.index(target), slot
            )
        )
    for entry in entries:
        edges.append(EdgeInfo(first + len(edges), -1, EXECUTE, 0, names.index(entry), "trigger"))
    for timer in timers:
        edges.append(EdgeInfo(first + len(edges), -1, TIMER, 0, names.index(timer), "(later)"))
    infos = tuple(
        RoutineInfo(
            place,
            name,
            name.title().replace("_", ""),
            "flow.py",
            10 + place,
            tuple(
                SlotInfo(slot, "override", "handle")
                for slot in dict.fromkeys(w[3] for w in wires if w[2] == name)
            ),
            tuple((ident, event) for (source, event), ident in events.items() if source == name),
            name in entries,
        )
        for place, name in enumerate(names)
    )
    return FlowInfo(number, id, "concurrent", 4, infos, tuple(edges))


class World:
    """An engine made of counters: turn them, then take a snapshot.

    Counts are totals by (lane, edge) as ``[queued, started, done, failed, run ns, wait ns,
    dropped, timed]``. Lane 0 is the main thread, lane n the n-th worker.
    """

    def __init__(self, *flows: FlowInfo, generation: int = 1, now: int = START) -> None:
        self.flows = flows
        self.generation = generation
        self.now = now
        self.counts: dict[tuple[int, int], list[int]] = {}
        self.running: dict[int, tuple[int, int, int]] = {}
        self.threads: dict[int, str] = {}  # names of lanes that are no workers
        self.coroutines: dict[int, int] = {}  # of lanes that are event loops
        self.emitted: dict[tuple[int, int], int] = {}
        self.stats: dict[tuple[int, int], dict[str, int | float | str]] = {}
        self.run_bins: dict[int, Bins] = {}
        self.wait_bins: dict[int, Bins] = {}
        self.records: list[RecordTuple] = []
        self.notes: list[tuple[int, int, str]] = []
        self.stat_names: tuple[tuple[int, int, str, str], ...] = ()
        self.published = self.received = 0
        self.jobs = [0, 0, 0]  # open, completed, failed
        self.told_jobs: tuple[JobInfo, ...] | None = None
        self.later: tuple[LaterInfo, ...] = ()
        self.standing: dict[str, Any] = {}  # further fields of the first flow's `FlowState`
        self.waits: tuple[WaitInfo, ...] = ()
        self.synthetic: tuple[int, ...] = ()
        self.cpu = self.cost = 0
        self.rss = 50 * 1024 * 1024
        self.facts: tuple[FlowFacts, ...] | None = None  # sent once, when they are set
        self.looks: dict[int, ThreadLook] = {}  # at threads, by lane
        self.ends: tuple[FlowEnd, ...] = ()
        self._sequence = 0
        self._sent: tuple[FlowInfo, ...] | None = None

    def wait(self, ns: int) -> World:
        """Let time go by."""
        self.now += ns
        return self

    def count(self, lane: int, edge: int, **more: int) -> World:
        """Add to the totals of a lane's edge: queued, started, done, failed, run, wait, dropped."""
        totals = self.counts.setdefault((lane, edge), [0] * 8)
        for name, value in more.items():
            totals[_COUNTS.index(name)] += value
        totals[7] += more.get("done", 0)  # all of them were timed
        return self

    def handle(
        self,
        lane: int,
        edge: int,
        *,
        wait: int = MS,
        run: int = MS,
        failed: bool = False,
        retried: bool = False,
        payload: str = "",
        times: int = 1,
    ) -> World:
        """Whole activations that just ended: counts, histogram, record and note."""
        self.count(lane, edge, queued=times, started=times, done=times, failed=times * failed)
        self.count(lane, edge, run=run * times, wait=wait * times)
        for bins, value in ((self.run_bins, run), (self.wait_bins, wait)):
            counted = bins.setdefault(edge, {})
            counted[bin_of(value)] = counted.get(bin_of(value), 0) + times
        for _ in range(times):
            self.record(
                subject=edge,
                worker=lane,
                queued=self.now - run - wait,
                started=self.now - run,
                status=Status.FAILED if failed else Status.RETRIED if retried else Status.OK,
                payload=payload,
            )
        return self

    def record(
        self,
        kind: Kind = Kind.ACTIVATION,
        *,
        subject: int = 0,
        worker: int = 1,
        queued: int = 0,
        started: int = 0,
        status: Status = Status.OK,
        job: int = 1,
        cause: int = 0,
        payload: str = "",
        value: int | float = 0,
    ) -> World:
        """Publish a record that will arrive. Its activation is `last`."""
        self._sequence += 1
        ident = self._sequence
        self.published += 1
        self.received += 1
        self.records.append(
            (
                *(ident, self.now, int(kind), self.generation, job, ident, cause, worker, subject),
                *(queued, started, int(status), value),
            )
        )
        if payload:
            failed = status in (Status.FAILED, Status.RETRIED)
            self.notes.append((ident, Note.ERROR if failed else Note.PAYLOAD, payload))
        return self

    @property
    def last(self) -> int:
        """The activation of the last record."""
        return self._sequence

    def lose(self, records: int) -> World:
        """Publish records that will not arrive."""
        self.published += records
        self._sequence += records
        return self

    def snapshot(self, *, histograms: bool = True) -> Snapshot:
        """What the engine would answer now; as there, the wiring is sent only when it changed."""
        flows, self._sent = (None if self.flows == self._sent else self.flows), self.flows
        records, self.records = tuple(self.records), []
        notes, self.notes = tuple(self.notes), []
        cost, self.cost = self.cost, 0
        facts, self.facts = self.facts, None
        return Snapshot(
            taken_ns=self.now,
            generation=self.generation,
            flows=flows,
            states=tuple(self._state(flow) for flow in self.flows),
            lanes=tuple(self._lanes()),
            histograms=tuple(self._histograms()) if histograms else (),
            stats=tuple((*key, dict(values)) for key, values in self.stats.items()),
            records=records,
            notes=notes,
            published=self.published,
            received=self.received,
            cpu_ns=self.cpu,
            cost_ns=cost,
            rss=self.rss,
            stat_names=self.stat_names,
            jobs=self.told_jobs,
            later=self.later,
            facts=facts,
            threads=tuple(self.looks.values()),
            ends=self.ends,
            synthetic=self.synthetic,
            waits=self.waits,
        )

    def _state(self, flow: FlowInfo) -> FlowState:
        edges = {edge.number for edge in flow.edges}
        waiting = sum(c[0] - c[1] - c[6] for (_, edge), c in self.counts.items() if edge in edges)
        more = self.standing if flow is self.flows[0] else {}
        return FlowState(flow.number, max(0, waiting), *self.jobs, **more)

    def _lanes(self) -> Iterable[LaneState]:
        numbers = {lane for lane, _ in self.counts} | set(self.running)
        for number in sorted(numbers | {lane for lane, _ in self.emitted}):
            used = [edge for lane, edge in self.counts if lane == number]
            flow = next(
                (f.number for f in self.flows if any(e.number in used for e in f.edges)),
                self.flows[0].number,
            )
            yield LaneState(
                number,
                flow,
                self.threads.get(number, f"routilux-flow-{number}" if number else "MainThread"),
                self.running.get(number),
                tuple(
                    (edge, *totals)  # type: ignore[misc]
                    for (lane, edge), totals in self.counts.items()
                    if lane == number
                ),
                tuple((e, n) for (lane, e), n in self.emitted.items() if lane == number),
                self.coroutines.get(number),
            )

    def _histograms(self) -> Iterable[Histogram]:
        for edge in self.run_bins:
            yield Histogram(edge, dict(self.run_bins[edge]), dict(self.wait_bins[edge]))


_COUNTS = ("queued", "started", "done", "failed", "run", "wait", "dropped")


def watching(generation: int = 1) -> Monitor:
    """A monitor of a generation that runs."""
    monitor = Monitor("flow.py")
    monitor.handle(Started(generation))
    monitor.handle(Progress(generation, ScriptState("running", opened=True)))
    return monitor


class CannedSession:
    """A `tui.session.source.Source` that replays a list: a snapshot ends a tick, events do not."""

    def __init__(self, *items: Snapshot | Event, label: str = "flow.py") -> None:
        self.target = Label(label)
        self.generation = 1
        self.auto_reload = True
        self.on_event: Callable[[Event], None] = lambda _event: None
        self.answering = True
        self.alive = True
        self.calls: list[str] = []
        self.asked: list[Question] = []
        self.answers: list[Answer] = []  # what to answer next; none left: no answer comes
        self._items = list(items)

    def add(self, *items: Snapshot | Event) -> None:
        """More to replay."""
        self._items.extend(items)

    async def start(self) -> None:
        self.on_event(Started(1))
        self.on_event(Progress(1, ScriptState("running", opened=True)))

    async def pull(self, pull: Pull, patience: float) -> Snapshot | None:
        while self._items:
            item = self._items.pop(0)
            if isinstance(item, Snapshot):
                return item
            self.on_event(item)
        return None

    async def ask(self, request: Question, patience: float) -> Answer | None:
        self.asked.append(request)
        return self.answers.pop(0) if self.answers else None

    def execute(self) -> None:
        self.calls.append("execute")

    def reload(self) -> None:
        self.calls.append("reload")

    def restart(self) -> None:
        self.calls.append("restart")

    def kill(self) -> None:
        self.calls.append("kill")
        self.alive = False

    def kill_all(self) -> None:
        self.calls.append("kill_all")

    async def close(self, drain: float = 0.1) -> None:
        self.calls.append("close")
