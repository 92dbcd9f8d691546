"""What a handler does that others can notice: one operation on one object.

An object is a tuple of texts and plain values, equal in every run that takes the same decisions:
``("stat", "counter", "n")``, ``("lock", "counter._lock")``. It names a thing, and is not the thing.
"""

from __future__ import annotations

from collections.abc import Hashable

#: What is acted on: a kind, a name and mostly a key.
Obj = tuple[Hashable, ...]

# Modes: what is done to it.
READ = "r"
WRITE = "w"
UPDATE = "u"  # reads and writes in one step that nobody can split
ESCAPE = "e"  # a container is handed out: the reader may look at it until its activation ends
ACQUIRE = "acq"
TIMED = "tacq"  # acquires, unless its time is over before
TRY = "try"  # asks for a lock and does not wait: may find it taken
RELEASE = "rel"
EMIT = "emit"
EXECUTE = "exec"
START = "start"
END = "end"
SLEEP = "sleep"
WAKE = "wake"
WAIT = "wait"
LINE = "line"

#: Modes of access to state; others are about order.
STATE = frozenset((READ, WRITE, UPDATE, ESCAPE))

#: Stands for all keys of a routine's statistics or configuration.
ALL = "*"

STAT, CONFIG, ATTR = "stat", "config", "attr"
#: Which of the above an attribute that keeps them belongs to.
KEPT_IN = {"_stats": STAT, "_config": CONFIG}


#: Things whose name says already what they are.
_MADE = ("lock", "rlock", "waiter")


def text_of(obj: Obj) -> str:
    """An object as schedules and reports name it: ``counter.n``, ``counter.stat:n``."""
    kind, *rest = obj
    if kind in (STAT, CONFIG) and len(rest) == 2:
        return f"{rest[0]}.{kind}:{_key(rest[1])}"
    if kind == ATTR and len(rest) == 2:
        return f"{rest[0]}.{rest[1]}"
    if kind in _MADE and rest:
        return str(rest[0])
    return " ".join((str(kind), *map(_key, rest)))


def _key(key: Hashable) -> str:
    return key if isinstance(key, str) else repr(key)


def op_text(mode: str, obj: Obj) -> str:
    """One operation in words of a schedule: ``w counter.stat:n``."""
    return f"{mode} {text_of(obj)}"
