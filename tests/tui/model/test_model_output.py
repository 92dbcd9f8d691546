"""What the user's code printed: chunks become lines, and neither many nor long ones fill memory."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tui.model.output import KEPT, LONGEST, Line, OutputLog

text = st.text(alphabet="aé世\r\n \t\x1b[1", max_size=200)


def _fed(*chunks: bytes, kept: int = KEPT) -> OutputLog:
    log = OutputLog(kept)
    for chunk in chunks:
        log.feed(1, chunk, False)
    return log


def _lines(log: OutputLog) -> list[str]:
    return [line.text for line in log.lines]


@given(text, st.lists(st.integers(0, 600), max_size=8))
def test_where_the_pipe_cuts_makes_no_difference(printed: str, cuts: list[int]) -> None:
    data = printed.encode()
    places = sorted({0, len(data), *(cut for cut in cuts if cut <= len(data))})
    chunks = [data[a:b] for a, b in pairwise(places)]
    whole, cut = _fed(data), _fed(*chunks)
    assert cut.lines == whole.lines
    assert cut.total == whole.total
    assert cut.unfinished(1) == whole.unfinished(1)


@given(st.integers(0, 3 * LONGEST), st.integers(0, 3 * LONGEST))
def test_an_endless_line_is_cut_at_the_same_place_however_it_comes(size: int, cut: int) -> None:
    data = b"x" * size + b"\nnext\n"
    assert _fed(data[:cut], data[cut:]).lines == _fed(data).lines
    assert _lines(_fed(data)) == ["x" * min(size, LONGEST), "next"]


@given(text)
def test_lines_are_those_of_the_text(printed: str) -> None:
    log = _fed(printed.encode())
    lines = printed.split("\n")
    assert _lines(log) == [line.rstrip("\r") for line in lines[:-1]]
    assert [line.text for line in log.unfinished(1)] == ([lines[-1]] if lines[-1] else [])


@given(st.lists(st.integers(0, 50), max_size=30))
def test_every_line_counts_and_only_so_many_are_kept(counts: list[int]) -> None:
    log = OutputLog(kept=20)
    for number, count in enumerate(counts):
        log.feed(1, b"line\n" * count, number % 2 == 1)
    assert log.total == sum(counts)
    assert log.errors == sum(counts[1::2])
    assert len(log.lines) == min(20, log.total)


def test_the_newest_lines_are_the_ones_kept() -> None:
    log = _fed(b"".join(b"%d\n" % n for n in range(100)), kept=3)
    assert _lines(log) == ["97", "98", "99"]


def test_output_and_errors_do_not_mix_within_a_line() -> None:
    log = OutputLog()
    log.feed(1, b"to out, ", False)
    log.feed(1, b"to err\n", True)
    log.feed(1, b"still out\n", False)
    assert list(log.lines) == [Line("to err", True, 1), Line("to out, still out", False, 1)]


def test_generations_do_not_mix_within_a_line() -> None:
    log = OutputLog()
    log.feed(1, b"old ", False)
    log.feed(2, b"new\n", False)
    log.feed(1, b"one\n", False)
    assert list(log.lines) == [Line("new", False, 2), Line("old one", False, 1)]


def test_bytes_that_are_no_text_are_shown_as_such() -> None:
    assert _lines(_fed(b"caf\xe9\n")) == ["caf�"]


def test_a_prompt_shows_without_its_line_end() -> None:
    log = _fed(b"done\nname? ")
    assert log.unfinished(1) == [Line("name? ", False, 1)]
    assert log.unfinished(2) == []
    assert log.total == 1


def test_the_last_words_of_a_generation_become_a_line() -> None:
    log = _fed(b"killed in the middle of")
    log.finish(1)
    log.finish(1)
    assert _lines(log) == ["killed in the middle of"]
    assert log.unfinished(1) == []
    log.feed(1, b"another\n", False)
    assert _lines(log)[1:] == ["another"]


def test_an_endless_line_does_not_fill_the_memory() -> None:
    log = OutputLog()
    for _ in range(200):
        log.feed(1, b"x" * 65_536, False)
    assert len(log.unfinished(1)[0].text) == LONGEST


def test_a_rule_is_told_from_what_was_printed() -> None:
    log = OutputLog()
    log.rule(2, "generation 2")
    assert [line.generation for line in log.lines] == [-2]
    assert log.total == 1
