"""Pane 2: the graph of routines. Laid out once per wiring; updates only restyle and relabel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.style import Style

from tui.model.graph import Node
from tui.model.monitor import Monitor
from tui.model.pressure import origins, sentences
from tui.model.rows import Key, RoutineRow, State
from tui.paint.adjacency import adjacency
from tui.paint.canvas import Row, Tag, measure
from tui.paint.graph import Window, loop_row, paint
from tui.paint.layout import Edge, Layout
from tui.paint.steps import step

from .choice import Choice, of_routine
from .dragged import DraggedPane
from .map import MAP, draw_map
from .nodes import Figures
from .plan import FURTHEST, Plan, Planner, Wish, lit_links, neighbours

#: A chosen node keeps so many cells from the border of the pane, where there is room.
_MARGIN = (4, 1)


class TopologyPane(DraggedPane):
    """The drawing in the largest form that fits: boxes of two lines, of one, rows, or a list.

    One that does not fit is shown in part where the pane is large, with a map of the whole.

    Attributes:
        wish: what the user has asked for.
        selected: the chosen routine; a group is chosen by any of its routines.
        lit: whether its connections stand out and the rest is dimmed.
        choose: called with what was chosen here, so that other panes follow.
    """

    number = 2
    DEFAULT_CSS: ClassVar[str] = """
    TopologyPane { border-subtitle-color: $role-bad; }
    TopologyPane:focus { border-subtitle-color: $role-bad; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.wish = Wish()
        self.selected: Key | None = None
        self.lit = False
        self.choose: Callable[[Key], None] = lambda _key: None
        self._planner = Planner()
        self._counts = (0, 0)  # routines, edges
        self._told: Sequence[str] = ()  # of back-pressure, from many words to few
        self._plan: Plan | None = None
        self._lit_links: set[int] = set()
        self._across = self._down = 0  # cells of the picture that are scrolled off
        self._listed: dict[str | int, State] = {}  # nodes that are told in words
        self._sight: object = None  # what was last brought into sight

    # painting -----------------------------------------------------------------------------------

    def rows(self, monitor: Monitor, width: int, height: int) -> Sequence[Row]:
        """The part of the picture that is in sight, or the list."""
        run = monitor.run
        routines, edges = run.routines(), run.edges()
        self._counts = len(routines), sum(edge.source is not None for edge in edges)
        found = origins(run, routines)
        self._told = [f"! {text}" for text in sentences(run, found)]
        if not routines:
            self._plan = None
            return (((" nothing wired yet", ("muted",)),),)
        self._keep_choice(routines)
        wiring = (run.generation, run.wiring)
        plan = self._plan = self._planner.plan(wiring, routines, edges, self.wish, width, height)
        chosen = plan.graph.place(self.selected) if self.lit else None
        self._lit_links = lit_links(plan.graph, chosen) if chosen is not None else set()
        shown = Figures(
            plan.graph,
            routines,
            edges,
            frozenset(origin.key for origin in found),
            neighbours(plan.graph, self._lit_links) | {chosen}
            if chosen is not None
            else set(range(len(plan.graph.nodes))),
            ascii=self.ascii,
        )
        places = range(len(plan.graph.nodes)) if plan.layout is None else ()
        self._listed = {place: shown.state(place) for place in places}
        if plan.layout is None:
            return self._list(plan, shown, chosen, width)
        self.top = 0  # the picture scrolls by itself
        if self._sight != (chosen, plan.layout, width, height):
            self._sight = (chosen, plan.layout, width, height)
            self._bring_into_sight(plan.layout, plan.graph.place(self.selected), width, height)
        return self._picture(plan, plan.layout, shown, chosen, width, height)

    def _keep_choice(self, routines: Sequence[RoutineRow]) -> None:
        """What has gone is chosen no more; something is always in the middle."""
        keys = {row.key for row in routines}
        if self.selected not in keys:
            self.selected = None
        if self.wish.centre not in keys:
            busiest = max(routines, key=lambda row: row.in_rate)
            self.wish = self.wish._replace(centre=self.selected or busiest.key)

    def _list(self, plan: Plan, shown: Figures, chosen: int | None, width: int) -> Sequence[Row]:
        graph = plan.graph
        return adjacency(
            range(len(graph.nodes)),
            [Edge(n, link.source, link.target) for n, link in enumerate(graph.links)],
            lambda place: shown.in_list(place, chosen=place == chosen),
            neighbour=lambda place: graph.nodes[place].title,
            cells=width,
            ascii=self.ascii,
        )

    def _picture(
        self,
        plan: Plan,
        drawn: Layout,
        shown: Figures,
        chosen: int | None,
        width: int,
        height: int,
    ) -> Sequence[Row]:
        self._clamp_view(plan, drawn, width, height)
        window = Window(self._across, self._down, width, height)
        canvas = paint(
            drawn,
            shown.label(plan.form),
            shown.weight,
            chosen,
            self.ascii,
            lit=self._lit_links,
            below=lambda place: shown.below(place, drawn.boxes[place].width - 5),
            window=window,
        )
        for flag in plan.flags:
            tag: Tag = ("rate", *flag.edges)
            canvas.write(flag.x, flag.y, [(shown.rate(flag.edges), tag)], flag.width)
        nodes = plan.graph.nodes
        for y, edge in enumerate(drawn.loops, drawn.height):
            row = loop_row(edge, lambda place: nodes[place].title, cells=width, ascii=self.ascii)
            canvas.write(0, y, row, width)
        if plan.whole:
            draw_map(canvas, plan, drawn, window, chosen, ascii=self.ascii)
        return canvas.rows()

    def title(self, monitor: Monitor) -> str:
        """How many nodes and edges, what is left out; the weights of lines where there is room."""
        plan, (routines, edges) = self._plan, self._counts
        if plan is None:
            return ""
        parts = [f"{routines} nodes  {edges} edges"]
        if plan.hops:
            near = sum(len(node.members) for node in plan.graph.nodes)
            centre = monitor.run.routine_name(self.wish.centre) if self.wish.centre else ""
            sign = "+-" if self.ascii else "±"
            parts = [f"{near} of {routines} nodes", f"{centre} {sign}{plan.hops}"]
        if self.wish.bundles:
            parts.append("bundled")
        parts.append("- idle = busy # hot" if self.ascii else "─ idle ═ busy ━ hot")
        return "  ".join(parts)

    def subtitle(self, monitor: Monitor) -> str:
        """Where back-pressure starts, in as many words as there is room for."""
        told, room = self._told, self.content_size.width - 4
        return next((text for text in told if measure(text) <= room), told[-1] if told else "")

    def link(self, monitor: Monitor) -> Choice:
        """The routine whose edges stand out."""
        return of_routine(monitor.run, self.selected)

    def style(self, tag: Tag) -> Style:
        """Edges of the selected routine stand out; the others are dim."""
        colors = self.palette
        match tag[0]:
            case "border":
                return colors.accent if tag[2] else colors.line
            case "node" if tag[1] in self._listed:
                state = self._listed[tag[1]]
                quiet = state in (State.IDLE, State.UNUSED)
                return colors.text if quiet else colors.state(state)
            case "edge" | "loop" | "rate":
                if any(link in self._lit_links for link in tag[1:]):
                    return colors.accent + _BOLD
                if tag[0] != "edge" or self._listed:
                    return colors.muted  # never dimmed: it is read
                if self._lit_links or (self.lit and self.selected):
                    return colors.muted + _DIM
                return colors.line
            case "name":
                return colors.text
            case "seen":
                return colors.accent
            case "unseen" | "frame":
                return colors.muted
        return super().style(tag)

    # the view -----------------------------------------------------------------------------------

    def _clamp_view(self, plan: Plan, drawn: Layout, width: int, height: int) -> None:
        """Scroll no further than the picture goes, and the map if there is one."""
        lowest = drawn.height + len(drawn.loops)
        spare = (MAP[0] + 2, MAP[1] + 2) if plan.whole and plan.is_cut else (0, 0)
        self._across = max(0, min(self._across, drawn.width + spare[0] - width))
        self._down = max(0, min(self._down, lowest + spare[1] - height))

    def _bring_into_sight(self, drawn: Layout, place: int | None, width: int, height: int) -> None:
        box = drawn.boxes.get(place) if place is not None else None
        if box is None:
            return
        for name, start, size, room, margin in (
            ("_across", box.x, box.width, width, _MARGIN[0]),
            ("_down", box.y, box.height, height, _MARGIN[1]),
        ):
            low, high = start - margin, start + size + margin - room
            now = getattr(self, name)
            setattr(self, name, max(0, min(max(now, high), low)))

    def scroll_by(self, across: int, down: int) -> None:
        """Show another part of the picture, or of the list."""
        if self._plan is None or self._plan.layout is None:
            self.top += down
        else:
            self._across += across
            self._down += down
        self.redraw()

    def point_at(self, x: int, y: int) -> None:
        """Choose the node that stands there."""
        plan = self._plan
        if plan is None:
            return
        if plan.layout is not None:
            self._choose(plan.layout.at(x + self._across, y + self._down))
        elif self.top + y < len(plan.graph.nodes):
            self._choose(self.top + y)

    # choosing -----------------------------------------------------------------------------------

    def select(self, key: Key | None) -> None:
        """Show what was chosen elsewhere; the next picture of a part has it in the middle."""
        if key is not None and key != self.selected:
            self.selected = key
            self.wish = self.wish._replace(centre=key)

    @property
    def chosen(self) -> Node | None:
        """The node that is chosen."""
        plan = self._plan
        place = plan.graph.place(self.selected) if plan is not None else None
        return plan.graph.nodes[place] if plan is not None and place is not None else None

    def _choose(self, place: int | None) -> None:
        if place is None or self._plan is None:
            return
        node = self._plan.graph.nodes[place]
        if self.selected not in node.members:
            self.selected = node.members[0]
            if not self._plan.hops:  # what is near a routine begins with the chosen one
                self.wish = self.wish._replace(centre=self.selected)
            self.choose(self.selected)
        self.redraw()

    def _walk(self, dx: int, dy: int) -> None:
        """To the next node in a direction; to the first if none is chosen."""
        plan = self._plan
        if plan is None:
            return
        here = plan.graph.place(self.selected)
        if here is None:
            self._choose(0)
        elif plan.layout is not None:
            self._choose(step(plan.layout.boxes, here, dx, dy))
        elif dy:
            self._choose(max(0, min(here + dy, len(plan.graph.nodes) - 1)))
            self._follow_list(plan)

    def _follow_list(self, plan: Plan) -> None:
        here, height = plan.graph.place(self.selected) or 0, self.content_size.height
        self.top = max(min(self.top, here), here - height + 1)
        self.redraw()

    def move(self, lines: int) -> None:
        """To the node below or above."""
        self._walk(0, 1 if lines > 0 else -1)

    def pan(self, direction: int) -> None:
        """To the node at the right or the left."""
        self._walk(direction, 0)

    def page(self, direction: int) -> None:
        """Half a page of the picture; the choice stays."""
        self.scroll_by(0, direction * max(1, self.content_size.height // 2))

    def go_to_edge(self, direction: int) -> None:
        """To the first or the last node."""
        if self._plan is not None:
            self._choose(0 if direction < 0 else len(self._plan.graph.nodes) - 1)
            if self._plan.layout is None:
                self._follow_list(self._plan)

    # wishes -------------------------------------------------------------------------------------

    def toggle_bundles(self) -> bool:
        """Lines with branches, or a line for each connection; False: no lines are drawn now."""
        self.wish = self.wish._replace(bundles=not self.wish.bundles)
        self.redraw()
        return self._plan is not None and self._plan.layout is not None

    def next_focus(self) -> None:
        """What is near the chosen node: with another node in the middle, or one step further."""
        hops = self._plan.hops if self._plan is not None else 0
        if not hops or self.selected in (None, self.wish.centre):
            hops = (hops + 1) % (FURTHEST + 1)
        self.wish = self.wish._replace(hops=hops, centre=self.selected or self.wish.centre)
        self.redraw()

    def unfold(self) -> bool:
        """Take the chosen group apart. False: it is none."""
        node = self.chosen
        if node is None or len(node.members) == 1 or self.wish.apart is None:
            return False
        self.wish = self.wish._replace(apart=self.wish.apart | {node.members[0]})
        self.redraw()
        return True

    def toggle_fold(self) -> None:
        """Fold all groups again if one is apart, else take all of them apart."""
        self.wish = self.wish._replace(
            apart=None if self.wish.apart == frozenset() else frozenset()
        )
        self.redraw()


_BOLD, _DIM = Style(bold=True), Style(dim=True)
