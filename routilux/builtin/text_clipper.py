"""TextClipper: long text becomes short, tracebacks stay whole."""

from __future__ import annotations

import re
from typing import Any

from ._base import Builtin

_TRACEBACK = "Traceback (most recent call last):"
#: From its first line to the line that names the exception.
_WHOLE_TRACEBACK = re.compile(r"Traceback \(most recent call last\):\n(?:[ \t].*\n|\n)*.*")


class TextClipper(Builtin):
    """Cuts text to a length.

    Slot: ``input``; what is no text is shown as ``str()`` shows it. Event: ``output`` with
    ``clipped_text``, ``was_clipped`` and ``original_length``.

    Config:
        max_length (1000): characters of the result, message included.
        preserve_tracebacks (True): the last Python traceback in the text is kept whole, even
            if it is longer than that; what is around it is cut.
        truncation_message ("\\n……（内容过长，已截断）\\n"): stands where something was cut.

    Example:
        >>> from routilux import Flow
        >>> from routilux.builtin import Mapper, TextClipper
        >>> flow, clip, show = Flow("clip"), TextClipper(), Mapper()
        >>> clip.set_config(max_length=12, truncation_message=" […]")
        >>> show.set_config(function=print)
        >>> flow.add_routine(clip, "clip"), flow.add_routine(show, "show")
        ('clip', 'show')
        >>> edge = flow.connect("clip", "output", "show", "input", {"clipped_text": "data"})
        >>> job = flow.execute("clip", {"data": "a text that is long"}, entry_slot="input")
        a text t […]
    """

    def __init__(self) -> None:
        super().__init__()
        self.set_config(
            max_length=1000,
            preserve_tracebacks=True,
            truncation_message="\n……（内容过长，已截断）\n",
        )
        self.define_slot("input", handler=self.handle)
        self.define_event("output", ["clipped_text", "was_clipped", "original_length"])

    def handle(self, **message: Any) -> None:
        """Send on a message, cut."""
        data = self._received(message)
        text = data if isinstance(data, str) else str(data)
        clipped = self._clip(text)
        self._track_operation("clip")
        self.emit(
            "output",
            clipped_text=clipped,
            was_clipped=clipped != text,
            original_length=len(text),
        )

    def _clip(self, text: str) -> str:
        length, message = self._read_whole("max_length", 1), self._read_text("truncation_message")
        keeps_tracebacks = self._read_flag("preserve_tracebacks")
        if len(text) <= length:
            return text
        start = text.rfind(_TRACEBACK) if keeps_tracebacks else -1
        if start < 0:
            return _cut(text, length, message)
        traceback = behind = text[start:]
        if len(behind) > length:
            found = _WHOLE_TRACEBACK.match(behind)
            traceback = found[0] if found else behind
        mark = message if len(traceback) < len(behind) else ""
        if len(traceback) + len(mark) > length:
            mark = ""
        return _cut(text[:start], length - len(traceback) - len(mark), message) + traceback + mark


def _cut(text: str, length: int, message: str) -> str:
    """The text, or its beginning and the message, together of that length at most."""
    if len(text) <= length:
        return text
    if len(message) > length:
        return text[: max(0, length)]
    return text[: length - len(message)] + message
