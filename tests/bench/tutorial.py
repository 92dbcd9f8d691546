"""The times that the tutorial states, as its scripts take them when run as a user runs them."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.bench.engine import Row
from tests.engine.tutorial import ROOT, lines, seconds, steps

#: How far a time may be from the stated one.
TOLERANCE = 0.05


def rows(runs: int) -> Iterator[Row]:
    """Run every script so often, one at a time."""
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    env.pop("PYTHONUNBUFFERED", None)
    with tempfile.TemporaryDirectory() as folder:
        for step in steps():
            file = Path(folder, f"{step.name}.py")
            file.write_text(step.source, "utf-8")
            outputs = [
                subprocess.run(
                    [sys.executable, str(file)],
                    cwd=folder,
                    env=env,
                    capture_output=True,
                    text=True,
                    check=True,
                ).stdout
                for _ in range(runs)
            ]
            expected = Counter(lines(step.expected))
            same = sum(Counter(lines(output)) == expected for output in outputs)
            yield Row(step.name, "outputs as stated", f"{same}/{runs}", "all", same == runs)
            if step.seconds is not None:
                took = [seconds(output) or 0.0 for output in outputs]
                worst = max(abs(each - step.seconds) for each in took)
                yield Row(
                    step.name,
                    f"stated {step.seconds:.2f} s; median of {runs}, farthest",
                    f"{statistics.median(took):.2f} s, {worst:.2f} s off",
                    f"<= {TOLERANCE} s off",
                    round(worst, 2) <= TOLERANCE,
                )
