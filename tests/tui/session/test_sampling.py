"""How many jobs are traced follows what is published, and comes back when it gets less."""

import threading
from typing import Any

import pytest

from routilux import Flow, Kind
from tests.engine.building import node
from tests.waiting import SECONDS, Call, arrive, gate, wait_until
from tui.session.collector import Collector
from tui.session.messages import Pull
from tui.session.sampling import MOST, Sampler


def looks(sampler: Sampler, rate: int, times: int, budget: int = 100) -> int:
    """So many looks at a flow that would publish ``rate`` a look if all its jobs were traced."""
    for _ in range(times):
        sampler.look(rate // sampler.every, budget)
    return sampler.every


def test_a_quiet_flow_is_traced_whole() -> None:
    assert looks(Sampler(), 100, 100) == 1


@pytest.mark.parametrize("rate", [1_000, 10_000, 100_000])
def test_a_busy_one_is_traced_about_as_much_as_can_be_read(rate: int) -> None:
    sampler = Sampler()
    every = looks(sampler, rate, 50)
    assert 0.4 <= rate / every / 100 <= 1.6
    assert looks(sampler, rate, 50) == every, "it comes to rest"
    assert looks(sampler, 10, 100) == 1


def test_there_is_a_bound() -> None:
    assert looks(Sampler(), 10**9, 50) == MOST


def test_one_long_job_is_traced_in_some_looks_and_does_not_make_it_swing() -> None:
    sampler = Sampler()
    seen = [sampler.look(500 if look % sampler.every == 0 else 0, 100) for look in range(400)]
    assert 2 <= min(seen[50:]) <= max(seen[50:]) <= 16


def watched(strategy: str = "concurrent") -> tuple[Collector, Flow]:
    collector = Collector()
    flow = Flow("f", strategy, 2)
    collector.add(flow)
    return collector, flow


def test_the_collector_samples_a_busy_flow_and_counts_all() -> None:
    collector, flow = watched()
    flow.add_routine(node(lambda r: None), "a")
    done, every = 0, 1
    for _ in range(30):
        for _ in range(200):
            flow.execute("a")
        assert flow.wait_for_completion(SECONDS)
        snapshot = collector.snapshot(Pull(records=50))
        every = snapshot.states[0].every
        done += 200
    assert every >= 4
    assert sum(c.done for lane in flow.bus.lanes() for c in lane.counts().values()) == done
    assert snapshot.states[0].completed == done
    last = collector.snapshot(Pull(records=50, sample=False))
    assert last.states[0].every == every
    for _ in range(60):
        last = collector.snapshot(Pull(records=50))
    assert last.states[0].every == 1
    flow.shutdown()
    collector.detach()


@pytest.mark.parametrize("strategy", ["sequential", "concurrent"])
def test_a_handler_of_a_job_that_is_not_traced_is_seen_running(strategy: str) -> None:
    collector, flow = watched(strategy)
    began = threading.Event()
    with gate() as go:
        flow.add_routine(node(lambda r: (began.set(), arrive(go))), "a")
        collector._watched[0].subscription.sample(1_000_000_007)
        call = Call(flow.execute, "a")
        arrive(began)
        first = collector.snapshot(Pull(sample=False))
        again = collector.snapshot(Pull(sample=False))
        (lane,) = [lane for lane in first.lanes if lane.running]
        (later,) = [lane for lane in again.lanes if lane.running]
        assert lane.running is not None
        entry = flow.routines["a"].get_slot("trigger")
        assert entry is not None
        assert lane.running[0] == entry.entry.number
        assert later.running == lane.running, "since the same moment"
        counts: Any = [c for lane in first.lanes for c in lane.counts]
        assert sum(c[1] for c in counts) == sum(c[2] for c in counts) == 1
        assert sum(c[3] for c in counts) == 0
        go.set()
        assert call.result().wait(SECONDS)
    look = Pull(sample=False)
    wait_until(lambda: not any(lane.running for lane in collector.snapshot(look).lanes))
    assert not any(r[2] == Kind.ACTIVATION for r in collector.snapshot(look).records)
    flow.shutdown()
    collector.detach()
