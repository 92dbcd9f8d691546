"""Lists, dicts and sets that several handlers use."""

from __future__ import annotations

import threading
from typing import Any

from tests.races.cases.case import Actor, both, case, fan_in, stat


@case(preemptions=2, check=stat("target", "sent", 1))
def aggregation_that_is_not_atomic(repaired: bool) -> Any:
    class Batch(Actor):
        def prepare(self) -> None:
            self.items: list[Any] = []
            self.lock = threading.Lock()

        def work(self, value: Any = None, **data: Any) -> None:
            if repaired:
                with self.lock:
                    self.add(value)
            else:
                self.add(value)

        def add(self, value: Any) -> None:
            self.items.append(value)
            if len(self.items) == 3:
                self.increment_stat("sent")
                self.items.clear()

    return fan_in(Batch(), sources=3)


@case(kind="exception", check=lambda flow: flow.routines["first"].get_stat("sum") in (3, 6))
def dict_that_grows_while_it_is_walked(repaired: bool) -> Any:
    class Table(Actor):
        def prepare(self) -> None:
            self.rows = {"a": 1, "b": 2}
            self.lock = threading.Lock()

        def work(self, **data: Any) -> None:
            with self.lock:
                rows = dict(self.rows)
            if repaired:
                self.set_stat("sum", sum(rows.values()))
                return
            total = 0
            for value in self.rows.values():
                total += value
            self.set_stat("sum", total)

    class Adder(Actor):
        def work(self, **data: Any) -> None:
            table: Any = self.get_execution_context().flow.routines["first"]  # type: ignore[union-attr]
            with table.lock:
                table.rows["c"] = 3

    return both(Table(), Adder())


@case(kind="exception")
def pop_after_a_look(repaired: bool) -> Any:
    class Stack(Actor):
        def prepare(self) -> None:
            self.items = [1]
            self.lock = threading.Lock()

        def work(self, **data: Any) -> None:
            if repaired:
                with self.lock:
                    self.take()
            else:
                self.take()

        def take(self) -> None:
            if self.items:
                self.increment_stat("taken", self.items.pop())

    return fan_in(Stack())


@case(check=lambda flow: flow.routines["target"].get_stat("loads") == 1)
def cache_that_is_filled_twice(repaired: bool) -> Any:
    class Cache(Actor):
        def prepare(self) -> None:
            self.cache: dict[str, int] = {}
            self.lock = threading.Lock()

        def work(self, **data: Any) -> None:
            if repaired:
                with self.lock:
                    self.load()
            else:
                self.load()

        def load(self) -> None:
            if "key" not in self.cache:
                self.increment_stat("loads")
                self.cache["key"] = 1

    return fan_in(Cache())


@case(check=lambda flow: sorted(flow.routines["target"].got) == [0, 1])
def index_that_is_shared(repaired: bool) -> Any:
    """Two take the item at the same place."""

    class Taker(Actor):
        def prepare(self) -> None:
            self.at = 0
            self.got: list[int] = []
            self.lock = threading.Lock()

        def work(self, **data: Any) -> None:
            if repaired:
                with self.lock:
                    self.take()
            else:
                self.take()

        def take(self) -> None:
            at = self.at
            self.got.append(at)
            self.at = at + 1

    return fan_in(Taker())
