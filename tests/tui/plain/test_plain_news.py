"""What is told in sentences, and that nobody is flooded: on models, without a process."""

from __future__ import annotations

import pytest

from routilux.records import Kind, Note, Status
from tests.tui.building import MS, SECOND, World, flow_info, watching
from tests.tui.screens.close import close_by
from tests.tui.screens.trouble import bad_day
from tui.model.monitor import Monitor, Phase
from tui.plain.answers import ANSWERS, MOST, summary
from tui.plain.news import STEADY, News
from tui.plain.words import listed, percent, rate, spoken, times
from tui.session.events import Died, Output, Progress, Rejected, Started
from tui.session.messages import Failure, JobInfo, ScriptState, Snapshot

ERROR = """Traceback (most recent call last):
  File "/home/me/bank.py", line 31, in ask
    raise TimeoutError("bank")
TimeoutError: bank
"""


def world() -> World:
    return World(flow_info([("a", "out", "b", "in")], entries=("a",)))


def told(news: News, monitor: Monitor, looks: int = 1) -> list[str]:
    """What some looks tell, nothing new coming in between."""
    return [line for _ in range(looks) for line in news.look(monitor)]


def shown(items: list[Snapshot]) -> Monitor:
    monitor = watching()
    for item in items:
        monitor.apply(item)
    return monitor


def ask(monitor: Monitor, line: str) -> list[str]:
    word, _, rest = line.partition(" ")
    return ANSWERS[word][2](monitor, rest)


# words --------------------------------------------------------------------------------------------


def test_numbers_are_words_that_can_be_heard() -> None:
    assert [spoken(n) for n in (None, 0, 850, 71_000_000, 1_630_000_000, 999_900)] == [
        "not timed", "0 ms", "850 ns", "71 ms", "1.63 s", "1,000 us",
    ]  # fmt: skip
    assert spoken(5_000 * SECOND) == "5,000 s"
    assert [times(n, "job") for n in (0, 1, 2_000)] == ["no jobs", "1 job", "2,000 jobs"]
    assert [percent(s) for s in (0, 0.001, 0.5, 0.996, 1)] == [
        "0 percent", "under 1 percent", "50 percent", "99.6 percent", "100 percent",
    ]  # fmt: skip
    assert [rate(r) for r in (0, 2.5, 1640.4)] == ["0", "2.5", "1,640"]
    assert [listed(p) for p in ([], ["a"], ["a", "b", "c"])] == ["", "a", "a, b and c"]


# news ---------------------------------------------------------------------------------------------


def test_what_lasts_is_told_once_and_what_flickers_is_not() -> None:
    scene, monitor, news = world(), watching(), News()
    scene.jobs = [1, 0, 0]
    monitor.apply(scene.snapshot())
    assert told(news, monitor, STEADY - 1) == []
    assert told(news, monitor, 3) == ["flow.py is running, generation 1"]
    scene.jobs = [0, 1, 0]
    monitor.apply(scene.wait(MS).snapshot())
    assert monitor.phase is Phase.IDLE
    assert told(news, monitor, STEADY - 1) == []
    scene.jobs = [1, 1, 0]
    monitor.apply(scene.wait(MS).snapshot())
    assert told(news, monitor, 2 * STEADY) == []  # it was never anything else for long


def test_the_end_is_told_at_once() -> None:
    monitor, news = watching(), News()
    monitor.handle(Progress(1, ScriptState("ended", opened=True)))
    assert told(news, monitor, 2) == ["flow.py has ended, generation 1"]
    monitor.handle(Died(1, -9))
    said = told(news, monitor)
    assert said[0] == "ENGINE GONE: generation 1 was killed by signal 9"
    assert said[-1] == "flow.py is gone: the engine process has ended, generation 1"


def test_reloads_and_what_the_banner_says_are_told() -> None:
    monitor, news = watching(), News()
    snippet = ((83, "  x"), (84, "  self.emit("))
    monitor.handle(
        Rejected(2, Failure("SyntaxError", "'(' was never closed", "a/b.py", 84, 3), snippet)
    )
    said = told(news, monitor, 2)
    assert said[0] == "RELOAD FAILED: generation 2 rejected, generation 1 keeps running"
    assert said[1] == "SyntaxError  b.py:84  '(' was never closed"
    monitor.handle(Started(2, 0.143))
    assert "RELOADED generation 1 to generation 2 in 143 ms" in told(news, monitor)


def test_a_failure_is_told_in_full_and_then_counted() -> None:
    scene, monitor, news = world(), watching(), News()
    for _ in range(4):
        scene.handle(1, 1, failed=True)
        scene.notes.append((scene.last, Note.ERROR, ERROR))
        monitor.apply(scene.wait(MS).snapshot())
        list(news.look(monitor))
    monitor.apply(scene.handle(1, 1, failed=True).snapshot())  # its text did not get here
    fresh = News()
    assert told(fresh, monitor)[0] == "b failed: TimeoutError: bank, at bank.py:31, event 4"
    assert "b failed: TimeoutError: bank, at bank.py:31, 3 more times" in list(news.sum(monitor))
    assert list(news.sum(monitor)) == []


def test_failures_whose_records_were_lost_are_counted_too() -> None:
    scene, monitor, news = world(), watching(), News()
    monitor.apply(scene.count(1, 1, queued=7, started=7, done=7, failed=7).snapshot())
    assert told(news, monitor) == []
    assert list(news.sum(monitor)) == ["7 more failures whose records were lost"]


def test_jobs_are_told_until_they_are_many() -> None:
    scene, monitor, news = world(), watching(), News()
    for number in range(1, 21):
        scene.record(Kind.JOB_STARTED, subject=2, job=number, worker=0)
        scene.record(Kind.JOB_ENDED, job=number, worker=0, status=Status.FAILED)
    monitor.apply(scene.snapshot())
    said = told(news, monitor)
    assert said[:2] == ["job 1 started at a", "job 1 failed"]
    assert len(said) == 6
    assert list(news.sum(monitor)) == ["17 more jobs started", "17 more jobs failed"]
    scene.record(Kind.JOB_PAUSED, job=21, worker=0)
    monitor.apply(scene.snapshot())
    assert told(news, monitor) == ["job 21 paused"]


def test_routines_that_call_for_attention_are_told_of() -> None:
    monitor, news = shown(list(bad_day())), News()
    said = told(news, monitor, STEADY)
    assert "book is full: a slot of it takes no more, 64 wait for it" in said
    assert "review is paused, 4 wait for it" in said
    assert told(news, monitor, STEADY) == []


def test_a_handler_that_does_not_end_is_told_of_once() -> None:
    scene, monitor, news = world(), watching(), News()
    scene.running = {1: (1, scene.now, 1)}
    scene.count(1, 1, queued=1, started=1)
    monitor.apply(scene.snapshot())
    assert told(news, monitor) == []
    monitor.apply(scene.wait(6 * SECOND).snapshot())
    assert "w1 has run b for 6 s" in told(news, monitor)
    monitor.apply(scene.wait(6 * SECOND).snapshot())
    assert [line for line in told(news, monitor) if "has run" in line] == []


def test_output_is_told_line_by_line_and_a_flood_is_counted() -> None:
    monitor, news = watching(), News()
    monitor.handle(Output(1, b"one\x1b[2J\n", False))
    monitor.handle(Output(1, b"two\n", True))
    assert told(news, monitor) == ["output: one?[2J", "error output: two"]
    monitor.handle(Output(1, b"x\n" * 500, False))
    said = told(news, monitor)
    assert said[0] == "480 lines of output left out"
    assert len(said) == 21


# answers ------------------------------------------------------------------------------------------


def test_every_question_has_an_answer_before_anything_has_come() -> None:
    for name, (_, help_text, answer) in ANSWERS.items():
        said = answer(watching(), "")
        assert said, name
        assert all(said)
        assert help_text
        assert all("\n" not in line for line in said)


def test_status_and_summary_say_what_is_wrong() -> None:
    monitor = shown(list(bad_day()))
    said = ask(monitor, "status")
    assert said[0].startswith("flow.py is running, generation 1, for ")
    assert said[1] == "5 jobs open, 1 paused, 40 completed, 2 failed, 1 cancelled"
    assert any(", most for stock: " in line for line in said)
    assert "537 dropped" in said
    text = summary(monitor)
    assert "1 error" in text
    assert "of them for stock" in text


def test_routines_are_told_in_words_and_one_in_full() -> None:
    monitor = shown(list(bad_day()))
    said = ask(monitor, "routines")
    assert said[0].startswith("11 routines: 1 full, 2 running, 1 paused, 1 retry")
    assert any(line.startswith("shred: unused, 0 waiting") for line in said)
    one = ask(monitor, "routines bank")
    assert one[0].startswith("bank, class Bank: retry")
    assert any(line.startswith("check.good>bank.pay: ") for line in one)
    assert ask(monitor, "routines bnak") == ["there is no routine 'bnak'; did you mean 'bank'?"]


def test_events_go_through_the_filter_language() -> None:
    monitor = shown(close_by(8))
    assert ask(monitor, "events")[0].endswith("events, the newest 10 are")
    said = ask(monitor, "events routine=enrich and run>1ms")
    assert "matching events, the newest 10 are" in said[0]
    assert all("parse.parsed>enrich.order, waited " in line for line in said[1:])
    assert ask(monitor, "events run>") == [
        "the filter is wrong at column 5: a value is missing"
    ] or (ask(monitor, "events run>")[0].startswith("the filter is wrong at column "))
    assert ask(monitor, "events routine=nobody")[0].startswith("none of ")


def test_why_tells_a_chain_step_by_step() -> None:
    monitor = shown(close_by(8))
    newest = monitor.log.view[len(monitor.log.view) - 1]
    said = ask(monitor, f"why #{newest[0]:,}")
    assert said[0].startswith(f"event {newest[0]} came ")
    assert any(line.startswith("step 1: event ") for line in said)
    assert ask(monitor, "why x7") == ["'x7' is no number of an event: events tells the numbers"]
    assert ask(monitor, "why 99999999")[0].startswith("event 99999999 is not kept")
    failure = ask(monitor, "why")
    assert any("failed" in line for line in failure)


def test_jobs_errors_stats_and_workers_are_told() -> None:
    scene = world()
    scene.told_jobs = tuple(
        JobInfo(number, 1, "paused", 2, SECOND, False, 5, 2, 0, 0, 0, 0) for number in range(1, 31)
    )
    said = ask(shown([scene.snapshot()]), "jobs")
    assert said[1] == "job 1 paused after 1 s, 3 of 5 done, begun at a"
    assert said[-1] == "and 10 more open jobs"
    assert len(said) == MOST + 2
    monitor = shown(close_by(30))
    errors = ask(monitor, "errors")
    assert any(line.startswith("error 1: retry, TimeoutError: no answer") for line in errors)
    assert "Traceback (most recent call last):" in ask(monitor, "errors 1")
    assert ask(monitor, "errors 9") == ["there is no error 9: they go from 1 to 2"]
    assert any(line.startswith("enrich.cache_hits is ") for line in ask(monitor, "stats"))
    assert any(line.startswith("w3: runs enrich for ") for line in ask(monitor, "workers"))


@pytest.mark.parametrize("name", ["[red]x[/]", "a\x1b[31m", "日本語" * 100, "e\u0301"])
def test_names_of_any_kind_are_said_safely(name: str) -> None:
    scene = World(flow_info([(name, "out", "b", "in")], entries=(name,)))
    scene.handle(1, 1, failed=True, payload=f"{name}: no")
    monitor = shown([scene.snapshot()])
    said = told(News(), monitor, STEADY) + [x for q in ANSWERS for x in ask(monitor, q)]
    assert said
    assert not [line for line in said if "\x1b" in line or "\n" in line]
