"""L14 wait or shutdown in a handler: a worker that does nothing but wait

What is wrong: the handler of the shop starts a second flow, waits for it and shuts it down. All
that time it holds a worker of its own flow, and whatever it has taken. To wait like that for the
flow that runs it would be for ever: the engine refuses with a SelfDeadlockError.

How to repair it: emit an event, and go on in the handler that gets the answer. Wait and shut down
where flows are executed from, outside of handlers.

With the argument `repaired` the shop emits, and the finding is gone.
"""

import sys
import time

from routilux import Flow, Routine


class Bank(Routine):
    """Takes its time."""

    def __init__(self) -> None:
        super().__init__()
        self.set_config(seconds=2.0)
        self.define_slot("trigger", handler=self.pay)
        self.define_event("paid")

    def pay(self, **kwargs: object) -> None:
        time.sleep(self.get_config("seconds"))
        self.emit("paid")


class Shop(Routine):
    """Waits for the bank, in its handler."""

    def __init__(self) -> None:
        super().__init__()
        self.set_config(seconds=2.0)
        self.define_slot("trigger", handler=self.sell)

    def sell(self, **kwargs: object) -> None:
        bank = Bank()
        bank.set_config(seconds=self.get_config("seconds"))
        flow = Flow("l14_bank", execution_strategy="concurrent", max_workers=1)
        flow.add_routine(bank, "bank")
        flow.execute("bank")
        flow.wait_for_completion(timeout=10.0)
        flow.shutdown(wait=True, timeout=2.0)
        self.increment_stat("sold")


class PatientShop(Routine):
    """Asks the bank by an event, and goes on when the answer comes."""

    def __init__(self) -> None:
        super().__init__()
        self.define_slot("trigger", handler=self.sell)
        self.define_event("bill")
        self.define_slot("paid", handler=self.hand_over)

    def sell(self, **kwargs: object) -> None:
        self.emit("bill")

    def hand_over(self, **kwargs: object) -> None:
        self.increment_stat("sold")


def build_flow(repaired: bool = False, seconds: float = 2.0) -> Flow:
    """A shop, and the bank it needs.

    Args:
        repaired: the bank is part of the flow, and nobody waits.
        seconds: how long the bank takes.
    """
    flow = Flow("l14_wait_in_handler", execution_strategy="concurrent", max_workers=2)
    if repaired:
        bank = Bank()
        bank.set_config(seconds=seconds)
        flow.add_routine(PatientShop(), "shop")
        flow.add_routine(bank, "bank")
        flow.connect("shop", "bill", "bank", "trigger")
        flow.connect("bank", "paid", "shop", "paid")
    else:
        shop = Shop()
        shop.set_config(seconds=seconds)
        flow.add_routine(shop, "shop")
    return flow


def run(flow: Flow) -> None:
    """Sell once."""
    flow.execute("shop")
    flow.wait_for_completion(timeout=60.0)
    flow.shutdown(wait=True, timeout=2.0)


if __name__ == "__main__":
    run(build_flow(repaired="repaired" in sys.argv))
