"""Coroutine handlers: one loop thread per flow, and the same promises as for plain handlers."""

import asyncio
import gc
import threading
import weakref
from collections.abc import Callable
from contextvars import ContextVar
from functools import partial
from typing import Any

import pytest

from routilux import ErrorHandler, Flow, JobState, Level, ManualClock, Routine, SelfDeadlockError
from tests.engine.building import chain, idle, node, passing, workers
from tests.waiting import SECONDS, Call, arrive, gate, in_threads, wait_until

BOTH = pytest.mark.parametrize("strategy", ["sequential", "concurrent"])


def async_node(handler: Any, **slot: Any) -> Routine:
    """A routine with a coroutine handler for ``trigger``, which also gets the routine, first."""
    routine = Routine()

    async def handle(**data: Any) -> None:
        await handler(routine, **data)

    routine.define_slot("trigger", handle, **slot)
    routine.define_event("out")
    return routine


def flow_of(handler: Any, strategy: str = "concurrent", workers: int = 3, **options: Any) -> Flow:
    flow = Flow("f", strategy, workers, **options)
    flow.add_routine(async_node(handler), "a")
    flow.add_routine(node(lambda r, **_: r.increment_stat("n")), "b")
    flow.connect("a", "out", "b", "trigger")
    return flow


def ran(flow: Flow) -> int:
    return int(flow.routines["b"].get_stat("n", 0))


class Sleepers:
    """Coroutines that all have to arrive before any goes on, which `release` may do too."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.here = 0
        self.all_here = threading.Event()
        self._go: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def sleep(self, *_: Any, **__: Any) -> None:
        if self._go is None:
            self._go, self._loop = asyncio.Event(), asyncio.get_running_loop()
        self.here += 1
        if self.here >= self.count:
            self.all_here.set()
        await self._go.wait()

    def release(self) -> None:
        assert self._go is not None
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._go.set)


# where and how they run ---------------------------------------------------------------------------


@BOTH
def test_a_coroutine_runs_on_the_loop_thread_of_its_flow_and_may_emit(strategy: str) -> None:
    names: set[str] = set()

    async def handle(routine: Routine) -> None:
        await asyncio.sleep(0)
        names.add(threading.current_thread().name)
        routine.emit("out")

    flow = flow_of(handle, strategy)
    for _ in range(3):
        assert flow.execute("a").wait(SECONDS)
    assert names == {"routilux-f-loop"}
    assert ran(flow) == 3
    assert flow.shutdown(timeout=SECONDS)
    assert not workers()


def test_a_thousand_coroutines_sleep_on_one_loop_at_once() -> None:
    sleepers = Sleepers(1000)
    flow = flow_of(sleepers.sleep, workers=2)
    jobs = [flow.execute("a") for _ in range(1000)]
    arrive(sleepers.all_here)
    assert len(workers()) <= 3
    assert not any(job.done for job in jobs)
    sleepers.release()
    idle(flow)
    assert {job.status for job in jobs} == {"completed"}
    flow.shutdown()


def test_a_sequential_flow_waits_for_each_coroutine_before_the_next_item() -> None:
    events: list[str] = []

    async def slow(_routine: Routine, name: str) -> None:
        events.append(f"begin {name}")
        for _ in range(5):
            await asyncio.sleep(0)
        events.append(f"end {name}")

    def split(routine: Routine) -> None:
        routine.emit("out", name="x")
        routine.emit("out", name="y")

    flow = Flow("f")
    flow.add_routine(node(split), "split")
    flow.add_routine(async_node(slow), "slow")
    flow.connect("split", "out", "slow", "trigger")
    assert flow.execute("split").status == "completed"
    assert events == ["begin x", "end x", "begin y", "end y"]
    flow.shutdown()


VARIABLE: ContextVar[str] = ContextVar("variable", default="unset")


@BOTH
def test_a_coroutine_sees_the_callers_context_and_keeps_its_own_changes(strategy: str) -> None:
    seen: list[str] = []

    async def handle(_routine: Routine, n: int) -> None:
        seen.append(VARIABLE.get())
        VARIABLE.set(f"changed by {n}")
        await asyncio.sleep(0)
        assert VARIABLE.get() == f"changed by {n}"

    flow = flow_of(handle, strategy)
    token = VARIABLE.set("caller")
    try:
        for n in range(3):
            flow.execute("a", {"n": n}).wait(SECONDS)
    finally:
        VARIABLE.reset(token)
    assert seen == ["caller"] * 3
    assert VARIABLE.get() == "unset"
    flow.shutdown()


@BOTH
def test_a_partial_and_a_lambda_that_return_a_coroutine_are_coroutine_handlers(
    strategy: str,
) -> None:
    done: list[str] = []

    async def work(name: str, **_: Any) -> None:
        await asyncio.sleep(0)
        done.append(name)

    flow = Flow("f", strategy)
    handlers: dict[str, Callable[..., Any]] = {
        "partial": partial(work, "partial"),
        "lambda": lambda **_: work("lambda"),
    }
    for name, handler in handlers.items():
        routine = Routine()
        routine.define_slot("trigger", handler)
        flow.add_routine(routine, name)
        assert flow.execute(name).wait(SECONDS)
    assert done == ["partial", "lambda"]
    flow.shutdown()


def test_appended_messages_stay_aligned_with_coroutine_handlers() -> None:
    async def handle(_routine: Routine, **_data: Any) -> None:
        await asyncio.sleep(0)

    flow = Flow("f", "concurrent", 4)
    flow.add_routine(async_node(handle, merge_strategy="append"), "a")
    for n in range(100):
        flow.execute("a", {"x": n, "y": -n})
    idle(flow)
    data = flow.routines["a"]._slots["trigger"].data
    assert sorted(data["x"]) == list(range(100))
    assert data["y"] == [-x for x in data["x"]]
    flow.shutdown()


@pytest.mark.parametrize("level", [Level.COUNTERS, Level.TRACE])
def test_a_watched_coroutine_is_counted_once_from_its_start_to_its_end(level: Level) -> None:
    sleepers = Sleepers(20)
    flow = flow_of(sleepers.sleep)
    subscription = flow.bus.subscribe(level)
    for _ in range(20):
        flow.execute("a")
    arrive(sleepers.all_here)
    sleepers.release()
    idle(flow)
    shards = [shard for lane in flow.bus.lanes() for shard in lane.counts().values()]
    assert sum(s.queued for s in shards) == sum(s.started for s in shards) == 20
    assert sum(s.done for s in shards) == 20
    subscription.close()
    flow.shutdown()


# errors -------------------------------------------------------------------------------------------


@BOTH
def test_an_error_in_a_coroutine_fails_its_job_and_says_where(strategy: str) -> None:
    async def handle(_routine: Routine) -> None:
        await asyncio.sleep(0)
        raise ValueError("no")

    flow = flow_of(handle, strategy)
    job = flow.execute("a")
    assert job.wait(SECONDS)
    assert job.status == "failed"
    assert isinstance(job.error, ValueError)
    assert "routine 'a', slot 'trigger'" in job.error.__notes__[0]
    flow.shutdown()


@BOTH
def test_a_coroutine_is_tried_again_like_any_handler(strategy: str) -> None:
    async def handle(routine: Routine) -> None:
        await asyncio.sleep(0)
        if routine.increment_stat("tries") < 3:
            raise OSError("again")
        routine.emit("out")

    flow = flow_of(handle, strategy)
    flow.error_handler = ErrorHandler("retry", max_retries=5, retry_delay=0.001)
    job = flow.execute("a")
    assert job.wait(SECONDS)
    assert job.status == "completed"
    assert flow.routines["a"].get_stat("tries") == 3
    assert ran(flow) == 1
    flow.shutdown()


@pytest.mark.parametrize("strategy", ["concurrent"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_exit_raised_in_a_coroutine_fails_the_job_and_the_loop_goes_on(
    error: type[BaseException], strategy: str
) -> None:
    async def handle(routine: Routine, fail: bool) -> None:
        await asyncio.sleep(0)
        if fail:
            raise error
        routine.emit("out")

    flow = flow_of(handle, strategy)
    bad = flow.execute("a", {"fail": True})
    assert bad.wait(SECONDS)
    assert bad.status == "failed"
    assert isinstance(bad.error, error)
    good = flow.execute("a", {"fail": False})
    assert good.wait(SECONDS)
    assert good.status == "completed"
    assert ran(flow) == 1
    flow.shutdown()


def test_a_keyboard_interrupt_in_a_coroutine_leaves_a_sequential_execute_and_the_flow_usable() -> (
    None
):
    async def handle(routine: Routine, fail: bool) -> None:
        await asyncio.sleep(0)
        if fail:
            raise KeyboardInterrupt
        routine.emit("out")

    flow = flow_of(handle, "sequential")
    with pytest.raises(KeyboardInterrupt):
        flow.execute("a", {"fail": True})
    assert flow.execute("a", {"fail": False}).status == "completed"
    idle(flow)
    flow.shutdown()


def test_a_coroutine_that_is_cancelled_by_the_user_fails_its_job() -> None:
    async def handle(_routine: Routine) -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(0)

    flow = flow_of(handle)
    job = flow.execute("a")
    assert job.wait(SECONDS)
    assert job.status == "failed"
    assert isinstance(job.error, asyncio.CancelledError)
    flow.shutdown()


def test_a_loop_thread_that_cannot_be_started_fails_the_job_and_the_next_try_works() -> None:
    async def handle(routine: Routine) -> None:
        routine.emit("out")

    flow = flow_of(handle, "sequential")
    start = flow._runtime.start_thread

    def refuse(*_: Any) -> threading.Thread:
        raise RuntimeError("can't start new thread")

    flow._runtime.start_thread = refuse  # type: ignore[assignment, method-assign]
    job = flow.execute("a")
    assert job.status == "failed"
    assert "can't start new thread" in str(job.error)
    flow._runtime.start_thread = start  # type: ignore[method-assign]
    assert flow.execute("a").status == "completed"
    flow.shutdown()


# pause and cancel ---------------------------------------------------------------------------------


def test_cancelling_a_job_cancels_its_coroutines_and_no_others() -> None:
    sleepers = Sleepers(10)
    ended: list[str] = []

    async def handle(_routine: Routine, name: str) -> None:
        try:
            await sleepers.sleep()
        except asyncio.CancelledError:
            ended.append(f"cancelled {name}")
            raise
        ended.append(f"completed {name}")

    flow = flow_of(handle)
    jobs = [flow.execute("a", {"name": name}) for name in "aaaaabbbbb"]
    arrive(sleepers.all_here)
    for job in jobs[:5]:
        flow.cancel(job, "enough")
    for job in jobs[:5]:
        assert job.wait(SECONDS)
        assert job.status == "cancelled"
        assert job.error is None
    assert not any(job.done for job in jobs[5:])
    sleepers.release()
    idle(flow)
    assert sorted(ended) == ["cancelled a"] * 5 + ["completed b"] * 5
    flow.shutdown()


@BOTH
def test_cancel_from_inside_a_coroutine_ends_it_at_its_next_await(strategy: str) -> None:
    after: list[str] = []

    async def handle(routine: Routine) -> None:
        context = routine.get_execution_context()
        assert context is not None
        context.flow.cancel(context.job_state)
        assert routine.cancelled
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        after.append("went on")

    flow = flow_of(handle, strategy)
    job = flow.execute("a")
    assert job.wait(SECONDS)
    assert job.status == "cancelled"
    assert not after
    flow.shutdown()


def blocked_loop(flow: Flow) -> threading.Event:
    """Hold the flow's event loop, once it runs, until the event is set."""
    go = threading.Event()
    loop = flow._loop._loop
    assert loop is not None
    loop.call_soon_threadsafe(go.wait, SECONDS)
    return go


def started_loop(handler: Any, **options: Any) -> Flow:
    flow = flow_of(handler, **options)
    assert flow.execute("a", {"x": -1}).wait(SECONDS)
    return flow


def test_coroutines_that_are_queued_when_their_job_is_paused_wait_until_it_is_resumed() -> None:
    began: list[int] = []

    async def handle(routine: Routine, x: int) -> None:
        began.append(x)
        routine.emit("out")

    flow = started_loop(handle)
    go = blocked_loop(flow)
    job = flow.execute("a", {"x": 1})
    wait_until(lambda: flow._loop.running(job), "the hand-over")
    pausing = Call(flow.pause, job, timeout=SECONDS)
    wait_until(lambda: job.status == "paused")
    go.set()
    assert pausing.result()
    assert began == [-1]
    tasks = job.pending_tasks
    assert [(task.routine_id, task.data) for task in tasks] == [("a", {"x": 1})]
    flow.resume(job)
    assert job.wait(SECONDS)
    assert began == [-1, 1]
    assert ran(flow) == 2
    flow.shutdown()


def test_coroutines_that_are_queued_when_their_job_is_cancelled_never_begin() -> None:
    began: list[int] = []

    async def handle(_routine: Routine, x: int) -> None:
        began.append(x)

    flow = started_loop(handle)
    go = blocked_loop(flow)
    job = flow.execute("a", {"x": 1})
    wait_until(lambda: flow._loop.running(job), "the hand-over")
    flow.cancel(job)
    go.set()
    assert job.wait(SECONDS)
    assert job.status == "cancelled"
    assert job.dropped == 1
    assert began == [-1]
    flow.shutdown()


def test_pause_waits_for_coroutines_that_run_and_says_false_when_they_go_on() -> None:
    sleepers = Sleepers(1)
    flow = flow_of(sleepers.sleep)
    job = flow.execute("a")
    arrive(sleepers.all_here)
    assert flow.pause(job, timeout=0.01) is False
    pausing = Call(flow.pause, job, timeout=SECONDS)
    sleepers.release()
    assert pausing.result() is True
    flow.resume(job)
    assert job.wait(SECONDS)
    assert job.status == "completed"
    flow.shutdown()


@BOTH
def test_a_coroutine_may_pause_its_own_job(strategy: str) -> None:
    async def handle(routine: Routine) -> None:
        context = routine.get_execution_context()
        assert context is not None
        assert context.flow.pause(context.job_state)
        routine.emit("out")

    flow = flow_of(handle, strategy)
    job = flow.execute("a")
    wait_until(lambda: not flow._loop.running(job) and job.status == "paused")
    assert [task.routine_id for task in job.pending_tasks] == ["b"]
    assert ran(flow) == 0
    flow.resume(job)
    assert job.wait(SECONDS)
    assert ran(flow) == 1
    flow.shutdown()


# limits -------------------------------------------------------------------------------------------


def test_a_limited_slot_holds_its_permit_until_the_coroutine_has_ended() -> None:
    running, most = 0, 0

    async def handle(_routine: Routine, x: int) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        for _ in range(3):
            await asyncio.sleep(0)
        running -= 1
        if x % 3 == 0:
            raise ValueError(x)

    flow = Flow("f", "concurrent", 4)
    flow.add_routine(async_node(handle, max_concurrency=2), "a")
    for x in range(60):
        flow.execute("a", {"x": x})
    idle(flow)
    assert most == 2
    mailbox = flow.routines["a"]._slots["trigger"].mailbox
    assert mailbox is not None
    assert mailbox.limit is not None
    limit = mailbox.limit
    wait_until(lambda: limit.taken == 0, "the permits")
    assert limit.waiting == 0
    flow.shutdown()


# ending -------------------------------------------------------------------------------------------


def test_a_shutdown_in_vain_names_the_slot_of_the_coroutine() -> None:
    sleepers = Sleepers(1)
    flow = flow_of(sleepers.sleep)
    flow.execute("a")
    arrive(sleepers.all_here)
    with pytest.warns(RuntimeWarning, match="routilux-f-loop in slot 'trigger' of routine 'a'"):
        assert flow.shutdown(timeout=0.02) is False
    sleepers.release()
    idle(flow)


def test_the_loop_ends_after_a_shutdown_that_does_not_wait_chains_included() -> None:
    sleepers = Sleepers(1)
    flow = Flow("f", "concurrent", 2)

    async def first(routine: Routine) -> None:
        await sleepers.sleep()
        routine.emit("out")

    async def second(routine: Routine) -> None:
        await asyncio.sleep(0)
        routine.increment_stat("n")

    flow.add_routine(async_node(first), "a")
    flow.add_routine(async_node(second), "b")
    flow.connect("a", "out", "b", "trigger")
    flow.execute("a")
    arrive(sleepers.all_here)
    flow.shutdown(wait=False)
    sleepers.release()
    idle(flow)
    assert flow.routines["b"].get_stat("n") == 1
    wait_until(lambda: not workers(), "the end of the threads")


def test_a_flow_that_is_dropped_without_shutdown_leaves_no_loop_behind() -> None:
    async def handle(_routine: Routine) -> None:
        await asyncio.sleep(0)

    for strategy in ("sequential", "concurrent"):
        flow = flow_of(handle, strategy)
        idle_job = flow.execute("a")
        assert idle_job.wait(SECONDS)
        gone = weakref.ref(flow)
        del flow, idle_job

        def collected(gone: "weakref.ref[Flow]" = gone) -> bool:
            gc.collect()
            return gone() is None and not workers()

        wait_until(collected, "the end of the flow and its threads")


def test_tasks_that_a_handler_leaves_behind_are_cancelled_with_the_loop() -> None:
    left: list[asyncio.Task[Any]] = []

    async def handle(_routine: Routine) -> None:
        left.append(asyncio.create_task(asyncio.Event().wait()))
        await asyncio.sleep(0)

    flow = flow_of(handle)
    assert flow.execute("a").wait(SECONDS)
    assert flow.shutdown(timeout=SECONDS)
    assert left[0].cancelled()


def test_coroutines_start_while_the_flow_is_shut_down_again_and_again() -> None:
    async def handle(routine: Routine) -> None:
        routine.emit("out")

    flow = flow_of(handle)

    def act(number: int) -> None:
        for _ in range(30):
            if number:
                assert flow.execute("a").wait(SECONDS)
            else:
                flow.shutdown(timeout=SECONDS)

    in_threads(3, act)
    idle(flow)
    assert ran(flow) == 60
    flow.shutdown()


# aexecute -----------------------------------------------------------------------------------------


@BOTH
def test_aexecute_runs_a_job_without_blocking_the_callers_loop(strategy: str) -> None:
    with gate() as go:

        def handle(routine: Routine) -> None:
            arrive(go)
            routine.emit("out")

        flow = Flow("f", strategy)
        chain(flow, handle, lambda r, **_: r.increment_stat("n"))

        async def main() -> JobState:
            task = asyncio.ensure_future(flow.aexecute("n0"))
            for _ in range(10):
                await asyncio.sleep(0)
            assert not task.done()
            go.set()
            return await task

        job = asyncio.run(main())
    assert job.status == "completed"
    assert flow.routines["n1"].get_stat("n") == 1
    flow.shutdown()


@BOTH
def test_many_aexecutes_at_once_end_each_with_their_own_job(strategy: str) -> None:
    async def handle(routine: Routine, x: int) -> None:
        await asyncio.sleep(0)
        routine.emit("out", x=x)

    flow = flow_of(handle, strategy)

    async def main() -> list[JobState]:
        return list(await asyncio.gather(*(flow.aexecute("a", {"x": x}) for x in range(40))))

    jobs = asyncio.run(main())
    assert {job.status for job in jobs} == {"completed"}
    assert len({job.number for job in jobs}) == 40
    assert ran(flow) == 40
    flow.shutdown()


@BOTH
def test_aexecute_gives_a_failed_job_and_raises_only_for_what_is_unknown(strategy: str) -> None:
    async def handle(_routine: Routine) -> None:
        raise ValueError("no")

    flow = flow_of(handle, strategy)

    async def main() -> None:
        assert (await flow.aexecute("a")).status == "failed"
        assert (await flow.aexecute("a", entry_slot="none")).status == "failed"
        with pytest.raises(ValueError, match="'zzz'"):
            await flow.aexecute("zzz")

    asyncio.run(main())
    flow.shutdown()


@BOTH
def test_cancelling_the_task_that_awaits_a_job_cancels_the_job(strategy: str) -> None:
    began = threading.Event()
    seen: list[bool] = []
    with gate() as go:

        def handle(routine: Routine) -> None:
            began.set()
            arrive(go)
            seen.append(routine.cancelled)
            routine.emit("out")

        flow = Flow("f", strategy)
        chain(flow, handle, lambda r, **_: r.increment_stat("n"))

        async def main() -> None:
            task = asyncio.ensure_future(flow.aexecute("n0"))
            while not began.is_set():  # noqa: ASYNC110 - the event is a thread's
                await asyncio.sleep(0.001)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            go.set()

        asyncio.run(main())
        idle(flow)
        (job,) = flow.get_all_executions()
        assert job.status == "cancelled"
        assert seen == [True]
        assert flow.routines["n1"].get_stat("n", 0) == 0
    flow.shutdown()


@BOTH
def test_nested_aexecute_in_a_coroutine_handler_runs_a_job_of_its_own(strategy: str) -> None:
    jobs: list[JobState] = []

    async def handle(routine: Routine) -> None:
        context = routine.get_execution_context()
        assert context is not None
        job = await context.flow.aexecute("b")
        assert job.status == "completed"
        assert job is not context.job_state
        jobs.append(job)

    flow = flow_of(handle, strategy, workers=1)
    job = flow.execute("a")
    assert job.wait(SECONDS)
    assert job.status == "completed"
    assert len(jobs) == ran(flow) == 1
    flow.shutdown()


@BOTH
def test_coroutines_that_await_nested_jobs_go_fifty_deep(strategy: str) -> None:
    deepest = 0

    async def handle(routine: Routine, depth: int) -> None:
        nonlocal deepest
        deepest = max(deepest, depth)
        context = routine.get_execution_context()
        assert context is not None
        if depth < 50:
            job = await context.flow.aexecute("a", {"depth": depth + 1})
            assert job.status == "completed"

    flow = flow_of(handle, strategy, workers=1)
    job = flow.execute("a", {"depth": 0})
    assert job.wait(SECONDS)
    assert job.status == "completed", job.error
    assert deepest == 50
    flow.shutdown()


def test_nested_jobs_that_a_sequential_coroutine_gathers_do_not_overlap() -> None:
    running, most, calls = 0, 0, 0
    lock = threading.Lock()

    def part(_routine: Routine) -> None:
        nonlocal running, most, calls
        with lock:
            running += 1
            most = max(most, running)
            calls += 1
        threading.Event().wait(0.0005)
        with lock:
            running -= 1

    async def handle(routine: Routine) -> None:
        context = routine.get_execution_context()
        assert context is not None
        flow = context.flow
        jobs = await asyncio.gather(*(flow.aexecute("part") for _ in range(10)))
        assert {job.status for job in jobs} == {"completed"}

    flow = flow_of(handle, "sequential")
    flow.add_routine(node(part), "part")
    assert flow.execute("a").status == "completed"
    assert (calls, most) == (10, 1)
    flow.shutdown()


@BOTH
def test_execute_in_a_coroutine_handler_only_queues_the_job(strategy: str) -> None:
    async def handle(routine: Routine) -> None:
        context = routine.get_execution_context()
        assert context is not None
        context.flow.execute("b")
        await asyncio.sleep(0)

    flow = flow_of(handle, strategy)
    assert flow.execute("a").wait(SECONDS)
    idle(flow)
    assert ran(flow) == 1
    flow.shutdown()


@BOTH
def test_waiting_in_a_coroutine_handler_is_refused_with_advice(strategy: str) -> None:
    async def handle(routine: Routine) -> None:
        context = routine.get_execution_context()
        assert context is not None
        context.flow.execute("b").wait()

    flow = flow_of(handle, strategy)
    job = flow.execute("a")
    assert job.wait(SECONDS)
    assert isinstance(job.error, SelfDeadlockError)
    assert "await flow.aexecute" in str(job.error)
    idle(flow)
    flow.shutdown()


def test_aexecute_between_two_flows_from_their_coroutine_handlers() -> None:
    inner = flow_of(passing_coroutine, workers=1)

    async def handle(_routine: Routine) -> None:
        job = await inner.aexecute("a")
        assert job.status == "completed"

    outer = flow_of(handle, workers=1)
    assert outer.execute("a").wait(SECONDS)
    assert ran(inner) == 1
    outer.shutdown()
    inner.shutdown()


async def passing_coroutine(routine: Routine) -> None:
    await asyncio.sleep(0)
    routine.emit("out")


def test_a_retry_of_a_coroutine_waits_by_the_clock_of_the_flow() -> None:
    clock = ManualClock()

    async def handle(routine: Routine) -> None:
        if routine.increment_stat("tries") == 1:
            raise OSError("again")

    flow = flow_of(handle, clock=clock)
    flow.error_handler = ErrorHandler("retry", retry_delay=60.0)
    job = flow.execute("a")
    wait_until(lambda: job.retries_waiting == 1)
    assert clock.advance(60.0) == 1
    assert job.wait(SECONDS)
    assert job.status == "completed"
    flow.shutdown()


def test_plain_and_coroutine_handlers_share_a_chain() -> None:
    flow = Flow("f", "concurrent", 3)
    kinds = [node(passing), async_node(passing_coroutine_of), node(passing)]
    names = [flow.add_routine(routine, f"n{i}") for i, routine in enumerate(kinds)]
    flow.add_routine(node(lambda r, **_: r.increment_stat("n")), "sink")
    for source, target in zip(names, [*names[1:], "sink"], strict=True):
        flow.connect(source, "out", target, "trigger")
    for x in range(50):
        flow.execute("n0", {"x": x})
    idle(flow)
    assert flow.routines["sink"].get_stat("n") == 50
    flow.shutdown()


async def passing_coroutine_of(routine: Routine, **data: Any) -> None:
    await asyncio.sleep(0)
    routine.emit("out", **data)
