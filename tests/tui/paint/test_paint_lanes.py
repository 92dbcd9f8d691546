from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tui.paint.lanes import IDLE, lane

LETTERS = {1: "A", 2: "b", 3: "漢", 4: "", 5: "ß", 6: "\x1b"}


def test_a_cell_is_a_capital_when_busy_small_when_partly_busy_and_a_dot_when_idle():
    cells = [(1, 1.0), (1, 0.5), (1, 0.49), (1, 0.02), (1, 0.019), (None, 1.0), (2, 0.9)]
    assert lane(cells, LETTERS.__getitem__) == (
        ("AAaa", ("routine", 1)),
        ("..", IDLE),
        ("B", ("routine", 2)),
    )


def test_a_letter_that_does_not_fit_one_cell_is_a_question_mark():
    cells = [(3, 1.0), (4, 1.0), (6, 1.0)]
    assert [text for text, _ in lane(cells, LETTERS.__getitem__)] == ["?", "?", "?"]
    assert lane([(5, 1.0)], LETTERS.__getitem__) == (("ß", ("routine", 5)),)
    assert lane([(5, 1.0)], LETTERS.__getitem__, ascii=True) == (("?", ("routine", 5)),)


@given(
    st.lists(st.tuples(st.one_of(st.none(), st.integers(1, 6)), st.floats())),
    st.booleans(),
)
def test_a_lane_has_one_cell_per_slice(cells, plain):
    row = lane(cells, LETTERS.__getitem__, ascii=plain)
    assert sum(cell_len(text) for text, _ in row) == len(cells)
