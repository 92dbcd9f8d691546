"""Reads the flows of this process into snapshots. Runs beside them; never calls user code.

Two orders make the numbers honest: a thread's ``started`` is read before anybody's ``queued``, so
that a queue never seems negative; and records carry their own numbers, so a loss is exact.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable

from routilux import Flow, Level, Routine, Subscription, hub
from routilux.bus import Lane
from routilux.clock import now_ns
from routilux.histogram import merge
from routilux.ports import Connection
from routilux.preview import value_preview

from .messages import (
    Counts,
    EdgeInfo,
    FlowInfo,
    FlowState,
    Histogram,
    LaneState,
    Pull,
    RecordTuple,
    RoutineInfo,
    SlotInfo,
    Snapshot,
)

#: Flows watched at once. They are kept alive, for their final state stays on screen; a script
#: that makes thousands must not grow for that.
MAX_FLOWS = 64
_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
_INT64 = 2**63


class Collector:
    """Watches every flow of this process from its creation and makes snapshots on demand.

    Args:
        generation: put into every record and snapshot.

    Attributes:
        began_ns: when the code began to run; who opens the gate sets it anew.
    """

    def __init__(self, generation: int = 1) -> None:
        self.generation = generation
        self._lock = threading.Lock()  # guards the four below: flows announce from any thread
        self._watched: list[_Watched] = []
        self._unwatched = 0
        self._published = self._received = 0  # records of flows that have made way
        self._sent_topology: object = None
        self.began_ns = now_ns()

    def attach(self) -> None:
        """Subscribe to the flows that exist and to all that come."""
        hub.watch(self.add)

    def detach(self) -> None:
        """Stop watching and let the flows go."""
        hub.unwatch(self.add)
        with self._lock:
            watched, self._watched = self._watched, []
        for flow in watched:
            flow.subscription.close()

    def flows(self) -> list[Flow]:
        """The watched flows, in order of creation."""
        with self._lock:
            return [watched.flow for watched in self._watched]

    def snapshot(self, pull: Pull) -> Snapshot:
        """The state now, and what changed since the last call. From one thread at a time."""
        cost = time.thread_time_ns()
        with self._lock:
            watched, unwatched = list(self._watched), self._unwatched
            published, received = self._published, self._received
        taken = now_ns()  # of the counts, which are read first; the rest may be newer
        topology = [w.topology_key() for w in watched]
        flows = None
        if topology != self._sent_topology:
            self._sent_topology = topology
            flows = tuple(describe(w.flow) for w in watched)
        lanes = tuple(lane for w in watched for lane in w.lanes())
        histograms = tuple(h for w in watched for h in w.histograms()) if pull.histograms else ()
        records, notes = _records(watched, pull)
        published += sum(w.subscription.published for w in watched)
        received += sum(w.subscription.received for w in watched)
        return Snapshot(
            taken_ns=taken,
            generation=self.generation,
            flows=flows,
            states=tuple(w.state() for w in watched),
            lanes=lanes,
            histograms=histograms,
            stats=tuple(s for w in watched for s in w.stats()),
            records=_numbered(records, published),
            notes=tuple(notes),
            published=published,
            received=received,
            cpu_ns=time.process_time_ns(),
            cost_ns=time.thread_time_ns() - cost,
            rss=_rss(),
            unwatched_flows=unwatched,
            began_ns=self.began_ns,
        )

    def add(self, flow: Flow) -> None:
        """Watch one flow. `attach` has the hub call this for each; from any thread."""
        flow.bus.generation = self.generation
        flow.bus.previews = Pull().previews  # a short flow may be over before the first look
        with self._lock:
            if len(self._watched) == MAX_FLOWS:
                idle = next((w for w in self._watched if not w.flow._scheduler.jobs), None)
                self._unwatched += 1
                if idle is None:
                    return
                self._watched.remove(idle)
                self._published += sum(lane.published for lane in idle.flow.bus.lanes())
                self._received += idle.subscription.received
                idle.subscription.close()
            self._watched.append(_Watched(flow))


class _Watched:
    """One flow and what was last sent of it."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.subscription: Subscription = flow.bus.subscribe(Level.TRACE)
        self._counts: dict[tuple[int, int], Counts] = {}
        self._done: dict[int, int] = {}  # by edge, when its histogram was last sent
        self._stats: dict[str, dict[str, int | float | str]] = {}

    def topology_key(self) -> tuple[int, ...]:
        """Changes whenever the wiring does."""
        flow = self.flow
        routines = list(flow.routines.values())
        ports = sum(len(r._slots) + len(r._events) for r in routines)
        entered = sum(s._entry is not None for r in routines for s in list(r._slots.values()))
        strategy = hash(flow.execution_strategy)
        wired = (len(routines), len(flow.connections), ports, entered)
        return (flow.number, *wired, strategy, flow.max_workers)

    def state(self) -> FlowState:
        scheduler = self.flow._scheduler
        threads = self.flow._threads
        waiting = self.flow._inline.waiting() + (threads.waiting() if threads else 0)
        return FlowState(
            self.flow.number, waiting, len(scheduler.jobs), scheduler.completed, scheduler.failed
        )

    def lanes(self) -> list[LaneState]:
        lanes = self.flow.bus.lanes()
        started = [
            {
                edge: (s.started, s.done, s.failed, s.run_ns, s.wait_ns)
                for edge, s in list(lane.shards.items())
            }
            for lane in lanes
        ]
        return [
            LaneState(
                lane.number,
                self.flow.number,
                lane.thread.name,
                lane.running,
                self._changed(lane, counts),
                tuple(lane.emitted.items()),
            )
            for lane, counts in zip(lanes, started, strict=True)
        ]

    def _changed(
        self, lane: Lane, started: dict[int, tuple[int, int, int, int, int]]
    ) -> tuple[Counts, ...]:
        found: list[Counts] = []
        for edge, shard in list(lane.shards.items()):
            ran = started.get(edge, (0, 0, 0, 0, 0))
            counts: Counts = (edge, shard.queued, *ran, lane.dropped.get(edge, 0))
            if self._counts.get((lane.number, edge)) != counts:
                self._counts[lane.number, edge] = counts
                found.append(counts)
        return tuple(found)

    def histograms(self) -> Iterable[Histogram]:
        shards: dict[int, list[tuple[dict[int, int], dict[int, int]]]] = {}
        done: dict[int, int] = {}
        for lane in self.flow.bus.lanes():
            for edge, shard in list(lane.shards.items()):
                done[edge] = done.get(edge, 0) + shard.done
                shards.setdefault(edge, []).append((dict(shard.run_bins), dict(shard.wait_bins)))
        for edge, parts in shards.items():
            if self._done.get(edge) != done[edge]:
                self._done[edge] = done[edge]
                yield Histogram(edge, merge(p[0] for p in parts), merge(p[1] for p in parts))

    def stats(self) -> Iterable[tuple[int, int, dict[str, int | float | str]]]:
        for number, (name, routine) in enumerate(list(self.flow.routines.items())):
            values = {str(key): _plain(value) for key, value in routine._own_stats().items()}
            if values != self._stats.get(name, {}):
                self._stats[name] = values
                yield self.flow.number, number, values


def describe(flow: Flow) -> FlowInfo:
    """A flow's topology as plain data."""
    routines = list(flow.routines.items())
    numbers = {id(routine): number for number, (_, routine) in enumerate(routines)}
    fed = {id(c.target_slot.routine) for c in flow.connections}
    infos = tuple(
        _routine(number, name, routine, id(routine) not in fed)
        for number, (name, routine) in enumerate(routines)
    )
    entered = [s._entry for _, r in routines for s in list(r._slots.values()) if s._entry]
    edges = (_edge(c, numbers) for c in [*flow.connections, *entered])
    return FlowInfo(
        flow.number,
        str(flow.flow_id),  # whatever the user took for ids
        flow.execution_strategy,
        flow.max_workers,
        infos,
        tuple(edge for edge in edges if edge is not None),
    )


def _routine(number: int, name: str, routine: Routine, unfed: bool) -> RoutineInfo:
    slots = list(routine._slots.values())
    file, line = _source(type(routine))
    merges = [s.merge_strategy if isinstance(s.merge_strategy, str) else "custom" for s in slots]
    handlers = [getattr(s.handler, "__name__", "") if s.handler else "" for s in slots]
    return RoutineInfo(
        number,
        str(name),
        type(routine).__name__,
        file,
        line,
        tuple(SlotInfo(s.name, m, h) for s, m, h in zip(slots, merges, handlers, strict=True)),
        tuple((event.number, event.name) for event in list(routine._events.values())),
        unfed and "trigger" in routine._slots,
    )


def _source(cls: type) -> tuple[str, int]:
    codes = [getattr(f, "__code__", None) for f in vars(cls).values()]
    found = [(c.co_firstlineno, c.co_filename) for c in codes if c is not None]
    line, file = min(found, default=(0, ""))
    return file, line


def _edge(connection: Connection, numbers: dict[int, int]) -> EdgeInfo | None:
    event, slot = connection.source_event, connection.target_slot
    target = numbers.get(id(slot.routine))
    source = numbers.get(id(event.routine)) if event else -1
    if target is None or source is None:
        return None
    name, number = (event.name, event.number) if event else ("execute", 0)
    return EdgeInfo(connection.number, source, name, number, target, slot.name)


def _records(
    watched: list[_Watched], pull: Pull
) -> tuple[list[RecordTuple], list[tuple[int, int, str]]]:
    records: list[RecordTuple] = []
    notes: list[tuple[int, int, str]] = []
    busy = max(1, sum(bool(w.flow._scheduler.jobs) for w in watched))
    for flow in watched:
        flow.flow.bus.previews = pull.previews
        records.extend(flow.subscription.read(max(1, pull.records // busy)))
        notes.extend(flow.subscription.read_notes())
    if len(watched) > 1:
        records.sort(key=lambda record: record[1])
    return records, notes


def _numbered(records: list[RecordTuple], published: int) -> tuple[RecordTuple, ...]:
    """Number them through all flows; the gap before the first is what this look has missed."""
    first = published - len(records) + 1
    return tuple((n, *record[1:]) for n, record in enumerate(records, first))


def _plain(value: object) -> int | float | str:
    kind = type(value)
    if kind is float or (kind is int and -_INT64 <= value < _INT64):  # type: ignore[operator]
        return value  # type: ignore[return-value]
    return value_preview(value)


def _rss() -> int:
    try:
        with open("/proc/self/statm", "rb") as statm:
            return int(statm.read().split()[1]) * _PAGE
    except (OSError, IndexError, ValueError):
        return 0
