"""The bars of the list of events: a full ring filtered, folded and held in memory."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

from routilux.preview import preview, tree
from routilux.records import Note
from tests.bench.terminal import Terminal, cpu_seconds, rss_mb
from tests.tui.building import World, flow_info, watching
from tui.model.log import RING
from tui.model.monitor import Monitor
from tui.model.stream import Stream
from tui.query.compiling import compiled
from tui.query.records import events_table

FLOWS = Path(__file__).parent / "flows"
_ROUTINES = 50
_PAYLOADS = 5_000

#: From what a number decides to what must look into every text.
FILTERS = (
    "wait>50ms",
    "routine~'^r1' and not status=failed",
    "timeout",
    "routine:r1* & (wait>50ms | error) & data.country=EU & gen:1",
    "payload.order_id>=199_000 or run>0.9ms",
    "worker=t1 run<1us or wait>=20ms and not status in (failed, retried) and edge~'r(1|2).*in$'",
)


def full() -> Monitor:
    """A monitor with a full ring and as many payloads as it keeps."""
    wires = [(f"r{n}", "out", f"r{n + 1}", "in") for n in range(_ROUTINES)]
    world, monitor, random = World(flow_info(wires)), watching(), Random(1)
    monitor.apply(world.snapshot())
    records = []
    for n in range(RING):
        now = world.wait(1_000).now
        started = now - random.randrange(1_000_000)
        queued = started - random.randrange(100_000_000)
        ident, cause = hash((n, 1)), hash((n, 0))
        edge, failed = 1 + n % _ROUTINES, int(n % 50 == 0)
        records.append((n, now, 1, 1, n % 7, ident, cause, n % 4, edge, queued, started, failed, 0))
    monitor.log.extend(records, RING)
    for n in range(RING - _PAYLOADS, RING):
        data = {"order_id": n, "country": "EU" if n % 3 else "US", "tags": ["new", "paid"]}
        monitor.log.note(hash((n, 1)), Note.PAYLOAD, preview(data))
        monitor.log.note(hash((n, 1)), Note.TREE, tree(data))
    return monitor


def _best(what: Callable[[], object], rounds: int = 5) -> float:
    took = []
    for _ in range(rounds):
        begin = time.perf_counter()
        what()
        took.append(time.perf_counter() - begin)
    return min(took) * 1000


def filters() -> Iterator[str]:
    """A full ring through each of the filters, and what a look costs after that."""
    monitor = full()
    view, table = monitor.log.view, events_table(monitor)
    bare = _best(lambda: sum(1 for _ in view))
    yield f"{RING:,} records read without a filter, best of 5: {bare:.0f} ms"
    for text in FILTERS:
        stream = Stream()

        def narrow(stream: Stream = stream, text: str = text) -> None:
            stream.narrow(compiled(text, table))
            stream.update(view)

        took = _best(narrow)
        yield f"{took:.0f} ms ({took / bare:.1f}x), keeps {stream.kept:,}: {text}"
        stream.fold(True)
        folding = _best(lambda stream=stream: (stream.fold(True), stream.update(view)))  # type: ignore[misc]
        yield f"{folding:.0f} ms with folding, {len(stream):,} lines"
    newest = list(view)[-2_000:]
    stream.update(view)

    def look() -> None:
        monitor.log.extend(newest, len(newest))
        stream.update(view)

    yield f"2,000 more, filtered and folded: {_best(look):.1f} ms"


def full_ring() -> Iterator[str]:
    """Memory of the real program with a full ring: as it is, filtered, folded, and paused."""
    os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp()  # the filters below are nobody's
    terminal = Terminal(str(FLOWS / "flood.py"), "--", "60")
    terminal.wait_for("stage0")
    terminal.watch(3)
    yield f"monitor after 3 s: {rss_mb(terminal.pid):.1f} MB"
    terminal.watch(17)
    yield f"with 200,000 records: {rss_mb(terminal.pid):.1f} MB"
    for what, keys in (
        ("filtered, all kept", "3/run>0\r"),
        ("folded too", "="),
        ("paused too: the ring is held twice", " "),
        ("paused, another filter", "/wait>1us or failed\r"),
    ):
        for key in keys:
            terminal.press(key)
        cpu, wall = cpu_seconds(terminal.pid), time.monotonic()
        terminal.watch(6)
        share = (cpu_seconds(terminal.pid) - cpu) / (time.monotonic() - wall)
        yield f"{what}: {rss_mb(terminal.pid):.1f} MB, CPU {share * 100:.1f} % of a core"
    yield next((line for line in terminal.display() if "3 Events" in line), "?")[:110].strip()
    terminal.quit()
