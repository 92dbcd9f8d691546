"""An event-driven flow engine: routines with input slots and output events, wired into a flow."""

from .bus import EventBus, Level, Subscription, hub
from .errors import DuplicateNameError, RoutiluxError, SelfDeadlockError, UnknownNameError
from .flow import Flow
from .job import JobState, JobStatus
from .ports import Connection, Event, Slot
from .records import Kind, Note, Record, Status
from .routine import Routine

__all__ = [
    "Connection",
    "DuplicateNameError",
    "Event",
    "EventBus",
    "Flow",
    "JobState",
    "JobStatus",
    "Kind",
    "Level",
    "Note",
    "Record",
    "RoutiluxError",
    "Routine",
    "SelfDeadlockError",
    "Slot",
    "Status",
    "Subscription",
    "UnknownNameError",
    "hub",
]
