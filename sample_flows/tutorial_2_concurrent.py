"""Tutorial 2: three slow operations at the same time

What to look at:
- Workers: three lanes, all busy at the same moment.
- Routines: each operation still takes 0.2 s; the total is that of the longest one.
- Output: the three lines come together; the total is about 0.2 s.
"""

import time

from routilux import Flow, Routine


class SlowIOOperation(Routine):
    """Stands for a network call or a file read: it waits, then says that it is done."""

    def __init__(self) -> None:
        super().__init__()
        self.set_config(name="Operation", delay=0.2)
        self.trigger_slot = self.define_slot("trigger", handler=self.operate)
        self.output_event = self.define_event("output", ["result"])

    def operate(self, **kwargs: object) -> None:
        time.sleep(self.get_config("delay", 0.2))
        result = f"{self.get_config('name', 'Operation')} completed"
        print(f"[{time.time():.2f}] {result}")
        self.emit("output", result=result)


def build_flow(operations: int = 3, delay: float = 0.2, workers: int = 3) -> Flow:
    """A concurrent flow of independent operations.

    Args:
        operations: how many.
        delay: seconds that each of them takes.
        workers: threads that run them. With fewer threads than operations some have to wait.
    """
    flow = Flow(flow_id="concurrent", execution_strategy="concurrent", max_workers=workers)
    for number in range(1, operations + 1):
        operation = SlowIOOperation()
        operation.set_config(name=f"Operation{number}", delay=delay)
        flow.add_routine(operation, f"op{number}")
    return flow


def run(flow: Flow) -> None:
    """Execute all operations, wait for them, and say how long that took."""
    print("=== Concurrent Execution ===")
    start = time.time()
    for routine_id in flow.entry_routines():
        flow.execute(routine_id)
    flow.wait_for_completion(timeout=5.0)
    print(f"Concurrent time: {time.time() - start:.2f}s")
    flow.shutdown(wait=True)


if __name__ == "__main__":
    run(build_flow())
