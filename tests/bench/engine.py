"""The bars of the engine, as ratios to a hand-made worker loop measured in the same run.

One *raw* is one turn of that loop: a thread takes a dict from a SimpleQueue and calls a handler,
which puts the next. Costs are CPU time, for that is steady on a shared machine; cases are
interleaved, and the median of the rounds counts.
"""

from __future__ import annotations

import gc
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

from routilux import Flow, Level, Routine

TRIGGERS = 1000
STAGES = 10
WIDTH = 100


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    name: str
    what: str
    measured: str
    bar: str
    met: bool


# what is measured ---------------------------------------------------------------------------------


def raw(turns: int = 20_000) -> float:
    """CPU seconds for one turn of the worker loop."""
    queue: SimpleQueue[dict[str, Any] | None] = SimpleQueue()

    def handler(**data: Any) -> None:
        n = data["n"]
        queue.put({"n": n - 1} if n else None)

    def work() -> None:
        while (item := queue.get()) is not None:
            handler(**item)

    thread = threading.Thread(target=work)
    begin = time.process_time()
    queue.put({"n": turns})
    thread.start()
    thread.join()
    return (time.process_time() - begin) / turns


def pool_chain(turns: int = 4_000) -> float:
    """Wall seconds for one link of a chain of ``ThreadPoolExecutor.submit``."""
    done = threading.Event()

    def handler(n: int) -> None:
        if n:
            pool.submit(handler, n - 1)
        else:
            done.set()

    with ThreadPoolExecutor(4) as pool:
        begin = time.perf_counter()
        pool.submit(handler, turns)
        done.wait()
        return (time.perf_counter() - begin) / turns


class Step(Routine):
    """Passes on what it gets."""

    def __init__(self) -> None:
        super().__init__()
        self.define_slot("trigger", self.handle)
        self.define_event("out")

    def handle(self, **data: Any) -> None:
        self.emit("out", **data)


class Busy(Step):
    """Works for 4 to 5 µs, then passes on."""

    def handle(self, **data: Any) -> None:
        for _ in range(400):
            pass
        self.emit("out", **data)


class End(Step):
    """Does nothing."""

    def handle(self, **data: Any) -> None:
        pass


def chain(flow: Flow, kind: type[Step] = Step, stages: int = STAGES) -> int:
    """A chain of routines; activations per trigger."""
    for i in range(stages):
        flow.add_routine(End() if i == stages - 1 else kind(), f"r{i}")
        if i:
            flow.connect(f"r{i - 1}", "out", f"r{i}", "trigger")
    return stages


def fan(flow: Flow) -> int:
    """One event to a hundred slots; activations per trigger."""
    flow.add_routine(Step(), "r0")
    for i in range(1, WIDTH + 1):
        flow.add_routine(End(), f"r{i}")
        flow.connect("r0", "out", f"r{i}", "trigger")
    return WIDTH + 1


def cost(
    build: Callable[[Flow], int],
    strategy: str,
    *,
    workers: int = 4,
    level: Level = Level.OFF,
    every: int = 1,
    clock: Callable[[], float] = time.process_time,
) -> float:
    """Seconds for one activation."""
    flow = Flow("bench", strategy, workers)
    each = build(flow)
    triggers = TRIGGERS * STAGES // each
    if level:
        flow.bus.subscribe(level, every)
    flow.execute("r0", {"n": 1})
    flow.wait_for_completion()
    gc.collect()  # of the flows before: their rings would be walked again and again
    begin = clock()
    for _ in range(triggers):
        flow.execute("r0", {"n": 1})
    flow.wait_for_completion()
    took = clock() - begin
    flow.shutdown()
    return took / (triggers * each)


def round_trip(strategy: str, times: int = 400) -> float:
    """Median wall seconds of execute and wait for a job of two activations."""
    flow = Flow("bench", strategy, 4)
    chain(flow, stages=2)
    took = []
    for _ in range(times):
        begin = time.perf_counter()
        flow.execute("r0", {"n": 1})
        flow.wait_for_completion()
        took.append(time.perf_counter() - begin)
    flow.shutdown()
    return statistics.median(took)


class Sleeper(Step):
    """Passes on and sleeps 0.1 s."""

    def handle(self, **data: Any) -> None:
        self.emit("out")
        time.sleep(0.1)


def sleepers(by_execute: bool) -> float:
    """Wall seconds of five sleepers, each executed or each fed by the one before."""
    flow = Flow("bench", "concurrent", 5)
    for i in range(5):
        flow.add_routine(Sleeper(), f"r{i}")
        if i and not by_execute:
            flow.connect(f"r{i - 1}", "out", f"r{i}", "trigger")
    begin = time.perf_counter()
    for i in range(5 if by_execute else 1):
        flow.execute(f"r{i}")
    flow.wait_for_completion()
    took = time.perf_counter() - begin
    flow.shutdown()
    return took


# the table ----------------------------------------------------------------------------------------


def medians(rounds: int, **cases: Callable[[], float]) -> dict[str, float]:
    """The median of each case over interleaved rounds; ``raw`` first, the others in raw units."""
    found: dict[str, list[float]] = {name: [] for name in ["raw", *cases]}
    for number in range(rounds):
        unit = raw()
        found["raw"].append(unit)
        names = list(cases)
        for name in names if number % 2 else reversed(names):
            found[name].append(cases[name]() / unit)
    return {name: statistics.median(values) for name, values in found.items()}


def rows(rounds: int) -> Iterator[Row]:
    """Measure everything."""

    def busy(flow: Flow) -> int:
        return chain(flow, Busy)

    def long_chain(flow: Flow) -> int:
        return chain(flow, stages=200)

    wall = time.perf_counter
    m = medians(
        rounds,
        chain=lambda: cost(chain, "concurrent"),
        sequential=lambda: cost(chain, "sequential"),
        fan_sequential=lambda: cost(fan, "sequential"),
        fan=lambda: cost(fan, "concurrent"),
        long=lambda: cost(long_chain, "concurrent"),
        long_sequential=lambda: cost(long_chain, "sequential"),
        pool=pool_chain,
        long_wall=lambda: cost(long_chain, "concurrent", clock=wall),
        traced=lambda: cost(chain, "concurrent", level=Level.TRACE),
        busy=lambda: cost(busy, "concurrent"),
        busy_traced=lambda: cost(busy, "concurrent", level=Level.TRACE),
        counted=lambda: cost(chain, "concurrent", level=Level.COUNTERS),
        busy_sampled=lambda: cost(busy, "concurrent", level=Level.TRACE, every=16),
        one_worker=lambda: cost(chain, "concurrent", workers=1, clock=wall),
        eight_workers=lambda: cost(chain, "concurrent", workers=8, clock=wall),
        trip=lambda: round_trip("sequential"),
        trip_concurrent=lambda: round_trip("concurrent"),
    )

    def at_most(name: str, what: str, value: float, bar: float, unit: str = " raw") -> Row:
        shown = f"{value:.0f}{unit}" if value >= 100 or unit == " %" else f"{value:.3g}{unit}"
        return Row(name, what, shown, f"<= {bar:g}{unit}", value <= bar)

    yield Row("raw", "one turn of a worker loop", f"{m['raw'] * 1e9:.0f} ns", "-", True)
    yield at_most("T1", "chain of 10 with its execute, 4 workers", m["chain"], 3.2)
    yield at_most("T1", "chain of 200, 4 workers", m["long"], 3.2)
    yield at_most("T2", "chain of 10 with its execute, sequential", m["sequential"], 3.0)
    yield at_most("T2", "chain of 200, sequential", m["long_sequential"], 3.0)
    yield at_most("T2", "fan-out 1 to 100, sequential", m["fan_sequential"], 2.0)
    yield at_most("T3", "fan-out 1 to 100, 4 workers", m["fan"], 3.0)
    more = m["eight_workers"] / m["one_worker"]
    yield at_most("T4", "chain, 8 workers / 1, wall", more, 1.3, "x")
    faster = m["pool"] / m["long_wall"]
    what = "ThreadPoolExecutor.submit / chain, wall"
    yield Row("T5", what, f"{faster:.1f}x", ">= 6x", faster >= 6)
    for by_execute, what in ((True, "executed"), (False, "each fed by the one before")):
        took = statistics.median(sleepers(by_execute) for _ in range(3))
        yield at_most("T6", f"five 0.1 s sleepers, {what}", took, 0.115, " s")
    yield at_most("T8", "execute and wait, sequential", m["trip"], 30)
    yield at_most("T8", "execute and wait, 4 workers", m["trip_concurrent"], 120)
    yield at_most("T10", "tracing all adds, per activation", m["traced"] - m["chain"], 2.5)
    more = 100 * (m["busy_traced"] / m["busy"] - 1)
    micros = m["busy"] * m["raw"] * 1e6
    yield at_most("T10", f"tracing all, {micros:.1f} µs an activation", more, 15, " %")
    more = 100 * (m["busy_sampled"] / m["busy"] - 1)
    yield at_most("T10", f"one job in 16, {micros:.1f} µs an activation", more, 10, " %")
    added = m["counted"] - m["chain"]
    yield Row("T10", "counting all adds, per activation", f"{added:.2g} raw", "-", True)
