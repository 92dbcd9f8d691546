import contextvars
import logging
import sys
import threading
from typing import Any

import pytest

from routilux import Flow, JobStatus, Kind, Level, Note, Routine, SelfDeadlockError, Status
from routilux.job import ENDED, TRACED
from tests.engine.building import chain, idle, node, passing
from tests.waiting import SECONDS, Call, arrive, gate, in_threads

STRATEGIES = pytest.mark.parametrize("strategy", ["sequential", "concurrent"])
TRACING = pytest.mark.parametrize("traced", [False, True], ids=["untraced", "traced"])


def failing(_r: Routine, **data: Any) -> None:
    raise ValueError("no")


def watched(flow: Flow, traced: bool) -> None:
    if traced:
        flow.bus.subscribe()


# completion ---------------------------------------------------------------------------------------


@TRACING
def test_a_job_is_not_completed_before_its_last_activation_ended(traced: bool) -> None:
    flow = Flow("f", "concurrent", max_workers=4)
    open_handlers: list[int] = []
    seen: list[str] = []

    def handler(routine: Routine, n: int) -> None:
        open_handlers.append(n)
        if n:
            routine.emit("out", n=n - 1)
            routine.emit("out", n=n - 1)
        seen.append(str(jobs[0].status) if jobs else "running")
        open_handlers.pop()

    flow.add_routine(node(handler), "a")
    flow.connect("a", "out", "a", "trigger")
    watched(flow, traced)
    for _ in range(30):
        jobs: list[Any] = []
        jobs.append(flow.execute("a", {"n": 4}))
        while not jobs[0].done:
            pass
        assert not open_handlers
        assert jobs[0].status is JobStatus.COMPLETED
    assert set(seen) == {"running"}
    assert flow._scheduler.completed == 30
    flow.shutdown()


def test_a_token_that_comes_while_its_job_is_about_to_end_keeps_it_open() -> None:
    class Tokens(list[Any]):
        """Looks empty once, and has got a token right after that look."""

        def __bool__(self) -> bool:
            if len(self) == 0 and late:
                self.append(late.pop())
                return False
            return len(self) > 0

    flow = Flow()
    chain(flow, lambda _r: None)
    job, late = flow._new_job(), [object()]
    job.tokens = Tokens()
    job.status = JobStatus.RUNNING
    flow._scheduler.jobs[job.number] = job
    flow._scheduler.finish(job)
    assert job.status == "running"
    assert not job.flags & ENDED
    job.tokens.pop()
    flow._scheduler.finish(job)
    assert job.status == "completed"
    assert flow.wait_for_completion(0)


def test_waiting_for_one_job_does_not_wait_for_others() -> None:
    with gate() as go:
        flow = Flow("f", "concurrent", max_workers=2)
        chain(flow, lambda _r, stuck: arrive(go) if stuck else None)
        slow, quick = flow.execute("n0", {"stuck": 1}), flow.execute("n0", {"stuck": 0})
        assert quick.wait(SECONDS)
        assert not slow.done
        assert not flow.wait_for_completion(0)
        go.set()
        idle(flow)
    flow.shutdown()


# failure ------------------------------------------------------------------------------------------


@STRATEGIES
@TRACING
def test_an_error_downstream_fails_the_job_and_says_where(strategy: str, traced: bool) -> None:
    flow = Flow("f", strategy)
    chain(flow, passing, failing)
    watched(flow, traced)
    job = flow.execute("n0")
    idle(flow)
    assert job.status == "failed"
    assert isinstance(job.error, ValueError)
    assert job.error.__notes__ == [
        f"raised in flow 'f', routine 'n1', slot 'trigger', job {job.number}"
    ]
    assert flow._scheduler.failed == 1
    flow.shutdown()


@STRATEGIES
@TRACING
def test_a_failure_drops_and_counts_what_its_job_has_queued(strategy: str, traced: bool) -> None:
    ran: list[str] = []
    with gate() as queued:

        def source(routine: Routine) -> None:
            for _ in range(10):
                routine.emit("out")
            queued.set()

        def bad(_r: Routine) -> None:
            arrive(queued)
            ran.append("bad")
            raise ValueError("no")

        flow = Flow("f", strategy, max_workers=1)
        flow.add_routine(node(source), "source")
        flow.add_routine(node(bad), "bad")
        flow.add_routine(node(lambda _r: ran.append("good")), "good")
        flow.connect("source", "out", "bad", "trigger")
        flow.connect("source", "out", "good", "trigger")
        watched(flow, traced)
        job = flow.execute("source")
        idle(flow)
    assert ran == ["bad"]
    assert job.status == "failed"
    assert job.dropped == 19
    assert not job.tokens
    flow.shutdown()


@STRATEGIES
@TRACING
def test_what_a_running_handler_of_a_failed_job_emits_is_dropped_and_counted(
    strategy: str, traced: bool
) -> None:
    def both(routine: Routine) -> None:
        routine.emit("out")
        flow._scheduler.stop(job_of(routine), ValueError("stopped meanwhile"))
        routine.emit("out")

    def job_of(_r: Routine) -> Any:
        from routilux.activation import current

        return current.get().job

    flow = Flow("f", strategy)
    chain(flow, both, lambda r: r.increment_stat("n"))
    watched(flow, traced)
    job = flow.execute("n0")
    idle(flow)
    assert job.status == "failed"
    assert job.dropped + flow.routines["n1"].get_stat("n", 0) == 2
    assert job.dropped >= 1
    flow.shutdown()


def test_handlers_that_run_when_their_job_fails_are_finished_before_it_ends() -> None:
    with gate() as go, gate() as failed:
        flow = Flow("f", "concurrent", max_workers=2)

        def bad(_r: Routine) -> None:
            arrive(running)
            failed.set()
            raise ValueError("no")

        def slow(routine: Routine) -> None:
            running.set()
            arrive(go)
            routine.set_stat("finished", True)

        running = threading.Event()
        flow.add_routine(node(passing), "source")
        flow.add_routine(node(bad), "bad")
        flow.add_routine(node(slow), "slow")
        flow.connect("source", "out", "bad", "trigger")
        flow.connect("source", "out", "slow", "trigger")
        job = flow.execute("source")
        arrive(failed)
        assert not job.wait(0.02)
        assert job.status == "running"
        go.set()
        assert job.wait(SECONDS)
    assert job.status == "failed"
    assert flow.routines["slow"].get_stat("finished") is True
    flow.shutdown()


@STRATEGIES
def test_the_first_error_of_a_job_is_kept(strategy: str) -> None:
    def bad(_r: Routine, n: int) -> None:
        barrier.wait(SECONDS)
        raise ValueError(n)

    barrier = threading.Barrier(1 if strategy == "sequential" else 2)
    flow = Flow("f", strategy, max_workers=2)
    flow.add_routine(node(lambda r: (r.emit("out", n=1), r.emit("out", n=2))), "source")
    flow.add_routine(node(bad), "bad")
    flow.connect("source", "out", "bad", "trigger")
    job = flow.execute("source")
    idle(flow)
    assert isinstance(job.error, ValueError)
    assert job.status == "failed"
    flow.shutdown()


@STRATEGIES
def test_a_failed_job_does_not_disturb_others(strategy: str) -> None:
    flow = Flow("f", strategy)
    chain(flow, passing, lambda r, bad: failing(r) if bad else r.increment_stat("n"))
    jobs = [flow.execute("n0", {"bad": i % 2}) for i in range(20)]
    idle(flow)
    assert [job.status for job in jobs] == ["completed", "failed"] * 10
    assert flow.routines["n1"].get_stat("n") == 10
    assert (flow._scheduler.completed, flow._scheduler.failed) == (10, 10)
    flow.shutdown()


@STRATEGIES
@TRACING
@pytest.mark.parametrize("kind", [SystemExit, GeneratorExit])
def test_a_system_exit_fails_the_job_and_the_thread_lives(
    strategy: str, traced: bool, kind: type[BaseException]
) -> None:
    threads: list[str] = []

    def leave(_r: Routine, leave: bool) -> None:
        threads.append(threading.current_thread().name)
        if leave:
            raise kind(3)

    flow = Flow("f", strategy, max_workers=1)
    chain(flow, leave)
    watched(flow, traced)
    bad, good = flow.execute("n0", {"leave": True}), flow.execute("n0", {"leave": False})
    idle(flow)
    assert bad.status == "failed"
    assert isinstance(bad.error, kind)
    assert good.status == "completed"
    assert len(set(threads)) == 1
    flow.shutdown()


@TRACING
def test_a_keyboard_interrupt_raised_on_a_worker_fails_its_job_only(traced: bool) -> None:
    def handler(_r: Routine, bad: bool) -> None:
        if bad:
            raise KeyboardInterrupt

    flow = Flow("f", "concurrent", max_workers=1)
    chain(flow, handler)
    watched(flow, traced)
    jobs = [flow.execute("n0", {"bad": bad}) for bad in (True, False)]
    idle(flow)
    assert [job.status for job in jobs] == ["failed", "completed"]
    flow.shutdown()


def test_a_failure_is_logged_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    flow = Flow("f")
    chain(flow, failing)
    flow.execute("n0")
    (record,) = caplog.records
    assert record.name == "routilux"
    assert "a handler failed in flow 'f', routine 'n0', slot 'trigger'" in record.getMessage()
    assert record.exc_info is not None


@STRATEGIES
def test_a_log_handler_that_raises_does_not_hang_the_job(
    strategy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    class Broken(logging.Handler):
        def handle(self, record: logging.LogRecord) -> bool:
            raise OSError("disk full")

    logger, broken = logging.getLogger("routilux"), Broken()
    flow = Flow("f", strategy)
    chain(flow, failing)
    logger.addHandler(broken)
    try:
        job = flow.execute("n0")
        idle(flow)
    finally:
        logger.removeHandler(broken)
    assert job.status == "failed"
    assert "routine 'n0', slot 'trigger' failed, and reporting it raised OSError" in (
        capsys.readouterr().err
    )
    flow.shutdown()


@STRATEGIES
def test_an_exception_that_takes_no_notes_fails_the_job_all_the_same(strategy: str) -> None:
    class Odd(Exception):
        __notes__ = ()  # add_note wants a list

    def handler(_r: Routine) -> None:
        raise Odd

    flow = Flow("f", strategy)
    chain(flow, handler)
    job = flow.execute("n0")
    idle(flow)
    assert job.status == "failed"
    assert isinstance(job.error, Odd)
    flow.shutdown()


# the ambient job ----------------------------------------------------------------------------------


@STRATEGIES
def test_an_error_after_a_foreign_emit_stops_nothing_else(strategy: str) -> None:
    flow = Flow("f", strategy, max_workers=1)
    chain(flow, passing, lambda r, x: failing(r) if x == 0 else r.increment_stat("n"))
    for x in range(5):
        flow.routines["n0"].emit("out", x=x)
    idle(flow)
    assert flow.routines["n1"].get_stat("n") == 4
    flow.shutdown()


@pytest.mark.parametrize("traced", [False, True])
def test_a_handler_of_a_late_emit_may_not_wait_for_its_own_flow(traced: bool) -> None:
    refused: list[bool] = []

    def wait(_r: Routine) -> None:
        try:
            flow.wait_for_completion(0.2)
        except SelfDeadlockError:
            refused.append(True)

    contexts: list[contextvars.Context] = []
    flow = Flow("f", "concurrent")
    chain(flow, lambda _r: contexts.append(contextvars.copy_context()), wait)
    watched(flow, traced)
    flow.execute("n0")
    idle(flow)
    contexts[0].run(flow.routines["n0"].emit, "out")
    idle(flow)
    assert refused == [True]
    flow.shutdown()


def test_a_late_emit_that_sees_its_job_end_and_come_back_is_delivered() -> None:
    """Two late emitters: the tokens of one keep the job open that the other has seen as ended."""
    from routilux import gate as gating

    flow = Flow("f", "concurrent")
    contexts: list[contextvars.Context] = []
    chain(
        flow,
        lambda _r: contexts.append(contextvars.copy_context()),
        lambda r: r.increment_stat("n"),
    )
    job = flow.execute("n0")
    idle(flow)
    edge = flow.connections[0]
    # As `finish` leaves it when a token came between: open again, and held by another emitter.
    job.tokens.extend([edge, edge])
    genuine = gating._return_tokens

    def give_back(job: Any, count: int) -> None:
        job.flags &= ~ENDED
        genuine(job, count)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gating, "_return_tokens", give_back)
        contexts[0].run(lambda: gating.admit(job.backend, (edge,), {}, job.root))
    idle(flow)
    assert flow.routines["n1"].get_stat("n") == 1
    assert job.dropped == 0
    flow.shutdown()


# who watches --------------------------------------------------------------------------------------


def test_two_who_subscribe_and_close_at_once_leave_the_flags_at_the_last_level() -> None:
    with gate() as go:
        flow = Flow("f", "concurrent")
        chain(flow, lambda _r: arrive(go))
        job = flow.execute("n0")

        def toggle(_: int) -> None:
            for _ in range(200):
                flow.bus.subscribe(Level.COUNTERS).close()

        in_threads(3, toggle)
        assert flow.bus.level is Level.OFF
        assert not job.flags & TRACED
        go.set()
        idle(flow)
    flow.shutdown()


def test_an_old_level_that_arrives_late_does_not_undo_a_new_one() -> None:
    with gate() as go, gate() as late:
        flow = Flow("f", "concurrent")
        chain(flow, lambda _r: arrive(go))
        job = flow.execute("n0")
        first, follow = flow.bus.subscribe(), flow.bus.on_level
        assert follow is not None
        stopped = threading.Event()

        def slow(*level: Any) -> None:
            if threading.current_thread() is closing:
                stopped.set()
                arrive(late)
            follow(*level)

        flow.bus.on_level = slow
        closing = threading.Thread(target=first.close)
        closing.start()
        arrive(stopped)
        second = flow.bus.subscribe()
        late.set()
        closing.join(SECONDS)
        assert job.flags & TRACED
        second.close()
        assert not job.flags & TRACED
        go.set()
        idle(flow)
    flow.shutdown()


def test_a_job_that_cannot_start_is_published_too() -> None:
    flow = Flow("f")
    flow.add_routine(Routine(), "a")
    subscription = flow.bus.subscribe()
    job = flow.execute("a")
    kinds = [(r.kind, r.job, r.status) for r in subscription.read()]
    assert kinds == [
        (Kind.JOB_STARTED, job.number, Status.OK),
        (Kind.JOB_ENDED, job.number, Status.FAILED),
    ]
    assert subscription.read_notes() == [(job.root.id, Note.ERROR, str(job.error))]


def test_the_open_jobs_may_be_stopped_together() -> None:
    with gate() as go:
        flow = Flow("f", "concurrent", max_workers=1)
        chain(flow, lambda _r: arrive(go))
        jobs = [flow.execute("n0") for _ in range(4)]
        flow._scheduler.stop_open_jobs()
        go.set()
        idle(flow)
    assert {job.status for job in jobs} == {"failed"}
    assert sum(job.dropped for job in jobs) >= 3
    flow.shutdown()


def test_exact_counts_of_ended_jobs_under_a_short_switch_interval() -> None:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        flow = Flow("f", "concurrent", max_workers=8)
        chain(flow, passing, lambda r, bad=0: failing(r) if bad else None)
        in_threads(4, lambda n: [flow.execute("n0", {"bad": i % 2}) for i in range(50)])
        idle(flow)
        assert (flow._scheduler.completed, flow._scheduler.failed) == (100, 100)
        assert not flow._scheduler.jobs
    finally:
        sys.setswitchinterval(interval)
    flow.shutdown()


def test_a_wait_without_timeout_ends_with_the_flow() -> None:
    with gate() as go:
        flow = Flow("f", "concurrent")
        chain(flow, lambda _r: arrive(go))
        flow.execute("n0")
        waiting = Call(flow.wait_for_completion)
        go.set()
        assert waiting.result() is True
    flow.shutdown()


def test_the_traceback_of_a_failed_handler_begins_in_the_handler() -> None:
    class Fails(Routine):
        def __init__(self) -> None:
            super().__init__()
            self.define_slot("trigger", handler=self.fail)

        def fail(self, **_kwargs: object) -> None:
            raise ValueError("no")

    flow = Flow("trim")
    flow.add_routine(Fails(), "fails")
    job = flow.execute("fails")

    assert job.error is not None
    frame = job.error.__traceback__
    assert frame is not None
    assert frame.tb_frame.f_code.co_name == "fail"
    assert frame.tb_next is None
