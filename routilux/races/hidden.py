"""Whether handlers use what the seam cannot see: globals, closures, objects of the user's own."""

from __future__ import annotations

import dis
import sys
import types
from collections.abc import Container, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from .locks import PRIMITIVES
from .patches import is_users

if TYPE_CHECKING:
    from ..flow import Flow

_HARMLESS = (
    *PRIMITIVES,
    type, types.FunctionType, types.BuiltinFunctionType, types.ModuleType, types.MethodType,
    int, float, str, bytes, bool, complex, type(None), frozenset, range, property, classmethod,
    staticmethod,
)  # fmt: skip
_STORES = ("STORE_GLOBAL", "DELETE_GLOBAL", "STORE_DEREF")
_OWN_CELLS = ("self", "__class__")
_PLAIN_MODULES = ("builtins", "routilux", "collections", "datetime", "decimal", "uuid", "enum")


def hides_state(flows: Iterable[Flow]) -> bool:
    """Whether there may be races that only show line by line."""
    routines = [routine for flow in flows for routine in flow.routines.values()]
    return any(
        _holds_objects(routine)
        or any(_uses_hidden(function, vars(routine)) for function in functions_of(routine))
        for routine in routines
    )


def codes_of(routine: Any) -> Iterator[types.CodeType]:
    """The code of a routine, of what it names and holds, and of what is defined inside these."""
    for function in functions_of(routine):
        yield from _with_inner(function.__code__)


def _with_inner(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _with_inner(constant)


def functions_of(routine: Any) -> Iterator[types.FunctionType]:
    """The user's functions that a routine may call, as far as they are named."""
    todo = [f for kind in type(routine).__mro__ for f in _methods(kind)]
    todo += [f for slot in routine._slots.values() for f in _function(slot.handler)]
    todo += [f for value in vars(routine).values() for f in _methods(type(value))]
    seen: set[types.CodeType] = set()
    while todo:
        function = todo.pop()
        if function.__code__ not in seen and is_users(function.__code__.co_filename):
            seen.add(function.__code__)
            todo += _named(function)
            yield function


def _function(value: Any) -> list[types.FunctionType]:
    """The function in a method, property or such."""
    inner = getattr(value, "fget", None) or getattr(value, "__func__", value)
    return [inner] if isinstance(inner, types.FunctionType) else []


def _methods(kind: type) -> list[types.FunctionType]:
    return [f for value in list(vars(kind).values()) for f in _function(value)]


def _values(function: types.FunctionType) -> Iterator[Any]:
    """What a function can reach by name."""
    for name in function.__code__.co_names:
        if name in function.__globals__:
            yield function.__globals__[name]
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # not set yet
            continue


def _named(function: types.FunctionType) -> list[types.FunctionType]:
    found: list[types.FunctionType] = []
    for value in _values(function):
        found += _function(value)
        if _is_users_class(value):
            found += _methods(value)
        elif _is_users_class(type(value)):
            found += _methods(type(value))
    return found


def _is_users_class(kind: Any) -> bool:
    if not isinstance(kind, type):
        return False
    module = sys.modules.get(kind.__module__)
    return is_users(getattr(module, "__file__", None) or "<frozen")


def _holds_objects(routine: Any) -> bool:
    """Whether an attribute is an object of a class of the user's own."""
    return any(
        type(value).__module__.partition(".")[0] not in _PLAIN_MODULES
        and not isinstance(value, _HARMLESS)
        for value in vars(routine).values()
    )


def _uses_hidden(function: types.FunctionType, attributes: Container[str]) -> bool:
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    if any(name not in _OWN_CELLS and not _is_harmless(cell) for name, cell in cells.items()):
        return True
    for instruction in dis.get_instructions(function.__code__):
        if instruction.opname in _STORES:
            return True
        if instruction.opname == "STORE_ATTR" and instruction.argval not in attributes:
            return True  # of something else than the routine, or of its class
        if instruction.opname == "LOAD_GLOBAL":
            value = function.__globals__.get(instruction.argval)
            if not isinstance(value, _HARMLESS):
                return True
            if isinstance(value, type) and _has_own_state(value):
                return True
    return False


def _is_harmless(cell: Any) -> bool:
    try:
        return isinstance(cell.cell_contents, _HARMLESS)
    except ValueError:
        return True


def _has_own_state(kind: type) -> bool:
    """Whether a class keeps something that can change."""
    return _is_users_class(kind) and any(
        not isinstance(value, _HARMLESS)
        for name, value in vars(kind).items()
        if not name.startswith("__")
    )
