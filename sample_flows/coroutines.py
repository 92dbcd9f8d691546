"""Coroutines: a hundred requests under way at once, in one thread

What to look at:
- Routines: # of fetch is the number of requests under way, up to 25; the others wait in Q. The
  clock is ◷ between its ticks.
- Workers: all requests are in the lane called loop, with how many they are; two workers do the
  rest, and have little to do.
- Events: an answer comes after half a second on `loop`, and is parsed within a millisecond on a
  worker.
- Throughput: the run times of fetch are long, but their sum is not what you wait for.
- Output: how many answers there are so far, and how long it all took.

A handler that is an `async def` runs on the flow's event loop, and many of them at once, as long
as they await something. It emits like any other, and its job is not over before it is. Two limits
keep that civil: `max_concurrency` lets 25 requests run at a time, and `call_later` lets a routine
come back to something later without holding a thread.

Ends by itself after about three seconds.
"""

import asyncio
import time
from contextlib import suppress

from routilux import Flow, Routine

PAGES = 100
AT_ONCE = 25


class Links(Routine):
    """Knows the pages."""

    def __init__(self) -> None:
        super().__init__()
        self.set_config(pages=PAGES)
        self.define_slot("trigger", handler=self.list)
        self.define_event("link", ["page"])

    def list(self, **kwargs: object) -> None:
        for page in range(self.get_config("pages")):
            self.emit("link", page=page)


class Fetch(Routine):
    """Asks for a page; the answer takes half a second or a bit more."""

    def __init__(self) -> None:
        super().__init__()
        self.define_slot("link", handler=self.fetch, max_concurrency=AT_ONCE)
        self.define_event("text", ["page", "text"])

    async def fetch(self, page: int) -> None:
        await asyncio.sleep(0.5 + page % 5 * 0.02)  # stands for the network
        self.emit("text", page=page, text=f"page {page} " * (page % 7 + 1))


class Parse(Routine):
    """Counts words; an ordinary handler on a worker."""

    def __init__(self) -> None:
        super().__init__()
        self.define_slot("text", handler=self.parse)

    def parse(self, text: str) -> None:
        self.increment_stat("pages")
        self.increment_stat("words", len(text.split()))


class Clock(Routine):
    """Ticks as long as there is something to wait for."""

    def __init__(self) -> None:
        super().__init__()
        self.set_config(every=0.5)
        self.define_slot("trigger", handler=self.tick)

    def tick(self, **kwargs: object) -> None:
        context = self.get_execution_context()
        assert context is not None  # since this is a handler
        routines = context.flow.routines
        pages = routines["parse"].get_stat("pages", 0)
        print(f"{pages:3} pages", flush=True)
        if pages < routines["links"].get_config("pages"):
            self.call_later(self.get_config("every"), self.tick)


def build_flow(workers: int = 2, pages: int = PAGES) -> Flow:
    """Links -> fetch -> parse, and a clock beside them.

    Args:
        workers: threads that run what is no coroutine.
        pages: how many there are to fetch.
    """
    flow = Flow(flow_id="coroutines", execution_strategy="concurrent", max_workers=workers)
    links = Links()
    links.set_config(pages=pages)
    flow.add_routine(links, "links")
    flow.add_routine(Fetch(), "fetch")
    flow.add_routine(Parse(), "parse")
    flow.add_routine(Clock(), "clock")
    flow.connect("links", "link", "fetch", "link")
    flow.connect("fetch", "text", "parse", "text")
    return flow


def run(flow: Flow) -> None:
    """Fetch all, and say how long it took and how long it would have taken one by one."""
    start = time.monotonic()
    flow.execute("clock")
    flow.execute("links")
    flow.wait_for_completion(timeout=30.0)
    took = time.monotonic() - start
    pages = flow.routines["parse"].get_stat("pages")
    words = flow.routines["parse"].get_stat("words")
    print(f"{pages} pages with {words} words in {took:.1f} s", flush=True)
    print(f"one after another: at least {pages * 0.5:.0f} s", flush=True)
    flow.shutdown(wait=True, timeout=2.0)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        run(build_flow())
