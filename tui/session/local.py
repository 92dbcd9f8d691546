"""A session in this process: for tests, and for programs that show a flow of their own.

No process is started, no file is watched and nothing printed is caught. A handler that holds the
interpreter lock holds the monitor too, so prefer `tui.session.session.Session` where it will do.
"""

from __future__ import annotations

import asyncio
import signal
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from routilux import Flow

from .calls import begin_call
from .collector import Collector
from .events import Died, Event, Gone, Progress, Rejected, Started, Stopping
from .jobs import control
from .messages import (
    Answer,
    AskLines,
    AskStack,
    Call,
    Failure,
    Pull,
    Question,
    ScriptState,
    Snapshot,
)
from .profile import Profiler
from .session import DRAIN
from .stack import stack_of


@dataclass(frozen=True, slots=True)
class Label:
    """What stands in the header."""

    label: str


class LocalSession:
    """Watches flows that it builds itself, one per generation. A `Source`.

    Args:
        build: makes the flow; called once at the start and once for each reload.
        label: what stands in the header.
    """

    def __init__(self, build: Callable[[], Flow], *, label: str = "flow") -> None:
        self.target = Label(label)
        self.generation = 0
        self.auto_reload = False
        self.on_event: Callable[[Event], None] = lambda _event: None
        self.flow: Flow | None = None
        self._build = build
        self._collector: Collector | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._reloading: asyncio.Task[None] | None = None
        self._killed = False
        self._profile = Profiler()

    @property
    def answering(self) -> bool:
        """Always: there is nobody else to wait for."""
        return True

    @property
    def alive(self) -> bool:
        """Whether there is a flow that has not been killed."""
        return self.flow is not None and not self._killed

    async def start(self) -> None:
        """Build the flow and execute its entry routines.

        Raises:
            Exception: whatever ``build`` raises.
        """
        self._loop = asyncio.get_running_loop()
        self._begin(self._build(), None)

    async def pull(self, pull: Pull, patience: float) -> Snapshot | None:
        """The state now; it is read at once, whatever ``patience`` says."""
        collector = self._collector
        return None if collector is None or self._killed else collector.snapshot(pull)

    async def ask(self, request: Question, patience: float) -> Answer | None:
        """What came of a request; one that runs a job's rest does so in a thread."""
        flows = [self.flow] if self.flow is not None and self.alive else []
        if isinstance(request, AskStack):
            return stack_of(flows, request)
        if isinstance(request, AskLines):
            return self._profile.answer(flows, request)
        if isinstance(request, Call):
            done = asyncio.to_thread(_call, flows, request)
        else:
            done = asyncio.to_thread(control, flows, request)
        try:
            return await asyncio.wait_for(done, patience)
        except TimeoutError:
            return None

    def execute(self) -> None:
        """Run the entry routines once more, in a thread: a sequential flow runs in its caller."""
        flow, generation = self.flow, self.generation
        if flow is not None and self.alive:
            run = threading.Thread(
                target=self._run, args=(flow, generation), name="run", daemon=True
            )
            run.start()

    def reload(self) -> None:
        """Build the flow anew; the old one stops only when that has worked."""
        if self._reloading is None or self._reloading.done():
            self._reloading = asyncio.create_task(self._reload(), name="reload")

    def restart(self) -> None:
        """End the flow's jobs at once, and build it anew."""
        self.kill_all()
        self.reload()

    def kill(self) -> None:
        """Stop the flow's jobs and answer no more, as if its process had been killed."""
        if self.alive:
            self.kill_all()
            self.on_event(Died(self.generation, -signal.SIGKILL))

    def kill_all(self) -> None:
        """Stop the flow's jobs; no event tells of it."""
        self._killed = True
        _stop(self.flow)

    async def close(self, drain: float = 0.1) -> None:
        """Stop the flow; its handlers get ``drain`` seconds."""
        if self._reloading is not None:
            await asyncio.wait([self._reloading], timeout=drain)
            self._reloading.cancel()
        self._loop = None  # events of the flow's last moments have nowhere to go
        if self.flow is not None:
            _stop(self.flow)
            await asyncio.to_thread(self.flow.wait_for_completion, drain)
        if self._collector is not None:
            self._collector.detach()

    # one generation -----------------------------------------------------------------------------

    def _begin(self, flow: Flow, took: float | None) -> None:
        self.flow, self._killed = flow, False
        self.generation += 1
        self._collector = Collector(self.generation)
        code = getattr(self._build, "__code__", None)
        self._collector.files = (code.co_filename,) if code is not None else ()
        self._collector.add(flow)
        self.on_event(Started(self.generation, took))
        self.on_event(Progress(self.generation, ScriptState("running", opened=True)))
        self.execute()

    async def _reload(self) -> None:
        since = time.monotonic()
        try:
            flow = self._build()
        except Exception as error:  # noqa: BLE001 - whatever the user's code raises is shown
            self.on_event(Rejected(self.generation + 1, _failure(error)))
            return
        old, collector = self.flow, self._collector
        if old is not None and collector is not None:
            if self.alive:
                self.on_event(Stopping(self.generation))
                _stop(old)
                await asyncio.to_thread(old.wait_for_completion, DRAIN)
                lanes = old.bus.lanes()
                dropped = sum(sum(lane.dropped.values()) for lane in lanes)
                stuck = tuple(lane.thread.name for lane in lanes if lane.running)
                self.on_event(Gone(self.generation, dropped, stuck))
            collector.detach()
        self._begin(flow, time.monotonic() - since)

    def _run(self, flow: Flow, generation: int) -> None:
        """Execute the entries; in a thread of its own."""
        try:
            for routine in flow.entry_routines():
                flow.execute(routine)
        except Exception as error:  # noqa: BLE001 - shown like the failure of a script
            state = ScriptState("failed", True, 1, _failure(error))
        else:
            state = ScriptState("ended", True)
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._progress, generation, state)

    def _progress(self, generation: int, state: ScriptState) -> None:
        if generation == self.generation:
            self.on_event(Progress(generation, state))


def _call(flows: Sequence[Flow], request: Call) -> Answer:
    answer, job = begin_call(flows, request)
    if job is not None:
        settle = threading.Thread(target=job.backend.settle, args=(job,), name="call", daemon=True)
        settle.start()
    return answer


def _stop(flow: Flow | None) -> None:
    if flow is not None:
        flow._scheduler.stop_open_jobs()
        flow.shutdown(wait=False)


def _failure(error: Exception) -> Failure:
    frames = traceback.extract_tb(error.__traceback__)
    file, line = (frames[-1].filename, frames[-1].lineno or 0) if frames else ("", 0)
    text = "".join(traceback.format_exception(error))
    return Failure(type(error).__name__, str(error), file, line, 0, text)
