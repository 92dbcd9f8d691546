"""New files that never take the place of others: a name that is in use gets a number."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from pathlib import Path

from tui.errors import TuiError

#: Files of one name in one folder.
_MOST = 10_000


class ExportError(TuiError):
    """A file could not be written; the message says which and why."""


def write(folder: Path, stem: str, contents: Mapping[str, str]) -> list[Path]:
    """Write texts into new files of one name: ``stem`` or, if one of them is there, ``stem-2``.

    Args:
        contents: the texts by the endings of their files, such as ``.csv``. Written as they are.

    Raises:
        ExportError: the folder cannot be written to, or the disk is full.
    """
    for number in count(1):
        name = stem if number == 1 else f"{stem}-{number}"
        paths = [folder / f"{name}{ending}" for ending in contents]
        if number == _MOST:
            raise ExportError(f"{paths[0]}: there are {_MOST} files of this name")
        if not any(path.exists() for path in paths) and _written(paths, list(contents.values())):
            return paths
    raise AssertionError("unreachable: the loop returns or raises")


def _written(paths: list[Path], texts: list[str]) -> bool:
    """Write all of them; False, and none is left, if one has come up in the meantime."""
    made: list[Path] = []
    for path, text in zip(paths, texts, strict=True):
        try:
            with path.open("x", encoding="utf-8", errors="backslashreplace", newline="") as file:
                made.append(path)
                file.write(text)
        except FileExistsError:
            for each in made:
                each.unlink(missing_ok=True)
            return False
        except OSError as error:
            raise ExportError(f"{path}: {error.strerror or error}") from error
    return True
