"""DataFlattener: nested data becomes one level."""

from __future__ import annotations

from typing import Any

from ._base import Builtin

#: Stands for a value that contains itself.
CYCLE = "<cycle>"

_ROOT = "value"  # the key of data that is not nested at all


class DataFlattener(Builtin):
    """Flattens nested dicts, and lists if wanted, to a dict whose keys are paths.

    Slot: ``input``. Event: ``output`` with ``flattened_data``, ``original_type`` (its name) and
    ``depth`` (how deep it went: 0 for a plain value). Data that is no dict is kept under the key
    ``"value"``; empty dicts and lists are kept as they are; a dict or list that contains itself is
    there replaced by ``"<cycle>"``.

    Config:
        separator ("."): between the parts of a path.
        preserve_lists (True): keep lists as values; False makes their indices parts of the paths.
        max_depth (100): what is nested deeper is kept as it is.

    Example:
        >>> from routilux import Flow
        >>> from routilux.builtin import DataFlattener, Mapper
        >>> flow, flat, show = Flow("flat"), DataFlattener(), Mapper()
        >>> show.set_config(function=print)
        >>> flow.add_routine(flat, "flat"), flow.add_routine(show, "show")
        ('flat', 'show')
        >>> edge = flow.connect("flat", "output", "show", "input", {"flattened_data": "data"})
        >>> nested = {"user": {"name": "Ann", "tags": ["a", "b"]}}
        >>> job = flow.execute("flat", {"data": nested}, entry_slot="input")
        {'user.name': 'Ann', 'user.tags': ['a', 'b']}
    """

    def __init__(self) -> None:
        super().__init__()
        self.set_config(separator=".", preserve_lists=True, max_depth=100)
        self.define_slot("input", handler=self.handle)
        self.define_event("output", ["flattened_data", "original_type", "depth"])

    def handle(self, **message: Any) -> None:
        """Send on a message as one level."""
        data = self._received(message)
        walk = _Walk(
            self._read_text("separator"),
            dict if self._read_flag("preserve_lists") else (dict, list, tuple),
            self._read_whole("max_depth", 1, 500),
        )
        walk.into(data, "", 0)
        self._track_operation("flatten")
        self.emit(
            "output",
            flattened_data=walk.flat,
            original_type=type(data).__name__,
            depth=walk.depth,
        )


class _Walk:
    """One pass through nested data."""

    def __init__(self, separator: str, opened: Any, max_depth: int) -> None:
        self.separator = separator
        self.opened = opened  # the types that it goes into
        self.max_depth = max_depth
        self.flat: dict[str, Any] = {}
        self.depth = 0
        self._open: set[int] = set()  # ids of what it is in right now

    def into(self, value: Any, path: str, depth: int) -> None:
        if not isinstance(value, self.opened) or not value or depth >= self.max_depth:
            self.flat[path or _ROOT] = value
            return
        if id(value) in self._open:
            self.flat[path] = CYCLE
            return
        self.depth = max(self.depth, depth + 1)
        self._open.add(id(value))
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for key, each in pairs:
            self.into(each, f"{path}{self.separator}{key}" if depth else str(key), depth + 1)
        self._open.discard(id(value))
