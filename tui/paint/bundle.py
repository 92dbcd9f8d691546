"""Which edges of a graph picture share a line when lines are bundled."""

from collections.abc import Container, Sequence

from tui.paint.ranks import Pair


def bundled(pairs: Sequence[Pair], alone: Container[int] = ()) -> list[int]:
    """The number of the line that each edge is part of.

    An edge joins the fan-out of its source or the fan-in of its target, whichever is larger. A
    line is therefore a tree with one node at its root: whoever follows it from a leaf reaches the
    root, from the root every leaf, and an edge is behind each of these ways.

    Args:
        alone: the numbers of edges that have a line of their own.
    """
    targets: dict[int, set[int]] = {}
    sources: dict[int, set[int]] = {}
    for number, (source, target) in enumerate(pairs):
        if number not in alone:
            targets.setdefault(source, set()).add(target)
            sources.setdefault(target, set()).add(source)
    lines: dict[tuple[str, int], int] = {}
    found = []
    for number, (source, target) in enumerate(pairs):
        if number in alone:
            key = ("edge", number)
        elif len(targets[source]) >= len(sources[target]):
            key = ("out", source)
        else:
            key = ("in", target)
        found.append(lines.setdefault(key, len(lines)))
    return found
