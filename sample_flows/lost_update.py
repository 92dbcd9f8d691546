"""Lost update: tutorial 4 without its lock, and the count comes out wrong

What to look at:
- Stats: count of the counter should be 5 after each round and sometimes is not; lost counts
  the updates that vanished.
- Workers: a lost update needs two handlers of the counter that overlap.
- Events: the deliveries to the counter; two of them within a millisecond are the suspects.
- Topology: five edges meet at the counter, and nothing orders them.
- Output: expected and got of each round.

The bug: the handler reads the count, does a little work, and writes it back. A handler on another
thread that reads in between gets the old value, and one of the two updates is lost. The fix is
one word, `self.increment_stat("count")`, or a lock round the two lines.

Runs until Ctrl+C, or for as many seconds as the first argument says.
"""

import math
import random
import sys
import time
from contextlib import suppress

from routilux import Flow, Routine


class UnsafeCounter(Routine):
    """Counts messages, wrongly: between get_stat and set_stat another handler may run."""

    def __init__(self) -> None:
        super().__init__()
        self.set_config(gap=0.001)
        self.set_stat("count", 0)
        self.set_stat("lost", 0)
        self.define_slot("input", handler=self.increment)

    def increment(self, **kwargs: object) -> None:
        current = self.get_stat("count", 0)
        time.sleep(self.get_config("gap", 0.001))
        self.set_stat("count", current + 1)


class DataSource(Routine):
    """Sends one message after a moment that is never the same."""

    def __init__(self) -> None:
        super().__init__()
        self.set_config(name="Source", delay=0.05)
        self.define_slot("trigger", handler=self.send)
        self.define_event("output", ["data"])

    def send(self, **kwargs: object) -> None:
        time.sleep(random.uniform(0.0, self.get_config("delay", 0.05)))
        self.emit("output", data=f"Data from {self.get_config('name', 'Source')}")


def build_flow(sources: int = 5, gap: float = 0.001, workers: int = 5) -> Flow:
    """Sources wired to one counter that has no lock.

    Args:
        sources: how many.
        gap: seconds between reading the count and writing it; the wider, the more is lost.
        workers: threads that run the handlers. With 1 nothing is lost.
    """
    flow = Flow(flow_id="lost_update", execution_strategy="concurrent", max_workers=workers)
    counter = UnsafeCounter()
    counter.set_config(gap=gap)
    flow.add_routine(counter, "counter")
    for number in range(sources):
        source = DataSource()
        source.set_config(name=f"Source{number}")
        flow.add_routine(source, f"source{number}")
        flow.connect(f"source{number}", "output", "counter", "input")
    return flow


def run(flow: Flow, seconds: float = math.inf) -> None:
    """Count to five again and again, until Ctrl+C or for so many seconds."""
    ends = time.monotonic() + seconds
    counter = flow.routines["counter"]
    sources = flow.entry_routines()
    rounds = 0
    with suppress(KeyboardInterrupt):
        while time.monotonic() < ends:
            rounds += 1
            counter.set_stat("count", 0)
            for source in sources:
                flow.execute(source)
            flow.wait_for_completion(timeout=5.0)
            lost = len(sources) - counter.get_stat("count")
            counter.increment_stat("lost", lost)
            verdict = f"{lost} lost" if lost else "ok"
            got = counter.get_stat("count")
            print(f"round {rounds}: expected {len(sources)}, got {got}: {verdict}", flush=True)
            time.sleep(0.2)
    flow.shutdown(wait=True, timeout=1.5)
    lost = counter.get_stat("lost")
    print(f"stopped: {lost} updates lost in {rounds} rounds", flush=True)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):  # a second Ctrl+C
        run(build_flow(), *map(float, sys.argv[1:2]))
