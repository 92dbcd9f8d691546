"""Checks of what a flow is handed: one clear error instead of what would follow from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .errors import InvalidValueError
from .routine import Routine


def routine(flow_id: str, given: object) -> None:
    """Refuse what is no routine, or one that was not set up."""
    kind = type(given).__name__
    if isinstance(given, Routine):
        if hasattr(given, "_slots"):
            return
        wrong = f"{kind}.__init__ has to call super().__init__() first"
    elif isinstance(given, type):
        wrong = f"a routine is needed, not a class; write add_routine({given.__name__}(), id)"
    else:
        wrong = f"a routine is needed, not a {kind}; write add_routine(MyRoutine(), id)"
    raise InvalidValueError(f"flow {flow_id!r}: {wrong}")


def routine_id(flow_id: str, given: object) -> None:
    """Refuse an id that no dict could hold."""
    try:
        hash(given)
    except TypeError:
        kind = type(given).__name__
        raise InvalidValueError(f"flow {flow_id!r}: a {kind} cannot be a routine's id") from None


def params(flow_id: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of what a job begins with; refuse what handlers could not get as keywords."""
    if not isinstance(given, Mapping):
        raise InvalidValueError(
            f"flow {flow_id!r}: entry_params must be a dict of keywords, not {type(given).__name__}"
        )
    for key in given:
        if not isinstance(key, str):
            raise InvalidValueError(
                f"flow {flow_id!r}: the keys of entry_params must be texts, not "
                f"{type(key).__name__}, since handlers get them as keywords"
            )
    return dict(given)
