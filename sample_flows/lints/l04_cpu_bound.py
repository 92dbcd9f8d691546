"""L04 CPU-bound in threads: four workers that share one core

What is wrong: the handlers compute, in Python. The interpreter runs one thread at a time, so four
workers are as fast as one, and each of them is four times as slow. The lanes of pane 4 are all
full, and the work does not get done any sooner.

How to repair it: threads are for waiting. Move the computation to processes
(`concurrent.futures.ProcessPoolExecutor`), to code that releases the interpreter lock, or use one
worker. The repaired twin stands for the first: it waits for a result that others compute.

With the argument `repaired` it waits in place of computing, and the finding is gone.
"""

import sys
import time

from routilux import Flow, Routine


class Primes(Routine):
    """Looks for primes for a while, or waits for somebody else to find them."""

    def __init__(self) -> None:
        super().__init__()
        self.set_config(seconds=8.0, computes=True)
        self.define_slot("trigger", handler=self.search)

    def search(self, **kwargs: object) -> None:
        ends = time.monotonic() + self.get_config("seconds")
        number, found = 10_001, 0
        while time.monotonic() < ends:
            if self.get_config("computes"):
                found += all(number % each for each in range(3, 1000, 2))
            else:
                time.sleep(0.01)
            number += 2
        self.set_stat("primes", found)


def build_flow(repaired: bool = False, seconds: float = 8.0) -> Flow:
    """Four searches on four workers.

    Args:
        repaired: wait in place of computing.
        seconds: how long each search takes.
    """
    flow = Flow("l04_cpu_bound", execution_strategy="concurrent", max_workers=4)
    for number in range(4):
        primes = Primes()
        primes.set_config(seconds=seconds, computes=not repaired)
        flow.add_routine(primes, f"primes{number}")
    return flow


def run(flow: Flow) -> None:
    """All searches at once."""
    for routine in flow.entry_routines():
        flow.execute(routine)
    flow.wait_for_completion(timeout=60.0)
    flow.shutdown(wait=True, timeout=2.0)


if __name__ == "__main__":
    run(build_flow(repaired="repaired" in sys.argv))
