"""The table of jobs, from what the engine tells and from records."""

from __future__ import annotations

from msgspec.structs import replace

from routilux.records import Kind, Status
from tests.tui.building import MS, SECOND, World, flow_info, watching
from tui.model.jobs import JobRow
from tui.model.monitor import Monitor
from tui.session.messages import JobInfo, LaterInfo

FLOW = flow_info([("a", "out", "b", "in")], entries=("a",))
OPEN = JobInfo(3, 1, "running", 2, 5 * SECOND, False, 10, 4, 1, 1, 2, 3)


def rows(monitor: Monitor) -> list[JobRow]:
    run = monitor.run
    return run.jobs.rows(run.recent, run.now)


def test_what_the_engine_tells_is_shown_as_it_is() -> None:
    world, monitor = World(FLOW), watching()
    world.told_jobs = (OPEN,)
    monitor.apply(world.snapshot())
    assert monitor.run.jobs.listed
    assert rows(monitor) == [
        JobRow(3, "running", False, 5 * SECOND, 5, 10, 4, 1, 1, 2, 3, 2, "", True)
    ]


def test_between_two_questions_open_jobs_grow_older_and_ended_ones_do_not() -> None:
    world, monitor = World(FLOW), watching()
    world.told_jobs = (OPEN, replace(OPEN, number=4, ended=True, status="completed"))
    world.later = (LaterInfo(1, 3, 1, 9, SECOND, 2),)
    monitor.apply(world.snapshot())
    world.told_jobs, world.later = None, ()
    monitor.apply(world.wait(2 * SECOND).snapshot())
    assert [row.age_ns for row in rows(monitor)] == [7 * SECOND, 5 * SECOND]
    assert [row.due_ns for row in monitor.run.jobs.later(monitor.run.now)] == [-SECOND]


def test_jobs_that_nobody_holds_are_told_by_their_records() -> None:
    world, monitor = World(FLOW), watching()
    world.record(Kind.JOB_STARTED, subject=2, job=1).wait(30 * MS)
    world.handle(1, 1, failed=True).record(Kind.JOB_ENDED, job=1, status=Status.FAILED)
    world.record(Kind.JOB_STARTED, subject=2, job=2)
    monitor.apply(world.snapshot())
    (row,) = rows(monitor)  # one that is open the engine tells of when it is asked
    assert (row.number, row.status, row.age_ns, row.done, row.errors) == (
        *(1, "failed", 30 * MS, 1, 1),
    )
    assert not row.exact


def test_open_jobs_come_first_in_order_then_the_newest_that_ended() -> None:
    world, monitor = World(FLOW), watching()
    for job in (1, 2):
        world.record(Kind.JOB_STARTED, job=job).record(Kind.JOB_ENDED, job=job)
    ended = replace(OPEN, number=9, ended=True, status="cancelled")
    world.told_jobs = (replace(OPEN, number=8), ended, OPEN)
    monitor.apply(world.snapshot())
    assert [row.number for row in rows(monitor)] == [3, 8, 9, 2, 1]


def test_where_the_engine_does_not_count_records_do() -> None:
    world, monitor = World(FLOW), watching()
    world.told_jobs = (replace(OPEN, sent=-1),)
    for _ in range(7):
        world.record(subject=1, job=3)
    monitor.apply(world.snapshot())
    (row,) = rows(monitor)
    assert (row.done, row.total, row.exact) == (7, None, False)
