"""The word that stands before the cursor of a filter, and what it may become."""

from __future__ import annotations

from collections.abc import Iterable

_ENDS = "()!&|, \t"  # what stands before the beginning of a name


def names_for(before: str, names: Iterable[str]) -> tuple[int, list[str]]:
    """Where the name begins that a filter ends with, and the names that begin so."""
    start = max((before.rfind(end) for end in _ENDS), default=-1) + 1
    word = before[start:].casefold()
    return start, [name for name in names if name.casefold().startswith(word)] if word else []
