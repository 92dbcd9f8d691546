"""Chains, trees and what ran at the same time: against jobs whose truth is known."""

from __future__ import annotations

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routilux.records import Kind, Status
from tests.tui.model.causing import ENTRY, PLAIN, ROOT, TIMER, Node, Paper, arrived, truth
from tui.model.causality import MOST, Causality, Missing
from tui.model.chain import chain_of
from tui.model.latency import Clock, Parts

TIME = st.integers(0, 1_000)
TRIES = st.lists(st.tuples(TIME, st.integers(1, 1_000)), min_size=1, max_size=3)


@st.composite
def papers(draw: st.DrawFn) -> Paper:
    """A job that is a random tree, with retries and timers."""
    paper = Paper()
    paper.run(None, draw(TRIES), wait_before_retry=draw(TIME))
    for _ in range(draw(st.integers(0, 12))):
        paper.run(
            draw(st.sampled_from(paper.nodes)),
            draw(TRIES),
            after=draw(TIME),
            set_after=draw(st.one_of(st.just(0), st.integers(1, 3_000))),
            wait_before_retry=draw(TIME),
            worker=draw(st.integers(1, 3)),
        )
    return paper


def descendants(paper: Paper, node: Node) -> set[int]:
    return {other.ident for other in paper.nodes if node.ident in other.path}


@given(papers(), st.data())
def test_a_chain_names_every_cause_and_its_parts_are_the_truth(
    paper: Paper, data: st.DataObject
) -> None:
    records = paper.sorted()
    node = data.draw(st.sampled_from(paper.nodes))
    record = arrived(records, node)
    chain = chain_of(Causality(records, 1, paper), record)
    assert chain.missing is Missing.NOTHING
    assert [step.record[5] for step in chain.steps] == [*node.path, node.ident]
    assert {k: v for k, v in chain.parts._asdict().items() if v} == truth(node)
    assert chain.parts.total == chain.end - chain.begin == record[1] - paper.start
    assert [len(step.tries) for step in chain.steps[-1:]] == [len(node.records) - 1]


@given(papers(), st.data())
def test_the_parts_of_any_ring_sum_to_the_whole(paper: Paper, data: st.DataObject) -> None:
    """However many records are lost, and wherever."""
    records = paper.sorted()
    kept = data.draw(st.lists(st.sampled_from(records), min_size=1, unique=True))
    kept.sort()
    index = Causality(deque(kept), 1, paper)
    for record in kept:
        chain = chain_of(index, record)
        assert chain.parts.total == chain.end - chain.begin >= 0
        assert chain.steps[-1].record == record
        whole = len(index.ancestors(record)[0]) == _depth(paper, record)
        assert chain.missing in (
            (Missing.NOTHING, Missing.START)
            if whole
            else (Missing.START, Missing.DROPPED, Missing.LOST)
        )


def _depth(paper: Paper, record: tuple[float, ...]) -> int:
    if record[2] == Kind.JOB_STARTED:
        return 0
    return next(len(node.path) for node in paper.nodes if node.ident == record[5])


@given(papers(), st.data())
def test_the_effects_of_a_node_are_those_whose_path_leads_through_it(
    paper: Paper, data: st.DataObject
) -> None:
    records = paper.sorted()
    node = data.draw(st.sampled_from(paper.nodes))
    tree = Causality(records, 1, paper).tree(arrived(records, node))
    assert tree.total == len(descendants(paper, node))
    drawn = [branch.record[5] for branch in tree.branches]
    assert set(drawn) == descendants(paper, node) | {node.ident}
    assert tree.branches[0].depth == 0
    for branch in tree.branches[1:]:
        parent = max(i for i, b in enumerate(tree.branches) if b.record[5] == branch.record[6])
        assert parent is not None
        assert branch.depth >= 1


@given(papers(), st.data())
def test_what_runs_at_the_same_time_is_neither_cause_nor_effect(
    paper: Paper, data: st.DataObject
) -> None:
    records = paper.sorted()
    node = data.draw(st.sampled_from(paper.nodes))
    record = arrived(records, node)
    related = {*node.path, node.ident, *descendants(paper, node)}
    wanted = {
        other[0]
        for other in records
        if other[2] == Kind.ACTIVATION
        and other[5] not in related
        and other[10] < record[1]
        and other[1] > record[10]
    }
    found = Causality(records, 1, paper).concurrent_with(record)
    assert {n.record[0] for n in found.found} == wanted
    assert found.total == len(wanted)


# examples -----------------------------------------------------------------------------------------


def test_a_step_tells_what_its_handler_did_and_how_much_else_it_caused() -> None:
    paper = Paper()
    first = paper.run(None, [(5, 100)])
    second = paper.run(first, [(5, 10)], after=20)
    paper.run(first, [(5, 10)], after=30)
    stat = paper.add(Kind.STAT, 1_040, 900, first.ident, subject=4, value=7)
    line = paper.add(Kind.LINE, 1_050, 901, first.ident, subject=1)
    emit = paper.add(Kind.EMIT, 1_060, 902, first.ident, subject=9)
    records = paper.sorted()
    chain = chain_of(Causality(records, 1, paper), arrived(records, second))
    step = chain.steps[1]
    assert [r[1:] for r in step.effects] == [stat[1:], line[1:], emit[1:]]
    assert step.others == 1
    assert chain.steps[0].record[2] == Kind.JOB_STARTED


def test_a_statistic_has_a_chain_of_its_own() -> None:
    paper = Paper()
    first = paper.run(None, [(5, 100)])
    stat = paper.add(Kind.STAT, 1_040, 900, first.ident, subject=ENTRY, value=7)
    records = paper.sorted()
    record = next(r for r in records if r[1:] == stat[1:])
    chain = chain_of(Causality(records, 1, paper), record)
    assert [step.record[2] for step in chain.steps] == [
        Kind.JOB_STARTED,
        Kind.ACTIVATION,
        Kind.STAT,
    ]
    assert chain.steps[1].effects == ()
    assert chain.parts == Parts(queue=5, run=35)


def test_what_a_first_try_emitted_is_told_from_what_the_second_emitted_under_the_same_id() -> None:
    paper = Paper()
    node = paper.run(None, [(0, 100), (0, 100)], wait_before_retry=50)
    early, late = node.records[0][10] + 10, node.records[1][10] + 10
    for emitted in (early, late):
        paper.add(
            Kind.ACTIVATION, emitted + 5, 900, node.ident, queued=emitted, started=emitted + 1
        )
    records = paper.sorted()
    index = Causality(records, 1, paper)
    first, second = (chain_of(index, r) for r in records if r[5] == 900)
    assert first.steps[1].tries == ()
    assert first.parts == Parts(queue=1, run=14)
    assert len(second.steps[1].tries) == 1
    assert second.parts == Parts(queue=1, run=114, retry=50)


def test_a_retry_that_waits_belongs_to_its_tries() -> None:
    paper = Paper()
    node = paper.run(None, [(3, 10), (1, 1)], wait_before_retry=50)
    waiting = next(r for r in paper.sorted() if r[2] == Kind.WAITING)
    chain = chain_of(Causality(paper.sorted(), 1, paper), waiting)
    assert [step.record[5] for step in chain.steps] == [ROOT, node.ident]
    assert len(chain.steps[1].tries) == 1
    assert chain.parts == Parts(queue=3, run=10)


def test_a_job_is_the_whole_of_its_chain() -> None:
    paper = Paper()
    chain = chain_of(Causality(paper.records, 1, paper), paper.records[0])
    assert [step.record[2] for step in chain.steps] == [Kind.JOB_STARTED]
    assert chain.parts.total == 0


def test_a_message_from_outside_does_not_count_the_time_since_its_job_began() -> None:
    paper = Paper()
    paper.add(Kind.ACTIVATION, 9_010, 900, ROOT, queued=9_000, started=9_004)
    records = paper.sorted()
    chain = chain_of(Causality(records, 1, paper), records[-1])
    assert (chain.begin, chain.end) == (9_000, 9_010)


# what is missing ----------------------------------------------------------------------------------


def lone(paper: Paper, **more: int) -> tuple[int, ...]:
    return paper.add(Kind.ACTIVATION, 5_000, 900, 800, queued=4_000, started=4_500, **more)  # type: ignore[arg-type,return-value]


def test_a_cause_that_was_pushed_out_of_the_ring_is_said_to_be() -> None:
    paper = Paper(start=4_500)
    record = lone(paper)
    chain = chain_of(Causality(paper.sorted(), 1, paper), (2, *record[1:]))  # type: ignore[arg-type]
    assert chain.missing is Missing.DROPPED
    assert len(chain.steps) == 1


def test_a_cause_that_should_be_there_was_lost_or_runs() -> None:
    paper = Paper()
    lone(paper)
    records = paper.sorted()
    assert chain_of(Causality(records, 1, paper), records[-1]).missing is Missing.LOST
    paper.work = {800: (PLAIN, 3_900, 2)}
    chain = chain_of(Causality(records, 1, paper), records[-1])
    assert chain.missing is Missing.RUNNING
    assert chain.running == (PLAIN, 3_900, 2)
    assert chain_of(Causality(records, 1), records[-1]).missing is Missing.LOST


def test_a_job_whose_start_is_gone_is_known_by_its_entry() -> None:
    paper = Paper()
    node = paper.run(None, [(1, 1)])
    records = paper.sorted()[1:]
    chain = chain_of(Causality(records, 1, paper), arrived(records, node))
    assert chain.missing is Missing.START
    assert [step.record[5] for step in chain.steps] == [node.ident]


def test_a_job_that_ended_is_found_though_its_start_is_gone() -> None:
    paper = Paper()
    node = paper.run(None, [(1, 1)])
    paper.add(Kind.JOB_ENDED, 9_000, ROOT, ROOT)
    records = paper.sorted()[1:]
    chain = chain_of(Causality(records, 1), arrived(records, node))
    assert chain.missing is Missing.START


def test_an_endless_loop_of_causes_is_cut() -> None:
    paper = Paper()
    node = paper.run(None, [(0, 1)])
    for _ in range(2_010):
        node = paper.run(node, [(0, 1)], after=1)
    records = paper.sorted()
    chain = chain_of(Causality(records, 1, paper), arrived(records, node))
    assert chain.missing is Missing.LONG
    assert len(chain.steps) == 2_001


# generations, sizes -------------------------------------------------------------------------------


def test_the_ids_of_another_generation_are_other_ids() -> None:
    old, new = Paper(generation=1), Paper(generation=2, start=50_000)
    for paper in (old, new):
        node = paper.run(None, [(1, 10)])
        paper.run(node, [(1, 10)], after=5)
    assert old.nodes[1].ident == new.nodes[1].ident
    records = [*old.sorted(), (0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0), *new.sorted()]
    record = old.sorted()[-1]
    chain = chain_of(Causality(records, 1, old), record)
    assert {step.record[3] for step in chain.steps} == {1}
    assert chain.parts.total == record[1] - 1_000
    tree = Causality(records, 2, new).tree(new.sorted()[1])
    assert {branch.record[3] for branch in tree.branches} == {2}
    assert len(Causality(records, 2, new).of_job(1)) == 2


def test_a_tree_of_too_many_effects_counts_the_rest() -> None:
    paper = Paper()
    node = paper.run(None, [(0, MOST + 500)])
    for n in range(MOST + 300):
        paper.run(node, [(0, 1)], after=n)
    records = paper.sorted()
    tree = Causality(records, 1, paper).tree(arrived(records, node))
    assert tree.total == MOST + 300
    assert len(tree.branches) == MOST + 1
    assert tree.branches[0].hidden == 300


def test_two_that_set_the_same_statistic_stand_first() -> None:
    paper = Paper()
    first = paper.run(None, [(0, 1_000)])
    same, other, writer = (
        paper.run(first, [(n, 500)], after=10, worker=n + 2, set_after=n and 0) for n in range(3)
    )
    for node in (same, writer):
        paper.add(Kind.STAT, 1_200, 900 + node.ident % 7, node.ident, subject=5, value=1)
    paper.add(Kind.STAT, 1_200, 950, other.ident, subject=6, value=1)
    records = paper.sorted()
    targets = {PLAIN: (1, 1), TIMER: (1, 2), ENTRY: (1, 0)}
    found = Causality(records, 1, paper).concurrent_with(arrived(records, same), targets).found
    assert [n.record[5] for n in found] == [writer.ident, other.ident]
    assert found[0].stats == (5,)
    assert found[1].stats == ()
    assert found[0].same_routine


def test_what_runs_beside_many_effects_is_told_from_them() -> None:
    paper = Paper()
    first = paper.run(None, [(0, 5_000)])
    busy = paper.run(first, [(0, 4_000)], after=10)
    beside = [paper.run(first, [(n, 50)], after=20, worker=2) for n in range(200)]
    for n in range(200):
        paper.run(busy, [(0, 3)], after=10 * n, worker=3)
    records = paper.sorted()
    found = Causality(records, 1, paper).concurrent_with(arrived(records, busy))
    assert {n.record[5] for n in found.found} == {node.ident for node in beside}


def test_only_what_runs_can_be_concurrent() -> None:
    paper = Paper()
    assert Causality(paper.records, 1).concurrent_with(paper.records[0]).total == 0


def test_a_search_for_bytes_is_not_misled_between_two_ids() -> None:
    """The bytes of an id may also stand across the border of two others."""
    low, high = 0x1122334400000000, 0x55667788
    paper = Paper()
    straddling = int.from_bytes(
        (low.to_bytes(8, "little") + high.to_bytes(8, "little"))[4:12], "little", signed=True
    )
    for ident, cause in ((low, ROOT), (high, ROOT), (900, straddling)):
        paper.add(Kind.ACTIVATION, 2_000 + ident % 7, ident, cause, queued=1_500, started=1_600)
    index = Causality(paper.records, 1)
    assert index.find(straddling, 3) is None
    assert index.find(straddling, 0) is None
    assert index.find(high, 4) == 2
    assert index.find(low, 0) == 1


@pytest.mark.parametrize("status", [Status.FAILED, Status.OK])
def test_a_try_before_one_that_did_not_lead_to_another_is_not_part_of_it(status: Status) -> None:
    """The same decisions give the same ids: what looks like a try may be another activation."""
    paper = Paper()
    paper.add(Kind.ACTIVATION, 2_000, 900, ROOT, queued=1_000, started=1_500, status=status)
    paper.add(Kind.ACTIVATION, 3_000, 900, ROOT, queued=2_500, started=2_600)
    chain = chain_of(Causality(paper.records, 1, paper), paper.records[-1])
    assert chain.steps[-1].tries == ()


@given(st.lists(st.tuples(st.integers(-50, 50), st.sampled_from(Parts._fields))))
def test_a_clock_counts_every_moment_once(steps: list[tuple[int, str]]) -> None:
    clock = Clock(0)
    for to, part in steps:
        clock.advance(to, part)
    stretches = clock.take()
    assert sum(s.end - s.begin for s in stretches) == clock.now
    assert clock.take() == ()


def test_a_failure_without_times_adds_no_time_and_ran_beside_nothing() -> None:
    """In a job that is counted only, failures are all that is published, and they have no times."""
    paper = Paper()
    node = paper.run(None, [(5, 100)])
    paper.add(Kind.ACTIVATION, 1_050, 900, node.ident, status=Status.FAILED)
    paper.add(Kind.ACTIVATION, 1_060, 901, 902, status=Status.FAILED)
    records = paper.sorted()
    index = Causality(records, 1, paper)
    failed, alone = (next(r for r in records if r[5] == ident) for ident in (900, 901))
    assert chain_of(index, failed).parts == Parts(queue=5, run=45)
    chain = chain_of(index, alone)
    assert chain.missing is Missing.LOST
    assert chain.parts == Parts()
    assert index.concurrent_with(failed).total == 0
    assert index.concurrent_with(arrived(records, node)).total == 0
    assert [r[5] for r in index.of_job(1)] == [node.ident]
