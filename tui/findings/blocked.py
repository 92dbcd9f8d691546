"""Handlers that stand still: one that takes far too long (L10), many at one lock (L11)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, NamedTuple

from tui.model.findings import Finding, Place
from tui.session.factual import ThreadLook
from tui.session.messages import LaneState

from .lint import SECOND, Lint, Look, Stretch, seconds


class Blocked(Lint):
    """A handler that runs many times as long as nearly all calls of its routine did."""

    id = "L10"
    title = "blocked handler"
    #: ``times`` the 99th percentile, and ``seconds`` at least; known from so many ``calls``.
    defaults: ClassVar = {"seconds": 1.0, "times": 10.0, "calls": 20}

    def judge(self, look: Look) -> Iterator[Finding]:
        """Look at what runs now."""
        run = look.run
        for number, lane in run.facts.lanes.items():
            if lane.running is None:
                continue
            edge, since, _ = lane.running
            key = run.edge_target(edge)
            runs = look.now - since
            if key is None or key[0] not in run.flows or runs < self.span:
                continue
            calls, usual = run.run_time(key)
            if usual is None or calls < self.limits["calls"] or runs < self.limits["times"] * usual:
                continue
            slot = run.wired()[edge][1].slot
            yield self._found(look, lane, look.of_routine(key, slot, number), (runs, calls, usual))

    def _found(
        self, look: Look, lane: LaneState, place: Place, times: tuple[int, int, int]
    ) -> Finding:
        runs, calls, usual = times
        evidence = [
            f"it runs for {seconds(runs)} on {place.worker}",
            f"99 of 100 calls took at most {seconds(usual)} ({calls:,} were timed)",
        ]
        thread = look.run.facts.threads.get(lane.number)
        if thread is not None and thread.file:
            evidence.append(_stands(thread))
        return self.found(
            place,
            evidence,
            "it holds a worker, and what it has taken",
            "Enter, then K, shows its stack; give what it waits for a timeout",
            numbers={"seconds": runs / SECOND, "p99": usual / SECOND},
        )


def _stands(thread: ThreadLook) -> str:
    at = f"{thread.function} at {thread.file.rpartition('/')[2]}:{thread.line}"
    if thread.waits == "lock":
        return f"it waits for lock {thread.name} in {at}"
    return f"it waits in {thread.waits}, {at}" if thread.waits else f"it is in {at}"


class _Waiting(NamedTuple):
    """One look at a lock: how many wait, and one of them with its place."""

    threads: int
    one: ThreadLook
    place: Place


class Convoy(Lint):
    """Several handlers wait for one lock most of the time: they run one after the other."""

    id = "L11"
    title = "lock convoy"
    #: ``threads`` that wait at once, at this ``share`` of the looks.
    defaults: ClassVar = {"seconds": 3.0, "threads": 2, "share": 0.5}

    def __init__(self, limits: dict[str, float] | None = None) -> None:
        super().__init__(limits)
        self._looks: Stretch[dict[int, _Waiting]] = Stretch(self.span)

    def note(self, look: Look) -> None:
        """Count who waits for which lock."""
        waiting: dict[int, list[ThreadLook]] = {}
        for thread in look.run.facts.threads.values():
            if thread.waits == "lock":
                waiting.setdefault(thread.lock, []).append(thread)
        found: dict[int, _Waiting] = {}
        for lock, threads in waiting.items():
            first = min(threads, key=lambda t: (t.file, t.line, t.lane))
            found[lock] = _Waiting(len(threads), first, self._place(look, first))
        self._looks.add(look.now, found)

    def judge(self, look: Look) -> Iterator[Finding]:
        """Locks at which several waited at many looks."""
        if not self._looks.is_full:
            return
        (began, _), (now, _) = self._looks.ends
        for lock in {lock for waiting in self._looks for lock in waiting}:
            seen = [waiting[lock] for waiting in self._looks if lock in waiting]
            many = [each for each in seen if each.threads >= self.limits["threads"]]
            if len(many) < self.limits["share"] * len(self._looks):
                continue
            # The same for as long as the lock is the same: a key that changes cannot be muted.
            _, one, place = min(many, key=lambda w: (w.one.file, w.one.line, w.place.key or (0, 0)))
            most = max(each.threads for each in many)
            yield self.found(
                place,
                [
                    f"{self.limits['threads']:.0f} or more threads waited for lock {one.name} at "
                    f"{len(many)} of {len(self._looks)} looks in {seconds(now - began)}, {most} "
                    "at most",
                    f"one of them in {one.function} at {place.source}",
                ],
                "handlers that wait for each other run one at a time, whatever the pool allows",
                "hold the lock for less, split it, or replace it by increment_stat() or a slot "
                "with max_concurrency=1",
                numbers={"share": len(many) / len(self._looks), "threads": most},
                subject=f"{one.name} in {one.function}",
            )

    @staticmethod
    def _place(look: Look, thread: ThreadLook) -> Place:
        lane = look.run.facts.lanes.get(thread.lane)
        key = look.run.edge_target(lane.running[0]) if lane and lane.running else None
        if key is None:
            flow = look.run.flows.get(lane.flow) if lane is not None else None
            name = flow.id if flow is not None else ""
            return Place(name, file=thread.file, line=thread.line)
        at = look.of_routine(key)
        return Place(at.flow, at.routine, "", "", key, key[0], thread.file, thread.line)
