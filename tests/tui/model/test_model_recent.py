"""Records filed under what they tell of: activations, last writers, jobs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from routilux.records import Kind, Status
from tests.tui.building import MS, World, flow_info
from tui.model import recent
from tui.model.log import ACTIVATION, SUBJECT
from tui.model.recent import Recent, Write
from tui.session.messages import EdgeInfo

WIRES = [("a", "out", "b", "in"), ("a", "out", "c", "in")]
FLOW = flow_info(WIRES, entries=("a",))
EDGES: dict[int, tuple[int, EdgeInfo]] = {edge.number: (1, edge) for edge in FLOW.edges}
B, C = (1, 1), (1, 2)


def filed(world: World) -> Recent:
    found = Recent()
    found.take(world.snapshot().records, EDGES)
    return found


def test_activations_are_found_by_routine_newest_first() -> None:
    world = World(FLOW)
    for edge in (1, 2, 1, 2, 1):
        world.wait(MS).handle(1, edge)
    found = filed(world)
    assert [r[ACTIVATION] for r in found.activations(B)] == [5, 3, 1]
    assert [r[ACTIVATION] for r in found.activations(C)] == [4, 2]
    assert found.activations((1, 0)) == []


def test_of_each_routine_the_newest_are_kept() -> None:
    world = World(FLOW).handle(1, 2).handle(1, 1, times=recent.KEPT + 50)
    found = filed(world)
    assert len(found.activations(B)) == recent.KEPT
    assert found.activations(B)[0][ACTIVATION] == recent.KEPT + 51
    assert len(found.activations(C)) == 1  # a busy neighbour pushes nothing out


def test_an_edge_that_is_not_known_is_no_trouble() -> None:
    world = World(FLOW).handle(1, 99)
    assert filed(world).jobs[1].done == 1


def test_the_last_write_of_a_statistic_wins_and_names_its_activation() -> None:
    world = World(FLOW)
    found = Recent()
    found.name_stats([(7, 1, "b", "n")])
    for worker, cause in ((1, 11), (2, 22)):
        world.wait(MS).record(Kind.STAT, subject=7, worker=worker, cause=cause, value=1)
    found.take(world.snapshot().records, EDGES)
    assert found.write(1, "b", "n") == Write(world.now, 22, 1, 2)
    assert found.write(1, "b", "other") is None


def test_a_write_that_comes_before_its_name_waits_for_it() -> None:
    world = World(FLOW).record(Kind.STAT, subject=7, worker=1, cause=11, value=1)
    found = filed(world)
    assert found.write(1, "b", "n") is None
    found.name_stats([(7, 1, "b", "n")])
    write = found.write(1, "b", "n")
    assert write is not None
    assert write.activation == 11


def test_jobs_are_told_from_their_records() -> None:
    world = World(FLOW).record(Kind.JOB_STARTED, subject=3, job=5)
    began = world.now
    world.wait(MS).handle(1, 1).record(Kind.JOB_PAUSED, job=5)
    assert filed(world).jobs[5].status == "paused"
    world = World(FLOW).record(Kind.JOB_STARTED, subject=3, job=1)
    world.handle(1, 1).handle(1, 1, retried=True).handle(1, 1, failed=True).wait(MS)
    world.record(Kind.JOB_ENDED, job=1, status=Status.FAILED)
    job = filed(world).jobs[1]
    assert (job.began, job.ended, job.entry) == (began, began + MS, 3)
    assert (job.done, job.retried, job.failed, job.status) == (3, 1, 1, "failed")


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, recent.JOBS * 2)), max_size=80))
def test_whatever_comes_each_routine_has_its_own_in_order(turns: list[tuple[int, int]]) -> None:
    world = World(FLOW)
    for edge, job in turns:
        world.record(subject=edge, job=job)
    found = filed(world)
    for place in range(3):
        numbers = [r[ACTIVATION] for r in found.activations((1, place))]
        assert numbers == sorted(numbers, reverse=True)
        assert all(EDGES[r[SUBJECT]][1].target == place for r in found.activations((1, place)))
    assert sum(len(found.activations((1, place))) for place in range(3)) == len(turns)
    assert sum(job.done for job in found.jobs.values()) == len(turns)


def test_the_number_of_jobs_is_bounded() -> None:
    world = World(FLOW)
    for job in range(recent.JOBS + 7):
        world.record(subject=1, job=job)
    assert list(filed(world).jobs) == list(range(7, recent.JOBS + 7))
