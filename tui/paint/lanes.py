"""Swim lanes: what one worker did over time, one cell per slice of time."""

from collections.abc import Callable, Iterable

from rich.cells import cell_len

from tui.paint.canvas import Row, Tag, clean, merge

IDLE: Tag = ("idle",)
BUSY = 0.5
"""From this share of a cell on, a routine shows as a capital letter."""
SEEN = 0.02
"""Below this share a cell counts as idle."""


def lane(
    cells: Iterable[tuple[int | None, float]],
    letters: Callable[[int], str],
    *,
    ascii: bool = False,
) -> Row:
    """One row of the timeline, one cell per entry.

    Args:
        cells: for each slice of time the key of the routine that used most of it (None when
            nothing ran) and the share 0..1 of it that was busy.
        letters: the letter of a routine; its first character is drawn.

    A busy cell is tagged ``("routine", key)`` and in lower case below half, an idle one ``.``
    tagged ``("idle",)``.
    """
    return merge(
        (".", IDLE)
        if key is None or not share >= SEEN
        else (_letter(letters(key), share >= BUSY, ascii), ("routine", key))
        for key, share in cells
    )


def _letter(text: str, capital: bool, ascii: bool) -> str:
    first = clean(text)[:1]
    # Changing case can change the length (ß is SS in capitals): then the letter stays as it is.
    turned = first.upper() if capital else first.lower()
    letter = turned if len(turned) == 1 else first
    if cell_len(letter) != 1 or (ascii and not letter.isascii()):
        return "?"
    return letter
