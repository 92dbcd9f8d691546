"""RetryHandler: a call that may fail, tried again."""

from __future__ import annotations

from math import inf
from typing import Any

from ._base import Builtin

_LONGEST = 1e9  # seconds, 31 years: beyond that a number was mistyped


class RetryHandler(Builtin):
    """Calls a function with the data, and again after a pause when it raises.

    Slot: ``input``. Events: ``output`` with ``result`` and ``attempts``; ``failed`` with ``error``
    (the exception), ``data`` and ``attempts``. If nothing is connected to ``failed``, the exception
    is raised, so that it cannot get lost. No worker is held during a pause.

    Config:
        function: called with the data. A subclass may define ``call(data)`` instead.
        max_retries (3): calls after the first.
        delay (1.0): seconds before the first retry.
        backoff (2.0): each pause is so many times as long as the one before.

    Example:
        >>> from routilux import Flow
        >>> from routilux.builtin import Mapper, RetryHandler
        >>> flow, parse, show = Flow("parse"), RetryHandler(), Mapper()
        >>> parse.set_config(function=int, max_retries=1, delay=0)
        >>> show.set_config(function=print)
        >>> flow.add_routine(parse, "parse"), flow.add_routine(show, "show")
        ('parse', 'show')
        >>> edge = flow.connect("parse", "output", "show", "input", {"result": "data"})
        >>> edge = flow.connect("parse", "failed", "show", "input", {"error": "data"})
        >>> for text in ("1", "one"):
        ...     job = flow.execute("parse", {"data": text}, entry_slot="input")
        1
        invalid literal for int() with base 10: 'one'
    """

    def __init__(self) -> None:
        super().__init__()
        self.set_config(function=None, max_retries=3, delay=1.0, backoff=2.0)
        self.define_slot("input", handler=self.handle)
        self.define_event("output", ["result", "attempts"])
        self.define_event("failed", ["error", "data", "attempts"])

    def call(self, data: Any) -> Any:
        """What is tried: the configured function. Override it in a subclass."""
        return self._function("function", self.get_config("function"))(data)

    def handle(self, **message: Any) -> None:
        """Try a message."""
        if type(self).call is RetryHandler.call:  # a wrong setting is not worth a retry
            self._function("function", self.get_config("function"))
        self._attempt(self._received(message), 1)

    def _attempt(self, data: Any, number: int) -> None:
        """The k-th retry comes ``delay · backoff^(k-1)`` seconds after the failure before it."""
        retries = self._read_whole("max_retries", 0, 1000)
        delay, backoff = self._read_number("delay"), self._read_number("backoff", least=1.0)
        try:
            result = self.call(data)
        except Exception as error:  # noqa: BLE001 - whatever it raises is worth another try
            if number > retries:
                self._give_up(error, data, number)
            else:
                self.increment_stat("retries")
                self.call_later(
                    self._pause(delay, backoff, number), self._attempt, data, number + 1
                )
            return
        self._track_operation("call")
        self.emit("output", result=result, attempts=number)

    def _pause(self, delay: float, backoff: float, number: int) -> float:
        try:
            pause = delay * backoff ** (number - 1)
        except OverflowError:
            pause = inf
        if pause > _LONGEST:
            what = f"the pause before retry {number} would be more than {_LONGEST:.0f} seconds"
            raise self._wrong(f"{what}; use a smaller delay or backoff")
        return pause

    def _give_up(self, error: Exception, data: Any, attempts: int) -> None:
        self._track_operation("call", success=False)
        event = self.get_event("failed")
        if event is None or not event.connections:
            error.add_note(f"{self._where()} gave up after {attempts} attempts")
            raise error
        self.emit("failed", error=error, data=data, attempts=attempts)
