"""Where the handlers of one routine spend their time, by source line: sampled, while asked for.

A thread of its own looks a hundred times a second at which of its lines each handler of the routine
is. What a line calls counts for that line. A look stands for the time since the one before it, so
sums are estimates; of handlers that are much shorter than that time only many looks tell.

CPU time is known exactly for a thread, so of a handler that runs from one look to the next it is
known how much of that time was computing. The rest is waiting: for a lock, for input, for the
interpreter. A suspended coroutine computes nothing.
"""

from __future__ import annotations

import linecache
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from threading import enumerate as enumerate_threads
from types import CodeType, FrameType, FunctionType, MethodType
from typing import Any

from routilux import Flow, Routine
from routilux.activation import Delivery
from routilux.clock import now_ns

from .frames import current_frames
from .locks import spot_of
from .messages import Answer, AskLines, Hot, HotLine, SourceText

HZ = 100.0
#: Seconds after the last question in which sampling goes on.
LEASE = 2.0
#: A look stands for no longer than this, should the process have been stopped meanwhile.
_LONGEST_NS = 500_000_000
_MOST_LINES = 2_000  # of source
_WIDEST = 200  # characters of a source line
#: Kept, since a script may put something else in its place.
_Event = threading.Event


class Profiler:
    """Samples at most one routine at a time. From one thread, or a lock around it."""

    def __init__(self) -> None:
        self._sampler: Sampler | None = None

    def answer(self, flows: Sequence[Flow], request: AskLines) -> Answer:
        """What was found so far; begins to sample if that is not done yet."""
        flow = next((flow for flow in flows if flow.number == request.flow), None)
        routine = flow.routines.get(request.routine) if flow is not None else None
        sampler = self._sampler
        if sampler is not None and (request.off or sampler.routine is not routine):
            sampler.stop()
            sampler = self._sampler = None
        if request.off:
            return Answer(request.ticket, "sampling is off")
        if flow is None or routine is None:
            said = f"there is no routine {request.routine!r} any more"
            return Answer(request.ticket, said, refused=True)
        if sampler is None or not sampler.is_alive():
            sampler = self._sampler = Sampler(flow, routine)
            sampler.start()
        return Answer(request.ticket, "", hot=sampler.found(source=request.source))


class _Line:
    __slots__ = ("cpu", "hits", "known", "lock", "wall")

    def __init__(self) -> None:
        self.hits = self.wall = self.known = self.cpu = self.lock = 0


class Sampler(threading.Thread):
    """Looks at the handlers of one routine until nobody asks any more.

    Attributes:
        routine: whose handlers.
        looks: how often it has looked.
        cost_ns: CPU time that it has taken.
    """

    def __init__(self, flow: Flow, routine: Routine, hz: float = HZ) -> None:
        super().__init__(name="routilux-profile", daemon=True)
        self.routine = routine
        self.looks = self.cost_ns = 0
        self._flow = flow
        self._period = 1.0 / hz
        self._codes = codes_of(routine)
        self._lines: dict[tuple[str, int], _Line] = {}
        self._began = self._last = now_ns()
        self._asked = time.monotonic()
        self._stopped = _Event()
        self._natives: dict[int, int] = {}  # native thread ids by ident
        self._before: dict[int, tuple[Delivery, int | None]] = {}

    def run(self) -> None:
        """Look, and rest; a look that was late is not made up for."""
        while not self._stopped.is_set() and time.monotonic() - self._asked < LEASE:
            begin = time.monotonic()
            self.look(now_ns())
            self.cost_ns = time.thread_time_ns()
            self._stopped.wait(max(0.001, self._period - (time.monotonic() - begin)))

    def stop(self) -> None:
        """Look no more."""
        self._stopped.set()

    def found(self, *, source: bool) -> Hot:
        """What was seen so far. Any thread; it counts as being asked."""
        self._asked = time.monotonic()
        lines = tuple(
            HotLine(file, line, n.hits, n.wall, n.known, n.cpu, n.lock)
            for (file, line), n in sorted(self._lines.copy().items())
        )
        text = source_of(self._codes) if source else None
        return Hot(self._began, 1 / self._period, self.looks, self.cost_ns, lines, text)

    def look(self, now: int) -> None:
        """Count where each handler is."""
        spent, self._last = min(max(0, now - self._last), _LONGEST_NS), now
        self.looks += 1
        frames = current_frames()
        before, self._before = self._before, {}
        for ident, delivery in self._in_hand():
            frame = frames.get(ident)
            line = self._line_of(frame) if frame is not None else None
            if frame is None or line is None:
                continue
            self._count(line, spent)
            spot = spot_of(frame)
            if spot is not None and spot.kind == "lock":
                line.lock += spent
            cpu = self._cpu_of(ident)
            known, cpu_before = before.get(ident, (None, None))
            if known is delivery and cpu is not None and cpu_before is not None:
                line.known += spent
                line.cpu += min(spent, cpu - cpu_before)
            self._before[ident] = (delivery, cpu)
        self._look_at_coroutines(spent)

    @staticmethod
    def _count(line: _Line, spent: int) -> None:
        line.hits += 1
        line.wall += spent

    def _in_hand(self) -> Iterable[tuple[int, Delivery]]:
        flow = self._flow
        for backend in (flow._inline, flow._threads):
            for ident, delivery in backend.in_hand().items() if backend is not None else ():
                if delivery[0].target_slot.routine is self.routine:
                    yield ident, delivery

    def _look_at_coroutines(self, spent: int) -> None:
        for run in self._flow._loop._all():
            if run.delivery[0].target_slot.routine is not self.routine or not run.begun:
                continue
            line = self._line_in(_awaiting(run.coroutine))
            if line is None:
                continue
            self._count(line, spent)
            if not run.coroutine.cr_running:
                line.known += spent

    def _line_of(self, frame: FrameType | None) -> _Line | None:
        """The innermost line of the routine's own that the thread is in."""
        while frame is not None and frame.f_code not in self._codes:
            frame = frame.f_back
        return self._at(frame)

    def _line_in(self, frames: Iterable[FrameType]) -> _Line | None:
        own = [frame for frame in frames if frame.f_code in self._codes]
        return self._at(own[-1] if own else None)

    def _at(self, frame: FrameType | None) -> _Line | None:
        if frame is None:
            return None
        place = (frame.f_code.co_filename, frame.f_lineno or frame.f_code.co_firstlineno)
        line = self._lines.get(place)
        if line is None:
            line = self._lines[place] = _Line()
        return line

    def _cpu_of(self, ident: int) -> int | None:
        """CPU time of a thread so far, where the system tells it of others than the caller."""
        if not sys.platform.startswith("linux"):
            return None
        native = self._natives.get(ident)
        for _ in range(2):
            if native is None:
                self._natives = {t.ident or 0: t.native_id or 0 for t in enumerate_threads()}
                native = self._natives.get(ident)
            if not native:
                return None
            try:
                # A thread's clock as Linux numbers it: `pthread_getcpuclockid` must not be asked
                # about a thread that has just ended.
                return time.clock_gettime_ns((~native << 3) | 6)
            except OSError:  # it has ended, and another has its ident
                native = None
        return None


def codes_of(routine: Routine) -> frozenset[CodeType]:
    """The code of a routine's handlers and of all methods that its classes define themselves."""
    own = [kind for kind in type(routine).__mro__ if kind not in Routine.__mro__]
    functions: list[Any] = [value for kind in own for value in vars(kind).values()]
    functions += [slot.handler for slot in list(routine._slots.values())]
    found: set[CodeType] = set()
    for function in functions:
        if isinstance(function, property):
            function = function.fget  # noqa: PLW2901 - what is behind it
        if isinstance(function, staticmethod | classmethod | MethodType):
            function = function.__func__  # noqa: PLW2901
        if isinstance(function, FunctionType):
            found |= _with_inner(function.__code__)
    return frozenset(found)


def _with_inner(code: CodeType) -> set[CodeType]:
    inner = [each for each in code.co_consts if isinstance(each, CodeType)]
    return {code}.union(*map(_with_inner, inner))


def source_of(codes: Iterable[CodeType]) -> tuple[SourceText, ...]:
    """The source of some functions, in order; what touches is one piece."""
    spans: dict[str, list[tuple[int, int]]] = {}
    for code in codes:
        numbers = [line for _, _, line in code.co_lines() if line]
        span = (code.co_firstlineno, max([code.co_firstlineno, *numbers]))
        spans.setdefault(code.co_filename, []).append(span)
    found: list[SourceText] = []
    left = _MOST_LINES
    for file in sorted(spans):
        text = linecache.getlines(file)
        for first, last in _joined(sorted(spans[file])):
            lines = tuple(line.rstrip("\n")[:_WIDEST] for line in text[first - 1 : last][:left])
            left -= len(lines)
            if lines:
                found.append(SourceText(file, first, lines))
    return tuple(found)


def _joined(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for first, last in spans:
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return found


def _awaiting(coroutine: Any) -> Iterable[FrameType]:
    """The frames of what a coroutine awaits, from itself inwards."""
    for _ in range(100):
        frame = getattr(coroutine, "cr_frame", None) or getattr(coroutine, "gi_frame", None)
        if frame is None:
            return
        yield frame
        coroutine = getattr(coroutine, "cr_await", None) or getattr(coroutine, "gi_yieldfrom", None)
