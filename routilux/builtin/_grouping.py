"""Groups that fill up: what Batcher and Aggregator have in common."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from ._base import Builtin

if TYPE_CHECKING:
    from ..routine import Timer


class Group:
    """Items that belong together, and when they are sent at the latest."""

    __slots__ = ("deadline", "items", "ticket", "timer")

    def __init__(self, ticket: int) -> None:
        self.ticket = ticket  # which group its timer means
        self.items: list[Any] = []
        self.deadline: float | None = None
        self.timer: Timer | None = None


class Grouping(Builtin):
    """Keeps one open group per key. Each item is sent exactly once, whichever threads bring it."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.RLock()  # guards the open groups; held while nothing is sent
        self._groups: dict[Any, Group] = {}
        self._tickets = 0
        self.define_slot("flush", handler=self.flush)

    def holds(self) -> int:
        """How many items wait for their group to be closed."""
        with self._lock:
            return sum(len(group.items) for group in self._groups.values())

    def _send(self, key: Any, items: list[Any]) -> None:
        """Emit a group that is closed."""
        raise NotImplementedError

    def flush(self, **_message: Any) -> None:
        """Send what there is, full or not."""
        with self._lock:
            closed, self._groups = self._groups, {}
        for key, group in closed.items():
            self._close(key, group)

    def _add(self, key: Any, item: Any, size: int | None, window: float | None) -> None:
        """Put an item into its key's group, and send the group if it is full.

        Args:
            key: hashable.
            item: goes into exactly one group.
            size: how many items make a group; None for any number.
            window: seconds after its first item when a group is sent at the latest.
        """
        closed: list[Group] = []
        with self._lock:
            group = self._groups.get(key)
            # A group outlives its timer when the job that the timer belongs to has failed.
            if group is not None and group.deadline is not None and group.deadline <= self.now():
                closed.append(self._groups.pop(key))
                group = None
            new = group is None
            if group is None:
                self._tickets += 1
                group = Group(self._tickets)
            if size is not None and len(group.items) + 1 >= size:
                self._groups.pop(key, None)
                closed.append(group)
            elif new:
                if window is not None:
                    group.deadline = self.now() + window
                    group.timer = self.call_later(window, self._expire, key, group.ticket)
                self._groups[key] = group
            group.items.append(item)
        for each in closed:
            self._close(key, each)

    def _expire(self, key: Any, ticket: int) -> None:
        with self._lock:
            group = self._groups.get(key)
            if group is None or group.ticket != ticket:
                return  # it was full, or flushed, just before
            del self._groups[key]
        self._send(key, group.items)

    def _close(self, key: Any, group: Group) -> None:
        if group.timer is not None:
            group.timer.cancel()  # or its job would stay open until then
        self._send(key, group.items)
