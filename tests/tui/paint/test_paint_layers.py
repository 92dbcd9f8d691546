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


@property_test
@given(wirings(forward=True), st.integers(1, 5))
def test_edges_of_one_line_share_its_dummies_and_each_still_has_its_way(wiring, groups):
    count, pairs = wiring
    lines = [source % groups for source, _ in pairs]
    graph = layered(count, pairs, rank(count, pairs), lines)
    where = {item: index for index, layer in enumerate(graph.layers) for item in layer}
    passed = [(line, where[b]) for gap in graph.links for _, b, line in gap if b >= count]
    dummies = {b for gap in graph.links for _, b, _ in gap if b >= count}
    assert len(dummies) == len(set(passed)), "one dummy for each layer that a line passes"
    for (source, target), way in zip(pairs, graph.ways, strict=True):
        assert (way[0][0], way[-1][1]) == (source, target)
        assert all(one[1] == other[0] for one, other in pairwise(way))
        assert all(link in graph.links[where[link[0]]] for link in way)


@st.composite
def gaps(draw, most=16):
    """Lines through a gap, some with several rows on one side: a bundle has one root."""
    left = draw(st.permutations(range(most)))
    right = draw(st.permutations(range(most)))
    ends = []
    for leaves, arrives in draw(
        st.lists(st.sampled_from([(1, 1), (1, 1), (1, 3), (2, 1), (4, 1)]), max_size=6)
    ):
        if leaves > len(left) or arrives > len(right):
            break
        ends.append((tuple(left[:leaves]), tuple(right[:arrives])))
        left, right = left[leaves:], right[arrives:]
    return ends


def cells_of(line, leave, arrive, width):
    """The horizontal, the vertical and the joint cells of a line in a gap of `width` columns."""
    if not line:
        assert leave == arrive
        return [(x, leave[0]) for x in range(width)], [], []
    assert (line[0].leave, line[-1].arrive) == (leave, arrive)
    across = [(x, y) for y in leave for x in range(line[0].track)]
    across += [(x, y) for y in arrive for x in range(line[-1].track + 1, width)]
    if len(line) == 2:
        (row,) = line[0].arrive
        assert line[1].leave == (row,)
        across += [(x, row) for x in range(line[0].track + 1, line[1].track)]
    down = [(one.track, row) for one in line for row in range(one.top, one.bottom + 1)]
    joints = [(one.track, row) for one in line for row in (*one.leave, *one.arrive)]
    return across, down, joints


@property_test
@given(gaps())
def test_lines_through_a_gap_share_cells_only_where_they_cross(ends):
    lines, tracks = route(ends)
    flat: Counter[tuple[int, int]] = Counter()
    upright: Counter[tuple[int, int]] = Counter()
    joints: set[tuple[int, int]] = set()
    for line, (leave, arrive) in zip(lines, ends, strict=True):
        across, down, joined = cells_of(line, leave, arrive, tracks)
        flat.update(across)
        upright.update(down)
        joints.update(joined)
    assert all(times == 1 for times in (*flat.values(), *upright.values()))
    assert not joints & set(flat), "a line runs through a corner or a branch of another"


def test_a_ring_of_lines_is_broken_on_a_free_row_even_when_all_rows_are_taken():
    lines, _ = route([((0,), (1,)), ((1,), (0,))])
    assert sorted(map(len, lines)) == [1, 2]
    assert max(stretch.bottom for line in lines for stretch in line) == 2


def test_bundles_that_wait_for_each_other_twice_are_broken_twice():
    lines, _ = route([((0,), (2, 5)), ((2, 1), (0,)), ((5,), (1,))])
    assert sum(map(len, lines)) > 3
