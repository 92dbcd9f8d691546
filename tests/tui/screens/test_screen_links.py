"""From what is chosen to its source, its events, and the clipboard."""

from __future__ import annotations

import base64
import stat
from pathlib import Path

import pytest

from routilux.records import Kind, Status
from tests.tui.building import MS, World, flow_info, watching
from tests.tui.screens.close import close_by
from tests.tui.screens.driving import Driver, drive_canned
from tui import links
from tui.filters import state_folder
from tui.model.monitor import Monitor
from tui.query.compiling import compiled
from tui.query.records import events_table
from tui.screens.dashboard import DashboardScreen
from tui.widgets import choice
from tui.widgets.choice import of_edge, of_failures, of_job, of_record, of_routine, of_stat
from tui.widgets.events import EventsPane

TRACEBACK = 'Traceback (most recent call last):\n  File "/me/b.py", line 9, in f\nKeyError: 1'
FLOW = flow_info([("a *", "out", 'b "x"', "in")], entries=("a *",))
CLOSE = close_by()[:34]


def records() -> tuple[Monitor, World]:
    """One record of each kind."""
    world, monitor = World(FLOW), watching()
    world.stat_names = ((1, 1, 'b "x"', "n"),)
    world.wait(MS).handle(1, 1)
    world.handle(1, 1, failed=True, payload=TRACEBACK)
    world.record(Kind.EMIT, subject=1).record(Kind.STAT, subject=1, value=3)
    world.record(Kind.LINE, subject=1, job=7, payload="hello")
    world.record(Kind.JOB_STARTED, subject=2, job=7).record(Kind.JOB_ENDED, job=7)
    world.record(Kind.WORKER_UP, worker=1).record(Kind.DROPPED, subject=1)
    world.record(Kind.WAITING, subject=1)
    monitor.apply(world.snapshot())
    return monitor, world


def test_the_filter_of_any_record_is_a_filter_that_keeps_it() -> None:
    monitor, _ = records()
    table = events_table(monitor)
    for record in monitor.log.view:
        wanted = of_record(monitor, record).filter
        test = compiled(wanted, table)
        assert test is not None
        assert test(record), f"{wanted} of {record}"
        kept = [r for r in monitor.log.view if test(r)]
        everything = wanted == "worker=w1"  # all of them were on that thread
        assert (len(kept) == len(monitor.log.view)) == everything, wanted


def test_names_are_meant_to_the_letter() -> None:
    monitor, _ = records()
    assert of_routine(monitor.run, (1, 0)).filter == 'routine="a *"'
    assert of_routine(monitor.run, (1, 1)).filter == 'routine="b \\"x\\""'
    assert of_job(7).filter == "job=7"
    assert of_stat(monitor.run, (1, 1), "b.n").filter == "kind=stat and b.n"
    assert choice.of_worker("flow/w3").filter == "worker=w3"
    failures = of_failures(monitor.run, (1, 0), "/me/b.py", 9)
    assert failures.filter == 'routine="a *" and status in (failed, retried)'
    assert (failures.file, failures.line) == ("/me/b.py", 9)


def test_the_source_of_a_record_is_where_it_failed_or_else_its_handler() -> None:
    monitor, _ = records()
    by_kind = {(r[2], r[11]): of_record(monitor, r) for r in monitor.log.view}
    failed = by_kind[Kind.ACTIVATION, Status.FAILED]
    assert (failed.file, failed.line, failed.handler) == ("/me/b.py", 9, "")
    good = by_kind[Kind.ACTIVATION, Status.OK]
    assert (good.file, good.line, good.handler) == ("flow.py", 11, "handle")
    assert by_kind[Kind.EMIT, Status.OK].line == 10
    assert by_kind[Kind.WORKER_UP, Status.OK].file == ""


def test_what_is_not_there_has_no_links() -> None:
    monitor, _ = records()
    for nothing in (None, (9, 0), (1, 9), (1, -1)):
        assert of_routine(monitor.run, nothing) == choice.Choice()
    assert of_edge(monitor.run, 99) == choice.Choice()


# on the screen ------------------------------------------------------------------------------------


def said(d: Driver) -> str:
    notes = list(d.app._notifications)
    return notes[-1].message if notes else ""


def clipboard(d: Driver) -> str:
    return d.app.clipboard


def copied() -> str:
    folder = state_folder()
    assert folder is not None
    return (folder / "copied.txt").read_text("utf-8")


def test_what_is_chosen_is_copied_to_the_clipboard_and_a_file() -> None:
    async def script(d: Driver) -> None:
        await d.press("y")
        assert clipboard(d).startswith("> fetch_eu")
        assert copied() == clipboard(d)
        assert "copied.txt" in said(d)
        await d.press("exclamation_mark", "y")
        assert "TimeoutError" in clipboard(d)
        await d.press("tab", "y")
        assert clipboard(d).startswith("Traceback")
        assert len(clipboard(d).splitlines()) > 2
        await d.press("escape", "3", "k", "enter", "y")
        assert " job " in clipboard(d)
        assert copied() == clipboard(d)
        await d.press("escape", "7", "y")
        assert clipboard(d) == " nothing printed yet"

    drive_canned(script, *CLOSE)


def test_more_than_a_terminal_takes_goes_into_the_file_only() -> None:
    async def script(d: Driver) -> None:
        folder = state_folder()
        assert folder is not None
        file = folder / "copied.txt"
        text = "é" * links.CLIPBOARD
        message = links.copy(d.app, text, file)
        assert "150,000 bytes are too many for a terminal's clipboard; it is in " in message
        assert clipboard(d) == ""
        assert file.read_text("utf-8") == text
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        edge = "x" * (links.CLIPBOARD * 3 // 4)
        assert len(base64.b64encode(edge.encode())) == links.CLIPBOARD
        assert links.copy(d.app, edge, file).startswith("Copied 56,250 characters; it is in")
        assert clipboard(d) == edge
        assert "not in " in links.copy(d.app, "a\ud800b", file / "deeper" / "x")
        assert clipboard(d) == "a\\ud800b"
        assert "no home folder" in links.copy(d.app, "a", None)

    drive_canned(script, *CLOSE[:2])


def test_the_events_of_what_is_chosen_are_one_key_away_from_every_screen() -> None:
    async def script(d: Driver) -> None:
        pane = d.dashboard.query_one(EventsPane)

        async def events_of(*keys: str) -> str:
            await d.press(*keys, "E")
            assert isinstance(d.app.screen, DashboardScreen)
            assert d.focused == 3
            assert 0 < pane._kept < pane._total, pane.filter
            return pane.filter

        assert await events_of("1", "g", "j") == "routine=parse"
        assert await events_of("4", "j", "j") == "worker=w3"
        assert await events_of("6", "G") == "kind=stat and audit.rows"
        assert await events_of("1", "g", "enter") == "routine=fetch_eu"
        assert await events_of("J") == "job=1"
        assert "status in (failed, retried)" in await events_of("exclamation_mark")
        assert await events_of("V", "G") == "kind=stat and audit.rows"
        pane.narrow("")
        assert (await events_of("3", "k")).startswith(("edge=", "kind=stat", "job=", "worker="))
        assert d.app.filters.used("Events")[0] == pane.filter, "it is remembered"
        await d.press("5", "E")
        assert said(d) == "Nothing that has events is chosen here."

    drive_canned(script, *CLOSE)


def test_n_goes_through_the_last_filter_and_else_through_errors() -> None:
    world = World(FLOW)
    for number in range(1, 41):
        world.wait(MS).handle(1, 1, wait=number * MS, failed=number in (10, 20, 30))

    async def script(d: Driver) -> None:
        pane = d.dashboard.query_one(EventsPane)

        async def at(*keys: str) -> int:
            await d.press(*keys)
            assert pane.record is not None
            return int(pane.record[0])

        assert await at("3", "N") == 30
        assert await at("N") == 20
        assert await at("1", "N") == 10, "from any pane"
        assert await at("N") == 10
        assert said(d) == "No error before this."
        assert await at("n", "n") == 30
        pane.narrow("wait>35ms")
        assert pane._kept == 0 or await at("n") >= 30
        pane.narrow("")
        assert await at("f", "3", "N") == 39, "the last filter, now in all that is there"
        assert await at("N", "N", "N") == 36
        assert await at("N") == 36
        assert said(d) == "No match of wait>35ms before this."
        d.dashboard.find("wait=7ms")
        await d.settle()
        assert await at() == 7

    drive_canned(script, world.snapshot())


def test_without_a_source_or_an_editor_it_is_said_why() -> None:
    async def script(d: Driver) -> None:
        for keys, why in ((["5"], "nothing with a source file"), (["1"], "no editor is set")):
            await d.press(*keys, "e")
            await d.app.workers.wait_for_complete()
            assert said(d).startswith(f"Not opened: {why}")

    drive_canned(script, *CLOSE[:3])


def test_the_file_to_copy_to_is_in_the_state_folder(tmp_path: Path) -> None:
    file = links.copy_file({"XDG_STATE_HOME": str(tmp_path)})
    assert file == tmp_path / "routilux-tui" / "copied.txt"


@pytest.mark.parametrize("key", ["n", "N"])
def test_with_nothing_there_it_is_said(key: str) -> None:
    async def script(d: Driver) -> None:
        await d.press(key)
        assert said(d).startswith("No error ")

    drive_canned(script, World(FLOW).snapshot())
