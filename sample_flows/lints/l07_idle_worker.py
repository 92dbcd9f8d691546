"""L07 idle worker beside a queue: work waits, and hands are free

What is wrong: the slot of the painter takes one message at a time, because `max_concurrency=1` was
set once and forgotten. A hundred pictures wait for it while three of four workers have nothing to
do.

How to repair it: let it take more at a time, if its handler may overlap with itself; else split
the work over several slots. A slot that has `max_queue` too is not told of: there somebody has
said how much may wait.

With the argument `repaired` it takes four at a time, and the finding is gone.
"""

import sys
import time

from routilux import Flow, Routine


class Pictures(Routine):
    """Sends all pictures at once."""

    def __init__(self) -> None:
        super().__init__()
        self.set_config(pictures=100)
        self.define_slot("trigger", handler=self.send)
        self.define_event("picture", ["number"])

    def send(self, **kwargs: object) -> None:
        for number in range(self.get_config("pictures")):
            self.emit("picture", number=number)


class Painter(Routine):
    """Takes 80 ms for a picture, one after the other."""

    at_once = 1

    def __init__(self) -> None:
        super().__init__()
        self.define_slot("picture", handler=self.paint, max_concurrency=self.at_once)

    def paint(self, number: int) -> None:
        time.sleep(0.08)
        self.increment_stat("painted")


class QuickPainter(Painter):
    """Takes four at a time."""

    at_once = 4


def build_flow(repaired: bool = False, pictures: int = 100) -> Flow:
    """Pictures -> painter, four workers.

    Args:
        repaired: four pictures at a time.
        pictures: how many there are.
    """
    flow = Flow("l07_idle_worker", execution_strategy="concurrent", max_workers=4)
    source = Pictures()
    source.set_config(pictures=pictures)
    flow.add_routine(source, "pictures")
    flow.add_routine(QuickPainter() if repaired else Painter(), "painter")
    flow.connect("pictures", "picture", "painter", "picture")
    return flow


def run(flow: Flow) -> None:
    """Until all are painted."""
    flow.execute("pictures")
    flow.wait_for_completion(timeout=60.0)
    flow.shutdown(wait=True, timeout=2.0)


if __name__ == "__main__":
    run(build_flow(repaired="repaired" in sys.argv))
