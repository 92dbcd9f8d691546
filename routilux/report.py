"""What the engine says by itself: where a handler failed, what an exit abandons."""

from __future__ import annotations

import atexit
import logging
import os
import sys
import threading
import warnings
from typing import TYPE_CHECKING

from .bus import hub

if TYPE_CHECKING:
    from .activation import Delivery
    from .ports import Slot

logger = logging.getLogger("routilux")

_HERE = os.path.dirname(__file__) + os.sep
_LIMIT = 4_000
#: Notes on an exception, at most: one object that is raised again and again must not grow.
_NOTES = 20


def trim(error: BaseException) -> None:
    """Let the traceback begin in the handler: our own frames above it say nothing about it."""
    frame = error.__traceback__
    while frame is not None and frame.tb_frame.f_code.co_filename.startswith(_HERE):
        frame = frame.tb_next
    if frame is not None:
        error.__traceback__ = frame


def annotate(error: BaseException, note: str) -> None:
    """Note on an exception where it was raised, if it takes notes, and each only once."""
    try:
        trim(error)
        notes = getattr(error, "__notes__", ())
        if note not in notes and len(notes) < _NOTES:
            error.add_note(note)
    except BaseException:  # noqa: BLE001 - of the exception's class; the note is all that is lost
        pass


def text(error: BaseException) -> str:
    """An exception with its traceback, notes and causes; of a long one the end."""
    import traceback

    return "".join(traceback.format_exception(error))[-_LIMIT:]


def message(error: BaseException) -> str:
    """What an exception says, shortened; of one that cannot be asked, its class."""
    try:
        said = str(error)
    except BaseException as broken:  # noqa: BLE001 - of the user's __str__
        return f"<{type(error).__name__}; its __str__ raised {type(broken).__name__}>"
    return said if len(said) <= _LIMIT else said[:_LIMIT] + "…"


def swallowed(slot: Slot, error: Exception) -> None:
    """Log an error of a handler that was called outside of any job, and count it there."""
    trim(error)
    said = message(error)
    if slot.routine is not None:
        slot.routine._remember_error(slot.name, said)
    try:
        where = slot.where()
        logger.error("routilux: %s: a handler failed outside of any job: %s", where, said)
    except Exception as strange:  # noqa: BLE001 - of a log handler
        sys.stderr.write(f"routilux: {where} failed, and reporting it raised {strange!r}\n")


def describe_stuck(
    threads: list[threading.Thread], running: list[tuple[threading.Thread, Delivery]]
) -> str:
    """Names threads that do not end, and the handlers that they are in."""
    described = []
    for thread in threads:
        # A ticket, which has no context, stands only for what the thread runs.
        slots = {
            d[0].target_slot: None for each, d in running if each is thread and d[2] is not None
        }
        where = " and ".join(slot.where() for slot in slots)
        described.append(f"{thread.name} in {where}" if slots else thread.name)
    return ", ".join(described)


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
