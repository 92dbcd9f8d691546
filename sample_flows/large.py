# routilux: allow(L05: the build begins at checkout and ends at report)
# routilux: allow(L08: this flow is watched, never saved to a file)
"""Large: a build of 200 steps, most of which are alike

What to look at:
- Topology: 28 boxes, since the sources of a library are one, `core_c* x20`. `z` gives it the
  screen, arrows walk, Enter takes the box apart, `o` bundles the lines. `=` shows all 200 steps:
  then those around the chosen one, and a map; `F` shows more, or all.
- Routines: 200 rows; `s` sorts them. crypto_c13 takes ten times as long as the other sources.
- Events: one job per build. Choose the last step of one, report, and press `c`: the chain of
  causes goes through crypto_c13, which is what the build waits for.
- Workers: eight, all busy while a library compiles, one while it links.
- Throughput: a comb: each tooth is the sources of one library.
- Output: how long each build took.

A step may have several inputs, and a handler is called for each message. So a step counts them,
for each build by itself, since builds may overlap (`x` begins one more), and goes to work at the
last one. The count needs a lock: two messages may arrive at once.

Runs until Ctrl+C, or for as many seconds as the first argument says.
"""

import math
import sys
import threading
import time
from collections import Counter
from contextlib import suppress

from routilux import Flow, Routine

#: Each library and those that it needs.
LIBRARIES = {
    "core": (),
    "text": ("core",),
    "net": ("core",),
    "store": ("core",),
    "crypto": ("core",),
    "api": ("net", "crypto"),
    "web": ("api", "text"),
    "admin": ("api", "store"),
}
SOURCES, TESTS = 20, 21
SLOW = "crypto_c13"

#: Set when the show is over, so that what is under way ends at once.
over = threading.Event()


class Step(Routine):
    """Goes to work when all that it needs has been made."""

    seconds = 0.002

    def __init__(self, needs: int = 1) -> None:
        super().__init__()
        self.set_config(needs=needs)
        self._lock = threading.Lock()
        self._made: Counter[int] = Counter()
        self.define_slot("made", handler=self.count)
        self.define_event("made", ["build"])

    def count(self, build: int) -> None:
        with self._lock:
            self._made[build] += 1
            if self._made[build] < self.get_config("needs"):
                return
            del self._made[build]
        self.work()
        self.emit("made", build=build)

    def work(self) -> None:
        over.wait(self.seconds)


class Checkout(Step):
    """Begins a build."""

    def __init__(self) -> None:
        super().__init__()
        self.define_slot("trigger", handler=self.begin)

    def begin(self, build: int = 0, **kwargs: object) -> None:
        self.emit("made", build=build or -self.increment_stat("extra"))


class Headers(Step):
    """Writes the headers of a library."""


class Compile(Step):
    """Compiles one source."""

    seconds = 0.015

    def work(self) -> None:
        over.wait(self.seconds * self.get_config("times", 1))


class Link(Step):
    """Makes one file of many."""

    seconds = 0.030


class Test(Step):
    """Tries the program."""

    seconds = 0.010


class Report(Step):
    """Tells that a build has ended."""

    def work(self) -> None:
        self.increment_stat("builds")


def build_flow(workers: int = 8) -> Flow:
    """checkout -> eight libraries -> app -> tests -> report.

    Args:
        workers: threads that run the steps.
    """
    flow = Flow(flow_id="large", execution_strategy="concurrent", max_workers=workers)
    flow.add_routine(Checkout(), "checkout")
    for library, needs in LIBRARIES.items():
        add_library(flow, library, len(needs))
    flow.add_routine(Link(needs=2), "app")
    flow.add_routine(Report(needs=TESTS), "report")
    for number in range(1, TESTS + 1):
        flow.add_routine(Test(), f"test_{number:02}")
        join(flow, "app", f"test_{number:02}")
        join(flow, f"test_{number:02}", "report")
    join(flow, "checkout", "core_headers")
    for library, needs in LIBRARIES.items():
        for needed in needs:
            join(flow, f"{needed}_link", f"{library}_headers")
    for library in ("web", "admin"):
        join(flow, f"{library}_link", "app")
    return flow


def add_library(flow: Flow, library: str, needs: int) -> None:
    """Headers -> sources -> link."""
    flow.add_routine(Headers(needs=max(1, needs)), f"{library}_headers")
    flow.add_routine(Link(needs=SOURCES), f"{library}_link")
    for number in range(1, SOURCES + 1):
        name = f"{library}_c{number:02}"
        source = Compile()
        source.set_config(times=10 if name == SLOW else 1)
        flow.add_routine(source, name)
        join(flow, f"{library}_headers", name)
        join(flow, name, f"{library}_link")


def join(flow: Flow, first: str, then: str) -> None:
    """What the first makes, the other needs."""
    flow.connect(first, "made", then, "made")


def run(flow: Flow, seconds: float = math.inf) -> None:
    """Build again and again, until Ctrl+C or for so many seconds."""
    over.clear()
    ends = time.monotonic() + seconds
    build = 0
    with suppress(KeyboardInterrupt):
        while time.monotonic() < ends:
            build += 1
            begin = time.monotonic()
            job = flow.execute("checkout", {"build": build})
            if job.wait(timeout=max(0.0, min(60.0, ends - begin))):
                print(f"build {build}: {time.monotonic() - begin:.2f} s", flush=True)
    over.set()
    flow.shutdown(wait=True, timeout=1.5)
    print(f"stopped: {flow.routines['report'].get_stat('builds', 0)} builds", flush=True)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):  # a second Ctrl+C
        run(build_flow(), *map(float, sys.argv[1:2]))
