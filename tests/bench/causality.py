"""The bars of causes and of the timeline: ``python -m tests.bench.causality [NAME ...]``.

The work of a key press without the drawing of its screen. The best and the median of the rounds.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from routilux.records import Kind
from tui.model.causality import Causality
from tui.model.chain import chain_of
from tui.model.log import EventLog
from tui.session.messages import RecordTuple

RING = 200_000
_ROUNDS = 7


def took(work: Callable[[], Any]) -> str:
    """How long something takes."""
    times = []
    for _ in range(_ROUNDS):
        begin = time.perf_counter()
        work()
        times.append((time.perf_counter() - begin) * 1000)
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


ALL: tuple[Callable[[], Iterator[str]], ...] = (chain, effects, waterfall)


def main() -> None:
    """Run what was asked for, or everything."""
    wanted = sys.argv[1:]
    for bar in ALL:
        if not wanted or bar.__name__ in wanted:
            for line in bar():
                print(f"{bar.__name__:<10} {line}", flush=True)


if __name__ == "__main__":
    main()
