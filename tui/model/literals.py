"""Python literals: what is typed as one, and what a payload looks like as one."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from .payload import Leaf, Node

#: What `ast.literal_eval` raises for a text that is no literal.
NO_LITERAL = (ValueError, TypeError, SyntaxError, MemoryError, RecursionError)
#: Ends a text that was cut.
CUT = "…"
#: What only a literal begins with. What begins otherwise and is none is a text.
_BEGINS = "'\"([{-+.0123456789"

Values = tuple[tuple[str, str], ...]
"""Keys with their values as literals: what is sent."""


def literal(text: str) -> str:
    """What is typed as a Python literal: itself, or as a text if it is a plain word.

    Raises:
        ValueError: it begins like a literal and is none; the message says where and what to do.
    """
    text = text.strip()
    if _is_literal(text):
        return text
    if text[:1] in _BEGINS:
        raise ValueError(f"{_wrong(text)}; in quotes it is a text")
    return repr(text)


def _wrong(text: str) -> str:
    try:
        ast.literal_eval(text)
    except SyntaxError as error:
        return f"column {min(error.offset or 1, len(text) + 1)}: {error.msg}"
    except NO_LITERAL:
        pass
    return "this is no plain Python value"


def further(text: str) -> Values:
    """What is typed for further keys: ``name=value, other=value``.

    Raises:
        ValueError: the message says where and what to do.
    """
    try:
        call = ast.parse(f"f({text}\n)", mode="eval").body
    except SyntaxError as error:
        column = max(1, (error.offset or 3) - 2)
        raise ValueError(f"column {column}: {error.msg}; write name=value, other=value") from None
    except NO_LITERAL:
        raise ValueError("this cannot be read; write name=value, other=value") from None
    if not isinstance(call, ast.Call) or call.args:
        raise ValueError("each value needs a name: name=value, other=value")
    found: dict[str, str] = {}
    for name, node in _named(call.keywords):
        if name in found:
            raise ValueError(f"{name!r} is given twice")
        found[name] = _node_literal(name, node)
    return tuple(found.items())


def _named(keywords: Iterable[ast.keyword]) -> Iterable[tuple[str, ast.expr]]:
    """Names with their values; ``**{...}`` is for names that are no identifiers."""
    for keyword in keywords:
        if keyword.arg is not None:
            yield keyword.arg, keyword.value
        elif isinstance(keyword.value, ast.Dict):
            for key, value in zip(keyword.value.keys, keyword.value.values, strict=True):
                if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
                    raise ValueError("names of keys are texts: **{'a name': 1}")
                yield key.value, value
        else:
            raise ValueError("after ** stands a dict: **{'a name': 1}")


def _node_literal(name: str, node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return repr(node.id)
    text = ast.unparse(node)
    if not _is_literal(text):
        raise ValueError(f"{name}: {text!r} is no plain Python value; in quotes it is a text")
    return text


def source(node: Node) -> str | None:
    """A part of a payload as a Python literal; None if some of it was cut or is no literal."""
    if isinstance(node, Leaf):
        if isinstance(node.value, str) and node.text != repr(node.value):
            return None  # the beginning of a longer one
        return node.text if _is_literal(node.text) else None
    parts = [(key, source(part)) for key, part in node.items]
    if not node.whole or any(text is None for _, text in parts):
        return None
    if node.kind != "d":
        inside = ", ".join(str(text) for _, text in parts)
        return f"[{inside}]" if node.kind == "l" else f"({inside}{',' * (len(parts) == 1)})"
    # A key that reads like a literal may have been that, or a text: both were kept as this.
    if any(key.endswith(CUT) or key.startswith("<") or _is_literal(key) for key, _ in parts):
        return None
    return "{" + ", ".join(f"{key!r}: {text}" for key, text in parts) + "}"


def _is_literal(text: str) -> bool:
    try:
        ast.literal_eval(text)
    except NO_LITERAL:
        return False
    return True
