"""Who waits for whom, when nobody can go on."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from .ops import WAIT, text_of
from .tasks import Task


class Blocked(NamedTuple):
    """One line of the table.

    Attributes:
        who: the activation, thread or driver that waits.
        does: ``wants`` (a lock) or ``waits for`` (anything else).
        what: for what it waits.
        holder: who holds that; empty when nobody does.
        holds: what it holds itself.
    """

    who: str
    does: str
    what: str
    holder: str
    holds: tuple[str, ...]


class Deadlock(NamedTuple):
    """The state in which nothing goes on.

    Attributes:
        summary: one line.
        table: who waits for what.
        cycle: the tasks that wait for each other, if there is such a circle.
        queued: deliveries that wait for a worker.
        tasks: numbers of the tasks that matter.
    """

    summary: str
    table: tuple[Blocked, ...]
    cycle: tuple[str, ...]
    queued: tuple[str, ...]
    tasks: tuple[int, ...]


def describe(
    live: list[Task], queues: list[Callable[[], list[str]]], names: dict[int, str]
) -> Deadlock:
    """The deadlock of tasks of which none can go on."""
    blocked = [task for task in live if task.blocker is not None and not task.idle]
    table = tuple(_line(task, names) for task in blocked)
    queued = tuple(text for tell in queues for text in tell())
    circle = _cycle(blocked)
    tasks = tuple(task.number for task in circle or [t for t in blocked if t.number] or blocked)
    cycle = tuple(names[task.number] for task in circle)
    return Deadlock(_summary(table, cycle, queued), table, cycle, queued, tasks)


def _line(task: Task, names: dict[int, str]) -> Blocked:
    assert task.blocker is not None  # only those that wait are asked
    holder = task.blocker.holder()
    does = "waits for" if task.mode == WAIT else "wants"
    held = tuple(text_of(lock) for lock in task.held)
    by = names[holder.number] if holder is not None else ""
    return Blocked(names[task.number], does, text_of(task.obj), by, held)


def _cycle(blocked: list[Task]) -> list[Task]:
    for first in blocked:
        seen: list[Task] = []
        task: Task | None = first
        while task is not None and task not in seen:
            seen.append(task)
            task = task.blocker.holder() if task.blocker is not None else None
        if task is first:
            return seen
    return []


def _summary(table: tuple[Blocked, ...], cycle: tuple[str, ...], queued: tuple[str, ...]) -> str:
    if len(cycle) == 1:
        return f"{cycle[0]} waits for a lock that it holds itself"
    if cycle:
        return f"{' waits for '.join((*cycle, cycle[0]))}"
    others = [line for line in table if line.who != "driver"] or list(table)
    waits = "; ".join(
        f"{line.who} waits for {line.what}" + (f", held by {line.holder}" if line.holder else "")
        for line in others[:4]
    )
    return "; ".join(text for text in (waits or "nothing can go on", *queued[:2]) if text)
