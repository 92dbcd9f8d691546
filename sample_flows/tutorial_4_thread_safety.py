"""Tutorial 4: five sources, one counter, and the lock that it needs

What to look at:
- Topology: five edges meet at the counter.
- Workers: five sources end at the same moment, so five handlers of the one counter start
  together and wait for its lock in turn.
- Stats: count ends at 5, every time.
- Output: Count: 1 to Count: 5 in order.

`lost_update.py` is the same counter without the lock.
"""

import threading
import time

from routilux import Flow, Routine


class ThreadSafeCounter(Routine):
    """Counts messages. Handlers of one routine run concurrently, hence the lock."""

    def __init__(self) -> None:
        super().__init__()
        self.input_slot = self.define_slot("input", handler=self.increment)
        self._lock = threading.Lock()
        self.set_stat("count", 0)

    def increment(self, **kwargs: object) -> None:
        with self._lock:
            current = self.get_stat("count", 0)
            self.set_stat("count", current + 1)
            print(f"Count: {self.get_stat('count', 0)}")


class DataSource(Routine):
    """Sends one message."""

    def __init__(self) -> None:
        super().__init__()
        self.set_config(name="Source", delay=0.05)
        self.trigger_slot = self.define_slot("trigger", handler=self.send)
        self.output_event = self.define_event("output", ["data"])

    def send(self, **kwargs: object) -> None:
        time.sleep(self.get_config("delay", 0.05))  # stands for work
        self.emit("output", data=f"Data from {self.get_config('name', 'Source')}")


def build_flow(sources: int = 5, workers: int = 5) -> Flow:
    """Sources wired to one counter.

    Args:
        sources: how many.
        workers: threads that run the handlers.
    """
    flow = Flow(flow_id="threadsafe_flow", execution_strategy="concurrent", max_workers=workers)
    counter_id = flow.add_routine(ThreadSafeCounter(), "counter")
    for number in range(sources):
        source = DataSource()
        source.set_config(name=f"Source{number}")
        source_id = flow.add_routine(source, f"source{number}")
        flow.connect(source_id, "output", counter_id, "input")
    return flow


def run(flow: Flow) -> None:
    """Execute all sources at once and print the final count."""
    for routine_id in flow.entry_routines():
        flow.execute(routine_id)
    flow.wait_for_completion(timeout=5.0)
    print(f"Final count: {flow.routines['counter'].get_stat('count', 0)}")
    flow.shutdown(wait=True)


if __name__ == "__main__":
    run(build_flow())
