from hypothesis import given
from hypothesis import strategies as st

from tui.paint.canvas import text_of
from tui.paint.waterfall import PARTS, bar

STRETCHES = st.lists(
    st.tuples(st.sampled_from([*PARTS]), st.integers(-50, 150), st.integers(0, 80)).map(
        lambda s: (s[0], s[1], s[1] + s[2])
    )
)


def test_each_part_stands_where_it_was():
    row = bar([("queue", 0, 40), ("run", 40, 70), ("retry", 70, 100)], 0, 100, 10)
    assert text_of([row]) == ["░░░░███~~~"]
    assert [tag for _, tag in row] == [("part_queue",), ("part_run",), ("part_retry",)]


def test_in_ascii_every_part_has_another_sign():
    signs = [text_of([bar([(part, 0, 1)], 0, 1, 1, ascii=True)])[0] for part in PARTS]
    assert len(set(signs)) == len(PARTS)
    assert "".join(signs).isascii()


def test_however_short_a_stretch_shows():
    assert text_of([bar([("run", 50, 51)], 0, 1_000_000, 8)]) == ["█"]
    assert text_of([bar([("run", 999_999, 1_000_000)], 0, 1_000_000, 8)]) == ["       █"]


def test_what_took_no_time_does_not_show():
    assert text_of([bar([("run", 50, 50), ("queue", 200, 300)], 0, 100, 8)]) == [""]


@given(STRETCHES, st.integers(0, 50), st.integers(0, 100), st.booleans())
def test_a_bar_is_as_wide_as_it_should_be(stretches, cells, end, ascii):
    row = bar(stretches, 0, end, cells, ascii=ascii)
    assert sum(len(text) for text, _ in row) == cells
