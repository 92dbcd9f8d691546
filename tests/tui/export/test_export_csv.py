"""CSV files: quoted as RFC 4180 says, and never in the place of another file."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.export.csv import text_of, write, write_to
from tui.export.fresh import ExportError
from tui.model.table import Cell, Table

TABLE = Table("orders chart", ("t", "a"), [(0.5, 1), (1.0, None)])
CELL: st.SearchStrategy[Cell] = (
    st.none() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters())
)


def test_a_table_is_a_heading_and_a_line_for_each_row() -> None:
    assert text_of(TABLE) == "t,a\r\n0.5,1\r\n1.0,\r\n"


def test_cells_are_quoted_where_they_must_be() -> None:
    odd = Table("odd", ('a "b"', "c,d"), [("two\nlines", "plain"), ("[b]", "注文")])
    assert text_of(odd) == '"a ""b""","c,d"\r\n"two\nlines",plain\r\n[b],注文\r\n'


@given(st.lists(st.lists(CELL, min_size=3, max_size=3), max_size=8))
def test_a_reader_gets_back_what_was_written(rows: list[list[Cell]]) -> None:
    text = text_of(Table("any", ("a", "b", "c"), rows))
    read = list(csv.reader(io.StringIO(text, newline="")))
    expected = [["" if c is None else str(c).replace("\0", "\\0") for c in row] for row in rows]
    assert read == [["a", "b", "c"], *expected]


def test_a_file_is_named_after_its_table_and_nothing_is_overwritten(tmp_path: Path) -> None:
    first = write(TABLE, tmp_path)
    first.write_text("mine now")
    second, third = write(TABLE, tmp_path), write(TABLE, tmp_path)
    names = [path.name for path in (first, second, third)]
    assert names == ["orders-chart.csv", "orders-chart-2.csv", "orders-chart-3.csv"]
    assert first.read_text() == "mine now"
    assert second.read_bytes() == text_of(TABLE).encode()


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("../../etc/passwd", "etc-passwd.csv"),
        ("[b]x[/b] stats", "b-x-b-stats.csv"),
        ("", "table.csv"),
        ("...", "table.csv"),
        ("注文-stats", "注文-stats.csv"),
        ("n" * 300, "n" * 60 + ".csv"),
        ("a\x00b", "a-b.csv"),
        ("a\ud800b", "a-b.csv"),
    ],
)
def test_any_name_becomes_a_file_in_that_folder(name: str, file: str, tmp_path: Path) -> None:
    path = write(Table(name, ("x",), [("\ud800",)]), tmp_path)
    assert path == tmp_path / file
    assert "\\ud800" in path.read_text("utf-8")


def test_what_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"missing/orders-chart\.csv: No such file"):
        write(TABLE, tmp_path / "missing")


def test_a_link_that_leads_nowhere_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "orders-chart.csv").symlink_to(tmp_path / "elsewhere")
    assert write(TABLE, tmp_path).name == "orders-chart-2.csv"
    assert not (tmp_path / "elsewhere").exists()


def test_a_file_of_a_given_name_gets_a_suffix_and_takes_no_other_s_place(tmp_path: Path) -> None:
    path = write_to(TABLE, tmp_path / "a b")
    assert path == tmp_path / "a b.csv"
    assert path.read_bytes() == b"t,a\r\n0.5,1\r\n1.0,\r\n"
    assert write_to(TABLE, tmp_path / "x.txt").name == "x.txt"
    for taken in ("a b", "a b.csv"):
        with pytest.raises(ExportError, match=r"a b\.csv is there already: take another name"):
            write_to(TABLE, tmp_path / taken)
    with pytest.raises(ExportError, match=r"missing/x\.csv: No such file"):
        write_to(TABLE, tmp_path / "missing" / "x")
