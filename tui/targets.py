"""What to run: the words of the command line, or a folder to pick from. Nothing is executed here.

Only ``ast`` ever sees the user's code; loading it is the child's job.
"""

from __future__ import annotations

import ast
import builtins
import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Literal

from tui.errors import TargetError, UsageError, did_you_mean

Pairs = tuple[tuple[str, str], ...]

_SUFFIXES = (".py", ".pyw")
_MAX_DEPTH = 8
_MAX_FILES = 20_000
_MAX_BYTES = 1_000_000
_SKIPPED = {"__pycache__", "node_modules", "site-packages", "dist-packages", "build", "dist"}


@dataclass(frozen=True, slots=True)
class Target:
    """One thing to load and run in a child process."""

    kind: Literal["script", "file", "module"]
    """``script``: FILE.py as ``__main__``; ``file``: FILE.py:NAME imported under its own stem;
    ``module``: ``-m MODULE[:NAME]``."""
    path: Path | None
    """The file, absolute, links not followed; None for a module."""
    module: str | None
    """The dotted name; None for a script or a file."""
    name: str | None
    """NAME, possibly dotted; None when it is left to the loader to find the flows."""
    argv: tuple[str, ...]
    """The script's ``sys.argv[1:]``."""
    cwd: Path
    params: Pairs = ()
    typed: str = ""
    """File or module exactly as typed, without NAME: ``sys.argv[0]`` and ``__file__``."""

    @property
    def label(self) -> str:
        """Short text for a header: ``orders.py``, ``orders.py:flow``, ``pkg.mod:flow``."""
        base = self.module or (self.path.name if self.path else self.typed)
        return f"{base}:{self.name}" if self.name else base


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder was given instead of a file: let the user pick from :func:`scan`."""

    path: Path
    argv: tuple[str, ...]
    cwd: Path
    params: Pairs = ()
    typed: str = "."

    @property
    def label(self) -> str:
        """Short text for a header."""
        return self.path.name or str(self.path)

    def target(self, path: Path) -> Target:
        """Return the target for the *path* that was picked."""
        near = path.is_relative_to(self.cwd)
        typed = str(path.relative_to(self.cwd) if near else path)
        return Target("script", path, None, None, self.argv, self.cwd, self.params, typed)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One file that the picker offers."""

    path: Path
    title: str
    """First line of the docstring, or an empty string."""
    detail: str
    """What was found: ``build_flow()``, ``flow``, ``script``, ``routines Fetch, Parse``."""
    error: str | None = None
    """For a file that does not parse: what is wrong, with file and line."""


class Found(list[Candidate]):
    """The candidates, best first, and a *note* that is not empty when the scan was cut short."""

    note: str = ""


def parse_target(
    text: str | None,
    *,
    module: bool = False,
    argv: tuple[str, ...] = (),
    params: Pairs = (),
    cwd: Path | None = None,
) -> Target | Folder:
    """Turn ``FILE.py[:NAME]``, a folder, None (the current folder) or a module into a target.

    Args:
        text: as typed; relative paths are relative to *cwd*.
        module: *text* is the ``MODULE[:NAME]`` of ``-m``. Whether it exists is for the child
            to find out: looking would import its parent packages.
        argv: the script's own arguments.
        params: keyword arguments for a factory.
        cwd: default the process's working folder.

    Raises:
        UsageError: the text is not of any accepted form.
        TargetError: no such file or folder, or not a Python file.
    """
    try:
        here = Path.cwd() if cwd is None else cwd
    except OSError:
        raise TargetError("the current folder no longer exists: cd somewhere else") from None
    if module:
        dotted, name = _split_module(text or "")
        return Target("module", None, dotted, name, argv, here, params, dotted)
    typed, name = _split_name("." if text is None else text, here)
    path = _absolute(typed, here)
    if os.path.isdir(path):
        if name is not None:
            raise UsageError(f"{typed!r} is a folder: NAME needs a file, as in flow.py:{name}")
        return Folder(path, argv, here, params, typed)
    _check_file(typed, path, here)
    kind: Literal["script", "file"] = "script" if name is None else "file"
    return Target(kind, path, None, name, argv, here, params, typed)


def sample_folder() -> Path | None:
    """Return the shipped ``sample_flows``: inside the installed package, or beside a checkout."""
    package = Path(__file__).parent
    for folder in (package / "sample_flows", package.parent / "sample_flows"):
        if folder.is_dir():
            return folder
    return None


def scan(folder: Path, *, limit: int = 500, seconds: float = 2.0) -> Found:
    """List the Python files below *folder* that import routilux, without running any.

    Hidden folders, virtual environments, installed packages and build output are skipped, and
    so are links to folders. A file that mentions routilux but does not parse is listed with its
    error. Files without a flow to run come last if they define routine classes, and are left
    out otherwise (as are pytest files).

    Args:
        folder: where to start; eight levels deep at most, nearest files first.
        limit: candidates to list at most.
        seconds: time to spend at most. Being cut short is said in the result's ``note``.
    """
    found: list[tuple[int, bool, tuple[str, ...], Candidate]] = []
    cut: list[str] = []
    ends = monotonic() + seconds
    for seen, path in enumerate(_python_files(folder, ends, cut)):
        if len(found) >= limit or seen >= _MAX_FILES or monotonic() > ends:
            cut.append(f"stopped after {seen} Python files")
            break
        described = _describe(path)
        if described is not None:
            rank, candidate = described
            parts = path.relative_to(folder).parts
            found.append((rank, "sample_flows" not in parts, parts, candidate))
    result = Found(entry[3] for entry in sorted(found, key=lambda entry: entry[:3]))
    if cut:
        result.note = f"{cut[0]}: open a smaller folder to see the rest"
    return result


def _split_module(text: str) -> tuple[str, str | None]:
    dotted, colon, name = text.partition(":")
    looks_like_file = dotted.endswith(_SUFFIXES) or os.sep in dotted
    if looks_like_file or not all(part.isidentifier() for part in dotted.split(".")):
        hint = "; leave out -m for a file" if looks_like_file else ", as in -m pkg.flows"
        raise UsageError(f"-m takes a dotted module name, not {text!r}{hint}")
    return dotted, _checked_name(name, text) if colon else None


def _split_name(text: str, cwd: Path) -> tuple[str, str | None]:
    """Split FILE:NAME; a colon may also belong to a drive or to an existing file's name."""
    if not text:
        raise UsageError("the target is empty: give FILE.py, FILE.py:NAME or a folder")
    if ":" not in text or os.path.exists(_absolute(text, cwd)):
        return text, None
    for suffix in _SUFFIXES:
        file, colon, name = text.partition(suffix + ":")
        if colon:
            return file + suffix, _checked_name(name, text)
    file, _, name = text.rpartition(":")
    drive = len(file) == 1 and file.isalpha()
    if drive or "/" in name or "\\" in name:
        return text, None
    return file, _checked_name(name, text)


def _checked_name(name: str, text: str) -> str:
    if all(part.isidentifier() for part in name.split(".")):
        return name
    if name.endswith("()"):
        raise UsageError(f"in {text!r}, give the function without parentheses: {name[:-2]}")
    raise UsageError(
        f"in {text!r}, what follows the colon must name a flow or a function, not be {name!r}"
    )


def _absolute(typed: str, cwd: Path) -> Path:
    """Make *typed* absolute without following a final link (``sys.argv[0]`` does not either)."""
    path = Path(os.path.abspath(cwd)) / typed
    # abspath() would drop "link/.." as text; the file system goes through the link.
    if path.name == "..":
        return Path(os.path.realpath(path))
    return Path(os.path.realpath(path.parent)) / path.name if ".." in path.parts else path


def _check_file(typed: str, path: Path, cwd: Path) -> None:
    if not os.path.exists(path):
        raise TargetError(f"no such file: {typed}{_missing_hint(typed, path, cwd)}")
    if not os.path.isfile(path):
        raise TargetError(f"{typed} is not a regular file: give FILE.py or a folder")
    if path.suffix.lower() not in _SUFFIXES:
        raise TargetError(f"{typed} is not a Python file: its name must end in .py")
    if not os.access(path, os.R_OK):
        raise TargetError(f"{typed} cannot be read: check its permissions")


def _missing_hint(typed: str, path: Path, cwd: Path) -> str:
    if not os.path.isdir(path.parent):
        return f" (there is no folder {str(path.parent)!r})"
    if os.path.isfile(path.with_name(path.name + ".py")):
        return f"; did you mean {typed + '.py'!r}?"
    if typed.replace(".", "").isidentifier() and "." in typed:
        module = cwd.joinpath(*typed.split("."))
        if os.path.isfile(module.with_name(module.name + ".py")):
            return f"; for a module, say -m {typed}"
    try:
        names = [entry.name for entry in os.scandir(path.parent)]
    except OSError:
        return ""
    hint = did_you_mean(path.name, [n for n in names if n.endswith(_SUFFIXES) or "." not in n])
    return hint or f" (in {str(path.parent)!r})"


def _python_files(folder: Path, ends: float, cut: list[str]) -> Iterator[Path]:
    """Yield Python files, nearest first; say in *cut* what had to be left out."""
    level = [folder]
    for _ in range(_MAX_DEPTH + 1):
        below: list[Path] = []
        for place in level:
            if monotonic() > ends:
                cut.append("stopped when the time was over")
                return
            files, folders = _list(place)
            yield from files
            below += folders
        level = below
    if level:
        cut.append(f"left out folders more than {_MAX_DEPTH} levels down")


def _list(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return the Python files of *folder* and the subfolders worth looking into."""
    try:
        with os.scandir(folder) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return [], []
    files, folders = [], []
    for entry in listed:
        if entry.name.startswith("."):
            continue
        try:
            if entry.is_dir(follow_symlinks=False):
                if not _skipped(entry.path, entry.name):
                    folders.append(Path(entry.path))
            elif entry.name.endswith(_SUFFIXES) and entry.is_file():
                files.append(Path(entry.path))
        except OSError:
            continue
    return files, folders


def _skipped(path: str, name: str) -> bool:
    if name in _SKIPPED or name.endswith(".egg-info"):
        return True
    return any(os.path.exists(os.path.join(path, mark)) for mark in ("pyvenv.cfg", "conda-meta"))


def _describe(path: Path) -> tuple[int, Candidate] | None:
    """Return the rank (0: can be run, 1: cannot) and the entry of *path*, None to leave it out."""
    try:
        with open(path, "rb") as file:
            source = file.read(_MAX_BYTES + 1)
    except OSError:
        return None
    if b"routilux" not in source or len(source) > _MAX_BYTES:
        return None
    try:
        # The parser warns about odd escapes in the user's code: those are not ours to show.
        warnings.filterwarnings("ignore", module="<routilux scan>")
        tree = ast.parse(source, "<routilux scan>")
    except SyntaxError as error:
        where = f"{path.name}:{error.lineno or 1}"
        return 0, Candidate(path, "", "does not parse", f"{where}: {error.msg}")
    except (ValueError, RecursionError, MemoryError) as error:
        return 0, Candidate(path, "", "does not parse", f"{path.name}:1: {error}")
    shape = _Shape(tree)
    pytest_file = path.name == "conftest.py" or path.name.startswith("test_")
    if pytest_file or not shape.imports_routilux or not (shape.runnable or shape.routines):
        return None
    doc = (ast.get_docstring(tree) or "").strip().partition("\n")[0]
    title = "".join(char for char in doc if char.isprintable()).strip()
    return (0 if shape.runnable else 1), Candidate(path, title, shape.detail)


class _Shape:
    """What a module offers, read from its top level (and the blocks that run with it)."""

    def __init__(self, tree: ast.Module) -> None:
        self.imports_routilux = False
        self.flows: list[str] = []
        self.factories: list[str] = []
        self.routines: list[str] = []
        self.script = False
        self._flow_types = {"Flow"}
        self._routine_types = {"Routine"}
        for node in ast.walk(tree):
            self._import(node)
        self._block(tree.body)

    @property
    def runnable(self) -> bool:
        return bool(self.flows or self.factories or self.script)

    @property
    def detail(self) -> str:
        parts = [f"{name}()" for name in self.factories] + list(dict.fromkeys(self.flows))
        parts += ["script"] if self.script else []
        if not parts and self.routines:
            parts = ["routines " + ", ".join(self.routines)]
        return ", ".join(parts)

    def _import(self, node: ast.AST) -> None:
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or ""]
            for alias in node.names:
                types = {"Flow": self._flow_types, "Routine": self._routine_types}.get(alias.name)
                if types is not None and alias.asname:
                    types.add(alias.asname)
        else:
            return
        self.imports_routilux |= any(name.partition(".")[0] == "routilux" for name in names)

    def _block(self, body: list[ast.stmt]) -> None:
        for node in body:
            match node:
                case ast.FunctionDef():
                    self._function(node)
                case ast.ClassDef():
                    self._class(node)
                case ast.AsyncFunctionDef() | ast.Import() | ast.ImportFrom():
                    pass
                case ast.If() | ast.For() | ast.While() | ast.With() | ast.Try():
                    for item in getattr(node, "items", []):
                        self._assigned(item.optional_vars, item.context_expr)
                    self._block(node.body)
                    self._block(getattr(node, "orelse", []))
                case _:
                    self._statement(node)

    def _statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Assign(targets=[target], value=value):
                self._assigned(target, value)
            case ast.AnnAssign(target=ast.Name(id=name), annotation=kind, value=ast.expr()):
                if self._named(kind) in self._flow_types:
                    self.flows.append(name)
        # Calling a method of a flow builds it; a script executes one, or calls its own main().
        calls = [call.func for call in ast.walk(node) if isinstance(call, ast.Call)]
        own = isinstance(node, ast.Expr | ast.Raise)
        self.script |= any(
            (isinstance(func, ast.Attribute) and func.attr in ("execute", "run"))
            or (own and isinstance(func, ast.Name) and not hasattr(builtins, func.id))
            for func in calls
        )

    def _function(self, node: ast.FunctionDef) -> None:
        returns_flow = node.returns is not None and self._named(node.returns) in self._flow_types
        if node.name in ("build_flow", "create_flow") or returns_flow:
            self.factories.append(node.name)

    def _class(self, node: ast.ClassDef) -> None:
        bases = {self._named(base) for base in node.bases}
        if bases & self._flow_types:
            self._flow_types.add(node.name)
        elif bases & self._routine_types:
            self._routine_types.add(node.name)
            self.routines.append(node.name)

    def _assigned(self, target: ast.expr | None, value: ast.expr) -> None:
        if isinstance(target, ast.Name) and isinstance(value, ast.Call):
            made_by = self._named(value.func)
            if made_by in self._flow_types or made_by in self.factories:
                self.flows.append(target.id)

    @staticmethod
    def _named(node: ast.expr) -> str:
        """Return the last name of ``Flow``, ``rx.Flow`` or ``"Flow"``, else an empty string."""
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.Constant(value=str(name)):
                return name
            case _:
                return ""
