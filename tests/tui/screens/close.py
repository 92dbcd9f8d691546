"""The order pipeline of `scene` from close by: statistics with writers, jobs, errors, tries."""

from __future__ import annotations

from routilux.records import Kind, Status
from tests.tui.building import MS, SECOND, World
from tests.tui.screens.scene import FETCH_EU, FETCH_US, world
from tui.session.messages import Answer, JobInfo, LaterInfo, Snapshot, StackLine

ORDERS, HITS, ROWS = 1, 2, 3  # numbers of statistics
ENRICH = (1, 3)  # the routine that most is told of
RUNNING = -77  # an activation of it that has not ended

_TRACEBACK = """Traceback (most recent call last):
  File "/home/me/shop/orders.py", line 84, in pay
    answer = self.bank.ask(order)
             ^^^^^^^^^^^^^^^^^^^^
  File "/home/me/shop/bank.py", line 31, in ask
    raise TimeoutError(f"no answer about order {{order}}")
TimeoutError: no answer about order {order}
raised in flow 'orders', routine 'retry', slot 'order', job {job}
"""
_KEY_ERROR = """Traceback (most recent call last):
  File "/home/me/shop/orders.py", line 112, in store
    self.rows[order["id"]] = order
              ~~~~~^^^^^^
KeyError: 'id'
"""


def close_by(seconds: int = 70) -> list[Snapshot]:
    """Two looks a second; more than a minute, so that the three windows differ."""
    scene = world()
    scene.stat_names = (
        (ORDERS, 1, "fetch_us", "orders"),
        (HITS, 1, "enrich", "cache_hits"),
        (ROWS, 1, "audit", "rows"),
    )
    scene.jobs = [3, 12, 1]
    scene.standing = {"paused": 1, "cancelled": 1, "retries": 2, "timers": 1}
    scene.record(Kind.JOB_STARTED, subject=FETCH_EU, job=1, worker=0)
    scene.record(Kind.JOB_STARTED, subject=FETCH_US, job=2, worker=0)
    scene.count(1, FETCH_EU, queued=1, started=1).count(2, FETCH_US, queued=1, started=1)
    found = [scene.snapshot()]
    for look in range(1, seconds * 2):
        _look(scene, look)
        found.append(scene.snapshot())
    return found


def _look(scene: World, look: int) -> None:
    slow = 4 if look < 20 else 1  # the first ten seconds were worse
    for step in range(8):
        scene.wait(50 * MS)
        scene.handle(3, 1, wait=400_000 * (step + 1), run=120_000 * (step % 3 + 1), payload="{eu}")
        scene.handle(4, 2, wait=300_000, run=150_000, payload="{us}")
        scene.handle(3, 3, wait=14 * MS * (step % 5 + 1), run=900_000 * slow * (step % 4 + 1),
                     payload=f"{{order: {look}{step}, country: 'EU'}}")  # fmt: skip
        if step % 3 == 0:
            scene.record(Kind.STAT, subject=HITS, worker=3, cause=scene.last, value=look * 3)
        scene.handle(4, 6, wait=90_000, run=300_000).handle(4, 7, wait=70_000, run=40_000)
    scene.record(Kind.STAT, subject=ROWS, worker=4, cause=0, value=look)
    scene.wait(100 * MS)
    if look % 7 == 3:
        scene.handle(4, 4, wait=MS, run=20 * MS, retried=True,
                     payload=_TRACEBACK.format(order=look, job=2))  # fmt: skip
    if look % 31 == 30:
        scene.handle(4, 4, wait=MS, run=20 * MS, failed=True,
                     payload=_TRACEBACK.format(order=look, job=2))  # fmt: skip
        scene.handle(4, 6, wait=MS, run=MS, failed=True, payload=_KEY_ERROR)
    if look == 50:
        scene.record(Kind.JOB_STARTED, subject=FETCH_EU, job=3, worker=0).wait(30 * MS)
        scene.record(Kind.JOB_ENDED, job=3, worker=0, status=Status.FAILED)
    scene.count(3, 3, queued=2)
    scene.running = {
        1: (FETCH_EU, scene.now - 30 * SECOND, 11),
        3: (3, scene.now - 12 * MS, RUNNING),
    }
    scene.stats = {
        (1, 2): {"orders": look * 12, "mode": "'strict'"},
        (1, 3): {"cache_hits": look * 3, "hit_ratio": round(0.9 + (look % 10) / 200, 3)},
        (1, 6): {"rows": look, "balance": (look % 40) - 20},
    }
    scene.told_jobs = (
        _job(1, "running", FETCH_EU, sent=600 + look * 32, left=41),
        _job(2, "paused", FETCH_US, sent=96, left=4, later=2, errors=2, retried=20),
        _job(4, "running", FETCH_EU, sent=-1, left=3),
        _job(7, "completed", FETCH_EU, sent=9, left=0, ended=True),
        _job(8, "cancelled", FETCH_US, sent=40, left=0, dropped=12, ended=True),
        _job(9, "failed", FETCH_US, sent=5, left=0, errors=1, ended=True, dropped=2,
             error="KeyError: 'id'"),
    )  # fmt: skip
    scene.later = (
        LaterInfo(1, 2, 4, -5, 340 * MS, 2),
        LaterInfo(1, 2, 5, -6, 4 * SECOND, 3),
        LaterInfo(1, 4, 7, -7, 90 * SECOND, 0),
    )
    scene.cost += 10 * MS


def _job(number: int, status: str, entry: int, **more: object) -> JobInfo:
    known: dict[str, object] = {
        "later": 0, "dropped": 0, "errors": 0, "retried": 0, "ended": False
    }  # fmt: skip
    age = number * 3 * SECOND
    return JobInfo(number=number, flow=1, status=status, entry=entry, age_ns=age, **known | more)  # type: ignore[arg-type]


def stack() -> Answer:
    """What the engine says of `RUNNING`."""
    frames = (
        StackLine("/home/me/shop/orders.py", 61, "Enrich.enrich", "found = self.cache.look(order)"),
        StackLine("/home/me/shop/cache.py", 19, "Cache.look", "with self.lock:"),
        StackLine("/usr/lib/python3.11/threading.py", 327, "Condition.wait", "waiter.acquire()"),
    )
    return Answer(1, "", stack=frames, thread="routilux-orders-3", began_ns=1_069 * SECOND)
