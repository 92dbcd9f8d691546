"""Pane 2: the graph of routines. Laid out once per wiring; updates only restyle and relabel."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.style import Style

from tui.model.monitor import Monitor
from tui.model.rows import EdgeRow, Key, RoutineRow, State
from tui.paint.adjacency import adjacency
from tui.paint.canvas import Row, Run, Tag, fit, measure
from tui.paint.graph import Weight, loop_row, paint
from tui.paint.layout import Edge, Layout, Node, layout
from tui.paint.numbers import count, duration_ns, rate
from tui.themes import glyph

from .choice import Choice, of_routine
from .pane import Pane

_SHORT = 8  # cells of a name in the tightest drawing
_DETAIL = 16  # cells of a node's second line: "4.1k/s q318"


class TopologyPane(Pane):
    """The drawing in the largest form that fits: boxes of two lines, of one, rows, or a list.

    Attributes:
        selected: the routine whose edges stand out; the rest is dimmed.
    """

    number = 2

    def __init__(self) -> None:
        super().__init__()
        self.selected: Key | None = None
        self._cached: tuple[object, Layout | None, int] | None = None
        self._touching: set[int] = set()

    def rows(self, monitor: Monitor, width: int, height: int) -> Sequence[Row]:
        """The picture, then the edges that lead back."""
        routines = monitor.run.routines()
        edges = [edge for edge in monitor.run.edges() if edge.source is not None]
        if not routines:
            return (((" nothing wired yet", ("muted",)),),)
        drawn, lines = self._layout(monitor, routines, edges, width, height)
        by_number = {_number(row.key): row for row in routines}
        self._touching = {e.number for e in edges if self.selected in (e.source, e.target)}
        if drawn is None:
            return adjacency(
                [_number(row.key) for row in routines],
                [Edge(e.number, _number(e.source), _number(e.target)) for e in edges if e.source],
                lambda number: _named(by_number[number], self.ascii),
                neighbour=lambda number: by_number[number].name,
                cells=width,
                ascii=self.ascii,
            )
        picture = paint(
            drawn,
            lambda number: self._label(by_number[number], drawn.boxes[number].width, lines),
            _weights(edges),
            _number(self.selected) if self.selected else None,
            self.ascii,
        )
        loops = [
            loop_row(e, lambda number: by_number[number].name, cells=width, ascii=self.ascii)
            for e in drawn.loops
        ]
        return [*picture, *loops]

    def title(self, monitor: Monitor) -> str:
        """How many nodes and edges; the weights of lines where there is room."""
        run = monitor.run
        edges = [edge for edge in run.edges() if edge.source is not None]
        if not run.routines():
            return ""
        lines = "- idle = busy # hot" if self.ascii else "─ idle ═ busy ━ hot"
        return f"{len(run.routines())} nodes  {len(edges)} edges  {lines}"

    def link(self, monitor: Monitor) -> Choice:
        """The routine whose edges stand out."""
        return of_routine(monitor.run, self.selected)

    def style(self, tag: Tag) -> Style:
        """Edges of the selected routine stand out; the others are dim."""
        colors = self.palette
        match tag[0]:
            case "border":
                return colors.accent if tag[2] else colors.line
            case "edge" | "loop":
                if not self.selected:
                    return colors.line
                return colors.accent if tag[1] in self._touching else colors.muted
        return super().style(tag)

    def _layout(
        self,
        monitor: Monitor,
        routines: Sequence[RoutineRow],
        edges: Sequence[EdgeRow],
        width: int,
        height: int,
    ) -> tuple[Layout | None, int]:
        """The cached layout of this wiring in this room, and the lines of a label."""
        key = (monitor.run.generation, monitor.run.wiring, width, height, len(routines))
        if self._cached is None or self._cached[0] != key:
            self._cached = (key, *_choose(routines, edges, width, height))
        return self._cached[1], self._cached[2]

    def _label(self, row: RoutineRow, width: int, lines: int) -> list[list[Run]]:
        inner = width - 4 if lines else width - 2  # boxes have a border and a blank on each side
        sign = (glyph(row.state, ascii=self.ascii) + " ", ("state", row.state.value))
        label: list[list[Run]] = [[sign, (fit(row.name, max(1, inner - 2)), ("strong",))]]
        if lines == 2:
            label.append([(_detail(row), ("warn",) if row.queue or row.later else ("muted",))])
        return label


def _choose(
    routines: Sequence[RoutineRow], edges: Sequence[EdgeRow], width: int, height: int
) -> tuple[Layout | None, int]:
    wires = [Edge(e.number, _number(e.source), _number(e.target)) for e in edges if e.source]

    def drawn(lines: int, name: int) -> Layout:
        nodes = [
            Node(
                _number(row.key),
                max(min(measure(row.name), name) + 2, _DETAIL if lines == 2 else 0),
                max(lines, 1),
            )
            for row in routines
        ]
        return layout(nodes, wires, style="box" if lines else "row")

    longest = max(measure(row.name) for row in routines)
    for lines, name in ((2, longest), (1, longest), (0, longest), (0, _SHORT)):
        picture = drawn(lines, name)
        tight = lines == 0  # rows may be scrolled, boxes must fit
        if picture.width <= width and (tight or picture.height <= height):
            return picture, lines
    return None, 0


def _weights(edges: Sequence[EdgeRow]) -> Callable[[int], Weight]:
    top = max((edge.rate for edge in edges), default=0.0)
    rates = {edge.number: edge.rate for edge in edges}

    def weight(number: int) -> Weight:
        value = rates.get(number, 0.0)
        if value <= 0:
            return "idle"
        return "hot" if value >= top / 2 and top >= 1_000 else "busy"

    return weight


def _detail(row: RoutineRow) -> str:
    if row.state in (State.FULL, State.PAUSED):
        return fit(f"q{count(row.queue)} {row.state.value}", _DETAIL)
    if row.state is State.RETRY:
        return fit(f"{count(row.later)} wait to retry", _DETAIL)
    if row.queue:
        return fit(f"q{count(row.queue)} w99 {duration_ns(row.wait99)}", _DETAIL)
    return fit(f"{rate(row.in_rate)}/s r99 {duration_ns(row.run99)}", _DETAIL)


def _named(row: RoutineRow, ascii: bool) -> str:
    queue = f" q{count(row.queue)}" if row.queue else ""
    if row.state in (State.FULL, State.PAUSED, State.RETRY):
        queue += f" {row.state.value}"
    return f"{glyph(row.state, ascii=ascii)} {row.name}{queue}"


def _number(key: Key | None) -> int:
    """One number for a routine of any flow; stable, so that layouts are."""
    assert key is not None
    return key[0] * 100_000 + key[1]
