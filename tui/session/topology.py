"""A flow's wiring as plain data: names travel once, numbers after that."""

from __future__ import annotations

from routilux import Flow, Routine
from routilux.ports import Connection, Slot

from .calls import params_of
from .messages import EXECUTE, TIMER, EdgeInfo, FlowInfo, RoutineInfo, SlotInfo


def topology_key(flow: Flow) -> tuple[int, ...]:
    """Changes whenever the wiring does."""
    routines = list(flow.routines.values())
    ports = sum(len(r._slots) + len(r._events) for r in routines)
    entered = sum(slot._entry is not None for r in routines for slot in _slots(r))
    strategy = hash(flow.execution_strategy)
    wired = (len(routines), len(flow.connections), ports, entered)
    return (flow.number, *wired, strategy, flow.max_workers)


def describe(flow: Flow) -> FlowInfo:
    """A flow's topology as plain data."""
    routines = list(flow.routines.items())
    numbers = {id(routine): number for number, (_, routine) in enumerate(routines)}
    fed = {id(c.target_slot.routine) for c in flow.connections}
    infos = tuple(
        _routine(number, name, routine, id(routine) not in fed)
        for number, (name, routine) in enumerate(routines)
    )
    entered = [slot._entry for _, r in routines for slot in _slots(r) if slot._entry]
    edges = (_edge(c, numbers) for c in [*flow.connections, *entered])
    return FlowInfo(
        flow.number,
        str(flow.flow_id),  # whatever the user took for ids
        flow.execution_strategy,
        flow.max_workers,
        infos,
        tuple(edge for edge in edges if edge is not None),
    )


def is_timer(connection: Connection) -> bool:
    """Whether it is the edge over which a routine has itself called later."""
    slot = connection.target_slot
    return slot.routine is not None and slot.routine._later_slot is slot


def _slots(routine: Routine) -> list[Slot]:
    """Its slots, and the hidden one over which it is called later."""
    slots = list(routine._slots.values())
    return slots if routine._later_slot is None else [*slots, routine._later_slot]


def _routine(number: int, name: str, routine: Routine, unfed: bool) -> RoutineInfo:
    slots = list(routine._slots.values())
    file, line = _source(type(routine))
    return RoutineInfo(
        number,
        str(name),
        type(routine).__name__,
        file,
        line,
        tuple(_slot(slot) for slot in slots),
        tuple((event.number, event.name) for event in list(routine._events.values())),
        unfed and "trigger" in routine._slots,
    )


def _slot(slot: Slot) -> SlotInfo:
    merge = slot.merge_strategy if isinstance(slot.merge_strategy, str) else "custom"
    handler = getattr(slot.handler, "__name__", "") if slot.handler else ""
    params, more = params_of(slot)
    return SlotInfo(slot.name, merge, handler, params, more)


def _source(cls: type) -> tuple[str, int]:
    codes = [getattr(f, "__code__", None) for f in vars(cls).values()]
    found = [(c.co_firstlineno, c.co_filename) for c in codes if c is not None]
    line, file = min(found, default=(0, ""))
    return file, line


def _edge(connection: Connection, numbers: dict[int, int]) -> EdgeInfo | None:
    event, slot = connection.source_event, connection.target_slot
    target = numbers.get(id(slot.routine))
    source = numbers.get(id(event.routine)) if event else -1
    if target is None or source is None:
        return None
    if event is not None:
        renames = tuple((str(a), str(b)) for a, b in connection.param_mapping.items())
        return EdgeInfo(
            connection.number, source, event.name, event.number, target, slot.name, renames
        )
    name = TIMER if is_timer(connection) else EXECUTE
    return EdgeInfo(connection.number, source, name, 0, target, slot.name)
