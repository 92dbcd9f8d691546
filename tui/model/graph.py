"""The wiring as a graph of nodes: each a routine, or several of equal wiring that are one node."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from itertools import takewhile
from typing import NamedTuple

from .rows import EdgeRow, Key, RoutineRow, State

#: So many routines of equal wiring become one node; a pair is as quickly read as ``x2``.
GROUP = 3
#: States from the worst on: a group has the worst of its members.
WORST = (
    State.FULL,
    State.FAILED,
    State.RETRY,
    State.PAUSED,
    State.QUEUED,
    State.RUNNING,
    State.TIMER,
    State.IDLE,
    State.UNUSED,
)


class Node(NamedTuple):
    """A routine, or several of equal wiring. ``beyond`` counts neighbours that are left out."""

    name: str
    kind: tuple[int, str]  # flow and class
    members: tuple[Key, ...]
    beyond: int = 0

    @property
    def title(self) -> str:
        """The name, and how many it stands for."""
        return f"{self.name} x{len(self.members)}" if len(self.members) > 1 else self.name


class Link(NamedTuple):
    """A connection between two nodes, by their places; several where a node is a group."""

    source: int
    target: int
    label: str  # event>slot
    edges: tuple[int, ...]  # numbers of the connections


class Graph(NamedTuple):
    """Nodes in order of flow and addition, and what joins them."""

    nodes: tuple[Node, ...]
    links: tuple[Link, ...]

    def place(self, key: Key | None) -> int | None:
        """The node that a routine is, or is in."""
        found = (place for place, node in enumerate(self.nodes) if key in node.members)
        return next(found, None)


def wired(routines: Iterable[RoutineRow], edges: Iterable[EdgeRow]) -> Graph:
    """Each routine a node, each connection between routines a link."""
    nodes = tuple(Node(row.name, (row.key[0], row.cls), (row.key,)) for row in routines)
    place = {node.members[0]: number for number, node in enumerate(nodes)}
    links = tuple(
        Link(place[edge.source], place[edge.target], edge.label, (edge.number,))
        for edge in edges
        if edge.source in place and edge.target in place
    )
    return Graph(nodes, links)


# groups -------------------------------------------------------------------------------------------


def folded(graph: Graph, apart: Container[Key] = ()) -> Graph:
    """Routines of equal wiring as one node: of the same class, with the same sources and targets
    over the same events and slots. Connections that become the same become one link.

    Args:
        apart: groups that are left as they are, each by its first routine.
    """
    alike: dict[object, list[int]] = {}
    for place, wiring in enumerate(_wirings(graph)):
        alike.setdefault((graph.nodes[place].kind, wiring), []).append(place)
    into = list(range(len(graph.nodes)))  # the place of the first of its group
    for places in alike.values():
        if len(places) >= GROUP and graph.nodes[places[0]].members[0] not in apart:
            for place in places:
                into[place] = places[0]
    kept = sorted(set(into))
    fresh = {place: number for number, place in enumerate(kept)}
    groups: dict[int, list[Node]] = {place: [] for place in kept}
    for place, node in enumerate(graph.nodes):
        groups[into[place]].append(node)
    nodes = tuple(_group(groups[place]) for place in kept)
    links = (
        link._replace(source=fresh[into[link.source]], target=fresh[into[link.target]])
        for link in graph.links
    )
    return Graph(nodes, tuple(_merged(links, nodes)))


def _wirings(graph: Graph) -> list[object]:
    """What each node is joined to: equal for those that could change places."""
    ends: list[Counter[tuple[bool, int, str]]] = [Counter() for _ in graph.nodes]
    for source, target, label, _ in graph.links:
        itself = source == target
        ends[source][True, -1 if itself else target, label] += 1
        ends[target][False, -1 if itself else source, label] += 1
    return [frozenset(each.items()) for each in ends]


def _group(nodes: Sequence[Node]) -> Node:
    if len(nodes) == 1:
        return nodes[0]
    names = [node.name for node in nodes]
    start = _common(names)
    end = _common([name[len(start) :][::-1] for name in names])[::-1]
    name = f"{start}*{end}" if start or end else nodes[0].kind[1]
    return Node(name, nodes[0].kind, tuple(key for node in nodes for key in node.members))


def _common(names: Sequence[str]) -> str:
    """What all the names begin with."""
    alike = takewhile(lambda chars: len(set(chars)) == 1, zip(*names, strict=False))
    return "".join(chars[0] for chars in alike)


def _merged(links: Iterable[Link], groups: Sequence[Node]) -> Iterable[Link]:
    """The links with those as one that grouping has made equal.

    What joins two single routines is left as it is: equal connections are a line each.
    """
    found: dict[object, Link] = {}
    for number, link in enumerate(links):
        source, target, label, edges = link
        single = len(groups[source].members) == len(groups[target].members) == 1
        key = number if single else (source, target, label)
        known = found.get(key)
        found[key] = link if known is None else known._replace(edges=known.edges + edges)
    return found.values()


# neighbourhoods -----------------------------------------------------------------------------------


def around(graph: Graph, centre: int, hops: int) -> Graph:
    """What leads to a node, and what it leads to, within so many steps.

    Nodes at the border know how many of their neighbours are left out.
    """
    into: list[set[int]] = [set() for _ in graph.nodes]
    out: list[set[int]] = [set() for _ in graph.nodes]
    for link in graph.links:
        out[link.source].add(link.target)
        into[link.target].add(link.source)
    near = sorted(_reach(into, centre, hops) | _reach(out, centre, hops))
    fresh = {place: number for number, place in enumerate(near)}
    return Graph(
        tuple(
            graph.nodes[place]._replace(beyond=len((into[place] | out[place]) - fresh.keys()))
            for place in near
        ),
        tuple(
            link._replace(source=fresh[link.source], target=fresh[link.target])
            for link in graph.links
            if link.source in fresh and link.target in fresh
        ),
    )


def _reach(next_to: Sequence[set[int]], start: int, hops: int) -> set[int]:
    reached, edge = {start}, {start}
    for _ in range(hops):
        edge = {other for node in edge for other in next_to[node]} - reached
        reached |= edge
    return reached


# figures ------------------------------------------------------------------------------------------


def figures(node: Node, rows: Mapping[Key, RoutineRow]) -> RoutineRow | None:
    """The row of a node: sums of its members', the worst state, the longest times."""
    found = [rows[key] for key in node.members if key in rows]
    if len(found) <= 1:
        return found[0] if found else None

    def longest(times: Iterable[int | None]) -> int | None:
        return max((time for time in times if time is not None), default=None)

    return found[0]._replace(
        name=node.title,
        state=min((row.state for row in found), key=WORST.index),
        running=sum(row.running for row in found),
        in_rate=sum(row.in_rate for row in found),
        out_rate=sum(row.out_rate for row in found),
        queue=sum(row.queue for row in found),
        wait50=longest(row.wait50 for row in found),
        wait99=longest(row.wait99 for row in found),
        run50=longest(row.run50 for row in found),
        run99=longest(row.run99 for row in found),
        done=sum(row.done for row in found),
        errors=sum(row.errors for row in found),
        dropped=sum(row.dropped for row in found),
        later=sum(row.later for row in found),
        trend=[sum(values) for values in zip(*(row.trend for row in found), strict=False)],
        saturated=any(row.saturated for row in found),
    )
