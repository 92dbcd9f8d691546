"""Who waits for whom, and whether some wait for each other for ever.

The engine's own waits are read from `routilux.standing` and are exact. A thread that stands in one
handler for longer than a look is asked for its stack too; so is whoever is found to hold something.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterable, Mapping, Sequence
from threading import enumerate as enumerate_threads
from threading import get_ident, main_thread  # kept: a script may put others in their place
from types import FrameType
from typing import NamedTuple

from msgspec.structs import replace

from routilux import Flow
from routilux.activation import Delivery
from routilux.clock import now_ns
from routilux.job import PAUSED, JobState
from routilux.standing import For, Wait, waits
from routilux.workers import Backend

from .frames import current_frames
from .locks import Spot, holder_by_stack, owner_of, spot_of
from .messages import WaitInfo
from .stack import is_engine

#: A wait for a lock is told of once it has lasted so long, nanoseconds.
STANDS = 150_000_000
#: A circle must have been seen before, so long ago: what is read is read one after the other.
_SURE = 80_000_000
_THREADING = threading.__file__
#: Waits told of at most.
_MOST = 200


class Node(NamedTuple):
    """A thread that waits: its wait, the threads that it waits for, and whether it ever gives up.

    ``alone`` says that it waits although it is itself among the holders, and does not help.
    """

    ident: int
    info: WaitInfo
    holders: tuple[int, ...]
    alone: bool


def circles(nodes: Mapping[int, Node]) -> list[frozenset[int]]:
    """The threads that wait for each other for ever. Waits that end by themselves do not count."""
    lasting = {i: node.holders for i, node in nodes.items() if node.info.seconds is None}
    reach = {ident: _reachable(ident, lasting) for ident in lasting}
    found: set[frozenset[int]] = set()
    for ident, reached in reach.items():
        together = frozenset(o for o in reached if o in reach and ident in reach[o])
        if ident in reached and (len(together) > 1 or nodes[ident].alone):
            found.add(together)
    return sorted(found, key=min)


def _reachable(start: int, edges: Mapping[int, Sequence[int]]) -> set[int]:
    found: set[int] = set()
    todo = list(edges.get(start, ()))
    while todo:
        ident = todo.pop()
        if ident not in found:
            found.add(ident)
            todo.extend(edges.get(ident, ()))
    return found


class WaitWatch:
    """Looks at the waits of this process again and again. From one thread at a time."""

    def __init__(self) -> None:
        self._in_hand: dict[int, tuple[int, int]] = {}  # by thread: what it runs, seen since
        self._spots: dict[int, tuple[object, int]] = {}  # by thread: where it stands, since
        self._circles: dict[frozenset[int], tuple[object, int]] = {}

    def look(self, flows: Sequence[Flow]) -> tuple[WaitInfo, ...]:
        """What threads wait for now, those in a circle first, then the longest."""
        now = now_ns()
        running = [each for flow in flows for each in _running(flow)]
        engine = {wait.thread: wait for wait in waits()}
        stuck = self._standing_in(running, now) - engine.keys()
        if not engine and not stuck:
            self._spots.clear()
            self._circles.clear()
            return ()
        names = {t.ident or 0: t.name for t in enumerate_threads()}
        nodes = {i: _of_engine(wait, flows, running, names) for i, wait in engine.items()}
        self._add_locks(nodes, stuck, names, now)
        numbers = self._sure(nodes, now)
        infos = [_numbered(node.info, numbers.get(ident, 0)) for ident, node in nodes.items()]
        infos.sort(key=lambda info: (not info.deadlock, info.deadlock, info.since_ns))
        return tuple(infos[:_MOST])

    def _standing_in(self, running: Iterable[tuple[int, Delivery]], now: int) -> set[int]:
        """The threads that have been in the same handler for some time."""
        before, self._in_hand = self._in_hand, {}
        for ident, delivery in running:
            this, since = before.get(ident, (0, now))
            self._in_hand[ident] = (id(delivery), since if this == id(delivery) else now)
        return {ident for ident, (_, since) in self._in_hand.items() if now - since >= STANDS}

    def _add_locks(
        self, nodes: dict[int, Node], stuck: set[int], names: Mapping[int, str], now: int
    ) -> None:
        """Add the threads that wait for something else, and, from holder to holder, all others
        that they wait for.
        """
        mine = get_ident()
        main = main_thread().ident or 0
        held = {holder for node in nodes.values() for holder in node.holders}
        todo = (stuck | held | {main}) - nodes.keys() - {mine}
        frames = {i: frame for i, frame in current_frames().items() if i != mine}
        before, self._spots = self._spots, {}
        seen = set(nodes)
        while todo:
            ident = todo.pop()
            seen.add(ident)
            frame = frames.get(ident)
            spot = spot_of(frame) if frame is not None else None
            if frame is None or spot is None or spot.file.startswith(_OURS):
                continue
            if ident not in stuck | held and spot.kind == "other":
                continue  # a program's main thread may sleep for as long as it likes
            place = (id(frame), frame.f_lasti)
            known, since = before.get(ident, (None, now))
            since = since if known == place else now
            self._spots[ident] = (place, since)
            if now - since < STANDS:
                continue
            node = nodes[ident] = _of_stack(ident, spot, since, frames, names)
            held.update(node.holders)
            todo |= set(node.holders) - seen - {mine}

    def _sure(self, nodes: Mapping[int, Node], now: int) -> dict[int, int]:
        """The number of the circle that each thread is in, of those that were there before too."""
        before, self._circles = self._circles, {}
        numbers: dict[int, int] = {}
        for circle in circles(nodes):
            waits_ = tuple(sorted((i, nodes[i].info.since_ns) for i in circle))
            known, since = before.get(circle, (None, now))
            since = since if known == waits_ else now
            self._circles[circle] = (waits_, since)
            if now - since >= _SURE:
                number = len(set(numbers.values())) + 1
                numbers |= dict.fromkeys(circle, number)
        return numbers


def _numbered(info: WaitInfo, number: int) -> WaitInfo:
    return replace(info, deadlock=number) if number else info


def _running(flow: Flow) -> list[tuple[int, Delivery]]:
    """The threads that run something of a flow, the outer handlers of nested ones too."""
    backends = [flow._inline, *([flow._threads] if flow._threads is not None else [])]
    return [each for backend in backends for each in _in_hand(backend)]


def _in_hand(backend: Backend) -> list[tuple[int, Delivery]]:
    """What a backend's threads run. Without their names, which the script may have made unknown."""
    seats = [(seat.ident, seat.current) for seat in backend._seats()]
    mine = [(ident, current) for ident, current in seats if current is not None]
    return mine + [(ident, guest[1]) for ident, guest in backend._guests.copy().items()]


# waits of the engine ------------------------------------------------------------------------------


def _of_engine(
    wait: Wait,
    flows: Sequence[Flow],
    running: Sequence[tuple[int, Delivery]],
    names: Mapping[int, str],
) -> Node:
    holders = _holders(wait, running)
    alone = not wait.helps and wait.thread in holders
    others = tuple(dict.fromkeys(i for i in holders if alone or i != wait.thread))
    note = _why_nobody(wait) if not others else ""
    frame = current_frames().get(wait.thread)
    file, line = _user_place(frame)
    info = WaitInfo(
        names.get(wait.thread, f"thread {wait.thread}"),
        wait.what.value,
        _words(wait),
        file,
        line,
        wait.since_ns,
        wait.seconds,
        tuple(names.get(i, f"thread {i}") for i in others),
        note,
    )
    return Node(wait.thread, info, others, alone)


def _words(wait: Wait) -> str:
    flow = f"flow {wait.flow.flow_id}" if wait.flow is not None else "a flow"
    if wait.what is For.JOB and wait.job is not None:
        return f"job {wait.job.number} of {flow}"
    if wait.what is For.TURN:
        return f"its turn in {flow}"
    if wait.what is For.ROOM and wait.mailbox is not None:
        slot = wait.mailbox.slot
        owner = slot.routine._id if slot.routine is not None else "?"
        return f"room in {owner}.{slot.name}"
    return f"all jobs of {flow}"


def _holders(wait: Wait, running: Sequence[tuple[int, Delivery]]) -> list[int]:
    """The threads that run what is waited for."""
    flow = wait.flow
    if wait.what is For.JOB:
        return [ident for ident, d in running if d[3].job is wait.job]
    if wait.what is For.ROOM and wait.mailbox is not None:
        return [ident for ident, d in running if d[0].target_slot is wait.mailbox.slot]
    if wait.what is For.TURN and flow is not None:
        return [ident for ident, _ in _in_hand(flow._inline)]
    return [ident for ident, d in running if d[3].job.flow is flow and flow is not None]


def _why_nobody(wait: Wait) -> str:
    """What the engine knows of a wait whose end no thread is working on."""
    if wait.what is For.JOB and wait.job is not None:
        return _job_stands(wait.job)
    if wait.what is For.FLOW and wait.flow is not None:
        jobs = list(wait.flow._scheduler.jobs.copy().values())
        return _job_stands(jobs[0]) if len(jobs) == 1 else f"{len(jobs)} jobs are open"
    return ""


def _job_stands(job: JobState) -> str:
    parts = []
    if job.flags & PAUSED:
        parts.append(f"job {job.number} is paused")
    coroutines = job.flow._loop.running(job)
    if coroutines:
        parts.append(f"{coroutines} coroutines of it are under way")
    if job.retries_waiting:
        parts.append(f"{job.retries_waiting} of it wait for their time")
    queued = len(job.tokens) - job.retries_waiting - coroutines
    if queued > 0:
        parts.append(f"{queued} of it are queued")
    return ", ".join(parts)


# waits of the user's ------------------------------------------------------------------------------


def _of_stack(
    ident: int,
    spot: Spot,
    since: int,
    frames: Mapping[int, FrameType],
    names: Mapping[int, str],
) -> Node:
    holder, note = _held_by(ident, spot, frames)
    text = spot.text
    if spot.kind == "lock":
        text = f"lock {spot.text}"
    elif spot.kind == "thread" and holder:
        text = f"the end of thread {names.get(holder, holder)}"
    info = WaitInfo(
        names.get(ident, f"thread {ident}"),
        spot.kind,
        text,
        spot.file,
        spot.line,
        since,
        0.0 if spot.timed else None,
        (names.get(holder, f"thread {holder}"),) if holder else (),
        note,
    )
    return Node(ident, info, (holder,) if holder else (), holder == ident)


def _held_by(ident: int, spot: Spot, frames: Mapping[int, FrameType]) -> tuple[int, str]:
    """The thread that a wait is for, 0 if it is not known, and how it is known."""
    if spot.kind == "thread":
        return spot.lock.ident or 0, ""
    if spot.kind != "lock":
        return 0, "by whom it will be woken is not known"
    owner = owner_of(spot.lock)
    if owner:
        return owner, "" if owner != ident else "it holds that itself"
    found = holder_by_stack(spot.lock, dict(frames))
    if found is None:
        return 0, "holder not known"
    return found[0], f"seen in its stack, {found[1]}"


_OURS = os.path.dirname(os.path.abspath(__file__)) + os.sep


def _user_place(frame: FrameType | None) -> tuple[str, int]:
    """The innermost frame that is neither the engine's nor the library's."""
    while frame is not None:
        file = frame.f_code.co_filename
        if not is_engine(frame) and file not in (_THREADING, contextlib.__file__):
            return file, frame.f_lineno or 0
        frame = frame.f_back
    return "", 0
