"""Asking for the frames of all threads while there is garbage that must not be collected then."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import gc, sys, threading
from tui.session.frames import current_frames
ask = sys._current_frames if sys.argv[1:] else current_frames

class Cycle:
    pass

for _ in range(3):
    threading.Thread(target=threading.Event().wait, daemon=True).start()
def call():
    return ask()  # from a frame of which there is no object yet: that is made in there

for number in range(600):
    gc.disable()
    gc.collect()
    gc.set_threshold(1 + number % 12, 1, 1)  # so that it comes at each of the steps in there
    one = Cycle()
    one.me, one.local = one, threading.local()
    one.local.x = 1
    del one
    gc.enable()
    call()
print("collects" if gc.isenabled() else "does not collect")
gc.disable()
ask()
print("collects" if gc.isenabled() else "does not collect")
"""


def test_no_collection_of_garbage_can_stop_the_process_meanwhile(tmp_path: Path) -> None:
    """With the plain call this stands still for ever on Python 3.11.7."""
    script = tmp_path / "ask.py"
    script.write_text(SCRIPT)
    ended = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        timeout=15,
        check=True,
        env={"PYTHONPATH": str(Path(__file__).parents[3])},
    )
    assert ended.stdout.split("\n")[:2] == ["collects", "does not collect"]
