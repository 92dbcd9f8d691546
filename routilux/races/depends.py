"""Which steps depend on each other: the relation on which the reduction of schedules rests.

Two modes that come to one object are independent, ordered (one can only come after the other), or
they race (either may come first, and it matters).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .ops import (
    ACQUIRE,
    ALL,
    CONFIG,
    EMIT,
    END,
    ESCAPE,
    EXECUTE,
    READ,
    RELEASE,
    SLEEP,
    START,
    STAT,
    TIMED,
    TRY,
    UPDATE,
    WAIT,
    WRITE,
    Obj,
)
from .tasks import Step, Task

NONE, ORDERED, RACE = 0, 1, 2

Access = tuple[str, Obj]

_STATE = (READ, WRITE, UPDATE, ESCAPE, SLEEP)
#: One key of many was read or written: independent of the other keys.
_READ_ONE, _WRITE_ONE = "r1", "w1"


def _relation() -> dict[tuple[str, str], int]:
    found = {(a, b): RACE for a in _STATE for b in _STATE if (a, b) != (READ, READ)}
    found |= {(mode, _READ_ONE): RACE for mode in (WRITE, UPDATE, ESCAPE)}
    found |= {(mode, _WRITE_ONE): RACE for mode in (READ, WRITE, UPDATE, ESCAPE)}
    found |= {
        (ACQUIRE, ACQUIRE): RACE,
        (ACQUIRE, TRY): RACE,
        (RELEASE, TRY): RACE,
        (TIMED, ACQUIRE): RACE,
        (TIMED, TIMED): RACE,
        (TIMED, TRY): RACE,
        (TIMED, RELEASE): RACE,
        (RELEASE, ACQUIRE): ORDERED,
        (RELEASE, WAIT): ORDERED,
        (EXECUTE, EXECUTE): RACE,
        (EXECUTE, WAIT): RACE,
        (EMIT, EMIT): RACE,
        (END, START): RACE,
    }
    return found | {(b, a): what for (a, b), what in found.items()}


_RELATION = _relation()


def order(one: str, other: str) -> int:
    """How two modes that come to one object stand to each other."""
    return _RELATION.get((one, other), NONE)


def accesses(step: Step) -> Iterator[Access]:
    """What a step does, the first thing first."""
    yield from _with_keys(step.mode, step.obj)
    for mode, obj in step.more or ():
        yield from _with_keys(mode, obj)


def pending(task: Task) -> Iterator[Access]:
    """What a task that cannot go on would do."""
    return _with_keys(task.mode, task.obj)


def _with_keys(mode: str, obj: Obj) -> Iterator[Access]:
    kind = obj[0]
    if kind in ("emit", "start", "end"):
        return
    yield mode, obj
    if kind in (STAT, CONFIG) and obj[2] != ALL:
        one = _READ_ONE if mode == READ else _WRITE_ONE
        yield one, (*obj[:2], ALL)


def depend(one: Iterable[Access], other: Iterable[Access]) -> bool:
    """Whether two steps depend on each other."""
    others = list(other)
    return any(obj == b and order(mode, a) for mode, obj in one for a, b in others)
