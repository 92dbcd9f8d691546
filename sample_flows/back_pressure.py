"""Back-pressure: slots that take only so much, and what becomes of more

What to look at:
- Routines: both receivers are ▣ full. Q of the writer stands still at its limit, though the sensor
  could send a thousand times as fast; DROP of the screen counts what was never drawn.
- Topology: the queue of each receiver, next to the word full.
- Events: "dropped" lines of the screen, none of the writer.
- Workers: the sensor is at work all the time: it waits for room. `drn` is the thread that
  empties the full slot meanwhile, so that waiting emitters cannot block the flow.
- Stats: sent, written and drawn; drawn is far behind, the other two stay together.
- Output: how it ended: nothing was lost on the way to the writer.

Nothing holds a fast producer back by itself: `emit` queues and returns, and a queue grows as long
as there is memory. `max_queue` sets a limit, and `overflow` says what to do at it. "block" lets the
emitter wait, for what must not get lost. "drop_oldest" keeps what is newest, for what is worthless
when it is late. "drop_newest" and "error" are the others. `max_concurrency=1` runs one handler of
the slot at a time.

Ends by itself after about four seconds.
"""

import time
from contextlib import suppress

from routilux import Flow, Routine

READINGS = 300


class Sensor(Routine):
    """Sends readings as fast as it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.set_config(readings=READINGS)
        self.define_slot("trigger", handler=self.measure)
        self.define_event("reading", ["number"])

    def measure(self, **kwargs: object) -> None:
        for _ in range(self.get_config("readings")):
            self.emit("reading", number=self.increment_stat("sent"))


class Writer(Routine):
    """Must get every reading, and takes 10 ms for it."""

    def __init__(self) -> None:
        super().__init__()
        self.define_slot(
            "reading", handler=self.write, max_queue=20, overflow="block", max_concurrency=1
        )

    def write(self, number: int) -> None:
        time.sleep(0.010)
        self.increment_stat("written")


class Screen(Routine):
    """Takes 60 ms to draw, and wants the newest readings only."""

    def __init__(self) -> None:
        super().__init__()
        self.define_slot(
            "reading", handler=self.draw, max_queue=3, overflow="drop_oldest", max_concurrency=1
        )

    def draw(self, number: int) -> None:
        time.sleep(0.060)
        self.increment_stat("drawn")
        self.set_stat("latest", number)


def build_flow(workers: int = 3, readings: int = READINGS) -> Flow:
    """Sensor -> writer and screen.

    Args:
        workers: threads that run the handlers.
        readings: how many the sensor sends.
    """
    flow = Flow(flow_id="back_pressure", execution_strategy="concurrent", max_workers=workers)
    sensor = Sensor()
    sensor.set_config(readings=readings)
    flow.add_routine(sensor, "sensor")
    flow.add_routine(Writer(), "writer")
    flow.add_routine(Screen(), "screen")
    flow.connect("sensor", "reading", "writer", "reading")
    flow.connect("sensor", "reading", "screen", "reading")
    return flow


def run(flow: Flow) -> None:
    """Let the sensor send, and say what arrived."""
    job = flow.execute("sensor")
    flow.wait_for_completion(timeout=30.0)
    sent = flow.routines["sensor"].get_stat("sent")
    written = flow.routines["writer"].get_stat("written")
    drawn = flow.routines["screen"].get_stat("drawn")
    print(f"{sent} sent, {written} written, {drawn} drawn, {job.dropped} dropped", flush=True)
    print(f"the screen shows reading {flow.routines['screen'].get_stat('latest')}", flush=True)
    flow.shutdown(wait=True, timeout=2.0)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        run(build_flow())
