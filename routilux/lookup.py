"""Classes of routines by name: what is saved of a class, and how it is found again.

A class is named by its module and its qualified name, as in a pickle, and looked up when it is
needed: a reloaded module gives its new class.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any, NamedTuple

from .errors import DamagedDataError, SerializationError, UnknownNameError
from .reader import Reader
from .report import message
from .routine import Routine

#: What a script is called that was started by itself; the second in processes of multiprocessing.
_MAIN = ("__main__", "__mp_main__")


class Name(NamedTuple):
    """What is saved of a class.

    ``file`` and ``spec`` are of the script, if the class stands in one that was started: its
    absolute path, and the name by which it was started with ``python -m``.
    """

    module: str
    qualname: str
    file: str | None = None
    spec: str | None = None


def name_of(kind: type[Routine], where: str) -> dict[str, Any]:
    """What to save of a routine's class.

    Raises:
        SerializationError: it could not be found again, or not be made without arguments.
    """
    module, qualname = kind.__module__, kind.__qualname__
    if "<" in qualname:
        raise SerializationError(
            f"{where}: class {qualname} stands in a function, where it cannot be found again; "
            f"move it to the top level of module {module}"
        )
    _refuse_arguments(kind, where)
    loaded = sys.modules.get(module)
    if loaded is not None and _class_in(loaded, qualname) is None:
        raise SerializationError(
            f"{where}: module {module!r} has no class {qualname}, so it could not be found again; "
            "give the class the name by which the module knows it"
        )
    if module not in _MAIN:
        return {"module": module, "qualname": qualname}
    file, spec = _script()
    return {"module": "__main__", "qualname": qualname, "file": file, "spec": spec}


def arguments(kind: type[Routine]) -> list[str]:
    """The parameters without a default that making an instance needs."""
    try:
        parameters = inspect.signature(kind).parameters.values()
    except (TypeError, ValueError):  # not told; the call will tell
        return []
    loose = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [p.name for p in parameters if p.default is p.empty and p.kind not in loose]


def _refuse_arguments(kind: type[Routine], where: str) -> None:
    needed = arguments(kind)
    if needed:
        values = ", ".join(f"{name}=..." for name in needed)
        raise SerializationError(
            f"{where}: {kind.__name__}() needs {', '.join(map(repr, needed))}, but a routine is "
            "made again without arguments; let __init__ take none, and pass such values by "
            f"routine.set_config({values})"
        )


def read_name(reader: Reader) -> Name:
    """What was saved of a class, checked."""
    module, qualname = reader.take("module", str), reader.take("qualname", str)
    for text in (module, qualname):
        if not all(part.isidentifier() for part in text.split(".")):
            raise reader.damaged(f"{text!r} names no class")
    if module != "__main__":
        return Name(module, qualname)
    return Name(module, qualname, reader.maybe("file", str), reader.maybe("spec", str))


def find(name: Name, where: str) -> type[Routine]:
    """The class of that name. Imports its module.

    Args:
        name: as saved.
        where: the flow and the routine, for messages.

    Raises:
        UnknownNameError: no such module or class, with the nearest name that there is.
        DamagedDataError: the module cannot be imported, or the class is no Routine.
    """
    searched: list[ModuleType] = []
    for module in _candidates(name, where):
        found = _class_in(module, name.qualname)
        if found is not None:
            return found
        searched.append(module)
    if not searched:
        script = f" (script {name.file})" if name.file else ""
        place = f"{where}, class {name.qualname}{script}: this program"
        raise UnknownNameError("module", name.module, place, _known_modules())
    for module in searched:
        if _attribute(module, name.qualname) is not None:
            raise DamagedDataError(
                f"{where}: {name.qualname} of module {module.__name__!r} is no subclass of Routine"
            )
    known = sorted({each for module in searched for each in _classes_in(module)})
    shown = f"script {name.file}" if name.file else f"module {name.module!r}"
    raise UnknownNameError("class", name.qualname, f"{where}: {shown}", known)


def _candidates(name: Name, where: str) -> Iterator[ModuleType]:
    if name.module != "__main__":
        module = _import(name.module, where)
        if module is not None:
            yield module
        return
    main = sys.modules["__main__"]
    file = name.file
    if file is None:
        yield main
        return
    here = getattr(main, "__file__", None) or ""
    if os.path.basename(here) == os.path.basename(file):  # the folder may have been moved
        yield main
    for module in list(sys.modules.values()):
        other = getattr(module, "__file__", None)
        if module is not main and isinstance(other, str) and _same(other, file):
            yield module
    module = _import(name.spec, where) if name.spec else None
    if module is not None:
        yield module
    stem = os.path.splitext(os.path.basename(file))[0]
    if "." not in stem and _is_other_script(stem, os.path.basename(file), here):
        module = _import(stem, where)
        if module is not None:
            yield module


def _import(name: str, where: str) -> ModuleType | None:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            return None
        reason: BaseException = error
    except (Exception, SystemExit) as error:  # noqa: BLE001 - of the module's own code
        reason = error
    raise DamagedDataError(
        f"{where}: importing module {name!r} raised {type(reason).__name__}: {message(reason)}"
    ) from reason


def _is_other_script(module: str, file: str, main: str) -> bool:
    """Whether a module is a file of that name, and not the script that runs now."""
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError, AttributeError):
        return False
    origin = spec.origin if spec is not None else None
    return origin is not None and os.path.basename(origin) == file and not _same(origin, main)


def _same(one: str, other: str) -> bool:
    if os.path.basename(one) != os.path.basename(other):
        return False
    return os.path.realpath(one) == os.path.realpath(other)


def _script() -> tuple[str | None, str | None]:
    main = sys.modules["__main__"]
    file, spec = getattr(main, "__file__", None), getattr(main, "__spec__", None)
    name = getattr(spec, "name", None)
    return (
        os.path.abspath(file) if isinstance(file, str) else None,
        name if isinstance(name, str) else None,
    )


def _attribute(module: ModuleType, qualname: str) -> Any:
    found: Any = module
    for part in qualname.split("."):
        found = getattr(found, part, None)
    return found


def _class_in(module: ModuleType, qualname: str) -> type[Routine] | None:
    found = _attribute(module, qualname)
    return found if isinstance(found, type) and issubclass(found, Routine) else None


def _classes_in(module: ModuleType) -> list[str]:
    found = [n for n, v in list(vars(module).items()) if isinstance(v, type) and v is not Routine]
    return [name for name in found if _class_in(module, name) is not None]


def _known_modules() -> list[str]:
    """The modules that have classes of routines."""
    found: set[str] = set()
    todo: list[type[Routine]] = [Routine]
    while todo:
        kind = todo.pop()
        found.add(kind.__module__)
        todo.extend(type.__subclasses__(kind))
    return sorted(found)
