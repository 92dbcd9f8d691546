import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextvars import copy_context
from typing import Any

import pytest

from routilux import Flow, Routine
from routilux import gate as gating
from routilux.runtime import Runtime
from tests.engine.building import chain, idle, node, passing
from tests.waiting import Call, arrive, gate, in_threads, wait_until

TRACING = pytest.mark.parametrize("traced", [False, True], ids=["untraced", "traced"])


class Hooked:
    """A lock that calls ``before_release`` before it lets go."""

    def __init__(self, lock: Any) -> None:
        self._lock = lock
        self.acquire, self.locked = lock.acquire, lock.locked
        self.before_release: Callable[[], object] | None = None

    def release(self) -> None:
        hook, self.before_release = self.before_release, None
        if hook is not None:
            hook()
        self._lock.release()


class HookedRuntime(Runtime):
    def lock(self) -> Any:
        return Hooked(super().lock())


def claims(flow: Flow) -> list[Any]:
    """What the threads that wait for their turn execute."""
    return flow._inline._claims  # type: ignore[attr-defined, no-any-return]


# nobody's delivery strands ------------------------------------------------------------------------


def test_an_emit_that_fails_to_get_the_baton_as_its_holder_leaves_is_not_stranded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The thread that executes finds the queue empty; the handler's own thread then queues for
    the same job, cannot get the baton, and counts on the holder, who is about to wait.
    """
    flow = Flow(runtime=HookedRuntime())
    baton: Hooked = flow._inline._baton  # type: ignore[attr-defined]
    emitting: list[Call] = []
    holding, go = threading.Event(), threading.Event()
    genuine = gating.queue_watched

    def queue_watched(
        *args: Any,
    ) -> Any:  # called with the tokens put in, before the queue is changed
        if emitting and threading.current_thread() is emitting[0]:
            holding.set()
            arrive(go)
        return genuine(*args)

    def emit(routine: Routine) -> None:
        emitting.append(threading.current_thread())  # type: ignore[arg-type]
        routine.emit("out")

    def handler(routine: Routine) -> None:
        thread = Call(copy_context().run, emit, routine)
        arrive(holding)

        def release() -> None:
            go.set()
            thread.result()  # it has tried to get the baton and has left

        baton.before_release = release

    monkeypatch.setattr("routilux.inline.queue_watched", queue_watched)
    flow.bus.subscribe()
    chain(flow, handler, lambda r: r.increment_stat("n"))
    with gate() as leave:
        flow.add_routine(node(lambda _r: arrive(leave)), "first")
        first = Call(flow.execute, "first")
        wait_until(lambda: flow._inline.waiting() == 0 and flow._scheduler.jobs)
        second = Call(flow.execute, "n0")
        wait_until(lambda: claims(flow))
        leave.set()
        assert first.result().status == "completed"
        assert second.result().status == "completed"
    assert flow.routines["n1"].get_stat("n") == 1


def test_foreign_emits_and_executes_of_many_threads_leave_nothing_queued() -> None:
    flow = Flow()
    chain(flow, passing, lambda r, **kw: r.increment_stat("n"))

    def act(number: int) -> None:
        for _ in range(300):
            if number % 2:
                flow.execute("n0")
            else:
                flow.routines["n0"].emit("out")

    in_threads(4, act)
    idle(flow)
    assert flow.routines["n1"].get_stat("n") == 1200
    assert flow._inline.waiting() == 0


def test_an_execute_returns_with_its_own_job_though_a_neighbour_goes_on_for_ever() -> None:
    stop = threading.Event()

    def again(routine: Routine) -> None:
        if not stop.is_set():
            routine.emit("out")

    flow = Flow()
    flow.add_routine(node(again), "busy")
    flow.connect("busy", "out", "busy", "trigger")
    flow.add_routine(node(lambda _r: None), "quick")
    busy = Call(flow.execute, "busy")
    try:
        wait_until(lambda: flow._scheduler.jobs)
        for _ in range(20):
            assert Call(flow.execute, "quick").result().status == "completed"
    finally:
        stop.set()
    assert busy.result().status == "completed"


def test_an_execute_that_overtakes_a_waiting_neighbour_leaves_the_rest_to_that_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stop = threading.Event()

    def again(routine: Routine) -> None:
        if not stop.is_set():
            routine.emit("out")

    flow = Flow()
    with gate() as leave:
        flow.add_routine(node(lambda _r: arrive(leave)), "first")
        flow.add_routine(node(again), "busy")
        flow.connect("busy", "out", "busy", "trigger")
        quick_ran = threading.Event()
        flow.add_routine(node(lambda _r: quick_ran.set()), "quick")
        first = Call(flow.execute, "first")
        wait_until(lambda: flow._inline.waiting() == 0 and flow._scheduler.jobs)
        busy = Call(flow.execute, "busy")
        wait_until(lambda: claims(flow))
        quick: list[Call] = []
        genuine = flow._scheduler.wake_waiters

        def wake_waiters() -> None:
            if not quick:
                quick.append(Call(flow.execute, "quick"))
                arrive(quick_ran)
            genuine()

        monkeypatch.setattr(flow._scheduler, "wake_waiters", wake_waiters)
        leave.set()
        try:
            assert first.result().status == "completed"
            assert quick[0].result().status == "completed"
            assert busy.is_alive()
        finally:
            stop.set()
        assert busy.result().status == "completed"


# Ctrl+C -------------------------------------------------------------------------------------------


@TRACING
def test_a_keyboard_interrupt_in_a_handler_reaches_the_caller_and_strands_nothing(
    traced: bool,
) -> None:
    ran: list[str] = []

    def interrupted(routine: Routine) -> None:
        routine.emit("out")
        raise KeyboardInterrupt

    flow = Flow()
    chain(flow, interrupted, lambda _r: ran.append("n1"))
    if traced:
        flow.bus.subscribe()
    with pytest.raises(KeyboardInterrupt):
        flow.execute("n0")
    assert ran == []
    assert flow.wait_for_completion(0)
    assert flow._scheduler.failed == 1
    assert flow._inline.waiting() == 0


@TRACING
def test_a_keyboard_interrupt_runs_no_handler_of_other_jobs_any_more(traced: bool) -> None:
    """Jobs that the interrupted one has started would find nobody to run them: they fail."""
    ran: list[str] = []
    jobs: list[Any] = []

    def outer(_r: Routine) -> None:
        jobs.append(flow.execute("inner"))
        flow.routines["foreign"].emit("out", flow=None)
        raise KeyboardInterrupt

    flow = Flow()
    flow.add_routine(node(outer), "outer")
    flow.add_routine(node(lambda _r: ran.append("inner")), "inner")
    flow.add_routine(node(), "foreign")
    flow.connect("foreign", "out", "inner", "trigger")
    if traced:
        flow.bus.subscribe()
    with pytest.raises(KeyboardInterrupt) as caught:
        flow.execute("outer")
    assert ran == []
    assert jobs[0].status == "failed"
    assert jobs[0].error is caught.value
    assert jobs[0].dropped == 1
    assert flow.wait_for_completion(0)
    assert flow.execute("inner").status == "completed"
    assert ran == ["inner"]


def test_a_keyboard_interrupt_drops_the_foreign_emits_that_counted_on_that_thread() -> None:
    def handler(_r: Routine, first: bool) -> None:
        if first:
            Call(flow.routines["n0"].emit, "out", first=False).result()
            raise KeyboardInterrupt

    flow = Flow()
    chain(flow, handler)
    flow.connect("n0", "out", "n0", "trigger")
    with pytest.raises(KeyboardInterrupt):
        flow.execute("n0", {"first": True})
    assert flow.wait_for_completion(0)
    assert flow._scheduler.ambient is not None
    assert flow._scheduler.ambient.dropped == 1
    flow.routines["n0"].emit("out", first=False)
    assert flow._scheduler.ambient.dropped == 1, "the ambient job goes on"


def test_an_emit_that_comes_just_when_an_interrupted_thread_leaves_is_not_stranded() -> None:
    flow = Flow(runtime=HookedRuntime())
    baton: Hooked = flow._inline._baton  # type: ignore[attr-defined]

    def handler(_r: Routine) -> None:
        emit = flow.routines["n0"].emit
        baton.before_release = lambda: Call(emit, "out").result()  # it cannot get the baton
        raise KeyboardInterrupt

    flow.add_routine(node(handler), "bad")
    chain(flow, passing, lambda _r: None)
    with pytest.raises(KeyboardInterrupt):
        flow.execute("bad")
    assert flow._inline.waiting() == 0
    assert flow.wait_for_completion(0)


def test_a_keyboard_interrupt_leaves_alone_what_other_threads_execute() -> None:
    with gate() as go, gate() as inside:

        def handler(_r: Routine, bad: bool) -> None:
            if bad:
                inside.set()
                arrive(go)
                raise KeyboardInterrupt

        flow = Flow()
        chain(flow, handler)
        bad = Call(flow.execute, "n0", {"bad": True})
        arrive(inside)
        others = [Call(flow.execute, "n0", {"bad": False}) for _ in range(3)]
        wait_until(lambda: len(claims(flow)) == 3)
        go.set()
        with pytest.raises(KeyboardInterrupt):
            bad.result()
        assert [other.result().status for other in others] == ["completed"] * 3


def test_ctrl_c_just_when_it_would_be_ones_turn_drops_what_is_left_to_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with gate() as leave:
        flow = Flow()
        flow.add_routine(node(lambda _r: arrive(leave)), "first")
        flow.add_routine(node(lambda r: r.increment_stat("n")), "second")
        first = Call(flow.execute, "first")
        wait_until(lambda: flow._inline.waiting() == 0 and flow._scheduler.jobs)
        genuine = flow._scheduler.await_turn

        def await_turn(ready: Callable[[], bool]) -> None:
            genuine(ready)
            first.result()  # who has left the rest to us
            raise KeyboardInterrupt

        monkeypatch.setattr(flow._scheduler, "await_turn", await_turn)
        second = Call(flow.execute, "second")
        wait_until(lambda: claims(flow))
        leave.set()
        with pytest.raises(KeyboardInterrupt):
            second.result()
    assert flow.wait_for_completion(0)
    assert flow._scheduler.failed == 1
    assert flow.routines["second"].get_stat("n") is None


@pytest.fixture
def python_hears_ctrl_c() -> Iterator[None]:
    """Also where it was started to ignore it, as in the background of a shell."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("python_hears_ctrl_c")
def test_ctrl_c_while_another_thread_runs_the_flow_leaves_it_usable() -> None:
    with gate() as go, gate() as inside, gate() as heard:
        flow = Flow()
        chain(flow, lambda _r, wait=0: wait and (inside.set(), arrive(go)))
        slow = Call(flow.execute, "n0", {"wait": 1})
        arrive(inside)

        def interrupt() -> None:
            wait_until(lambda: claims(flow))
            os.kill(os.getpid(), signal.SIGINT)
            # A signal that comes just as a thread goes to sleep on a lock does not wake it: that
            # is CPython's, about once in 2,000 tries, and a user would press the keys again.
            if not heard.wait(2):
                os.kill(os.getpid(), signal.SIGINT)

        interrupting = Call(interrupt)
        with pytest.raises(KeyboardInterrupt):
            flow.execute("n0")  # waits for the baton
        heard.set()
        interrupting.result()
        go.set()
        assert slow.result().status == "completed"
        # What was queued for the interrupted execute() has been run by the other thread.
        idle(flow)
        assert Call(flow.routines["n0"].emit, "out").result() is None
        assert Call(flow.execute, "n0").result().status == "completed"
