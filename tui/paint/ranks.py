"""Columns of a graph picture: which edges close a loop, and in which layer each node stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

Pair: TypeAlias = tuple[int, int]
"""Source and target of an edge, as indices of nodes."""

Link: TypeAlias = tuple[int, int, int]
"""One layer's worth of a line: item on the left, item on the right, number of the line."""


@dataclass(slots=True)
class Layered:
    """A graph whose every link spans exactly one gap between layers.

    Items are the nodes 0..n-1 and then the dummies: one for each layer that a line passes.
    """

    nodes: int
    layers: list[list[int]]
    links: list[list[Link]]
    """Per gap, that is between layer i and i + 1."""
    ways: list[list[Link]]
    """Per edge, its links from left to right."""

    def left(self, size: int) -> list[list[int]]:
        """For each of `size` items the items that its links come from."""
        found: list[list[int]] = [[] for _ in range(size)]
        for gap in self.links:
            for source, target, _ in gap:
                found[target].append(source)
        return found

    def right(self, size: int) -> list[list[int]]:
        """For each of `size` items the items that its links go to."""
        found: list[list[int]] = [[] for _ in range(size)]
        for gap in self.links:
            for source, target, _ in gap:
                found[source].append(target)
        return found

    @property
    def items(self) -> int:
        """How many items there are, dummies included."""
        return sum(map(len, self.layers))


def loops(nodes: int, edges: Sequence[Pair]) -> set[int]:
    """The numbers of the edges without which the graph has no cycle, self loops among them.

    A depth-first walk from the nodes without input, then from the rest in order, takes an edge
    for a loop when it leads to a node that is still being walked.
    """
    leaving: list[list[int]] = [[] for _ in range(nodes)]
    entered = [False] * nodes
    for number, (source, target) in enumerate(edges):
        leaving[source].append(number)
        if source != target:
            entered[target] = True
    found: set[int] = set()
    walked = [0] * nodes  # 1 while on the path, 2 when done
    for start in sorted(range(nodes), key=entered.__getitem__):
        if walked[start]:
            continue
        walked[start] = 1
        path = [(start, iter(leaving[start]))]
        while path:
            node, rest = path[-1]
            for number in rest:
                target = edges[number][1]
                if walked[target] == 1:
                    found.add(number)
                elif not walked[target]:
                    walked[target] = 1
                    path.append((target, iter(leaving[target])))
                    break
            else:
                walked[node] = 2
                path.pop()
    return found


def components(nodes: int, edges: Sequence[Pair]) -> list[list[int]]:
    """The connected parts, each in node order, ordered by their first node."""
    parent = list(range(nodes))

    def root(node: int) -> int:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for source, target in edges:
        one, other = root(source), root(target)
        parent[max(one, other)] = min(one, other)
    parts: dict[int, list[int]] = {}
    for node in range(nodes):
        parts.setdefault(root(node), []).append(node)
    return list(parts.values())


def rank(nodes: int, edges: Sequence[Pair]) -> list[int]:
    """The layer of each node of an acyclic graph: every edge leads to a higher one.

    Longest path, except that a node without input stands right before its first consumer.
    """
    targets: list[list[int]] = [[] for _ in range(nodes)]
    waiting = [0] * nodes
    for source, target in edges:
        targets[source].append(target)
        waiting[target] += 1
    sources = [node for node in range(nodes) if not waiting[node]]
    ranks = [0] * nodes
    ready = list(sources)
    for node in ready:  # grows while it is walked: topological order
        for target in targets[node]:
            ranks[target] = max(ranks[target], ranks[node] + 1)
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    for node in sources:
        if targets[node]:
            ranks[node] = min(ranks[target] for target in targets[node]) - 1
    lowest = min(ranks, default=0)
    return [value - lowest for value in ranks]


def layered(
    nodes: int, edges: Sequence[Pair], ranks: Sequence[int], lines: Sequence[int] | None = None
) -> Layered:
    """The graph cut into single-layer links, with the layers in order of first visit.

    Args:
        lines: the number of the line that each edge is part of; edges of one line share what they
            pass. None: each edge is a line of its own.
    """
    depth = max(ranks, default=0) + 1
    links: list[dict[Link, None]] = [{} for _ in range(depth - 1)]
    layers: list[list[int]] = [[] for _ in range(depth)]
    ways: list[list[Link]] = []
    passing: dict[tuple[int, int], int] = {}  # the dummy of a line in a layer
    for (source, target), line in zip(edges, lines or range(len(edges)), strict=True):
        left, way = source, []
        for layer in range(ranks[source] + 1, ranks[target]):
            item = passing.get((line, layer))
            if item is None:
                item = passing[line, layer] = nodes + len(passing)
                layers[layer].append(item)
            way.append((left, item, line))
            left = item
        way.append((left, target, line))
        for gap, link in enumerate(way, ranks[source]):
            links[gap][link] = None
        ways.append(way)
    for node in range(nodes):
        layers[ranks[node]].append(node)
    graph = Layered(nodes, layers, [list(gap) for gap in links], ways)
    _first_order(graph)
    return graph


def _first_order(graph: Layered) -> None:
    """Sort each layer by a depth-first walk along the links: chains start out side by side."""
    size = graph.items
    left, right = graph.left(size), graph.right(size)
    seen: dict[int, int] = {}
    for start in sorted(range(size), key=lambda item: (bool(left[item]), item)):
        stack = [start]
        while stack:
            item = stack.pop()
            if item not in seen:
                seen[item] = len(seen)
                stack += reversed(right[item])
    for layer in graph.layers:
        layer.sort(key=seen.__getitem__)
