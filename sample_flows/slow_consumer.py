"""Slow consumer: two fast sensors outrun one writer until they are paused

What to look at:
- Topology: two sensors feed one writer; the hot edges are those into the writer.
- Routines: the writer's queue grows by about 150 a second to 400, then falls.
- Workers: two lanes are held by the sensors, so one is left for the writer; once the sensors are
  paused all three write.
- Throughput: the rate of the writer goes up threefold when the sensors pause.
- Stats: sent of the sensors runs away from written of the writer.
- Output: when the sensors were paused and resumed, and how far the writer was behind.

Nothing in the engine holds a fast producer back: `emit` never blocks. Here the driver looks at
the backlog and pauses the sensors through their config, which is back-pressure done by hand.

Runs until Ctrl+C, or for as many seconds as the first argument says.
"""

import math
import sys
import threading
import time
from contextlib import suppress

from routilux import Flow, Routine

SENSORS = ("sensor_a", "sensor_b")

#: Set when the show is over, so that a full queue drains at once.
over = threading.Event()


class Sensor(Routine):
    """Sends a reading every 10 ms until it is told to pause."""

    def __init__(self) -> None:
        super().__init__()
        self.set_config(paused=False)
        self.set_stat("sent", 0)
        self.define_slot("trigger", handler=self.measure)
        self.define_event("reading", ["number"])

    def measure(self, **kwargs: object) -> None:
        while not (self.get_config("paused") or over.is_set()):
            self.emit("reading", number=self.increment_stat("sent"))
            time.sleep(0.010)


class Writer(Routine):
    """Takes 20 ms to write a reading."""

    def __init__(self) -> None:
        super().__init__()
        self.set_stat("written", 0)
        self.define_slot("reading", handler=self.write)

    def write(self, number: int) -> None:
        if not over.is_set():
            time.sleep(0.020)
        self.increment_stat("written")


def build_flow(workers: int = 3, limit: int = 400) -> Flow:
    """Two sensors -> writer.

    Args:
        workers: threads that run the handlers; from 7 on the writer keeps up.
        limit: how many readings may wait before the sensors are paused.
    """
    flow = Flow(flow_id="slow_consumer", execution_strategy="concurrent", max_workers=workers)
    writer = Writer()
    writer.set_config(limit=limit)
    flow.add_routine(writer, "writer")
    for sensor in SENSORS:
        flow.add_routine(Sensor(), sensor)
        flow.connect(sensor, "reading", "writer", "reading")
    return flow


def run(flow: Flow, seconds: float = math.inf) -> None:
    """Let the sensors run until the writer is too far behind, let it catch up, and again."""
    over.clear()
    ends = time.monotonic() + seconds
    limit = flow.routines["writer"].get_config("limit", 400)
    with suppress(KeyboardInterrupt):
        while time.monotonic() < ends:
            start_sensors(flow)
            print("sensors running", flush=True)
            while backlog(flow) < limit and time.monotonic() < ends:
                time.sleep(0.050)
            pause_sensors(flow)
            print(f"sensors paused, the writer is {backlog(flow)} readings behind", flush=True)
            flow.wait_for_completion(timeout=max(0.0, min(60.0, ends - time.monotonic())))
    over.set()
    flow.shutdown(wait=True, timeout=1.5)
    print(f"stopped: {flow.routines['writer'].get_stat('written')} readings written", flush=True)


def start_sensors(flow: Flow) -> None:
    """Start one job per sensor."""
    for sensor in SENSORS:
        flow.routines[sensor].set_config(paused=False)
        flow.execute(sensor)


def pause_sensors(flow: Flow) -> None:
    """Tell the sensors to end their jobs; what they have sent is still written."""
    for sensor in SENSORS:
        flow.routines[sensor].set_config(paused=True)


def backlog(flow: Flow) -> int:
    """How many readings wait for the writer."""
    sent: int = sum(flow.routines[sensor].get_stat("sent") for sensor in SENSORS)
    written: int = flow.routines["writer"].get_stat("written")
    return sent - written


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):  # a second Ctrl+C
        run(build_flow(), *map(float, sys.argv[1:2]))
