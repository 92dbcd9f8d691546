"""The innermost frames of all threads, asked for in a way that cannot stop the process.

While `sys._current_frames` makes its answer it holds a lock of the interpreter's. Should garbage be
collected in there, the collector may want that same lock: the process then stands still for ever
(issue 106883 of CPython, seen on 3.11.7). So there is no collection meanwhile.
"""

from __future__ import annotations

import gc
import sys
import threading
from types import FrameType

#: Several of our threads ask: none must switch the collector on while another one asks.
_asking = threading.Lock()


def current_frames() -> dict[int, FrameType]:
    """The innermost frame of each thread, by its ident. Any thread."""
    with _asking:
        collects = gc.isenabled()
        gc.disable()
        try:
            return sys._current_frames()
        finally:
            if collects:
                gc.enable()
