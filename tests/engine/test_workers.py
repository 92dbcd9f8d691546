import gc
import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from routilux import Flow, Routine
from routilux import workers as pool
from routilux.runtime import Runtime
from tests.engine.building import chain, idle, node, passing, workers
from tests.waiting import SECONDS, Call, arrive, gate, in_threads, wait_until


@pytest.fixture
def quick_switching() -> Iterator[None]:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(interval)


def counting(max_workers: int, **options: Any) -> Flow:
    """A flow whose routine ``n0`` counts its calls."""
    flow = Flow("f", "concurrent", max_workers, **options)
    chain(flow, lambda r: r.increment_stat("n"))
    return flow


def calls(flow: Flow) -> int:
    return int(flow.routines["n0"].get_stat("n", 0))


# threads come and go ------------------------------------------------------------------------------


def test_threads_start_when_they_are_needed() -> None:
    flow = counting(5)
    assert not workers()
    flow.execute("n0")
    idle(flow)
    assert len(workers()) == 1
    flow.shutdown()


def test_a_chain_stays_on_the_thread_that_began_it() -> None:
    names: set[str] = set()

    def step(routine: Routine) -> None:
        names.add(threading.current_thread().name)
        routine.emit("out")

    flow = Flow("f", "concurrent", max_workers=1)
    chain(flow, *[step] * 50)
    flow.execute("n0")
    idle(flow)
    assert len(names) == 1
    flow.shutdown()


def test_an_idle_worker_ends_and_the_next_delivery_starts_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pool, "IDLE_SECONDS", 0.001)
    flow = counting(3)
    for expected in range(1, 6):
        flow.execute("n0")
        idle(flow)
        assert calls(flow) == expected
        wait_until(lambda: not workers(), "the end of the idle worker")
    flow.shutdown()


def test_a_worker_that_is_parked_holds_no_reference_to_the_flow() -> None:
    flow = Flow("f", "concurrent", max_workers=2, history=0)
    chain(flow, passing, lambda _r, **kw: None)

    class Payload:
        pass

    payload = Payload()
    gone = weakref.ref(payload)
    flow.execute("n0", {"x": payload})
    idle(flow)
    for name in ("n0", "n1"):
        slot = flow.routines[name].get_slot("trigger")
        assert slot is not None
        slot._data = {}
    del payload
    flow.execute("n0")  # the flow keeps its latest job
    idle(flow)
    wait_until(lambda: gc.collect() is not None and gone() is None, "the end of the payload")
    flow.shutdown()


def test_a_thread_that_cannot_be_started_is_an_error_and_the_next_try_works() -> None:
    class Poor(Runtime):
        rich = False

        def start_thread(self, target: Callable[[], None], name: str) -> threading.Thread:
            if not self.rich:
                raise RuntimeError("can't start new thread")
            return super().start_thread(target, name)

    flow = counting(2, runtime=(runtime := Poor()))
    with pytest.raises(RuntimeError, match="can't start new thread"):
        flow.execute("n0")
    runtime.rich = True
    flow.execute("n0")
    idle(flow)
    assert calls(flow) == 2, "what was queued in vain is done too"
    flow.shutdown()


def test_a_second_thread_that_cannot_be_started_is_done_without() -> None:
    class Poor(Runtime):
        started = 0

        def start_thread(self, target: Callable[[], None], name: str) -> threading.Thread:
            if self.started:
                raise RuntimeError("can't start new thread")
            self.started += 1
            return super().start_thread(target, name)

    flow = counting(4, runtime=Poor())
    for _ in range(50):
        flow.execute("n0")
    idle(flow)
    assert calls(flow) == 50
    flow.shutdown()


# locks and finalizers -----------------------------------------------------------------------------


def test_an_emit_from_a_finalizer_does_not_deadlock_on_the_engines_locks() -> None:
    """A finalizer runs wherever its thread is, also inside the engine with a lock held."""
    flow = counting(2)
    flow.bus.subscribe()
    threads = flow._backend()

    def emit_inside() -> None:
        with flow._scheduler.lock, threads._lock, flow.bus._lock:  # type: ignore[attr-defined]
            flow.execute("n0")

    Call(emit_inside).result()
    idle(flow)
    assert calls(flow) == 1
    flow.shutdown()


def test_closing_takes_no_lock_since_the_collector_calls_it_anywhere() -> None:
    flow = counting(2)
    flow.execute("n0")
    idle(flow)
    threads = flow._backend()
    with gate() as inside, gate() as go:

        def hold() -> None:
            with threads._lock:  # type: ignore[attr-defined]
                inside.set()
                arrive(go)

        holding = Call(hold)
        arrive(inside)
        Call(threads.close).result()
        go.set()
        holding.result()
    flow.shutdown()


# no wake-up is lost -------------------------------------------------------------------------------


class _Deque(deque[Any]):
    """A queue that lets other threads in between two steps of the pool."""

    def popleft(self) -> Any:
        time.sleep(0)
        return super().popleft()

    def __bool__(self) -> bool:
        time.sleep(0)
        return len(self) > 0


@pytest.mark.usefixtures("quick_switching")
@pytest.mark.parametrize("max_workers", [1, 2, 3, 8])
@pytest.mark.parametrize("idle_seconds", [0.0, 0.0002, 30.0])
def test_every_delivery_finds_a_worker(
    monkeypatch: pytest.MonkeyPatch, max_workers: int, idle_seconds: float
) -> None:
    monkeypatch.setattr(pool, "IDLE_SECONDS", idle_seconds)
    flow = counting(max_workers)

    def execute(number: int) -> None:
        for i in range(150):
            job = flow.execute("n0")
            if i % (number + 2) == 0:  # now and then the pool runs dry
                assert job.wait(SECONDS), "a lost wake-up"

    in_threads(3, execute)
    idle(flow)
    assert calls(flow) == 450
    assert flow.shutdown()
    assert not workers()


@pytest.mark.usefixtures("quick_switching")
def test_every_delivery_finds_a_worker_while_the_pool_is_closed_and_workers_retire(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pool, "IDLE_SECONDS", 0.0001)
    flow = counting(2)

    def act(number: int) -> None:
        for _ in range(150):
            if number == 0:
                flow.shutdown(wait=False)
            elif number == 1:
                flow.set_execution_strategy("concurrent", 2)
            else:
                assert flow.execute("n0").wait(SECONDS), "a lost wake-up"

    in_threads(4, act)
    idle(flow)
    assert calls(flow) == 300
    flow.shutdown()


@pytest.mark.usefixtures("quick_switching")
def test_every_delivery_finds_a_worker_with_a_queue_that_yields(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pool, "IDLE_SECONDS", 0.0001)
    flow = counting(3)
    threads = flow._backend()
    threads._ready = _Deque()  # type: ignore[attr-defined]
    in_threads(3, lambda _: [flow.execute("n0").wait(SECONDS) for _ in range(100)])
    idle(flow)
    assert calls(flow) == 300
    flow.shutdown()


def test_a_waker_that_finds_no_room_looks_again_when_workers_retired_meanwhile() -> None:
    """Workers that retire while somebody is waking count on the waker; so the waker, who found
    neither a parked worker nor room, must see the room that they have left.
    """
    flow = counting(1)
    threads: Any = flow._backend()
    threads._room = 0  # as if the one worker were on its way out, past its last look at the queue
    genuine = threads._start_worker

    def start_worker() -> bool:
        started = genuine()
        if not started:
            retired.append(True)
            threads._retire()  # sees that somebody is waking, and leaves
        return bool(started)

    retired: list[bool] = []
    threads._start_worker = start_worker
    threads._parked = _Vanishing()
    assert flow.execute("n0").wait(2), "a lost wake-up"
    assert retired
    flow.shutdown()


class _Vanishing(list[Any]):
    """Looks as if it had a worker once, who is gone when one wants to take it."""

    def __init__(self) -> None:
        super().__init__()
        self._looks = 0

    def __bool__(self) -> bool:
        self._looks += 1
        return self._looks == 1 or len(self) > 0


@pytest.mark.usefixtures("quick_switching")
def test_a_woken_worker_that_leaves_work_behind_wakes_the_next() -> None:
    barrier = threading.Barrier(4)
    flow = Flow("f", "concurrent", max_workers=4)
    flow.add_routine(node(lambda r: [r.emit("out") for _ in range(4)]), "source")
    flow.add_routine(node(lambda _r: barrier.wait(SECONDS)), "target")
    flow.connect("source", "out", "target", "trigger")
    for _ in range(50):  # four handlers must run at once each time, with workers parked or not
        job = flow.execute("source")
        assert job.wait(SECONDS)
        assert job.status == "completed"
    flow.shutdown()


def test_one_handler_that_emits_and_then_takes_its_time_does_not_hold_up_what_it_emitted() -> None:
    with gate() as seen:
        flow = Flow("f", "concurrent", max_workers=2)
        chain(flow, lambda r: (r.emit("out"), arrive(seen)), lambda _r: seen.set())
        assert flow.execute("n0").wait(SECONDS)
    flow.shutdown()
