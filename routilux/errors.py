"""The exceptions of routilux: one tree, each message says what happened, where, and what to do."""

from __future__ import annotations

from collections.abc import Iterable


class RoutiluxError(Exception):
    """Base of everything that routilux raises on purpose."""


class UnknownNameError(RoutiluxError, ValueError):
    """A routine, slot or event of that name does not exist.

    Attributes:
        kind: what was looked for, such as ``"event"``.
        name: the name as given.
        where: the flow or routine that was searched.
        known: the names that exist there.
    """

    def __init__(self, kind: str, name: str, where: str, known: Iterable[str]) -> None:
        self.kind = kind
        self.name = name
        self.where = where
        self.known = tuple(known)
        super().__init__(f"{where} has no {kind} {name!r}{_suggestion(name, self.known)}")

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.kind, self.name, self.where, self.known)


class DuplicateNameError(RoutiluxError, ValueError):
    """A routine, slot or event of that name exists already."""


class SelfDeadlockError(RoutiluxError, RuntimeError):
    """A handler waited for the flow (or the job) that waits for the handler."""


def _suggestion(name: str, known: tuple[str, ...]) -> str:
    if not known:
        return " (it has none)"
    import difflib

    near = difflib.get_close_matches(str(name), known, n=1, cutoff=0.5)
    listed = ", ".join(known[:8]) + (", …" if len(known) > 8 else "")
    return f"; did you mean {near[0]!r}? It has: {listed}" if near else f"; it has: {listed}"
