"""A small real flow with known numbers."""

from __future__ import annotations

from typing import Any

from routilux import Flow, Routine

#: What one run of `shop` does: so many orders, of which so many are good.
ORDERS, GOOD = 20, 15


class Orders(Routine):
    """Emits twenty orders."""

    def __init__(self) -> None:
        super().__init__()
        self.define_slot("trigger", handler=self.run)
        self.define_event("order")

    def run(self, **_: Any) -> None:
        for number in range(ORDERS):
            self.emit("order", number=number)


class Check(Routine):
    """Passes three of four orders on; the others go to an event without a receiver."""

    def __init__(self) -> None:
        super().__init__()
        self.define_slot("order", handler=self.check)
        self.define_event("good")
        self.define_event("bad")

    def check(self, number: int) -> None:
        self.emit("bad" if number % 4 == 0 else "good", number=number)


class Store(Routine):
    """Counts what arrives."""

    def __init__(self) -> None:
        super().__init__()
        self.define_slot("order", handler=self.store)

    def store(self, number: int) -> None:
        self.increment_stat("rows")
        self.set_stat("mode", "strict")


class Broken(Routine):
    """Fails, which ends its job."""

    def __init__(self) -> None:
        super().__init__()
        self.define_slot("trigger", handler=self.fail)

    def fail(self, **_: Any) -> None:
        raise ValueError("the shelf is empty")


class Spare(Routine):
    """Never used."""

    def __init__(self) -> None:
        super().__init__()
        self.define_slot("never", handler=lambda: None)


NAMES = ("orders", "check", "store", "broken", "spare")


def shop(names: tuple[str, ...] = NAMES) -> Flow:
    """orders -> check -> store, a routine that fails and one that is never used."""
    flow = Flow("shop", execution_strategy="concurrent", max_workers=2)
    for routine, name in zip((Orders(), Check(), Store(), Broken(), Spare()), names, strict=True):
        flow.add_routine(routine, name)
    orders, check, store = names[:3]
    flow.connect(orders, "order", check, "order")
    flow.connect(check, "good", store, "order")
    return flow
