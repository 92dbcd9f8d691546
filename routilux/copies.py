"""Copies of deques that other threads go on appending to.

With a global interpreter lock a copy is one step. Without one (free-threaded builds) it may find
that the deque has changed, and has to begin again.
"""

from __future__ import annotations

from collections import deque
from typing import TypeVar

_T = TypeVar("_T")
_TRIES = 1000


def copied(items: deque[_T]) -> list[_T]:
    """The items, oldest first.

    Raises:
        RuntimeError: the deque never held still; only without a global interpreter lock.
    """
    for _ in range(_TRIES):
        try:
            return list(items)
        except RuntimeError:  # it changed meanwhile
            continue
    return list(items)


def newest(items: deque[_T], most: int) -> list[_T]:
    """Some of the newest items, oldest first, though others append all the time.

    Items that came after the first look may be among them, in any order and more than once.
    """
    found: list[_T] = []
    for i in range(1, most):
        try:
            found.append(items[-i])  # what comes meanwhile moves the others on: none is passed over
        except IndexError:
            break
    found.reverse()
    return found
