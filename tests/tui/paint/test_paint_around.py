"""What goes with a graph picture: rates beside its lines, steps from node to node, and a map."""

from __future__ import annotations

from hypothesis import given, settings
from rich.cells import cell_len

from tests.tui.paint.test_paint_graph import drawn, graphs, lines_of, styles, wired
from tui.paint.canvas import text_of
from tui.paint.flags import flags
from tui.paint.layout import Box, Edge, Node, layout, least_size
from tui.paint.minimap import SEEN, UNSEEN, minimap, outline
from tui.paint.steps import step

property_test = settings(max_examples=40, deadline=None, derandomize=True)

# rates --------------------------------------------------------------------------------------------


@property_test
@given(graphs(), styles)
def test_room_above_a_line_holds_nothing_else_and_belongs_to_that_line(graph, style):
    for bundles in (False, True):
        plan = layout(*graph, style=style, head=9, bundles=bundles)
        found = flags(plan, 7)
        rows = drawn(plan)
        text, tags = lines_of(rows), [[t for run, t in row for _ in run] for row in rows]
        cells = set()
        for flag in found:
            place = {(x, flag.y) for x in range(flag.x, flag.x + flag.width)}
            assert not place & cells, "two stand on one another"
            cells |= place
            assert text[flag.y][flag.x : flag.x + flag.width].strip() == ""
            below = tags[flag.y + 1][flag.x : flag.x + flag.width]
            drawn_there = {tag[1] for tag in below if tag[0] == "edge"}
            assert drawn_there & set(flag.edges)
        edges = [edge for flag in found for edge in flag.edges]
        assert bundles or len(edges) == len(set(edges)), "a line has one rate"
        assert found == flags(plan, 7)


def test_a_rate_stands_right_before_the_target_where_the_line_is_long_enough():
    plan, _ = wired("a b", "a>b", head=9)
    (flag,) = flags(plan, 7)
    assert plan.boxes[1].x - flag.x == 7 + 1
    assert flag.edges == (0,)
    assert flags(wired("a b", "a>b")[0], 7) == ()


def test_a_bundle_has_a_rate_on_each_branch_and_one_on_what_is_shared():
    plan, _ = wired("a b c", "a>c b>c", bundles=True, head=9)
    assert [flag.edges for flag in flags(plan, 7)] == [(0, 1)]
    plan, _ = wired("a b c", "a>b a>c", bundles=True, head=9)
    assert {flag.edges for flag in flags(plan, 7)} >= {(0,), (1,)}


# steps --------------------------------------------------------------------------------------------

WAYS = ((1, 0), (-1, 0), (0, 1), (0, -1))


@property_test
@given(graphs(), styles)
def test_every_node_can_be_walked_to_from_the_first(graph, style):
    boxes = layout(*graph, style=style).boxes
    reached, todo = {0}, [0]
    while todo:
        here = todo.pop()
        for way in WAYS:
            there = step(boxes, here, *way)
            if there is not None and there not in reached:
                reached.add(there)
                todo.append(there)
    assert reached == set(boxes)


@property_test
@given(graphs(), styles)
def test_a_step_leads_into_its_direction(graph, style):
    boxes = layout(*graph, style=style).boxes
    for key, box in boxes.items():
        for dx, dy in WAYS:
            there = step(boxes, key, dx, dy)
            if there is not None:
                other = boxes[there]
                assert dx <= 0 or other.x >= box.x + box.width
                assert dx >= 0 or other.x + other.width <= box.x
                assert dy <= 0 or other.y >= box.y + box.height
                assert dy >= 0 or other.y + other.height <= box.y


def test_a_step_goes_straight_on_before_it_goes_aside():
    boxes = {
        0: Box(0, 4, 5, 3),
        1: Box(20, 4, 5, 3),  # further away, but on the same rows
        2: Box(10, 0, 5, 3),
        3: Box(0, 9, 5, 3),
        4: Box(2, 30, 5, 3),
    }
    assert step(boxes, 0, 1, 0) == 1
    assert step(boxes, 0, 0, 1) == 3
    assert step(boxes, 3, 0, 1) == 4
    assert step(boxes, 0, -1, 0) is None


# the map ------------------------------------------------------------------------------------------

FOUR = {1: Box(0, 0, 4, 2), 2: Box(12, 0, 4, 2), 3: Box(0, 6, 4, 2), 4: Box(12, 6, 4, 2)}


def test_a_map_has_two_dots_to_a_cell():
    small = minimap(FOUR, {1}, columns=4, rows=2)
    assert text_of(small.rows) == ["▀  ▀", "▄  ▄"]
    assert small.rows[0][0] == ("▀", SEEN)
    assert small.rows[0][-1] == ("▀", UNSEEN)
    assert (small.across, small.down) == (range(1), range(1))
    assert text_of(minimap(FOUR, {1}, columns=4, rows=1, ascii=True).rows) == [":  :"]
    assert text_of(minimap(FOUR, {1}, columns=4, rows=2, ascii=True).rows) == ["'  '", ".  ."]


def test_a_map_tells_which_part_of_it_is_on_the_screen():
    small = minimap(FOUR, {1, 4}, columns=8, rows=4)
    assert (small.across, small.down) == (range(8), range(4))
    assert minimap(FOUR, (), columns=8, rows=4).across == range(0)


@property_test
@given(graphs(), styles)
def test_a_map_shows_every_node_within_its_size(graph, style):
    boxes = layout(*graph, style=style).boxes
    for ascii in (False, True):
        for key in boxes:
            small = minimap(boxes, {key}, columns=24, rows=6, ascii=ascii)
            assert any(tag == SEEN for row in small.rows for _, tag in row)
            assert len(small.rows) <= 6
            widths = {sum(cell_len(text) for text, _ in row) for row in small.rows}
            assert len(widths) == 1
            assert max(widths) <= 24


@property_test
@given(graphs(), styles)
def test_the_outline_has_every_node_apart_and_in_the_order_of_the_layout(graph, style):
    nodes, edges = graph
    pairs = [(edge.source // 7, edge.target // 7) for edge in edges]
    boxes = outline(len(nodes), pairs)
    assert len(set(boxes.values())) == len(nodes)
    plan = layout(nodes, edges, style=style)
    for wire in plan.wires:
        assert boxes[wire.edge.source // 7].x < boxes[wire.edge.target // 7].x


# sizes --------------------------------------------------------------------------------------------


@property_test
@given(graphs(), styles)
def test_no_layout_is_smaller_than_the_least_size(graph, style):
    width, height = least_size(*graph, style=style)
    for options in ({}, {"bundles": True}, {"back": True}):
        plan = layout(*graph, style=style, **options)
        assert (plan.width >= width, plan.height >= height) == (True, True)


def test_the_least_size_of_a_chain_is_its_size():
    nodes = [Node(key, 5) for key in range(4)]
    edges = [Edge(key, key, key + 1) for key in range(3)]
    for style in ("box", "row"):
        plan = layout(nodes, edges, style=style)
        assert least_size(nodes, edges, style=style) == (plan.width, plan.height)
