"""L05 loose ends in the wiring: what nobody hears, and what nobody calls

What is wrong, in this order on the screen of findings:
- `check.bad` is emitted, and no slot is connected to it: those orders vanish without a word.
- `mail.urgent` is a slot that nothing feeds: its handler never runs.
- `audit` and `archive` feed each other, and no job can get there.
- `price.order` must get `country`, and `check.good` says that it sends `number` only.

Nothing of this raises where it was written. It is told about a second after the start, before
anything was lost where the flow is not busy yet.

How to repair it: connect what belongs together, and remove what is not needed. Where it is meant
so, a comment says it, on the line or the line above: `# routilux: allow(L05: the reason)`, as at
`Price.done`.

With the argument `repaired` all is connected, and the findings are gone.
"""

import sys

from routilux import Flow, Routine


class Orders(Routine):
    """Emits a few orders."""

    def __init__(self) -> None:
        super().__init__()
        self.define_slot("trigger", handler=self.read)
        self.define_event("order", ["number"])

    def read(self, **kwargs: object) -> None:
        for number in range(8):
            self.emit("order", number=number)


class Check(Routine):
    """Tells good orders from bad ones."""

    def __init__(self) -> None:
        super().__init__()
        self.define_slot("order", handler=self.check)
        self.define_event("good", ["number"])
        self.define_event("bad", ["number"])

    def check(self, number: int) -> None:
        self.emit("bad" if number % 4 == 3 else "good", number=number)


class Price(Routine):
    """Needs the country too, which nobody sends."""

    def __init__(self) -> None:
        super().__init__()
        self.define_slot("order", handler=self.price)
        self.define_event("done")  # routilux: allow(L05: for who wants to listen)

    def price(self, number: int, country: str, **kwargs: object) -> None:
        self.increment_stat("priced")


class PriceAnywhere(Price):
    """Knows a country for orders that name none."""

    def price(self, number: int, country: str = "DE", **kwargs: object) -> None:
        super().price(number, country)


class Mail(Routine):
    """Two inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.define_slot("normal", handler=self.send)
        self.define_slot("urgent", handler=self.send)

    def send(self, number: int) -> None:
        self.increment_stat("sent")


class Relay(Routine):
    """Passes on what it gets."""

    def __init__(self) -> None:
        super().__init__()
        self.define_slot("page", handler=self.relay)
        self.define_event("page", ["number"])

    def relay(self, number: int) -> None:
        if number:
            self.emit("page", number=number - 1)


def build_flow(repaired: bool = False) -> Flow:
    """A shop with loose ends.

    Args:
        repaired: all of them tied.
    """
    flow = Flow("l05_loose_ends", execution_strategy="concurrent", max_workers=2)
    flow.add_routine(Orders(), "orders")
    flow.add_routine(Check(), "check")
    flow.add_routine(Mail(), "mail")
    flow.add_routine(Relay(), "audit")
    flow.add_routine(Relay(), "archive")
    flow.connect("orders", "order", "check", "order")
    flow.connect("check", "good", "mail", "normal")
    flow.connect("audit", "page", "archive", "page")
    flow.connect("archive", "page", "audit", "page")
    flow.add_routine(PriceAnywhere() if repaired else Price(), "price")
    flow.connect("check", "good", "price", "order")
    if repaired:
        flow.connect("check", "bad", "mail", "urgent")
        flow.connect("orders", "order", "audit", "page")
    return flow


def run(flow: Flow) -> None:
    """One round."""
    flow.execute("orders")
    flow.wait_for_completion(timeout=10.0)
    flow.shutdown(wait=True, timeout=2.0)


if __name__ == "__main__":
    run(build_flow(repaired="repaired" in sys.argv))
