"""What findings cost: a look at threads, the facts of a source, and the lints over a large flow.

``python -m tests.bench.findings`` prints times of this process's own CPU, the median of several.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable
from typing import Any

from routilux import Flow, Level, Routine
from tests.tui.building import MS, World, flow_info, watching
from tui.findings.watch import Watch
from tui.session.facts import code
from tui.session.facts.threads import look_at
from tui.session.facts.wiring import facts_of

WORKERS, NODES = 8, 200


class Busy(Routine):
    """Computes until it is told to stop."""

    stop = threading.Event()

    def __init__(self) -> None:
        super().__init__()
        self.define_slot("trigger", handler=self.compute)

    def compute(self, **_: Any) -> None:
        while not self.stop.is_set():
            time.sleep(0.0005)


def median_us(function: Callable[[], object], times: int) -> float:
    """CPU time of this thread, microseconds."""
    took = []
    for _ in range(times):
        began = time.thread_time_ns()
        function()
        took.append((time.thread_time_ns() - began) / 1000)
    return statistics.median(took)


def threads() -> float:
    """A look at eight threads at work, as at each pull."""
    flow = Flow("bench", execution_strategy="concurrent", max_workers=WORKERS)
    flow.bus.subscribe(Level.TRACE)
    for number in range(WORKERS):
        flow.add_routine(Busy(), f"r{number}")
        flow.execute(f"r{number}")
    while sum(lane.running is not None for lane in flow.bus.lanes()) < WORKERS:
        time.sleep(0.01)
    found = median_us(lambda: list(look_at(flow)), 200)
    Busy.stop.set()
    flow.shutdown(timeout=5.0)
    return found


def facts() -> tuple[float, float]:
    """The facts of a flow whose source is this file: read, and when it was read before."""
    flow = Flow("bench")
    for number in range(20):
        flow.add_routine(Busy(), f"r{number}")

    def anew() -> None:
        code._sources.clear()
        facts_of(flow)

    return median_us(anew, 20), median_us(lambda: facts_of(flow), 20)


def lints() -> tuple[float, float]:
    """All lints over 200 routines in layers with 315 connections: a look, and the slowest one."""
    wires = [(f"n{n}", "out", f"n{(n * 7 + 1 + k) % NODES}", "in") for n in range(NODES - 1)
             for k in range(2 if n < 115 else 1)]  # fmt: skip
    world = World(flow_info(wires, id="large", entries=("n0",)))
    world.jobs = [1, 0, 0]
    monitor, watch = watching(), Watch()
    took = []
    for _ in range(400):
        world.wait(100 * MS)
        for edge in range(1, len(wires), 3):
            world.count(1 + edge % 4, edge, queued=3, started=2, done=2, run=MS, wait=MS)
        monitor.apply(world.snapshot(histograms=False))
        began = time.thread_time_ns()
        watch.look(monitor)
        took.append((time.thread_time_ns() - began) / 1000)
    return statistics.mean(took), max(took)


def main() -> None:
    """Print all."""
    print(f"look at {WORKERS} threads at work: {threads():.0f} us each pull")
    cold, warm = facts()
    print(f"facts of 20 routines: {cold:.0f} us read anew, {warm:.0f} us when read before")
    mean, most = lints()
    print(f"lints over {NODES} routines: {mean:.0f} us a look on average, {most:.0f} us at most")


if __name__ == "__main__":
    main()
