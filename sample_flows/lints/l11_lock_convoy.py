"""L11 lock convoy: four workers behind one lock

What is wrong: each handler holds the one lock while it works, so the others stand and wait for it.
Four workers do the work of one, and no queue tells: the messages are all "running".

How to repair it: hold the lock for the moment only in which what it guards is changed. For a
counter `increment_stat()` is enough and needs no lock. What must not overlap belongs into a slot
with `max_concurrency=1`.

With the argument `repaired` the work is done outside of the lock, and the finding is gone.
"""

import sys
import threading
import time

from routilux import Flow, Routine

#: Guards the ledger, which all accounts write to.
ledger_lock = threading.Lock()


class Account(Routine):
    """Books for a while, one entry every 10 ms."""

    def __init__(self) -> None:
        super().__init__()
        self.set_config(seconds=6.0, repaired=False)
        self.define_slot("trigger", handler=self.book)

    def book(self, **kwargs: object) -> None:
        ends = time.monotonic() + self.get_config("seconds")
        while time.monotonic() < ends:
            if self.get_config("repaired"):
                time.sleep(0.01)
                with ledger_lock:
                    self.increment_stat("entries")
            else:
                with ledger_lock:
                    time.sleep(0.01)
                    self.increment_stat("entries")


def build_flow(repaired: bool = False, seconds: float = 6.0) -> Flow:
    """Four accounts on four workers.

    Args:
        repaired: work first, then take the lock.
        seconds: how long they book.
    """
    flow = Flow("l11_lock_convoy", execution_strategy="concurrent", max_workers=4)
    for number in range(4):
        account = Account()
        account.set_config(seconds=seconds, repaired=repaired)
        flow.add_routine(account, f"account{number}")
    return flow


def run(flow: Flow) -> None:
    """All accounts at once."""
    for routine in flow.entry_routines():
        flow.execute(routine)
    flow.wait_for_completion(timeout=60.0)
    flow.shutdown(wait=True, timeout=2.0)


if __name__ == "__main__":
    run(build_flow(repaired="repaired" in sys.argv))
