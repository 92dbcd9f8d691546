"""Pure functions on a flow's topology."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .ports import Connection
from .routine import Routine

#: The slot that ``execute()`` enters by default.
ENTRY_SLOT = "trigger"


def entries(routines: Mapping[str, Routine], connections: Iterable[Connection]) -> list[str]:
    """Ids of the routines where a flow begins: an entry slot and nothing connected to any slot."""
    fed = {id(c.target_slot.routine) for c in connections}
    return [
        name
        for name, routine in routines.items()
        if ENTRY_SLOT in routine._slots and id(routine) not in fed
    ]
