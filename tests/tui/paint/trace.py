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
    "┬╦┳": {DOWN, LEFT, RIGHT},
    "┴╩┻": {UP, LEFT, RIGHT},
    "├╠┣": {UP, DOWN, RIGHT},
    "┤╣┫": {UP, DOWN, LEFT},
    "┼╬╋": {UP, DOWN, LEFT, RIGHT},
}
ARMS = {glyph: arms for glyphs, arms in _ARMS.items() for glyph in glyphs}
HEADS = {"▶": RIGHT, "◀": LEFT}


def trace(rows: Sequence[str], boxes: Mapping[int, Box]) -> Counter[tuple[int, int]]:
    """How many lines lead from which node to which, following nothing but glyphs.

    A line that enters a vertical glyph from the side passes straight through it; where a line
    branches, all branches are followed, and those that end at a box without an arrowhead are
    where other lines come from. Anything that a reader could not follow (a break, a line into the
    middle of nowhere, one that leads to no arrowhead at all) fails.
    """
    owner = {
        (x, y): key
        for key, box in boxes.items()
        for x in range(box.x, box.x + box.width)
        for y in range(box.y, box.y + box.height)
    }
    found: Counter[tuple[int, int]] = Counter()
    for key, box in boxes.items():
        for y in range(box.y, box.y + box.height):
            for x, heading in ((box.x + box.width, RIGHT), (box.x - 1, LEFT)):
                glyph = rows[y][x : x + 1] if x >= 0 else ""
                back = (-heading[0], -heading[1])
                if glyph in ARMS and back in ARMS[glyph]:
                    reached = _follow(rows, owner, x, y, heading)
                    assert reached, f"the line at {x},{y} leads nowhere"
                    found.update((key, target) for target in reached)
    return found


def _follow(
    rows: Sequence[str], owner: Mapping[tuple[int, int], int], x: int, y: int, heading: tuple
) -> set[int]:
    reached: set[int] = set()
    todo, seen = [(x, y, heading)], set()
    while todo:
        step = todo.pop()
        if step in seen:
            continue
        seen.add(step)
        x, y, heading = step
        glyph = rows[y][x]
        if glyph in HEADS:
            assert HEADS[glyph] == heading, f"a line enters an arrowhead from behind at {x},{y}"
            reached.add(owner[x + heading[0], y])
            continue
        if (x, y) in owner:
            continue  # where a line of the same bundle comes from
        arms = ARMS[glyph]
        back = (-heading[0], -heading[1])
        if back in arms:
            ways = arms - {back}
        else:
            assert heading in (LEFT, RIGHT), f"a line breaks at {x},{y}"
            assert arms == {UP, DOWN}, f"a line breaks at {x},{y}"
            ways = {heading}
        todo += [(x + dx, y + dy, (dx, dy)) for dx, dy in ways]
    return reached
