"""Who waits for whom: told of real threads, and a circle of them is a deadlock."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import pytest

from routilux import Flow
from tests.engine.building import idle, node
from tests.waiting import SECONDS, Call, gate, wait_until
from tui.session.messages import WaitInfo
from tui.session.waits import Node, WaitWatch, circles

#: A lock whose waiters are told of, and how it is taken.
LOCKS = {"RLock": threading.RLock, "Lock": threading.Lock}


def looked(watch: WaitWatch, *flows: Flow, until: Callable[[list[WaitInfo]], object]) -> Any:
    """Look until what is found is right."""
    found: list[WaitInfo] = []

    def right() -> object:
        found[:] = watch.look(flows)
        return until(found)

    wait_until(right, "the waits that are wanted")
    return found


@contextmanager
def flow_of(*handlers: Callable[..., Any], workers: int = 3) -> Iterator[Flow]:
    """A flow with routines ``r0``, ``r1``, …; all executed at once."""
    flow = Flow("waits", "concurrent", workers)
    for number, handler in enumerate(handlers):
        flow.add_routine(node(lambda r, h=handler, **_: h(r)), f"r{number}")
    yield flow
    flow.shutdown(wait=False)


# the engine's own waits ---------------------------------------------------------------------------


def test_a_thread_that_waits_for_a_flow_is_told_with_who_runs_it() -> None:
    with gate() as go, flow_of(lambda _: go.wait(SECONDS)) as flow:
        watch = WaitWatch()
        assert watch.look([flow]) == ()
        flow.execute("r0")
        waiter = Call(flow.wait_for_completion, SECONDS)
        found = looked(watch, flow, until=lambda infos: len(infos) == 2)
        of_flow = next(info for info in found if info.what == "flow")
        assert of_flow.text == "all jobs of flow waits"
        assert of_flow.thread == "test-wait_for_completion"
        assert of_flow.holders == ("routilux-waits-1",)
        assert of_flow.file.endswith("waiting.py")
        assert of_flow.seconds == SECONDS
        (other,) = [info for info in found if info is not of_flow]
        assert (other.thread, other.text, other.holders) == ("routilux-waits-1", "Event.wait", ())
        go.set()
        waiter.result()
        assert watch.look([flow]) == ()


def test_a_wait_that_nobody_works_on_says_what_is_left() -> None:
    with gate() as go, flow_of(lambda _: go.wait(SECONDS)) as flow:
        job = flow.execute("r0")
        flow.pause(job, timeout=0)
        go.set()
        wait_until(lambda: not flow._threads.running())  # type: ignore[union-attr]
        waiter = Call(job.wait)
        (found,) = looked(WaitWatch(), flow, until=len)
        assert found.holders == ()
        assert found.note.startswith(f"job {job.number} is paused")
        flow.resume(job)
        waiter.result()


def test_a_handler_that_waits_for_the_job_it_began_and_runs_is_no_deadlock() -> None:
    with gate() as go:

        def begin(routine: Any) -> None:
            routine._flow.execute("r1").wait(SECONDS)

        with flow_of(begin, lambda _: go.wait(SECONDS), workers=1) as flow:
            flow.execute("r0")
            watch = WaitWatch()
            looked(watch, flow, until=len)
            for _ in range(20):
                assert not any(info.deadlock for info in watch.look([flow]))
            go.set()
            idle(flow)


# deadlocks ----------------------------------------------------------------------------------------


def dead(infos: list[WaitInfo]) -> list[WaitInfo]:
    return [info for info in infos if info.deadlock]


def test_two_flows_that_wait_for_each_other_are_a_deadlock_within_a_second() -> None:
    both = threading.Barrier(2)
    flows = [Flow("a", "concurrent", 1), Flow("b", "concurrent", 1)]

    def wait_for(other: Flow) -> None:
        both.wait(SECONDS)
        other.wait_for_completion(timeout=None)

    for flow, other in ((flows[0], flows[1]), (flows[1], flows[0])):
        flow.add_routine(node(lambda _, o=other, **__: wait_for(o)), "waits")
    jobs = [flow.execute("waits") for flow in flows]
    wait_until(lambda: both.n_waiting == 0 and all(flow._threads.running() for flow in flows))
    begin = time.monotonic()
    found = looked(WaitWatch(), *flows, until=dead)
    assert time.monotonic() - begin < 1.0
    assert {info.text for info in dead(found)} == {"all jobs of flow a", "all jobs of flow b"}
    assert {info.deadlock for info in found} == {1}
    by_thread = {info.thread: info for info in found}
    assert by_thread["routilux-a-1"].holders == ("routilux-b-1",)
    # The only way out: one of them is no longer waited for.
    flows[0]._scheduler.jobs.clear()
    flows[0]._scheduler.wake_waiters()
    wait_until(lambda: jobs[1].done)


def test_a_handler_that_waits_for_its_own_flow_through_a_thread_is_a_deadlock() -> None:
    def wait_in_thread(routine: Any) -> None:
        flow = routine._flow
        Call(flow._scheduler.wait_until_idle, None).join()

    with flow_of(wait_in_thread) as flow:
        job = flow.execute("r0")
        watch = WaitWatch()
        found = looked(watch, flow, until=dead)
        assert sorted(info.what for info in dead(found)) == ["flow", "thread"]
        joins = next(info for info in found if info.what == "thread")
        assert joins.text == "the end of thread test-wait_until_idle"
        assert joins.file == __file__
        flow._scheduler.jobs.clear()
        flow._scheduler.wake_waiters()
        wait_until(lambda: job.done or not job.tokens)
        looked(watch, flow, until=lambda infos: not infos)


def take_two(outer: Any, inner: Any, both: threading.Barrier) -> None:
    with outer:
        both.wait(SECONDS)
        with inner:
            pass


@pytest.mark.parametrize("kind", LOCKS)
def test_two_handlers_that_take_two_locks_in_the_other_order_are_a_deadlock(kind: str) -> None:
    """Who holds an RLock that tells; of a plain lock the stack does.

    Nobody can undo the first, so its two threads, which are daemons, stay.
    """
    both = threading.Barrier(2)
    locks = [LOCKS[kind](), LOCKS[kind]()]
    flows = [Flow("left"), Flow("right")]  # in sequence: handlers run in the calls below
    for flow, (outer, inner) in zip(flows, (locks, locks[::-1]), strict=True):
        flow.add_routine(node(lambda _, o=outer, i=inner, **__: take_two(o, i, both)), "r")
    calls = [Call(flow.execute, "r") for flow in flows]
    begin = time.monotonic()
    found = looked(WaitWatch(), *flows, until=dead)
    assert time.monotonic() - begin < 2.0
    assert {info.text for info in dead(found)} == {"lock inner"}
    assert {info.file for info in dead(found)} == {__file__}
    for info in dead(found):
        assert info.holders
        assert "seen in its stack, test_waits.py:" in info.note or kind == "RLock"
    if kind == "Lock":
        locks[0].release()
        for call in calls:
            with contextlib.suppress(RuntimeError):  # it was released for them
                call.result()
    for flow in flows:
        flow._scheduler.jobs.clear()  # so that nobody warns of them when the program ends


def test_a_handler_that_takes_a_plain_lock_twice_waits_for_itself() -> None:
    lock = threading.Lock()

    class Twice:
        def __init__(self) -> None:
            self.lock = lock

        def take(self, _: Any) -> None:
            with self.lock:
                self.again()

        def again(self) -> None:
            with self.lock:
                pass

    with flow_of(Twice().take) as flow:
        job = flow.execute("r0")
        (found,) = looked(WaitWatch(), flow, until=dead)
        assert found.text == "lock self.lock"
        assert found.holders == (found.thread,)
        lock.release()
        wait_until(lambda: job.done)


def test_a_lock_that_a_plain_thread_holds_is_told_with_its_place() -> None:
    lock = threading.Lock()
    with gate() as go:

        def hold() -> None:
            with lock:
                go.wait(SECONDS)

        def want(_: Any) -> None:
            with lock:
                pass

        holder = Call(hold)
        wait_until(lock.locked)
        with flow_of(want, lambda _: lock.acquire(timeout=SECONDS) and lock.release()) as flow:
            flow.execute("r0")
            flow.execute("r1")
            found = looked(WaitWatch(), flow, until=lambda infos: len(infos) >= 3)
            waits = [info for info in found if info.what == "lock"]
            assert {info.text for info in waits} == {"lock lock"}
            assert {info.holders for info in waits} == {("test-hold",)}
            assert sorted(info.seconds is None for info in waits) == [False, True]
            assert not dead(found)
            go.set()
            holder.result()
            idle(flow)


# circles ------------------------------------------------------------------------------------------


def nodes(edges: dict[int, tuple[int, ...]], *timed: int) -> dict[int, Node]:
    def info(ident: int) -> WaitInfo:
        seconds = 1.0 if ident in timed else None
        return WaitInfo(f"t{ident}", "job", "", "", 0, 0, seconds, ())

    return {i: Node(i, info(i), holders, i in holders) for i, holders in edges.items()}


@pytest.mark.parametrize(
    ("edges", "timed", "expected"),
    [
        ({}, (), []),
        ({1: (2,)}, (), []),
        ({1: (2,), 2: (3,)}, (), []),
        ({1: (2,), 2: (1,)}, (), [{1, 2}]),
        ({1: (2,), 2: (1,)}, (2,), []),  # one gives up by itself
        ({1: (1,)}, (), [{1}]),
        ({1: (2,), 2: (3,), 3: (2,)}, (), [{2, 3}]),  # 1 only waits for those in it
        ({1: (2,), 2: (1,), 3: (4,), 4: (5,), 5: (3,)}, (), [{1, 2}, {3, 4, 5}]),
        ({1: (9, 2), 2: (1,)}, (), [{1, 2}]),  # 9 works, but 2 never will
    ],
)
def test_a_circle_is_who_can_reach_itself_by_waits_without_an_end(
    edges: dict[int, tuple[int, ...]], timed: tuple[int, ...], expected: list[set[int]]
) -> None:
    assert [set(circle) for circle in circles(nodes(edges, *timed))] == expected


def test_many_threads_in_a_row_are_looked_through_in_time() -> None:
    row = {ident: (following,) for ident, following in pairwise(range(200))}
    begin = time.process_time()
    assert circles(nodes(row)) == []
    assert time.process_time() - begin < 0.5
