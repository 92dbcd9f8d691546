"""The whole view state: phases, banners, and generations that come and go."""

from __future__ import annotations

import pytest

from routilux.records import Kind
from tests.tui.building import MS, SECOND, World, flow_info, watching
from tui.model import log
from tui.model.log import RULE
from tui.model.monitor import KEPT_RUNS, NEWS_NS, Monitor, Phase
from tui.session.events import (
    Died,
    Gone,
    Loading,
    Output,
    Progress,
    Rejected,
    Started,
    Stopping,
)
from tui.session.messages import Failure, ScriptState

FLOW = flow_info([("a", "out", "b", "in")])
BROKEN = Failure("SyntaxError", "'(' was never closed", "/home/me/orders.py", 84, 16)


def world(generation: int = 1, **names: str) -> World:
    flow = flow_info([(names.get("a", "a"), "out", "b", "in")])
    return World(flow, generation=generation)


def running(monitor: Monitor, world: World) -> Monitor:
    """With a job open."""
    world.jobs[0] = 1
    monitor.apply(world.wait(SECOND).snapshot())
    return monitor


# phases -------------------------------------------------------------------------------------------


def test_nothing_has_started_yet() -> None:
    assert Monitor().phase is Phase.LOADING


def test_the_phase_follows_jobs_and_script() -> None:
    monitor, engine = watching(), world()

    def phase() -> Phase:  # a call, so that mypy does not take the last value for the next
        return monitor.phase

    assert phase() is Phase.IDLE
    assert running(monitor, engine).phase is Phase.RUN
    engine.jobs = [0, 1, 0]
    monitor.apply(engine.wait(SECOND).snapshot())
    assert phase() is Phase.IDLE
    monitor.handle(Progress(1, ScriptState("ended")))
    assert phase() is Phase.ENDED
    running(monitor, engine)
    assert phase() is Phase.RUN  # run once more with x


def test_jobs_are_paused_when_all_that_are_open_are() -> None:
    monitor, engine = watching(), world()
    engine.jobs[0], engine.standing = 2, {"paused": 1}
    monitor.apply(engine.wait(SECOND).snapshot())
    some = monitor.phase
    engine.standing = {"paused": 2}
    monitor.apply(engine.wait(SECOND).snapshot())
    assert (some, monitor.phase) == (Phase.RUN, Phase.HELD)


def test_an_engine_that_does_not_answer_is_told_from_one_that_runs() -> None:
    monitor = running(watching(), world())
    monitor.answering = False
    before = monitor.phase
    monitor.handle(Died(1, -9))
    assert (before, monitor.phase) == (Phase.STUCK, Phase.DIED)


def test_a_script_that_raised_has_failed_even_with_jobs_open() -> None:
    monitor = running(watching(), world())
    monitor.handle(Progress(1, ScriptState("failed", failure=BROKEN)))
    assert monitor.phase is Phase.FAILED


# banners ------------------------------------------------------------------------------------------


def test_a_rejected_change_says_what_keeps_running_and_where_the_error_is() -> None:
    monitor = running(watching(), world())
    monitor.handle(Rejected(2, BROKEN, ((83, "x = 1"), (84, "    print(f(1)"))))
    banner = monitor.banner
    assert banner is not None
    assert banner.is_error
    assert banner.title == "RELOAD FAILED: g2 rejected, g1 keeps running"
    assert banner.lines == (
        "SyntaxError  orders.py:84  '(' was never closed",
        "    83  x = 1",
        ">   84      print(f(1)",
        "                       ^",
    )
    assert (banner.file, banner.line) == ("/home/me/orders.py", 84)
    assert monitor.rejected == 1
    assert monitor.run.generation == 1


def test_the_mark_below_a_line_stands_under_its_column() -> None:
    monitor = watching()
    monitor.handle(Rejected(2, BROKEN, ((84, "    return sum("),)))
    assert monitor.banner is not None
    _, line, mark = monitor.banner.lines
    prefix = len("> ") + 4 + len("  ")
    assert line[prefix:] == "    return sum("
    assert mark.index("^") - prefix == BROKEN.column - 1


@pytest.mark.parametrize("how", [Died(1, 3), Progress(1, ScriptState("failed", failure=BROKEN))])
def test_a_rejection_does_not_claim_that_what_has_ended_keeps_running(
    how: Died | Progress,
) -> None:
    monitor = watching()
    monitor.handle(how)
    monitor.handle(Rejected(2, BROKEN))
    assert monitor.banner is not None
    assert monitor.banner.title == "RELOAD FAILED: g2 rejected, g1 has ended"


def test_a_long_message_takes_four_lines_at_most() -> None:
    monitor = watching()
    monitor.handle(Rejected(2, Failure("E", "\n".join(f"line {n}" for n in range(50)))))
    assert monitor.banner is not None
    assert monitor.banner.lines == ("E  line 0", "line 1", "line 2", "line 3")


def test_an_exception_without_a_message_still_has_its_kind() -> None:
    monitor = watching()
    monitor.handle(Rejected(2, Failure("KeyboardInterrupt", "")))
    assert monitor.banner is not None
    assert monitor.banner.lines == ("KeyboardInterrupt  ",)


@pytest.mark.parametrize(
    ("code", "how"), [(-9, "was killed by signal 9"), (3, "left with exit code 3")]
)
def test_an_engine_that_died_says_how_and_what_to_do(code: int, how: str) -> None:
    monitor = watching()
    monitor.handle(Died(1, code))
    assert monitor.banner is not None
    assert monitor.banner.title == f"ENGINE GONE: g1 {how}"
    assert "r starts it again" in monitor.banner.lines[0]
    assert monitor.exit_code == code


def test_a_script_that_raised_points_to_its_traceback() -> None:
    monitor = watching()
    monitor.handle(Progress(1, ScriptState("failed", failure=BROKEN)))
    assert monitor.banner is not None
    assert monitor.banner.title == "g1 STOPPED by SyntaxError: the traceback is in Output (7)"
    monitor.dismiss()
    assert monitor.banner is None


def test_the_first_generation_needs_no_news() -> None:
    assert watching().banner is None


def test_good_news_goes_away_by_itself_bad_news_stays() -> None:
    monitor = watching()
    monitor.handle(Rejected(2, BROKEN))
    engine = world()
    for _ in range(3):
        monitor.apply(engine.wait(NEWS_NS).snapshot())
    assert monitor.banner is not None
    monitor.handle(Started(2, 0.1))
    engine = world(2)
    monitor.apply(engine.snapshot())
    assert monitor.banner is not None
    assert not monitor.banner.is_error
    assert monitor.banner.title == "RELOADED g1 -> g2 in 100 ms"
    monitor.apply(engine.wait(NEWS_NS + 1).snapshot())
    assert monitor.banner is None


# generations --------------------------------------------------------------------------------------


def test_the_last_words_of_a_generation_that_has_gone_are_not_counted() -> None:
    monitor, old = watching(), world()
    monitor.apply(old.handle(1, 1).snapshot())
    monitor.handle(Started(2, 0.1))
    monitor.apply(old.handle(1, 1).wait(SECOND).snapshot())
    assert monitor.run.generation == 2
    assert monitor.run.done == 0
    assert monitor.log.received == 1
    assert monitor.runs[1].done == 1


def test_records_keep_the_names_of_their_own_generation() -> None:
    monitor = watching()
    monitor.apply(world(1, a="before").handle(1, 1).snapshot())
    monitor.handle(Started(2, 0.1))
    monitor.apply(world(2, a="after").handle(1, 1).snapshot())
    names = [
        monitor.run_of(record[3]).edge_name(record[8])
        for record in monitor.log.view
        if record[2] != RULE
    ]
    assert names == ["before.out>b.in", "after.out>b.in"]
    kinds = [record[2] for record in monitor.log.view]
    assert kinds == [Kind.ACTIVATION, RULE, Kind.ACTIVATION]


def test_only_so_many_generations_are_remembered() -> None:
    monitor = watching()
    for generation in range(2, 20):
        monitor.handle(Started(generation, 0.01))
    assert sorted(monitor.runs) == list(range(20 - KEPT_RUNS, 20))
    assert monitor.run_of(1) is monitor.run  # forgotten: better wrong names than none


def test_a_new_generation_starts_clean() -> None:
    monitor, engine = watching(), world()
    running(monitor, engine)
    monitor.handle(Died(1, -9))
    monitor.handle(Loading(2))
    assert monitor.status == "g2 is loading"
    monitor.handle(Loading(2, slow=True))
    assert monitor.status == "g2 is still loading: K cancels"
    monitor.handle(Started(2, 0.143))
    assert (monitor.status, monitor.exit_code, monitor.run.done) == ("", None, 0)
    assert monitor.phase is Phase.LOADING
    assert [line.text for line in monitor.output.lines] == [
        "generation 2 loads",
        "generation 2 runs, loaded in 143 ms",
    ]


def test_progress_of_another_generation_is_not_taken_for_ours() -> None:
    monitor = watching()
    monitor.handle(Progress(7, ScriptState("failed", failure=BROKEN)))
    assert monitor.phase is Phase.IDLE
    assert monitor.banner is None


def test_what_stopping_cost_is_said_where_prints_are() -> None:
    monitor = watching()
    monitor.handle(Stopping(1))
    assert monitor.status == "g1 finishes what runs"
    monitor.handle(Gone(1, 0, ()))
    assert not monitor.output.lines
    assert monitor.status == ""
    monitor.handle(Gone(1, 3, ("routilux-flow-1",)))
    (line,) = monitor.output.lines
    assert line.text == (
        "generation 1 stopped: 3 queued dropped, stuck in a handler: routilux-flow-1"
    )


def test_what_a_generation_printed_last_survives_it() -> None:
    monitor = watching()
    monitor.handle(Output(1, b"no line end", False))
    monitor.handle(Output(2, b"loading", False))
    monitor.handle(Started(2, 0.1))
    monitor.handle(Output(2, b" done\n", False))
    assert [line.text for line in monitor.output.lines] == [
        "no line end",
        "generation 2 runs, loaded in 100 ms",
        "loading done",
    ]


def test_attempts_with_the_same_number_do_not_share_a_line() -> None:
    monitor = watching()
    monitor.handle(Output(2, b"first attempt", False))
    monitor.handle(Rejected(2, BROKEN))
    monitor.handle(Output(2, b"second\n", False))
    assert [line.text for line in monitor.output.lines] == ["first attempt", "second"]


# loss and cost ------------------------------------------------------------------------------------


def test_nothing_published_means_nothing_lost() -> None:
    assert watching().kept == 1.0


def test_kept_is_the_share_of_this_generation() -> None:
    monitor, engine = watching(), world()
    engine.handle(1, 1, times=9).lose(3)
    monitor.apply(engine.snapshot())
    assert monitor.kept == 0.75
    assert (monitor.log.total, monitor.log.received) == (12, 9)
    monitor.handle(Started(2, 0.1))
    monitor.apply(world(2).handle(1, 1).snapshot())
    assert monitor.kept == 1.0
    assert monitor.log.total == 13


def test_cost_is_the_cpu_of_both_sides() -> None:
    monitor, engine = watching(), world()
    for look in range(21):
        engine.cost = 2 * MS
        monitor.apply(engine.wait(SECOND // 10).snapshot(), own_cpu_ns=look * 3 * MS)
    assert monitor.cost.total == pytest.approx(0.05)


def test_a_clean_start_forgets_all_that_was_before() -> None:
    world = World(flow_info([("a", "out", "b", "in")]))
    monitor = watching()
    monitor.apply(world.wait(MS).handle(1, 1).snapshot())
    monitor.handle(Output(1, b"hello\n", False))
    monitor.log.pause()
    monitor.rejected = 3
    end = monitor.log.view.end
    monitor.forget_at_start = True
    monitor.handle(Died(1, -9))
    assert monitor.banner is None, "that is what was asked for"
    assert len(monitor.log.view) == 1, "until the new one begins all is there"
    monitor.handle(Started(2, 0.1))
    assert len(monitor.log.view) == 0
    assert monitor.log.view.first == end, "positions go on"
    assert not monitor.log.paused
    assert [line.text for line in monitor.output.lines] == ["generation 2 runs, loaded in 100 ms"]
    assert (list(monitor.runs), monitor.rejected) == ([2], 0)
    assert monitor.banner is not None
    assert monitor.banner.title.startswith("RESTARTED CLEAN g1 -> g2")
    monitor.handle(Started(3, 0.1))
    assert monitor.banner.title.startswith("RELOADED g2 -> g3"), "once"
    assert len(monitor.log.view) == 1


def test_as_many_events_are_kept_as_are_asked_for() -> None:
    world, monitor = World(flow_info([("a", "out", "b", "in")])), Monitor("f.py", ring=10)
    monitor.handle(Started(1))
    monitor.apply(world.wait(MS).handle(1, 1, times=25).snapshot())
    assert len(monitor.log.view) == 10


def test_records_keep_the_name_of_a_thread_whose_place_another_has_taken() -> None:
    world = World(flow_info([("a", "out", "b", "in")]))
    monitor = watching()
    monitor.apply(world.wait(MS).handle(1, 1).snapshot())
    (old,) = monitor.log.view
    first = monitor.run.lane_label(old[log.WORKER], old[log.TIME])
    world.threads[1] = "routilux-flow-9"
    monitor.apply(world.wait(SECOND).handle(1, 1).snapshot())
    new = monitor.log.view[-1]
    assert monitor.run.lane_label(old[log.WORKER], old[log.TIME]) == first == "w1"
    assert monitor.run.lane_label(new[log.WORKER], new[log.TIME]) == "w9"
    assert monitor.run.lane_label(new[log.WORKER]) == "w9"
