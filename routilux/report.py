"""What the engine says by itself: where a handler failed, what an exit abandons."""

from __future__ import annotations

import atexit
import os
import warnings

from .bus import hub

_HERE = os.path.dirname(__file__) + os.sep
_LIMIT = 4_000


def trim(error: BaseException) -> None:
    """Let the traceback begin in the handler: our own frames above it say nothing about it."""
    frame = error.__traceback__
    while frame is not None and frame.tb_frame.f_code.co_filename.startswith(_HERE):
        frame = frame.tb_next
    if frame is not None:
        error.__traceback__ = frame


def text(error: BaseException) -> str:
    """An exception with its traceback, notes and causes; of a long one the end."""
    import traceback

    return "".join(traceback.format_exception(error))[-_LIMIT:]


@atexit.register
def _report_abandoned() -> None:
    """Say what is lost when a script ends without waiting: daemon threads die with it."""
    for flow in hub.flows():
        jobs = list(flow._scheduler.jobs.values())
        if jobs:
            waiting = sum(len(job.tokens) for job in jobs)
            warnings.warn(
                f"the program ended while flow {flow.flow_id!r} had {len(jobs)} open jobs with "
                f"{waiting} deliveries queued or running, which are lost; call "
                "flow.wait_for_completion() first",
                RuntimeWarning,
                stacklevel=1,
            )
