"""Routines as plain data, and back."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

from . import lookup
from .errors import DamagedDataError, SerializationError
from .job_data import accumulated, accumulates
from .plain import plain
from .policy import ErrorHandler
from .ports import Slot
from .reader import SCHEMA, Reader, opened
from .report import message
from .routine import Routine

ROUTINE = "routilux.routine"

#: Fields that are saved anyway.
_COVERED = frozenset({"_id", "_config", "_stats", "_error_handler", "_slots", "_events"})
#: What a field cannot be called: the engine's own.
_RESERVED = frozenset({*dir(Routine), *vars(Routine())}) - _COVERED


# to data ----------------------------------------------------------------------------------------


def routine_to_data(routine: Routine) -> dict[str, Any]:
    """See `Routine.serialize`."""
    where = routine._where()
    with routine._state_lock:
        config, stats = dict(routine._config), dict(routine._stats)
    stats.pop("emitted_events", None)
    return {
        "kind": ROUTINE,
        "schema": SCHEMA,
        "id": plain(routine._id, where, "its id"),
        "class": lookup.name_of(type(routine), where),
        "config": plain(config, where, "config"),
        "stats": plain(stats, where, "stats"),
        "error_handler": handler_data(routine._error_handler, where),
        "slots": _slots_data(routine, where),
        "events": plain({n: e.output_params for n, e in routine._events.items()}, where, "events"),
        "fields": _fields_data(routine, where),
    }


def handler_data(handler: ErrorHandler | None, where: str) -> Any:
    """What to save of an error handler."""
    if handler is None:
        return None
    if type(handler) is not ErrorHandler:
        raise SerializationError(
            f"{where}: its error handler is of class {type(handler).__name__}, but only an "
            "ErrorHandler itself can be saved; set yours again after loading"
        )
    return plain(handler.serialize(), where, "error_handler")


def _slots_data(routine: Routine, where: str) -> dict[str, Any]:
    slots = {name: {"merge": _merge(slot)} for name, slot in list(routine._slots.items())}
    found: dict[str, Any] = plain(slots, where, "slots")
    for name, data in accumulated(routine, where).items():
        found[name]["data"] = data
    return found


def _merge(slot: Slot) -> str:
    if slot.merge_strategy == "append":
        return "append"
    return "custom" if accumulates(slot) else "override"


def _fields_data(routine: Routine, where: str) -> dict[str, Any]:
    found = {}
    for name in routine._serializable:
        if name in _COVERED:
            continue
        if name in _RESERVED or not hasattr(routine, name):
            said = "belongs to the engine" if name in _RESERVED else "does not exist"
            raise SerializationError(f"{where}: field {name!r} {said}; see add_serializable_fields")
        found[name] = plain(getattr(routine, name), where, f"field {name!r}")
    return found


# from data --------------------------------------------------------------------------------------


class State(NamedTuple):
    """What was saved of a routine, checked."""

    config: dict[str, Any]
    stats: dict[str, Any]
    handler: ErrorHandler | None
    slots: dict[str, dict[str, Any]]
    fields: dict[str, Any]


def routine_from_data(routine: Routine, data: dict[str, Any]) -> None:
    """See `Routine.deserialize`."""
    where = f"the data for {routine._where()}"
    reader = opened(data, ROUTINE, where)
    state, ident = read_state(reader), reader.take("id", str)
    warn(where, lost_slots(routine, state))
    put(routine, state, where)
    if routine._flow is None:
        routine._id = ident


def read_state(reader: Reader) -> State:
    """What was saved of a routine, but its class and its events."""
    slots = {}
    for name, slot in reader.named("slots"):
        slot.take("merge", str)
        if "data" in slot.data:
            slots[name] = slot.take("data", dict)
    fields = reader.take("fields", dict)
    for name in fields:
        if name in _RESERVED | _COVERED or not name.isidentifier():
            raise reader.damaged(f"{reader.at('fields')} has {name[:40]!r}, which is no field")
    config, stats = reader.take("config", dict), reader.take("stats", dict)
    return State(config, stats, read_handler(reader), slots, fields)


def read_handler(reader: Reader) -> ErrorHandler | None:
    """The error handler of a flow or a routine."""
    if reader.maybe("error_handler", dict) is None:
        return None
    data, handler = reader.reader("error_handler"), ErrorHandler()
    data.take("strategy", str)
    for key in ("is_critical", "is_optional"):
        data.take(key, bool)
    try:
        handler.deserialize(data.data)
    except (TypeError, ValueError) as error:
        raise data.damaged(f"{reader.at('error_handler')}: {error}") from None
    return handler


def lost_slots(routine: Routine, state: State) -> list[str]:
    """What has accumulated in slots that the class no longer has, or that keep one message now."""
    kept = {name for name, slot in routine._slots.items() if accumulates(slot)}
    return [
        f"what slot {name!r} of routine {routine._id!r} has accumulated: "
        f"{type(routine).__name__} accumulates nothing there"
        for name in state.slots
        if name not in kept
    ]


def warn(where: str, lost: list[str]) -> None:
    """Say what could not be loaded, since what it was for is gone."""
    for each in lost:
        warnings.warn(f"{where}: dropped {each}", RuntimeWarning, stacklevel=4)


def put(routine: Routine, state: State, where: str) -> None:
    """Let a routine have the state; all of it or nothing."""
    before = {name: getattr(routine, name) for name in state.fields if hasattr(routine, name)}
    config = routine.config()
    try:
        for name, value in state.fields.items():
            setattr(routine, name, value)
        if state.config:  # the class may have a set_config of its own, which may define events
            routine.set_config(**state.config)
    except Exception as error:
        routine._config = config
        for name in state.fields:
            _put_back(routine, name, before)
        said = f"{type(error).__name__}: {message(error)}"
        raise DamagedDataError(
            f"{where}: {type(routine).__name__} does not take it, but raised {said}"
        ) from error
    routine.add_serializable_fields(state.fields)
    with routine._state_lock:
        routine._stats = state.stats
    routine._error_handler = state.handler
    for name, data in state.slots.items():
        slot = routine.get_slot(name)
        if slot is not None and accumulates(slot):
            with slot._lock:
                slot._data = data


def _put_back(routine: Routine, name: str, before: dict[str, Any]) -> None:
    try:
        if name in before:
            setattr(routine, name, before[name])
        else:
            delattr(routine, name)
    except Exception:  # noqa: BLE001 - it refused to be set, so it needs no putting back
        pass
