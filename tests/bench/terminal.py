"""The monitor in a real pseudo-terminal, for the bars that are about what a person sees."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pexpect
import pyte


class Terminal:
    """A monitor on a screen of its own; reads what it draws and notes when.

    Args:
        args: of the program.
        module: what is run; with words of its own.
        throttle: read no more than so many bytes a second, as a slow link does; 0: all there is.
    """

    def __init__(
        self,
        *args: str,
        columns: int = 200,
        lines: int = 50,
        module: tuple[str, ...] = ("tui",),
        throttle: int = 0,
    ) -> None:
        self._throttle = throttle
        self._free = 0.0  # from when on the link takes more
        self.screen = pyte.Screen(columns, lines)
        self._tail = b""
        self.begin = time.monotonic()
        self._child = pexpect.spawn(
            sys.executable,
            ["-m", *module, *args],
            dimensions=(lines, columns),
            env={**os.environ, "TERM": "xterm-256color"},
            timeout=20,
        )

    @property
    def pid(self) -> int:
        """The monitor's process."""
        return int(self._child.pid)

    def engine_pid(self) -> int:
        """The engine process that has used the most CPU: the one that runs the flow."""
        found = {pid: cpu_seconds(pid) for pid in children(self.pid)}
        return max(found, key=found.__getitem__)

    def read(self, seconds: float = 0.005) -> bytes:
        """What was drawn within so many seconds."""
        size = 1_000_000
        if self._throttle:
            time.sleep(max(0.0, self._free - time.monotonic()))
            size = max(1, self._throttle // 100)
        try:
            data = bytes(self._child.read_nonblocking(size, timeout=seconds))
        except (pexpect.TIMEOUT, pexpect.EOF):
            return b""
        self._tail = (self._tail + data)[-4_000:]
        if self._throttle:
            self._free = time.monotonic() + len(data) / self._throttle
        return data

    def wait_for(self, text: str, seconds: float = 20.0) -> float:
        """Seconds until the text is drawn, in one style.

        Looks at the bytes: a terminal emulator in Python is slower than what it would measure.
        """
        begin, wanted = time.monotonic(), text.encode()
        self._tail = b""
        while time.monotonic() - begin < seconds:
            data = self.read()
            if wanted in self._tail or wanted in data:
                return time.monotonic() - begin
        raise TimeoutError(
            f"{text!r} did not appear:\n" + "\n".join(filter(str.strip, self.display()))
        )

    def display(self) -> list[str]:
        """The lines on the screen, after having everything drawn anew."""
        columns, lines = self.screen.columns, self.screen.lines
        self._child.setwinsize(lines, columns - 1)
        self.watch(0.4)
        self._child.setwinsize(lines, columns)
        screen = pyte.Screen(columns, lines)
        stream = pyte.ByteStream(screen)
        end = time.monotonic() + 1.0
        while time.monotonic() < end:
            stream.feed(self.read(0.05))
        return list(screen.display)

    def watch(self, seconds: float) -> None:
        """Keep reading, as a terminal does."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.read(0.02)

    def press(self, key: str) -> None:
        """Type."""
        self._child.send(key)

    def quit(self) -> float:
        """Press q; seconds until the shell would be back."""
        begin = time.monotonic()
        self.press("q")
        try:
            self._child.expect(pexpect.EOF, timeout=10)
        finally:
            self._child.close(force=True)
        return time.monotonic() - begin


def children(pid: int) -> list[int]:
    """Process ids of the direct children."""
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(word) for word in listed.read_text().split()] if listed.exists() else []


def cpu_seconds(pid: int) -> float:
    """CPU time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_mb(pid: int) -> float:
    """Resident memory of a process, MB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
