"""The user's editor: how each is told a file and a line, and where a handler stands in a file."""

from __future__ import annotations

import ast
import os
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path

from tui.errors import TuiError

#: Editors by the name of the program, with what follows it. Of any other: ``+LINE FILE``, which
#: vi, nano, emacs and most others of a terminal understand.
TEMPLATES: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("code", "code-insiders", "codium", "cursor", "windsurf"), ("--goto", "{file}:{line}")
    ),
    **dict.fromkeys(("hx", "helix", "subl", "zed", "zeditor", "micro"), ("{file}:{line}",)),
    **dict.fromkeys(("idea", "pycharm", "charm", "kate"), ("--line", "{line}", "{file}")),
    "mate": ("--line", "{line}", "{file}"),
}
_OTHERS = ("+{line}", "{file}")
#: Bytes of a file that is looked through for a handler.
_LARGEST = 5_000_000


class EditorError(TuiError):
    """There is no editor, or nothing to open; the message says what to do."""


def command(editor: str, file: str, line: int) -> list[str]:
    """The words of the command that opens a file at a line.

    Args:
        editor: a command, as in ``$EDITOR``; with ``{file}`` in it, and perhaps ``{line}``, these
            are put in, and nothing is added.
        file: its path.
        line: from 1; less means the first.

    Raises:
        EditorError: no editor is set, it cannot be found, or the file is not there.
    """
    if not editor.strip():
        raise EditorError(
            "no editor is set: put $EDITOR into the environment or `editor` into the configuration"
        )
    try:
        words = shlex.split(editor)
    except ValueError as error:
        raise EditorError(f"the editor {editor!r} is no command: {error}") from None
    if not os.path.isfile(file):
        raise EditorError(f"there is no file {file!r}")
    if shutil.which(words[0]) is None:
        raise EditorError(f"the editor {words[0]!r} is not there: set $EDITOR or `editor`")
    if "{file}" not in editor:
        words += TEMPLATES.get(Path(words[0]).name, _OTHERS)
    values = {"{file}": file, "{line}": str(max(1, line))}
    return [_filled(word, values) for word in words]


def _filled(word: str, values: Mapping[str, str]) -> str:
    """Put in both at once: a path may have braces in it."""
    head, mark, tail = word.partition("{")
    while mark:
        for name, value in values.items():
            if f"{{{tail}".startswith(name):
                return head + value + _filled(tail[len(name) - 1 :], values)
        more, mark, tail = tail.partition("{")
        head = f"{head}{{{more}"
    return head


def handler_line(file: str, cls: str, handler: str, otherwise: int) -> int:
    """The line of a handler in the source of its class; the file is read, not run.

    Args:
        otherwise: what to give where it is not there: it is inherited, or made by a call.
    """
    try:
        if not handler or os.path.getsize(file) > _LARGEST:
            return otherwise
        tree = ast.parse(Path(file).read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return otherwise
    classes = [n for n in ast.walk(tree) if isinstance(n, ast.ClassDef) and n.name == cls]
    nearest = min(classes, key=lambda node: abs(node.lineno - otherwise), default=None)
    for node in ast.walk(nearest) if nearest is not None else ():
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == handler:
            return node.lineno
    return otherwise
