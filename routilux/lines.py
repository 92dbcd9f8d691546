"""Lines that handlers print or log, as records of their flows: who wrote what, and when.

Off unless asked for, since it puts something before ``sys.stdout``, ``sys.stderr`` and the record
factory of `logging`: a monitor does so in the process that it watches. Not a handler of the root
logger: with one there, ``basicConfig`` does nothing, and warnings find no last resort.

What goes wrong here never reaches who prints or logs.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
import weakref
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TextIO

from .activation import Activation, current
from .job import TRACED
from .preview import LIMIT, value_preview
from .records import Line
from .remarks import remember_line

if TYPE_CHECKING:
    from .flow import Flow

_PLAIN = (str, int, float, bool, type(None))
#: A format that may make a text of any size of a short one.
_WIDE = re.compile(r"%[^%a-zA-Z]*(\d{4}|\*)")
#: Streams of ours that are kept after they were taken away: ``print`` in another thread may be in
#: the middle of one, and the interpreter crashes if nobody else refers to it then.
_KEPT = 64
_INT64 = 2**63


class LineCapture:
    """While it is open, what handlers of traced jobs print and log is published, too.

    Each line becomes a record of kind ``LINE`` on the bus of the flow whose handler wrote it, and
    goes where it went before. Lines of no handler are left alone. Logged lines are those of any
    logger that is enabled for their level. A line is published when it ends, or when another
    handler writes in its thread. Several may be open at once; each line is still published once.
    Any thread; use it as a context manager, or call `open` and `close`.
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


def _writer() -> Activation | None:
    """The activation that runs here, if its job is traced."""
    activation = current.get(None)
    traced = activation is not None and activation.job.flags & TRACED
    return activation if traced else None


class _Tee:
    """Stands for a stream: passes on what is written, and publishes it line by line.

    Attributes:
        is_open: whether it publishes.
    """

    def __init__(self, stream: TextIO, line: Line) -> None:
        self._stream = stream
        self._line = line
        self._started = _Started()
        self.is_open = True

    def write(self, text: str) -> int:
        """Pass it on first: what is published was written."""
        written = self._stream.write(text)
        if self.is_open:
            writer = _writer()
            if writer is not None and not _from_logging():
                try:
                    self._take(writer, text)
                except Exception:  # noqa: BLE001 - who prints is not to blame
                    pass
        return written

    def writelines(self, lines: Any) -> None:
        """As `write`, for each."""
        for line in lines:
            self.write(line)

    def _take(self, writer: Activation, text: str) -> None:
        started, job = self._started, writer.job
        before = started.writer
        if before is not None and before.activation != writer.id:  # a line that it never ended
            left, started.text = started.text, ""
            flow = before.flow()
            if flow is not None:
                remember_line(flow, before.activation, before.job, self._line, left)
        *lines, rest = text.split("\n")
        for line in lines:
            whole, started.text = started.text + line, ""
            shown = whole.rstrip("\r").rpartition("\r")[2]  # what it was when it ended
            remember_line(job.flow, writer.id, job.number, self._line, shown)
        started.text = (started.text + rest).rpartition("\r")[2][:LIMIT]
        unfinished = _Writer(weakref.ref(job.flow), writer.id, job.number)
        started.writer = unfinished if started.text else None

    def __getattr__(self, name: str) -> Any:
        if name == "_stream":  # of one that was made without __init__
            raise AttributeError(name)
        return getattr(self._stream, name)

    def __iter__(self) -> Any:
        return iter(self._stream)

    def __enter__(self) -> Any:
        return self._stream.__enter__()

    def __exit__(self, *error: Any) -> Any:
        return self._stream.__exit__(*error)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self._stream.__reduce_ex__(protocol)  # which says that it cannot be copied


def _from_logging() -> bool:
    """Whether `logging` writes here: what it writes is published as a log line already."""
    try:
        return sys._getframe(2).f_code.co_filename == logging.__file__
    except ValueError:  # called from C, in a thread without a frame
        return False


def _publishing(
    make: Callable[..., logging.LogRecord], taps: _Taps
) -> Callable[..., logging.LogRecord]:
    """A factory that makes log records as another does, and publishes what they say."""

    def published(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = make(*args, **kwargs)
        if taps.factory is published:
            writer = _writer()
            if writer is not None:
                try:
                    _publish(record, writer)
                except Exception:  # noqa: BLE001 - who logs is not to blame
                    pass
        return record

    return published


def _publish(record: logging.LogRecord, writer: Activation) -> None:
    if not isinstance(record.levelno, int):  # of `logging.makeLogRecord`, which fills it in later
        return
    level = min(max(int(record.levelno), -_INT64), _INT64 - 1)
    text = f"{record.levelname} {_message(record)}".partition("\n")[0]
    remember_line(writer.job.flow, writer.id, writer.job.number, Line.LOG, text, level)


def _message(record: logging.LogRecord) -> str:
    """What it says, without running the user's ``__str__``: it may raise, or take a second."""
    text = record.msg if type(record.msg) is str else value_preview(record.msg)
    args = record.args
    if not args:
        return text
    if type(args) is dict:
        values = tuple(args.values())
    elif type(args) is tuple:
        values = args
    else:
        return f"{text} ({value_preview(args)})"
    if all(type(value) in _PLAIN for value in values) and not _WIDE.search(text):
        try:
            return text % args
        except (TypeError, ValueError, KeyError, MemoryError):
            pass  # logging will say so on stderr
    return f"{text} ({', '.join(map(value_preview, values))})"


class _Taps:
    """What stands before the streams and the record factory, while any capture is open.

    Attributes:
        factory: the record factory that publishes; None: none does.
    """

    def __init__(self) -> None:
        self.factory: Callable[..., logging.LogRecord] | None = None
        self._make: Callable[..., logging.LogRecord] = logging.LogRecord
        self._captures: list[LineCapture] = []
        self._tees: list[tuple[str, _Tee]] = []
        self._kept: deque[_Tee] = deque(maxlen=_KEPT)
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
            stream = getattr(sys, name, None)
            if stream is not None:
                tee = self._tee(stream, line)
                self._tees.append((name, tee))
                setattr(sys, name, tee)
        self._make = logging.getLogRecordFactory()
        self.factory = _publishing(self._make, self)
        logging.setLogRecordFactory(self.factory)

    def _tee(self, stream: TextIO, line: Line) -> _Tee:
        for tee in self._kept:
            if stream in (tee, tee._stream) and tee._line is line:
                tee.is_open = True
                return tee
        tee = _Tee(stream, line)
        self._kept.append(tee)
        return tee

    def _uninstall(self) -> None:
        for name, tee in self._tees:
            tee.is_open = False
            if getattr(sys, name, None) is tee:  # else somebody has put something before it
                setattr(sys, name, tee._stream)
        self._tees.clear()
        factory, self.factory = self.factory, None
        if factory is not None and logging.getLogRecordFactory() is factory:
            logging.setLogRecordFactory(self._make)


_taps = _Taps()


def forget_threads() -> None:
    """In the child of a fork: whoever held the lock did not come along."""
    _taps.forget_threads()
