"""Where everything of a graph picture stands: boxes, lines between ports, and loops to list.

The layout depends on wiring and sizes only, so it is made once per wiring; live updates repaint
labels and styles on the same cells.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, NamedTuple, TypeAlias

from tui.paint.bundle import bundled
from tui.paint.channel import Stretch, route
from tui.paint.order import arrange
from tui.paint.ranks import Layered, Link, Pair, components, layered, loops, rank
from tui.paint.rows import Ports, ports, rows

Style: TypeAlias = Literal["box", "row"]
Point: TypeAlias = tuple[int, int]
"""A cell as column and row."""

_STUB = 1  # columns between a box and the first track
HEAD = 2  # columns after the last track: a stub and the arrowhead
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
    """An edge as the corner points of its line, from its left end to its right end.

    The arrowhead stands at the right end, but at the left one of an edge that leads ``back``.
    Edges of a bundle have points in common.
    """

    edge: Edge
    points: tuple[Point, ...]
    back: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """An immutable graph picture without text: paint it with `tui.paint.graph.paint`."""

    style: Style
    width: int
    height: int
    boxes: Mapping[int, Box]
    wires: tuple[Wire, ...]
    loops: tuple[Edge, ...]
    """The edges that close a cycle and have no line: name them in text."""

    def at(self, x: int, y: int) -> int | None:
        """The key of the node whose box covers a cell."""
        return next((key for key, box in self.boxes.items() if box.holds(x, y)), None)


def layout(
    nodes: Sequence[Node],
    edges: Sequence[Edge],
    *,
    style: Style = "box",
    bundles: bool = False,
    back: bool = False,
    head: int = HEAD,
) -> Layout:
    """Lay the graph out from left to right; equal arguments give equal layouts.

    No two boxes overlap, no line runs through a box, and two lines share a cell only where one
    passes straight through the other.

    Args:
        nodes: keys must differ.
        edges: those that name an unknown node raise `KeyError`.
        style: "box" with borders, or "row" with one row per port and no border rows.
        bundles: whether lines that leave or enter one node together are one line with branches.
            Each edge is part of one fan-out or of one fan-in, never of both, so that no branch
            leads to where no edge does. Parallel edges become one line.
        back: whether edges that close a cycle get a line, with its arrowhead at the left end. An
            edge from a node to itself never does.
        head: columns after the last bend of a line: the more, the more can be written above it.
    """
    index = {node.key: number for number, node in enumerate(nodes)}
    pairs = [(index[edge.source], index[edge.target]) for edge in edges]
    closing = loops(len(nodes), pairs)
    turned = {n for n in closing if back and pairs[n][0] != pairs[n][1]}
    for number in turned:
        pairs[number] = pairs[number][::-1]
    drawn = [number for number in range(len(edges)) if number not in closing - turned]
    picture = _Picture(style, bundles, head)
    lone: list[Node] = []
    for part in components(len(nodes), [pairs[number] for number in drawn]):
        if len(part) == 1:
            lone.append(nodes[part[0]])
            continue
        local = {node: place for place, node in enumerate(part)}
        inside = [number for number in drawn if pairs[number][0] in local]
        picture.add(
            [nodes[node] for node in part],
            [(edges[number], number in turned) for number in inside],
            [(local[pairs[number][0]], local[pairs[number][1]]) for number in inside],
        )
    picture.add_lone(lone)
    return Layout(
        style,
        picture.width,
        picture.height,
        MappingProxyType(picture.boxes),
        tuple(picture.wires),
        tuple(edges[number] for number in sorted(closing - turned)),
    )


def least_size(
    nodes: Sequence[Node], edges: Sequence[Edge], *, style: Style = "box"
) -> tuple[int, int]:
    """Columns and rows that no layout of these can do without: in a fraction of its time."""
    index = {node.key: number for number, node in enumerate(nodes)}
    pairs = [(index[edge.source], index[edge.target]) for edge in edges]
    closing = loops(len(nodes), pairs)
    pairs = [pair for number, pair in enumerate(pairs) if number not in closing]
    boxed = style == "box"
    columns = rows = 0
    for part in components(len(nodes), pairs):
        local = {node: place for place, node in enumerate(part)}
        inside = [(local[source], local[target]) for source, target in pairs if source in local]
        widths: dict[int, int] = {}
        heights: dict[int, int] = {}
        for place, depth in enumerate(rank(len(part), inside)):
            node = nodes[part[place]]
            frame = (4, 2) if boxed else (2, 0)
            widths[depth] = max(widths.get(depth, 0), node.width + frame[0])
            heights[depth] = heights.get(depth, 0) + max(node.lines, 1) + frame[1]
        columns = max(columns, sum(widths.values()) + (len(widths) - 1) * (_STUB + HEAD))
        rows += max(heights.values()) if len(part) > 1 else 0
    return columns, rows


class _Picture:
    """Collects the connected parts of a graph from top to bottom."""

    def __init__(self, style: Style, bundles: bool, head: int) -> None:
        self.bundles, self.head = bundles, head
        self.boxed = style == "box"
        self.width = 0
        self.height = 0
        self.boxes: dict[int, Box] = {}
        self.wires: list[Wire] = []

    def add(
        self, nodes: Sequence[Node], edges: Sequence[tuple[Edge, bool]], pairs: Sequence[Pair]
    ) -> None:
        """Lay out one connected part without loops below what is there already.

        Args:
            edges: and whether each leads back.
            pairs: the indices of the nodes that they join, from left to right.
        """
        alone = {number for number, (_, back) in enumerate(edges) if back}
        lines = bundled(pairs, alone) if self.bundles else range(len(pairs))
        graph = layered(len(nodes), pairs, rank(len(nodes), pairs), lines)
        arrange(graph)
        text_rows = _text_rows(nodes, pairs, lines)
        border = int(self.boxed)
        gaps = ports(graph, text_rows, boxed=self.boxed)
        sizes = [height + 2 * border for height in text_rows]
        sizes += [1] * (graph.items - len(nodes))
        tops = rows(graph, gaps, sizes)
        height = max(top + size for top, size in zip(tops, sizes, strict=True))
        widths = [self._columns(nodes, layer) for layer in graph.layers]
        starts, points, height = _join(graph, gaps, tops, widths, height, self.head)
        for layer, x, width in zip(graph.layers, starts, widths, strict=True):
            for item in layer:
                if item < len(nodes):
                    box = Box(x, self.height + tops[item], width, sizes[item], nodes[item].lines)
                    self.boxes[nodes[item].key] = box
        for (edge, back), way in zip(edges, graph.ways, strict=True):
            path = (point for link in way for point in points[link])
            self.wires.append(Wire(edge, tuple((x, y + self.height) for x, y in path), back))
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


def _text_rows(nodes: Sequence[Node], pairs: Sequence[Pair], lines: Sequence[int]) -> list[int]:
    """Rows of text per node: enough for its label and for a port per line on either side."""
    ports: list[tuple[set[int], set[int]]] = [(set(), set()) for _ in nodes]
    for (source, target), line in zip(pairs, lines, strict=True):
        ports[source][0].add(line)
        ports[target][1].add(line)
    return [
        max(node.lines, 1, len(leaving), len(arriving))
        for node, (leaving, arriving) in zip(nodes, ports, strict=True)
    ]


def _join(
    graph: Layered,
    gaps: Sequence[Ports],
    tops: Sequence[int],
    widths: Sequence[int],
    height: int,
    head: int,
) -> tuple[list[int], dict[Link, list[Point]], int]:
    """The column of each layer, the points of the line of each link, and the final height."""
    starts = [0]
    points: dict[Link, list[Point]] = {}
    deepest = height
    for gap, width in zip(gaps, widths, strict=False):
        rows_of: dict[int, tuple[list[int], list[int]]] = {}
        ends: dict[Link, tuple[int, int]] = {}
        for link, leave, arrive in zip(gap.links, gap.leave, gap.arrive, strict=True):
            ends[link] = tops[link[0]] + leave, tops[link[1]] + arrive
            for known, row in zip(rows_of.setdefault(link[2], ([], [])), ends[link], strict=True):
                if row not in known:
                    known.append(row)
        lines, tracks = route(list(rows_of.values()))
        stretches = dict(zip(rows_of, lines, strict=True))
        left = starts[-1] + width
        right = left + _STUB + tracks + head
        for link, (leave, arrive) in ends.items():
            source, target, line = link
            path = points[link] = [(left, leave)] if source < graph.nodes else []
            path += _bends(stretches[line], left + _STUB, leave, arrive)
            if target < graph.nodes:
                path.append((right - 1, arrive))
        deepest = max(deepest, *(one.bottom + 1 for line in lines for one in line), 0)
        starts.append(right)
    return starts, points, deepest


def _bends(line: Sequence[Stretch], left: int, leave: int, arrive: int) -> list[Point]:
    """Where one branch of a line enters and leaves its stretches."""
    if not line:
        return []
    x = left + line[0].track
    if len(line) == 1:
        return [(x, leave), (x, arrive)]
    row, (last,) = line[0].arrive[0], line[1:]
    return [(x, leave), (x, row), (left + last.track, row), (left + last.track, arrive)]
