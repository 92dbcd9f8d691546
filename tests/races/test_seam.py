"""What an observer is told by the seam, and that nothing is left of it afterwards."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from routilux import Flow, RoutiluxError, Routine
from routilux.races import seam
from routilux.races.instrument import ENGINE
from routilux.races.observer import Observer
from routilux.races.ops import Obj
from routilux.races.sites import Use, use_at
from tests.races.cases.case import Actor, fan_in


class Diary(Observer):
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.state: list[tuple[str, Obj]] = []
        self.children: list[int] = []
        self.started_ids: list[int] = []
        self.locks: list[tuple[str, Obj]] = []

    def access(self, mode: str, obj: Obj) -> None:
        self.state.append((mode, obj))

    def emitting(self, obj: Obj, children: tuple[int, ...]) -> None:
        self.children.extend(children)

    def started(self, activation: Any) -> None:
        self.started_ids.append(activation.id)

    def acquired(self, lock: Obj, got: bool) -> None:
        self.locks.append(("acquired", lock))

    def releasing(self, lock: Obj) -> None:
        self.locks.append(("releasing", lock))


class Busy(Actor):
    def prepare(self) -> None:
        self.n = 0
        self.items: list[int] = []
        self.counts = {"a": 0}
        self.lock = threading.Lock()

    def work(self, value: Any = None, **data: Any) -> None:
        self.set_stat("s", self.get_stat("s", 0) + 1)
        self.increment_stat("i")
        self.get_config("c")
        self.n += 1
        with self.lock:
            self.items.append(value)
        len(self.items)
        self.counts["a"] += 1
        for _ in self.items:
            pass
        alias = self.items
        self._stats["direct"] = alias
        del self.n


def run_observed(observer: Observer) -> Flow:
    with seam.attach(observer):
        flow = fan_in(Busy(), sources=1)
        seam.watch_built()
        job = flow.execute("source0")
        assert job.wait(timeout=10)
        assert job.error is None
        flow.shutdown()
    return flow


def test_each_access_is_told_in_order_and_by_name() -> None:
    diary = Diary()
    run_observed(diary)
    state, attr = ("stat", "target"), ("attr", "target")
    mine = [each for each in diary.state if each[1][1] == "target"]
    assert mine == [
        ("r", (*state, "s")), ("w", (*state, "s")), ("u", (*state, "i")),
        ("r", ("config", "target", "c")),
        ("r", (*attr, "n")), ("w", (*attr, "n")),
        ("u", (*attr, "items")), ("r", (*attr, "items")),
        ("r", (*attr, "counts")), ("w", (*attr, "counts")),
        ("r", (*attr, "items")), ("r", (*attr, "items")), ("r", (*attr, "items")),
        ("e", (*attr, "items")), ("u", (*state, "*")), ("w", (*attr, "n")),
    ]  # fmt: skip
    assert diary.locks == [
        (what, ("lock", "lock 1 of Busy.prepare")) for what in ("acquired", "releasing")
    ]


def test_ids_of_activations_are_known_before_and_equal_in_every_run() -> None:
    diaries = [Diary(), Diary()]
    for diary in diaries:
        run_observed(diary)
        assert diary.started_ids[1:] == diary.children
    assert diaries[0].started_ids == diaries[1].started_ids


def test_threads_of_a_handler_are_told_of() -> None:
    told: list[tuple[str, int]] = []

    class Threads(Observer):
        def forking(self, thread: int) -> None:
            told.append(("forking", thread))

        def began(self, thread: int) -> None:
            told.append(("began", thread))

        def over(self, thread: int) -> None:
            told.append(("over", thread))

        def joined(self, thread: int) -> None:
            told.append(("joined", thread))

    class Starter(Actor):
        def work(self, **data: Any) -> None:
            thread = threading.Thread(target=int)
            thread.start()
            thread.join()

    def run() -> list[tuple[str, int]]:
        told.clear()
        with seam.attach(Threads()):
            flow = fan_in(Starter(), sources=1)
            assert flow.execute("source0").wait(timeout=10)
            flow.shutdown()
        return list(told)

    first = run()
    assert [what for what, _ in first] == ["forking", "began", "over", "joined"]
    assert len({thread for _, thread in first}) == 1
    assert run() == first


def test_nothing_is_left_of_it() -> None:
    lock, thread_lock = threading.Lock, threading._allocate_lock  # type: ignore[attr-defined]
    flow = run_observed(Diary())
    assert type(flow) is Flow
    assert type(flow.routines["target"]) is Busy
    assert type(flow._scheduler).__name__ == "Scheduler"
    assert threading.Lock is lock
    assert threading._allocate_lock is thread_lock  # type: ignore[attr-defined]
    assert type(threading.Lock()).__module__ == "_thread"


def test_two_observers_at_once_are_refused() -> None:
    second = seam.attach(Diary())
    with seam.attach(Diary()), pytest.raises(RoutiluxError, match="one at a time"):
        second.__enter__()
    with seam.attach(Diary()):
        pass


def test_names_that_a_module_has_imported_are_replaced_too() -> None:
    from tests.races.cases import hidden

    assert type(hidden.LOCK).__module__ == "_thread"
    with seam.attach(Diary()):
        assert type(hidden.LOCK).__name__ == "WatchedLock"
    assert type(hidden.LOCK).__module__ == "_thread"


def test_attributes_of_the_engine_are_no_state_of_the_users() -> None:
    assert set(Routine().__dict__) <= ENGINE


class Places:
    """One place of each use."""

    def __init__(self) -> None:
        self.it: Any = {}

    def use(self) -> Any:
        return [
            self.it.get(1), self.it.pop(1), len(self.it), f"{self.it}", 3 in self.it,
            [x for x in self.it], self.it[1],  # noqa: C416
            self.it.a.b, self.it[1].append(2), print(self.it),
            open(self.it), (self.it, 1),
        ]  # fmt: skip


def test_the_source_says_what_becomes_of_a_container() -> None:
    import dis

    found = []
    codes = [Places.use.__code__]
    codes += [c for c in codes[0].co_consts if hasattr(c, "co_code")]
    for code in codes:
        found += [
            use_at(code, instruction.offset)
            for instruction in dis.get_instructions(code)
            if instruction.opname in ("LOAD_ATTR", "LOAD_METHOD") and instruction.argval == "it"
        ]
    read, write = Use.READ, Use.WRITE
    assert found == [
        read, write, read, read, read, Use.ITERATE, read, read, write, read, Use.ESCAPE, Use.ESCAPE
    ]  # fmt: skip
