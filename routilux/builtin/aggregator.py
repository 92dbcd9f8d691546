"""Aggregator: messages that belong together become one."""

from __future__ import annotations

from typing import Any

from ._grouping import Grouping


class Aggregator(Grouping):
    """Groups messages by number, by key or by time; each message is in exactly one group.

    Slots: ``input``; ``flush`` sends all open groups.
    Event: ``output`` with ``items`` (in order of arrival), ``count`` and ``key``.

    Config:
        mode ("count"): ``"count"``: every ``size`` messages are a group; ``"key"``: every
            ``size`` messages of one key are; ``"time"``: what arrives within ``window`` is.
        size (10): messages per group, for modes count and key.
        key (None): what says which messages belong together: a function or an expression such
            as ``"data.user"``. Needed for mode key, possible for mode time.
        window (None): seconds after its first message when a group is sent. Needed for mode time;
            in the other modes it sends groups that are not full.

    Example:
        >>> from routilux import Flow
        >>> from routilux.builtin import Aggregator, Mapper
        >>> flow, pairs, show = Flow("orders"), Aggregator(), Mapper()
        >>> pairs.set_config(mode="key", key="data.user", size=2)
        >>> show.set_config(function=lambda group: print(group["key"], group["count"]))
        >>> flow.add_routine(pairs, "pairs"), flow.add_routine(show, "show")
        ('pairs', 'show')
        >>> edge = flow.connect("pairs", "output", "show", "input")
        >>> for user in ("ann", "bob", "ann"):
        ...     job = flow.execute("pairs", {"data": {"user": user}}, entry_slot="input")
        ann 2
    """

    def __init__(self) -> None:
        super().__init__()
        self.set_config(mode="count", size=10, key=None, window=None)
        self.define_slot("input", handler=self.handle)
        self.define_event("output", ["items", "count", "key"])

    def handle(self, **message: Any) -> None:
        """Add a message to its group."""
        data = self._received(message)
        mode = self._read_choice("mode", "count", "key", "time")
        timed = mode == "time"
        window = self._read_seconds("window") if timed else self._read_seconds_or_none("window")
        key = None if mode == "count" else self._key(data, needed=mode == "key")
        self._add(key, data, None if timed else self._read_whole("size", 1), window)

    def _key(self, data: Any, needed: bool) -> Any:
        config = self.get_config("key")
        if config is None and not needed:
            return None
        key = self._function("key", config)(data)
        try:
            hash(key)
        except TypeError as error:
            what = type(key).__name__
            raise self._wrong(f"config 'key' must give something hashable, not a {what}") from error
        return key

    def _send(self, key: Any, items: list[Any]) -> None:
        self._track_operation("group")
        self.emit("output", items=items, count=len(items), key=key)
