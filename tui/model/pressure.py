"""Where back-pressure comes from: the routine that cannot keep up, not those that wait for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .rows import Key, RoutineRow
from .run import Run

#: A slot that is almost full: between one message taken out and the next put in.
_ALMOST = 0.8


class Origin(NamedTuple):
    """A routine that is saturated though nothing behind it is, and the slot where it shows.

    ``reason`` goes on after "back-pressure starts at a.b:".
    """

    key: Key
    slot: str
    reason: str


def origins(run: Run, routines: Sequence[RoutineRow]) -> tuple[Origin, ...]:
    """The saturated routines whose own targets are not, the worst first.

    A routine is saturated while a slot of it is full or its queue grows, see
    `tui.model.gauges.RoutineGauge.press`. Whoever emits to one that is gets saturated too, so the
    origin is found by walking downstream from any of them to where it ends. Where it does not end,
    in a cycle, the routine with most waiting counts as the origin.

    Args:
        routines: the rows of the run.
    """
    saturated = {row.key: row for row in routines if row.saturated}
    if not saturated:
        return ()
    targets: dict[Key, set[Key]] = {key: set() for key in saturated}
    for edge in run.edges():
        if edge.source in saturated and edge.target in saturated and edge.source != edge.target:
            targets[edge.source].add(edge.target)
    ends = [key for key in saturated if not targets[key]] or [
        max(saturated, key=lambda key: saturated[key].queue)
    ]
    found = [_origin(run, key) for key in ends]
    order = {reason: place for place, reason in enumerate((_WAIT, _DROP, _FULL, _GROWS))}
    found.sort(key=lambda each: (order[each.reason], -saturated[each.key].queue, each.key))
    return tuple(found)


_WAIT = "it is full, emitters wait"
_DROP = "it is full, messages are dropped"
_FULL = "it is full"
_GROWS = "its queue grows"


def _origin(run: Run, key: Key) -> Origin:
    state = run.states.get(key[0])
    boxes = [box for box in (state.boxes if state else ()) if box.routine == key[1] and box.room]
    for box in sorted(boxes, key=lambda box: (-box.blocked, -box.waiting / box.room)):
        if box.blocked:
            return Origin(key, box.slot, _WAIT)
        if box.waiting >= _ALMOST * box.room:
            return Origin(key, box.slot, _DROP if box.dropped else _FULL)
    waiting: dict[str, int] = {}
    for edge in run.edges():
        if edge.target == key:
            info = run.edge_info(edge.number)
            slot = info[1].slot if info else ""
            waiting[slot] = waiting.get(slot, 0) + edge.queue
    return Origin(key, max(waiting, key=waiting.__getitem__, default=""), _GROWS)


def sentences(run: Run, found: tuple[Origin, ...]) -> tuple[str, ...]:
    """The worst of them in one sentence, then in fewer words and fewer; nothing if there is none.

    There are no figures in them that change, so they stand still on the screen.
    """
    if not found:
        return ()
    worst = found[0]
    place = f"{run.routine_name(worst.key)}.{worst.slot}"
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    short = f"{place}: {worst.reason}"
    return f"back-pressure starts at {short}{more}", short, place
