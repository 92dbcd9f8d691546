"""Who looks at a flow's open jobs while others execute."""

import sys
import threading
from collections.abc import Iterator

import pytest

from routilux import Flow
from tests.engine.building import chain, idle
from tests.waiting import arrive, gate, in_threads


@pytest.fixture(autouse=True)
def busy_switching() -> Iterator[None]:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def test_states_and_logs_can_be_read_while_jobs_are_added() -> None:
    flow = Flow("f", "concurrent", 1)
    over = threading.Event()
    with gate() as go:
        chain(flow, lambda r: (r.emit("out"), arrive(go)), lambda _r: None)
        job = flow.execute("n0")

        def use(number: int) -> None:
            if number:
                while not over.is_set():
                    flow._scheduler.logs()
                    flow.get_all_executions()
                return
            for _ in range(3000):
                flow.execute("n1")
            over.set()

        in_threads(3, use)
        go.set()
    idle(flow)
    assert job.get_routine_states()["n0"]["status"] == "completed"
    flow.shutdown()
