"""The tutorial is the specification: its scripts run unmodified and print what it says."""

import builtins
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from routilux import Flow, Kind, Record, Subscription, hub
from tests.engine.tutorial import ORIGINAL, PAGE, ROOT, Step, lines, steps

STEPS = steps()
CONCURRENT = STEPS[1:]
EACH = pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)


def same(step: Step, output: str) -> bool:
    """Whether an output is the expected one; where handlers overlap, lines come in any order."""
    found, expected = lines(output), lines(step.expected)
    return found == expected if step is STEPS[0] else Counter(found) == Counter(expected)


@pytest.mark.skipif(not ORIGINAL.exists(), reason="the specification is not beside this checkout")
def test_our_copy_of_the_tutorial_is_the_original() -> None:
    assert PAGE.read_bytes() == ORIGINAL.read_bytes()


def test_there_are_five_scripts_and_four_state_a_time() -> None:
    assert [step.seconds for step in STEPS] == [0.60, 0.22, 0.12, None, 0.15]


# as a user runs them ------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment in which scripts elsewhere find routilux: installed, or from here.

    PYTHONUNBUFFERED would make each print() two writes, so that lines of two threads may be glued.
    """
    unwanted = {"PYTHONPATH", "PYTHONUNBUFFERED"}
    env = {key: value for key, value in os.environ.items() if key not in unwanted}
    found = subprocess.run(
        [sys.executable, "-c", "import routilux"],
        cwd=tmp_path_factory.mktemp("elsewhere"),
        env=env,
        capture_output=True,
        check=False,
    )
    return env if found.returncode == 0 else env | {"PYTHONPATH": str(ROOT)}


def run(file: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(file)],
        cwd=file.parent,
        env=env,
        capture_output=True,
        text=True,
        timeout=25,
        check=False,
    )


def run_often(step: Step, times: int, folder: Path, env: dict[str, str]) -> None:
    file = folder / f"{step.name}.py"
    file.write_text(step.source, "utf-8")
    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(lambda _: run(file, env), range(times)))
    for ended in runs:
        assert (ended.returncode, ended.stderr) == (0, "")
        assert same(step, ended.stdout), f"expected:\n{step.expected}\nfound:\n{ended.stdout}"


@EACH
def test_a_script_prints_what_the_tutorial_says_20_times_of_20(
    step: Step, tmp_path: Path, environment: dict[str, str]
) -> None:
    run_often(step, 20, tmp_path, environment)


@pytest.mark.slow
@pytest.mark.timeout(300)
@EACH
def test_a_script_prints_what_the_tutorial_says_200_times_of_200(
    step: Step, tmp_path: Path, environment: dict[str, str]
) -> None:
    run_often(step, 200, tmp_path, environment)


# what runs beside what ----------------------------------------------------------------------------


def execute(step: Step, sleep: Any) -> tuple[str, list[Record]]:
    """Run a script in this process with another ``time.sleep``; its output, its activations."""
    printed: list[str] = []
    subscriptions: list[Subscription] = []
    fake = SimpleNamespace(sleep=sleep, time=time.time)

    def import_(name: str, *args: Any) -> Any:
        return fake if name == "time" else __import__(name, *args)

    def print_(text: object) -> None:
        printed.append(f"{text}\n")

    def watch(flow: Flow) -> None:
        subscriptions.append(flow.bus.subscribe())

    names = vars(builtins) | {"__import__": import_, "print": print_}
    hub.watch(watch)
    try:
        exec(
            compile(step.source, step.name, "exec"), {"__builtins__": names, "__name__": "__main__"}
        )
    finally:
        hub.unwatch(watch)
    records = [r for s in subscriptions for r in s.read() if r.kind == Kind.ACTIVATION]
    return "".join(printed), records


@pytest.mark.parametrize("step", CONCURRENT, ids=lambda step: step.name)
def test_the_operations_overlap(step: Step) -> None:
    parties = {"step2": 3, "step3": 3, "step4": 5, "step5": 5}[step.name]
    barrier = threading.Barrier(parties)

    def meet(_seconds: float) -> None:  # comes back only when all are asleep at once
        barrier.wait(4)

    for _ in range(20):
        output, records = execute(step, meet)
        assert not barrier.broken
        assert same(step, output), output
        asleep = sorted(records, key=lambda r: r.started)[:parties]
        assert max(r.started for r in asleep) <= min(r.time for r in asleep)


def test_the_operations_of_the_sequential_script_do_not_overlap() -> None:
    sleeping, threads = threading.Lock(), set()

    def sleep(_seconds: float) -> None:
        assert sleeping.acquire(blocking=False)
        threads.add(threading.get_ident())
        time.sleep(0.001)
        sleeping.release()

    output, records = execute(STEPS[0], sleep)
    assert same(STEPS[0], output), output
    assert threads == {threading.get_ident()}
    for earlier, later in pairwise(records):
        assert earlier.time <= later.started
