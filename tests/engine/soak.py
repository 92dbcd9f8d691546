"""Flows in which everything happens at once, and books that must balance to the last delivery.

For each delivery: starts of its handler, and one if it was dropped, are one more than the retries
that were scheduled for it. Summed up, with ``sent`` counted where the emits are:

    starts + dropped = sent + retries
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from routilux import (
    ErrorHandler,
    Flow,
    InvalidValueError,
    JobState,
    Limit,
    Routine,
    SlotFullError,
)  # fmt: skip
from tests.waiting import SECONDS

ROUTINES = (3, 9)
FANOUT = 2


class FlakyError(Exception):
    """What a handler raises now and then."""


@dataclass
class Books:
    """What a flow was given and what it did. Appending to a list is one step."""

    sent: list[int] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)  # message ids, one entry per start
    raised: list[int] = field(default_factory=list)
    jobs: list[JobState] = field(default_factory=list)
    retries: int = 0
    statuses: Counter[str] = field(default_factory=Counter)


class Worker(Routine):
    """Passes messages on until their hops are used up, and fails now and then."""

    def __init__(self, books: Books, rng: random.Random, ids: Iterator[int]) -> None:
        super().__init__()
        self._books, self._ids = books, ids
        self._fail = rng.choice([0.0, 0.0, 0.05])
        kind = rng.random()
        handler: Any = self.handle_async if kind < 0.15 else self.handle
        options: dict[str, Any] = {}
        if kind > 0.7:
            options["max_queue"] = rng.randint(1, 30)
            options["overflow"] = rng.choice(["block", "drop_oldest", "drop_newest", "error"])
        if 0.5 < kind < 0.8:
            options["max_concurrency"] = rng.randint(1, 2)
        self.define_slot("trigger", handler, **options)
        self.define_event("out")
        strategy = rng.choice(["stop", "continue", "skip", "retry", "retry"])
        self.set_error_handler(
            ErrorHandler(strategy, max_retries=3, retry_delay=rng.choice([0.0, 0.002]))
        )

    def handle(self, message: int, hops: int, seed: int) -> None:
        self._begin(message, seed)
        self._pass_on(hops, seed)

    async def handle_async(self, message: int, hops: int, seed: int) -> None:
        self._begin(message, seed)
        await asyncio.sleep(0)
        self._pass_on(hops, seed)

    def _begin(self, message: int, seed: int) -> None:
        self._books.starts.append(message)
        self.increment_stat("starts")
        if random.Random(seed + len(self._books.starts)).random() < self._fail:
            self._books.raised.append(message)
            raise FlakyError(f"message {message}")

    def _pass_on(self, hops: int, seed: int) -> None:
        if hops:
            for child in range(1 + (seed + hops) % FANOUT):
                send(self, self._books, next(self._ids), hops - 1, seed * 31 + child)


def send(
    routine: Routine, books: Books, message: int, hops: int, seed: int, job: JobState | None = None
) -> None:
    """Emit, and count the deliveries that this makes."""
    event = routine.get_event("out")
    assert event is not None
    try:
        routine.emit("out", job=job, message=message, hops=hops, seed=seed)
    except SlotFullError:
        return
    books.sent.append(len(event.edges))


def build(seed: int, strategy: str, workers: int) -> tuple[Flow, Books, Iterator[int]]:
    """A random graph."""
    rng = random.Random(seed)
    books, ids = Books(), count()
    flow = Flow(f"soak{seed}", strategy, workers, history=rng.choice([0, 50, 10_000]))
    names = [
        flow.add_routine(Worker(books, rng, ids), f"r{i}") for i in range(rng.randint(*ROUTINES))
    ]
    shared = Limit(2, "shared")
    for name in names:
        for target in rng.sample(names, k=min(len(names), rng.randint(0, FANOUT))):
            flow.connect(name, "out", target, "trigger")
        mailbox = flow.routines[name]._slots["trigger"].mailbox
        if mailbox is not None and mailbox.limit is None and rng.random() < 0.3:
            mailbox.limit = shared
    return flow, books, ids


def run(seed: int, strategy: str, workers: int, jobs: int, hops: int = 5) -> Books:
    """Run random jobs with random interference, then balance the books.

    Raises:
        AssertionError: something was lost, done twice, or never ended.
    """
    flow, books, ids = build(seed, strategy, workers)
    rng = random.Random(seed)
    names = list(flow.routines)
    with interference(flow, books, ids, rng):
        for _ in range(jobs):
            data = {"message": next(ids), "hops": rng.randint(0, hops), "seed": rng.randint(0, 99)}
            books.sent.append(1)
            books.jobs.append(flow.execute(rng.choice(names), data))
    for job in books.jobs:
        if job.status == "paused":
            flow.resume(job)
    assert flow.wait_for_completion(SECONDS * 3), f"{flow!r} did not end"
    balance(flow, books)
    assert flow.shutdown(timeout=SECONDS)
    return books


@contextmanager
def interference(
    flow: Flow, books: Books, ids: Iterator[int], rng: random.Random
) -> Iterator[None]:
    """A thread that pauses, resumes, cancels and emits from outside until the block is over."""
    over = threading.Event()
    wild = random.Random(rng.random())

    def disturb() -> None:
        while not over.wait(0.001):
            for job in books.jobs[-3:]:
                choice = wild.random()
                if choice < 0.2:
                    pause_and_resume(flow, job)
                elif choice < 0.3:
                    flow.cancel(job)
                elif choice < 0.5:
                    routine = flow.routines[wild.choice(list(flow.routines))]
                    send(routine, books, next(ids), 2, wild.randint(0, 99))

    def guarded() -> None:
        try:
            disturb()
        except BaseException as error:
            failed.append(error)
            raise

    failed: list[BaseException] = []
    thread = threading.Thread(target=guarded, name="disturbing")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(SECONDS)
        assert not thread.is_alive()
        assert not failed, failed


def pause_and_resume(flow: Flow, job: JobState) -> None:
    """Do it, unless somebody has cancelled the job."""
    try:
        flow.pause(job, timeout=0.0)
        flow.resume(job)
    except InvalidValueError:
        assert job.status == "cancelled"


def balance(flow: Flow, books: Books) -> None:
    """Check that every delivery ran, or was dropped and counted, and nothing ran twice."""
    scheduler = flow._scheduler
    ambient = scheduler.ambient
    everyone = [*books.jobs, *([ambient] if ambient else [])]
    for job in everyone:
        if job.notes is not None:
            books.retries += sum(
                n for (_, name), n in job.notes.outcomes.items() if name == "retry"
            )
    dropped = sum(job.dropped for job in everyone)
    assert dropped == scheduler.dropped
    # A job that was refused at its door has one delivery that was neither queued nor dropped.
    refused = sum(isinstance(job.error, SlotFullError) for job in books.jobs)
    sent = sum(books.sent) - refused
    assert len(books.starts) + dropped == sent + books.retries, (
        f"{len(books.starts)} starts + {dropped} dropped != {sent} sent + {books.retries} retries"
    )
    assert sum(r.get_stat("starts", 0) for r in flow.routines.values()) == len(books.starts)
    for job in books.jobs:
        assert job.done, job
        assert not job.tokens, job
        books.statuses[job.status] += 1
    assert set(books.statuses) <= {"completed", "failed", "cancelled"}
    # A job that has ended may be marked as cancelled afterwards, so only the sum is certain.
    ended = scheduler.completed + scheduler.failed + scheduler.cancelled
    assert ended == len(books.jobs)
