"""Chains of no-op handlers as fast as four workers go, for so many seconds; counts for itself."""

import sys
import time

from routilux import Flow, Routine

SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
STAGES = 5


class Stage(Routine):
    def __init__(self) -> None:
        super().__init__()
        self.define_slot("trigger", handler=self.work)
        self.define_event("out")

    def work(self, **data: int) -> None:
        self.emit("out", **data)


class Last(Routine):
    """Counts rounds by the thousand, under its lock, so that the count itself costs little."""

    def __init__(self) -> None:
        super().__init__()
        self.define_slot("trigger", handler=self.work)
        self.define_event("again")

    def work(self, turn: int, until: float) -> None:
        if turn % 1000 or time.monotonic() < until:
            self.emit("again", turn=turn + 1, until=until)
        else:
            self.increment_stat("turns", turn)


flow = Flow("flood", execution_strategy="concurrent", max_workers=4)
last = Last()
for number in range(STAGES):
    flow.add_routine(Stage(), f"stage{number}")
flow.add_routine(last, "last")
for number in range(STAGES - 1):
    flow.connect(f"stage{number}", "out", f"stage{number + 1}", "trigger")
flow.connect(f"stage{STAGES - 1}", "out", "last", "trigger")
flow.connect("last", "again", "stage0", "trigger")
begin = time.monotonic()
for _ in range(8):
    flow.execute("stage0", {"turn": 1, "until": begin + SECONDS})
flow.wait_for_completion()
turns = last.get_stat("turns")
print(f"engine counted {turns * (STAGES + 1)} in {time.monotonic() - begin:.1f} s, {turns} turns")
