"""What was typed in a project, filters and calls, kept in the user's state folder."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

#: Filters kept for each pane.
KEPT = 30
#: Calls kept for each slot.
CALLS = 10
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


def state_file(
    project: Path, environ: Mapping[str, str] = os.environ, what: str = "filters"
) -> Path | None:
    """Where the filters of a project, or ``what`` else, are kept; None where there is no home."""
    base = Path(environ.get("XDG_STATE_HOME", ""))
    if not base.is_absolute():  # unset, or to be ignored, as the specification says
        try:
            base = Path.home() / ".local" / "state"
        except RuntimeError:
            return None
    key = hashlib.sha256(os.fsencode(project)).hexdigest()[:16]
    name = re.sub(r"[^\w.-]", "_", project.name, flags=re.ASCII)[:40] or "root"
    return base / "routilux-tui" / what / f"{name}-{key}.json"


class Filters:
    """The filters used so far, the newest first, by the name of the pane.

    Args:
        path: the file that they are kept in; None keeps them for this run only.
        what: what they are, if not filters; also the name that the file has for them.
        kept: how many are kept for each pane.

    Attributes:
        trouble: why the file could not be read or written, once, for the user; else empty.
    """

    def __init__(
        self, path: Path | None = None, *, what: str = "filters", kept: int = KEPT
    ) -> None:
        self.trouble = ""
        self._what, self._kept = what, kept
        self._path = path
        self._told = False
        self._used = self._read()

    def used(self, pane: str) -> list[str]:
        """What was used in a pane, the newest first."""
        return list(self._used.get(pane, ()))

    def add(self, pane: str, text: str) -> None:
        """A filter was applied."""
        if self._path is not None and not self._told:
            self._used = self._read() or self._used  # another monitor may have added some
        others = [each for each in self._used.get(pane, ()) if each != text]
        self._used[pane] = [text, *others][: self._kept]
        self._write()

    def _read(self) -> dict[str, list[str]]:
        if self._path is None:
            return {}
        try:
            with self._path.open("rb") as file:
                data = json.loads(file.read(_LONGEST))
            return _checked(data, self._what, self._kept)
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, RecursionError) as error:
            self._tell(
                f"saved {self._what} cannot be read, going on without: {self._path} ({error})"
            )
            return {}

    def _write(self) -> None:
        if self._path is None:
            return
        text = json.dumps({self._what: self._used}, ensure_ascii=True, indent=1)
        partly = self._path.with_suffix(f".{os.getpid()}.tmp")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            partly.write_text(text, "utf-8")
            partly.replace(self._path)
        except OSError as error:
            self._tell(f"{self._what} are not saved: {error}")

    def _tell(self, trouble: str) -> None:
        if not self._told:
            self._told, self.trouble = True, trouble


def _checked(data: object, what: str, kept: int) -> dict[str, list[str]]:
    filters = data.get(what) if isinstance(data, dict) else None
    if not isinstance(filters, dict):
        raise ValueError(f"it holds no {what}")
    found: dict[str, list[str]] = {}
    for pane, texts in filters.items():
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise ValueError("it holds something else than texts")
        found[pane] = texts[:kept]
    return found
