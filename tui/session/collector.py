"""Reads the flows of this process into snapshots. Runs beside them; never calls user code.

Two orders make the numbers honest: what was taken out of queues is read of all threads before what
was put in, so that a queue never seems negative; and records carry their own numbers, so that a
loss is exact.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from routilux import Flow, Level, Subscription, hub
from routilux.activation import NO_EDGE, NOT_TIMED, Delivery
from routilux.clock import now_ns
from routilux.copies import copied
from routilux.histogram import merge
from routilux.lanes import Counts as LaneCounts
from routilux.lanes import Lane
from routilux.preview import key_text, value_preview

from .facts.ending import Ending
from .facts.threads import look_at
from .facts.wiring import facts_of
from .factual import FlowFacts, ThreadLook
from .jobs import job_infos, later
from .messages import Counts, FlowState, Histogram, LaneState, Pull, RecordTuple, Snapshot
from .sampling import Sampler
from .standing import flow_state, loop_thread, under_way
from .topology import describe, topology_key
from .waits import WaitWatch

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
        spent_ns: CPU time spent for the monitor outside of `snapshot`, as on sending; the next
            snapshot takes it along. Written by the thread that asks for snapshots.
        files: those that may have built the flows, beside the main script.
        ending: how the script left the flows, once it has ended.
    """

    def __init__(self, generation: int = 1) -> None:
        self.generation = generation
        self._lock = threading.Lock()  # guards the four below: flows announce from any thread
        self._watched: list[_Watched] = []
        self._unwatched = 0
        self._published = self._received = 0  # records of flows that have made way
        self._sent_topology: object = None
        self._waits = WaitWatch()
        self.began_ns = now_ns()
        self.spent_ns = 0
        self.files: tuple[str, ...] = ()
        self.ending: Ending | None = None

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
        begin, spent = time.thread_time_ns(), self.spent_ns
        self.spent_ns = 0
        with self._lock:
            watched, unwatched = list(self._watched), self._unwatched
            published, received = self._published, self._received
        taken = now_ns()  # of the counts, which are read first; the rest may be newer
        topology = [topology_key(w.flow) for w in watched]
        flows = facts = None
        if topology != self._sent_topology:
            self._sent_topology = topology
            flows = tuple(describe(w.flow) for w in watched)
            facts = tuple(w.facts(self.files) for w in watched)
        lanes = tuple(lane for w in watched for lane in w.lanes())
        histograms = tuple(h for w in watched for h in w.histograms()) if pull.histograms else ()
        records, notes = _records(watched, pull)
        published += sum(w.subscription.published for w in watched)
        received += sum(w.subscription.received for w in watched)
        asked = [w.flow for w in watched] if pull.jobs else []
        jobs = job_infos(asked, pull.jobs) if pull.jobs else None
        waiting = later(asked)
        spent += sum(w.preview_ns() for w in watched)
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
            cost_ns=spent + time.thread_time_ns() - begin,
            rss=_rss(),
            unwatched_flows=unwatched,
            began_ns=self.began_ns,
            stat_names=tuple(name for w in watched for name in w.stat_names()),
            jobs=jobs,
            later=waiting,
            facts=facts,
            threads=tuple(look for w in watched for look in w.threads()),
            ends=self.ending.ends if self.ending is not None else (),
            synthetic=tuple(number for w in watched for number in w.synthetic()),
            waits=self._waits.look([w.flow for w in watched]),
        )

    def add(self, flow: Flow) -> None:
        """Watch one flow. `attach` has the hub call this for each; from any thread."""
        flow.bus.generation = self.generation
        flow.bus.previews = Pull().previews  # a short flow may be over before the first look
        flow.bus.dead_previews = Pull().previews
        flow.bus.trees = True
        with self._lock:
            if len(self._watched) == MAX_FLOWS:
                idle = next((w for w in self._watched if not w.flow._scheduler.jobs), None)
                self._unwatched += 1
                if idle is None:
                    return
                self._watched.remove(idle)
                published = sum(lane.published for lane in idle.flow.bus.lanes())
                self._published += published - idle.before
                self._received += idle.subscription.received
                idle.subscription.close()
            self._watched.append(_Watched(flow))


class _Watched:
    """One flow and what was last sent of it."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.before = sum(lane.published for lane in flow.bus.lanes())  # which we never were to see
        self.subscription: Subscription = flow.bus.subscribe(Level.TRACE)
        self._counts: dict[tuple[int, int], Counts] = {}
        self._timed: dict[int, int] = {}  # by edge, when its histogram was last sent
        self._stats: dict[str, dict[str, int | float | str]] = {}
        self._in_hand: dict[int, Delivery] = {}
        self._seen: dict[int, tuple[tuple[int, int] | None, int]] = {}  # by lane: what, since
        self._sampler, self._published = Sampler(), 0
        self._named = 0  # statistics whose names were sent
        self._previewed = 0  # what previews have cost so far
        self._synthetic: frozenset[int] = frozenset()

    # The two that follow look at what the user has made, and are an extra: whatever they stumble
    # over must not end the run.

    def facts(self, files: tuple[str, ...]) -> FlowFacts:
        """What findings need to know of the flow's source; nothing if that fails."""
        try:
            return facts_of(self.flow, files)
        except Exception:  # noqa: BLE001 - see above
            return FlowFacts(self.flow.number, ())

    def threads(self) -> list[ThreadLook]:
        """One look at each thread; none if that fails."""
        try:
            return list(look_at(self.flow))
        except Exception:  # noqa: BLE001 - see above
            return []

    def state(self) -> FlowState:
        return replace(flow_state(self.flow), every=self._sampler.every)

    def preview_ns(self) -> int:
        """CPU time that previews of payloads took since the last call."""
        before = self._previewed
        self._previewed = sum(lane.preview_ns for lane in self.flow.bus.lanes())
        return self._previewed - before

    def sample(self, budget: int | None) -> None:
        """Trace as many jobs as a reader of so many records a look can follow; None: all."""
        published, self._published = self._published, self.subscription.published
        if budget is not None:
            before = self._sampler.every
            every = self._sampler.look(self.subscription.published - published, budget)
            if every > 1 or before > 1:  # other jobs each time, also when it is as many
                self.subscription.sample(every)

    def lanes(self) -> list[LaneState]:
        lanes = self.flow.bus.lanes()
        over = [lane.counts() for lane in lanes]
        self._look_at_hands()  # after what has ended: nothing is counted twice
        running = [
            lane.running[:3] if lane.running is not None else self._untimed(lane, counts)
            for lane, counts in zip(lanes, over, strict=True)
        ]
        found = [
            LaneState(
                lane.number,
                self.flow.number,
                lane.thread.name,
                now,
                self._changed(lane, counts),
                tuple(lane.emitted.items()),
            )
            for lane, counts, now in zip(lanes, over, running, strict=True)
        ]
        self._add_loop(found, [lane.thread for lane in lanes])
        return found

    def _untimed(self, lane: Lane, over: dict[int, LaneCounts]) -> tuple[int, int, int] | None:
        """What a thread runs of a job that is not traced, and since when as far as was seen. It
        is counted as started here, as the engine does for what it traces.
        """
        delivery = self._in_hand.get(lane.thread.ident or 0)
        if delivery is None:
            self._seen.pop(lane.number, None)
            return None
        number = delivery[0].number
        counts = over.get(number, _NOTHING)
        over[number] = counts._replace(started=counts.started + 1)
        # An id may be used again for the next one, but then something was done meanwhile.
        this = (id(delivery), sum(each.done for each in over.values()))
        seen, since = self._seen.get(lane.number, (None, 0))
        if seen != this:
            since = now_ns()
            self._seen[lane.number] = (this, since)
        return number, since, 0

    def _look_at_hands(self) -> None:
        """Note what threads run that is counted only."""
        backends = [self.flow._inline, *([self.flow._threads] if self.flow._threads else [])]
        self._in_hand = {
            ident: delivery
            for backend in backends
            for ident, delivery in backend.in_hand().items()
            if delivery[4] == NOT_TIMED and delivery[0] is not NO_EDGE
        }

    def _add_loop(self, found: list[LaneState], threads: Sequence[threading.Thread]) -> None:
        """Say what the event loop does; its thread has no lane before it has ended a coroutine."""
        thread = loop_thread(self.flow)
        if thread is None:
            return
        coroutines, first = under_way(self.flow)
        if thread in threads:
            place = threads.index(thread)
            found[place] = replace(found[place], running=first, coroutines=coroutines)
        elif coroutines:
            number = self.flow.number
            found.append(LaneState(-number, number, thread.name, first, (), (), coroutines))

    def _changed(self, lane: Lane, over: dict[int, LaneCounts]) -> tuple[Counts, ...]:
        found: list[Counts] = []
        queued, dropped = lane.queued(), dict(lane.dropped)
        for edge in {**queued, **over, **dropped}:  # a thread may drop what it never queued
            n = over.get(edge, _NOTHING)
            counts: Counts = (edge, queued.get(edge, 0), *n[1:6], dropped.get(edge, 0), n.timed)
            if self._counts.get((lane.number, edge)) != counts:
                self._counts[lane.number, edge] = counts
                found.append(counts)
        return tuple(found)

    def histograms(self) -> Iterable[Histogram]:
        parts: dict[int, list[tuple[dict[int, int], dict[int, int]]]] = {}
        for lane in self.flow.bus.lanes():
            for edge, bins in lane.histograms().items():
                parts.setdefault(edge, []).append(bins)
        for edge, of_lanes in parts.items():
            run = merge(bins[0] for bins in of_lanes)
            timed = sum(run.values())
            if self._timed.get(edge) != timed:
                self._timed[edge] = timed
                yield Histogram(edge, run, merge(bins[1] for bins in of_lanes))

    def synthetic(self) -> Iterable[int]:
        """Jobs that were sent by hand since the last call; call it after the records were read."""
        known = self.flow.bus.synthetic
        if not known:
            return ()
        before, self._synthetic = self._synthetic, frozenset(copied(known))
        return sorted(self._synthetic - before)

    def stat_names(self) -> Iterable[tuple[int, int, str, str]]:
        """Those that came since the last call; call it after the records were read."""
        names = list(self.flow.bus.stat_names().items())
        new, self._named = names[self._named :], len(names)
        return [(number, self.flow.number, str(i), key) for number, (i, key) in new]

    def stats(self) -> Iterable[tuple[int, int, dict[str, int | float | str]]]:
        for number, (name, routine) in enumerate(list(self.flow.routines.items())):
            own = routine._own_stats()
            if isinstance(own.get("errors"), list):
                del own["errors"]  # the engine's own; errors are in the records
            values = {key_text(key): _plain(value) for key, value in own.items()}
            if values != self._stats.get(name, {}):
                self._stats[name] = values
                yield self.flow.number, number, values


_NOTHING = LaneCounts()


def _records(
    watched: list[_Watched], pull: Pull
) -> tuple[list[RecordTuple], list[tuple[int, int, str]]]:
    records: list[RecordTuple] = []
    notes: list[tuple[int, int, str]] = []
    busy = max(1, sum(bool(w.flow._scheduler.jobs) for w in watched))
    for flow in watched:
        flow.flow.bus.previews = flow.flow.bus.dead_previews = pull.previews
        flow.flow.bus.trees = pull.trees
        budget = max(1, pull.records // busy)
        records.extend(flow.subscription.read(budget))
        flow.sample(budget if pull.sample else None)
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
