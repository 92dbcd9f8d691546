"""One engine process as the monitor sees it: started, asked, read, stopped, killed.

`EngineProcess.spawn` is synchronous and cheap, so that the process warms up while the monitor is
still importing Textual; `connect` joins it to the running event loop. Everything else happens in
the loop's thread. Not `multiprocessing`: its helpers break inside a running Textual app, and the
process must never inherit file descriptor 2, on which Textual draws.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

from msgspec.structs import replace

from .messages import (
    Answer,
    Frames,
    Load,
    Message,
    OpenGate,
    Pull,
    Question,
    ScriptState,
    Snapshot,
    Stop,
    Stopped,
    decode_reply,
    frame,
)

#: Seconds for reading what an ended process has printed, if a child of its keeps the pipe open.
_LAST_WORDS = 0.5
_ROOT = str(Path(__file__).resolve().parents[2])
_BOOT = (
    "import sys; sys.path.append({root!r}); from tui.session.worker import main; "
    "sys.path.pop(); main({fd})"
)


class EngineProcess:
    """A child interpreter with the engine in it.

    Attributes:
        generation: what was loaded into it; 0 while it is a spare.
        state: the last `ScriptState` it reported.
        exit_code: what it left with (negative: the signal that killed it); None while it lives.
        stopped: its answer to `stop`, if it gave one.
        on_state: called with each new `ScriptState`.
        on_output: called with each chunk of bytes it prints, and whether that was stderr.
        on_exit: called once when it is gone.
    """

    def __init__(self, process: subprocess.Popen[bytes], sock: socket.socket) -> None:
        self.generation = 0
        self.state = ScriptState("loading")
        self.exit_code: int | None = None
        self.stopped: Stopped | None = None
        self.on_state: Callable[[ScriptState], None] | None = None
        self.on_output: Callable[[bytes, bool], None] | None = None
        self.on_exit: Callable[[], None] | None = None
        self._process = process
        self._sock = sock
        self._transport: asyncio.Transport | None = None
        self._pipes: list[asyncio.ReadTransport] = []
        self._snapshot: asyncio.Future[Snapshot] | None = None
        self._asked = 0.0
        self._tickets = count(1)
        self._answers: dict[int, asyncio.Future[Answer]] = {}
        self._hung_up = False  # the socket is closed: no question will be answered
        self._gone = asyncio.Event()
        self._silent = asyncio.Event()  # both pipes have ended
        self._open_pipes = 2
        self._reaping: asyncio.Task[None] | None = None  # the loop itself keeps no task alive
        self._swept = False
        self._closed = False

    @classmethod
    def spawn(cls) -> EngineProcess:
        """Start one, warm, with nothing loaded. From the main thread; needs no event loop."""
        ours, theirs = socket.socketpair()
        boot = _BOOT.format(root=_ROOT, fd=theirs.fileno())
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", boot],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=(theirs.fileno(),),
            start_new_session=True,  # Ctrl+C in the terminal is the monitor's
            bufsize=0,
        )
        theirs.close()
        return cls(process, ours)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.poll() is None

    @property
    def silent_for(self) -> float:
        """Seconds since an unanswered question; 0 when it owes no answer."""
        waiting = self._snapshot is not None and not self._snapshot.done()
        return time.monotonic() - self._asked if waiting else 0.0

    async def connect(self) -> None:
        """Join the running event loop."""
        loop = asyncio.get_running_loop()
        self._sock.setblocking(False)  # asyncio wants it so
        transport, _ = await loop.create_connection(lambda: _Wire(self), sock=self._sock)
        self._transport = transport
        for pipe, is_error in ((self._process.stdout, False), (self._process.stderr, True)):
            assert pipe is not None
            reader, _ = await loop.connect_read_pipe(
                lambda is_error=is_error: _Output(self, is_error),  # type: ignore[misc]
                pipe,
            )
            self._pipes.append(reader)

    def load(self, load: Load) -> None:
        """Give it its target. It runs up to the gate and reports."""
        self.generation = load.generation
        self.send(load)

    def open_gate(self) -> None:
        """Let the loaded code run."""
        self.send(OpenGate())

    def send(self, message: Message) -> None:
        """Say something; to a dead process it is lost."""
        data = frame(message)
        if self._transport is None:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self._sock.sendall(data)
        elif not self._transport.is_closing():
            self._transport.write(data)

    def ask(self, pull: Pull) -> asyncio.Future[Snapshot]:
        """Ask for a snapshot. One credit: until its answer was `took`, the same future comes back.

        Also when it came too late for who asked: a snapshot holds what has changed since the one
        before, so none may be thrown away.
        """
        if self._snapshot is None or self._snapshot.cancelled():
            self._snapshot = asyncio.get_running_loop().create_future()
            self._asked = time.monotonic()
            if self._hung_up:
                self._snapshot.cancel()
            else:
                self.send(pull)
        return self._snapshot

    def took(self, owed: asyncio.Future[Snapshot]) -> None:
        """This answer is in good hands."""
        if self._snapshot is owed:
            self._snapshot = None

    def request(self, request: Question) -> asyncio.Future[Answer]:
        """Ask for something else than a snapshot; any number of answers may be owed."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        if self._hung_up:
            answer.cancel()
        else:
            ticket = next(self._tickets)
            self._answers[ticket] = answer
            self.send(replace(request, ticket=ticket))
        return answer

    async def stop(self, drain: float, grace: float = 0.5) -> None:
        """Let running handlers end for ``drain`` seconds, then kill what is left of it."""
        if self.alive:
            self.send(Stop(drain))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._gone.wait(), drain + grace)
        self.kill()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._gone.wait(), 1.0)
        self.close()

    def kill(self) -> None:
        """Kill it and what it started, now. Repeatable, from any thread, also from a signal."""
        if self._swept:
            return
        # Also when it has ended by itself: what it started may be there, under its group's number.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1.0)
            self._swept = True

    def close(self) -> None:
        """Let go of socket and pipes."""
        self._closed = True
        if self._transport is not None:
            self._transport.close()
        else:
            self._sock.close()
        for pipe in self._pipes:
            pipe.close()
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None and not self._pipes:
                stream.close()

    # called by the protocols below ------------------------------------------------------------

    def _received(self, message: Snapshot | ScriptState | Answer | Stopped) -> None:
        match message:
            case Snapshot():
                if self._snapshot is not None and not self._snapshot.done():
                    self._snapshot.set_result(message)
            case Answer():
                answer = self._answers.pop(message.ticket, None)
                if answer is not None and not answer.done():
                    answer.set_result(message)
            case ScriptState():
                self.state = message
                if self.on_state is not None:
                    self.on_state(message)
            case Stopped():
                self.stopped = message

    def _lost(self) -> None:
        self._hung_up = True
        if self._snapshot is not None and not self._snapshot.done():
            self._snapshot.cancel()
        for answer in self._answers.values():
            answer.cancel()
        self._answers.clear()
        if not self._closed:
            self._reaping = asyncio.create_task(self._reap(), name="reap")

    def _pipe_ended(self) -> None:
        self._open_pipes -= 1
        if not self._open_pipes:
            self._silent.set()

    async def _reap(self) -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            await asyncio.to_thread(self._process.wait, 1.0)
        self.kill()  # if it closed the socket and lives on: no use without it
        self.exit_code = self._process.returncode
        with contextlib.suppress(TimeoutError):  # its last words are still in the pipes
            await asyncio.wait_for(self._silent.wait(), _LAST_WORDS)
        self._gone.set()
        if self.on_exit is not None:
            self.on_exit()


class _Wire(asyncio.Protocol):
    def __init__(self, engine: EngineProcess) -> None:
        self._engine = engine
        self._frames = Frames()

    def data_received(self, data: bytes) -> None:
        for body in self._frames.feed(data):
            self._engine._received(decode_reply(body))

    def connection_lost(self, exc: Exception | None) -> None:
        self._engine._lost()


class _Output(asyncio.Protocol):
    def __init__(self, engine: EngineProcess, is_error: bool) -> None:
        self._engine = engine
        self._is_error = is_error

    def data_received(self, data: bytes) -> None:
        if self._engine.on_output is not None:
            self._engine.on_output(data, self._is_error)

    def connection_lost(self, exc: Exception | None) -> None:
        self._engine._pipe_ended()
