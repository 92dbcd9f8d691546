"""Every sample of a lint fires it and nothing else; its repaired twin and all good samples do not.

All flows of a test run at the same time and are told apart by their ids, since most of what they do
is to wait.
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.tui.findings.looking import LINTS, by_flow, load, load_file, watch_flows
from tests.tui.session.running import Running, in_loop
from tui.findings.registry import Thresholds
from tui.findings.watch import Watch, settle
from tui.model.findings import Kind
from tui.session.collector import Collector
from tui.session.facts.ending import Ending
from tui.session.messages import Pull
from tui.session.session import Session
from tui.targets import parse_target

SAMPLES = sorted(LINTS.glob("*.py"))
GOOD = sorted(LINTS.parent.glob("*.py"))
#: What a sample that shows a fault on purpose may fire.
SHOWS = {"slow_consumer": {"L06"}}
#: The defaults, ten times as fast.
QUICK: dict[str, dict[str, object]] = {
    "L05": {"seconds": 0.1},
    "L06": {"seconds": 0.8, "share": 0.8},
    "L07": {"seconds": 0.4, "queue": 5},
    "L10": {"seconds": 0.4},
    "L11": {"seconds": 0.4},
    "L12": {"seconds": 0.8},
    "L14": {"seconds": 0.1},
    "L16": {"seconds": 30.0},
}
#: How to run each for about a second; those that need a processor for themselves, or the end of a
#: script, are tested apart.
BRIEF: dict[str, dict[str, dict[str, Any]]] = {
    "l05_loose_ends": {},
    "l06_pool_saturated": {"run": {"seconds": 1.2}},
    "l07_idle_worker": {"build": {"pictures": 20}},
    "l08_not_saved": {},
    "l10_blocked": {"build": {"seconds": 1.0}},
    "l11_lock_convoy": {"build": {"seconds": 1.0}},
    "l12_feedback": {"build": {"seconds": 2.0, "turn": 0.1}},
    "l14_wait_in_handler": {"build": {"seconds": 0.4}},
}


def lint_of(stem: str) -> str:
    return stem.partition("_")[0].upper()


def running(stem: str, *, repaired: bool) -> Callable[[Collector], None]:
    """Run a sample as it runs itself, with the flows that it makes on the way watched too."""
    how, module = BRIEF[stem], load(stem)

    def run(collector: Collector) -> None:
        flow = module.build_flow(repaired=repaired, **how.get("build", {}))
        collector.files = (*collector.files, str(LINTS / f"{stem}.py"))
        collector.add(flow)
        module.run(flow, **how.get("run", {}))

    return run


def test_there_is_a_sample_for_every_lint() -> None:
    from tui.findings.registry import LINTS as REGISTERED

    assert {lint_of(path.stem) for path in SAMPLES} == {lint.id for lint in REGISTERED}


def test_every_sample_fires_its_lint_and_no_other() -> None:
    monitor = watch_flows([running(stem, repaired=False) for stem in BRIEF], QUICK)
    assert by_flow(monitor) == {stem: {lint_of(stem)} for stem in BRIEF}


def test_no_repaired_twin_fires_any() -> None:
    monitor = watch_flows([running(stem, repaired=True) for stem in BRIEF], QUICK)
    assert by_flow(monitor) == {}
    assert monitor.findings.allowed == 1  # the event of l05 that is meant for who wants to listen


@pytest.mark.parametrize("stem", ["l02_no_wait", "l03_no_shutdown"])
def test_what_a_script_leaves_behind(stem: str) -> None:
    module = load(stem)
    for repaired in (False, True):
        flow = module.build_flow()
        collector = Collector()
        collector.ending = ending = Ending()

        def script(collector: Collector, repaired: bool = repaired, flow: Any = flow) -> None:
            collector.add(flow)
            brief = {"seconds": 0.1} if stem == "l02_no_wait" else {}
            module.run(flow, repaired=repaired, **brief)
            ending = Ending()
            ending.take(collector.flows())
            collector.ending = ending

        found = by_flow(watch_flows([script], {}))
        assert found == ({} if repaired else {stem: {lint_of(stem)}})
        assert ending.ends == ()
        flow.shutdown(wait=True, timeout=2.0)


@pytest.mark.slow
def test_a_queue_that_grows_and_one_that_does_not() -> None:
    lints: dict[str, dict[str, object]] = {"L09": {"seconds": 3.0, "messages": 20}}
    module = load("l09_growing_queue")
    for repaired in (False, True):

        def run(collector: Collector, repaired: bool = repaired) -> None:
            flow = module.build_flow(repaired=repaired, seconds=4.0)
            collector.add(flow)
            module.run(flow)

        expected = {} if repaired else {"l09_growing_queue": {"L09"}}
        assert by_flow(watch_flows([run], lints)) == expected


@pytest.mark.slow
def test_threads_that_share_one_core_and_threads_that_wait() -> None:
    # On a loaded machine the core is shared with others too.
    lints: dict[str, dict[str, object]] = {"L04": {"seconds": 1.0, "share": 0.1}}
    module = load("l04_cpu_bound")
    for repaired in (False, True):

        def run(collector: Collector, repaired: bool = repaired) -> None:
            flow = module.build_flow(repaired=repaired, seconds=2.5)
            collector.add(flow)
            module.run(flow)

        expected = {} if repaired else {"l04_cpu_bound": {"L04"}}
        assert by_flow(watch_flows([run], lints, every=0.1)) == expected


@pytest.mark.slow
def test_one_job_that_says_too_much_and_many_that_do_not() -> None:
    lints: dict[str, dict[str, object]] = {"L16": {"seconds": 2.0}}
    module = load("l16_overload")
    for repaired in (False, True):

        def run(collector: Collector, repaired: bool = repaired) -> None:
            flow = module.build_flow()
            collector.add(flow)
            module.run(flow, repaired=repaired, seconds=5.0)

        expected = {} if repaired else {"": {"L16"}}
        assert by_flow(watch_flows([run], lints, every=0.1)) == expected


def good(path: Path) -> tuple[ModuleType, Callable[[Collector], None]]:
    """A good sample, run for some seconds."""
    module = load_file(path)

    def run(collector: Collector) -> None:
        flow = module.build_flow()
        collector.add(flow)
        endless = "seconds" in module.run.__code__.co_varnames
        module.run(flow, **({"seconds": 6.0} if endless else {}))

    return module, run


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_no_good_sample_fires_any(path: Path) -> None:
    _, run = good(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a shutdown that is cut short
        monitor = watch_flows([run], {}, every=0.1)
    flows = by_flow(monitor)
    assert set().union(*flows.values()) == SHOWS.get(path.stem, set())


def test_no_step_of_the_tutorial_fires_any(capsys: pytest.CaptureFixture[str]) -> None:
    steps = [good(path)[1] for path in GOOD if "tutorial" in path.stem]
    assert len(steps) == 5
    assert by_flow(watch_flows(steps, QUICK)) == {}


# in a process of its own --------------------------------------------------------------------------


async def ids_of(path: Path, *arguments: str, lints: dict[str, Any] | None = None) -> set[str]:
    """The lints that find something when a file runs as a script."""
    running = Running(Session(parse_target(str(path), argv=arguments), reload=False))
    watch = Watch(Thresholds.from_mapping(lints or {}))
    await running.session.start()
    try:
        while True:
            over = running.state.phase in ("ended", "failed") and not running.monitor.run.open_jobs
            snapshot = await running.session.pull(Pull(histograms=True), 5.0)
            assert snapshot is not None
            running.monitor.apply(snapshot)
            watch.look(running.monitor)
            if over and not running.monitor.run.open_jobs:
                break
            await asyncio.sleep(0.05)
        return {f.id for f in settle(watch, running.monitor) if f.kind is Kind.LINT}
    finally:
        await running.session.close()
        running.session.kill_all()


@in_loop
async def test_a_script_that_does_not_wait_is_told_of_what_python_would_cut_off() -> None:
    assert await ids_of(LINTS / "l02_no_wait.py") == {"L02"}


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize("repaired", [False, True], ids=["broken", "repaired"])
@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_every_sample_as_a_script_with_the_defaults(path: Path, repaired: bool) -> None:
    lints = {"L04": {"share": 0.1}} if path.stem == "l04_cpu_bound" else {}
    arguments = ("repaired",) if repaired else ()
    expected = set() if repaired else {lint_of(path.stem)}
    assert asyncio.run(ids_of(path, *arguments, lints=lints)) == expected


@pytest.fixture(autouse=True)
def no_warnings_of_flows_left_open() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "flow 'l", RuntimeWarning)
        yield
