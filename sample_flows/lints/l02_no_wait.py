"""L02 execute without wait: the program ends, and the work with it

What is wrong: `execute()` of a concurrent flow returns at once. The program then reaches its end
while a letter is still being sent. Worker threads are daemons: under `python` they die there, and
the letter is never sent. The monitor keeps the process, so that you see what would be lost.

How to repair it: `flow.wait_for_completion()` before the end, or `job.wait()` for one job.

With the argument `repaired` it waits, and the finding is gone.
"""

import sys
import time

from routilux import Flow, Routine


class Letter(Routine):
    """Takes a moment to send."""

    def __init__(self) -> None:
        super().__init__()
        self.set_config(seconds=1.0)
        self.define_slot("trigger", handler=self.send)

    def send(self, **kwargs: object) -> None:
        time.sleep(self.get_config("seconds"))
        self.increment_stat("sent")


def build_flow() -> Flow:
    """One routine, two workers."""
    flow = Flow("l02_no_wait", execution_strategy="concurrent", max_workers=2)
    flow.add_routine(Letter(), "letter")
    return flow


def run(flow: Flow, repaired: bool = False, seconds: float = 1.0) -> None:
    """Send one letter, and end at once or when it was sent."""
    flow.routines["letter"].set_config(seconds=seconds)
    flow.execute("letter")
    if repaired:
        flow.wait_for_completion(timeout=10.0)
    flow.shutdown(wait=False)


if __name__ == "__main__":
    run(build_flow(), repaired="repaired" in sys.argv)
