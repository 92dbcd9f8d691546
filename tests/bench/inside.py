"""The program with a clock in it: how long each frame takes the thread that also answers keys.

``python -m tests.bench.inside FILE ARGUMENTS``; at its end a line for each frame: when, and ms.
"""

from __future__ import annotations

import atexit
import sys
import time
from pathlib import Path
from typing import Any

from textual.screen import Screen

from tui.app import MonitorApp
from tui.cli import main

frames: list[tuple[float, float]] = []
_begun: list[float] = []


def _timed(kind: Any, name: str, *, ends: bool) -> None:
    plain = getattr(kind, name)

    def timed(self: Any, *args: Any) -> Any:
        dirty = bool(self._dirty_widgets or self._layout_required) if ends else True
        begin = time.perf_counter()
        result = plain(self, *args)
        _begun.append(time.perf_counter() - begin)
        if ends and dirty:
            frames.append((time.monotonic(), sum(_begun) * 1000))
            _begun.clear()
        elif ends:
            _begun.pop()
        return result

    setattr(kind, name, timed)


def _write(path: str) -> None:
    Path(path).write_text("".join(f"{when:.3f} {took:.2f}\n" for when, took in frames))


if __name__ == "__main__":
    atexit.register(_write, sys.argv.pop(1))
    _timed(MonitorApp, "show", ends=False)  # the model into rows
    _timed(Screen, "_on_timer_update", ends=True)  # rows onto the terminal
    sys.exit(main())
