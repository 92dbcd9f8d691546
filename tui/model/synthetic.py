"""What was sent by hand: marked wherever it is shown, so that nobody takes it for the program's."""

from __future__ import annotations

from tui.session.messages import RecordTuple

from . import log
from .monitor import Monitor

#: Stands beside what was sent by hand, where there is no room for words.
SIGN = "+"
WORDS = "by hand"


def is_synthetic(monitor: Monitor, record: RecordTuple) -> bool:
    """Whether a record belongs to a job that was sent by hand, or that such a job has begun."""
    job = record[log.JOB]
    return job in monitor.run_of(record[log.GENERATION]).synthetic if job else False
