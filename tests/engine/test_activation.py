"""Spawn paths: the ids of activations are equal in runs that take the same decisions."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from routilux import Flow, Kind, Routine
from routilux.activation import Activation, current
from tests.engine.building import idle, node

WIDTH = 3


def branching(strategy: str, max_workers: int = 4) -> Flow:
    def handler(routine: Routine, depth: int) -> None:
        for _ in range(WIDTH if depth else 0):
            routine.emit("out", depth=depth - 1)
        if depth == 2:
            flow.execute("b", {"depth": 1})

    flow = Flow("f", strategy, max_workers)
    flow.number = 1  # as in a process of its own
    flow.add_routine(node(handler), "a")
    flow.add_routine(node(handler), "b")
    flow.connect("a", "out", "a", "trigger")
    flow.connect("a", "out", "b", "trigger")
    return flow


def ids(strategy: str, max_workers: int = 4) -> Counter[tuple[int, int]]:
    flow = branching(strategy, max_workers)
    subscription = flow.bus.subscribe()
    for _ in range(3):
        flow.execute("a", {"depth": 3})
    idle(flow)
    flow.shutdown()
    records = subscription.read()
    assert subscription.lost == 0
    return Counter((r.activation, r.cause) for r in records if r.kind == Kind.ACTIVATION)


@pytest.mark.parametrize("max_workers", [1, 4, 16])
def test_ids_are_equal_in_sequential_and_concurrent_runs(max_workers: int) -> None:
    expected = ids("sequential")
    assert set(expected.values()) == {1}
    assert len(expected) > 100
    assert ids("concurrent", max_workers) == expected


def test_ids_are_equal_in_another_process() -> None:
    script = """
from tests.engine.test_activation import ids
print(hash(tuple(sorted(ids("concurrent")))))
"""
    ended = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        timeout=20,
        cwd=Path(__file__).parents[2],
        env={"PYTHONHASHSEED": "77", "PATH": ""},
    )
    assert int(ended.stdout) == hash(tuple(sorted(ids("sequential"))))


def test_a_child_has_the_id_that_its_parent_foretells() -> None:
    flow = Flow()
    job = flow.execute(flow.add_routine(node(lambda _r: None)))
    parent = Activation(123, job)
    assert [next(parent.children) for _ in range(3)] == [1, 2, 3]
    assert parent.child_id(2) == hash((123, 2))


def test_outside_of_handlers_nothing_is_current() -> None:
    flow = Flow()
    seen: list[Activation | None] = []
    flow.add_routine(node(lambda _r: seen.append(current.get(None))), "a")
    job = flow.execute("a")
    assert current.get(None) is None
    assert seen == [job.root]
    flow.bus.subscribe()
    flow.execute("a")
    assert seen[1] is not None
    assert seen[1].edge is not None
    assert current.get(None) is None
