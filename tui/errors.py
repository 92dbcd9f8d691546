"""What can go wrong before and around a run, each with the exit code that tells it to a shell.

A message says what happened, where, and what to do next.
"""

from __future__ import annotations

from collections.abc import Iterable


class TuiError(Exception):
    """Base of every error that the monitor raises on purpose; shown without a traceback."""

    exit_code = 1


class UsageError(TuiError):
    """The command line asks for something that makes no sense."""

    exit_code = 2


class TargetError(TuiError):
    """The flow that was asked for cannot be found or loaded."""

    exit_code = 3


def did_you_mean(word: str, names: Iterable[str]) -> str:
    """Return ``; did you mean 'x'?`` with the name nearest to *word*, or an empty string."""
    from difflib import get_close_matches

    folded = {name.casefold(): name for name in names}
    close = get_close_matches(word.casefold(), folded, n=1)
    return f"; did you mean {folded[close[0]]!r}?" if close else ""
