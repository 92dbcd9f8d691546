"""DataValidator: good data goes on, bad data comes with reasons."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

from ..errors import UnknownNameError
from ._base import Builtin

Check = Callable[[Any], bool | tuple[bool, str]]


class DataValidator(Builtin):
    """Checks the fields of a dict.

    Slot: ``input``. Events: ``valid`` with ``validated_data``; ``invalid`` with ``errors`` (texts
    that begin with the field) and ``data``.

    Config:
        rules ({}): ``{field: rule or list of rules}``. A rule is a name or a function of the value
            that returns a bool or ``(bool, message)``. Built in: string, int, float, number, bool,
            list, dict, not_empty, positive. Others: `register_validator`.
        required_fields ([]): fields that must be there. Rules of absent fields are skipped.
        strict_mode (False): stop at the first error.
        allow_extra_fields (True): whether fields without a rule may be there.

    Example:
        >>> from routilux import Flow
        >>> from routilux.builtin import DataValidator, Mapper
        >>> flow, check, show = Flow("people"), DataValidator(), Mapper()
        >>> check.set_config(rules={"age": ["int", "positive"]}, required_fields=["name"])
        >>> show.set_config(function=print)
        >>> flow.add_routine(check, "check"), flow.add_routine(show, "show")
        ('check', 'show')
        >>> edge = flow.connect("check", "invalid", "show", "input", {"errors": "data"})
        >>> for person in ({"name": "Ann", "age": 5}, {"age": -5}):
        ...     job = flow.execute("check", {"data": person}, entry_slot="input")
        ['name: is missing', 'age: must be positive']
    """

    def __init__(self) -> None:
        super().__init__()
        self._known: dict[str, tuple[Check, str]] = dict(_BUILT_IN)
        self.set_config(rules={}, required_fields=[], strict_mode=False, allow_extra_fields=True)
        self.define_slot("input", handler=self.handle)
        self.define_event("valid", ["validated_data"])
        self.define_event("invalid", ["errors", "data"])

    def register_validator(self, name: str, function: Check) -> None:
        """Make a check available by a name; it may replace a built-in one."""
        if not callable(function):
            raise self._refusal(f"validator {name}", function, "a function of the value")
        self._known = {**self._known, name: (function, f"fails {name}")}

    def handle(self, **message: Any) -> None:
        """Send a message to ``valid`` or ``invalid``."""
        data = self._received(message)
        most = 1 if self._read_flag("strict_mode") else None
        errors = list(islice(self._errors(data), most))
        self._track_operation("validate", success=not errors)
        if errors:
            self.emit("invalid", errors=errors, data=data)
        else:
            self.emit("valid", validated_data=data)

    def _errors(self, data: Any) -> Iterator[str]:
        """What is wrong, one by one, so that strict mode can stop at the first."""
        rules, required = self._rules(), self._read_names("required_fields")
        extra = self._read_flag("allow_extra_fields")
        if not isinstance(data, Mapping):
            yield f"the data must be a dict, not {type(data).__name__}"
            return
        yield from (f"{field}: is missing" for field in required if field not in data)
        if not extra:
            known = {*rules, *required}
            yield from (f"{field}: is not expected" for field in data if field not in known)
        for field, checks in rules.items():
            if field in data:
                yield from _failures(field, data[field], checks)

    def _rules(self) -> dict[str, list[tuple[Check, str]]]:
        rules = self.get_config("rules")
        if not isinstance(rules, Mapping):
            raise self._refusal("rules", rules, "a dict {field: rule or list of rules}")
        return {field: self._checks(field, rule) for field, rule in rules.items()}

    def _checks(self, field: str, rule: Any) -> list[tuple[Check, str]]:
        checks: list[tuple[Check, str]] = []
        for each in rule if isinstance(rule, list | tuple) else [rule]:
            if callable(each):
                checks.append((each, f"fails {getattr(each, '__name__', 'its check')}"))
            elif not isinstance(each, str):
                raise self._refusal(f"rules[{field!r}]", each, "a name or a function")
            elif each not in self._known:
                raise UnknownNameError("validator", each, self._where(), self._known)
            else:
                checks.append(self._known[each])
        return checks


def _failures(field: str, value: Any, checks: list[tuple[Check, str]]) -> Iterator[str]:
    for check, message in checks:
        try:
            result = check(value)
        except Exception as error:  # noqa: BLE001 - a check that cannot cope with it refuses it
            yield f"{field}: {message}: {type(error).__name__}: {error}"
            continue
        passed, said = result if isinstance(result, tuple) else (result, message)
        if not passed:
            yield f"{field}: {said}"


def _is(*types: type) -> Check:
    # bool is an int to isinstance, but an age of True is a mistake.
    return lambda value: isinstance(value, types) and (bool in types or type(value) is not bool)


_BUILT_IN: dict[str, tuple[Check, str]] = {
    "string": (_is(str), "must be a string"),
    "int": (_is(int), "must be an int"),
    "float": (_is(float), "must be a float"),
    "number": (_is(int, float), "must be a number"),
    "bool": (_is(bool), "must be a bool"),
    "list": (_is(list), "must be a list"),
    "dict": (_is(dict), "must be a dict"),
    "not_empty": (lambda value: value is not None and value not in ("", [], {}, ()), "is empty"),
    "positive": (lambda value: bool(value > 0), "must be positive"),
}
