"""Payloads as far as they are known: bounded trees, what stands at a path, and what changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

#: Ends and beginnings of what a branch is shown as.
_BRANCHES = {"d": ("{", "}"), "l": ("[", "]"), "t": ("(", ")")}
_NAMES = {"d": ("key", "keys"), "l": ("item", "items"), "t": ("item", "items")}


@dataclass(frozen=True, slots=True)
class Leaf:
    """A value without parts: ``value`` as it is, or None when only ``text`` is known of it."""

    value: int | float | str | bool | None
    text: str


@dataclass(frozen=True, slots=True)
class Branch:
    """A dict, list or tuple: the first of its ``total`` parts by key or index."""

    kind: str
    total: int
    items: tuple[tuple[str, Node], ...]

    @property
    def whole(self) -> bool:
        """Whether all parts are here."""
        return len(self.items) == self.total


Node = Leaf | Branch


class Line(NamedTuple):
    """One line of a payload on the screen. ``change`` is ``^`` (was ``was``), ``+``, ``-`` or
    nothing.
    """

    depth: int
    key: str
    text: str
    change: str = ""
    was: str = ""


def read(note: str) -> Node | None:
    """The tree of a note; None if it is none."""
    try:
        return _node(json.loads(note))
    except (ValueError, TypeError, LookupError, RecursionError):
        return None


def _node(data: Any) -> Node:
    if isinstance(data, list):
        kind = data[0]
        if kind == "o":
            return Leaf(None, str(data[1]))
        if kind == "s":
            return Leaf(str(data[2]), f"{str(data[2])!r}... of {int(data[1]):,} characters")
        if kind not in _BRANCHES:
            raise ValueError(kind)
        pairs = data[2] if kind == "d" else [(str(i), part) for i, part in enumerate(data[2])]
        return Branch(kind, int(data[1]), tuple((str(k), _node(part)) for k, part in pairs))
    if isinstance(data, dict):
        raise TypeError("no note has one")
    return Leaf(data, repr(data))


def find(note: str, steps: tuple[str, ...]) -> int | float | str | bool | None:
    """What stands at the end of a path, a branch as the text of it; None if nothing does.

    A key with dots in it is found too. Makes no tree, since a filter asks this of thousands.
    """
    try:
        found = _follow(json.loads(note), steps)
        node = _node(found[0]) if found else None
    except (ValueError, TypeError, LookupError, RecursionError):
        return None
    if node is None or isinstance(node, Branch):
        return brief(node) if node is not None else None
    return node.text if node.value is None else node.value


def _follow(data: Any, steps: tuple[str, ...]) -> list[Any]:
    """The part of a note at a path, as the only one of a list; empty if there is none."""
    if not steps:
        return [data]
    if not isinstance(data, list) or data[0] not in _BRANCHES:
        return []
    kind, parts = data[0], data[2]
    if kind != "d":
        index = int(steps[0]) if steps[0].isdecimal() else len(parts)
        return _follow(parts[index], steps[1:]) if index < len(parts) else []
    for size in range(1, len(steps) + 1):
        key = ".".join(steps[:size])
        for name, part in parts:
            if name == key:
                return _follow(part, steps[size:])
    return []


def brief(node: Node) -> str:
    """On one line, without what is inside of a branch."""
    if isinstance(node, Leaf):
        return node.text
    left, right = _BRANCHES[node.kind]
    if not node.total:
        return left + right
    return f"{left}{node.total:,} {_NAMES[node.kind][node.total != 1]}{right}"


def lines(new: Node, old: Node | None = None) -> list[Line]:
    """The tree line by line, each marked with how it differs from that of an earlier payload."""
    if isinstance(new, Leaf):
        return [_single("", new, old, 0)]
    return list(_parts(new, old, 0))


def _parts(new: Branch, old: Node | None, depth: int) -> Iterator[Line]:
    before = dict(old.items) if isinstance(old, Branch) else {}
    # What an earlier payload shows no more of may have been there all the same.
    all_known = isinstance(old, Branch) and old.whole
    for key, node in new.items:
        was = before.pop(key, None)
        if was is None and all_known:
            yield _single(key, node, None, depth)._replace(change="+")
        else:
            yield _single(key, node, was, depth)
        if isinstance(node, Branch):
            yield from _parts(node, was, depth + 1)
    if not new.whole:
        yield Line(depth, "", f"... {new.total - len(new.items):,} more, not sent")
        return
    for key, node in before.items():
        yield Line(depth, key, brief(node), "-")


def _single(key: str, new: Node, old: Node | None, depth: int) -> Line:
    text = brief(new)
    if old is None or old == new:
        return Line(depth, key, text)
    if isinstance(new, Branch) and isinstance(old, Branch) and new.kind == old.kind:
        was = brief(old)  # what differs inside is marked there
        return Line(depth, key, text, "^", was) if was != text else Line(depth, key, text)
    return Line(depth, key, text, "^", brief(old))
