"""Rows of tagged text, and a grid of cells to compose them on.

Every painter of this package returns rows of *runs*. A run is ``(text, tag)``; a tag is a small
tuple whose first item names the kind of thing drawn (``("edge", 3)``, ``("idle",)``). Widgets map
tags to styles, so a picture is painted once and restyled for free.

All widths are terminal cells as `rich` counts them, never characters.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import TypeAlias

from rich.cells import cell_len, set_cell_size

Tag: TypeAlias = tuple[str | int, ...]
Run: TypeAlias = tuple[str, Tag]
Row: TypeAlias = tuple[Run, ...]

BLANK: Tag = ("blank",)
"""The tag of cells on which nothing was drawn."""

# Controls could move the cursor or recolour the screen, bidirectional marks reorder it, lone
# surrogates cannot be encoded, and joiners make the width depend on the terminal.
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_VARIATION = range(0xFE00, 0xFE10)
_COMPOSED = (range(0x1F1E6, 0x1F200), range(0x1F3FB, 0x1F400))


def _safe(char: str) -> str:
    code = ord(char)
    if char == "\t":
        return " "
    if code in _VARIATION:
        return ""
    if unicodedata.category(char) in _UNSAFE or any(code in part for part in _COMPOSED):
        return "?"
    return char


@lru_cache(maxsize=4096)
def clean(text: str) -> str:
    """The text with everything replaced that a terminal would not draw in predictable cells.

    Control characters, joiners and lone surrogates become ``?``, tabs a space. A combining mark
    at the very start gets a ``?`` to sit on, so that it cannot alter the cell to its left.
    """
    if text.isascii() and text.isprintable():
        return text
    safe = "".join(map(_safe, text))
    if safe and cell_len(safe[0]) == 0:
        safe = "?" + safe
    if cell_len(safe) != sum(map(cell_len, safe)):
        # Clusters whose width is more than the sum of their parts: draw only what adds up.
        safe = "".join(char if cell_len(char) == 1 else "?" for char in safe)
    return safe


def measure(text: str) -> int:
    """How many cells `text` takes once cleaned: the label width to hand to the layout."""
    return cell_len(clean(text))


def fit(text: str, cells: int, *, mark: str = "~") -> str:
    """`text` cleaned, cut or padded to exactly `cells`; a cut one ends with `mark`."""
    text = clean(text)
    if cell_len(text) <= cells:
        return set_cell_size(text, cells)
    if cells <= cell_len(mark):
        return set_cell_size(text, cells)
    return set_cell_size(text, cells - cell_len(mark)) + mark


def tail(text: str, cells: int, *, mark: str = "~") -> str:
    """`text` cleaned, in at most `cells`; one that is cut begins with `mark` and keeps its end."""
    text = clean(text)
    if cell_len(text) <= cells:
        return text
    if cells <= cell_len(mark):
        return set_cell_size(mark, max(0, cells))
    cut = 0
    while cell_len(text[cut:]) > cells - cell_len(mark) or cell_len(text[cut : cut + 1]) == 0:
        cut += 1
        if cut >= len(text):
            return mark
    return mark + text[cut:]


def merge(runs: Iterable[Run]) -> Row:
    """A row in which neighbours of the same tag are one run and empty runs are gone."""
    merged: list[Run] = []
    for text, tag in runs:
        if not text:
            continue
        if merged and merged[-1][1] == tag:
            merged[-1] = (merged[-1][0] + text, tag)
        else:
            merged.append((text, tag))
    return tuple(merged)


def text_of(rows: Iterable[Row]) -> list[str]:
    """The plain text of each row, without trailing blanks: for tests, logs and exports."""
    return ["".join(text for text, _ in row).rstrip() for row in rows]


def _clusters(text: str) -> Iterator[tuple[str, int]]:
    """Pieces that fill whole cells: a character with the combining marks that follow it."""
    piece, cells = "", 0
    for char in clean(text):
        size = cell_len(char)
        if size and piece:
            yield piece, cells
            piece, cells = "", 0
        piece += char
        cells += size
    if piece:
        yield piece, cells


class Canvas:
    """A grid of cells of fixed size; what is drawn outside is clipped.

    Args:
        x: the column of what is drawn that the first column shows.
        y: likewise the row.
    """

    def __init__(self, columns: int, rows: int, x: int = 0, y: int = 0) -> None:
        self.columns = columns
        self._x, self._y = x, y
        self._glyphs = [[" "] * columns for _ in range(rows)]
        self._tags: list[list[Tag]] = [[BLANK] * columns for _ in range(rows)]

    def put(self, x: int, y: int, glyph: str, tag: Tag) -> None:
        """Set one cell to a glyph that is one cell wide."""
        x, y = x - self._x, y - self._y
        if 0 <= y < len(self._glyphs) and 0 <= x < self.columns:
            self._glyphs[y][x] = glyph
            self._tags[y][x] = tag

    def line(self, x: int, y: int, glyphs: str, tag: Tag) -> None:
        """Set a stretch of one row to glyphs that are each one cell wide."""
        y -= self._y
        start = max(x - self._x, 0)
        end = min(x - self._x + len(glyphs), self.columns)
        if 0 <= y < len(self._glyphs) and start < end:
            cut = start + self._x - x
            self._glyphs[y][start:end] = glyphs[cut : cut + end - start]
            self._tags[y][start:end] = [tag] * (end - start)

    def write(self, x: int, y: int, runs: Sequence[Run], cells: int) -> None:
        """Write text of any width at `x`, cut after `cells` (never in the middle of a glyph)."""
        end = x + cells
        for text, tag in runs:
            for piece, size in _clusters(text):
                if x + size > end:
                    return
                left = x - self._x
                if left < 0 or left + size > self.columns:  # only a part of it could be seen
                    self.line(x, y, " " * size, tag)
                else:
                    self.put(x, y, piece, tag)
                    for extra in range(1, size):
                        self.put(x + extra, y, "", tag)
                x += size

    def rows(self) -> tuple[Row, ...]:
        """The picture as rows of runs, each exactly as wide as the canvas."""
        return tuple(
            _runs(glyphs, tags) for glyphs, tags in zip(self._glyphs, self._tags, strict=True)
        )


def _runs(glyphs: list[str], tags: list[Tag]) -> Row:
    runs: list[Run] = []
    start = 0
    for at in range(1, len(tags) + 1):
        if at == len(tags) or tags[at] != tags[start]:
            runs.append(("".join(glyphs[start:at]), tags[start]))
            start = at
    return tuple(runs)
