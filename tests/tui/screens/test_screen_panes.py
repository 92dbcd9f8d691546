"""Each pane shows the truth about a real flow that ran in this process."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import pytest

from tests.tui.screens.driving import Driver, drive, drive_flow
from tests.tui.screens.flows import GOOD, NAMES, ORDERS, shop
from tui.session.events import Output
from tui.session.local import LocalSession

RUNS = 1 + ORDERS + GOOD + 1  # orders, check, store, broken


def on_shop(script: Callable[[Driver], Awaitable[None]], size: tuple[int, int] = (200, 50)) -> None:
    drive_flow(script, shop, size=size)


def cells(d: Driver, number: int, starts: str) -> list[str]:
    """The words of the line of a pane that starts with a word."""
    lines = [line.split() for line in d.text(number).splitlines()]
    return next(words for words in lines if starts in words[:2])


def test_the_header_counts_runs_errors_and_jobs() -> None:
    async def script(d: Driver) -> None:
        lines = [
            strip.text
            for strip in d.dashboard.query_one("#header").render_lines(
                d.dashboard.query_one("#header").size.region
            )
        ]
        assert "flow" in lines[0]
        assert "ENDED g1" in lines[0]
        assert "kept 100%" in lines[0]
        assert re.search(r"t\+\d\d:\d\d\.\d", lines[0])
        for part in ("jobs 0 open", f"runs {RUNS}", "errors 1", "1 failed", "ready-q 0"):
            assert part in lines[1]

    on_shop(script)


def test_routines_show_state_queue_errors_and_runs() -> None:
    async def script(d: Driver) -> None:
        assert "5  s sort: as added" in d.title(1)
        head = d.text(1).splitlines()[0].split()
        for name, state, done, errors in (
            ("orders", "idle", 1, 0),
            ("check", "idle", ORDERS, 0),
            ("store", "idle", GOOD, 0),
            ("broken", "failed", 1, 1),
            ("spare", "unused", 0, 0),
        ):
            words = [word for word in cells(d, 1, name) if word != ">"]
            values = dict(zip([*head[:1], "glyph", *head[1:]], words, strict=False))
            assert values["STATE"] == state
            assert (values["DONE"], values["ERR"]) == (str(done), str(errors))
            assert values["Q"] == "0"
            assert values["#"] == "0"
            assert (values["RUN99"] == "-") == (done == 0)

    on_shop(script)


def test_topology_draws_every_routine_and_edge() -> None:
    async def script(d: Driver) -> None:
        text = d.text(2)
        assert all(name in text for name in NAMES)
        assert text.count("▶") == 2
        assert "5 nodes  2 edges" in d.title(2)

    on_shop(script)


def test_events_show_who_sent_what_to_whom_and_the_payload() -> None:
    async def script(d: Driver) -> None:
        await d.press("3", "z")
        text = d.text(3)
        assert len(re.findall(r"orders\.order>check\.order", text)) == ORDERS
        assert len(re.findall(r"check\.bad>-", text)) == ORDERS - GOOD
        assert "{number: 7}" in text
        assert "ValueError: the shelf is empty" in text
        assert "execute>broken.trigger" in text
        assert re.search(r"job \d+ failed", text)
        assert re.search(r"job \d+ completed", text)
        failed = next(line for line in text.splitlines() if "ValueError" in line)
        assert " x " in failed  # not by colour alone
        assert "kept 100%" in d.title(3)

    drive_flow(script, shop, size=(200, 80))


def test_workers_show_a_lane_per_thread() -> None:
    async def script(d: Driver) -> None:
        used = {re.split(r"\s", line)[0] for line in d.text(4).splitlines() if "%" in line}
        assert used
        assert used <= {"w1", "w2"}
        assert f"0/{len(used)} busy" in d.title(4)

    on_shop(script)


def test_throughput_shows_percentiles_of_what_ran() -> None:
    async def script(d: Driver) -> None:
        text = d.text(5)
        assert all(name in text for name in ("p50", "p90", "p99", "p99.9", "run", "wait"))
        run = next(line for line in text.splitlines() if " run " in line)
        assert len(re.findall(r"[\d.]+[num]", run.partition(" run ")[2])) == 4
        assert "in " in d.title(5)
        assert "out " in d.title(5)

    on_shop(script)


def test_stats_show_the_values_that_routines_set() -> None:
    async def script(d: Driver) -> None:
        assert cells(d, 6, "store.rows")[1] == str(GOOD)
        assert cells(d, 6, "store.mode")[1] == "'strict'"
        assert d.title(6) == "6 Stats  2"

    on_shop(script)


def test_output_shows_lines_and_marks_errors() -> None:
    async def script(d: Driver) -> None:
        d.app.monitor.handle(Output(1, b"hello\nworld\n", False))
        d.app.monitor.handle(Output(1, b"oh no\n", True))
        d.app.monitor.handle(Output(1, b"name? ", False))
        await d.tick()
        assert d.text(7).splitlines()[:4] == [" hello", " world", "!oh no", " name?"]
        assert d.title(7) == "7 Output  3 lines"

    on_shop(script)


def test_a_second_run_adds_to_the_first() -> None:
    async def script(d: Driver) -> None:
        await d.press("x")
        await d.until(lambda: d.app.monitor.run.done == 2 * RUNS, "the second run")
        await d.tick()
        assert cells(d, 6, "store.rows")[1] == str(2 * GOOD)

    on_shop(script)


def test_a_reload_starts_from_zero_and_keeps_the_old_events() -> None:
    async def script(d: Driver) -> None:
        received = d.app.monitor.log.received
        await d.press("r")
        await d.until(lambda: d.app.monitor.run.generation == 2, "the second generation")
        await d.until(lambda: d.app.monitor.run.done == RUNS, "its run")
        await d.until(lambda: d.app.monitor.phase == "ENDED", "its end")
        await d.tick()
        assert cells(d, 6, "store.rows")[1] == str(GOOD)
        assert d.app.monitor.log.received > received
        await d.press("3", "g")
        for _ in range(20):
            if "── generation 2 ─" in d.text(3):
                break
            await d.press("ctrl+d")
        assert "── generation 2 ─" in d.text(3)

    on_shop(script)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)])
def test_before_anything_has_happened_each_pane_says_so(size: tuple[int, int]) -> None:
    from routilux import Flow

    async def script(d: Driver) -> None:
        await d.tick()
        for number in range(1, 8):
            if d.pane(number).display:
                assert d.text(number).strip(), f"pane {number} is empty and silent"

    drive(script, LocalSession(Flow), size=size)
