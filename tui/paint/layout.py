"""Where everything of a graph picture stands: boxes, lines between ports, and loops to list.

The layout depends on wiring and sizes only, so it is made once per wiring; live updates repaint
labels and styles on the same cells.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, NamedTuple, TypeAlias

from tui.paint.channel import route
from tui.paint.order import arrange
from tui.paint.ranks import Layered, Pair, components, layered, loops, rank
from tui.paint.rows import Ports, ports, rows

Style: TypeAlias = Literal["box", "row"]
Point: TypeAlias = tuple[int, int]
"""A cell as column and row."""

_STUB = 1  # columns between a box and the first track
_HEAD = 2  # columns after the last track: a stub and the arrowhead
_PART_GAP = 2  # columns between boxes without edges


class Node(NamedTuple):
    """A node to lay out: the cells of its widest label line and how many lines it has."""

    key: int
    width: int
    lines: int = 1


class Edge(NamedTuple):
    """A directed edge; `key` tells parallel edges apart."""

    key: int
    source: int
    target: int


class Box(NamedTuple):
    """The cells of a node, borders included; `lines` is the node's own number of label lines."""

    x: int
    y: int
    width: int
    height: int
    lines: int = 1

    def holds(self, x: int, y: int) -> bool:
        """Whether a cell belongs to the box."""
        return self.x <= x < self.x + self.width and self.y <= y < self.y + self.height


class Wire(NamedTuple):
    """An edge as the corner points of its line, from beside the source to the arrowhead."""

    edge: Edge
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """An immutable graph picture without text: paint it with `tui.paint.graph.paint`."""

    style: Style
    width: int
    height: int
    boxes: Mapping[int, Box]
    wires: tuple[Wire, ...]
    loops: tuple[Edge, ...]
    """The edges that close a cycle: no line is drawn for them, name them in text."""

    def at(self, x: int, y: int) -> int | None:
        """The key of the node whose box covers a cell."""
        return next((key for key, box in self.boxes.items() if box.holds(x, y)), None)


def layout(nodes: Sequence[Node], edges: Sequence[Edge], *, style: Style = "box") -> Layout:
    """Lay the graph out from left to right; equal arguments give equal layouts.

    No two boxes overlap, no line runs through a box, and two lines share a cell only where one
    passes straight through the other.

    Args:
        nodes: keys must differ.
        edges: those that name an unknown node raise `KeyError`.
        style: "box" with borders, or "row" with one row per port and no border rows.
    """
    index = {node.key: number for number, node in enumerate(nodes)}
    pairs = [(index[edge.source], index[edge.target]) for edge in edges]
    closing = loops(len(nodes), pairs)
    open_ = [number for number in range(len(edges)) if number not in closing]
    picture = _Picture(style)
    lone: list[Node] = []
    for part in components(len(nodes), [pairs[number] for number in open_]):
        if len(part) == 1:
            lone.append(nodes[part[0]])
            continue
        local = {node: place for place, node in enumerate(part)}
        inside = [number for number in open_ if pairs[number][0] in local]
        picture.add(
            [nodes[node] for node in part],
            [edges[number] for number in inside],
            [(local[pairs[number][0]], local[pairs[number][1]]) for number in inside],
        )
    picture.add_lone(lone)
    return Layout(
        style,
        picture.width,
        picture.height,
        MappingProxyType(picture.boxes),
        tuple(picture.wires),
        tuple(edges[number] for number in sorted(closing)),
    )


class _Picture:
    """Collects the connected parts of a graph from top to bottom."""

    def __init__(self, style: Style) -> None:
        self.boxed = style == "box"
        self.width = 0
        self.height = 0
        self.boxes: dict[int, Box] = {}
        self.wires: list[Wire] = []

    def add(self, nodes: Sequence[Node], edges: Sequence[Edge], pairs: Sequence[Pair]) -> None:
        """Lay out one connected part without loops below what is there already."""
        graph = layered(len(nodes), pairs, rank(len(nodes), pairs))
        arrange(graph)
        text_rows = _text_rows(nodes, pairs)
        border = int(self.boxed)
        gaps = ports(graph, text_rows, boxed=self.boxed)
        sizes = [height + 2 * border for height in text_rows]
        sizes += [1] * (graph.items - len(nodes))
        tops = rows(graph, gaps, sizes)
        height = max(top + size for top, size in zip(tops, sizes, strict=True))
        widths = [self._columns(nodes, layer) for layer in graph.layers]
        starts, points, height = _join(graph, gaps, tops, widths, height)
        for layer, x, width in zip(graph.layers, starts, widths, strict=True):
            for item in layer:
                if item < len(nodes):
                    box = Box(x, self.height + tops[item], width, sizes[item], nodes[item].lines)
                    self.boxes[nodes[item].key] = box
        for number, edge in enumerate(edges):
            self.wires.append(Wire(edge, tuple((x, y + self.height) for x, y in points[number])))
        self.width = max(self.width, starts[-1] + widths[-1])
        self.height += height

    def add_lone(self, nodes: Sequence[Node]) -> None:
        """Set nodes without lines side by side at the bottom, in as many rows as needed."""
        limit = max(self.width, 60)
        x, tallest = 0, 0
        for node in nodes:
            width = self._frame + node.width
            if x and x + width > limit:
                self.height += tallest
                x, tallest = 0, 0
            size = max(node.lines, 1) + 2 * int(self.boxed)
            self.boxes[node.key] = Box(x, self.height, width, size, node.lines)
            self.width = max(self.width, x + width)
            x += width + _PART_GAP
            tallest = max(tallest, size)
        self.height += tallest

    @property
    def _frame(self) -> int:
        return 4 if self.boxed else 2

    def _columns(self, nodes: Sequence[Node], layer: Sequence[int]) -> int:
        # No layer holds dummies only: a node of rank r has a predecessor of rank r - 1.
        return self._frame + max(nodes[i].width for i in layer if i < len(nodes))


def _text_rows(nodes: Sequence[Node], pairs: Sequence[Pair]) -> list[int]:
    """Rows of text per node: enough for its label and for a port per edge on either side."""
    outputs, inputs = [0] * len(nodes), [0] * len(nodes)
    for source, target in pairs:
        outputs[source] += 1
        inputs[target] += 1
    return [
        max(node.lines, 1, leaving, arriving)
        for node, leaving, arriving in zip(nodes, outputs, inputs, strict=True)
    ]


def _join(
    graph: Layered,
    gaps: Sequence[Ports],
    tops: Sequence[int],
    widths: Sequence[int],
    height: int,
) -> tuple[list[int], dict[int, list[Point]], int]:
    """The column of each layer, the points of the line of each edge, and the final height."""
    starts = [0]
    points: dict[int, list[Point]] = {}
    deepest = height
    for gap, width in zip(gaps, widths, strict=False):
        ends = [
            (tops[link[0]] + leave, tops[link[1]] + arrive)
            for link, leave, arrive in zip(gap.links, gap.leave, gap.arrive, strict=True)
        ]
        lines, tracks = route(ends)
        left = starts[-1] + width
        right = left + _STUB + tracks + _HEAD
        for link, (leave, arrive), line in zip(gap.links, ends, lines, strict=True):
            source, target, number = link
            path = points.setdefault(number, [])
            if source < graph.nodes:
                path.append((left, leave))
            for stretch in line:
                x = left + _STUB + stretch.track
                path += [(x, stretch.leave), (x, stretch.arrive)]
                deepest = max(deepest, stretch.bottom + 1)
            if target < graph.nodes:
                path.append((right - 1, arrive))
        starts.append(right)
    return starts, points, deepest
