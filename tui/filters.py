"""What is kept of a project from run to run, in the user's state folder: filters, and the like."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tui.errors import TuiError

#: Filters kept for each pane, and commands.
KEPT = 30
#: Calls kept for each slot.
CALLS = 10
#: Slots whose calls are kept: those of the last ones.
_MOST_SLOTS = 200
#: Filters that are kept by a name.
MOST_SAVED = 200
_NAME = re.compile(r"\w[\w.-]{0,39}")
#: A file longer than this is none of ours.
_LONGEST = 1_000_000
#: What marks the top of a project.
_TOPS = (".git", "pyproject.toml")


def project_of(folder: Path) -> Path:
    """The project that a folder is part of; the folder itself if nothing marks one."""
    folder = folder.absolute()
    for place in (folder, *folder.parents):
        with contextlib.suppress(OSError):
            if any((place / top).exists() for top in _TOPS):
                return place
    return folder


def state_folder(environ: Mapping[str, str] = os.environ) -> Path | None:
    """Where what is kept from run to run is; None where there is no home."""
    base = Path(environ.get("XDG_STATE_HOME", ""))
    if not base.is_absolute():  # unset, or to be ignored, as the specification says
        try:
            base = Path.home() / ".local" / "state"
        except RuntimeError:
            return None
    return base / "routilux-tui"


def state_file(project: Path, environ: Mapping[str, str] = os.environ) -> Path | None:
    """Where the filters of a project are kept; None where there is no home."""
    base = state_folder(environ)
    if base is None:
        return None
    key = hashlib.sha256(os.fsencode(project)).hexdigest()[:16]
    name = re.sub(r"[^\w.-]", "_", project.name, flags=re.ASCII)[:40] or "root"
    return base / "filters" / f"{name}-{key}.json"


class FilterNameError(TuiError):
    """A filter cannot be kept by that name; the message says why."""


class Filters:
    """What was used in a project, the newest first.

    Args:
        path: the file that it is kept in; None keeps it for this run only.

    Attributes:
        saved: filters by the name that the user has given them.
        commands: command lines that were used, the newest first.
        columns: of each table that can be arranged the order and the sort of its columns.
        trouble: why the file could not be read or written, once, for the user; else empty.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.trouble = ""
        self.saved: dict[str, str] = {}
        self.commands: list[str] = []
        self.columns: dict[str, list[str]] = {}
        self._used: dict[str, list[str]] = {}
        self._calls: dict[str, list[str]] = {}
        self._path = path
        self._told = False
        self._read()

    def used(self, pane: str) -> list[str]:
        """The filters that were used in a pane, the newest first."""
        return list(self._used.get(pane, ()))

    def add(self, pane: str, text: str) -> None:
        """A filter was applied."""
        with self._changing():
            self._used[pane] = _newest(text, self._used.get(pane, ()))

    def add_command(self, line: str) -> None:
        """A command was given."""
        with self._changing():
            self.commands[:] = _newest(line, self.commands)

    def used_calls(self, slot: str) -> list[str]:
        """The messages that were sent to a slot by hand, the newest first."""
        return list(self._calls.get(slot, ()))

    def add_call(self, slot: str, text: str) -> None:
        """A message was sent by hand. The slot becomes the last to be forgotten."""
        with self._changing():
            self._calls[slot] = _newest(text, self._calls.pop(slot, ()), CALLS)
            while len(self._calls) > _MOST_SLOTS:
                del self._calls[next(iter(self._calls))]

    def save(self, name: str, text: str) -> None:
        """Keep a filter by a name, in place of one that has it already.

        Raises:
            FilterNameError: it is no name, or there are too many.
        """
        if not _NAME.fullmatch(name):
            raise FilterNameError(
                f"{name!r} is no name for a filter: letters, digits, _ . and -, at most 40"
            )
        if name not in self.saved and len(self.saved) >= MOST_SAVED:
            raise FilterNameError(f"there are {MOST_SAVED} saved filters: forget one first")
        with self._changing():
            self.saved[name] = text

    def forget(self, name: str) -> None:
        """Keep a filter no more; one that is not there is no error."""
        with self._changing():
            self.saved.pop(name, None)

    def arrange(self, table: str, words: list[str]) -> None:
        """A table was arranged."""
        with self._changing():
            self.columns[table] = words

    # the file -----------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _changing(self) -> Iterator[None]:
        """Change what is kept: what is in the file now, for another monitor may have added some."""
        if self._path is not None and not self._told:
            self._read()
        yield
        self._write()

    def _read(self) -> None:
        if self._path is None:
            return
        try:
            with self._path.open("rb") as file:
                data = json.loads(file.read(_LONGEST))
            kept = _checked(data)
        except FileNotFoundError:
            return
        except (OSError, ValueError, RecursionError) as error:
            self._tell(f"saved filters cannot be read, going on without: {self._path} ({error})")
            return
        self._used, self._calls = kept.used, kept.calls
        self.saved.clear()  # who looks names up holds on to it
        self.saved.update(kept.saved)
        self.commands[:] = kept.commands
        self.columns.update(kept.columns)

    def _write(self) -> None:
        if self._path is None:
            return
        data = {
            "filters": self._used,
            "calls": self._calls,
            "saved": self.saved,
            "commands": self.commands,
            "columns": self.columns,
        }
        text = json.dumps(data, ensure_ascii=True, indent=1)
        partly = self._path.with_suffix(f".{os.getpid()}.tmp")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            partly.write_text(text, "utf-8")
            partly.replace(self._path)
        except OSError as error:
            self._tell(f"filters are not saved: {error}")

    def _tell(self, trouble: str) -> None:
        if not self._told:
            self._told, self.trouble = True, trouble


def _newest(text: str, others: Iterable[str], most: int = KEPT) -> list[str]:
    return [text, *(each for each in others if each != text)][:most]


_Lists = dict[str, list[str]]


class _Kept(NamedTuple):
    """What the file holds."""

    used: _Lists
    calls: _Lists
    saved: dict[str, str]
    commands: list[str]
    columns: _Lists


def _checked(data: Any) -> _Kept:
    if not isinstance(data, dict) or not isinstance(data.get("filters"), dict):
        raise ValueError("it holds no filters")
    saved, columns, calls = (data.get(name, {}) for name in ("saved", "columns", "calls"))
    if not all(isinstance(each, dict) for each in (saved, columns, calls)):
        raise ValueError("it holds something else than filters by name")
    _texts(list(saved.values()))
    return _Kept(
        used={pane: _texts(texts)[:KEPT] for pane, texts in data["filters"].items()},
        calls={slot: _texts(texts)[:CALLS] for slot, texts in calls.items()},
        saved=saved,
        commands=_texts(data.get("commands", []))[:KEPT],
        columns={table: _texts(words) for table, words in columns.items()},
    )


def _texts(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise ValueError("it holds something else than texts")
    return value
