"""Looking for races: run a flow under many schedules, and repeat the one that fails."""

from .explorer import explore
from .replaying import Replay, replay
from .report import Report
from .results import Exploration, Outcome, Progress
from .run import Failure, Misuse
from .schedule import Schedule

__all__ = [
    "Exploration",
    "Failure",
    "Misuse",
    "Outcome",
    "Progress",
    "Replay",
    "Report",
    "Schedule",
    "explore",
    "replay",
]
