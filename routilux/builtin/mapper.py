"""Mapper: one message in, one message out."""

from __future__ import annotations

from typing import Any

from ._base import Builtin


class Mapper(Builtin):
    """Sends on what a function makes of the data.

    Slot: ``input``. Event: ``output`` with ``data``.

    Config:
        function: a function of the data, or the text of an expression over ``data``, ``config``
            and ``stats``. A function with parameters ``config`` or ``stats`` gets those too.

    Example:
        >>> from routilux import Flow
        >>> from routilux.builtin import Mapper
        >>> flow, double, show = Flow("double"), Mapper(), Mapper()
        >>> double.set_config(function="data * config.factor", factor=2)
        >>> show.set_config(function=print)
        >>> flow.add_routine(double, "double"), flow.add_routine(show, "show")
        ('double', 'show')
        >>> edge = flow.connect("double", "output", "show", "input")
        >>> job = flow.execute("double", {"data": 21}, entry_slot="input")
        42
    """

    def __init__(self) -> None:
        super().__init__()
        self.set_config(function=None)
        self.define_slot("input", handler=self.handle)
        self.define_event("output", ["data"])

    def handle(self, **message: Any) -> None:
        """Send on what the function makes of a message."""
        function = self._function("function", self.get_config("function"))
        self.emit("output", data=self._tracked("map", function, self._received(message)))
