from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.tui.paint.trace import trace
from tui.paint.canvas import text_of
from tui.paint.graph import Window, loop_row, paint
from tui.paint.layout import Edge, Layout, Node, layout

WEIGHTS = ("idle", "busy", "hot")
property_test = settings(max_examples=150, deadline=None, derandomize=True)
#: For what follows from the same code as something that the others check.
short_test = settings(max_examples=50, deadline=None, derandomize=True)


@st.composite
def graphs(draw, most=25):
    count = draw(st.integers(1, most))
    nodes = [
        Node(key * 7, draw(st.integers(1, 9)), draw(st.integers(1, 3))) for key in range(count)
    ]
    ends = st.integers(0, count - 1).map(lambda index: index * 7)
    pairs = draw(st.lists(st.tuples(ends, ends), max_size=2 * count))
    return nodes, [Edge(100 + number, *pair) for number, pair in enumerate(pairs)]


styles = st.sampled_from(["box", "row"])


def drawn(plan, names=None, **options):
    def label(key):
        return [[((names or {}).get(key, "n" * 3), ("name", key))]]

    return paint(plan, label, **options).rows()


def lines_of(rows):
    return ["".join(text for text, _ in row) for row in rows]


def wired(names, arrows, style="box", **how):
    keys = {name: key for key, name in enumerate(names.split())}
    nodes = [Node(key, len(name)) for name, key in keys.items()]
    pairs = [arrow.split(">") for arrow in arrows.split()]
    edges = [Edge(number, keys[a], keys[b]) for number, (a, b) in enumerate(pairs)]
    plan = layout(nodes, edges, style=style, **how)
    return plan, {key: name for name, key in keys.items()}


def picture(names, arrows, style="box", **options):
    plan, labels = wired(names, arrows, style)
    return text_of(drawn(plan, labels, **options))


def joined(plan, rows):
    """What the picture says, and what is wired and drawn."""
    pairs = [(edge.source, edge.target) for edge in (wire.edge for wire in plan.wires)]
    return trace(rows, plan.boxes), Counter(pairs)


def weighted(plan, **options):
    return lines_of(drawn(plan, edge_weight=lambda key: WEIGHTS[key % 3], **options))


@property_test
@given(graphs(), styles, st.booleans())
def test_following_the_glyphs_reaches_exactly_the_edges_of_the_graph(graph, style, back):
    nodes, edges = graph
    plan = layout(nodes, edges, style=style, back=back)
    seen, wired = joined(plan, weighted(plan))
    assert seen == wired
    undrawn = {edge for edge in edges if edge in plan.loops}
    assert sorted([w.edge for w in plan.wires] + sorted(undrawn)) == sorted(edges)
    if back:
        assert all(edge.source == edge.target for edge in undrawn), "only these have no line then"


@property_test
@given(graphs(), styles, st.booleans())
def test_no_branch_of_a_bundle_leads_to_where_no_edge_does(graph, style, back):
    nodes, edges = graph
    plan = layout(nodes, edges, style=style, back=back, bundles=True)
    seen, wired = joined(plan, weighted(plan, lit=[edge.key for edge in edges[::2]]))
    assert set(seen) == set(wired)


KINDS = {
    "a long edge": ("a b c d e", "a>b b>c c>d d>e a>e"),
    "a cycle": ("a b c", "a>b b>c c>a"),
    "two cycles through one node": ("a b c d", "a>b b>a b>c c>d d>b"),
    "a node that feeds itself": ("a b", "a>a a>b b>b"),
    "parallel edges": ("a b c", "a>b a>b a>b b>c a>c a>c"),
    "parallel edges that lead back": ("a b", "a>b b>a b>a"),
    "fan-in": ("a b c d e", "a>e b>e c>e d>e"),
    "fan-out": ("a b c d e", "a>b a>c a>d a>e"),
    "both at once": ("a b c x y z", "a>x a>y a>z b>x b>y b>z c>x c>y c>z"),
    "lines that swap rows": ("a b c d", "a>d b>c b>d a>c"),
    "two graphs and a lone node": ("a b c d e", "a>b c>d"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_picture_of_each_kind_of_wiring_can_be_followed(kind):
    """Kinds that a random graph could miss, in each way of drawing them."""
    for style in ("box", "row"):
        for back in (False, True):
            for bundles in (False, True):
                plan, _ = wired(*KINDS[kind], style, back=back, bundles=bundles)
                seen, edges = joined(plan, weighted(plan))
                assert set(seen) == set(edges)
                assert bundles or seen == edges


@property_test
@given(graphs(), styles, st.booleans())
def test_every_line_carries_the_tag_of_its_edge_from_port_to_arrowhead(graph, style, back):
    nodes, edges = graph
    plan = layout(nodes, edges, style=style, back=back)
    rows = drawn(plan)
    tags = [[tag for text, tag in row for _ in text] for row in rows]
    for wire in plan.wires:
        (x0, y0), (x1, y1) = wire.points[0], wire.points[-1]
        assert tags[y0][x0] == tags[y1][x1] == ("edge", wire.edge.key)
        ends = [plan.at(x0 - 1, y0), plan.at(x1 + 1, y1)]
        assert ends[:: -1 if wire.back else 1] == [wire.edge.source, wire.edge.target]


@short_test
@given(graphs(), styles)
def test_the_lit_edges_of_a_bundle_are_tagged_on_their_whole_way(graph, style):
    nodes, edges = graph
    plan = layout(nodes, edges, style=style, bundles=True)
    if not plan.wires:
        return
    wire = plan.wires[len(plan.wires) // 2]
    rows = drawn(plan, lit={wire.edge.key})
    tags = [[tag for text, tag in row for _ in text] for row in rows]
    assert all(tags[y][x] == ("edge", wire.edge.key) for x, y in wire.points)


@short_test
@given(graphs(8), styles, st.integers(-3, 30), st.integers(-3, 9), st.integers(1, 40))
def test_a_window_shows_just_its_part_of_the_picture(graph, style, x, y, width):
    plan = layout(*graph, style=style)
    names = dict.fromkeys(plan.boxes, "宽n")
    whole = drawn(plan, names)
    rows = drawn(plan, names, window=Window(x, y, width, 5))
    assert len(rows) == 5
    for at, row in enumerate(lines_of(rows), y):
        assert cell_len(row) == width
        full = "".join(text for text, _ in whole[at]) if 0 <= at < len(whole) else ""
        cells = [c for char in full for c in (char, *[""] * (cell_len(char) - 1))]
        for place, char in enumerate(c for ch in row for c in (ch, *[""] * (cell_len(ch) - 1))):
            inside = 0 <= x + place < len(cells)
            expected = cells[x + place] if inside else " "
            assert char == expected or (char == " " and expected in ("宽", "")), (at, place)


@property_test
@given(graphs(), styles)
def test_no_two_nodes_overlap_and_no_line_runs_through_one(graph, style):
    nodes, edges = graph
    plan = layout(nodes, edges, style=style)
    taken = set()
    for node in nodes:
        box = plan.boxes[node.key]
        cells = {
            (x, y)
            for x in range(box.x, box.x + box.width)
            for y in range(box.y, box.y + box.height)
        }
        assert not cells & taken
        assert box.x + box.width <= plan.width
        assert box.y + box.height <= plan.height
        taken |= cells
    for wire in plan.wires:
        for (x0, y0), (x1, y1) in pairwise(wire.points):
            line = {
                (x, y)
                for x in range(min(x0, x1), max(x0, x1) + 1)
                for y in range(min(y0, y1), max(y0, y1) + 1)
            }
            assert not line & taken


@property_test
@given(graphs(), styles)
def test_every_box_has_room_for_its_label_and_one_port_row_per_edge(graph, style):
    nodes, edges = graph
    plan = layout(nodes, edges, style=style)
    frame_columns, frame_rows = (4, 2) if style == "box" else (2, 0)
    leaving = Counter(wire.edge.source for wire in plan.wires)
    arriving = Counter(wire.edge.target for wire in plan.wires)
    for node in nodes:
        box = plan.boxes[node.key]
        assert box.width >= node.width + frame_columns
        assert box.height - frame_rows == max(node.lines, leaving[node.key], arriving[node.key])


@property_test
@given(graphs(), styles)
def test_the_edges_that_are_not_drawn_are_those_that_close_a_loop(graph, style):
    nodes, edges = graph
    plan = layout(nodes, edges, style=style)
    assert sorted([wire.edge for wire in plan.wires] + list(plan.loops)) == sorted(edges)
    for wire in plan.wires:
        assert plan.boxes[wire.edge.source].x < plan.boxes[wire.edge.target].x
    assert all(edge in plan.loops for edge in edges if edge.source == edge.target)


@property_test
@given(graphs(), styles)
def test_the_same_graph_is_laid_out_the_same_way_every_time(graph, style):
    nodes, edges = graph
    assert layout(nodes, edges, style=style) == layout(list(nodes), list(edges), style=style)


@property_test
@given(graphs(8), styles, st.text(max_size=12), st.booleans())
def test_every_row_is_as_wide_as_the_layout_whatever_the_names_contain(graph, style, name, plain):
    nodes, edges = graph
    plan = layout(nodes, edges, style=style)
    rows = paint(plan, lambda key: [[(name, ("name",))]] * 2, ascii=plain).rows()
    assert len(rows) == plan.height
    assert {cell_len(line) for line in lines_of(rows)} <= {plan.width}


@property_test
@given(graphs(8), styles)
def test_neighbouring_runs_never_have_the_same_tag(graph, style):
    plan = layout(*graph, style=style)
    for row in drawn(plan):
        assert all(one[1] != other[1] for one, other in pairwise(row))


@property_test
@given(graphs(8), styles)
def test_live_updates_move_no_line_and_no_box(graph, style):
    plan = layout(*graph, style=style)

    def skeleton(rows):
        return [
            [tag if tag[0] == "edge" else "-" for text, tag in row for _ in text] for row in rows
        ]

    before = drawn(plan, edge_weight=lambda key: "idle", selected=None)
    after = drawn(plan, {0: "new", 7: ""}, edge_weight=lambda key: "hot", selected=0)
    assert skeleton(before) == skeleton(after)


@property_test
@given(graphs(8), styles)
def test_the_ascii_picture_holds_nothing_but_ascii(graph, style):
    plan = layout(*graph, style=style)
    rows = drawn(plan, edge_weight=lambda key: WEIGHTS[key % 3], selected=0, ascii=True)
    assert all(line.isascii() for line in lines_of(rows))


def test_a_pipeline_with_feedback_is_drawn_compactly_and_names_its_loop():
    wiring = (
        "src fetch parse retry sink",
        ("src>fetch fetch>parse parse>retry parse>sink fetch>sink retry>fetch"),
    )
    assert picture(*wiring) == [
        "╭─────╮   ╭───────╮    ╭───────╮    ╭───────╮",
        "│ src │──▶│ fetch │───▶│ parse │───▶│ retry │",
        "╰─────╯   │       │─┐  │       │─┐  ╰─────↺─╯",
        "          ╰───────╯ │  ╰───────╯ │  ╭───────╮",
        "                    │            └─▶│ sink  │",
        "                    └──────────────▶│       │",
        "                                    ╰───────╯",
    ]
    plan, names = wired(*wiring)
    assert plan.loops == (Edge(5, 3, 1),)
    assert loop_row(plan.loops[0], names.get, cells=20) == (("retry ↺ fetch       ", ("loop", 5)),)


def test_fan_in_ends_on_a_port_row_per_edge():
    names = "fetcher0 fetcher1 fetcher2 fetcher3 fetcher4 processor collector"
    arrows = " ".join(f"fetcher{i}>processor" for i in range(5)) + " processor>collector"
    assert picture(names, arrows, "row") == [
        "▌fetcher0▐──▶▌processor▐──▶▌collector▐",
        "▌fetcher1▐──▶▌         ▐",
        "▌fetcher2▐──▶▌         ▐",
        "▌fetcher3▐──▶▌         ▐",
        "▌fetcher4▐──▶▌         ▐",
    ]


def test_the_label_of_a_box_stands_in_the_middle_of_its_ports():
    assert picture("a b c join", "a>join b>join c>join") == [
        "╭───╮",
        "│ a │─┐",
        "╰───╯ │  ╭──────╮",
        "╭───╮ └─▶│      │",
        "│ b │───▶│ join │",
        "╰───╯ ┌─▶│      │",
        "╭───╮ │  ╰──────╯",
        "│ c │─┘",
        "╰───╯",
    ]


def test_a_row_node_marks_the_source_of_a_loop_in_place_of_its_right_border():
    assert picture("a b", "a>b b>a", "row") == ["▌a▐──▶▌b↺"]
    assert picture("a b", "a>b b>a", "row", ascii=True) == ["[a]-->[b@"]


def test_parallel_edges_each_get_their_own_ports():
    assert picture("a b c", "a>b a>b b>c a>c", "row") == [
        "▌a▐──▶▌b▐───▶▌c▐",
        "▌ ▐──▶▌ ▐ ┌─▶▌ ▐",
        "▌ ▐───────┘",
    ]


def test_two_lines_that_swap_rows_cross_once_by_way_of_a_free_row():
    rows = picture("a b c d", "a>d b>c b>d a>c")
    assert sum(row.count("─│─") for row in rows) == 1


def test_the_weight_of_a_line_shows_in_its_glyphs():
    weights = dict(enumerate(WEIGHTS))
    rows = picture("a b c d", "a>d b>d c>d", "row", edge_weight=weights.get)
    assert rows == ["▌a▐──▶▌d▐", "▌b▐══▶▌ ▐", "▌c▐━━▶▌ ▐"]
    rows = picture("a b c d", "a>d b>d c>d", "row", edge_weight=weights.get, ascii=True)
    assert rows == ["[a]-->[d]", "[b]==>[ ]", "[c]##>[ ]"]


def test_the_selected_node_differs_in_shape_as_well_as_in_tag():
    plan, names = wired("a b", "a>b")
    rows = drawn(plan, names, selected=1)
    assert text_of(rows) == ["╭───╮   ┏━━━┓", "│ a │──▶┃ b ┃", "╰───╯   ┗━━━┛"]
    assert rows[0][0][1] == ("border", 0, 0)
    assert rows[0][-1][1] == ("border", 1, 1)
    assert text_of(drawn(plan, names, selected=1, ascii=True)) == [
        "+---+   *===*",
        "| a |-->* b *",
        "+---+   *===*",
    ]


def test_nodes_without_lines_stand_side_by_side_below_the_picture():
    assert picture("a b c d", "a>b", "row") == ["▌a▐──▶▌b▐", "▌c▐  ▌d▐"]


def test_a_label_of_several_lines_keeps_the_tags_of_its_runs():
    plan = layout([Node(1, 6, 2)], [])
    rows = paint(
        plan, lambda key: [[("● ", ("state", 1)), ("proc", ("name", 1))], [("q9", ("q",))]]
    ).rows()
    assert text_of(rows) == ["╭────────╮", "│ ● proc │", "│ q9     │", "╰────────╯"]
    assert (("● ", ("state", 1))) in rows[1]


def test_a_click_finds_the_node_below_it():
    plan, _ = wired("a b", "a>b")
    assert (plan.at(0, 0), plan.at(6, 1), plan.at(9, 1)) == (0, None, 1)


def test_a_loop_can_be_drawn_as_a_line_that_leads_back():
    plan, names = wired("a b c", "a>b b>c c>a", "row", back=True)
    assert text_of(drawn(plan, names)) == ["▌a▐──▶▌b▐──▶▌c▐", "▌ ▐◀────────▌ ▐"]
    assert text_of(drawn(plan, names, ascii=True)) == ["[a]-->[b]-->[c]", "[ ]<--------[ ]"]


def test_bundles_are_lines_with_branches():
    plan, names = wired("a b c d", "a>b a>c a>d", "row", bundles=True)
    assert text_of(drawn(plan, names)) == ["    ┌─▶▌b▐", "▌a▐─┼─▶▌c▐", "    └─▶▌d▐"]
    plan, names = wired("a b c d", "a>d b>d c>d", "row", bundles=True)
    assert text_of(drawn(plan, names)) == ["▌a▐─┐", "▌b▐─┼─▶▌d▐", "▌c▐─┘"]


def test_what_several_edges_share_is_drawn_as_the_busiest():
    plan, names = wired("a b c", "a>b a>c", "row", bundles=True)
    rows = text_of(drawn(plan, names, edge_weight={0: "idle", 1: "hot"}.get))
    assert rows == ["▌a▐━┳─▶▌b▐", "    ┗━▶▌c▐"]


def test_a_layout_cannot_be_changed():
    plan, _ = wired("a b", "a>b")
    with pytest.raises(TypeError):
        plan.boxes[0] = None
    with pytest.raises(AttributeError):
        plan.width = 3
    assert replace(plan, width=99) != plan


def test_an_empty_graph_is_an_empty_picture():
    assert layout([], []) == Layout("box", 0, 0, {}, (), ())
    assert drawn(layout([], [])) == ()


def test_an_edge_to_nowhere_is_refused():
    with pytest.raises(KeyError):
        layout([Node(1, 3)], [Edge(1, 1, 2)])


@pytest.mark.parametrize("style", ["box", "row"])
def test_a_chain_of_thousands_of_nodes_needs_no_recursion(style):
    nodes = [Node(key, 1) for key in range(2000)]
    edges = [Edge(key, key, key + 1) for key in range(1999)] + [Edge(1999, 1999, 0)]
    plan = layout(nodes, edges, style=style)
    assert plan.height == (3 if style == "box" else 1)
    assert plan.loops == (edges[-1],)
