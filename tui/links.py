"""What can be done with whatever is chosen: open its source, copy it."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tui import editor
from tui.editor import EditorError
from tui.filters import state_folder
from tui.widgets.choice import Choice

if TYPE_CHECKING:
    from tui.app import MonitorApp

#: Bytes that are sent to the terminal's clipboard: more is cut, or dropped, by many terminals.
CLIPBOARD = 75_000


async def edit(app: MonitorApp, choice: Choice) -> None:
    """Open the source of what is chosen. The screen is the editor's until it ends; the engine and
    the recording go on.

    Raises:
        EditorError: there is nothing to open, or nothing to open it with.
    """
    if not choice.file:
        raise EditorError("nothing with a source file is chosen here")
    line = choice.line
    if choice.handler:
        line = editor.handler_line(choice.file, choice.cls, choice.handler, choice.line)
    words = editor.command(app.settings.editor, choice.file, line)
    driver = app._driver
    if driver is None or not driver.can_suspend:
        raise EditorError("this terminal cannot be lent to an editor")
    with _no_interrupt(), app.batch_update(), app.suspend():
        try:
            process = await asyncio.create_subprocess_exec(*words)
        except OSError as error:
            raise EditorError(f"{words[0]} does not start: {error.strerror or error}") from None
        code = await process.wait()
    if code:
        raise EditorError(f"{Path(words[0]).name} ended with exit code {code}")


@contextlib.contextmanager
def _no_interrupt() -> Iterator[None]:
    """Ctrl+C in the editor is the editor's: the terminal sends it to us as well.

    A function, since what is ignored would be ignored by the editor too.
    """
    before = signal.signal(signal.SIGINT, lambda _signal, _frame: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def copy_file(environ: Mapping[str, str] = os.environ) -> Path | None:
    """The file that what is copied goes into; None where there is no home."""
    folder = state_folder(environ)
    return folder / "copied.txt" if folder is not None else None


def copy(app: MonitorApp, text: str, file: Path | None) -> str:
    """Copy a text to the clipboard and into a file.

    Returns:
        What has become of it, for the user.
    """
    encoded = text.encode("utf-8", "backslashreplace")
    kept = _keep(encoded, file)
    size = len(base64.b64encode(encoded))
    if size <= CLIPBOARD:
        app.copy_to_clipboard(encoded.decode())
        lines = text.count("\n") + 1
        what = f"{lines:,} lines" if lines > 1 else f"{len(text):,} characters"
        return f"Copied {what}; {kept}"
    return f"{len(encoded):,} bytes are too many for a terminal's clipboard; {kept}"


def _keep(encoded: bytes, file: Path | None) -> str:
    """Payloads may be private, so only the user may read it."""
    if file is None:
        return "there is no home folder to keep it in"
    partly = file.with_suffix(f".{os.getpid()}.tmp")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with open(os.open(partly, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            out.write(encoded)
        partly.replace(file)
    except OSError as error:
        return f"not in {file}: {error.strerror or error}"
    return f"it is in {file} too" if len(encoded) else f"{file} is empty now"
