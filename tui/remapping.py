"""Other keys for actions, as the user's configuration wants them. Without importing Textual."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from tui.errors import UsageError, did_you_mean
from tui.keys import TABLES, Action, folded, written

Keys = Mapping[str, str]
"""Of an action's id its keys, comma-separated as in `tui.keys.Action`."""

#: Keys that no configuration can have, and why.
RESERVED = {
    "ctrl+c": "terminals take it for an interrupt",
    "ctrl+z": "terminals take it for suspending a program",
    "ctrl+s": "some terminals stop all output at it",
}
#: What a terminal sends for these is another key.
_SAME = {
    "ctrl+i": "Tab",
    "ctrl+m": "Enter",
    "ctrl+j": "Enter in some terminals",
    "ctrl+h": "Backspace in some terminals",
    "ctrl+left_square_bracket": "Esc",
}
_PUNCTUATION = {"solidus": "slash", "reverse_solidus": "backslash", "commercial_at": "at",
                "hyphen_minus": "minus", "plus_sign": "plus", "low_line": "underscore"}  # fmt: skip
_MOVING = ("up", "down", "left", "right", "home", "end", "pageup", "pagedown")
_NAMED = frozenset({"escape", "enter", "tab", "backspace", "delete", "insert", "space", *_MOVING,
                    *(f"f{number}" for number in range(1, 13))})  # fmt: skip
_OTHER_NAMES = {"esc": "escape", "return": "enter", "del": "delete", "ins": "insert",
                "pgup": "pageup", "pgdn": "pagedown", "pgdown": "pagedown",
                "comma": "comma", "backtab": "shift+tab"}  # fmt: skip


class KeyMapError(UsageError):
    """A key or an action in a key map is not possible; the message says why."""


def action_id(name: str, tables: Mapping[str, Sequence[Action]] = TABLES) -> str | None:
    """The id of the action with that id or command, however it is written; None: there is none."""
    wanted = folded(name)
    return next((a.id for t in tables.values() for a in t if folded(a.id) == wanted), None)


def command_of(ident: str) -> str:
    """The command of an action."""
    return Action(ident, "", "", "", "").command


def remap(
    wanted: Mapping[str, Sequence[str]],
    before: Keys | None = None,
    tables: Mapping[str, Sequence[Action]] = TABLES,
) -> dict[str, str]:
    """The keys of each action that is given others.

    Args:
        before: what was changed already; ``wanted`` wins over it.
        wanted: by an action's id or command (``next_pane``, ``next-pane``, ``pane 3``) its keys as
            people write them: ``x``, ``?``, ``ctrl+k``, ``PgDn``.
        tables: the actions of each screen.

    Raises:
        KeyMapError: an action is not known, a key is not possible or has two meanings on a screen.
    """
    found: dict[str, str] = {}
    for name, keys in wanted.items():
        ident = action_id(name, tables)
        if ident is None:
            names = sorted({a.command for table in tables.values() for a in table})
            hint = did_you_mean(name, names)
            raise KeyMapError(f"no action {name!r}" + (hint or f" (there are: {', '.join(names)})"))
        if ident in found:
            raise KeyMapError(f"{name!r} stands there twice")
        if not keys:
            raise KeyMapError(f"{name!r} needs a key: every action has one")
        found[ident] = ",".join(dict.fromkeys(_key(key, name) for key in keys))
    found = {**(before or {}), **found}
    for screen, table in tables.items():
        _check(screen, applied(table, found), found)
    return found


def applied(actions: Iterable[Action], keys: Keys) -> tuple[Action, ...]:
    """The actions with the keys that they have now."""
    return tuple(
        action._replace(keys=keys[action.id]) if action.id in keys else action for action in actions
    )


def _key(text: str, action: str) -> str:
    """A key as Textual calls it."""
    *modifiers, last = text.strip().split("+") if len(text.strip()) > 1 else [text]
    if text.endswith("++"):
        modifiers, last = modifiers[:-1], "+"
    modifiers = sorted(each.strip().casefold() for each in modifiers)
    name = _named(last.lower() if "ctrl" in modifiers else last)
    key = "+".join([*modifiers, name or last])
    if key in RESERVED:
        raise KeyMapError(f"{text!r} for {action!r} is reserved: {RESERVED[key]}")
    if key in _SAME:
        raise KeyMapError(f"{text!r} for {action!r}: a terminal sends {_SAME[key]} for it")
    if name is None:
        names = [*_NAMED, *_OTHER_NAMES]
        hint = did_you_mean(last, names) or ": write x, X, ?, ctrl+x, alt+x, F5, PgDn or the like"
        raise KeyMapError(f"{text!r} for {action!r} is no key{hint}")
    if not _is_sent(modifiers, name):
        raise KeyMapError(f"{text!r} for {action!r}: terminals do not send that")
    return key if modifiers != ["shift"] or len(name) > 1 else name.upper()


def _named(text: str) -> str | None:
    word = _OTHER_NAMES.get(text.strip().casefold(), text.strip().casefold())
    if text == " " or word in _NAMED or word in ("comma", "shift+tab"):
        return "space" if text == " " else word
    if len(text) == 1:
        if text.isalnum():
            return text
        if text.isprintable():
            name = unicodedata.name(text, "").casefold().replace("-", "_").replace(" ", "_")
            return _PUNCTUATION.get(name, name) or None
        return None
    signs = (chr(code) for code in range(0x21, 0x7F) if not chr(code).isalnum())
    return word if word in map(_named, signs) else None


def _is_sent(modifiers: list[str], name: str) -> bool:
    """Whether every terminal sends that combination as a key of its own."""
    letter = len(name) == 1 and name.isascii() and name.isalpha()
    match modifiers:
        case [] | ["alt"]:
            return True
        case ["ctrl"]:
            return (letter and name.islower()) or name in _MOVING
        case ["shift"]:
            return letter or name == "tab" or name in _MOVING
        case _:
            return False


def _check(screen: str, table: Iterable[Action], changed: Keys) -> None:
    """Whether each key of a screen means one thing."""
    taken: dict[str, Action] = {}
    for action in table:
        for key in action.keys.split(","):
            other = taken.setdefault(key, action)
            if other.id != action.id:
                mine, theirs = sorted((other, action), key=lambda a: a.id not in changed)
                raise KeyMapError(
                    f"{written(key)} means both {mine.command!r} and {theirs.command!r} on the "
                    f"screen {screen!r}: give one of them another key"
                )
