"""Chains of handlers, for SECONDS: LOOPS of work each, RATE a second; says what it took.

A thousand loops are about 10 µs. RATE 0 is as fast as they go. CPU time is that of this process,
without its start.
"""

import sys
import time

from routilux import Flow, Routine

SECONDS, LOOPS, RATE = (int(word) for word in (*sys.argv[1:], *"600"[len(sys.argv) - 1 :]))
STAGES = 5
BURST = 0.005


class Stage(Routine):
    def __init__(self) -> None:
        super().__init__()
        self.define_slot("trigger", handler=self.work)
        self.define_event("out")

    def work(self, turn: int) -> None:
        for _ in range(LOOPS):
            pass
        self.emit("out", turn=turn)


class Last(Routine):
    """Begins the next round while there is time; in a burst so many, then it rests."""

    def __init__(self) -> None:
        super().__init__()
        self.define_slot("trigger", handler=self.work)
        self.define_event("again")

    def work(self, turn: int) -> None:
        turn += 1
        if turn % ROUNDS == 0:
            ahead = begin + turn * EACH - time.perf_counter()
            if RATE and ahead > 0:
                time.sleep(ahead)
            if time.perf_counter() > begin + SECONDS:
                self.increment_stat("turns", turn)
                return
        self.emit("again", turn=turn)


LINES = 4
#: Rounds of one line between two looks at the clock, and seconds that a round is to take.
EACH = (STAGES + 1) * LINES / RATE if RATE else 0.0
ROUNDS = max(1, int(BURST / EACH)) if RATE else 200

flow = Flow("steady", execution_strategy="concurrent", max_workers=4)
last = Last()
for number in range(STAGES):
    flow.add_routine(Stage(), f"stage{number}")
flow.add_routine(last, "last")
for number in range(STAGES - 1):
    flow.connect(f"stage{number}", "out", f"stage{number + 1}", "trigger")
flow.connect(f"stage{STAGES - 1}", "out", "last", "trigger")
flow.connect("last", "again", "stage0", "trigger")
cpu, begin = time.process_time(), time.perf_counter()
for _ in range(LINES):
    flow.execute("stage0", {"turn": 0})
flow.wait_for_completion()
wall, cpu = time.perf_counter() - begin, time.process_time() - cpu
print(f"counted {last.get_stat('turns') * (STAGES + 1)} wall {wall:.3f} cpu {cpu:.3f}")
