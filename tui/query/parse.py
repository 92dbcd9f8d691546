"""From text to tree, with every error at its column.

filter     = all { ("or" | "|") all }
all        = one { ["and" | "&"] one }
one        = { "not" | "!" } ( "(" filter ")" | "@" name | text [ comparison ] )
comparison = op text | ["not"] "in" "(" text { "," text } ")"
"""

from __future__ import annotations

from typing import NamedTuple

from .nodes import (
    BREAKS,
    Among,
    Compare,
    Node,
    Not,
    Op,
    QueryError,
    Saved,
    Value,
    Word,
    all_of,
    any_of,
)

#: Brackets and negations within each other: more is a slip of the finger, not a filter.
DEEPEST = 50
_OPS = {op.value: op for op in Op} | {"==": Op.EQUAL, ":": Op.EQUAL}
_LOGIC = {"and": "and", "&": "and", "&&": "and", "or": "or", "|": "or", "||": "or",
          "not": "not", "!": "not", "in": "in"}  # fmt: skip


class _Token(NamedTuple):
    """``kind`` is ``text``, ``quoted``, ``op``, ``and``, ``or``, ``not``, ``in``, ``(``, ``)``,
    ``,`` or ``end``.
    """

    kind: str
    text: str
    column: int


def parse(text: str) -> Node | None:
    """The tree of a filter; None for one that is empty.

    Raises:
        QueryError: it is no filter.
    """
    parser = _Parser(_tokens(text))
    if parser.next.kind == "end":
        return None
    node = parser.filter()
    token = parser.next
    if token.kind == ")":
        raise QueryError("there is no ( before this )", token.column)
    if token.kind != "end":
        raise _unexpected(token, "and, or, or the end")
    return node


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    at = 0
    while at < len(text):
        char = text[at]
        if char.isspace():
            at += 1
            continue
        regex = bool(found) and found[-1].kind == "op" and found[-1].text in ("~", "!~")
        if char in "\"'":
            token, end = _quoted(text, at)
        elif regex:
            token, end = _pattern(text, at)
        elif char in "(),":
            token, end = _Token(char, char, at), at + 1
        else:
            token, end = _mark_or_word(text, at)
        if token.kind == "op" and found and found[-1].kind == "in":
            found[-1] = found[-1]._replace(kind="text")  # routines have a field of that name
        found.append(token)
        at = end
    found.append(_Token("end", "", len(text)))
    return found


def _mark_or_word(text: str, at: int) -> tuple[_Token, int]:
    for size in (2, 1):
        mark = text[at : at + size]
        if mark in _OPS:
            return _Token("op", mark, at), at + size
        if mark in _LOGIC and not mark.isalpha():
            return _Token(_LOGIC[mark], mark, at), at + size
    end = at
    while end < len(text) and text[end] not in BREAKS and not text[end].isspace():
        end += 1
    word = text[at:end]
    return _Token(_LOGIC.get(word.casefold(), "text"), word, at), end


def _quoted(text: str, at: int) -> tuple[_Token, int]:
    """A backslash takes the meaning from a quote and from itself, and from nothing else, so that
    a regular expression can be quoted as it is.
    """
    mark, parts, end = text[at], [], at + 1
    while end < len(text) and text[end] != mark:
        if text[end] == "\\" and text[end + 1 : end + 2] in (mark, "\\"):
            end += 1
        parts.append(text[end])
        end += 1
    if end >= len(text):
        raise QueryError(f"this {mark} is never closed", at)
    return _Token("quoted", "".join(parts), at), end + 1


def _pattern(text: str, at: int) -> tuple[_Token, int]:
    """A regular expression goes to the next blank, or to a bracket that was open before it."""
    depth, end = 0, at
    while end < len(text) and not text[end].isspace():
        if text[end] == "\\":
            end += 1
        elif text[end] in "()":
            depth += 1 if text[end] == "(" else -1
            if depth < 0:
                break
        end += 1
    end = min(end, len(text))
    return _Token("text" if end > at else ")", text[at:end] or ")", at), max(end, at + 1)


class _Parser:
    """Recursive descent; `next` is the first token that was not taken."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    @property
    def next(self) -> _Token:
        return self._tokens[self._at]

    def _take(self) -> _Token:
        token = self.next
        self._at += 1
        return token

    def filter(self) -> Node:
        parts = [self._all()]
        while self.next.kind == "or":
            self._take()
            parts.append(self._all())
        return any_of(parts)

    def _all(self) -> Node:
        parts = [self._one()]
        while self.next.kind in ("and", "not", "(", "text", "quoted"):
            if self.next.kind == "and":
                self._take()
            parts.append(self._one())
        return all_of(parts)

    def _one(self) -> Node:
        self._depth += 1
        if self._depth > DEEPEST:
            raise QueryError(f"more than {DEEPEST} brackets within each other", self.next.column)
        try:
            token = self._take() if self.next.kind != "end" else self.next
            if token.kind == "not":
                return Not(self._one())
            if token.kind == "(":
                return self._bracket(token)
            if token.kind in ("text", "quoted"):
                return self._text(token)
            raise _unexpected(token, "a word or a field")
        finally:
            self._depth -= 1

    def _bracket(self, opened: _Token) -> Node:
        node = self.filter()
        if self.next.kind == "end":
            raise QueryError("this ( is never closed", opened.column)
        if self.next.kind != ")":
            raise _unexpected(self.next, ")")
        self._take()
        return node

    def _text(self, token: _Token) -> Node:
        following = self.next.kind
        if following == "op":
            op = _OPS[self._take().text]
            value = self._value()
            if op in (Op.MATCH, Op.MISMATCH):  # quotes make no difference to a pattern
                value = Value(value.text, False, value.column)
            return Compare(token.text, op, value, token.column)
        if following == "in":
            return self._among(token)
        if following == "not" and self._tokens[self._at + 1].kind == "in":
            self._take()
            return Not(self._among(token))
        if token.kind == "text" and token.text[0] == "@":
            return Saved(token.text[1:], token.column)
        return Word(token.text, token.column)

    def _among(self, name: _Token) -> Among:
        self._take()
        if self.next.kind != "(":
            raise _unexpected(self.next, "( after in")
        self._take()
        values = [self._value()]
        while self.next.kind == ",":
            self._take()
            values.append(self._value())
        if self.next.kind != ")":
            raise _unexpected(self.next, "a comma or )")
        self._take()
        return Among(name.text, tuple(values), name.column)

    def _value(self) -> Value:
        token = self.next
        if token.kind in ("and", "or", "not", "in") and token.text.isalpha():
            self._take()  # behind an operator it can be nothing but a text
            return Value(token.text, False, token.column)
        if token.kind not in ("text", "quoted"):
            raise _unexpected(token, "a value")
        self._take()
        return Value(token.text, token.kind == "quoted", token.column)


def _unexpected(token: _Token, wanted: str) -> QueryError:
    found = "the filter ends" if token.kind == "end" else f"there is {token.text}"
    return QueryError(f"{found} where {wanted} should be", token.column)
