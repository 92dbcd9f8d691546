"""Files of saved data: written all or nothing, and read with every damage told from the rest."""

from __future__ import annotations

import json
import os
import stat
from contextlib import suppress
from typing import Any, NoReturn
from uuid import uuid4

from .errors import DamagedDataError, SerializationError


def write(data: dict[str, Any], path: str | os.PathLike[str]) -> None:
    """Write plain data to a file. Until all is on the disk the old file stays as it is.

    Makes the folders. A new file gets the usual mode, an old one keeps its own; a link stays one.

    Raises:
        OSError: it cannot be written; the old file is still there.
    """
    try:
        text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    except (ValueError, RecursionError) as error:
        raise SerializationError(f"{os.fsdecode(path)}: JSON cannot hold it: {error}") from None
    target = os.path.realpath(os.fsdecode(path))
    folder = os.path.dirname(target)
    os.makedirs(folder, exist_ok=True)
    beside = os.path.join(folder, f".routilux-{uuid4().hex}.tmp")
    try:
        _write_through(beside, text.encode("ascii") + b"\n")
        with suppress(FileNotFoundError):
            os.chmod(beside, stat.S_IMODE(os.stat(target).st_mode))
        os.replace(beside, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(beside)
        raise


def _write_through(path: str, content: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    with open(os.open(path, flags, 0o666), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def read(path: str | os.PathLike[str]) -> Any:
    """What a file of JSON holds.

    Raises:
        FileNotFoundError: no such file.
        DamagedDataError: it is no JSON: empty, cut off, binary, a folder.
    """
    name = os.fsdecode(path)
    if os.path.isdir(name):
        raise DamagedDataError(f"{name} is a folder, not a saved file")
    with open(name, "rb") as file:
        content = file.read()
    if not content.strip():
        raise DamagedDataError(f"{name} is empty")
    try:
        return json.loads(content.decode("utf-8-sig"), parse_constant=_refuse)
    except UnicodeDecodeError:
        raise DamagedDataError(f"{name} is no text: a binary file?") from None
    except json.JSONDecodeError as error:
        raise DamagedDataError(f"{name} is no complete JSON, maybe cut off: {error}") from None
    except RecursionError:
        raise DamagedDataError(f"{name} is damaged: it is nested too deep") from None
    except ValueError as error:
        raise DamagedDataError(f"{name} is damaged: {error}") from None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number of JSON")
