"""One line of a bench: what was measured, what came out, and whether that is within its bar."""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """A result. ``bar`` says what it is to be, empty if it is only told."""

    what: str
    measured: str
    bar: str
    met: bool

    def __str__(self) -> str:
        mark = " " if self.met else "!"
        return f"{mark} {self.what:60} {self.measured:>36}  {self.bar}".rstrip()


def at_most(what: str, value: float, bar: float, measured: str, said: str) -> Row:
    """A result that must not be over its bar."""
    return Row(what, measured, f"<= {said}", value <= bar)


def at_least(what: str, value: float, bar: float, measured: str, said: str) -> Row:
    """A result that must not be under its bar."""
    return Row(what, measured, f">= {said}", value >= bar)
