"""Order pipeline: fan-out, fan-in, a slow case and a few errors

What to look at:
- Topology: source -> parse -> price, stock, tax in parallel -> join -> sink.
- Routines: stock is quick but now and then slow; parse fails for 1 order of 200 or so.
- Events: one job per order, 9 deliveries each. A failed job ends at parse, in red.
- Workers: the three branches of one order overlap.
- Throughput: a steady 200 deliveries a second.
- Stats: orders and revenue_cents at sink, cache_misses at stock.
- Output: a line a second, and the traceback of each order that could not be read.

It fails on purpose: order 60, 260, 460 ... has no readable quantity. What a handler raises stops
its own job only, so the next order is not affected.

Runs until Ctrl+C, or for as many seconds as the first argument says.
"""

import math
import sys
import threading
import time
from contextlib import suppress

from routilux import Flow, Routine

FAILS_EVERY, FAILS_AT = 200, 60
SLOW_EVERY = 50


class Source(Routine):
    """Sends the text line of one order."""

    def __init__(self) -> None:
        super().__init__()
        self.set_config(orders_per_second=22.0)
        self.define_slot("trigger", handler=self.send)
        self.define_event("line", ["number", "text"])

    def send(self, number: int = 0, **kwargs: object) -> None:
        quantity = "a dozen" if number % FAILS_EVERY == FAILS_AT else str(number % 9 + 1)
        self.emit("line", number=number, text=f"order {number}; {quantity}")


class Parse(Routine):
    """Reads the quantity out of the line. Raises ValueError where there is none."""

    def __init__(self) -> None:
        super().__init__()
        self.define_slot("line", handler=self.parse)
        self.define_event("order", ["number", "quantity"])

    def parse(self, number: int, text: str) -> None:
        time.sleep(0.002)
        self.emit("order", number=number, quantity=int(text.partition(";")[2]))


class Price(Routine):
    """Asks the price service."""

    def __init__(self) -> None:
        super().__init__()
        self.define_slot("order", handler=self.price)
        self.define_event("part", ["number", "name", "value"])

    def price(self, number: int, quantity: int) -> None:
        time.sleep(0.020)
        self.emit("part", number=number, name="price", value=quantity * 1_250)


class Stock(Routine):
    """Looks into the stock cache; a miss is the rare slow case."""

    def __init__(self) -> None:
        super().__init__()
        self.set_stat("cache_misses", 0)
        self.define_slot("order", handler=self.stock)
        self.define_event("part", ["number", "name", "value"])

    def stock(self, number: int, quantity: int) -> None:
        if number % SLOW_EVERY == SLOW_EVERY - 1:
            self.increment_stat("cache_misses")
            time.sleep(0.300)
        else:
            time.sleep(0.005)
        self.emit("part", number=number, name="stock", value=100 - quantity)


class Tax(Routine):
    """Asks the tax service."""

    def __init__(self) -> None:
        super().__init__()
        self.define_slot("order", handler=self.tax)
        self.define_event("part", ["number", "name", "value"])

    def tax(self, number: int, quantity: int) -> None:
        time.sleep(0.030)
        self.emit("part", number=number, name="tax", value=quantity * 237)


class Join(Routine):
    """Waits for the three parts of an order, which arrive in any order."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._parts: dict[int, dict[str, int]] = {}
        self.define_slot("part", handler=self.join)
        self.define_event("joined", ["number", "parts"])

    def join(self, number: int, name: str, value: int) -> None:
        with self._lock:
            parts = self._parts.setdefault(number, {})
            parts[name] = value
            if len(parts) < 3:
                return
            del self._parts[number]
        self.emit("joined", number=number, parts=parts)


class Sink(Routine):
    """Books the order."""

    def __init__(self) -> None:
        super().__init__()
        self.set_stat("orders", 0)
        self.set_stat("revenue_cents", 0)
        self.define_slot("joined", handler=self.book)

    def book(self, number: int, parts: dict[str, int]) -> None:
        time.sleep(0.001)
        self.increment_stat("revenue_cents", parts["price"] + parts["tax"])
        self.increment_stat("orders")


def build_flow(workers: int = 4, orders_per_second: float = 22.0) -> Flow:
    """The pipeline.

    Args:
        workers: threads that run the handlers. With 1 the queues grow.
        orders_per_second: how many jobs `run` starts; each is 9 deliveries.
    """
    flow = Flow(flow_id="pipeline", execution_strategy="concurrent", max_workers=workers)
    source = Source()
    source.set_config(orders_per_second=orders_per_second)
    flow.add_routine(source, "source")
    flow.add_routine(Parse(), "parse")
    branches: dict[str, Routine] = {"price": Price(), "stock": Stock(), "tax": Tax()}
    for routine_id, branch in branches.items():
        flow.add_routine(branch, routine_id)
    flow.add_routine(Join(), "join")
    flow.add_routine(Sink(), "sink")

    flow.connect("source", "line", "parse", "line")
    for routine_id in branches:
        flow.connect("parse", "order", routine_id, "order")
        flow.connect(routine_id, "part", "join", "part")
    flow.connect("join", "joined", "sink", "joined")
    return flow


def run(flow: Flow, seconds: float = math.inf) -> None:
    """Start one job per order at a steady pace, until Ctrl+C or for so many seconds."""
    interval = 1.0 / flow.routines["source"].get_config("orders_per_second", 22.0)
    sink = flow.routines["sink"]
    start = next_order = next_report = time.monotonic()
    number = 0
    with suppress(KeyboardInterrupt):
        while next_order - start < seconds:
            number += 1
            flow.execute("source", {"number": number})
            next_order += interval
            time.sleep(max(0.0, next_order - time.monotonic()))
            if time.monotonic() >= next_report + 1.0:
                next_report += 1.0
                print(f"{number} orders sent, {sink.get_stat('orders')} booked", flush=True)
    flow.shutdown(wait=True, timeout=1.5)
    print(f"stopped: {number} orders sent, {sink.get_stat('orders')} booked", flush=True)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):  # a second Ctrl+C
        run(build_flow(), *map(float, sys.argv[1:2]))
