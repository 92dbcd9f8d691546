"""Reads a topology picture back: which boxes do the lines on the screen join?"""

from collections import Counter
from collections.abc import Mapping, Sequence

from tui.paint.layout import Box

UP, DOWN, LEFT, RIGHT = (0, -1), (0, 1), (-1, 0), (1, 0)
_ARMS = {
    "─═━": {LEFT, RIGHT},
    "│║┃": {UP, DOWN},
    "┌╔┏": {DOWN, RIGHT},
    "┐╗┓": {DOWN, LEFT},
    "└╚┗": {UP, RIGHT},
    "┘╝┛": {UP, LEFT},
}
ARMS = {glyph: arms for glyphs, arms in _ARMS.items() for glyph in glyphs}


def trace(rows: Sequence[str], boxes: Mapping[int, Box]) -> Counter[tuple[int, int]]:
    """How many lines lead from which node to which, following nothing but glyphs.

    A line that enters a vertical glyph from the side passes straight through it. Anything that a
    reader could not follow (a break, a joint, a line into the middle of nowhere) fails.
    """
    owner = {
        (x, y): key
        for key, box in boxes.items()
        for x in range(box.x, box.x + box.width)
        for y in range(box.y, box.y + box.height)
    }
    found: Counter[tuple[int, int]] = Counter()
    for key, box in boxes.items():
        x = box.x + box.width
        for y in range(box.y, box.y + box.height):
            glyph = rows[y][x : x + 1]
            if glyph in ARMS and LEFT in ARMS[glyph]:
                found[key, _follow(rows, owner, x, y)] += 1
    return found


def _follow(rows: Sequence[str], owner: Mapping[tuple[int, int], int], x: int, y: int) -> int:
    heading = RIGHT
    while rows[y][x] != "▶":
        assert (x, y) not in owner, f"a line runs into a box at {x},{y}"
        arms = ARMS[rows[y][x]]
        back = (-heading[0], -heading[1])
        if back in arms:
            (heading,) = arms - {back}
        else:
            assert heading in (LEFT, RIGHT), f"a line breaks at {x},{y}"
            assert arms == {UP, DOWN}, f"a line breaks at {x},{y}"
        x, y = x + heading[0], y + heading[1]
    assert heading == RIGHT
    return owner[x + 1, y]
