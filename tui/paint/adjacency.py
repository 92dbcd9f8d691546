"""The graph as a list of neighbours: for panes too small for a picture and for screen readers."""

from collections.abc import Callable, Sequence

from tui.paint.canvas import BLANK, Row, Run, Tag, clean, fit, measure, merge
from tui.paint.layout import Edge

TEXT: Tag = ("text",)


def adjacency(
    nodes: Sequence[int],
    edges: Sequence[Edge],
    name: Callable[[int], str],
    *,
    neighbour: Callable[[int], str] | None = None,
    cells: int | None = None,
    ascii: bool = False,
) -> tuple[Row, ...]:
    """One row per node: ``processor <- fetcher0, fetcher1 x2 -> collector``.

    Names are tagged ``("node", key)`` and neighbours ``("edge", key)`` (the first of parallel
    edges, which count as ``x2``); arrows and commas are ``("text",)``. A node that feeds itself
    shows ``↺`` in place of its own name.

    Args:
        neighbour: how a node is called in the rows of others; None: by its name.
        cells: cut or pad each row to this width; None leaves rows as long as they are.
    """
    inputs: dict[int, dict[int, list[int]]] = {key: {} for key in nodes}
    outputs: dict[int, dict[int, list[int]]] = {key: {} for key in nodes}
    for edge in edges:
        outputs[edge.source].setdefault(edge.target, []).append(edge.key)
        inputs[edge.target].setdefault(edge.source, []).append(edge.key)
    rows = []
    call = neighbour or name
    for key in nodes:
        runs: list[Run] = [(clean(name(key)), ("node", key))]
        for arrow, sides in ((" <- ", inputs[key]), (" -> ", outputs[key])):
            joint = arrow
            for other, keys in sides.items():
                shown = ("@" if ascii else "↺") if other == key else clean(call(other))
                times = f" x{len(keys)}" if len(keys) > 1 else ""
                runs += [(joint, TEXT), (shown + times, ("edge", keys[0]))]
                joint = ", "
        rows.append(merge(runs) if cells is None else _cut(runs, cells))
    return tuple(rows)


def _cut(runs: Sequence[Run], cells: int) -> Row:
    """The runs cut or padded to a width; a cut row ends with ``~``."""
    kept: list[Run] = []
    left = cells
    total = sum(measure(text) for text, _ in runs)
    for text, tag in runs:
        size = measure(text)
        # The last cell stays free for the mark as long as there is more to come.
        if size > left - (total > left):
            kept.append((fit(text + "~" * left, left), tag))
            return merge(kept)
        kept.append((text, tag))
        left -= size
        total -= size
    return merge([*kept, (" " * left, BLANK)])
