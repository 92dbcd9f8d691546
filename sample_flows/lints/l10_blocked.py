"""L10 blocked handler: one call that takes a thousand times as long as all others

What is wrong: forty questions are answered within milliseconds. The next one asks a service that
does not answer, and waits for it without a limit. Its worker is gone until somebody looks.

How to repair it: every wait has a timeout. `K` on the screen of the routine shows in which line
the handler stands.

With the argument `repaired` it gives up after 50 ms, and the finding is gone.
"""

import sys
import threading
import time

from routilux import Flow, Routine


class Ask(Routine):
    """Asks a service; the last question is never answered."""

    def __init__(self) -> None:
        super().__init__()
        self.set_config(timeout=5.0)
        self.define_slot("trigger", handler=self.ask)

    def ask(self, number: int = 0, last: bool = False, **kwargs: object) -> None:
        answer = threading.Event()
        if not last:
            answer.set()
        time.sleep(0.002)
        said = answer.wait(self.get_config("timeout"))
        self.increment_stat("answered" if said else "given_up")


def build_flow(repaired: bool = False, seconds: float = 5.0) -> Flow:
    """One routine, two workers.

    Args:
        repaired: wait for 50 ms at most.
        seconds: how long to wait otherwise; without a limit the sample would never end.
    """
    flow = Flow("l10_blocked", execution_strategy="concurrent", max_workers=2)
    ask = Ask()
    ask.set_config(timeout=0.05 if repaired else seconds)
    flow.add_routine(ask, "ask")
    return flow


def run(flow: Flow) -> None:
    """Forty questions, and one more."""
    for number in range(40):
        flow.execute("ask", {"number": number})
    flow.wait_for_completion(timeout=10.0)
    flow.execute("ask", {"number": 40, "last": True})
    flow.wait_for_completion(timeout=60.0)
    flow.shutdown(wait=True, timeout=2.0)


if __name__ == "__main__":
    run(build_flow(repaired="repaired" in sys.argv))
