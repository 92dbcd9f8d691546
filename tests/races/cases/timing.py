"""Sleeps, timers and time-outs that are no promise."""

from __future__ import annotations

import threading
import time
from typing import Any

from tests.races.cases.case import Actor, both, case, fan_in


@case(preemptions=0, check=lambda flow: flow.routines["second"].get_stat("got") == 1)
def sleep_instead_of_a_signal(repaired: bool) -> Any:
    class Slow(Actor):
        def prepare(self) -> None:
            self.ready = threading.Event()

        def work(self, **data: Any) -> None:
            time.sleep(0.1)
            self.set_stat("value", 1)
            self.ready.set()

    class Hasty(Actor):
        def work(self, **data: Any) -> None:
            slow: Any = self.get_execution_context().flow.routines["first"]  # type: ignore[union-attr]
            if repaired:
                slow.ready.wait()
            else:
                time.sleep(0.5)
            self.set_stat("got", slow.get_stat("value"))

    return both(Slow(), Hasty())


@case(check=lambda flow: flow.routines["target"].get_stat("late", 0) == 0)
def timer_that_comes_before_the_answer(repaired: bool) -> Any:
    """What is called later finds the work undone."""

    class Guard(Actor):
        def prepare(self) -> None:
            self.done = False

        def work(self, **data: Any) -> None:
            if not repaired:
                self.call_later(1.0, self.look)
            self.increment_stat("worked")
            self.done = True
            if repaired:
                self.call_later(1.0, self.look)

        def look(self) -> None:
            if not self.done:
                self.increment_stat("late")

    return fan_in(Guard(), sources=1)


@case(preemptions=1, check=lambda flow: flow.routines["target"].get_stat("sent") == 1)
def debounce_that_forgets(repaired: bool) -> Any:
    """Two timers where there should be one."""

    class Debounce(Actor):
        def prepare(self) -> None:
            self.pending = False
            self.lock = threading.Lock()

        def work(self, **data: Any) -> None:
            if repaired:
                with self.lock:
                    first, self.pending = not self.pending, True
            else:
                first = not self.pending
                self.pending = True
            if first:
                self.call_later(5.0, self.flush)

        def flush(self) -> None:
            self.increment_stat("sent")

    return fan_in(Debounce())


@case(preemptions=1, check=lambda flow: flow.routines["first"].get_stat("refused", 0) == 0)
def lock_that_is_given_up_too_early(repaired: bool) -> Any:
    class Impatient(Actor):
        def prepare(self) -> None:
            self.lock = threading.Lock()

        def work(self, **data: Any) -> None:
            if repaired:
                with self.lock:
                    return
            if self.lock.acquire(timeout=0.1):
                self.lock.release()
            else:
                self.increment_stat("refused")

    class Holder(Actor):
        def work(self, **data: Any) -> None:
            impatient: Any = self.get_execution_context().flow.routines["first"]  # type: ignore[union-attr]
            with impatient.lock:
                time.sleep(1.0)

    return both(Impatient(), Holder())


@case(preemptions=0, check=lambda flow: flow.routines["target"].get_stat("tries") == 2)
def retry_that_sees_half_of_the_first_try(repaired: bool) -> Any:
    """A try that fails leaves something behind, which the next trips over."""
    from routilux import ErrorHandler

    class Flaky(Actor):
        def prepare(self) -> None:
            self.begun = False
            self.set_error_handler(ErrorHandler("retry", max_retries=2, retry_delay=1.0))

        def work(self, **data: Any) -> None:
            self.increment_stat("tries")
            if self.get_stat("tries") == 1:
                self.begun = True
                if repaired:
                    self.begun = False
                raise OSError("not now")
            if self.begun:
                self.begun = False
                raise OSError("begun already")

    return fan_in(Flaky(), sources=1)
