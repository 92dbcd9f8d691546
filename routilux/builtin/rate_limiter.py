"""RateLimiter: no more messages per second than the next routine can take."""

from __future__ import annotations

import threading
from typing import Any

from ._base import Builtin

_ROUNDING = 1e-9  # seconds: adding up 1/rate is not exact


class RateLimiter(Builtin):
    """Lets so many messages pass per second; the others wait or are dropped.

    Slot: ``input``. Events: ``output`` with ``data``; ``dropped`` with ``data`` and ``retry_after``
    (seconds). Statistics: ``passed``, ``delayed`` and ``dropped``.

    Config:
        rate (10.0): messages per second in the long run.
        burst (1): how many may pass at once after a pause.
        mode ("delay"): ``"delay"`` holds a message back until its time has come, in order of
            arrival and without keeping a worker; ``"drop"`` drops it.

    Example:
        >>> from routilux import Flow
        >>> from routilux.builtin import Mapper, RateLimiter
        >>> flow, calls, show = Flow("calls"), RateLimiter(), Mapper()
        >>> calls.set_config(rate=0.01, burst=2, mode="drop")
        >>> show.set_config(function=print)
        >>> flow.add_routine(calls, "calls"), flow.add_routine(show, "show")
        ('calls', 'show')
        >>> edge = flow.connect("calls", "output", "show", "input")
        >>> for number in (1, 2, 3):
        ...     job = flow.execute("calls", {"data": number}, entry_slot="input")
        1
        2
    """

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.RLock()  # guards the time below
        self._free: float | None = None  # when all the burst may be had again
        self.set_config(rate=10.0, burst=1, mode="delay")
        self.define_slot("input", handler=self.handle)
        self.define_event("output", ["data"])
        self.define_event("dropped", ["data", "retry_after"])

    def handle(self, **message: Any) -> None:
        """Send a message now or later, or drop it."""
        data = self._received(message)
        drops = self._read_choice("mode", "delay", "drop") == "drop"
        wait = self._reserve(drops)
        if wait <= _ROUNDING:
            self._send(data)
        elif drops:
            self.increment_stat("dropped")
            self.emit("dropped", data=data, retry_after=wait)
        else:
            self.increment_stat("delayed")
            self.call_later(wait, self._send, data)

    def _reserve(self, drops: bool) -> float:
        """Seconds until a message may pass. That time is taken, unless it would be dropped."""
        seconds, burst = 1.0 / self._read_number("rate", above=0.0), self._read_whole("burst", 1)
        with self._lock:
            now = self.now()
            free = now if self._free is None else max(self._free, now)
            wait = free - (burst - 1) * seconds - now
            if wait <= _ROUNDING or not drops:
                self._free = free + seconds
        return wait

    def _send(self, data: Any) -> None:
        self.increment_stat("passed")
        self.emit("output", data=data)
