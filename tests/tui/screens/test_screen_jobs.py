"""The screens of jobs, errors and statistics: what they show, and what their keys do."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import cast

import pytest

from routilux import Flow
from tests.engine.building import node
from tests.tui.building import CannedSession, World, flow_info
from tests.tui.screens.close import close_by
from tests.tui.screens.driving import Driver, drive, drive_canned
from tests.tui.screens.screen_text import screen_text
from tests.waiting import SECONDS, gate
from tui.model.stats import UnknownStatError
from tui.screens.dashboard import DashboardScreen
from tui.screens.detail import DetailScreen
from tui.screens.errors import ErrorsScreen
from tui.screens.jobs import JobsScreen
from tui.screens.values import ValuesScreen
from tui.session.local import LocalSession
from tui.session.messages import Answer, Control
from tui.widgets.failures import FailuresBox, TracebackBox
from tui.widgets.jobs import JobsBox
from tui.widgets.values import ChartBox, HistogramBox, ValuesBox

CLOSE = close_by(40)


def canned(d: Driver) -> CannedSession:
    return cast("CannedSession", d.app.session)


def said(d: Driver) -> list[str]:
    found = sorted(d.app._notifications, key=lambda notification: notification.raised_at)
    assert not any(notification.markup for notification in found)
    return [notification.message for notification in found]


async def settled(d: Driver) -> None:
    await d.app.workers.wait_for_complete()
    d.app.show()
    await d.settle()


# jobs ---------------------------------------------------------------------------------------------


def test_the_jobs_are_a_table_with_open_ones_first() -> None:
    async def script(d: Driver) -> None:
        await d.press("J")
        lines = [line[1:].split() for line in screen_text(d.app).splitlines()[2:9]]
        numbers = [line[1] if line[0] == ">" else line[0] for line in lines if line]
        assert numbers == ["JOB", "1", "2", "4", "9", "8", "7"]
        text = screen_text(d.app)
        assert "‖ paused" in text
        assert "KeyError: 'id'" in text

    drive_canned(script, *CLOSE)


@pytest.mark.parametrize(("key", "action"), [("p", "pause"), ("u", "resume"), ("D", "cancel")])
def test_a_key_asks_the_engine_and_its_answer_is_one_line(key: str, action: str) -> None:
    async def script(d: Driver) -> None:
        canned(d).answers = [
            Answer(1, f"cannot {action}: job 2 is [b]odd[/b]", refused=True),
            Answer(2, "job 2 is done with"),
        ]
        await d.press("J", "down", key)
        await settled(d)
        await d.press(key)
        await settled(d)
        assert canned(d).asked == [Control(2, action)] * 2
        assert said(d) == [f"cannot {action}: job 2 is [b]odd[/b]", "job 2 is done with"]
        await d.press(key)
        await settled(d)
        assert said(d)[-1] == f"{action} of job 2: no answer yet from the engine process"

    drive_canned(script, *CLOSE)


def test_without_a_job_there_is_nothing_to_ask() -> None:
    async def script(d: Driver) -> None:
        await d.press("J", "D")
        assert said(d) == ["There is no job to cancel."]
        assert canned(d).asked == []

    drive_canned(script, World(flow_info([("a", "o", "b", "i")])).snapshot())


def test_a_real_job_is_paused_resumed_and_cancelled() -> None:
    with gate() as go:

        def build() -> Flow:
            flow = Flow("waits", execution_strategy="concurrent", max_workers=1)
            flow.add_routine(node(lambda _, **__: go.wait(SECONDS)), "waits")
            return flow

        async def script(d: Driver) -> None:
            await d.until(lambda: any(r.running for r in d.app.monitor.run.routines()))
            await d.press("J")
            box = d.app.screen.query_one(JobsBox)
            for key, status in (("p", "paused"), ("u", "running"), ("D", "cancelled")):
                await d.until(lambda: box.chosen is not None, "the job")
                await d.press(key)
                await d.until(lambda s=status: box.chosen and box.chosen.status == s, status)
                await settled(d)  # its answer
            await d.press("D")
            await settled(d)
            assert len(said(d)) == 4, said(d)
            assert said(d)[-1].startswith("cannot cancel: job ")
            assert said(d)[-1].endswith(" is cancelled already")

        drive(script, LocalSession(build), size=(120, 40))


# errors -------------------------------------------------------------------------------------------


def test_errors_are_grouped_with_the_traceback_of_the_newest() -> None:
    async def script(d: Driver) -> None:
        await d.press("exclamation_mark")
        text = screen_text(d.app)
        assert "TimeoutError" in text
        assert "bank.py:31" in text
        assert "answer = self.bank.ask(order)" in text
        await d.press("down")
        text = screen_text(d.app)
        assert 'self.rows[order["id"]] = order' in text
        assert "self.bank" not in text
        assert "try 2" in text  # what will be tried again

    drive_canned(script, *CLOSE)


def test_enter_on_an_error_opens_its_routine() -> None:
    async def script(d: Driver) -> None:
        await d.press("exclamation_mark", "down")
        chosen = d.app.screen.query_one(FailuresBox).chosen
        assert chosen is not None
        await d.press("enter")
        assert isinstance(d.app.screen, DetailScreen)
        assert d.app.screen.key == chosen.key
        await d.press("escape")
        assert isinstance(d.app.screen, ErrorsScreen)
        await d.press("escape")
        assert isinstance(d.app.screen, DashboardScreen)

    drive_canned(script, *CLOSE)


def test_without_errors_it_says_so() -> None:
    async def script(d: Driver) -> None:
        await d.press("exclamation_mark", "enter", "down")
        assert "nothing has failed" in screen_text(d.app)
        assert d.app.screen.query_one(TracebackBox).group is None

    drive_canned(script, World(flow_info([("a", "o", "b", "i")])).snapshot())


def test_failures_that_were_not_seen_are_counted() -> None:
    world = World(flow_info([("a", "o", "b", "i")]))
    world.handle(1, 1, failed=True, payload="ValueError: x")
    world.count(1, 1, queued=4, started=4, done=4, failed=4)

    async def script(d: Driver) -> None:
        await d.press("exclamation_mark")
        assert "5 for good, 4 of them not seen" in screen_text(d.app)

    drive_canned(script, world.snapshot())


# statistics ---------------------------------------------------------------------------------------


def test_enter_puts_a_statistic_in_the_chart_and_takes_it_out() -> None:
    async def script(d: Driver) -> None:
        await d.press("V", "down", "enter", "down", "enter")
        assert d.app.monitor.charted.names == ["fetch_us.orders", "enrich.cache_hits"]
        text = screen_text(d.app)
        assert "a fetch_us.orders" in text
        assert "b enrich.cache_hits" in text
        assert any(0x2800 < ord(char) < 0x2900 for char in text)
        await d.press("enter")
        assert d.app.monitor.charted.names == ["fetch_us.orders"]

    drive_canned(script, *CLOSE)


def test_what_is_no_number_is_not_charted() -> None:
    async def script(d: Driver) -> None:
        await d.press("V", "enter")
        assert said(d) == ["fetch_us.mode is no number."]
        assert d.app.monitor.charted.names == []

    drive_canned(script, *CLOSE)


def test_enter_in_the_stats_pane_charts_the_statistic_there() -> None:
    async def script(d: Driver) -> None:
        await d.press("6", "down", "down", "enter")
        assert isinstance(d.app.screen, ValuesScreen)
        assert d.app.monitor.charted.names == ["enrich.cache_hits"]
        chosen = d.app.screen.query_one(ValuesBox).chosen
        assert chosen is not None
        assert chosen.name == "cache_hits"
        assert d.app.screen.query_one(HistogramBox).key == chosen.key

    drive_canned(script, *CLOSE)


def test_v_charts_growth_and_w_looks_further_back() -> None:
    async def script(d: Driver) -> None:
        await d.press("V", "down", "enter", "v")
        assert "growth per second" in str(d.app.screen.query_one(ChartBox).border_title)
        assert "/s" in screen_text(d.app)
        assert "W: 10 s" in str(d.app.screen.query_one(HistogramBox).border_title)
        await d.press("W")
        assert "W: 60 s" in str(d.app.screen.query_one(HistogramBox).border_title)
        assert "no call was timed within 60 s" in screen_text(d.app)  # of fetch_us

    drive_canned(script, *CLOSE)


def test_statistics_can_be_charted_by_name() -> None:
    async def script(d: Driver) -> None:
        await d.press("V")
        screen = cast("ValuesScreen", d.app.screen)
        screen.chart(["audit.rows", "audit.balance"])
        await d.settle()
        assert "b audit.balance" in screen_text(d.app)
        with pytest.raises(UnknownStatError, match="no statistic 'rows'; there is audit"):
            screen.chart(["rows"])

    drive_canned(script, *CLOSE)


def test_the_chart_is_there_again_when_the_screen_is() -> None:
    async def script(d: Driver) -> None:
        await d.press("V", "down", "enter", "escape", "V")
        assert "a fetch_us.orders" in screen_text(d.app)

    drive_canned(script, *CLOSE)


# between them, and files --------------------------------------------------------------------------


def test_screens_lead_to_each_other_and_esc_leads_back_to_the_dashboard() -> None:
    async def script(d: Driver) -> None:
        for key, kind in (
            ("J", JobsScreen),
            ("exclamation_mark", ErrorsScreen),
            ("V", ValuesScreen),
            ("V", ValuesScreen),
            ("J", JobsScreen),
        ):
            await d.press(key)
            assert isinstance(d.app.screen, kind)
            assert len(d.app.screen_stack) == 3  # Textual's own, the dashboard, this one
        await d.press("escape")
        assert isinstance(d.app.screen, DashboardScreen)

    drive_canned(script, *CLOSE)


def test_a_screen_is_made_once_also_before_it_is_asked_for() -> None:
    async def script(d: Driver) -> None:
        kept = d.app._screens
        assert [kept.warm() for _ in range(8)] == [True] * 7 + [False]
        await d.settle()
        assert isinstance(d.app.screen, DashboardScreen)
        await d.press("J")
        first = d.app.screen
        assert "PROGRESS" in screen_text(d.app)
        await d.press("escape", "V", "J")
        assert d.app.screen is first

    drive_canned(script, *CLOSE)


def test_no_screen_is_twice_on_the_way_back() -> None:
    async def script(d: Driver) -> None:
        await d.press("exclamation_mark", "enter", "J")
        kinds = [type(screen) for screen in d.app.screen_stack[1:]]
        assert kinds == [DashboardScreen, ErrorsScreen, DetailScreen, JobsScreen]
        await d.press("exclamation_mark")
        kinds = [type(screen) for screen in d.app.screen_stack[1:]]
        assert kinds == [DashboardScreen, ErrorsScreen]
        await d.press("enter", "escape", "escape")
        assert isinstance(d.app.screen, DashboardScreen)

    drive_canned(script, *CLOSE)


def test_a_routine_that_is_opened_again_is_shown_as_if_for_the_first_time() -> None:
    async def script(d: Driver) -> None:
        await d.press("enter", "tab", "K", "escape", "escape", "down", "enter")
        screen = cast("DetailScreen", d.app.screen)
        assert screen.box is screen.boxes[0]
        assert screen.key == (1, 1)
        assert not screen.has_class("stack")

    drive_canned(script, *CLOSE)


@pytest.mark.parametrize(
    ("keys", "name", "header"),
    [
        ("J", "jobs", ["job", "status", "age_ns"]),
        ("J tab", "waiting", ["due_in_ns", "job", "try"]),
        ("exclamation_mark", "errors", ["count", "tried again", "kind"]),
        ("exclamation_mark tab", "traceback", ["line"]),
        ("V", "statistics", ["routine", "statistic", "value"]),
        ("V down enter tab", "chart", ["seconds", "fetch_us.orders"]),
        ("V down down tab tab", "enrich-histogram", ["from_ns", "to_ns", "run", "wait"]),
        ("down down down enter", "enrich-ports", ["kind", "name", "merge"]),
        ("down down down enter tab", "enrich-latency", ["what", "window", "timed"]),
        ("down down down enter tab tab", "enrich-stats", ["statistic", "value"]),
        ("down down down enter tab tab tab", "enrich-neighbours", ["side", "routine"]),
        ("down down down enter shift+tab", "enrich-activations", ["id", "worker", "start_ns"]),
    ],
)
def test_x_writes_what_the_pane_shows_to_a_new_file(
    keys: str, name: str, header: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    async def script(d: Driver) -> None:
        await d.press(*keys.split(), "x", "x")
        files = sorted(os.listdir(tmp_path))
        assert files == [f"{name}-2.csv", f"{name}.csv"]
        with (tmp_path / f"{name}.csv").open(newline="") as file:
            rows = list(csv.reader(file))
        assert rows[0][: len(header)] == header
        assert len(rows) > 1
        assert all(len(row) == len(rows[0]) for row in rows)
        assert said(d)[0] == f"{len(rows) - 1} rows in {tmp_path / name}.csv"

    drive_canned(script, *CLOSE)


def test_what_is_no_table_and_what_cannot_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    async def script(d: Driver) -> None:
        await d.press("V", "tab", "x")
        assert said(d) == ["There is no table in this pane to write."]
        (tmp_path / "jobs.csv").mkdir()
        await d.press("J", "x")
        assert said(d)[-1].endswith("jobs-2.csv")
        monkeypatch.setattr("tui.screens.live.Path.cwd", lambda: tmp_path / "gone")
        await d.press("x")
        assert said(d)[-1].startswith("Not written: ")

    drive_canned(script, *CLOSE)
