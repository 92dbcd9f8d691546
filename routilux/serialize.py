"""Flows as plain data, and back; the door to all of that, also for routines and jobs.

Loading makes everything first and puts it in place at the end: what cannot be loaded changes
nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import lookup
from .errors import DamagedDataError, InvalidValueError, SerializationError
from .job import JobStatus
from .job_data import (
    job_from_data,
    job_to_data,
    load_job,
    save_job,
)
from .plain import plain
from .ports import Connection
from .reader import SCHEMA, Reader, opened
from .report import message
from .routine import Routine
from .routine_data import (
    handler_data,
    lost_slots,
    put,
    read_handler,
    read_state,
    routine_from_data,
    routine_to_data,
    warn,
)

if TYPE_CHECKING:
    from .flow import Flow

__all__ = [
    "flow_from_data",
    "flow_to_data",
    "job_from_data",
    "job_to_data",
    "load_job",
    "routine_from_data",
    "routine_to_data",
    "save_job",
]

FLOW = "routilux.flow"

_STRATEGIES = ("sequential", "concurrent")


# to data ----------------------------------------------------------------------------------------


def flow_to_data(flow: Flow, include_execution_state: bool) -> dict[str, Any]:
    """See `Flow.serialize`."""
    if not isinstance(flow.flow_id, str):
        kind = type(flow.flow_id).__name__
        raise SerializationError(f"a flow_id must be a text to be saved, not of type {kind}")
    where = f"flow {flow.flow_id!r}"
    if flow.execution_strategy not in _STRATEGIES:
        raise SerializationError(f"{where}: its execution strategy is none of {_STRATEGIES}")
    data = {
        "kind": FLOW,
        "schema": SCHEMA,
        "flow_id": flow.flow_id,
        "execution_strategy": flow.execution_strategy,
        "max_workers": flow.max_workers,
        "error_handler": handler_data(flow.error_handler, where),
        "routines": {_id(i, where): routine_to_data(r) for i, r in list(flow.routines.items())},
        "connections": [_connection_data(c, where) for c in _wiring(flow)],
    }
    if include_execution_state:
        jobs = [j for j in flow.get_all_executions() if j.status == JobStatus.PAUSED]
        data["jobs"] = [job_to_data(job) for job in jobs]
    return data


def _id(routine_id: Any, where: str) -> str:
    if not isinstance(routine_id, str):
        kind = type(routine_id).__name__
        raise SerializationError(f"{where}: a routine's id must be a text, not of type {kind}")
    return routine_id


def _wiring(flow: Flow) -> list[Connection]:
    """The connections within the flow that deliver, in order; also those made without it."""
    routines = flow.routines.values()
    linked = [c for r in list(routines) for e in list(r._events.values()) for c in e.connections]
    inside = {id(c): c for c in linked if _in_flow(c.target_slot.routine, flow)}
    first = [c for c in list(flow.connections) if inside.pop(id(c), None) is not None]
    return first + list(inside.values())


def _in_flow(routine: Routine | None, flow: Flow) -> bool:
    return routine is not None and flow.routines.get(routine._id) is routine


def _connection_data(connection: Connection, where: str) -> dict[str, Any]:
    event, slot = connection.source_event, connection.target_slot
    assert event is not None  # `_wiring` gives those between routines only
    source, target = event.routine, slot.routine
    assert source is not None
    assert target is not None
    return {
        "source_routine_id": source._id,
        "source_event": event.name,
        "target_routine_id": target._id,
        "target_slot": slot.name,
        "param_mapping": plain(dict(connection.param_mapping), where, "param_mapping"),
    }


# flows from data ----------------------------------------------------------------------------------


def flow_from_data(flow: Flow, data: dict[str, Any]) -> None:
    """See `Flow.deserialize`."""
    _refuse_open_jobs(flow)
    reader = opened(data, FLOW, "the flow data")
    flow_id, strategy = reader.take("flow_id", str), reader.take("execution_strategy", str)
    if strategy not in _STRATEGIES:
        raise reader.damaged(f"execution_strategy {strategy[:40]!r} is none of {_STRATEGIES}")
    workers, handler = reader.count("max_workers", 1), read_handler(reader)
    where = f"flow {flow_id!r}"
    lost: list[str] = []
    routines = {i: _routine(i, each, where, lost) for i, each in reader.named("routines")}
    made = [_connection(each, routines, lost) for each in reader.readers("connections")]
    connections = [connection for connection in made if connection is not None]
    warn(where, lost)
    with flow._scheduler.lock:
        _refuse_open_jobs(flow)
        old, wires = flow.routines, _wiring(flow)
        flow.flow_id, flow.execution_strategy, flow.max_workers = flow_id, strategy, workers
        flow.error_handler = handler
        for routine in routines.values():
            routine._flow = flow
        flow.routines, flow.connections = routines, connections
        for routine in old.values():
            routine._flow = None
    flow._close_threads()
    for wire in wires:
        wire.disconnect()


def _refuse_open_jobs(flow: Flow) -> None:
    open_jobs = len(flow._scheduler.jobs)
    if open_jobs:
        raise InvalidValueError(
            f"flow {flow.flow_id!r} has {open_jobs} open jobs, which its present routines run; "
            "wait for them, cancel them, or load into a new Flow()"
        )


def _routine(routine_id: str, reader: Reader, flow: str, lost: list[str]) -> Routine:
    where = f"{flow}, routine {routine_id!r}"
    state = read_state(reader)
    kind = lookup.find(lookup.read_name(reader.reader("class")), where)
    routine = _make(kind, where)
    routine._id = routine_id
    put(routine, state._replace(stats={**routine._stats, **state.stats}), where)  # new ones stay
    lost += lost_slots(routine, state)
    return routine


def _make(kind: type[Routine], where: str) -> Routine:
    needed = lookup.arguments(kind)
    if needed:
        raise DamagedDataError(
            f"{where}: {kind.__name__}() needs {', '.join(map(repr, needed))} now, so it cannot be "
            "loaded; let __init__ take no arguments, and pass values by set_config"
        )
    try:
        return kind()
    except Exception as error:
        said = f"{type(error).__name__}: {message(error)}"
        raise DamagedDataError(f"{where}: {kind.__name__}() raised {said}") from error


def _connection(reader: Reader, routines: dict[str, Routine], lost: list[str]) -> Connection | None:
    source, target = (reader.take(f"{s}_routine_id", str) for s in ("source", "target"))
    for routine_id in (source, target):
        if routine_id not in routines:
            raise reader.damaged(f"a connection names routine {routine_id[:40]!r}, which it lacks")
    event_name, slot_name = reader.take("source_event", str), reader.take("target_slot", str)
    mapping = reader.take("param_mapping", dict)
    if not all(isinstance(name, str) for name in mapping.values()):
        raise reader.damaged(f"{reader.at('param_mapping')} must hold texts")
    event, slot = routines[source].get_event(event_name), routines[target].get_slot(slot_name)
    if event is not None and slot is not None:
        return Connection(event, slot, mapping)
    gone = f"event {event_name!r} of routine {source!r}" if event is None else (
        f"slot {slot_name!r} of routine {target!r}"
    )  # fmt: skip
    lost.append(
        f"the connection {source}.{event_name} -> {target}.{slot_name}: there is no {gone} any more"
    )
    return None
