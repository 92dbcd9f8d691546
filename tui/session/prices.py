"""What being watched costs a flow for each activation, measured on this machine.

A small flow runs with nobody, with somebody who counts and with somebody who traces. It runs here,
not in the engine process: there it would take numbers that belong to the user's flows.
"""

from __future__ import annotations

import statistics
import time

from routilux import Flow, Level, Routine

#: Activations of one run: more than a lane folds at a time, so that folding is in the price.
_TURNS = 4_100
_ROUNDS = 3
#: Traces no job.
_NEVER = 1 << 30


def measure(turns: int = _TURNS, rounds: int = _ROUNDS) -> tuple[float, float]:
    """CPU nanoseconds to count one activation, and to trace one. Takes about 60 ms; any thread.

    Args:
        turns: activations of one run.
        rounds: the median of so many is taken, of each way in turn, so that a slow moment of the
            machine is not taken for the price of one of them.
    """
    took: list[tuple[float, float]] = []
    for _ in range(rounds):
        alone = _run(turns, 0)
        took.append((_run(turns, _NEVER) - alone, _run(turns, 1) - alone))
    counted, traced = (statistics.median(prices) for prices in zip(*took, strict=True))
    return max(0.0, counted), max(0.0, traced)


class _Step(Routine):
    def __init__(self) -> None:
        super().__init__()
        self.define_slot("trigger", handler=self.work)
        self.define_event("out")

    def work(self, left: int) -> None:
        if left:
            self.emit("out", left=left - 1)


def _run(turns: int, every: int) -> float:
    """CPU nanoseconds of one activation; one job in ``every`` is traced, 0: nobody watches."""
    flow = Flow("prices")
    flow.add_routine(_Step(), "a")
    flow.add_routine(_Step(), "b")
    flow.connect("a", "out", "b", "trigger")
    flow.connect("b", "out", "a", "trigger")
    subscription = flow.bus.subscribe(Level.TRACE, every) if every else None
    begin = time.thread_time_ns()
    flow.execute("a", {"left": turns - 1})
    took = time.thread_time_ns() - begin
    if subscription is not None:
        subscription.close()
    return took / turns
