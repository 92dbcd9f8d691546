"""Debouncer: a burst of messages becomes its last one."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from ._base import Builtin

if TYPE_CHECKING:
    from ..routine import Timer


class Debouncer(Builtin):
    """Sends the last message of a burst, once it has been quiet for a while.

    Slot: ``input``. Event: ``output`` with ``data`` (the last) and ``count`` (how many there were).

    Config:
        wait (0.5): seconds without a message that end a burst.

    Example:
        >>> from routilux import Flow
        >>> from routilux.builtin import Debouncer, Mapper, Splitter
        >>> flow, keys, typed, show = Flow("typing"), Splitter(), Debouncer(), Mapper()
        >>> typed.set_config(wait=0.2)
        >>> show.set_config(function=print)
        >>> for name, routine in {"keys": keys, "typed": typed, "show": show}.items():
        ...     routine_id = flow.add_routine(routine, name)
        >>> edge = flow.connect("keys", "output", "typed", "input", {"item": "data"})
        >>> edge = flow.connect("typed", "output", "show", "input")
        >>> job = flow.execute("keys", {"data": ["f", "fl", "flow"]}, entry_slot="input")
        flow
    """

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.RLock()  # guards the four below
        self._latest = 0  # of the last message: only its timer sends
        self._count = 0
        self._last: Any = None
        self._timer: Timer | None = None
        self.set_config(wait=0.5)
        self.define_slot("input", handler=self.handle)
        self.define_event("output", ["data", "count"])

    def handle(self, **message: Any) -> None:
        """Keep a message as the last, and wait anew."""
        data, wait = self._received(message), self._read_seconds("wait")
        with self._lock:
            number = self._latest + 1
            timer, before = self.call_later(wait, self._quiet, number), self._timer
            self._latest, self._timer = number, timer
            self._last, self._count = data, self._count + 1
        if before is not None:
            before.cancel()  # or its job would stay open until then

    def _quiet(self, number: int) -> None:
        with self._lock:
            if number != self._latest or self._timer is None:
                return  # another message came while this timer was about to run
            data, count = self._last, self._count
            self._last, self._count, self._timer = None, 0, None
        self._track_operation("debounce")
        self.emit("output", data=data, count=count)
