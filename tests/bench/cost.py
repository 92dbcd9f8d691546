"""The same work with and without a monitor, beside what the header says that it costs."""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.bench.rows import Row, at_least, at_most
from tests.bench.terminal import Terminal, cpu_seconds

ROOT = Path(__file__).resolve().parents[2]
STEADY = str(Path(__file__).parent / "flows" / "steady.py")
#: What is left out at the start: prices are measured and screens made meanwhile.
_WARM = 4.0
#: Loops of a handler of about 10 µs.
TEN_MICROS = "1000"


@dataclass(frozen=True, slots=True)
class Work:
    """Activations, wall and CPU seconds."""

    activations: int
    wall: float
    cpu: float

    @property
    def each(self) -> float:
        """CPU seconds of one activation."""
        return self.cpu / self.activations

    @property
    def rate(self) -> float:
        """Activations a second."""
        return self.activations / self.wall


@dataclass(frozen=True, slots=True)
class Watched:
    """The engine's work while it was watched, the monitor's CPU, and means of what was shown."""

    engine: Work
    monitor_cpu: float
    said: float
    said_ui: float
    said_engine: float
    said_each: float


def alone(seconds: float, loops: str, rate: str) -> Work:
    """The flow with nobody watching."""
    done = subprocess.run(
        [sys.executable, STEADY, str(int(seconds)), loops, rate],
        check=True, capture_output=True, text=True, cwd=ROOT,
    )  # fmt: skip
    words = done.stdout.split()
    return Work(int(words[1]), float(words[3]), float(words[5]))


def watched(
    seconds: float, loops: str, rate: str, *, options: tuple[str, ...] = (), throttle: int = 0
) -> Watched:
    """The flow in the monitor at 200x50, for so many seconds after its start."""
    run = str(int(seconds + _WARM + 4))
    terminal = Terminal(*options, STEADY, "--", run, loops, rate, throttle=throttle)
    terminal.wait_for("stage0")
    terminal.watch(_WARM)
    engine = terminal.engine_pid()
    shown = _Shown()
    before = shown.runs(terminal), time.monotonic(), cpu_seconds(engine), cpu_seconds(terminal.pid)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        shown.take(terminal.read(0.02))
    after = shown.runs(terminal), time.monotonic(), cpu_seconds(engine), cpu_seconds(terminal.pid)
    terminal.quit()
    runs, wall, cpu, own = (b - a for a, b in zip(before, after, strict=True))
    return Watched(Work(int(runs), wall, cpu), own, *shown.means())


class _Shown:
    """Reads the header out of what is drawn."""

    def __init__(self) -> None:
        self._tail = b""
        self._runs = 0
        self._said: list[tuple[float, ...]] = []

    def take(self, data: bytes) -> None:
        """Look through what was drawn."""
        text = self._tail + data
        self._tail = text[-400:]
        runs = re.findall(rb"runs ([\d,]+)(?=[^\d,])", text)
        if runs:
            self._runs = int(runs[-1].replace(b",", b""))
        for found in _COST.finditer(text):
            scale = {b"n": 1e-9, b"u": 1e-6}[found[5]]
            self._said.append(
                (*(float(found[n]) / 100 for n in (1, 2, 3)), float(found[4]) * scale)
            )
        if _COST.search(self._tail):
            self._tail = b""

    def runs(self, terminal: Terminal) -> int:
        """The count of activations on the screen, as soon as it is drawn anew."""
        seen, end = self._runs, time.monotonic() + 5
        while self._runs == seen and time.monotonic() < end:
            self.take(terminal.read(0.02))
        return self._runs

    def means(self) -> tuple[float, ...]:
        """Of each figure."""
        assert self._said, "the header did not say what watching costs"
        return tuple(statistics.mean(column) for column in zip(*self._said, strict=True))


_STYLE = rb"(?:\x1b\[[\d;]*m|\s)*"
_COST = re.compile(
    rb"cost ([\d.]+)%" + _STYLE + rb"\(ui ([\d.]+)%, engine ([\d.]+)%\)"
    + _STYLE + rb"([\d.]+)([nu])/ev"
)  # fmt: skip

#: What runs: name, loops, rate.
_LOADS = (
    ("no-op handlers, saturated", "0", "0"),
    ("10 µs handlers, saturated", TEN_MICROS, "0"),
    ("no-op handlers, 100,000/s", "0", "100000"),
    ("10 µs handlers, 20,000/s", TEN_MICROS, "20000"),
)


def cost(seconds: float) -> Iterator[Row]:
    """What the header says against what the same work takes with and without a monitor."""
    for name, loops, rate in _LOADS:
        base = alone(seconds / 2, loops, rate), alone(seconds / 2, loops, rate)
        seen = watched(seconds, loops, rate)
        base += alone(seconds / 2, loops, rate), alone(seconds / 2, loops, rate)
        each = statistics.median(work.each for work in base)
        engine = seen.engine.cpu - seen.engine.activations * each
        ui = seen.monitor_cpu / seen.engine.wall
        true = engine / seen.engine.wall + ui
        wrong = abs(seen.said / true - 1)
        yield at_most(
            f"header and A/B, {name}", wrong, 0.2,
            f"{seen.said * 100:.1f} % said, {true * 100:.1f} % found: {wrong * 100:.0f} % off",
            "20 % off",
        )  # fmt: skip
        found = engine / seen.engine.activations
        yield Row(
            f"  ui {seen.said_ui * 100:.1f} said, {ui * 100:.1f} found; engine "
            f"{seen.said_engine * 100:.1f}, {engine / seen.engine.wall * 100:.1f}",
            f"{seen.said_each * 1e9:.0f} ns/ev said, {found * 1e9:.0f} found", "", True,
        )  # fmt: skip
        yield from _bars(name, loops, rate, base, seen)


def _bars(name: str, loops: str, rate: str, base: tuple[Work, ...], seen: Watched) -> Iterator[Row]:
    """How much slower the flow is."""
    if rate == "0":
        bar = 0.9 if loops != "0" else 0.75
        share = seen.engine.rate / statistics.median(work.rate for work in base)
        yield at_least(f"throughput watched / alone, {name}", share, bar, f"{share:.2f}", f"{bar}")
    else:
        ui = seen.monitor_cpu / seen.engine.wall
        yield at_most(f"monitor's CPU, {name}", ui, 0.1, f"{ui * 100:.1f} %", "10 % of a core")
