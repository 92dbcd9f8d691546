"""L03 pool never shut down: threads that nobody ends

What is wrong: the flow is used, waited for, and forgotten. Its workers stay, with their stacks and
all that they refer to. A service that makes a flow for each request grows until it runs out of
threads.

How to repair it: `flow.shutdown()` when the flow is not needed any more. It can be used again
afterwards: workers start anew.

With the argument `repaired` it shuts down, and the finding is gone.
"""

import sys

from routilux import Flow, Routine


class Greet(Routine):
    """Counts greetings."""

    def __init__(self) -> None:
        super().__init__()
        self.define_slot("trigger", handler=self.greet)

    def greet(self, **kwargs: object) -> None:
        self.increment_stat("greetings")


def build_flow() -> Flow:
    """One routine, two workers."""
    flow = Flow("l03_no_shutdown", execution_strategy="concurrent", max_workers=2)
    flow.add_routine(Greet(), "greet")
    return flow


def run(flow: Flow, repaired: bool = False) -> None:
    """Greet once."""
    flow.execute("greet")
    flow.wait_for_completion(timeout=10.0)
    if repaired:
        flow.shutdown(wait=True, timeout=2.0)


if __name__ == "__main__":
    run(build_flow(), repaired="repaired" in sys.argv)
