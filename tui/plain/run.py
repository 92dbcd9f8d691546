"""The loop: looks, tells what is new, and does what a line on standard input asks for."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Iterable

from tui.errors import did_you_mean
from tui.paint.canvas import clean
from tui.session.messages import Control, Pull
from tui.targets import Target
from tui.unseen import Unseen

from .answers import ANSWERS, summary
from .news import News
from .words import spoken, times

#: Seconds between summaries, as long as `every` has not changed that; the first comes sooner.
_PERIOD, _FIRST = 10.0, 2.0
_SHORTEST, _LONGEST = 1.0, 3_600.0
#: Looks between two that ask for histograms and jobs.
_FULL_LOOK = 5
#: Sentences kept while telling is held, and told when it goes on.
_HELD, _CAUGHT_UP = 500, 20
#: Commands that wait to be done; who writes more waits too.
_WAITING = 20
_LINE = 1_000  # bytes of a command


def run(target: Target, *, reload: bool, ascii: bool = False) -> int:
    """Watch a target and tell of it on standard output until it is left.

    Args:
        target: what to run.
        reload: whether saving a file loads it.
        ascii: write no character outside ASCII.

    Returns:
        The exit code, as of `tui.headless.run`.
    """
    return asyncio.run(_Plain(target, reload=reload, ascii=ascii).run())


class _Plain(Unseen):
    every = 0.1

    def __init__(self, target: Target, *, reload: bool, ascii: bool) -> None:
        super().__init__(target, reload=reload)
        self._news = News()
        self._encoding = "ascii" if ascii else "utf-8"
        self._looks = 0
        self._period = _PERIOD
        self._next_summary = 0.0
        self._last_summary = ""
        self._held: deque[str] | None = None
        self._held_in_all = 0
        self._left = False
        self._typed: asyncio.Queue[bytes | None] = asyncio.Queue(_WAITING)
        self._ended_input = False
        self._is_typed_by_hand = sys.stdin is not None and sys.stdin.isatty()

    async def begin(self) -> None:
        """Greet, and begin to listen."""
        loop = asyncio.get_running_loop()
        self._next_summary = loop.time() + _FIRST
        self._say([f"watching {clean(self._monitor.label)}; help lists the commands, quit leaves"])
        arguments = (loop, self._typed)
        threading.Thread(target=_read, args=arguments, name="routilux-stdin", daemon=True).start()

    def over(self) -> bool:
        """Somebody who types decides; else it is over with the flow, once nothing more is asked."""
        if self._left:
            return True
        return self._ended_input and not self._is_typed_by_hand and super().over()

    def how(self) -> str:
        """How it ended."""
        return "left" if self._left else super().how()

    async def look(self) -> None:
        """One look, then what is new, then what is asked."""
        full = self._looks % _FULL_LOOK == 0
        self._looks += 1
        pull = Pull(histograms=full, previews=200, trees=True, jobs=100 if full else 0)
        snapshot = await self._session.pull(pull, self.patience)
        monitor = self._monitor
        monitor.answering = self._session.answering or not self._session.alive
        if snapshot is not None:
            monitor.apply(snapshot)
        self._tell(self._news.look(monitor))
        self._sum_up()
        while not self._typed.empty() and not self._left:
            line = self._typed.get_nowait()
            if line is None:
                self._ended_input = True
                self._left = self._left or self._is_typed_by_hand  # Ctrl+D
            else:
                await self._obey(line.decode("utf-8", "replace").strip())

    async def end(self) -> None:
        """The last words."""
        self._tell(self._news.look(self._monitor))
        self._tell(self._news.sum(self._monitor))
        run = self._monitor.run
        done, failed = times(run.done, "run"), times(run.errors, "error")
        self._say([f"{self.how()} after {spoken(run.elapsed_ns)}: {done}, {failed}"])

    # telling ------------------------------------------------------------------------------------

    def _tell(self, news: Iterable[str]) -> None:
        """Say what has happened, with the time; or keep it while telling is held."""
        for sentence in news:
            text = f"{self._monitor.run.elapsed_ns / 1e9:.1f} s: {sentence}"
            if self._held is None:
                self._say([text])
            else:
                self._held.append(text)
                self._held_in_all += 1

    def _say(self, sentences: Iterable[str]) -> None:
        lines = "".join(f"{sentence}\n" for sentence in sentences)
        self._write(lines.encode(self._encoding, "backslashreplace"))

    def _sum_up(self) -> None:
        """A summary now and then, if it says something else than the last."""
        now = asyncio.get_running_loop().time()
        if now < self._next_summary:
            return
        self._next_summary = now + self._period
        self._tell(self._news.sum(self._monitor))
        text = summary(self._monitor)
        if text != self._last_summary:
            self._last_summary = text
            self._tell([text])

    # obeying ------------------------------------------------------------------------------------

    async def _obey(self, line: str) -> None:
        word, _, rest = line.partition(" ")
        word, rest = word.casefold(), rest.strip()
        if not word:
            return
        names = [*ANSWERS, *self._deeds]
        found = [name for name in names if name == word] or [n for n in names if n.startswith(word)]
        if len(found) != 1:
            meant = f"; it may be {', '.join(found)}" if found else did_you_mean(word, names)
            self._say([f"there is no command {clean(word)!r}{meant}; help lists the commands"])
        elif found[0] in ANSWERS:
            self._say(ANSWERS[found[0]][2](self._monitor, rest))
        else:
            self._say(await self._deeds[found[0]][2](rest))

    @property
    def _deeds(self) -> dict[str, tuple[str, str, Callable[[str], Awaitable[list[str]]]]]:
        """Commands that do something."""
        return {
            "pause": (
                "[JOB]",
                "tell nothing for a while; or start nothing more of a job",
                self._pause,
            ),
            "resume": (
                "[JOB]",
                "tell again, and what was left out; or let a job go on",
                self._resume,
            ),
            "cancel": ("JOB", "cancel a job, and drop what it has queued", self._cancel),
            "run": ("", "run the entry routines once more", self._run_again),
            "reload": ("", "load the file anew, changed or not", self._reload),
            "every": ("SECONDS", "how often to sum up", self._change_period),
            "quit": ("", "stop the flow and leave", self._quit),
            "help": ("", "these commands; their beginnings will do", self._help),
        }

    async def _pause(self, job: str) -> list[str]:
        if job:
            return await self._control("pause", job)
        if self._held is not None:
            return ["nothing is told already: resume goes on"]
        self._held, self._held_in_all = deque(maxlen=_HELD), 0
        return ["nothing is told until resume; the flow and recording go on, commands are answered"]

    async def _resume(self, job: str) -> list[str]:
        if job:
            return await self._control("resume", job)
        if self._held is None:
            return ["telling was not held"]
        held, self._held = list(self._held), None
        shown = held[-_CAUGHT_UP:]
        left = self._held_in_all - len(shown)
        said = [f"telling goes on; {times(self._held_in_all, 'sentence')} came meanwhile"]
        return said + ([f"the first {left} are left out"] if left else []) + shown

    async def _cancel(self, job: str) -> list[str]:
        return await self._control("cancel", job)

    async def _control(self, action: str, job: str) -> list[str]:
        if not job.isdecimal():
            return [f"{action} needs the number of a job: jobs tells the numbers"]
        answer = await self._session.ask(Control(int(job), action), 2.0)
        if answer is None:
            return [f"{action} of job {job}: the engine process has not answered yet"]
        return [clean(answer.text)]

    async def _run_again(self, _: str) -> list[str]:
        if not self._session.alive:
            return ["the engine process has ended: reload starts it again"]
        self._session.execute()
        return ["the entry routines run once more"]

    async def _reload(self, _: str) -> list[str]:
        self._session.reload()
        return ["loading it anew"]

    async def _change_period(self, text: str) -> list[str]:
        try:
            seconds = float(text)
        except ValueError:
            seconds = 0.0
        if not _SHORTEST <= seconds <= _LONGEST:
            return [f"every needs a number of seconds from {_SHORTEST:.0f} to {_LONGEST:.0f}"]
        self._period = seconds
        self._next_summary = asyncio.get_running_loop().time() + seconds
        return [f"a summary every {seconds:g} s"]

    async def _quit(self, _: str) -> list[str]:
        self._left = True
        return []

    async def _help(self, _: str) -> list[str]:
        rows = [(n, a, t) for n, (a, t, _) in [*ANSWERS.items(), *self._deeds.items()]]
        return [f"{f'{name} {what}'.strip()}: {told}" for name, what, told in rows]


def _read(loop: asyncio.AbstractEventLoop, into: asyncio.Queue[bytes | None]) -> None:
    """Lines of standard input, then None. Runs in a thread of its own: it may wait for ever.

    The descriptor is read and not the stream, whose lock would be held while the interpreter ends.
    """
    begun = b""
    while True:
        try:
            data = os.read(0, 4096)
        except OSError:
            data = b""
        *lines, begun = (begun + data).split(b"\n") if data else (begun, b"")
        found: list[bytes | None] = [line[:_LINE] for line in lines if line.strip()]
        begun = begun[-_LINE:]
        for line in found if data else [*found, None]:
            try:
                asyncio.run_coroutine_threadsafe(into.put(line), loop).result()
            except (RuntimeError, asyncio.CancelledError):
                return  # it is over
        if not data:
            return
