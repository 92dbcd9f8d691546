"""Records of what handlers do beside emitting: statistics they change; and threads that come."""

import gc
import signal
import sys
import threading
import weakref
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from routilux import Flow, Kind, Level, Note, Record, Routine, Status, Subscription
from tests.engine.building import idle, node
from tests.waiting import SECONDS, Call, in_threads, wait_until

STRATEGIES = pytest.mark.parametrize("strategy", ["sequential", "concurrent"])


def stats(subscription: Subscription) -> list[Record]:
    return [record for record in subscription.read() if record.kind == Kind.STAT]


@STRATEGIES
def test_a_change_of_a_statistic_names_it_its_value_and_its_writer(strategy: str) -> None:
    flow = Flow("f", strategy)
    flow.add_routine(node(lambda r: (r.set_stat("n", 41), r.increment_stat("n"))), "a")
    subscription = flow.bus.subscribe()
    job = flow.execute("a")
    idle(flow)
    records = subscription.read()
    first, second = (r for r in records if r.kind == Kind.STAT)
    handler = next(r for r in records if r.kind == Kind.ACTIVATION)
    assert (first.value, second.value) == (41, 42)
    assert first.cause == second.cause == handler.activation
    assert first.activation != second.activation
    assert first.job == second.job == job.number
    assert first.worker == handler.worker
    assert handler.started <= first.time <= second.time <= handler.time
    assert flow.bus.stat_names() == {first.subject: ("a", "n")}
    assert first.status == second.status == Status.OK
    flow.shutdown()


def test_outside_of_handlers_a_change_has_no_job_and_no_cause() -> None:
    flow = Flow("f")
    routine = node()
    flow.add_routine(routine, "a")
    subscription = flow.bus.subscribe()
    routine.set_stat("n", 1)
    (record,) = stats(subscription)
    assert (record.job, record.cause, record.value) == (0, 0, 1)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1.5, 1.5),
        (-(2**63), -(2**63)),
        (float("inf"), float("inf")),
        (0, 0),
        (2**63 - 1, 2**63 - 1),
    ],
)
def test_numbers_travel_as_they_are(value: Any, shown: Any) -> None:
    flow, routine = Flow("f"), node()
    flow.add_routine(routine, "a")
    subscription = flow.bus.subscribe()
    routine.set_stat("n", value)
    (record,) = stats(subscription)
    assert (record.value, record.status) == (shown, Status.OK)
    assert type(record.value) is type(value)


class Rude:
    def __repr__(self) -> str:
        raise AssertionError("nobody may ask")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "True"),
        (2**63, str(2**63)),
        ("half", "'half'"),
        ([1, 2], "[1, 2]"),
        (Rude(), "<Rude>"),
    ],
)
def test_what_is_no_number_travels_as_a_text_while_somebody_wants_some(
    value: Any, text: str
) -> None:
    flow, routine = Flow("f"), node()
    flow.add_routine(routine, "a")
    subscription = flow.bus.subscribe()
    flow.bus.previews = 1
    routine.set_stat("n", value)
    routine.set_stat("n", value)
    first, second = stats(subscription)
    assert first.status == second.status == Status.NO_NUMBER
    assert first.value == 0
    assert subscription.read_notes() == [(first.activation, Note.PAYLOAD, text)]


def test_a_reset_forgets_only_what_there_was() -> None:
    flow, routine = Flow("f"), node()
    flow.add_routine(routine, "a")
    for key in "abc":
        routine.set_stat(key, 1)
    subscription = flow.bus.subscribe()
    routine.reset_stats(["a", "nothing"])
    routine.reset_stats()
    found = stats(subscription)
    assert {r.status for r in found} == {Status.FORGOTTEN}
    names = flow.bus.stat_names()
    assert [names[r.subject] for r in found] == [("a", "a"), ("a", "b"), ("a", "c")]


@pytest.mark.parametrize("level", [None, Level.COUNTERS])
def test_without_a_trace_nothing_is_named_or_published(level: Level | None) -> None:
    flow, routine = Flow("f"), node()
    flow.add_routine(routine, "a")
    subscription = None if level is None else flow.bus.subscribe(level)
    routine.set_stat("n", 1)
    assert flow.bus.stat_names() == {}
    assert subscription is None or subscription.published == 0


def test_concurrent_changes_are_told_in_the_order_in_which_they_happened() -> None:
    flow, routine = Flow("f"), node()
    flow.add_routine(routine, "a")
    subscription = flow.bus.subscribe()
    barrier = threading.Barrier(4)

    def add(_: int) -> None:
        barrier.wait(SECONDS)
        for _ in range(500):
            routine.increment_stat("n")

    in_threads(4, add)
    found = stats(subscription)
    assert [record.value for record in found] == list(range(1, 2001))
    assert len({record.activation for record in found}) == 2000
    assert len({record.subject for record in found}) == 1


def test_a_statistic_takes_no_id_from_the_deliveries() -> None:
    def indices(*, count: bool) -> set[int]:
        flow = Flow("f")

        def handler(routine: Routine) -> None:
            for _ in range(3):
                if count:
                    routine.increment_stat("n")
                routine.emit("out")

        flow.add_routine(node(handler), "a")
        flow.add_routine(node(lambda r: None), "b")
        flow.connect("a", "out", "b", "trigger")
        subscription = flow.bus.subscribe()
        flow.execute("a")
        ran = [r for r in subscription.read() if r.kind == Kind.ACTIVATION]
        (parent,) = (r.activation for r in ran if r.activation in {c.cause for c in ran})
        wanted = {hash((parent, index)): index for index in range(1, 10)}
        return {wanted[r.activation] for r in ran if r.cause == parent}

    assert indices(count=True) == indices(count=False) == {1, 2, 3}


def test_threads_of_a_flow_are_seen_to_come_and_go() -> None:
    flow = Flow("f", "concurrent", max_workers=2)
    flow.add_routine(node(lambda r: None), "a")
    subscription = flow.bus.subscribe()
    flow.execute("a")
    idle(flow)
    assert flow.shutdown()
    records = subscription.read()
    up = [r.worker for r in records if r.kind == Kind.WORKER_UP]
    down = [r.worker for r in records if r.kind == Kind.WORKER_DOWN]
    assert up
    assert sorted(up) == sorted(down)
    ran = {r.worker for r in records if r.kind == Kind.ACTIVATION}
    assert ran <= set(up)
    assert all(r.job == r.cause == r.subject == 0 for r in records if r.kind == Kind.WORKER_UP)


def test_the_thread_of_coroutines_is_seen_too() -> None:
    flow = Flow("f")

    async def handler() -> None:
        pass

    routine = Routine()
    routine.define_slot("trigger", handler)
    flow.add_routine(routine, "a")
    subscription = flow.bus.subscribe()
    flow.execute("a")
    idle(flow)
    flow.shutdown()
    found: list[Record] = []

    def down() -> bool:
        found.extend(subscription.read())
        return any(r.kind == Kind.WORKER_DOWN for r in found)

    wait_until(down, "the end of the loop")
    assert any(r.kind == Kind.WORKER_UP for r in found)


def test_a_dropped_flow_is_collected_although_it_was_watched() -> None:
    flow = Flow("f", "concurrent")
    flow.add_routine(node(lambda r: r.increment_stat("n")), "a")
    subscription = flow.bus.subscribe()
    call = Call(lambda flow: flow.execute("a"), flow)  # a thread that knows the flow has a lane
    call.result()
    idle(flow)
    gone = weakref.ref(flow)
    del flow, subscription, call

    def collected() -> bool:
        gc.collect()
        return gone() is None

    wait_until(collected, "the end of the flow")


# finalizers and signals, which may come in anywhere -----------------------------------------------


class Finalized:
    """Sets a statistic when the garbage collector finds it."""

    def __init__(self, routine: Routine, keys: Iterator[int] | None = None) -> None:
        self.routine, self.keys, self.me = routine, keys, self

    def __del__(self) -> None:
        key = "fin" if self.keys is None else f"fin{next(self.keys)}"
        self.routine.set_stat(key, 1)


@pytest.fixture
def eager_collector() -> Iterator[None]:
    """A garbage collector that comes often, and threads that switch often."""
    before, interval = gc.get_threshold(), sys.getswitchinterval()
    gc.set_threshold(50)
    sys.setswitchinterval(1e-5)
    yield
    gc.set_threshold(*before)
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("eager_collector")
def test_a_finalizer_that_sets_a_statistic_deadlocks_with_nobody() -> None:
    flow, routine = Flow("f"), node()
    flow.add_routine(routine, "a")
    flow.bus.subscribe()

    def change() -> None:
        for number in range(1500):
            routine.set_stat(str(number % 300), 1)
            if number % 100 == 0:
                routine.reset_stats()

    changing = Call(change)
    for _ in range(300):  # more garbage than this keeps the other thread busy with finalizers
        Finalized(routine)
        flow.bus.stat_names()
        flow.bus.lanes()
    changing.result()


@pytest.mark.usefixtures("eager_collector")
def test_names_are_read_while_a_finalizer_adds_some() -> None:
    flow, routine = Flow("f"), node()
    flow.add_routine(routine, "a")
    flow.bus.subscribe()
    for number in range(500):
        routine.set_stat(str(number), 1)
    keys = count()
    for _ in range(50):
        Finalized(routine, keys)
        assert len(flow.bus.stat_names()) >= 500


class RudeKey:
    def __str__(self) -> str:
        raise AssertionError("nobody may ask")


def test_keys_are_named_without_asking_them() -> None:
    flow, routine = Flow("f"), node()
    flow.add_routine(routine, "a")
    flow.bus.subscribe()
    keys: list[Any] = [RudeKey(), 7, None, ("a", 1)]
    for key in keys:
        routine.set_stat(key, 1)
    assert [key for _, key in flow.bus.stat_names().values()] == [
        "<RudeKey>", "7", "None", "<tuple of 2>"
    ]  # fmt: skip


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="signals of Unix")
def test_a_signal_handler_that_sets_statistics_loses_no_record() -> None:
    flow, routine = Flow("f"), node()
    flow.add_routine(routine, "a")
    subscription = flow.bus.subscribe()
    came: list[int] = []

    def interrupt(*_: object) -> None:
        came.append(1)
        routine.set_stat("sig", len(came))

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.0002, 0.0002)
    try:
        for number in range(5000):
            routine.set_stat("n", number)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    found = stats(subscription)
    assert came
    assert len(found) == 5000 + len(came) == subscription.published
    assert subscription.lost == 0
