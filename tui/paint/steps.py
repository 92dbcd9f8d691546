"""From node to node of a graph picture by direction."""

from collections.abc import Mapping

from tui.paint.layout import Box

_SIDEWAYS = 3  # a cell away from the direction counts as so many along it


def step(boxes: Mapping[int, Box], start: int, dx: int, dy: int) -> int | None:
    """The nearest node in a direction; None if there is none.

    A node is in the direction when it lies wholly beyond the start on that axis. How far it is
    aside counts three times, so that a move goes straight on where it can; a row counts as two
    columns, which is about what it is on a screen.

    Args:
        dx: -1 left, 1 right, 0.
        dy: -1 up, 1 down, 0.
    """
    here = boxes[start]
    ways = [(*_away(here, box, dx, dy), box.y, box.x, key) for key, box in boxes.items()]
    beyond = [(along + _SIDEWAYS * aside, *rest) for along, aside, *rest in ways if along >= 0]
    return min(beyond)[-1] if beyond else None


def _away(here: Box, box: Box, dx: int, dy: int) -> tuple[int, int]:
    """How far a box lies in the direction (negative: not there) and aside of it, in columns."""
    right, left = box.x - (here.x + here.width), here.x - (box.x + box.width)
    down, up = box.y - (here.y + here.height), here.y - (box.y + box.height)
    if dx:
        return right if dx > 0 else left, 2 * max(up + 1, down + 1, 0)
    return 2 * (down if dy > 0 else up), max(left + 1, right + 1, 0)
