"""Which two accesses collide in a failing schedule, in what pattern, and what may help."""

from __future__ import annotations

from typing import NamedTuple

from .observing import Detail
from .ops import ATTR, ESCAPE, READ, STAT, STATE, UPDATE, WRITE, Obj, text_of
from .run import Result
from .tasks import Step

_WRITES = (WRITE, UPDATE)


class Advice(NamedTuple):
    """What to look at.

    Attributes:
        pattern: ``"lost update"``, ``"stale read"``, ``"order"`` or ``"write-write"``.
        what: the thing that both use.
        tasks: numbers of the two tasks.
        first: the access that was overtaken, and
        second: the one that overtook it: ``name, what it does, file:line``.
        hint: what may help.
    """

    pattern: str
    what: str
    tasks: tuple[int, int]
    first: tuple[str, str, str]
    second: tuple[str, str, str]
    hint: str

    def lines(self) -> list[str]:
        """To be read."""
        one, other = self.first, self.second
        return [
            f"{self.pattern} on {self.what}",
            f"  {one[0]} {one[1]} {one[2]}",
            f"  {other[0]} {other[1]} {other[2]}",
            f"  try: {self.hint}",
        ]


def advise(result: Result) -> Advice | None:
    """The conflict that most likely is the cause: the last one that a preemption has made."""
    steps = result.steps
    best: Advice | None = None
    for index, step in enumerate(steps):
        if step.mode not in (READ, ESCAPE) or step.obj[0] == "job":
            continue
        between = _written_between(steps, index)
        if between is not None:
            best = _advice(step, *between)
            if best.pattern == "lost update":
                return best
    return best or _crossed(steps)


def _written_between(steps: list[Step], index: int) -> tuple[Step, Step | None] | None:
    """Another task's write after a read, before the reader goes on to write what depends on it."""
    reader = steps[index].task
    obj = steps[index].obj
    written: Step | None = None
    for step in steps[index + 1 :]:
        if step.task is not reader and step.obj == obj and step.mode in _WRITES:
            written = written or step
        elif step.task is reader and step.obj == obj and step.mode in _WRITES:
            return (written, step) if written is not None else None
        elif step.task is reader and step.obj == obj:
            return None if written is None else (written, None)
    if written is None or not any(s.task is reader for s in steps[written.task.step :]):
        return None
    return written, None


def _crossed(steps: list[Step]) -> Advice | None:
    """The last two writes of different tasks to one thing; or a write and a read after it."""
    for index in range(len(steps) - 1, 0, -1):
        step = steps[index]
        if step.mode not in STATE or step.obj[0] not in (STAT, ATTR, "config"):
            continue
        for other in reversed(steps[:index]):
            if other.obj == step.obj and other.task is not step.task and (
                step.mode in _WRITES or other.mode in _WRITES
            ):  # fmt: skip
                both = step.mode in _WRITES and other.mode in _WRITES
                return _made("write-write" if both else "order", other, step)
    return None


def _advice(read: Step, write: Step, back: Step | None) -> Advice:
    return _made("lost update" if back is not None else "stale read", read, write)


def _made(pattern: str, one: Step, other: Step) -> Advice:
    return Advice(
        pattern,
        text_of(one.obj),
        (one.task.number, other.task.number),
        _side(one),
        _side(other),
        _hint(pattern, one, other),
    )


def _side(step: Step) -> tuple[str, str, str]:
    detail: Detail | None = step.detail
    word = "writes" if step.mode in _WRITES else "reads"
    value = f" {detail.value}" if detail is not None else ""
    place = ""
    if detail is not None and detail.place is not None:
        place = f"at {detail.place[0].rpartition('/')[2]}:{detail.place[1]}"
        held = f", holding {', '.join(detail.held)}" if detail.held else ", holding no lock"
        place += held
    return step.task.what, f"{word}{value}", place


def _hint(pattern: str, one: Step, other: Step) -> str:
    locks = _locks(one), _locks(other)
    obj: Obj = one.obj
    common = set(locks[0]) & set(locks[1])
    if common:
        return (
            f"both hold {sorted(common)[0]}, but not from the read to the write: hold it throughout"
        )
    for mine in locks:
        if mine:
            return f"hold {mine[0]} at the other side too, from the read to the write"
    if obj[0] == STAT and pattern == "lost update":
        return (
            f"increment_stat({obj[2]!r}), which is one step, or a lock from the read to the write"
        )
    if pattern == "order":
        return "let what is needed first cause what needs it: emit an event when it is ready"
    return "a lock of the routine that both sides hold, from the read to the write"


def _locks(step: Step) -> tuple[str, ...]:
    detail: Detail | None = step.detail
    return detail.held if detail is not None else ()
