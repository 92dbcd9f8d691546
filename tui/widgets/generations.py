"""Percentiles of the generations of a routine, one below the other, with what has changed."""

from __future__ import annotations

from collections.abc import Sequence

from tui.model.generations import SAME, SHARES, Compared, Measured, compared, needed
from tui.model.table import Table
from tui.paint.canvas import Row, Run
from tui.paint.numbers import count, duration_ns

_TIME, _CHANGE = 6, 5
#: Percentiles that stay where there is no room for all, the first of these first.
_FIRST = (0, 2, 1, 3)
#: From so much on a change stands out.
_MUCH = 0.1


def compared_rows(measured: Sequence[Measured], width: int) -> list[Row]:
    """A table of run times, then one of wait times; the newest generation first."""
    left = width - 16
    fit = max(1, min(len(SHARES), left // (_TIME + _CHANGE + 1)))
    shown = sorted(_FIRST[:fit])
    head = "".join(f"{SHARES[n][1]:>{_TIME}}{'':{_CHANGE + 1}}" for n in shown)
    lines: list[Row] = [((f"{'':9}{'calls':>6} {head}", ("muted",)),)]
    newest = measured[0].generation
    before = ""
    for row in compared(list(measured)):
        word = row.what if row.what != before else ""
        before = row.what
        lines.append(_row(row, word, shown, newest=row.generation == newest))
    need = ", ".join(f"{SHARES[n][1]} {count(needed(SHARES[n][0]))}" for n in shown)
    lines.append(((f" -: too few calls; needed: {need}", ("muted",)),))
    return lines


def _row(row: Compared, word: str, shown: Sequence[int], *, newest: bool) -> Row:
    role = "text" if newest else "muted"
    parts: list[Run] = [
        (f" {word:<4} ", ("muted",)),
        (f"{'g' + str(row.generation):<4}", ("accent",) if newest else ("muted",)),
        (f"{count(row.calls):>5} ", (role,)),
    ]
    for n in shown:
        change = row.changes[n]
        parts.append((f"{duration_ns(row.times[n]):>{_TIME}}", (role,)))
        parts.append((f" {_said(change):<{_CHANGE}}", (_role(change),)))
    return tuple(parts)


def _said(change: float | None) -> str:
    """``+12%``, ``x4.8`` for much more, ``=`` where the histogram cannot tell them apart."""
    if change is None:
        return ""
    if abs(change) < SAME:
        return "="
    return f"x{change + 1:.1f}" if change >= 1 else f"{change:+.0%}"


def _role(change: float | None) -> str:
    if change is None or abs(change) < _MUCH:
        return "muted"
    return "warn" if change > 0 else "good"


def compared_table(measured: Sequence[Measured], name: str) -> Table:
    """The same in nanoseconds, changes as shares."""
    header = ["what", "generation", "calls"]
    for _, share in SHARES:
        header += [f"{share}_ns", f"{share}_change"]
    rows = [
        (row.what, row.generation, row.calls,
         *(cell for pair in zip(row.times, row.changes, strict=True) for cell in pair))
        for row in compared(list(measured))
    ]  # fmt: skip
    return Table(name, tuple(header), rows)
