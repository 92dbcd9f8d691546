"""These files changed: a watcher that reports saved content once, whole, and checked for syntax.

One thread does everything. watchfiles (and, once a second, a sweep) only *wakes* it; what changed
is decided by looking at the files, so no kind or order of events can mislead it. What a caller
may rely on:

* A change is reported when the content differs from what was last reported (or, at first, from
  what was there at :meth:`Watcher.set_files`). A touch is no change. Broken content is reported
  once; undoing it is a change again.
* What is reported was still for 40 ms. Files saved together come together.
* A file that is missing is never reported; it is looked for until it is back.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from time import monotonic, time_ns
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from watchfiles._rust_notify import RustNotify

QUIET = 0.040
"""Seconds without a write after which a file counts as saved."""
GIVE_UP = 0.500
"""Seconds after which a file that is empty, missing or still written is taken as it is."""
SECOND_LOOK = 0.150
"""Seconds that a syntax error is given to turn out as half of a slow save."""
SWEEP = 1.0
"""Seconds between two looks at the files that no event asked for."""

_ROUND = 2.0  # seconds that one report may be held back in all, however busy the writer
_POLL = 0.008  # seconds between two looks while files settle
_STEP_MS, _DEBOUNCE_MS = 10, 50  # settling is done here, so watchfiles need not collect
_COARSE_NS = 2_000_000_000  # the coarsest file times in use (FAT): younger ones prove nothing
_ABSENT = b"absent"

_log = logging.getLogger("routilux.reload")
_log.addHandler(logging.NullHandler())

Lines = tuple[tuple[int, str], ...]
_Signature = tuple[int, int, int]  # mtime ns, size, inode


@dataclass(frozen=True, slots=True)
class SyntaxProblem:
    """Why a file does not compile."""

    path: Path
    line: int
    """From 1, always a line of *lines* if the file has any."""
    column: int
    """From 1, in characters."""
    message: str
    lines: Lines
    """The line and its neighbours, as of :func:`snippet`."""


@dataclass(frozen=True, slots=True)
class Change:
    """Files whose content is new."""

    files: tuple[Path, ...]
    """In the order of the watched set, spelt as they were given."""
    problem: SyntaxProblem | None
    """The first file that does not compile: of *files*, else one reported before and not mended
    since. Loading makes no sense until a later change comes without one."""


def snippet(source: str, line: int, context: int = 1) -> Lines:
    """Return the (number, text) pairs of *line* and *context* lines on both sides of it.

    Numbers are from 1, counted as Python counts; a *line* outside the source is moved inside.
    """
    lines = source.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if len(lines) > 1 and not lines[-1]:
        lines.pop()
    here = min(max(line, 1), len(lines))
    first = max(here - context, 1)
    return tuple(enumerate(lines[first - 1 : here + context], first))


def syntax_problem(path: Path, content: bytes) -> SyntaxProblem | None:
    """Compile *content* without running it; return what is wrong with it, if anything.

    Warnings stay silent: the child shows them. Files that are not Python have no problem.
    """
    if path.suffix.lower() not in (".py", ".pyw"):
        return None
    try:
        # By module, as catch_warnings() would swap the filters of every thread.
        warnings.filterwarnings("ignore", module="<routilux check>")
        compile(content, "<routilux check>", "exec", dont_inherit=True)
    except SyntaxError as error:
        line, column, message = error.lineno or 1, error.offset or 1, error.msg
    except ValueError as error:  # a NUL in Python 3.11
        line, column, message = 1, 1, str(error)
    except (RecursionError, MemoryError, OverflowError):
        return None  # too deep for this thread's stack; the child finds out for itself
    else:
        return None
    lines = snippet(_decode(content), line)
    return SyntaxProblem(path, min(max(line, 1), lines[-1][0]), max(column, 1), message, lines)


def _decode(content: bytes) -> str:
    from importlib.util import decode_source

    try:
        return decode_source(content)
    except (SyntaxError, UnicodeDecodeError, LookupError):
        return content.decode("utf-8", "replace")


def _sign(path: Path) -> _Signature | None:
    """Return what tells two versions of a file apart; None if it is missing or no file."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    # A folder or a pipe in the place of the file: as good as missing.
    regular = found.st_mode & 0o170000 == 0o100000
    return (found.st_mtime_ns, found.st_size, found.st_ino) if regular else None


def _read(path: Path) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read()
    except (OSError, ValueError):
        return None


def _digest(content: bytes) -> bytes:
    return blake2b(content, digest_size=16).digest()


class _Known:
    """What was last seen of one file. Made by any thread, then used by the watcher's only."""

    __slots__ = ("digest", "read_ns", "signature")

    def __init__(self, path: Path, *, newer_than: int | None) -> None:
        self.signature = _sign(path)
        self.digest: bytes | None = None if self.signature else _ABSENT
        """Of the content last reported; None: not read yet, the signature vouches for it."""
        self.read_ns = time_ns()
        if self.signature is None:
            return
        if newer_than is not None and self.signature[0] > newer_than:
            self.digest = _ABSENT
        elif self.coarse():
            self.digest = _digest(_read(path) or b"")

    def coarse(self) -> bool:
        """Tell whether the file could have changed since it was read with an equal signature."""
        return self.signature is not None and self.signature[0] > self.read_ns - _COARSE_NS


class Watcher:
    """Watches a set of files from one daemon thread, ``routilux-watch``.

    Args:
        on_change: called with each :class:`Change`, **in the watcher's thread**; until it
            returns nothing else is noticed (nor lost). May call any method of the watcher.
            What it raises is logged.
        files: as for :meth:`set_files`.
    """

    def __init__(self, on_change: Callable[[Change], None], files: Iterable[Path] = ()) -> None:
        self._on_change = on_change
        self._lock = threading.Lock()  # guards _files; nothing else happens under it
        self._files: dict[Path, _Known] = {}
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._problems: dict[Path, SyntaxProblem] = {}
        self._thread = threading.Thread(target=self._run, name="routilux-watch", daemon=True)
        self.set_files(files)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        self.join()

    def __repr__(self) -> str:
        state = "watching" if self._thread.is_alive() else "not running"
        return f"<Watcher {state}, {len(self._files)} files>"

    def start(self) -> None:
        """Begin to watch. Changes since :meth:`set_files` count.

        Raises:
            RuntimeError: started before.
        """
        self._thread.start()
        # A daemon thread that wakes inside native code while Python ends would abort the process.
        atexit.register(self._at_exit)

    def set_files(self, paths: Iterable[Path], *, loaded_ns: int | None = None) -> None:
        """Watch exactly *paths* from now on; any thread, any time, a few µs per file.

        Files of the old set keep what was last reported of them, so no change gets lost; of new
        ones, the content there is now counts as known. They need not exist yet.

        Args:
            paths: made absolute; links are watched at both ends.
            loaded_ns: wall clock (``time.time_ns()``) of just before the code was loaded. A new
                file written after that is reported: the code may have read what was before.
        """
        wanted = dict.fromkeys(Path(os.path.abspath(path)) for path in paths)
        with self._lock:
            old = self._files
        fresh = {p: old.get(p) or _Known(p, newer_than=loaded_ns) for p in wanted}
        with self._lock:
            self._files = {p: self._files.get(p, known) for p, known in fresh.items()}
        self._wake.set()

    def poke(self) -> None:
        """Compare the content of every file now, whatever times and sizes say; any thread."""
        self._wake.set()

    def close(self) -> None:
        """Stop; returns at once, the thread ends within 100 ms. Any thread, any number of times.

        After it returns no callback begins; one may still be running (see :meth:`join`).
        """
        self._closing.set()
        self._wake.set()
        atexit.unregister(self._at_exit)

    def join(self, timeout: float = 1.0) -> bool:
        """Wait up to *timeout* seconds for the thread to end; return whether it has.

        Returns False at once in the watcher's own thread.
        """
        if self._thread is threading.current_thread():
            return False
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _at_exit(self) -> None:
        self.close()
        self.join()
