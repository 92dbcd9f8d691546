"""A table as plain values: what an export writes of what a pane shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

Cell = str | int | float | None


class Table(NamedTuple):
    """Rows under a heading; ``name`` says of what, in a word or two."""

    name: str
    header: tuple[str, ...]
    rows: Sequence[Sequence[Cell]]
