"""Nobody can go on."""

from __future__ import annotations

import queue
import threading
from typing import Any

from tests.races.cases.case import Actor, both, case, fan_in


def in_turn(count: int, repaired: bool) -> Any:
    """Each takes two locks of a circle."""

    class Taker(Actor):
        def prepare(self) -> None:
            self.locks = [threading.Lock() for _ in range(count)]

        def work(self, value: Any = None, **data: Any) -> None:
            wanted = [value - 1, value % count]
            one, other = sorted(wanted) if repaired else wanted
            first, second = self.locks[one], self.locks[other]
            with first, second:
                self.increment_stat("done")

    return fan_in(Taker(), sources=count)


@case(kind="deadlock")
def a_b_b_a(repaired: bool) -> Any:
    return in_turn(2, repaired)


@case(kind="deadlock")
def circle_of_three(repaired: bool) -> Any:
    return in_turn(3, repaired)


@case(kind="deadlock", preemptions=0)
def lock_that_is_taken_twice(repaired: bool) -> Any:
    class Outer(Actor):
        def prepare(self) -> None:
            self.lock = threading.RLock() if repaired else threading.Lock()

        def work(self, value: Any = None, **data: Any) -> None:
            with self.lock:
                self.inner()

        def inner(self) -> None:
            with self.lock:
                self.increment_stat("n")

    return fan_in(Outer(), sources=1)


@case(kind="deadlock", preemptions=0)
def lost_wake_up(repaired: bool) -> Any:
    class Waiting(Actor):
        def prepare(self) -> None:
            self.changed = threading.Condition()
            self.ready = False

        def work(self, **data: Any) -> None:
            with self.changed:
                if repaired:
                    self.changed.wait_for(lambda: self.ready)
                else:
                    self.changed.wait()
            self.increment_stat("woken")

    class Notifier(Actor):
        def work(self, **data: Any) -> None:
            waiting: Any = self.get_execution_context().flow.routines["first"]  # type: ignore[union-attr]
            with waiting.changed:
                waiting.ready = True
                waiting.changed.notify()

    return both(Waiting(), Notifier())


@case(kind="deadlock", preemptions=0)
def starved_pool(repaired: bool) -> Any:
    """Both workers wait for what a third would bring."""

    class Waiting(Actor):
        def prepare(self) -> None:
            self.done = threading.Event()

        def work(self, **data: Any) -> None:
            self.emit("out")
            if not repaired:
                self.done.wait()

    class Bringer(Actor):
        def work(self, **data: Any) -> None:
            waiting: Any = self.get_execution_context().flow.routines["target"]  # type: ignore[union-attr]
            waiting.done.set()

    flow = fan_in(Waiting(), sources=2, workers=2)
    flow.add_routine(Bringer(), "bringer")
    flow.connect("target", "out", "bringer", "input")
    return flow


@case(kind="deadlock", preemptions=0)
def notify_one_of_two(repaired: bool) -> Any:
    class Waiting(Actor):
        def prepare(self) -> None:
            self.changed = threading.Condition()
            self.ready = False

        def work(self, value: Any = None, **data: Any) -> None:
            with self.changed:
                if value == 3:
                    self.ready = True
                    if repaired:
                        self.changed.notify_all()
                    else:
                        self.changed.notify()
                else:
                    while not self.ready:
                        self.changed.wait()

    return fan_in(Waiting(), sources=3)


@case(kind="deadlock", preemptions=0)
def lock_held_over_a_full_queue(repaired: bool) -> Any:
    class Producer(Actor):
        def prepare(self) -> None:
            self.lock = threading.Lock()
            self.items: queue.Queue[int] = queue.Queue(maxsize=1)

        def work(self, **data: Any) -> None:
            for item in (1, 2):
                if repaired:
                    self.items.put(item)
                else:
                    with self.lock:
                        self.items.put(item)

    class Consumer(Actor):
        def work(self, **data: Any) -> None:
            producer: Any = self.get_execution_context().flow.routines["first"]  # type: ignore[union-attr]
            for _ in (1, 2):
                with producer.lock:
                    self.increment_stat("n")
                producer.items.get()

    return both(Producer(), Consumer())


@case(kind="deadlock", preemptions=1)
def semaphores_in_turn(repaired: bool) -> Any:
    class Taker(Actor):
        def prepare(self) -> None:
            self.places = threading.Semaphore(2)

        def work(self, **data: Any) -> None:
            if repaired:
                self.places.acquire(), self.places.release()
            self.places.acquire()
            if not repaired:
                self.places.acquire()
                self.places.release()
            self.places.release()

    return fan_in(Taker(), sources=2)


@case(kind="deadlock", preemptions=0)
def thread_that_wants_the_lock_of_who_joins_it(repaired: bool) -> Any:
    class Joiner(Actor):
        def prepare(self) -> None:
            self.lock = threading.Lock()

        def work(self, **data: Any) -> None:
            thread = threading.Thread(target=self.help)
            if repaired:
                thread.start()
                thread.join()
                return
            with self.lock:
                thread.start()
                thread.join()

        def help(self) -> None:
            with self.lock:
                self.increment_stat("n")

    return fan_in(Joiner(), sources=1)


@case(kind="deadlock", preemptions=0)
def flag_that_comes_before_the_wait(repaired: bool) -> Any:
    """An event is cleared by who waits for it, perhaps after it was set."""

    class Waiting(Actor):
        def prepare(self) -> None:
            self.go = threading.Event()

        def work(self, **data: Any) -> None:
            if not repaired:
                self.go.clear()
            self.go.wait()

    class Setter(Actor):
        def work(self, **data: Any) -> None:
            waiting: Any = self.get_execution_context().flow.routines["first"]  # type: ignore[union-attr]
            waiting.go.set()

    return both(Waiting(), Setter())
