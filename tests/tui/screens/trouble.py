"""A shop on a bad day, always the same: every state that a routine can be in, all at once."""

from __future__ import annotations

from routilux.records import Kind, Status
from tests.tui.building import MS, World, flow_info
from tui.session.messages import BoxState, Snapshot

_WIRES = (
    ("check", "good", "book", "order"),  # 1: a slot that is full and drops its oldest
    ("check", "good", "bank", "pay"),  # 2: fails and is tried again
    ("check", "odd", "review", "order"),  # 3: belongs to a job that is paused
    ("check", "good", "stock", "order"),  # 4: waits for a worker
    ("bank", "paid", "mail", "send"),  # 5: coroutines
    ("bank", "refused", "refund", "order"),  # 6: failed for good
    ("mail", "sent", "report", "line"),  # 7
    ("report", "page", "archive", "page"),  # 8
    ("archive", "old", "shred", "page"),  # 9: nothing has come this way yet
    ("feed", "order", "check", "order"),  # 10
)
FEED, LATER = 11, 12  # how jobs come in, and how `report` has itself called later
BOOK, BANK, REVIEW, STOCK, MAIL, REFUND = 1, 2, 3, 4, 5, 6
ORDER = ["book", "bank", "review", "report", "refund", "mail"]
ORDER += ["feed", "check", "stock", "archive", "shred"]
LOOP, DRAINER = 5, 6  # lanes


def bad_day(seconds: int = 6) -> list[Snapshot]:
    """Ten looks a second at it; what is to be read in the events comes at the end."""
    flow = flow_info(_WIRES, id="shop", routines=ORDER, entries=("feed",), timers=("report",))
    scene = World(flow)
    scene.threads = {LOOP: "routilux-flow-loop", DRAINER: "routilux-drain-book.order"}
    scene.jobs = [5, 40, 2]
    found = [scene.snapshot()]
    for tick in range(1, seconds * 10):
        _tick(scene, tick)
        found.append(scene.snapshot(histograms=tick % 5 == 0))
    _end(scene)
    found.append(scene.snapshot())
    return found


def _tick(scene: World, tick: int) -> None:
    """A tenth of a second: twenty orders come, ten of them can be booked."""
    for step in range(20):
        scene.wait(4 * MS)
        scene.handle(1 + step % 2, 10, wait=MS, run=2 * MS, payload=f"{{order: {tick}{step:02}}}")
    scene.count(1, BOOK, queued=19, dropped=10 if tick > 6 else 0)
    scene.handle(DRAINER, BOOK, wait=90 * MS, run=9 * MS)
    scene.count(DRAINER, BOOK, started=9, done=9, run=81 * MS, wait=800 * MS)
    scene.count(2, STOCK, queued=3)
    scene.handle(2, STOCK, wait=70 * MS, run=MS)
    scene.handle(LOOP, MAIL, wait=MS, run=60 * MS, payload="{to: 'a@example.org'}")
    if tick % 10 == 0:
        scene.handle(1, 7, wait=MS, run=MS).handle(1, 8, wait=MS, run=MS)
    if tick == 20:
        scene.count(1, REVIEW, queued=4)
    waiting = 4 + 10 * min(tick, 6)
    box = BoxState(0, "order", waiting, 64, 0, 10 * max(0, tick - 6), 0)
    held = ((BANK, 3, 0), (REVIEW, 0, 4), (LATER, 1, 0))
    scene.standing = {
        "paused": 1,
        "cancelled": 1,
        "retries": 3,
        "timers": 1,
        "dropped": 10 * max(0, tick - 6) + 7,
        "held": held,
        "boxes": (box,),
    }
    scene.running = {
        1: (FEED, scene.now - 20 * MS, 1),
        DRAINER: (BOOK, scene.now - 5 * MS, 2),
        LOOP: (MAIL, scene.now - 80 * MS, 3),
    }
    scene.coroutines = {LOOP: 12}
    if tick == 1:
        scene.count(0, FEED, queued=1).count(1, FEED, started=1).count(
            1, MAIL, queued=12, started=12
        )
        scene.count(1, BOOK, queued=5).count(DRAINER, BOOK, started=1)
    scene.wait(20 * MS)


def _end(scene: World) -> None:
    scene.handle(1, REFUND, wait=MS, run=3 * MS, failed=True, payload="KeyError: 'account'")
    for kind, job in ((Kind.JOB_STARTED, 7), (Kind.JOB_PAUSED, 5), (Kind.JOB_RESUMED, 5)):
        scene.wait(MS).record(kind, subject=FEED, job=job, worker=0)
    scene.record(Kind.JOB_CANCELLED, job=6, worker=0)
    scene.record(Kind.JOB_ENDED, job=6, worker=0, status=Status.CANCELLED)
    scene.wait(MS).record(Kind.WAITING, subject=LATER, worker=1)
    scene.wait(MS).handle(1, LATER, wait=MS, run=MS)
    scene.wait(MS).record(Kind.JOB_PAUSED, job=5, worker=0)
    scene.record(Kind.DROPPED, subject=BOOK, status=Status.CANCELLED, worker=2)
    scene.wait(30 * MS)
    scene.handle(2, BANK, wait=MS, run=25 * MS, retried=True, payload="TimeoutError: no answer")
    scene.record(Kind.WAITING, subject=BANK, worker=2)
    scene.wait(MS).handle(LOOP, MAIL, wait=MS, run=60 * MS, payload="{to: 'b@example.org'}")
