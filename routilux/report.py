"""What the engine says by itself: where a handler failed, what an exit abandons."""

from __future__ import annotations

import atexit
import logging
import os
import threading
import warnings
from typing import TYPE_CHECKING

from .bus import hub

if TYPE_CHECKING:
    from .ports import Slot
    from .workers import Backend

logger = logging.getLogger("routilux")

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


def message(error: BaseException) -> str:
    """What an exception says; of one that cannot be asked, its class."""
    try:
        said = str(error)
    except Exception as broken:  # noqa: BLE001 - of the user's __str__
        return f"<{type(error).__name__}; its __str__ raised {type(broken).__name__}>"
    return said if len(said) <= _LIMIT else said[:_LIMIT] + "…"


def swallowed(slot: Slot, error: Exception) -> None:
    """Log an error of a handler that was called outside of any job, and count it there."""
    trim(error)
    said = message(error)
    if slot.routine is not None:
        slot.routine._remember_error(slot.name, said)
    logger.error("routilux: %s: a handler failed outside of any job: %s", slot.where(), said)


def describe_stuck(threads: list[threading.Thread], backend: Backend | None) -> str:
    """Names threads that do not end, and the handlers that they are in."""
    running = dict(backend.running()) if backend is not None else {}
    described = []
    for thread in threads:
        delivery = running.get(thread)
        slot = delivery[0].target_slot if delivery is not None else None
        where = f" in {slot.where()}" if slot is not None else ""
        described.append(f"{thread.name}{where}")
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
