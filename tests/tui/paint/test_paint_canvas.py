from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from tui.paint.canvas import BLANK, Canvas, clean, fit, measure, merge, text_of

WHO = ("who",)


@settings(max_examples=500)
@given(st.text())
def test_cleaned_text_adds_up_character_by_character_and_holds_no_controls(text):
    safe = clean(text)
    assert cell_len(safe) == sum(map(cell_len, safe)) == measure(text)
    assert not set(safe) & {"\x00", "\x1b", "\n", "\r", "\x7f", "\x9b", "\u202e", "\u200d"}
    safe.encode()


def test_dangerous_characters_become_question_marks_and_the_rest_stays():
    assert clean("a\x1b[31mb\tc\ud800é漢") == "a?[31mb c?é漢"
    assert clean("e\u0301") == "e\u0301"
    assert clean("\u0301") == "?\u0301"


@given(st.text(), st.integers(0, 20))
def test_fitted_text_has_exactly_the_width_asked_for(text, cells):
    assert cell_len(fit(text, cells)) == cells


def test_a_cut_text_says_so():
    assert fit("collector", 5) == "coll~"
    assert fit("ab", 5) == "ab   "
    assert fit("漢字漢字", 4) == "漢 ~"


def test_merging_joins_equal_neighbours_and_drops_empty_runs():
    assert merge([("a", WHO), ("", BLANK), ("b", WHO), ("c", BLANK)]) == (
        ("ab", WHO),
        ("c", BLANK),
    )


@settings(max_examples=500)
@given(st.text(), st.integers(0, 12), st.integers(0, 12))
def test_a_canvas_row_keeps_its_width_whatever_is_written_on_it(text, x, cells):
    canvas = Canvas(12, 1)
    canvas.write(x, 0, [(text, WHO)], min(cells, 12 - x))
    (row,) = canvas.rows()
    assert cell_len("".join(part for part, _ in row)) == 12


def test_a_wide_glyph_is_never_cut_in_half():
    canvas = Canvas(4, 1)
    canvas.write(0, 0, [("a漢字", WHO)], 4)
    assert text_of(canvas.rows()) == ["a漢"]


def test_what_is_put_outside_a_canvas_is_clipped():
    canvas = Canvas(2, 1)
    canvas.put(-1, 0, "x", WHO)
    canvas.put(2, 0, "x", WHO)
    canvas.put(0, 1, "x", WHO)
    assert canvas.rows() == ((("  ", BLANK),),)
