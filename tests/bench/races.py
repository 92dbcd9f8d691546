"""``python -m tests.bench.races [SECONDS]``: how fast flows are explored, and what is found.

Wall times depend on what else the machine does; CPU time per schedule stands beside them.
"""

from __future__ import annotations

import logging
import platform
import sys
import threading
import time
import timeit
from collections.abc import Iterator
from statistics import median

from routilux import Flow, Routine
from routilux.races import explore, seam
from routilux.races.observer import Observer
from tests.bench.engine import Row
from tests.races.cases import CASES

SECONDS = 5.0
ROUNDS = 9


class ThreadSafeCounter(Routine):
    """As in step 4 of the tutorial."""

    def __init__(self) -> None:
        super().__init__()
        self.input_slot = self.define_slot("input", handler=self.increment)
        self._lock = threading.Lock()
        self.set_stat("count", 0)

    def increment(self, **data: object) -> None:
        with self._lock:
            current = self.get_stat("count", 0)
            self.set_stat("count", current + 1)
            print(f"Count: {self.get_stat('count', 0)}")


class DataSource(Routine):
    """As in step 4 of the tutorial."""

    def __init__(self) -> None:
        super().__init__()
        self.set_config(name="Source")
        self.trigger_slot = self.define_slot("trigger", handler=self.send)
        self.output_event = self.define_event("output", ["data"])

    def send(self, **data: object) -> None:
        name = self.get_config("name", "Source")
        time.sleep(0.05)
        self.emit("output", data=f"Data from {name}")


def step_four() -> Flow:
    """The tutorial's step 4 with three sources."""
    flow = Flow("threadsafe_flow", execution_strategy="concurrent", max_workers=5)
    flow.add_routine(ThreadSafeCounter(), "counter")
    for index in range(3):
        source = DataSource()
        source.set_config(name=f"Source{index}")
        flow.add_routine(source, f"source{index}")
        flow.connect(f"source{index}", "output", "counter", "input")
    return flow


def rates(seconds: float) -> Iterator[Row]:
    """Schedules of step 4 per second: the best of some rounds, since others use the machine too."""
    for strategy in ("random", "pos", "bounded"):
        best, least = 0.0, float("inf")
        for seed in range(ROUNDS):
            cpu = time.process_time()
            found = explore(
                step_four,
                check=lambda flow: flow.routines["counter"].get_stat("count") == 3,
                strategy=strategy, schedules=10**6, seed=seed, time_limit=seconds / ROUNDS,
            )  # fmt: skip
            best = max(best, found.schedules / found.seconds)
            least = min(least, (time.process_time() - cpu) / found.schedules)
        bar = ">= 2,000" if strategy == "random" else "-"
        what = f"step 4, three sources, {strategy}: schedules/s"
        yield Row("R5", what, f"{best:,.0f}; {least * 1e6:.0f} us CPU", bar, best >= 2000)


def finds() -> Iterator[Row]:
    """How many of the cases are found, and how soon; and how many minima are right."""
    runs, right, false = [], 0, 0
    for case in CASES.values():
        found = explore(case.broken, case.drive, case.check)
        if found.failed and found.kind == case.kind:
            runs.append(found.schedules)
        right += found.preemptions == case.preemptions
        false += explore(case.repaired, case.drive, case.check, schedules=100).failed
    many = len(CASES)
    told = f"{len(runs)}/{many}, median {median(runs):.0f}, most {max(runs)}"
    yield Row("R1", "bugs found; schedules until then", told, ">= 95 %", len(runs) >= 0.95 * many)
    yield Row("R1", "repaired twins that fail (100 schedules)", str(false), "0", not false)
    yield Row("R4", "minima that are right", f"{right}/{many}", ">= 90 %", right >= 0.9 * many)


def off() -> Iterator[Row]:
    """What `get_stat` costs while somebody looks on who wants nothing, and when nobody does."""

    class Blind(Observer):
        def watches(self) -> bool:
            return False

    routine = Routine()
    routine.set_stat("n", 1)

    def cost() -> float:
        return min(timeit.repeat(lambda: routine.get_stat("n"), number=20_000, repeat=15))

    before = cost()
    with seam.attach(Blind()):
        during = cost()
    ratio = max(during, cost()) / before
    yield Row("R6", "get_stat, attached elsewhere or off again", f"x{ratio:.2f}", "<= x1.3",
              ratio <= 1.3)  # fmt: skip


def main() -> None:
    """Print a row as soon as it is measured."""
    logging.getLogger("routilux").setLevel(logging.CRITICAL)
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    print(f"Python {platform.python_version()}")
    for rows in (off(), rates(seconds), finds()):
        for row in rows:
            mark = " " if row.met else "!"
            print(f"{mark} {row.name:6}{row.what:46}{row.measured:>28}  {row.bar}", flush=True)


if __name__ == "__main__":
    main()
