import contextvars
import gc
import subprocess
import sys
import textwrap
import threading
import time
import weakref
from pathlib import Path
from typing import Any

import pytest

from routilux import (
    DuplicateNameError,
    Flow,
    JobState,
    JobStatus,
    RoutiluxError,
    Routine,
    SelfDeadlockError,
    UnknownNameError,
)
from tests.engine.building import chain, idle, node, passing, workers
from tests.waiting import SECONDS, Call, arrive, gate, in_threads, wait_until

STRATEGIES = pytest.mark.parametrize("strategy", ["sequential", "concurrent"])


def single(strategy: str, handler: Any, **options: Any) -> Flow:
    """A flow of one routine ``n0``."""
    flow = Flow("f", strategy, **options)
    chain(flow, handler)
    return flow


def python(script: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *options, "-c", textwrap.dedent(script)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


# wiring -------------------------------------------------------------------------------------------


def test_a_flow_without_an_id_gets_one_of_its_own() -> None:
    assert Flow().flow_id != Flow().flow_id


def test_add_routine_returns_the_id_and_keeps_the_order() -> None:
    flow, routine = Flow(), Routine()
    assert flow.add_routine(routine) == routine._id
    assert flow.add_routine(Routine(), "b") == "b"
    assert list(flow.routines) == [routine._id, "b"]


def test_an_id_is_used_once_and_a_routine_is_in_one_flow_only() -> None:
    flow, routine = Flow("f"), Routine()
    flow.add_routine(routine, "a")
    with pytest.raises(DuplicateNameError, match="flow 'f' has a routine 'a' already"):
        flow.add_routine(Routine(), "a")
    with pytest.raises(ValueError, match="cannot be added to flow 'g' too"):
        Flow("g").add_routine(routine, "b")


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (("nn0", "out", "n1", "trigger"), "flow 'f' has no routine 'nn0'; did you mean 'n0'"),
        (("n0", "outt", "n1", "trigger"), "no event 'outt'; did you mean 'out'"),
        (("n0", "out", "n9", "trigger"), "no routine 'n9'; did you mean"),
        (("n0", "out", "n1", "triger"), "no slot 'triger'; did you mean 'trigger'"),
    ],
)
def test_connect_names_the_part_that_is_missing(parts: tuple[str, ...], message: str) -> None:
    flow = Flow("f")
    chain(flow, passing, passing)
    with pytest.raises(UnknownNameError, match=message):
        flow.connect(*parts)


def test_entry_routines_have_a_trigger_slot_that_nothing_feeds() -> None:
    flow = Flow()
    chain(flow, passing, passing)
    flow.add_routine(Routine(), "no slot")
    flow.add_routine(node(), "alone")
    assert flow.entry_routines() == ["n0", "alone"]


def test_a_mapping_renames_what_is_delivered() -> None:
    got: list[Any] = []
    flow = Flow()
    flow.add_routine(node(passing), "a")
    flow.add_routine(node(lambda _r, **kw: got.append(kw)), "b")
    flow.connect("a", "out", "b", "trigger", {"x": "y"})
    flow.execute("a", {"x": 1, "z": 2})
    assert got == [{"y": 1, "z": 2}]


@STRATEGIES
def test_two_connections_of_one_pair_both_deliver(strategy: str) -> None:
    got: list[Any] = []
    flow = Flow("f", strategy)
    flow.add_routine(node(passing), "a")
    flow.add_routine(node(lambda _r, **kw: got.append(kw)), "b")
    flow.connect("a", "out", "b", "trigger")
    flow.connect("a", "out", "b", "trigger", {"x": "y"})
    flow.execute("a", {"x": 1})
    idle(flow)
    assert sorted(map(str, got)) == ["{'x': 1}", "{'y': 1}"]


@STRATEGIES
def test_a_slot_without_a_handler_accumulates(strategy: str) -> None:
    flow = Flow("f", strategy)
    flow.add_routine(node(passing), "a")
    flow.add_routine(node(merge_strategy="append"), "b")
    flow.connect("a", "out", "b", "trigger")
    for i in range(3):
        flow.execute("a", {"x": i})
    idle(flow)
    slot = flow.routines["b"].get_slot("trigger")
    assert slot is not None
    assert sorted(slot.data["x"]) == [0, 1, 2]


@STRATEGIES
def test_a_routine_may_feed_itself(strategy: str) -> None:
    def count(routine: Routine, n: int) -> None:
        routine.increment_stat("calls")
        if n:
            routine.emit("out", n=n - 1)

    flow = single(strategy, count)
    flow.connect("n0", "out", "n0", "trigger")
    flow.execute("n0", {"n": 10})
    idle(flow)
    assert flow.routines["n0"].get_stat("calls") == 11


# executing ----------------------------------------------------------------------------------------


def test_a_sequential_execute_returns_when_its_job_is_done() -> None:
    got: list[str] = []
    flow = Flow()
    chain(flow, passing, passing, lambda _r, **kw: got.append("last"))
    job = flow.execute("n0")
    assert got == ["last"]
    assert job.status is JobStatus.COMPLETED
    assert job.status == "completed"


def test_sequential_handlers_run_in_the_calling_thread_first_in_first_out() -> None:
    order: list[tuple[int, str]] = []
    flow = Flow()

    def log(name: str) -> Any:
        def handler(routine: Routine, **data: Any) -> None:
            order.append((threading.get_ident(), name))
            routine.emit("out")

        return handler

    for name in "abcd":
        flow.add_routine(node(log(name)), name)
    for source, target in ("ab", "ac", "bd", "cd"):
        flow.connect(source, "out", target, "trigger")
    flow.execute("a")
    assert order == [(threading.get_ident(), name) for name in "abcdd"]


def test_a_concurrent_execute_returns_before_its_handlers_end() -> None:
    with gate() as go:
        flow = single("concurrent", lambda _r: arrive(go))
        job = flow.execute("n0")
        assert job.status == "running"
        assert not job.wait(0)
        go.set()
        assert job.wait(SECONDS)
    assert job.status == "completed"
    flow.shutdown()


def test_entry_handlers_of_one_routine_overlap() -> None:
    barrier = threading.Barrier(3)
    flow = single("concurrent", lambda _r: barrier.wait(SECONDS), max_workers=3)
    jobs = [flow.execute("n0") for _ in range(3)]
    idle(flow)
    assert [job.status for job in jobs] == ["completed"] * 3
    flow.shutdown()


def test_handlers_fed_by_one_emit_overlap() -> None:
    barrier = threading.Barrier(5)
    flow = Flow("f", "concurrent", max_workers=5)
    flow.add_routine(node(passing), "source")
    for i in range(5):
        flow.add_routine(node(lambda _r: barrier.wait(SECONDS)), f"target{i}")
        flow.connect("source", "out", f"target{i}", "trigger")
    job = flow.execute("source")
    idle(flow)
    assert job.status == "completed"
    flow.shutdown()


def test_no_more_handlers_run_at_once_than_there_are_workers() -> None:
    lock, running, most = threading.Lock(), 0, 0
    together = threading.Barrier(3)

    def handler(_r: Routine) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        together.wait(SECONDS)  # so all three are in use, and a fourth would be seen
        with lock:
            running -= 1

    flow = single("concurrent", handler, max_workers=3)
    for _ in range(60):
        flow.execute("n0")
    idle(flow)
    assert most == 3
    assert len(workers()) == 3
    flow.shutdown()


def test_an_unknown_routine_is_an_error_that_names_the_nearest() -> None:
    flow = single("sequential", passing)
    with pytest.raises(UnknownNameError, match="flow 'f' has no routine 'n'; did you mean 'n0'"):
        flow.execute("n")


@STRATEGIES
def test_a_missing_trigger_slot_gives_a_job_that_failed_and_says_so(strategy: str) -> None:
    flow = Flow("f", strategy)
    routine = Routine()
    routine.define_slot("triggr")
    flow.add_routine(routine, "a")
    job = flow.execute("a")
    assert job.done
    assert job.status == "failed"
    assert "no slot 'trigger'; did you mean 'triggr'" in str(job.error)
    assert job.wait(0)
    assert flow.wait_for_completion(0)
    assert flow._scheduler.failed == 1


def test_another_entry_slot_may_be_named() -> None:
    got: list[Any] = []
    routine = Routine()
    routine.define_slot("other", lambda x: got.append(x))
    flow = Flow()
    flow.add_routine(routine, "a")
    assert flow.execute("a", {"x": 1}, entry_slot="other").status == "completed"
    assert got == [1]


def test_a_strategy_may_be_given_for_one_call() -> None:
    where: list[str] = []
    flow = single("sequential", lambda _r: where.append(threading.current_thread().name))
    flow.execute("n0", execution_strategy="concurrent").wait(SECONDS)
    flow.execute("n0")
    assert where == ["routilux-f-1", threading.current_thread().name]
    flow.set_execution_strategy("concurrent")
    flow.execute("n0", execution_strategy="sequential")
    assert where[2:] == [threading.current_thread().name]
    flow.shutdown()


def test_an_unknown_strategy_is_refused_where_it_is_used() -> None:
    flow = single("parallel", passing)
    with pytest.raises(ValueError, match="unknown execution strategy 'parallel'"):
        flow.execute("n0")
    with pytest.raises(ValueError, match="unknown execution strategy 'x'"):
        flow.execute("n0", execution_strategy="x")
    with pytest.raises(ValueError, match="unknown execution strategy 'y'"):
        flow.set_execution_strategy("y")


def test_the_number_of_workers_follows_the_strategy() -> None:
    assert Flow().max_workers == 1
    assert Flow(execution_strategy="concurrent").max_workers == 5
    flow = Flow(execution_strategy="concurrent", max_workers=7)
    flow.set_execution_strategy("sequential")
    assert flow.max_workers == 1
    flow.set_execution_strategy("concurrent", 3)
    assert flow.max_workers == 3
    flow.set_execution_strategy("concurrent")
    assert flow.max_workers == 5
    with pytest.raises(RoutiluxError, match=r"max_workers must be a whole number.*not 0"):
        flow.set_execution_strategy("concurrent", 0)
    with pytest.raises(RoutiluxError, match=r"max_workers must be a whole number.*not -1"):
        Flow(max_workers=-1)


def test_a_change_of_strategy_lets_what_is_queued_finish() -> None:
    with gate() as go:
        flow = single("concurrent", lambda _r: arrive(go), max_workers=1)
        jobs = [flow.execute("n0") for _ in range(3)]
        flow.set_execution_strategy("concurrent", 2)
        go.set()
        idle(flow)
    assert {job.status for job in jobs} == {"completed"}
    flow.shutdown()


def test_a_nested_execute_in_a_sequential_handler_is_queued_as_a_job_of_its_own() -> None:
    order: list[str] = []
    flow = Flow()
    jobs = []

    def outer(_r: Routine) -> None:
        jobs.append(flow.execute("inner"))
        order.append(f"outer, inner is {jobs[0].status}")

    flow.add_routine(node(outer), "outer")
    flow.add_routine(node(lambda _r: order.append("inner")), "inner")
    job = flow.execute("outer")
    assert order == ["outer, inner is running", "inner"]
    assert job.number != jobs[0].number
    assert jobs[0].status == "completed", "what a job has started is done when execute() returns"


def test_a_nested_execute_in_a_concurrent_handler_runs_beside_it() -> None:
    inner_ran = threading.Event()
    flow = Flow("f", "concurrent", max_workers=2)

    def outer(_r: Routine) -> None:
        flow.execute("inner")
        arrive(inner_ran)

    flow.add_routine(node(outer), "outer")
    flow.add_routine(node(lambda _r: inner_ran.set()), "inner")
    assert flow.execute("outer").wait(SECONDS)
    idle(flow)
    flow.shutdown()


def test_a_handler_may_execute_another_sequential_flow_in_itself() -> None:
    got: list[str] = []
    inner = single("sequential", lambda _r: got.append("inner"))
    outer = single("sequential", lambda _r: (inner.execute("n0"), got.append("outer")))
    outer.execute("n0")
    assert got == ["inner", "outer"]


def test_two_flows_may_execute_each_other_in_turn() -> None:
    depth: list[int] = []

    def there(_r: Routine, n: int) -> None:
        depth.append(n)
        if n:
            b.execute("n0", {"n": n - 1})

    def back(_r: Routine, n: int) -> None:
        depth.append(n)
        if n:
            a.execute("n0", {"n": n - 1})

    a, b = single("sequential", there), single("sequential", back)
    a.execute("n0", {"n": 5})
    assert depth == [5, 4, 3, 2, 1, 0]


def test_a_chain_of_100_000_emits_does_not_grow_the_stack() -> None:
    depths: set[int] = set()

    def count(routine: Routine, n: int) -> None:
        if n % 10_000 == 0:
            frame, depth = sys._getframe(), 0
            while frame.f_back:
                frame, depth = frame.f_back, depth + 1
            depths.add(depth)
        if n:
            routine.emit("out", n=n - 1)

    flow = single("sequential", count)
    flow.connect("n0", "out", "n0", "trigger")
    assert flow.execute("n0", {"n": 100_000}).status == "completed"
    assert max(depths) - min(depths) < 10  # the first calls are timed, in frames of their own


def test_a_context_variable_reaches_the_handlers_and_stays_inside() -> None:
    variable = contextvars.ContextVar("variable", default="unset")
    seen: list[str] = []

    def first(routine: Routine) -> None:
        seen.append(variable.get())
        variable.set("first's")
        routine.emit("out")
        variable.set("too late")

    flow = Flow("f", "concurrent")
    chain(flow, first, lambda _r: seen.append(variable.get()))
    variable.set("caller's")
    flow.execute("n0")
    idle(flow)
    assert seen == ["caller's", "first's"]
    assert variable.get() == "caller's"
    flow.shutdown()


def test_executing_threads_share_a_sequential_flow_and_each_gets_its_own_job_done() -> None:
    flow = Flow()
    chain(flow, passing, lambda r, **kw: r.increment_stat("n"))

    def execute(_: int) -> None:
        for _ in range(200):
            assert flow.execute("n0").status == "completed"

    in_threads(4, execute)
    assert flow.routines["n1"].get_stat("n") == 800
    assert flow.wait_for_completion(0)


# waiting ------------------------------------------------------------------------------------------


def test_waiting_ends_false_at_the_timeout_and_true_when_idle() -> None:
    with gate() as go:
        flow = single("concurrent", lambda _r: arrive(go))
        assert flow.wait_for_completion(0)
        flow.execute("n0")
        start = time.monotonic()
        assert not flow.wait_for_completion(0.05)
        assert time.monotonic() - start >= 0.05
        go.set()
        assert flow.wait_for_completion(SECONDS)
    flow.shutdown()


def test_any_number_of_threads_may_wait() -> None:
    with gate() as go:
        flow = single("concurrent", lambda _r: arrive(go))
        job = flow.execute("n0")
        waiting = [Call(flow.wait_for_completion, SECONDS) for _ in range(5)]
        waiting += [Call(job.wait, SECONDS) for _ in range(5)]
        wait_until(lambda: flow._scheduler._waiters == 10)
        go.set()
        assert [call.result() for call in waiting] == [True] * 10
    flow.shutdown()


@STRATEGIES
def test_waiting_in_a_handler_of_the_flow_is_refused(strategy: str) -> None:
    errors: list[BaseException] = []
    jobs: list[JobState] = []
    known = threading.Event()

    def outer(_r: Routine) -> None:
        jobs.append(flow.execute("inner"))
        known.set()

    def inner(_r: Routine) -> None:
        arrive(known)
        for wait in (flow.wait_for_completion, jobs[0].wait, flow.shutdown):
            try:
                wait()
            except SelfDeadlockError as error:
                errors.append(error)

    flow = single(strategy, lambda _r: None)
    flow.add_routine(node(outer), "outer")
    flow.add_routine(node(inner), "inner")
    flow.execute("outer")
    idle(flow)
    assert len(errors) == 3
    assert "wait_for_completion was called in a handler of flow 'f'" in str(errors[0])
    flow.shutdown()


def test_waiting_in_a_handler_for_a_job_that_has_ended_is_fine() -> None:
    flow = single("sequential", lambda _r: None)
    done = flow.execute("n0")
    flow.add_routine(node(lambda r: r.set_stat("waited", done.wait())), "waiter")
    assert flow.execute("waiter").status == "completed"
    assert flow.routines["waiter"].get_stat("waited") is True


def test_a_handler_may_wait_for_another_flow() -> None:
    other = single("concurrent", lambda _r: None)

    def handler(_r: Routine) -> None:
        other.execute("n0")
        assert other.wait_for_completion(SECONDS)

    flow = single("concurrent", handler)
    job = flow.execute("n0")
    idle(flow)
    assert job.status == "completed"
    flow.shutdown()
    other.shutdown()


# foreign threads and late emits -------------------------------------------------------------------


@STRATEGIES
def test_emits_of_foreign_threads_are_processed(strategy: str) -> None:
    flow = Flow("f", strategy, max_workers=3)
    chain(flow, passing, lambda r, n: r.increment_stat("sum", n))
    source = flow.routines["n0"]

    def emit(_: int) -> None:
        for _ in range(100):
            source.emit("out", n=1)

    in_threads(4, emit)
    idle(flow)
    assert flow.routines["n1"].get_stat("sum") == 400
    flow.shutdown()


def test_a_foreign_emit_in_a_sequential_flow_has_run_when_it_returns() -> None:
    flow = Flow()
    chain(flow, passing, lambda r: r.set_stat("thread", threading.get_ident()))
    flow.routines["n0"].emit("out")
    assert flow.routines["n1"].get_stat("thread") == threading.get_ident()


def test_a_foreign_emit_while_a_handler_runs_is_left_to_the_thread_that_runs_it() -> None:
    threads: list[int] = []

    def handler(_r: Routine, **data: Any) -> None:
        threads.append(threading.get_ident())
        if not data:
            Call(flow.routines["n0"].emit, "out", late=1).result()

    flow = single("sequential", handler)
    flow.connect("n0", "out", "n0", "trigger")
    flow.execute("n0")
    assert threads == [threading.get_ident()] * 2
    assert flow.wait_for_completion(0)


@STRATEGIES
def test_a_failure_after_a_foreign_emit_leaves_the_flow_usable(strategy: str) -> None:
    def sink(routine: Routine, x: int) -> None:
        routine.increment_stat("seen")
        if x == 0:
            raise ValueError(x)

    flow = Flow("f", strategy)
    chain(flow, passing, sink)
    for x in (0, 1):
        flow.routines["n0"].emit("out", x=x)
        idle(flow)
    assert flow.routines["n1"].get_stat("seen") == 2
    flow.shutdown()


@STRATEGIES
def test_a_thread_that_a_handler_starts_with_its_context_emits_in_the_handlers_job(
    strategy: str,
) -> None:
    def spawn(routine: Routine) -> None:
        Call(contextvars.copy_context().run, routine.emit, "out").result()

    flow = Flow("f", strategy)
    chain(flow, spawn, lambda r: (_ for _ in ()).throw(ValueError("in the same job")))
    job = flow.execute("n0")
    idle(flow)
    assert str(job.error) == "in the same job"
    flow.shutdown()


@STRATEGIES
@pytest.mark.parametrize("traced", [False, True])
def test_a_late_emit_of_a_job_that_has_ended_is_delivered(strategy: str, traced: bool) -> None:
    contexts: list[contextvars.Context] = []
    flow = Flow("f", strategy)
    chain(
        flow,
        lambda _r: contexts.append(contextvars.copy_context()),
        lambda r: r.increment_stat("n"),
    )
    subscription = flow.bus.subscribe() if traced else None
    job = flow.execute("n0")
    idle(flow)
    assert job.status == "completed"
    contexts[0].run(flow.routines["n0"].emit, "out")
    idle(flow)
    assert flow.routines["n1"].get_stat("n") == 1
    assert job.status == "completed"
    assert job.dropped == 0
    if subscription is not None:
        subscription.close()
    flow.shutdown()


def test_a_late_emit_that_meets_the_end_of_its_job_is_neither_lost_nor_dropped() -> None:
    flow = Flow("f", "concurrent", max_workers=2)
    contexts: list[contextvars.Context] = []
    chain(
        flow,
        lambda _r: contexts.append(contextvars.copy_context()),
        lambda r: r.increment_stat("n"),
    )
    rounds = 300
    for i in range(rounds):
        contexts.clear()
        job = flow.execute("n0")
        wait_until(lambda: contexts)
        in_threads(3, lambda _: contexts[0].copy().run(flow.routines["n0"].emit, "out"))
        idle(flow)
        assert flow.routines["n1"].get_stat("n") == 3 * (i + 1)
        assert job.dropped == 0
    flow.shutdown()


# the end ------------------------------------------------------------------------------------------


def test_shutdown_finishes_chains_and_ends_the_workers() -> None:
    flow = Flow("f", "concurrent")
    chain(flow, *[passing] * 9, lambda r: r.increment_stat("n"))
    for _ in range(20):
        flow.execute("n0")
    assert flow.shutdown(wait=True)
    assert flow.routines["n9"].get_stat("n") == 20
    assert not workers()


def test_no_worker_is_alive_once_shutdown_has_returned() -> None:
    for _ in range(100):
        flow = single("concurrent", lambda _r: None, max_workers=3)
        for _ in range(5):
            flow.execute("n0")
        assert flow.shutdown()
        assert not workers()


def test_shutdown_is_repeatable_and_a_flow_is_used_again_after_it() -> None:
    flow = single("concurrent", lambda r: r.increment_stat("n"))
    assert flow.shutdown()
    for expected in (1, 2, 3):
        flow.execute("n0")
        assert flow.shutdown()
        assert flow.shutdown()
        assert flow.routines["n0"].get_stat("n") == expected


def test_a_flow_that_is_shut_down_often_keeps_nothing_of_its_former_workers() -> None:
    flow = single("concurrent", lambda _r: None)
    pools = []
    for _ in range(3):
        flow.execute("n0")
        pools.append(weakref.ref(flow._threads))  # type: ignore[arg-type]
        flow.shutdown()
    gc.collect()
    assert [pool() for pool in pools[:-1]] == [None, None]


def test_shutdown_without_waiting_returns_at_once_and_the_rest_still_runs() -> None:
    with gate() as go:
        flow = Flow("f", "concurrent", max_workers=1)
        chain(flow, lambda r: (arrive(go), r.emit("out")), lambda r: r.increment_stat("n"))
        jobs = [flow.execute("n0") for _ in range(3)]
        assert flow.shutdown(wait=False)
        assert jobs[0].status == "running"
        go.set()
        idle(flow)
    assert flow.routines["n1"].get_stat("n") == 3
    wait_until(lambda: not workers())


def test_shutdown_without_waiting_is_allowed_in_a_handler() -> None:
    flow = single("concurrent", lambda _r: flow.shutdown(wait=False))
    job = flow.execute("n0")
    idle(flow)
    assert job.status == "completed"


def test_shutdown_keeps_its_deadline_and_names_the_stuck_threads() -> None:
    with gate() as go:
        flow = single("concurrent", lambda _r: arrive(go))
        job = flow.execute("n0")
        wait_until(lambda: flow._threads is not None and not flow._threads.waiting())
        start = time.monotonic()
        with pytest.warns(RuntimeWarning, match=r"1 threads still in a handler.*routilux-f-1"):
            assert not flow.shutdown(timeout=0.05)
        assert time.monotonic() - start < 5
        go.set()
        assert job.wait(SECONDS)
    assert job.status == "completed"


def test_executes_that_meet_a_shutdown_are_not_lost() -> None:
    flow = Flow("f", "concurrent", max_workers=2)
    chain(flow, passing, lambda r: r.increment_stat("n"))

    def act(number: int) -> None:
        for _ in range(100):
            if number:
                flow.execute("n0")
            else:
                flow.shutdown(wait=False)

    in_threads(4, act)
    idle(flow)
    assert flow.routines["n1"].get_stat("n") == 300
    flow.shutdown()


@pytest.mark.parametrize("traced", [False, True])
def test_a_flow_that_is_dropped_without_shutdown_leaves_no_thread(traced: bool) -> None:
    flow = Flow("f", "concurrent")
    chain(flow, passing, lambda _r: None)
    if traced:
        flow.bus.subscribe()
    flow.execute("n0")
    idle(flow)
    assert workers()
    gone = weakref.ref(flow)
    del flow
    gc.collect()
    assert gone() is None
    wait_until(lambda: not workers())


def test_a_flow_that_is_dropped_with_work_queued_does_it_first() -> None:
    done: list[int] = []
    with gate() as go:
        flow = single("concurrent", lambda _r: (arrive(go), done.append(1)), max_workers=1)
        for _ in range(5):
            flow.execute("n0")
        del flow
        gc.collect()
        go.set()
        wait_until(lambda: len(done) == 5)
    gc.collect()
    wait_until(lambda: not workers())


FLOW = """
    import threading, time, sys
    from routilux import Flow, Routine
    class Stuck(Routine):
        def __init__(self):
            super().__init__()
            self.define_slot("trigger", handler=self.handle)
        def handle(self):
            started.set()
            threading.Event().wait()
    started = threading.Event()
    flow = Flow("stuck", execution_strategy="concurrent", max_workers=2)
    flow.add_routine(Stuck(), "a")
"""


def test_the_interpreter_exits_at_once_with_a_stuck_handler_and_says_what_is_lost() -> None:
    start = time.monotonic()
    ended = python(FLOW + "    [flow.execute('a') for _ in range(3)]; started.wait()")
    assert time.monotonic() - start < 10
    assert ended.returncode == 0
    assert "flow 'stuck' had 3 open jobs with 3 deliveries queued or running" in ended.stderr
    assert "call flow.wait_for_completion() first" in ended.stderr


def test_an_exit_with_idle_workers_says_nothing() -> None:
    script = FLOW.replace("threading.Event().wait()", "pass")
    ended = python(script + "    flow.execute('a'); flow.wait_for_completion()", "-W", "error")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_a_shutdown_with_a_stuck_handler_warns_and_the_interpreter_exits() -> None:
    ended = python(FLOW + "    flow.execute('a'); print(flow.shutdown(timeout=0.1))")
    assert ended.returncode == 0
    assert ended.stdout == "False\n"
    assert "RuntimeWarning: flow 'stuck' was shut down with 1 threads still" in ended.stderr


def test_importing_routilux_starts_no_thread_and_imports_nothing_slow() -> None:
    ended = python(
        """
        import sys, threading
        import routilux
        slow = {"asyncio", "inspect", "concurrent.futures", "difflib"}
        print(threading.active_count(), sorted(slow & set(sys.modules)))
        """,
        "-S",
    )
    assert (ended.stdout, ended.stderr) == ("1 []\n", "")


# the look of things -------------------------------------------------------------------------------


def test_the_repr_shows_what_is_going_on() -> None:
    with gate() as go:
        flow = single("concurrent", lambda _r: arrive(go))
        job = flow.execute("n0")
        assert repr(flow) == "<Flow 'f' concurrent routines=1 connections=0 open jobs=1>"
        assert repr(job) == f"<JobState {job.number} of 'f' running open=1 dropped=0>"
        go.set()
        idle(flow)
    flow.shutdown()


def test_a_job_has_a_uuid_that_stays() -> None:
    flow = single("sequential", lambda _r: None)
    job = flow.execute("n0")
    assert len(set(in_threads(4, lambda _: job.job_id))) == 1
    assert len(job.job_id) == 36
    assert flow.execute("n0").job_id != job.job_id


def test_threads_are_named_after_the_flow() -> None:
    names: list[str] = []
    barrier = threading.Barrier(2)

    def handler(_r: Routine) -> None:
        barrier.wait(SECONDS)
        names.append(threading.current_thread().name)

    flow = single("concurrent", handler, max_workers=2)
    flow.execute("n0")
    flow.execute("n0")
    idle(flow)
    assert sorted(names) == ["routilux-f-1", "routilux-f-2"]
    flow.shutdown()
