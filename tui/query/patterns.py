"""The parts of a regular expression, as far as they tell how long it could take.

Only what `re.compile` has accepted is read, so nothing is checked here.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_COUNTED = re.compile(r"\{(\d*)(,?)(\d*)\}")
_FLAGS = re.compile(r"\?([aiLmsux]*)(?:-[imsx]+)?([:)])")
_NAME = re.compile(r"\?P?<\w+>|\?:|\?>|\?=|\?!|\?<=|\?<!|\?\(\w+\)")
_ESCAPE = re.compile(
    r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|N\{[^}]*\}|0[0-7]{0,2}|[1-9]\d?|.)",
    re.DOTALL,
)


class Letter(NamedTuple):
    """What takes one character: itself, a class, a dot."""

    source: str


class Row(NamedTuple):
    """One part after the other."""

    parts: tuple[Node, ...]


class Choice(NamedTuple):
    """One of several parts."""

    parts: tuple[Node, ...]


class Repeat(NamedTuple):
    """A part ``least`` to ``most`` times; None: without end."""

    inner: Node
    least: int
    most: int | None


Node = Letter | Row | Choice | Repeat
NOTHING = Row(())
#: What may stand for any text: as much as a reference back to a group could be.
_ANYTHING = Repeat(Letter("."), 0, None)


class Pattern(NamedTuple):
    """A whole pattern, and the flags that are set anywhere in it."""

    root: Node
    flags: frozenset[str]


def parse(pattern: str) -> Pattern:
    """The parts of a pattern. Flags count for all of it, wherever they stand."""
    reader = _Reader(pattern)
    root = reader.choice()
    return Pattern(root, frozenset(reader.flags))


class _Reader:
    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0
        self.flags: set[str] = set()

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def choice(self) -> Node:
        parts = [self._row()]
        while self._peek() == "|":
            self._at += 1
            parts.append(self._row())
        return parts[0] if len(parts) == 1 else Choice(tuple(parts))

    def _row(self) -> Node:
        parts: list[Node] = []
        while self._peek() and self._peek() not in "|)":
            parts.append(self._repeated(self._one()))
        return parts[0] if len(parts) == 1 else Row(tuple(parts))

    def _repeated(self, node: Node) -> Node:
        while self._text.startswith("(?#", self._at):  # what follows belongs to what was before
            self._at = self._text.index(")", self._at) + 1
        char = self._peek()
        counted = _COUNTED.match(self._text, self._at) if char == "{" else None
        if char and char in "*+?":
            self._at += 1
            least, most = (1 if char == "+" else 0), (1 if char == "?" else None)
        elif counted is not None and counted[0] not in ("{}", "{,}"):
            self._at = counted.end()
            least = int(counted[1] or 0)
            most = (int(counted[3]) if counted[3] else None) if counted[2] else least
        else:
            return node
        if self._peek() and self._peek() in "?+":  # less first, or without going back
            self._at += 1
        return Repeat(node, least, most)

    def _one(self) -> Node:
        char = self._peek()
        if char == "(":
            return self._group()
        if char == "[":
            return Letter(self._set())
        if char == "\\":
            return self._escape()
        self._at += 1
        return NOTHING if char in "^$" else Letter(re.escape(char) if char != "." else char)

    def _escape(self) -> Node:
        found = _ESCAPE.match(self._text, self._at)
        assert found is not None
        self._at = found.end()
        if found[0][1] in "AZbB":
            return NOTHING
        return _ANYTHING if found[0][1] in "123456789" else Letter(found[0])

    def _set(self) -> str:
        """A class of characters; a bracket that stands first in it is one of them."""
        start = self._at
        self._at += 2 if self._text[start + 1 : start + 2] == "^" else 1
        self._at += self._peek() == "]"
        while self._peek() != "]":
            self._at += 2 if self._peek() == "\\" else 1
        self._at += 1
        return self._text[start : self._at]

    def _group(self) -> Node:
        self._at += 1
        text = self._text
        if text.startswith("?#", self._at):
            self._at = text.index(")", self._at) + 1
            return NOTHING
        if text.startswith("?P=", self._at):
            self._at = text.index(")", self._at) + 1
            return _ANYTHING
        around = text.startswith(("?=", "?!", "?<=", "?<!"), self._at)
        flags = _FLAGS.match(text, self._at)
        if flags is not None:
            self.flags.update(flags[1])
        head = flags or _NAME.match(text, self._at)
        self._at = head.end() if head is not None else self._at
        if flags is not None and flags[2] == ")":
            return NOTHING
        inner = self.choice()
        self._at += 1
        # What only looks around takes nothing away, but is gone through all the same.
        return Choice((NOTHING, inner)) if around else inner
