"""Real engine processes in tests: a session with everything that it told, and what it left."""

from __future__ import annotations

import asyncio
import functools
import os
import textwrap
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.waiting import SECONDS
from tui.model.monitor import Monitor
from tui.session.events import Died, Event, Output, Rejected, Started
from tui.session.messages import Failure, Pull, ScriptState
from tui.session.session import Session
from tui.targets import Pairs, Target, parse_target

#: A flow with one routine that prints; ``{}`` is what its handler does.
ONE = """
from routilux import Flow, Routine
import os, sys, time, threading

class Echo(Routine):
    def __init__(self):
        super().__init__()
        self.define_slot("trigger", handler=self.handle)
        self.define_event("out", ["n"])

    def handle(self, n=0, **kwargs):
        {}

flow = Flow("one", execution_strategy="concurrent", max_workers=2)
flow.add_routine(Echo(), "echo")
"""

#: The same, executed for ever; says ``tick TEXT N`` and takes a lock that it must have alone.
TICKING = (
    ONE.format("print(f'tick {TEXT} {n}', flush=True)")
    + """
n = 0
while True:
    flow.execute("echo", {"n": n})
    flow.wait_for_completion()
    n += 1
    time.sleep(0.01)
"""
)


def ticking(text: str) -> str:
    """A script that says ``tick TEXT N`` until it is stopped."""
    return f"TEXT = {text!r}\n" + TICKING


def write(path: Path, source: str) -> Path:
    """Save source code, indented or not."""
    path.write_text(textwrap.dedent(source))
    return path


def in_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run an async test with `asyncio.run`, inside the test as pytest sees it."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


async def until(condition: Callable[[], object], what: str = "", seconds: float = SECONDS) -> None:
    """Come back as soon as the condition holds; fail when it does not within the timeout."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what or condition}")
        await asyncio.sleep(0.002)


class Running:
    """A started session and all that it told."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.monitor = Monitor(session.target.label)
        self.events: list[Event] = []
        self.pids: set[int] = set()
        session.on_event = self._handle

    def _handle(self, event: Event) -> None:
        self.events.append(event)
        self.monitor.handle(event)

    def of(self, kind: type[Any]) -> list[Any]:
        """The events of a class, in order."""
        return [event for event in self.events if isinstance(event, kind)]

    def text(self, generation: int | None = None, *, errors: bool | None = None) -> str:
        """What was printed so far."""
        return b"".join(
            event.data
            for event in self.of(Output)
            if generation in (None, event.generation) and errors in (None, event.is_error)
        ).decode("utf-8", "replace")

    @property
    def state(self) -> ScriptState:
        """How far the running generation's script is."""
        assert self.session._current is not None
        return self.session._current.state

    @property
    def failure(self) -> Failure:
        """What the running generation's script was stopped by."""
        assert self.state.failure is not None
        return self.state.failure

    @property
    def pid(self) -> int:
        """Of the running generation's process."""
        assert self.session._current is not None
        return self.session._current.pid

    async def look(self, patience: float = SECONDS) -> Monitor:
        """Pull once and fold it in."""
        snapshot = await self.session.pull(Pull(histograms=True), patience)
        assert snapshot is not None, "no answer"
        self.monitor.apply(snapshot)
        return self.monitor

    async def look_for_ever(self) -> None:
        """Ten looks a second, like the app's."""
        while True:
            snapshot = await self.session.pull(Pull(), 0.5)
            if snapshot is not None:
                self.monitor.apply(snapshot)
            await asyncio.sleep(0.1)

    async def until(
        self, condition: Callable[[], object], what: str = "", seconds: float = SECONDS
    ) -> None:
        """As `until`, with what was printed in the message."""
        try:
            await until(condition, what, seconds)
        except AssertionError as error:
            shown = [e for e in self.events if not isinstance(e, Output)][-6:]
            raise AssertionError(f"{error}\n{self.text()[-2000:]}\n{shown}\n{self.state}") from None

    async def until_phase(self, *phases: str) -> ScriptState:
        """Wait until the script is that far."""
        await self.until(lambda: self.state.phase in phases, f"phase {phases}")
        return self.state

    async def until_printed(self, text: str, *, seconds: float = SECONDS) -> None:
        """Wait for output."""
        await self.until(lambda: text in self.text(), f"output {text!r}", seconds)

    async def until_started(self, generation: int) -> Started:
        """Wait until a generation runs."""
        await self.until(
            lambda: any(e.generation == generation for e in self.of(Started)), f"g{generation}"
        )
        found: Started = next(e for e in self.of(Started) if e.generation == generation)
        return found

    async def until_rejected(self, count: int = 1) -> Rejected:
        """Wait until so many changes were rejected."""
        await self.until(lambda: len(self.of(Rejected)) >= count, f"{count} rejections")
        found: Rejected = self.of(Rejected)[count - 1]
        return found

    async def until_watching(self) -> None:
        """Wait until the spare is there: from then on reloads are as fast as they get."""
        await self.until(lambda: self.session._spare is not None, "a warm spare")

    async def until_done(self, count: int) -> Monitor:
        """Look until so many activations have ended."""
        deadline = time.monotonic() + SECONDS
        while (await self.look()).run.done < count:
            assert time.monotonic() < deadline, f"{self.monitor.run.done} of {count}"
            await asyncio.sleep(0.005)
        return self.monitor

    async def until_died(self) -> Died:
        """Wait for the end of the engine process."""
        await self.until(lambda: self.of(Died), "the end of the engine process")
        found: Died = self.of(Died)[-1]
        return found


@asynccontextmanager
async def running(
    where: Path | str,
    *,
    reload: bool = False,
    module: bool = False,
    argv: tuple[str, ...] = (),
    params: Pairs = (),
    cwd: Path | None = None,
    looking: bool = False,
) -> AsyncIterator[Running]:
    """A session on ``FILE[:NAME]`` or a module, looked at like the app does if ``looking``.

    Afterwards nothing of it is left.
    """
    target = parse_target(str(where), module=module, argv=argv, params=params, cwd=cwd)
    assert isinstance(target, Target)
    before = children()
    looks: asyncio.Task[None] | None = None
    live = Running(Session(target, reload=reload))
    try:
        await live.session.start()
        looks = asyncio.create_task(live.look_for_ever()) if looking or reload else None
        yield live
    finally:
        if looks is not None:
            looks.cancel()
        await live.session.close()
        live.session.kill_all()
    await until(lambda: children() <= before, f"the end of {children() - before}", 3.0)


def children(of: int | None = None) -> set[int]:
    """Process ids of the children of a process (of this one), zombies included."""
    parent = os.getpid() if of is None else of
    found = set()
    for entry in os.scandir("/proc"):
        if entry.name.isdigit() and parent_of(int(entry.name)) == parent:
            found.add(int(entry.name))
    return found


def parent_of(pid: int) -> int:
    """The parent's process id, 0 if there is no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    return int(stat.rpartition(")")[2].split()[1])


def is_running(pid: int) -> bool:
    """Whether the process is there and no zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def descriptors() -> set[str]:
    """What this process has open, as Linux tells."""
    return set(os.listdir("/proc/self/fd"))
