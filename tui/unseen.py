"""A session without a screen: looked at until it is over, or until somebody has enough of it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time

from tui.model.monitor import Monitor, Phase
from tui.session.events import Event
from tui.session.session import Session
from tui.targets import Target

OK, FAILED, NOT_LOADED, TIMEOUT, INTERRUPTED = 0, 1, 3, 4, 130


class Unseen:
    """What the runs without a screen share: signals, looks, the end, output that may fail.

    Subclasses look and tell. Event handlers write, so writing never raises.
    """

    #: Seconds between looks.
    every = 0.05
    #: Seconds that a look waits for an answer.
    patience = 1.0

    def __init__(self, target: Target, *, reload: bool = False) -> None:
        self._session = Session(target, reload=reload)
        self._monitor = Monitor(target.label)
        self._interrupted = asyncio.Event()
        self._unheard: OSError | None = None  # why stdout takes nothing more
        self._timed_out = False

    # for subclasses -----------------------------------------------------------------------------

    async def begin(self) -> None:
        """Before the flow starts."""

    async def look(self) -> None:
        """One look at the engine."""
        raise NotImplementedError  # pragma: no cover - abstract

    async def end(self) -> None:
        """After the last look."""

    def handle(self, event: Event) -> None:
        """Something has happened; called for each event of the session."""
        self._monitor.handle(event)

    # the run ------------------------------------------------------------------------------------

    async def run(self, timeout: float | None = None) -> int:  # noqa: ASYNC109 - a limit for the user's run
        """Run until it is over. Returns the exit code.

        Args:
            timeout: seconds; None lets the flow take as long as it takes.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with contextlib.suppress(NotImplementedError, ValueError):
                loop.add_signal_handler(number, self._interrupted.set)
        self._session.on_event = self.handle
        try:
            await self.begin()
            await self._session.start()
            await self._until_over(None if timeout is None else time.monotonic() + timeout)
            await self.end()
        finally:
            await self._session.close()
            self._session.kill_all()
        return self.exit_code()

    async def _until_over(self, deadline: float | None) -> None:
        while not self._interrupted.is_set():
            over = self.over()
            await self.look()
            if over and self.over():  # also by what was read after the script had ended
                await self.look()  # records and counts of the last moment
                return
            left = self.every
            if deadline is not None:
                left = min(left, deadline - time.monotonic())
                if left <= 0:
                    self._timed_out = True
                    return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._interrupted.wait(), left)

    def over(self) -> bool:
        """The script has ended and nothing of any flow is left to run, or the process is gone.

        Nobody is there any more who would resume a paused job.
        """
        monitor = self._monitor
        if monitor.phase == Phase.DIED:
            return True
        jobs = monitor.run.standing
        return monitor.script.phase in ("ended", "failed") and jobs.open_jobs == jobs.paused

    # telling ------------------------------------------------------------------------------------

    def _write(self, data: bytes, *, is_error: bool = False) -> None:
        """Never raises, since event handlers write. A stdout that fails ends the run."""
        stream = sys.stderr if is_error else sys.stdout
        if stream is None:  # closed by who started us
            return
        try:
            stream.buffer.write(data)
            stream.flush()
        except OSError as error:
            # What is left in the buffer must not be tried again, also not at exit.
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, stream.fileno())
            os.close(null)
            if not is_error:
                self._unheard = error
                self._interrupted.set()

    def how(self) -> str:
        """How it ended, in a word or two."""
        if self._interrupted.is_set():
            return "interrupted"
        return "timed out" if self._timed_out else self._monitor.phase.value.lower()

    def exit_code(self) -> int:
        """0 ok, 1 a routine or the script failed, 3 could not load, 4 timeout, 130 interrupted."""
        monitor = self._monitor
        if isinstance(self._unheard, BrokenPipeError):
            return OK  # the reader has seen enough
        if self._unheard is not None:
            self._write(f"routilux-tui: stdout: {self._unheard}\n".encode(), is_error=True)
            return FAILED
        if self._interrupted.is_set():
            return INTERRUPTED
        script, ran = monitor.script, monitor.run.done
        if script.failure is not None and not script.opened:
            return NOT_LOADED
        if script.failure is not None and (not ran or script.failure.kind == "NotFound"):
            return NOT_LOADED
        if self._timed_out:
            return TIMEOUT
        bad = (
            monitor.run.standing.failed or monitor.run.errors or script.failure or script.exit_code
        )
        return FAILED if bad or monitor.exit_code is not None else OK
