"""Throttle: at most one message per interval."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from ._base import Builtin

if TYPE_CHECKING:
    from ..routine import Timer


class Throttle(Builtin):
    """Lets one message pass per interval, and drops the others.

    Slot: ``input``. Event: ``output`` with ``data``. Statistics: ``passed`` and ``dropped``.

    Config:
        interval (1.0): seconds between two messages that pass.
        trailing (False): whether the last message that did not pass is sent when the interval is
            over, so that the newest state arrives in the end.

    Example:
        >>> from routilux import Flow
        >>> from routilux.builtin import Mapper, Throttle
        >>> flow, calm, show = Flow("mouse"), Throttle(), Mapper()
        >>> calm.set_config(interval=60)
        >>> show.set_config(function=print)
        >>> flow.add_routine(calm, "calm"), flow.add_routine(show, "show")
        ('calm', 'show')
        >>> edge = flow.connect("calm", "output", "show", "input")
        >>> for position in (1, 2, 3):
        ...     job = flow.execute("calm", {"data": position}, entry_slot="input")
        1
        >>> calm.get_stat("dropped")
        2
    """

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.RLock()  # guards the four below
        self._next: float | None = None  # when the next message may pass
        self._held: list[Any] = []  # the message that is sent when the interval is over, or none
        self._timer: Timer | None = None
        self._ticket = 0  # of the timer: only the latest sends
        self.set_config(interval=1.0, trailing=False)
        self.define_slot("input", handler=self.handle)
        self.define_event("output", ["data"])

    def handle(self, **message: Any) -> None:
        """Send a message, hold it back or drop it."""
        data = self._received(message)
        interval, trailing = self._read_seconds("interval"), self._read_flag("trailing")
        with self._lock:
            now = self.now()
            passes = self._next is None or now >= self._next
            overtaken = len(self._held)  # what was held back is older than this message
            timer = None
            if passes:
                self._next, self._held = now + interval, []
                timer, self._timer = self._timer, None
                self._ticket += 1
            elif trailing:
                if self._timer is None:
                    self._timer = self._arm((self._next or now) - now, interval)
                self._held = [data]
        if timer is not None:
            timer.cancel()
        self._count(passes, dropped=overtaken if passes or trailing else 1)
        if passes:
            self.emit("output", data=data)

    def _arm(self, seconds: float, interval: float) -> Timer:
        self._ticket += 1
        return self.call_later(seconds, self._over, self._ticket, interval)

    def _over(self, number: int, interval: float) -> None:
        with self._lock:
            if number != self._ticket or not self._held:
                return  # a newer message passed just before
            (data,), self._held = self._held, []
            self._next, self._timer = self.now() + interval, None
        self._count(True, dropped=0)
        self.emit("output", data=data)

    def _count(self, passed: bool, dropped: int) -> None:
        if passed:
            self.increment_stat("passed")
        if dropped:
            self.increment_stat("dropped", dropped)
