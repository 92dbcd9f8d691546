"""Filter: only what meets a condition goes on."""

from __future__ import annotations

from typing import Any

from ._base import Builtin


class Filter(Builtin):
    """Lets data pass that meets a condition.

    Slot: ``input``. Events: ``output`` for what passes and ``rejected`` for the rest, both with
    ``data``.

    Config:
        condition: a function of the data, the text of an expression over ``data``, ``config`` and
            ``stats``, or a dict ``{field: value or function of the value}``.

    Example:
        >>> from routilux import Flow
        >>> from routilux.builtin import Filter, Mapper
        >>> flow, large, show = Flow("large"), Filter(), Mapper()
        >>> large.set_config(condition="data.amount > 100")
        >>> show.set_config(function=print)
        >>> flow.add_routine(large, "large"), flow.add_routine(show, "show")
        ('large', 'show')
        >>> edge = flow.connect("large", "output", "show", "input")
        >>> for amount in (50, 500):
        ...     job = flow.execute("large", {"data": {"amount": amount}}, entry_slot="input")
        {'amount': 500}
    """

    def __init__(self) -> None:
        super().__init__()
        self.set_config(condition=None)
        self.define_slot("input", handler=self.handle)
        self.define_event("output", ["data"])
        self.define_event("rejected", ["data"])

    def handle(self, **message: Any) -> None:
        """Send a message on, or to ``rejected``."""
        data = self._received(message)
        condition = self._condition("condition", self.get_config("condition"))
        passes = self._tracked("filter", condition, data)
        self.increment_stat("passed" if passes else "rejected")
        self.emit("output" if passes else "rejected", data=data)
