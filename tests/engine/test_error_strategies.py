"""What becomes of a job whose handler raises: stop, continue, skip, and what is written down."""

import contextvars
import logging
from typing import Any

import pytest

from routilux import ErrorHandler, ErrorStrategy, Flow, InvalidValueError, JobState, Routine
from routilux.policy import Decision
from tests.engine.building import chain, idle, node, passing
from tests.waiting import SECONDS, arrive, in_threads

STRATEGIES = pytest.mark.parametrize("strategy", ["sequential", "concurrent"])


class BadError(Exception):
    """What a handler raises."""


def fails(routine: Routine, **data: Any) -> None:
    raise BadError("broken")


def sends_then_fails(routine: Routine, **data: Any) -> None:
    routine.emit("out", **data)
    raise BadError("broken")


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "routilux")


def run(flow: Flow, entry: str = "n0", **params: Any) -> JobState:
    """Execute and wait."""
    job = flow.execute(entry, params)
    assert job.wait(SECONDS), job
    flow.shutdown(timeout=SECONDS)
    return job


def told(job: JobState) -> list[tuple[str, str]]:
    return [(record.routine_id, record.event_name) for record in job.execution_history]


def set_handler(flow: Flow, handler: ErrorHandler | None, at: str | None) -> None:
    if at is None:
        flow.set_error_handler(handler)
    else:
        flow.routines[at].set_error_handler(handler)


# which handler counts -----------------------------------------------------------------------------


@STRATEGIES
@pytest.mark.parametrize("bad", [0, 1, 2], ids=["entry", "middle", "end"])
@pytest.mark.parametrize("at", [None, "own"], ids=["flow", "routine"])
@pytest.mark.parametrize("what", list(ErrorStrategy))
def test_every_routine_obeys_its_own_error_handler_or_else_the_flows(
    strategy: str, bad: int, at: str | None, what: ErrorStrategy
) -> None:
    flow = Flow("f", strategy)
    handlers = [sends_then_fails if i == bad else passing for i in range(4)]
    chain(flow, *handlers)
    set_handler(flow, ErrorHandler(what, max_retries=0), f"n{bad}" if at else None)
    job = run(flow, x=1)
    stops = what in ("stop", "retry")
    assert job.status == ("failed" if stops else "completed")
    assert isinstance(job.error, BadError) is stops
    state = job.get_routine_state(f"n{bad}")
    assert state is not None
    assert state["status"] == {"continue": "error_continued", "skip": "skipped"}.get(what, "failed")
    if not stops:
        assert set(job.routine_states) == {"n0", "n1", "n2", "n3"}, "the rest has run"
        assert job.dropped == 0


@STRATEGIES
def test_without_any_error_handler_an_error_fails_the_job(strategy: str) -> None:
    flow = Flow("f", strategy)
    chain(flow, passing, fails)
    job = run(flow)
    assert job.status == "failed"
    assert isinstance(job.error, BadError)


@STRATEGIES
@pytest.mark.parametrize(
    ("own", "flows", "status"),
    [
        ("continue", "stop", "completed"),
        ("stop", "continue", "failed"),
        ("skip", None, "completed"),
    ],
)
def test_a_routines_own_handler_wins_over_the_flows(
    strategy: str, own: str, flows: str | None, status: str
) -> None:
    flow = Flow("f", strategy)
    chain(flow, passing, fails)
    flow.set_error_handler(ErrorHandler(flows) if flows else None)
    flow.routines["n1"].set_error_handler(ErrorHandler(own))
    assert run(flow).status == status


def test_a_handler_of_errors_that_is_taken_away_counts_no_more() -> None:
    flow = Flow("f")
    chain(flow, fails)
    flow.routines["n0"].set_error_handler(ErrorHandler("continue"))
    assert run(flow).status == "completed"
    flow.routines["n0"].set_error_handler(None)
    assert flow.routines["n0"].get_error_handler() is None
    assert run(flow).status == "failed"


@STRATEGIES
def test_one_error_handler_may_serve_many_routines_and_jobs(strategy: str) -> None:
    flow = Flow("f", strategy)
    chain(flow, sends_then_fails, sends_then_fails, fails)
    flow.set_error_handler(ErrorHandler("continue"))
    jobs = [flow.execute("n0") for _ in range(20)]
    idle(flow)
    assert {job.status for job in jobs} == {"completed"}
    assert all(len(job.get_routine_states()) == 3 for job in jobs)
    flow.shutdown()


# what goes on and what does not -------------------------------------------------------------------


@STRATEGIES
@pytest.mark.parametrize("what", ["continue", "skip"])
def test_continue_and_skip_keep_what_was_emitted_before_the_error(strategy: str, what: str) -> None:
    got: list[Any] = []
    flow = Flow("f", strategy)
    chain(flow, sends_then_fails, lambda _r, **data: got.append(data))
    flow.set_error_handler(ErrorHandler(what))
    assert run(flow, x=1).status == "completed"
    assert got == [{"x": 1}]


@STRATEGIES
def test_stop_drops_what_is_queued_and_counts_it_by_the_routine_it_was_for(strategy: str) -> None:
    flow = Flow("f", strategy)

    def burst(routine: Routine) -> None:
        for n in range(10):
            routine.emit("out", n=n)
        raise BadError

    ran: list[int] = []
    chain(flow, burst, lambda _r, n: ran.append(n))
    job = run(flow)
    assert job.status == "failed"
    assert job.dropped + len(ran) == 10
    assert flow._scheduler.dropped == job.dropped
    tracked = flow.execution_tracker
    assert tracked is not None
    performance = tracked.get_routine_performance("n1")
    assert (performance or {}).get("total_executions", 0) == len(ran)


@STRATEGIES
def test_an_error_of_one_branch_under_continue_leaves_its_siblings_alone(strategy: str) -> None:
    flow, got = Flow("f", strategy), []
    flow.add_routine(node(passing), "source")
    for i in range(6):
        routine = node(lambda _r, i=i, **data: got.append(i) if i % 2 else 1 // 0)
        routine.set_error_handler(ErrorHandler("continue"))
        flow.add_routine(routine, f"t{i}")
        flow.connect("source", "out", f"t{i}", "trigger")
    job = run(flow, "source")
    assert job.status == "completed"
    assert sorted(got) == [1, 3, 5]
    states = {name: state["status"] for name, state in job.routine_states.items()}
    assert states == {
        "source": "completed",
        **{f"t{i}": "completed" if i % 2 else "error_continued" for i in range(6)},
    }


# what is written down -----------------------------------------------------------------------------


@STRATEGIES
@pytest.mark.parametrize(
    ("what", "word"), [("stop", "error"), ("continue", "error_continued"), ("skip", "skipped")]
)
def test_an_error_stands_in_the_history_the_state_and_the_statistics(
    strategy: str, what: str, word: str
) -> None:
    flow = Flow("f", strategy)
    chain(flow, passing, fails)
    flow.set_error_handler(ErrorHandler(what))
    job = run(flow, x=1)
    ended = [] if what == "stop" else [("n0", "completed")]
    assert told(job) == [("n0", "start"), ("n0", "out"), ("n1", word), *ended]
    (record,) = [r for r in job.execution_history if r.event_name == word]
    assert record.data == {"slot": "trigger", "error": "broken", "error_type": "BadError"}
    state = job.get_routine_state("n1")
    assert state is not None
    assert state["error"] == "broken"
    assert state["error_time"] == record.timestamp.isoformat()
    errors = [{"slot": "trigger", "error": "broken"}]
    assert state["stats"]["errors"] == errors
    assert flow.routines["n1"].stats()["errors"] == errors
    assert flow.routines["n1"].get_stat("errors") == errors
    assert "errors" not in flow.routines["n0"].stats()


def test_a_clean_jobs_history_has_a_start_one_record_per_emit_and_completed() -> None:
    flow = Flow("f")
    chain(flow, passing, passing, lambda _r, **data: None)
    job = run(flow, x=1)
    assert told(job) == [("n0", "start"), ("n0", "out"), ("n1", "out"), ("n0", "completed")]
    assert [r.data for r in job.execution_history] == [{"x": 1}, {"x": 1}, {"x": 1}, {}]


def test_a_routine_remembers_its_latest_errors_only() -> None:
    flow = Flow("f")

    def numbered(routine: Routine, n: int) -> None:
        raise BadError(f"number {n}")

    chain(flow, numbered)
    flow.set_error_handler(ErrorHandler("continue"))
    for n in range(1005):
        flow.execute("n0", {"n": n})
    errors = flow.routines["n0"].stats()["errors"]
    assert len(errors) == 1000
    assert [errors[0]["error"], errors[-1]["error"]] == ["number 5", "number 1004"]


def test_a_statistic_of_the_users_own_that_is_called_errors_is_left_alone() -> None:
    flow = Flow("f")

    def counts(routine: Routine) -> None:
        routine.increment_stat("errors")
        raise BadError

    chain(flow, counts)
    flow.set_error_handler(ErrorHandler("continue"))
    for _ in range(3):
        assert flow.execute("n0").status == "completed"
    assert flow.routines["n0"].get_stat("errors") == 3


@STRATEGIES
def test_an_error_has_a_note_that_says_where_and_keeps_its_cause_and_context(strategy: str) -> None:
    flow = Flow("orders", strategy)

    def caused(routine: Routine, **data: Any) -> None:
        try:
            dict[str, Any]()["price"]
        except KeyError as cause:
            raise BadError("no price") from cause

    chain(flow, passing, caused)
    job = run(flow)
    assert isinstance(job.error, BadError)
    (note,) = job.error.__notes__
    assert note == f"raised in flow 'orders', routine 'n1', slot 'trigger', job {job.number}"
    assert isinstance(job.error.__cause__, KeyError)


@STRATEGIES
def test_an_error_during_the_handling_of_another_keeps_that_one_as_its_context(
    strategy: str,
) -> None:
    flow = Flow("f", strategy)

    def twice(routine: Routine) -> None:
        try:
            raise KeyError("first")
        finally:
            raise BadError("second")

    chain(flow, twice)
    job = run(flow)
    assert isinstance(job.error, BadError)
    assert isinstance(job.error.__context__, KeyError)


@STRATEGIES
def test_an_exception_group_arrives_whole(strategy: str) -> None:
    flow = Flow("f", strategy)

    def grouped(routine: Routine) -> None:
        raise ExceptionGroup("several", [BadError("a"), ExceptionGroup("in", [OSError("b")])])

    chain(flow, grouped)
    job = run(flow)
    assert isinstance(job.error, ExceptionGroup)
    assert [type(e) for e in job.error.exceptions] == [BadError, ExceptionGroup]
    assert "several (2 sub-exceptions)" in job.execution_history[1].data["error"]


@pytest.mark.parametrize(
    ("what", "level", "text"),
    [
        ("stop", logging.ERROR, "a handler failed in flow 'f', routine 'n0', slot 'trigger'"),
        ("continue", logging.WARNING, "routine 'n0', slot 'trigger' failed (continue): broken"),
        ("skip", logging.WARNING, "routine 'n0', slot 'trigger' failed (skip): broken"),
    ],
)
def test_an_error_is_logged_as_loud_as_it_matters(
    what: str, level: int, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "routilux")
    flow = Flow("f")
    chain(flow, fails)
    flow.set_error_handler(ErrorHandler(what))
    flow.execute("n0")
    (record,) = caplog.records
    assert record.levelno == level
    assert text in record.getMessage()


# exceptions that are no ordinary ones -------------------------------------------------------------


class Mute(Exception):
    """Raises when it is asked what it says."""

    def __str__(self) -> str:
        raise SystemExit("no __str__")

    def __repr__(self) -> str:
        raise KeyError("no __repr__")


class Dumb(Exception):
    """Says something that is no text."""

    def __str__(self) -> Any:
        return 3  # noqa: PLE0307 - that is the point


class Sealed(Exception):
    """Takes no notes."""

    __notes__ = ()  # type: ignore[assignment]

    def add_note(self, note: str) -> None:
        raise SystemExit("no notes")


@STRATEGIES
@pytest.mark.parametrize("what", list(ErrorStrategy))
@pytest.mark.parametrize(
    ("error", "said"),
    [
        (Mute("x"), "<Mute; its __str__ raised SystemExit>"),
        (Dumb("x"), "<Dumb; its __str__ raised TypeError>"),
        (Sealed("x"), "x"),
    ],
    ids=["mute", "dumb", "sealed"],
)
def test_an_exception_that_cannot_be_asked_or_noted_is_recorded_all_the_same(
    strategy: str, what: ErrorStrategy, error: Exception, said: str, capfd: Any
) -> None:
    flow = Flow("f", strategy)

    def odd(routine: Routine) -> None:
        raise error

    chain(flow, odd)
    flow.set_error_handler(ErrorHandler(what, max_retries=1, retry_delay=0))
    job = run(flow)
    stops = what in ("stop", "retry")
    assert job.status == ("failed" if stops else "completed")
    assert (job.error is error) is stops
    errors = flow.routines["n0"].stats()["errors"]
    assert [each["error"] for each in errors] == [said] * (2 if what == "retry" else 1)
    assert job.execution_history[1].data["error"] == said
    assert run(flow).done, "and the flow is of use"


@STRATEGIES
def test_a_huge_text_of_an_exception_is_shortened_wherever_it_is_kept(strategy: str) -> None:
    flow = Flow("f", strategy)

    def huge(routine: Routine) -> None:
        raise BadError("x" * 5_000_000)

    chain(flow, huge)
    flow.set_error_handler(ErrorHandler("continue"))
    job = run(flow)
    texts = [
        flow.routines["n0"].stats()["errors"][0]["error"],
        job.execution_history[1].data["error"],
        (job.get_routine_state("n0") or {})["error"],
    ]
    assert all(4_000 <= len(text) <= 4_001 for text in texts)


@STRATEGIES
def test_one_exception_object_that_is_raised_again_and_again_does_not_grow(strategy: str) -> None:
    always = BadError("the same")

    def same(routine: Routine) -> None:
        raise always

    flow = Flow("f", strategy)
    chain(flow, same)
    flow.set_error_handler(ErrorHandler("continue"))
    for _ in range(200):
        flow.execute("n0")
    idle(flow)
    assert len(always.__notes__) <= 20
    flow.shutdown()


@STRATEGIES
@pytest.mark.parametrize("what", list(ErrorStrategy))
def test_a_system_exit_fails_its_job_whatever_the_strategy_and_kills_no_worker(
    strategy: str, what: ErrorStrategy
) -> None:
    calls: list[bool] = []

    def leave(routine: Routine, bad: bool = False) -> None:
        calls.append(bad)
        if bad:
            raise SystemExit(3)

    flow = Flow("f", strategy, max_workers=1)
    chain(flow, leave)
    flow.set_error_handler(ErrorHandler(what, retry_delay=0))
    jobs = [flow.execute("n0", {"bad": bad}) for bad in (True, False, True, False)]
    idle(flow)
    assert [job.status for job in jobs] == ["failed", "completed"] * 2
    assert isinstance(jobs[0].error, SystemExit)
    assert calls == [True, False] * 2, "and it is never tried again"
    assert [r.event_name for r in jobs[0].execution_history] == ["start", "error"]
    flow.shutdown()


@pytest.mark.parametrize("what", list(ErrorStrategy))
def test_a_keyboard_interrupt_of_a_handler_fails_its_job_and_the_worker_lives(
    what: ErrorStrategy,
) -> None:
    def interrupt(routine: Routine, bad: bool = False) -> None:
        if bad:
            raise KeyboardInterrupt

    flow = Flow("f", "concurrent", max_workers=1)
    chain(flow, interrupt)
    flow.set_error_handler(ErrorHandler(what))
    jobs = [flow.execute("n0", {"bad": bad}) for bad in (True, False)]
    idle(flow)
    assert [job.status for job in jobs] == ["failed", "completed"]
    assert isinstance(jobs[0].error, KeyboardInterrupt)
    flow.shutdown()


@STRATEGIES
def test_an_error_while_a_handler_holds_the_users_lock_releases_it(strategy: str) -> None:
    import threading

    lock, done = threading.Lock(), []

    def locked(routine: Routine, bad: bool) -> None:
        with lock:
            if bad:
                raise BadError
            done.append(bad)

    flow = Flow("f", strategy)
    chain(flow, locked)
    jobs = [flow.execute("n0", {"bad": bad}) for bad in (True, False)]
    idle(flow)
    assert [job.status for job in jobs] == ["failed", "completed"]
    flow.shutdown()


# decisions that fail ------------------------------------------------------------------------------


@STRATEGIES
def test_an_error_handler_that_raises_itself_fails_the_job_and_kills_no_worker(
    strategy: str,
) -> None:
    class Broken(ErrorHandler):
        def decide(self, error: BaseException, retries: int) -> Decision:
            raise OSError("undecided")

    flow = Flow("f", strategy, max_workers=1)
    chain(flow, fails)
    flow.set_error_handler(Broken("continue"))
    for _ in range(3):
        job = flow.execute("n0")
        assert job.wait(SECONDS)
        assert job.status == "failed"
        assert isinstance(job.error, BadError)
        assert any("Broken could not decide about it: undecided" in n for n in job.error.__notes__)
    flow.shutdown()


@STRATEGIES
def test_what_was_put_there_by_hand_and_decides_nothing_counts_as_stop(strategy: str) -> None:
    flow = Flow("f", strategy)
    chain(flow, fails)
    flow.error_handler = "continue"  # type: ignore[assignment]
    assert run(flow).status == "failed"


@pytest.mark.parametrize("wrong", ["continue", ErrorStrategy.STOP, ErrorHandler, 3])
def test_only_an_error_handler_can_be_set_as_one(wrong: Any) -> None:
    with pytest.raises(InvalidValueError, match=r"write ErrorHandler\('continue'\)"):
        Flow("f").set_error_handler(wrong)
    with pytest.raises(InvalidValueError, match=r"write ErrorHandler\('continue'\)"):
        Routine().set_error_handler(wrong)


# merge functions and mappings ---------------------------------------------------------------------


@STRATEGIES
@pytest.mark.parametrize(("what", "status"), [("stop", "failed"), ("continue", "completed")])
def test_what_a_merge_function_raises_is_an_error_of_the_routine_it_belongs_to(
    strategy: str, what: str, status: str
) -> None:
    def merge(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
        raise BadError("no merge")

    flow, called = Flow("f", strategy), []
    flow.add_routine(node(passing), "n0")
    flow.add_routine(node(lambda _r, **data: called.append(data), merge_strategy=merge), "n1")
    flow.connect("n0", "out", "n1", "trigger")
    flow.routines["n1"].set_error_handler(ErrorHandler(what))
    job = run(flow)
    assert job.status == status
    assert called == []
    assert flow.routines["n1"].stats()["errors"] == [{"slot": "trigger", "error": "no merge"}]


# the ambient job ----------------------------------------------------------------------------------


@STRATEGIES
def test_errors_of_foreign_emits_obey_the_strategies_and_stop_nothing(strategy: str) -> None:
    flow, calls = Flow("f", strategy), []

    def bad(routine: Routine, n: int) -> None:
        calls.append(n)
        raise BadError(str(n))

    chain(flow, passing, bad)
    in_threads(3, lambda n: flow.routines["n0"].emit("out", n=n))
    idle(flow)
    assert sorted(calls) == [0, 1, 2]
    assert len(flow.routines["n1"].stats()["errors"]) == 3
    assert run(flow, n=7).status == "failed"
    assert flow.wait_for_completion(SECONDS)


def test_a_context_variable_of_the_caller_is_seen_by_the_error_handler() -> None:
    import threading

    seen, done = [], threading.Event()
    who = contextvars.ContextVar("who", default="nobody")

    class Asks(ErrorHandler):
        def decide(self, error: BaseException, retries: int) -> Decision:
            done.set()
            return super().decide(error, retries)

    flow = Flow("f", "concurrent")

    def handler(routine: Routine) -> None:
        seen.append(who.get())
        raise BadError

    chain(flow, handler)
    flow.set_error_handler(Asks("skip"))
    who.set("me")
    assert run(flow).status == "completed"
    arrive(done)
    assert seen == ["me"]
