"""The sample flows do what their docstrings promise, in each of the ways they can be opened."""

from __future__ import annotations

import ast
import importlib.util
import logging
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pytest

from routilux import Flow, Level

ROOT = Path(__file__).parent.parent
SAMPLES = sorted((ROOT / "sample_flows").glob("*.py"))
ENDLESS = ["bursts", "large", "lost_update", "pipeline", "slow_consumer"]
BRIEF = ["back_pressure", "coroutines", "retries"]  # they end by themselves within seconds
PANES = {"Routines", "Topology", "Events", "Workers", "Throughput", "Stats", "Output"}

FETCHED = [f"Fetched: Data from Source{i}" for i in (1, 2, 3)]
AGGREGATED = [f"Aggregated: Data from Source{i} from Source{i}" for i in (1, 2, 3)]
PROCESSED = [f"Processed data from source F{i}" for i in range(5)]
COLLECTED = [f"Collected: Processed: Data from source F{i} from F{i}" for i in range(5)]

#: What the tutorial prints, without the stamps; "~" stands for a time, checked apart.
TUTORIAL = {
    "tutorial_1_sequential": [
        "=== Sequential Execution ===",
        *(f"Operation{i} completed" for i in (1, 2, 3)),
        "Sequential time: ~s",
    ],
    "tutorial_2_concurrent": [
        "=== Concurrent Execution ===",
        *(f"Operation{i} completed" for i in (1, 2, 3)),
        "Concurrent time: ~s",
    ],
    "tutorial_3_fan_in": [*FETCHED, *AGGREGATED, "Total time: ~s"],
    "tutorial_4_thread_safety": [*(f"Count: {i}" for i in range(1, 6)), "Final count: 5"],
    "tutorial_5_pipeline": [
        "Starting parallel data fetching...",
        *PROCESSED,
        *COLLECTED,
        "",
        "Completed in ~s",
        "Collected 5 results",
    ],
}
#: Seconds that the run must take: never less than its sleeps, well below their sum if parallel.
TIMES = {
    "tutorial_1_sequential": (0.59, 1.2),
    "tutorial_2_concurrent": (0.19, 0.55),
    "tutorial_3_fan_in": (0.09, 0.28),
    "tutorial_5_pipeline": (0.09, 0.45),
}

#: What opening FILE.py:build_flow comes to.
AS_IMPORTED = """
import runpy, sys
sample = runpy.run_path(sys.argv[1])
sample["run"](sample["build_flow"]())
"""
#: As a script, and imported by another; the second is asked for by hand, since both are one code.
HOW = [
    pytest.param("", id="script"),
    pytest.param(AS_IMPORTED, id="imported", marks=pytest.mark.slow),
]


def load(stem: str) -> ModuleType:
    """Import a sample by path, under a name that no other module has."""
    path = ROOT / "sample_flows" / f"{stem}.py"
    spec = importlib.util.spec_from_file_location(f"sample_under_test_{stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextmanager
def started(stem: str, *arguments: str, code: str = "") -> Iterator[subprocess.Popen[str]]:
    """A sample as ``python sample_flows/STEM.py`` runs it; killed if the test leaves it running.

    With ``code`` that runs instead, and finds the sample's path in ``sys.argv[1]``.
    """
    process = subprocess.Popen(
        [
            sys.executable,
            *(["-c", code] if code else []),
            str(ROOT / "sample_flows" / f"{stem}.py"),
            *arguments,
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Unbuffered, print() writes a line and its end apart, and lines of threads mix.
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": ""},
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def lines_until(process: subprocess.Popen[str], pattern: str, seconds: float) -> list[str]:
    """Read stdout up to the first line that matches; fail when the time is over or it ends."""
    assert process.stdout is not None
    stdout = process.stdout
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()

    def pump() -> None:
        for line in iter(stdout.readline, ""):
            lines.put(line.rstrip("\n"))
            if re.search(pattern, line):
                return  # leave the rest to communicate()
        lines.put("<end of output>")

    reader = threading.Thread(target=pump, daemon=True)
    reader.start()
    deadline = time.monotonic() + seconds
    seen: list[str] = []
    while not (seen and re.search(pattern, seen[-1])):
        try:
            seen.append(lines.get(timeout=max(0.0, deadline - time.monotonic())))
        except queue.Empty:
            pytest.fail(f"no line matches {pattern!r} within {seconds} s; got {seen}")
        if seen[-1] == "<end of output>":
            pytest.fail(f"the sample ended before a line matched {pattern!r}; got {seen}")
    reader.join(5.0)
    return seen


def interrupt(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Press Ctrl+C; the sample has two seconds to end."""
    process.send_signal(signal.SIGINT)
    return process.communicate(timeout=2.0)


def test_every_sample_is_known_here() -> None:
    assert {path.stem for path in SAMPLES} == {*TUTORIAL, *ENDLESS, *BRIEF}


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_has_a_title_and_says_what_to_look_at(path: Path) -> None:
    doc = ast.get_docstring(ast.parse(path.read_text())) or ""
    title, blank, *rest = doc.split("\n")
    assert 10 <= len(title) <= 72
    assert blank == ""
    assert rest[0] == "What to look at:"
    panes = re.findall(r"^- (\w+):", doc, re.MULTILINE)
    assert len(panes) >= 3
    assert set(panes) <= PANES, "a pane of that name does not exist"
    assert len(panes) == len(set(panes))


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_importing_a_sample_runs_nothing_and_build_flow_wires_a_flow(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flow = load(path.stem).build_flow()
    assert isinstance(flow, Flow)
    assert flow.entry_routines()
    if path.stem not in ("tutorial_1_sequential", "tutorial_2_concurrent", "coroutines"):
        linked = {c.target_slot.routine._id for c in flow.connections}
        linked |= {c.source_event.routine._id for c in flow.connections}
        assert linked == set(flow.routines), "a routine that nothing is connected to"
    assert capsys.readouterr() == ("", "")


def without_times(line: str) -> str:
    """A line without its "[stamp] ", and with "~" for the seconds it took."""
    return re.sub(r"\d+\.\d\ds$", "~s", re.sub(r"^\[\d+\.\d\d\] ", "", line))


def as_a_script(stem: str, _capsys: pytest.CaptureFixture[str]) -> str:
    with started(stem) as process:
        out, err = process.communicate(timeout=20.0)
    assert (err, process.returncode) == ("", 0)
    return out


def as_a_driver(stem: str, capsys: pytest.CaptureFixture[str]) -> str:
    module = load(stem)
    module.run(module.build_flow())
    return capsys.readouterr().out


@pytest.mark.parametrize("opened", [as_a_script, as_a_driver])
@pytest.mark.parametrize("stem", TUTORIAL)
def test_a_tutorial_sample_prints_what_the_tutorial_says(
    stem: str, opened: object, capsys: pytest.CaptureFixture[str]
) -> None:
    assert callable(opened)
    lines = opened(stem, capsys).splitlines()
    got, expected = [without_times(line) for line in lines], TUTORIAL[stem]
    if stem in ("tutorial_1_sequential", "tutorial_4_thread_safety"):
        assert got == expected
    else:  # concurrent handlers print in any order, but the driver has the last word
        assert Counter(got) == Counter(expected)
        assert got[-1] == expected[-1]
    times = [float(found) for found in re.findall(r"(\d+\.\d\d)s$", "\n".join(lines), re.M)]
    assert len(times) == (stem in TIMES)
    for took in times:
        low, high = TIMES[stem]
        assert low <= took <= high


@pytest.mark.parametrize("code", HOW)
@pytest.mark.parametrize("stem", ENDLESS)
def test_an_endless_sample_shows_activity_and_ends_cleanly_on_ctrl_c(stem: str, code: str) -> None:
    with started(stem, code=code) as process:
        lines_until(process, r"build 2|round 2|22 orders|burst of 50 drained|sensors running", 15.0)
        out, err = interrupt(process)
    assert "stopped" in out
    assert err == ""
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("stem", "pattern"),
    [("bursts", r"burst of 200 \.\.\."), ("slow_consumer", "sensors paused")],
)
def test_ctrl_c_ends_a_sample_with_a_full_queue(stem: str, pattern: str) -> None:
    with started(stem) as process:
        lines_until(process, pattern, 20.0)
        out, err = interrupt(process)
    assert "stopped" in out
    assert err == ""


@pytest.mark.parametrize("stem", ENDLESS)
def test_an_endless_sample_ends_by_itself_after_the_seconds_given(stem: str) -> None:
    with started(stem, "0.3") as process:
        out, err = process.communicate(timeout=15.0)
    assert out.splitlines()[-1].startswith("stopped")
    assert (err, process.returncode) == ("", 0)


@pytest.mark.parametrize("stem", ENDLESS)
def test_an_endless_sample_can_be_driven_twice_and_leaves_nothing_open(stem: str) -> None:
    module = load(stem)
    for _ in range(2):
        flow = module.build_flow()
        module.run(flow, 0.2)
        assert flow.wait_for_completion(timeout=0.0)


def test_lost_update_loses_an_update_within_forty_rounds() -> None:
    with started("lost_update") as process:
        lines = lines_until(process, r"[1-9]\d* lost$|round 40:", 25.0)
        out, _ = interrupt(process)
    last = re.fullmatch(r"round (\d+): expected 5, got (\d+): (\d+) lost", lines[-1])
    assert last, lines[-1]
    assert int(last[2]) + int(last[3]) == 5
    assert re.search(r"stopped: [1-9]\d* updates lost in \d+ rounds", out)


def test_one_worker_loses_no_update() -> None:
    module = load("lost_update")
    flow = module.build_flow(workers=1)
    module.run(flow, 0.5)
    assert flow.routines["counter"].get_stat("lost") == 0


def test_the_pipeline_books_all_orders_but_the_ones_that_it_cannot_read(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    module = load("pipeline")
    flow = module.build_flow(workers=16, orders_per_second=200.0)
    watcher = flow.bus.subscribe(Level.COUNTERS)
    module.run(flow, 0.5)
    told = re.search(r"stopped: (\d+) orders sent", capsys.readouterr().out)
    assert told
    orders = int(told[1])  # about a hundred; how many exactly is the clock's affair
    assert 60 <= orders < 260, "one order that it cannot read"
    assert flow.routines["sink"].get_stat("orders") == orders - 1
    errors = [record for record in caplog.records if record.exc_info]
    assert [str(record.exc_info[1]) for record in errors if record.exc_info] == [
        "invalid literal for int() with base 10: ' a dozen'"
    ]
    assert flow.routines["stock"].get_stat("cache_misses") == orders // 50
    edges = Counter[str]()
    lanes = [lane.counts() for lane in flow.bus.lanes()]
    for connection in flow.connections:
        number = connection.number
        done = sum(counts[number].done for counts in lanes if number in counts)
        edges[connection.target_slot.routine._id] += done
    assert edges == {
        "parse": orders,
        **dict.fromkeys(("price", "stock", "tax"), orders - 1),
        "join": 3 * (orders - 1),
        "sink": orders - 1,
    }
    watcher.close()


def test_the_large_build_has_two_hundred_steps_and_runs_each_once_a_build(
    capsys: pytest.CaptureFixture[str],
) -> None:
    module = load("large")
    module.Compile.seconds = module.Link.seconds = module.Test.seconds = 0.0
    flow = module.build_flow()
    assert len(flow.routines) == 200
    job = flow.execute("checkout", {"build": 1})
    assert job.wait(timeout=10.0)
    assert flow.routines["report"].get_stat("builds") == 1
    module.run(flow, 0.3)
    assert "build 1: 0." in capsys.readouterr().out


def test_the_slow_consumers_queue_stops_growing_when_the_sensors_are_paused() -> None:
    module = load("slow_consumer")
    flow = module.build_flow(limit=40)
    reached: list[int] = []
    pause = module.pause_sensors

    def pause_and_look(flow: Flow) -> None:
        reached.append(module.backlog(flow))
        pause(flow)

    module.pause_sensors = pause_and_look
    module.run(flow, 2.0)
    assert len(reached) >= 2, "the sensors were not started again"
    assert 40 <= reached[0] < 80
    assert module.backlog(flow) == 0


@pytest.fixture
def quiet_log() -> Iterator[None]:
    """Put the level of the engine's log back, which a sample may change."""
    logger = logging.getLogger("routilux")
    level = logger.level
    yield
    logger.setLevel(level)


@pytest.mark.parametrize("code", HOW)
@pytest.mark.parametrize("stem", BRIEF)
def test_a_brief_sample_ends_by_itself_without_a_word_on_stderr(stem: str, code: str) -> None:
    with started(stem, code=code) as process:
        out, err = process.communicate(timeout=15.0)
    assert (err, process.returncode) == ("", 0)
    assert len(out.splitlines()) >= 2


@pytest.mark.parametrize("stem", BRIEF)
def test_ctrl_c_ends_a_brief_sample(stem: str) -> None:
    with started(stem, code=INTERRUPTED) as process:
        lines_until(process, "running", 10.0)
        _, err = interrupt(process)
    assert "Traceback" not in err


#: Runs the sample as a script, and says when it has begun.
INTERRUPTED = """
import runpy, sys, threading
threading.Timer(0.4, lambda: print("running", flush=True)).start()
runpy.run_path(sys.argv[1], run_name="__main__")
"""


@pytest.mark.usefixtures("quiet_log")
def test_retries_pay_all_orders_and_fail_the_one_that_cannot_be_booked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    module = load("retries")
    flow = module.build_flow()
    module.run(flow, pause=0.001)
    out = capsys.readouterr().out
    paid = {int(n): int(tries) for n, tries in re.findall(r"order +(\d+) paid at try (\d)", out)}
    assert paid == {number: (number - 1) % 3 + 1 for number in range(1, 13)}
    assert re.search(r"job \d+ failed: order 7 has no account", out)
    assert out.splitlines()[-1] == "12 orders: 11 completed, 1 failed"
    assert flow.routines["letter"].get_stat("sent") == 6
    assert flow.routines["ledger"].get_stat("booked") == 11


def test_back_pressure_loses_nothing_on_the_way_to_the_writer(
    capsys: pytest.CaptureFixture[str],
) -> None:
    module = load("back_pressure")
    flow = module.build_flow(readings=60)
    module.run(flow)
    found = re.match(
        r"60 sent, 60 written, (\d+) drawn, (\d+) dropped\n.* reading 60$",
        capsys.readouterr().out,
    )
    assert found
    drawn, dropped = map(int, found.groups())
    assert drawn + dropped == 60
    assert 4 <= drawn < 40
    assert flow.routines["writer"].get_slot("reading").mailbox.overflowed == 0


def test_coroutines_wait_together(capsys: pytest.CaptureFixture[str]) -> None:
    module = load("coroutines")
    flow = module.build_flow(pages=50)
    start = time.monotonic()
    module.run(flow)
    assert time.monotonic() - start < 5.0, "one after another they take 25 s"
    assert "50 pages with " in capsys.readouterr().out
    assert flow.routines["parse"].get_stat("pages") == 50
