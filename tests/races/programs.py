"""Small random programs, for comparing searches: what each handler does is drawn by chance."""

from __future__ import annotations

import math
import random
import threading
import time
from typing import Any

from routilux import Flow, Routine

KEYS = ("x", "x", "x", "y")
LOCKS = ("a", "b")

#: What a handler may do: a word and its arguments.
Act = tuple[Any, ...]


def draw(seed: int, most: int) -> tuple[list[list[Act]], int]:
    """What each activation does, and how many workers there are.

    Args:
        seed: of the program.
        most: about how many schedules it may have.
    """
    rng = random.Random(seed)
    while True:
        count = rng.choice((2, 2, 3))
        bodies = [[_act(rng) for _ in range(rng.randint(1, 3))] for _ in range(count)]
        lengths = [1 + sum(map(_steps, body)) for body in bodies]
        schedules = math.factorial(sum(lengths)) // math.prod(map(math.factorial, lengths))
        if most // 8 <= schedules <= most:
            return bodies, rng.choice((1, 2, 2, 2, 3))


def _act(rng: random.Random, depth: int = 0) -> Act:
    kinds = ["read", "write", "write", "add", "raise_if", "list", "walk", "split", "sleep", "all"]
    if depth == 0:
        kinds += [
            "lock",
            "lock",
            "lock",
            "emit",
            "try",
            "later",
            "timed",
            "event",
            "slot",
            "cancel",
        ]
    kind = rng.choice(kinds)
    if kind == "lock":
        inner = [_act(rng, 1) for _ in range(rng.randint(1, 2))]
        if rng.random() < 0.3:
            inner = [("lock", rng.choice(LOCKS), inner[:1])]
        return (kind, rng.choice(LOCKS), inner)
    if kind in ("try", "timed"):
        return (kind, rng.choice(LOCKS), _act(rng, 1))
    if kind in ("emit", "later"):
        return (kind, [_act(rng, 1)])
    if kind == "sleep":
        return (kind, rng.choice((0.1, 0.2)))
    return (kind, rng.choice(KEYS))


def _steps(act: Act) -> int:
    """How many steps it takes, about."""
    kind, arg, *rest = act
    if kind == "lock":
        return 1 + sum(map(_steps, rest[0]))
    if kind in ("try", "timed"):
        return 1 + _steps(rest[0])
    if kind in ("emit", "later"):
        return 3 + sum(map(_steps, arg))
    return {"add": 2, "raise_if": 2, "split": 2, "walk": 2, "event": 3, "slot": 2}.get(kind, 1)


class Starter(Routine):
    """Starts all handlers at once, or (``apart``) one after the other."""

    def __init__(self) -> None:
        super().__init__()
        self.define_slot("trigger", self.go)
        for name in "abc":
            self.define_event(name)
        self.define_event("all")

    def go(self, apart: bool = False, count: int = 0) -> None:
        for name in "abc"[:count] if apart else ["all"]:
            self.emit(name)


class Doer(Routine):
    """Does what it is told to."""

    def __init__(self, bodies: list[list[Act]]) -> None:
        super().__init__()
        for who, body in zip("abc", bodies, strict=False):
            self.define_slot(who, lambda who=who, body=body, **data: self.go(who, body))
        self.define_slot("more", self.go)
        self.define_event("more")
        self.define_slot("kept", self.keep, merge_strategy="append")
        self.define_event("kept")
        self.a, self.b = threading.RLock(), threading.RLock()
        self.ready = threading.Event()
        self.items: list[int] = []
        self.x = self.y = 0
        self.counts = {"x": 0, "y": 0}

    def go(self, who: str, body: list[Act]) -> None:
        for index, act in enumerate(body):
            self.do(f"{who}{index}", act)

    def lock(self, name: str) -> Any:
        return self.a if name == "a" else self.b

    def keep(self, **lists: Any) -> None:
        SEEN["kept" + str(len(lists["who"]))] = list(lists["who"])

    def do(self, who: str, act: Act) -> None:
        kind, arg, *rest = act
        seen: dict[str, Any] = SEEN
        if kind == "read":
            seen[who] = self.get_stat(arg, 0)
        elif kind == "write":
            self.set_stat(arg, who)
        elif kind == "add":
            self.x += 1
            seen[who] = self.x
        elif kind == "raise_if":
            if self.y:
                raise ValueError(who)
            self.y = 1
        elif kind == "list":
            self.items.append(len(who))
        elif kind == "walk":
            seen[who] = [item for item in self.items]  # noqa: C416 - step by step
        elif kind == "split":
            self.counts[arg] += 1
        elif kind == "sleep":
            time.sleep(arg)
            seen[who] = round(time.monotonic(), 2)
        elif kind == "all":
            seen[who] = sorted(item for item in self.stats().items() if item[0] in KEYS)
        elif kind == "event":
            seen[who] = self.ready.is_set()
            self.ready.set()
        else:
            self.do_more(who, kind, arg, rest)

    def do_more(self, who: str, kind: str, arg: Any, rest: list[Any]) -> None:
        if kind == "lock":
            with self.lock(arg):
                self.go(who, rest[0])
        elif kind == "try" and (got := self.lock(arg).acquire(blocking=False)):
            SEEN[who] = got
            self.do(who + "t", rest[0])
            self.lock(arg).release()
        elif kind == "timed" and self.lock(arg).acquire(timeout=0.15):
            self.do(who + "t", rest[0])
            self.lock(arg).release()
        elif kind == "emit":
            self.emit("more", who=who + "e", body=arg)
        elif kind == "slot":
            self.emit("kept", who=who)
        elif kind == "cancel":
            context = self.get_execution_context()
            context.flow.cancel(context.job_state)  # type: ignore[union-attr]
            SEEN[who] = self.cancelled
        elif kind == "later":
            self.call_later(0.1, self.go, who + "l", arg)


#: What handlers have seen, by who: of the run that is on.
SEEN: dict[str, Any] = {}


class Program:
    """One of them, for `explore`."""

    def __init__(self, seed: int, most: int) -> None:
        self.bodies, self.workers = draw(seed, most)
        self.apart = seed % 3 == 0  # then the order of the emits is a choice, if workers are few

    def build(self) -> Flow:
        SEEN.clear()
        flow = Flow("program", execution_strategy="concurrent", max_workers=self.workers)
        flow.add_routine(Starter(), "starter")
        flow.add_routine(Doer(self.bodies), "doer")
        flow.connect("doer", "more", "doer", "more")
        flow.connect("doer", "kept", "doer", "kept")
        for who in "abc"[: len(self.bodies)]:
            flow.connect("starter", who, "doer", who)
            flow.connect("starter", "all", "doer", who)
        return flow

    def drive(self, flow: Flow) -> None:
        flow.execute("starter", {"apart": self.apart, "count": len(self.bodies)})
        flow.wait_for_completion()

    def seen(self) -> Any:
        return tuple(sorted((who, str(value)) for who, value in SEEN.items()))
