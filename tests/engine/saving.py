"""Flows of importable classes, and jobs of them that were paused on their way."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from routilux import Flow, JobState, Routine
from tests.waiting import SECONDS, wait_until


class Source(Routine):
    def __init__(self) -> None:
        super().__init__()
        self.define_slot("trigger", handler=self.start)
        self.define_event("item", ["n"])

    def start(self, count: int = 0, **kwargs: Any) -> None:
        for n in range(count):
            self.emit("item", n=n)


class Worker(Routine):
    """Keeps and counts what it gets, and pauses its job at the item ``pause_at``."""

    def __init__(self) -> None:
        super().__init__()
        self.set_config(pause_at=-1)
        self.define_slot("input", handler=self.work, merge_strategy="append")
        self.define_event("done", ["n"])

    def work(self, n: int = 0, **kwargs: Any) -> None:
        self.increment_stat("handled")
        context = self.get_execution_context()
        if n == self.get_config("pause_at") and context is not None:
            context.flow.pause(context.job_state, "half-way", {"n": n})
        self.emit("done", n=n)


class Sink(Routine):
    def __init__(self) -> None:
        super().__init__()
        self.define_slot("input", handler=self.take, merge_strategy=self.add)

    @staticmethod
    def add(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
        return {"n": [*old.get("n", []), new["n"]]}

    def take(self, n: list[int]) -> None:
        self.set_stat("latest", n[-1])


def pipeline(strategy: str = "concurrent", **kwargs: Any) -> Flow:
    flow = Flow("pipeline", strategy, **kwargs)
    flow.add_routine(Source(), "source")
    flow.add_routine(Worker(), "worker")
    flow.add_routine(Sink(), "sink")
    flow.connect("source", "item", "worker", "input")
    flow.connect("worker", "done", "sink", "input")
    return flow


@contextmanager
def paused(flow: Flow, count: int = 6, pause_at: int = 2) -> Iterator[JobState]:
    """A job of a concurrent pipeline that has paused; it is cancelled at the end."""
    flow.routines["worker"].set_config(pause_at=pause_at)
    job = flow.execute("source", {"count": count})
    try:
        wait_for_pause(flow, job)
        yield job
    finally:
        flow.cancel(job)
        assert flow.shutdown(timeout=SECONDS)


def wait_for_pause(flow: Flow, job: JobState) -> None:
    """Wait until a job has paused by itself and nothing of it runs any more."""
    wait_until(lambda: job.status == "paused", f"{job!r} to pause")
    assert flow.pause(job, "to be saved", timeout=SECONDS)
