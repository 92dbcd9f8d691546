"""Activation: one delivery of data to one slot handler, and the variable that says which runs here.

An activation's id is its *spawn path* kept compactly: a 64-bit hash of (id of the parent, index
among the parent's children). It is equal in every run that takes the same decisions, whichever
thread runs it, which is what makes live logs replayable. CPython's tuple hash of integers is not
randomised and has been the same since 3.8.
"""

from __future__ import annotations

from contextvars import Context, ContextVar
from itertools import count
from typing import TYPE_CHECKING, Any

from .ports import Connection, Slot

if TYPE_CHECKING:
    from .job import JobState

#: What waits in a ready queue: where to, the data, the context to run in, who caused it, when it
#: was queued (ns; 0 when nobody watches, `NOT_TIMED` when it is counted only), and its index among
#: its cause's children (0: it has none yet).
Delivery = tuple[Connection, dict[str, Any], Context, "Activation", int, int]


class Activation:
    """What runs: the delivery of one message, or the root of a job (its ``execute()`` call).

    While a job is not traced all its deliveries run under the job's root, since nothing asks for
    their ids; a traced job makes one of these for each handler call.
    """

    __slots__ = ("children", "edge", "id", "job")

    def __init__(self, ident: int, job: JobState, edge: Connection | None = None) -> None:
        self.id = ident
        self.job = job
        self.edge = edge
        # next() of a count is one step, also when a handler shares its context with own threads.
        self.children = count(1)

    def child_id(self, index: int) -> int:
        """The id of this activation's child of that index."""
        return hash((self.id, index))

    def ticket(self) -> Delivery:
        """What stands in a shared queue for one delivery of the job's backlog."""
        return (NO_EDGE, {}, None, self, 1, 0)  # type: ignore[return-value] # never entered


#: Stands for the time at which a delivery was queued that is counted, and not timed.
NOT_TIMED = -1

#: Which activation runs in this context; unset in threads that are none of the flow's.
current: ContextVar[Activation] = ContextVar("routilux_activation")

#: The edge of a ticket, which stands in a shared queue for a delivery that waits elsewhere.
NO_EDGE = Connection(None, Slot("ticket"), link=False)
