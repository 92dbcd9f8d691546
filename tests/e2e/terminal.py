"""The program in a real pseudo-terminal: what a person sees and types, and what is left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import pexpect
import pyte

#: Long enough for a loaded machine; what works never waits so long.
SECONDS = 15.0

_KEYS = {"enter": "\r", "escape": "\x1b", "tab": "\t", "down": "\x1b[B", "up": "\x1b[A"}

#: What a program must have undone when it leaves: (on, off).
MODES = {
    "alternate screen": (b"\x1b[?1049h", b"\x1b[?1049l"),
    "hidden cursor": (b"\x1b[?25l", b"\x1b[?25h"),
    "mouse": (b"\x1b[?1000h", b"\x1b[?1000l"),
    "mouse motion": (b"\x1b[?1003h", b"\x1b[?1003l"),
    "mouse format": (b"\x1b[?1006h", b"\x1b[?1006l"),
    "bracketed paste": (b"\x1b[?2004h", b"\x1b[?2004l"),
    "focus events": (b"\x1b[?1004h", b"\x1b[?1004l"),
    "key protocol": (b"\x1b[>1u", b"\x1b[<u"),
}

#: They would say how large or colourful the terminal is, in place of the terminal.
NOT_PASSED_ON = ("NO_COLOR", "COLUMNS", "LINES")


class Terminal:
    """One run of ``routilux-tui`` in a terminal of its own.

    Attributes:
        raw: every byte that it has written.
        pids: every process that it has been seen to start.
    """

    def __init__(
        self,
        *words: str,
        cwd: Path,
        size: tuple[int, int] = (160, 48),
        env: dict[str, str] | None = None,
        program: tuple[str, ...] = (sys.executable, "-m", "tui"),
    ) -> None:
        columns, lines = size
        self.raw = b""
        self.pids: set[int] = set()
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)
        environment = {k: v for k, v in os.environ.items() if k not in NOT_PASSED_ON}
        environment |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", **(env or {})}
        self.process = pexpect.spawn(
            program[0],
            [*program[1:], *words],
            cwd=str(cwd),
            env=environment,
            dimensions=(lines, columns),
            timeout=SECONDS,
        )
        self.process.delaybeforesend = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.look_for_children()
        if error is not None:
            error.add_note("\n".join(["the screen:", *self.screen_lines()]))
        for pid in (self.process.pid, *self.pids):  # of our own program only
            if is_running(pid):
                os.kill(pid, signal.SIGKILL)
        if not self.process.ptyproc.closed:
            self.hang_up()
        deadline = time.monotonic() + SECONDS
        while self.process.isalive() and time.monotonic() < deadline:
            time.sleep(0.002)

    # seeing -------------------------------------------------------------------------------------

    def read(self, seconds: float = 0.02) -> bool:
        """Take in what it writes within that time; False once the terminal is closed."""
        try:
            data = self.process.read_nonblocking(65_536, seconds)
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF:
            return False
        self.raw += data
        self._stream.feed(data.replace(b"\x1b[>", b"\x1b[").replace(b"\x1b[<", b"\x1b["))
        return True

    def screen_lines(self) -> list[str]:
        """The screen as it is now."""
        return [line.rstrip() for line in self._screen.display]

    def text(self) -> str:
        """The screen as one text."""
        return "\n".join(self.screen_lines())

    def wait_until(
        self, condition: Callable[[], object], what: str, timeout: float = SECONDS
    ) -> None:
        """Read until the condition holds; fail when it does not within the timeout."""
        deadline = time.monotonic() + timeout
        while not condition():
            open_ = self.read()
            if (time.monotonic() > deadline or not open_) and not condition():
                how = "before the end" if not open_ else f"within {timeout} s"
                raise AssertionError(f"not {how}: {what}")
        self.look_for_children()

    def wait_for(self, text: str, timeout: float = SECONDS) -> None:
        """Read until the text is on the screen."""
        self.wait_until(lambda: text in self.text(), f"{text!r} on the screen", timeout)

    def wait_gone(self, text: str, timeout: float = SECONDS) -> None:
        """Read until the text is not on the screen."""
        self.wait_until(lambda: text not in self.text(), f"{text!r} off the screen", timeout)

    # doing --------------------------------------------------------------------------------------

    def press(self, *keys: str) -> None:
        """Press keys, by name or as they are."""
        for key in keys:
            self.process.send(_KEYS.get(key, key))

    def resize(self, columns: int, lines: int) -> None:
        """Give the terminal another size."""
        self._screen.resize(lines, columns)
        self._screen.reset()
        self.process.setwinsize(lines, columns)

    def hang_up(self) -> None:
        """Close the terminal, as closing its window does."""
        self.look_for_children()
        self.process.ptyproc.fileobj.close()
        self.process.ptyproc.closed = True

    def look_for_children(self) -> set[int]:
        """Note the processes that it has started."""
        self.pids |= descendants(self.process.pid)
        return self.pids

    def engine(self) -> int:
        """The engine process that runs now: the oldest child."""
        return min(children(self.process.pid))

    def wait_exit(self, timeout: float = SECONDS) -> int | None:
        """Read until it has ended; its exit code (negative: the signal)."""
        self.look_for_children()
        deadline = time.monotonic() + timeout
        while self.read() or self.process.isalive():
            assert time.monotonic() < deadline, f"still there after {timeout} s"
            if not self.process.isalive():
                while self.read():
                    assert time.monotonic() < deadline, "somebody holds the terminal open"
                break
        self.process.wait()
        if self.process.signalstatus is not None:
            return -int(self.process.signalstatus)
        code: int | None = self.process.exitstatus
        return code

    def quit(self, timeout: float = SECONDS) -> int | None:
        """Press q and wait for the end."""
        self.press("q")
        return self.wait_exit(timeout)

    # what is left -------------------------------------------------------------------------------

    def assert_restored(self) -> None:
        """Whatever was switched on has been switched off again, and that last."""
        assert MODES["alternate screen"][0] in self.raw
        for name, (on, off) in MODES.items():
            if on in self.raw:
                assert self.raw.rfind(off) > self.raw.rfind(on), f"{name} was left on"

    def assert_nothing_left(self, timeout: float = 3.0) -> None:
        """None of the processes that it started is there."""
        assert self.pids
        deadline = time.monotonic() + timeout
        while left := [pid for pid in self.pids if is_running(pid)]:
            assert time.monotonic() < deadline, f"left behind: {left}"
            time.sleep(0.005)


@contextmanager
def terminal(
    *words: str | Path,
    cwd: Path,
    size: tuple[int, int] = (160, 48),
    env: dict[str, str] | None = None,
) -> Iterator[Terminal]:
    """Run it with these words; killed at the end, with all that it has started."""
    with Terminal(*map(str, words), cwd=cwd, size=size, env=env) as found:
        yield found


def children(parent: int) -> set[int]:
    """Process ids of a process's children that are no zombies."""
    return {pid for pid, (above, state) in _processes().items() if above == parent and state != "Z"}


def descendants(parent: int) -> set[int]:
    """Process ids of all that come from a process."""
    below: set[int] = set()
    processes = _processes()
    fresh = {parent}
    while fresh:
        fresh = {pid for pid, (above, _) in processes.items() if above in fresh} - below
        below |= fresh
    return below


def is_running(pid: int) -> bool:
    """Whether there is such a process, and it is no zombie."""
    return _processes().get(pid, (0, "Z"))[1] != "Z"


def _processes() -> dict[int, tuple[int, str]]:
    """Parent and state by process id."""
    found = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                stat = Path(f"/proc/{entry.name}/stat").read_text()
                words = stat.rpartition(")")[2].split()
                found[int(entry.name)] = (int(words[1]), words[0])
    return found
