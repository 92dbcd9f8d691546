"""What happens in a flow, as plain data.

A record is a tuple of numbers, nothing else: names travel once in the topology, ids after that.
A tuple that holds object references costs two to three times as much, nearly all of it garbage
collection, and would keep payloads alive.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

#: Raised by one whenever a field or a kind changes its meaning.
SCHEMA = 2


class Kind(IntEnum):
    """What a record tells."""

    ACTIVATION = 1  #: a handler ended; carries when it was queued and when it started
    EMIT = 2  #: an event was emitted that nothing is connected to; subject is the event number
    JOB_STARTED = 3  #: subject is the entry edge
    JOB_ENDED = 4  #: status tells how
    DROPPED = 5  #: an activation was queued and not run; value is a `Drop`
    WAITING = 6  #: a delivery waits for its time: a retry's delay, or a timer
    JOB_PAUSED = 7
    JOB_RESUMED = 8
    JOB_CANCELLED = 9  #: its handlers may still run; JOB_ENDED follows
    STAT = 10  #: a statistic changed; subject is its number, value what it is now
    LINE = 11  #: a line was printed or logged; subject is a `Line`, value the level of a log line
    WORKER_UP = 12  #: a thread of the flow began; its lane is its worker
    WORKER_DOWN = 13  #: ... and ended


class Status(IntEnum):
    """How an activation or a job ended."""

    OK = 0
    FAILED = 1
    CANCELLED = 2
    RETRIED = 3  #: failed, and is tried again: another activation of the same id follows
    FORGOTTEN = 4  #: of a statistic: it was reset, and has no value any more
    NO_NUMBER = 5  #: of a statistic: its value is something else; a note may say what


class Drop(IntEnum):
    """Why a message was dropped: the value of a `Kind.DROPPED` record."""

    FULL = 1  #: its slot had no room
    CANCELLED = 2  #: its job was cancelled
    FAILED = 3  #: its job had failed
    STOPPED = 4  #: its job was stopped together with the flow


class Line(IntEnum):
    """Where a line went."""

    OUT = 1  #: standard output
    ERR = 2  #: standard error
    LOG = 3  #: the `logging` module


class Note(IntEnum):
    """What a side text is about. Texts travel apart from the records, for few of them."""

    PAYLOAD = 1  #: what was emitted; the line itself; a statistic that is no number
    ERROR = 2
    TREE = 3  #: what was emitted, as `routilux.preview.tree` puts it; made if a reader asks for it


class Record(NamedTuple):
    """One entry of the bus, as a subscriber reads it. Times are nanoseconds of `clock.now_ns`.

    ``sequence`` rises by one for each published record, so a gap is a loss and its size.
    ``activation`` is the spawn path of what happened, ``cause`` that of the activation whose emit
    (or of the job whose ``execute``) led to it. ``worker`` is the number of the thread's lane.
    ``subject`` is an edge number, for `Kind.EMIT` an event number. What a handler does beside
    emitting, a statistic or a line, has its activation as ``cause``; cause and job are 0 where no
    handler runs.
    """

    sequence: int
    time: int
    kind: int
    generation: int
    job: int
    activation: int
    cause: int
    worker: int
    subject: int
    queued: int
    started: int
    status: int
    value: int | float  # 64 bits; 0 where there is none
