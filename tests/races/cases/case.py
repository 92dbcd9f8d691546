"""What a case is, and how its flow is put together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from routilux import Flow, Routine


@dataclass(frozen=True)
class Case:
    """A bug and its repair.

    Attributes:
        name: of both.
        kind: what the bug ends in.
        preemptions: how many a failing schedule needs at least.
        make: gives the flow, broken or (True) repaired.
        drive: None: the default.
        check: None: none.
    """

    name: str
    kind: str
    preemptions: int
    make: Callable[[bool], Any]
    drive: Callable[[Any], object] | None
    check: Callable[[Any], object] | None

    def broken(self) -> Any:
        return self.make(False)

    def repaired(self) -> Any:
        return self.make(True)


CASES: dict[str, Case] = {}


def case(
    kind: str = "invariant",
    preemptions: int = 1,
    drive: Callable[[Any], object] | None = None,
    check: Callable[[Any], object] | None = None,
) -> Callable[[Callable[[bool], Any]], Callable[[bool], Any]]:
    """Add a case: a function that makes the flow, broken or repaired."""

    def add(make: Callable[[bool], Any]) -> Callable[[bool], Any]:
        name = make.__name__
        assert name not in CASES, name
        CASES[name] = Case(name, kind, preemptions, make, drive, check)
        return make

    return add


class Source(Routine):
    """Emits once when it is triggered."""

    def __init__(self) -> None:
        super().__init__()
        self.define_slot("trigger", self.go)
        self.define_event("out")

    def go(self, **data: Any) -> None:
        self.emit("out", value=self.get_config("value", 1))


class Actor(Routine):
    """One slot, `work`, and one event; `prepare` makes its state."""

    def __init__(self) -> None:
        super().__init__()
        self.define_slot("input", self.work)
        self.define_event("out")
        self.prepare()

    def prepare(self) -> None:
        """State beside statistics."""

    def work(self, value: Any = None, **data: Any) -> None:
        raise NotImplementedError


def fan_in(target: Routine, sources: int = 2, workers: int = 4) -> Flow:
    """So many sources that emit to one routine, ``target``; with values from 1 on."""
    flow = Flow("case", execution_strategy="concurrent", max_workers=workers)
    flow.add_routine(target, "target")
    for index in range(sources):
        source = Source()
        source.set_config(value=index + 1)
        flow.add_routine(source, f"source{index}")
        flow.connect(f"source{index}", "out", "target", "input")
    return flow


def both(first: Routine, second: Routine, workers: int = 4) -> Flow:
    """One source that emits to two routines, ``first`` and ``second``."""
    flow = Flow("case", execution_strategy="concurrent", max_workers=workers)
    flow.add_routine(Source(), "source")
    flow.add_routine(first, "first")
    flow.add_routine(second, "second")
    flow.connect("source", "out", "first", "input")
    flow.connect("source", "out", "second", "input")
    return flow


def stat(name: str, key: str, wanted: Any) -> Callable[[Flow], bool]:
    """A check of one statistic."""
    return lambda flow: flow.routines[name].get_stat(key) == wanted
