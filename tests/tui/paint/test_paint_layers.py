from collections import Counter
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from tui.paint.channel import route
from tui.paint.order import arrange, crossings
from tui.paint.ranks import components, layered, loops, rank
from tui.paint.rows import ports, rows

property_test = settings(max_examples=200, deadline=None, derandomize=True)


@st.composite
def wirings(draw, forward=False):
    count = draw(st.integers(1, 20))
    node = st.integers(0, count - 1)
    pairs = draw(st.lists(st.tuples(node, node), max_size=40))
    if forward:
        pairs = [(min(pair), max(pair)) for pair in pairs if pair[0] != pair[1]]
    return count, pairs


@property_test
@given(wirings())
def test_without_its_loops_every_edge_leads_to_a_higher_rank(wiring):
    count, pairs = wiring
    closing = loops(count, pairs)
    kept = [pair for number, pair in enumerate(pairs) if number not in closing]
    ranks = rank(count, kept)
    assert all(ranks[source] < ranks[target] for source, target in kept)


@property_test
@given(wirings(forward=True))
def test_a_graph_without_cycles_has_no_loops(wiring):
    assert loops(*wiring) == set()


def test_the_edge_that_leads_back_to_an_entry_is_the_one_that_closes_the_loop():
    assert loops(4, [(3, 1), (0, 1), (1, 2), (2, 3)]) == {0}


def test_a_source_stands_right_before_its_first_consumer():
    # 0 -> 1 -> 2 -> 3, and 4 feeds only 3.
    assert rank(5, [(0, 1), (1, 2), (2, 3), (4, 3)]) == [0, 1, 2, 3, 2]


def test_connected_parts_come_in_the_order_of_their_first_node():
    assert components(6, [(4, 1), (5, 3)]) == [[0], [1, 4], [2], [3, 5]]


@property_test
@given(wirings(forward=True))
def test_every_link_spans_one_layer_and_together_they_make_up_the_edges(wiring):
    count, pairs = wiring
    graph = layered(count, pairs, rank(count, pairs))
    where = {item: index for index, layer in enumerate(graph.layers) for item in layer}
    assert len(where) == graph.items
    for gap, links in enumerate(graph.links):
        assert all((where[a], where[b]) == (gap, gap + 1) for a, b, _ in links)
    for number, (source, target) in enumerate(pairs):
        chain = [(a, b) for links in graph.links for a, b, edge in links if edge == number]
        assert chain[0][0] == source
        assert chain[-1][1] == target
        assert all(one[1] == other[0] >= count for one, other in pairwise(chain))


@property_test
@given(wirings(forward=True))
def test_arranging_never_adds_crossings_and_only_reorders_layers(wiring):
    count, pairs = wiring
    graph = layered(count, pairs, rank(count, pairs))
    before, members = crossings(graph), [set(layer) for layer in graph.layers]
    arrange(graph)
    assert crossings(graph) <= before
    assert [set(layer) for layer in graph.layers] == members


def test_two_crossed_chains_are_uncrossed():
    graph = layered(4, [(0, 3), (1, 2)], [0, 0, 1, 1])
    graph.layers[1] = [2, 3]
    assert crossings(graph) == 1
    arrange(graph)
    assert crossings(graph) == 0


@property_test
@given(wirings(forward=True), st.integers(0, 1))
def test_items_keep_their_order_without_overlap_and_start_at_row_zero(wiring, inset):
    count, pairs = wiring
    graph = layered(count, pairs, rank(count, pairs))
    heights = [10] * count
    sizes = [10 + 2 * inset] * count + [1] * (graph.items - count)
    tops = rows(graph, ports(graph, heights, boxed=bool(inset)), sizes)
    assert min(tops) == 0
    for layer in graph.layers:
        for upper, lower in pairwise(layer):
            assert tops[upper] + sizes[upper] <= tops[lower]


def cells_of(line, leave, arrive, width):
    """The horizontal and the vertical cells of one line through a gap of `width` columns."""
    across, down, x, y = set(), set(), -1, leave
    for stretch in line:
        assert stretch.leave == y
        across |= {(column, y) for column in range(x + 1, stretch.track)}
        down |= {(stretch.track, row) for row in range(stretch.top, stretch.bottom + 1)}
        x, y = stretch.track, stretch.arrive
    assert y == arrive
    return across | {(column, y) for column in range(x + 1, width)}, down


@property_test
@given(st.lists(st.integers(0, 15), unique=True, max_size=16), st.randoms(use_true_random=False))
def test_lines_through_a_gap_share_cells_only_where_they_cross(left, random):
    right = random.sample(range(16), len(left))
    ends = list(zip(sorted(left), right, strict=True))
    lines, tracks = route(ends)
    flat: Counter[tuple[int, int]] = Counter()
    upright: Counter[tuple[int, int]] = Counter()
    corners: Counter[tuple[int, int]] = Counter()
    for line, pair in zip(lines, ends, strict=True):
        across, down = cells_of(line, *pair, tracks)
        flat.update(across)
        upright.update(down)
        corners.update((one.track, row) for one in line for row in (one.leave, one.arrive))
    assert all(times == 1 for times in (*flat.values(), *upright.values()))
    assert not set(corners) & set(flat)


def test_a_ring_of_lines_is_broken_on_a_free_row_even_when_all_rows_are_taken():
    lines, _ = route([(0, 1), (1, 0)])
    assert sorted(map(len, lines)) == [1, 2]
    assert max(stretch.bottom for line in lines for stretch in line) == 2
