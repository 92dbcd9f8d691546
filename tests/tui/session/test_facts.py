"""What the engine process sees of its threads: CPU clocks, waits and locks, and the end."""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from routilux import Flow, Level, Routine
from tests.waiting import gate, wait_until
from tui.session.collector import Collector
from tui.session.facts import ending as ending_module
from tui.session.facts.ending import Ending
from tui.session.facts.threads import is_users, look_at
from tui.session.factual import ThreadLook
from tui.session.messages import Pull

LOCK, RLOCK = threading.Lock(), threading.RLock()


class Holder:
    """Has a lock of its own, and an attribute that must not be asked for."""

    def __init__(self) -> None:
        self.lock = threading.Lock()

    @property
    def trap(self) -> Any:
        raise AssertionError("code of the user's was run")


HOLDER = Holder()
DONE = threading.Event()


def with_global(**_: Any) -> None:
    with LOCK:
        pass


def with_attribute(**_: Any) -> None:
    with HOLDER.lock:
        pass


def acquire(**_: Any) -> None:
    RLOCK.acquire()
    RLOCK.release()


def event(**_: Any) -> None:
    DONE.wait(10)


def one(handler: Callable[..., None]) -> Flow:
    """A flow whose one routine has that handler, traced."""
    flow = Flow("one", execution_strategy="concurrent", max_workers=2)
    routine = Routine()
    routine.define_slot("trigger", handler=handler)
    flow.add_routine(routine, "r")
    flow.bus.subscribe(Level.TRACE)
    return flow


def busy_look(flow: Flow) -> ThreadLook | None:
    return next((look for look in look_at(flow) if look.file), None)


@pytest.mark.parametrize(
    ("handler", "lock", "name"),
    [
        (with_global, LOCK, "LOCK"),
        (with_attribute, HOLDER.lock, "HOLDER.lock"),
        (acquire, RLOCK, "RLOCK"),
    ],
)
def test_a_thread_that_waits_for_a_lock_says_for_which(
    handler: Callable[..., None], lock: Any, name: str
) -> None:
    flow = one(handler)
    with lock:
        flow.execute("r")
        wait_until(lambda: (look := busy_look(flow)) is not None and look.waits == "lock", name)
        look = busy_look(flow)
    assert look is not None
    assert (look.lock, look.name) == (id(lock), name)
    assert look.function == handler.__name__
    assert flow.wait_for_completion(10)
    assert all(not look.file for look in look_at(flow))
    assert flow.shutdown(timeout=10)


def test_what_waits_for_something_else_does_not_wait_for_a_lock() -> None:
    DONE.clear()
    flow = one(event)
    flow.execute("r")
    wait_until(lambda: busy_look(flow) is not None, "the handler")
    seen = [busy_look(flow) for _ in range(50)]
    assert all(look is not None and look.waits == "" for look in seen)
    DONE.set()
    assert flow.shutdown(timeout=10)


def test_a_handler_that_waits_for_a_flow_says_so() -> None:
    inner, release = one(event), gate()
    DONE.clear()

    def outer(**_: Any) -> None:
        inner.execute("r")
        inner.wait_for_completion(10)
        release.set()

    flow = one(outer)
    flow.execute("r")
    wait_until(
        lambda: (look := busy_look(flow)) is not None and look.waits == "Flow.wait_for_completion",
        "the wait",
    )
    DONE.set()
    assert flow.shutdown(timeout=10)
    assert inner.shutdown(timeout=10)


def test_the_cpu_clock_of_a_thread_runs_while_it_computes() -> None:
    stop = threading.Event()

    def compute(**_: Any) -> None:
        while not stop.is_set():
            sum(range(1000))

    flow = one(compute)
    flow.execute("r")
    wait_until(lambda: busy_look(flow) is not None, "the handler")
    first = busy_look(flow)
    assert first is not None
    if first.cpu_ns < 0:
        pytest.skip("no clocks of threads here")
    wait_until(
        lambda: (look := busy_look(flow)) is not None and look.cpu_ns > first.cpu_ns + 1_000_000,
        "a millisecond of CPU",
    )
    stop.set()
    assert flow.shutdown(timeout=10)
    assert all(look.cpu_ns >= first.cpu_ns or not look.file for look in look_at(flow))


def test_which_files_are_the_users() -> None:
    assert is_users(__file__)
    for file in (threading.__file__, pytest.__file__, ending_module.__file__, "<string>"):
        assert not is_users(file)


# the end ------------------------------------------------------------------------------------------


@pytest.fixture
def ending(monkeypatch: pytest.MonkeyPatch) -> Ending:
    noted: list[Any] = []
    monkeypatch.setattr(atexit, "register", lambda f, *_a, **_k: noted.append(f) or f)
    found = Ending()
    found.watch()
    return found


def held_open() -> Flow:
    """A flow with a pool and an open job."""
    DONE.clear()
    flow = one(event)
    flow.execute("r")
    return flow


def test_open_jobs_and_a_pool_are_told_of(ending: Ending) -> None:
    flow = held_open()
    ending.take([flow])
    (end,) = ending.ends
    assert (end.number, end.open_jobs, end.pool) == (flow.number, 1, True)
    DONE.set()
    assert flow.shutdown(timeout=10)
    ending.take([flow])
    (end,) = ending.ends
    assert (end.open_jobs, end.pool) == (0, False)


def test_a_flow_that_is_shut_down_at_exit_is_left_out(ending: Ending) -> None:
    flow, other = held_open(), one(event)
    atexit.register(flow.shutdown)
    ending.take([flow, other])
    assert [end.number for end in ending.ends] == [other.number]
    DONE.set()
    assert flow.shutdown(timeout=10)


@pytest.mark.parametrize("wrapped", [False, True])
def test_what_code_of_the_users_does_at_exit_cannot_be_known(ending: Ending, wrapped: bool) -> None:
    def clean_up() -> None:
        pass

    assert atexit.register(partial(clean_up) if wrapped else clean_up) is not None
    ending.take([one(event)])
    assert ending.ends == ()


def test_threads_that_python_would_wait_for_come_first(ending: Ending) -> None:
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait, args=(10,), daemon=False)
    thread.start()
    assert ending.waits == [thread]
    stop.set()
    thread.join(10)
    assert ending.waits == []


def test_a_look_is_cheap_enough_for_ten_a_second() -> None:
    DONE.clear()
    flow = one(event)
    flow.execute("r")
    wait_until(lambda: busy_look(flow) is not None, "the handler")
    began = time.thread_time_ns()
    for _ in range(20):
        list(look_at(flow))
    spent = (time.thread_time_ns() - began) / 20
    DONE.set()
    assert flow.shutdown(timeout=10)
    assert spent < 5_000_000  # half a thousandth of that is usual


def test_what_facts_stumble_over_does_not_end_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(*_: Any) -> Any:
        raise RuntimeError("a class of the user's that nobody has thought of")

    monkeypatch.setattr("tui.session.collector.facts_of", stumble)
    monkeypatch.setattr("tui.session.collector.look_at", stumble)
    collector = Collector()
    flow = one(with_global)
    collector.add(flow)
    snapshot = collector.snapshot(Pull())
    collector.detach()
    assert snapshot.facts is not None
    assert [facts.number for facts in snapshot.facts] == [flow.number]
    assert snapshot.threads == ()
