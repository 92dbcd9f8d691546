"""The bars of the monitor: ``python -m tests.bench.monitor [--seconds N] [NAME ...]``.

A line begins with ``!`` where its bar is missed. Bars of a busy flow take 10 seconds each unless
told otherwise; 60 are those of the design.

Each measurement runs the real program in a real pseudo-terminal, beside its yardstick in the
same run. Nothing is asserted: machines differ; the table says what was seen here.
"""

from __future__ import annotations

import argparse
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.bench.cost import cost
from tests.bench.filters import filters, full_ring
from tests.bench.load import eight, frames, idle, slow
from tests.bench.rows import Row, at_most
from tests.bench.terminal import Terminal, children, cpu_seconds, rss_mb
from tests.bench.topology import open_topology, topology

ROOT = Path(__file__).resolve().parents[2]
FLOWS = Path(__file__).parent / "flows"
PIPELINE = str(ROOT / "sample_flows" / "pipeline.py")


def seconds(*command: str) -> float:
    """Wall time of a whole process."""
    begin = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    return time.monotonic() - begin


def launch() -> Iterator[str]:
    """Command to first live data, beside the import of Textual alone."""
    first, textual = [], []
    for _ in range(5):
        textual.append(seconds(sys.executable, "-c", "import textual.app"))
        terminal = Terminal(PIPELINE)
        terminal.wait_for("source.line>parse.line")
        first.append(time.monotonic() - terminal.begin)
        terminal.quit()
    one, other = statistics.median(first), statistics.median(textual)
    yield f"first live data, median of 5: {one:.3f} s ({one / other:.1f}x import textual.app)"


def help_text() -> Iterator[str]:
    """``--help`` over a bare interpreter."""
    pairs = [
        (
            seconds(sys.executable, "-m", "tui", "--help"),
            seconds(sys.executable, "-c", "pass"),
        )
        for _ in range(9)
    ]
    over = statistics.median(a - b for a, b in pairs)
    yield f"--help over a bare interpreter, median of 9: {over * 1000:.0f} ms"


def reload() -> Iterator[str]:
    """Save to first event of the new code, over 30 saves."""
    code = (FLOWS / "reloaded.py").read_text()
    took = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "flow.py"
        file.write_text(code.replace("MARK", "m0"))
        terminal = Terminal(str(file))
        terminal.wait_for("m0.out")
        terminal.watch(1.0)
        for number in range(1, 31):
            file.write_text(code.replace("MARK", f"m{number}"))
            took.append(terminal.wait_for(f"m{number}.out"))
            terminal.watch(0.7)
        terminal.quit()
    yield f"save to first event on screen, 30 saves: {_percentiles(took)}"


def keys() -> Iterator[str]:
    """Key press to reaction with four CPU-bound handler threads; the flow with and without."""
    flow = str(FLOWS / "cpu_bound.py")
    alone, watched, echo = [], [], []
    for _ in range(3):
        plain = subprocess.run(
            [sys.executable, flow, "10"], check=True, capture_output=True, text=True, cwd=ROOT
        )
        alone.append(float(plain.stdout.split()[-1]))
        terminal = Terminal(flow, "--", "10")
        terminal.wait_for("cpu0.done")
        for _ in range(20):
            terminal.press("?")
            echo.append(terminal.wait_for("Go to the Routines pane", 3))
            terminal.watch(0.1)
            terminal.press("q")
            terminal.watch(0.15)
        terminal.wait_for("ENDED", 30)
        text = "\n".join(terminal.display())
        found = re.search(r"rate (\d+\.\d)", text)
        assert found is not None, text
        watched.append(float(found[1]))
        terminal.quit()
    ratios = [a / b for a, b in zip(alone, watched, strict=True)]
    yield f"key to reaction, {len(echo)} presses: {_percentiles(echo)}"
    shown = ", ".join(f"{r:.3f}" for r in ratios)
    yield f"flow alone / flow watched, 3 pairs: {shown}; median {statistics.median(ratios):.3f}"


def _percentiles(times: list[float]) -> str:
    ordered = sorted(times)
    half, most = ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.95)]
    return f"p50 {half * 1000:.0f} ms, p95 {most * 1000:.0f} ms"


def flood() -> Iterator[str]:
    """A minute of no-op handlers as fast as they go: exact counts, flat memory, losses shown."""
    terminal = Terminal(str(FLOWS / "flood.py"), "--", "60")
    terminal.wait_for("stage0")
    terminal.watch(20)
    engine = terminal.engine_pid()
    before = rss_mb(terminal.pid), rss_mb(engine)
    cpu, wall = cpu_seconds(terminal.pid), time.monotonic()
    sizes = []
    for _ in range(19):
        terminal.watch(2)
        sizes.append((rss_mb(terminal.pid), rss_mb(engine)))
    share = (cpu_seconds(terminal.pid) - cpu) / (time.monotonic() - wall)
    terminal.wait_for("ENDED", 60)
    terminal.watch(1.5)
    text = "\n".join(terminal.display())
    own = re.search(r"engine counted (\d+) in ([\d.]+)", text)
    shown = re.search(r"runs ([\d,]+)", text)
    kept = re.search(r"kept +(\S+)", text)
    if own is not None:
        yield f"activations per second: {int(own[1]) / float(own[2]):,.0f}"
        yield f"engine's own count {int(own[1]):,}; on screen {shown[1] if shown else '?'}"
    yield f"kept {kept[1] if kept else '?'} of the records, shown in the header"
    yield f"memory at 20 s: monitor {before[0]:.1f} MB, engine {before[1]:.1f} MB"
    for name, index in (("monitor", 0), ("engine", 1)):
        each = [size[index] for size in sizes]
        yield f"{name} from 22 to 58 s: {each[0]:.1f} to {each[-1]:.1f} MB, highest {max(each):.1f}"
    yield f"CPU of the monitor process: {share * 100:.1f} % of a core"
    terminal.quit()


#: Keys that lead to a screen or pane, and what is drawn there and nowhere else.
_WAYS = (
    ("routine", "\r", "Callers and called"),
    ("next routine", "]", "Parse"),
    ("jobs", "J", "PROGRESS"),
    ("errors", "!", "AGAIN"),
    ("values", "V", "STATISTIC"),
    ("back", "\x1b", "2 Topology"),
    ("timeline", "t", "  cell "),
    ("back from it", "t", "2 Topology"),
)


def switch() -> Iterator[Row]:
    """Key to another pane or screen at 200x50, while the pipeline runs."""
    terminal = Terminal(PIPELINE)
    terminal.wait_for("source.line>parse.line")
    terminal.watch(4.0)  # until the screens are made, see `tui.screens.kept`
    took: dict[str, list[float]] = {}
    for _ in range(20):
        for name, key, text in _WAYS:
            if name == "routine":
                terminal.press("1")  # back from the timeline the lanes have the focus
                terminal.watch(0.3)
            if name == "jobs":
                terminal.press("\x1b")  # from the routine, whose screen stays below others
                terminal.wait_for("2 Topology")
                terminal.watch(0.15)
            terminal.press(key)
            took.setdefault(name, []).append(terminal.wait_for(text, 3))
            terminal.watch(0.15)
    terminal.quit()
    for name, times in took.items():
        most = sorted(times)[int(len(times) * 0.95)]
        yield at_most(f"to {name}, {len(times)} times", most, 0.05, _percentiles(times), "50 ms")


def leave() -> Iterator[str]:
    """``q`` to the shell, also with a flow that never lets go; processes left behind."""
    for name, flow in (("calm", PIPELINE), ("stuck", str(FLOWS / "stuck.py"))):
        took, left = [], 0
        for _ in range(5):
            terminal = Terminal(flow)
            terminal.wait_for("ev/s")
            terminal.watch(0.6)
            engines = children(terminal.pid)
            took.append(terminal.quit())
            left += sum(Path(f"/proc/{pid}").exists() for pid in engines)
        yield f"q, {name} flow: worst of 5 {max(took) * 1000:.0f} ms; processes left {left}"


ALL: tuple[Callable[[], Iterator[str]], ...] = (
    launch,
    help_text,
    reload,
    keys,
    switch,
    leave,
    flood,
    filters,
    full_ring,
    topology,
    open_topology,
)


#: Those that take as many seconds as they are told.
TIMED: tuple[Callable[[float], Iterator[Row]], ...] = (frames, cost, slow, eight, idle)


def main() -> None:
    """Run what was asked for, or everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("names", nargs="*", metavar="NAME")
    given = parser.parse_args()
    known = {bar.__name__: bar for bar in (*TIMED, *ALL)}
    if wrong := [name for name in given.names if name not in known]:
        parser.error(f"no {', '.join(wrong)}; there are: {', '.join(known)}")
    for name, bar in known.items():
        if not given.names or name in given.names:
            lines = bar(given.seconds) if bar in TIMED else bar()  # type: ignore[operator]
            for line in lines:
                print(f"{name:<10} {line}", flush=True)


if __name__ == "__main__":
    main()
