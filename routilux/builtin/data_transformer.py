"""DataTransformer: named changes, one after another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import UnknownNameError
from ._base import Builtin, Function


class DataTransformer(Builtin):
    """Applies transformations to the data, in order.

    Slot: ``input``. Event: ``output`` with ``transformed_data``, ``transformation_applied`` (the
    names of those that worked) and ``errors`` (texts, or None). One that fails leaves the data as
    it was, and the next one goes on.

    Config:
        transformations ([]): names. Built in, for each value in dicts and lists: lowercase,
            uppercase, strip_whitespace (of text), to_string, to_int, to_float, and remove_none.
            Others: `register_transformation`.

    Example:
        >>> from routilux import Flow
        >>> from routilux.builtin import DataTransformer, Mapper
        >>> flow, clean, show = Flow("clean"), DataTransformer(), Mapper()
        >>> clean.set_config(transformations=["strip_whitespace", "lowercase", "remove_none"])
        >>> show.set_config(function=print)
        >>> flow.add_routine(clean, "clean"), flow.add_routine(show, "show")
        ('clean', 'show')
        >>> renamed = {"transformed_data": "data"}
        >>> edge = flow.connect("clean", "output", "show", "input", renamed)
        >>> person = {"name": " Ann ", "age": None}
        >>> job = flow.execute("clean", {"data": person}, entry_slot="input")
        {'name': 'ann'}
    """

    def __init__(self) -> None:
        super().__init__()
        self._known: dict[str, Function] = dict(_BUILT_IN)
        self.set_config(transformations=[])
        self.define_slot("input", handler=self.handle)
        self.define_event("output", ["transformed_data", "transformation_applied", "errors"])

    def register_transformation(self, name: str, function: Function) -> None:
        """Make a function of the whole data available by a name; it may replace a built-in one."""
        if not callable(function):
            raise self._refusal(f"transformation {name}", function, "a function of the data")
        self._known = {**self._known, name: function}

    def handle(self, **message: Any) -> None:
        """Send on what the transformations make of a message."""
        data = self._received(message)
        applied: list[str] = []
        errors: list[str] = []
        for name, function in self._chosen():
            try:
                data = function(data)
                applied.append(name)
            except Exception as error:  # noqa: BLE001 - whatever one raises, the next goes on
                errors.append(f"{name}: {type(error).__name__}: {error}")
        self._track_operation("transform", success=not errors)
        self.emit(
            "output",
            transformed_data=data,
            transformation_applied=applied,
            errors=errors or None,
        )

    def _chosen(self) -> list[tuple[str, Function]]:
        known = self._known
        names = self._read_names("transformations")
        for name in names:
            if name not in known:
                raise UnknownNameError("transformation", name, self._where(), known)
        return [(name, known[name]) for name in names]


def _each(change: Callable[[Any], Any]) -> Function:
    """The change, applied to every value in dicts, lists and tuples."""

    def apply(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: apply(each) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return _like(value, [apply(each) for each in value])
        return change(value)

    return apply


def _of_text(change: Callable[[str], str]) -> Function:
    return _each(lambda value: change(value) if isinstance(value, str) else value)


def _remove_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _remove_none(each) for key, each in value.items() if each is not None}
    if isinstance(value, list | tuple):
        return _like(value, [_remove_none(each) for each in value if each is not None])
    return value


def _like(value: list[Any] | tuple[Any, ...], items: list[Any]) -> list[Any] | tuple[Any, ...]:
    return items if isinstance(value, list) else tuple(items)


_BUILT_IN: dict[str, Function] = {
    "lowercase": _of_text(str.lower),
    "uppercase": _of_text(str.upper),
    "strip_whitespace": _of_text(str.strip),
    "to_string": _each(str),
    "to_int": _each(int),
    "to_float": _each(float),
    "remove_none": _remove_none,
}
