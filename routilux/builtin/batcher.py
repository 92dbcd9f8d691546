"""Batcher: many messages in, fewer and larger ones out."""

from __future__ import annotations

from typing import Any

from ._grouping import Grouping


class Batcher(Grouping):
    """Collects messages and sends them on together.

    Slots: ``input``; ``flush`` sends what there is.
    Event: ``output`` with ``items`` (in order of arrival) and ``count``.

    Config:
        size (10): how many messages make a batch.
        max_wait (None): seconds after its first message when a batch is sent though it is not
            full; None waits for ever.

    Example:
        >>> from routilux import Flow
        >>> from routilux.builtin import Batcher, Mapper
        >>> flow, pairs, show = Flow("numbers"), Batcher(), Mapper()
        >>> pairs.set_config(size=2)
        >>> show.set_config(function=print)
        >>> flow.add_routine(pairs, "pairs"), flow.add_routine(show, "show")
        ('pairs', 'show')
        >>> edge = flow.connect("pairs", "output", "show", "input")
        >>> for number in (1, 2, 3):
        ...     job = flow.execute("pairs", {"data": number}, entry_slot="input")
        {'items': [1, 2], 'count': 2}
        >>> job = flow.execute("pairs", entry_slot="flush")
        {'items': [3], 'count': 1}
    """

    def __init__(self) -> None:
        super().__init__()
        self.set_config(size=10, max_wait=None)
        self.define_slot("input", handler=self.handle)
        self.define_event("output", ["items", "count"])

    def handle(self, **message: Any) -> None:
        """Add a message to the batch."""
        size, window = self._read_whole("size", 1), self._read_seconds_or_none("max_wait")
        self._add(None, self._received(message), size, window)

    def _send(self, key: Any, items: list[Any]) -> None:
        self._track_operation("batch")
        self.emit("output", items=items, count=len(items))
