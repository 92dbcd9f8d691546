"""Tutorial 3: several fetchers feed one aggregator

What to look at:
- Topology: three edges meet at the aggregator (fan-in).
- Events: each fetcher's output is followed by one delivery to the aggregator.
- Workers: the fetchers overlap; the aggregator runs on the worker that has just fetched.
- Output: three fetched lines, three aggregated lines, about 0.1 s in total.

The aggregator's slot appends, so `slot.data` holds every message, while its handler, which has
named parameters, gets one message at a time.
"""

import time

from routilux import Flow, Routine


class DataFetcher(Routine):
    """Fetches from one source."""

    def __init__(self) -> None:
        super().__init__()
        self.set_config(source_name="Source", delay=0.1)
        self.trigger_slot = self.define_slot("trigger", handler=self.fetch)
        self.output_event = self.define_event("output", ["data", "source"])

    def fetch(self, **kwargs: object) -> None:
        source_name = self.get_config("source_name", "Source")
        time.sleep(self.get_config("delay", 0.1))  # stands for the network
        data = f"Data from {source_name}"
        print(f"[{time.time():.2f}] Fetched: {data}")
        self.emit("output", data=data, source=source_name)


class Aggregator(Routine):
    """Collects what all fetchers send."""

    def __init__(self) -> None:
        super().__init__()
        self.input_slot = self.define_slot("input", handler=self.aggregate, merge_strategy="append")

    def aggregate(self, data: str = "", source: str = "", **kwargs: object) -> None:
        print(f"Aggregated: {data} from {source}")


def build_flow(fetchers: int = 3, delay: float = 0.1, workers: int = 3) -> Flow:
    """Fetchers wired to one aggregator.

    Args:
        fetchers: how many.
        delay: seconds that a fetch takes.
        workers: threads that run the handlers.
    """
    flow = Flow(flow_id="concurrent_flow", execution_strategy="concurrent", max_workers=workers)
    aggregator_id = flow.add_routine(Aggregator(), "aggregator")
    for number in range(1, fetchers + 1):
        fetcher = DataFetcher()
        fetcher.set_config(source_name=f"Source{number}", delay=delay)
        fetcher_id = flow.add_routine(fetcher, f"fetcher{number}")
        flow.connect(fetcher_id, "output", aggregator_id, "input")
    return flow


def run(flow: Flow) -> None:
    """Execute all fetchers, wait for what they cause, and say how long that took."""
    start = time.time()
    for routine_id in flow.entry_routines():
        flow.execute(routine_id)
    flow.wait_for_completion(timeout=5.0)
    print(f"Total time: {time.time() - start:.2f}s")
    flow.shutdown(wait=True)


if __name__ == "__main__":
    run(build_flow())
