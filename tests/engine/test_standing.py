"""Who waits for what is known exactly, while it does; what is sent by hand is marked."""

from __future__ import annotations

import threading

import pytest

from routilux import Drop, Flow, Kind, Level, Note
from routilux.standing import For, Wait, waits
from tests.engine.building import chain, idle, node, passing
from tests.waiting import SECONDS, Call, gate, wait_until


def of(what: For) -> list[Wait]:
    return [wait for wait in waits() if wait.what is what]


def one(what: For) -> Wait:
    wait_until(lambda: of(what), f"somebody who waits for {what}")
    (found,) = of(what)
    return found


def held(go: threading.Event, workers: int = 2) -> Flow:
    """A flow whose one handler waits for the event."""
    flow = Flow("held", "concurrent", workers)
    flow.add_routine(node(lambda _, **__: go.wait(SECONDS)), "slow")
    return flow


def test_waiting_for_a_flow_and_for_a_job_is_known_with_its_deadline() -> None:
    with gate() as go:
        flow = held(go)
        job = flow.execute("slow")
        whole, single = Call(flow.wait_for_completion, SECONDS), Call(job.wait)
        of_flow, of_job = one(For.FLOW), one(For.JOB)
        assert of_flow.thread == whole.ident
        assert (of_flow.flow, of_flow.job, of_flow.seconds) == (flow, None, SECONDS)
        assert (of_job.thread, of_job.job, of_job.seconds) == (single.ident, job, None)
        assert not of_job.helps
        go.set()
        assert whole.result()
        assert single.result()
    assert waits() == []
    flow.shutdown()


def test_a_handler_that_waits_for_a_job_helps() -> None:
    with gate() as go:
        flow = held(go)
        flow.add_routine(node(lambda r, **_: r._flow.execute("slow").wait(SECONDS)), "asks")  # type: ignore[union-attr]
        flow.execute("asks")
        wait = one(For.JOB)
        assert wait.helps
        assert wait.job is not None
        assert wait.job.synthetic is False
        go.set()
        idle(flow)
    assert waits() == []
    flow.shutdown()


def test_an_emitter_waits_for_room_and_a_second_sequence_for_its_turn() -> None:
    with gate() as go:
        flow = Flow("full", "concurrent", 2)
        slot = {"max_queue": 1, "overflow": "block", "max_concurrency": 1}
        flow.add_routine(node(lambda r, **_: [r.emit("out") for _ in range(3)]), "many")
        flow.add_routine(node(lambda _, **__: go.wait(SECONDS), **slot), "full")
        flow.connect("many", "out", "full", "trigger")
        flow.execute("many")
        wait = one(For.ROOM)
        assert wait.mailbox is flow.routines["full"]._slots["trigger"].mailbox
        assert wait.seconds == 10.0
        sequence = Flow("turns")
        sequence.add_routine(node(lambda _, **__: go.wait(SECONDS)), "slow")
        first = Call(sequence.execute, "slow")
        wait_until(lambda: sequence._inline._holder == first.ident)
        second = Call(sequence.execute, "slow")
        assert one(For.TURN).thread == second.ident
        go.set()
        first.result()
        second.result()
        idle(flow)
    assert waits() == []
    flow.shutdown()


def test_an_interrupted_wait_is_taken_out() -> None:
    flow = Flow()
    flow._scheduler.wait = lambda *_: (_ for _ in ()).throw(KeyboardInterrupt)  # type: ignore[method-assign,assignment]
    with pytest.raises(KeyboardInterrupt):
        flow.wait_for_completion()
    assert waits() == []


# jobs that are sent by hand -----------------------------------------------------------------------


def test_what_a_synthetic_job_begins_is_synthetic_and_traced_whatever_is_sampled() -> None:
    flow = Flow("hand", "concurrent", 2)
    chain(flow, passing, lambda r, **_: r._flow.execute("n2").wait(SECONDS), passing)
    watcher = flow.bus.subscribe(Level.TRACE, every=1_000_000)
    job = flow._start("n0", {"x": 1}, None, "trigger", synthetic=True)
    job.backend.settle(job)
    flow.execute("n0")
    idle(flow)
    assert job.synthetic
    known = set(flow.bus.synthetic)
    assert job.number in known
    assert len(known) == 2  # it and the one that its handler has begun; none of the program's
    ran = [r for r in watcher.read() if r.kind == Kind.ACTIVATION]
    assert {r.job for r in ran} == known
    watcher.close()
    flow.shutdown()


# messages that are dropped ------------------------------------------------------------------------


@pytest.mark.parametrize("overflow", ["drop_newest", "drop_oldest"])
def test_a_message_that_a_full_slot_drops_says_so_and_what_it_carried(overflow: str) -> None:
    with gate() as go:
        flow = Flow("drops", "concurrent", 1)
        flow.add_routine(node(lambda r, **_: [r.emit("out", n=n) for n in range(4)]), "many")
        slot = {"max_queue": 1, "overflow": overflow, "max_concurrency": 1}
        flow.add_routine(node(lambda _, **__: go.wait(SECONDS), **slot), "full")
        flow.connect("many", "out", "full", "trigger")
        watcher = flow.bus.subscribe(Level.TRACE)
        flow.bus.dead_previews, flow.bus.trees = 2, True
        flow.execute("many")
        wait_until(lambda: flow._scheduler.dropped == 3)
        go.set()
        idle(flow)
    dropped = [r for r in watcher.read() if r.kind == Kind.DROPPED]
    texts = {a: text for a, kind, text in watcher.read_notes() if kind == Note.PAYLOAD}
    assert [r.value for r in dropped] == [Drop.FULL] * 3
    kept = [texts[r.activation] for r in dropped if r.activation in texts]
    first = 1 if overflow == "drop_newest" else 0
    assert kept == [f"{{n: {first}}}", f"{{n: {first + 1}}}"]  # as many as were asked for
    watcher.close()
    flow.shutdown()


@pytest.mark.parametrize("why", [Drop.CANCELLED, Drop.FAILED, Drop.STOPPED])
def test_what_a_stopped_job_drops_says_why_it_was_stopped(why: Drop) -> None:
    with gate() as go:
        flow = Flow("stopped", "concurrent", 1)

        def fail(_: object, **__: object) -> None:
            go.wait(SECONDS)
            if why is Drop.FAILED:
                raise ValueError("wrong")

        chain(flow, lambda r, **_: [r.emit("out", n=n) for n in range(3)], fail)
        watcher = flow.bus.subscribe(Level.TRACE)
        job = flow.execute("n0")
        wait_until(lambda: len(job.tokens) == 3 and flow._threads and flow._threads.running())
        if why is Drop.CANCELLED:
            flow.cancel(job)
        elif why is Drop.STOPPED:
            flow._scheduler.stop_open_jobs()
        go.set()
        idle(flow)
    dropped = [r for r in watcher.read() if r.kind == Kind.DROPPED]
    assert len(dropped) in (2, 3)
    assert {r.value for r in dropped} == {why}
    watcher.close()
    flow.shutdown()
