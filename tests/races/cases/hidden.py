"""State that no statistic and no attribute of a routine shows: found line by line."""

from __future__ import annotations

import threading
from typing import Any

from tests.races.cases.case import Actor, case, fan_in

TOTAL = 0
SEEN: list[int] = []
LOCK = threading.Lock()


class Account:
    """An object of the user's."""

    def __init__(self) -> None:
        self.balance = 0

    def deposit(self, amount: int) -> None:
        balance = self.balance
        self.balance = balance + amount


@case(check=lambda flow: TOTAL == 2)
def global_counter(repaired: bool) -> Any:
    global TOTAL
    TOTAL = 0

    class Counter(Actor):
        def work(self, **data: Any) -> None:
            global TOTAL
            if repaired:
                with LOCK:
                    TOTAL += 1
            else:
                TOTAL += 1

    return fan_in(Counter())


@case(check=lambda flow: len(SEEN) <= 1)
def global_list(repaired: bool) -> Any:
    SEEN.clear()

    class Once(Actor):
        def work(self, value: Any = None, **data: Any) -> None:
            if repaired:
                with LOCK:
                    self.add(value)
            else:
                self.add(value)

        def add(self, value: int) -> None:
            if not SEEN:
                SEEN.append(value)

    return fan_in(Once())


@case(check=lambda flow: flow.routines["target"].account.balance == 2)
def object_of_the_users(repaired: bool) -> Any:
    class Bank(Actor):
        def prepare(self) -> None:
            self.account = Account()
            self.lock = threading.Lock()

        def work(self, **data: Any) -> None:
            if repaired:
                with self.lock:
                    self.account.deposit(1)
            else:
                self.account.deposit(1)

    return fan_in(Bank())


@case(check=lambda flow: flow.routines["target"].total() == 2)
def closure(repaired: bool) -> Any:
    total = 0
    lock = threading.Lock()

    class Counter(Actor):
        def work(self, **data: Any) -> None:
            nonlocal total
            if repaired:
                with lock:
                    total += 1
            else:
                total += 1

        def total(self) -> int:
            return total

    return fan_in(Counter())


@case(check=lambda flow: type(flow.routines["target"]).made == 2)
def attribute_of_a_class(repaired: bool) -> Any:
    class Counter(Actor):
        made = 0
        lock = threading.Lock()

        def work(self, **data: Any) -> None:
            if repaired:
                with self.lock:
                    Counter.made += 1
            else:
                Counter.made += 1

    return fan_in(Counter())
