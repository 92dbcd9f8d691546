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


class SlotFullError(RoutiluxError, RuntimeError):
    """A slot with ``overflow="error"`` holds as many deliveries as it may; nothing was delivered.

    Attributes:
        routine: id of the slot's routine.
        slot: name of the slot.
        limit: its ``max_queue``.
    """

    def __init__(self, routine: str, slot: str, limit: int) -> None:
        self.routine = routine
        self.slot = slot
        self.limit = limit
        super().__init__(
            f"slot {slot!r} of routine {routine!r} is full: {limit} deliveries wait for it; "
            "emit again later, raise max_queue, or choose another overflow"
        )

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.routine, self.slot, self.limit)


class JobLostError(RoutiluxError, RuntimeError):
    """A job cannot go on, since the threads that ran it are in another process (after a fork)."""


class RestoredError(RoutiluxError):
    """The error of a job that was loaded; the exception itself stayed in the other process.

    Attributes:
        type_name: the name of its class.
    """

    def __init__(self, type_name: str, message: str) -> None:
        super().__init__(message)
        self.type_name = type_name

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.type_name, *self.args)

    def __repr__(self) -> str:
        return f"RestoredError({self.type_name}: {self.args[0]})"


class SerializationError(RoutiluxError, TypeError):
    """Something cannot be turned into plain data; the message says what and where."""


class DamagedDataError(RoutiluxError, ValueError):
    """Saved data is damaged, of another kind, or newer than this version; nothing was changed."""


#: Longest time in seconds, 31 years: more, also infinity, counts as so much. Beyond 292 years locks
#: and clocks would refuse.
LONGEST = 1e9


#: The longest time in seconds that can be waited for: more than the clocks of threads can count.
LONGEST = 1e9


def seconds(value: float | None, what: str) -> float | None:
    """A time to wait: None, or a number that is not negative, at most `LONGEST`.

    Raises:
        InvalidValueError: it is negative or no number.
    """
    return None if value is None else duration(value, what, "None or a number of seconds")


def duration(value: float, what: str, kind: str = "a number of seconds") -> float:
    """A number that is not negative, at most `LONGEST`.

    Raises:
        InvalidValueError: it is negative or no number.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        raise InvalidValueError(f"{what} must be {kind} >= 0, not {value!r}")
    return min(value, LONGEST)


def at_least(value: int, minimum: int, what: str) -> int:
    """A whole number that is not too small.

    Raises:
        InvalidValueError: it is too small or no whole number.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < minimum:
        raise InvalidValueError(
            f"{what} must be a whole number of at least {minimum}, not {value!r}"
        )
    return value


class InvalidValueError(RoutiluxError, ValueError):
    """An argument has a value that it cannot have."""


def _suggestion(name: str, known: tuple[str, ...]) -> str:
    if not known:
        return " (it has none)"
    import difflib

    near = difflib.get_close_matches(str(name), known, n=1, cutoff=0.5)
    listed = ", ".join(known[:8]) + (", …" if len(known) > 8 else "")
    return f"; did you mean {near[0]!r}? It has: {listed}" if near else f"; it has: {listed}"
