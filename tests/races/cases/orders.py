"""Things that come in an order which nobody has promised."""

from __future__ import annotations

import threading
from typing import Any

from routilux import Flow
from tests.races.cases.case import Actor, Source, both, case


@case(kind="exception", preemptions=0)
def used_before_it_is_made(repaired: bool) -> Any:
    class Maker(Actor):
        def work(self, **data: Any) -> None:
            self.set_stat("table", {"rate": 2})
            self.emit("out")

    class User(Actor):
        def work(self, **data: Any) -> None:
            maker = self.get_execution_context().flow.routines["first"]  # type: ignore[union-attr]
            self.set_stat("rate", maker.get_stat("table")["rate"])

    if not repaired:
        return both(Maker(), User())
    flow = Flow("case", execution_strategy="concurrent", max_workers=4)
    flow.add_routine(Source(), "source")
    flow.add_routine(Maker(), "first")
    flow.add_routine(User(), "second")
    flow.connect("source", "out", "first", "input")
    flow.connect("first", "out", "second", "input")
    return flow


@case(kind="exception", check=lambda flow: True)
def use_after_close(repaired: bool) -> Any:
    class User(Actor):
        def prepare(self) -> None:
            self.closed = False
            self.lock = threading.Lock()

        def work(self, **data: Any) -> None:
            if repaired:
                with self.lock:
                    self.send()
            else:
                self.send()

        def send(self) -> None:
            if not self.closed:
                self.increment_stat("prepared")
                if self.closed:
                    raise OSError("sent to what is closed")

    class Closer(Actor):
        def work(self, **data: Any) -> None:
            user: Any = self.get_execution_context().flow.routines["first"]  # type: ignore[union-attr]
            if repaired:
                with user.lock:
                    user.closed = True
            else:
                user.closed = True

    return both(User(), Closer())


@case(preemptions=0, check=lambda flow: flow.routines["second"].get_stat("last") == 2)
def last_message_is_not_the_newest(repaired: bool) -> Any:
    """Two messages for one slot may overtake each other."""

    class Numbers(Actor):
        def work(self, **data: Any) -> None:
            self.emit("out", value=1)
            self.emit("out", value=2)

    class Last(Actor):
        def prepare(self) -> None:
            self.lock = threading.Lock()

        def work(self, value: Any = None, **data: Any) -> None:
            with self.lock:
                if not repaired or value > self.get_stat("last", 0):
                    self.set_stat("last", value)

    flow = Flow("case", execution_strategy="concurrent", max_workers=4)
    flow.add_routine(Source(), "source")
    flow.add_routine(Numbers(), "first")
    flow.add_routine(Last(), "second")
    flow.connect("source", "out", "first", "input")
    flow.connect("first", "out", "second", "input")
    return flow


@case(check=lambda flow: flow.routines["second"].get_stat("got") == 41)
def published_before_it_is_filled(repaired: bool) -> Any:
    class Publisher(Actor):
        def prepare(self) -> None:
            self.flag = threading.Event()
            self.value = 0

        def work(self, **data: Any) -> None:
            if repaired:
                self.value = 41
                self.flag.set()
            else:
                self.flag.set()
                self.value = 41

    class Reader(Actor):
        def work(self, **data: Any) -> None:
            publisher: Any = self.get_execution_context().flow.routines["first"]  # type: ignore[union-attr]
            publisher.flag.wait()
            self.set_stat("got", publisher.value)

    return both(Publisher(), Reader())


@case(preemptions=0, check=lambda flow: flow.routines["target"].get_stat("first") == 1)
def first_come_is_taken_for_granted(repaired: bool) -> Any:
    from tests.races.cases.case import fan_in

    class First(Actor):
        def prepare(self) -> None:
            self.lock = threading.Lock()

        def work(self, value: Any = None, **data: Any) -> None:
            with self.lock:
                first = self.get_stat("first", 99 if repaired else None)
                if repaired:
                    self.set_stat("first", min(first, value))
                elif first is None:
                    self.set_stat("first", value)

    return fan_in(First())
