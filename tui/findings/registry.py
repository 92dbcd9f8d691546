"""All lints, and their thresholds."""

from __future__ import annotations

import math
from collections.abc import Mapping

from tui.errors import UsageError, did_you_mean

from .blocked import Blocked, Convoy
from .comments import ID as COMMENTS
from .growth import Amplification, GrowingQueue
from .lint import Lint, meant
from .overload import Overloaded
from .pool import CpuBound, Idle, Saturated
from .waiting import NoShutdown, NoWait, WaitInHandler
from .wiring import Dangling, Unsavable

LINTS: tuple[type[Lint], ...] = (
    NoWait,
    NoShutdown,
    CpuBound,
    Dangling,
    Saturated,
    Idle,
    Unsavable,
    GrowingQueue,
    Blocked,
    Convoy,
    Amplification,
    WaitInHandler,
    Overloaded,
)
#: Ids of findings of races, which have no thresholds here but may be allowed.
RACES = ("L01", "L13", "L15")
#: What a comment may name.
IDS = frozenset({COMMENTS, *RACES, *(lint.id for lint in LINTS)})


class Thresholds:
    """The thresholds of all lints, and which of them are switched off.

    Args:
        limits: those that differ from the defaults, by lint and name.
        off: lints that are not to run.
    """

    def __init__(
        self,
        limits: Mapping[str, Mapping[str, float]] | None = None,
        off: frozenset[str] = frozenset(),
    ) -> None:
        self._limits = dict(limits or {})
        self.off = off

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Mapping[str, object]]) -> Thresholds:
        """From ``{"L06": {"seconds": 5.0}, "L05": {"on": False}}``, as a configuration has it.

        Raises:
            UsageError: an unknown lint or name, or no number of 0 or more; it says which.
        """
        limits: dict[str, dict[str, float]] = {}
        off: set[str] = set()
        known = {lint.id: lint for lint in LINTS}
        for ident, table in mapping.items():
            if ident not in known:
                hint = meant(ident, known) or f" (there are: {', '.join(known)})"
                raise UsageError(f"lints: there is no lint {ident!r} with thresholds{hint}")
            if not isinstance(table, Mapping):
                raise UsageError(f"lints.{ident}: a table of thresholds is needed, not {table!r}")
            for name, value in table.items():
                if name == "on" and isinstance(value, bool):
                    off |= set() if value else {ident}
                else:
                    limits.setdefault(ident, {})[name] = _checked(known[ident], name, value)
        return cls(limits, frozenset(off))

    def of(self, lint: type[Lint]) -> dict[str, float]:
        """The thresholds of a lint, by name."""
        return {**lint.defaults, **self._limits.get(lint.id, {})}


def _checked(lint: type[Lint], name: str, value: object) -> float:
    where = f"lints.{lint.id}"
    names = (*lint.defaults, "on")
    if name not in names:
        hint = did_you_mean(name, names) or f" (there are: {', '.join(names)})"
        raise UsageError(f"{where}: no threshold {name!r}{hint}")
    if name == "on":
        raise UsageError(f"{where}.on: true or false is needed, not {value!r}")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UsageError(f"{where}.{name}: a number is needed, not {value!r}")
    if not math.isfinite(value) or value < 0:
        raise UsageError(f"{where}.{name}: a number of 0 or more is needed, not {value!r}")
    return float(value)
