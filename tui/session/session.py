"""A session: one target and its generations, each in an engine process of its own.

The reload protocol: what changed is loaded into the warm spare up to its gate, while the old
generation goes on. Only when that has worked does the old one stop and the gate open, so never do
two generations run past it. A newer change discards the candidate; reloads never queue up.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from tui.reload import Change, Watcher, snippet
from tui.targets import Target

from .events import Died, Event, Gone, Loading, Output, Progress, Rejected, Started, Stopping
from .messages import (
    Answer,
    Execute,
    Failure,
    Load,
    Pull,
    Question,
    ScriptState,
    Snapshot,
)
from .process import EngineProcess

#: Seconds that the handlers of an old generation get to finish.
DRAIN = 1.0
#: After so many seconds without reaching the gate the monitor says that it is still loading.
SLOW_LOAD = 10.0
#: Seconds without an answer after which the engine counts as not answering.
SILENCE = 1.0
_LOADED = ("gate", "ended")
_T = TypeVar("_T")


class Session:
    """Runs a target, again at each change. Use from one thread, the event loop's.

    Args:
        target: what to run.
        reload: whether saving a file loads it. `auto_reload` switches it later.

    Attributes:
        generation: number of the generation that runs, 0 before the first.
        auto_reload: whether changes are acted on.
        on_event: called with each `Event`, in the loop's thread.
    """

    def __init__(self, target: Target, *, reload: bool = True) -> None:
        self.target = target
        self.generation = 0
        self.auto_reload = reload
        self.on_event: Callable[[Event], None] = lambda _event: None
        self._watches = reload
        self._current: EngineProcess | None = None
        self._first: EngineProcess | None = None
        self._spare: EngineProcess | None = None
        self._candidate: EngineProcess | None = None
        self._change: Change | None = None
        self._changed = asyncio.Event()
        self._watcher: Watcher | None = None
        self._reloading: asyncio.Task[None] | None = None
        self._wanted_since = 0.0
        self._known: set[str] = set()  # files any generation has loaded: they may come back
        self._loaded_ns = 0  # wall clock of just before the newest generation was loaded

    def prepare(self) -> None:
        """Start the first engine process and its loading; needs no event loop yet."""
        self._first = self._current = EngineProcess.spawn()
        self.generation = 1
        self._current.load(self._load(1))
        self._current.open_gate()

    async def start(self) -> None:
        """Join the event loop: from now on events come, and changes are noticed."""
        if self._current is None:
            self.prepare()
        engine = self._current
        assert engine is not None
        self._listen(engine)
        self.on_event(Started(1))  # before connecting: what it has said meanwhile comes at once
        await engine.connect()
        if self._watches:
            loop = asyncio.get_running_loop()

            def notice(change: Change) -> None:  # in the watcher's thread
                loop.call_soon_threadsafe(self._noticed, change)

            self._watcher = Watcher(notice)
            self._watch(())
            self._watcher.start()
        self._reloading = asyncio.create_task(self._reload_for_ever(), name="reload")

    async def pull(self, pull: Pull, patience: float) -> Snapshot | None:
        """A snapshot of the running generation; None when none came in ``patience`` seconds."""
        if self._current is None:
            return None
        engine = self._current
        owed = engine.ask(pull)
        snapshot = await _in_time(owed, patience)
        if snapshot is not None:
            engine.took(owed)
        return snapshot

    async def ask(self, request: Question, patience: float) -> Answer | None:
        """What came of a request; None when no answer came in ``patience`` seconds."""
        if self._current is None:
            return None
        owed = self._current.request(request)
        return await _in_time(owed, patience)

    @property
    def answering(self) -> bool:
        """False once a question has been open for a second."""
        return self._current is None or self._current.silent_for < SILENCE

    @property
    def alive(self) -> bool:
        """Whether the running generation's process lives."""
        return self._current is not None and self._current.exit_code is None

    def execute(self) -> None:
        """Run the entry routines once more."""
        if self._current is not None:
            self._current.send(Execute())

    def reload(self) -> None:
        """Load the target anew, changed or not."""
        path = self.target.path
        self._noticed(Change((path,) if path else (), None), asked=True)

    def restart(self) -> None:
        """End the running generation at once, whatever it does, and load the target anew."""
        if self._current is not None:
            self._current.kill()
        self.reload()

    def kill(self) -> None:
        """Kill the engine process that is loading, else the running one; its last state stays."""
        engine = self._candidate or self._current
        if engine is not None:
            engine.kill()

    def kill_all(self) -> None:
        """Kill every process of the session at once. Safe in a signal handler."""
        for engine in (self._first, self._current, self._spare, self._candidate):
            if engine is not None:
                engine.kill()

    async def close(self, drain: float = 0.1) -> None:
        """End everything; handlers get ``drain`` seconds to finish."""
        if self._watcher is not None:
            self._watcher.close()
        if self._reloading is not None:
            self._reloading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reloading
        for engine in (self._spare, self._candidate):
            if engine is not None and engine is not self._current:
                engine.on_exit = None
                engine.kill()
                engine.close()
        if self._current is not None:
            self._current.on_exit = None
            await self._current.stop(drain, grace=0.1)
        if self._watcher is not None:
            await asyncio.to_thread(self._watcher.join, 0.2)

    # reload ---------------------------------------------------------------------------------------

    def _noticed(self, change: Change, *, asked: bool = False) -> None:
        if asked or self.auto_reload:
            self._change = change
            self._wanted_since = time.monotonic()
            self._changed.set()

    async def _reload_for_ever(self) -> None:
        await asyncio.sleep(0.3)  # the first generation comes first
        self._warm_up()
        while True:
            await self._changed.wait()
            self._changed.clear()
            change = self._change
            assert change is not None
            if change.problem is not None:
                self._reject_syntax(change)
            else:
                await self._load_generation()

    def _warm_up(self) -> None:
        if self._spare is not None and not self._spare.alive:  # killed from outside
            self._spare.close()
            self._spare = None
        if self._spare is None:
            self._spare = EngineProcess.spawn()

    def _reject_syntax(self, change: Change) -> None:
        problem = change.problem
        assert problem is not None
        failure = Failure(
            "SyntaxError", problem.message, str(problem.path), problem.line, problem.column
        )
        self.on_event(Rejected(self.generation + 1, failure, problem.lines))

    async def _load_generation(self) -> None:
        """One attempt: load, and if that works hand over. Given up when a newer change comes."""
        since = self._wanted_since
        generation = self.generation + 1
        self._warm_up()
        candidate, self._spare = self._spare, None
        assert candidate is not None
        self._candidate = candidate
        loaded: asyncio.Future[ScriptState] = asyncio.get_running_loop().create_future()

        def settle(state: ScriptState) -> None:
            if not loaded.done() and state.phase in (*_LOADED, "failed"):
                loaded.set_result(state)

        candidate.on_state = settle
        candidate.on_exit = lambda: settle(_died(candidate))
        candidate.on_output = self._output(candidate)
        await candidate.connect()
        self.on_event(Loading(generation))
        candidate.load(self._load(generation))
        if not self.alive:  # nothing to keep running meanwhile, so the gate has no purpose
            state: ScriptState | None = candidate.state
        else:
            state = await self._until_loaded(loaded, generation)
        if state is None or state.phase == "failed":
            candidate.on_exit = None
            await candidate.stop(0.0, grace=0.05)
            if state is not None:
                self._reject(generation, state)
        else:
            await self._hand_over(candidate, state, since)
        self._candidate = None
        self._watch(state.files if state is not None else ())
        self._warm_up()

    async def _until_loaded(
        self, loaded: asyncio.Future[ScriptState], generation: int
    ) -> ScriptState | None:
        """How the candidate fares; None when a newer change can be loaded in its place."""
        newer = asyncio.create_task(self._changed.wait())
        broken = False
        try:
            while True:
                either: set[asyncio.Future[Any]] = {loaded, newer}
                done, _ = await asyncio.wait(
                    either, timeout=SLOW_LOAD, return_when=asyncio.FIRST_COMPLETED
                )
                if newer in done:
                    if self._change is None or self._change.problem is None:
                        return None
                    # The candidate is still the newest code that can run: the mistake comes after.
                    broken = True
                    self._changed.clear()
                    newer = asyncio.create_task(self._changed.wait())
                elif loaded in done:
                    return loaded.result()
                else:
                    self.on_event(Loading(generation, slow=True))
        finally:
            newer.cancel()
            if broken:
                self._changed.set()

    async def _hand_over(self, candidate: EngineProcess, state: ScriptState, since: float) -> None:
        old = self._current
        if old is not None and old.exit_code is None:
            old.on_exit = None
            self.on_event(Stopping(old.generation))
            await old.stop(DRAIN)
            stopped = old.stopped
            dropped, stuck = (stopped.dropped, stopped.stuck) if stopped else (0, ("process",))
            self.on_event(Gone(old.generation, dropped, stuck))
        self._current = candidate
        self.generation = candidate.generation
        self._listen(candidate)
        took = time.monotonic() - since
        self.on_event(Started(candidate.generation, took, state.files))
        if state.phase == "ended":
            self.on_event(Progress(candidate.generation, state))
        candidate.open_gate()
        if candidate.exit_code is not None:
            self._died(candidate)

    def _reject(self, generation: int, state: ScriptState) -> None:
        failure = state.failure or Failure("Error", "the engine process ended while loading")
        lines: tuple[tuple[int, str], ...] = ()
        if failure.file and failure.line:
            with contextlib.suppress(OSError):
                lines = snippet(Path(failure.file).read_text("utf-8", "replace"), failure.line)
        self.on_event(Rejected(generation, failure, lines))

    # one engine process -----------------------------------------------------------------------

    def _listen(self, engine: EngineProcess) -> None:
        def progress(state: ScriptState) -> None:
            if engine is self._current:
                self._watch(state.files)
                self.on_event(Progress(engine.generation, state))

        engine.on_state = progress
        engine.on_output = self._output(engine)
        engine.on_exit = lambda: self._died(engine)

    def _output(self, engine: EngineProcess) -> Callable[[bytes, bool], None]:
        return lambda data, is_error: self.on_event(Output(engine.generation, data, is_error))

    def _died(self, engine: EngineProcess) -> None:
        if engine is self._current:
            self.on_event(Died(engine.generation, engine.exit_code or 0))

    def _watch(self, files: tuple[str, ...]) -> None:
        paths = self._files(files)
        if self._watcher is not None:
            # What was saved since the code was read is news, also where it is a new file to us.
            self._watcher.set_files(paths, loaded_ns=self._loaded_ns)

    def _files(self, loaded: tuple[str, ...]) -> list[Path]:
        """The target and every file that a generation has loaded, also where loading failed."""
        path = self.target.path
        self._known.update(loaded)
        return [*([path] if path else []), *(Path(file) for file in sorted(self._known))]

    def _load(self, generation: int) -> Load:
        target = self.target
        self._loaded_ns = time.time_ns()
        return Load(
            generation,
            target.kind,
            str(target.path or ""),
            target.typed,
            target.module or "",
            target.name or "",
            target.argv,
            str(target.cwd),
            target.params,
        )


async def _in_time(answer: asyncio.Future[_T], patience: float) -> _T | None:
    try:
        return await asyncio.wait_for(asyncio.shield(answer), patience)
    except (TimeoutError, asyncio.CancelledError):
        if (task := asyncio.current_task()) is not None and task.cancelling():
            raise
        return None


def _died(engine: EngineProcess) -> ScriptState:
    message = f"the engine process ended with exit code {engine.exit_code} while loading"
    return ScriptState("failed", failure=Failure("Exit", message))
