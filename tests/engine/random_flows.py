"""Random flows that know exactly what has to happen in them."""

import random
import threading
from collections import Counter, defaultdict
from typing import Any

from routilux import Flow, JobState, Routine
from tests.engine.building import node
from tests.waiting import SECONDS

EVENTS = 3


class BadError(Exception):
    """What a handler raises that was told to."""


class RandomFlow:
    """A random graph whose handlers emit by a rule, so that every delivery can be foretold.

    A message has a ``path`` (which emits led to it), a ``ttl`` and the ``tag`` of its job. Each
    handler writes down that it ran and how many deliveries it queued, so that for every job, also
    for one that failed in the middle: entry + deliveries queued = handlers run + dropped.

    Attributes:
        ran: by tag, (routine, path) of each handler call.
        queued: by tag, deliveries queued by each handler call.
        early: handlers that ran in a job after somebody had seen it as ended.
    """

    def __init__(self, seed: int, strategy: str, max_workers: int, size: int = 100) -> None:
        self.random = random.Random(seed)
        self.flow = Flow(f"random{seed}", strategy, max_workers)
        self.count = self.random.randint(2, 8)
        self.targets: dict[tuple[int, int], list[int]] = {}
        self.ran: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
        self.queued: defaultdict[int, list[int]] = defaultdict(list)
        self.over: set[int] = set()
        self.early: list[int] = []
        self._build()
        self.ttl, self.expected = self._fitting(size)

    def _build(self) -> None:
        flow = self.flow
        for i in range(self.count):
            events = tuple(f"out{j}" for j in range(EVENTS))
            flow.add_routine(node(self._handler(i), events=events), f"r{i}")
        sink = Routine()
        sink.define_slot("trigger", self._collect, merge_strategy="append")
        flow.add_routine(sink, "sink")
        for i in range(self.count):
            for j in range(EVENTS):
                targets = self.random.choices(range(self.count), k=self.random.randint(j == 1, 2))
                self.targets[i, j] = targets
                for target in targets:
                    flow.connect(f"r{i}", f"out{j}", f"r{target}", "trigger")
        flow.connect("r0", "out0", "sink", "trigger", {"path": "a", "ttl": "b"})

    def _children(self, i: int, path: int) -> list[tuple[int, int]]:
        """The events that a handler emits and the path that each gets."""
        return [(j, path * 8 + j + 1) for j in range(EVENTS) if (path * 7 + j * 5 + i) % 4]

    def _fitting(self, size: int) -> tuple[int, Counter[tuple[int, int]]]:
        """The ttl, and all that has to run, for a job of at least that size, if there is one."""
        for ttl in range(12):
            expected = self.foretell(0, 1, ttl)
            if sum(expected.values()) >= size:
                break
        return ttl, expected

    def foretell(self, i: int, path: int, ttl: int) -> Counter[tuple[int, int]]:
        """Every handler call that one message leads to; the sink is routine -1."""
        found: Counter[tuple[int, int]] = Counter()
        todo = [(i, path, ttl)]
        while todo:
            i, path, ttl = todo.pop()
            found[i, path] += 1
            for j, child in self._children(i, path) if ttl else ():
                todo += [(target, child, ttl - 1) for target in self.targets[i, j]]
                if (i, j) == (0, 0):
                    found[-1, child] += 1
        return found

    def _handler(self, i: int) -> Any:
        def handle(routine: Routine, path: int, ttl: int, tag: int, bad: int = 0) -> None:
            if tag in self.over:
                self.early.append(tag)
            self.ran[tag].append((i, path))
            made = 0
            try:
                for j, child in self._children(i, path) if ttl else ():
                    made += len(self.targets[i, j]) + ((i, j) == (0, 0))
                    routine.emit(f"out{j}", path=child, ttl=ttl - 1, tag=tag, bad=bad)
            finally:
                self.queued[tag].append(made)
            if path == bad:
                raise BadError(path)

        return handle

    def _collect(self, a: int, b: int, tag: int, bad: int = 0) -> None:
        self.ran[tag].append((-1, a))

    def execute(self, tag: int, bad: int = 0) -> JobState:
        return self.flow.execute("r0", {"path": 1, "ttl": self.ttl, "tag": tag, "bad": bad})

    def emit(self, tag: int) -> None:
        """Emit what ``r0`` would, from a thread that is none of the flow's."""
        routine = self.flow.routines["r0"]
        self.queued[tag].append(len(self.targets[0, 0]) + 1)
        routine.emit("out0", path=9, ttl=self.ttl, tag=tag)

    def some_path(self, random: random.Random) -> int:
        """A path at which a job can fail."""
        return random.choice([path for i, path in self.expected if i >= 0])

    def check(self, tag: int, job: JobState, bad: int = 0) -> None:
        """A job that was seen as ended has done all it had to, each delivery once."""
        assert job.done
        self.over.add(tag)
        ran = Counter(self.ran[tag])
        assert 1 + sum(self.queued[tag]) == ran.total() + job.dropped
        assert not job.tokens
        if bad:
            assert job.status == "failed"
            assert isinstance(job.error, BadError)
            assert ran <= self.expected
        else:
            assert job.status == "completed"
            assert ran == self.expected

    def check_emitted(self, tag: int, times: int) -> None:
        """All that the foreign emits with a tag had to lead to has happened."""
        expected: Counter[tuple[int, int]] = Counter({(-1, 9): times})
        for target in self.targets[0, 0]:
            for key, count in self.foretell(target, 9, self.ttl).items():
                expected[key] += count * times
        assert Counter(self.ran[tag]) == expected

    def check_sink(self) -> None:
        """The lists of the appending slot are aligned and complete."""
        slot = self.flow.routines["sink"].get_slot("trigger")
        assert slot is not None
        data = slot.data
        calls = [a for found in self.ran.values() for i, a in found if i == -1]
        assert Counter(data.get("a", [])) == Counter(calls)
        assert len({len(values) for values in data.values()}) <= 1
        pairs = zip(data.get("a", []), data.get("tag", []), strict=True)
        assert Counter(pairs) == Counter(
            (a, tag) for tag, found in self.ran.items() for i, a in found if i == -1
        )

    def drive(self, number: int, jobs: int, failing: float = 0.1) -> int:
        """Execute in this thread; check some jobs at once, the others later. Handler calls."""
        rng = random.Random(number)
        later: list[tuple[int, JobState, int]] = []
        for i in range(jobs):
            tag = number * 1_000_000 + i
            bad = self.some_path(rng) if rng.random() < failing else 0
            job = self.execute(tag, bad)
            if rng.random() < 0.3:
                assert job.wait(SECONDS), f"{job!r} hangs in {threading.current_thread()}"
                self.check(tag, job, bad)
            else:
                later.append((tag, job, bad))
        for tag, job, bad in later:
            assert job.wait(SECONDS), f"{job!r} hangs in {threading.current_thread()}"
            self.check(tag, job, bad)
        return sum(len(self.ran[number * 1_000_000 + i]) for i in range(jobs))
