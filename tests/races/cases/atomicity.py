"""Things that belong together, and are taken apart."""

from __future__ import annotations

import threading
from typing import Any

from tests.races.cases.case import Actor, both, case, fan_in, stat


@case(check=lambda flow: flow.routines["target"].get_stat("created") == 1)
def check_then_act(repaired: bool) -> Any:
    class Lazy(Actor):
        def prepare(self) -> None:
            self.lock = threading.Lock()

        def create(self) -> None:
            if self.get_stat("ready") is None:
                self.set_stat("ready", True)
                self.increment_stat("created")

        def work(self, **data: Any) -> None:
            if repaired:
                with self.lock:
                    self.create()
            else:
                self.create()

    return fan_in(Lazy())


@case(check=lambda flow: flow.routines["target"].get_stat("balance") >= 0)
def overdraft(repaired: bool) -> Any:
    class Account(Actor):
        def prepare(self) -> None:
            self.lock = threading.Lock()
            self.set_stat("balance", 10)

        def work(self, **data: Any) -> None:
            if repaired:
                with self.lock:
                    self.withdraw()
            else:
                self.withdraw()

        def withdraw(self) -> None:
            if self.get_stat("balance") >= 8:
                self.increment_stat("balance", -8)

    return fan_in(Account())


@case(check=lambda flow: flow.routines["second"].get_stat("sum") in (None, 0, 100))
def two_statistics_that_belong_together(repaired: bool) -> Any:
    class Mover(Actor):
        def prepare(self) -> None:
            self.lock = threading.Lock()
            self.set_stat("left", 100)
            self.set_stat("right", 0)

        def work(self, **data: Any) -> None:
            if repaired:
                with self.lock:
                    self.move()
            else:
                self.move()

        def move(self) -> None:
            self.increment_stat("left", -30)
            self.increment_stat("right", 30)

    class Auditor(Actor):
        def work(self, **data: Any) -> None:
            mover = self.get_execution_context().flow.routines["first"]  # type: ignore[union-attr]
            if repaired:
                with mover.lock:  # type: ignore[attr-defined]
                    self.audit(mover)
            else:
                self.audit(mover)

        def audit(self, mover: Any) -> None:
            self.set_stat("sum", mover.get_stat("left") + mover.get_stat("right"))

    return both(Mover(), Auditor())


@case(check=lambda flow: flow.routines["second"].get_stat("pair") in (None, (0, 0), (1, 1)))
def locked_one_by_one(repaired: bool) -> Any:
    """Each access has its lock, the pair has none."""

    class Writer(Actor):
        def prepare(self) -> None:
            self.lock = threading.RLock()
            self.a = self.b = 0

        def work(self, **data: Any) -> None:
            if repaired:
                with self.lock:
                    self.write()
            else:
                self.write()

        def write(self) -> None:
            with self.lock:
                self.a = 1
            with self.lock:
                self.b = 1

    class Reader(Actor):
        def work(self, **data: Any) -> None:
            writer: Any = self.get_execution_context().flow.routines["first"]  # type: ignore[union-attr]
            if repaired:
                with writer.lock:
                    pair = (writer.a, writer.b)
            else:
                with writer.lock:
                    a = writer.a
                with writer.lock:
                    pair = (a, writer.b)
            self.set_stat("pair", pair)

    return both(Writer(), Reader())


@case(check=stat("target", "emitted", 1))
def double_emit(repaired: bool) -> Any:
    """A batch of two is complete once, and sent twice."""

    class Joiner(Actor):
        def prepare(self) -> None:
            self.lock = threading.Lock()

        def work(self, **data: Any) -> None:
            if repaired:
                with self.lock:
                    n = self.get_stat("n", 0) + 1
                    self.set_stat("n", n)
            else:
                self.increment_stat("n")
                n = self.get_stat("n")
            if n == 2:
                self.increment_stat("emitted")
                self.emit("out")

    return fan_in(Joiner())


@case(check=lambda flow: not flow.routines["first"].get_stat("fooled"))
def a_b_a(repaired: bool) -> Any:
    """What was read is there again, but in between it was not."""

    class Popper(Actor):
        def prepare(self) -> None:
            self.top, self.version = "a", 0
            self.lock = threading.Lock()

        def work(self, **data: Any) -> None:
            top, version = self.top, self.version
            self.get_stat("works on it")
            with self.lock:
                same = self.top == top and (not repaired or self.version == version)
                if same and self.version != version:
                    self.set_stat("fooled", True)

    class Swapper(Actor):
        def work(self, **data: Any) -> None:
            popper: Any = self.get_execution_context().flow.routines["first"]  # type: ignore[union-attr]
            for top in ("b", "a"):
                with popper.lock:
                    popper.top = top
                    popper.version += 1

    return both(Popper(), Swapper())
