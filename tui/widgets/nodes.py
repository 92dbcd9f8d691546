"""How nodes and lines of the topology are written, from their figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from tui.model.graph import Graph, Link, Node, figures
from tui.model.rows import EdgeRow, Key, RoutineRow, State
from tui.paint.canvas import Run, fit, measure
from tui.paint.graph import Weight
from tui.paint.numbers import count, duration_ns, rate
from tui.themes import glyph

from .plan import BEHIND, RATE, Form, beyond_text

_WAITING = (State.FULL, State.PAUSED, State.RETRY)
#: A line is hot from half of the busiest on, if that carries so many a second.
_HOT = 1_000


class Figures:
    """The figures of a graph's nodes and links at one moment.

    Args:
        graph: what is drawn.
        routines: the rows of the moment.
        edges: likewise.
        origins: the routines where back-pressure starts.
        near: places of the nodes next to the chosen one, itself among them.
    """

    def __init__(
        self,
        graph: Graph,
        routines: Sequence[RoutineRow],
        edges: Sequence[EdgeRow],
        origins: frozenset[Key] = frozenset(),
        near: frozenset[int] | set[int] = frozenset(),
        *,
        ascii: bool = False,
    ) -> None:
        self.graph, self.ascii = graph, ascii
        self._rows: Mapping[Key, RoutineRow] = {row.key: row for row in routines}
        self._edges = {edge.number: edge for edge in edges}
        self._origins, self._near = origins, near
        self._rates = [sum(e.rate for e in self._of(link)) for link in graph.links]
        self._top = max(self._rates, default=0.0)

    def _of(self, link: Link) -> list[EdgeRow]:
        return [self._edges[n] for n in link.edges if n in self._edges]

    # lines --------------------------------------------------------------------------------------

    def weight(self, place: int) -> Weight:
        """How thick a line is."""
        value = self._rates[place]
        if value <= 0:
            return "idle"
        return "hot" if value >= self._top / 2 and self._top >= _HOT else "busy"

    def rate(self, places: Sequence[int]) -> str:
        """What stands above a line that some links share: how much comes over it."""
        value = sum(self._rates[place] for place in places)
        return f"{rate(value):>{RATE - 2}}/s" if value > 0 else ""

    # nodes --------------------------------------------------------------------------------------

    def row(self, place: int) -> RoutineRow | None:
        """The figures of a node; None if it was not there at that moment."""
        return figures(self.graph.nodes[place], self._rows)

    def state(self, place: int) -> State:
        """What a node does; `UNUSED` if it is gone."""
        row = self.row(place)
        return row.state if row is not None else State.UNUSED

    def label(self, form: Form) -> Callable[[int], list[list[Run]]]:
        """Writes the lines of a node."""

        def write(place: int) -> list[list[Run]]:
            node, row = self.graph.nodes[place], self.row(place)
            lines = [self._name(place, node, row, form)]
            if form.lines == 2 and row is not None:
                waits = bool(row.queue or row.later)
                lines.append([(_detail(row, form.detail), ("warn",) if waits else ("muted",))])
            return lines

        return write

    def _name(self, place: int, node: Node, row: RoutineRow | None, form: Form) -> list[Run]:
        state = row.state if row is not None else State.UNUSED
        cells = min(measure(node.title), form.name)
        runs: list[Run] = [
            (glyph(state, ascii=self.ascii), ("state", state.value)),
            ("!" if self.is_origin(node) else " ", ("bad",)),
            (fit(node.title, cells), ("strong",) if place in self._near else ("name",)),
        ]
        if form.behind:
            runs.append(_behind(row))
        if node.beyond and not form.lines:
            runs.append((f" {beyond_text(node.beyond)}", ("accent",)))
        return runs

    def is_origin(self, node: Node) -> bool:
        """Whether back-pressure starts there."""
        return not self._origins.isdisjoint(node.members)

    def below(self, place: int, cells: int) -> list[Run]:
        """What stands on the lower border of a box."""
        beyond = self.graph.nodes[place].beyond
        return [(beyond_text(beyond, cells), ("accent",))] if beyond else []

    def in_list(self, place: int, *, chosen: bool) -> str:
        """A node in the list of neighbours."""
        node, row = self.graph.nodes[place], self.row(place)
        state = row.state if row is not None else State.UNUSED
        mark = "!" if self.is_origin(node) else " "
        text = f"{'>' if chosen else ' '}{glyph(state, ascii=self.ascii)}{mark}{node.title}"
        if row is not None and row.queue:
            text += f" q{count(row.queue)}"
        if state in _WAITING:
            text += f" {state.value}"
        return text + (f" {beyond_text(node.beyond)}" if node.beyond else "")


def _behind(row: RoutineRow | None) -> Run:
    """The queue, or else the rate, right-aligned."""
    if row is None:
        return " " * BEHIND, ("muted",)
    text = f"q{count(row.queue)}" if row.queue else f"{rate(row.in_rate)}/s" if row.in_rate else ""
    return f"{text[:BEHIND]:>{BEHIND}}", ("warn",) if row.queue else ("muted",)


def _detail(row: RoutineRow, cells: int) -> str:
    """What matters most, then a time where there is room for it."""
    if row.state in (State.FULL, State.PAUSED):
        words = [f"q{count(row.queue)} {row.state.value}", f"q{count(row.queue)}"]
    elif row.state is State.RETRY:
        words = [f"{count(row.later)} wait to retry", f"{count(row.later)} retry"]
    elif row.queue:
        words = [f"q{count(row.queue)} w99 {duration_ns(row.wait99)}", f"q{count(row.queue)}"]
    else:
        words = [f"{rate(row.in_rate)}/s r99 {duration_ns(row.run99)}", f"{rate(row.in_rate)}/s"]
    return fit(next((text for text in words if len(text) <= cells), words[-1]), cells)
