"""Everything at once: random graphs, errors, retries, pauses, cancels, limits, foreign emits."""

import gc
import logging
import os
import sys
import time
from collections.abc import Iterator

import pytest

from tests.engine import soak
from tests.engine.building import workers
from tests.waiting import wait_until

#: Seconds of the long soak.
LONG = float(os.environ.get("ROUTILUX_SOAK", "600"))
GRAPHS = 48  # a multiple of 16 worker counts and of the strategies
PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


@pytest.fixture(autouse=True)
def busy_switching() -> Iterator[None]:
    """Threads that switch every 10 µs, and no log of the errors that are meant."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    logging.getLogger("routilux").setLevel(logging.CRITICAL)
    yield
    sys.setswitchinterval(interval)
    logging.getLogger("routilux").setLevel(logging.NOTSET)


@pytest.mark.parametrize("workers_", [1, 2, 4, 16])
@pytest.mark.parametrize("seed", range(6))
def test_the_books_of_a_concurrent_flow_balance(seed: int, workers_: int) -> None:
    soak.run(seed, "concurrent", workers_, jobs=40, hops=8)


@pytest.mark.parametrize("seed", range(12))
def test_the_books_of_a_sequential_flow_balance(seed: int) -> None:
    soak.run(seed, "sequential", 1, jobs=40, hops=8)


@pytest.mark.slow
@pytest.mark.timeout(LONG * 1.5 + 60)
def test_a_long_soak_loses_nothing_and_does_not_grow() -> None:
    end = time.monotonic() + LONG
    sizes: list[int] = []
    blocks: list[int] = []
    starts = seed = 0
    while time.monotonic() < end:
        seed += 1
        strategy = "sequential" if seed % 4 == 0 else "concurrent"
        # The same graphs again: with ever new ones, the largest so far would set the size.
        books = soak.run(1000 + seed % GRAPHS, strategy, seed % 16 + 1, jobs=200, hops=7)
        starts += len(books.starts)
        del books
        if seed % GRAPHS == 0:
            gc.collect()
            sizes.append(resident())
            blocks.append(sys.getallocatedblocks())
    wait_until(lambda: not workers(), "the end of all threads")
    assert len(sizes) >= 2, "too short to tell"
    early, late = sizes[len(sizes) // 4], sizes[-1]
    print(f"soak: {seed} flows, {starts:,} activations, {early / 1e6:.1f} -> {late / 1e6:.1f} MB")
    assert late < early * 1.2 + 5e6, f"grew from {early:,} to {late:,} bytes"
    first, last = blocks[len(blocks) // 4], blocks[-1]
    assert last < first * 1.02, f"{last - first:,} blocks of memory are left over"


def resident() -> int:
    """Bytes of this process in memory."""
    with open("/proc/self/statm", "rb") as statm:
        return int(statm.read().split()[1]) * PAGE
