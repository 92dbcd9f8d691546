"""What a handler does beside emitting, as records: the statistics it changes, the lines it writes.

Such a record has an id of its own, so that its text can be found, and the activation that did it
as its cause. It takes no child index: watching does not change which ids deliveries get.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .activation import current
from .job import TRACED
from .preview import LIMIT, value_preview
from .records import Kind, Line, Note, Status

if TYPE_CHECKING:
    from .flow import Flow

_INT64 = 2**63


def watched(flow: Flow | None) -> Flow | None:
    """The flow, if what happens here is to be published: somebody traces it, and the job that runs
    here, if one does. Call it before a lock is taken: the thread may get its lane here.
    """
    if flow is None or not flow.bus.tracing:
        return None
    cause = current.get(None)
    if cause is not None and not cause.job.flags & TRACED:
        return None
    flow.bus.lane()
    return flow


def remember_stat(flow: Flow, routine_id: str, key: Any, value: Any) -> None:
    """Publish that a statistic has a new value. Call it where no other thread can change it, so
    that the order of the records is that of the changes.
    """
    subject = flow.bus.stat_number(routine_id, key)
    kind = type(value)
    if kind is float or (kind is int and -_INT64 <= value < _INT64):
        _publish(flow, *_writer(), Kind.STAT, subject, value=value)
    else:
        text, status = value_preview(value), Status.NO_NUMBER
        _publish(flow, *_writer(), Kind.STAT, subject, status=status, text=text)


def forget_stats(flow: Flow, routine_id: str, keys: list[Any]) -> None:
    """Publish that statistics were reset."""
    writer = _writer()
    for key in keys:
        subject = flow.bus.stat_number(routine_id, key)
        _publish(flow, *writer, Kind.STAT, subject, status=Status.FORGOTTEN)


def remember_line(flow: Flow, cause: int, job: int, line: Line, text: str, level: int = 0) -> None:
    """Publish a line that a handler of a job has written, if the flow is watched."""
    if flow.bus.tracing:
        _publish(flow, cause, job, Kind.LINE, line, value=level, text=text[:LIMIT])


def _writer() -> tuple[int, int]:
    """The activation that runs here and its job; zeros if none does."""
    cause = current.get(None)
    return (cause.id, cause.job.number) if cause is not None else (0, 0)


def _publish(
    flow: Flow,
    cause: int,
    job: int,
    kind: Kind,
    subject: int,
    *,
    status: int = 0,
    value: int | float = 0,
    text: str = "",
) -> None:
    bus = flow.bus
    lane = bus.lane()
    lane.remarks += 1
    ident = hash((cause, lane.number, lane.remarks))
    lane.publish(
        kind,
        flow._runtime.now_ns(),
        job,
        activation=ident,
        cause=cause,
        subject=subject,
        status=status,
        value=value,
    )
    if text and bus.previews > 0:
        bus.previews -= 1
        lane.note(ident, Note.PAYLOAD, text)
