"""Short texts and small trees of payloads that never run the user's code.

A ``repr`` of the user's may raise, take a second or return 100 MB; so only values of built-in
types are shown, cut to a few characters, and everything else by its type.
"""

from __future__ import annotations

from itertools import islice
from math import isfinite
from typing import Any

#: Longest text in characters.
LIMIT = 200
#: Parts of a tree, and levels below its root.
NODES = 64
DEPTH = 4
_ITEMS = 4
_TEXT = 40
_INT64 = 2**63
# By id, since a metaclass may define __eq__ and __hash__.
_PLAIN = frozenset(map(id, (int, float, bool, type(None), complex)))
_SEQUENCES = frozenset(map(id, (list, tuple, set, frozenset)))
_BRANCHES = {id(dict): "d", id(list): "l", id(tuple): "t"}
_name_of = type.__dict__["__name__"].__get__  # ... and __name__


def preview(data: dict[str, Any]) -> str:
    """The payload as ``{key: value, …}``, at most `LIMIT` characters on one line."""
    return _clip(_dict(data, 2), LIMIT)


def tree(data: dict[str, Any]) -> str:
    """The payload as JSON with at most `NODES` parts, `DEPTH` levels deep.

    What JSON has stands as it is. All else is a list: ``["d", size, [[key, part], ...]]`` a dict,
    ``["l", size, [part, ...]]`` a list, ``["t", ...]`` a tuple, of which only the first parts may
    be there; ``["s", size, text]`` the beginning of a text; ``["o", text]`` what is shown only.
    """
    return _part(data, DEPTH, [NODES])


def _part(value: Any, depth: int, left: list[int]) -> str:
    """One part of a tree; ``left`` is how many more there may be."""
    left[0] -= 1
    kind = type(value)
    if kind is str:
        if len(value) > LIMIT:
            return f'["s",{len(value)},{_quoted(value[:LIMIT])}]'
        return _quoted(value)
    if kind is bool:
        return "true" if value else "false"
    if value is None:
        return "null"
    if (kind is int and -_INT64 <= value < _INT64) or (kind is float and isfinite(value)):
        return repr(value)
    if not depth or id(kind) not in _BRANCHES:
        return _shown(value)
    try:
        size = len(value)
        items = list(islice(value.items() if kind is dict else value, max(0, left[0])))
    except RuntimeError:  # another thread is changing it
        return _shown(value)
    parts: list[str] = []
    for item in items:
        if left[0] <= 0:
            break
        if kind is dict:
            key = _quoted(_key(item[0]))
            parts.append(f"[{key},{_part(item[1], depth - 1, left)}]")
        else:
            parts.append(_part(item, depth - 1, left))
    return f'["{_BRANCHES[id(kind)]}",{size},[{",".join(parts)}]]'


def _shown(value: object) -> str:
    return f'["o",{_quoted(value_preview(value, 0))}]'


def _quoted(text: str) -> str:
    """As JSON has it. The module ``json`` is not used: what is imported while the user's code
    runs may be a file of theirs.
    """
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    return f"\\u{ord(char):04x}" if char < " " or "\ud800" <= char <= "\udfff" else char


def value_preview(value: object, depth: int = 1) -> str:
    """One value: built-in types by content, the others as ``<TypeName>``."""
    kind = type(value)
    if id(kind) in _PLAIN:
        return _number(value)
    if kind is str:
        return repr(_clip(value, _TEXT))  # type: ignore[arg-type]
    if kind is bytes:
        return f"<{len(value)} bytes>"  # type: ignore[arg-type]
    if kind is dict:
        return _dict(value, depth)  # type: ignore[arg-type]
    if id(kind) in _SEQUENCES:
        return _sequence(value, depth)
    return f"<{_clip(str.__str__(_name_of(kind)), _TEXT)}>"


def key_text(key: object) -> str:
    """What a key of the user's is called: itself if it is a text, else a preview of it."""
    return key if type(key) is str else value_preview(key, 0)


def _number(value: object) -> str:
    if type(value) is int and value.bit_length() > 128:
        return f"<int of {value.bit_length()} bits>"
    return repr(value)


def _dict(data: dict[Any, Any], depth: int) -> str:
    if not depth:
        return f"<dict of {len(data)}>"
    try:
        items = list(zip(range(_ITEMS), data.items(), strict=False))
    except RuntimeError:  # another thread is changing it
        return f"<dict of {len(data)}>"
    shown = [f"{_key(k)}: {value_preview(v, depth - 1)}" for _, (k, v) in items]
    more = ", …" if len(data) > len(shown) else ""
    return "{" + ", ".join(shown) + more + "}"


def _key(key: object) -> str:
    if type(key) is str:
        return _clip(key, _TEXT) if key.isprintable() else repr(_clip(key, _TEXT))
    return value_preview(key, 0)


def _sequence(value: Any, depth: int) -> str:
    name = type(value).__name__
    if not depth or name in ("set", "frozenset"):
        return f"<{name} of {len(value)}>"
    shown = [value_preview(v, depth - 1) for v in value[:_ITEMS]]
    more = ", …" if len(value) > len(shown) else ""
    left, right = ("[", "]") if name == "list" else ("(", ")")
    return left + ", ".join(shown) + more + right


def _clip(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
