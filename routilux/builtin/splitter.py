"""Splitter: a list in, its items out one by one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ._base import Builtin


class Splitter(Builtin):
    """Sends each item of a list (tuple, set, …) on by itself.

    Slot: ``input``. Event: ``output`` with ``item``, ``index`` (from 0) and ``total``; none for an
    empty list. Connect it with ``{"item": "data"}`` to a routine that takes ``data``.

    Config:
        field (None): the field of the data that holds the list; None if the data is the list.

    Example:
        >>> from routilux import Flow
        >>> from routilux.builtin import Mapper, Splitter
        >>> flow, lines, show = Flow("lines"), Splitter(), Mapper()
        >>> show.set_config(function=print)
        >>> flow.add_routine(lines, "lines"), flow.add_routine(show, "show")
        ('lines', 'show')
        >>> edge = flow.connect("lines", "output", "show", "input", {"item": "data"})
        >>> job = flow.execute("lines", {"data": ["first", "second"]}, entry_slot="input")
        first
        second
    """

    def __init__(self) -> None:
        super().__init__()
        self.set_config(field=None)
        self.define_slot("input", handler=self.handle)
        self.define_event("output", ["item", "index", "total"])

    def handle(self, **message: Any) -> None:
        """Send the items of a message."""
        items = self._tracked("split", self._items, self._received(message))
        for index, item in enumerate(items):
            self.emit("output", item=item, index=index, total=len(items))

    def _items(self, data: Any) -> list[Any]:
        field = self.get_config("field")
        where = "the data"
        if field is not None:
            where = f"the field {field!r} of the data"
            data = data.get(field) if isinstance(data, Mapping) else None
        if not isinstance(data, Collection) or isinstance(data, str | bytes | Mapping):
            what = type(data).__name__
            raise self._wrong(f"{where} must be a list, tuple or set, not {what}")
        return list(data)
