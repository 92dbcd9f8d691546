"""Closing an activation: what its outcome means for the job, the records and the tokens.

The one place where an `Outcome` takes effect, whoever ran the handler: a worker, the calling
thread, the event loop, or another process. Children are opened before the parent is closed, so that
a job never seems to be complete too early.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from itertools import count
from types import CoroutineType
from typing import TYPE_CHECKING, Any, NamedTuple

from . import report
from .activation import NOT_TIMED, Activation, Delivery, current
from .history import ExecutionRecord
from .job import CANCELLED, NESTED, PAUSED, STOPPED, TRACED, WATCHED, JobState
from .policy import Decision, ErrorHandler, ErrorStrategy
from .ports import take_unmerged
from .records import Drop, Kind, Note, Status

if TYPE_CHECKING:
    from .lanes import Lane
    from .routine import Routine
    from .scheduler import Scheduler

logger = logging.getLogger("routilux")

_STOP = Decision(ErrorStrategy.STOP)
_keys = count(1)

#: What the history calls an error, by what is done about it.
_RECORDED = {
    ErrorStrategy.STOP: "error",
    ErrorStrategy.CONTINUE: "error_continued",
    ErrorStrategy.SKIP: "skipped",
    ErrorStrategy.RETRY: "retry",
}


class Outcome(NamedTuple):
    """What came of one activation that was run elsewhere, as plain data.

    Attributes:
        emits: ``(event name, data)`` in order.
        stats: ``(key, value, add)``: set a statistic, or with ``add`` add to it.
        error: what the handler raised.
    """

    emits: Sequence[tuple[str, dict[str, Any]]] = ()
    stats: Sequence[tuple[str, Any, bool]] = ()
    error: BaseException | None = None


def apply(delivery: Delivery, outcome: Outcome, started: int | None = None) -> None:
    """Make an outcome that came from elsewhere take effect, and close the activation. Any thread.

    For backends that run handlers outside of this process.

    Args:
        delivery: what was run.
        outcome: what came of it.
        started: when it began, in nanoseconds of the flow's clock; left out, when it was queued.
    """
    edge, _, context, cause, queued, index = delivery
    routine = edge.target_slot.routine
    error = outcome.error
    if routine is not None:
        activation = Activation(cause.child_id(index), cause.job, edge)
        try:
            context.run(_take_effect, activation, routine, outcome)
        except Exception as wrong:  # noqa: BLE001 - an outcome that does not fit the routine
            error = error or wrong
    close(delivery, error, (started or queued) if queued > 0 else None)


def _take_effect(activation: Activation, routine: Routine, outcome: Outcome) -> None:
    current.set(activation)
    for key, value, add in outcome.stats:
        if add:
            routine.increment_stat(key, value)
        else:
            routine.set_stat(key, value)
    for event, data in outcome.emits:
        routine.emit(event, **data)


def close(
    delivery: Delivery,
    error: BaseException | None,
    start: int | None = None,
    lane: Lane | None = None,
    status: Status = Status.OK,
) -> KeyboardInterrupt | None:
    """Close an activation after its handler ended. Its token goes back unless it is tried again.

    Args:
        delivery: what was run.
        error: what the handler raised.
        start: when it began (ns), if it was traced.
        lane: the calling thread's lane.
        status: how it ended, if not by an error.

    Returns:
        A `KeyboardInterrupt` of the handler, for the caller to raise once all is put in order.
    """
    job = delivery[3].job
    end = job.flow._runtime.now_ns() if start is not None else 0  # before what follows from it
    again = False
    if error is not None:
        if job.flags & WATCHED and not delivery[5]:  # the note about it needs an id
            delivery = (*delivery[:5], next(delivery[3].children))
        decision = _decide(delivery, error)
        again = decision.strategy is ErrorStrategy.RETRY
        status = Status.RETRIED if again else Status.FAILED
        _record(delivery, error, decision)
        if again and not _schedule_retry(delivery, decision.delay):
            _record(delivery, error, _STOP)
            again, status = False, Status.FAILED
    if start is not None:
        _trace(delivery, start, end, status, lane or job.flow._scheduler.bus.lane())
    elif delivery[4]:
        _count(delivery, status)
    if again:
        move_on(job)
    else:
        give_back(job)
    return error if isinstance(error, KeyboardInterrupt) else None


# tokens -----------------------------------------------------------------------------------------


def give_back(job: JobState) -> None:
    """Return the token of a delivery that is over."""
    tokens = job.tokens
    tokens.pop()
    if job.backlog is not None:
        move_on(job)
    if not tokens:
        job.flow._scheduler.finish(job)


def move_on(job: JobState) -> None:
    """An activation has ended: let the next delivery of the job into the shared queue."""
    flags, backlog = job.flags, job.backlog
    if flags & PAUSED:
        job.backend.leave(job)
        job.flow._scheduler.wake_waiters()
    elif backlog and not flags & NESTED:
        if flags & CANCELLED:
            drop_backlog(job)
            return
        try:
            delivery = backlog.popleft()
        except IndexError:
            return
        job.backend.queue(into_mailbox(delivery))


def drop_backlog(job: JobState) -> None:
    """Drop what waits in a cancelled job. In a loop: one drop must not lead to the next."""
    backlog, tokens = job.backlog, job.tokens
    while backlog:
        try:
            delivery = backlog.popleft()
        except IndexError:
            return
        count_dropped(delivery)
        tokens.pop()
        if not tokens:
            job.flow._scheduler.finish(job)


def into_mailbox(delivery: Delivery, reserved: bool = False) -> list[Delivery]:
    """What to queue for a delivery: itself, or if its slot has limits a ticket, if it needs one."""
    mailbox = delivery[0].target_slot.mailbox
    return [delivery] if mailbox is None else mailbox.put(delivery, reserved)


def requeue(delivery: Delivery) -> None:
    """Queue a delivery that comes back. In a nested job a handler that waits may have to run it."""
    job = delivery[3].job
    if job.flags & WATCHED and not delivery[4]:
        edge, data, context, cause, _, index = delivery
        job.flow._scheduler.bus.lane().send(edge)
        traced = job.flags & TRACED
        now = job.flow._runtime.now_ns() or 1 if traced else NOT_TIMED
        index = index or (next(cause.children) if traced else 0)
        delivery = (edge, data, context, cause, now, index)
    if not job.flags & NESTED:
        job.backend.queue(into_mailbox(delivery))
        return
    assert job.backlog is not None  # made with the job
    job.backlog.append(delivery)
    if job.extra.helpers:
        job.flow._scheduler.wake_waiters()
    job.backend.queue([job.root.ticket()])


def discard(delivery: Delivery) -> None:
    """Do not run a delivery of a stopped job, which stood in a queue."""
    job = delivery[3].job
    if job.flags & CANCELLED:
        with job.flow._scheduler.lock:  # see `Backend.sweep`
            if job.backend.swept.pop(id(delivery), None) is not None:
                return  # who has cancelled the job has dropped it
    drop(delivery)


def drop(delivery: Delivery) -> None:
    """Count a delivery as dropped and return its token."""
    count_dropped(delivery)
    give_back(delivery[3].job)


def count_dropped(delivery: Delivery) -> None:
    """Count and publish that a delivery will not run; its token is the caller's to return."""
    edge, _, _, cause, queued, _ = delivery
    job = cause.job
    scheduler = job.flow._scheduler
    scheduler.count_dropped(job, edge)
    if queued or job.flags & WATCHED:
        if not queued:  # it came before somebody watched, or waited for its time
            scheduler.bus.lane().send(edge)
        trace_dropped(scheduler, delivery)


def trace_dropped(scheduler: Scheduler, delivery: Delivery) -> None:
    """Publish that a delivery was queued and will not run."""
    edge, data, _, cause, _, index = delivery
    lane = scheduler.bus.lane()
    lane.dropped[edge.number] = lane.dropped.get(edge.number, 0) + 1
    if scheduler.bus.tracing and cause.job.flags & TRACED:
        if scheduler.bus.dead_previews > 0:
            scheduler.bus.dead_previews -= 1
            scheduler.note_payload(cause.child_id(index), data)
        lane.publish(
            Kind.DROPPED,
            scheduler.runtime.now_ns(),
            cause.job.number,
            activation=cause.child_id(index),
            cause=cause.id,
            subject=edge.number,
            status=Status.CANCELLED,
            value=_why_dropped(cause.job),
        )


def _why_dropped(job: JobState) -> Drop:
    if job.flags & CANCELLED:
        return Drop.CANCELLED
    if job.flags & STOPPED:
        return Drop.FAILED if job.error is not None else Drop.STOPPED
    return Drop.FULL


# errors -----------------------------------------------------------------------------------------


def _decide(delivery: Delivery, error: BaseException) -> Decision:
    """What the routine's handler of errors, or else the flow's, says. Anything that is no ordinary
    exception (SystemExit, KeyboardInterrupt) fails the job.
    """
    edge, job = delivery[0], delivery[3].job
    handler = handler_of(edge.target_slot.routine, job)
    if handler is None or not isinstance(error, Exception) or job.flags & STOPPED:
        return _STOP
    try:
        if type(handler).handle_error is not ErrorHandler.handle_error:  # the user's own
            routine = edge.target_slot.routine
            name = routine._id if routine else ""
            goes_on = handler.handle_error(error, routine, name, job.flow)
            return Decision(ErrorStrategy.CONTINUE) if goes_on else _STOP
        return handler.decide(error, edge.retries)
    except BaseException as wrong:  # noqa: BLE001 - of a subclass, or of what decides nothing
        said = report.message(wrong)
        report.annotate(error, f"{type(handler).__name__} could not decide about it: {said}")
        return _STOP


def handler_of(routine: Routine | None, job: JobState) -> ErrorHandler | None:
    """The error handler that counts for a routine: its own, else its flow's."""
    return (routine._error_handler if routine else None) or job.flow.error_handler


def _record(delivery: Delivery, error: BaseException, decision: Decision) -> None:
    """Write an error where it is looked for: statistics, history, records, log."""
    edge, _, _, cause, _, index = delivery
    job = cause.job
    slot = edge.target_slot
    scheduler = job.flow._scheduler
    if decision.strategy is ErrorStrategy.STOP:
        scheduler.stop(job, error)
    routine = slot.routine._id if slot.routine else "?"
    where = f"flow {job.flow.flow_id!r}, routine {routine!r}, slot {slot.name!r}"
    try:
        note = f"raised in {where}, job {job.number}{_tried(edge.retries, decision)}"
        report.annotate(error, note)
        text = report.message(error)
        if slot.routine is not None:
            slot.routine._remember_error(slot.name, text)
        data: dict[str, Any] = {
            "slot": slot.name, "error": text, "error_type": type(error).__name__
        }  # fmt: skip
        if decision.strategy is ErrorStrategy.RETRY:
            data |= {"retry": edge.retries + 1, "delay": decision.delay}
        job.note(ExecutionRecord(routine, _RECORDED[decision.strategy], data))
        if job.flags & WATCHED:
            scheduler.bus.lane().note(cause.child_id(index), Note.ERROR, report.text(error))
        _log(decision, where, error)
    except BaseException as strange:  # noqa: BLE001 - of a log handler, for example
        kind = type(strange).__name__
        sys.stderr.write(f"routilux: {where} failed, and reporting it raised {kind}\n")


def _tried(retries: int, decision: Decision) -> str:
    if decision.strategy is ErrorStrategy.RETRY:
        return f"; try {retries + 2} follows in {decision.delay:.3g} s"
    return f"; tried {retries + 1} times" if retries else ""


def _log(decision: Decision, where: str, error: BaseException) -> None:
    if decision.strategy is ErrorStrategy.STOP:
        logger.error("routilux: a handler failed in %s", where, exc_info=error)
    elif decision.strategy is ErrorStrategy.RETRY:
        delay, message = decision.delay, report.message(error)
        logger.info("routilux: %s is tried again in %.3g s: %s", where, delay, message)
    else:
        word = decision.strategy.value
        logger.warning("routilux: %s failed (%s): %s", where, word, report.message(error))


# deliveries that wait for their time ------------------------------------------------------------


def _schedule_retry(delivery: Delivery, delay: float) -> bool:
    """Let a delivery be tried again. False: it cannot be."""
    edge, data, context, cause, _, index = delivery
    context = context.copy()
    merged = context.run(take_unmerged) is not edge.target_slot
    again = (edge.again(merged=merged), data, context, cause, 0, index)
    if delay <= 0:
        requeue(again)
        return True
    try:
        wait_for_time(again, delay)
    except RuntimeError:  # no thread for the clock
        return False
    return True


def wait_for_time(delivery: Delivery, delay: float) -> int:
    """Let a delivery, whose token is in, wait without a worker. Any thread.

    Returns:
        A key for `withdraw`.
    """
    edge, _, _, cause, _, index = delivery
    job = cause.job
    scheduler = job.flow._scheduler
    key = next(_keys)
    waiting = job.extra.waiting
    due = scheduler.runtime.now_ns() + round(delay * 1e9)
    with scheduler.lock:  # the alarm may ring before it stands in the job
        alarm = scheduler.runtime.clock.call_at(due, lambda: _come(job, key))
        waiting[key] = (alarm, delivery)
        scheduler.wake_waiters()
    if job.flags & TRACED and scheduler.bus.tracing:
        now, ident = scheduler.runtime.now_ns(), cause.child_id(index)
        lane = scheduler.bus.lane()
        lane.publish(
            Kind.WAITING, now, job.number, activation=ident, cause=cause.id, subject=edge.number
        )
    if job.flags & STOPPED:
        drop_waiting(job)
    return key


def _come(job: JobState, key: int) -> None:
    with job.flow._scheduler.lock:
        found = job.extra.waiting.pop(key, None)
    if found is not None:
        requeue(found[1])


def withdraw(job: JobState, key: int) -> Delivery | None:
    """Take back a delivery that waits for its time; its token is then the caller's. None: too
    late, it has come.
    """
    with job.flow._scheduler.lock:
        found = job.extra.waiting.pop(key, None)
    if found is None:
        return None
    found[0].cancel()
    return found[1]


def drop_waiting(job: JobState) -> None:
    """Drop what waits for its time in a job that was stopped."""
    if job._extra is None:
        return
    for key in list(job._extra.waiting):
        delivery = withdraw(job, key)
        if delivery is not None:
            discard(delivery)


# records ----------------------------------------------------------------------------------------


def _trace(delivery: Delivery, start: int, end: int, status: Status, lane: Lane) -> None:
    edge, _, _, cause, queued, index = delivery
    job, ident, number = cause.job, cause.child_id(index), edge.number
    raw = (end, Kind.ACTIVATION, job.number, ident, cause.id, number, queued, start, status, 0)
    lane.record(job.flow._scheduler.bus.tracing, raw)
    if status is Status.FAILED:
        lane.fail(number)


def _count(delivery: Delivery, status: Status) -> None:
    """Count a handler call that was not timed. That it failed is published in any case."""
    edge, _, _, cause, _, index = delivery
    scheduler = cause.job.flow._scheduler
    lane, number = scheduler.bus.lane(), edge.number
    lane.end(edge)
    if status is Status.FAILED:
        lane.fail(number)
    if status in (Status.FAILED, Status.RETRIED) and scheduler.bus.tracing:
        now, job, ident = scheduler.runtime.now_ns(), cause.job.number, cause.child_id(index)
        lane.publish(
            Kind.ACTIVATION,
            now,
            job,
            activation=ident,
            cause=cause.id,
            subject=number,
            status=status,
        )


# coroutines -------------------------------------------------------------------------------------


def is_coroutine(result: object) -> bool:
    """Whether a handler has returned a coroutine, which the event loop has to run."""
    return isinstance(result, CoroutineType)


def run_coroutine(
    delivery: Delivery, coroutine: CoroutineType[Any, Any, Any], start: int | None
) -> None:
    """Hand a coroutine to the flow's event loop, which closes the activation when it has ended.
    A sequential flow waits for that: one handler at a time.
    """
    job = delivery[3].job
    job.backend.run_coroutine(delivery, coroutine, start)
