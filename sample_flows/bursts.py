"""Bursts: queues that fill in a moment and drain over seconds

What to look at:
- Throughput: a comb; each burst is higher than the last, then it starts again small.
- Routines: the queue of resize jumps to the size of the burst and falls in a straight line; its
  p99 wait is up to a hundred times its run time, so the time is lost in the queue.
- Workers: all lanes busy while it drains, all idle between two bursts.
- Stats: pictures at album.
- Output: a line per burst with its size and how long it took to drain.

Runs until Ctrl+C, or for as many seconds as the first argument says.
"""

import math
import sys
import threading
import time
from contextlib import suppress
from itertools import cycle

from routilux import Flow, Routine

SIZES = (50, 100, 200, 400)

#: Set when the show is over, so that a full queue drains at once.
over = threading.Event()


class Camera(Routine):
    """Sends a burst of pictures in one go."""

    def __init__(self) -> None:
        super().__init__()
        self.define_slot("trigger", handler=self.shoot)
        self.define_event("picture", ["number"])

    def shoot(self, size: int = SIZES[0], **kwargs: object) -> None:
        for number in range(size):
            self.emit("picture", number=number)


class Resize(Routine):
    """Takes 20 ms a picture."""

    def __init__(self) -> None:
        super().__init__()
        self.define_slot("picture", handler=self.resize)
        self.define_event("resized", ["number"])

    def resize(self, number: int) -> None:
        if not over.is_set():
            time.sleep(0.020)
        self.emit("resized", number=number)


class Album(Routine):
    """Counts what arrives."""

    def __init__(self) -> None:
        super().__init__()
        self.set_stat("pictures", 0)
        self.define_slot("resized", handler=self.add)

    def add(self, number: int) -> None:
        self.increment_stat("pictures")


def build_flow(workers: int = 4) -> Flow:
    """camera -> resize -> album.

    Args:
        workers: threads that run the handlers; twice as many drain a burst in half the time.
    """
    flow = Flow(flow_id="bursts", execution_strategy="concurrent", max_workers=workers)
    flow.add_routine(Camera(), "camera")
    flow.add_routine(Resize(), "resize")
    flow.add_routine(Album(), "album")
    flow.connect("camera", "picture", "resize", "picture")
    flow.connect("resize", "resized", "album", "resized")
    return flow


def run(flow: Flow, seconds: float = math.inf) -> None:
    """Send bursts of growing size, each after the last has drained, until Ctrl+C or time is up."""
    over.clear()
    ends = time.monotonic() + seconds
    with suppress(KeyboardInterrupt):
        for size in cycle(SIZES):
            start = time.monotonic()
            flow.execute("camera", {"size": size})
            print(f"burst of {size} ...", flush=True)
            if not flow.wait_for_completion(timeout=min(60.0, ends - start)):
                break
            print(f"burst of {size} drained in {time.monotonic() - start:.2f} s", flush=True)
            if time.monotonic() + 1.0 > ends:
                break
            time.sleep(1.0)
    over.set()
    flow.shutdown(wait=True, timeout=1.5)
    print(f"stopped: {flow.routines['album'].get_stat('pictures')} pictures", flush=True)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):  # a second Ctrl+C
        run(build_flow(), *map(float, sys.argv[1:2]))
