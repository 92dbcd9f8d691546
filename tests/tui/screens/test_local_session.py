"""The session in this process: the same life as one with a process of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from time import monotonic

import pytest

from routilux import Flow
from tests.engine.building import node, passing
from tests.tui.screens.flows import shop
from tests.waiting import SECONDS, gate
from tui.model.monitor import Monitor, Phase
from tui.session.events import Died, Event, Gone, Progress, Rejected, Started, Stopping
from tui.session.local import LocalSession
from tui.session.messages import Pull
from tui.session.session import Session
from tui.session.source import Source


class Watched:
    """A session with a monitor and the events so far."""

    def __init__(self, build: Callable[[], Flow]) -> None:
        self.session = LocalSession(build, label="shop")
        self.monitor = Monitor(self.session.target.label)
        self.events: list[Event] = []
        self.session.on_event = self._take

    def _take(self, event: Event) -> None:
        self.events.append(event)
        self.monitor.handle(event)

    def kinds(self) -> list[type]:
        return [type(event) for event in self.events]

    async def until(self, condition: Callable[[], object]) -> None:
        deadline = monotonic() + SECONDS
        while not condition():
            assert monotonic() < deadline, self.events
            await asyncio.sleep(0.001)
            snapshot = await self.session.pull(Pull(), 0.1)
            if snapshot is not None:
                self.monitor.apply(snapshot)


def live(build: Callable[[], Flow], script: Callable[[Watched], Awaitable[None]]) -> None:
    async def run() -> None:
        watched = Watched(build)
        await watched.session.start()
        try:
            await script(watched)
        finally:
            await watched.session.close(1.0)

    asyncio.run(run())


def test_both_sessions_are_sources() -> None:
    sources: list[type[Source]] = [LocalSession, Session]  # checked by mypy
    names = [name for name in vars(Source) if not name.startswith("_")]
    names += list(Source.__annotations__)
    local = LocalSession(shop)
    assert all(hasattr(local, name) for name in names)
    assert len(sources) == 2


def test_it_starts_runs_the_entries_and_ends() -> None:
    async def script(w: Watched) -> None:
        await w.until(lambda: w.monitor.phase is Phase.ENDED)
        assert w.kinds() == [Started, Progress, Progress]
        assert w.session.generation == 1
        assert w.session.alive
        assert w.session.answering
        assert w.monitor.run.done == 37

    live(shop, script)


def test_a_sequential_flow_does_not_hold_the_monitor() -> None:
    with gate() as go:

        def build() -> Flow:
            flow = Flow("slow")
            flow.add_routine(node(lambda _, **__: go.wait(SECONDS)), "waits")
            return flow

        async def script(w: Watched) -> None:
            await w.until(lambda: w.monitor.run.routines() and w.monitor.phase is Phase.RUN)
            (row,) = w.monitor.run.routines()
            assert row.state == "running"
            go.set()
            await w.until(lambda: w.monitor.phase is Phase.ENDED)

        live(build, script)


def test_a_reload_is_a_new_generation() -> None:
    async def script(w: Watched) -> None:
        await w.until(lambda: w.monitor.phase is Phase.ENDED)
        first = w.session.flow
        w.session.reload()
        await w.until(lambda: w.monitor.run.generation == 2)
        await w.until(lambda: w.monitor.phase is Phase.ENDED)
        assert w.kinds()[3:6] == [Stopping, Gone, Started]
        assert w.session.flow is not first
        assert w.monitor.run.done == 37
        assert w.monitor.banner is not None
        assert w.monitor.banner.title.startswith("RELOADED g1 -> g2")

    live(shop, script)


def test_a_build_that_fails_leaves_the_old_flow_running() -> None:
    builds = iter((shop,))

    def build() -> Flow:
        return next(builds)()

    async def script(w: Watched) -> None:
        w.session.reload()
        await w.until(lambda: Rejected in w.kinds())
        rejected = next(event for event in w.events if isinstance(event, Rejected))
        assert (rejected.generation, rejected.failure.kind) == (2, "StopIteration")
        assert rejected.failure.file == __file__
        assert w.session.generation == 1
        assert w.session.alive

    live(build, script)


def test_reloads_do_not_queue_up() -> None:
    async def script(w: Watched) -> None:
        for _ in range(5):
            w.session.reload()
        await w.until(lambda: w.session.generation == 2)
        await w.until(lambda: w.monitor.phase is Phase.ENDED)
        assert w.session.generation == 2

    live(shop, script)


def test_a_killed_one_stays_as_it_was_until_it_is_reloaded() -> None:
    async def script(w: Watched) -> None:
        await w.until(lambda: w.monitor.phase is Phase.ENDED)
        w.session.kill()
        w.session.kill()
        assert w.kinds().count(Died) == 1
        assert not w.session.alive
        assert await w.session.pull(Pull(), 0.1) is None
        assert w.monitor.phase is Phase.DIED
        w.session.execute()  # nobody there
        w.session.reload()
        await w.until(lambda: w.session.generation == 2)
        assert w.session.alive
        assert Stopping not in w.kinds()

    live(shop, script)


def test_a_restart_is_a_new_generation_without_a_farewell() -> None:
    async def script(w: Watched) -> None:
        await w.until(lambda: w.monitor.phase is Phase.ENDED)
        w.session.restart()
        await w.until(lambda: w.session.generation == 2)
        assert w.session.alive
        assert Stopping not in w.kinds()

    live(shop, script)


def test_a_flow_that_never_ends_is_stopped_with_the_session() -> None:
    before = set(threading.enumerate())

    def build() -> Flow:
        flow = Flow("ring", execution_strategy="concurrent", max_workers=2)
        flow.add_routine(node(passing), "start")
        flow.add_routine(node(passing), "ring")
        flow.connect("start", "out", "ring", "trigger")
        flow.connect("ring", "out", "ring", "trigger")
        return flow

    async def script(w: Watched) -> None:
        await w.until(lambda: w.monitor.run.done > 100)
        w.session.reload()
        await w.until(lambda: w.monitor.run.generation == 2 and w.monitor.run.done > 100)

    live(build, script)
    for thread in set(threading.enumerate()) - before:
        thread.join(SECONDS)
        assert not thread.is_alive()


def test_an_entry_that_cannot_run_is_a_failed_script() -> None:
    class Bad(Flow):
        def entry_routines(self) -> list[str]:
            raise LookupError("no such entry")

    async def script(w: Watched) -> None:
        await w.until(lambda: w.monitor.phase is Phase.FAILED)
        assert w.monitor.banner is not None
        assert "LookupError" in w.monitor.banner.title

    live(Bad, script)


def test_other_flows_of_the_process_are_not_shown() -> None:
    other = Flow("other")

    async def script(w: Watched) -> None:
        Flow("another")
        await w.until(lambda: w.monitor.run.flows)
        assert [flow.id for flow in w.monitor.run.flows.values()] == ["shop"]

    live(shop, script)
    assert other.flow_id == "other"


def test_a_build_that_fails_at_first_tells_its_caller() -> None:
    def build() -> Flow:
        raise RuntimeError("not today")

    with pytest.raises(RuntimeError, match="not today"):
        live(build, lambda _: asyncio.sleep(0))
