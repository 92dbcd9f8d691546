"""The long way of a delivery: for jobs that are traced, timed, paused, stopped, nested, or over.

Everything here is behind one test of `JobState.flags`, so it costs nothing while all is well and
nobody watches.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

from . import commit
from .activation import NO_EDGE, NOT_TIMED, Activation, Delivery, current
from .errors import SlotFullError
from .job import COUNTED, ENDED, NESTED, PAUSED, STOPPED, TIMED, TRACED, WATCHED, JobState
from .lanes import FOLD
from .ports import Connection
from .records import Kind

if TYPE_CHECKING:
    from .mailbox import Mailbox
    from .workers import Backend, Runner

#: Deliveries of one job in the shared queue; what it has more waits in the job, so that a small
#: job is served within its turn and not after all of a large one.
WINDOW = 64
_CALL = int(Kind.ACTIVATION)  # comparing and storing enums is dearer
#: Handler calls that are timed for the tracker, at most, of one job.
TIMED_CALLS = 64
#: Handler calls whose times a slot keeps for the tracker.
TIMES_KEPT = 256


# emit -------------------------------------------------------------------------------------------


def admit(
    backend: Backend,
    edges: tuple[Connection, ...],
    data: dict[str, Any],
    cause: Activation,
    limited: bool = False,
) -> list[Delivery]:
    """What goes into the shared queue for an emit of a job that is flagged or has much queued, or
    (``limited``) to slots with limits, which have given places already.

    Its tokens are in already. A stopped job takes no more: its tokens are returned and the
    deliveries counted as dropped. A late emit of a job that has ended goes on in the flow's ambient
    job. What is over its window waits in the job.
    """
    job = cause.job
    flags = job.flags
    if flags & (STOPPED | ENDED):
        _refuse(job, edges, data, cause, flags)
        return []
    deliveries: list[Delivery] = []
    if flags & WATCHED:
        queue_watched(deliveries, edges, data, cause)
    else:
        deliveries = [(edge, data, copy_context(), cause, 0, 0) for edge in edges]
    if limited:
        return _limited(job, deliveries)
    if flags & NESTED:
        return _into_backlog(job, deliveries)
    # A paused job's go to the queue too: there they are parked after what was queued before.
    if len(job.tokens) > WINDOW and not flags & PAUSED:
        return _within_window(backend, job, deliveries)
    return deliveries


def _limited(job: JobState, deliveries: list[Delivery]) -> list[Delivery]:
    """The same where some slots have limits; in the order of the connections."""
    queued: list[Delivery] = []
    for delivery in deliveries:
        if delivery[0].target_slot.mailbox is not None:
            queued.extend(commit.into_mailbox(delivery, reserved=True))
        elif job.flags & NESTED:
            queued.extend(_into_backlog(job, [delivery]))
        else:
            queued.append(delivery)
    return queued


def submit_limited(
    cause: Activation, edges: tuple[Connection, ...], data: dict[str, Any], runner: Runner
) -> None:
    """Emit to slots of which some have limits: get places first, all or none for ``error``."""
    current.set(cause)
    job = cause.job
    kept: dict[Connection, None] = {}
    try:
        for edge in sorted(edges, key=_turn):
            mailbox = edge.target_slot.mailbox
            got = mailbox is None or mailbox.reserve()
            if mailbox is not None and got is None:
                # Who waits must not hold places: others, or it itself, may wait for those.
                _queue_limited(cause, edges, kept, data, runner)
                mailbox.wait_for_room(job.backend, job)
                got = True
            if got:
                kept[edge] = None
            else:
                _drop_newest(edge, data, cause)
    except BaseException as error:
        cancel_places(kept)
        if isinstance(error, SlotFullError):
            job.count_refused(edges)
        raise
    _queue_limited(cause, edges, kept, data, runner)


def _turn(edge: Connection) -> int:
    """Order in which places are asked for: what may raise, what never waits, what may wait."""
    mailbox = edge.target_slot.mailbox
    if mailbox is None or mailbox.max_queue is None:
        return 1
    return {"error": 0, "block": 2}.get(mailbox.overflow, 1)


def _queue_limited(
    cause: Activation,
    edges: tuple[Connection, ...],
    kept: dict[Connection, None],
    data: dict[str, Any],
    runner: Runner,
) -> None:
    in_order = tuple(edge for edge in edges if edge in kept) if kept else ()
    kept.clear()  # their places are taken up, or given back, in `admit`
    if in_order:
        backend = cause.job.backend
        cause.job.tokens.extend(in_order)
        backend.queue(admit(backend, in_order, data, cause, limited=True), runner)


def _drop_newest(edge: Connection, data: dict[str, Any], cause: Activation) -> None:
    scheduler = cause.job.flow._scheduler
    scheduler.count_dropped(cause.job, edge)
    if cause.job.flags & WATCHED:
        trace_refused(edge, data, cause)


def _refuse(
    job: JobState,
    edges: tuple[Connection, ...],
    data: dict[str, Any],
    cause: Activation,
    flags: int,
) -> None:
    scheduler = job.flow._scheduler
    cancel_places(edges)
    if not flags & ENDED:
        for edge in edges:
            scheduler.count_dropped(job, edge)
            if flags & WATCHED:
                trace_refused(edge, data, cause)
    _return_tokens(job, len(edges))
    # Our tokens may have come while `finish` was about to end the job, which then goes on: so ENDED
    # may be gone again, but what it has told us stays right.
    if flags & ENDED:
        scheduler.emit_late(edges, data, cause)


def trace_refused(edge: Connection, data: dict[str, Any], cause: Activation) -> None:
    """Publish that a delivery was dropped before it was queued."""
    scheduler = cause.job.flow._scheduler
    now, index = scheduler.runtime.now_ns(), next(cause.children)
    scheduler.bus.lane().send(edge)
    commit.trace_dropped(scheduler, (edge, data, copy_context(), cause, now, index))


def _return_tokens(job: JobState, count: int) -> None:
    for _ in range(count):
        job.tokens.pop()
    if not job.tokens:
        job.flow._scheduler.finish(job)


def cancel_places(edges: Iterable[Connection]) -> None:
    """Give back the places in mailboxes that were reserved for an emit."""
    for edge in edges:
        if edge.target_slot.mailbox is not None:
            edge.target_slot.mailbox.cancel()


def queue_watched(
    ready: list[Delivery] | deque[Delivery],
    edges: tuple[Connection, ...],
    data: dict[str, Any],
    cause: Activation,
) -> None:
    """Queue what a watched job has emitted, and count it."""
    job = cause.job
    scheduler = job.flow._scheduler
    bus = scheduler.bus
    try:
        lane = bus.local.lane
    except AttributeError:
        lane = bus.lane()
    lane.sent.append(edges)
    if not job.flags & TRACED:
        for edge in edges:
            ready.append((edge, data, copy_context(), cause, NOT_TIMED, 0))
        if len(lane.sent) >= FOLD:
            lane.fold()
        return
    now, children = scheduler.runtime.now_ns() or 1, cause.children  # 0 says: nobody watches
    for edge in edges:
        index = next(children)
        if bus.previews > 0 and edge is edges[0]:
            scheduler.preview(cause.child_id(index), data)
        ready.append((edge, data, copy_context(), cause, now, index))
    if len(lane.sent) >= FOLD:
        lane.fold()


def _within_window(backend: Backend, job: JobState, deliveries: list[Delivery]) -> list[Delivery]:
    """Keep what is over the window in the job. Each of its activations that ends moves one on, so
    only a thread that is in one may put something there.
    """
    waiting = len(job.backlog) if job.backlog is not None else 0
    room = WINDOW - (len(job.tokens) - len(deliveries) - waiting)
    if (room >= len(deliveries) and not waiting) or not backend.runs_here():
        return deliveries
    room = 0 if waiting else max(room, 0)
    if job.backlog is None:
        with job.flow._scheduler.lock:
            job.backlog = job.backlog if job.backlog is not None else deque()
    job.backlog.extend(deliveries[room:])
    now = deliveries[:room]
    if not now and len(job.tokens) <= len(job.backlog):  # nobody is left to move them on
        return take_from_backlog(job, 1)
    return now


def delivery(edge: Connection, data: dict[str, Any], cause: Activation) -> Delivery:
    """A delivery that nobody emitted, which runs in a context of its own."""
    context = copy_context()
    context.run(current.set, cause)
    index = next(cause.children) if cause.job.flags & TRACED else 0
    return (edge, data, context, cause, 0, index)


def _into_backlog(job: JobState, deliveries: list[Delivery]) -> list[Delivery]:
    """Keep all in the job, where a handler that waits for it finds them, and queue tickets."""
    assert job.backlog is not None  # made with the job
    job.backlog.extend(deliveries)
    if job._extra is not None and job._extra.helpers:
        job.flow._scheduler.wake_waiters()
    return [job.root.ticket()] * len(deliveries)


def take_from_backlog(job: JobState, count: int) -> list[Delivery]:
    """Up to so many of the deliveries that wait in the job. Any thread."""
    taken: list[Delivery] = []
    backlog = job.backlog
    while backlog and len(taken) < count:
        try:
            taken.append(backlog.popleft())
        except IndexError:
            break
    return taken


def park(job: JobState, deliveries: list[Delivery]) -> None:
    """Keep deliveries of a paused job until it is resumed."""
    assert job.backlog is not None  # made by `pause`
    job.backlog.extend(d for d in deliveries if d[0] is not NO_EDGE)
    if not job.flags & PAUSED:  # resumed in this moment: do not strand them
        unpark(job)


def unpark(job: JobState) -> None:
    """Let what was parked go on."""
    if job.flags & NESTED:
        tickets = len(job.backlog or ())
        job.backend.queue([job.root.ticket()] * tickets)
        return
    taken = take_from_backlog(job, WINDOW)
    job.backend.queue([ticket for d in taken for ticket in commit.into_mailbox(d)])


# run --------------------------------------------------------------------------------------------


def run_gated(delivery: Delivery) -> KeyboardInterrupt | None:
    """Run, park or drop one delivery, or what a ticket stands for, and return its token."""
    if delivery[0] is NO_EDGE:
        return _run_ticket(delivery)
    job = delivery[3].job
    flags = job.flags
    if flags & STOPPED:
        commit.discard(delivery)
        return None
    if flags & PAUSED:
        park(job, [delivery])
        commit.move_on(job)  # who pauses it may wait for this thread
        return None
    # What was counted as queued is counted to its end.
    if flags & TRACED or delivery[4] > 0:
        return run_traced(delivery)
    if flags & COUNTED or delivery[4]:
        return run_counted(delivery)
    if flags & TIMED:
        return _run_timed(delivery)
    return _run_plain(delivery)


def resolve(delivery: Delivery) -> Delivery | None:
    """The delivery itself, or what a ticket stands for; None if that was taken already."""
    if delivery[0] is not NO_EDGE:
        return delivery
    mailbox: Mailbox | None = delivery[1].get("mailbox")
    if mailbox is not None:
        return mailbox.draw(delivery)
    taken = take_from_backlog(delivery[3].job, 1)
    return taken[0] if taken else None


def _run_ticket(ticket: Delivery) -> KeyboardInterrupt | None:
    mailbox: Mailbox | None = ticket[1].get("mailbox")
    if mailbox is not None:
        return mailbox.serve(ticket)
    if ticket[3].job.flags & PAUSED:
        return None  # `unpark` makes new ones
    delivery = resolve(ticket)
    if delivery is None:  # a handler that waits for the job has run it
        return None
    if delivery[0].target_slot.mailbox is not None:  # it was parked, and has to queue again
        delivery[3].job.backend.queue(commit.into_mailbox(delivery))
        return None
    return run_gated(delivery)


def run_from_backlog(delivery: Delivery) -> None:
    """Run what a handler that waits for the job took from its backlog."""
    if delivery[0].target_slot.mailbox is not None:  # it was parked, and has to queue again
        delivery[3].job.backend.queue(commit.into_mailbox(delivery))
        return
    interrupt = run_gated(delivery)
    if interrupt is not None:
        raise interrupt


def _run_plain(delivery: Delivery) -> KeyboardInterrupt | None:
    edge, data, context, _, _, _ = delivery
    try:
        result = context.run(edge.deliver, data)
    except BaseException as error:  # noqa: BLE001 - whatever a handler raises fails its job
        return commit.close(delivery, error)
    if result is not None and commit.is_coroutine(result):
        if delivery[4]:
            delivery[3].job.flow._scheduler.bus.lane().begin(edge.number)
        commit.run_coroutine(delivery, result, None)
        return None
    return commit.close(delivery, None)


def _run_timed(delivery: Delivery) -> KeyboardInterrupt | None:
    job = delivery[3].job
    now_ns = job.flow._runtime.now_ns
    start = now_ns()
    interrupt = _run_plain(delivery)
    remember_time(delivery[0], now_ns() - start)
    extra = job.extra
    extra.timed += 1
    if extra.timed >= TIMED_CALLS:
        with job.flow._scheduler.lock:
            job.flags &= ~TIMED
    return interrupt


def remember_time(edge: Connection, nanoseconds: int) -> None:
    """Keep how long a handler call took, for the tracker."""
    slot = edge.target_slot
    if slot.run_ns is None:
        slot.run_ns = deque(maxlen=TIMES_KEPT)
    slot.run_ns.append(nanoseconds)


def run_traced(delivery: Delivery) -> KeyboardInterrupt | None:
    """Run one delivery of a traced job, or that was queued when it was."""
    edge, data, context, cause, queued, index = delivery
    job = cause.job
    scheduler = job.flow._scheduler
    bus, now_ns, number = scheduler.bus, scheduler.runtime.now_ns, edge.number
    try:
        lane = bus.local.lane
    except AttributeError:
        lane = bus.lane()
    if queued <= 0:  # queued before somebody began to watch: it is timed from here
        if not queued:
            lane.send(edge)
        queued, index = now_ns() or 1, index or next(cause.children)
        delivery = (edge, data, context, cause, queued, index)
    ident = hash((cause.id, index))
    outer = lane.running  # a handler that executes another flow in sequence runs it in here
    start = now_ns() or 1  # 0 says: not timed
    lane.running = (number, start, ident, outer)
    try:
        result = context.run(_enter, Activation(ident, job, edge), edge.deliver, data)
    except BaseException as error:  # noqa: BLE001 - whatever a handler raises fails its job
        lane.running = outer
        return commit.close(delivery, error, start, lane)
    lane.running = outer  # before it is counted as ended: nothing is counted twice
    if result is not None and commit.is_coroutine(result):
        lane.begin(number)
        commit.run_coroutine(delivery, result, start)
        return None
    # From here to the end `commit.close` and `Lane.record` are inlined: this is per message.
    end = now_ns()
    if job.flags & TIMED:
        remember_time(edge, end - start)
    batch = lane.batch if bus.tracing else lane.quiet
    batch.append((end, _CALL, job.number, ident, cause.id, number, queued, start, 0, 0))
    tokens = job.tokens
    tokens.pop()
    if job.backlog is not None:
        commit.move_on(job)
    if not tokens:
        scheduler.finish(job)
    if len(batch) >= FOLD:  # last: Ctrl+C that comes in there must not keep a token
        lane.fold()
    return None


def run_counted(delivery: Delivery) -> KeyboardInterrupt | None:
    """Run one delivery of a job that is counted only."""
    edge, data, context, cause, queued, index = delivery
    if queued > 0:  # it was queued while its job was traced
        return run_traced(delivery)
    job = cause.job
    bus = job.flow._scheduler.bus
    try:
        lane = bus.local.lane
    except AttributeError:
        lane = bus.lane()
    if not queued:  # queued before somebody began to watch
        lane.send(edge)
        delivery = (edge, data, context, cause, NOT_TIMED, index)
    if job.flags & TIMED:
        return _run_timed(delivery)
    try:
        result = context.run(edge.deliver, data)
    except BaseException as error:  # noqa: BLE001 - whatever a handler raises fails its job
        return commit.close(delivery, error)
    if result is not None and commit.is_coroutine(result):
        lane.begin(edge.number)
        commit.run_coroutine(delivery, result, None)
        return None
    lane.ended.append(edge)
    commit.give_back(job)
    if len(lane.ended) >= FOLD:
        lane.fold()
    return None


def _enter(activation: Activation, deliver: Any, data: dict[str, Any]) -> Any:
    current.set(activation)
    return deliver(data)
