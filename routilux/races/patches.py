"""Names of the standard library that are replaced while a debugger is attached.

What is put in their place asks first whether the calling thread is watched; every other thread (a
screen's, for example) gets the plain thing. Names that a module has imported itself (``from time
import sleep``) are replaced there too, and locks that stand in a module or class since it was
loaded are given a stand-in for as long.
"""

from __future__ import annotations

import _thread
import contextlib
import queue
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from .observer import Observer
from .session import maker_frame, session

_new_lock = _thread.allocate_lock
_new_rlock = _thread.RLock
_STDLIB = str(Path(threading.__file__).parent)


def _make(kind: str, real: Any) -> Any:
    observer = session.watching()
    if observer is None:
        return real
    frame, helper = maker_frame(3)
    module = str(frame.f_globals.get("__name__"))
    if module.startswith("routilux."):
        return observer.engine_lock(real, kind, module)
    obj = session.name_made(kind, frame, helper)
    if kind == "rlock":
        return observer.rlock(real, obj)
    return observer.waiter(real, obj) if kind == "waiter" else observer.lock(real, obj)


def make_lock() -> Any:
    """`threading.Lock`, or what the observer wants in its place."""
    return _make("lock", _new_lock())


def make_rlock(*args: Any, **kwargs: Any) -> Any:
    """`threading.RLock`, or what the observer wants in its place."""
    return _make("rlock", _new_rlock(*args, **kwargs))


def make_waiter() -> Any:
    """What `threading.Condition` makes for each thread that waits."""
    return _make("waiter", _new_lock())


_NUMBER = "_routilux_number"
_start, _join = threading.Thread.start, threading.Thread.join


def start_watched(thread: threading.Thread) -> None:
    """`threading.Thread.start` of a thread of the user's, told of. Its number is the same in every
    run that takes the same decisions.
    """
    observer = session.watching()
    frame, _ = maker_frame(2)
    if observer is None or str(frame.f_globals.get("__name__")).startswith("routilux."):
        _start(thread)
        return
    watcher, run, number = observer, thread.run, hash(session.count_made("thread")[1:])

    def told() -> None:
        watcher.began(number)
        try:
            run()
        finally:
            watcher.over(number)

    thread.run = told  # type: ignore[method-assign]
    thread.__dict__[_NUMBER] = number
    observer.forking(number)
    _start(thread)


def join_watched(thread: threading.Thread, timeout: float | None = None) -> None:
    """`threading.Thread.join`, told of."""
    _join(thread, timeout)
    observer, number = session.watching(), thread.__dict__.get(_NUMBER)
    if observer is not None and number is not None and not thread.is_alive():
        observer.joined(number)


class Patches:
    """Replaces names, and puts them back.

    Args:
        extra: more of them: ``(module or class, name, replacement)``; of time and of threads, by
            an observer that controls these.
    """

    def __init__(self, observer: Observer, extra: list[tuple[Any, str, Any]]) -> None:
        self._observer = observer
        self._wanted = [
            (threading, "Lock", make_lock),
            (threading, "RLock", make_rlock),
            (threading, "_allocate_lock", make_waiter),
            (queue, "SimpleQueue", queue._PySimpleQueue),  # type: ignore[attr-defined]
            (threading.Thread, "start", start_watched),
            (threading.Thread, "join", join_watched),
            *extra,
        ]
        self._undo: list[Callable[[], None]] = []

    def install(self) -> None:
        """Replace them all."""
        meant = {
            id(getattr(owner, name)): (getattr(owner, name), new)
            for owner, name, new in self._wanted
            if not isinstance(owner, type) and name != "_allocate_lock"
        }
        for owner, name, new in self._wanted:
            self._put(owner, name, new)
        for module in users_modules():
            for name, value in list(vars(module).items()):
                found = meant.get(id(value))
                if found is not None and found[0] is value:
                    self._put(module, name, found[1])
                else:
                    self._stand_in(module, name, value)
        import concurrent.futures.thread as pools

        self._stand_in(pools, "_global_shutdown_lock", pools._global_shutdown_lock)

    def _put(self, owner: Any, name: str, new: Any) -> None:
        old = owner.__dict__[name] if isinstance(owner, type) else getattr(owner, name)
        setattr(owner, name, new)
        self._undo.append(lambda: setattr(owner, name, old))

    def _stand_in(self, owner: Any, name: str, value: Any) -> None:
        """Give a stand-in for a lock that was made before, and for those inside of a class."""
        where = f"{getattr(owner, '__module__', '')}.{owner.__name__}.{name}".lstrip(".")
        with contextlib.suppress(AttributeError, TypeError):
            if type(value) is _thread.LockType and not value.locked():
                self._put(owner, name, self._observer.lock(value, ("lock", where)))
            elif type(value) is _thread.RLock:
                self._put(owner, name, self._observer.rlock(value, ("lock", where)))
            elif isinstance(value, type) and value.__module__ == owner.__name__:
                for inner, held in list(vars(value).items()):
                    if type(held) in (_thread.LockType, _thread.RLock):
                        self._stand_in(value, inner, held)

    def remove(self) -> None:
        """Put back what was there."""
        while self._undo:
            self._undo.pop()()


def users_modules() -> Iterator[Any]:
    """The loaded modules that are neither of the standard library, nor installed, nor ours."""
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if not file or name.partition(".")[0] in ("routilux", "tui", "pytest", "_pytest"):
            continue
        if is_users(file):
            yield module


def is_users(filename: str) -> bool:
    """Whether a source file is the user's own."""
    if filename.startswith(("<frozen", _STDLIB)):
        return False
    return "site-packages" not in filename and not filename.startswith(_OURS)


_OURS = str(Path(__file__).parents[1])
