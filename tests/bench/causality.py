"""The bars of causes and of the timeline: ``python -m tests.bench.causality [NAME ...]``.

The work of a key press without the drawing of its screen, but for ``keys``. The best and the median
of the rounds, in CPU time: that is steady on a shared machine, and nothing here waits.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from routilux.records import Kind
from tests.tui.building import World, flow_info
from tests.tui.screens.driving import Driver, drive_canned
from tui.model.causality import Causality
from tui.model.chain import chain_of
from tui.model.log import EventLog
from tui.model.past import EVERY, History
from tui.model.run import Run
from tui.model.timeline import scene, shares
from tui.paint.lanes import lane
from tui.session.messages import RecordTuple, Snapshot

RING = 200_000
_ROUNDS = 7


def took(work: Callable[[], Any]) -> str:
    """How long something takes."""
    times = []
    for _ in range(_ROUNDS):
        begin = time.process_time()
        work()
        times.append((time.process_time() - begin) * 1000)
    return f"best {min(times):6.1f} ms, median {statistics.median(times):6.1f} ms"


def ring(fan: int, jobs: int = 100) -> EventLog:
    """A full ring: jobs that are trees in which each activation causes up to ``fan`` others."""
    log, dice = EventLog(RING), random.Random(7)
    records: list[RecordTuple] = []
    open_ones: list[tuple[int, int]] = []
    for n in range(1, RING + 1):
        now, ident = n * 10_000, hash((n, "id" * (n % 2)))
        if n <= jobs or not open_ones:
            job, cause = n, ident
            record = (n, now, int(Kind.JOB_STARTED), 1, job, ident, ident, 0, 1, 0, 0, 0, 0)
        else:
            cause, job = open_ones[dice.randrange(max(0, len(open_ones) - 50), len(open_ones))]
            if fan == 1:
                open_ones.remove((cause, job))
            record = (
                *(n, now, int(Kind.ACTIVATION), 1, job, ident, cause, n % 16 + 1, n % 20),
                *(now - 200_000, now - 100_000, 0, 0),
            )
        records.append(record)
        open_ones.append((ident, job))
        if len(open_ones) > 1_000:
            del open_ones[:500]
    log.extend(records, RING)
    return log


def chain() -> Iterator[str]:
    """``c``: the chain of an event and what ran beside it, the index included."""
    for name, fan in (("trees", 9), ("one long line", 1)):
        log = ring(fan, 100 if fan > 1 else 1)
        log.pause()
        view = log.view
        for place in (0.01, 0.5, 1.0):
            record = view[int((len(view) - 1) * place)]

            def press(records: Sequence[RecordTuple] = view, record: RecordTuple = record) -> Any:
                index = Causality(records, 1)
                return chain_of(index, record), index.concurrent_with(record)

            steps = len(press()[0].steps)
            yield f"{name}, record at {place:4.0%} of 200k, {steps:5} steps: {took(press)}"


def effects() -> Iterator[str]:
    """``d``: everything that came of an event, the index included."""
    log = ring(9)
    log.pause()
    for place in (99, 150, RING // 2):
        record = log.view[place]

        def press(record: RecordTuple = record) -> Any:
            return Causality(log.view, 1).tree(record)

        yield f"record {place} of 200k, {press().total:6} effects: {took(press)}"


def waterfall() -> Iterator[str]:
    """``w``: the activations of a whole job."""
    log = ring(9, 1)
    log.pause()
    index = Causality(log.view, 1)
    job = log.view[-1][4]
    many = len(index.of_job(job))
    yield f"a job of {many:,} activations, without the index: {took(lambda: index.of_job(job))}"


def lanes() -> Iterator[str]:
    """16 lanes of 160 cells from 20,000 spans: shares and letters, and the scene before them."""
    dice, spans, end = random.Random(1), {}, 0
    for lane_number in range(16):
        now = 0
        spans[lane_number] = []
        for _ in range(1_250):
            begin = now + dice.randrange(200_000)
            now = begin + dice.randrange(1, 500_000)
            spans[lane_number].append((dice.randrange(20), begin, now))
        end = max(end, now)
    keys = {edge: edge for edge in range(20)}

    def paint() -> None:
        for each in spans.values():
            lane(shares(each, 0, end, 160, keys), lambda n: "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[n % 26])

    yield f"16 lanes x 160 cells from 20k spans: {took(paint)}"
    log = ring(9)
    log.pause()
    view, last = log.view, log.view[-1][1]
    window = last - 20_000 * 10_000, last
    gather = took(lambda: scene(view, 1, window, {}, last))
    yield f"the 20k spans out of a ring of 200k: {gather}"


def keys() -> Iterator[str]:
    """A key until everything is drawn, 200x50, 16 workers, 20 routines, a ring of 200k."""
    world = _world()

    async def script(d: Driver) -> None:
        for name, first, pressed in (
            ("c over the events", ("3", "k"), "c"),
            ("d over the events", ("3", "k"), "d"),
            ("w over the events", ("3", "k"), "w"),
            ("t at an event", ("3", "k"), "t"),
            ("h in the timeline: scrub", ("t", "h"), "h"),
            ("PgUp in the timeline: half a window", ("t", "0", "h"), "pageup"),
            (", on the dashboard: scrub", ("comma",), "comma"),
        ):
            times = []
            await d.press(*first)
            for _ in range(_ROUNDS):
                begin = time.process_time()
                await d.press(pressed)
                times.append((time.process_time() - begin) * 1000)
                if pressed in ("c", "d", "w", "t"):
                    await d.press("escape")
            await d.press("escape", "escape", "f", "1")
            best, middle = min(times), statistics.median(times)
            found.append(f"{name:36} best {best:6.1f} ms, median {middle:6.1f} ms")

    found: list[str] = []
    drive_canned(script, *world, size=(200, 50))
    yield from found


def memory() -> Iterator[str]:
    """What the index and the history of figures take."""
    log = ring(9)
    log.pause()
    tracemalloc.start()
    index = Causality(log.view, 1)
    yield f"index of 200k records: {tracemalloc.get_traced_memory()[0] / 1e6:.1f} MB"
    chain_of(index, log.view[-1])
    yield f"the most while a chain is found: {tracemalloc.get_traced_memory()[1] / 1e6:.1f} MB"
    del index
    tracemalloc.stop()
    for routines in (20, 200):
        wires = [(f"r{n}", "o", f"r{n + 1}", "i") for n in range(routines - 1)]
        world, run, history = World(flow_info(wires)), Run(1), History()
        run.apply(world.snapshot())
        tracemalloc.start()
        taken = 0
        while taken < 600 * 4:
            run.now += EVERY
            history.take(run)
            taken += 1
        used = tracemalloc.get_traced_memory()[0] / 1e6
        tracemalloc.stop()
        yield f"ten minutes of {routines} routines: {len(history):,} moments, {used:.1f} MB"
        yield f"one moment of {routines} routines: {took(partial(_again, history, run))}"


def _again(history: History, run: Run) -> None:
    run.now += EVERY
    history.take(run)


def _world() -> list[Snapshot]:
    """100 looks of 2,000 records each: 20 routines on 16 workers."""
    names = [f"routine{n}" for n in range(20)]
    wires = [(names[n], "out", names[(n + 1) % 20], "in") for n in range(20)]
    world, dice = World(flow_info(wires, entries=names[:1])), random.Random(5)
    found = [world.snapshot()]
    recent = [77]
    for tick in range(100):
        for step in range(2_000):
            world.wait(50_000)
            n = tick * 2_000 + step + 1
            edge, lane_number = dice.randrange(1, 21), dice.randrange(1, 17)
            cause = recent[dice.randrange(len(recent))]
            ident = hash((cause, n))
            world.published += 1
            world.received += 1
            record = (
                *(n, world.now, 1, 1, 1, ident, cause, lane_number, edge),
                *(world.now - 900_000, world.now - 700_000, 0, 0),
            )
            world.records.append(record)
            world.count(lane_number, edge, queued=1, started=1, done=1, run=700_000)
            recent = [*recent[-40:], ident]
        found.append(world.snapshot(histograms=False))
    return found


ALL: tuple[Callable[[], Iterator[str]], ...] = (chain, effects, waterfall, lanes, keys, memory)


def main() -> None:
    """Run what was asked for, or everything."""
    wanted = sys.argv[1:]
    for bar in ALL:
        if not wanted or bar.__name__ in wanted:
            for line in bar():
                print(f"{bar.__name__:<10} {line}", flush=True)


if __name__ == "__main__":
    main()
