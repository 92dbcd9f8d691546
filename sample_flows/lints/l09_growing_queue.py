"""L09 queue grows and grows: more comes than is handled, and memory keeps it

What is wrong: fifty readings a second come, and the store writes one at a time, 40 ms each. Every
second 25 more wait. Nothing is wrong with any single message, and nothing ever gets better. The
default wants to see that for 30 seconds before it speaks.

How to repair it: let the handler take several at once, make it faster, or give the slot
`max_queue`, so that the source waits or the oldest are dropped.

With the argument `repaired` it writes four at a time, and the finding is gone.
"""

import asyncio
import sys

from routilux import Flow, Routine


class Sensor(Routine):
    """Sends a reading every 20 ms."""

    def __init__(self) -> None:
        super().__init__()
        self.set_config(seconds=40.0)
        self.define_slot("trigger", handler=self.begin)
        self.define_event("reading", ["number"])

    def begin(self, **kwargs: object) -> None:
        self.set_config(ends=self.now() + self.get_config("seconds"))
        self.measure()

    def measure(self) -> None:
        if self.now() < self.get_config("ends"):
            self.emit("reading", number=self.increment_stat("sent"))
            self.call_later(0.02, self.measure)


class Store(Routine):
    """Writes a reading in 40 ms, on the event loop."""

    at_once = 1

    def __init__(self) -> None:
        super().__init__()
        self.define_slot("reading", handler=self.write, max_concurrency=self.at_once)

    async def write(self, number: int) -> None:
        await asyncio.sleep(0.04)
        self.increment_stat("written")


class QuickStore(Store):
    """Writes four at a time."""

    at_once = 4


def build_flow(repaired: bool = False, seconds: float = 40.0) -> Flow:
    """Sensor -> store.

    Args:
        repaired: four writes at a time.
        seconds: how long the sensor measures.
    """
    flow = Flow("l09_growing_queue", execution_strategy="concurrent", max_workers=2)
    sensor = Sensor()
    sensor.set_config(seconds=seconds)
    flow.add_routine(sensor, "sensor")
    flow.add_routine(QuickStore() if repaired else Store(), "store")
    flow.connect("sensor", "reading", "store", "reading")
    return flow


def run(flow: Flow) -> None:
    """Until the sensor has ended and all is written."""
    flow.execute("sensor")
    flow.wait_for_completion(timeout=120.0)
    flow.shutdown(wait=True, timeout=2.0)


if __name__ == "__main__":
    run(build_flow(repaired="repaired" in sys.argv))
