"""Worlds of many routines: a build of two hundred steps, and fetchers that are all alike."""

from __future__ import annotations

from random import Random

from tests.tui.building import SECOND, World, flow_info
from tui.session.messages import FlowInfo, RoutineInfo, Snapshot

NODES, EDGES = 200, 315


def build_graph(nodes: int = NODES, edges: int = EDGES, back: int = 0) -> FlowInfo:
    """A graph as builds have it: each step needs one of the twenty before it, some need more.

    Args:
        back: edges that lead back, to a step right before.
    """
    random = Random(4)
    pairs = [(random.randrange(max(0, step - 20), step), step) for step in range(1, nodes)]
    while len(pairs) < edges - back:
        source = random.randrange(nodes - 1)
        pairs.append((source, random.randrange(source + 1, min(nodes, source + 24))))
    pairs += [(step + 1, step) for step in range(back)]
    wires = [(f"step{a:03}", "done", f"step{b:03}", f"from{a:03}") for a, b in pairs]
    return flow_info(wires, id="build", entries=("step000",))


def large(flow: FlowInfo | None = None) -> list[Snapshot]:
    """Two looks at it, a second apart."""
    world = World(flow or build_graph())
    first = world.snapshot()
    for edge in range(1, len(world.flows[0].edges)):
        world.handle(1 + edge % 4, edge, times=(7 * edge) % 30)
    return [first, world.wait(SECOND).snapshot()]


def fetchers(number: int = 4) -> FlowInfo:
    """So many fetchers of one class -> parse -> store."""
    wires = [(f"fetcher{n}", "page", "parse", "page") for n in range(number)]
    flow = flow_info([*wires, ("parse", "row", "store", "row")], id="fetch")
    infos = tuple(_of_class(info, "Fetcher") for info in flow.routines)
    return FlowInfo(flow.number, flow.id, flow.strategy, flow.workers, infos, flow.edges)


def _of_class(info: RoutineInfo, cls: str) -> RoutineInfo:
    values = {name: getattr(info, name) for name in info.__struct_fields__}
    if info.id.startswith(cls.lower()):
        values["cls"] = cls
    return RoutineInfo(**values)
