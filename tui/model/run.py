"""One generation as far as snapshots tell: totals, rates and rows. Pure: no clock, no Textual."""

from __future__ import annotations

from collections.abc import Iterable

from routilux.histogram import Bins, merge, percentile
from tui.session.messages import (
    EXECUTE,
    TIMER,
    Counts,
    EdgeInfo,
    FlowInfo,
    FlowState,
    LaneState,
    Snapshot,
    WaitInfo,
)

from .facts import Facts
from .failures import Failures
from .gauges import BUSY_CELLS, LaneGauge, RoutineGauge, hold, share_pool
from .history import SECOND, Rate, Series, Window
from .jobs import Jobs
from .names import natural, short_thread
from .recent import Recent
from .rows import EdgeRow, Key, LaneRow, RoutineRow, Standing, StatRow
from .stats import StatHistory

#: How long a changed statistic is marked.
_MARK_FOR = SECOND
#: Points a second of the series of the whole run.
STEPS_A_SECOND = 2
_ZERO: Counts = (0, 0, 0, 0, 0, 0, 0, 0, 0)


class Run:
    """The state of one generation, folded from its snapshots.

    Attributes:
        generation: its number.
        origin: when its code began to run, ns of the engine's clock; 0 before the first snapshot.
        now: time of the last one.
        flows: topology by flow number.
        states: job counts by flow number.
        recent: what the newest records say of each routine, statistic and job.
        failures: errors by kind and place.
        jobs: what the engine told of its jobs when it was asked last.
        facts: what only findings need to know.
        stat_history: what statistics were over the last two minutes.
        synthetic: numbers of the jobs that were sent by hand.
        waits: which threads wait, those in a deadlock first.
    """

    def __init__(self, generation: int) -> None:
        self.generation = generation
        self.origin = self.now = 0
        self.flows: dict[int, FlowInfo] = {}
        self.states: dict[int, FlowState] = {}
        self.published = self.received = 0
        self.unwatched_flows = 0
        self.cpu_ns = self.cost_ns = self.rss = 0
        self.wiring = 0  # counts up with each new topology
        self.rate = Rate()
        self.entered, self.ended, self.failing = (
            Series(SECOND // STEPS_A_SECOND, 240) for _ in range(3)
        )
        self.run_total, self.wait_total = Window(), Window()
        self.recent, self.failures, self.jobs, self.facts = Recent(), Failures(), Jobs(), Facts()
        self.stat_history = StatHistory()
        self.synthetic: set[int] = set()
        self.waits: tuple[WaitInfo, ...] = ()
        self._routines: dict[Key, RoutineGauge] = {}
        self._told: list[RoutineRow] | None = None  # as they are now; several panes ask for them
        self._edges: dict[int, tuple[int, EdgeInfo]] = {}
        self._edge_rates: dict[int, Rate] = {}
        self._events: dict[int, tuple[int, int, str]] = {}  # number: flow, routine, name
        self._lanes: dict[int, LaneGauge] = {}
        self._counts: dict[tuple[int, int], Counts] = {}  # by lane, edge
        self._totals: dict[int, Counts] = {}  # by edge
        self._emitted: dict[tuple[int, int], int] = {}  # by lane, event
        self._bins: dict[int, tuple[Bins, Bins]] = {}  # by edge
        self._stats: dict[tuple[Key, str], tuple[int | float | str, int, Rate]] = {}
        self._stat_names: dict[int, tuple[int, str]] = {}  # number: flow, routine.key

    # folding ------------------------------------------------------------------------------------

    def apply(self, snapshot: Snapshot) -> int:
        """Fold one snapshot in. Returns how many records were published since the last."""
        now = snapshot.taken_ns
        self._told = None
        elapsed = now - self.now if self.now else 0
        self.origin = snapshot.began_ns or self.origin or now
        self.now = now
        if snapshot.flows is not None:
            self._rewire(snapshot.flows)
        self.states = {state.number: state for state in snapshot.states}
        for lane in snapshot.lanes:
            self._take_lane(lane, now - elapsed)
        self._forget_loops(snapshot.lanes)
        self._step(now, elapsed)
        if snapshot.histograms:
            for histogram in snapshot.histograms:
                self._bins[histogram.edge] = (histogram.run, histogram.wait)
            self._take_histograms(now)
        for number, in_flow, owner, name in snapshot.stat_names:
            self._stat_names[number] = (in_flow, f"{owner}.{name}")
        for flow, routine, values in snapshot.stats:
            self._take_stats((flow, routine), values, now)
        for value, _, rate in self._stats.values():
            if not isinstance(value, str):
                rate.add(now, value)
        self.stat_history.take(now, {ident: value for ident, (value, *_) in self._stats.items()})
        self.recent.name_stats(snapshot.stat_names)
        self.recent.take(snapshot.records, self._edges)
        self.failures.take(snapshot.records, snapshot.notes, self._edges)
        self.jobs.take(snapshot)
        self.facts.take(snapshot)
        self.synthetic.update(snapshot.synthetic)
        self.waits = snapshot.waits
        # Flows that are no longer watched take their share of the sum with them.
        fresh = max(0, snapshot.published - self.published)
        self.published, self.received = snapshot.published, snapshot.received
        self.cpu_ns, self.rss = snapshot.cpu_ns, snapshot.rss
        self.cost_ns += snapshot.cost_ns
        self.unwatched_flows = snapshot.unwatched_flows
        return fresh

    def _rewire(self, flows: Iterable[FlowInfo]) -> None:
        self.wiring += 1
        self.flows = {flow.number: flow for flow in flows}
        for flow in self.flows.values():
            for info in flow.routines:
                key = (flow.number, info.number)
                if key not in self._routines:
                    self._routines[key] = RoutineGauge(key, info.id, info.cls)
                for number, name in info.events:
                    self._events[number] = (flow.number, info.number, name)
            for edge in flow.edges:
                self._edges[edge.number] = (flow.number, edge)
        several = len(self.flows) > 1
        for key, routine in self._routines.items():
            known = self.flows.get(key[0])
            if known is not None:
                name = known.routines[key[1]].id
                routine.name = f"{known.id}/{name}" if several else name

    def _take_lane(self, state: LaneState, until: int) -> None:
        lane = self._lanes.get(state.number)
        if lane is None:
            lane = self._lanes[state.number] = LaneGauge(state.flow, state.name)
        elif lane.name != state.name:
            lane.rename(state.name, until)  # a thread has ended and another goes on in its place
        lane.running, lane.coroutines = state.running, state.coroutines
        lane.ran = lane.ran or state.running is not None
        for counts in state.counts:
            edge = counts[0]
            before = self._counts.get((state.number, edge), _ZERO)
            self._counts[state.number, edge] = counts
            total = self._totals.get(edge, _ZERO)
            self._totals[edge] = (
                edge,
                *(
                    t + new - old
                    for t, new, old in zip(total[1:], counts[1:], before[1:], strict=True)
                ),
            )  # type: ignore[assignment]
            lane.add_time(edge, counts[3] - before[3], counts[8] - before[8], counts[5] - before[5])
            lane.ran = lane.ran or counts[2] > before[2] or counts[3] > before[3]
        for event, count in state.emitted:
            self._emitted[state.number, event] = count

    def _forget_loops(self, lanes: Iterable[LaneState]) -> None:
        """An event loop that has got a lane of its own leaves the number that stood for it."""
        there = {lane.number for lane in lanes}
        for number in [n for n in self._lanes if n < 0 and n not in there]:
            del self._lanes[number]

    def _step(self, now: int, elapsed: int) -> None:
        """Sum the edges into routines and take one point of every series."""
        routines = self._routines.values()
        failed_before = {routine.key: routine.failed for routine in routines}
        for routine in routines:
            routine.queued = routine.started = routine.done = 0
            routine.failed = routine.dropped = routine.out = 0
        emitted: dict[int, int] = {}
        for number, (flow, edge) in self._edges.items():
            _, queued, started, done, failed, _, _, dropped, _ = self._totals.get(number, _ZERO)
            target = self._routines.get((flow, edge.target))
            if target is not None:
                target.queued += queued
                target.started += started
                target.done += done
                target.failed += failed
                target.dropped += dropped
            if edge.source >= 0:  # one emission goes over all edges of its event
                emitted[edge.event_number] = max(emitted.get(edge.event_number, 0), queued)
            self._edge_rates.setdefault(number, Rate()).add(now, queued)
        for (_, event), count in self._emitted.items():
            emitted[event] = emitted.get(event, 0) + count
        for event, count in emitted.items():
            flow, source, _ = self._events.get(event, (0, 0, ""))
            if (flow, source) in self._routines:
                self._routines[flow, source].out += count
        hold(self._routines, self._edges, self.states.values())
        for routine in routines:
            routine.in_rate.add(now, routine.queued)
            routine.out_rate.add(now, routine.out)
            routine.trend.add(now, routine.done)
            routine.press(now)
            if routine.failed > failed_before[routine.key]:
                routine.failed_at = now
        self.rate.add(now, self.done)
        self.entered.add(now, sum(r.queued for r in routines))
        self.ended.add(now, self.done)
        self.failing.add(now, self.errors)
        routine_of = self.targets()
        for lane in self._lanes.values():
            lane.step(now, elapsed, routine_of)
        share_pool(self._routines, self._lanes.values(), routine_of, now)

    def _take_histograms(self, now: int) -> None:
        by_routine: dict[Key, list[tuple[Bins, Bins]]] = {}
        for number, bins in self._bins.items():
            if number in self._edges:
                flow, edge = self._edges[number]
                by_routine.setdefault((flow, edge.target), []).append(bins)
        for key, parts in by_routine.items():
            routine = self._routines[key]
            routine.run.add(now, merge(run for run, _ in parts))
            routine.wait.add(now, merge(wait for _, wait in parts))
            # The same object in both windows: what they keep of it is kept once.
            routine.run_minute.add(now, routine.run.total)
            routine.wait_minute.add(now, routine.wait.total)
        self.run_total.add(now, merge(run for run, _ in self._bins.values()))
        self.wait_total.add(now, merge(wait for _, wait in self._bins.values()))

    def _take_stats(self, key: Key, values: dict[str, int | float | str], now: int) -> None:
        for name in [n for k, n in self._stats if k == key and n not in values]:
            del self._stats[key, name]
        for name, value in values.items():
            old = self._stats.get((key, name))
            if old is None:
                self._stats[key, name] = (value, self.origin - _MARK_FOR, Rate())
            elif old[0] != value:
                self._stats[key, name] = (value, now, old[2])

    # reading ------------------------------------------------------------------------------------

    @property
    def done(self) -> int:
        """Activations that have ended."""
        return sum(routine.done for routine in self._routines.values())

    @property
    def timed(self) -> int:
        """Those of them that were traced."""
        return sum(counts[8] for counts in self._totals.values())

    @property
    def errors(self) -> int:
        """Activations that failed."""
        return sum(routine.failed for routine in self._routines.values())

    @property
    def open_jobs(self) -> int:
        """Jobs that have not ended."""
        return sum(state.open_jobs for state in self.states.values())

    @property
    def standing(self) -> Standing:
        """Jobs and what waits, over all flows."""
        states = list(self.states.values())
        return Standing._make(sum(getattr(s, field) for s in states) for field in Standing._fields)

    @property
    def every(self) -> int:
        """One job in so many is traced, in the flow where it is fewest."""
        return max((state.every for state in self.states.values()), default=1)

    @property
    def deadlocks(self) -> int:
        """Circles of threads that wait for each other for ever."""
        return max((wait.deadlock for wait in self.waits), default=0)

    @property
    def waiting(self) -> int:
        """Deliveries that were queued and have not begun."""
        return sum(state.waiting for state in self.states.values())

    @property
    def elapsed_ns(self) -> int:
        """Time from the first snapshot to the last."""
        return self.now - self.origin

    def routine_name(self, key: Key) -> str:
        """A routine's name, with its flow's when there are several."""
        routine = self._routines.get(key)
        return routine.name if routine is not None else "?"

    def edge_name(self, number: int) -> str:
        """An edge as ``source.event>target.slot``."""
        if number not in self._edges:
            return f"edge {number}"
        flow, edge = self._edges[number]
        target = f"{self.routine_name((flow, edge.target))}.{edge.slot}"
        if edge.source < 0:
            return self.edge_short(number) if self.is_timer(number) else f"{edge.event}>{target}"
        return f"{self.routine_name((flow, edge.source))}.{edge.event}>{target}"

    def edge_short(self, number: int) -> str:
        """An edge as ``source>target``, where the whole name finds no room."""
        if number not in self._edges:
            return f"edge {number}"
        flow, edge = self._edges[number]
        source = self.routine_name((flow, edge.source)) if edge.source >= 0 else edge.event
        return f"{source}>{self.routine_name((flow, edge.target))}"

    def edge_source(self, number: int) -> str:
        """What leads over an edge: ``routine.event``, ``execute`` or ``timer``."""
        if number not in self._edges:
            return f"edge {number}"
        flow, edge = self._edges[number]
        if edge.source < 0:
            return edge.event
        return f"{self.routine_name((flow, edge.source))}.{edge.event}"

    def edge_rate(self, number: int) -> float:
        """Deliveries queued per second."""
        rate = self._edge_rates.get(number)
        return rate.per_second if rate is not None else 0.0

    def edge_total(self, number: int) -> int:
        """Deliveries queued so far."""
        return self._totals.get(number, _ZERO)[1]

    def edge_counts(self, number: int) -> Counts:
        """What was counted of an edge so far, over all threads."""
        return self._totals.get(number, _ZERO)

    def edge_queue(self, number: int) -> int:
        """Deliveries that have not begun."""
        _, queued, started, _, _, _, _, dropped, _ = self._totals.get(number, _ZERO)
        return max(0, queued - started - dropped)

    def emitted(self, event: int) -> int:
        """Emissions of an event that nothing was connected to."""
        return sum(count for (_, number), count in self._emitted.items() if number == event)

    def stat_changed(self, key: Key, name: str) -> int | None:
        """When a look found a statistic changed last, None if none has."""
        _, changed, _ = self._stats.get((key, name), (0, self.origin - _MARK_FOR, None))
        return changed if changed > self.origin - _MARK_FOR else None

    def is_timer(self, number: int) -> bool:
        """Whether it is the edge over which a routine has itself called later."""
        _, edge = self._edges.get(number, (0, None))
        return edge is not None and edge.source < 0 and edge.event == TIMER

    def is_entry(self, number: int) -> bool:
        """Whether jobs come in over that edge."""
        _, edge = self._edges.get(number, (0, None))
        return edge is not None and edge.source < 0 and edge.event == EXECUTE

    def at_work(self) -> dict[int, tuple[int, int, int]]:
        """What runs now, as far as it is known: (edge, since, lane) by activation."""
        running = {number: lane.running for number, lane in self._lanes.items() if lane.running}
        return {act: (edge, since, lane) for lane, (edge, since, act) in running.items()}

    def edge_target(self, number: int) -> Key | None:
        """The routine that an edge leads to."""
        if number not in self._edges:
            return None
        flow, edge = self._edges[number]
        return flow, edge.target

    def edge_info(self, number: int) -> tuple[int, EdgeInfo] | None:
        """An edge as wired, with the number of its flow."""
        return self._edges.get(number)

    def event_info(self, number: int) -> tuple[int, int, str]:
        """The flow, the routine and the name of an event."""
        return self._events.get(number, (0, -1, ""))

    def stat_info(self, number: int) -> tuple[int, str]:
        """The flow of a statistic, and it as ``routine.key``."""
        return self._stat_names.get(number, (0, ""))

    def wired(self) -> dict[int, tuple[int, EdgeInfo]]:
        """Every edge by number, with the number of its flow."""
        return self._edges

    def run_time(self, key: Key) -> tuple[int, int | None]:
        """Of a routine: how many calls were timed, and the 99th percentile of them in ns."""
        gauge = self._routines.get(key)
        bins = gauge.run.total if gauge is not None else {}
        return sum(bins.values()), percentile(bins, 0.99)

    def targets(self) -> dict[int, Key]:
        """The routine that each edge leads to."""
        return {number: (flow, edge.target) for number, (flow, edge) in self._edges.items()}

    def event_name(self, number: int) -> str:
        """An event as ``routine.event``."""
        flow, routine, name = self._events.get(number, (0, 0, "?"))
        return f"{self.routine_name((flow, routine))}.{name}"

    def stat_name(self, number: int) -> str:
        """A statistic as ``routine.key``, with the flow's name when there are several."""
        flow, name = self._stat_names.get(number, (0, f"stat {number}"))
        known = self.flows.get(flow)
        return f"{known.id}/{name}" if known is not None and len(self.flows) > 1 else name

    def lane_label(self, number: int, time: int | None = None) -> str:
        """A short name of a thread: ``w3``, ``main``; of the one that was there at a time."""
        lane = self._lanes.get(number)
        return short_thread(lane.name_at(time)) if lane is not None else f"t{number}"

    def threads(self) -> list[int]:
        """The lanes of the threads that have run a handler, in the order of `lanes`."""
        ran = [(number, lane) for number, lane in self._lanes.items() if lane.ran]
        ran.sort(key=lambda each: (each[1].flow, natural(each[1].name)))
        return [number for number, _ in ran]

    def lane_flow(self, number: int) -> str:
        """The id of the flow that a thread works for."""
        lane = self._lanes.get(number)
        flow = self.flows.get(lane.flow) if lane is not None else None
        return flow.id if flow is not None else ""

    def halt(self) -> None:
        """The process is gone: its last state stays, what is per second is over."""
        self._told = None
        rates = [self.rate, *self._edge_rates.values(), *(s[2] for s in self._stats.values())]
        for routine in self._routines.values():
            rates += [routine.in_rate, routine.out_rate]
        for rate in rates:
            rate.stop()

    def routines(self) -> list[RoutineRow]:
        """Every routine, in order of flow and of addition."""
        if self._told is None:
            gauges = sorted(self._routines.items())
            self._told = [r.row(self.now) for key, r in gauges if key[0] in self.flows]
        return list(self._told)

    def edges(self) -> list[EdgeRow]:
        """Every connection between routines, and those by which jobs enter."""
        rows = []
        for number, (flow, edge) in self._edges.items():
            if flow not in self.flows:
                continue
            _, queued, started, _, _, _, _, dropped, _ = self._totals.get(number, _ZERO)
            rate = self._edge_rates.get(number)
            rows.append(
                EdgeRow(
                    number,
                    flow,
                    (flow, edge.source) if edge.source >= 0 else None,
                    (flow, edge.target),
                    f"{edge.event}>{edge.slot}",
                    rate.per_second if rate else 0.0,
                    max(0, queued - started - dropped),
                    queued,
                )
            )
        return rows

    def lanes(self) -> list[LaneRow]:
        """Every thread that has run a handler."""
        rows = []
        several = len({lane.flow for lane in self._lanes.values() if lane.ran}) > 1
        for lane in map(self._lanes.__getitem__, self.threads()):
            recent = list(lane.cells)[-BUSY_CELLS:]
            busy = sum(share for _, share in recent) / len(recent) if recent else 0.0
            flow = self.flows.get(lane.flow)
            label = short_thread(lane.name)
            if several and flow is not None:
                label = f"{flow.id}/{label}"
            key, since = None, 0
            if lane.running is not None:
                key, since = self.edge_target(lane.running[0]), max(0, self.now - lane.running[1])
            rows.append(LaneRow(label, list(lane.cells), busy, key, since, lane.coroutines))
        return rows

    def stats(self) -> list[StatRow]:
        """Every statistic, by routine in order, then by name."""
        return [
            StatRow(
                key,
                self.routine_name(key),
                name,
                value,
                None if isinstance(value, str) else rate.per_second,
                self.now - changed < _MARK_FOR,
            )
            for (key, name), (value, changed, rate) in sorted(
                self._stats.items(), key=lambda item: item[0]
            )
        ]
