"""What goes wrong with a pool of threads: L04, L06 and L07."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, NamedTuple

from tui.model.findings import Finding
from tui.session.messages import FlowInfo

from .lint import SECOND, Lint, Look, Stretch, seconds, several


class _Pool(NamedTuple):
    """One look at a pool: workers at work, and what waits."""

    busy: int
    queue: int
    cpu: int = 0


class Saturated(Lint):
    """Every worker is busy and messages wait, for some time."""

    id = "L06"
    title = "pool saturated"
    #: ``share``: of the looks in that time at which it was so.
    defaults: ClassVar = {"seconds": 5.0, "share": 0.95}

    def __init__(self, limits: dict[str, float] | None = None) -> None:
        super().__init__(limits)
        self._pools: dict[int, Stretch[_Pool]] = {}

    def note(self, look: Look) -> None:
        """Count busy workers and what waits."""
        for flow in look.pools():
            stretch = self._pools.setdefault(flow.number, Stretch(self.span))
            stretch.add(look.now, _Pool(look.pool(flow), waiting(look, flow)))

    def judge(self, look: Look) -> Iterator[Finding]:
        """A pool that was full at nearly all looks."""
        for flow in look.pools():
            stretch = self._pools.get(flow.number)
            if stretch is None or not stretch.is_full:
                continue
            full = sum(_is_full(seen, flow) for seen in stretch)
            if full < self.limits["share"] * len(stretch):
                continue
            (began, _), (now, last) = stretch.ends
            if not _is_full(last, flow):
                continue
            worst, queue = self._worst(look, flow)
            evidence = [
                f"all {several(flow.workers, 'worker')} were busy and messages waited at {full} of "
                f"{len(stretch)} looks in {seconds(now - began)}",
                f"{last.queue:,} wait now, most of them ({queue:,}) for {worst}",
            ]
            yield self.found(
                look.of_flow(flow),
                evidence,
                "messages wait for a worker, so latency grows with the queue",
                f"make {worst} faster, raise max_workers, or let its sources send less "
                "(max_queue on the slot)",
                numbers={"seconds": (now - began) / SECOND, "queue": last.queue},
                goal="workers",
            )

    @staticmethod
    def _worst(look: Look, flow: FlowInfo) -> tuple[str, int]:
        """The routine for which most wait."""
        queues: dict[int, int] = {}
        for edge in flow.edges:
            queues[edge.target] = queues.get(edge.target, 0) + look.run.edge_queue(edge.number)
        if not queues:
            return flow.id, 0
        number = max(queues, key=queues.__getitem__)
        return look.run.routine_name((flow.number, number)), queues[number]


def _is_full(seen: _Pool, flow: FlowInfo) -> bool:
    return seen.busy >= flow.workers and seen.queue > 0


def waiting(look: Look, flow: FlowInfo) -> int:
    """What waits in a flow and not because its job is paused."""
    state = look.run.states.get(flow.number)
    if state is None:
        return 0
    return max(0, state.waiting - sum(parked for _, _, parked in state.held))


class CpuBound(Lint):
    """Handlers in several threads that together use one core: they take turns."""

    id = "L04"
    title = "CPU-bound in threads"
    #: ``share``: CPU time of the workers by wall time; over ``most`` cores they do run in parallel.
    #: ``busy``: handlers under way on average.
    defaults: ClassVar = {"seconds": 5.0, "share": 0.9, "most": 1.25, "busy": 1.5}

    def __init__(self, limits: dict[str, float] | None = None) -> None:
        super().__init__(limits)
        self._pools: dict[int, Stretch[_Pool]] = {}
        self._clocks: dict[int, int] = {}  # CPU time of a lane's thread at the last look
        self._spent: dict[int, int] = {}  # by flow, since the start

    def note(self, look: Look) -> None:
        """Add up what the clocks of the workers say."""
        facts = look.run.facts
        for number, thread in facts.threads.items():
            lane = facts.lanes.get(number)
            if lane is None or thread.cpu_ns < 0:
                continue
            spent = max(0, thread.cpu_ns - self._clocks.get(number, thread.cpu_ns))
            self._clocks[number] = thread.cpu_ns
            self._spent[lane.flow] = self._spent.get(lane.flow, 0) + spent
        for flow in look.pools():
            if flow.number in self._spent:
                stretch = self._pools.setdefault(flow.number, Stretch(self.span))
                stretch.add(look.now, _Pool(look.pool(flow), 0, self._spent[flow.number]))

    def judge(self, look: Look) -> Iterator[Finding]:
        """Several handlers at work, and the CPU of one."""
        limits = self.limits
        for flow in look.pools():
            stretch = self._pools.get(flow.number)
            if stretch is None or not stretch.is_full:
                continue
            (began, first), (now, last) = stretch.ends
            share = (last.cpu - first.cpu) / (now - began)
            busy = sum(seen.busy for seen in stretch) / len(stretch)
            if not limits["share"] <= share <= limits["most"] or busy < limits["busy"]:
                continue
            yield self.found(
                look.of_flow(flow),
                [
                    f"{busy:.1f} handlers were at work on average over {seconds(now - began)}",
                    f"all workers together used {share:.2f} of one core",
                ],
                "Python runs one thread at a time: more workers do not make it faster, and they "
                "delay each other",
                "move the work to processes, to code that releases the interpreter lock, or use "
                "fewer workers",
                numbers={"cpu_share": share, "busy": busy},
                goal="workers",
            )


class Idle(Lint):
    """Messages wait beside workers with nothing to do; or one connection is passed over."""

    id = "L07"
    title = "idle worker beside a queue"
    #: ``queue``: messages that wait, at least; ``overtaken``: by so many later ones.
    defaults: ClassVar = {"seconds": 5.0, "queue": 10, "overtaken": 100}

    def __init__(self, limits: dict[str, float] | None = None) -> None:
        super().__init__(limits)
        self._pools: dict[int, Stretch[_Pool]] = {}
        self._edges: dict[int, Stretch[dict[int, tuple[int, int]]]] = {}  # (queue, started)

    def note(self, look: Look) -> None:
        """Count who is idle, and what of each connection waits and has begun."""
        run = look.run
        for flow in look.pools():
            pool = self._pools.setdefault(flow.number, Stretch(self.span))
            pool.add(look.now, _Pool(look.pool(flow), waiting(look, flow) - _held_back(look, flow)))
            edges = self._edges.setdefault(flow.number, Stretch(self.span))
            if not edges.is_due(look.now):
                continue
            counts = {e.number: (run.edge_queue(e.number), run.edge_counts(e.number)[2])
                      for e in flow.edges}  # fmt: skip
            edges.add(look.now, counts)

    def judge(self, look: Look) -> Iterator[Finding]:
        """Pools that were never all busy though messages waited all the time."""
        for flow in look.pools():
            pool = self._pools.get(flow.number)
            if pool is not None and pool.is_full:
                waited = min(seen.queue for seen in pool)
                busiest = max(seen.busy for seen in pool)
                if waited >= self.limits["queue"] and busiest < flow.workers:
                    yield self._idle(look, flow, pool, waited, busiest)
            edges = self._edges.get(flow.number)
            if edges is not None and edges.is_full:
                yield from self._passed_over(look, flow, edges)

    def _idle(
        self, look: Look, flow: FlowInfo, pool: Stretch[_Pool], waited: int, busiest: int
    ) -> Finding:
        (began, _), (now, _) = pool.ends
        evidence = [
            f"at least {waited:,} messages waited for {seconds(now - began)}",
            f"at most {busiest} of {several(flow.workers, 'worker')} had something to do",
        ]
        limited = _limited(look, flow)
        if limited:
            routine, slot, queue = limited
            place = look.of_routine((flow.number, routine), slot)
            evidence.append(f"{queue:,} of them wait for {place.name}, which takes few at a time")
            action = f"raise max_concurrency of {place.name}, or split its work over several slots"
        else:
            place = look.of_flow(flow)
            action = (
                "look whether jobs are executed with 'sequential', limit_workers() allows fewer "
                "threads, or a handler holds the queue"
            )
        return self.found(
            place,
            evidence,
            "there are hands for the work, and it is not handed to them",
            action,
            numbers={"queue": waited, "idle": flow.workers - busiest},
            goal="workers",
        )

    def _passed_over(
        self, look: Look, flow: FlowInfo, edges: Stretch[dict[int, tuple[int, int]]]
    ) -> Iterator[Finding]:
        """First come, first served: what began elsewhere beyond what waited there has overtaken."""
        (began, first), (now, last) = edges.ends
        overtook = {
            number: last[number][1] - started - queue
            for number, (queue, started) in first.items()
            if number in last
        }
        state = look.run.states.get(flow.number)
        paused = {edge for edge, _, parked in state.held if parked} if state else set()
        limited = {(box.routine, box.slot) for box in state.boxes} if state else set()
        for edge in flow.edges:
            number = edge.number
            if number not in overtook or number in paused or (edge.target, edge.slot) in limited:
                continue
            if not first[number][0] or last[number][1] > first[number][1]:
                continue
            passed = sum(more for other, more in overtook.items() if more > 0 and other != number)
            if passed >= self.limits["overtaken"]:
                place = look.of_routine((flow.number, edge.target), edge.slot)
                yield self.found(
                    place,
                    [
                        f"{last[number][0]:,} messages wait for {place.name}, and none began in "
                        f"{seconds(now - began)}",
                        f"{passed:,} that came later began meanwhile",
                    ],
                    "one connection starves while others are served",
                    "look in the timeline for what its job waits for; send smaller jobs",
                    title="unfair hand-out",
                    numbers={"queue": last[number][0], "overtaken": passed},
                    more="passed over",
                    goal="timeline",
                )


def _held_back(look: Look, flow: FlowInfo) -> int:
    """What waits at slots for which that is meant: they say how much may, or hold no worker."""
    state = look.run.states.get(flow.number)
    facts = look.run.facts.flows.get(flow.number)
    loops = {
        (routine.number, slot.name)
        for routine in (facts.routines if facts is not None else ())
        for slot in routine.slots
        if slot.coroutine
    }
    boxes = state.boxes if state is not None else ()
    return sum(box.waiting for box in boxes if box.room or (box.routine, box.slot) in loops)


def _limited(look: Look, flow: FlowInfo) -> tuple[int, str, int] | None:
    """The slot with a limit of its own at which most wait."""
    state = look.run.states.get(flow.number)
    boxes = [box for box in state.boxes if not box.room and box.waiting] if state else []
    most = max(boxes, key=lambda box: box.waiting, default=None)
    return (most.routine, most.slot, most.waiting) if most is not None else None
