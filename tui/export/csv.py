"""Tables as CSV files (RFC 4180) that never take the place of another file."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

from tui.model.table import Cell, Table

from . import fresh
from .fresh import ExportError

_NAME = 60  # characters of a file's name


def text_of(table: Table) -> str:
    """The table as text: a heading, then a line for each row, cells quoted where they must be."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(table.header)
    writer.writerows([[_cell(cell) for cell in row] for row in table.rows])
    return out.getvalue()


def write(table: Table, folder: Path) -> Path:
    """Write the table into a new file in ``folder``, named after it; a name in use gets a number.

    Raises:
        ExportError: the folder cannot be written to, or the disk is full.
    """
    stem = re.sub(r"[^\w.-]+", "-", table.name).strip("-.")[:_NAME] or "table"
    (path,) = fresh.write(folder, stem, {".csv": text_of(table)})
    return path


def write_to(table: Table, path: Path) -> Path:
    """Write the table into a new file; without a suffix it gets that of CSV files.

    Raises:
        ExportError: there is such a file already, or it cannot be written.
    """
    path = path if path.suffix else path.with_name(f"{path.name}.csv")
    path = path.absolute()
    try:
        with path.open("x", encoding="utf-8", errors="backslashreplace", newline="") as file:
            file.write(text_of(table))
    except FileExistsError:
        raise ExportError(f"{path} is there already: take another name") from None
    except OSError as error:
        raise ExportError(f"{path}: {error.strerror or error}") from error
    return path


def _cell(cell: Cell) -> str | int | float:
    """A missing value is empty, which differs from nought; a NUL no reader would take."""
    if cell is None:
        return ""
    return cell.replace("\0", "\\0") if isinstance(cell, str) else cell
