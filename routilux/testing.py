"""For tests of flows: a clock that the test moves, a run to the end of everything, a recorder, and
the search for races (`routilux.races`).

Works with every test runner. With pytest, ``from routilux.testing import manual_clock, make_flow``
in a ``conftest.py`` gives two fixtures; pytest is imported only if it is there.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from .bus import Level, Subscription
from .clock import ManualClock
from .flow import Flow
from .races import explore, replay
from .records import Kind, Record

if TYPE_CHECKING:
    from .routine import Routine

__all__ = [
    "ManualClock",
    "Recorder",
    "collect",
    "explore",
    "make_flow",
    "manual_clock",
    "replay",
    "run_until_idle",
]

#: How long `run_until_idle` waits for handlers, in seconds of real time.
SECONDS = 10.0
LOOK_SECONDS = 0.002


def run_until_idle(flow: Flow, timeout: float = SECONDS, horizon: float = 86_400.0) -> float:
    """Run a flow until nothing of it is queued, running or waiting for its time.

    With a `ManualClock` it moves the clock to the next alarm whenever all that is left waits for
    one, so retries and timers take no time.

    Args:
        flow: the flow.
        timeout: seconds of real time; a handler that hangs fails the test after that.
        horizon: seconds that the clock is moved at most, against timers that set the next one.

    Returns:
        By how many seconds the clock was moved.

    Raises:
        AssertionError: it was not idle in time, or would not be before the horizon; says what is
            left.
    """
    clock = flow._runtime.clock
    began = clock.now_ns()
    deadline = time.monotonic() + timeout
    scheduler = flow._scheduler
    while _wait_until_it_rests(flow, deadline):
        if not scheduler.jobs:
            return (clock.now_ns() - began) / 1e9
        due = clock.pending()
        if not isinstance(clock, ManualClock):
            scheduler.wait(lambda: not scheduler.jobs, time.monotonic() + LOOK_SECONDS)
        elif due is None or due - began > horizon * 1e9:
            break
        else:
            clock.advance_to(due)
    raise AssertionError(f"{flow!r} is not idle: {_left(flow)}")


def _wait_until_it_rests(flow: Flow, deadline: float) -> bool:
    # Nobody tells when the last handler ends before all that is left waits: so look now and then.
    while time.monotonic() < deadline:
        if flow._scheduler.wait(lambda: _rests(flow), time.monotonic() + LOOK_SECONDS):
            return True
    return False


def _rests(flow: Flow) -> bool:
    """Whether all that is open waits for its time."""
    jobs = list(flow._scheduler.jobs.values())
    return all(job.tokens and len(job.tokens) == job.retries_waiting for job in jobs)


def _left(flow: Flow) -> str:
    jobs = list(flow._scheduler.jobs.values())
    waiting = sum(job.retries_waiting for job in jobs)
    queued = sum(len(job.tokens) for job in jobs) - waiting
    paused = sum(job.status == "paused" for job in jobs)
    return (
        f"{len(jobs)} open jobs ({paused} paused), {queued} deliveries queued or running, "
        f"{waiting} waiting for their time"
    )


class Recorder:
    """Records what happens in a flow, for assertions. Use it as a context manager.

    Args:
        flow: the flow to watch, from now on.
    """

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._subscription: Subscription = flow.bus.subscribe(Level.TRACE)
        self._records: list[Record] = []

    @property
    def records(self) -> list[Record]:
        """Everything so far, in order of time.

        Raises:
            AssertionError: more happened between two looks than the bus keeps, so some is lost.
        """
        self._records.extend(self._subscription.read())
        if self._subscription.lost:
            raise AssertionError(
                f"{self._subscription.lost} records were lost; look at Recorder.records more often"
            )
        return self._records

    def count(self, kind: Kind) -> int:
        """How many records of a kind there are."""
        return sum(record.kind == kind for record in self.records)

    def activations(self) -> Counter[tuple[str, str]]:
        """How many handler calls have ended, by routine id and slot name."""
        slots = self._slots()
        ended = (r.subject for r in self.records if r.kind == Kind.ACTIVATION)
        return Counter(slots.get(subject, ("?", "?")) for subject in ended)

    def path(self) -> list[str]:
        """The handler calls in the order in which they ended, as ``routine.slot``."""
        slots = self._slots()
        ended = [r.subject for r in self.records if r.kind == Kind.ACTIVATION]
        return [".".join(slots.get(subject, ("?", "?"))) for subject in ended]

    def _slots(self) -> dict[int, tuple[str, str]]:
        found: dict[int, tuple[str, str]] = {}
        for routine_id, routine in self._flow.routines.items():
            for name, slot in routine._slots.items():
                edges = [*slot.connections, *([slot._entry] if slot._entry else [])]
                found.update((edge.number, (routine_id, name)) for edge in edges)
            later = routine._later_slot
            if later is not None:
                found[later.entry.number] = (routine_id, later.name)
        return found

    def close(self) -> None:
        """Stop recording. Repeatable."""
        self._subscription.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def collect(flow: Flow, routine_id: str, event_name: str) -> list[dict[str, Any]]:
    """A list that grows by what a routine emits on an event, from now on.

    A routine that does nothing else is connected to the event; it is in the flow under a name
    that begins with ``(collect``.

    Raises:
        UnknownNameError: no such routine or event.
    """
    from .routine import Routine, event_of

    event_of(flow._routine(routine_id), event_name)
    found: list[dict[str, Any]] = []

    class Collector(Routine):
        """Keeps what it gets."""

        def __init__(self) -> None:
            super().__init__()
            self.define_slot("input", lambda **data: found.append(data))

    name = flow.add_routine(
        Collector(), f"(collect {routine_id}.{event_name} {len(flow.routines)})"
    )
    flow.connect(routine_id, event_name, name, "input")
    return found


def _make_flows() -> Iterator[Callable[..., Flow]]:
    """What the fixture ``make_flow`` does: flows that are shut down after the test."""
    flows: list[Flow] = []

    def make(*routines: Routine, **options: Any) -> Flow:
        flow = Flow(**options)
        for routine in routines:
            flow.add_routine(routine)
        flows.append(flow)
        return flow

    yield make
    stuck = [flow.flow_id for flow in flows if not flow.shutdown(wait=True, timeout=SECONDS)]
    assert not stuck, f"flows that did not end within {SECONDS:g} s: {stuck}"


try:
    import pytest
except ImportError:
    pass
else:

    @pytest.fixture
    def manual_clock() -> ManualClock:
        """A clock that stands still until the test moves it."""
        return ManualClock()

    @pytest.fixture
    def make_flow() -> Iterator[Callable[..., Flow]]:
        """Makes flows, as ``Flow`` does, that are shut down when the test has ended."""
        yield from _make_flows()
