"""A minute in the life of an order pipeline, always the same: what the text snapshots show."""

from __future__ import annotations

from routilux.records import Kind
from tests.tui.building import MS, World, flow_info
from tui.session.events import Output
from tui.session.messages import Snapshot

_WIRES = (
    ("fetch_eu", "order", "parse", "order"),  # 1
    ("fetch_us", "order", "parse", "order"),  # 2
    ("parse", "parsed", "enrich", "order"),  # 3
    ("parse", "bad", "retry", "order"),  # 4
    ("retry", "again", "parse", "order"),  # 5: a loop
    ("enrich", "ready", "store", "order"),  # 6
    ("enrich", "ready", "audit", "order"),  # 7: the same event, a second receiver
    ("store", "failed", "alert", "what"),  # 8: nothing has come this way yet
)
FETCH_EU, FETCH_US = 9, 10


def world() -> World:
    """The pipeline before anything has happened."""
    flow = flow_info(_WIRES, id="orders", entries=("fetch_eu", "fetch_us"))
    return World(flow)


def replay(seconds: int = 12) -> list[Snapshot | Output]:
    """Ten looks a second at it, and what it printed between them."""
    scene = world()
    scene.jobs = [2, 0, 0]
    scene.record(Kind.JOB_STARTED, subject=FETCH_EU, job=1, worker=0)
    scene.record(Kind.JOB_STARTED, subject=FETCH_US, job=2, worker=0)
    scene.count(0, FETCH_EU, queued=1).count(0, FETCH_US, queued=1)
    scene.count(1, FETCH_EU, started=1).count(2, FETCH_US, started=1)
    scene.running = {1: (FETCH_EU, scene.now, 1), 2: (FETCH_US, scene.now, 2)}
    found: list[Snapshot | Output] = [scene.snapshot()]
    for tick in range(1, seconds * 10):
        _tick(scene, tick)
        if tick % 10 == 0:
            line = f"{tick * 40:,} orders fetched, {tick * 33:,} stored\n"
            found.append(Output(1, line.encode(), False))
        if tick % 50 == 3:
            found.append(Output(1, b"retry: bank does not answer\n", True))
        found.append(scene.snapshot(histograms=tick % 5 == 0))
    return found


def _tick(scene: World, tick: int) -> None:
    """A tenth of a second: 40 orders come, 34 are enriched, so its queue grows."""
    busy = 24 + 8 * (tick // 10 % 3)
    times = {1: busy, 2: 16, 3: 34, 6: 33, 7: 33}
    scene.count(3, 3, queued=busy + 16 - 35)
    # The edges take turns: the n-th order of each, then the next.
    turns = [(step, edge) for step in range(max(times.values())) for edge in times]
    turns = [(step, edge) for step, edge in turns if step < times[edge]]
    for step, edge in turns:
        scene.wait(100 * MS // (len(turns) + 2))
        scene.handle(
            3 + (edge + tick) % 2,
            edge,
            wait=_WAITS[edge] * (step % 7 + 1),
            run=_RUNS[edge] * (step % 5 + 1),
            payload=f"{{order: {tick * 100 + step}, country: '{'EU' if edge == 1 else 'US'}'}}",
        )
    if tick % 10 == 3:
        scene.handle(4, 4, wait=MS, run=20 * MS, failed=True, payload="TimeoutError: bank, 20 ms")
        scene.handle(4, 5, wait=2 * MS, run=MS)
        scene.lose(10)
    scene.running[3] = (3, scene.now - 30 * MS, 7)
    scene.stats = {
        (1, 2): {"orders": tick * (busy + 16), "mode": "'strict'"},
        (1, 3): {"cache_hits": tick * 31, "hit_ratio": 0.912},
        (1, 6): {"rows": tick * 33},
    }
    scene.cost += 2 * MS
    scene.rss += 1024


_WAITS = {1: 400_000, 2: 380_000, 3: 14 * MS, 6: 90_000, 7: 70_000}
_RUNS = {1: 120_000, 2: 130_000, 3: 900_000, 6: 300_000, 7: 40_000}
