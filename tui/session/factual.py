"""Facts for findings that cross the border: of the source, of threads, of how a script ended."""

from __future__ import annotations

import msgspec


class PortFacts(msgspec.Struct, frozen=True, array_like=True):
    """A slot or an event as the source defines it; ``line`` is 0 where that was not found.

    ``params`` of a slot are those that a message must bring by name, of an event those that it
    says it sends. ``coroutine``: the slot's handler runs on the event loop.
    """

    name: str
    file: str
    line: int
    params: tuple[str, ...] = ()
    coroutine: bool = False


#: A call in the source of a routine that waits for a flow or ends it: what, file, line, function.
WaitCall = tuple[str, str, int, str]


class RoutineFacts(msgspec.Struct, frozen=True, array_like=True):
    """What findings need to know of a routine: nothing of it changes while it runs.

    ``required`` and ``optional`` are arguments of its constructor; ``loose`` are plain attributes
    that none of its methods sets, so that they came from outside.
    """

    number: int
    file: str
    line: int
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    loose: tuple[str, ...] = ()
    slots: tuple[PortFacts, ...] = ()
    events: tuple[PortFacts, ...] = ()
    waits: tuple[WaitCall, ...] = ()


class Allowed(msgspec.Struct, frozen=True, array_like=True):
    """What a comment in the source allows, and of what.

    It covers the routine (-1: what is of the flow as a whole, -2: nothing by name) and of it one
    port, if that is named; and whatever is found in the lines from ``begin`` to ``end``.
    """

    ids: tuple[str, ...]
    reason: str
    file: str
    line: int
    routine: int = -2
    port: str = ""
    begin: int = 0
    end: int = 0


class FlowFacts(msgspec.Struct, frozen=True, array_like=True):
    """The same of a flow. ``renamed`` are parameters: (edge, name sent, name that arrives)."""

    number: int
    routines: tuple[RoutineFacts, ...]
    allowed: tuple[Allowed, ...] = ()
    renamed: tuple[tuple[int, str, str], ...] = ()


class ThreadLook(msgspec.Struct, frozen=True, array_like=True):
    """One look at a thread of a flow. ``cpu_ns`` is its CPU time so far, -1 where not known.

    While it runs a handler ``file``, ``line`` and ``function`` are the innermost frame of the
    user's; ``waits`` is then ``""``, ``lock`` (for the lock numbered ``lock``, which ``name`` is
    what the source calls it), or the call in which it waits, as ``Flow.shutdown``.
    """

    lane: int
    cpu_ns: int
    waits: str = ""
    lock: int = 0
    name: str = ""
    file: str = ""
    line: int = 0
    function: str = ""


class FlowEnd(msgspec.Struct, frozen=True, array_like=True):
    """A flow when the script had ended: jobs that were open then, and if its pool was up."""

    number: int
    open_jobs: int
    pool: bool
