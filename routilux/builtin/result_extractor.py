"""ResultExtractor: the result that is somewhere in a text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from ..errors import UnknownNameError
from ._base import Builtin


class Found(NamedTuple):
    """What an extractor found, how sure it is (0 to 1), and what else is to be said."""

    result: Any
    confidence: float
    metadata: dict[str, Any]


Extractor = Callable[[Any], Found | None]


class ResultExtractor(Builtin):
    """Finds the result in a text, such as the answer of a language model or of a command.

    Slot: ``input``. Event: ``output`` with ``extracted_result``, ``format`` (the name of what found
    it), ``metadata``, ``confidence`` (0 to 1) and ``extraction_path`` (the names of what was tried,
    in order). Data that is no text is its own result; text without one is the result ``"text"``.

    Config:
        strategy ("auto"): ``"auto"``: the most confident; ``"first_match"``: the first that finds
            something; ``"priority"``: the same in the order of ``priority``; ``"all"``: a dict of
            all.
        priority ([]): names: registered ones, json, code, key_value.
        extract_json (True): JSON objects and arrays, alone, in a fenced block or in prose.
        extract_code (True): the first fenced block of code.
        extract_key_value (True): lines ``key: value``, two or more.

    Example:
        >>> from routilux import Flow
        >>> from routilux.builtin import Mapper, ResultExtractor
        >>> flow, find, show = Flow("find"), ResultExtractor(), Mapper()
        >>> show.set_config(function=print)
        >>> flow.add_routine(find, "find"), flow.add_routine(show, "show")
        ('find', 'show')
        >>> edge = flow.connect("find", "output", "show", "input", {"extracted_result": "data"})
        >>> answer = 'Sure! Here you are: {"total": 3}. Anything else?'
        >>> job = flow.execute("find", {"data": answer}, entry_slot="input")
        {'total': 3}
    """

    def __init__(self) -> None:
        super().__init__()
        self._registered: dict[str, Extractor] = {}
        self.set_config(
            strategy="auto",
            priority=[],
            extract_json=True,
            extract_code=True,
            extract_key_value=True,
        )
        self.define_slot("input", handler=self.handle)
        self.define_event(
            "output",
            ["extracted_result", "format", "metadata", "confidence", "extraction_path"],
        )

    def register_extractor(self, name: str, function: Callable[[Any], Any]) -> None:
        """Add an extractor, tried before the built-in ones.

        Args:
            name: reported as the format; a built-in one of that name is replaced.
            function: gets the data and returns the result, or None if there is none.
        """
        if not callable(function):
            raise self._refusal(f"extractor {name}", function, "a function of the data")

        def extract(data: Any) -> Found | None:
            result = function(data)
            return None if result is None else Found(result, 1.0, {})

        self._registered = {**self._registered, name: extract}

    def handle(self, **message: Any) -> None:
        """Send on the result that is in a message."""
        data = self._received(message)
        strategy = self._read_choice("strategy", "auto", "first_match", "priority", "all")
        path: list[str] = []
        errors: list[str] = []
        found: dict[str, Found] = {}
        for name, extract in self._chosen(data, strategy):
            path.append(name)
            try:
                result = extract(data)
            except Exception as error:  # noqa: BLE001 - whatever one raises, the next is tried
                errors.append(f"{name}: {type(error).__name__}: {error}")
                continue
            if result is not None:
                found[name] = result
                if strategy in {"first_match", "priority"}:
                    break
        self._track_operation("extract", success=bool(found))
        self._send(strategy, data, found, path, errors)

    def _send(
        self, strategy: str, data: Any, found: dict[str, Found], path: list[str], errors: list[str]
    ) -> None:
        if not found:
            kind = "text" if isinstance(data, str) else type(data).__name__
            plain = Found(data.strip(), 0.1, {}) if isinstance(data, str) else Found(data, 1.0, {})
            found = {kind: plain}
        name = max(found, key=lambda each: found[each].confidence)
        best = found[name]
        metadata = {**best.metadata, "errors": errors} if errors else best.metadata
        everything = strategy == "all"
        self.emit(
            "output",
            extracted_result={n: f.result for n, f in found.items()} if everything else best.result,
            format="all" if everything else name,
            metadata=metadata,
            confidence=best.confidence,
            extraction_path=path,
        )

    def _chosen(self, data: Any, strategy: str) -> list[tuple[str, Extractor]]:
        known = dict(self._registered)
        for name, extract in _BUILT_IN.items():
            if self._read_flag(f"extract_{name}") and isinstance(data, str):
                known.setdefault(name, extract)
        if strategy != "priority":
            return list(known.items())
        names = self._read_names("priority")
        for name in names:
            if name not in _BUILT_IN and name not in known:
                raise UnknownNameError("extractor", name, self._where(), {**_BUILT_IN, **known})
        return [(name, known[name]) for name in names if name in known]


# the built-in extractors: linear in the length of the text ----------------------------------------


def _fenced(text: str) -> Iterator[tuple[str, str]]:
    """The blocks between lines of three backticks: (language, content)."""
    language, lines = None, list[str]()
    for line in text.splitlines():
        if language is None:
            if line.startswith("```"):
                language, lines = line[3:].strip().lower(), []
        elif line.rstrip() == "```":
            yield language, "\n".join(lines)
            language = None
        else:
            lines.append(line)


def _parsed(text: str) -> Any:
    """The JSON object or array that the text is, or None."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict | list) else None


_MOST_BEGINNINGS = 100  # each may be parsed to the end of the text before it fails


def _json(text: str) -> Found | None:
    whole = _parsed(text)
    if whole is not None:
        return Found(whole, 1.0, {"found": "whole text"})
    for language, content in _fenced(text):
        if language in {"json", ""}:
            block = _parsed(content)
            if block is not None:
                return Found(block, 0.95, {"found": "fenced block"})
    decoder = json.JSONDecoder()
    position = 0
    for _ in range(_MOST_BEGINNINGS):
        begin = re.compile(r"[{\[]").search(text, position)
        if begin is None:
            return None
        position = begin.start() + 1
        try:
            value, _end = decoder.raw_decode(text, begin.start())
        except (ValueError, RecursionError):
            continue
        return Found(value, 0.8, {"found": "in the text"})
    return None


def _code(text: str) -> Found | None:
    for language, content in _fenced(text):
        return Found(content, 0.7, {"language": language})
    return None


def _key_value(text: str) -> Found | None:
    pairs = re.findall(
        r"^[ \t]*([A-Za-z_][\w -]{0,60}?)[ \t]*[:=][ \t]*(\S.*)$", text, re.MULTILINE
    )
    values = {key: value.strip() for key, value in pairs}
    return Found(values, 0.5, {"lines": len(pairs)}) if len(pairs) > 1 else None


_BUILT_IN: dict[str, Extractor] = {"json": _json, "code": _code, "key_value": _key_value}
