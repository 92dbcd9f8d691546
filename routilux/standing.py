"""Which threads wait for something of the engine, for who asks why nothing goes on.

Each wait is put down when it begins and taken out when it ends, so what stands here is exact. A
thread that runs handlers while it waits has several, the innermost last.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from .clock import now_ns

if TYPE_CHECKING:
    from .flow import Flow
    from .job import JobState
    from .mailbox import Mailbox


class For(StrEnum):
    """What a thread waits for."""

    JOB = "job"  #: the end of a job
    FLOW = "flow"  #: the end of all jobs of a flow
    TURN = "turn"  #: its turn to run the queue of a sequential flow
    ROOM = "room"  #: room in a slot that is full


class Wait(NamedTuple):
    """One wait.

    Attributes:
        thread: ident of the thread that waits.
        what: what for; ``flow`` is that of the job or slot, None if it is in no flow.
        since_ns: by `routilux.clock.now_ns`.
        seconds: when it gives up, counted from then; None: never.
        helps: whether the thread runs handlers of what it waits for meanwhile.
    """

    thread: int
    what: For
    flow: Flow | None
    job: JobState | None
    mailbox: Mailbox | None
    since_ns: int
    seconds: float | None
    helps: bool


_waits: dict[int, tuple[Wait, ...]] = {}  # by thread, which alone writes its own


@contextmanager
def waiting_for(
    what: For,
    flow: Flow | None,
    seconds: float | None,
    *,
    job: JobState | None = None,
    mailbox: Mailbox | None = None,
    helps: bool = False,
) -> Iterator[None]:
    """Put a wait of the calling thread down for as long as the block runs."""
    ident = threading.get_ident()
    outer = _waits.get(ident, ())
    wait = Wait(ident, what, flow, job, mailbox, now_ns(), seconds, helps)
    _waits[ident] = (*outer, wait)
    try:
        yield
    finally:
        if outer:
            _waits[ident] = outer
        else:
            _waits.pop(ident, None)


def waits() -> list[Wait]:
    """What threads wait for now: of each the innermost. Any thread."""
    return [of_thread[-1] for of_thread in _waits.copy().values() if of_thread]


def forget_threads() -> None:
    """In the child of a fork: whoever waited is not here."""
    _waits.clear()
