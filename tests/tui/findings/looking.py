"""Running lints over snapshots made by hand, or over real flows of this process."""

from __future__ import annotations

import importlib.util
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.tui.building import World, watching
from tests.waiting import SECONDS
from tui.findings.registry import Thresholds
from tui.findings.watch import Watch, settle
from tui.model.findings import Finding, Kind
from tui.model.monitor import Monitor
from tui.session.collector import Collector
from tui.session.messages import Pull

LINTS = Path(__file__).parents[3] / "sample_flows" / "lints"


class Looking:
    """A world, the model of it, and the lints that look at it."""

    def __init__(self, world: World, lints: Mapping[str, Mapping[str, object]] | None = None):
        self.world = world
        self.monitor = watching(world.generation)
        self.watch = Watch(Thresholds.from_mapping(lints or {}))

    def look(self) -> None:
        """One look."""
        self.monitor.apply(self.world.snapshot())
        self.watch.look(self.monitor)

    def pass_by(self, seconds: float, tick: Callable[[World], object] = lambda _w: None) -> None:
        """So many seconds of model time at ten looks a second; ``tick`` turns counters."""
        for _ in range(round(seconds * 10)):
            self.world.wait(100_000_000)
            tick(self.world)
            self.look()

    def found(self, ident: str = "") -> list[Finding]:
        """The findings of a lint, or all of lints, ranked."""
        settle(self.watch, self.monitor)
        ranked = self.monitor.findings.ranked()
        return [f for f in ranked if f.kind is Kind.LINT and ident in ("", f.id)]

    def active(self, ident: str = "") -> list[Finding]:
        """Those that are true now."""
        return [finding for finding in self.found(ident) if finding.active]

    def one(self, ident: str) -> Finding:
        """The only finding of a lint that is true now."""
        (finding,) = self.active(ident)
        return finding

    @property
    def ids(self) -> list[str]:
        """The lints that have found something, sorted."""
        return sorted({finding.id for finding in self.found()})


def load(stem: str) -> ModuleType:
    """A sample of lints as a module."""
    return load_file(LINTS / f"{stem}.py")


def load_file(path: Path) -> ModuleType:
    """A file as a module under a name of its own."""
    spec = importlib.util.spec_from_file_location(f"lint_sample_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def watch_flows(
    runs: Iterable[Callable[[Collector], Any]],
    lints: Mapping[str, Mapping[str, object]],
    *,
    every: float = 0.02,
    until: Callable[[Monitor], bool] = lambda _m: False,
) -> Monitor:
    """Run functions in threads of their own while lints look at all flows that they make.

    Each function gets the collector to add its flow to. Ends when all of them have, or earlier
    when ``until`` says so.
    """
    collector, monitor = Collector(), watching()
    watch = Watch(Thresholds.from_mapping(lints))
    threads = [threading.Thread(target=run, args=(collector,), daemon=True) for run in runs]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 2 * SECONDS
    pause = threading.Event()
    while any(thread.is_alive() for thread in threads) and not until(monitor):
        assert time.monotonic() < deadline, f"not over: {monitor.findings.ranked()}"
        monitor.apply(collector.snapshot(Pull(histograms=True)))
        watch.look(monitor)
        pause.wait(every)
    monitor.apply(collector.snapshot(Pull(histograms=True)))
    settle(watch, monitor)
    collector.detach()
    return monitor


def by_flow(monitor: Monitor) -> dict[str, set[str]]:
    """The ids of the lints that found something, by flow; what is about no flow under ``""``."""
    found: dict[str, set[str]] = {}
    for finding in monitor.findings.ranked():
        if finding.kind is Kind.LINT:
            found.setdefault(finding.place.flow, set()).add(finding.id)
    return found
