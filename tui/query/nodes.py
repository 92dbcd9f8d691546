"""What a filter says, as a tree, and how it is written down again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from tui.errors import TuiError

#: Words of the language; as a text they are quoted.
KEYWORDS = frozenset({"and", "or", "not", "in"})
#: What ends a word that is not quoted.
BREAKS = frozenset(' \t\n\r\f\v"(),=<>!~:&|')


class QueryError(TuiError):
    """A filter that cannot be understood.

    Attributes:
        column: where, counted from 0; at most the length of the text.
    """

    def __init__(self, message: str, column: int) -> None:
        super().__init__(message)
        self.message = message
        self.column = column


class Op(StrEnum):
    """How a field is compared."""

    EQUAL = "="
    UNEQUAL = "!="
    LESS = "<"
    MOST = "<="
    MORE = ">"
    LEAST = ">="
    MATCH = "~"
    MISMATCH = "!~"


@dataclass(frozen=True, slots=True)
class Value:
    """What a field is compared with. A quoted one is meant to the letter: ``*`` is an asterisk."""

    text: str
    quoted: bool = False
    column: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return quote(self.text) if self.quoted or not _is_word(self.text) else self.text


@dataclass(frozen=True, slots=True)
class Word:
    """A text that must stand somewhere in the row, whatever its case."""

    text: str
    column: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return self.text if is_plain(self.text) else quote(self.text)


@dataclass(frozen=True, slots=True)
class Saved:
    """A filter that is kept by a name, in its place."""

    name: str
    column: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return f"@{self.name}"


@dataclass(frozen=True, slots=True)
class Compare:
    """A field, an operator and a value."""

    name: str
    op: Op
    value: Value
    column: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return f"{_name(self.name)}{self.op.value}{self.value}"


@dataclass(frozen=True, slots=True)
class Among:
    """A field that has one of several values."""

    name: str
    values: tuple[Value, ...]
    column: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return f"{_name(self.name)} in ({', '.join(map(str, self.values))})"


@dataclass(frozen=True, slots=True)
class Not:
    """The rows that something does not hold for."""

    inner: Node

    def __str__(self) -> str:
        return f"not {_grouped(self.inner)}"


@dataclass(frozen=True, slots=True)
class All:
    """Everything must hold. Made by `all_of`."""

    parts: tuple[Node, ...]

    def __str__(self) -> str:
        return " and ".join(map(_grouped, self.parts))


@dataclass(frozen=True, slots=True)
class Some:
    """Something must hold. Made by `any_of`."""

    parts: tuple[Node, ...]

    def __str__(self) -> str:
        return " or ".join(str(part) for part in self.parts)


Node = Word | Saved | Compare | Among | Not | All | Some


def all_of(parts: Iterable[Node]) -> Node:
    """The parts joined by ``and``, flat; a single one as it is."""
    flat = [n for part in parts for n in (part.parts if isinstance(part, All) else (part,))]
    return All(tuple(flat)) if len(flat) != 1 else flat[0]


def any_of(parts: Iterable[Node]) -> Node:
    """The parts joined by ``or``, flat; a single one as it is."""
    flat = [n for part in parts for n in (part.parts if isinstance(part, Some) else (part,))]
    return Some(tuple(flat)) if len(flat) != 1 else flat[0]


def is_plain(text: str) -> bool:
    """Whether a text is one word as it stands."""
    return text.casefold() not in KEYWORDS and _is_word(text) and text[0] != "@"


def quote(text: str) -> str:
    """The text between quotes, such that it is read as it was."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _is_word(text: str) -> bool:
    return (
        bool(text) and text[0] != "'" and not any(char in BREAKS or char.isspace() for char in text)
    )


def _name(name: str) -> str:
    return name if is_plain(name) else quote(name)


def _grouped(node: Node) -> str:
    return f"({node})" if isinstance(node, All | Some) else str(node)
