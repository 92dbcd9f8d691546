"""L16 monitor overloaded: one job that says more than anybody can read

What is wrong: a single job handles tens of thousands of messages a second. The monitor traces
whole jobs, one in N of them when there are many; of one job it can only take what it gets, so most
records are lost on the way. Counts stay exact. Times and lists are made of what got here.

How to repair it: start a job for each piece of work, which is also what can be paused, cancelled
and saved. Then one in N is traced, and of that one everything.

With the argument `repaired` each batch is a job of its own, and the finding is gone.
"""

import sys
import time

from routilux import Flow, Routine


class Numbers(Routine):
    """Emits a batch of numbers, or one batch after the other for some seconds."""

    def __init__(self) -> None:
        super().__init__()
        self.define_slot("trigger", handler=self.count)
        self.define_event("number", ["number"])

    def count(self, seconds: float = 0.0, batch: int = 400, **kwargs: object) -> None:
        ends = time.monotonic() + seconds
        while True:
            for number in range(batch):
                self.emit("number", number=number)
            if time.monotonic() >= ends:
                return
            time.sleep(0.001)


class Add(Routine):
    """Does next to nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.define_slot("number", handler=self.add)

    def add(self, number: int) -> None:
        pass


def build_flow() -> Flow:
    """Numbers -> add."""
    flow = Flow("l16_overload", execution_strategy="concurrent", max_workers=2)
    flow.add_routine(Numbers(), "numbers")
    flow.add_routine(Add(), "add")
    flow.connect("numbers", "number", "add", "number")
    return flow


def run(flow: Flow, repaired: bool = False, seconds: float = 12.0) -> None:
    """Count for some seconds, in one job or in many."""
    ends = time.monotonic() + seconds
    if not repaired:
        flow.execute("numbers", {"seconds": seconds})
    while repaired and time.monotonic() < ends:
        flow.execute("numbers", {"batch": 40}).wait(timeout=5.0)
        time.sleep(0.001)
    flow.wait_for_completion(timeout=60.0)
    flow.shutdown(wait=True, timeout=2.0)


if __name__ == "__main__":
    run(build_flow(), repaired="repaired" in sys.argv)
