"""Settings: what the user and the project have written down, below what the command line says.

The user's file is ``$XDG_CONFIG_HOME/routilux-tui/config.toml``, the project's is
``routilux-tui.toml`` in its top folder or, where there is none, ``[tool.routilux-tui]`` in its
``pyproject.toml``. The project wins over the user, key by key.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from tui.errors import UsageError, did_you_mean
from tui.options import DEFAULT_HZ, MAX_HZ, MIN_HZ, Options
from tui.remapping import KeyMapError, action_id, command_of, remap

#: Events that can be kept, and how many are: 80 bytes each, twice that while the list stands still.
LEAST_RING, RING, MOST_RING = 1_000, 200_000, 5_000_000
DEFAULT, COMMAND_LINE = "default", "command line"
_ON = "mend it, or start with --no-config to go on without"


class ConfigError(UsageError):
    """A configuration file is wrong; the message says where, and how to go on."""

    def __init__(self, where: str, what: str) -> None:
        super().__init__(f"{where}: {what}; {_ON}")


class Kind(NamedTuple):
    """What a setting may be: a test, and that in words."""

    fits: Callable[[Any], bool]
    allowed: str


def _whole(least: int, most: int) -> Kind:
    return Kind(
        lambda value: type(value) is int and least <= value <= most,
        f"a whole number from {least} to {most}",
    )


def _is_keys(value: Any) -> bool:
    return isinstance(value, str) or (
        isinstance(value, list) and all(isinstance(each, str) for each in value)
    )


_BOOL = Kind(lambda value: type(value) is bool, "true or false")
_TEXT = Kind(lambda value: type(value) is str and bool(value.strip()), "a text between quotes")
_TABLE = Kind(lambda value: isinstance(value, dict), "a table")
_KEYS = Kind(_is_keys, 'a key between quotes, such as "x", or a list of them')
#: Every setting.
KINDS: dict[str, Kind] = {
    "theme": _TEXT,
    "ascii": _BOOL,
    "rate": _whole(MIN_HZ, MAX_HZ),
    "slow": _BOOL,
    "mouse": _BOOL,
    "editor": _TEXT,
    "ring": _whole(LEAST_RING, MOST_RING),
    "keys": _TABLE,
    "lints": _TABLE,
}


@dataclass(frozen=True)
class Settings:
    """What holds, after all.

    Attributes:
        theme: name of the colour theme; None: the program's own.
        ascii: draw with ASCII characters only.
        rate: looks per second.
        slow: the link is slow: fewer frames when screens are full.
        mouse: whether the mouse is listened to; else the terminal selects text with it.
        editor: command that opens a file, perhaps with ``{file}`` and ``{line}``; empty: none.
        ring: events kept.
        keys: of an action's id its keys, where they are others than in `tui.keys`.
        lints: of a lint's id its settings, as written.
        sources: where each of these comes from; of single keys and lints too: ``keys.pause``.
        files: configuration files that were looked for, with whether they were there.
    """

    theme: str | None = None
    ascii: bool = False
    rate: int = DEFAULT_HZ
    slow: bool = False
    mouse: bool = True
    editor: str = ""
    ring: int = RING
    keys: Mapping[str, str] = field(default_factory=dict)
    lints: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, bool] = field(default_factory=dict)

    def source(self, name: str) -> str:
        """Where a setting comes from."""
        return self.sources.get(name, DEFAULT)


def settings(options: Options, project: Path, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the files of a user and a project, and put the command line above them.

    Args:
        options: the command line; with ``no_config`` no file is read.
        project: the top folder of the project.
        environ: the environment.

    Raises:
        ConfigError: a file cannot be read, or holds what makes no sense.
    """
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    files: dict[str, bool] = {}
    for variable in ("EDITOR", "VISUAL"):  # the second wins
        if environ.get(variable, "").strip():
            values["editor"], sources["editor"] = environ[variable], f"${variable}"
    keys: dict[str, str] = {}
    lints: dict[str, Any] = {}
    for where, table in () if options.no_config else _tables(project, environ, files):
        found = _checked(where, table)
        own = found.pop("keys", {})
        try:
            keys = remap(own, keys)
        except KeyMapError as error:
            raise ConfigError(f"{where} [keys]", str(error)) from None
        sources |= {f"keys.{action_id(name)}": where for name in own}
        for name, value in found.pop("lints", {}).items():
            lints[name] = {**lints.get(name, {}), **value}
            sources.update({f"lints.{name}.{key}": where for key in value})
        values |= found
        sources |= dict.fromkeys(found, where)
    for name, value in (("theme", options.theme), ("ascii", options.ascii or None),
                        ("rate", options.hz), ("mouse", None if options.mouse else False),
                        ("slow", None if options.hz is None else options.slow)):  # fmt: skip
        if value is not None:
            values[name], sources[name] = value, COMMAND_LINE
    return Settings(**values, keys=keys, lints=lints, sources=sources, files=files)


# files --------------------------------------------------------------------------------------------


def user_file(environ: Mapping[str, str] = os.environ) -> Path | None:
    """Where the user's settings are; None where there is no home."""
    base = Path(environ.get("XDG_CONFIG_HOME", ""))
    if not base.is_absolute():  # unset, or to be ignored, as the specification says
        try:
            base = Path.home() / ".config"
        except RuntimeError:
            return None
    return base / "routilux-tui" / "config.toml"


def _tables(
    project: Path, environ: Mapping[str, str], files: dict[str, bool]
) -> list[tuple[str, dict[str, Any]]]:
    """The tables of all files, each with where it stands; the one that wins is the last."""
    found = []
    user = user_file(environ)
    if user is not None and (table := _read(user, files)) is not None:
        found.append((str(user), table))
    own, shared = project / "routilux-tui.toml", project / "pyproject.toml"
    table = _read(own, files)
    if table is not None:
        found.append((str(own), table))
        return found
    tools = (_read(shared, files, mended=False) or {}).get("tool", {})
    name = "routilux-tui"
    if isinstance(tools, dict) and name in tools:
        where = f"{shared} [tool.{name}]"
        if not isinstance(tools[name], dict):
            raise ConfigError(where, "it must be a table")
        found.append((where, tools[name]))
    return found


def _read(path: Path, files: dict[str, bool], *, mended: bool = True) -> dict[str, Any] | None:
    """A file's content; None where it is not there."""
    try:
        with path.open("rb") as file:
            found = tomllib.load(file)
    except (FileNotFoundError, NotADirectoryError):
        files[str(path)] = False
        return None
    except OSError as error:
        raise ConfigError(str(path), f"it cannot be read: {error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        if not mended:  # somebody else's file: it is theirs to say so
            files[str(path)] = False
            return None
        raise ConfigError(str(path), f"it is no TOML: {error}") from None
    files[str(path)] = True
    return found


# values -------------------------------------------------------------------------------------------


def _checked(where: str, table: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of one file; ``slow`` is a rate too."""
    found: dict[str, Any] = {}
    for name, value in table.items():
        kind = KINDS.get(name)
        if kind is None:
            hint = did_you_mean(name, KINDS)
            raise ConfigError(where, f"unknown key {name!r}{hint} (there are: {', '.join(KINDS)})")
        _check(where, name, value, kind)
        found[name] = value
    for name, value in found.get("keys", {}).items():
        _check(where, f"keys.{name}", value, _KEYS)
    found["keys"] = {name: _split(value) for name, value in found.get("keys", {}).items()}
    for name, value in found.get("lints", {}).items():
        _check(where, f"lints.{name}", value, _TABLE)
    if found.get("slow", False):
        if "rate" in found:
            raise ConfigError(where, f"'slow' means rate = {MIN_HZ}, and there is a 'rate' too")
        found["rate"] = MIN_HZ
    return found


def _check(where: str, name: str, value: Any, kind: Kind) -> None:
    if not kind.fits(value):
        raise ConfigError(where, f"{name!r} must be {kind.allowed}, not {_toml(value)}")


def _split(value: str | list[str]) -> list[str]:
    """Several keys may stand in one text; a comma alone is one."""
    if isinstance(value, list):
        return value
    return [value] if value.strip() in ("", ",") else [key.strip() for key in value.split(",")]


# telling ------------------------------------------------------------------------------------------


def told(found: Settings) -> str:
    """The settings as TOML, each with where it comes from."""
    lines = ["# What holds, and where it comes from. Save it as one of the files below to keep it."]
    rows = [
        (f"{name} = {_toml(value)}" if value not in (None, "") else f"# {name} is not set", name)
        for name in ("theme", "ascii", "rate", "slow", "mouse", "editor", "ring")
        for value in [getattr(found, name)]
        if name != ("rate" if found.slow else "slow")  # one follows from the other
    ]
    lines += _commented(rows, found)
    if found.keys:
        lines += ["", "[keys]"]
        rows = [(f"{_toml(command_of(ident))} = {_toml(keys.split(','))}", f"keys.{ident}")
                for ident, keys in found.keys.items()]  # fmt: skip
        lines += _commented(rows, found)
    for lint, values in found.lints.items():
        lines += ["", f"[lints.{_toml(lint)}]"]
        rows = [(f"{_toml(k)} = {_toml(v)}", f"lints.{lint}.{k}") for k, v in values.items()]
        lines += _commented(rows, found)
    lines.append("")
    lines += [
        f"# {'read' if there else 'not there'}: {file}" for file, there in found.files.items()
    ]
    return "\n".join(lines) + "\n"


def _commented(rows: list[tuple[str, str]], found: Settings) -> list[str]:
    width = max((len(text) for text, _ in rows), default=0)
    return [f"{text:<{width}}  # {found.source(name)}" for text, name in rows]


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_toml(k)} = {_toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, bool | str | int | float):
        return json.dumps(value)
    return str(value)
