"""Running a saved schedule again."""

from __future__ import annotations

from typing import NamedTuple

from ..errors import InvalidValueError
from .lines import Lines
from .order import Ordered
from .portfolio import LINE
from .report import Report, report_of, steps_text
from .run import Build, Check, Drive, Failure, Program, Runner
from .schedule import Schedule, failure_data, reference_to, refuse_other_flow, source_hash
from .session import session
from .strategies import Difference


class Replay(NamedTuple):
    """What came of a schedule that was run again.

    Attributes:
        same: it ended as recorded (the same failure, or none), and every step was as recorded.
        failure: what is wrong with this run; None: nothing.
        first_difference: the first step that was other than recorded; None: none was.
        steps: what was done, a line for each step.
        state: statistics at the end, as texts.
        edited: the source of the routines is not what it was.
        report: what happened, to be read.
    """

    same: bool
    failure: Failure | None
    first_difference: Difference | None
    steps: tuple[str, ...]
    state: dict[str, dict[str, str]]
    edited: bool
    report: Report


def replay(
    schedule: Schedule,
    build: Build,
    drive: Drive | None = None,
    check: Check | None = None,
    *,
    strict: bool = True,
) -> Replay:
    """Run one schedule again.

    Args:
        schedule: of an `Exploration`, or loaded.
        build: as for `explore`; it must make a flow with the same routines.
        drive: as for `explore`.
        check: as for `explore`.
        strict: stop at the first step that is other than recorded. Else go on as well as can be:
            who cannot go on is passed over, and after the end of the schedule nobody is preempted.

    Raises:
        InvalidValueError: it is no schedule.
        RoutiluxError: it is one of another flow.
    """
    if not isinstance(schedule, Schedule):
        raise InvalidValueError(
            f"replay() needs a Schedule, not a {type(schedule).__name__}; Schedule.load(path) "
            "reads one"
        )
    runner = Runner(Program(build, drive, check))
    order = Ordered(schedule.tasks(), schedule.ops, strict)
    order.controller = runner.controller
    order.begin(0)
    lines = Lines(runner.control) if schedule.granularity == LINE else None
    with runner.attached():
        try:
            result = runner.run(order.pick, detailed=True, lines=lines)
            if session.flows:
                refuse_other_flow(schedule, reference_to(runner.program))
            edited = source_hash() != schedule.source
        finally:
            if lines is not None:
                lines.close()
    if result.verdict is None and order.difference is None:
        order.ended(len(result.steps) - 1)
    found, wanted = failure_data(result.failure), schedule.failure
    ends_the_same = _kind(found) == _kind(wanted)
    if wanted is not None and wanted["kind"] == "nondeterministic":
        ends_the_same = found is None
    same = ends_the_same and order.difference is None and result.verdict is None
    report = report_of(result, result.failure, schedule, None, [])
    return Replay(
        same, result.failure, order.difference, steps_text(result), result.state, edited, report
    )


def _kind(failure: dict[str, str] | None) -> tuple[str, str] | None:
    return (failure["kind"], failure["error"]) if failure is not None else None
