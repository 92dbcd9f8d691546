"""Who looks at a flow's open jobs while others execute."""

import threading

from routilux import Flow
from tests.engine.building import chain, idle
from tests.waiting import in_threads


def test_states_and_logs_can_be_read_while_jobs_come_and_go() -> None:
    flow = Flow("f", "concurrent", 4)
    chain(flow, lambda r: r.emit("out"), lambda _r: None)
    over = threading.Event()
    job = flow.execute("n0")

    def use(number: int) -> None:
        if number:
            while not over.is_set():
                flow._scheduler.logs()
                flow.get_all_executions()
                flow.routines["n0"].stats()
            return
        for _ in range(2000):
            flow.execute("n0")
        over.set()

    in_threads(3, use)
    idle(flow)
    assert job.get_routine_states()["n0"]["status"] == "completed"
    flow.shutdown()
