"""What the user's code printed: lines, bounded, with what was lost counted."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

#: Lines kept.
KEPT = 10_000
#: A line longer than this is cut on arrival, so that one endless line cannot fill the memory.
LONGEST = 2_000


class Line(NamedTuple):
    """One printed line."""

    text: str
    is_error: bool
    generation: int


class OutputLog:
    """The newest lines.

    Attributes:
        total: lines so far; ``total - len(lines)`` have been pushed out.
        errors: how many of them came on stderr.
    """

    def __init__(self, kept: int = KEPT) -> None:
        self.lines: deque[Line] = deque(maxlen=kept)
        self.total = 0
        self.errors = 0
        self._open: dict[tuple[int, bool], bytearray] = {}

    def feed(self, generation: int, data: bytes, is_error: bool) -> None:
        """Add a chunk as it came out of the pipe."""
        part = self._open.setdefault((generation, is_error), bytearray())
        last = data.rfind(b"\n")
        if last < 0:
            part += data[: max(0, LONGEST - len(part))]
            return
        whole = bytes(part) + data[:last]
        part[:] = data[last + 1 : last + 1 + LONGEST]
        lines = whole.split(b"\n")
        self.total += len(lines)
        self.errors += is_error * len(lines)
        keep = self.lines.maxlen or len(lines)
        self.lines.extend(
            Line(text[:LONGEST].decode("utf-8", "replace").rstrip("\r"), is_error, generation)
            for text in lines[-keep:]
        )

    def clear(self) -> None:
        """Forget every line."""
        self.lines.clear()
        self.total = self.errors = 0

    def rule(self, generation: int, text: str) -> None:
        """Add a line of the monitor's own that separates generations."""
        self.lines.append(Line(text, False, -generation))
        self.total += 1

    def finish(self, generation: int) -> None:
        """Nothing more comes from a generation: its last words are a line, ended or not."""
        for is_error in (False, True):
            if self._open.get((generation, is_error)):
                self.feed(generation, b"\n", is_error)
            self._open.pop((generation, is_error), None)

    def unfinished(self, generation: int) -> list[Line]:
        """Text without a line end yet, such as a prompt."""
        return [
            Line(bytes(part).decode("utf-8", "replace"), is_error, generation)
            for (number, is_error), part in self._open.items()
            if part and number == generation
        ]
