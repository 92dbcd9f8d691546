"""L12 feedback loop amplifies: each turn makes more of it

What is wrong: a page that cannot be read goes back to be fetched again, and one time in five it
goes back twice. Twenty pages are thirty after a few turns, then a hundred: 1.2 messages out for
one that goes in, around a loop, is exponential growth. It looks harmless for long.

How to repair it: a loop may send back at most one message for one; count the turns in the message
and stop. For tries there is `set_error_handler(ErrorHandler("retry"))`, which counts.

With the argument `repaired` nothing is sent back twice, and the finding is gone.
"""

import sys

from routilux import Flow, Routine


class Fetch(Routine):
    """Fetches a page; its timer holds no worker."""

    def __init__(self) -> None:
        super().__init__()
        self.set_config(seconds=8.0, turn=0.4)
        self.define_slot("trigger", handler=self.begin)
        self.define_slot("again", handler=self.fetch)
        self.define_event("page", ["number"])

    def begin(self, **kwargs: object) -> None:
        self.set_config(ends=self.now() + self.get_config("seconds"))
        for number in range(20):
            self.fetch(number)

    def fetch(self, number: int) -> None:
        if self.now() < self.get_config("ends"):
            self.call_later(self.get_config("turn"), self.send, number)

    def send(self, number: int) -> None:
        self.emit("page", number=number)


class Read(Routine):
    """Cannot read it, and sends it back."""

    def __init__(self) -> None:
        super().__init__()
        self.set_config(repaired=False)
        self.define_slot("page", handler=self.read)
        self.define_event("unreadable", ["number"])

    def read(self, number: int) -> None:
        count = self.increment_stat("read")
        self.emit("unreadable", number=number)
        if count % 5 == 0 and not self.get_config("repaired"):
            self.emit("unreadable", number=number)


def build_flow(repaired: bool = False, seconds: float = 8.0, turn: float = 0.4) -> Flow:
    """Fetch -> read -> fetch.

    Args:
        repaired: nothing is sent back twice.
        seconds: how long pages go round.
        turn: seconds that one turn takes.
    """
    flow = Flow("l12_feedback", execution_strategy="concurrent", max_workers=2)
    fetch, read = Fetch(), Read()
    fetch.set_config(seconds=seconds, turn=turn)
    read.set_config(repaired=repaired)
    flow.add_routine(fetch, "fetch")
    flow.add_routine(read, "read")
    flow.connect("fetch", "page", "read", "page")
    flow.connect("read", "unreadable", "fetch", "again")
    return flow


def run(flow: Flow) -> None:
    """Until the time is over."""
    flow.execute("fetch")
    flow.wait_for_completion(timeout=60.0)
    flow.shutdown(wait=True, timeout=2.0)


if __name__ == "__main__":
    run(build_flow(repaired="repaired" in sys.argv))
