"""The bars of the engine that are about size, fairness, exactness and the price of being ready.

T9 compares the engine with a copy of itself from which the tests for watchers are cut out, and with
an unchanged copy as a control, each copy imported under a name of its own.
"""

from __future__ import annotations

import gc
import importlib
import logging
import shutil
import statistics
import sys
import tempfile
import threading
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import routilux
from routilux import Flow, Level, Routine
from tests.bench.engine import End, Row, Step, chain
from tests.engine import soak

#: What is cut out for T9: every line that is there only so that somebody may watch.
CUTS = {
    "workers.py": [
        ("if (flags or queued) and (flags != COUNTED or queued != NOT_TIMED):", "if flags:"),
        (
            "        if queued:\n            lane = lane or its_job.flow._scheduler.bus.lane()\n",
            "",
        ),
        (
            "        if queued and lane is not None:\n            lane.ended.append(edge)\n",
            "",
        ),
        (
            "        if lane is not None and len(lane.ended) >= FOLD:\n            lane.fold()\n",
            "",
        ),
    ],
    "scheduler.py": [
        (
            "        if self.bus.level:\n            with self.lock:\n"
            "                job.flags = job.flags & ~WATCHED | watching.of_new(self.bus, job)\n"
            "            if job.flags & TRACED:\n"
            "                self._publish_job(Kind.JOB_STARTED, job, entry.number)\n",
            "",
        ),
        (
            "                if job.flags & WATCHED:\n"
            "                    queued, index = self._count_entry(job, entry, data)\n",
            "",
        ),
    ],
}


def at_most(name: str, what: str, value: float, bar: float, unit: str) -> Row:
    """A row whose value must not be above the bar."""
    return Row(name, what, f"{value:.3g}{unit}", f"<= {bar:g}{unit}", value <= bar)


# T9 ---------------------------------------------------------------------------------------------


def copies(folder: Path) -> dict[str, Any]:
    """The engine imported again: unchanged, and without what watching needs."""
    source = Path(routilux.__file__).parent
    found = {}
    for name in ("routilux_same", "routilux_bare"):
        shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for file, cuts in CUTS.items():
        path = folder / "routilux_bare" / file
        text = path.read_text("utf-8")
        for old, new in cuts:
            if old not in text:
                raise LookupError(f"{file} has changed: {old.strip()[:60]!r} is not in it")
            text = text.replace(old, new)
        path.write_text(text, "utf-8")
    sys.path.insert(0, str(folder))
    try:
        for name in ("routilux_same", "routilux_bare"):
            found[name] = importlib.import_module(name)
    finally:
        sys.path.remove(str(folder))
    return found


def long_chain(engine: Any) -> float:
    """CPU seconds for one activation of a long chain in one of the copies."""

    class Pass(engine.Routine):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.define_slot("trigger", self.handle)
            self.define_event("out")

        def handle(self, **data: Any) -> None:
            if data["n"]:
                self.emit("out", n=data["n"] - 1)

    flow = engine.Flow("bench", "concurrent", 4)
    flow.add_routine(Pass(), "r")
    flow.connect("r", "out", "r", "trigger")
    flow.execute("r", {"n": 100}).wait()
    gc.collect()
    begin = time.process_time()
    flow.execute("r", {"n": 20_000}).wait()
    took = time.process_time() - begin
    flow.shutdown()
    return took / 20_000


def unwatched(rounds: int) -> Iterator[Row]:
    """What it costs that somebody could watch, while nobody does."""
    with tempfile.TemporaryDirectory() as folder:
        engines = copies(Path(folder)) | {"routilux": routilux}
        found: dict[str, list[float]] = {name: [] for name in engines}
        for number in range(3 * rounds):
            names = list(engines)
            shift = number % 3
            for name in names[shift:] + names[:shift]:
                found[name].append(long_chain(engines[name]))
    medians = {name: statistics.median(values) for name, values in found.items()}
    bare = medians["routilux_bare"]
    control = 100 * (medians["routilux_same"] / medians["routilux"] - 1)
    more = 100 * (medians["routilux"] / bare - 1)
    yield Row("T9", "control: the same engine twice", f"{control:+.1f} %", "about 0", True)
    yield at_most("T9", "nobody watches, against no such tests", more, 3, " %")


# T11 --------------------------------------------------------------------------------------------


class Large(Step):
    """Sends as many messages as it is told."""

    def handle(self, n: int = 1, **_: Any) -> None:  # type: ignore[override]
        for _i in range(n):
            self.emit("out", n=1)


def fairness() -> Row:
    """How long a small job takes that comes behind 40,000 deliveries of another."""
    flow = Flow("bench", "concurrent", 4)
    flow.add_routine(Large(), "large")
    flow.add_routine(End(), "end")
    flow.connect("large", "out", "end", "trigger")
    small = Flow("chain")  # the names of its routines, in the same flow
    each = chain(small, stages=5)
    for i in range(each):
        flow.add_routine(End() if i == each - 1 else Step(), f"s{i}")
        if i:
            flow.connect(f"s{i - 1}", "out", f"s{i}", "trigger")
    begin = time.perf_counter()
    job = flow.execute("large", {"n": 40_000})
    while len(job.tokens) < 30_000 and not job.done:
        time.sleep(0)
    began = time.perf_counter()
    flow.execute("s0", {"n": 1}).wait()
    took = time.perf_counter() - began
    flow.wait_for_completion()
    whole = time.perf_counter() - begin
    flow.shutdown()
    share = took / whole
    return Row("T11", "small job behind 40,000 / their drain", f"1/{1 / share:.0f}", "<= 1/20",
               share <= 1 / 20)  # fmt: skip


# T12, T13 ---------------------------------------------------------------------------------------


def exactness(activations: int = 1_000_000) -> Row:
    """Random flows with everything mixed at a switch interval of 10 µs, until so many ran."""
    interval, ran, seed = sys.getswitchinterval(), 0, 0
    sys.setswitchinterval(1e-5)
    logging.getLogger("routilux").setLevel(logging.CRITICAL)
    try:
        while ran < activations:
            seed += 1
            strategy = "sequential" if seed % 4 == 0 else "concurrent"
            ran += len(soak.run(seed, strategy, seed % 16 + 1, jobs=200, hops=8).starts)
    except AssertionError as error:
        return Row("T12", f"seed {seed}: {str(error)[:30]}", f"after {ran:,}", "exact", False)
    finally:
        sys.setswitchinterval(interval)
        logging.getLogger("routilux").setLevel(logging.NOTSET)
    return Row("T12", f"{seed} random flows, all mixed", f"{ran:,} exact", ">= 1,000,000", True)


def losses() -> Row:
    """Whether a reader with a tenth of the budget that it needs knows exactly what it missed."""
    flow = Flow("bench", "concurrent", 4)
    chain(flow)
    reader = flow.bus.subscribe(Level.TRACE)
    jobs = 3000
    running = threading.Thread(
        target=lambda: [flow.execute("r0", {"n": 1}) for _ in range(jobs)], name="feeding"
    )
    running.start()
    while running.is_alive():
        reader.read(50)
        time.sleep(0.001)
    running.join()
    flow.wait_for_completion()
    reader.read(50)
    published = sum(lane.published for lane in flow.bus.lanes())
    right = published == reader.received + reader.lost >= jobs * 12  # and the workers' coming
    flow.shutdown()
    what = "published = read + lost, at 10x the budget"
    share = f"{100 * reader.received / published:.0f} % read"
    return Row("T13", what, share, "exact", right)


# T14, T15 ---------------------------------------------------------------------------------------


class Counting(Routine):
    """Sends itself a message until it has counted down."""

    def __init__(self) -> None:
        super().__init__()
        self.define_slot("trigger", self.handle)
        self.define_event("out")

    def handle(self, n: int) -> None:
        if n:
            self.emit("out", n=n - 1)


def chain_of(length: int) -> float:
    """CPU seconds for one activation of a chain of that length."""
    flow = Flow("bench", "concurrent", 4)
    flow.add_routine(Counting(), "r")
    flow.connect("r", "out", "r", "trigger")
    begin = time.process_time()
    flow.execute("r", {"n": length}).wait()
    took = time.process_time() - begin
    flow.shutdown()
    return took / length


def growth() -> Iterator[Row]:
    """Long chains, large graphs."""
    short = statistics.median(chain_of(100_000) for _ in range(5))
    yield at_most("T14", "chain of 1M / of 100k, per event", chain_of(1_000_000) / short, 1.2, "x")
    gc.collect()
    begin = time.perf_counter()
    build()
    took = time.perf_counter() - begin
    yield at_most("T14", "10,000 routines, 100,000 edges", took, 0.5, " s")
    gc.collect()
    tracemalloc.start()
    flow = build()
    size = tracemalloc.get_traced_memory()[0] / len(flow.routines)
    tracemalloc.stop()
    yield at_most("T14", "memory of a routine with 10 edges", size / 1000, 1.6, " kB")


def build() -> Flow:
    """A graph of 10,000 routines with 10 edges each."""
    flow = Flow("large")
    for i in range(10_000):
        flow.add_routine(Counting(), f"r{i}")
    for i in range(10_000):
        for j in range(10):
            flow.connect(f"r{i}", "out", f"r{(i * 7 + j) % 10_000}", "trigger")
    return flow


class Blocked(Routine):
    """Holds its worker until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()
        self.define_slot("trigger", lambda: self.go.wait(60))
        self.define_slot("input", lambda n: None)
        self.define_event("out")


def memory() -> Iterator[Row]:
    """Bytes of an open job with its waiting delivery, and of a waiting delivery."""
    flow = Flow("bench", "concurrent", 1)
    blocked = Blocked()
    flow.add_routine(blocked, "r")
    flow.connect("r", "out", "r", "input")
    flow.execute("r")
    for what, bar, wait in (("open job, with its delivery", 800, True), ("delivery", 400, False)):
        gc.collect()
        tracemalloc.start()
        held = [wait_in(flow, wait, n) for n in range(10_000)]
        size = tracemalloc.get_traced_memory()[0] / len(held)
        tracemalloc.stop()
        del held
        yield at_most("T15", f"memory of a waiting {what}", size, bar, " B")
    blocked.go.set()
    flow.wait_for_completion()
    flow.shutdown()


def wait_in(flow: Flow, as_job: bool, n: int) -> object:
    """Let something wait in the flow."""
    if as_job:
        return flow.execute("r", {"n": n}, entry_slot="input")
    flow.routines["r"].emit("out", n=n)
    return None


def rows(rounds: int) -> Iterator[Row]:
    """Measure everything."""
    yield from unwatched(rounds)
    yield fairness()
    yield exactness()
    yield losses()
    yield from growth()
    yield from memory()
