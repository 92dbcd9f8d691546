"""The monitor under load, idle and on a slow link: frames, keys, CPU and memory, in a terminal."""

from __future__ import annotations

import re
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.cost import STEADY, Watched, alone, watched
from tests.bench.rows import Row, at_least, at_most
from tests.bench.terminal import Terminal, cpu_seconds, rss_mb

CPU_BOUND = str(Path(__file__).parent / "flows" / "cpu_bound.py")
#: Bytes a second of the slow link.
SLOW = 60_000
#: What is left out at the start: screens are made and prices measured.
_WARM = 4.0


def frames(seconds: float) -> Iterator[Row]:
    """Frames and keys at 100,000 activations a second; the count on the screen; memory."""
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / "frames")
        run = int(seconds + _WARM + 2)
        words = (STEADY, "--", str(run), "0", "100000")
        terminal = Terminal(*words, module=("tests.bench.inside", out))
        terminal.wait_for("stage0")
        terminal.watch(_WARM)
        memory = [rss_mb(terminal.pid)]
        echo = _echo(terminal, seconds)
        memory.append(rss_mb(terminal.pid))
        terminal.wait_for("ENDED", seconds + 20)
        terminal.watch(1.5)
        text = "\n".join(terminal.display())
        terminal.quit()
        yield from _frame_rows(out, _WARM, "no-op handlers, 100,000/s")
    yield _p95("key echo, no-op handlers, 100,000/s", echo, 0.1)
    own = re.search(r"counted (\d+) wall ([\d.]+)", text)
    shown = re.search(r"runs ([\d,]+)", text)
    if own and shown:
        counted, on_screen = int(own[1]), int(shown[1].replace(",", ""))
        same = f"{counted:,} counted, {on_screen:,} shown"
        yield Row("counts exact", same, "the same", counted == on_screen)
    yield at_most("memory of the monitor", memory[-1], 100, f"{memory[-1]:.1f} MB", "100 MB")
    grown = memory[-1] - memory[0]
    yield Row("  grown meanwhile", f"{grown:.1f} MB in {seconds:.0f} s", "", True)


def eight(seconds: float) -> Iterator[Row]:
    """Frames while eight threads compute."""
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / "frames")
        words = (CPU_BOUND, "--", str(int(seconds + _WARM)), "8")
        terminal = Terminal(*words, module=("tests.bench.inside", out))
        terminal.wait_for("cpu0.done")
        terminal.watch(seconds)
        terminal.quit()
        lines = Path(out).read_text().splitlines()
    times = [float(line.split()[0]) for line in lines]
    late = [when for when in times if when > times[0] + 2]
    rate = (len(late) - 1) / (late[-1] - late[0])
    yield at_least("frames, 8 CPU-bound threads", rate, 9.5, f"{rate:.1f}/s", "10/s (hz is 10)")


def slow(seconds: float) -> Iterator[Row]:
    """A link of 60 kB a second, with ``--slow``: the engine does not notice, keys are answered."""
    base = alone(seconds, "0", "0")
    fast = watched(seconds, "0", "0")
    narrow = watched(seconds, "0", "0", options=("--slow",), throttle=SLOW)
    share = narrow.engine.rate / fast.engine.rate
    text = f"{share:.2f}; {fast.engine.rate / base.rate:.2f} and {_of(narrow, base.rate)} of alone"
    yield at_least("engine, slow link / fast link", share, 0.95, text, "0.95")
    terminal = Terminal("--slow", STEADY, "--", str(int(seconds + _WARM)), "0", "0", throttle=SLOW)
    terminal.wait_for("stage0")
    terminal.watch(_WARM)
    yield _p95("key echo, 60 kB/s, --slow", _echo(terminal, seconds, _LINE), 0.25)
    terminal.quit()


def _of(seen: Watched, rate: float) -> str:
    return f"{seen.engine.rate / rate:.2f}"


def idle(seconds: float) -> Iterator[Row]:
    """CPU while nothing happens."""
    terminal = Terminal(STEADY, "--", "1")
    terminal.wait_for("ENDED")
    terminal.watch(_WARM + 1)
    engine = terminal.engine_pid()
    before = cpu_seconds(terminal.pid), cpu_seconds(engine), time.monotonic()
    terminal.watch(seconds)
    after = cpu_seconds(terminal.pid), cpu_seconds(engine), time.monotonic()
    terminal.quit()
    wall = after[2] - before[2]
    for number, name in enumerate(("monitor", "engine process")):
        share = (after[number] - before[number]) / wall
        yield at_most(f"CPU of the {name}, idle", share, 0.01, f"{share * 100:.1f} %", "1 %")


#: Keys that bring another screen, and one that changes a line: on a slow link the bytes of a whole
#: screen alone take half a second.
_SCREENS = (("V", "Run and wait times"), ("\x1b", "2 Topology"))
_LINE = (("s", "s sort:"),)


def _echo(
    terminal: Terminal, seconds: float, keys: tuple[tuple[str, str], ...] = _SCREENS
) -> list[float]:
    """Seconds from a key to what it brings, over and over."""
    took = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for key, text in keys:
            terminal.press(key)
            took.append(terminal.wait_for(text, 5))
            terminal.watch(0.4)
    return took


def _p95(what: str, took: list[float], bar: float) -> Row:
    ordered = sorted(took)
    most = ordered[int(len(ordered) * 0.95)]
    half = statistics.median(ordered)
    shown = f"p50 {half * 1000:.0f}, p95 {most * 1000:.0f} ms of {len(took)}"
    return at_most(what, most, bar, shown, f"{bar * 1000:.0f} ms")


def _frame_rows(out: str, warm: float, what: str) -> Iterator[Row]:
    rows = [line.split() for line in Path(out).read_text().splitlines()]
    begin = float(rows[0][0]) + warm
    took = sorted(float(ms) for when, ms in rows if float(when) > begin)
    most = took[int(len(took) * 0.95)]
    text = f"p50 {statistics.median(took):.1f}, p95 {most:.1f} ms of {len(took)}"
    yield at_most(f"frame, {what}", most, 50, text, "50 ms")
