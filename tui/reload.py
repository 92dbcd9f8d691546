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
import stat
import threading
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from time import monotonic, time_ns
from typing import TYPE_CHECKING, NamedTuple, Self

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
_BLIND = 0.25  # seconds between two looks where folders cannot be watched
_RETRY = 5.0  # seconds until that is tried again
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
    """Absolute, links not followed, in the order of the watched set."""
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
    source = _decode(content)
    try:
        # By module, as catch_warnings() would swap the filters of every thread.
        warnings.filterwarnings("ignore", module="<routilux check>")
        compile(content if source is None else source, "<routilux check>", "exec", 0, True)
    except SyntaxError as error:
        line, column, message = error.lineno or 1, error.offset or 1, error.msg
        in_bytes = error.text is None  # found after parsing
    except ValueError as error:  # a NUL in Python 3.11
        line, column, message, in_bytes = 1, 1, str(error), False
    except (RecursionError, MemoryError, OverflowError):
        return None  # too deep for this thread's stack; the child finds out for itself
    else:
        return None
    lines = snippet(content.decode("utf-8", "replace") if source is None else source, line)
    line = min(max(line, 1), lines[-1][0])
    if in_bytes:
        column = len(dict(lines)[line].encode()[: column - 1].decode("utf-8", "ignore")) + 1
    return SyntaxProblem(path, line, max(column, 1), message, lines)


def _decode(content: bytes) -> str | None:
    """Decode source as Python does, None if that fails. Columns are right only for text."""
    from importlib.util import decode_source

    try:
        return decode_source(content)
    except (SyntaxError, UnicodeDecodeError, LookupError):
        return None


def _sign(path: Path) -> _Signature | None:
    """Return what tells two versions of a file apart; None if it is missing or no file."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    # A folder or a pipe in the place of the file: as good as missing.
    regular = stat.S_ISREG(found.st_mode)
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

        A callback that is running or just due is not waited for: see :meth:`join`.
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

    def _run(self) -> None:
        eyes = _Eyes()
        told = True
        try:
            while True:
                force = self._wake.is_set()
                if force:
                    self._wake.clear()
                # After clear(): close() sets this one first, so one of the two is always seen.
                if self._closing.is_set():
                    return
                files = self._files
                # Before the look: what changes after it finds the watch open.
                eyes.aim(files)
                if self._look(files, force) and not told:
                    eyes.forget()  # the watch has missed it: it may be deaf
                told = eyes.wait(self._wake)
        finally:
            eyes.close()

    def _look(self, files: dict[Path, _Known], force: bool) -> bool:
        """Report what has changed; return whether anything seemed to have."""
        suspects = {path for path, known in files.items() if _differs(path, known, force)}
        if not suspects:
            return False
        ends = monotonic() + _ROUND
        before: dict[Path, bytes] = {}
        while True:
            self._settle(files)
            fresh = _fresh(files, suspects)
            content = {path: seen.content for path, seen in fresh.items()}
            problems = {path: syntax_problem(path, text) for path, text in content.items()}
            final = content == before or monotonic() > ends
            if final or not any(problems.values()) or not self._moves(fresh, SECOND_LOOK):
                break
            before = content
        if not self._closing.is_set():
            self._report(files, fresh, problems)
        return True

    def _settle(self, files: dict[Path, _Known]) -> None:
        """Wait until no file moves, and those that changed are present and not empty."""
        began = still_since = monotonic()
        seen = {path: _sign(path) for path in files}
        while monotonic() - began < GIVE_UP and not self._closing.wait(_POLL):
            latest = {path: _sign(path) for path in files}
            if latest != seen:
                seen, still_since = latest, monotonic()
            elif monotonic() - still_since >= QUIET and all(
                (signature and signature[1]) or signature == files[path].signature
                for path, signature in seen.items()
            ):
                return

    def _moves(self, fresh: dict[Path, _Seen], seconds: float) -> bool:
        """Tell whether a file changes again within *seconds*; returns as soon as one does."""
        ends = monotonic() + seconds
        while monotonic() < ends and not self._closing.wait(_POLL):
            if any(_sign(path) != seen.signature for path, seen in fresh.items()):
                return True
        return False

    def _report(
        self,
        files: dict[Path, _Known],
        fresh: dict[Path, _Seen],
        problems: dict[Path, SyntaxProblem | None],
    ) -> None:
        for path, seen in fresh.items():
            known = files[path]
            known.signature, known.read_ns = seen.signature, seen.read_ns
            known.digest = _digest(seen.content)
        watched = self._files
        latest = {**self._problems, **problems}
        self._problems = {p: found for p, found in latest.items() if found and p in watched}
        changed = tuple(path for path in fresh if path in watched)
        if not changed:
            return
        broken = [p for p in (*changed, *watched) if p in self._problems and _sign(p)]
        problem = self._problems[broken[0]] if broken else None
        try:
            self._on_change(Change(changed, problem))
        except Exception:  # noqa: BLE001 - a mistake of the caller must not blind the watcher
            _log.exception("on_change failed for %s", ", ".join(map(str, changed)))


class _Seen(NamedTuple):
    """One reading of a file: the signature and the wall clock are of just before it."""

    signature: _Signature
    read_ns: int
    content: bytes


def _look_at(path: Path) -> _Seen | None:
    read_ns, signature, content = time_ns(), _sign(path), _read(path)
    return None if signature is None or content is None else _Seen(signature, read_ns, content)


def _differs(path: Path, known: _Known, force: bool) -> bool:
    """Tell whether *path* may have changed. Reads it only if its signature proves nothing."""
    signature = _sign(path)
    if signature != known.signature:
        return True
    if signature is None or not (force or known.digest is None or known.coarse()):
        return False
    seen = _look_at(path)
    if seen is None or seen.signature != signature or _sign(path) != signature:
        return True
    digest = _digest(seen.content)
    if known.digest is None:
        known.digest = digest
    known.read_ns = seen.read_ns
    return digest != known.digest


def _fresh(files: dict[Path, _Known], suspects: set[Path]) -> dict[Path, _Seen]:
    """Return what was read of the files with new content; forget the times of the others."""
    fresh: dict[Path, _Seen] = {}
    for path, known in files.items():
        if path not in suspects and _sign(path) == known.signature:
            continue
        seen = _look_at(path)
        if seen is None:
            known.signature = None  # given up; any signature will differ once it is back
        elif _digest(seen.content) == known.digest:
            known.signature, known.read_ns = seen.signature, seen.read_ns
        else:
            fresh[path] = seen
    return fresh


class _Eyes:
    """The folder watch: says when to look, never what changed. Used by one thread."""

    def __init__(self) -> None:
        self._notify: RustNotify | None = None
        self._opened: dict[str, tuple[int, int]] = {}  # folder -> (device, inode) when opened
        self._names: set[str] = set()
        self._retry_at = 0.0

    def aim(self, files: Iterable[Path]) -> None:
        """Watch the folders of *files* and of what they link to; reopen if any is a new one."""
        ends = {*files, *(Path(os.path.realpath(path)) for path in files if os.path.islink(path))}
        # Events are matched by name alone: folders may be spelt otherwise than we did.
        self._names = {part for path in ends for part in path.parts}
        wanted = dict(_nearest(folder) for folder in {path.parent for path in ends})
        if wanted == self._opened or (self._notify is None and monotonic() < self._retry_at):
            return
        self.close()
        if not wanted:
            return
        try:
            from watchfiles._rust_notify import RustNotify

            self._notify = RustNotify(list(wanted), False, False, 300, False, True)
            self._opened = wanted
        except (ImportError, OSError, RuntimeError) as error:
            self._retry_at = monotonic() + _RETRY
            _log.warning("cannot watch folders, looking every %s s instead: %s", _BLIND, error)

    def wait(self, wake: threading.Event) -> bool:
        """Return True after an event that concerns the files, False when *wake* or time says so."""
        if self._notify is None:
            wake.wait(_BLIND if self._names else SWEEP)
            return False
        ends = monotonic() + SWEEP
        while (left := ends - monotonic()) > 0:
            try:
                got = self._notify.watch(_DEBOUNCE_MS, _STEP_MS, int(left * 1000) + 1, wake)
            except (OSError, RuntimeError):  # for ever, after one name that is not Unicode
                self.forget()
                return False
            if isinstance(got, str):
                return False
            paths = [path for _, path in got]
            if not self._opened.keys().isdisjoint(paths):
                self.forget()  # a watched folder itself: gone, perhaps made again
                return True
            if any(os.path.basename(path) in self._names for path in paths):
                return True
        return False

    def forget(self) -> None:
        """Reopen the watch at the next :meth:`aim`."""
        self._opened = {}

    def close(self) -> None:
        """Close the watch, if it is open."""
        if self._notify is not None:
            self._notify.close()
        self._notify, self._opened = None, {}


def _nearest(folder: Path) -> tuple[str, tuple[int, int]]:
    """Return the nearest existing folder, *folder* or one above, with its device and inode."""
    for place in (folder, *folder.parents):
        try:
            found = os.stat(place)
        except OSError:
            continue
        if stat.S_ISDIR(found.st_mode):
            return str(place), (found.st_dev, found.st_ino)
    return str(folder), (0, 0)
