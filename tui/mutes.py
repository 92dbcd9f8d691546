"""Findings that were muted in a project, with the reasons, kept from run to run.

They stand beside the project's filters in the user's state folder: see `tui.filters`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from tui.filters import state_file

#: Mutes kept; of more the oldest go.
KEPT = 500
#: A reason is at most so long.
LONGEST = 200
#: A file longer than this is none of ours.
_MOST = 1_000_000


def mutes_file(project: Path, environ: Mapping[str, str] = os.environ) -> Path | None:
    """Where the mutes of a project are kept; None where there is no home."""
    filters = state_file(project, environ)
    return filters.parent.parent / "muted" / filters.name if filters is not None else None


class Mutes:
    """Reasons by the key of a finding, the newest last.

    Args:
        path: the file that they are kept in; None keeps them for this run only.

    Attributes:
        reasons: what is muted, and why; never another object.
        trouble: why the file could not be read or written, once, for the user; else empty.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.trouble = ""
        self.reasons: dict[str, str] = {}
        self._path = path
        self._unreadable = False
        self.reasons.update(self._read())

    def mute(self, key: str, reason: str) -> None:
        """Mute a finding."""
        self._reread()
        self.reasons.pop(key, None)
        self.reasons[key] = " ".join(reason.split())[:LONGEST]
        while len(self.reasons) > KEPT:
            del self.reasons[next(iter(self.reasons))]
        self._write()

    def unmute(self, key: str) -> None:
        """Let a finding be counted again."""
        self._reread()
        self.reasons.pop(key, None)
        self._write()

    def _reread(self) -> None:
        """Another monitor may have written meanwhile."""
        found = self._read()
        if found:
            self.reasons.clear()
            self.reasons.update(found)

    def _read(self) -> dict[str, str]:
        if self._path is None or self._unreadable:
            return {}
        try:
            with self._path.open("rb") as file:
                return _checked(json.loads(file.read(_MOST)))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, RecursionError) as error:
            self._unreadable = True  # and is left as it is: somebody may put it right
            self.trouble = f"muted findings cannot be read, none is muted: {self._path} ({error})"
            return {}

    def _write(self) -> None:
        if self._path is None or self._unreadable:
            return
        partly = self._path.with_suffix(f".{os.getpid()}.tmp")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            partly.write_text(json.dumps({"muted": self.reasons}, indent=1), "utf-8")
            partly.replace(self._path)
        except OSError as error:
            self.trouble = f"it is muted for this run only: {error}"


def _checked(data: object) -> dict[str, str]:
    muted = data.get("muted") if isinstance(data, dict) else None
    if not isinstance(muted, dict) or not all(isinstance(each, str) for each in muted.values()):
        raise ValueError("it holds no reasons by finding")
    return muted
