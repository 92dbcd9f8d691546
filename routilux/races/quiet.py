"""What a flow prints and logs is not wanted a thousand times: only other threads are heard."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .controller import Controller


@contextmanager
def hushed(controller: Controller) -> Iterator[None]:
    """Drop what is logged by tasks that are ended because their run is over."""
    loggers = [logging.getLogger(name) for name in ("routilux", "concurrent.futures", "asyncio")]

    def is_heard(record: logging.LogRecord) -> bool:
        return not controller.aborting or controller.me() is None

    for logger in loggers:
        logger.addFilter(is_heard)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(is_heard)


@contextmanager
def muted(controller: Controller) -> Iterator[None]:
    """Drop what controlled tasks print, and what the engine logs of them."""
    streams = sys.stdout, sys.stderr
    logger = logging.getLogger("routilux")

    def is_heard(record: logging.LogRecord) -> bool:
        return controller.me() is None

    logger.addFilter(is_heard)
    sys.stdout, sys.stderr = (_Muted(stream, controller) for stream in streams)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = streams
        logger.removeFilter(is_heard)


class _Muted:
    def __init__(self, stream: Any, controller: Controller) -> None:
        self._stream = stream
        self._controller = controller

    def write(self, text: str) -> int:
        if self._controller.me() is not None:
            return len(text)
        return int(self._stream.write(text))

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
