"""The wiring as nodes and links: groups of equal routines, neighbourhoods, and summed figures."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tui.building import MS, SECOND, World, flow_info, watching
from tui.model.graph import GROUP, Graph, Link, around, figures, folded, wired
from tui.model.monitor import Monitor
from tui.model.rows import State

property_test = settings(max_examples=80, deadline=None, derandomize=True)


def monitor_of(*wires: str, same: str = "", routines: tuple[str, ...] = ()) -> Monitor:
    """``a>b`` wires; routines whose name begins with a letter of ``same`` share a class."""
    flow = flow_info([(*_ends(wire), "in") for wire in wires], routines=routines)
    infos = [
        info.__class__(*[*_fields(info)[:2], _cls(info.id, same), *_fields(info)[3:]])
        for info in flow.routines
    ]
    monitor = watching()
    flow = type(flow)(flow.number, flow.id, flow.strategy, flow.workers, tuple(infos), flow.edges)
    monitor.apply(World(flow).snapshot())
    return monitor


def _ends(wire: str) -> tuple[str, str, str]:
    source, target = wire.split(">")
    return source, "out", target


def _fields(info: object) -> list[object]:
    return [getattr(info, name) for name in info.__struct_fields__]  # type: ignore[attr-defined]


def _cls(name: str, same: str) -> str:
    return name[0].upper() if name[0] in same else name.title()


def graph_of(*wires: str, same: str = "", routines: tuple[str, ...] = ()) -> Graph:
    run = monitor_of(*wires, same=same, routines=routines).run
    return wired(run.routines(), run.edges())


def names(graph: Graph) -> list[str]:
    return [node.title for node in graph.nodes]


def arrows(graph: Graph) -> list[str]:
    return [f"{graph.nodes[a].name}>{graph.nodes[b].name}" for a, b, _, _ in graph.links]


# groups -------------------------------------------------------------------------------------------


def test_routines_of_equal_wiring_become_one_node_with_one_line() -> None:
    wires = [f"fetch{n}>parse" for n in range(4)] + ["parse>store"]
    graph = folded(graph_of(*wires, same="f"))
    assert names(graph) == ["fetch* x4", "parse", "store"]
    assert arrows(graph) == ["fetch*>parse", "parse>store"]
    assert graph.links[0].edges == (1, 2, 3, 4)
    assert graph.place((1, 2)) == 0
    assert graph.place((1, 99)) is None


def test_a_pair_is_no_group_and_neither_are_routines_of_different_classes() -> None:
    wires = [f"fetch{n}>parse" for n in range(GROUP)]
    assert len(folded(graph_of(*wires)).nodes) == GROUP + 1
    assert len(folded(graph_of(*wires[: GROUP - 1], same="f")).nodes) == GROUP


def test_other_targets_other_sources_or_other_ports_make_no_group() -> None:
    wires = ["f1>x", "f2>x", "f3>y"]
    assert len(folded(graph_of(*wires, same="f")).nodes) == 5
    wires = ["f1>x", "f2>x", "f3>x", "s>f3"]
    assert len(folded(graph_of(*wires, same="f")).nodes) == 5
    flow = flow_info([("f1", "out", "x", "in"), ("f2", "out", "x", "in"), ("f3", "o", "x", "in")])
    monitor = watching()
    monitor.apply(World(flow).snapshot())
    assert len(folded(wired(monitor.run.routines(), monitor.run.edges())).nodes) == 4


def test_groups_that_feed_each_other_are_joined_by_one_line() -> None:
    wires = [f"f{a}>p{b}" for a in range(3) for b in range(3)] + [f"p{b}>x" for b in range(3)]
    graph = folded(graph_of(*wires, same="fp"))
    assert names(graph) == ["f* x3", "p* x3", "x"]
    assert arrows(graph) == ["f*>p*", "p*>x"]
    assert len(graph.links[0].edges) == 9


def test_routines_that_each_feed_themselves_are_equal() -> None:
    wires = [w for n in range(3) for w in (f"f{n}>x", f"f{n}>f{n}")]
    graph = folded(graph_of(*wires, same="f"))
    assert arrows(graph) == ["f*>x", "f*>f*"]


def test_routines_without_connections_are_grouped_by_class() -> None:
    graph = folded(graph_of("a>b", same="s", routines=("s1", "s2", "s3", "lone")))
    assert names(graph) == ["s* x3", "lone", "a", "b"]


def test_a_group_without_a_common_name_is_called_by_its_class() -> None:
    flow = flow_info([(name, "out", "x", "in") for name in ("paul", "john", "ringo")])
    run = watching().run
    run.apply(World(flow).snapshot())
    graph = wired([row._replace(cls="Beatle") for row in run.routines()], run.edges())
    assert names(folded(graph)) == ["Beatle x3", "x"]


def test_a_group_can_be_taken_apart_and_parallel_connections_stay_apart() -> None:
    wires = [f"fetch{n}>parse" for n in range(3)] + ["parse>store", "parse>store"]
    graph = graph_of(*wires, same="f")
    assert folded(graph, apart={(1, 0)}) == graph
    assert arrows(folded(graph)) == ["fetch*>parse", "parse>store", "parse>store"]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    count = draw(st.integers(1, 12))
    pairs = draw(st.lists(st.tuples(*[st.integers(0, count - 1)] * 2), max_size=20))
    classes = draw(st.lists(st.sampled_from("ABB"), min_size=count, max_size=count))
    flow = flow_info(
        [(f"r{a}", "out", f"r{b}", "in") for a, b in pairs],
        routines=[f"r{n}" for n in range(count)],
    )
    run = watching().run
    run.apply(World(flow).snapshot())
    rows = [row._replace(cls=classes[row.key[1]]) for row in run.routines()]
    return wired(rows, run.edges())


@property_test
@given(graphs())
def test_folding_loses_no_routine_and_no_connection_and_is_the_same_each_time(
    graph: Graph,
) -> None:
    fold = folded(graph)
    assert fold == folded(graph)
    keys = [key for node in fold.nodes for key in node.members]
    assert sorted(keys) == sorted(key for node in graph.nodes for key in node.members)
    edges = Counter(edge for link in fold.links for edge in link.edges)
    assert edges == Counter(edge for link in graph.links for edge in link.edges)
    ends = {link.edges[0]: link for link in graph.links}
    for link in fold.links:
        for edge in link.edges:
            real = ends[edge]
            assert graph.nodes[real.source].members[0] in fold.nodes[link.source].members
            assert graph.nodes[real.target].members[0] in fold.nodes[link.target].members
    for node in fold.nodes:
        assert len(node.members) == 1 or len(node.members) >= GROUP


@property_test
@given(graphs())
def test_members_of_a_group_could_change_places(graph: Graph) -> None:
    """Every member has the very connections that the group's lines stand for."""
    fold = folded(graph)
    for node in fold.nodes:
        sides = {tuple(_wires_of(graph, graph.place(key))) for key in node.members}
        assert len(sides) == 1


def _wires_of(graph: Graph, place: int | None) -> list[tuple[str, object, str]]:
    found: list[tuple[str, object, str]] = []
    for link in graph.links:
        if link.source == place:
            found.append(("to", _other(link.target, place), link.label))
        if link.target == place:
            found.append(("from", _other(link.source, place), link.label))
    return sorted(found, key=repr)


def _other(place: int, here: int | None) -> object:
    return "self" if place == here else place


# neighbourhoods -----------------------------------------------------------------------------------


def test_a_neighbourhood_is_what_feeds_a_node_and_what_it_feeds() -> None:
    graph = graph_of("a>b", "b>c", "c>d", "d>e", "x>d", "c>y")
    near = around(graph, graph.place((1, 2)) or 0, 1)
    assert names(near) == ["b", "c", "d", "y"]
    assert arrows(near) == ["b>c", "c>d", "c>y"]
    assert [node.beyond for node in near.nodes] == [1, 0, 2, 0]  # a; e and x
    assert around(graph, 2, 9).nodes[-1].beyond == 0


def test_a_neighbourhood_leaves_out_what_only_shares_a_target() -> None:
    graph = graph_of("a>d", "b>d", "c>d")
    near = around(graph, 0, 3)
    assert names(near) == ["a", "d"]
    assert near.nodes[1].beyond == 2


def test_a_neighbourhood_follows_loops_both_ways() -> None:
    graph = graph_of("a>b", "b>c", "c>a", "c>d")
    assert names(around(graph, 0, 1)) == ["a", "b", "c"]


@property_test
@given(graphs(), st.integers(0, 4))
def test_more_hops_show_more_and_what_is_left_out_is_counted(graph: Graph, hops: int) -> None:
    near, wider = around(graph, 0, hops), around(graph, 0, hops + 1)
    keys = {node.members[0] for node in near.nodes}
    assert graph.nodes[0].members[0] in keys
    assert keys <= {node.members[0] for node in wider.nodes}
    neighbours: dict[object, set[object]] = {}
    for link in graph.links:
        one, other = graph.nodes[link.source].members[0], graph.nodes[link.target].members[0]
        neighbours.setdefault(one, set()).add(other)
        neighbours.setdefault(other, set()).add(one)
    for node in near.nodes:
        assert node.beyond == len(neighbours.get(node.members[0], set()) - keys)
    kept = [link for link in graph.links if _inside(graph, link, keys)]
    assert [link.edges for link in near.links] == [link.edges for link in kept]


def _inside(graph: Graph, link: Link, keys: set[tuple[int, int]]) -> bool:
    return {graph.nodes[link.source].members[0], graph.nodes[link.target].members[0]} <= keys


# figures ------------------------------------------------------------------------------------------


def test_a_group_has_the_sums_of_its_members_and_the_worst_state() -> None:
    wires = [(f"f{n}", "out", "x", "in") for n in range(3)]
    flow = flow_info(wires, entries=("f0", "f1", "f2"))
    world, monitor = World(flow), watching()
    monitor.apply(world.snapshot())
    world.handle(1, 4, run=2 * MS, times=10).handle(2, 5, run=9 * MS, times=30)
    world.handle(2, 5, failed=True).count(1, 6, queued=7)
    monitor.apply(world.wait(SECOND).snapshot())
    rows = {row.key: row._replace(cls="F") for row in monitor.run.routines()}
    graph = folded(wired(rows.values(), monitor.run.edges()))
    row = figures(graph.nodes[0], rows)
    assert row is not None
    members = [rows[key] for key in graph.nodes[0].members]
    assert (row.name, row.queue, row.done, row.errors) == ("f* x3", 7, 41, 1)
    assert row.in_rate == sum(member.in_rate for member in members)
    assert row.run99 == max(members[0].run99 or 0, members[1].run99 or 0)
    assert {member.state for member in members} == {State.IDLE, State.FAILED, State.QUEUED}
    assert row.state is State.FAILED
    assert row.trend == [sum(values) for values in zip(*(m.trend for m in members), strict=True)]


def test_a_single_node_has_the_row_of_its_routine_and_one_that_was_not_there_has_none() -> None:
    run = monitor_of("a>b").run
    graph, rows = wired(run.routines(), run.edges()), {row.key: row for row in run.routines()}
    assert figures(graph.nodes[1], rows) is rows[1, 1]
    assert figures(graph.nodes[1], {}) is None
