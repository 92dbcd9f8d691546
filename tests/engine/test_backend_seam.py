"""The seam for other backends: a handler runs elsewhere on a copy, and its outcome is committed.

The backend here is what docs/design.md says that a process pool has to be: it ships plain bytes,
runs a copy of the routine made from its class and its configuration, and hands the outcome to
`commit.apply`. It runs on threads, so that the suite is quick, and once, marked slow, on processes.
"""

from __future__ import annotations

import asyncio
import importlib
import multiprocessing
import pickle
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from operator import attrgetter
from types import CoroutineType
from typing import Any, NamedTuple

import pytest

from routilux import (
    ErrorHandler,
    Flow,
    JobState,
    Kind,
    ManualClock,
    Outcome,
    Routine,
    commit,
    gate,
)
from routilux.activation import Activation, Delivery
from routilux.job import PAUSED, STOPPED
from routilux.loop import EventLoop
from routilux.ports import Connection
from routilux.runtime import Runtime
from routilux.testing import Recorder
from routilux.workers import Backend, Runner
from tests.waiting import wait_until

# what is shipped, and what comes back ------------------------------------------------------------


class Shipped(NamedTuple):
    """An activation as plain data."""

    routine_id: str
    module: str
    name: str
    config: dict[str, Any]
    stats: dict[str, Any]
    slot: str
    data: dict[str, Any]


def ship(delivery: Delivery) -> bytes:
    """Raises what pickle raises if some of it is no plain data."""
    edge, data, *_ = delivery
    slot = edge.target_slot
    routine = slot.routine
    assert routine is not None
    if slot.merge_strategy != "override":
        raise TypeError(f"{slot.where()} accumulates, so it has to run where its data is")
    if slot.mailbox is not None and slot.mailbox.limit is not None:
        raise TypeError(f"{slot.where()} limits its handlers, which are counted at home only")
    made = type(routine)
    return pickle.dumps(
        Shipped(
            routine._id,
            made.__module__,
            made.__qualname__,
            routine.config(),
            routine._own_stats(),
            slot.name,
            edge.renamed(data),
        )
    )


def run_elsewhere(shipped: bytes) -> bytes:
    """Run the handler on a copy of its routine. Knows no flow, no job and no lock of the engine."""
    what: Shipped = pickle.loads(shipped)
    routine: Routine = attrgetter(what.name)(importlib.import_module(what.module))()
    routine._id = what.routine_id
    routine.set_config(**what.config)
    for key, value in what.stats.items():
        routine.set_stat(key, value)
    emits: list[tuple[str, dict[str, Any]]] = []
    stats: list[tuple[str, Any, bool]] = []
    _record(routine, emits, stats)
    error: BaseException | None = None
    try:
        slot = routine.get_slot(what.slot)
        assert slot is not None
        result = slot.call(what.data)
        if isinstance(result, CoroutineType):
            asyncio.run(result)
    except BaseException as raised:
        error = raised
    return pickle.dumps(tuple(Outcome(emits, stats, error)))


def _record(routine: Any, emits: list[Any], stats: list[Any]) -> None:
    set_stat, increment_stat = routine.set_stat, routine.increment_stat

    def emit(event: str, /, **data: Any) -> None:
        if routine.get_event(event) is None:
            raise ValueError(f"no event {event!r}")
        emits.append((event, data))

    def set_and_tell(key: str, value: Any) -> None:
        stats.append((key, value, False))
        set_stat(key, value)

    def increment_and_tell(key: str, amount: Any = 1) -> Any:
        stats.append((key, amount, True))
        return increment_stat(key, amount)

    routine.emit = emit
    routine.set_stat, routine.increment_stat = set_and_tell, increment_and_tell


# the backend -------------------------------------------------------------------------------------


class Remote(Backend):
    """Ships deliveries to an executor, as many at once as it has workers."""

    def __init__(self, runtime: Runtime, name: str, loop: EventLoop, pool: Executor, most: int):
        super().__init__(runtime, name, loop)
        self._pool, self._most = pool, most
        self._lock = threading.RLock()
        self._away: dict[int, Delivery] = {}  # what runs elsewhere
        self._sending = False  # by one thread at a time, so that a fast pool does not nest them
        self.shipped = 0

    def submit(
        self, edges: tuple[Connection, ...], data: dict[str, Any], cause: Activation
    ) -> None:
        cause.job.tokens.extend(edges)  # before they can be seen
        self.queue(gate.admit(self, edges, data, cause))

    def queue(self, deliveries: Sequence[Delivery], runner: Runner = Runner.OTHERS) -> None:
        self._ready.extend(deliveries)
        self._send()

    def settle(self, job: JobState) -> None:
        pass

    def help(self, job: JobState, ready: Callable[[], bool], deadline: float | None) -> None:
        job.flow._scheduler.wait(ready, deadline)

    def run_coroutine(
        self, delivery: Delivery, coroutine: CoroutineType[Any, Any, Any], start: int | None
    ) -> None:
        self._loop.start(delivery, coroutine, start)

    def runs_here(self) -> bool:
        return self.arrived() is not None

    def running(self) -> list[tuple[threading.Thread, Delivery]]:
        with self._lock:
            away = list(self._away.values())
        nobody = threading.Thread()  # it runs in no thread of ours
        return [(nobody, delivery) for delivery in away] + list(self._guests.values())

    def close(self) -> None:
        pass

    def join(self, timeout: float | None) -> list[threading.Thread]:
        return []

    def _send(self) -> None:
        with self._lock:
            if self._sending:
                return  # who sends looks again
            self._sending = True
        while (delivery := self._next()) is not None:
            self._send_one(delivery)

    def _next(self) -> Delivery | None:
        with self._lock:
            while self._ready and len(self._away) < self._most:
                delivery = gate.resolve(self._ready.popleft())
                if delivery is not None:
                    self._away[id(delivery)] = delivery  # said before the flags are looked at
                    return delivery
            self._sending = False
            return None

    def _send_one(self, delivery: Delivery) -> None:
        job = delivery[3].job
        if job.flags & STOPPED:
            self._back(delivery)
            commit.discard(delivery)
        elif job.flags & PAUSED:
            self._back(delivery)
            gate.park(job, [delivery])
            commit.move_on(job)
        else:
            try:
                shipped = ship(delivery)
            except Exception as error:
                self._close(delivery, Outcome(error=error))
                return
            self.shipped += 1
            future = self._pool.submit(run_elsewhere, shipped)
            future.add_done_callback(lambda done: self._came(delivery, done))

    def _back(self, delivery: Delivery) -> None:
        with self._lock:
            self._away.pop(id(delivery), None)

    def _came(self, delivery: Delivery, future: Future[bytes]) -> None:
        try:
            outcome = Outcome(*pickle.loads(future.result()))
        except Exception as error:  # the pool is broken, or the outcome is no plain data
            outcome = Outcome(error=error)
        self._close(delivery, outcome)
        self._send()

    def _close(self, delivery: Delivery, outcome: Outcome) -> None:
        self.arrive(delivery)
        self._back(delivery)
        try:
            commit.apply(delivery, outcome)
        finally:
            self.leave()


class RemoteRuntime(Runtime):
    """A runtime whose concurrent jobs run elsewhere."""

    def __init__(self, pool: Executor, most: int = 4, clock: ManualClock | None = None) -> None:
        super().__init__(clock)
        self._pool, self._most = pool, most

    def threads(self, name: str, max_workers: int, loop: EventLoop) -> Backend:
        return Remote(self, name, loop, self._pool, self._most)


# routines: at the top level, so that they are found elsewhere ------------------------------------


class Split(Routine):
    def __init__(self) -> None:
        super().__init__()
        self.define_slot("trigger", handler=self.split)
        self.define_event("part", ["number"])

    def split(self, count: int = 0, **kwargs: Any) -> None:
        for number in range(count):
            self.emit("part", number=number)


class Scale(Routine):
    def __init__(self) -> None:
        super().__init__()
        self.set_config(factor=1, fail_at=None)
        self.define_slot("input", handler=self.scale)
        self.define_event("scaled", ["scaled"])

    def scale(self, number: int, **kwargs: Any) -> None:
        self.increment_stat("scaled")
        self.emit("scaled", scaled=number * self.get_config("factor"))
        if number == self.get_config("fail_at"):
            raise ValueError(f"{number} is not liked")


class Total(Routine):
    def __init__(self) -> None:
        super().__init__()
        self.define_slot("input", handler=self.add)

    def add(self, number: int, **kwargs: Any) -> None:
        self.increment_stat("total", number)


class Async(Routine):
    def __init__(self) -> None:
        super().__init__()
        self.define_slot("trigger", handler=self.work)
        self.define_event("done", ["number"])

    async def work(self, **kwargs: Any) -> None:
        await asyncio.sleep(0)
        self.emit("done", number=7)


class AtHome(Routine):
    def __init__(self) -> None:
        super().__init__()
        self.define_slot("accumulates", merge_strategy="append")
        self.define_slot("limits", max_concurrency=1)


class Slow(Routine):
    def __init__(self) -> None:
        super().__init__()
        self.set_config(number=0)
        self.define_slot("trigger", handler=self.work)
        self.define_event("done")

    def work(self, **kwargs: Any) -> None:
        time.sleep(0.05)  # so long that the test can act meanwhile
        self.emit("done", number=1)


@pytest.fixture
def pool() -> Iterator[Executor]:
    with ThreadPoolExecutor(4) as made:
        yield made


def flow_on(pool: Executor, clock: ManualClock | None = None) -> Flow:
    flow = Flow("away", "concurrent", runtime=RemoteRuntime(pool, clock=clock))
    flow.add_routine(Split(), "split")
    flow.add_routine(Scale(), "scale")
    flow.add_routine(Total(), "total")
    flow.connect("split", "part", "scale", "input")
    flow.connect("scale", "scaled", "total", "input", {"scaled": "number"})
    flow.routines["scale"].set_config(factor=10)
    return flow


# what the seam promises --------------------------------------------------------------------------


def test_chains_run_elsewhere_and_a_job_is_complete_exactly_when_all_outcomes_are(
    pool: Executor,
) -> None:
    flow = flow_on(pool)

    for _ in range(20):
        before = flow.routines["total"].get_stat("total", 0)
        job = flow.execute("split", {"count": 100})
        assert job.wait(10)
        assert flow.routines["total"].get_stat("total") - before == 10 * sum(range(100))

    assert job.status == "completed"
    assert job.get_routine_state("scale")["status"] == "completed"  # type: ignore[index]
    assert flow.routines["scale"].get_stat("scaled") == 2000
    assert flow._threads.shipped == 20 * 201  # type: ignore[union-attr] # nothing ran at home
    assert flow.wait_for_completion(0)


def test_an_error_elsewhere_stops_the_job_and_what_it_has_queued_is_dropped(
    pool: Executor,
) -> None:
    flow = flow_on(pool)
    flow.routines["scale"].set_config(fail_at=3)

    job = flow.execute("split", {"count": 500})

    assert job.wait(10)
    assert job.status == "failed"
    assert isinstance(job.error, ValueError)
    assert "routine 'scale', slot 'input'" in job.error.__notes__[0]
    scaled = flow.routines["scale"].get_stat("scaled")
    assert job.dropped >= 500 - scaled
    assert flow.routines["scale"].get_stat("errors")[0]["error"] == "3 is not liked"


def test_an_error_elsewhere_obeys_its_strategy_and_what_was_emitted_before_counts(
    pool: Executor,
) -> None:
    flow = flow_on(pool)
    flow.routines["scale"].set_config(fail_at=3)
    flow.routines["scale"].set_error_handler(ErrorHandler("continue"))

    job = flow.execute("split", {"count": 5})

    assert job.wait(10)
    assert job.status == "completed"
    assert flow.routines["total"].get_stat("total") == 10 * sum(range(5))
    assert "error_continued" in [record.event_name for record in job.execution_history]


def test_a_retry_waits_by_the_clock_and_goes_elsewhere_again(pool: Executor) -> None:
    clock = ManualClock()
    flow = flow_on(pool, clock)
    flow.routines["scale"].set_config(fail_at=3)
    flow.routines["scale"].set_error_handler(ErrorHandler("retry", max_retries=2))

    job = flow.execute("split", {"count": 4})

    for delay in (1.0, 2.0):
        wait_until(lambda: job.retries_waiting == 1, "the retry waits")
        clock.advance(delay)
    assert job.wait(10)
    assert job.status == "failed"
    assert flow.routines["scale"].get_stat("scaled") == 6  # 4, and 3 twice more


def test_what_cannot_be_shipped_fails_where_it_is_and_not_the_backend(pool: Executor) -> None:
    flow = flow_on(pool)

    job = flow.execute("scale", {"number": threading.Lock()}, entry_slot="input")
    assert job.wait(10)
    assert isinstance(job.error, TypeError)

    assert flow.execute("scale", {"number": 1}, entry_slot="input").wait(10)
    assert flow.routines["total"].get_stat("total") == 10


@pytest.mark.parametrize("slot", ["accumulates", "limits"])
def test_a_slot_that_has_to_run_at_home_is_refused(pool: Executor, slot: str) -> None:
    flow = flow_on(pool)
    flow.add_routine(AtHome(), "home")

    job = flow.execute("home", {"number": 1}, entry_slot=slot)

    assert job.wait(10)
    assert slot in str(job.error)


def test_a_coroutine_handler_runs_to_its_end_elsewhere(pool: Executor) -> None:
    flow = flow_on(pool)
    flow.add_routine(Async(), "async")
    flow.connect("async", "done", "total", "input")

    assert flow.execute("async").wait(10)
    assert flow.routines["total"].get_stat("total") == 7


def test_an_outcome_that_does_not_fit_its_routine_fails_the_job(pool: Executor) -> None:
    flow = flow_on(pool)
    shipped: list[Delivery] = []
    backend = flow._backend()
    backend._send_one = shipped.append  # type: ignore[attr-defined]

    job = flow.execute("split")
    (delivery,) = shipped
    commit.apply(delivery, Outcome(emits=[("parts", {})]))

    assert job.status == "failed"
    assert "did you mean 'part'?" in str(job.error)


def test_pause_waits_for_what_runs_elsewhere_and_resume_runs_the_rest(pool: Executor) -> None:
    flow = flow_on(pool)
    flow.add_routine(Slow(), "slow")
    flow.connect("slow", "done", "scale", "input")
    job = flow.execute("slow")

    assert flow.pause(job, timeout=5)
    assert [task.routine_id for task in job.pending_tasks] == ["scale"]

    flow.resume(job)
    assert job.wait(10)
    assert flow.routines["total"].get_stat("total") == 10


def test_a_cancelled_job_sends_no_more(pool: Executor) -> None:
    flow = flow_on(pool)
    flow.add_routine(Slow(), "slow")
    flow.connect("slow", "done", "scale", "input")
    job = flow.execute("slow")

    flow.cancel(job)

    assert job.wait(10)
    assert (job.status, job.dropped) == ("cancelled", 1)
    assert flow.routines["scale"].get_stat("scaled") is None


def test_records_of_what_runs_elsewhere_name_their_causes(pool: Executor) -> None:
    flow = flow_on(pool)

    with Recorder(flow) as recorder:
        job = flow.execute("split", {"count": 3})
        assert job.wait(10)
        ended = [record for record in recorder.records if record.kind == Kind.ACTIVATION]

    depth = {job.root.id: 0}
    for record in sorted(ended, key=lambda record: record.queued):
        depth[record.activation] = depth[record.cause] + 1
    assert sorted(depth.values()) == [0, 1, 2, 2, 2, 3, 3, 3]
    assert recorder.activations()["total", "input"] == 3


@pytest.mark.slow
def test_the_same_on_processes_that_are_spawned() -> None:
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=spawn) as processes:
        flow = flow_on(processes)
        flow.routines["scale"].set_config(fail_at=3)
        flow.routines["scale"].set_error_handler(ErrorHandler("skip"))

        job = flow.execute("split", {"count": 50})

        assert job.wait(20)
        assert job.status == "completed"
        assert flow.routines["total"].get_stat("total") == 10 * sum(range(50))
        assert flow.shutdown(timeout=5)
