"""One ready routine in a flow, with something behind it that notes what comes out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from routilux import Flow, JobState, ManualClock, Routine
from tests.engine.building import idle
from tests.waiting import wait_until


class Sink(Routine):
    """Notes every message of every event, in the order of arrival."""

    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()
        self.got: list[tuple[str, dict[str, Any]]] = []

    def listen(self, event: str) -> None:
        self.define_slot(event, lambda **data: self.note(event, data))

    def note(self, event: str, data: dict[str, Any]) -> None:
        with self.lock:
            self.got.append((event, data))


class Driver:
    """Sends messages to the routine ``it`` of a flow, and shows what came out."""

    def __init__(self, routine: Routine, flow: Flow, clock: ManualClock | None = None) -> None:
        self.routine = routine
        self.flow = flow
        self.clock = clock
        self.jobs: list[JobState] = []
        self.sink = Sink()
        flow.add_routine(routine, "it")
        flow.add_routine(self.sink, "sink")
        for event in routine._events:
            self.listen(event)

    def listen(self, event: str) -> None:
        self.sink.listen(event)
        self.flow.connect("it", event, "sink", event)

    def send(self, data: Any = None, *, slot: str = "input") -> JobState:
        """Send a message whose ``data`` this is. With a manual clock: and wait till it is done."""
        return self.send_raw({"data": data}, slot=slot)

    def send_raw(self, message: Mapping[str, Any], *, slot: str = "input") -> JobState:
        job = self.flow.execute("it", message, entry_slot=slot)
        self.jobs.append(job)
        if self.clock is not None:
            self.settle()
        return job

    def settle(self) -> None:
        """Wait until nothing is left but what waits for the clock."""
        wait_until(lambda: all(map(_waits, self.jobs)), "all but the timers")

    def advance(self, seconds: float) -> None:
        assert self.clock is not None
        self.clock.advance(seconds)
        self.settle()

    @property
    def got(self) -> list[tuple[str, dict[str, Any]]]:
        """All messages so far: (event, data)."""
        with self.sink.lock:
            return list(self.sink.got)

    def values(self, event: str = "output", key: str = "data") -> list[Any]:
        """One value of each message of an event."""
        return [data[key] for name, data in self.got if name == event]


def _waits(job: JobState) -> bool:
    waiting = job.retries_waiting  # read first: a handler that sets a timer holds a token as well
    return job.done or len(job.tokens) == waiting


def sequential(routine: Routine, **config: Any) -> Driver:
    """The routine in a sequential flow: `Driver.send` returns when all is done."""
    routine.set_config(**config)
    return Driver(routine, Flow("f"))


@contextmanager
def timed(routine: Routine, **config: Any) -> Iterator[Driver]:
    """The routine in a flow with one worker and a clock that is moved by hand."""
    routine.set_config(**config)
    clock = ManualClock()
    flow = Flow("f", "concurrent", 1, clock=clock)
    try:
        yield Driver(routine, flow, clock)
    finally:
        flow.shutdown(wait=False)


@contextmanager
def threaded(routine: Routine, workers: int = 8, **config: Any) -> Iterator[Driver]:
    """The routine in a flow with many workers and the real clock; at the end all is done."""
    routine.set_config(**config)
    flow = Flow("f", "concurrent", workers)
    try:
        yield Driver(routine, flow)
        idle(flow)
    finally:
        assert flow.shutdown(timeout=10)


class LateTimers:
    """In place of `Routine.call_later`: calls that come when the test says, and that cannot be
    taken back, as if each had begun just before.
    """

    def __init__(self, routine: Routine) -> None:
        self.calls: list[Callable[[], object]] = []
        routine.call_later = self.call_later  # type: ignore[method-assign]

    def call_later(self, seconds: float, function: Any, /, *args: Any) -> Any:
        self.calls.append(partial(function, *args))
        return self

    def cancel(self) -> bool:
        return False
