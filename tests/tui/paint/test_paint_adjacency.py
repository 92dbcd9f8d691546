from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tui.paint.adjacency import TEXT, adjacency
from tui.paint.canvas import text_of
from tui.paint.layout import Edge

NAMES = {0: "fetch", 1: "parse", 2: "sink"}
EDGES = [Edge(10, 0, 1), Edge(11, 0, 1), Edge(12, 1, 2), Edge(13, 2, 2), Edge(14, 2, 0)]


def test_each_node_lists_who_feeds_it_and_whom_it_feeds():
    assert text_of(adjacency([0, 1, 2], EDGES, NAMES.__getitem__)) == [
        "fetch <- sink -> parse x2",
        "parse <- fetch x2 -> sink",
        "sink <- parse, ↺ -> ↺, fetch",
    ]


def test_names_and_neighbours_carry_the_keys_to_jump_to():
    (row, *_) = adjacency([0, 1, 2], EDGES, NAMES.__getitem__)
    assert row == (
        ("fetch", ("node", 0)),
        (" <- ", TEXT),
        ("sink", ("edge", 14)),
        (" -> ", TEXT),
        ("parse x2", ("edge", 10)),
    )


def test_a_row_that_does_not_fit_is_cut_with_a_mark():
    rows = text_of(adjacency([0, 1, 2], EDGES, NAMES.__getitem__, cells=15, ascii=True))
    assert rows == ["fetch <- sink ~", "parse <- fetch~", "sink <- parse,~"]


@given(st.text(max_size=9), st.integers(1, 40))
def test_rows_have_exactly_the_width_asked_for_whatever_the_names_contain(name, cells):
    for row in adjacency([0, 1, 2], EDGES, lambda key: name, cells=cells):
        assert cell_len("".join(text for text, _ in row)) == cells
