"""Engine time: one monotonic clock for every thread, and alarms that need no thread to wait.

A flow takes its time from a `Clock`, so that a test can set it by hand (`ManualClock`).
"""

from __future__ import annotations

import heapq
import logging
import threading
import time
from collections.abc import Callable
from itertools import count

from .errors import LONGEST, duration

logger = logging.getLogger("routilux")

NowNs = Callable[[], int]

#: Nanoseconds since an arbitrary start. On Linux the clock is shared by all processes, so that a
#: monitor in another process can compare its own reading with a record's.
now_ns: NowNs = time.monotonic_ns

#: The thread of the alarms ends after so many seconds without one; the next starts it again.
IDLE_SECONDS = 5.0


class Alarm:
    """Something to be called at a time. Called at most once, and never after `cancel` was true."""

    __slots__ = ("_alarms", "_armed", "due_ns", "function")

    def __init__(self, due_ns: int, function: Callable[[], object], alarms: _Alarms) -> None:
        self.due_ns = due_ns
        self.function: Callable[[], object] | None = function
        self._alarms = alarms
        self._armed = [True]  # pop() is one step: who gets it has either called or cancelled it

    def cancel(self) -> bool:
        """Do not call it any more. True if it was not called before and now never will be."""
        if not self._disarm():
            return False
        self.function = None  # what it would have called need not live until then
        self._alarms.forget_one()
        return True

    def fire(self) -> None:
        """Call it, unless it was cancelled."""
        function = self.function
        if self._disarm() and function is not None:
            self.function = None
            function()

    def _disarm(self) -> bool:
        try:
            self._armed.pop()
        except IndexError:
            return False
        return True


class _Alarms:
    """A heap of alarms. Cancelled ones stay in it until they are due or more than half of it."""

    def __init__(self) -> None:
        self.changed = threading.Condition(threading.RLock())
        self._heap: list[tuple[int, int, Alarm]] = []
        self._numbers = count()
        self._cancelled = 0

    def add(self, due_ns: int, function: Callable[[], object]) -> Alarm:
        alarm = Alarm(due_ns, function, self)
        with self.changed:
            heapq.heappush(self._heap, (due_ns, next(self._numbers), alarm))
            self.changed.notify()
        return alarm

    def forget_one(self) -> None:
        with self.changed:
            self._cancelled += 1
            if self._cancelled * 2 > len(self._heap):
                self._heap = [item for item in self._heap if item[2].function is not None]
                heapq.heapify(self._heap)
                self._cancelled = 0
                self.changed.notify()  # who waits for one of those waits for nothing

    def next_due(self) -> int | None:
        with self.changed:
            while self._heap and self._heap[0][2].function is None:
                heapq.heappop(self._heap)
                self._cancelled -= 1
            return self._heap[0][0] if self._heap else None

    def take_due(self, now: int) -> Alarm | None:
        with self.changed:
            if self._heap and self._heap[0][0] <= now:
                alarm = heapq.heappop(self._heap)[2]
                if alarm.function is None:
                    self._cancelled = max(0, self._cancelled - 1)
                return alarm
            return None


class Clock:
    """The real time. All flows of a process share one thread for their alarms."""

    now_ns: NowNs = staticmethod(now_ns)

    def __init__(self) -> None:
        self._alarms = _Alarms()
        self._ringing = False  # a thread waits for the alarms

    def call_at(self, due_ns: int, function: Callable[[], object]) -> Alarm:
        """Call a function, which must be quick, in the clock's thread. Any thread.

        What it raises is logged.

        Raises:
            RuntimeError: there is no thread to be had; nothing will be called.
        """
        alarm = self._alarms.add(due_ns, function)
        with self._alarms.changed:
            if not self._ringing:
                try:
                    threading.Thread(target=self._ring, name="routilux-clock", daemon=True).start()
                except RuntimeError:
                    alarm.cancel()
                    raise
                self._ringing = True
        return alarm

    def pending(self) -> int | None:
        """When the next alarm is due (ns), or None. Cancelled ones may count."""
        return self._alarms.next_due()

    def _ring(self) -> None:
        alarms = self._alarms
        while True:
            due = alarms.take_due(self.now_ns())
            if due is not None:
                self._call(due)
                continue
            with alarms.changed:
                next_due = alarms.next_due()
                now = self.now_ns()
                if next_due is None:
                    if not alarms.changed.wait(IDLE_SECONDS) and alarms.next_due() is None:
                        self._ringing = False
                        return
                elif next_due > now:
                    alarms.changed.wait(min((next_due - now) / 1e9, LONGEST))

    @staticmethod
    def _call(alarm: Alarm) -> None:
        try:
            alarm.fire()
        except BaseException:  # the next alarms are others' affair
            logger.exception("routilux: what was to be called at a time raised")

    def forget_threads(self) -> None:
        """In the child of a fork: no thread came along, and nobody waits for the alarms."""
        self._alarms = _Alarms()
        self._ringing = False


class ManualClock(Clock):
    """A clock that stands still until a test moves it.

    ``Flow(clock=ManualClock())`` takes retry delays, timers and the times of records from it.
    Timeouts of waiting methods stay real, so a test that hangs still ends.
    """

    def __init__(self, start: float = 0.0) -> None:
        super().__init__()
        self._now = round(start * 1e9)
        self.now_ns = self._read

    def _read(self) -> int:
        return self._now

    def call_at(self, due_ns: int, function: Callable[[], object]) -> Alarm:
        """Call a function when the clock is moved to that time or past it. Any thread."""
        return self._alarms.add(due_ns, function)

    def advance(self, seconds: float) -> int:
        """Move on, firing what is due on the way, each at its own time, in the calling thread.

        Returns:
            How many alarms were fired.
        """
        return self.advance_to(self._now + round(duration(seconds, "advance()") * 1e9))

    def advance_to(self, target_ns: int) -> int:
        """Move on to a time in nanoseconds."""
        fired = 0
        while True:
            alarm = self._alarms.take_due(target_ns)
            if alarm is None:
                break
            self._now = max(self._now, alarm.due_ns)
            fired += alarm.function is not None
            alarm.fire()
        self._now = max(self._now, target_ns)
        return fired


live = Clock()  #: the clock of every flow that names no other
