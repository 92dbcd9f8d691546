"""Lines that handlers print or log, as records of their flows: who wrote what, and when.

Off unless asked for, since it puts something before ``sys.stdout``, ``sys.stderr`` and the record
factory of `logging`: a monitor does so in the process that it watches. Not a handler of the root
logger: with one there, ``basicConfig`` does nothing, and warnings find no last resort.
"""

from __future__ import annotations

import logging
import sys
import threading
import weakref
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TextIO

from .activation import Activation, current
from .preview import LIMIT, value_preview
from .records import Line
from .remarks import remember_line

if TYPE_CHECKING:
    from .flow import Flow

_PLAIN = (str, int, float, bool, type(None))


class LineCapture:
    """While it is open, what handlers of traced flows print and log is published, too.

    Each line becomes a record of kind ``LINE`` on the bus of the flow whose handler wrote it, and
    goes where it went before. Lines of no handler are left alone. Logged lines are those of any
    logger that is enabled for their level. Several may be open at once; each line is still
    published once. Any thread; use it as a context manager, or call `open` and `close`.
    """

    def open(self) -> None:
        """Begin. Repeatable."""
        _taps.add(self)

    def close(self) -> None:
        """End, and put back what was there before. Repeatable."""
        _taps.remove(self)

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class _Writer(NamedTuple):
    """Who has begun a line. Not the activation itself, which would keep the flow alive."""

    flow: weakref.ref[Flow]
    activation: int
    job: int


class _Started(threading.local):
    """What a thread has written of its current line, and for which handler."""

    def __init__(self) -> None:
        self.writer: _Writer | None = None
        self.text = ""


class _Tee:
    """Stands for a stream: passes on what is written, and publishes it line by line."""

    def __init__(self, stream: TextIO, line: Line) -> None:
        self._stream = stream
        self._line = line
        self._started = _Started()

    def write(self, text: str) -> int:
        """Pass it on first: what is published was written."""
        written = self._stream.write(text)
        writer = current.get(None)
        if writer is not None and not _is_logging(sys._getframe(1).f_code.co_filename):
            self._take(writer, text)
        return written

    def writelines(self, lines: Any) -> None:
        """As `write`, for each."""
        for line in lines:
            self.write(line)

    def _take(self, writer: Activation, text: str) -> None:
        started = self._started
        before = started.writer
        if before is not None and before.activation != writer.id:  # a line that it never ended
            text_before, started.text = started.text, ""
            flow = before.flow()
            if flow is not None:
                remember_line(flow, before.activation, before.job, self._line, text_before)
        job = writer.job
        *lines, rest = text.split("\n")
        for line in lines:
            whole, started.text = started.text + line, ""
            remember_line(job.flow, writer.id, job.number, self._line, whole)
        started.text = (started.text + rest)[:LIMIT]
        unfinished = _Writer(weakref.ref(job.flow), writer.id, job.number)
        started.writer = unfinished if started.text else None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _is_logging(file: str) -> bool:
    # A log line that a handler of `logging` writes to the stream is published as such already.
    return file == logging.__file__


class _Factory:
    """Makes log records as another factory does, and publishes what they say."""

    def __init__(self, make: Callable[..., logging.LogRecord]) -> None:
        self.make = make

    def __call__(self, *args: Any, **kwargs: Any) -> logging.LogRecord:
        record = self.make(*args, **kwargs)
        writer = current.get(None)
        if writer is not None:
            text = f"{record.levelname} {_message(record)}"
            job, first = writer.job, text.partition("\n")[0]
            remember_line(job.flow, writer.id, job.number, Line.LOG, first, record.levelno)
        return record


def _message(record: logging.LogRecord) -> str:
    """What it says, without running the user's ``__str__``: it may raise, or take a second."""
    text = record.msg if type(record.msg) is str else value_preview(record.msg)
    args = record.args
    if not args:
        return text
    values = tuple(args.values()) if isinstance(args, dict) else tuple(args)
    if all(type(value) in _PLAIN for value in values):
        try:
            return text % args
        except (TypeError, ValueError, KeyError):
            pass  # logging will say so on stderr
    return f"{text} ({', '.join(map(value_preview, values))})"


class _Taps:
    """What stands before the streams and the record factory, while any capture is open."""

    def __init__(self) -> None:
        self._captures: list[LineCapture] = []
        self._tees: list[tuple[str, _Tee]] = []
        self._factory: _Factory | None = None
        self._lock = threading.RLock()  # reentrant, since a finalizer may come in anywhere

    def add(self, capture: LineCapture) -> None:
        with self._lock:
            if capture not in self._captures:
                self._captures.append(capture)
                if len(self._captures) == 1:
                    self._install()

    def remove(self, capture: LineCapture) -> None:
        with self._lock:
            if capture in self._captures:
                self._captures.remove(capture)
                if not self._captures:
                    self._uninstall()

    def forget_threads(self) -> None:
        self._lock = threading.RLock()

    def _install(self) -> None:
        for name, line in (("stdout", Line.OUT), ("stderr", Line.ERR)):
            stream = getattr(sys, name)
            if stream is not None:
                tee = _Tee(stream, line)
                self._tees.append((name, tee))
                setattr(sys, name, tee)
        self._factory = _Factory(logging.getLogRecordFactory())
        logging.setLogRecordFactory(self._factory)

    def _uninstall(self) -> None:
        for name, tee in self._tees:
            if getattr(sys, name) is tee:  # else somebody has put something before it
                setattr(sys, name, tee._stream)
        self._tees.clear()
        factory, self._factory = self._factory, None
        if factory is not None and logging.getLogRecordFactory() is factory:
            logging.setLogRecordFactory(factory.make)


_taps = _Taps()


def forget_threads() -> None:
    """In the child of a fork: whoever held the lock did not come along."""
    _taps.forget_threads()
