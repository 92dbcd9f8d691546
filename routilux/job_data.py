"""Jobs as plain data: what a job has done, and what a paused one has still to do."""

from __future__ import annotations

import os
import threading
from datetime import datetime
from typing import Any

from . import control, state_file
from .errors import RestoredError, SerializationError
from .history import ExecutionRecord, Notes
from .job import JobState, JobStatus, SlotActivationTask, TaskPriority
from .plain import plain, plain_or_marked
from .ports import Slot
from .reader import SCHEMA, Reader, opened
from .report import message
from .routine import Routine

KIND = "routilux.job"

_CANNOT_CALL = (
    "which cannot be saved; give Routine.call_later a method of the routine, and what it needs as "
    "arguments"
)


# to data ----------------------------------------------------------------------------------------


def job_to_data(job: JobState) -> dict[str, Any]:
    """See `JobState.serialize`."""
    where = f"job {job.job_id}"
    status = _status_of(job, where)
    paused = status == JobStatus.PAUSED
    if paused and job.flow is not None and not job.done:
        _refuse_lost(job, where)
    tasks = job.pending_tasks if paused or job.flow is None else []
    error, entry = job.error, job.entry
    return {
        "kind": KIND,
        "schema": SCHEMA,
        "job_id": _text(job.job_id, where, "job_id"),
        "flow_id": _text(job.flow_id, where, "flow_id"),
        "status": status,
        "created_at": job.created_at.isoformat(),
        "updated_at": job.updated_at.isoformat(),
        "ended_at": datetime.fromtimestamp(job.ended).isoformat() if job.ended else None,
        "current_routine_id": plain(job.current_routine_id, where, "current_routine_id"),
        "entry": entry and {"routine_id": _owner(entry), "slot_name": entry.name},
        "params": plain_or_marked(job.params),
        "error": error and _error_data(error),
        "dropped": job.dropped,
        "routine_states": _states(job, where, paused),
        "explicit": sorted(job.extra.explicit),
        "pause_points": _points(job, where),
        "pending_tasks": [_task_data(job, t, where, i) for i, t in enumerate(tasks)],
        "execution_history": [_record_data(record) for record in job.execution_history],
        "history_limit": job.limit,
        "forgotten": job.forgotten,
    }


def save_job(job: JobState, path: str | os.PathLike[str]) -> None:
    """See `JobState.save`."""
    state_file.write(job_to_data(job), path)


def _status_of(job: JobState, where: str) -> str:
    try:
        return JobStatus(job.status).value
    except ValueError:
        known = ", ".join(JobStatus)
        raise SerializationError(f"{where}: its status is none of {known}") from None


def _text(value: Any, where: str, path: str) -> str:
    if not isinstance(value, str):
        raise SerializationError(
            f"{where}: {path} must be a text to be saved, not of type {type(value).__name__}"
        )
    return str.__str__(value)


def _owner(slot: Slot) -> str:
    return slot.routine._id if slot.routine else ""


def _error_data(error: BaseException) -> dict[str, Any]:
    name = error.type_name if isinstance(error, RestoredError) else type(error).__name__
    notes = [str(note) for note in getattr(error, "__notes__", ()) if isinstance(note, str)]
    return {"type": name, "message": message(error), "notes": notes}


def _record_data(record: ExecutionRecord) -> dict[str, Any]:
    return {
        "routine_id": _name(record.routine_id),
        "event_name": _name(record.event_name),
        "data": plain_or_marked(record.data),
        "timestamp": record.timestamp.isoformat(),
    }


def _name(value: Any) -> str:
    return str.__str__(value) if isinstance(value, str) else f"<{type(value).__name__}>"


def _task_data(job: JobState, task: SlotActivationTask, where: str, index: int) -> dict[str, Any]:
    path = f"pending_tasks[{index}]"
    where = f"{where}, {path} for slot {task.slot_name!r} of routine {task.routine_id!r}"
    if task.method:
        routine = job.flow.routines.get(task.routine_id) if job.flow is not None else None
        known = routine is None or callable(getattr(routine, task.method, None))
        if not (known and task.method.isidentifier()):
            raise SerializationError(f"{where} is a call of {task.method}, {_CANNOT_CALL}")
    return {
        "routine_id": _text(task.routine_id, where, "routine_id"),
        "slot_name": _text(task.slot_name, where, "slot_name"),
        "data": plain(task.data, where, "data"),
        "retries": task.retries,
        "delay": plain(task.delay, where, "delay"),
        "method": task.method,
        "priority": int(task.priority),
    }


def _refuse_lost(job: JobState, where: str) -> None:
    """A handler that runs, and what a routine holds back, would be lost without a word."""
    running = control.running(job)
    if running:
        slots = ", ".join(sorted({delivery[0].target_slot.where() for delivery in running}))
        raise SerializationError(
            f"{where} is paused, but a handler of it still runs ({slots}); pause() has returned "
            "False: wait for the handler, and pause again"
        )
    for routine in job.flow.routines.values():
        held = getattr(routine, "holds", None)
        count = held() if callable(held) else 0
        if count:
            raise SerializationError(
                f"{where}: {routine._where()} holds back {count} items, which are not saved; let "
                "it send them first (slot 'flush')"
            )


def _states(job: JobState, where: str, paused: bool) -> dict[str, Any]:
    """The states of routines; of a paused job also what its slots have accumulated."""
    found = {}
    for routine_id, state in dict(job.routine_states).items():
        path = f"routine_states[{routine_id!r}]" if isinstance(routine_id, str) else "a state"
        if not isinstance(state, dict) or not isinstance(routine_id, str):
            raise SerializationError(f"{where}: {path} must be a dict with a text as its id")
        found[routine_id] = plain(_without_emits(state), where, path)
        if job.flow is None and not _are_slots(state.get("slots", {})):
            raise SerializationError(f"{where}: {path}['slots'] is for what slots accumulate")
    if job.flow is None:
        return found
    for state in found.values():
        state.pop("slots", None)  # of an earlier pause
    for routine_id, routine in list(job.flow.routines.items()) if paused else ():
        slots = accumulated(routine, f"{where}, {routine._where()}")
        if slots:
            found.setdefault(routine_id, {})["slots"] = slots
    return found


def _points(job: JobState, where: str) -> list[Any]:
    points: list[Any] = plain(job.pause_points, where, "pause_points")
    if not all(isinstance(point, dict) for point in points):
        raise SerializationError(f"{where}: each of its pause_points must be a dict")
    return points


def _are_slots(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(data, dict) for data in value.values())


def _without_emits(state: dict[str, Any]) -> dict[str, Any]:
    """What a routine has emitted is in the history already, and need not be plain data."""
    stats = state.get("stats")
    if not isinstance(stats, dict) or "emitted_events" not in stats:
        return state
    return state | {"stats": {k: v for k, v in stats.items() if k != "emitted_events"}}


def accumulated(routine: Routine, where: str) -> dict[str, dict[str, Any]]:
    """The data that has accumulated in the routine's slots, by slot; of those that have some."""
    found = {}
    for name, slot in list(routine._slots.items()):
        if accumulates(slot):
            data = slot.data
            if data:
                found[name] = plain(data, where, f"slot {name!r} data")
    return found


def accumulates(slot: Slot) -> bool:
    """Whether what a slot holds is more than its last message."""
    return slot.merge_strategy == "append" or callable(slot.merge_strategy)


# from data --------------------------------------------------------------------------------------


def job_from_data(data: dict[str, Any]) -> JobState:
    """See `JobState.deserialize`."""
    return _job(data, "the job data")


def load_job(path: str | os.PathLike[str]) -> JobState:
    """See `JobState.load`."""
    return _job(state_file.read(path), os.fsdecode(path))


def _job(data: Any, where: str) -> JobState:
    reader = opened(data, KIND, where)
    job_id, flow_id, entry = reader.take("job_id", str), reader.take("flow_id", str), _entry(reader)
    ended = reader.time("ended_at") if reader.maybe("ended_at", str) is not None else None
    history = _history(reader, entry, ended)
    job = JobState(flow_id, limit=max(reader.count("history_limit"), len(history)))
    job.job_id, job.status = job_id, _read_status(reader)
    job.began = reader.time("created_at").timestamp()
    job.ended = ended.timestamp() if ended else 0.0
    job.entry, job.params = entry, reader.take("params", dict)
    job.error, job.dropped = _error(reader), reader.count("dropped")
    job.notes = _notes(history, reader.count("forgotten"), job.limit)
    extra = job.extra
    extra.states = _read_states(reader)
    extra.explicit = {text for text in reader.take("explicit", list) if isinstance(text, str)}
    extra.pause_points = [each.data for each in reader.readers("pause_points")]
    extra.parked = [_task(each) for each in reader.readers("pending_tasks")]
    extra.current_routine_id = reader.maybe("current_routine_id", str)
    extra.updated = reader.time("updated_at").timestamp()
    return job


def _read_status(reader: Reader) -> JobStatus:
    status = reader.take("status", str)
    if status not in list(JobStatus):
        raise reader.damaged(f"status {status[:40]!r} is none of {', '.join(JobStatus)}")
    return JobStatus(status)


def _entry(reader: Reader) -> Slot | None:
    """A slot that stands for the one where the job began, which is in no flow yet."""
    if reader.maybe("entry", dict) is None:
        return None
    entry = reader.reader("entry")
    stand_in = Routine()
    stand_in._id = entry.take("routine_id", str)
    return Slot(entry.take("slot_name", str), stand_in)


def _error(reader: Reader) -> RestoredError | None:
    if reader.maybe("error", dict) is None:
        return None
    data = reader.reader("error")
    error = RestoredError(data.take("type", str), data.take("message", str))
    for note in data.take("notes", list):
        if not isinstance(note, str):
            raise data.damaged(f"{data.at('notes')} must be a list of texts")
        error.add_note(note)
    return error


def _read_states(reader: Reader) -> dict[str, dict[str, Any]]:
    states = {}
    for routine_id, state in reader.named("routine_states"):
        if not _are_slots(state.data.get("slots", {})):
            raise reader.damaged(f"{state.at('slots')} must be an object of objects")
        states[routine_id] = state.data
    return states


def _task(reader: Reader) -> SlotActivationTask:
    task = SlotActivationTask(
        routine_id=reader.take("routine_id", str),
        slot_name=reader.take("slot_name", str),
        data=reader.take("data", dict),
        retries=reader.count("retries"),
        delay=reader.seconds("delay", threading.TIMEOUT_MAX),
        method=reader.take("method", str),
        priority=_priority(reader),
    )
    if task.method:
        reader.reader("data").take("args", list)
        if not task.method.isidentifier() or task.method.startswith("__"):
            raise reader.damaged(f"{reader.at('method')} is no name of a method")
    return task


def _priority(reader: Reader) -> TaskPriority:
    value = reader.count("priority")
    if value not in list(TaskPriority):
        raise reader.damaged(f"{reader.at('priority')} {value} is no priority")
    return TaskPriority(value)


def _record(reader: Reader) -> ExecutionRecord:
    return ExecutionRecord(
        reader.take("routine_id", str),
        reader.take("event_name", str),
        reader.take("data", dict),
        reader.time("timestamp"),
    )


def _history(reader: Reader, entry: Slot | None, ended: datetime | None) -> list[ExecutionRecord]:
    """The records, without the first and the last if the job makes those up of its times."""
    records = [_record(each) for each in reader.readers("execution_history")]
    if entry is None:
        return records
    start = (0, _owner(entry), "start", reader.time("created_at"))
    completed = (len(records) - 1, _owner(entry), "completed", ended)
    return [
        record
        for index, record in enumerate(records)
        if (index, record.routine_id, record.event_name, record.timestamp) not in (start, completed)
    ]


def _notes(records: list[ExecutionRecord], forgotten: int, limit: int) -> Notes:
    notes = Notes()
    for record in records:
        notes.add(record, limit)
    notes.forgotten = forgotten
    return notes
