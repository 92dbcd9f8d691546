"""Sampling the lines of one routine: what is counted, what it may say of time, and when it ends."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

from routilux import Flow, Routine
from tests.engine.building import idle
from tests.waiting import SECONDS, gate, wait_until
from tui.session import profile
from tui.session.messages import AskLines, HotLine
from tui.session.profile import Profiler, Sampler, codes_of, source_of

MS = 1_000_000


class Busy(Routine):
    """Stands where it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()
        self.lock = threading.Lock()
        self.stop = False
        self.ratio = 0.0  # of its time that it was computing
        self.define_slot("trigger", handler=self.handle)
        self.define_slot("other", handler=lambda: None)

    def handle(self, how: str = "wait") -> Any:
        if how == "wait":
            self.go.wait(SECONDS)  # here: waits
        elif how == "lock":
            with self.lock:  # here: locks
                pass
        elif how == "spin":
            begin, cpu = time.perf_counter(), time.thread_time()
            while not self.stop:
                self.turn()  # here: spins
            self.ratio = (time.thread_time() - cpu) / (time.perf_counter() - begin)
        else:
            return self.sleep()
        return None

    async def sleep(self) -> None:
        while not self.go.is_set():  # noqa: ASYNC110 - the place to see
            await asyncio.sleep(0.001)  # here: awaits

    def turn(self) -> int:
        return sum(range(2_000))  # here: turns


def line_of(mark: str) -> int:
    with open(__file__) as file:
        return next(n for n, text in enumerate(file, 1) if f"# here: {mark}" in text)


def busy() -> tuple[Flow, Busy]:
    flow = Flow("busy", "concurrent", 2)
    routine = Busy()
    flow.add_routine(routine, "b")
    flow.add_routine(Busy(), "twin")
    return flow, routine


def lines(sampler: Sampler) -> dict[int, HotLine]:
    return {line.line: line for line in sampler.found(source=False).lines}


def look(sampler: Sampler, times: int = 1) -> None:
    for _ in range(times):
        sampler.look(sampler._last + 10 * MS)


def in_hand(flow: Flow) -> int:
    return len(flow._threads.in_hand()) if flow._threads is not None else 0


def test_a_look_counts_for_the_line_of_the_routine_that_is_being_run() -> None:
    flow, routine = busy()
    sampler = Sampler(flow, routine)
    look(sampler)
    assert lines(sampler) == {}
    flow.execute("b", {"how": "wait"})
    flow.execute("twin", {"how": "wait"})  # the same code, another routine
    wait_until(lambda: in_hand(flow) == 2 and _at(flow, "wait"))
    look(sampler, 5)
    (found,) = lines(sampler).values()
    assert (found.file, found.line) == (__file__, line_of("waits"))
    assert (found.hits, found.wall_ns) == (5, 50 * MS)
    assert found.known_ns == 40 * MS  # from the first look on
    assert found.cpu_ns < 20 * MS
    assert found.lock_ns == 0
    for each in (routine, flow.routines["twin"]):
        each.go.set()  # type: ignore[attr-defined]
    idle(flow)
    look(sampler)
    assert lines(sampler)[line_of("waits")].hits == 5
    assert sampler.looks == 7
    flow.shutdown()


def _at(flow: Flow, function: str) -> bool:
    """Whether both threads stand in a function of that name."""
    import sys

    names = [sys._current_frames()[i].f_code.co_name for i in flow._threads.in_hand()]  # type: ignore[union-attr]
    return names == [function] * len(names)


def test_waiting_for_a_lock_is_told_apart() -> None:
    flow, routine = busy()
    sampler = Sampler(flow, routine)
    with routine.lock:
        flow.execute("b", {"how": "lock"})
        wait_until(lambda: (look(sampler), lines(sampler))[1])
        look(sampler, 4)
        found = lines(sampler)[line_of("locks")]
        assert found.lock_ns >= 40 * MS
        assert found.lock_ns <= found.wall_ns
    idle(flow)
    flow.shutdown()


def test_computing_is_told_from_waiting_where_a_call_lasts() -> None:
    flow, routine = busy()
    sampler = Sampler(flow, routine)
    flow.execute("b", {"how": "spin"})
    wait_until(lambda: (look(sampler), lines(sampler))[1])
    sampler._lines.clear()
    sampler.start()
    spins, turns = line_of("spins"), line_of("turns")

    def known() -> int:
        found = lines(sampler)
        return sum(found[n].known_ns for n in (spins, turns) if n in found)

    try:
        wait_until(lambda: known() > 300 * MS)
        found = lines(sampler)
    finally:
        sampler.stop()
        sampler.join(SECONDS)
        routine.stop = True
    idle(flow)
    assert turns in found  # the innermost line of the routine's own
    cpu = sum(line.cpu_ns for line in found.values()) / sum(n.known_ns for n in found.values())
    # The machine may be busy, so it is as much as the thread itself has found.
    assert routine.ratio / 3 < cpu < routine.ratio * 3
    assert sampler.cost_ns > 0
    flow.shutdown()


def test_a_coroutine_that_waits_computes_nothing() -> None:
    flow, routine = busy()
    sampler = Sampler(flow, routine)
    flow.execute("b", {"how": "await"})
    wait_until(lambda: (look(sampler), lines(sampler).get(line_of("awaits")))[1])
    look(sampler, 20)
    found = lines(sampler)[line_of("awaits")]
    assert found.hits >= 10
    assert found.cpu_ns == 0
    routine.go.set()
    idle(flow)
    flow.shutdown()


def test_the_source_is_that_of_the_routines_own_methods() -> None:
    _, routine = busy()
    (text, *rest) = source_of(codes_of(routine))
    assert text.file == __file__
    assert text.lines[0].strip() == "def __init__(self) -> None:"
    shown = "\n".join(line for piece in (text, *rest) for line in piece.lines)
    assert "# here: turns" in shown
    assert "def line_of" not in shown
    assert "define_slot(self" not in shown  # the engine's own


def test_it_ends_when_it_is_told_and_when_nobody_asks_any_more(monkeypatch: Any) -> None:
    flow, _ = busy()
    profiler = Profiler()

    def threads() -> list[str]:
        return [t.name for t in threading.enumerate() if t.name == "routilux-profile"]

    ask = AskLines(flow.number, "b", True, ticket=3)
    answer = profiler.answer([flow], ask)
    assert answer.hot is not None
    assert answer.hot.source
    assert answer.ticket == 3
    assert threads() == ["routilux-profile"]
    first = profiler._sampler
    assert profiler.answer([flow], ask).hot is not None
    assert profiler._sampler is first
    profiler.answer([flow], AskLines(flow.number, "twin"))  # another: one at a time
    assert profiler._sampler is not first
    assert profiler.answer([flow], AskLines(flow.number, "twin", off=True)).text
    wait_until(lambda: not threads())
    monkeypatch.setattr(profile, "LEASE", 0.0)
    profiler.answer([flow], ask)
    wait_until(lambda: not threads())
    refused = profiler.answer([flow], AskLines(flow.number, "gone"))
    assert refused.refused
    assert refused.text == "there is no routine 'gone' any more"


def test_asking_again_goes_on_after_an_end(monkeypatch: Any) -> None:
    flow, routine = busy()
    with gate() as go:
        routine.go = go
        profiler = Profiler()
        monkeypatch.setattr(profile, "LEASE", 0.0)
        profiler.answer([flow], AskLines(flow.number, "b"))
        first = profiler._sampler
        assert first is not None
        first.join(SECONDS)
        monkeypatch.undo()
        answer = profiler.answer([flow], AskLines(flow.number, "b"))
        assert answer.hot is not None
        assert profiler._sampler is not first
        profiler.answer([flow], AskLines(flow.number, "b", off=True))
