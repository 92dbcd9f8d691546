"""Tutorial 5: parallel data processing from fetch to result

What to look at:
- Topology: five fetchers -> processor -> collector.
- Events: each fetch can be followed through the processor to the collector; they interleave.
- Workers: five lanes; after the fetches each lane goes on with what it has fetched.
- Stats: collected_count of the collector ends at 5.
- Output: the report of the whole run, about 0.1 s.
"""

import time

from routilux import Flow, Routine


class DataFetcher(Routine):
    """Fetches from one source."""

    def __init__(self) -> None:
        super().__init__()
        self.set_config(source_id="F0", delay=0.1)
        self.trigger_slot = self.define_slot("trigger", handler=self.fetch)
        self.output_event = self.define_event("output", ["data", "source_id", "timestamp"])

    def fetch(self, **kwargs: object) -> None:
        source_id = self.get_config("source_id", "F0")
        time.sleep(self.get_config("delay", 0.1))  # stands for the network
        data = f"Data from source {source_id}"
        self.emit("output", data=data, source_id=source_id, timestamp=time.time())


class DataProcessor(Routine):
    """Processes what any fetcher sends."""

    def __init__(self) -> None:
        super().__init__()
        self.input_slot = self.define_slot("input", handler=self.process)
        self.output_event = self.define_event("output", ["processed", "source_id"])

    def process(self, data: str = "", source_id: str = "unknown", **kwargs: object) -> None:
        print(f"Processed data from source {source_id}")
        self.emit("output", processed=f"Processed: {data}", source_id=source_id)


class ResultCollector(Routine):
    """Collects and counts the results."""

    def __init__(self) -> None:
        super().__init__()
        self.input_slot = self.define_slot("input", handler=self.collect, merge_strategy="append")
        self.set_stat("collected_count", 0)

    def collect(self, processed: str = "", source_id: str = "unknown", **kwargs: object) -> None:
        self.increment_stat("collected_count")
        print(f"Collected: {processed} from {source_id}")


def build_flow(fetchers: int = 5, delay: float = 0.1, workers: int = 5) -> Flow:
    """Fetchers -> processor -> collector.

    Args:
        fetchers: how many.
        delay: seconds that a fetch takes.
        workers: threads that run the handlers.
    """
    flow = Flow(flow_id="parallel_processing", execution_strategy="concurrent", max_workers=workers)
    processor_id = flow.add_routine(DataProcessor(), "processor")
    collector_id = flow.add_routine(ResultCollector(), "collector")
    for number in range(fetchers):
        fetcher = DataFetcher()
        fetcher.set_config(source_id=f"F{number}", delay=delay)
        fetcher_id = flow.add_routine(fetcher, f"fetcher{number}")
        flow.connect(fetcher_id, "output", processor_id, "input")
    flow.connect(processor_id, "output", collector_id, "input")
    return flow


def run(flow: Flow) -> None:
    """Execute all fetchers, wait for what they cause, and report."""
    print("Starting parallel data fetching...")
    start = time.time()
    for routine_id in flow.entry_routines():
        flow.execute(routine_id)
    flow.wait_for_completion(timeout=10.0)
    print(f"\nCompleted in {time.time() - start:.2f}s")
    print(f"Collected {flow.routines['collector'].get_stat('collected_count', 0)} results")
    flow.shutdown(wait=True)


if __name__ == "__main__":
    run(build_flow())
