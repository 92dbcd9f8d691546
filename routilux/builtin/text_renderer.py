"""TextRenderer: nested data as text for readers and models."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ._base import Builtin

_MAX_DEPTH = 100
_TOO_DEEP = "…"
_NOT_IN_TAGS = re.compile(r"[^A-Za-z0-9_.\-À-ÖØ-öø-ÿ一-龥]")  # less than XML allows, but safe


class TextRenderer(Builtin):
    """Writes data as XML tags or as a Markdown list.

    Slot: ``input``. Event: ``output`` with ``rendered_text`` and ``original_type`` (its name).
    What is nested more than 100 levels deep, or contains itself, is shown as ``…``.

    Config:
        tag_format ("xml"): ``"xml"`` or ``"markdown"``.
        indent (2): spaces per level.

    Example:
        >>> from routilux import Flow
        >>> from routilux.builtin import Mapper, TextRenderer
        >>> flow, text, show = Flow("text"), TextRenderer(), Mapper()
        >>> text.set_config(tag_format="markdown")
        >>> show.set_config(function=print)
        >>> flow.add_routine(text, "text"), flow.add_routine(show, "show")
        ('text', 'show')
        >>> edge = flow.connect("text", "output", "show", "input", {"rendered_text": "data"})
        >>> order = {"id": 7, "user": {"name": "Ann"}}
        >>> job = flow.execute("text", {"data": order}, entry_slot="input")
        - **id**: 7
        - **user**:
          - **name**: Ann
    """

    def __init__(self) -> None:
        super().__init__()
        self.set_config(tag_format="xml", indent=2)
        self.define_slot("input", handler=self.handle)
        self.define_event("output", ["rendered_text", "original_type"])

    def handle(self, **message: Any) -> None:
        """Send on a message as text."""
        data = self._received(message)
        form = self._read_choice("tag_format", "xml", "markdown")
        indent = self._read_whole("indent", 0, 16)
        lines = (_xml if form == "xml" else _markdown)(data, " " * indent, ())
        self._track_operation("render")
        self.emit("output", rendered_text="\n".join(lines), original_type=type(data).__name__)


def _pairs(value: Any) -> list[tuple[Any, Any]] | None:
    """What is nested in a value, with a name for each if it has one; None for a plain value."""
    if isinstance(value, Mapping):
        return list(value.items())
    if isinstance(value, list | tuple | set | frozenset):
        return [(None, each) for each in value]
    return None


def _opened(value: Any, above: tuple[int, ...]) -> list[tuple[Any, Any]] | str:
    """What is nested in a value, or its text."""
    pairs = _pairs(value)
    if pairs is None:
        return str(value)
    return _TOO_DEEP if id(value) in above or len(above) >= _MAX_DEPTH else pairs


def _xml(value: Any, indent: str, above: tuple[int, ...]) -> Iterator[str]:
    inside = _opened(value, above)
    pad = indent * len(above)
    if isinstance(inside, str):
        yield pad + _escaped(inside)
        return
    for name, each in inside:
        tag = _tag(name)
        nested = _opened(each, (*above, id(value)))
        if isinstance(nested, str):
            yield f"{pad}<{tag}>{_escaped(nested)}</{tag}>"
        else:
            yield f"{pad}<{tag}>"
            yield from _xml(each, indent, (*above, id(value)))
            yield f"{pad}</{tag}>"


def _tag(name: Any) -> str:
    """A name that XML allows: ``item`` for what has none, ``_`` for what it does not allow."""
    if name is None:
        return "item"
    tag = _NOT_IN_TAGS.sub("_", str(name))
    return f"_{tag}" if not tag or tag[0] in "0123456789.-" else tag


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _markdown(value: Any, indent: str, above: tuple[int, ...]) -> Iterator[str]:
    inside = _opened(value, above)
    pad = indent * len(above)
    if isinstance(inside, str):
        yield pad + inside
        return
    for name, each in inside:
        label = "-" if name is None else f"- **{name}**:"
        nested = _opened(each, (*above, id(value)))
        if isinstance(nested, str):
            yield f"{pad}{label} {nested}"
        else:
            yield f"{pad}{label}"
            yield from _markdown(each, indent, (*above, id(value)))
