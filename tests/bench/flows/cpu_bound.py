"""Routines that compute, about half a millisecond a message: SECONDS, and how many (4)."""

import sys
import time

from routilux import Flow, Routine

SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
THREADS = int(sys.argv[2]) if len(sys.argv) > 2 else 4


class Cpu(Routine):
    def __init__(self) -> None:
        super().__init__()
        self.define_slot("trigger", handler=self.work)
        self.define_event("again")
        self.set_stat("done", 0)

    def work(self, until: float) -> None:
        sum(range(20_000))
        self.increment_stat("done")
        if time.monotonic() < until:
            self.emit("again", until=until)


flow = Flow("cpu", execution_strategy="concurrent", max_workers=THREADS)
routines = [Cpu() for _ in range(THREADS)]
begin = time.monotonic()
for number, routine in enumerate(routines):
    flow.add_routine(routine, f"cpu{number}")
    flow.connect(f"cpu{number}", "again", f"cpu{number}", "trigger")
for number in range(THREADS):
    flow.execute(f"cpu{number}", {"until": begin + SECONDS})
flow.wait_for_completion()
total = sum(routine.get_stat("done") for routine in routines)
print(f"rate {total / (time.monotonic() - begin):.1f}")
