"""The long way of a delivery: for jobs that are traced, stopped, or over.

Everything here is behind one test of `JobState.flags`, so it costs nothing while all is well and
nobody watches.
"""

from __future__ import annotations

from contextvars import copy_context
from typing import TYPE_CHECKING, Any

from .activation import Activation, Delivery, current
from .histogram import _SHIFT, STEPS
from .job import ENDED, STOPPED, JobState
from .ports import Connection, Deliver
from .records import Kind, Status

if TYPE_CHECKING:
    from .scheduler import Scheduler

_EXACT = 2 * STEPS  # smaller values have a bin of their own


def admit(edges: tuple[Connection, ...], data: dict[str, Any], cause: Activation) -> list[Delivery]:
    """What a backend queues for an emit of a flagged job, whose tokens it has already put in.

    A stopped job takes no more: its tokens are returned and the deliveries counted as dropped. A
    late emit of a job that has ended goes on in the flow's ambient job.
    """
    job = cause.job
    scheduler = job.flow._scheduler
    flags = job.flags
    if flags & (STOPPED | ENDED):
        if not flags & ENDED:
            scheduler.count_dropped(job, len(edges))
        _give_back(job, len(edges), scheduler)
        # Our tokens may have come while `finish` was about to end the job, which then goes on: so
        # ENDED may be gone again, but what it has told us stays right.
        if flags & ENDED:
            scheduler.emit_late(edges, data, cause)
        return []
    bus = scheduler.bus
    try:
        shards = bus.local.lane.shards
    except AttributeError:
        shards = bus.lane().shards
    now, children = scheduler.runtime.now_ns(), cause.children
    deliveries: list[Delivery] = []
    for edge in edges:
        number = edge.number
        shard = shards.get(number) or bus.lane().shard(number)
        shard.queued += 1
        deliveries.append((edge, data, copy_context(), cause, now, next(children)))
    if bus.previews > 0:
        scheduler.preview(cause.child_id(deliveries[0][5]), data)
    return deliveries


def _give_back(job: JobState, count: int, scheduler: Scheduler) -> None:
    for _ in range(count):
        job.tokens.pop()
    if not job.tokens:
        scheduler.finish(job)


def drop(delivery: Delivery, scheduler: Scheduler) -> None:
    """Count a delivery that was queued and will not run."""
    edge, _, _, cause, queued, index = delivery
    scheduler.count_dropped(cause.job, 1)
    if not queued:  # it came before somebody watched
        return
    lane = scheduler.bus.lane()
    lane.dropped[edge.number] = lane.dropped.get(edge.number, 0) + 1
    if scheduler.bus.tracing:
        lane.publish(
            Kind.DROPPED,
            scheduler.runtime.now_ns(),
            cause.job.number,
            activation=cause.child_id(index),
            cause=cause.id,
            subject=edge.number,
            status=Status.CANCELLED,
        )


def run_gated(delivery: Delivery) -> KeyboardInterrupt | None:
    """Run or drop one delivery of a job that is or was flagged; its token stays the caller's."""
    edge, data, context, cause, queued, index = delivery
    job = cause.job
    scheduler = job.flow._scheduler
    if job.flags & STOPPED:
        drop(delivery, scheduler)
        return None
    bus, now_ns, number = scheduler.bus, scheduler.runtime.now_ns, edge.number
    try:
        lane = bus.local.lane
    except AttributeError:
        lane = bus.lane()
    shard = lane.shards.get(number) or lane.shard(number)
    if not queued:  # queued before somebody began to watch: it counts from here
        queued, index = now_ns(), next(cause.children)
        shard.queued += 1
    ident = hash((cause.id, index))
    activation = Activation(ident, job, edge)
    interrupt: KeyboardInterrupt | None = None
    status = 0
    outer = lane.running  # a handler that executes another flow in sequence runs it in here
    start = now_ns()
    shard.started += 1
    lane.running = (number, start, ident)
    try:
        context.run(_enter, activation, edge.deliver, data)
    except BaseException as error:  # noqa: BLE001 - whatever a handler raises fails its job
        status = 1
        scheduler.fail(job, error, edge, ident)
        if isinstance(error, KeyboardInterrupt):
            interrupt = error
    end = now_ns()
    lane.running = outer
    # From here to the end `histogram.bin_of` is inlined twice: this is per message.
    run, wait = end - start, start - queued
    shard.done += 1
    shard.failed += status
    shard.run_ns += run
    shard.wait_ns += wait
    if run >= _EXACT:
        octave = run.bit_length() - _SHIFT - 1
        run = (octave << _SHIFT) + (run >> octave)
    shard.run_bins[run] += 1
    if wait >= _EXACT:
        octave = wait.bit_length() - _SHIFT - 1
        wait = (octave << _SHIFT) + (wait >> octave)
    shard.wait_bins[wait] += 1
    if bus.tracing:
        n = lane.published + 1
        lane.ring.append((n, end, 1, job.number, ident, cause.id, number, queued, start, status))
        lane.published = n
    return interrupt


def _enter(activation: Activation, deliver: Deliver, data: dict[str, Any]) -> None:
    current.set(activation)
    deliver(data)
