"""A shop in which much is wrong, always the same: what the screen of findings shows."""

from __future__ import annotations

from msgspec.structs import replace

from tests.tui.building import MS, World, flow_info
from tui.session.factual import Allowed, FlowEnd, FlowFacts, PortFacts, RoutineFacts, ThreadLook
from tui.session.messages import Snapshot

_WIRES = (
    ("fetch", "order", "check", "order"),  # 1
    ("check", "good", "store", "order"),  # 2
)
ORDER, GOOD, FETCH = 1, 2, 3
FILE = "/home/me/shop.py"
NAMES = ("fetch", "check", "store")


def shop(names: tuple[str, str, str] = NAMES) -> list[Snapshot]:
    """Eight seconds: a full pool, a lock convoy, a blocked call, an error, loose ends, the end."""
    fetch = names[0]
    wires = [
        tuple(dict(zip(NAMES, names, strict=True)).get(part, part) for part in wire)
        for wire in _WIRES
    ]
    flow = flow_info(wires, id="shop", entries=(fetch,))  # type: ignore[arg-type]
    checks = flow.routines[1]
    checks = replace(checks, events=(*checks.events, (90, "bad"), (91, "odd")))
    world = World(replace(flow, routines=(flow.routines[0], checks, flow.routines[2])))
    world.jobs = [1, 12, 1]
    facts = (
        RoutineFacts(0, FILE, 8, slots=(PortFacts("trigger", FILE, 11),)),
        RoutineFacts(1, FILE, 20, events=(PortFacts("bad", FILE, 25), PortFacts("odd", FILE, 26))),
        RoutineFacts(2, FILE, 40, optional=("path",)),
    )
    comments = (
        Allowed(("L05",), "meant so", FILE, 26, 1, "odd"),
        Allowed(("L5",), "", FILE, 39, 2),
    )
    world.facts = (FlowFacts(1, facts, comments),)
    world.handle(1, GOOD, run=4 * MS, times=30)
    said = f'Traceback (most recent call last):\n  File "{FILE}", line 31, in check\nKeyError: 7'
    world.handle(1, ORDER, failed=True, payload=said)
    world.count(1, GOOD, queued=40, started=4)
    world.emitted[1, 90] = 1_204
    found = [world.snapshot()]
    since = world.now
    for tick in range(80):
        world.wait(100 * MS)
        world.running = dict.fromkeys((1, 2, 3), (GOOD, world.now - 20 * MS, 5))
        world.running[4] = (GOOD, since, 6)
        at = (FILE, 44, "Store.save")
        world.looks = {
            lane: ThreadLook(lane, 0, "lock", 7, "self._lock", *at) for lane in range(2, 5)
        }
        if tick == 78:
            world.ends = (FlowEnd(1, 1, pool=True),)
        found.append(world.snapshot(histograms=tick % 5 == 0))
    return found
