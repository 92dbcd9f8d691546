"""Retries: a bank that often does not answer, and what a failure means

What to look at:
- Routines: the bank is ↻ while failed tries wait to be repeated; LATER counts them. Only what
  fails for good counts under ERR: the letters, and one order at the ledger.
- Events: ↻ marks a try that failed and is repeated, "retry waits" the pause before the next one.
- Workers: a try that waits holds no worker, so all orders go on at once with two of them.
- Stats: tries at the bank, against what was paid.
- Output: at which try each order was paid, and what became of the jobs.

Three routines, three policies. The bank is tried again, up to four times, each wait twice as long
as the one before. A letter is optional: whether it can be sent or not, the order is fine. The
ledger is critical: it is tried again too, and if that does not help, its job fails and what that
job had queued is dropped.

Ends by itself after about four seconds.
"""

import logging
import threading
import time
from collections import Counter
from contextlib import suppress

from routilux import ErrorHandler, Flow, Routine

ORDERS = 12
UNREADABLE = 7  #: the order that the ledger cannot book, whatever it does


class Orders(Routine):
    """Lets one order in. Each has a job of its own, so that one can fail alone."""

    def __init__(self) -> None:
        super().__init__()
        self.define_slot("trigger", handler=self.take)
        self.define_event("order", ["number"])

    def take(self, number: int = 1, **kwargs: object) -> None:
        self.emit("order", number=number)


class Bank(Routine):
    """Answers order 1 at the first try, 2 at the second, 3 at the third, 4 at the first, ..."""

    def __init__(self) -> None:
        super().__init__()
        self.set_error_handler(
            ErrorHandler(
                "retry", max_retries=4, retry_delay=0.3, retryable_exceptions=[TimeoutError]
            )
        )
        self.tries: Counter[int] = Counter()
        self.lock = threading.Lock()
        self.define_slot("order", handler=self.pay)
        self.define_event("paid", ["number"])

    def pay(self, number: int) -> None:
        time.sleep(0.05)  # stands for the network
        self.increment_stat("tries")
        with self.lock:
            self.tries[number] += 1
            tries = self.tries[number]
        if tries <= (number - 1) % 3:
            raise TimeoutError(f"no answer about order {number}")
        self.increment_stat("paid")
        print(f"order {number:2} paid at try {tries}", flush=True)
        self.emit("paid", number=number)


class Letter(Routine):
    """Would be nice to have. Every second address is wrong."""

    def __init__(self) -> None:
        super().__init__()
        self.set_as_optional()
        self.define_slot("paid", handler=self.send)

    def send(self, number: int) -> None:
        if number % 2:
            raise ConnectionError(f"order {number}: there is no such address")
        self.increment_stat("sent")


class Ledger(Routine):
    """Must have every order; one of them it cannot read."""

    def __init__(self) -> None:
        super().__init__()
        self.set_as_critical(max_retries=2, retry_delay=0.2)
        self.define_slot("paid", handler=self.book)

    def book(self, number: int) -> None:
        if number == UNREADABLE:
            raise ValueError(f"order {number} has no account")
        self.increment_stat("booked")


def build_flow(workers: int = 2) -> Flow:
    """Orders -> bank -> letter and ledger.

    Args:
        workers: threads that run the handlers; waiting tries need none.
    """
    flow = Flow(flow_id="retries", execution_strategy="concurrent", max_workers=workers)
    flow.add_routine(Orders(), "orders")
    flow.add_routine(Bank(), "bank")
    flow.add_routine(Letter(), "letter")
    flow.add_routine(Ledger(), "ledger")
    flow.connect("orders", "order", "bank", "order")
    flow.connect("bank", "paid", "letter", "paid")
    flow.connect("bank", "paid", "ledger", "paid")
    return flow


def run(flow: Flow, orders: int = ORDERS, pause: float = 0.2) -> None:
    """Let orders in, one every ``pause`` seconds, and say what became of their jobs."""
    # Each failure is a warning or an error in the log; here they are expected.
    logging.getLogger("routilux").setLevel(logging.CRITICAL)
    jobs = []
    for number in range(1, orders + 1):
        jobs.append(flow.execute("orders", {"number": number}))
        time.sleep(pause)
    flow.wait_for_completion(timeout=30.0)
    for job in jobs:
        if job.error is not None:
            print(f"job {job.number} {job.status}: {job.error}")
    ends = Counter(str(job.status) for job in jobs)
    print(f"{orders} orders: {ends['completed']} completed, {ends['failed']} failed", flush=True)
    flow.shutdown(wait=True, timeout=2.0)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        run(build_flow())
