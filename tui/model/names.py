"""What threads are called on the screen: short, and the same wherever they are named."""

from __future__ import annotations

import re

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DRAIN = "routilux-drain-"


def short_thread(name: str) -> str:
    """``w3`` for the third worker, ``main`` for the main thread, ``loop`` for an event loop,
    ``drn ROUTINE.SLOT`` for who empties a full slot, else the thread's own name.
    """
    if name == "MainThread":
        return "main"
    if _drains(name):
        return f"drn {name.removeprefix(_DRAIN)}"
    if name.startswith("routilux-"):
        last = name.rpartition("-")[2]
        return f"w{last}" if last.isdigit() else last
    return name


def natural_key(name: str) -> list[tuple[bool, int, str]]:
    """Sorts ``step2`` before ``step10``."""
    parts = re.split(r"(\d+)", name.casefold())
    return [(part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts]


def made_up(flow: str) -> bool:
    """Whether the engine has made up the id of a flow, and makes another one the next time."""
    return _UUID.fullmatch(flow) is not None


def natural(name: str) -> tuple[bool, str, int]:
    """Sorts ``w2`` before ``w10``, and who empties full slots last: they come and go."""
    head, _, tail = name.rpartition("-")
    drains = _drains(name)
    return (drains, head, int(tail)) if tail.isdigit() else (drains, name, 0)


def _drains(name: str) -> bool:
    return name.startswith(_DRAIN) and "." in name
