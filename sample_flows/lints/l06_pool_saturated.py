"""L06 pool saturated: every worker is busy, and the queue waits

What is wrong: two workers share what takes the time of four. Each message waits for one of them to
become free; the wait in pane 1 grows while the run time stays what it is.

How to repair it: more workers, since these handlers wait and do not compute; or faster handlers;
or let the source send less (`max_queue` on the slot makes it wait).

With the argument `repaired` there are eight workers, and the finding is gone.
"""

import sys
import time

from routilux import Flow, Routine


class Lookup(Routine):
    """Takes 50 ms to answer, most of which it waits."""

    def __init__(self) -> None:
        super().__init__()
        self.define_slot("trigger", handler=self.answer)

    def answer(self, **kwargs: object) -> None:
        time.sleep(0.05)
        self.increment_stat("answered")


def build_flow(repaired: bool = False) -> Flow:
    """A lookup that takes 50 ms.

    Args:
        repaired: eight workers and not two.
    """
    workers = 8 if repaired else 2
    flow = Flow("l06_pool_saturated", execution_strategy="concurrent", max_workers=workers)
    flow.add_routine(Lookup(), "lookup")
    return flow


def run(flow: Flow, seconds: float = 8.0) -> None:
    """Eighty requests a second, each of them a job, for some seconds."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        flow.execute("lookup")
        time.sleep(0.0125)
    flow.wait_for_completion(timeout=60.0)
    flow.shutdown(wait=True, timeout=2.0)


if __name__ == "__main__":
    run(build_flow(repaired="repaired" in sys.argv))
