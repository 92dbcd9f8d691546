"""Waiting in tests: for a condition, with a deadline, never for a guessed time."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

#: Long enough for a loaded machine; a test that passes never waits so long.
SECONDS = 10.0


def wait_until(condition: Callable[[], object], what: str = "", timeout: float = SECONDS) -> None:
    """Come back as soon as the condition holds; fail when it does not within the timeout."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout} s: {what or condition}")
        time.sleep(0.0005)


class Call(threading.Thread):
    """A function that runs in a thread of its own; `result` gives what it returned or raises."""

    def __init__(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        super().__init__(name=f"test-{getattr(function, '__name__', 'call')}", daemon=True)
        self._call = lambda: function(*args, **kwargs)
        self._value: Any = None
        self._error: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self._value = self._call()
        except BaseException as error:
            self._error = error

    def result(self, timeout: float = SECONDS) -> Any:
        self.join(timeout)
        assert not self.is_alive(), f"{self.name} did not return within {timeout} s"
        if self._error is not None:
            raise self._error
        return self._value


def in_threads(count: int, function: Callable[[int], Any]) -> list[Any]:
    """Call the function with 0..count-1 in as many threads that start together."""
    barrier = threading.Barrier(count)

    def call(number: int) -> Any:
        barrier.wait(SECONDS)
        return function(number)

    calls = [Call(call, number) for number in range(count)]
    return [each.result() for each in calls]


@contextmanager
def gate() -> Iterator[threading.Event]:
    """An event that is set at the end whatever happens, so that no handler stays stuck in it."""
    event = threading.Event()
    try:
        yield event
    finally:
        event.set()


def arrive(event: threading.Event, what: str = "an event") -> None:
    """Wait for an event that must come."""
    assert event.wait(SECONDS), f"{what} did not come within {SECONDS} s"
