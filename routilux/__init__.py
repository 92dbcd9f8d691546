"""An event-driven flow engine: routines with input slots and output events, wired into a flow."""

from .bus import EventBus, Level, Subscription, hub
from .clock import Clock, ManualClock
from .commit import Outcome
from .errors import (
    DamagedDataError,
    DuplicateNameError,
    InvalidValueError,
    JobLostError,
    RestoredError,
    RoutiluxError,
    SelfDeadlockError,
    SerializationError,
    SlotFullError,
    UnknownNameError,
)
from .flow import Flow
from .history import ExecutionRecord
from .job import JobState, JobStatus, SlotActivationTask, TaskPriority
from .limits import Limit, limit_workers
from .lines import LineCapture
from .policy import ErrorHandler, ErrorStrategy
from .ports import Connection, Event, Slot
from .records import Drop, Kind, Line, Note, Record, Status
from .routine import ExecutionContext, Routine, Timer, register_serializable
from .tracker import ExecutionTracker

__all__ = [
    "Clock",
    "Connection",
    "DamagedDataError",
    "Drop",
    "DuplicateNameError",
    "ErrorHandler",
    "ErrorStrategy",
    "Event",
    "EventBus",
    "ExecutionContext",
    "ExecutionRecord",
    "ExecutionTracker",
    "Flow",
    "InvalidValueError",
    "JobLostError",
    "JobState",
    "JobStatus",
    "Kind",
    "Level",
    "Limit",
    "Line",
    "LineCapture",
    "ManualClock",
    "Note",
    "Outcome",
    "Record",
    "RestoredError",
    "RoutiluxError",
    "Routine",
    "SelfDeadlockError",
    "SerializationError",
    "Slot",
    "SlotActivationTask",
    "SlotFullError",
    "Status",
    "Subscription",
    "TaskPriority",
    "Timer",
    "UnknownNameError",
    "hub",
    "limit_workers",
    "register_serializable",
]
