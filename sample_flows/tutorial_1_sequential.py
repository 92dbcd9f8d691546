"""Tutorial 1: three slow operations, one after the other

What to look at:
- Workers: one lane, the main thread; the three handlers follow each other and never overlap.
- Routines: op1, op2 and op3 take the same time, and their run times add up to the total.
- Output: the lines come 0.2 s apart; the total is 0.60 s.

Compare with tutorial 2, which runs the same operations at the same time.
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


def build_flow(operations: int = 3, delay: float = 0.2) -> Flow:
    """A sequential flow of independent operations.

    Args:
        operations: how many.
        delay: seconds that each of them takes.
    """
    flow = Flow(flow_id="sequential", execution_strategy="sequential")
    for number in range(1, operations + 1):
        operation = SlowIOOperation()
        operation.set_config(name=f"Operation{number}", delay=delay)
        flow.add_routine(operation, f"op{number}")
    return flow


def run(flow: Flow) -> None:
    """Execute each operation and say how long all of them took together."""
    print("=== Sequential Execution ===")
    start = time.time()
    for routine_id in flow.entry_routines():
        flow.execute(routine_id)
    print(f"Sequential time: {time.time() - start:.2f}s")


if __name__ == "__main__":
    run(build_flow())
