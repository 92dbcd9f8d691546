"""What rows have: the fields that a filter may name, and how each is read."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from .units import Unit

Row = TypeVar("Row")


@dataclass(frozen=True)
class Field(Generic[Row]):
    """Something of a row.

    Attributes:
        get: reads it from a row, or, when there is a ``key``, from that. None: the row has none.
        unit: what it is.
        key: what of the row it depends on. For each key a comparison is worked out once.
        words: what it may be, each word that is understood with the one it stands for.
    """

    get: Callable[[Any], Any]
    unit: Unit = Unit.TEXT
    key: Callable[[Row], Hashable] | None = None
    words: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Table(Generic[Row]):
    """The fields of one kind of rows.

    Attributes:
        name: what the rows are, as in "events".
        fields: by name; of one with several places any may match.
        bare: where a word without a field is looked for.
        roots: fields below which there is a path, such as ``payload.order_id``: from row and path
            to what is there.
        aliases: other names of fields and roots.
        saved: filters that a name stands for, as in ``@slow``.
        within: the names of those that are being read: one cannot be part of itself.
    """

    name: str
    fields: Mapping[str, tuple[Field[Row], ...]]
    bare: tuple[Field[Row], ...]
    roots: Mapping[str, Callable[[Row, tuple[str, ...]], Any]] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    saved: Mapping[str, str] = field(default_factory=dict)
    within: frozenset[str] = frozenset()

    @property
    def names(self) -> list[str]:
        """Every name that means something, the shown ones first."""
        return [
            *self.fields,
            *(f"{root}." for root in self.roots),
            *self.aliases,
            *(f"@{name}" for name in self.saved),
        ]

    def find(self, name: str) -> tuple[Field[Row], ...] | None:
        """The places that a name stands for; None if it is not known."""
        folded = name.casefold()
        found = self.fields.get(self.aliases.get(folded, folded))
        if found is not None:
            return found
        root, _, path = name.partition(".")
        reader = self.roots.get(self.aliases.get(root.casefold(), root.casefold()))
        if reader is None or not path:
            return None
        steps = tuple(path.split("."))
        return (Field(lambda row: reader(row, steps), Unit.ANY),)
