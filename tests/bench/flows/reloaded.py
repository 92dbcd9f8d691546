"""Emits steadily; the routine's name is the mark of the version."""

import time

from routilux import Flow, Routine


class Source(Routine):
    def __init__(self) -> None:
        super().__init__()
        self.define_slot("trigger", handler=self.run)
        self.define_event("out")

    def run(self) -> None:
        self.emit("out", number=1)


class Sink(Routine):
    def __init__(self) -> None:
        super().__init__()
        self.define_slot("in", handler=self.take)

    def take(self, number: int) -> None:
        pass


flow = Flow("reloaded", execution_strategy="concurrent", max_workers=2)
flow.add_routine(Source(), "MARK")
flow.add_routine(Sink(), "sink")
flow.connect("MARK", "out", "sink", "in")
while True:
    flow.execute("MARK")
    time.sleep(0.02)
