"""What the topology pane draws: which nodes, laid out how. Made once per wiring, wish and size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from tui.model.graph import Graph, around, folded, wired
from tui.model.rows import EdgeRow, Key, RoutineRow
from tui.paint import layout as layouts
from tui.paint.canvas import measure
from tui.paint.flags import Flag, flags
from tui.paint.layout import HEAD, Box, Edge, Layout, Node, Style, least_size
from tui.paint.minimap import outline

#: With more nodes only what is near the chosen one is drawn at first.
MANY = 60
#: How many steps around it, at first and at most.
NEAR, FURTHEST = 2, 3
#: A pane of so many cells shows a part of a picture that is too large, a smaller one a list.
ROOMY = (60, 16)
#: Cells of a node's second line ("4.1k/s r99 647u", or "q64 full" where there is less room), and of
#: what stands behind a name ("q1555").
DETAIL, BRIEF, BEHIND = 16, 8, 6
#: Cells of a rate above a line.
RATE = 7
_SHORT, _LONG = 8, 20  # cells of a name in the tightest drawing, and in one that is cut anyway

#: The layouts of some wirings: by value, so that a reload with equal wiring finds its own.
_layout = lru_cache(maxsize=32)(layouts.layout)


class Wish(NamedTuple):
    """What the user has asked for.

    Attributes:
        bundles: lines with branches.
        hops: how far around the centre; 0: everything; None: as many nodes as there are demand.
        centre: the routine in the middle.
        apart: groups that are taken apart, each by its first routine; None: all of them.
    """

    bundles: bool = False
    hops: int | None = None
    centre: Key | None = None
    apart: frozenset[Key] | None = frozenset()


class Form(NamedTuple):
    """How a node is written: lines of its box (0: a row without a box), cells of its name, of the
    second line and behind the name, and columns before an arrowhead.
    """

    lines: int
    name: int
    detail: int = 0
    behind: int = 0
    head: int = HEAD

    @property
    def style(self) -> Style:
        """The style of the layout."""
        return "box" if self.lines else "row"


class Plan(NamedTuple):
    """A picture without figures. Nodes and edges of the layout are places in the graph.

    Attributes:
        graph: what is drawn.
        layout: None if a list is all there is room for.
        form: how nodes are written.
        flags: where rates stand.
        hops: how far around the centre; 0: everything.
        whole: about where the nodes of the whole graph stand, by the first routine of each.
        is_cut: whether the layout is larger than the pane.
    """

    graph: Graph
    layout: Layout | None
    form: Form
    flags: tuple[Flag, ...]
    hops: int
    whole: Mapping[Key, Box]
    is_cut: bool


class Planner:
    """Keeps what it made last, and makes it anew when wiring, wish or size are others."""

    def __init__(self) -> None:
        self._wired: tuple[object, Graph] = (None, Graph((), ()))
        self._whole: tuple[object, Graph] = (None, Graph((), ()))
        self._made: tuple[object, Plan | None] = (None, None)

    def plan(
        self,
        wiring: object,
        routines: Sequence[RoutineRow],
        edges: Sequence[EdgeRow],
        wish: Wish,
        width: int,
        height: int,
    ) -> Plan:
        """What to draw in so many cells.

        Args:
            wiring: differs when routines or edges are others than the last time.
        """
        wiring = (wiring, len(routines), len(edges))
        if self._wired[0] != wiring:
            self._wired = (wiring, wired(routines, edges))
        whole = self._fold(self._wired[1], wish.apart)
        hops = (NEAR if len(whole.nodes) > MANY else 0) if wish.hops is None else wish.hops
        centre = whole.place(wish.centre) or 0 if hops else 0
        key, made = (whole, wish.bundles, hops, centre, width, height), self._made[1]
        if self._made[0] != key or made is None:
            near = around(whole, centre, hops) if hops else whole
            made = _plan(whole, near, hops, wish.bundles, width, height)
            self._made = (key, made)
        return made

    def _fold(self, graph: Graph, apart: frozenset[Key] | None) -> Graph:
        key = (graph, apart)  # compared part by part; one that is the same object is equal at once
        if self._whole[0] != key:
            self._whole = (key, graph if apart is None else folded(graph, apart))
        return self._whole[1]


def _plan(whole: Graph, near: Graph, hops: int, bundles: bool, width: int, height: int) -> Plan:
    """The form and the layout of the near part of a whole graph."""
    if len(near.nodes) == len(whole.nodes):
        near = whole
    roomy = width >= ROOMY[0] and height >= ROOMY[1]
    form, drawn = _fitting(near, bundles, hops > 0, width, height)
    if drawn is None and roomy:
        form, drawn = _in_part(near, bundles, hops > 0, height)
    is_cut = drawn is not None and (drawn.width > width or drawn.height > height)
    boxes: Mapping[int, Box] = {}
    if roomy and near is not whole:
        boxes = _outline(len(whole.nodes), tuple((a, b) for a, b, *_ in whole.links))
    elif roomy and is_cut and drawn is not None:
        boxes = drawn.boxes
    return Plan(
        near,
        drawn,
        form,
        flags(drawn, RATE) if drawn is not None and form.lines == 2 else (),
        hops,
        {whole.nodes[place].members[0]: box for place, box in boxes.items()},
        is_cut,
    )


_outline = lru_cache(maxsize=8)(outline)


def _fitting(
    graph: Graph, bundles: bool, back: bool, width: int, height: int
) -> tuple[Form, Layout | None]:
    """The largest form of which all fits; rows may be scrolled down, but not sideways."""
    form = Form(0, _SHORT)
    for form in _forms(_longest(graph)):
        room = height if form.lines else 1_000_000
        least = least_size(*_parts(graph, form), style=form.style)
        if least[0] > width or least[1] > room:
            continue
        drawn = _drawn(graph, form, bundles, back)
        if drawn.width <= width and drawn.height + len(drawn.loops) * (form.lines > 0) <= room:
            return form, drawn
    return form, None


def _in_part(graph: Graph, bundles: bool, back: bool, height: int) -> tuple[Form, Layout]:
    """Boxes where they fit at least from top to bottom, else rows; as wide as it is."""
    name = min(_longest(graph), _LONG)
    boxes, rows = Form(2, name, BRIEF), Form(0, name, behind=BEHIND)
    if least_size(*_parts(graph, boxes), style="box")[1] <= height:
        drawn = _drawn(graph, boxes, bundles, back)
        if drawn.height <= height:
            return boxes, drawn
    return rows, _drawn(graph, rows, bundles, back)


def _forms(longest: int) -> Iterator[Form]:
    """From the largest to the tightest."""
    yield Form(2, longest, DETAIL, head=RATE + 2)
    yield Form(2, longest, DETAIL)
    yield Form(2, longest, BRIEF)
    yield Form(1, longest, behind=BEHIND)
    yield Form(1, longest)
    yield Form(0, longest, behind=BEHIND)
    yield Form(0, longest)
    yield Form(0, _SHORT)


def _longest(graph: Graph) -> int:
    return max((measure(node.title) for node in graph.nodes), default=0)


def _drawn(graph: Graph, form: Form, bundles: bool, back: bool) -> Layout:
    nodes, edges = _parts(graph, form)
    return _layout(nodes, edges, style=form.style, bundles=bundles, back=back, head=form.head)


def _parts(graph: Graph, form: Form) -> tuple[tuple[Node, ...], tuple[Edge, ...]]:
    """Nodes and edges by their places: equal for equal wiring, whatever numbers the engine gave."""
    nodes = tuple(
        Node(place, _cells(node.title, node.beyond, form), max(form.lines, 1))
        for place, node in enumerate(graph.nodes)
    )
    edges = tuple(Edge(place, link.source, link.target) for place, link in enumerate(graph.links))
    return nodes, edges


def _cells(title: str, beyond: int, form: Form) -> int:
    """A sign, a mark, the name, and what stands behind it."""
    name = min(measure(title), form.name)
    more = measure(beyond_text(beyond)) + 1 if beyond and not form.lines else 0
    return max(2 + name + form.behind + more, form.detail)


def beyond_text(beyond: int, cells: int = 0) -> str:
    """How many neighbours are left out: ``+12 beyond``, or ``+12`` where that has no room."""
    long = f"+{beyond} beyond"
    return long if len(long) <= cells else f"+{beyond}"


def lit_links(graph: Graph, place: int | None) -> set[int]:
    """The links of a node, by their places."""
    return {n for n, link in enumerate(graph.links) if place in (link.source, link.target)}


def neighbours(graph: Graph, links: Sequence[int] | set[int]) -> set[int]:
    """The nodes at the ends of some links."""
    return {end for n in links for end in (graph.links[n].source, graph.links[n].target)}
