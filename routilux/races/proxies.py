"""Stand-ins for a container for the length of one expression, from which they cannot escape.

``self.seen[key] += 1`` loads the container once, reads an item and writes it back: two steps, which
another activation may come between. ``for x in self.items`` takes a step for each item. At such a
place, and only there, what is loaded is a stand-in that tells of each step.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .observer import Observer
from .ops import READ, WRITE, Obj


class Split:
    """For ``container[key] += value`` and ``thing.attribute += value``."""

    __slots__ = ("_inner", "_obj", "_observer")

    def __init__(self, inner: Any, obj: Obj, observer: Observer) -> None:
        object.__setattr__(self, "_inner", inner)
        object.__setattr__(self, "_obj", obj)
        object.__setattr__(self, "_observer", observer)

    def __getitem__(self, key: Any) -> Any:
        self._observer.access(READ, self._obj)
        value = None
        try:
            value = self._inner[key]
        finally:
            self._observer.accessed(value)
        return value

    def __setitem__(self, key: Any, value: Any) -> None:
        self._observer.access(WRITE, self._obj)
        try:
            self._inner[key] = value
        finally:
            self._observer.accessed(value)

    def __getattr__(self, name: str) -> Any:
        self._observer.access(READ, self._obj)
        value = None
        try:
            value = getattr(self._inner, name)
        finally:
            self._observer.accessed(value)
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        self._observer.access(WRITE, self._obj)
        try:
            setattr(self._inner, name, value)
        finally:
            self._observer.accessed(value)


class Walk:
    """For ``for x in container`` and ``for k, v in container.items()``."""

    __slots__ = ("_inner", "_obj", "_observer")

    def __init__(self, inner: Any, obj: Obj, observer: Observer) -> None:
        self._inner = inner
        self._obj = obj
        self._observer = observer

    def __iter__(self) -> Iterator[Any]:
        return self._steps(self._inner)

    def keys(self) -> Iterator[Any]:
        """As of a dict."""
        return self._steps(self._inner.keys())

    def values(self) -> Iterator[Any]:
        """As of a dict."""
        return self._steps(self._inner.values())

    def items(self) -> Iterator[Any]:
        """As of a dict."""
        return self._steps(self._inner.items())

    def _steps(self, what: Any) -> Iterator[Any]:
        observer, obj = self._observer, self._obj
        observer.access(READ, obj)
        try:
            steps = iter(what)
        finally:
            observer.accessed(self._inner)
        while True:
            observer.access(READ, obj)
            value = None
            try:
                value = next(steps)
            except StopIteration:
                return
            finally:
                observer.accessed(value)
            yield value
