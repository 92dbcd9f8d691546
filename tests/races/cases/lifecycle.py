"""Jobs that are cancelled, threads that handlers start, coroutines, pools of their own."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from routilux import Flow
from tests.races.cases.case import Actor, Source, case, fan_in, stat


def _cancel_while_it_runs(flow: Flow) -> None:
    job = flow.execute("source0")
    flow.cancel(job)
    flow.wait_for_completion()


@case(
    preemptions=1,
    drive=_cancel_while_it_runs,
    check=lambda flow: flow.routines["target"].get_stat("open", 0) == 0,
)
def cancel_between_two_halves(repaired: bool) -> Any:
    """The job is cancelled after the first half was sent, and before the second."""

    class Opener(Actor):
        def work(self, **data: Any) -> None:
            if repaired:
                self.increment_stat("open")
                self.increment_stat("open", -1)
                return
            self.increment_stat("open")
            self.emit("out")

    class Closer(Actor):
        def work(self, **data: Any) -> None:
            opener: Any = self.get_execution_context().flow.routines["target"]  # type: ignore[union-attr]
            opener.increment_stat("open", -1)

    flow = fan_in(Opener(), sources=1)
    flow.add_routine(Closer(), "closer")
    flow.connect("target", "out", "closer", "input")
    return flow


@case(check=lambda flow: flow.routines["target"].n == 2)
def threads_of_a_handler(repaired: bool) -> Any:
    class Starter(Actor):
        def prepare(self) -> None:
            self.n = 0
            self.lock = threading.Lock()

        def work(self, **data: Any) -> None:
            threads = [threading.Thread(target=self.count) for _ in range(2)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        def count(self) -> None:
            if repaired:
                with self.lock:
                    self.n += 1
            else:
                self.n += 1

    return fan_in(Starter(), sources=1)


@case(check=lambda flow: flow.routines["target"].n == 2)
def executor_of_a_handler(repaired: bool) -> Any:
    class Starter(Actor):
        def prepare(self) -> None:
            self.n = 0
            self.lock = threading.Lock()

        def work(self, **data: Any) -> None:
            with ThreadPoolExecutor(2) as pool:
                for future in [pool.submit(self.count) for _ in range(2)]:
                    future.result()

        def count(self) -> None:
            if repaired:
                with self.lock:
                    self.n += 1
            else:
                self.n += 1

    return fan_in(Starter(), sources=1)


@case(preemptions=0, check=stat("target", "n", 2))
def coroutines_that_await_between(repaired: bool) -> Any:
    class Counter(Actor):
        def prepare(self) -> None:
            self.lock: asyncio.Lock | None = None

        def __init__(self) -> None:
            super().__init__()
            self.define_slot("later", self.later)

        def work(self, **data: Any) -> None:
            self.emit("out")

        async def later(self, **data: Any) -> None:
            if repaired:
                self.increment_stat("n")
                return
            n = self.get_stat("n", 0)
            await asyncio.sleep(0.01)
            self.set_stat("n", n + 1)

    flow = fan_in(Counter())
    flow.connect("target", "out", "target", "later")
    return flow


@case(check=lambda flow: flow.routines["second"].get_stat("lists") == [2])
def append_slot_that_is_read_too_early(repaired: bool) -> Any:
    """A handler that takes the accumulated lists sees as many as have come."""
    from routilux import Routine

    class Collector(Routine):
        def __init__(self) -> None:
            super().__init__()
            self.define_slot("input", self.work, merge_strategy="append")

        def work(self, **lists: Any) -> None:
            if len(lists["value"]) == 2 or not repaired:
                found = [*self.get_stat("lists", []), len(lists["value"])]
                if repaired:
                    found = [2]
                self.set_stat("lists", found[-1:])

    flow = Flow("case", execution_strategy="concurrent", max_workers=4)
    flow.add_routine(Collector(), "second")
    for index in range(2):
        flow.add_routine(Source(), f"source{index}")
        flow.connect(f"source{index}", "out", "second", "input")
    return flow
