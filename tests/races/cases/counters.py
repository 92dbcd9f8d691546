"""Updates that are lost."""

from __future__ import annotations

import threading
from typing import Any

from tests.races.cases.case import Actor, case, fan_in, stat


@case(check=stat("target", "n", 2))
def lost_update(repaired: bool) -> Any:
    class Counter(Actor):
        def work(self, **data: Any) -> None:
            if repaired:
                self.increment_stat("n")
            else:
                self.set_stat("n", self.get_stat("n", 0) + 1)

    return fan_in(Counter())


@case(check=lambda flow: flow.routines["target"].n == 2)
def lost_update_of_an_attribute(repaired: bool) -> Any:
    class Counter(Actor):
        def prepare(self) -> None:
            self.n = 0
            self.lock = threading.Lock()

        def work(self, **data: Any) -> None:
            if repaired:
                with self.lock:
                    self.n += 1
            else:
                self.n += 1

    return fan_in(Counter())


@case(check=lambda flow: flow.routines["target"].counts == {"a": 2})
def lost_update_of_an_item(repaired: bool) -> Any:
    class Counter(Actor):
        def prepare(self) -> None:
            self.counts = {"a": 0}
            self.lock = threading.Lock()

        def work(self, **data: Any) -> None:
            if repaired:
                with self.lock:
                    self.counts["a"] += 1
            else:
                self.counts["a"] += 1

    return fan_in(Counter())


@case(check=stat("target", "n", 3))
def lost_update_of_three(repaired: bool) -> Any:
    class Counter(Actor):
        def prepare(self) -> None:
            self.lock = threading.Lock()

        def work(self, **data: Any) -> None:
            if repaired:
                with self.lock:
                    self.set_stat("n", self.get_stat("n", 0) + 1)
            else:
                self.set_stat("n", self.get_stat("n", 0) + 1)

    return fan_in(Counter(), sources=3)


@case(check=stat("target", "n", 2))
def two_locks_for_one_thing(repaired: bool) -> Any:
    class Counter(Actor):
        def prepare(self) -> None:
            self.locks = [threading.Lock(), threading.Lock()]

        def work(self, value: Any = None, **data: Any) -> None:
            with self.locks[0 if repaired else value - 1]:
                self.set_stat("n", self.get_stat("n", 0) + 1)

    return fan_in(Counter())


@case(check=stat("target", "n", 2))
def lock_split_in_two(repaired: bool) -> Any:
    class Counter(Actor):
        def prepare(self) -> None:
            self.lock = threading.Lock()

        def work(self, **data: Any) -> None:
            if repaired:
                with self.lock:
                    self.set_stat("n", self.get_stat("n", 0) + 1)
                return
            with self.lock:
                n = self.get_stat("n", 0)
            with self.lock:
                self.set_stat("n", n + 1)

    return fan_in(Counter())


@case(check=lambda flow: flow.routines["target"].get_config("n") == 2)
def lost_update_of_configuration(repaired: bool) -> Any:
    class Counter(Actor):
        def prepare(self) -> None:
            self.lock = threading.Lock()

        def work(self, **data: Any) -> None:
            if repaired:
                with self.lock:
                    self.set_config(n=self.get_config("n", 0) + 1)
            else:
                self.set_config(n=self.get_config("n", 0) + 1)

    return fan_in(Counter())


@case(kind="nondeterministic")
def lost_update_without_a_check(repaired: bool) -> Any:
    class Counter(Actor):
        def work(self, **data: Any) -> None:
            if repaired:
                self.increment_stat("n")
            else:
                self.set_stat("n", self.get_stat("n", 0) + 1)

    return fan_in(Counter())


@case(preemptions=3, check=lambda flow: flow.routines["second"].get_stat("seen") != (0, 1, 2))
def deep_reader(repaired: bool) -> Any:
    """Fails only if the writer comes on between each two of three reads: three preemptions."""
    from tests.races.cases.case import both

    class Writer(Actor):
        def work(self, **data: Any) -> None:
            for n in (1, 2):
                self.set_stat("n", n)

    class Reader(Actor):
        def work(self, **data: Any) -> None:
            flow = self.get_execution_context().flow  # type: ignore[union-attr]
            writer = flow.routines["first"]
            if repaired:
                seen = (writer.get_stat("n", 0),) * 3
            else:
                seen = tuple(writer.get_stat("n", 0) for _ in range(3))
            self.set_stat("seen", seen)

    return both(Writer(), Reader())
