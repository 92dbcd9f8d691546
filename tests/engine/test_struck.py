"""Ctrl+C at every line of the engine that a sequential job goes through: no job stays open."""

import linecache
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import routilux
from routilux import Flow, JobState, Routine
from routilux.bus import Level, Subscription
from tests.engine.building import chain, passing
from tests.waiting import Call

ENGINE = str(Path(routilux.__file__).parent)
#: Where the job is not known to anybody yet, or has been handed over already.
NOBODYS = {"execute", "_start", "_new_job", "_remember"}
HELD: list[Subscription] = []


class Strike:
    """Raises KeyboardInterrupt before the n-th line that the engine runs."""

    def __init__(self, number: int) -> None:
        self.left = number
        self.where = ""

    def __call__(self, frame: FrameType, event: str, _argument: Any) -> "Strike | None":
        if not frame.f_code.co_filename.startswith(ENGINE):
            return None
        line = linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()
        # A lock is taken and given back in one step each, but tracing can come between.
        if event == "line" and frame.f_code.co_name not in NOBODYS and line[:5] != "with ":
            self.left -= 1
            if not self.left:
                self.where = f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
                sys.settrace(None)
                raise KeyboardInterrupt
        return self


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    before = sys.gettrace()
    caplog.set_level(logging.CRITICAL, "routilux")
    yield
    sys.settrace(before)
    for held in HELD:
        held.close()
    HELD.clear()


def flow_of(level: Level) -> Flow:
    flow = Flow("f")

    def emit(routine: Routine) -> None:
        routine.emit("out")

    chain(flow, emit, emit, passing)
    if level:
        HELD.append(flow.bus.subscribe(level))
    flow.execute("n0")  # what is only done the first time is not looked at
    return flow


def struck(flow: Flow, number: int) -> str:
    """Execute and strike; where, or nothing once there are no more lines."""
    strike = Strike(number)
    sys.settrace(strike)
    try:
        flow.execute("n0")
    except KeyboardInterrupt:
        pass
    finally:
        sys.settrace(None)
    return strike.where


def open_jobs(flow: Flow) -> list[JobState]:
    return [job for job in flow.get_all_executions() if not job.done]


def usable(flow: Flow) -> bool:
    again = Call(flow.execute, "n0")
    again.join(5)
    return not again.is_alive() and again.result().status == "completed"


@pytest.mark.parametrize("level", [Level.OFF, Level.COUNTERS, Level.TRACE])
def test_no_job_stays_open_wherever_ctrl_c_strikes(level: Level) -> None:
    number, wrong = 0, []
    while True:
        number += 1
        flow = flow_of(level)
        where = struck(flow, number)
        if not where:
            break
        if open_jobs(flow):
            wrong.append(f"{where} leaves a job open")
        if not usable(flow):
            wrong.append(f"{where} hangs the flow")
        flow.shutdown()
    assert number > 60, "lines were struck"
    assert not wrong
